"""The JSON files a run brings along: Claude Code's settings for this one run, what its hooks refuse, what is secret.

They lie in the run folder (0600).  The person's own settings are never edited; hooks of ours are switched on whatever
those say, because a run without them would be unguarded without a word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cctui.adapters.runfiles import SECRETS, real_interpreter
from cctui.core.settings import Settings
from cctui.runner.redact import env_values
from cctui.runner.secretpaths import ALLOW, DENY

GUARD = Path(__file__).resolve().parent.parent / "runner" / "guard.py"
HEADLESS, ATTENDED = "settings.json", "settings-attended.json"
TOOLS = ("PreToolUse", "PostToolUse", "PostToolBatch")
SESSION = ("Notification", "PermissionRequest", "Stop", "StopFailure", "UserPromptSubmit", "SessionStart", "SessionEnd")
SECONDS = 30
"""A hook over its time counts as a yes, so it has much more than it needs: it gives up by itself long before."""
SHORTEST = 8
"""Shorter values would take ordinary words out of every text."""

_NAMES = re.compile(r"(?i)token|key|secret|passw|passphrase|credential|auth")


def claude_settings(settings: Settings, *, attended: bool) -> dict[str, Any]:
    """For ``claude --settings FILE``."""
    events = ("PreToolUse", *SESSION) if attended else TOOLS
    return {
        "disableAllHooks": False,
        "hooks": {event: [{"hooks": [_hook(event)]}] for event in events},
        "permissions": {"deny": list(denied(settings))},
        "autoContinueAtUsageLimit": False,
    }


def _hook(event: str) -> dict[str, Any]:
    command = shlex.join([real_interpreter(), "-I", "-S", str(GUARD), event])
    return {"type": "command", "command": command, "timeout": SECONDS}


def denied(settings: Settings) -> tuple[str, ...]:
    """Rules for the program's own tools, the hooks' second line.

    A rule of the program knows no exception, and takes `process.env` in a command for a file: what could meet a name
    that is allowed, or is only an extension, is left to the hooks.
    """
    allowed = (*ALLOW, *settings.claude.allow)
    known = (*(item for item in DENY if not item.startswith("*.")), *settings.claude.deny)
    patterns = (item for item in known if not any(_meet(item, other) for other in allowed))
    return tuple(dict.fromkeys(rule for item in patterns for rule in _rules(item)))


def _meet(pattern: str, other: str) -> bool:
    """Whether some path could fit both; rather once too often than too rarely."""
    mine, theirs = (
        [part.casefold() for part in item.split("/") if part not in ("", "~", "**")] for item in (pattern, other)
    )
    return not theirs or any(fnmatchcase(a, b) or fnmatchcase(b, a) for a in mine for b in theirs)


def _rules(pattern: str) -> tuple[str, ...]:
    """`Read` rules cover editing and the reading commands of a shell too."""
    path = pattern.rstrip("/") + "/**" if pattern.endswith("/") else pattern
    if path.startswith("~/"):
        return (f"Read({path})",)
    if path.startswith("/"):
        return (f"Read(/{path})",)
    return (f"Read(**/{path})", f"Read(//**/{path})")


def run_files(settings: Settings, folder: str, env: Mapping[str, str], *, talks: bool) -> dict[str, dict[str, Any]]:
    """What a leg in `folder` brings along; with `talks`, also what a conversation needs."""
    found: dict[str, dict[str, Any]] = {SECRETS: {"values": list(secrets(folder, env))}}
    if talks:
        found["guard.json"] = {"deny": list(settings.claude.deny), "allow": list(settings.claude.allow)}
        found[HEADLESS] = claude_settings(settings, attended=False)
        found[ATTENDED] = claude_settings(settings, attended=True)
    return found


def secrets(folder: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """Values that must not leave the run: of the folder's .env files, and of variables whose names say so."""
    named = (value for name, value in env.items() if _NAMES.search(name) and not value.startswith("/"))
    values = (value.strip() for value in (*named, *env_values(folder)))
    return tuple(dict.fromkeys(value for value in values if len(value) >= SHORTEST))
