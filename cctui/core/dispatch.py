"""Dispatch: what starts now, and when to look again.  Pure; decided afresh after every event, from the World alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cctui.core import firing, queue, watching
from cctui.core.events import Effect
from cctui.core.launch import again, claim, resume
from cctui.core.looks import can_launch
from cctui.core.watching import as_claimed, waiting, watch
from cctui.core.world import Run, Stage, Why, World

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
    world, ended = watch(world, now)
    effects += ended
    for bold in (False, True):
        world, more = _go(world, now, bold=bold)
        effects += more
    return world, tuple(effects)


def _go(world: World, now: datetime, *, bold: bool) -> Change:
    """Everything that fits; then, if slots are still free, what may fit (`bold`)."""
    if bold and not world.settings.capacity.gate:
        return world, ()
    last = {stop.task for stop in world.stops.values() if stop.why in (Why.OUTAGE, Why.LOGIN)}
    parked = waiting(world)
    world, effects = _resume(world, [run for run in parked if run.spec.task not in last], now, bold=bold)
    world, launches = _start(world, now, frozenset(last), bold=bold)
    world, more = _resume(world, [run for run in parked if run.spec.task in last], now, bold=bold)
    return world, (*effects, *launches, *more)


def _resume(world: World, runs: list[Run], now: datetime, *, bold: bool) -> Change:
    effects: list[Effect] = []
    for run in runs:
        if world.only is not None and run.spec.task not in world.only:
            continue
        if queue.may_start(queue.scene(world, now, bold=bold), as_claimed(world, run)):
            world, launch = resume(world, run, now)
            effects.append(launch)
    return world, tuple(effects)


def _start(world: World, now: datetime, last: frozenset[str], *, bold: bool) -> Change:
    effects: tuple[Effect, ...] = ()
    wanted = [name for name in world.line.order if world.only is None or name in world.only]
    if last:
        wanted.sort(key=last.__contains__)
    forced = [name for name in world.forced if name in wanted]
    stage = queue.scene(world, now, bold=bold)
    full = stage.live >= world.settings.run.slots
    for name in (*forced, *wanted) if not full else forced:
        task = world.tasks.get(name)
        if task is None or name in stage.by_task or not queue.may_start(stage, task):
            continue
        world, launch = claim(world, task, now)
        effects += (launch,)
        stage = queue.scene(world, now, bold=bold)
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
    moments += [*watching.moments(world, now), *firing.moments(world, now), world.line.until]
    return min((moment for moment in moments if moment and moment > now), default=None)
