"""A process tree and its end: TERM, grace, KILL, until the kernel says that nothing is left.

The runner is the tree's subreaper, so whatever forks away, makes its own session or wipes its environment still becomes
its child.  Only a process that is not killable (stuck in the kernel) can be left, and then that is said.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36
WAKE = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
KILL_EVERY = 0.02
GIVE_UP_AFTER = 10.0
"""Seconds of KILL after which what is left counts as not killable."""


def become_subreaper() -> bool:
    """Adopt orphaned descendants; False where the kernel has no such thing."""
    try:
        return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def stat_fields(pid: str) -> list[bytes] | None:
    """``/proc/PID/stat`` after the name: state, parent, group, session, …; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def descendants(root: int) -> set[int]:
    """Every living process below `root`."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or (fields := stat_fields(name)) is None:
            continue
        if fields[0] != b"Z":
            children.setdefault(int(fields[1]), []).append(int(name))
    found: set[int] = set()
    front = [root]
    while front:
        fresh = [pid for pid in children.get(front.pop(), ()) if pid not in found]
        found.update(fresh)
        front.extend(fresh)
    return found


def send(pids: set[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


class Tree:
    """The children of this process, of which one is the main one."""

    __slots__ = ("_wake", "empty", "killed", "main", "status")

    def __init__(self, main: int, wake: frozenset[signal.Signals] = WAKE) -> None:
        self.main = main
        self._wake = wake
        self.status: int | None = None
        """Of the main process, as wait gave it; None while it lives."""
        self.empty = False
        self.killed = 0
        """Processes that had to be KILLed."""

    def reap(self) -> None:
        """Collect whatever has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.empty = True
                return
            if pid == 0:
                self.empty = False
                return
            if pid == self.main:
                self.status = status

    def wait(self, seconds: float) -> int | None:
        """Sleep until a child changes, a request to end arrives, or `seconds` are over; then reap.

        Gives the number of the signal that asked for the end, if one did.
        """
        info = signal.sigtimedwait(self._wake, max(0.0, seconds))
        self.reap()
        return None if info is None or info.si_signo == signal.SIGCHLD else info.si_signo

    def end(self, grace: float) -> None:
        """End every process: TERM, `grace` seconds, then KILL until none is left."""
        me = os.getpid()
        pids = descendants(me)
        send(pids, signal.SIGTERM)
        send(pids, signal.SIGCONT)  # a stopped process would not see its TERM
        limit = time.monotonic() + grace
        self.reap()
        while not self.empty and (left := limit - time.monotonic()) > 0:
            self.wait(min(left, 0.5))
        limit = time.monotonic() + GIVE_UP_AFTER
        seen: set[int] = set()
        while not self.empty and time.monotonic() < limit:
            pids = descendants(me)
            seen |= pids
            send(pids, signal.SIGKILL)
            self.wait(KILL_EVERY)
        self.killed = len(seen)
