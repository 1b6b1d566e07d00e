"""What a key in the queue asks for, as a command: of the row under the cursor, or of all that are marked.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cctui.core.view import Row, State
from cctui.core.world import Command, Edit, Move, Pause, Place, Remove, RetryTask, RunNow, Skip, StopRun, Together

OF_A_ROW = frozenset(
    {"pause", "carry", "run", "accept", "skip", "retry", "stop", "remove", "edit", "editor", "clone", "copy", "open"}
    | {"log", "why", "raise", "lower", "mark"}
)
"""Actions that are about the row under the cursor."""


def wish(action: str, row: Row, among: Sequence[Row]) -> Command | None:
    """What `action` asks of `row`, one of `among`; None: it only changes what is shown."""
    match action:
        case "pause":  # all of them the same way: what is not paused yet comes first
            return Pause(row.name, on=any(one.state is not State.PAUSED for one in among))
        case "run":
            return RunNow(row.name)
        case "skip":
            return Skip(row.name, on=not all(one.skips for one in among))
        case "retry":
            return RetryTask(row.name)
        case "stop":
            return StopRun(row.name)
        case "remove":
            return Remove(row.path if row.state is State.INVALID else row.name)
        case "raise" | "lower" if row.priority is not None:
            return Edit(row.name, "priority", str(row.priority + (1 if action == "lower" else -1)))
        case "move('up')" | "carry":
            return Move(row.name, Place.UP)
        case "move('down')":
            return Move(row.name, Place.DOWN)
    return None


def together(commands: Sequence[Command]) -> Command | None:
    """One command for all of them."""
    if len(commands) > 1:
        return Together(tuple(commands))
    return commands[0] if commands else None
