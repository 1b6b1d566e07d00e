"""Append-only JSON lines: one write per line, torn lines mended and skipped.

Promises: a line is there whole or not at all as far as any reader is concerned: a kill in the middle of a write leaves
a torn last line, which readers skip and the next append closes.  No line is ever rewritten.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cctui.adapters import atomic

BLOCK = 1 << 16


def encode(value: Mapping[str, object]) -> bytes:
    """One line, readable by people; what UTF-8 cannot hold (half a surrogate) stays a JSON escape."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """None: not one whole JSON object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def append(path: Path, lines: Sequence[bytes], *, mode: int, sync: bool) -> None:
    """OSError when not all of it could be written; then none of it is there."""
    new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, mode)
    try:
        size = os.fstat(file).st_size
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        try:
            atomic.write_all(file, (b"\n" if torn else b"") + b"".join(lines))
            if sync:
                os.fsync(file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    if new and sync:
        atomic.sync_folder(path.parent)


def forwards(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers (from 1) and lines that are not empty; nothing when there is no file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf")


def backwards(path: Path) -> Iterator[bytes]:
    """Lines that are not empty, the last first, reading only as much as is asked for."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        at, rest = file.seek(0, os.SEEK_END), b""
        while at:
            step = min(BLOCK, at)
            at = file.seek(at - step)
            lines = (file.read(step) + rest).split(b"\n")
            rest = lines[0]
            yield from (line for line in reversed(lines[1:]) if line.strip())
        if rest.strip():
            yield rest.removeprefix(b"\xef\xbb\xbf")
