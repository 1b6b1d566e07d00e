"""What a person has done, and can take back, as JSON and back: the part of the store that is allowed to be unreadable.

A step that another version wrote, or that somebody's hand has bent, is left out; it never keeps the rest from loading.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cctui.core.world import Command, Done, Edit, Hold, Pause, Remove, Reorder, Restore, Skip, Together


def write(done: tuple[Done, ...]) -> list[dict[str, Any]]:
    return [{"undo": _written(step.undo), "label": step.label, "at": step.at.isoformat()} for step in done]


def read(found: object) -> tuple[Done, ...]:
    """What of it can be understood; never raises."""
    return tuple(_steps(found)) if isinstance(found, list) else ()


def _steps(found: list[object]) -> Iterator[Done]:
    for step in found:
        match step:
            case {"undo": dict(undo), "label": str(label), "at": str(at)}:
                try:
                    moment, command = datetime.fromisoformat(at), _command(undo)
                except (ValueError, RecursionError):
                    continue
                if moment.tzinfo is not None:
                    yield Done(command, label, moment)


def _written(command: Command) -> dict[str, Any]:
    """ValueError for a command that takes nothing back."""
    match command:
        case Together(commands=parts):
            return {"do": "together", "commands": [_written(part) for part in parts]}
        case Pause(task=task, on=on):
            return {"do": "pause", "task": task, "on": on}
        case Skip(task=task, on=on):
            return {"do": "skip", "task": task, "on": on}
        case Hold(on=on):
            return {"do": "hold", "on": on}
        case Edit(task=task, field=field, value=value):
            return {"do": "edit", "task": task, "field": field, "value": value}
        case Reorder(task=task, ranks=ranks, priority=priority):
            return {"do": "reorder", "task": task, "ranks": dict(ranks), "priority": priority}
        case Remove(task=task):
            return {"do": "remove", "task": task}
        case Restore(name=name, path=path):
            return {"do": "restore", "name": name, "path": path}
    raise ValueError(f"{type(command).__name__} takes nothing back")


def _command(found: object) -> Command:
    """ValueError when it is not what `_written` made."""
    match found:
        case {"do": "together", "commands": list(parts)}:
            return Together(tuple(_command(part) for part in parts))
        case {"do": "pause", "task": str(task), "on": bool(on)}:
            return Pause(task, on)
        case {"do": "skip", "task": str(task), "on": bool(on)}:
            return Skip(task, on)
        case {"do": "hold", "on": bool(on)}:
            return Hold(on)
        case {"do": "edit", "task": str(task), "field": str(field), "value": str() | None as value}:
            return Edit(task, field, value)
        case {"do": "reorder", "task": str(task), "ranks": dict(ranks), "priority": int() | None as priority}:
            if all(rank is None or type(rank) is int for rank in ranks.values()):
                return Reorder(task, ranks, priority)
        case {"do": "remove", "task": str(task)}:
            return Remove(task)
        case {"do": "restore", "name": str(name), "path": str(path)}:
            return Restore(name, path)
    raise ValueError("no step of ours")
