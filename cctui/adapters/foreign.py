"""Reading small files that another program writes: whole, ours, and not a trap.

Promises: it never waits (a pipe, a device), never reads more than it was told, never takes what another user has put
there.  Anything that is not a plain file of ours is as if it were not there.
"""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Mark = tuple[int, int, int]


def open_plain(path: Path, *, links: bool = True) -> int | None:
    """A descriptor of a plain file that is ours; `links`: also where a link of ours leads."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if links else os.O_NOFOLLOW)
    try:
        file = os.open(path, flags)
    except (OSError, ValueError):  # the second: a name that holds a NUL
        return None
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
        return file
    os.close(file)
    return None


def read(path: Path, most: int, *, links: bool = True) -> bytes | None:
    """The whole file; None when there is none of ours, or it holds more than `most` bytes."""
    file = open_plain(path, links=links)
    if file is None:
        return None
    with os.fdopen(file, "rb") as source:
        try:
            data = source.read(most + 1)
        except OSError:
            return None
    return data if len(data) <= most else None


def read_object(path: Path, most: int, *, links: bool = True) -> dict[str, Any] | None:
    """The JSON object in it; None for anything else."""
    data = read(path, most, links=links)
    try:
        found = json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def moment(milliseconds: object) -> datetime | None:
    """A moment as Claude Code's files tell it, in milliseconds since 1970; None for anything else."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float) or milliseconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def mark(path: Path) -> Mark | None:
    """Changes with every change of the file: nanoseconds, bytes, inode.  None: there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
