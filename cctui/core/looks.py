"""Looks: what the run folders show, folded into the World.  Pure.

The same fold serves the first look after a start, after a crash, and every look in between.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core.capacity import concerns
from cctui.core.closing import closing
from cctui.core.effects import Effect, Halt, SavePlan
from cctui.core.events import Looked
from cctui.core.filing import finish
from cctui.core.launch import follow
from cctui.core.notes import noted
from cctui.core.retry import Done, Failed, Next, Park, exit_words, verdict
from cctui.core.settings import RunSettings
from cctui.core.words import moment
from cctui.core.world import (
    Ending,
    ErrorType,
    Halting,
    Leg,
    Level,
    Parked,
    Part,
    Progress,
    Run,
    Sight,
    SightState,
    Stage,
    Stop,
    Why,
    World,
)

Change = tuple[World, tuple[Effect, ...]]
SAFE_POINT = timedelta(seconds=20)
"""How long a run that is handed over may go on until its next tool call; then its leg is ended where it stands."""
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
    if run is None or sight.leg > run.leg:
        if sight.state is SightState.ALIVE and run is None:
            text = f"{sight.spec.task} is still running"
            world = noted(world, now, Level.INFO, text, task=sight.spec.task, run_id=sight.spec.run_id)
        run = _from(sight, run, now)
    if sight.leg < run.leg or run.stage is Stage.FILING:
        return world, ()
    world, run = _heard(world, run, sight, now)
    match sight.state:
        case SightState.CLAIMED:
            late = run.leg_started is not None and now - run.leg_started > START_PATIENCE
            stage = Stage.CLAIMED if run.stage is Stage.RUNNING and late else run.stage
            return with_run(world, replace(run, stage=stage, tree=sight.tree or run.tree)), ()
        case SightState.ALIVE:
            begun = sight.leg_started or run.leg_started
            tree = sight.tree or run.tree
            alive = replace(run, stage=Stage.RUNNING, leg_started=begun, asks=sight.asks, tree=tree)
            if alive.asks and alive.asks != run.asks:
                text = f"{run.spec.task} needs you: {alive.asks}"
                world = noted(world, now, Level.WARN, text, task=run.spec.task, run_id=run.spec.run_id)
            # A stop that was asked for before it was known to live, or that a crash cut in two, is asked for now.
            fresh = run.spec.run_id not in world.runs or run.stage is not Stage.RUNNING
            return with_run(world, alive), (Halt(run.spec.run_id),) if fresh and run.stopping else ()
        case SightState.ENDED | SightState.GONE:
            if run.stage is Stage.PARKED:
                return with_run(world, run), ()
            run = replace(
                run, tree=sight.tree or run.tree, halting=sight.halting or run.halting, parked_s=sight.parked_s
            )
            return settle(world, run, sight.ending or _gone(now), now)


def _heard(world: World, run: Run, sight: Sight, now: datetime) -> tuple[World, Run]:
    """How far a person's words have come.  What was said just now may not lie in the folder yet."""
    if sight.reached > run.reached:
        text = f"{run.spec.task} has heard your words"
        world = noted(world, now, Level.INFO, text, task=run.spec.task, run_id=run.spec.run_id)
    return world, replace(run, replies=max(run.replies, sight.replies), reached=sight.reached)


def _from(sight: Sight, old: Run | None, now: datetime) -> Run:
    """A run as its folder tells it: found after a start, or one leg further than was known."""
    asked = sight.halting is not None and sight.state is SightState.ALIVE
    return Run(
        sight.spec,
        Stage.CLAIMED if sight.state is SightState.CLAIMED else Stage.RUNNING,
        leg=sight.leg,
        leg_started=sight.leg_started,
        parked_s=sight.parked_s,
        stopping=sight.stopping or (old is not None and old.stopping),
        heard=sight.heard,
        legs=sight.legs,
        work=sight.work,
        halting=sight.halting,
        # Whoever asked for it may have died before it was done.
        halt_at=now + SAFE_POINT if asked and sight.halting is not Halting.LANDING else None,
        asks=sight.asks,
        approved=sight.approved or (old is not None and old.approved),
        tree=sight.tree,
        progress=old.progress if old else Progress(),
        points=old.points if old else {},
        replies=max(sight.replies, old.replies if old else 0),
        reached=sight.reached,
    )


def _gone(now: datetime) -> Ending:
    return Ending(Stop.LOST, now, 0.0, detail="its runner is gone and left no exit record")


def with_run(world: World, run: Run) -> World:
    """The World with this run as it is now; the same World when nothing has changed."""
    if world.runs.get(run.spec.run_id) == run:
        return world
    return replace(world, runs={**world.runs, run.spec.run_id: run})


def settle(world: World, run: Run, ending: Ending, now: datetime) -> Change:
    """A leg has ended: park the run, go on with its next leg, or close it."""
    run = replace(run, ending=ending)
    if run.unlaunched:
        refused = Failed(ErrorType.EXCEPTION, run.unlaunched)
        return close(world, run, ending, refused, now, claimed=run.claimed)
    if run.stopping:
        return close(world, run, ending, cancelled(run, ending, world.settings.run), now)
    match verdict(run, ending, world.settings.run):
        case Park() as wait:
            return park(_answered(world, run, ending), run, ending, wait, now)
        case Next(part, why):
            world = _answered(world, run, ending)
            if not can_launch(world):
                # It stays as it is: the next look after the trouble comes here again.
                return with_run(world, replace(run, stage=Stage.RUNNING)), ()
            world, launch = follow(world, run, Leg(part, why), now)
            return world, (launch,)
        case Done() | Failed() as final:
            return close(_answered(world, run, ending), run, ending, final, now)


def can_launch(world: World) -> bool:
    """Whether a leg can be started at all, whatever the gates say."""
    return not world.draining and not world.programs.keys() & {"tmux", "disk"}


def _answered(world: World, run: Run, ending: Ending) -> World:
    """A leg that ended well has got answers: what was refused before it is over."""
    result = ending.result
    well = result is not None and result.subtype == "success" and not result.is_error
    return proven(world, run) if well and run.part in (Part.PLAN, Part.WORK) else world


def cancelled(run: Run, ending: Ending, settings: RunSettings) -> Done | Failed:
    """A run that a person stopped; one that was done before the signal reached it is done all the same."""
    found = verdict(replace(run, reached=run.replies), ending, settings)
    if isinstance(found, Done) and run.parked is None:
        return found
    return Failed(ErrorType.CANCELLED, "stopped by hand", final=True)


SERVICE = (Why.LIMIT, Why.OUTAGE, Why.LOGIN)
"""Refusals that bind more than the run that met them."""


def park(world: World, run: Run, ending: Ending, wait: Park, now: datetime) -> Change:
    """The run waits with its conversation; nothing else that needs Claude walks into the same wall."""
    spec = run.spec
    parked = Parked(wait.why, ending.ended, wait.until, wait.window, spec.task, wait.part, wait.text)
    world = with_run(world, replace(run, stage=Stage.PARKED, parked=parked, halting=None, halt_at=None, halted=False))
    first = wait.why is not Why.LOGIN or Why.LOGIN not in world.stops
    if wait.why in SERVICE:
        world = _standing(world, parked)
    if first:
        level, text = _parked_note(run, parked, now)
        world = noted(world, now, level, text, task=spec.task, run_id=spec.run_id)
    plan = (SavePlan(spec, ending),) if wait.why is Why.NEEDS_YOU else ()
    return world, plan


def _parked_note(run: Run, parked: Parked, now: datetime) -> tuple[Level, str]:
    name = run.spec.task
    match parked.why:
        case Why.LIMIT | Why.OUTAGE | Why.LOGIN if parked.until:
            return Level.WARN, f"{name} parked ({parked.why}) until {moment(parked.until, now)}"
        case Why.NEEDS_YOU:
            return Level.WARN, f"{name} needs you: its plan is ready"
        case Why.CHECK | Why.UNFINISHED:
            return Level.WARN, f"{name}: {parked.text}; round {run.iteration + 1} of {run.spec.max_iterations} is next"
        case Why.STALL:
            return Level.WARN, f"{name} was interrupted: it had gone silent; it goes on once more"
        case Why.LOST:
            return Level.WARN, f"{name}: {parked.text or 'its runner was killed'} It goes on where it stood."
        case Why.FRESH:
            return Level.WARN, f"{name}: its conversation is gone; it starts anew with what is known of it"
        case Why.REPLY:
            return Level.INFO, f"{name} goes on with your words"
        case Why.GIVEN_BACK:
            return Level.INFO, f"{name} was given back; it goes on by itself"
        case _:
            return Level.WARN, f"{name} was stopped before the window is full; it goes on after the reset"


def proven(world: World, run: Run) -> World:
    """An answer to a request made after a refusal proves that it is over, for the windows that the run spends from."""
    since = run.leg_started
    if since is None:
        return world
    kept = {key: stop for key, stop in world.stops.items() if stop.since >= since or not concerns(stop, run.spec.model)}
    return world if len(kept) == len(world.stops) else replace(world, stops=kept)


def _standing(world: World, parked: Parked) -> World:
    """Remember what stands in the way of others too: the longest wait of its kind, one for each window."""
    key = f"{parked.why}:{parked.window}" if parked.why is Why.LIMIT and parked.window else str(parked.why)
    old = world.stops.get(key)
    if old is not None and old.until is not None and (parked.until is None or parked.until < old.until):
        parked = old
    return replace(world, stops={**world.stops, key: parked})


def close(
    world: World, run: Run, ending: Ending, final: Done | Failed, now: datetime, *, claimed: bool = True
) -> Change:
    """Decide how the run goes into the record; the effect does it, `Filed` answers."""
    if run.unheard and run.stage is not Stage.FILING:
        text = f"{run.spec.task} has ended without hearing your words"
        world = noted(world, now, Level.WARN, text, task=run.spec.task, run_id=run.spec.run_id)
    world, run = closing(world, run, ending, now)
    effect = replace(finish(world, run, ending, final, now), claimed=claimed)
    world = with_run(world, replace(run, stage=Stage.FILING, ending=ending))
    return replace(world, memory=effect.memory), (effect,)


def outcome(run: Run, success: bool, text: str | None, to_queue: bool) -> tuple[Level, str]:
    """The note that says how a run ended."""
    if success:
        return Level.GOOD, f"{run.spec.task} done"
    why = text or exit_words(run.ending.rc if run.ending else None)
    return (Level.WARN, f"{run.spec.task}: {why}; tries again") if to_queue else (Level.BAD, f"{run.spec.task}: {why}")
