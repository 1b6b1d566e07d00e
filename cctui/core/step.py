"""`step`: the one place where the World changes.  Pure, total, and quick: one short function per event.

It never raises for any event in any World, never performs anything, and decides afresh after every event: restarting is
just another look, so there is no recovery code path here or anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core import attribution, capacity, firing, morning, queue, unused
from cctui.core.commands import carry_out, went_wrong
from cctui.core.cost import learn
from cctui.core.dispatch import alarm, decide
from cctui.core.effects import Effect, Finish, Fire, Halt, KeepWords
from cctui.core.events import (
    Answered,
    Asked,
    Checked,
    Configured,
    EffectFailed,
    Event,
    Filed,
    Fired,
    Launched,
    LaunchFailed,
    Leaving,
    Loaded,
    LoginSeen,
    Looked,
    Measured,
    PersonSeen,
    Progressed,
    RolledBack,
    Scanned,
    Ticked,
    Typed,
)
from cctui.core.looks import on_looked, outcome, proven, settle, with_run
from cctui.core.notes import noted
from cctui.core.refusal import refusal
from cctui.core.watching import awake
from cctui.core.world import (
    Broken,
    Ending,
    Entry,
    Halting,
    Level,
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

__all__ = ["alarm", "refusal", "step", "steps"]

Change = tuple[World, tuple[Effect, ...]]
KEEP_RECORDS = 500
HALT_AGAIN = timedelta(seconds=60)
FILING_WAIT, FILING_CAP = 5.0, 300.0
"""Seconds before an ended run whose filing went wrong is filed again: doubling, up to the cap."""
PRECEDENCE = {Phase.ACTIVE: 3, Phase.PENDING: 2, Phase.RECURRING: 1, Phase.COMPLETED: 0, Phase.FAILED: 0}


def step(world: World, event: Event, now: datetime) -> Change:
    """The World after `event` at `now`, and what is to be done about it."""
    return steps(world, (event,), now)


def steps(world: World, events: Iterable[Event], now: datetime) -> Change:
    """The same for what happens in one moment: all of it is met before anything is decided."""
    before, world = world, awake(world, now)
    effects: tuple[Effect, ...] = ()
    for event in events:
        world, more = _on(world, event, now)
        effects += more
    world, fires = firing.due(world, now)
    world, launches = decide(world, now)
    world, counted = unused.watched(before, world, now)
    world, told = morning.due(world, now)
    return world, effects + fires + launches + counted + told


def _on(world: World, event: Event, now: datetime) -> Change:
    match event:
        case Loaded():
            return _on_loaded(world, event, now), ()
        case Configured(settings):
            return replace(world, settings=settings), ()
        case Scanned(entries):
            return _on_scanned(world, entries), ()
        case Looked():
            return _on_sights(world, event, now)
        case Launched():
            return _on_launched(world, event, now)
        case LaunchFailed():
            return _on_launch_failed(world, event, now)
        case Progressed(run_id, progress) if run := world.runs.get(run_id):
            points = run.points if progress.points is None else progress.points
            heard = replace(run, progress=progress, heard=now, quiet=False, points=points)
            return with_run(world, heard), ()
        case Measured():
            return _on_measured(world, event, now), ()
        case PersonSeen(sessions, at):
            return attribution.person_seen(world, sessions, at, now), ()
        case Answered(run_id):
            run = world.runs.get(run_id)
            return (proven(world, run) if run else world), ()
        case LoginSeen():
            return _on_login(world, now), ()
        case RolledBack() | Typed():
            return _on_done(world, event, now), ()
        case Checked(missing, plugins):
            world = world if plugins is None else replace(world, plugins=plugins)
            return _on_checked(world, dict(missing), now), ()
        case Fired(fire):
            return firing.on_fired(world, fire, now)
        case Filed():
            return _on_filed(world, event, now), ()
        case EffectFailed(effect, text):
            return went_wrong(_on_effect_failed(world, effect, text, now), effect, now)
        case Leaving():
            return replace(world, draining=True), ()
        case Asked(command):
            return carry_out(world, command, now)
        case Ticked() | _:
            return world, ()


# --- what is there ---------------------------------------------------------------------------------------------------


def _on_done(world: World, event: RolledBack | Typed, now: datetime) -> World:
    """What a person has asked for is done, or could not be: only said."""
    if isinstance(event, RolledBack):
        return noted(world, now, Level.GOOD if event.ok else Level.BAD, event.text, run_id=event.run_id)
    run = world.runs.get(event.run_id)
    name = run.spec.task if run else None
    text = f"your words are in the pane of {name or event.run_id}"
    return noted(world, now, Level.INFO, text, task=name, run_id=event.run_id)


def _on_loaded(world: World, event: Loaded, now: datetime) -> World:
    for warning in event.warnings:
        world = noted(world, now, Level.WARN, warning)
    world = replace(
        world,
        loaded=True,
        memory=event.memory,
        zone=event.zone or world.zone,
        costs=learn({}, event.records),
        records=event.records[-KEEP_RECORDS:],
        totals=event.totals,
        readings=capacity.merge(world.readings, event.readings, now),
        windows=event.windows,
        person=attribution.remembered(event.windows),
        watches=unused.loaded(event.watches),
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
    return replace(world, line=queue.line(world))


def _precedence(task: Task) -> tuple[int, float]:
    return PRECEDENCE[task.phase], task.added.timestamp() if task.added else 0.0


def _on_checked(world: World, missing: dict[str, str], now: datetime) -> World:
    for name, sentence in missing.items():
        if name not in world.programs:
            world = noted(world, now, Level.BAD, sentence)
    return replace(world, programs=missing, checked=True)


def _on_sights(world: World, event: Looked, now: datetime) -> Change:
    """The run folders as they are; what is met for the first time has spent from now on."""
    before = world.runs.keys()
    world, effects = on_looked(world, event, now)
    return (world if world.runs.keys() <= before else attribution.met(world, now)), effects


# --- runs ------------------------------------------------------------------------------------------------------------


def _on_launched(world: World, event: Launched, now: datetime) -> Change:
    run = world.runs.get(event.run_id)
    if run is None or run.stage is not Stage.LAUNCHING or run.leg != event.leg:
        return world, ()
    world = noted(world, now, Level.INFO, _started(run), task=run.spec.task, run_id=event.run_id)
    # Its prompt holds what a person has said by then; an attended leg has none.
    reached = run.replies if run.part in (Part.PLAN, Part.WORK) else run.reached
    run = replace(run, stage=Stage.RUNNING, leg_started=now, tree=event.tree or run.tree, reached=reached)
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
    if run.unheard and leg.part in (Part.PLAN, Part.WORK):
        return f"{name} goes on and hears your words"
    verb = "plans" if leg.part is Part.PLAN and run.leg == 1 else "resumed" if leg.why else "started"
    return f"{name} {verb}" + (f" (attempt {run.spec.attempt})" if run.spec.attempt > 1 else "")


def _on_measured(world: World, event: Measured, now: datetime) -> World:
    """Newer readings of the windows, and who has used what of them."""
    world = replace(
        world,
        readings=capacity.merge(world.readings, event.readings, now),
        sources={**world.sources, **{state.source: state for state in event.states}},
        measured=world.measured or event.asked,
        runs=attribution.told(world.runs, event.spent),
    )
    world = attribution.measured(world, now)
    return _on_login(world, now) if answers(world, event.states) else world


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
    return replace(world, line=queue.line(world))


def _on_filed(world: World, event: Filed, now: datetime) -> World:
    record = event.record
    run = world.runs.get(event.run_id)
    if run is None:
        return world
    runs = {name: other for name, other in world.runs.items() if name != event.run_id}
    to_queue = record.task_id in world.memory.retries
    known = any(other.run_id == record.run_id for other in world.records)
    level, text = outcome(run, record.success, record.detail, to_queue)
    shares = attribution.filed(world, run, now)
    world = noted(replace(world, runs=runs, shares=shares), now, level, text, task=record.task_id, run_id=event.run_id)
    world = _placed(world, record.task_id, _phase(record, to_queue))
    if known:  # done again after a crash: it is in the history, the sums and the costs already
        return replace(world, line=queue.line(world))
    world = replace(
        world,
        records=(*world.records, record)[-KEEP_RECORDS:],
        totals=added(world.totals, record),
        costs=learn(world.costs, (record,)),
    )
    return replace(world, line=queue.line(world))


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
        case KeepWords(run_id=run_id) if run := world.runs.get(run_id):
            return with_run(world, replace(run, replies=max(run.replies - 1, 0)))
        case Fire():
            return firing.on_failed(world, effect, now)
        case _:
            return world
