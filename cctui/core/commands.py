"""Commands carried out: what each changes in the World, and the effects that make it last.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from cctui.core import firing, queue
from cctui.core.effects import (
    AddFile,
    Approve,
    EditFile,
    Effect,
    Halt,
    KeepWords,
    MoveFile,
    RestoreFile,
    RollBack,
    SaveMemory,
    Tell,
    TrashFile,
    TypeWords,
)
from cctui.core.inverse import MOST, counted, gone_wrong, headline, inverse, reordered, trashed
from cctui.core.launch import resume, session_name
from cctui.core.looks import SAFE_POINT, settle, with_run
from cctui.core.moving import moved
from cctui.core.notes import noted
from cctui.core.queue import plan_waits
from cctui.core.refusal import about, broken_file, lost, refusal
from cctui.core.words import safe_text, say
from cctui.core.world import (
    Add,
    Command,
    Done,
    Edit,
    Halting,
    Hold,
    Level,
    Memory,
    Move,
    Part,
    Pause,
    Phase,
    Reason,
    Remove,
    Reorder,
    Reply,
    Restore,
    RetryTask,
    Rollback,
    RunNow,
    Skip,
    Stage,
    StopRun,
    TakeOver,
    Task,
    Together,
    Undo,
    Why,
    World,
)
from cctui.core.written import written

DEFAULT = str(Task.__dataclass_fields__["priority"].default)
"""The priority of a file that names none."""
Change = tuple[World, tuple[Effect, ...]]


class _Step(NamedTuple):
    """A command carried out."""

    world: World
    effects: tuple[Effect, ...]
    undo: Command | None
    label: str


def carry_out(world: World, command: Command, now: datetime) -> Change:
    """What a command changes; one that is refused changes nothing.

    What takes it back is remembered before a file is touched, and forgotten only after the files are as they were:
    whatever dies in between, what was done can be taken back."""
    if refusal(world, command, now):
        return world, ()
    if isinstance(command, Undo):
        return _undo(world, now)
    world, effects, undo, label = _step(world, command, now)
    if undo is None:
        return world, effects
    done = (*world.memory.done, Done(undo, label, now))[-MOST:]
    world, saved = _remember(world, lambda memory: replace(memory, done=done))
    return world, (*saved, *_unsaved(effects))


def _unsaved(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """All but writing the store: that is done once for one command."""
    return tuple(effect for effect in effects if not isinstance(effect, SaveMemory))


def _step(world: World, command: Command, now: datetime) -> _Step:
    if isinstance(command, Together):
        return _together(world, command, now)
    undo = inverse(world, command)
    if isinstance(command, Remove):
        entry = broken_file(world, command.task) or world.tasks[command.task]
        undo = Restore(entry.name, trashed(entry.path, now))
    world, effects = _carried(world, command, now)
    return _Step(world, effects, undo, headline(command))


def _together(world: World, command: Together, now: datetime) -> _Step:
    """One after the other, each in the World that the ones before it have left; what is refused is left out."""
    effects: tuple[Effect, ...] = ()
    taken: list[Command] = []
    undo: list[Command] = []
    refused, met, gone = "", set[str](), set[str]()
    for part in command.commands:
        names = about(part)
        # The World does not show yet what was removed or renamed: such a task can be in one step only once.
        crossed = gone.intersection(names) or (_unnames(part) and met.intersection(names))
        reason = Reason(Why.STATE, f"{names[0]} is in this step twice") if crossed else refusal(world, part, now)
        if reason:
            refused = refused or say(reason, now)
            continue
        met.update(names)
        gone.update(names if _unnames(part) else ())
        step = _step(world, part, now)
        world, effects = _foreseen(step.world, part), effects + step.effects
        taken.append(part)
        undo += [step.undo] if step.undo else []
    label = counted(taken, len(command.commands)) + (f": {refused}" if refused else "")
    if refused:
        world = noted(world, now, Level.WARN, label)
    return _Step(world, effects, Together(tuple(reversed(undo))) if undo else None, label)


def _unnames(command: Command) -> bool:
    """Whether no task is called afterwards what it was called."""
    return isinstance(command, Remove) or (isinstance(command, Edit) and command.field == "name")


def _undo(world: World, now: datetime) -> Change:
    """The newest step taken back, and forgotten; one that can never be taken back is only forgotten, with a note."""
    *rest, done = world.memory.done
    effects: tuple[Effect, ...] = ()
    if why := lost(world, done, now):
        world = noted(world, now, Level.WARN, f"{done.label}: it cannot be taken back: {why}")
    else:
        world, effects, _, _ = _step(world, done.undo, now)
        world = noted(world, now, Level.INFO, f"taken back: {done.label}")
    world, saved = _remember(world, lambda memory: replace(memory, done=tuple(rest)))
    return world, (*_unsaved(effects), *saved)


def went_wrong(world: World, effect: Effect | None, now: datetime) -> Change:
    """A command's file could not be changed: there is nothing of it to be taken back."""
    done = gone_wrong(world, effect, now) if effect else world.memory.done
    if done == world.memory.done:
        return world, ()
    return _remember(world, lambda memory: replace(memory, done=done))


def _carried(world: World, command: Command, now: datetime) -> Change:
    match command:
        case Hold(on=on):
            world = noted(world, now, Level.INFO, "holding: nothing new starts" if on else "released")
            return _remember(world, lambda memory: replace(memory, hold=on))
        case Add() | Remove() | Restore() | Edit():
            return _on_file(world, command, now)
        case Move(task=name):
            ranks, priority = moved(world, command)
            return _place(world, world.tasks[name], ranks, priority)
        case Reorder(task=name, ranks=ranks, priority=wanted):
            task = world.tasks[name]
            priority = task.priority if wanted is None else wanted
            return _place(world, task, reordered(world.memory.ranks, ranks), priority, back=True)
        case Pause(task=name, on=on):
            return _pause(world, world.tasks[name], on, now)
        case RunNow(task=name, force=force) if name in world.tasks and world.tasks[name].phase is Phase.RECURRING:
            return firing.run_now(world, world.tasks[name], force, now)
        case RunNow(task=name, force=force):
            return _run_now(world, name, force, now)
        case Skip(task=name, on=on):
            return firing.skip(world, world.tasks[name], on, now)
        case TakeOver(task=name):
            return _take_over(world, name, now)
        case Reply(task=name, text=text):
            return _reply(world, name, text, now)
        case Rollback(run_id=run_id, force=force):
            return world, (RollBack(run_id, force),)
        case StopRun(task=name):
            return _stop(world, name, now)
        case RetryTask(task=name):
            return _retry(world, world.tasks[name])
        case Together() | Undo():  # steps of several commands: `_step`
            return world, ()


def _on_file(world: World, command: Add | Remove | Restore | Edit, now: datetime) -> Change:
    """The World shows it when the next scan does."""
    match command:
        case Add(name=name, text=text):
            world, effects = _forget(world, name)
            return world, (*effects, AddFile(name, text))
        case Restore(name=name, path=path):
            return world, (RestoreFile(name, path),)
        case Edit(task=name, field=field, value=value):
            entry = world.tasks.get(name) or broken_file(world, name)
            return world, (EditFile(entry.path, field, value),) if entry else ()
        case Remove(task=name):
            broken = broken_file(world, name)
            world, effects = _forget(world, name)
            path = broken.path if broken else world.tasks[name].path
            return world, (*effects, TrashFile(path, trashed(path, now)))


def _pause(world: World, task: Task, on: bool, now: datetime) -> Change:
    world = _with_task(world, replace(task, paused=on))
    edit = EditFile(task.path, "paused", "true" if on else None)
    if on or task.phase is not Phase.RECURRING:
        return world, (edit,)
    world, effects = firing.resumed(world, world.tasks[task.name], now)
    return world, (edit, *effects)


def _remember(world: World, change: Callable[[Memory], Memory]) -> Change:
    memory = change(world.memory)
    return replace(world, memory=memory), (SaveMemory(memory),)


def _with_task(world: World, task: Task) -> World:
    world = replace(world, tasks={**world.tasks, task.name: task})
    return replace(world, line=queue.line(world))


def _foreseen(world: World, part: Command) -> World:
    """With a priority that is written as part of a step: what follows in that step builds on the order it makes, as
    it does on a move's.  Of a step alone the file tells."""
    task = world.tasks.get(part.task) if isinstance(part, Edit) and part.field == "priority" else None
    if task is None or not isinstance(part, Edit):
        return world
    number = DEFAULT if part.value is None else part.value
    known = number.lstrip("-").isdecimal()
    return _with_task(world, replace(task, priority=int(number))) if known else world


def _place(world: World, task: Task, ranks: Mapping[str, int], priority: int, *, back: bool = False) -> Change:
    """`back`: as it was, with the places of tasks that are gone now and may come back, and no line for a default."""
    ranks = {name: rank for name, rank in ranks.items() if back or name in world.tasks}
    world, effects = _remember(world, lambda memory: replace(memory, ranks=ranks))
    world = _with_task(world, replace(task, priority=priority))
    if priority != task.priority:
        line = written(world.tasks[task.name], "priority") if back else str(priority)
        effects = (*effects, EditFile(task.path, "priority", line))
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


def _reply(world: World, name: str, text: str, now: datetime) -> Change:
    """A person's words: typed where they sit themselves, else kept until the conversation hears them.  A plan that
    waits for them waits no longer: it is made anew."""
    run = queue.run_of(world, name)
    if run is None:
        return world, ()
    run_id, words = run.spec.run_id, safe_text(text).strip()
    if run.part is Part.ATTENDED and run.stage is Stage.RUNNING:
        return world, (TypeWords(run_id, session_name(run.spec, run.leg), words, now),)
    at_work = run.stage is Stage.RUNNING and run.ending is None
    asked = queue.plan_waits(run)
    run = replace(run, replies=run.replies + 1)
    keep = KeepWords(run_id, run.replies, words)
    if asked and run.ending:
        world, effects = settle(world, run, run.ending, now)
        return world, (keep, *effects)
    when = "at its next tool call" if at_work else "as soon as it goes on"
    world = noted(with_run(world, run), now, Level.INFO, f"{name} hears your words {when}", task=name, run_id=run_id)
    return world, (keep,)


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
