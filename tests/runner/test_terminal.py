"""Legs that hand the pane's terminal to the child: a person types into it, and may close it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runner.legs import PYTHON, WRAPPER, exit_record, make_leg, marked, until, wrapper
from tests.runner.test_wrapper import lock_is_free, own_terminal, pane

ASKER = str(Path(__file__).with_name("asker.py"))


def leg(folder: Path, kind: str, tag: str = "", **changes: Any) -> Path:
    plan = {"stdout": "tty", "banner": "never shown", "timeout": None, **changes}
    return make_leg(folder, [PYTHON, ASKER, kind, *filter(None, [tag])], **plan)


class Pane:
    """A terminal with the runner in it, and the person's side of it."""

    def __init__(self, folder: Path) -> None:
        self.reader, terminal = pane()
        self.process = wrapper(
            folder, stdin=terminal, stdout=terminal, stderr=terminal, preexec_fn=lambda: own_terminal(0)
        )
        os.close(terminal)
        self.seen = ""

    def see(self, words: str) -> None:
        while words not in self.seen:
            assert select.select([self.reader], [], [], 15)[0], f"only {self.seen!r} was seen"
            self.seen += os.read(self.reader, 4096).decode()

    def type(self, keys: str) -> None:
        os.write(self.reader, keys.encode())

    def close(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def over(self) -> None:
        assert self.process.wait(30) == 0


@pytest.fixture
def panes() -> Iterator[list[Pane]]:
    made: list[Pane] = []
    yield made
    for item in made:
        item.close()


def test_a_person_types_a_line(tmp_path: Path, panes: list[Pane]) -> None:
    folder = leg(tmp_path / "r", "line")
    panes.append(Pane(folder))
    panes[0].see("ready True")
    panes[0].type("hello\n")
    panes[0].see("got hello")
    panes[0].over()
    record = exit_record(folder)
    assert (record["rc"], record["reason"], record["detail"]) == (7, "exit", "")
    assert "never shown" not in panes[0].seen and "■" not in panes[0].seen
    assert not (folder / "output.log").exists()


def test_single_keys_reach_it(tmp_path: Path, panes: list[Pane]) -> None:
    panes.append(Pane(leg(tmp_path / "r", "keys")))
    panes[0].see("ready True")
    panes[0].type("q")
    panes[0].see("key q")
    panes[0].over()


def test_it_is_in_front_and_in_the_pane_s_session(tmp_path: Path, panes: list[Pane]) -> None:
    panes.append(Pane(leg(tmp_path / "r", "group")))
    panes[0].see("in front True True")
    panes[0].over()


@pytest.mark.parametrize(("key", "code"), [("\x03", -signal.SIGINT), ("\x1c", -signal.SIGQUIT)])
def test_keys_that_interrupt_are_the_child_s_business(tmp_path: Path, panes: list[Pane], key: str, code: int) -> None:
    folder = leg(tmp_path / "r", "cat")
    panes.append(Pane(folder))
    panes[0].see("up")
    panes[0].type(f"\x1a{key}")
    panes[0].over()
    record = exit_record(folder)
    assert (record["rc"], record["reason"]) == (code, "exit")


def test_a_child_that_stops_itself_is_woken(tmp_path: Path, panes: list[Pane]) -> None:
    """Claude does at ctrl-z, its whole group, and asks for `fg`, which nobody could type."""
    folder = leg(tmp_path / "r", "stop")
    panes.append(Pane(folder))
    panes[0].see("woken")
    panes[0].over()
    assert exit_record(folder)["rc"] == 0


def test_an_interactive_shell_with_job_control(tmp_path: Path, panes: list[Pane]) -> None:
    folder = make_leg(tmp_path / "r", ["/bin/sh", "-i"], stdout="tty", timeout=None)
    panes.append(Pane(folder))
    panes[0].type("sleep 0.01; echo 4$((1 + 1)); exit 3\n")
    panes[0].see("42")
    panes[0].over()
    assert exit_record(folder)["rc"] == 3


@pytest.mark.parametrize("kind", ["stay", "deaf"])
def test_a_closed_terminal_ends_the_child_and_the_record_says_so(
    tmp_path: Path, panes: list[Pane], tag: str, kind: str
) -> None:
    folder = leg(tmp_path / "r", kind, tag)
    panes.append(Pane(folder))
    until((tmp_path / "up").exists)
    panes[0].close()
    panes[0].over()
    record = exit_record(folder)
    assert record["reason"] == "cancelled"
    assert record["detail"].startswith("Its terminal was closed")
    assert ("had to be killed" in record["detail"]) is (kind == "deaf")
    assert record["rc"] == (-signal.SIGKILL if kind == "deaf" else -signal.SIGTERM)
    assert marked(tag) == []


ALREADY_ENDED = """
import os, pty, signal, sys
sys.path.insert(0, {root!r})
from cctui.runner import supervise, terminal, tree
signal.pthread_sigmask(signal.SIG_BLOCK, terminal.WAKE)
reader, fd = pty.openpty()
os.close(reader)
child = tree.Tree(os.posix_spawn("/bin/false", ["false"], {{}}), terminal.WAKE)
os.waitid(os.P_PID, child.main, os.WEXITED | os.WNOWAIT)
end = supervise.watch(child, None, 0.1, fd)
print(end.reason, end.rc, end.detail)
"""


def test_a_child_that_ends_because_its_terminal_went_is_not_said_to_have_failed() -> None:
    code = ALREADY_ENDED.format(root=str(WRAPPER.parents[2]))
    ran = subprocess.run([PYTHON, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "cancelled 1 Its terminal was closed, so it was ended.\n"


def test_a_hang_up_with_the_terminal_there_ends_nothing(tmp_path: Path, panes: list[Pane]) -> None:
    folder = leg(tmp_path / "r", "line")
    panes.append(Pane(folder))
    panes[0].see("ready")
    panes[0].process.send_signal(signal.SIGHUP)
    panes[0].process.send_signal(signal.SIGINT)
    panes[0].type("still here\n")
    panes[0].see("got still here")
    panes[0].over()
    assert exit_record(folder)["reason"] == "exit"


def test_term_and_the_time_limit_end_it(tmp_path: Path, panes: list[Pane], tag: str) -> None:
    folder = leg(tmp_path / "r", "deaf", tag)
    panes.append(Pane(folder))
    until((tmp_path / "up").exists)
    panes[0].process.terminate()
    panes[0].over()
    assert exit_record(folder)["detail"].startswith("It was ended by SIGTERM")
    panes.append(Pane(leg(tmp_path / "two", "stay", tag, timeout=0.5)))
    panes[1].over()
    assert exit_record(tmp_path / "two")["reason"] == "timeout"
    assert marked(tag) == []


def test_without_a_terminal_it_says_what_is_missing(tmp_path: Path) -> None:
    folder = leg(tmp_path / "r", "line")
    assert wrapper(folder, stderr=subprocess.DEVNULL).wait(30) == 0
    record = exit_record(folder)
    assert (record["reason"], record["rc"]) == ("spawn", None)
    assert "terminal" in record["detail"]


def test_what_a_killed_runner_left_can_be_found_by_its_session(tmp_path: Path, panes: list[Pane], tag: str) -> None:
    folder = leg(tmp_path / "r", "deaf", tag)
    panes.append(Pane(folder))
    until((tmp_path / "up").exists)
    session, ticks = (folder / "child-1").read_text().split()
    start = json.loads((folder / "start-1.json").read_text())
    assert (int(session), int(ticks)) == (start["pid"], start["pid_start"])
    [child] = [pid for pid in marked(tag) if pid != panes[0].process.pid]
    assert os.getsid(child) == int(session)
    panes[0].process.kill()
    panes[0].process.wait(10)
    os.kill(child, signal.SIGKILL)


# --- the real tmux ---------------------------------------------------------------------------------------------------


class Tmux:
    """A server of the test's own with one pane that runs the leg."""

    def __init__(self, socket: str, folder: Path) -> None:
        self._socket = socket
        argv = [PYTHON, "-I", "-S", str(WRAPPER), str(folder), "1"]
        self("-f", "/dev/null", "new-session", "-d", "-s", "x", "-x", "80", "-y", "24", *argv)

    def __call__(self, *words: str) -> str:
        argv = ["tmux", "-L", self._socket, *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout

    def see(self, words: str) -> None:
        until(lambda: words in self("capture-pane", "-p", "-t", "x"))


def test_in_tmux_keys_arrive_and_the_screen_is_the_child_s(tmp_path: Path, tmux_socket: str) -> None:
    folder = leg(tmp_path / "r", "line")
    tmux = Tmux(tmux_socket, folder)
    tmux("set-option", "-g", "remain-on-exit", "on")
    tmux.see("ready True")
    assert tmux("capture-pane", "-p", "-t", "x").strip() == "ready True"
    tmux("send-keys", "-t", "x", "from tmux", "Enter")
    until((folder / "exit.json").exists)
    assert exit_record(folder)["rc"] == 7


@pytest.mark.parametrize("end", ["kill-pane -t x", "kill-server"])
def test_in_tmux_a_killed_pane_or_server_leaves_the_record(
    tmp_path: Path, tmux_socket: str, tag: str, end: str
) -> None:
    folder = leg(tmp_path / "r", "deaf", tag)
    tmux = Tmux(tmux_socket, folder)
    until((tmp_path / "up").exists)
    begun = time.monotonic()
    tmux(*end.split())
    until((folder / "exit.json").exists)
    assert time.monotonic() - begun < 10
    record = exit_record(folder)
    assert (record["reason"], record["rc"]) == ("cancelled", -signal.SIGKILL)
    assert record["detail"].startswith("Its terminal was closed")
    assert marked(f"{ASKER} deaf {tag}") == marked(tag) == []
    until(lambda: lock_is_free(folder))
