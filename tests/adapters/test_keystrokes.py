"""A person's words in a real pane: what a program there gets for what it says it waits for."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters.keystrokes import TypingError, type_words
from cctui.adapters.runfiles import LegPlan, plan_json
from cctui.adapters.tmux import Tmux, TmuxError
from cctui.runner import files
from tests.waiting import at_last

PROGRAM = """
import json, os, sys, termios, tty
folder = sys.argv[1]
tty.setraw(0)
os.write(1, b"\\x1b[?2004hready")
pid = os.getpid()
with open(folder + "/child-1", "w") as file:
    file.write(f"{os.getsid(0)} 1\\n")
with open(folder + "/pid", "w") as file:
    file.write(str(pid))
while True:
    got = os.read(0, 65536)
    with open(folder + "/got", "ab") as file:
        file.write(got)
    if got == b"\\x1b" and not os.path.exists(folder + "/stubborn"):
        path = f"{folder}/sessions/{pid}.json"
        entry = json.load(open(path))
        with open(path + ".new", "w") as file:
            json.dump({**entry, "status": "idle"}, file)
        os.rename(path + ".new", path)
"""
PASTE, END = b"\x1b[200~", b"\x1b[201~\r"


class Pane:
    """A program in a pane of our own server that keeps what it is sent, and its entry in the register."""

    def __init__(self, tmux: Tmux, folder: Path) -> None:
        self.tmux, self.folder = tmux, folder
        (folder / "sessions").mkdir(parents=True)
        plan = LegPlan(("x",), {"CLAUDE_CONFIG_DIR": str(folder)}, "/", stdout="tty", part="attended")
        files.put(str(folder), "leg-1.json", plan_json(plan, 0, 0))
        (folder / "program.py").write_text(PROGRAM)

    async def open(self) -> None:
        argv = [sys.executable, str(self.folder / "program.py"), str(self.folder)]
        await self.tmux.start("cc-1", argv, "/", {}, self.folder.name, typing=True)
        at_last(lambda: (self.folder / "pid").exists() and (self.folder / "pid").read_text(), 10)
        at_last(lambda: "ready" in self.ask("capture-pane", "-p", "-t", "=cc-1:"), 10)

    def ask(self, *args: str) -> str:
        ran = subprocess.run(self.tmux.server_argv(*args), capture_output=True, text=True, timeout=10, check=True)
        return ran.stdout

    def says(self, status: str, waits_for: str = "", **more: object) -> None:
        pid = int((self.folder / "pid").read_text())
        entry = {"status": status, "waitingFor": waits_for, "procStart": str(files.start_ticks(pid)), **more}
        (self.folder / f"sessions/{pid}.json").write_text(json.dumps(entry))

    def got(self, text: bytes) -> bool:
        path = self.folder / "got"
        return path.exists() and path.read_bytes() == text


@pytest.fixture
async def pane(tmux_socket: str, tmp_path: Path) -> Pane:
    made = Pane(Tmux("tmux", tmux_socket), tmp_path / "runs/run-1")
    await made.open()
    return made


@pytest.mark.parametrize(
    ("status", "waits_for", "text", "keys"),
    [
        ("idle", "", "go on; then stop;", PASTE + b"go on; then stop;" + END),
        ("busy", "", "one\n\ttwo ☂ 'q' \\ $HOME #{x}", PASTE + "one\n\ttwo ☂ 'q' \\ $HOME #{x}".encode() + END),
        ("idle", "", "1", PASTE + b"1" + END),
        ("idle", "", "!rm x", PASTE + b" !rm x" + END),
        ("idle", "", "Escape", PASTE + b"Escape" + END),
        ("waiting", "permission prompt", "2", b"2"),
        ("waiting", "permission prompt", "Yes", b"1"),
        ("waiting", "permission prompt", "12", b"\x1b" + PASTE + b"12" + END),
        ("waiting", "permission prompt", "no, the other", b"\x1b" + PASTE + b"no, the other" + END),
        ("waiting", "dialog open", "3", b"3"),
        ("waiting", "input needed", "2", b"2"),
        ("waiting", "input needed", "a third one", PASTE + b"a third one" + END),
        ("waiting", "input needed", "yes", PASTE + b"yes" + END),
    ],
)
async def test_what_is_typed(pane: Pane, status: str, waits_for: str, text: str, keys: bytes) -> None:
    pane.says(status, waits_for)
    await type_words(pane.tmux, pane.folder, "cc-1", text, datetime.now(UTC))
    at_last(lambda: pane.got(keys), 5)
    assert pane.ask("list-buffers") == ""


async def test_the_longest_reply_arrives_whole(pane: Pane) -> None:
    pane.says("idle")
    text = "🙂" * 3_999 + "."
    await type_words(pane.tmux, pane.folder, "cc-1", text, datetime.now(UTC))
    at_last(lambda: pane.got(PASTE + text.encode() + END), 5)


async def test_a_pane_that_is_scrolled_or_only_shown_hears_it_too(pane: Pane) -> None:
    pane.says("idle")
    pane.ask("copy-mode", "-t", "=cc-1:", ";", "select-pane", "-d", "-t", "=cc-1:")
    await type_words(pane.tmux, pane.folder, "cc-1", "hello", datetime.now(UTC))
    at_last(lambda: pane.got(PASTE + b"hello" + END), 5)
    assert pane.ask("display-message", "-p", "-t", "=cc-1:", "#{pane_in_mode} #{pane_input_off}").strip() == "0 1"


async def test_a_question_that_comes_right_after_it_was_idle_is_no_prompt(pane: Pane) -> None:
    pane.says("idle", statusUpdatedAt=time.time() * 1000)
    typing = asyncio.create_task(type_words(pane.tmux, pane.folder, "cc-1", "2", datetime.now(UTC)))
    done, _ = await asyncio.wait({typing}, timeout=0.3)
    assert not done
    pane.says("waiting", "dialog open", statusUpdatedAt=time.time() * 1000)
    await typing
    at_last(lambda: pane.got(b"2"), 5)


async def test_it_is_typed_once_it_has_been_idle_for_a_moment(pane: Pane) -> None:
    pane.says("idle", statusUpdatedAt=time.time() * 1000 - 700)
    await type_words(pane.tmux, pane.folder, "cc-1", "2", datetime.now(UTC))
    at_last(lambda: pane.got(PASTE + b"2" + END), 5)


async def test_nothing_is_typed_blindly(pane: Pane) -> None:
    with pytest.raises(TypingError, match="nothing was typed"):
        await type_words(pane.tmux, pane.folder, "cc-1", "hello", datetime.now(UTC))
    assert not (pane.folder / "got").exists()


async def test_a_question_that_stays_gets_no_words(pane: Pane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cctui.adapters.keystrokes.LEAVE_SECONDS", 0.2)
    (pane.folder / "stubborn").touch()
    pane.says("waiting", "permission prompt")
    with pytest.raises(TypingError, match="still asks"):
        await type_words(pane.tmux, pane.folder, "cc-1", "hello", datetime.now(UTC))
    at_last(lambda: pane.got(b"\x1b"), 5)


async def test_the_pane_of_another_run_is_left_alone(pane: Pane, tmp_path: Path) -> None:
    pane.says("idle")
    for folder, session in ((tmp_path / "runs/run-2", "cc-1"), (pane.folder, "cc-2")):
        with pytest.raises(TypingError, match="not open any more"):
            await type_words(pane.tmux, folder, session, "hello", datetime.now(UTC))
    with pytest.raises(TmuxError, match="cannot be the name"):
        await pane.tmux.press("a;b", "1")
    with pytest.raises(TmuxError, match="Nothing could be typed into cc-9"):
        await pane.tmux.press("cc-9", "1")
    assert not (pane.folder / "got").exists()
