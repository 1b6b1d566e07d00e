"""Asking Claude Code itself for its usage numbers: no model call, no tokens, and the login stays with the program.

Promises: the program gets an environment without API keys (they would hide the plan), starts none of the person's
hooks and MCP servers, runs in a folder of ours, and is gone when the question ends, however it ends.  Starting it also
lets it renew an expired login.  Never sends a prompt, never reads a credential.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cctui.adapters.claude import ClaudeError, environment, program, run_to_end
from cctui.adapters.usage_answer import SLOW, STUCK, UsageError, readings_of
from cctui.core.settings import Settings
from cctui.core.world import Reading

DEADLINE = 30.0
"""Seconds: the answer takes half a second, a renewal of the login and a cold disk some more."""
NUMBER = "usage-1"
QUESTION = {
    "type": "control_request",
    "request_id": NUMBER,
    "request": {"subtype": "get_usage", "skip_behaviors": True},
}
ARGUMENTS = (
    *("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
    *("--settings", '{"disableAllHooks":true}', "--strict-mcp-config", "--no-session-persistence"),
)
"""Hooks and MCP servers of the person would otherwise start with every question: measured."""

SECRET = re.compile(r"sk-ant-[\w-]+")


@dataclass(frozen=True, slots=True)
class Said:
    """What a finished program left behind."""

    code: int
    out: str
    err: str


async def ask_claude(settings: Settings, environ: Mapping[str, str], cwd: Path, now: datetime) -> tuple[Reading, ...]:
    """The windows as Claude Code reports them.  Raises UsageError with what is wrong and what to do."""
    said = await _claude(settings, environ, cwd)
    answer = _answer(said)
    match answer.get("rate_limits_available"), answer.get("rate_limits"):
        case False, _:
            raise UsageError(
                "Claude Code has no usage numbers for this login (API key, `claude setup-token`, or nobody is logged "
                "in): run `claude /login`",
                ladder=STUCK,
            )
        case _, None:
            text = "Claude Code could not get its usage numbers: check the network and the login"
            raise UsageError(text, ladder=SLOW)
        case _, body:
            return readings_of(body, "claude", now)


def _answer(said: Said) -> Mapping[str, object]:
    """The body of the control_response among whatever else was printed."""
    for line in said.out.splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        response = event.get("response") if isinstance(event, dict) else None
        if not isinstance(response, dict) or response.get("request_id") != NUMBER:
            continue
        if response.get("subtype") != "success":
            words = _plain(response.get("error")) or "no words"
            raise UsageError(f"Claude Code refused the question ({words}): update it", ladder=STUCK)
        body = response.get("response")
        if isinstance(body, dict):
            return body
        raise UsageError("Claude Code answered in an unknown shape: update cctui", ladder=SLOW)
    words = _plain(said.err or said.out) or "no words"
    raise UsageError(f"Claude Code did not answer (exit {said.code}: {words}): try `claude -p /usage`", ladder=SLOW)


def _plain(text: object) -> str:
    """The first line of foreign text: printable, short, without a token."""
    lines = [line for line in str(text or "").splitlines() if line.strip()]
    first = SECRET.sub("sk-ant-…", lines[0].strip()) if lines else ""
    return "".join(letter for letter in first if letter.isprintable())[:160]


async def _claude(settings: Settings, environ: Mapping[str, str], cwd: Path) -> Said:
    env = environment(settings, environ)
    found, *words = _program(settings, env.get("PATH", os.defpath))
    try:
        return await _run((found, *words, *ARGUMENTS), env, cwd, json.dumps(QUESTION) + "\n")
    except TimeoutError:
        text = f"Claude Code did not answer within {DEADLINE:.0f} s: try `claude -p /usage`"
        raise UsageError(text, ladder=SLOW) from None
    except OSError as error:
        raise UsageError(f"cannot start {found}: {error.strerror}; set claude.command", ladder=STUCK) from None


def _program(settings: Settings, path: str) -> list[str]:
    """The words of the command, the first as a program that is there."""
    try:
        first, *words = program(settings)
    except ClaudeError as error:
        raise UsageError(str(error), ladder=STUCK) from None
    found = shutil.which(first, path=path)
    if found is None:
        raise UsageError(f"{first} was not found: install Claude Code, or set claude.command")
    return [found, *words]


async def _run(argv: Sequence[str], env: Mapping[str, str], cwd: Path, stdin: str) -> Said:
    said = await run_to_end(argv, env, seconds=DEADLINE, cwd=cwd, stdin=stdin.encode())
    return Said(said.code, said.out.decode(errors="replace"), said.err.decode(errors="replace"))
