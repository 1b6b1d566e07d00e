"""Whole files, or nothing: a write that a crash, a kill or a full disk cannot leave half done.

Promises: after `write` returns, the new content survives a power cut; until then the old one is there.  It never
follows a temporary file that somebody else made.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put `data` in place of `path` with exactly `mode`: temporary file, fsync, rename, fsync of the folder."""
    tmp = path.with_name(f".cctui-{os.getpid()}-{threading.get_ident()}.tmp")
    with contextlib.suppress(OSError):  # what could not be removed stops the next line, with its own reason
        tmp.unlink()
    try:
        file = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(file, mode)
            write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        tmp.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            tmp.unlink()
        raise
    sync_folder(path.parent)


def write_all(file: int, data: bytes) -> None:
    """One write() where the system takes it whole."""
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable; file systems that cannot are left alone."""
    with contextlib.suppress(OSError):
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def default_mode() -> int:
    """What a new file gets by the person's umask."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
