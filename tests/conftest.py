"""Isolation, for every test: an own HOME, own XDG folders, an own tmux server, no way beyond loopback.

Promises: no test reads the real home's files, sees a credential of the person who runs it, talks to another machine, or
leaves a process behind.  Everything a test may reach lies below one short folder (a Unix socket's path holds at most
107 bytes), and that folder is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

CLAUDE_VERSION = "2.1.329"
REPOSITORY = Path(__file__).resolve().parent.parent
IN_CI = bool(os.environ.get("CI"))

_SCRUBBED = ("ANTHROPIC_", "CLAUDE", "CCTUI_", "TEXTUAL", "GIT_", "XDG_", "TMUX", "DBUS_")
_SCRUBBED_NAMES = frozenset((
    "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "ALL_PROXY", "all_proxy", "SSH_CONNECTION", "SSH_TTY", "EDITOR",
    "VISUAL",
))  # fmt: skip
_REAL_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
_CLAUDE = os.environ.get("CCTUI_TEST_CLAUDE") or str(
    _REAL_CACHE / f"cctui-test/claude-{CLAUDE_VERSION}/node_modules/.bin/claude"
)
_LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")

_spawned = [0]
"""How many processes this interpreter has started: a test that started none need not look for leftovers."""


def _count_processes(event: str, _args: tuple[Any, ...]) -> None:
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn", "os.system"):
        _spawned[0] += 1


sys.addaudithook(_count_processes)

hypothesis_settings.register_profile("cctui", deadline=None, print_blob=True, derandomize=IN_CI)
hypothesis_settings.load_profile("cctui")


# --- the environment -------------------------------------------------------------------------------------------------


def isolated_environment(base: Path, port: int) -> dict[str, str]:
    """The whole environment of a test that lives in `base`; `port` is a loopback port that refuses connections."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_SCRUBBED) and name not in _SCRUBBED_NAMES
    }
    refused = f"http://127.0.0.1:{port}"
    return kept | {
        "HOME": str(base / "home"),
        "XDG_CONFIG_HOME": str(base / "config"),
        "XDG_STATE_HOME": str(base / "state"),
        "XDG_DATA_HOME": str(base / "data"),
        "XDG_CACHE_HOME": str(base / "cache"),
        "XDG_RUNTIME_DIR": str(base / "run"),
        "TMPDIR": str(base / "tmp"),
        "TMUX_TMPDIR": str(base / "tmux"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "xterm-256color",
        "GIT_CONFIG_GLOBAL": str(base / "home/.gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "HTTP_PROXY": refused,
        "HTTPS_PROXY": refused,
        "http_proxy": refused,
        "https_proxy": refused,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "CCTUI_TESTING": "1",
        "CCTUI_TEST": base.name,
        "CCTUI_TMUX_SOCKET": f"t{base.name}",
        "CCTUI_CAPACITY_USAGE_URL": f"{refused}/api/oauth/usage",
        "CCTUI_CAPACITY_TOKEN_URL": f"{refused}/v1/oauth/token",
    }


def make_base() -> Path:
    """A folder for one test, with a path of at most 20 characters where /tmp can be written."""
    parent = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()
    base = Path(tempfile.mkdtemp(prefix="cct", dir=parent))
    for name in ("home", "config", "state", "data", "cache", "run", "tmp", "tmux", "w"):
        (base / name).mkdir(mode=0o700)
    (base / "home/.gitconfig").write_text(
        "[user]\n\tname = Test Person\n\temail = person@example.invalid\n[init]\n\tdefaultBranch = main\n", "utf-8"
    )
    return base


def _apply(environment: dict[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        if name != "PYTEST_CURRENT_TEST":
            del os.environ[name]
    for name, value in environment.items():
        if name != "PYTEST_CURRENT_TEST":
            os.environ[name] = value
    time.tzset()


class _Session:
    """What lives as long as the whole test session: its folder and the port that is taken but answers nobody."""

    def __init__(self) -> None:
        self.base = make_base()
        self.refusing = socket.socket()
        self.refusing.bind(("127.0.0.1", 0))
        self.environment = isolated_environment(self.base, self.port)

    @property
    def port(self) -> int:
        return int(self.refusing.getsockname()[1])

    def close(self) -> None:
        self.refusing.close()
        clean(self.base, self.environment)


_SESSION = pytest.StashKey[_Session]()
_PROGRAM = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Isolate before anything of cctui is imported or any wide fixture is made."""
    session = _Session()
    config.stash[_SESSION] = session
    # A worker of xdist is started with the isolated environment: where the program lies it must be told.
    config.stash[_PROGRAM] = getattr(config, "workerinput", {}).get("claude", _CLAUDE)
    _apply(session.environment)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["claude"] = node.config.stash[_PROGRAM]


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


@pytest.fixture(autouse=True)
def isolation(pytestconfig: pytest.Config) -> Iterator[Path]:
    """The test's own folder: home, config, state, data, cache, run, tmp, tmux and w (work) below it."""
    before = dict(os.environ)
    started = _spawned[0]
    base = make_base()
    environment = isolated_environment(base, pytestconfig.stash[_SESSION].port)
    folder = Path.cwd()
    _apply(environment)
    yield base
    os.chdir(folder)
    _apply(before)
    clean(base, environment, processes=_spawned[0] != started)


@pytest.fixture
def tmp_path(isolation: Path) -> Path:
    """As pytest's own, with a path short enough for sockets, inside the test's folder."""
    return isolation / "w"


# --- the network -----------------------------------------------------------------------------------------------------


def _is_local(address: object) -> bool:
    if isinstance(address, str | bytes):
        return True  # AF_UNIX
    host = address[0] if isinstance(address, tuple) and address else ""
    return isinstance(host, str) and host.startswith(_LOOPBACK)


@pytest.fixture
def strayed() -> list[str]:
    """What this test tried beyond loopback; a test of the fence itself clears it."""
    return []


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch, strayed: list[str]) -> Iterator[None]:
    """A connection, datagram or name look-up beyond loopback fails the test, even where the code swallows the error."""

    def guarded(name: str) -> None:
        real = getattr(socket.socket, name)

        def call(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(args[-1]):
                strayed.append(f"{name} {args[-1]!r}")
                raise PermissionError(f"a test may not leave loopback: {name} {args[-1]!r}")
            return real(self, *args)

        monkeypatch.setattr(socket.socket, name, call)

    for name in ("connect", "connect_ex", "sendto"):
        guarded(name)
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        if text and not text.startswith(_LOOPBACK) and text not in ("0.0.0.0", "::"):
            strayed.append(f"look-up of {text}")
            raise PermissionError(f"a test may not leave loopback: look-up of {text}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    if strayed:
        pytest.fail("the test tried to leave loopback: " + "; ".join(strayed))


# --- processes -------------------------------------------------------------------------------------------------------


def leftovers(base: Path) -> list[int]:
    """Living processes whose environment was made for the test in `base`."""
    mark, found = os.fsencode(base), []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) in (os.getpid(), os.getppid()):
            continue
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes() and "State:\tZ" not in (entry / "status").read_text():
                found.append(int(entry.name))
    return found


def clean(base: Path, environment: dict[str, str], *, processes: bool = True) -> None:
    """End the tmux servers and every process that was started for `base`, then remove the folder."""
    if processes:
        for path in base.glob("tmux/tmux-*/*"):
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    ["tmux", "-S", str(path), "kill-server"],
                    env=environment,
                    capture_output=True,
                    timeout=5,
                    check=False,
                )
        _end(base)
    shutil.rmtree(base, ignore_errors=True)


def _end(base: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 3
        told: set[int] = set()
        while (pids := leftovers(base)) and time.monotonic() < deadline:
            for pid in set(pids) - told:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
            told |= set(pids)
            time.sleep(0.02)


# --- programs --------------------------------------------------------------------------------------------------------


def _lacking(program: str, hint: str) -> None:
    """Skip loudly; in CI everything must be there, so fail."""
    sentence = f"{program} is not there: {hint}"
    if IN_CI:
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def claude_program(pytestconfig: pytest.Config) -> str:
    """Path of the pinned real ``claude``: ``CCTUI_TEST_CLAUDE``, else where ./script/test installs it."""
    program = pytestconfig.stash[_PROGRAM]
    if not os.access(program, os.X_OK):
        _lacking(f"claude {CLAUDE_VERSION}", "./script/test installs it with npm, or set CCTUI_TEST_CLAUDE")
    ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    if not ran.stdout.startswith(CLAUDE_VERSION):
        _lacking(f"claude {CLAUDE_VERSION}", f"{program} says {(ran.stdout or ran.stderr).strip()[:200]!r}")
    return program


@pytest.fixture
def tmux_socket(isolation: Path) -> str:
    """Name (``tmux -L NAME``) of this test's own tmux server; TMUX_TMPDIR points into the test's folder."""
    if shutil.which("tmux") is None:
        _lacking("tmux", "install it (apt install tmux)")
    return os.environ["CCTUI_TMUX_SOCKET"]


@pytest.fixture
def tag() -> str:
    """A word that is unique to this test."""
    return uuid.uuid4().hex[:12]
