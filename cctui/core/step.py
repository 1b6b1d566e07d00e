"""`step`: the one place where the World changes.  Pure, total, and quick: one short function per event.

It never raises for any event in any World, never performs anything, and decides afresh after every event: restarting is
just another look, so there is no recovery code path here or anywhere else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core import capacity, queue
from cctui.core.commands import carry_out
from cctui.core.cost import learn
from cctui.core.events import (
    Answered,
    Asked,
    Checked,
    Configured,
    Effect,
    EffectFailed,
    Event,
    Filed,
    Finish,
    Halt,
    Launched,
    LaunchFailed,
    Leaving,
    Loaded,
    Looked,
    Measured,
    Progressed,
    Scanned,
    Ticked,
)
from cctui.core.launch import again, claim, resume
from cctui.core.looks import cancelled, close, on_looked, outcome, proven
from cctui.core.notes import noted
from cctui.core.refusal import refusal
from cctui.core.retry import Failed
from cctui.core.world import (
    Broken,
    Ending,
    Entry,
    ErrorType,
    Level,
    Line,
    Phase,
    Record,
    Run,
    Stage,
    Status,
    Stop,
    Task,
    Totals,
    World,
)

__all__ = ["alarm", "refusal", "step"]

Change = tuple[World, tuple[Effect, ...]]
KEEP_RECORDS = 500
PRECEDENCE = {Phase.ACTIVE: 3, Phase.PENDING: 2, Phase.RECURRING: 1, Phase.COMPLETED: 0, Phase.FAILED: 0}


def step(world: World, event: Event, now: datetime) -> Change:
    """The World after `event` at `now`, and what is to be done about it."""
    world, effects = _on(world, event, now)
    world, launches = decide(world, now)
    return world, effects + launches


def _on(world: World, event: Event, now: datetime) -> Change:
    match event:
        case Loaded():
            return _on_loaded(world, event, now), ()
        case Configured(settings):
            return replace(world, settings=settings), ()
        case Scanned(entries):
            return _on_scanned(world, entries), ()
        case Looked():
            return on_looked(world, event, now)
        case Launched():
            return _on_launched(world, event, now)
        case LaunchFailed():
            return _on_launch_failed(world, event, now)
        case Progressed(run_id, progress) if run := world.runs.get(run_id):
            heard = replace(run, progress=progress, heard=now, quiet=False)
            return replace(world, runs={**world.runs, run_id: heard}), ()
        case Measured(readings, states):
            merged = capacity.merge(world.readings, readings, now)
            sources = {**world.sources, **{state.source: state for state in states}}
            measured = world.measured or event.asked
            return replace(world, readings=merged, sources=sources, measured=measured), ()
        case Answered(run_id):
            run = world.runs.get(run_id)
            return (proven(world, run) if run else world), ()
        case Checked(missing):
            return _on_checked(world, dict(missing), now), ()
        case Filed():
            return _on_filed(world, event, now), ()
        case EffectFailed(effect, text):
            return _on_effect_failed(world, effect, text, now), ()
        case Leaving():
            return replace(world, draining=True), ()
        case Asked(command):
            return carry_out(world, command, now)
        case Ticked() | _:
            return world, ()


# --- what is there ---------------------------------------------------------------------------------------------------


def _on_loaded(world: World, event: Loaded, now: datetime) -> World:
    for warning in event.warnings:
        world = noted(world, now, Level.WARN, warning)
    world = replace(
        world,
        loaded=True,
        memory=event.memory,
        costs=learn({}, event.records),
        records=event.records[-KEEP_RECORDS:],
        totals=event.totals,
        readings=capacity.merge(world.readings, event.readings, now),
    )
    return replace(world, line=queue.line(world))


def _on_scanned(world: World, entries: tuple[Entry, ...]) -> World:
    """The folders as they are: of several files with one name the live one counts, else the newest."""
    tasks: dict[str, Task] = {}
    broken: list[Broken] = []
    for entry in entries:
        if isinstance(entry, Broken):
            broken.append(entry)
        elif entry.name not in tasks or _precedence(entry) > _precedence(tasks[entry.name]):
            tasks[entry.name] = entry
    if world.scanned and tasks == world.tasks and tuple(broken) == world.broken:
        return world
    world = replace(world, scanned=True, tasks=tasks, broken=tuple(broken))
    world = replace(world, forced={name: force for name, force in world.forced.items() if name in tasks})
    return replace(world, line=_line(world))


def _precedence(task: Task) -> tuple[int, float]:
    return PRECEDENCE[task.phase], task.added.timestamp() if task.added else 0.0


def _line(world: World) -> Line:
    """The queue without the tasks that have an open run, wherever their file lies at this instant."""
    line = queue.line(world)
    taken = {run.spec.task for run in world.runs.values()}
    return replace(line, order=tuple(name for name in line.order if name not in taken)) if taken else line


def _on_checked(world: World, missing: dict[str, str], now: datetime) -> World:
    for name, sentence in missing.items():
        if name not in world.programs:
            world = noted(world, now, Level.BAD, sentence)
    return replace(world, programs=missing, checked=True)


# --- runs ------------------------------------------------------------------------------------------------------------


def _on_launched(world: World, event: Launched, now: datetime) -> Change:
    run = world.runs.get(event.run_id)
    if run is None or run.stage is not Stage.LAUNCHING or run.leg != event.leg:
        return world, ()
    verb = "started" if run.leg == 1 else "resumed"
    text = f"{run.spec.task} {verb}" + (f" (attempt {run.spec.attempt})" if run.spec.attempt > 1 else "")
    world = noted(world, now, Level.INFO, text, task=run.spec.task, run_id=event.run_id)
    world = replace(world, runs={**world.runs, event.run_id: replace(run, stage=Stage.RUNNING, leg_started=now)})
    world = _placed(world, run.spec.task, Phase.ACTIVE)
    return world, (Halt(event.run_id),) if run.stopping else ()


def _placed(world: World, name: str, phase: Phase) -> World:
    """The task in its new folder, before the next scan says the same."""
    task = world.tasks.get(name)
    if task is None or task.phase is phase:
        return world
    path = f"{phase.value}/{task.path.partition('/')[2]}"
    return replace(world, tasks={**world.tasks, name: replace(task, phase=phase, path=path)})


def _on_launch_failed(world: World, event: LaunchFailed, now: datetime) -> Change:
    run = world.runs.get(event.run_id)
    if run is None or run.leg != event.leg or run.stage is not Stage.LAUNCHING:
        return world, ()
    if event.program:
        world = _on_checked(world, {**world.programs, event.program: event.text}, now)
        # Whether it started after all is not known, and it must not start twice: the run stays, and a look decides.
        run = replace(run, stage=Stage.RUNNING, leg_started=now)
        return replace(world, runs={**world.runs, event.run_id: run}), ()
    ending = Ending(Stop.SPAWN, now, 0.0, detail=event.text)
    final = Failed(ErrorType.EXCEPTION, event.text)
    return close(world, replace(run, ending=ending), ending, final, now, claimed=event.claimed)


def _on_filed(world: World, event: Filed, now: datetime) -> World:
    record = event.record
    run = world.runs.get(event.run_id)
    if run is None:
        return world
    runs = {name: other for name, other in world.runs.items() if name != event.run_id}
    to_queue = record.task_id in world.memory.retries
    known = any(other.run_id == record.run_id for other in world.records)
    level, text = outcome(run, record.success, record.detail, to_queue)
    world = noted(replace(world, runs=runs), now, level, text, task=record.task_id, run_id=event.run_id)
    world = _placed(world, record.task_id, _phase(record, to_queue))
    if known:  # done again after a crash: it is in the history, the sums and the costs already
        return replace(world, line=_line(world))
    world = replace(
        world,
        records=(*world.records, record)[-KEEP_RECORDS:],
        totals=added(world.totals, record),
        costs=learn(world.costs, (record,)),
    )
    return replace(world, line=_line(world))


def _phase(record: Record, to_queue: bool) -> Phase:
    if record.success:
        return Phase.COMPLETED
    return Phase.PENDING if to_queue else Phase.FAILED


def added(totals: Totals, record: Record) -> Totals:
    """The sums with one more record."""
    return Totals(
        runs=totals.runs + 1,
        completed=totals.completed + (record.status is Status.COMPLETED),
        failed=totals.failed + (record.status is Status.FAILED),
        cancelled=totals.cancelled + (record.status is Status.CANCELLED),
        tokens=totals.tokens + (record.tokens or 0),
        cost_usd=totals.cost_usd + (record.cost_usd or 0.0),
    )


def _on_effect_failed(world: World, effect: Effect | None, text: str, now: datetime) -> World:
    """Said aloud; what must not be lost is done again at the next look, because the run folder still says so."""
    world = noted(world, now, Level.BAD, text)
    match effect:
        case Finish(spec=spec) if run := world.runs.get(spec.run_id):
            return replace(world, runs={**world.runs, spec.run_id: replace(run, stage=Stage.RUNNING)})
        case Halt(run_id=run_id) if run := world.runs.get(run_id):
            return replace(world, runs={**world.runs, run_id: replace(run, stopping=False)})
        case _:
            return world


# --- the decision ----------------------------------------------------------------------------------------------------


def decide(world: World, now: datetime) -> Change:
    """Start what may start: claims found by a look, then parked conversations, then the queue in its order."""
    if not queue.ready(world):
        return world, ()
    effects: list[Effect] = []
    for run in [run for run in world.runs.values() if run.stage is Stage.CLAIMED and "tmux" not in world.programs]:
        world, launch = again(world, run, now)
        effects.append(launch)
    world = _hushed(world, now)
    world, given_up = _give_up(world, now)
    effects += given_up
    last = {stop.task for stop in (world.outage, world.login) if stop}
    patient = [run for run in _parked(world) if run.spec.task not in last]
    world, more = _resume(world, patient, now)
    effects += more
    world, launches = _start(world, now, frozenset(last))
    world, more = _resume(world, [run for run in _parked(world) if run.spec.task in last], now)
    return world, (*effects, *launches, *more)


def _resume(world: World, runs: list[Run], now: datetime) -> Change:
    effects: list[Effect] = []
    for run in runs:
        if world.only is not None and run.spec.task not in world.only:
            continue
        task = world.tasks.get(run.spec.task) or _stand_in(run)
        if queue.may_start(queue.scene(world, now), task):
            world, launch = resume(world, run, now)
            effects.append(launch)
    return world, tuple(effects)


def _parked(world: World) -> list[Run]:
    """Parked runs in the order in which they go on: by priority, then the longest waiting first."""

    def key(run: Run) -> tuple[int, datetime, str]:
        task = world.tasks.get(run.spec.task)
        since = run.parked.since if run.parked else run.spec.started
        return (task.priority if task else 5, since, run.spec.run_id)

    return sorted((run for run in world.runs.values() if run.stage is Stage.PARKED), key=key)


def _stand_in(run: Run) -> Task:
    """For the gates, when a parked run's file is gone or broken: the run itself knows what it needs."""
    spec = run.spec
    return Task(spec.task, spec.path, Phase.ACTIVE, folder=spec.folder, runner=spec.runner, model=spec.model)


def _hushed(world: World, now: datetime) -> World:
    """Running runs that have said nothing for too long are marked, and said aloud once."""
    for run in world.runs.values():
        if run.stage is Stage.RUNNING and not run.quiet and (falls := _falls_quiet(world, run)) and falls <= now:
            world = replace(world, runs={**world.runs, run.spec.run_id: replace(run, quiet=True)})
            text = f"{run.spec.task} has said nothing for {world.settings.run.stall_minutes:g} minutes"
            world = noted(world, now, Level.WARN, text, task=run.spec.task, run_id=run.spec.run_id)
    return world


def _falls_quiet(world: World, run: Run) -> datetime | None:
    heard = run.heard or run.leg_started
    return heard + timedelta(minutes=world.settings.run.stall_minutes) if heard else None


def _give_up(world: World, now: datetime) -> Change:
    """Parked runs that a person has stopped."""
    effects: tuple[Effect, ...] = ()
    for run in list(world.runs.values()):
        if run.stage is Stage.PARKED and run.stopping and run.ending:
            world, more = close(world, run, run.ending, cancelled(run.ending), now)
            effects += more
    return world, effects


def _start(world: World, now: datetime, last: frozenset[str] = frozenset()) -> Change:
    effects: tuple[Effect, ...] = ()
    wanted = [name for name in world.line.order if world.only is None or name in world.only]
    if last:
        wanted.sort(key=last.__contains__)
    forced = [name for name in world.forced if name in wanted]
    stage = queue.scene(world, now)
    full = stage.live >= world.settings.run.slots
    for name in (*forced, *wanted) if not full else forced:
        task = world.tasks.get(name)
        if task is None or name in stage.by_task or not queue.may_start(stage, task):
            continue
        world, launch = claim(world, task, now)
        effects += (launch,)
        stage = queue.scene(world, now)
        if stage.live >= world.settings.run.slots and name not in forced:
            break
    return world, effects


# --- when to look again ----------------------------------------------------------------------------------------------


def alarm(world: World, now: datetime) -> datetime | None:
    """The next moment at which a waiting task's reason changes by itself; None: only an event can change anything."""
    stage = queue.scene(world, now)
    waiting = [world.tasks[name] for name in world.line.order if name in world.tasks]
    waiting += [world.tasks.get(run.spec.task) or _stand_in(run) for run in _parked(world)]
    reasons = (next(queue.held(stage, task), None) for task in waiting)
    moments = [reason.until for reason in reasons if reason]
    moments += [_falls_quiet(world, run) for run in world.runs.values() if run.stage is Stage.RUNNING and not run.quiet]
    return min((moment for moment in moments if moment and moment > now), default=None)
