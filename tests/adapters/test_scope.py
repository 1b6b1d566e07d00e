"""Where our tmux server is started: real tmux, a stand-in for systemd-run; and servers that lost their socket."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket as sockets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cctui.adapters import scope as where
from cctui.adapters import tmux as module
from cctui.adapters.scope import lost_server, scope_argv
from cctui.adapters.tmux import Tmux, TmuxError
from tests.waiting import at_last

RECORDS = """#!/bin/sh
printf '%s\\n' "$XDG_RUNTIME_DIR" "$@" >> "$CALLED"
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""
FAILS = """#!/bin/sh
echo x >> "$CALLED"
echo 'Failed to connect to bus: No medium found' >&2
exit 1
"""
HANGS = """#!/bin/sh
echo x >> "$CALLED"
exec sleep 321
"""
STARTS_AND_HANGS = """#!/bin/sh
echo x >> "$CALLED"
while [ "$1" != -- ]; do shift; done
shift
"$@"
exec sleep 321
"""
LIES = """#!/bin/sh
echo x >> "$CALLED"
"""


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-in wrote down."""
    monkeypatch.setenv("CALLED", str(tmp_path / "called"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path / "called"


def systemd_run(script: str) -> None:
    program = Path(os.environ["PATH"].partition(":")[0], "systemd-run")
    program.parent.mkdir(exist_ok=True)
    program.write_text(script)
    program.chmod(0o755)


def servers(tmux: Tmux) -> list[int]:
    """Living tmux servers of this test, by their command line; clients that are just ending do not count."""
    name = tmux.server_argv()[2].encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if (folder / "comm").read_text().startswith("tmux: server") and name in words:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def pid_of(tmux: Tmux) -> int:
    argv = tmux.server_argv("-N", "display-message", "-p", "#{pid}")
    return int(subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True).stdout)


# --- a scope of its own ----------------------------------------------------------------------------------------------


async def test_the_server_is_started_in_a_scope_once(tmux_socket: str, called: Path) -> None:
    systemd_run(RECORDS)
    tmux = Tmux("tmux", tmux_socket, scope="on")
    await asyncio.gather(*(tmux.start(name, ["sleep", "60"], "/", {}, f"{name}-1") for name in ("a", "b", "c")))
    await tmux.start("d", ["sleep", "60"], "/", {}, "d-1")
    assert await tmux.sessions() == {name: f"{name}-1" for name in "abcd"}
    assert servers(tmux) == [pid_of(tmux)]
    said = called.read_text().splitlines()
    words = said[1 : said.index("--")]
    assert said[0] == os.environ["XDG_RUNTIME_DIR"]
    assert {"--user", "--scope", "--quiet", "--collect", "--property=Delegate=yes"} <= set(words)
    (unit,) = [word for word in words if word.startswith("--unit=")]
    assert unit.startswith(f"--unit=cctui-tmux-{tmux_socket}-")
    assert said[len(words) + 2 :] == tmux.server_argv("start-server")
    assert tmux.scope_trouble is None


async def test_a_running_server_costs_one_process_and_no_question_to_systemd(
    tmux_socket: str, called: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd_run(FAILS)
    await Tmux("tmux", tmux_socket, scope="off").start("a", ["sleep", "60"], "/", {}, "a-1")
    begun: list[str] = []
    real = asyncio.create_subprocess_exec

    async def counted(*argv: str, **options: object) -> asyncio.subprocess.Process:
        begun.append(argv[0])
        return await real(*argv, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
    tmux = Tmux("tmux", tmux_socket, scope="on")
    await tmux.start("b", ["sleep", "60"], "/", {}, "b-1")
    assert begun == ["tmux"]
    assert not called.exists()


@pytest.mark.parametrize("script", [FAILS, HANGS, STARTS_AND_HANGS, LIES], ids=["fails", "hangs", "both", "lies"])
async def test_without_systemd_the_server_is_started_all_the_same_and_once(
    tmux_socket: str, called: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    systemd_run(script)
    monkeypatch.setattr(module, "SCOPE_SECONDS", 0.5)
    tmux = Tmux("tmux", tmux_socket, scope="on")
    begun = time.monotonic()
    await tmux.start("a", ["sleep", "60"], "/", {}, "a-1")
    assert time.monotonic() - begun < 5
    assert await tmux.sessions() == {"a": "a-1"}
    assert servers(tmux) == [pid_of(tmux)]
    assert tmux.scope_trouble is not None
    assert "a logout may end it" in tmux.scope_trouble
    assert script is not FAILS or "No medium found" in tmux.scope_trouble
    os.kill(pid_of(tmux), signal.SIGKILL)
    at_last(lambda: not servers(tmux))
    await tmux.start("b", ["sleep", "60"], "/", {}, "b-1")  # and systemd is not asked again
    assert await tmux.sessions() == {"b": "b-1"}
    assert called.read_text() == "x\n"


async def test_no_systemd_run_at_all(tmux_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    for program in ("tmux", "sleep", "sh"):
        (tmp_path / "bin" / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    tmux = Tmux("tmux", tmux_socket, scope="on")
    await tmux.start("a", ["sleep", "60"], "/", {}, "a-1")
    assert await tmux.sessions() == {"a": "a-1"}
    assert tmux.scope_trouble is not None
    assert "No such file" in tmux.scope_trouble


async def test_no_secret_goes_through_systemd_into_the_server(
    tmux_socket: str, called: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd_run(RECORDS)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "hidden-word")
    tmux = Tmux("tmux", tmux_socket, scope="on")
    await tmux.serve({**os.environ, "SAID": "yes", "CLAUDE_CODE_OAUTH_TOKEN": "hidden-word"})
    shown = subprocess.run(
        tmux.server_argv("-N", "show-environment", "-g"), capture_output=True, text=True, timeout=10, check=True
    ).stdout
    assert "SAID=yes" in shown
    assert "hidden-word" not in shown
    assert called.exists()


def test_the_words_of_a_scope(isolation: Path, called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` needs systemd-run, a user's systemd that answers, and a person who lingers."""
    systemd_run(FAILS)
    linger = isolation / "linger"
    monkeypatch.setattr(where, "LINGER", linger)
    environ = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(isolation / "run")}
    assert scope_argv("off", "s", environ) == []
    assert scope_argv("on", "s", environ)[0] == "systemd-run"
    assert scope_argv("on", "s", environ) != scope_argv("on", "s", environ), "each server's scope has its own name"
    assert scope_argv("auto", "s", environ) == []
    (isolation / "run/systemd").mkdir()
    private = sockets.socket(sockets.AF_UNIX)
    private.bind(str(isolation / "run/systemd/private"))
    assert scope_argv("auto", "s", environ) == [], "without lingering a scope ends with the last logout"
    linger.mkdir()
    (linger / pwd.getpwuid(os.getuid()).pw_name).touch()
    assert scope_argv("auto", "s", environ)[0] == "systemd-run"
    assert scope_argv("auto", "s", {**environ, "PATH": "/nowhere"}) == []
    private.close()
    (isolation / "run/systemd/private").unlink()
    assert scope_argv("auto", "s", environ) == []
    bus = sockets.socket(sockets.AF_UNIX)
    bus.bind(str(isolation / "run/bus"))
    address = f"unix:path={isolation}/run/bus,guid=12"
    assert scope_argv("auto", "s", {**environ, "DBUS_SESSION_BUS_ADDRESS": address})[0] == "systemd-run"
    bus.close()


# --- a socket that was deleted ---------------------------------------------------------------------------------------

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="a lost server is found through /proc")


def socket_of(tmux: Tmux) -> Path:
    argv = tmux.server_argv("-N", "display-message", "-p", "#{socket_path}")
    return Path(subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True).stdout.strip())


@needs_proc
@pytest.mark.parametrize("folder", [False, True], ids=["socket", "folder"])
async def test_a_server_that_lost_its_socket_is_found_again_and_no_second_one_started(
    tmux_socket: str, *, folder: bool
) -> None:
    tmux = Tmux("tmux", tmux_socket)
    await tmux.start("a", ["sleep", "60"], "/", {}, "a-1")
    server, path = pid_of(tmux), socket_of(tmux)
    for lost in range(2):
        path.unlink()
        if folder:
            for other in path.parent.iterdir():  # tmux's own lock file
                other.unlink()
            path.parent.rmdir()
        await Tmux("tmux", tmux_socket).start(f"b-{lost}", ["sleep", "60"], "/", {}, f"b-{lost}")
        assert pid_of(tmux) == server
        assert servers(tmux) == [server]
    assert set(await tmux.sessions()) == {"a", "b-0", "b-1"}


@needs_proc
async def test_listing_finds_a_lost_server_too(tmux_socket: str) -> None:
    tmux = Tmux("tmux", tmux_socket)
    await tmux.start("a", ["sleep", "60"], "/", {}, "a-1")
    socket_of(tmux).unlink()
    assert await tmux.sessions() == {"a": "a-1"}


@needs_proc
async def test_a_lost_server_that_cannot_come_back_is_said_and_not_doubled(
    tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SOCKET_TRIES", 3)
    tmux = Tmux("tmux", tmux_socket)
    await tmux.start("a", ["sleep", "60"], "/", {}, "a-1")
    server, path = pid_of(tmux), socket_of(tmux)
    os.kill(server, signal.SIGSTOP)
    try:
        path.unlink()
        with pytest.raises(TmuxError, match=f"kill -USR1 {server}"):
            await tmux.start("b", ["sleep", "60"], "/", {}, "b-1")
        assert servers(tmux) == [server]
    finally:
        os.kill(server, signal.SIGCONT)


@needs_proc
def test_only_a_tmux_is_ever_taken_for_a_lost_server(tmp_path: Path) -> None:
    """Any other program would be ended by the signal."""
    path = tmp_path / "s"
    with sockets.socket(sockets.AF_UNIX) as mine:
        mine.bind(str(path))
        mine.listen()
        path.unlink()
        assert where._listening(str(path)) != []
        assert lost_server(str(path)) is None
    assert lost_server(str(path)) is None
