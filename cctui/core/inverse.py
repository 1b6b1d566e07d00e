"""The inverse of a command: what takes it back, as a command of its own; and what was done, in words.  Pure.

There is one for everything that loses nothing: moves, pauses, hold, changed fields, new and removed tasks, firings
left out.  Whatever has to do with a run has none: what a run did is not undone by a key, but by a rollback.  Nor has a
retry: attempts that are forgotten do not come back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cctui.core.effects import AddFile, EditFile, Effect, RestoreFile, TrashFile
from cctui.core.fields import task_name
from cctui.core.moving import moved
from cctui.core.task import place
from cctui.core.words import short
from cctui.core.world import (
    Add,
    Command,
    Done,
    Edit,
    Hold,
    Move,
    Pause,
    Remove,
    Reorder,
    Reply,
    Restore,
    RetryTask,
    RunNow,
    Skip,
    StopRun,
    TakeOver,
    Task,
    Together,
    World,
)
from cctui.core.written import DEFAULTS, written

MOST = 50
"""Steps that can be taken back."""
SETTLE = timedelta(seconds=10)
"""By then the folders show what a step has done, or that it could not be done."""


def inverse(world: World, command: Command) -> Command | None:
    """What takes `command` back once it has been carried out in `world`; None: nothing does, or it changes nothing.

    A removal and several commands as one step get theirs as they are carried out: `commands`."""
    match command:
        case Pause(task=name, on=on):
            return Pause(name, on=not on)
        case Hold(on=on):
            return Hold(on=not on) if world.memory.hold is not on else None
        case Add(name=name) | Restore(name=name):
            return Remove(name)
        case Skip(task=name, on=on):
            return Skip(name, on=not on)
        case Edit(task=name, field=field, value=value) if name in world.tasks and field in DEFAULTS:
            old = written(world.tasks[name], field)
            return Edit(_renamed(world.tasks[name], command), field, old) if old != value else None
        case Move(task=name) if name in world.line.order:
            ranks, priority = moved(world, command)
            return _reorder(world, name, {key: at for key, at in ranks.items() if key in world.tasks}, priority)
        case Reorder(task=name, ranks=ranks, priority=given) if name in world.tasks:
            after = reordered(world.memory.ranks, ranks)
            return _reorder(world, name, after, world.tasks[name].priority if given is None else given)
        case _:
            return None


def _reorder(world: World, name: str, ranks: dict[str, int], priority: int) -> Reorder:
    """Back from `ranks` and `priority`: only what differs is named."""
    before, mine = world.memory.ranks, world.tasks[name].priority
    changed = {key: before.get(key) for key in {**before, **ranks} if before.get(key) != ranks.get(key)}
    return Reorder(name, changed, None if mine == priority else mine)


def reordered(ranks: Mapping[str, int], changed: Mapping[str, int | None]) -> dict[str, int]:
    """`ranks` with other places for those named in `changed`."""
    return {name: place for name, place in {**ranks, **changed}.items() if place is not None}


def _renamed(task: Task, edit: Edit) -> str:
    """What the task is called afterwards."""
    if edit.field != "name":
        return task.name
    if edit.value is None:
        return place(task.path)[1]
    try:
        return task_name(_unquoted(edit.value.strip()))
    except ValueError:
        return task.name  # it will be refused: no file may be called that


def _unquoted(value: str) -> str:
    """The text that a short YAML text stands for.  ValueError when a quote is not closed."""
    if value.startswith('"'):
        return str(json.JSONDecoder().raw_decode(value)[0])
    if single := _SINGLE.match(value):
        return single.group(1).replace("''", "'")
    return value.partition(" #")[0].rstrip()


_SINGLE = re.compile("'((?:[^']|'')*)'")


# --- the trash -------------------------------------------------------------------------------------------------------


def trashed(path: str, now: datetime) -> str:
    """Where a task file that is removed now lies in the trash: it says when it went, and where it has to go back to."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}/{path}"


# --- what was done ---------------------------------------------------------------------------------------------------


def gone_wrong(world: World, effect: Effect, now: datetime) -> tuple[Done, ...]:
    """What can be taken back, without a step whose file could not be changed just now."""
    done = world.memory.done
    names = {task.name for task in world.tasks.values() if isinstance(effect, EditFile) and task.path == effect.path}
    for at in range(len(done) - 1, -1, -1):
        if now - done[at].at > SETTLE:
            break
        left = _without(done[at].undo, effect, names)
        if left is not done[at].undo:
            kept = (replace(done[at], undo=left),) if left else ()
            return (*done[:at], *kept, *done[at + 1 :])
    return done


def _without(undo: Command, effect: Effect, names: set[str]) -> Command | None:
    """`undo` less what would take back `effect`."""
    match undo, effect:
        case Together(commands=parts), _:
            found = [_without(part, effect, names) for part in parts]
            left = tuple(part for part in found if part)
            same = all(new is old for new, old in zip(found, parts, strict=True))
            return undo if same else Together(left) if left else None
        case (Remove(task=name), AddFile(name=other) | RestoreFile(name=other)) | (
            Restore(path=name),
            TrashFile(to=other),
        ) if name == other:
            return None
        case Edit(task=name, field=field), EditFile(field=other) if field == other:
            return None if name in names or field == "name" else undo
        case Pause(task=name), EditFile(field="paused") if name in names:
            return None
        case _:
            return undo


def headline(command: Command) -> str:
    """What was done, in a few words: ``vault-lint moved``, ``3 paused``."""
    match command:
        case Together(commands=parts):
            return counted(parts, len(parts))
        case Hold(on=on):
            return "hold is on" if on else "released"
        case Edit(task=name):
            return f"{short(name)}: {_verb(command)[0]}"
        case Add(name=name) | Restore(name=name):
            return f"{short(name)} {_verb(command)[0]}"
        case Move(task=name) | Pause(task=name) | Remove(task=name) | Skip(task=name) | RunNow(task=name):
            return f"{short(name)} {_verb(command)[0]}"
        case StopRun(task=name) | RetryTask(task=name) | TakeOver(task=name) | Reply(task=name) | Reorder(task=name):
            return f"{short(name)} {_verb(command)[0]}"
    return "done"


def counted(parts: Sequence[Command], of: int) -> str:
    """How many of how many, and what became of them: ``3 of 5 paused``."""
    verbs = {_verb(part)[1] for part in parts}
    count = f"{len(parts)} of {of}" if len(parts) < of else f"{of}"
    return f"{count} {verbs.pop() if len(verbs) == 1 else 'done'}"


def _verb(command: Command) -> tuple[str, str]:
    """Of one task, and of several."""
    match command:
        case Pause(on=on):
            return ("paused", "paused") if on else ("goes on", "go on")
        case Skip(on=on):
            return ("leaves out its next firing", "leave out a firing") if on else ("leaves out none", "leave out none")
        case Edit(field=field):
            return f"{field} changed", f"with another {field}"
        case _:
            return VERBS.get(type(command), ("done", "done"))


VERBS: dict[type, tuple[str, str]] = {
    Move: ("moved", "moved"),
    Reorder: ("moved back", "moved back"),
    Add: ("is in the queue", "added"),
    Remove: ("is in the trash", "in the trash"),
    Restore: ("is back", "back"),
    RunNow: ("starts when it can", "start when they can"),
    StopRun: ("is being stopped", "being stopped"),
    RetryTask: ("is back in the queue", "back in the queue"),
    TakeOver: ("is handed over", "handed over"),
    Reply: ("hears your words", "hear your words"),
}
