"""One Markdown file: its bytes and its text, read safely whatever lies under the name.

Promises: never waits (a named pipe), never reads more than 1 MiB, and says in words what is no UTF-8 text.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from datetime import UTC, datetime
from pathlib import Path

from cctui.core.world import Problem

MAX_BYTES = 1 << 20
"""A task file larger than this is not read."""

Stamp = tuple[int, int, int]
"""mtime in ns, size, inode."""


def load(path: str) -> tuple[bytes, os.stat_result]:
    """Bytes (the first byte too many included) and what the system says of the very file that was read.  OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(None, "not a regular file")
        data = os.read(file, MAX_BYTES + 1)
        while more := os.read(file, MAX_BYTES + 1 - len(data)) if 0 < len(data) <= MAX_BYTES else b"":
            data += more
        return data, info
    finally:
        os.close(file)


def decode(data: bytes) -> str | Problem:
    """The text without its byte order mark, with its own line ends."""
    if len(data) > MAX_BYTES:
        return Problem("the file is larger than 1 MiB: that is no task")
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return Problem("the file is UTF-16: save it as UTF-8", found="UTF-16", allowed="UTF-8")
    try:
        return data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        offset = error.start + len(data) - len(data.removeprefix(BOM_UTF8))
        line = data.count(b"\n", 0, offset) + 1
        found = f"0x{data[offset]:02x}"
        text = f"the file is not UTF-8: byte {found} at offset {offset}: save it as UTF-8"
        return Problem(text, line=line, found=found, allowed="UTF-8")


def stamp(info: os.stat_result) -> Stamp:
    return info.st_mtime_ns, info.st_size, info.st_ino


def moment(mtime_ns: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(mtime_ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):  # a time stamp no calendar holds
        return None


def printable(name: str) -> str:
    return name if name.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in name)


def free(wanted: Path, moved: datetime) -> Path:
    """NAME@STAMP.md, or NAME@STAMP-2.md, … beside `wanted`: a name nothing has."""
    stem = f"{wanted.stem.replace('@', '-')}@{moved:%Y%m%dT%H%M%S}"
    path, number = wanted.with_name(f"{stem}.md"), 2
    while os.path.lexists(path):
        path, number = wanted.with_name(f"{stem}-{number}.md"), number + 1
    return path
