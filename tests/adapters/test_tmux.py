"""Our tmux server, for real: on a private socket, in the test's own folder."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters import tmux as module
from cctui.adapters.rundir import LegPlan, RunDir
from cctui.adapters.tmux import CONF, Tmux, TmuxError
from cctui.core.world import Mode, Runner, SightState, Spec, Stop
from tests.runner.legs import marked


@pytest.fixture
def tmux(tmux_socket: str) -> Tmux:
    return Tmux("tmux", tmux_socket)


def ask(tmux: Tmux, *args: str) -> str:
    ran = subprocess.run(tmux.server_argv(*args), capture_output=True, text=True, timeout=10, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


async def eventually(true: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    limit = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < limit, "it did not happen in time"
        await asyncio.sleep(0.02)


# --- the configuration -----------------------------------------------------------------------------------------------


def test_the_configuration_loads_without_a_complaint(tmux: Tmux) -> None:
    ran = subprocess.run(
        tmux.server_argv("start-server", ";", "source-file", str(CONF)),
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    # Without -q an unknown option complains: every one we set is known to this tmux.
    loud = re.sub(r"^set -([a-z]*)q ", r"set -\1 ", CONF.read_text(), flags=re.MULTILINE)
    path = Path(os.environ["HOME"], "loud.conf")
    path.write_text(loud)
    ran = subprocess.run(
        tmux.server_argv("source-file", str(path)), capture_output=True, text=True, timeout=10, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


async def test_the_options_that_matter_are_set(tmux: Tmux) -> None:
    await tmux.start("a", ["sleep", "60"], "/", {}, "a-1")
    for name, value in (
        ("remain-on-exit", "off"),
        ("detach-on-destroy", "off"),
        ("exit-empty", "off"),
        ("mouse", "on"),
        ("focus-events", "on"),
        ("escape-time", "10"),
        ("window-size", "latest"),
        ("set-clipboard", "on"),
        ("history-limit", "10000"),
        ("prefix", "C-]"),
    ):
        scope = "-sv" if name in ("exit-empty", "escape-time", "set-clipboard", "focus-events") else "-gv"
        assert ask(tmux, "show-options", scope, name) == value
    keys = ask(tmux, "list-keys")
    assert "kill-" not in "".join(line for line in keys.splitlines() if " prefix " in line or " root " in line)
    assert "command-prompt" not in "".join(line for line in keys.splitlines() if " prefix " in line)


# --- starting --------------------------------------------------------------------------------------------------------


async def test_start_tags_lists_shows_and_closes(tmux: Tmux) -> None:
    assert await tmux.sessions() == {}
    await tmux.start("digest-1", ["sh", "-c", "echo hello $WORD; exec sleep 60"], "/", {"WORD": "a b;"}, "digest-1-id")
    await tmux.start("digest-10", ["sleep", "60"], "/", {"CCTUI_TASK": "Digest"}, "digest-10-id")
    assert await tmux.sessions() == {"digest-1": "digest-1-id", "digest-10": "digest-10-id"}

    async def said() -> bool:
        return "hello a b;" in await tmux.capture("digest-1")

    await eventually(said)
    assert ask(tmux, "show-options", "-v", "-t", "=digest-10:", "@cctui_task") == "Digest"
    assert ask(tmux, "display-message", "-p", "-t", "=digest-10:", "#{pane_input_off}") == "1"
    await tmux.kill("digest-1")  # and not digest-10, whose name begins the same
    assert await tmux.sessions() == {"digest-10": "digest-10-id"}
    await tmux.kill("digest-1")
    assert await tmux.sessions() == {"digest-10": "digest-10-id"}
    with pytest.raises(TmuxError, match="digest-1"):
        await tmux.capture("digest-1")


async def test_start_twice_is_once(tmux: Tmux, tmp_path: Path) -> None:
    count = tmp_path / "count"
    argv = ["sh", "-c", f"echo x >> {count}; exec sleep 60"]
    for _ in range(3):
        await tmux.start("a", argv, "/", {}, "a-1")

    async def there() -> bool:
        return count.exists()

    await eventually(there)
    assert count.read_text() == "x\n"


async def test_what_ends_at_once_was_started(tmux: Tmux) -> None:
    await tmux.start("keep", ["sleep", "60"], "/", {}, "keep")
    await asyncio.gather(*(tmux.start(f"a-{number}", ["true"], "/", {}, "r") for number in range(20)))

    async def alone() -> bool:
        return set(await tmux.sessions()) == {"keep"}

    await eventually(alone)


@pytest.mark.parametrize("name", ["", "a.b", "a:b", "#{pid}", "A", "a b", "x" * 65, "=a"])
async def test_odd_names_are_refused(tmux: Tmux, name: str) -> None:
    with pytest.raises(TmuxError, match="name"):
        await tmux.start(name, ["true"], "/", {}, "r")
    with pytest.raises(TmuxError, match="name"):
        tmux.attach_argv(name, read_only=True, environ={})


async def test_no_secret_reaches_the_server(tmux: Tmux, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CCTUI_X"):
        monkeypatch.setenv(name, "hidden-word")
    monkeypatch.setenv("TMUX", "/nowhere/default,1,0")
    await tmux.start("a", ["sh", "-c", "env; exec sleep 60"], "/", {}, "r")

    async def shown() -> bool:
        return "PATH=" in await tmux.capture("a")

    await eventually(shown)
    assert "hidden-word" not in await tmux.capture("a") + ask(tmux, "show-environment", "-g")


async def test_keys_reach_a_pane_that_was_started_for_typing(tmux: Tmux, open_terminal: Open) -> None:
    await tmux.start("a", ["sh", "-c", "echo shown; exec cat"], "/", {}, "a-1", typing=True)
    assert ask(tmux, "display-message", "-p", "-t", "=a:", "#{pane_input_off}") == "0"
    terminal = open_terminal(tmux.server_argv("attach-session", "-t", "=a"))
    terminal.see("shown")
    terminal.type("typed\r")

    async def there() -> bool:
        return "typed" in await tmux.capture("a")

    await eventually(there)


# --- trouble ---------------------------------------------------------------------------------------------------------


async def test_a_missing_tmux_says_so(tmux_socket: str) -> None:
    none = Tmux("/no/tmux", tmux_socket)
    for call in (none.sessions(), none.start("a", ["true"], "/", {}, "r"), none.capture("a")):
        with pytest.raises(TmuxError, match="not found"):
            await call


async def test_a_server_that_hangs_says_so_in_time(tmux: Tmux, monkeypatch: pytest.MonkeyPatch) -> None:
    await tmux.start("a", ["sleep", "60"], "/", {}, "r")
    server = int(ask(tmux, "display-message", "-p", "#{pid}"))
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    os.kill(server, signal.SIGSTOP)
    try:
        for call in (tmux.sessions(), tmux.capture("a"), tmux.start("b", ["true"], "/", {}, "r")):
            with pytest.raises(TmuxError, match="not answered"):
                await call
    finally:
        os.kill(server, signal.SIGCONT)
    monkeypatch.setattr(module, "TIMEOUT", 10.0)
    assert "a" in await tmux.sessions()


async def test_another_failure_is_not_taken_for_no_sessions(tmp_path: Path, tmux_socket: str) -> None:
    fake = tmp_path / "tmux"
    fake.write_text("#!/bin/sh\necho 'protocol version mismatch' >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(TmuxError, match="protocol version"):
        await Tmux(str(fake), tmux_socket).sessions()


# --- attach ----------------------------------------------------------------------------------------------------------


def test_attach_argv(tmux: Tmux, tmux_socket: str) -> None:
    plain = tmux.attach_argv("a", read_only=True, environ={})
    assert plain[0] == "tmux" and plain[-3:] == ["attach-session", "-t", "=a"]
    foreign = tmux.attach_argv("a", read_only=True, environ={"TMUX": "/tmp/tmux-0/default,12,0"})
    assert foreign == ["env", "-u", "TMUX", *plain]
    *ours, popup, switch = tmux.attach_argv("a", read_only=False, environ={"TMUX": f"/tmp/tmux-0/{tmux_socket},12,0"})
    assert "if-shell" in ours and "attach-session" not in ours
    assert popup.startswith("display-popup -E ") and switch.endswith("switch-client -t =a")
    assert "'-e'" in popup and "'-e'" in switch and "-d" in plain


class Terminal:
    """A person's terminal with a program in it."""

    def __init__(self, argv: list[str], *, size: tuple[int, int] = (80, 24), **env: str) -> None:
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execvpe(argv[0], argv, {**os.environ, "TERM": "xterm-256color", **env})
        self.pid = pid
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.text = ""

    def see(self, words: str, seconds: float = 10.0) -> None:
        """Read until `words` were shown since the last key."""
        limit = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < limit, f"{words!r} was not shown: {self.text[-500:]!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode("utf-8", "replace")
                except OSError:
                    assert words in self.text, self.text[-500:]

    def type(self, keys: str) -> None:
        self.text = ""
        time.sleep(0.05)  # as fingers do: tmux takes keys that come within a millisecond for a paste
        os.write(self.fd, keys.encode())

    def over(self) -> None:
        """Wait for the program's end."""
        limit = time.monotonic() + 10
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            assert time.monotonic() < limit, "it did not end"
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    continue
        self.pid = 0

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_(argv: list[str], *, size: tuple[int, int] = (80, 24), **env: str) -> Terminal:
        opened.append(Terminal(argv, size=size, **env))
        return opened[-1]

    yield open_
    for terminal in opened:
        terminal.close()


TAP = "\x1b[<0;3;24M\x1b[<0;3;24m"
Open = Callable[..., Terminal]


@pytest.mark.parametrize("back", ["\x11", "\x1b[24~", TAP, "\x1dd"], ids=["ctrl-q", "f12", "tap", "prefix-d"])
async def test_from_outside_back_is_out(tmux: Tmux, open_terminal: Open, back: str) -> None:
    await tmux.start("a", ["sh", "-c", "echo shown; exec cat"], "/", {"CCTUI_TASK": "Digest"}, "a-1")
    terminal = open_terminal(tmux.attach_argv("a", read_only=True, environ=os.environ))
    terminal.see("shown")
    terminal.see("watching Digest")
    terminal.see("‹ back")
    terminal.type("typed\x03")
    terminal.type(back)
    terminal.over()
    assert "typed" not in await tmux.capture("a")
    assert "a" in await tmux.sessions()


async def test_keys_reach_the_pane_only_where_allowed(tmux: Tmux, open_terminal: Open) -> None:
    await tmux.start("a", ["sh", "-c", "echo shown; exec cat"], "/", {}, "a-1")
    terminal = open_terminal(tmux.attach_argv("a", read_only=False, environ=os.environ))
    terminal.see("shown")
    terminal.type("typed\r")

    async def there() -> bool:
        return "typed" in await tmux.capture("a")

    await eventually(there)


def in_app(tmux: Tmux, open_terminal: Open, size: tuple[int, int]) -> tuple[Terminal, dict[str, str]]:
    """The app's own session on a terminal of that size, and the environment of what runs in it."""
    app = open_terminal(tmux.server_argv("new-session", "-s", "ui", "sh -c 'echo the-app; exec cat'"), size=size)
    app.see("the-app")
    inside, pane = ask(tmux, "display-message", "-p", "-t", "=ui:", "#{socket_path},#{pid},0 #{pane_id}").split()
    app.text = ""
    return app, {**os.environ, "TMUX": inside, "TMUX_PANE": pane}


@pytest.mark.parametrize("back", ["\x11", "\x1b[24~", TAP], ids=["ctrl-q", "f12", "tap"])
async def test_from_the_app_it_is_a_switch_there_and_back(tmux: Tmux, open_terminal: Open, back: str) -> None:
    await tmux.start("a", ["sh", "-c", "echo watched; exec cat"], "/", {}, "a-1")
    app, environ = in_app(tmux, open_terminal, (80, 24))
    subprocess.run(tmux.attach_argv("a", read_only=True, environ=environ), env=environ, check=True, timeout=10)
    app.see("watched")
    app.type(back)
    app.see("the-app")
    app.type("\x11typed")  # inside the app the keys are the app's
    app.see("typed")
    assert set(await tmux.sessions()) == {"a", "ui"}


@pytest.mark.parametrize("back", ["\x11", "\x1b[24~", "tap", "ended"], ids=["ctrl-q", "f12", "tap", "ended"])
async def test_on_a_large_screen_it_is_a_popup_over_the_app(tmux: Tmux, open_terminal: Open, back: str) -> None:
    await tmux.start("a", ["sh", "-c", "echo watched; exec cat"], "/", {"CCTUI_TASK": "Digest"}, "a-1")
    app, environ = in_app(tmux, open_terminal, (120, 40))
    argv = tmux.attach_argv("a", read_only=True, environ=environ)
    shown = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL)
    try:
        app.see("watching Digest")
        clients = ask(tmux, "list-clients", "-F", "#{session_name}").split()
        assert sorted(clients) == ["a", "ui"]
        assert shown.poll() is None
        if back == "ended":
            await tmux.kill("a")
        else:
            # The popup's last line, below its frame's corner: where its own status line begins.
            app.type("\x1b[<0;6;37M\x1b[<0;6;37m" if back == "tap" else back)
        assert shown.wait(10) == 0
    finally:
        shown.kill()
        shown.wait()
    assert ask(tmux, "list-clients", "-F", "#{session_name}") == "ui"
    app.type("typed")
    app.see("typed")


async def test_a_run_that_ends_while_watched_leads_back_to_the_app(
    tmux: Tmux, open_terminal: Open, tmp_path: Path
) -> None:
    script = f"echo watched; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    await tmux.start("a", ["sh", "-c", script], "/", {}, "a-1")
    app = open_terminal(tmux.server_argv("new-session", "-s", "ui", "sh -c 'echo the-app; exec cat'"))
    app.see("the-app")
    client = ask(tmux, "list-clients", "-F", "#{client_name}")
    app.text = ""
    ask(tmux, "switch-client", "-c", client, "-t", "=a")
    app.see("watched")
    app.text = ""
    (tmp_path / "go").touch()
    app.see("the-app")


# --- with the runner -------------------------------------------------------------------------------------------------


def made(tmp_path: Path, script: str) -> RunDir:
    runs = RunDir(tmp_path / "runs")
    spec = Spec(
        run_id="run-1",
        task="digest",
        path="pending/digest.md",
        attempt=1,
        runner=Runner.SHELL,
        kind="digest",
        mode=Mode.AUTONOMOUS,
        folder=str(tmp_path),
        started=datetime(2026, 11, 21, tzinfo=UTC),
        timeout=30.0,
        session="cc-run-1",
        session_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
    )
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    runs.make(
        spec, "p", LegPlan(("/bin/sh", "-c", script), env, str(tmp_path), timeout=30.0, grace=0.5, banner="▶ digest")
    )
    return runs


async def begin(tmux: Tmux, runs: RunDir) -> None:
    await tmux.start("cc-run-1", runs.wrapper_argv("run-1", 1), "/", {}, "run-1")


async def reached(runs: RunDir, state: SightState) -> None:
    async def there() -> bool:
        return [sight.state for sight in runs.look()] == [state]

    await eventually(there, 15)


async def test_a_run_in_its_session(tmux: Tmux, tmp_path: Path) -> None:
    runs = made(tmp_path, "echo working; while [ ! -e go ]; do sleep 0.01; done; exit 4")
    await begin(tmux, runs)
    await reached(runs, SightState.ALIVE)

    async def shown() -> bool:
        return (await tmux.capture("cc-run-1")).startswith("▶ digest\nworking")

    await eventually(shown)
    (tmp_path / "go").touch()
    await reached(runs, SightState.ENDED)

    async def closed() -> bool:
        return "cc-run-1" not in await tmux.sessions()

    await eventually(closed)
    (sight,) = runs.look()
    assert sight.ending is not None and (sight.ending.rc, sight.ending.output_tail) == (4, "working")


@pytest.mark.parametrize("how", ["kill-session", "kill-server", "sigkill"])
async def test_a_run_outlives_its_window_and_its_server(tmux: Tmux, tmp_path: Path, how: str) -> None:
    runs = made(tmp_path, "seq 1 5; while [ ! -e go ]; do sleep 0.01; done; seq 6 10; exit 4")
    await begin(tmux, runs)
    await reached(runs, SightState.ALIVE)
    if how == "kill-session":
        await tmux.kill("cc-run-1")
    elif how == "kill-server":
        ask(tmux, "kill-server")
    else:
        os.kill(int(ask(tmux, "display-message", "-p", "#{pid}")), signal.SIGKILL)

    async def gone() -> bool:
        return await tmux.sessions() == {}

    await eventually(gone)
    assert [sight.state for sight in runs.look()] == [SightState.ALIVE]
    await begin(tmux, runs)  # an engine that thinks it must start it again changes nothing
    (tmp_path / "go").touch()
    await reached(runs, SightState.ENDED)
    (sight,) = runs.look()
    assert sight.ending is not None and sight.ending.rc == 4
    assert sight.ending.output_tail.split() == [str(number) for number in range(1, 11)]


async def test_a_stopped_server_holds_up_neither_end_nor_limit(tmux: Tmux, tmp_path: Path, tag: str) -> None:
    mark = f"300.{int(tag[:6], 16)}"
    runs = made(tmp_path, f"while [ ! -e go ]; do sleep 0.01; done; seq 1 200000; exec sleep {mark}")
    await begin(tmux, runs)
    await reached(runs, SightState.ALIVE)
    server = int(ask(tmux, "display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        (tmp_path / "go").touch()

        async def said() -> bool:
            return runs.tail("run-1", 5).endswith("200000")

        await eventually(said, 15)
        assert await asyncio.to_thread(runs.halt, "run-1") is True
        await reached(runs, SightState.ENDED)
    finally:
        os.kill(server, signal.SIGCONT)
    (sight,) = runs.look()
    assert sight.ending is not None and sight.ending.stop is Stop.CANCELLED
    assert sight.ending.output_tail.endswith("200000")
    assert marked(mark) == []


async def test_scrolling_a_pane_holds_up_nothing(tmux: Tmux, tmp_path: Path) -> None:
    runs = made(tmp_path, "while [ ! -e go ]; do sleep 0.01; done; seq 1 200000")
    await begin(tmux, runs)
    await reached(runs, SightState.ALIVE)
    ask(tmux, "copy-mode", "-t", "=cc-run-1:")
    (tmp_path / "go").touch()
    await reached(runs, SightState.ENDED)
    (sight,) = runs.look()
    assert sight.ending is not None and sight.ending.output_tail.endswith("200000")
