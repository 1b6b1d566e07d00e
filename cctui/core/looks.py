"""Looks: what the run folders show, folded into the World.  Pure.

The same fold serves the first look after a start, after a crash, and every look in between.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core.events import Effect, Halt, Looked
from cctui.core.filing import finish
from cctui.core.notes import noted
from cctui.core.retry import Done, Failed, Park, exit_words, verdict
from cctui.core.world import Ending, ErrorType, Level, Parked, Run, Sight, SightState, Stage, Stop, Why, World

Change = tuple[World, tuple[Effect, ...]]
START_PATIENCE = timedelta(seconds=15)
"""A launched runner that has not taken its lock by then is launched again; its start guard makes that harmless."""


def on_looked(world: World, event: Looked, now: datetime) -> Change:
    effects: tuple[Effect, ...] = ()
    for sight in event.sights:
        world, more = _seen(world, sight, now)
        effects += more
    seen = {sight.spec.run_id for sight in event.sights}
    vanished = [
        run.spec
        for run in world.runs.values()
        if run.spec.run_id not in seen and run.stage in (Stage.RUNNING, Stage.PARKED, Stage.CLAIMED)
    ]
    for spec in vanished:
        runs = {name: run for name, run in world.runs.items() if name != spec.run_id}
        world = noted(replace(world, runs=runs), now, Level.BAD, f"{spec.task}: its run folder is gone", task=spec.task)
    return world if world.looked else replace(world, looked=True), effects


def _seen(world: World, sight: Sight, now: datetime) -> Change:
    run = world.runs.get(sight.spec.run_id)
    if run is None:
        run = Run(
            sight.spec,
            Stage.CLAIMED if sight.state is SightState.CLAIMED else Stage.RUNNING,
            leg=sight.leg,
            leg_started=sight.leg_started,
            parked_s=sight.parked_s,
            stopping=sight.stopping,
        )
        if sight.state is SightState.ALIVE:
            text = f"{sight.spec.task} is still running"
            world = noted(world, now, Level.INFO, text, task=sight.spec.task, run_id=sight.spec.run_id)
    if sight.leg < run.leg or run.stage is Stage.FILING:
        return world, ()
    match sight.state:
        case SightState.CLAIMED:
            late = run.leg_started is not None and now - run.leg_started > START_PATIENCE
            stage = Stage.CLAIMED if run.stage is Stage.RUNNING and late else run.stage
            return _with_run(world, replace(run, stage=stage)), ()
        case SightState.ALIVE:
            alive = replace(run, stage=Stage.RUNNING, leg_started=sight.leg_started or run.leg_started)
            # A stop that was asked for before it was known to live, or that a crash cut in two, is asked for now.
            fresh = run.spec.run_id not in world.runs or run.stage is not Stage.RUNNING
            return _with_run(world, alive), (Halt(run.spec.run_id),) if fresh and run.stopping else ()
        case SightState.ENDED | SightState.GONE:
            if run.stage is Stage.PARKED:
                return world, ()
            return settle(world, run, sight.ending or _lost(now), now)


def _lost(now: datetime) -> Ending:
    return Ending(Stop.LOST, now, 0.0, detail="its runner is gone and left no exit record")


def _with_run(world: World, run: Run) -> World:
    if world.runs.get(run.spec.run_id) == run:
        return world
    return replace(world, runs={**world.runs, run.spec.run_id: run})


def settle(world: World, run: Run, ending: Ending, now: datetime) -> Change:
    """A leg has ended: park the run, or close it."""
    run = replace(run, ending=ending)
    if run.stopping:
        return close(world, run, ending, cancelled(ending), now)
    match verdict(run.spec, run.leg, ending, world.settings.run):
        case Park() as wait:
            return park(world, run, ending, wait, now), ()
        case Done() | Failed() as final:
            if isinstance(final, Failed) and final.error is ErrorType.AUTH:
                refused = Parked(Why.LOGIN, ending.ended, ending.ended + LOGIN_PAUSE, task=run.spec.task)
                world = _standing(world, Why.LOGIN, refused)
            elif isinstance(final, Done) and ending.result is not None:
                world = proven(world, run)
            return close(world, run, ending, final, now)


LOGIN_PAUSE = timedelta(minutes=15)


def cancelled(ending: Ending) -> Done | Failed:
    """A run that a person stopped; one that was done before the signal reached it is done all the same."""
    if ending.stop is Stop.EXIT and ending.rc == 0 and (ending.result is None or not ending.result.is_error):
        return Done()
    return Failed(ErrorType.CANCELLED, "stopped by hand", final=True)


def park(world: World, run: Run, ending: Ending, wait: Park, now: datetime) -> World:
    """The run waits with its conversation; nothing else that needs Claude walks into the same wall."""
    parked = Parked(wait.why, ending.ended, wait.until, wait.window, run.spec.task)
    world = _with_run(world, replace(run, stage=Stage.PARKED, parked=parked, fresh=wait.fresh))
    if not wait.fresh:
        world = _standing(world, wait.why, parked)
    text = f"{run.spec.task} parked ({wait.why}) until {wait.until:%H:%M:%S}"
    return noted(world, now, Level.WARN, text, task=run.spec.task, run_id=run.spec.run_id)


def proven(world: World, run: Run) -> World:
    """An answer to a request made after a refusal proves that it is over."""
    since = run.leg_started
    if since is None:
        return world
    return replace(
        world,
        limit=world.limit if world.limit and world.limit.since >= since else None,
        outage=world.outage if world.outage and world.outage.since >= since else None,
        login=world.login if world.login and world.login.since >= since else None,
    )


def _standing(world: World, why: Why, parked: Parked) -> World:
    """Remember what stands in the way of everything that needs Claude, the longest wait of its kind."""
    old = {Why.LIMIT: world.limit, Why.OUTAGE: world.outage, Why.LOGIN: world.login}[why]
    longest = parked if old is None or parked.until >= old.until else old
    match why:
        case Why.LIMIT:
            return replace(world, limit=longest)
        case Why.OUTAGE:
            return replace(world, outage=longest)
        case _:
            return replace(world, login=longest)


def close(
    world: World, run: Run, ending: Ending, final: Done | Failed, now: datetime, *, claimed: bool = True
) -> Change:
    """Decide how the run goes into the record; the effect does it, `Filed` answers."""
    effect = replace(finish(world, run, ending, final, now), claimed=claimed)
    world = _with_run(world, replace(run, stage=Stage.FILING, ending=ending))
    return replace(world, memory=effect.memory), (effect,)


def outcome(run: Run, success: bool, text: str | None, to_queue: bool) -> tuple[Level, str]:
    """The note that says how a run ended."""
    if success:
        return Level.GOOD, f"{run.spec.task} done"
    why = text or exit_words(run.ending.rc if run.ending else None)
    return (Level.WARN, f"{run.spec.task}: {why}; tries again") if to_queue else (Level.BAD, f"{run.spec.task}: {why}")
