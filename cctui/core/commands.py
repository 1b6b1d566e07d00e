"""What a person may ask: whether it is refused and why, and what it changes.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from cctui.core import queue
from cctui.core.moving import moved
from cctui.core.notes import noted
from cctui.core.world import (
    Add,
    AddFile,
    Broken,
    Command,
    Edit,
    EditFile,
    Effect,
    Halt,
    Hold,
    Level,
    Memory,
    Move,
    MoveFile,
    Pause,
    Phase,
    Place,
    Reason,
    Remove,
    RetryTask,
    Run,
    RunNow,
    SaveMemory,
    Stage,
    StopRun,
    Task,
    TrashFile,
    Why,
    World,
)

Change = tuple[World, tuple[Effect, ...]]
LIVE = (Phase.PENDING, Phase.ACTIVE, Phase.RECURRING)


# --- refusal ---------------------------------------------------------------------------------------------------------


def refusal(world: World, command: Command, now: datetime) -> Reason | None:
    """Why `command` cannot be done now; None: it can."""
    match command:
        case Hold():
            return None
        case Add(name=name):
            taken = [entry.name for entry in world.broken if entry.phase in LIVE]
            live = name in world.tasks and world.tasks[name].phase in LIVE
            return Reason(Why.EXISTS, name) if live or name in taken else None
        case Remove(task=name):
            if _broken(world, name):
                return None
        case _:
            pass
    task = world.tasks.get(command.task)
    if task is None:
        broken = _broken(world, command.task)
        return Reason(Why.INVALID, broken.problems[0].text) if broken else Reason(Why.UNKNOWN, command.task)
    return _refused(world, task, command, now)


def _refused(world: World, task: Task, command: Command, now: datetime) -> Reason | None:
    run = queue.run_of(world, task.name)
    match command:
        case Move():
            return _no_move(world, task, command)
        case Pause(on=on):
            if task.phase not in LIVE:
                return _state(task, "is over; R puts it back into the queue")
            return _state(task, f"is {'paused' if on else 'not paused'} already") if task.paused is on else None
        case RunNow(force=force):
            return _no_run(world, task, run, force, now)
        case StopRun():
            if run is None or run.stage is Stage.FILING:
                return _state(task, "does not run")
            return _state(task, "is being stopped already") if run.stopping else None
        case RetryTask():
            return _no_retry(world, task, run)
        case Edit(field="name") if run:
            return _state(task, "runs: its name is fixed until it ends")
        case Remove() if run:
            return _state(task, "has an open run: stop it first")
        case _:
            return None


def _no_move(world: World, task: Task, move: Move) -> Reason | None:
    order = world.line.order
    if task.name not in order:
        return _state(task, "is not in the queue")
    if move.place in (Place.BEFORE, Place.AFTER) and (move.other not in order or move.other == task.name):
        return Reason(Why.UNKNOWN, move.other or "")
    if move.place in (Place.UP, Place.TOP) and order[0] == task.name:
        return _state(task, "is first already")
    if move.place in (Place.DOWN, Place.BOTTOM) and order[-1] == task.name:
        return _state(task, "is last already")
    return None


def _no_run(world: World, task: Task, run: Run | None, force: bool, now: datetime) -> Reason | None:
    if run and run.stage is not Stage.PARKED:
        return _state(task, "runs already")
    if run is None and task.phase is not Phase.PENDING:
        return _state(task, "is not in the queue; R puts it back")
    asked = replace(world, forced={**world.forced, task.name: force})
    # A full house is no refusal: it starts as soon as a slot or its folder is free.
    waits = (Why.SLOTS, Why.FOLDER, Why.BLIND, Why.CANARY)
    return next((reason for reason in queue.blocks(asked, task, now) if reason.why not in waits), None)


def _no_retry(world: World, task: Task, run: Run | None) -> Reason | None:
    if run:
        return _state(task, "has an open run")
    if task.phase is Phase.PENDING and task.name not in world.memory.retries:
        return _state(task, "is in the queue already")
    return _state(task, "is a template") if task.phase is Phase.RECURRING else None


def _state(task: Task, text: str) -> Reason:
    return Reason(Why.STATE, f"{task.name} {text}")


def _broken(world: World, name: str) -> Broken | None:
    return next((entry for entry in world.broken if name in (entry.path, entry.name)), None)


# --- carrying out ----------------------------------------------------------------------------------------------------


def carry_out(world: World, command: Command, now: datetime) -> Change:
    """What a command changes; one that is refused changes nothing."""
    if refusal(world, command, now):
        return world, ()
    match command:
        case Hold(on=on):
            world = noted(world, now, Level.INFO, "holding: nothing new starts" if on else "released")
            return _remember(world, lambda memory: replace(memory, hold=on))
        case Add(name=name, text=text):
            return world, (AddFile(name, text),)
        case Remove(task=name):
            broken = _broken(world, name)
            return world, (TrashFile(broken.path if broken else world.tasks[name].path),)
        case Move():
            return _move(world, command)
        case Pause(task=name, on=on):
            task = world.tasks[name]
            world = _with_task(world, replace(task, paused=on))
            return world, (EditFile(task.path, "paused", "true" if on else None),)
        case Edit(task=name, field=field, value=value):
            return world, (EditFile(world.tasks[name].path, field, value),)
        case RunNow(task=name, force=force):
            return replace(world, forced={**world.forced, name: force}), ()
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
    world = replace(world, runs={**world.runs, run.spec.run_id: replace(run, stopping=True)})
    world = noted(world, now, Level.INFO, f"stopping {name}", task=name, run_id=run.spec.run_id)
    # A parked run has no process to end: the next decision files it.
    return world, (Halt(run.spec.run_id),) if run.stage is Stage.RUNNING else ()


def _retry(world: World, task: Task) -> Change:
    retries = {name: kept for name, kept in world.memory.retries.items() if name != task.name}
    effects: tuple[Effect, ...] = ()
    if retries != world.memory.retries:
        world, effects = _remember(world, lambda memory: replace(memory, retries=retries))
    if task.phase is not Phase.PENDING:
        effects = (*effects, MoveFile(task.path, Phase.PENDING))
    return world, effects
