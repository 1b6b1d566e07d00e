"""The engine's lock: at most one engine per STATE folder, and who it is.

The kernel holds it (flock) and lets go when the process ends, however it ends.  The identity inside is for messages
only; it never decides who may run.  We never delete the file: two processes could then each lock their own.  Somebody
else may, or the whole STATE with it; the holder can notice (`intact`) and hold what is there now, or learn that it
must end (`retake`).
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


def _is_at(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    held = os.fstat(fd)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


class Lock:
    def __init__(self, path: Path, socket: Path | None = None) -> None:
        self._path = path
        self._socket = str(socket or "")
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        return self._fd is not None

    def acquire(self) -> bool:
        """Take the lock if it is free; False: another engine has it.  OSError when its file cannot be made."""
        if self._fd is not None:
            return True
        self._fd = self._taken()
        if self._fd is None:
            return False
        self._sign(self._fd)
        return True

    def intact(self) -> bool:
        """The file that we hold is still the one that the next engine would ask for."""
        return self._fd is not None and _is_at(self._fd, self._path)

    def retake(self) -> bool:
        """After the file was deleted or replaced: hold the one that is there now.  False: another engine has it, so
        this one must end.  OSError when it cannot be made; then we hold what we held."""
        if self._fd is None:
            return self.acquire()
        if self.intact():
            return True
        fd = self._taken()
        if fd is None:
            return False
        old, self._fd = self._fd, fd
        os.close(old)
        self._sign(fd)
        return True

    def _taken(self) -> int | None:
        """Locked, and at the path still: what was deleted between opening and locking protects nothing."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return None
            except OSError:
                os.close(fd)
                raise
            if _is_at(fd, self._path):
                return fd
            os.close(fd)

    def _sign(self, fd: int) -> None:
        me = Owner(os.getpid(), start_ticks(os.getpid()), boot_id(), __version__, self._socket)
        with suppress(OSError):  # a full disk: the identity is only for messages, the kernel holds the lock
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(asdict(me)).encode() + b"\n", 0)

    def release(self) -> None:
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        with suppress(OSError):  # a read-only disk
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
