"""The app from a plain terminal: a real pty, a real tmux server, two faces on one engine."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import pytest
from click.testing import CliRunner

from cctui.cli.main import ccq
from cctui.lock import Lock
from cctui.places import find_places

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class Terminal:
    """A program on a pty of 48 × 18, as a phone's terminal runs it."""

    def __init__(self, *args: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 18, 48, 0, 0))
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cctui", *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - so that a drop is a hang-up
        )
        os.close(slave)
        self.seen = ""

    def shows(self, text: str) -> bool:
        while select.select([self._master], [], [], 0)[0]:
            try:
                self.seen += os.read(self._master, 1 << 16).decode(errors="replace")
            except OSError:
                break
        return text in self.seen

    def press(self, keys: str) -> None:
        self.seen = ""
        os.write(self._master, keys.encode())

    def close(self) -> None:
        """The connection drops."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        self.process.wait(20)


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Poll with a deadline."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def terminal(*args: str) -> Iterator[Terminal]:
    opened = Terminal(*args)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def root(tmp_path: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "r"
    (folder / "tasks/pending").mkdir(parents=True)
    monkeypatch.setenv("CCTUI_ROOT", str(folder))
    monkeypatch.setenv("CCTUI_CLAUDE_COMMAND", "/no/such/claude")
    yield folder
    CliRunner().invoke(ccq, ["--root", str(folder), "headless", "--stop"])


def tmux(socket: str, *args: str) -> str:
    ran = subprocess.run(["tmux", "-L", socket, *args], capture_output=True, text=True, timeout=10, check=False)
    return ran.stdout


def engine_of(root: Path) -> int | None:
    owner = Lock(find_places(str(root), os.environ, root).lock).owner()
    return owner.pid if owner else None


def test_from_a_plain_terminal_the_app_lives_in_session_ui_and_survives_a_drop(
    root: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_OAUTH_TOKEN", "made-up")
    with terminal() as phone:
        until(lambda: phone.shows("Queue"))
        assert tmux(tmux_socket, "show-options", "-qv", "-t", "=ui:", "@cctui_root").strip() == str(root)
        assert "made-up" in tmux(tmux_socket, "show-environment", "-t", "=ui", "CLAUDE_CODE_OAUTH_TOKEN")
        assert "made-up" not in tmux(tmux_socket, "show-environment", "-g")
        phone.close()
    assert tmux(tmux_socket, "list-sessions", "-F", "#{session_name}").split() == ["ui"]
    engine = engine_of(root)
    with terminal() as again:
        until(lambda: again.shows("Queue"))
        assert engine_of(root) == engine


def test_leaving_the_app_leads_out_of_tmux_and_not_into_a_run(root: Path, tmux_socket: str) -> None:
    with terminal() as phone:
        until(lambda: phone.shows("Queue"))
        tmux(tmux_socket, "new-session", "-d", "-s", "cc-another-run", "cat")
        phone.press("q")
        until(lambda: phone.shows("Detach"))
        phone.press("s")
        until(lambda: phone.process.poll() is not None)
    assert tmux(tmux_socket, "list-sessions", "-F", "#{session_name}").split() == ["cc-another-run"]


def test_without_a_locale_tmux_still_draws_more_than_ascii(
    root: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANG", raising=False)
    monkeypatch.setenv("LC_ALL", "C")
    with terminal() as phone:
        until(lambda: phone.shows("Queue"))
        assert tmux(tmux_socket, "list-clients", "-F", "#{client_utf8}").strip() == "1"


def test_another_root_gets_a_session_of_its_own(
    root: Path, tmux_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    (other / "tasks").mkdir(parents=True)
    with terminal() as first:
        until(lambda: first.shows("Queue"))
        monkeypatch.setenv("CCTUI_ROOT", str(other))
        with terminal() as second:
            until(lambda: second.shows("Queue"))
            names = tmux(tmux_socket, "list-sessions", "-F", "#{session_name}").split()
            assert sorted(names) == ["ui", f"ui-{crc32(os.fsencode(other)):08x}"]
            assert engine_of(root) != engine_of(other)
    CliRunner().invoke(ccq, ["--root", str(other), "headless", "--stop"])


def test_a_second_app_is_a_face_and_detaching_leaves_an_engine_behind(root: Path) -> None:
    with terminal("--no-tmux") as host:
        until(lambda: host.shows("Queue"))
        hosting = engine_of(root)
        assert hosting == host.process.pid
        with terminal("--no-tmux") as face:
            until(lambda: face.shows("Queue"))
            assert CliRunner().invoke(ccq, ["add", "x", "-n", "over-the-socket"]).exit_code == 0
            until(lambda: face.shows("over-the-socket"))
            host.press("q")
            until(lambda: host.shows("Detach"))
            host.press("d")
            until(lambda: host.process.poll() is not None)
            assert host.process.returncode == 0
            until(lambda: engine_of(root) not in (None, hosting))
            assert CliRunner().invoke(ccq, ["pause", "over-the-socket"]).exit_code == 0
            until(lambda: face.shows("paused"))
