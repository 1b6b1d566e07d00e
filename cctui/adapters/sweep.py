"""Ending what a run left alive: its runner by identity, or, with the runner dead, the processes that carry its mark.

It signals only what is the run's: the very process of start-LEG.json (number and start time), processes with
CCTUI_RUN=<run id> in their environment (and no other run folder than this), and the members of the session that the
run's own child leads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from cctui.adapters.runfiles import Start
from cctui.runner import files, tree

FOLDER = b"CCTUI_RUN_DIR="
GRACE = 1.0
GIVE_UP = 3.0


def terminate(start: Start) -> bool:
    """TERM to the very process that wrote `start`; False when it is no more."""
    if not start.this_boot:
        return False
    try:
        fd = os.pidfd_open(start.pid)
    except OSError:
        return False
    try:
        if not start.living:  # after the descriptor: now the number cannot change hands
            return False
        signal.pidfd_send_signal(fd, signal.SIGTERM)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def sweep(folder: Path, run_id: str, legs: int) -> int:
    """End what a dead runner left: TERM, a second, KILL.  Gives how many processes there were.

    Call it only when the run's lock is free: its runner carries no mark, but would see its child die.
    """
    found = remnants(folder, run_id, legs)
    if not found:
        return 0
    tree.send(found, signal.SIGTERM)
    tree.send(found, signal.SIGCONT)
    seen = set(found)
    begun = time.monotonic()
    while (found := remnants(folder, run_id, legs)) and time.monotonic() - begun < GIVE_UP:
        seen |= found
        if time.monotonic() - begun > GRACE:
            tree.send(found, signal.SIGKILL)
        time.sleep(0.02)
    return len(seen)


def remnants(folder: Path, run_id: str, legs: int) -> set[int]:
    """Living processes of the run, with all their descendants."""
    mark = f"CCTUI_RUN={run_id}".encode()
    sessions = {sid for leg in range(1, legs + 1) if (sid := _child_session(folder, leg)) is not None}
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _belongs(entry.name, mark, folder, sessions):
            found.add(int(entry.name))
    for pid in tuple(found):
        found |= tree.descendants(pid)
    return found


def _belongs(pid: str, mark: bytes, folder: Path, sessions: set[int]) -> bool:
    fields = tree.stat_fields(pid)
    if fields is None or fields[0] == b"Z":
        return False
    if int(fields[3]) in sessions:
        return True
    with contextlib.suppress(OSError):
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return mark in environ and _of(folder, environ)
    return False


def _of(folder: Path, environ: list[bytes]) -> bool:
    """Whether an environment names this run folder, or none: another root may have a run of the same name."""
    named = next((item[len(FOLDER) :] for item in environ if item.startswith(FOLDER)), None)
    return named is None or os.path.realpath(named) == os.path.realpath(os.fsencode(folder))


def _child_session(folder: Path, leg: int) -> int | None:
    """The session that the leg's child made; None when that number may by now be another's.

    As long as a member of a session lives, the kernel gives its number to nobody else.
    """
    try:
        pid, ticks = (int(word) for word in (folder / f"child-{leg}").read_text("utf-8").split())
    except (OSError, ValueError):
        return None
    raw = files.read(str(folder), f"start-{leg}.json")
    if raw is None or raw.get("boot") != files.boot_id():
        return None
    now = files.start_ticks(pid)
    return pid if now is None or now == ticks else None
