"""The steps of a scene that are tool calls: real files, real commands, and the run's own hook asked before each.

Standard library only.
"""
# ruff: noqa: PTH109, PTH123 - no pathlib: a simulated Claude starts in milliseconds

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

NAMES = {"read": "Read", "write": "Write", "edit": "Edit", "run": "Bash"}
COMMAND_SECONDS, HOOK_SECONDS = 20, 30
DENIED = 2
"""Exit code by which a hook refuses a call."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call: what is asked for, as the real program's tools ask for it."""

    name: str
    given: dict[str, str]


def call_of(step: list[str]) -> Call:
    kind, *what = step
    keys = {
        "read": ("file_path",),
        "write": ("file_path", "content"),
        "edit": ("file_path", "old_string", "new_string"),
        "run": ("command",),
    }
    return Call(NAMES[kind], dict(zip(keys[kind], what, strict=False)))


def carry_out(step: list[str]) -> tuple[str, bool]:
    """What came of the call, and whether it failed.  Only reading is made up: the scene says what was read."""
    kind, *what = step
    match kind:
        case "write":
            with open(what[0], "a", encoding="utf-8") as file:
                file.write(what[1])
            return f"wrote {what[0]}", False
        case "edit":
            return _edit(*what)
        case "run":
            ran = subprocess.run(
                what[0], shell=True, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
            )
            return (ran.stdout + ran.stderr).strip() or "done", ran.returncode != 0
        case _:
            return what[1], False


def _edit(path: str, old: str, new: str) -> tuple[str, bool]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        return f"{path}: {error.strerror}", True
    if text.count(old) != 1:
        return f"{path}: the text to replace is there {text.count(old)} times", True
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    return f"edited {path}", False


# --- the run's hook ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """What the hook says of a call before it is carried out."""

    refusal: str = ""
    """Why it is not; empty: it may be."""
    stop: bool = False
    """The whole conversation is to end here."""


def ask(settings: str, call: Call, session_id: str) -> Word:
    """Ask the PreToolUse hooks of the settings file, as the real program would; without a file nothing is asked."""
    for command in _commands(settings):
        payload = {
            "session_id": session_id,
            "cwd": os.getcwd(),
            "hook_event_name": "PreToolUse",
            "tool_name": call.name,
            "tool_input": call.given,
        }
        given = json.dumps(payload)
        ran = subprocess.run(
            command, shell=True, input=given, capture_output=True, text=True, check=False, timeout=HOOK_SECONDS
        )
        word = _word(ran.returncode, ran.stdout, ran.stderr)
        if word.refusal or word.stop:
            return word
    return Word()


def _commands(settings: str) -> list[str]:
    if not settings:
        return []
    with open(settings, encoding="utf-8") as file:
        groups = json.load(file).get("hooks", {}).get("PreToolUse", [])
    return [hook["command"] for group in groups for hook in group.get("hooks", []) if hook.get("type") == "command"]


def _word(code: int, out: str, err: str) -> Word:
    try:
        said: dict[str, Any] = json.loads(out)
    except ValueError:
        said = {}
    decision = said.get("hookSpecificOutput", {})
    denied = code == DENIED or decision.get("permissionDecision") == "deny"
    refusal = decision.get("permissionDecisionReason") or err.strip() or "a hook has refused the call"
    return Word(refusal if denied else "", stop=said.get("continue") is False)
