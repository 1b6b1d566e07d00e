"""Hosting: who runs the engine, in which process, and how the app gets its link.

Whoever takes the lock hosts the engine and serves its socket; everybody else is a face on it.  From a plain terminal
the app goes into session `ui` of our own tmux server, so that it survives a lost connection.
"""

from __future__ import annotations

import asyncio
import locale
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import cctui
from cctui.cli.ask import AskError
from cctui.cli.here import INVALID, LOCKED, MISSING, OK, USAGE, Fail, Here, say
from cctui.lock import Lock
from cctui.places import PlacesError, make

if TYPE_CHECKING:
    from cctui.engine import Engine
    from cctui.remote import RemoteLink

START_SECONDS = 20.0
"""How long an engine may take to begin or to end."""
POLL_SECONDS = 0.05
LOG_BYTES = 5_000_000
CARRIED = ("CCTUI_", "CLAUDE", "ANTHROPIC_", "XDG_", "LC_", "SSH_", "PYTHON")
"""Variables of this terminal that the app inside tmux gets; by the server's own socket, never in a command line."""
CARRIED_NAMES = frozenset(
    ("COLORTERM", "EDITOR", "HOME", "LANG", "NO_COLOR", "NO_PROXY", "PATH", "TZ", "TMPDIR", "VIRTUAL_ENV", "VISUAL")
) | {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "no_proxy"}

OF_A_FACE = frozenset(
    ("TMUX", "TMUX_PANE", "TEXTUAL_DRIVER", "TEXTUAL_FPS", "CCTUI_SERVED", "CCTUI_SERVE_PASSWORD", "COLUMNS", "ROWS")
)
"""Variables about a screen, which an engine in the background has not, nor the runs it starts."""


def prepare(here: Here) -> Lock:
    """For an engine or a face that lives long: the folders, and the lock, not yet taken.  Raises Fail (4)."""
    try:
        make(here.places)
    except PlacesError as error:
        raise Fail(str(error), INVALID) from None
    return Lock(here.places.lock, here.places.socket)


def logged(here: Here) -> None:
    """The engine's own log goes to STATE/cctui.log while a screen is in use."""
    import logging

    logging.basicConfig(
        filename=fresh_log(here), level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def fresh_log(here: Here) -> Path:
    """The log file, 0600; a big one has been set aside."""
    log = here.places.log
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    return log


# --- the app ---------------------------------------------------------------------------------------------------------


def open_app(here: Here, *, no_tmux: bool) -> int:
    """The app, in our tmux server or here; its exit code."""
    if not served(here) and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Fail("the app needs a terminal; without one: ccq, or cctui headless", USAGE)
    tmux = here.settings.tmux
    frames(here)
    if served(here):
        try:
            return tab(here)
        except Fail as error:
            return unserved(error)
    if not no_tmux and not here.environ.get("TMUX") and shutil.which(tmux.command):
        enter_tmux(here)
    lock = prepare(here)
    while not lock.acquire():
        if link := remote(here):
            return face(here, link)
    return hosted(here, lock)


def served(here: Here) -> bool:
    """Whether `cctui serve` has started us behind a browser's tab."""
    return bool(here.environ.get("CCTUI_SERVED"))


def frames(here: Here) -> None:
    """What Textual reads while it is imported: the most repaints a second, of which a slow line takes fewer, and the
    driver, which for a tab is our own."""
    from cctui.tui.lean import FRAMES, lean

    if served(here):
        os.environ["TEXTUAL_DRIVER"] = "cctui.tui.tab:Tab"
    if lean(here.settings.ui, here.environ) and (served(here) or "TEXTUAL_FPS" not in os.environ):
        os.environ["TEXTUAL_FPS"] = str(FRAMES)


def hosted(here: Here, lock: Lock) -> int:
    """The app with the engine inside; a person who detaches leaves a headless engine behind."""
    from cctui.adapters.clock import Clock
    from cctui.cli.bookmark import PlaceFile
    from cctui.promised import PromisedLink
    from cctui.tui.app import run_app

    logged(here)
    clock = Clock()

    async def make() -> Engine:
        engine = await asyncio.to_thread(import_module, "cctui.engine")
        made: Engine = engine.Engine(here.places, here.settings, clock=clock, environ=here.environ, lock=lock)
        return made

    link = PromisedLink(here.settings, clock.now, make)
    try:
        how = run_app(link, engine=link.run, settings=here.settings, bookmark=PlaceFile(here.places.state))
    finally:
        lock.release()
    if how == "detach":
        detach(here)
    return OK


def face(here: Here, link: RemoteLink) -> int:
    """A second face on an engine that runs elsewhere."""
    from cctui.cli.bookmark import PlaceFile
    from cctui.tui.app import run_app

    run_app(link, engine=None, settings=here.settings, bookmark=PlaceFile(here.places.state))
    return OK


def tab(here: Here) -> int:
    """A browser's tab is always a face: one that stalls must never stall an engine.  Starts one where there is none."""
    prepare(here)
    for _ in range(3):  # an engine that is just ending leaves between the two looks
        if link := remote(here):
            return face(here, link)
        try:
            detach(here)
        except Fail as error:
            if error.code != LOCKED:
                raise
    raise Fail("no engine stays: see cctui.log in the state folder", LOCKED)


def unserved(error: Fail) -> int:
    """Tell a tab why there is nothing to see, in the words of its protocol, and stay until it leaves: a screen that
    closed at once would not say anything."""
    text = f"\x1b[2J\x1b[Hcctui: {error.message}\r\n".encode()
    sys.stdout.buffer.write(b"__GANGLION__\nD" + len(text).to_bytes(4, "big") + text)
    sys.stdout.buffer.flush()
    while (said := os.read(0, 4096)) and b'"quit"' not in said:
        pass
    return error.code


def remote(here: Here) -> RemoteLink | None:
    """A link to the engine that holds the lock; waits while it starts or ends.  None: the lock is free after all."""
    from cctui.adapters.clock import Clock
    from cctui.adapters.editor import EditorError, editor_argv
    from cctui.adapters.tmux import Tmux
    from cctui.link import LinkError
    from cctui.remote import face as connected

    settings, clock = here.settings.tmux, Clock()
    tmux = Tmux(settings.command, settings.socket)

    def attach(session: str, read_only: bool) -> list[str]:
        if served(here):
            raise LinkError("a browser's tab has no terminal to lend: use ccq attach in a shell")
        return tmux.attach_argv(session, read_only=read_only, environ=here.environ)

    def edit(path: str) -> list[str]:
        if served(here):
            raise LinkError("a browser's tab has no terminal for an editor: e changes one field")
        try:
            return editor_argv(here.environ, here.places.tasks / path)
        except EditorError as error:
            raise LinkError(str(error)) from None

    trouble: list[str] = []

    def tried() -> Any:
        try:
            return connected(here.places.socket, now=clock.now, attach=attach, edit=edit)
        except LinkError as error:
            trouble[:] = [str(error)]
            return True if Lock(here.places.lock).owner() is None else None

    found = until(tried, 5.0)
    if found is None:
        owner = Lock(here.places.lock).owner()
        who = f"process {owner.pid}" if owner else "another process"
        raise Fail(f"{who} holds the lock, but {trouble[0]}", LOCKED)
    return None if found is True else found


def until(tried: Callable[[], Any], seconds: float) -> Any:
    """The first answer that is not None, asked for again and again; None when the time is over."""
    for _ in range(max(int(seconds / POLL_SECONDS), 1)):
        found = tried()
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)
    return None


# --- inside our own tmux server --------------------------------------------------------------------------------------


def enter_tmux(here: Here) -> None:
    """Become a client of session `ui`; comes back only when tmux cannot do it."""
    from cctui.adapters.tmux import Tmux, TmuxError

    settings = here.settings.tmux
    tmux = Tmux(settings.command, settings.socket, scope=settings.scope)
    wanted = CARRIED_NAMES | set(here.settings.claude.env)
    carried = [name for name in here.environ if name.startswith(CARRIED) or name in wanted]
    bare = {name: value for name, value in here.environ.items() if name not in carried or name in ("PATH", "HOME")}
    try:
        asyncio.run(tmux.serve(bare))
    except TmuxError as error:
        say(f"{error} Going on without it.")
        return
    name = session_for(tmux.server_argv, str(here.places.root))
    command, *words = tmux.server_argv(*session_words(here, name, carried))
    os.execvpe(settings.command, [command, *client_flags(), *words], here.environ)


def client_flags() -> list[str]:
    """What our client must be told.  In the C locale, which is what a bare `ssh` brings, tmux would draw `_` for every
    character that is not ASCII, while Python and so the app take the terminal for what terminals are: UTF-8."""
    utf8 = locale.getpreferredencoding(False).replace("-", "").lower() == "utf8"
    return ["-u"] if utf8 else []


def session_words(here: Here, name: str, carried: list[str]) -> list[str]:
    """tmux's words for: give the session this terminal's variables, make or join it, and mark it with its root."""
    inside = [sys.executable, "-m", "cctui", "--root", str(here.places.root), "--no-tmux"]
    return [
        *("set-option", "-g", "update-environment", " ".join(sorted(carried)), ";"),
        *("new-session", "-A", "-s", name, "-c", str(Path.cwd()), f"exec {shlex.join(inside)}", ";"),
        *("set-option", "-t", f"={name}:", "@cctui_root", str(here.places.root), ";"),
        *("set-option", "-t", f"={name}:", "status", "off", ";"),
        # Whoever leaves the app is back in the shell, not in the session of some run.
        *("set-option", "-t", f"={name}:", "detach-on-destroy", "on", ";"),
        *("set-option", "-g", "update-environment", ""),
    ]


def session_for(server_argv: Callable[..., list[str]], root: str) -> str:
    """`ui`, or `ui-HASH` when another root's app lives there."""
    asked = server_argv("show-options", "-qv", "-t", "=ui:", "@cctui_root")
    found = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
    other = found.stdout.strip()
    return "ui" if not other or other == root else f"ui-{crc32(os.fsencode(root)):08x}"


# --- an engine in the background -------------------------------------------------------------------------------------


def detach(here: Here, extra: tuple[str, ...] = ()) -> int:
    """Start a headless engine in a session of its own; comes back once its socket answers.  Its process id."""
    log = fresh_log(here)
    argv = [sys.executable, "-m", "cctui", "--root", str(here.places.root), "headless", *extra]
    environ = {name: value for name, value in here.environ.items() if name not in OF_A_FACE}
    with log.open("ab") as out:
        begun = out.tell()
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=Path(cctui.__file__).parent.parent,  # where `-m cctui` is found also from a bare clone
            env=environ,
        )

    def answered() -> bool | None:
        if child.poll() is not None:
            return False
        session = here.session()
        if session is None:
            return None
        session.close()
        return True

    if not until(answered, START_SECONDS):
        said = log.read_bytes()[begun:].decode(errors="replace").strip().splitlines()
        raise Fail(f"the engine did not start: {said[-1] if said else f'see {log}'}", child.poll() or LOCKED)
    child.returncode = OK  # it outlives us: nobody here waits for it
    owner = Lock(here.places.lock).owner()
    return owner.pid if owner else child.pid


def stop(here: Here) -> bool:
    """End the running engine and wait until its lock is free; False: there is none.  Running tasks go on."""
    session = here.session()
    if session is None:
        owner = Lock(here.places.lock).owner()
        if owner is None:
            return False
        pid = owner.pid
        raise Fail(f"process {pid} holds the lock but does not answer; `kill {pid}` ends it, its runs go on", LOCKED)
    with session, suppress(AskError):  # it may be gone before it has answered
        session.exchange({"id": 1, "do": "leave", "how": "stop"})
    lock = Lock(here.places.lock)
    if not until(lambda: True if lock.acquire() else None, START_SECONDS):
        raise Fail("the engine has not ended yet: it finishes what it has begun", LOCKED)
    lock.release()
    return True


def needed(here: Here) -> None:
    """Raises Fail (7) when tmux is missing: nothing can run without it."""
    from cctui.adapters.claude import missing_programs

    missing = missing_programs(here.settings, here.environ)
    for name in missing:
        say(missing[name])
    if "tmux" in missing:
        raise Fail("without tmux no task can run", MISSING)
