"""Watching open runs: silence, a window that fills up, a stop that was asked for, and the clock.  Pure.

Everything here is decided afresh after every event, from the World alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core import capacity, landing, queue
from cctui.core.effects import Effect, Halt, Tell
from cctui.core.looks import can_launch, cancelled, close, settle, with_run
from cctui.core.notes import noted
from cctui.core.scene import Scene
from cctui.core.settings import CapacitySettings
from cctui.core.words import span, window_name
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Confidence,
    Halting,
    Level,
    Part,
    Phase,
    Run,
    Stage,
    Task,
    Why,
    World,
)

Change = tuple[World, tuple[Effect, ...]]
GRAIN = timedelta(seconds=15)
"""How exactly the World remembers when it last was awake."""
GAP = timedelta(seconds=120)
"""The engine looks at least every 30 s: a longer gap means that the clock was set, or that the machine slept."""


# --- the clock -------------------------------------------------------------------------------------------------------


def awake(world: World, now: datetime) -> World:
    """The World at `now`; after a jump of the clock every run's silence is counted from now on."""
    if world.at is None:
        return replace(world, at=now)
    gone = now - world.at
    if -GRAIN < gone < GRAIN:
        return world
    world = replace(world, at=now)
    if -GRAIN < gone <= GAP:
        return world
    way = "on" if gone > GAP else "back"
    text = f"the clock went {way} by {span(abs(gone.total_seconds()))}: it was set, or the machine slept"
    back = min(gone, timedelta(0))
    runs = {run_id: _rebased(run, now, back) for run_id, run in world.runs.items()}
    stops = {key: replace(stop, since=stop.since + back) for key, stop in world.stops.items()}
    return noted(replace(world, runs=runs, stops=stops), now, Level.INFO, text)


def _rebased(run: Run, now: datetime, back: timedelta) -> Run:
    """The run after a jump of the clock: what began lies before it by as much as ever, what was due soon is due now."""
    return replace(
        run,
        heard=now if run.stage is Stage.RUNNING else run.heard,
        leg_started=run.leg_started and run.leg_started + back,
        halt_at=run.halt_at and now,
        again_at=run.again_at and now,
    )


# --- runs that stand still -------------------------------------------------------------------------------------------


def waiting(world: World) -> list[Run]:
    """Parked runs in the order in which they go on: by priority, then the longest waiting first."""

    def key(run: Run) -> tuple[int, datetime, str]:
        task = world.tasks.get(run.spec.task)
        since = run.parked.since if run.parked else run.spec.started
        return (task.priority if task else 5, since, run.spec.run_id)

    return sorted((run for run in world.runs.values() if run.stage is Stage.PARKED), key=key)


def as_claimed(world: World, run: Run) -> Task:
    """The task of an open run for the gates: as it was claimed, whatever its file says or lacks by now."""
    spec = run.spec
    task = world.tasks.get(spec.task) or Task(spec.task, spec.path, Phase.ACTIVE)
    return replace(task, folder=spec.folder, runner=spec.runner, model=spec.model, worktree=spec.worktree)


def _given_up(world: World, now: datetime) -> Change:
    """Parked runs that a person has stopped."""
    effects: tuple[Effect, ...] = ()
    for run in waiting(world):
        if run.stopping and run.ending:
            world, more = close(world, run, run.ending, cancelled(run, run.ending, world.settings.run), now)
            effects += more
    return world, effects


def _filed_again(world: World, now: datetime) -> Change:
    """Ended runs whose filing went wrong: tried again, ever more slowly."""
    effects: tuple[Effect, ...] = ()
    for run in list(world.runs.values()):
        if run.stage is Stage.FILING and run.again_at and run.again_at <= now and run.ending:
            world, more = settle(world, replace(run, again_at=None), run.ending, now)
            effects += more
    return world, effects


def at_rest(world: World, now: datetime) -> bool:
    """Whether every open run waits for something that will not come by itself within seconds."""
    scene = queue.scene(world, now)
    return all(_rests(scene, run) for run in world.runs.values())


def _rests(scene: queue.Scene, run: Run) -> bool:
    match run.stage:
        case Stage.PARKED:
            held = next(queue.held(scene, as_claimed(scene.world, run)), None)
            return held is not None and held.why is not Why.STAGGER
        case Stage.FILING:
            return run.tries >= GIVE_UP
        case Stage.LAUNCHING:
            return False
        case _:
            return not can_launch(scene.world) and (run.stage is Stage.CLAIMED or run.ending is not None)


GIVE_UP = 3
"""Filings that have gone wrong, after which nobody who only drains the queue waits for the next."""


# --- runs at work ----------------------------------------------------------------------------------------------------


def watch(stage: Scene) -> Change:
    """What is due for the open runs in this scene."""
    world, effects = _landing(stage)
    for due in (_given_up, _filed_again, _silent, _halted):
        world, more = due(world, stage.now)
        effects += more
    return world, effects


def moments(stage: Scene) -> Iterator[datetime | None]:
    """When something here falls due by itself."""
    world = stage.world
    if any(landing.able(run) for run in world.runs.values()):
        yield landing.due(stage)
    for run in world.runs.values():
        yield run.again_at
        yield run.halt_at
        if _works(run) and not run.quiet:
            yield _falls_quiet(world, run)


def _works(run: Run) -> bool:
    """Whether its leg is at work, and has not ended while nothing could be started."""
    return run.stage is Stage.RUNNING and run.ending is None


def _silent(world: World, now: datetime) -> Change:
    """Claude at work that has said nothing for too long is interrupted; of anything else it is only said aloud."""
    effects: tuple[Effect, ...] = ()
    for run in world.runs.values():
        falls = _falls_quiet(world, run) if _works(run) and not run.quiet else None
        if falls is None or falls > now:
            continue
        talks = queue.spends(run) and run.part is not Part.ATTENDED
        run = replace(run, quiet=True)
        if talks and run.halting in (None, Halting.LANDING) and not run.halted:
            run = replace(run, halting=Halting.STALL, halted=True)
            effects += (Halt(run.spec.run_id, Halting.STALL),)
        text = f"{run.spec.task} has said nothing for {world.settings.run.stall_minutes:g} minutes"
        text += ": it is interrupted" if run.halting is Halting.STALL else ""
        world = noted(with_run(world, run), now, Level.WARN, text, task=run.spec.task, run_id=run.spec.run_id)
    return world, effects


def _falls_quiet(world: World, run: Run) -> datetime | None:
    if run.part is Part.ATTENDED:
        return None
    heard = run.heard or run.leg_started
    return heard + timedelta(minutes=world.settings.run.stall_minutes) if heard else None


def _landing(stage: Scene) -> Change:
    """A window that will not last, a reserve that would be broken: runs are told to save their work, then stopped."""
    world, now = stage.world, stage.now
    effects: tuple[Effect, ...] = ()
    if not world.settings.capacity.gate:
        return world, effects
    for run, (window, used, hard) in _to_land(stage):
        if run.halting not in (None, Halting.LANDING):
            continue
        if hard:
            run = replace(run, halting=Halting.LANDING, halted=True)
            effects += (Halt(run.spec.run_id, Halting.LANDING),)
            text = f"{run.spec.task} is stopped: {window_name(window)} at {used:.0f} %"
        elif run.halting is None:
            run = replace(run, halting=Halting.LANDING)
            effects += (Tell(run.spec.run_id, Halting.LANDING),)
            text = f"{run.spec.task} is told to save its work: {window_name(window)} at {used:.0f} %"
        else:
            continue
        world = noted(with_run(world, run), now, Level.WARN, text, task=run.spec.task, run_id=run.spec.run_id)
    return world, effects


def _to_land(stage: Scene) -> Iterator[tuple[Run, tuple[str, float, bool]]]:
    """Runs at work that have to stop: of those whose own rates are known the fewest, the least urgent first; of the
    others every one, when its window is nearly full."""
    world, settings = stage.world, stage.world.settings.capacity
    able = [run for run in world.runs.values() if landing.able(run)]
    if not able:
        return
    found = landing.breach(stage)
    for run in able:
        if run.spec.task in found.known:
            if run.spec.task in found.victims:
                yield run, found.victims[run.spec.task]
            continue
        full = None if _pressed(run, settings) else _fullest(world, run, stage.now)
        if full is None:
            continue
        hard = settings.hard_stop <= full[1] and settings.hard_stop < 100
        if hard or (settings.soft_landing <= full[1] and settings.soft_landing < 100):
            yield run, (*full, hard)


def _pressed(run: Run, settings: CapacitySettings) -> bool:
    """Whether a person has started it though a window was as full already."""
    before = (run.spec.capacity_before, run.spec.week_before)
    return run.spec.forced and any(used is not None and used >= settings.soft_landing for used in before)


def _fullest(world: World, run: Run, now: datetime) -> tuple[str, float] | None:
    """The window that binds this run and is fullest, by an exact number younger than the leg; None: none known."""
    known = [
        (window.id, window.used)
        for window in capacity.windows(world, now, run.spec.account)
        if window.used is not None
        and window.confidence is Confidence.EXACT
        and not window.stale
        and (window.id in (FIVE_HOUR, SEVEN_DAY) or capacity.binds(window.id, run.spec.model or run.progress.model))
        and window.observed_at is not None
        and run.leg_started is not None
        and window.observed_at >= run.leg_started
    ]
    return max(known, key=lambda pair: pair[1], default=None)


def _halted(world: World, now: datetime) -> Change:
    """Legs that were asked to end and have not, past their time."""
    effects: tuple[Effect, ...] = ()
    for run in world.runs.values():
        if run.stage is Stage.RUNNING and run.halt_at and run.halt_at <= now and run.halting and not run.halted:
            world = with_run(world, replace(run, halt_at=None, halted=True))
            effects += (Halt(run.spec.run_id, run.halting),)
    return world, effects
