"""One leg of a run, from its lock to its exit record.

The order is the promise.  SIGHUP is already ignored; then the lock (held for life, so that a free lock proves death),
then start-LEG.json (made by link, so that two runners cannot both begin), then the child; exit.json is written last, by
rename.  It works without a scheduler, without tmux and without a terminal.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
import time

from . import files, spawn, terminal, tree

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from typing import Any

REFUSED = 125
LOCK_PATIENCE = 5.0
"""Seconds: the runner of the leg before may still be showing its last lines."""
LEFTOVER_GRACE = 1.0
LOG_PATIENCE = 2.0
PANE_PATIENCE = 0.5
DISK_PATIENCE = 3600.0
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


class End:
    """How the child ended: reason is exit, timeout, cancelled or spawn; rc is negative for a signal."""

    __slots__ = ("detail", "rc", "reason")

    def __init__(self, reason: str, rc: int | None, detail: str = "") -> None:
        self.reason = reason
        self.rc = rc
        self.detail = detail


def take_lock(folder: str) -> int | None:
    """The run's lock, held until this process ends; None when another runner keeps it."""
    fd = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    limit = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                return None
            time.sleep(0.01)
        else:
            return fd


def supervise(folder: str, leg: int) -> int:
    """Run leg `leg` of the run in `folder`; gives the exit code for the pane's process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, tree.WAKE)
    _fill_standard_descriptors()
    folder = os.path.abspath(folder)
    plan = files.read(folder, f"leg-{leg}.json")
    if plan is None:
        return refuse(f"{folder}/leg-{leg}.json cannot be read")
    if take_lock(folder) is None:
        return refuse("another runner works on this run")
    begun, pid = time.time(), os.getpid()
    identity = {"leg": leg, "pid": pid, "pid_start": files.start_ticks(pid), "boot": files.boot_id()}
    try:
        first = files.claim(folder, f"start-{leg}.json", {**identity, "started": files.stamp(begun)})
    except OSError as error:
        return refuse(f"{folder} cannot be written, so nothing was started: {error.strerror}")
    if not first:
        return refuse(f"leg {leg} of this run was started before")
    clock = time.monotonic()
    follower, end = _run(folder, leg, plan)
    seconds = time.monotonic() - clock
    record = {
        **identity,
        "rc": end.rc,
        "reason": end.reason,
        "detail": end.detail,
        "started": files.stamp(begun),
        "ended": files.stamp(time.time()),
        "duration_s": round(seconds, 3),
    }
    if follower is not None:
        follower.finish(LOG_PATIENCE)
    _record(folder, record)
    if follower is not None:
        follower.say_last(_last_line(end, seconds), PANE_PATIENCE)
    return 0


def _fill_standard_descriptors() -> None:
    """Started with 0, 1 or 2 closed, the files opened next would be taken for the terminal."""
    while (fd := os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)) <= 2:
        continue
    os.close(fd)


def _record(folder: str, record: dict[str, Any]) -> None:
    """exit.json, also on a disk that is full just now: until it is written the lock is held and nothing is decided.

    The signals that ask for the end are blocked here as everywhere: they wait until the record is written.
    """
    limit = time.monotonic() + DISK_PATIENCE
    while True:
        try:
            files.put(folder, "exit.json", record)
        except OSError as error:
            if error.errno not in FULL or time.monotonic() > limit:
                raise
            time.sleep(1.0)
        else:
            return


def refuse(text: str) -> int:
    try:
        print(f"cctui: {text}", file=sys.stderr)
    except OSError:
        return REFUSED  # no pane to say it to
    return REFUSED


def _run(folder: str, leg: int, plan: dict[str, Any]) -> tuple[Any, End]:
    """Start and watch the child; the follower is None when nothing was started."""
    # Looked at after start-LEG.json exists: whoever asks for the stop writes its note first and looks for us second.
    if any(os.path.exists(os.path.join(folder, name)) for name in ("stop", f"halt-{leg}")):
        return None, End("cancelled", None, "It was stopped before it began.")
    tree.become_subreaper()
    plan = {**plan, "env": {**plan["env"], "CCTUI_RUN": os.path.basename(folder)}}
    if plan["stdout"] == "tty":
        return None, _interact(folder, leg, plan)
    try:
        offsets = _end_of(folder, "stream.jsonl"), _end_of(folder, "output.log")
    except OSError as error:
        return None, End("spawn", None, f"The run's folder {folder} cannot be written: {error.strerror}.")
    try:
        child = tree.Tree(spawn.spawn(folder, plan))
    except spawn.SpawnError as error:
        return _follow(folder, plan, offsets), End("spawn", None, str(error))
    # For the sweep after a runner that was killed: its child leads a session of its own.  Worth no fsync.
    _note_session(folder, leg, child.main)
    follower = _follow(folder, plan, offsets)
    return follower, watch(child, plan.get("timeout"), float(plan.get("grace") or 0.0))


def _interact(folder: str, leg: int, plan: dict[str, Any]) -> End:
    """The leg in the pane's terminal, for a person; nothing of ours is shown there."""
    fd = terminal.find()
    if fd is None:
        return End("spawn", None, terminal.NO_TERMINAL)
    terminal.leave_keys()
    try:
        child = tree.Tree(spawn.spawn(folder, plan, fd), terminal.WAKE)
    except spawn.SpawnError as error:
        return End("spawn", None, str(error))
    terminal.to_front(fd, child.main)
    if os.getsid(0) == os.getpid():  # else the session is that of whoever started us
        _note_session(folder, leg, os.getpid())
    end = watch(child, plan.get("timeout"), float(plan.get("grace") or 0.0), fd)
    terminal.to_front(fd, os.getpgrp())
    return end


def _follow(folder: str, plan: dict[str, Any], offsets: tuple[int, int]) -> Any:
    """The view, already at work; None when it cannot be: the child goes on without."""
    # After the spawn: it brings `threading`, which nobody should wait for.
    from .follow import Follower  # noqa: PLC0415

    values = files.secrets(folder)
    try:
        follower = Follower(folder, str(plan.get("render", "plain")), str(plan.get("banner", "")), offsets, values)
    except OSError:
        return None
    follower.start()
    return follower


def _end_of(folder: str, name: str) -> int:
    """Where this leg's part of a file begins; a line torn by the leg before is closed first."""
    fd = os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            size += os.write(fd, b"\n")
        return size
    finally:
        os.close(fd)


def _note_session(folder: str, leg: int, pid: int) -> None:
    """Which session the leg's processes are in: that of its leader `pid`."""
    try:
        with open(os.path.join(folder, f"child-{leg}"), "w") as file:
            file.write(f"{pid} {files.start_ticks(pid) or 0}\n")
    except OSError:
        return  # only a second way to find what is left; the first is its environment


def watch(child: tree.Tree, timeout: float | None, grace: float, fd: int | None = None) -> End:
    """Wait for the main process; end its tree at the time limit, on request, or when only leftovers live.

    With `fd`, its terminal, also when that is closed.
    """
    limit = None if timeout is None else time.monotonic() + timeout
    child.reap()
    while child.status is None and not child.empty:
        left = 3600.0 if limit is None else limit - time.monotonic()
        if left <= 0:
            return _ended(child, "timeout", grace, f"It was ended after {timeout:g} s, its time limit.")
        asked = child.wait(left if fd is None else min(left, terminal.LOOK_EVERY))
        if fd is not None:
            terminal.go_on(fd, child.main)
        if why := _why_end(child, asked, fd):
            return _ended(child, "cancelled", grace, why)
    # It may have seen the end of its terminal before we did.
    closed = fd is not None and terminal.gone(fd)
    reason, detail = ("cancelled", terminal.CLOSED) if closed else ("exit", "")
    if child.empty:
        return End(reason, _code(child.status), detail)
    return _ended(child, reason, LEFTOVER_GRACE, f"{detail} Processes it had left behind were ended.".lstrip())


def _why_end(child: tree.Tree, asked: int | None, fd: int | None) -> str:
    """Why a child that lives has to be ended now; empty when it goes on."""
    if child.status is not None:
        return ""
    if fd is not None and terminal.gone(fd):
        return terminal.CLOSED
    return "" if asked is None or asked == signal.SIGHUP else f"It was ended by {signal.Signals(asked).name}."


def _ended(child: tree.Tree, reason: str, grace: float, detail: str) -> End:
    child.end(grace)
    if child.killed:
        detail += f" {child.killed} had to be killed."
    if not child.empty:
        detail += " Some could not be killed."
    return End(reason, _code(child.status), detail)


def _code(status: int | None) -> int | None:
    return None if status is None else os.waitstatus_to_exitcode(status)


def _last_line(end: End, seconds: float) -> str:
    words = {"exit": f"exit {end.rc}", "timeout": "time limit", "cancelled": "stopped", "spawn": end.detail}
    return f"■ {words[end.reason]} · {seconds:.0f} s"
