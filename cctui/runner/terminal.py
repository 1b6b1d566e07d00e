"""The pane's terminal handed to the child: a person types into the program itself.

The child stays in the runner's session and process group, which is the terminal's foreground group, so it can read
keys at once.  What the keys send to that group (INT, QUIT, TSTP) is the child's business: the runner ignores it.  The
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


def take(fd: int) -> None:
    """Leave keys to the child, hear a hang-up, and bring our process group to the front."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    # Blocked, it is kept for sigtimedwait although it is ignored.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        if os.tcgetpgrp(fd) != os.getpgrp():
            os.tcsetpgrp(fd, os.getpgrp())
    except OSError:
        return  # not our controlling terminal: then it has no foreground group either


def go_on(pid: int) -> None:
    """Wake the child if it has stopped itself: no shell is there that could bring it back."""
    fields = tree.stat_fields(str(pid))
    if fields is not None and fields[0] == b"T":
        tree.send({pid}, signal.SIGCONT)


def gone(fd: int) -> bool:
    """Nobody is at the other end any more."""
    poll = select.poll()
    poll.register(fd, 0)
    return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
