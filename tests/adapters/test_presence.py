"""Is the person at work: real processes, and a register as the program writes it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.presence import Presence, Present
from cctui.adapters.statusline import Statusline
from cctui.runner import statusline as hook
from cctui.runner.files import start_ticks
from tests.waiting import at_last

NOW = datetime.now(UTC).replace(microsecond=0)
Register = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def config(isolation: Path) -> Path:
    (isolation / "home/.claude/sessions").mkdir(parents=True)
    return isolation / "home/.claude"


@pytest.fixture
def register(config: Path) -> Iterator[Register]:
    """Starts a process and writes it into the register, as the program does."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(session: str = "s-1", env: dict[str, str] | None = None, **more: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["sleep", "100"], env=os.environ | (env or {}))
        started.append(process)
        entry = {
            "pid": process.pid,
            "sessionId": session,
            "startedAt": milliseconds(60),
            "procStart": str(start_ticks(process.pid)),
            "kind": "interactive",
            "entrypoint": "cli",
            "status": "idle",
            "updatedAt": milliseconds(5),
        } | more
        file = config / f"sessions/{process.pid}.json"
        file.write_text(json.dumps({key: value for key, value in entry.items() if value is not None}))
        at_last(lambda: Path(f"/proc/{process.pid}/environ").read_bytes())  # the kernel fills it in after the start
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def milliseconds(ago: float) -> int:
    """`ago` minutes before now."""
    return int((NOW - timedelta(minutes=ago)).timestamp() * 1000)


def look(config: Path, *ours: str) -> Present:
    return Presence(config, Statusline(os.environ, config)).look(NOW, ours)


def test_living_sessions_count_and_the_newest_change_says_when(config: Path, register: Register) -> None:
    assert look(config) == Present(0, None)
    register("one", updatedAt=milliseconds(30))
    register("two", updatedAt=milliseconds(5))
    assert look(config) == Present(2, NOW - timedelta(minutes=5))
    register("three", status="busy", updatedAt=milliseconds(50))
    assert look(config) == Present(3, NOW)


def test_a_session_whose_process_is_gone_does_not_count(config: Path, register: Register) -> None:
    process = register()
    presence = Presence(config, Statusline(os.environ, config))
    assert presence.look(NOW).sessions == 1
    process.kill()
    at_last(lambda: presence.look(NOW).sessions == 0)  # dead, and not yet waited for
    process.wait()
    assert presence.look(NOW).sessions == 0


def test_a_number_that_another_process_has_now_does_not_count(config: Path, register: Register) -> None:
    register(procStart="12")
    assert look(config).sessions == 0
    register("older version", procStart=None)
    assert look(config).sessions == 1


def test_ours_do_not_count_by_mark_or_by_conversation(config: Path, register: Register) -> None:
    register("marked", {"CCTUI_RUN": "20261121-025500-aaaaaa"})
    assert look(config).sessions == 0
    register("named")
    assert look(config).sessions == 1
    assert look(config, "named") == Present(0, None)
    # A value that only looks like it is none.
    register("other", {"NOTE": "x CCTUI_RUN=1"})
    assert look(config, "named").sessions == 1


def test_a_brief_question_to_the_program_does_not_count(config: Path, register: Register) -> None:
    register("probe", entrypoint="sdk-cli", startedAt=milliseconds(0), status="busy")
    assert look(config) == Present(0, None)
    register("script", entrypoint="sdk-cli", startedAt=milliseconds(2), status="busy")
    assert look(config) == Present(1, NOW)
    register("person", startedAt=milliseconds(0))
    assert look(config).sessions == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"x"', "[" * 60_000, "x" * 70_000, '{"procStart": {}}', '{"procStart": [1]}']
)
def test_what_is_no_entry_is_passed_over(config: Path, register: Register, content: str) -> None:
    process = register()
    (config / f"sessions/{process.pid}.json").write_text(content)
    assert look(config) == Present(0, None)


def test_odd_values_in_an_entry_hurt_nobody(config: Path, register: Register) -> None:
    register(startedAt="soon", updatedAt=1e300, status=4, sessionId=None)
    assert look(config) == Present(1, None)
    register("ahead", updatedAt=milliseconds(-600))
    assert look(config) == Present(2, NOW)


def test_links_pipes_and_odd_names_are_passed_over(config: Path, isolation: Path) -> None:
    mine = f"{os.getppid()}.json"
    os.mkfifo(config / f"sessions/{mine}")
    (config / "sessions/1.json").symlink_to("/dev/zero")
    (config / "sessions/notes.txt").write_text("x")
    assert look(config) == Present(0, None)


def told(config: Path, session: str, minutes: float, **env: str) -> None:
    given = {
        "session_id": session,
        "transcript_path": f"{config}/projects/-w/{session}.jsonl",
        "rate_limits": {"five_hour": {"used_percentage": 4, "resets_at": 2_000_000_000}},
    }
    hook.remember(given, dict(os.environ) | env, (NOW - timedelta(minutes=minutes)).timestamp())


def test_a_statusline_says_when_somebody_last_worked(config: Path, register: Register) -> None:
    told(config, "over", 20)
    told(config, "mine", 1, CCTUI_RUN="r")
    told(config, "ours", 2)
    assert look(config, "ours") == Present(0, NOW - timedelta(minutes=20))
    register("one", updatedAt=milliseconds(5))
    assert look(config, "ours") == Present(1, NOW - timedelta(minutes=5))


def test_without_a_register_recent_statuslines_are_the_living_sessions(config: Path) -> None:
    (config / "sessions").rmdir()
    told(config, "now", 3)
    told(config, "long ago", 45)
    assert look(config) == Present(1, NOW - timedelta(minutes=3))
