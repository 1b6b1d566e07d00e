"""The app in a browser: every tab is a face on the engine, through textual-serve.

Promises: this machine only, unless there is a password or the flag that says it is meant; no page of another site can
reach it through a person's browser (the name it is called by and the page's origin are checked, also on this machine);
nothing is loaded from elsewhere; a password is compared in constant time, never on a command line, never in a log,
never handed on.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shlex
import signal
import socket
import stat
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cctui.cli.here import MISSING, USAGE, Fail, Here, say
from cctui.cli.verb import verb

if TYPE_CHECKING:
    from cctui.cli.doorkeeper import Doorkeeper

PASSWORD = "CCTUI_SERVE_PASSWORD"
NEEDS = "textual-serve>=1.1.3,<2"
ENDING_SECONDS = 8.0
"""How long open tabs get to leave; after that their input ends, and they with it."""


@verb("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--password-file", metavar="FILE", help=f"Ask for its first line (else {PASSWORD}).")
@click.option("--insecure", is_flag=True, help="Another address than loopback without a password, all the same.")
@click.option("--name", multiple=True, metavar="NAME", help="A further host name it is called by, behind a proxy.")
def serve(here: Here, host: str, port: int, password_file: str | None, insecure: bool, name: tuple[str, ...]) -> None:
    """The app in a browser; every tab is a face.

    Whoever can use it can run commands as you: listens on this machine only, unless told otherwise."""
    secret = password(here, password_file)
    if not (secret or insecure or loopback(host)):
        raise Fail(
            f"anybody who reaches {host} could run commands as you: give it a password (--password-file FILE, or "
            f"{PASSWORD}), or stay on 127.0.0.1 behind `ssh -L {port}:127.0.0.1:{port}` or `tailscale serve {port}`, "
            "or say --insecure",
            USAGE,
        )
    try:
        from cctui.cli.doorkeeper import Doorkeeper
    except ImportError as error:
        line = shlex.join([sys.executable, "-m", "pip", "install", NEEDS])
        raise Fail(f"the browser needs {error.name or 'textual-serve'}. Type:  {line}", MISSING) from None
    from cctui.cli import host as hosting

    hosting.prepare(here)
    session = here.session()
    if session is not None:
        session.close()
    else:
        hosting.detach(here)
        say("no engine ran: one does now, in the background, also after this has ended")
    os.environ["CCTUI_SERVED"] = "1"
    gc.enable()  # a verb lives for milliseconds and does without; this one stays
    raise SystemExit(asyncio.run(listen(Doorkeeper(tab(here), names(host, name), secret), host, port)))


def password(here: Here, file: str | None) -> str:
    """What is asked for; empty: nothing.  From then on no process that we start can read it.  Raises Fail (2)."""
    secret = here.environ.pop(PASSWORD, "")
    os.environ.pop(PASSWORD, None)
    if file is None:
        return secret
    path = Path(file).expanduser()
    try:
        mode = path.stat().st_mode
        secret = (path.read_text("utf-8").splitlines() or [""])[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Fail(f"the password cannot be read from {path}: {error}", USAGE) from None
    if stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
        raise Fail(f"others can read {path}: chmod 600 {shlex.quote(str(path))}", USAGE)
    if not secret:
        raise Fail(f"{path} holds no password on its first line", USAGE)
    return secret


def loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def names(host: str, more: tuple[str, ...]) -> frozenset[str]:
    """The names by which a browser may call it; `*` stands for any address written in numbers."""
    found = {host.strip("[]"), *more}
    if loopback(host):
        found |= {"localhost", "127.0.0.1", "::1"}
    elif host.strip("[]") in ("0.0.0.0", "::", ""):
        found |= {"*", "localhost", socket.gethostname(), socket.getfqdn()}
    return frozenset(one.casefold() for one in found)


def tab(here: Here) -> str:
    """The command behind one tab, for a shell."""
    return "exec " + shlex.join([sys.executable, "-m", "cctui", "--root", str(here.places.root), "--no-tmux"])


async def listen(door: Doorkeeper, host: str, port: int) -> int:
    """Serve until a signal comes.  Raises Fail (1) when the address cannot be had."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    try:
        bound = await door.open(host.strip("[]"), port)
    except OSError as error:
        raise Fail(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    shown = f"[{host}]" if ":" in host.strip("[]") and not host.startswith("[") else host
    say(f"http://{shown}:{bound}/ - ctrl+c ends it, the engine goes on")
    await ended.wait()
    try:
        async with asyncio.timeout(ENDING_SECONDS):
            await door.close()
    except TimeoutError:
        pass  # a tab that does not leave loses its line in a moment
    return 0
