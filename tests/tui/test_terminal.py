"""On a real terminal line: lending it and taking it back, a dropped connection, a phone in a pocket."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.tmux import Tmux
from tests.tui.ptys import BLUR, FOCUS, Terminal

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `python -m MODULE WORDS` on a terminal of its own; ended at the end."""
    started: list[Terminal] = []

    def go(*words: str) -> Terminal:
        terminal = Terminal.python("-m", *words, REPORT=str(tmp_path / "report.json"))
        started.append(terminal)
        assert terminal.until(lambda said: b"Quit" in said), terminal.said[-2000:]
        return terminal

    yield go
    for terminal in started:
        terminal.end(0)


def told(tmp_path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    return facts


def begun(terminal: Terminal, tmp_path: Path) -> None:
    """Wait for the engine, which begins after the first paint."""
    assert terminal.until(lambda _: (tmp_path / "report.json").exists())


def test_the_app_beats_on_while_the_terminal_is_lent_and_comes_back(start: Start, tmp_path: Path) -> None:
    """With neither batch_update in `attach` nor a driver that drops frames the loop freezes after 30 repaints, and with
    a call that blocks at once: 3 seconds hold 60."""
    terminal = start("tests.tui.hosted", "attach", "3")
    terminal.type(b"2")
    assert terminal.until(lambda said: b"Attach" in said)
    terminal.type(b"a")
    assert terminal.until(lambda said: b"LENT" in said and b"BACK" in said)
    mark = len(terminal.said)
    assert terminal.until(lambda said: b"zotero-digest" in said[mark:])
    assert told(tmp_path)["during"] > 40
    assert b"LOST" not in terminal.said
    terminal.type(b"q")
    assert terminal.until(lambda said: b"Leave cctui?" in said)
    terminal.type(b"d")
    assert terminal.until(lambda said: b"detach LEFT" in said)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)], ids=["switch", "popup"])
async def test_inside_our_own_tmux_the_app_beats_on_while_a_run_is_watched(
    tmux_socket: str, tmp_path: Path, columns: int, rows: int
) -> None:
    tmux = Tmux("tmux", tmux_socket)
    await tmux.start("a", ["sh", "-c", "echo WATCHED; exec cat"], "/", {"CCTUI_TASK": "Digest"}, "a-1")
    hosted = shlex.join(["env", f"REPORT={tmp_path}/report.json", sys.executable, "-m", "tests.tui.hosted", "inside",
                         tmux_socket])  # fmt: skip
    terminal = Terminal(tmux.server_argv("new-session", "-s", "ui", hosted), columns=columns, rows=rows)
    try:
        assert terminal.until(lambda said: b"Quit" in said), terminal.said[-2000:]
        terminal.type(b"2")
        assert terminal.until(lambda said: b"Attach" in said)
        terminal.type(b"a")
        assert terminal.until(lambda said: b"watching" in said and b"WATCHED" in said)
        begun(terminal, tmp_path)
        before = told(tmp_path)["beats"]
        assert terminal.until(lambda _: told(tmp_path)["beats"] > before + 60)
        mark = len(terminal.said)
        terminal.type(b"\x1b[24~")
        assert terminal.until(lambda said: b"zotero-digest" in said[mark:]), terminal.said[mark:]
        terminal.type(b"q")
        assert terminal.until(lambda said: b"Leave cctui?" in said)
        terminal.type(b"d")
        # Its session ends with the app; the terminal is shown another one.
        deadline = time.monotonic() + 15
        while "ui" in await tmux.sessions():
            assert time.monotonic() < deadline
            terminal.read(0.05)
    finally:
        terminal.end(0)


@pytest.mark.parametrize(("on_hangup", "how"), [("headless", "detach"), ("stop", "stop")])
def test_a_dropped_line_leaves_in_order(start: Start, tmp_path: Path, on_hangup: str, how: str) -> None:
    terminal = start("tests.tui.hosted", "engine", on_hangup)
    begun(terminal, tmp_path)
    terminal.drop()
    assert terminal.end() is not None
    assert told(tmp_path) == {"how": how, "left": [how], "ended": ["engine"]}


def test_being_ended_leaves_in_order(start: Start, tmp_path: Path) -> None:
    terminal = start("tests.tui.hosted", "engine", "headless")
    begun(terminal, tmp_path)
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.read(0.5)
    assert terminal.end() == 0
    assert told(tmp_path) == {"how": "detach", "left": ["detach"], "ended": ["engine"]}


def test_in_a_pocket_not_a_byte_is_written(start: Start) -> None:
    terminal = start("tests.tui.preview", "busy")
    terminal.read(1)
    ticking = terminal.read(2.5)
    assert 0 < ticking < 2.5 * 200
    terminal.type(BLUR)
    terminal.read(0.7)
    assert terminal.read(2.5) == 0
    terminal.type(FOCUS)
    assert terminal.read(1.5) > 0


def test_a_stalled_line_does_not_stall_the_app(start: Start, tmp_path: Path) -> None:
    """Nobody reads while 150 times the whole screen is written: without dropped frames the loop blocks after 30."""
    terminal = start("tests.tui.hosted", "beat", "150")
    deadline = time.monotonic() + 25
    while not (tmp_path / "report.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    mark = len(terminal.said)
    assert terminal.until(lambda said: b"vault-lint" in said[mark:])
