"""`step`: the one place where the World changes.  Pure, total, and quick: one short function per event.

It never raises for any event in any World, never performs anything, and decides afresh after every event: restarting is
just another look, so there is no recovery code path here or anywhere else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core import capacity, queue, watching
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
    LoginSeen,
    Looked,
    Measured,
    Progressed,
    RolledBack,
    Scanned,
    Ticked,
)
from cctui.core.launch import again, claim, resume
from cctui.core.looks import can_launch, on_looked, outcome, proven, settle, with_run
from cctui.core.notes import noted
from cctui.core.refusal import refusal
from cctui.core.watching import as_claimed, awake, waiting, watch
from cctui.core.world import (
    Broken,
    Ending,
    Entry,
    Halting,
    Level,
    Line,
    Part,
    Phase,
    Record,
    Run,
    SourceState,
    Stage,
    Status,
    Stop,
    Task,
    Totals,
    Why,
    World,
)

__all__ = ["alarm", "refusal", "step"]

Change = tuple[World, tuple[Effect, ...]]
KEEP_RECORDS = 500
HALT_AGAIN = timedelta(seconds=60)
FILING_WAIT, FILING_CAP = 5.0, 300.0
"""Seconds before an ended run whose filing went wrong is filed again: doubling, up to the cap."""
PRECEDENCE = {Phase.ACTIVE: 3, Phase.PENDING: 2, Phase.RECURRING: 1, Phase.COMPLETED: 0, Phase.FAILED: 0}


def step(world: World, event: Event, now: datetime) -> Change:
    """The World after `event` at `now`, and what is to be done about it."""
    world = awake(world, now)
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
            return with_run(world, heard), ()
        case Measured(readings, states):
            merged = capacity.merge(world.readings, readings, now)
            sources = {**world.sources, **{state.source: state for state in states}}
            measured = world.measured or event.asked
            world = replace(world, readings=merged, sources=sources, measured=measured)
            return (_on_login(world, now) if answers(world, states) else world), ()
        case Answered(run_id):
            run = world.runs.get(run_id)
            return (proven(world, run) if run else world), ()
        case LoginSeen():
            return _on_login(world, now), ()
        case RolledBack(run_id, ok, text):
            return noted(world, now, Level.GOOD if ok else Level.BAD, text, run_id=run_id), ()
        case Checked(missing, plugins):
            world = world if plugins is None else replace(world, plugins=plugins)
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
    world = noted(world, now, Level.INFO, _started(run), task=run.spec.task, run_id=event.run_id)
    run = replace(run, stage=Stage.RUNNING, leg_started=now, tree=event.tree or run.tree)
    world = with_run(world, run)
    world = _placed(world, run.spec.task, Phase.ACTIVE)
    return world, (Halt(event.run_id),) if run.stopping else ()


def _started(run: Run) -> str:
    """What the note says of a leg that has begun."""
    name, leg = run.spec.task, run.legs[-1]
    match leg.part:
        case Part.CHECK:
            return f"{name}: its check runs"
        case Part.SETUP:
            return f"{name}: its worktree is set up"
        case Part.ATTENDED:
            return f"{name} is yours now: attach to it; leaving Claude gives it back"
    verb = "plans" if leg.part is Part.PLAN and run.leg == 1 else "resumed" if leg.why else "started"
    return f"{name} {verb}" + (f" (attempt {run.spec.attempt})" if run.spec.attempt > 1 else "")


def _on_login(world: World, now: datetime) -> World:
    """The login works, or has been changed: what waited for it tries again, one task first."""
    stop = world.stops.get(Why.LOGIN)
    if stop is None or (stop.until is not None and stop.until <= now):
        return world
    world = noted(world, now, Level.INFO, "the login has changed: Claude is tried again")
    return replace(world, stops={**world.stops, Why.LOGIN.value: replace(stop, until=now)})


def answers(world: World, states: tuple[SourceState, ...]) -> bool:
    """Whether a source that needs the login has answered since it was refused."""
    stop = world.stops.get(Why.LOGIN)
    return stop is not None and any(
        state.ok and state.source in NEED_LOGIN and state.at is not None and state.at > stop.since for state in states
    )


NEED_LOGIN = ("claude", "api")


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
        task = world.tasks.get(run.spec.task)
        if not event.claimed and (task is None or task.phase is not Phase.ACTIVE):
            return _forgotten(world, run), ()  # nothing was done yet: it never was a run
        # Whether it started after all is not known, and it must not start twice: the run stays, and a look decides.
        run = replace(run, stage=Stage.RUNNING, leg_started=now)
        if run.leg > 1:
            run = replace(run, leg=run.leg - 1, legs=run.legs[:-1])
        return with_run(world, run), ()
    before = run.last or Ending(Stop.SPAWN, now, 0.0)
    ending = replace(before, stop=Stop.SPAWN, ended=now, rc=None, detail=event.text)
    return settle(world, replace(run, unlaunched=event.text, claimed=event.claimed), ending, now)


def _forgotten(world: World, run: Run) -> World:
    """Its file still lies in the queue, and it goes back into the line."""
    runs = {name: other for name, other in world.runs.items() if name != run.spec.run_id}
    world = replace(world, runs=runs)
    return replace(world, line=_line(world))


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
            wait = timedelta(seconds=min(FILING_WAIT * 2.0 ** min(run.tries, 10), FILING_CAP))
            run = replace(run, tries=run.tries + 1, again_at=now + wait)
            return with_run(world, run)
        case Halt(run_id=run_id, why=why) if run := world.runs.get(run_id):
            if why is Halting.STOP:
                run = replace(run, stopping=False, halting=None, halted=False)
            else:
                run = replace(run, halted=False, halt_at=now + HALT_AGAIN)
            return with_run(world, run)
        case _:
            return world


# --- the decision ----------------------------------------------------------------------------------------------------


def decide(world: World, now: datetime) -> Change:
    """Start what may start: claims found by a look, then parked conversations, then the queue in its order."""
    if not queue.ready(world):
        return world, ()
    effects: list[Effect] = []
    for run in [run for run in world.runs.values() if run.stage is Stage.CLAIMED and can_launch(world)]:
        world, launch = again(world, run, now)
        effects.append(launch)
    world, ended = watch(world, now)
    effects += ended
    last = {stop.task for stop in world.stops.values() if stop.why in (Why.OUTAGE, Why.LOGIN)}
    patient = [run for run in waiting(world) if run.spec.task not in last]
    world, more = _resume(world, patient, now)
    effects += more
    world, launches = _start(world, now, frozenset(last))
    world, more = _resume(world, [run for run in waiting(world) if run.spec.task in last], now)
    return world, (*effects, *launches, *more)


def _resume(world: World, runs: list[Run], now: datetime) -> Change:
    effects: list[Effect] = []
    for run in runs:
        if world.only is not None and run.spec.task not in world.only:
            continue
        if queue.may_start(queue.scene(world, now), as_claimed(world, run)):
            world, launch = resume(world, run, now)
            effects.append(launch)
    return world, tuple(effects)


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
    tasks = [world.tasks[name] for name in world.line.order if name in world.tasks]
    tasks += [as_claimed(world, run) for run in waiting(world)]
    reasons = (next(queue.held(stage, task), None) for task in tasks)
    moments = [reason.until for reason in reasons if reason]
    moments += watching.moments(world)
    return min((moment for moment in moments if moment and moment > now), default=None)
