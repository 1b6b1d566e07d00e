"""The World as people read it: one Row per task file, and every gate of one task.  Pure: values in, text out.

The words themselves are made in `words` and offered here again, so that a face needs only this module.  A Row never
holds raw text from a task: titles, last lines and sentences have passed `safe`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cctui.core import firing, gates, precedence, queue, spoken
from cctui.core.gates import Gate
from cctui.core.queue import plan_waits
from cctui.core.runners import stands_in, via
from cctui.core.watching import as_claimed
from cctui.core.words import (
    count,
    figure,
    moment,
    outcome,
    parked,
    percent,
    points,
    problem,
    safe,
    safe_text,
    say,
    sentence,
    short,
    span,
    window_name,
)
from cctui.core.world import Broken, Estimate, Halting, Part, Phase, Reason, Record, Run, Stage, Task, Why, World

__all__ = [
    "Gate",
    "Row",
    "State",
    "count",
    "figure",
    "find",
    "moment",
    "outcome",
    "parked",
    "percent",
    "points",
    "problem",
    "rows",
    "safe",
    "safe_text",
    "say",
    "sentence",
    "short",
    "span",
    "why",
    "window_name",
]

INVALID = "invalid"
"""The phase shown for a file that is not a task, whatever folder it lies in."""
PAST = 100
"""Completed and failed rows shown at most: the newest."""


class State(StrEnum):
    READY = "ready"
    WAITING = "waiting"
    PAUSED = "paused"
    STARTING = "starting"
    RUNNING = "running"
    PARKED = "parked"
    DONE = "done"
    FAILED = "failed"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    path: str
    phase: str
    """A Phase's value, or ``invalid``."""
    state: State
    position: int | None = None
    """1 is next; None: not in the line."""
    priority: int | None = None
    kind: str | None = None
    runner: str | None = None
    depends_on: tuple[str, ...] = ()
    deadline: datetime | None = None
    reason: Reason | None = None
    text: str = ""
    """Why it waits; for the others what there is to say: the last line of a run, how it ended, what is wrong."""
    run: Run | None = None
    title: str = ""
    warnings: tuple[str, ...] = ()
    record: Record | None = None
    """Its newest line in the history."""
    next_fire: datetime | None = None
    """Of a template."""
    skips: bool = False
    """The next firing of this template is to be left out."""
    rule: str = ""
    """Which rule chose its place, in a word or two; empty: it is not in the line."""
    expected: Estimate | None = None
    """What it is likely to take."""


# --- rows ------------------------------------------------------------------------------------------------------------


def rows(world: World, now: datetime, phases: Container[str] | None = None) -> tuple[Row, ...]:
    """Open runs first, then the line in its order, templates, broken files, and the newest of the past.

    `phases`: only rows of these (``invalid`` among them); None: all."""
    live = (*_open(world, now), *_line(world, now), *_templates(world, now))
    found = (*live, *map(_broken, world.broken), *_past(world))
    return tuple(row for row in found if phases is None or row.phase in phases)


def _open(world: World, now: datetime) -> Iterator[Row]:
    scene = queue.scene(world, now)
    by_task = {run.spec.task: run for run in world.runs.values()}
    for name, run in by_task.items():
        task = world.tasks.get(name)
        yield _running(world, scene, run, task, now) if task else _orphan(run)
    for task in world.tasks.values():
        if task.phase is Phase.ACTIVE and task.name not in by_task:
            yield _stray(world, task, now)


def _running(world: World, scene: queue.Scene, run: Run, task: Task, now: datetime) -> Row:
    match run.stage:
        case Stage.CLAIMED | Stage.LAUNCHING:
            return _row(task, State.STARTING, run=run, text=STARTS.get(run.part, "starts"))
        case Stage.PARKED:
            reason, text = _waits(scene, run, as_claimed(world, run), now)
            text += f" · {UNHEARD}" if run.unheard else ""
            return _row(task, State.PARKED, run=run, reason=reason, text=text)
        case Stage.FILING:
            return _row(task, State.RUNNING, run=run, text="finishing")
        case Stage.RUNNING:
            reason = Reason(Why.NEEDS_YOU, run.asks) if run.asks else None
            return _row(task, State.RUNNING, run=run, reason=reason, text=_at_work(run, now))


STARTS = {Part.CHECK: "its check starts", Part.SETUP: "its worktree is set up", Part.ATTENDED: "opens for you"}


UNHEARD = "your words wait for its next step"


def _at_work(run: Run, now: datetime) -> str:
    """What a running run has to say: who waits for whom, what part this is, and its last line."""
    if run.asks:
        return say(Reason(Why.NEEDS_YOU, run.asks), now)
    if run.stopping:
        return "stopping"
    if run.halting is Halting.TAKEOVER:
        return "handed over at its next step"
    if run.part is Part.ATTENDED:
        return "with you: leaving Claude gives it back"
    last = safe(run.progress.last_line, 200)
    if run.quiet and (heard := run.heard or run.leg_started):
        last = f"quiet since {moment(heard, now)} · {last}"
    if run.halting is Halting.LANDING:
        last = f"saves its work, the window is nearly full · {last}"
    rounds = f"round {run.iteration} of {run.spec.max_iterations} · " if run.iteration > 1 else ""
    doing = {Part.CHECK: "check · ", Part.SETUP: "set-up · ", Part.PLAN: "plans · "}.get(run.part, "")
    return f"{UNHEARD} · {last}".rstrip(" ·") if run.unheard else f"{rounds}{doing}{last}"


def _waits(scene: queue.Scene, run: Run, task: Task, now: datetime) -> tuple[Reason | None, str]:
    """What keeps a parked run: a person first, then its own moment, then whatever gate is shut after it."""
    if plan_waits(run):
        reason = Reason(Why.NEEDS_YOU, queue.PLAN_READY)
        return reason, say(reason, now)
    stop, reasons = run.parked, list(queue.held(scene, task))
    same = next((reason for reason in reasons if stop and reason.why is stop.why and reason.until), None)
    if same and stop:
        window = same.what if same.why is Why.LIMIT else None
        return same, parked(replace(stop, until=same.until, window=window), now)
    held = next(iter(reasons), None)
    if held:
        return held, f"parked: {sentence(scene.world, held, now)}"
    return None, f"{parked(stop, now).partition(',')[0] if stop else 'parked'}, goes on at once"


def _stray(world: World, task: Task, now: datetime) -> Row:
    """A file in active/ that no run belongs to: moved there by hand, or its STATE is another machine's."""
    if not queue.ready(world):
        return _row(task, State.STARTING, text="being looked at")
    reason = Reason(Why.STATE, "lies in active/, but nothing runs it: retry puts it back into the queue")
    return _row(task, State.WAITING, reason=reason, text=say(reason, now))


def _orphan(run: Run) -> Row:
    """An open run whose task file is gone or broken: it is still there and still ends."""
    stages = {Stage.CLAIMED: State.STARTING, Stage.LAUNCHING: State.STARTING, Stage.PARKED: State.PARKED}
    state = stages.get(run.stage, State.RUNNING)
    return Row(
        name=run.spec.task,
        path=run.spec.path,
        phase=Phase.ACTIVE.value,
        state=state,
        kind=run.spec.kind,
        runner=str(run.spec.runner),
        run=run,
        reason=Reason(Why.NEEDS_YOU, run.asks) if run.asks else None,
        text=f"its task file is gone{f'; needs you: {safe(run.asks, 120)}' if run.asks else ''}",
    )


def _line(world: World, now: datetime) -> Iterator[Row]:
    scene = queue.scene(world, now)
    waiting = [name for name in world.line.order if name in world.tasks and name not in scene.by_task]
    places = precedence.precedences(world, waiting)
    for position, name in enumerate(waiting, start=1):
        task = world.tasks[name]
        reason, text = next(queue.held(scene, task), None), "next" if position == 1 else "ready"
        if reason:
            reason, text = gates.explained(scene, reason)
        if reason is None and (other := stands_in(task.runner, via(task.runner, world.plugins or ()))):
            text = f"{text} · {other}"
        state = State.PAUSED if task.paused else State.WAITING if reason else State.READY
        rule, expected = precedence.sign(places[name], now), scene.estimate(task)
        yield _row(task, state, position=position, reason=reason, text=text, rule=rule, expected=expected)


def _templates(world: World, now: datetime) -> Iterator[Row]:
    for task in sorted(firing.templates(world), key=lambda task: task.name):
        state = State.PAUSED if task.paused else State.WAITING
        reason, text = _fires(world, task, now)
        row = _row(task, state, reason=reason, text=text)
        yield replace(row, next_fire=firing.next_fire(world, task, now), skips=firing.skips(world, task))


def _fires(world: World, task: Task, now: datetime) -> tuple[Reason, str]:
    """When a template fires next, and its schedule in words."""
    if not task.schedule:
        reason = Reason(Why.STATE, "has no schedule, so it never fires")
        return reason, say(reason, now)
    reason = Reason(Why.PAUSED)
    if not task.paused:
        zone = task.tz if task.tz and task.tz != world.zone else ""
        about = ", ".join(filter(None, (zone, "skipped" if firing.skips(world, task) else "")))
        reason = Reason(Why.SCHEDULE, about, until=firing.next_fire(world, task, now))
    local = now.astimezone(firing.zone_of(world, task, now))
    return reason, f"{say(reason, local)} · {safe(spoken.words(task.schedule, task.name), 100)}"


def why(world: World, name: str, now: datetime) -> tuple[Gate, ...]:
    """Every gate of a task; of a template, which has none, when it fires."""
    task = world.tasks.get(name)
    if task is None or task.phase is not Phase.RECURRING:
        return gates.why(world, name, now)
    reason, text = _fires(world, task, now)
    return (Gate(reason.why.value, False, text, until=reason.until),)


def _past(world: World) -> Iterator[Row]:
    newest: dict[str, Record] = {record.task_id: record for record in world.records}
    done = [task for task in world.tasks.values() if task.phase in (Phase.COMPLETED, Phase.FAILED)]

    def ended(task: Task) -> float:
        record = newest.get(task.name)
        when = (record.ended or record.timestamp) if record else task.added
        return when.timestamp() if when else 0.0

    for task in sorted(done, key=ended, reverse=True)[:PAST]:
        record = newest.get(task.name)
        state = State.DONE if task.phase is Phase.COMPLETED else State.FAILED
        yield _row(task, state, record=record, text=outcome(record) if record else "")


def _broken(entry: Broken) -> Row:
    texts = tuple(problem(entry, index) for index in range(len(entry.problems)))
    text = texts[0] if texts else "the file cannot be read"
    return Row(
        name=entry.name,
        path=entry.path,
        phase=INVALID,
        state=State.INVALID,
        reason=Reason(Why.INVALID, text),
        text=text,
        warnings=texts[1:],
    )


def _row(
    task: Task,
    state: State,
    *,
    position: int | None = None,
    reason: Reason | None = None,
    text: str = "",
    run: Run | None = None,
    record: Record | None = None,
    rule: str = "",
    expected: Estimate | None = None,
) -> Row:
    return Row(
        name=task.name,
        path=task.path,
        phase=Phase.ACTIVE.value if run else task.phase.value,
        state=state,
        position=position,
        priority=task.priority,
        kind=task.kind,
        runner=str(task.runner),
        depends_on=tuple(need.name for need in task.depends_on),
        deadline=task.deadline,
        reason=reason,
        text=text,
        run=run,
        title=safe(task.title, 200),
        warnings=tuple(safe(warning, 300) for warning in task.warnings),
        record=record,
        rule=rule,
        expected=expected,
    )


# --- names -----------------------------------------------------------------------------------------------------------


def find(world: World, text: str) -> tuple[str, ...]:
    """The tasks a person may mean: the name itself, its path, a run's id, else every name that starts so.

    A broken file is named by its path, since its name may be another task's too."""
    running = {run.spec.task for run in world.runs.values()}
    if text in world.tasks or text in running:
        return (text,)
    broken = {entry.path: entry.name for entry in world.broken}
    paths = {task.path: task.name for task in world.tasks.values()} | {path: path for path in broken}
    if text in paths:
        return (paths[text],)
    if text in world.runs:
        return (world.runs[text].spec.task,)
    if exact := [path for path, name in broken.items() if name == text]:
        return tuple(exact)
    start = text.casefold()
    names = sorted(name for name in world.tasks.keys() | running if name.casefold().startswith(start))
    return tuple(names) or tuple(sorted(path for path, name in broken.items() if name.casefold().startswith(start)))
