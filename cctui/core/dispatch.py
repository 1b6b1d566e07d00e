"""Dispatch: what starts now, and when to look again.  Pure; decided afresh after every event, from the World alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core import firing, queue, spending, watching
from cctui.core.admission import PROVEN_RATE
from cctui.core.effects import Effect
from cctui.core.launch import again, claim, resume
from cctui.core.looks import can_launch
from cctui.core.scene import Caution, Scene
from cctui.core.watching import as_claimed, waiting, watch
from cctui.core.world import Run, Stage, Why, World

SHOWN = timedelta(seconds=PROVEN_RATE + 1)
Change = tuple[World, tuple[Effect, ...]]


def decide(world: World, now: datetime) -> Change:
    """Start what may start: claims found by a look, then parked conversations, then the queue in its order."""
    if not queue.ready(world):
        return world, ()
    if world.line.until is not None and world.line.until <= now:
        world = replace(world, line=queue.line(world, now))
    effects: list[Effect] = []
    for run in [run for run in world.runs.values() if run.stage is Stage.CLAIMED and can_launch(world)]:
        world, launch = again(world, run, now)
        effects.append(launch)
    stage = queue.scene(world, now)
    world, ended = watch(stage)
    effects += ended
    if world is not stage.world:
        stage = queue.scene(world, now)
    for caution in Caution:
        if stage.live >= world.settings.run.slots and not world.forced:
            break
        if caution is not Caution.SURE and not queue.costed(stage):
            break  # where no cost is known, caution makes no difference
        stage, more = _go(stage.at(caution))
        effects += more
    return stage.world, tuple(effects)


def _go(stage: Scene) -> tuple[Scene, tuple[Effect, ...]]:
    """Everything that fits with the scene's caution, as far as slots are free: parked runs, then the queue in order."""
    last = {stop.task for stop in stage.world.stops.values() if stop.why in (Why.OUTAGE, Why.LOGIN)}
    parked = waiting(stage.world)
    stage, effects = _resume(stage, [run for run in parked if run.spec.task not in last])
    stage, launches = _start(stage, frozenset(last))
    stage, more = _resume(stage, [run for run in parked if run.spec.task in last])
    return stage, (*effects, *launches, *more)


def _resume(stage: Scene, runs: list[Run]) -> tuple[Scene, tuple[Effect, ...]]:
    effects: list[Effect] = []
    for run in runs:
        world = stage.world
        if world.only is not None and run.spec.task not in world.only:
            continue
        if queue.may_start(stage, as_claimed(world, run)):
            world, launch = resume(world, run, stage.now)
            effects.append(launch)
            stage = queue.scene(world, stage.now, stage.caution)
    return stage, tuple(effects)


def _start(stage: Scene, last: frozenset[str]) -> tuple[Scene, tuple[Effect, ...]]:
    effects: tuple[Effect, ...] = ()
    tried: set[str] = set()
    while (name := _next(stage, tried, last)) is not None:
        world, launch = claim(stage.world, stage.world.tasks[name], stage.now)
        effects += (launch,)
        stage = queue.scene(world, stage.now, stage.caution)
    return stage, effects


def _next(stage: Scene, tried: set[str], last: frozenset[str]) -> str | None:
    """The most urgent task that may start: first what a person wants now."""
    world = stage.world
    names = [name for name in world.forced if name in world.line.order]
    if stage.live < world.settings.run.slots:
        others = [name for name in queue.candidates(stage) if name not in world.forced]
        names += sorted(others, key=last.__contains__) if last else others
    for name in names:
        task = world.tasks.get(name)
        if (
            task is None
            or name in stage.by_task
            or name in tried
            or (world.only is not None and name not in world.only)
        ):
            continue
        if queue.may_start(stage, task):
            tried.add(name)
            return name
    return None


# --- when to look again ----------------------------------------------------------------------------------------------


def alarm(world: World, now: datetime) -> datetime | None:
    """The next moment at which a waiting task's reason changes by itself; None: only an event can change anything."""
    stage = queue.scene(world, now)
    moments: list[datetime | None] = []
    if stage.live < world.settings.run.slots or world.forced:
        # With every slot taken nothing can start, whatever opens.
        moments += _openings(stage)
    moments += [*watching.moments(stage), *firing.moments(world, now), world.line.until]
    return min((moment for moment in moments if moment and moment > now), default=None)


def _openings(stage: Scene) -> Iterator[datetime | None]:
    """When the reasons of what waits change by themselves."""
    world = stage.world
    for task in (*queue.representatives(stage), *(as_claimed(world, run) for run in waiting(world))):
        reason = next(queue.held(stage, task), None)
        yield reason.until if reason else None
        if reason and stage.by_cost(task) and (miss := spending.fits(stage, task, Caution.BOLD)):
            yield stage.now + timedelta(seconds=miss.after)
    yield from (world.tasks[name].not_before for name in world.line.order if name in world.tasks)
    yield from (retry.at for retry in world.memory.retries.values())
    if stage.rooms() and world.line.order:
        # What a run takes shows only after a while; then there may be more room.
        yield from (run.leg_started + SHOWN for run in world.runs.values() if run.leg_started and not run.parked)
