"""The engine's lock: at most one engine per STATE folder, and who it is.

The kernel holds it (flock) and lets go when the process ends, however it ends.  The identity inside is for messages
only; it never decides who may run.  The file is never deleted: two processes could then each lock their own.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cctui import __version__


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds the lock."""

    pid: int
    start: str
    """Its start time in clock ticks since boot (/proc/PID/stat), as text; empty where there is no /proc."""
    boot: str
    version: str
    socket: str


def start_ticks(pid: int) -> str:
    """Start time of a process; empty when it has ended or the system has no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]


def boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Lock:
    def __init__(self, path: Path, socket: Path | None = None) -> None:
        self._path = path
        self._socket = str(socket or "")
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        return self._fd is not None

    def acquire(self) -> bool:
        """Take the lock if it is free; False: another engine has it."""
        if self._fd is not None:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        me = Owner(os.getpid(), start_ticks(os.getpid()), boot_id(), __version__, self._socket)
        with suppress(OSError):  # a full disk: the identity is only for messages, the kernel holds the lock
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(asdict(me)).encode() + b"\n", 0)
        return True

    def release(self) -> None:
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        os.ftruncate(fd, 0)
        os.close(fd)

    def owner(self) -> Owner | None:
        """The living process that wrote its identity last; None when there is none."""
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            owner = Owner(int(data["pid"]), *(str(data[key]) for key in ("start", "boot", "version", "socket")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        gone = owner.boot != boot_id() or (bool(owner.start) and start_ticks(owner.pid) != owner.start)
        return None if gone else owner
