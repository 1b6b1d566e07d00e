"""Names as people type them, and the answers to commands: whole names for prefixes, refusals as sentences.  Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from cctui.core import view
from cctui.core.answer import FAILED, INVALID, Answer, missing
from cctui.core.refusal import broken_file
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
    RetryTask,
    Rollback,
    Why,
    World,
)

LIVE = (Phase.PENDING, Phase.ACTIVE)


def whole(world: World, command: Command) -> Command | Answer:
    """`command` with whole names for unique prefixes; an Answer when a name fits none or several."""
    if isinstance(command, Hold | Add | Rollback):
        return command
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
        case Hold() | Rollback():
            return None
        case Add(name=name) | Move(task=name):
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
        case _:
            return True


def told(before: World, after: World, run_id: str) -> Note | None:
    """The newest note on a run since `before`."""
    seen = max((note.seq for note in before.notes), default=0)
    return next((note for note in reversed(after.notes) if note.run_id == run_id and note.seq > seen), None)


def refused(command: Command, reason: Reason, now: datetime) -> dict[str, Any]:
    """The answer to a command that was refused."""
    until = reason.until.isoformat(timespec="seconds") if reason.until else None
    data = {"task": task_of(command), "why": reason.why.value, "until": until}
    return {"data": data, "errors": [view.say(reason, now)], "code": INVALID if reason.why is Why.INVALID else FAILED}
