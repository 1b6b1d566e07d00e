"""What the run's hooks answer: a deny list for secrets, a stop at a safe point, a word about landing, a log of asks.

Its facts are the hook's JSON, the run folder (CCTUI_RUN_DIR) and the leg (CCTUI_LEG).  What it cannot read it denies.
It writes only asks.jsonl, told-LEG and heard-N in the run folder, and never asks the network or a person anything.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from . import files, spoken
from .secretpaths import Judge, Patterns
from .shellwords import names

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from types import FrameType
    from typing import Any

DENIED = 2
SECONDS = 8.0
"""A check that takes longer denies: the caller would take its own time limit for a yes."""
SHELLS = ("Bash", "Monitor")
LOG_BYTES = 1_500
TAKE_OVER = (
    "Not executed: the run was stopped here so that a person can go on with this conversation. Nothing was wrong with "
    "the call; repeat it if it is still needed."
)
STOPPED = "cctui: stopped at a safe point so that a person can take over"
LANDING = (
    "cctui: the usage window is nearly full. Commit or save what is done now, leave the work in a state that can be "
    "continued, and end the turn. If the task is NOT complete, end your last message with the line CCTUI-PARKED; "
    "otherwise end as usual."
)
PERSON = (
    "cctui: the person whose task this is has a word for you while you work. Follow it from here on; where it differs "
    "from the task, it comes first."
)
LOGGED = ("Notification", "PermissionRequest", "Stop", "StopFailure", "UserPromptSubmit", "SessionEnd", "SessionStart")


def answer(event: str) -> int:
    """Read the hook's JSON, print the answer; gives the exit code (2 denies a call)."""
    if event == "PreToolUse":
        signal.signal(signal.SIGALRM, _too_slow)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        payload = json.loads(sys.stdin.buffer.read())
    except (OSError, ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        return deny("cctui: the call could not be read, so it was not executed.") if event == "PreToolUse" else 0
    run, leg = os.environ.get("CCTUI_RUN_DIR", ""), os.environ.get("CCTUI_LEG", "")
    match event:
        case "PreToolUse":
            return before_tool(payload, run, leg)
        case "PostToolUse" | "PostToolBatch":
            return after_tool(event, payload, run, leg)
        case _ if event in LOGGED and run:
            log(event, payload, run, leg)
    return 0


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    os._exit(deny("cctui: checking this call for secrets took too long, so it was not executed. Make it shorter."))


def say(value: dict[str, Any]) -> None:
    os.write(1, (json.dumps(value) + "\n").encode())


def _decision(reason: str) -> dict[str, Any]:
    return {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": reason,
    }


def deny(reason: str) -> int:
    say({"hookSpecificOutput": _decision(reason)})
    return DENIED


def told(run: str, leg: str) -> str:
    """What the engine wants of this leg: takeover, landing, or nothing."""
    if not run or not leg.isdigit():
        return ""
    try:
        with open(os.path.join(run, f"tell-{leg}"), "rb") as file:
            return file.read(64).decode("utf-8", "replace").strip()
    except OSError:
        return ""


# --- a tool call -----------------------------------------------------------------------------------------------------


def before_tool(payload: dict[str, Any], run: str, leg: str) -> int:
    # Stopping a sub-agent would end only that one and lose its work: the call after it is early enough.
    if told(run, leg) == "takeover" and not payload.get("agent_id"):
        say({"continue": False, "stopReason": STOPPED, "hookSpecificOutput": _decision(TAKE_OVER)})
        return 0
    tool, given = payload.get("tool_name"), payload.get("tool_input")
    if not isinstance(tool, str) or not isinstance(given, dict):
        return deny("cctui: the call names no tool or no input, so it was not executed.")
    patterns = read_patterns(run)
    if patterns is None:
        text = f"{run}/guard.json cannot be read, so what is secret is not known and nothing is executed"
        return deny(f"cctui: {text}. A person has to repair or remove that file.")
    cwd = payload.get("cwd")
    judge = Judge(patterns, cwd if isinstance(cwd, str) and cwd else os.getcwd(), run)
    found = _shell_secret(judge, given) if tool in SHELLS else _file_secret(judge, tool, given)
    if found is None:
        return 0
    name, pattern = found
    return deny(
        f"cctui: {tool} names `{name[:200]}`, which the deny list for secrets covers ({pattern}). Do the work without "
        "it. If the task needs this file, say so: a person can allow it in the settings (deny list)."
    )


def read_patterns(run: str) -> Patterns | None:
    """The run's own patterns; None when there is a file with them that cannot be used."""
    path = os.path.join(run, "guard.json")
    if not run or not os.path.lexists(path):
        return Patterns((), ())
    value = files.read(run, "guard.json")
    if value is None:
        return None
    lists = [value.get(key, []) for key in ("deny", "allow")]
    if not all(isinstance(items, list) and all(isinstance(item, str) for item in items) for items in lists):
        return None
    return Patterns(tuple(lists[0]), tuple(lists[1]))


def _shell_secret(judge: Judge, given: dict[str, Any]) -> tuple[str, str] | None:
    command = given.get("command")
    if not isinstance(command, str):
        return None
    seen: set[tuple[str, bool, bool, bool]] = set()
    for name in names(command, os.environ):
        if name.folder:
            judge.enter(name.text)
            seen.clear()
        if (name.text, name.code, name.hidden, name.listed) in seen:
            continue
        seen.add((name.text, name.code, name.hidden, name.listed))
        if (pattern := judge.judge(name)) is not None:
            return name.text, pattern
    return None


def _file_secret(judge: Judge, tool: str, given: dict[str, Any]) -> tuple[str, str] | None:
    """Everything in a tool's input that is a path by its key; Grep's `pattern` is text, Glob's is a path."""
    for key, value in given.items():
        by_key = key.endswith(("path", "paths", "file", "files", "glob", "directory")) or key == "uri"
        if not by_key and not (key == "pattern" and tool == "Glob"):
            continue
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not text.startswith("!") and (pattern := judge.path(text)) is not None:
                return text, pattern
    return None


def after_tool(event: str, payload: dict[str, Any], run: str, leg: str) -> int:
    if payload.get("agent_id"):
        return 0
    asked = told(run, leg)
    if asked == "takeover":
        if event == "PostToolBatch":
            say({"continue": False, "stopReason": STOPPED})
        return 0
    parts = [LANDING] if asked == "landing" and _first(run, leg) else []
    parts += _said(run) if run else []
    if parts:
        say({"hookSpecificOutput": {"hookEventName": event, "additionalContext": "\n\n".join(parts)}})
    return 0


def _said(run: str) -> list[str]:
    """What a person has said to this run meanwhile."""
    heard = os.environ.get("CCTUI_HEARD", "")
    said = spoken.take(run, int(heard) if heard.isdigit() else 0)
    return [PERSON, *said] if said else []


def _first(run: str, leg: str) -> bool:
    try:
        os.close(os.open(os.path.join(run, f"told-{leg}"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError:
        return False
    return True


# --- what a session asks or says -------------------------------------------------------------------------------------


def log(event: str, payload: dict[str, Any], run: str, leg: str) -> None:
    """One line in asks.jsonl: what a person would want to know of this event."""
    from . import redact, scrub  # noqa: PLC0415  a tool call does without

    safe = redact.redact(scrub.clean(_words(event, payload)[:100_000]), files.secrets(run))
    text = " ".join(safe.split()).encode("utf-8", "replace")[:LOG_BYTES].decode("utf-8", "ignore")
    line = {
        "event": event,
        "text": text,
        "at": files.stamp(time.time()),
        "leg": int(leg) if leg.isdigit() else 0,
        "kind": scrub.one_line(_kind(payload), 60),
    }
    path, flags = os.path.join(run, "asks.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    except OSError:
        return  # the session goes on; its registry still tells that it waits
    try:
        os.write(fd, (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
    except OSError:
        return
    finally:
        os.close(fd)


def _kind(payload: dict[str, Any]) -> str:
    keys = ("notification_type", "tool_name", "error", "source", "reason")
    return next((payload[key] for key in keys if isinstance(payload.get(key), str)), "")


def _words(event: str, payload: dict[str, Any]) -> str:
    match event:
        case "Notification":
            return str(payload.get("message") or "")
        case "PermissionRequest":
            return _asked(payload)
        case "Stop" | "StopFailure":
            said = str(payload.get("last_assistant_message") or payload.get("error") or "")
            return said.strip().rpartition("\n")[2]
        case "UserPromptSubmit":
            return str(payload.get("prompt") or "").strip().partition("\n")[0]
    return _kind(payload)


def _asked(payload: dict[str, Any]) -> str:
    """`Bash: command`, or the questions themselves."""
    given = payload.get("tool_input")
    questions = given.get("questions") if isinstance(given, dict) else None
    if isinstance(questions, list):
        asked = [item.get("question") for item in questions if isinstance(item, dict)]
        if words := " · ".join(item for item in asked if isinstance(item, str)):
            return words
    from . import redact, render  # noqa: PLC0415

    return f"{payload.get('tool_name') or 'A tool'}: {render.subject(given, redact.redact)}"
