"""What an attended leg waits for its person to answer: from the program's hooks and its own register, never the screen.

The hooks (asks.jsonl) know the words, the register knows whether it still waits: a prompt that is left with Esc fires
no hook at all.  Both are read only; either may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cctui.adapters.runfiles import LegFile
from cctui.runner import files, tree

ASKS = "asks.jsonl"
TAIL = 65_536
"""Bytes of it that are read: the last event decides."""
YOURS = "waits for you"
_ASKING = frozenset(("PermissionRequest", "Notification", "Stop", "StopFailure", "SessionStart"))
_SETTLING = frozenset(("UserPromptSubmit", "SessionEnd"))


def asks(folder: Path, leg: LegFile) -> str:
    """What leg `leg`, which lives, waits for; empty: nothing."""
    event, text = _last(_events(folder, leg.number))
    entry = _registered(folder, leg)
    match entry.get("status"):
        case "busy":
            return ""
        case "waiting":
            return text or str(entry.get("waitingFor") or YOURS)
        case "idle":
            # At its prompt.  A question that the hooks still tell of was left with Esc.
            return text if event in ("Stop", "StopFailure") and text else YOURS
        case _:
            return text


@dataclass(frozen=True, slots=True)
class Doing:
    """What the program in a pane does, in its own words."""

    status: str = ""
    """``idle``, ``busy`` or ``waiting``; empty: it cannot be told."""
    waits_for: str = ""
    since: datetime | None = None
    """Since when; None: not known."""


def doing(folder: Path, leg: LegFile) -> Doing:
    """What the program of leg `leg` does."""
    entry = _registered(folder, leg)
    told = entry.get("statusUpdatedAt")
    since = datetime.fromtimestamp(told / 1000, UTC) if isinstance(told, int | float) else None
    return Doing(str(entry.get("status") or ""), str(entry.get("waitingFor") or ""), since)


def _last(events: Iterable[dict[str, Any]]) -> tuple[str, str]:
    """The event that decides, and its words.  A notice that follows a request for permission says less than that."""
    found = ("", "")
    for entry in events:
        event, text = str(entry.get("event")), entry.get("text")
        if event in _SETTLING:
            found = (event, "")
        elif event in _ASKING and not (event == "Notification" and found[0] == "PermissionRequest"):
            said = event != "SessionStart" and isinstance(text, str) and text
            found = (event, str(said or YOURS))
    return found


def _events(folder: Path, leg: int) -> Iterable[dict[str, Any]]:
    try:
        with (folder / ASKS).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the first may be half of one
        if isinstance(entry, dict) and entry.get("leg") == leg:
            yield entry


def _registered(folder: Path, leg: LegFile) -> dict[str, Any]:
    """The program's own note of the process in this pane; empty when there is none.

    Found by the kernel's session, which is the runner's: the person may have changed to another conversation.
    """
    try:
        session = (folder / f"child-{leg.number}").read_text("utf-8").split()[0].encode()
    except (OSError, IndexError):
        return {}
    config = leg.plan.env.get("CLAUDE_CONFIG_DIR") or str(Path(leg.plan.env.get("HOME", "/")) / ".claude")
    register = Path(config) / "sessions"
    try:
        found = [path for path in register.iterdir() if path.suffix == ".json" and path.stem.isdigit()]
    except OSError:
        return {}
    for path in found:
        fields = tree.stat_fields(path.stem)
        if fields is None or fields[3] != session:
            continue
        entry = files.read(str(register), path.name) or {}
        if str(entry.get("procStart")).encode() == fields[19]:
            return entry
    return {}
