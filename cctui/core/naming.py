"""Names as people type them, and the answers to commands: whole names for prefixes, refusals as sentences.  Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from cctui.core import queue, view
from cctui.core.answer import FAILED, INVALID, NOT_FOUND, Answer, missing
from cctui.core.refusal import broken_file, lost
from cctui.core.world import (
    Add,
    Command,
    Edit,
    Hold,
    Move,
    Note,
    Phase,
    Reason,
    Remove,
    Reply,
    Restore,
    RetryTask,
    Rollback,
    Together,
    Undo,
    Why,
    World,
)

LIVE = (Phase.PENDING, Phase.ACTIVE)


def whole(world: World, command: Command) -> Command | Answer:
    """`command` with whole names for unique prefixes; an Answer when a name fits none or several."""
    if isinstance(command, Hold | Add | Rollback | Restore | Undo):
        return command
    if isinstance(command, Together):
        parts = tuple(whole(world, part) for part in command.commands)
        wrong = next((part for part in parts if isinstance(part, Answer)), None)
        return wrong or Together(tuple(part for part in parts if not isinstance(part, Answer)))
    names = view.find(world, command.task)
    if len(names) != 1:
        return missing(command.task, names)
    command = replace(command, task=names[0])
    if isinstance(command, Move) and command.other is not None:
        others = view.find(world, command.other)
        return replace(command, other=others[0]) if len(others) == 1 else missing(command.other, others)
    return command


def task_of(command: Command) -> str | None:
    match command:
        case Hold() | Rollback() | Together() | Undo():
            return None
        case Add(name=name) | Restore(name=name):
            return name
        case _:
            return command.task


def shows(before: World, after: World, command: Command) -> bool:
    """Whether `after` shows what `command` changed in the task folders; at once for whatever changes no file there."""
    old, new = before.tasks.get(task_of(command) or ""), after.tasks.get(task_of(command) or "")
    paths = {entry.path for entry in after.broken}
    match command:
        case Add(name=name):
            here = (*LIVE, Phase.RECURRING)  # what has a schedule is a template at once
            return (new is not None and new.phase in here) or f"{Phase.PENDING.value}/{name}.md" in paths
        case Restore(name=name):
            return new is not None or any(entry.name == name for entry in after.broken)
        case Together(commands=parts):
            return all(shows(before, after, part) for part in parts)
        case Undo():
            return not before.memory.done or shows(before, after, before.memory.done[-1].undo)
        case Remove(task=task):
            return new is None and task not in paths
        case RetryTask():
            return new is None or new.phase in LIVE
        case Edit(task=task):
            if old is None and (bad := broken_file(before, task)):
                return broken_file(after, task) is not bad
            return new is None or new is not old
        case Rollback(run_id=run_id):
            return told(before, after, run_id) is not None
        case Reply():
            return bool(heard(before, after, command))
        case _:
            return True


def told(before: World, after: World, run_id: str) -> Note | None:
    """The newest note on a run since `before`."""
    seen = max((note.seq for note in before.notes), default=0)
    return next((note for note in reversed(after.notes) if note.run_id == run_id and note.seq > seen), None)


def heard(before: World, after: World, reply: Reply) -> str:
    """What has become of a person's words since `before`; empty: not known yet."""
    run = queue.run_of(before, reply.task)
    said = told(before, after, run.spec.run_id) if run else None
    return said.text if said else ""


def refused(world: World, command: Command, reason: Reason, now: datetime) -> dict[str, Any]:
    """The answer to a command that was refused."""
    until = reason.until.isoformat(timespec="seconds") if reason.until else None
    data = {"task": task_of(command), "why": reason.why.value, "until": until}
    code = INVALID if reason.why is Why.INVALID else FAILED
    if isinstance(command, Undo) and not world.memory.done:
        code = NOT_FOUND
    return {"data": data, "errors": [view.say(reason, now)], "code": code}


def outcome(before: World, command: Command, now: datetime) -> tuple[dict[str, Any], list[str]]:
    """What is told of a command that was carried out in `before`, beside what became of its files."""
    data: dict[str, Any] = {"task": task_of(command)}
    if not isinstance(command, Undo) or not before.memory.done:
        return data, []
    done = before.memory.done[-1]
    data |= {"text": f"taken back: {done.label}", "left": len(before.memory.done) - 1}
    why = lost(before, done, now)
    return data, [f"{done.label}: it cannot be taken back: {why}"] if why else []


def file_of(world: World, name_or_path: str) -> str | None:
    """A task's file as the World knows it, relative to ROOT/tasks: by its name, or by the path of a broken one."""
    if task := world.tasks.get(name_or_path):
        return task.path
    known = {broken.path for broken in world.broken} | {each.path for each in world.tasks.values()}
    return name_or_path if name_or_path in known else None
