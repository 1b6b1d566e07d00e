"""The queue's gates: why a task waits.  Pure: no clock, no disk.

A gate is one function from a scene and a task to a Reason (shut) or None (open).  Every gate in GATES brings its own
sentence to every screen and its own line in `why`; adding a rule is adding a line there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from cctui.core import capacity, spending
from cctui.core.claims import spends
from cctui.core.order import line
from cctui.core.retry import over
from cctui.core.runners import asks_for_plugin, needs_claude
from cctui.core.scene import Scene, plan_waits, ready, run_of, scene
from cctui.core.spending import Reservation
from cctui.core.task import unsupported
from cctui.core.world import Phase, Reason, Stage, Task, Why, World

__all__ = [
    "GATES",
    "Scene",
    "block",
    "blocks",
    "candidates",
    "costed",
    "held",
    "line",
    "may_start",
    "plan_waits",
    "ready",
    "representatives",
    "reservation",
    "run_of",
    "scene",
    "spends",
]

OVER = (Phase.COMPLETED, Phase.FAILED)


# --- the gates -------------------------------------------------------------------------------------------------------


def _unsupported(scene: Scene, task: Task) -> Reason | None:
    what = unsupported(task)
    return Reason(Why.UNSUPPORTED, what) if what else None


def _fault(scene: Scene, task: Task) -> Reason | None:
    return scene.world.line.faults.get(task.name)


def _missing(scene: Scene, task: Task) -> Reason | None:
    reason = _fault(scene, task)
    return reason if reason and reason.why is Why.MISSING else None


def _cycle(scene: Scene, task: Task) -> Reason | None:
    reason = _fault(scene, task)
    return reason if reason and reason.why is Why.CYCLE else None


def _program(scene: Scene, task: Task) -> Reason | None:
    for name, sentence in scene.world.programs.items():
        if name != "disk" and (name != "claude" or needs_claude(task.runner)):
            return Reason(Why.PROGRAM, sentence)
    return None


def _disk(scene: Scene, task: Task) -> Reason | None:
    trouble = scene.world.programs.get("disk")
    return Reason(Why.DISK, trouble) if trouble else None


def _paused(scene: Scene, task: Task) -> Reason | None:
    return Reason(Why.PAUSED) if task.paused else None


def _hold(scene: Scene, task: Task) -> Reason | None:
    return Reason(Why.HOLD) if scene.world.memory.hold else None


def _starting(scene: Scene, task: Task) -> Reason | None:
    unasked = scene.blind and not scene.world.measured and needs_claude(task.runner)
    unknown = scene.world.plugins is None and asks_for_plugin(task.runner)
    return Reason(Why.STARTING) if unasked or unknown or not ready(scene.world) else None


def _not_before(scene: Scene, task: Task) -> Reason | None:
    when = task.not_before
    return Reason(Why.NOT_BEFORE, until=when) if when and when > scene.now else None


def _retry(scene: Scene, task: Task) -> Reason | None:
    retry = scene.world.memory.retries.get(task.name)
    if retry is None or over(Why.RETRY, None, retry.at, scene.now):
        return None
    return Reason(Why.RETRY, retry.text, float(retry.attempts + 1), float(task.max_attempts), retry.at)


def _depends(scene: Scene, task: Task) -> Reason | None:
    tasks = scene.world.tasks
    for dependency in task.depends_on:
        other = tasks.get(dependency.name)
        if other is not None and other.phase not in OVER:
            return Reason(Why.DEPENDS, dependency.name)
    return None


def _depends_failed(scene: Scene, task: Task) -> Reason | None:
    tasks = scene.world.tasks
    for dependency in task.depends_on:
        other = tasks.get(dependency.name)
        if other is not None and other.phase is Phase.FAILED and not dependency.any:
            return Reason(Why.DEPENDS_FAILED, dependency.name)
    return None


def _standing(why: Why) -> Callable[[Scene, Task], Reason | None]:
    """A refusal by the service: shut until its moment, for the run it parked and all else that it binds."""

    def gate(scene: Scene, task: Task) -> Reason | None:
        if not (scene.world.stops or task.name in scene.by_task) or not needs_claude(task.runner):
            return None
        stops = [stop for stop in scene.world.stops.values() if stop.why is why and capacity.concerns(stop, task.model)]
        run = scene.by_task.get(task.name)
        # A login is the same for all: what is known of it now counts, not what this run once met.
        if run and run.parked and run.parked.why is why and why is not Why.LOGIN:
            stops.append(run.parked)
        waits = [stop for stop in stops if stop.until and not over(why, stop.window, stop.until, scene.now)]
        if not waits:
            return None
        longest = max(waits, key=lambda stop: stop.until or scene.now)
        return Reason(why, longest.window or longest.text, until=longest.until)

    return gate


def _needs_you(scene: Scene, task: Task) -> Reason | None:
    run = scene.by_task.get(task.name)
    if run is None:
        return None
    if run.asks:
        return Reason(Why.NEEDS_YOU, run.asks)
    return Reason(Why.NEEDS_YOU, PLAN_READY) if plan_waits(run) else None


PLAN_READY = "plan ready; run it to accept"


def _canary(scene: Scene, task: Task) -> Reason | None:
    if not scene.world.stops or not needs_claude(task.runner):
        return None
    for stop in scene.world.stops.values():
        if not over(stop.why, stop.window, stop.until, scene.now) or not capacity.concerns(stop, task.model):
            continue
        # What began before the refusal proves nothing, so it is not waited for; nor does another model's answer.
        at_work = [run for run in scene.world.runs.values() if run.stage is not Stage.PARKED and spends(run)]
        mine = [run for run in at_work if capacity.concerns(stop, run.spec.model)]
        if any((run.leg_started or stop.since) >= stop.since for run in mine):
            return Reason(Why.CANARY, stop.why.value)
    return None


INTERRUPTED = (Why.LIMIT, Why.OUTAGE, Why.LOGIN, Why.LANDED, Why.LOST)


def _stagger(scene: Scene, task: Task) -> Reason | None:
    """Of several interrupted runs one goes on after the other: together they would race for the login, and for all
    that is left of the window."""
    run = scene.by_task.get(task.name)
    if not needs_claude(task.runner) or (run and (run.parked is None or run.parked.why not in INTERRUPTED)):
        return None
    if "stagger" not in scene.found:
        scene.found["stagger"] = _staggered(scene)
    found: Reason | None = scene.found["stagger"]
    return found


def _staggered(scene: Scene) -> Reason | None:
    pause = scene.world.settings.run.stagger_seconds
    starts = [
        other.leg_started
        for other in scene.world.runs.values()
        if other.leg_started and other.stage is not Stage.PARKED and spends(other) and other.legs[-1].why in INTERRUPTED
    ]
    until = max(starts) + timedelta(seconds=pause) if starts else scene.now
    return Reason(Why.STAGGER, until=until) if scene.now < until <= scene.now + timedelta(seconds=pause) else None


def _folder(scene: Scene, task: Task) -> Reason | None:
    if task.worktree:
        return None
    other = scene.busy.get(task.folder)
    if other is None and needs_claude(task.runner):
        other = scene.parked.get(task.folder)
    return Reason(Why.FOLDER, other) if other and other != task.name else None


def _slots(scene: Scene, task: Task) -> Reason | None:
    slots = scene.world.settings.run.slots
    return Reason(Why.SLOTS, value=float(scene.live), threshold=float(slots)) if scene.live >= slots else None


def _reserved(scene: Scene, task: Task) -> Reason | None:
    """Something more urgent holds the next opening: what would take that from it waits."""
    return spending.delays(scene, task, reservation(scene)) if scene.by_cost(task) else None


def reservation(scene: Scene) -> Reservation | None:
    """Of the most urgent task that only waits for room; worked out once for a scene."""
    if "reservation" not in scene.found:
        scene.found["reservation"] = _reservation(scene)
    found: Reservation | None = scene.found["reservation"]
    return found


def _reservation(scene: Scene) -> Reservation | None:
    world = scene.world
    for run in world.runs.values():
        task = world.tasks.get(run.spec.task) if run.stage is Stage.PARKED else None
        miss = spending.misses(scene, task) if task and scene.by_cost(task) else None
        if task and miss and not _needs_you(scene, task):
            return spending.reserve_for(scene, task, miss, -1)
    waiting = [task for task in representatives(scene) if scene.by_cost(task) and spending.misses(scene, task)]
    waiting = [task for task in waiting if all(gate(scene, task) is None for gate in OTHERS)]
    first = min(waiting, key=lambda task: spending.place(scene, task.name), default=None)
    miss = spending.misses(scene, first) if first else None
    return spending.reserve_for(scene, first, miss, spending.place(scene, first.name)) if first and miss else None


def representatives(scene: Scene) -> tuple[Task, ...]:
    """Of each group of tasks that take the same the first that nothing of its own holds back."""
    if "representatives" not in scene.found:
        scene.found["representatives"] = tuple(
            filter(None, (_first(scene, group) for group in scene.world.line.groups))
        )
    found: tuple[Task, ...] = scene.found["representatives"]
    return found


def _first(scene: Scene, group: tuple[str, ...]) -> Task | None:
    tasks = (scene.world.tasks.get(name) for name in group if name not in scene.by_task)
    return next((task for task in tasks if task and all(gate(scene, task) is None for gate in OWN_GATES)), None)


def costed(scene: Scene) -> bool:
    """Whether anything that waits, in the queue or parked, is admitted by its cost."""
    tasks = scene.world.tasks
    firsts = (tasks.get(group[0]) for group in scene.world.line.groups)
    parked = (tasks.get(name) for name in scene.by_task)
    return any(task is not None and scene.by_cost(task) for task in (*firsts, *parked))


def candidates(scene: Scene) -> Iterator[str]:
    """The tasks of the queue, in order, without those whose whole group does not fit."""
    tasks, order = scene.world.tasks, scene.world.line.order
    shut: set[str] = set()
    for group in scene.world.line.groups:
        task = next((tasks[name] for name in group if name in tasks and name not in scene.by_task), None)
        if task and scene.by_cost(task) and spending.misses(scene, task):
            shut.update(group)
    return (name for name in order if name not in shut)


GATES: tuple[tuple[Why, Callable[[Scene, Task], Reason | None]], ...] = (
    (Why.UNSUPPORTED, _unsupported),
    (Why.MISSING, _missing),
    (Why.CYCLE, _cycle),
    (Why.PROGRAM, _program),
    (Why.DISK, _disk),
    (Why.PAUSED, _paused),
    (Why.HOLD, _hold),
    (Why.STARTING, _starting),
    (Why.NOT_BEFORE, _not_before),
    (Why.RETRY, _retry),
    (Why.DEPENDS_FAILED, _depends_failed),
    (Why.DEPENDS, _depends),
    (Why.LIMIT, _standing(Why.LIMIT)),
    (Why.OUTAGE, _standing(Why.OUTAGE)),
    (Why.LOGIN, _standing(Why.LOGIN)),
    (Why.NEEDS_YOU, _needs_you),
    (Why.QUIET, spending.quiet),
    (Why.CAPACITY, spending.full),
    (Why.BLIND, spending.blind),
    (Why.PACE, spending.pace),
    (Why.SHARE, spending.portion),
    (Why.FIT, spending.gate(Why.FIT)),
    (Why.RESERVE, spending.gate(Why.RESERVE)),
    (Why.PERSON, spending.person),
    (Why.RESERVED, _reserved),
    (Why.CANARY, _canary),
    (Why.STAGGER, _stagger),
    (Why.FOLDER, _folder),
    (Why.SLOTS, _slots),
)

SOFT = frozenset({Why.NOT_BEFORE, Why.RETRY, Why.QUIET, Why.PACE, Why.PERSON, Why.RESERVED})
"""What `run now` passes over."""
HARD = frozenset({Why.UNSUPPORTED, Why.PROGRAM, Why.DISK, Why.STARTING, Why.NEEDS_YOU, Why.FOLDER})
"""What not even `--force` passes over: the run could not work, or would break another."""
ONCE_CLAIMED = frozenset(
    {Why.UNSUPPORTED, Why.MISSING, Why.CYCLE, Why.NOT_BEFORE, Why.RETRY, Why.DEPENDS, Why.DEPENDS_FAILED}
)
"""Gates that a run has behind it: a parked one does not meet them again."""


Gate = Callable[[Scene, Task], Reason | None]
QUICK = (Why.SLOTS, Why.HOLD, Why.PAUSED, Why.DEPENDS, Why.NOT_BEFORE, Why.RETRY, Why.FIT, Why.RESERVE)
"""Gates that are asked first when only yes or no is wanted: most of a long queue is stopped by one of them, at once."""


def gates_for(skip: frozenset[Why], first: tuple[Why, ...] = ()) -> tuple[Gate, ...]:
    """The gates in the order in which they are told, or with `first` before the rest."""
    order = sorted(GATES, key=lambda gate: first.index(gate[0]) if gate[0] in first else len(first))
    return tuple(gate for why, gate in order if why not in skip)


OWN = frozenset(
    {
        *(Why.UNSUPPORTED, Why.MISSING, Why.CYCLE, Why.PROGRAM, Why.PAUSED, Why.NOT_BEFORE, Why.RETRY),
        *(Why.DEPENDS_FAILED, Why.DEPENDS, Why.NEEDS_YOU),
    }
)
"""Gates that each task has for itself; the others answer alike for tasks that are expected to take the same."""
OWN_GATES = gates_for(frozenset(Why) - OWN, QUICK)
OTHERS = gates_for(spending.GATES | {Why.RESERVED, Why.SLOTS, Why.CANARY, Why.STAGGER, Why.FOLDER}, QUICK)
"""What must be open for a task that waits for nothing but room."""
SKIPPED: Mapping[tuple[bool | None, bool], frozenset[Why]] = {
    (None, False): frozenset(),
    (False, False): SOFT,
    (True, False): frozenset(Why) - HARD,
    (None, True): ONCE_CLAIMED,
    (False, True): ONCE_CLAIMED | SOFT,
    (True, True): frozenset(Why) - HARD | ONCE_CLAIMED,
}
"""Whether a person wants it now (True: by force), whether it goes on from where it parked → gates it need not pass."""
TOLD = {case: gates_for(skip) for case, skip in SKIPPED.items()}
ASKED = {case: gates_for(skip, QUICK) for case, skip in SKIPPED.items()}


def _case(scene: Scene, task: Task) -> tuple[bool | None, bool]:
    return scene.world.forced.get(task.name), task.name in scene.by_task


def gates_of(scene: Scene, task: Task) -> tuple[Gate, ...]:
    """The gates this task has to pass: fewer for one that a person wants now, or that goes on from where it parked."""
    return TOLD[_case(scene, task)]


def held(scene: Scene, task: Task) -> Iterator[Reason]:
    """Every gate that holds `task` back in this scene; none means it may start (or go on, if parked)."""
    for gate in gates_of(scene, task):
        reason = gate(scene, task)
        if reason is not None:
            yield reason


def may_start(scene: Scene, task: Task) -> bool:
    """Whether no gate is shut."""
    return all(gate(scene, task) is None for gate in ASKED[_case(scene, task)])


def blocks(world: World, task: Task, now: datetime) -> Iterator[Reason]:
    """Every gate that holds `task` back at `now`."""
    return held(scene(world, now), task)


def block(world: World, task: Task, now: datetime) -> Reason | None:
    """The first gate that holds `task` back at `now`."""
    return next(blocks(world, task, now), None)
