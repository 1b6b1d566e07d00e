"""Commands carried out: what each changes in the World, and the effects that make it last.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from cctui.core import firing, queue
from cctui.core.events import AddFile, Approve, EditFile, Effect, Halt, MoveFile, RollBack, SaveMemory, Tell, TrashFile
from cctui.core.launch import resume
from cctui.core.looks import SAFE_POINT, with_run
from cctui.core.moving import moved
from cctui.core.notes import noted
from cctui.core.queue import plan_waits
from cctui.core.refusal import broken_file, refusal
from cctui.core.world import (
    Add,
    Command,
    Edit,
    Halting,
    Hold,
    Level,
    Memory,
    Move,
    Part,
    Pause,
    Phase,
    Remove,
    RetryTask,
    Rollback,
    RunNow,
    Skip,
    Stage,
    StopRun,
    TakeOver,
    Task,
    World,
)

Change = tuple[World, tuple[Effect, ...]]


def carry_out(world: World, command: Command, now: datetime) -> Change:
    """What a command changes; one that is refused changes nothing."""
    if refusal(world, command, now):
        return world, ()
    match command:
        case Hold(on=on):
            world = noted(world, now, Level.INFO, "holding: nothing new starts" if on else "released")
            return _remember(world, lambda memory: replace(memory, hold=on))
        case Add(name=name, text=text):
            world, effects = _forget(world, name)
            return world, (*effects, AddFile(name, text))
        case Remove(task=name):
            broken = broken_file(world, name)
            world, effects = _forget(world, name)
            return world, (*effects, TrashFile(broken.path if broken else world.tasks[name].path))
        case Move():
            return _move(world, command)
        case Pause(task=name, on=on):
            task = world.tasks[name]
            world = _with_task(world, replace(task, paused=on))
            edit = EditFile(task.path, "paused", "true" if on else None)
            if on or task.phase is not Phase.RECURRING:
                return world, (edit,)
            world, effects = firing.resumed(world, world.tasks[name], now)
            return world, (edit, *effects)
        case Edit(task=name, field=field, value=value):
            entry = world.tasks.get(name) or broken_file(world, name)
            return world, (EditFile(entry.path, field, value),) if entry else ()
        case RunNow(task=name, force=force) if name in world.tasks and world.tasks[name].phase is Phase.RECURRING:
            return firing.run_now(world, world.tasks[name], force, now)
        case RunNow(task=name, force=force):
            return _run_now(world, name, force, now)
        case Skip(task=name, on=on):
            return firing.skip(world, world.tasks[name], on, now)
        case TakeOver(task=name):
            return _take_over(world, name, now)
        case Rollback(run_id=run_id, force=force):
            return world, (RollBack(run_id, force),)
        case StopRun(task=name):
            return _stop(world, name, now)
        case RetryTask(task=name):
            return _retry(world, world.tasks[name])


def _remember(world: World, change: Callable[[Memory], Memory]) -> Change:
    memory = change(world.memory)
    return replace(world, memory=memory), (SaveMemory(memory),)


def _with_task(world: World, task: Task) -> World:
    world = replace(world, tasks={**world.tasks, task.name: task})
    return replace(world, line=queue.line(world))


def _move(world: World, move: Move) -> Change:
    task = world.tasks[move.task]
    ranks, priority = moved(world, move)
    ranks = {name: rank for name, rank in ranks.items() if name in world.tasks}
    world, effects = _remember(world, lambda memory: replace(memory, ranks=ranks))
    world = _with_task(world, replace(task, priority=priority))
    if priority != task.priority:
        effects = (*effects, EditFile(task.path, "priority", str(priority)))
    return world, effects


def _stop(world: World, name: str, now: datetime) -> Change:
    run = queue.run_of(world, name)
    if run is None:
        return world, ()
    world = with_run(world, replace(run, stopping=True))
    world = noted(world, now, Level.INFO, f"stopping {name}", task=name, run_id=run.spec.run_id)
    # A parked run has no process to end: the next decision files it.
    return world, (Halt(run.spec.run_id),) if run.stage is Stage.RUNNING else ()


def _run_now(world: World, name: str, force: bool, now: datetime) -> Change:
    """Wanted now; for a run whose plan waits for a person that is also the word that it is accepted."""
    world = replace(world, forced={**world.forced, name: force})
    run = queue.run_of(world, name)
    if run is None or not plan_waits(run):
        return world, ()
    world = with_run(world, replace(run, approved=True))
    world = noted(world, now, Level.INFO, f"the plan of {name} is accepted", task=name, run_id=run.spec.run_id)
    return world, (Approve(run.spec.run_id),)


def _take_over(world: World, name: str, now: datetime) -> Change:
    """Of a run at work: end its leg at a safe point; of a parked one: go on with it in the pane at once."""
    run = queue.run_of(world, name)
    if run is None:
        return world, ()
    if run.stage is Stage.PARKED:
        world, launch = resume(world, run, now, Part.ATTENDED)
        return world, (launch,)
    run = replace(run, halting=Halting.TAKEOVER, halt_at=now + SAFE_POINT)
    world = with_run(world, run)
    world = noted(world, now, Level.INFO, f"{name} is handed over at its next step", task=name, run_id=run.spec.run_id)
    return world, (Tell(run.spec.run_id, Halting.TAKEOVER),)


def _forget(world: World, name: str) -> Change:
    """No attempt of a task counts any more."""
    if name not in world.memory.retries:
        return world, ()
    retries = {other: kept for other, kept in world.memory.retries.items() if other != name}
    return _remember(world, lambda memory: replace(memory, retries=retries))


def _retry(world: World, task: Task) -> Change:
    world, effects = _forget(world, task.name)
    if task.phase is not Phase.PENDING:
        effects = (*effects, MoveFile(task.path, Phase.PENDING))
    return world, effects
