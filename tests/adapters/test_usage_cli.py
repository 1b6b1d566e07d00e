"""Asking Claude Code: a program of our own stands in for it here; the real one answers in tests/real."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters import usage_cli
from cctui.adapters.usage_answer import SLOW, STUCK, UsageError
from cctui.adapters.usage_cli import NUMBER, ask_claude
from cctui.core.settings import ClaudeSettings, Settings
from tests.waiting import eventually

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BODY = {
    "subscription_type": "max",
    "rate_limits_available": True,
    "rate_limits": {"five_hour": {"utilization": 37, "resets_at": "2026-11-21T16:39:26.000Z"}, "seven_day": None},
}


def response(body: object, **more: object) -> str:
    inner = {"subtype": "success", "request_id": NUMBER, "response": body} | more
    return json.dumps({"type": "control_response", "response": inner})


def program(tmp_path: Path, script: str) -> Settings:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Settings(claude=ClaudeSettings(command=str(path)))


def printing(tmp_path: Path, *lines: str) -> Settings:
    (tmp_path / "out").write_text("\n".join(lines) + "\n")
    return program(tmp_path, f'cat > {tmp_path}/in; echo "$@" > {tmp_path}/argv; cat {tmp_path}/out')


ENVIRON = {"PATH": os.environ["PATH"]}


async def test_the_answer_is_found_among_other_lines(tmp_path: Path) -> None:
    noise = ('{"type":"system","subtype":"init"}', "no JSON", "[]", response({"rate_limits": {}}, request_id="another"))
    settings = printing(tmp_path, *noise, response(BODY))
    (reading,) = await ask_claude(settings, ENVIRON, tmp_path, NOW)
    assert (reading.window, reading.used, reading.source) == ("five_hour", 37.0, "claude")
    asked = json.loads((tmp_path / "in").read_text())
    assert asked["request"]["subtype"] == "get_usage"
    argv = (tmp_path / "argv").read_text()
    assert "disableAllHooks" in argv
    assert "--strict-mcp-config" in argv


@pytest.mark.parametrize(
    ("line", "words", "ladder"),
    [
        (response({"rate_limits_available": False, "rate_limits": None}), "no usage numbers for this login", STUCK),
        (response({"rate_limits_available": True, "rate_limits": None}), "could not get its usage numbers", SLOW),
        (response({}), "could not get its usage numbers", SLOW),
        (response(BODY | {"rate_limits": {"five_hour": None}}), "names no window", SLOW),
        (response(None), "unknown shape", SLOW),
        (response(None, subtype="error", error="Unsupported: get_usage"), "Unsupported: get_usage.*update", STUCK),
        ("something else sk-ant-oat01-abc \x1b[31m", "exit 0: something else sk-ant-…", SLOW),
        ("", "exit 0: no words", SLOW),
    ],
)
async def test_every_other_answer_is_a_sentence(
    tmp_path: Path, line: str, words: str, ladder: tuple[float, ...]
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        await ask_claude(printing(tmp_path, line), ENVIRON, tmp_path, NOW)
    assert caught.value.ladder == ladder
    assert "\x1b" not in str(caught.value)
    assert "abc" not in str(caught.value)


async def test_a_program_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exit 3: error: unknown option"):
        await ask_claude(program(tmp_path, "echo 'error: unknown option' >&2; exit 3"), ENVIRON, tmp_path, NOW)


async def test_a_program_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(claude=ClaudeSettings(command="claude-of-nobody"))
    with pytest.raises(UsageError, match=r"claude-of-nobody was not found.*claude\.command"):
        await ask_claude(settings, ENVIRON, tmp_path, NOW)


@pytest.mark.parametrize("command", ["", "'half"])
async def test_a_command_that_is_none_says_so(tmp_path: Path, command: str) -> None:
    settings = Settings(claude=ClaudeSettings(command=command))
    with pytest.raises(UsageError, match=r"claude\.command is no command"):
        await ask_claude(settings, ENVIRON, tmp_path, NOW)


async def test_a_program_that_cannot_start_says_so(tmp_path: Path) -> None:
    settings = program(tmp_path, "")
    (tmp_path / "program").write_text("#!/no/such/interpreter\n")
    with pytest.raises(UsageError, match="cannot start"):
        await ask_claude(settings, ENVIRON, tmp_path, NOW)


def sleeping(tmp_path: Path) -> Settings:
    return program(tmp_path, f"sleep 300 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/pid; wait")


async def gone(pid: int) -> bool:
    """Whether the process ends within a moment; one that waits to be reaped has ended."""

    def ended() -> bool:
        try:
            return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return True

    return await eventually(ended)


async def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_cli, "DEADLINE", 0.5)
    with pytest.raises(UsageError, match="did not answer within"):
        await ask_claude(sleeping(tmp_path), ENVIRON, tmp_path, NOW)
    assert await gone(int((tmp_path / "child").read_text()))


async def test_leaving_in_mid_question_ends_the_program(tmp_path: Path) -> None:
    task = asyncio.create_task(ask_claude(sleeping(tmp_path), ENVIRON, tmp_path, NOW))
    await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(int((tmp_path / "pid").read_text()))
    assert await gone(int((tmp_path / "child").read_text()))


async def test_keys_that_would_hide_the_plan_do_not_reach_the_program(tmp_path: Path) -> None:
    printing(tmp_path, response(BODY))
    settings = program(tmp_path, f"env > {tmp_path}/env; cat {tmp_path}/out")
    keys = {"ANTHROPIC_API_KEY": "sk-ant-api03-x", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-x", "CLAUDECODE": "1"}
    await ask_claude(settings, ENVIRON | keys | {"CLAUDE_CONFIG_DIR": "/elsewhere"}, tmp_path, NOW)
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert "CLAUDE_CONFIG_DIR" in names
    assert not names & set(keys)


async def test_the_command_may_carry_arguments(tmp_path: Path) -> None:
    settings = printing(tmp_path, response(BODY))
    wrapped = Settings(claude=ClaudeSettings(command=f"env -u FOO {settings.claude.command}"))
    assert await ask_claude(wrapped, ENVIRON, tmp_path, NOW)
