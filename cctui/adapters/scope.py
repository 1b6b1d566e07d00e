"""Where our tmux server lives: in a systemd scope of its own, and how one is found again whose socket was deleted.

A scope of the user's systemd is no part of the login session that started it, so ending that session spares it.  But
without lingering that systemd itself ends ten seconds after the last logout, and takes along what would have outlived
the session; so `auto` means: only for those who linger.  Reads the environment and /proc; starts nothing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

LINGER = Path("/var/lib/systemd/linger")
_LISTENS = "00010000"


def scope_argv(setting: str, socket: str, environ: Mapping[str, str]) -> list[str]:
    """The words that start what follows them in a scope of its own; none where it is not wanted or would not help.

    `setting`: auto, on or off; `socket`: the name of the server's socket."""
    if setting == "off" or (setting == "auto" and not spared(environ)):
        return []
    return [
        *("systemd-run", "--user", "--scope", "--quiet", "--collect", "--no-ask-password"),
        # A delegated scope is not ended as a whole when the kernel, short of memory, ends one process in it.
        "--property=Delegate=yes",
        # Runs outlive the server, and its scope then lives on under its name: the next one needs another.
        f"--unit=cctui-tmux-{socket}-{uuid4().hex[:8]}",
        "--",
    ]


def spared(environ: Mapping[str, str]) -> bool:
    """The user's systemd is there, and outlives the last logout."""
    path = environ.get("PATH", os.defpath)
    return shutil.which("systemd-run", path=path) is not None and manager_there(environ) and lingers()


def runtime_folder(environ: Mapping[str, str]) -> Path:
    """cron and services start without the variable: then it is what a login shell would find there."""
    return Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")


def manager_there(environ: Mapping[str, str]) -> bool:
    """The user's systemd can be asked: by its own socket, or by a bus."""
    address = environ.get("DBUS_SESSION_BUS_ADDRESS", "").removeprefix("unix:path=").partition(",")[0]
    bus = address.startswith("/") and Path(address).is_socket()
    return (runtime_folder(environ) / "systemd/private").is_socket() or bus


def lingers() -> bool:
    try:
        return (LINGER / pwd.getpwuid(os.getuid()).pw_name).exists()
    except (KeyError, OSError):
        return False


# --- a socket that was deleted ---------------------------------------------------------------------------------------


def lost_server(path: str) -> int | None:
    """The process that listens on the socket `path` though nobody can connect there: a cleaner of temporary files has
    deleted it.  None: there is none, or this system has no /proc."""
    wanted = {f"socket:[{inode}]" for inode in _listening(path)}
    if not wanted:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The signal it will get ends every program but tmux.
            if "tmux" not in (process / "comm").read_text("utf-8", "replace"):
                continue
            if any(str(file.readlink()) in wanted for file in (process / "fd").iterdir()):
                return int(process.name)
    return None


def ask_for_socket(pid: int) -> None:
    """Have the tmux server make its socket again."""
    with suppress(OSError):
        os.kill(pid, signal.SIGUSR1)


def _listening(path: str) -> list[str]:
    try:
        lines = Path("/proc/net/unix").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    rows = (line.split(maxsplit=7) for line in lines)
    return [row[6] for row in rows if len(row) == 8 and row[3] == _LISTENS and row[7] == path]
