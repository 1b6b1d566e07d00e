"""The trash: STATE/trash/WHEN/PHASE/NAME.md.  Where a file lies there says when it went and where it belongs.

Promises: a file is moved whole, also to another file system, with its time and its mode; nothing is overwritten; done
again after a crash, a move is finished.  Nothing here ever empties the trash.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from pathlib import Path

from cctui.adapters import atomic

WHEN = re.compile(r"[0-9TZ.]{8,30}")
"""The folder of all that went at one moment."""


def carry(source: Path, target: Path) -> None:
    """Move one file.  Being moved already is fine; FileExistsError: another file is there.  OSError."""
    if not os.path.lexists(source) and os.path.lexists(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        if not _same(source, target):
            raise FileExistsError(None, "a file of that name is there already")
        source.unlink()  # a crash came between two steps
    else:
        _move(source, target)
    atomic.sync_folder(target.parent)
    atomic.sync_folder(source.parent)


def _move(source: Path, target: Path) -> None:
    if not stat.S_ISREG(source.lstat().st_mode):
        shutil.move(source, target)  # a link, or whatever else lay where a task belongs
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # another file system, or one without hard links
        _copy(source, target)
    source.unlink()


def _copy(source: Path, target: Path) -> None:
    """Under a hidden name first: what is seen is whole."""
    hidden = target.with_name(f".cctui-{os.getpid()}-carried.tmp")
    info = source.stat()
    try:
        atomic.write(hidden, source.read_bytes(), stat.S_IMODE(info.st_mode))
        os.utime(hidden, ns=(info.st_atime_ns, info.st_mtime_ns))
        try:
            os.link(hidden, target)
        except FileExistsError:
            raise
        except OSError:  # no hard links here, either
            hidden.rename(target)
    finally:
        hidden.unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    if not (one.is_file() and other.is_file()):
        return False
    return one.samefile(other) or one.read_bytes() == other.read_bytes()


def sweep(folder: Path, upto: Path) -> None:
    """Remove the folders from `folder` up to `upto` that hold nothing any more."""
    while folder != upto:
        with contextlib.suppress(OSError):  # something lies there
            folder.rmdir()
        folder = folder.parent
