"""The pane's terminal handed to the child: a person types into the program itself.

The child stays in the runner's session, leads a process group of its own, and that group is the terminal's foreground:
what keys send to it (INT, QUIT, TSTP), and what the program sends to its own group, never reaches the runner.  The
runner never reads the terminal, never changes its modes and never writes to it while the child lives.
"""

from __future__ import annotations

import os
import select
import signal

from . import tree

LOOK_EVERY = 2.0
"""Seconds: a hang-up from before the signals were taken over brings no signal."""
WAKE = (tree.WAKE - {signal.SIGINT}) | {signal.SIGHUP}
CLOSED = "Its terminal was closed, so it was ended."
NO_TERMINAL = "It needs a terminal to talk to a person, and was started without one."


def find() -> int | None:
    """The standard descriptor that is a terminal; None when none is."""
    return next((fd for fd in (0, 1, 2) if os.isatty(fd)), None)


def leave_keys() -> None:
    """Leave keys to the child, and hear a hang-up."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    # Blocked, it is kept for sigtimedwait although it is ignored.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def to_front(fd: int, group: int) -> None:
    """Make `group` the one that may read the terminal; with TTOU ignored, that can be done from behind."""
    try:
        os.tcsetpgrp(fd, group)
    except OSError:
        return  # not our controlling terminal: then nobody is kept from reading; or the group is gone


def go_on(fd: int, pid: int) -> None:
    """Wake the child if it has stopped: no shell is there that could.

    It may have read before its group was in front, or have stopped itself: Claude does at ctrl-z.
    """
    fields = tree.stat_fields(str(pid))
    if fields is not None and fields[0] == b"T":
        to_front(fd, pid)
        try:
            os.killpg(pid, signal.SIGCONT)
        except OSError:
            return  # it has just ended


def gone(fd: int) -> bool:
    """Nobody is at the other end any more."""
    poll = select.poll()
    poll.register(fd, 0)
    return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
