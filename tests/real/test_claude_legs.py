"""The real program, one leg at a time: what it does, what it costs, and how each of its ends is seen."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters.usage_answer import UsageError
from cctui.adapters.usage_cli import ask_claude
from cctui.core.world import Stop, Tokens
from tests.real.conftest import Legs
from tests.stub_api import BAD_LOGIN, OVERLOADED, Hang, Say, StubApi, Use, home, limit

pytestmark = pytest.mark.real


def test_a_text_task(stub: StubApi, legs: Legs, tag: str) -> None:
    stub.script(tag, Say("The answer is forty-two.", Tokens(input=11, output=7, cache_read=500, cache_write=30)))
    ending = legs.run()
    assert (ending.stop, ending.rc) == (Stop.EXIT, 0)
    result = ending.result
    assert result is not None
    assert (result.subtype, result.is_error, result.text) == ("success", False, "The answer is forty-two.")
    assert result.tokens == stub.served(tag) == Tokens(11, 7, 500, 30)
    assert result.session_id == legs.spec.session_id
    (seen,) = stub.asked(tag)
    assert seen.session == legs.spec.session_id
    assert "The answer is forty-two." in legs.log


def test_a_task_that_writes_a_file(stub: StubApi, legs: Legs, tag: str) -> None:
    made = legs.folder / "made.txt"
    stub.script(
        tag,
        Use("Write", {"file_path": str(made), "content": "by claude"}, tokens=Tokens(10, 20, 30, 40)),
        Say("Written.", Tokens(1, 2, 3, 4)),
    )
    ending = legs.run()
    assert made.read_text() == "by claude"
    assert ending.result is not None
    assert ending.result.tokens == stub.served(tag) == Tokens(11, 22, 33, 44)
    assert ending.result.denials == ()
    tool_line = next(line for line in legs.log.splitlines() if "made.txt" in line)
    assert "Write" in tool_line


def test_a_limit_then_the_same_conversation(stub: StubApi, legs: Legs, tag: str) -> None:
    command = {"command": f"echo begun > {legs.folder}/begun", "description": "begin"}
    stub.script(tag, Use("Bash", command, "Beginning."), limit(resets_in=600))
    ending = legs.run()
    result = ending.result
    assert result is not None
    assert (ending.rc, result.is_error, result.api_error_status) == (1, True, 429)
    assert result.limit_window == "five_hour"
    assert result.limit_resets_at is not None
    assert 500 < (result.limit_resets_at - datetime.now(UTC)).total_seconds() <= 600
    assert (legs.folder / "begun").exists()

    stub.script(tag, Say("Finished."))
    resumed = legs.run(resume=True).result
    assert resumed is not None
    assert (resumed.subtype, resumed.is_error, resumed.text) == ("success", False, "Finished.")
    assert resumed.session_id == legs.spec.session_id
    turns = stub.asked(tag)[-1].turns
    said = "\n".join(text for _, text in turns)
    assert legs.title in said
    assert ("assistant", "Beginning.") in [(role, text.splitlines()[0]) for role, text in turns]
    assert "begun" in said
    assert turns[-1][0] == "user"


def test_an_overloaded_service(stub: StubApi, legs: Legs, tag: str) -> None:
    stub.script(tag, OVERLOADED)
    result = legs.run().result
    assert result is not None
    assert (result.is_error, result.api_error_status, result.limit_window) == (True, 529, None)
    assert len(stub.asked(tag)) == 1


def test_a_refused_login(stub: StubApi, legs: Legs, tag: str) -> None:
    stub.script(tag, BAD_LOGIN, BAD_LOGIN, BAD_LOGIN)
    result = legs.run().result
    assert result is not None
    assert result.is_error
    assert result.api_error_status == 401
    assert result.error == "authentication_failed"


def test_a_timeout_ends_the_program_with_term(stub: StubApi, legs: Legs, tag: str) -> None:
    stub.script(tag, Hang())
    legs.spec = replace(legs.spec, timeout=3.0)
    began = time.monotonic()
    ending = legs.run()
    assert (ending.stop, ending.rc in (143, -15)) == (Stop.TIMEOUT, True)  # -15: before it minds signals itself
    assert 3.0 <= ending.duration_s <= min(time.monotonic() - began, 15.0)
    assert ending.result is None or ending.result.subtype is None
    mark = f"CCTUI_RUN={legs.spec.run_id}".encode()
    assert not [process for process in Path("/proc").glob("[0-9]*") if mark in _environ(process)]


def _environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


async def test_asking_for_usage_with_a_login_that_has_none(stub: StubApi, legs: Legs, tmp_path: Path) -> None:
    names = tuple(name for name in stub.environment() if name != "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC")
    settings = replace(legs.settings, claude=replace(legs.settings.claude, env=names))
    with pytest.raises(UsageError, match="no usage numbers for this login"):
        await ask_claude(settings, os.environ, tmp_path, datetime.now(UTC))
    stub.tunnels.clear()  # it asks its own hosts for its own flags here; the fence has refused


async def test_asking_for_usage_starts_nothing_of_the_person(
    stub: StubApi, legs: Legs, isolation: Path, tmp_path: Path
) -> None:
    folder = Path(home(isolation)["CLAUDE_CONFIG_DIR"])
    hook = '{"hooks": [{"type": "command", "command": "touch %s/%s"}]}'
    events = ", ".join(f'"{event}": [{hook % (tmp_path, event)}]' for event in ("SessionStart", "SessionEnd"))
    (folder / "settings.json").write_text(f'{{"hooks": {{{events}}}}}')
    server = f'{{"type": "stdio", "command": "touch", "args": ["{tmp_path}/server"]}}'
    (folder / ".claude.json").write_text(f'{{"mcpServers": {{"mine": {server}}}}}')
    with pytest.raises(UsageError):
        await ask_claude(legs.settings, os.environ, tmp_path, datetime.now(UTC))
    assert {path.name for path in tmp_path.iterdir()} == {"project"}
    assert not list(folder.glob("projects/*/*.jsonl"))
