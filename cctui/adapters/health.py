"""Can what happens be written down?  A look at the folders that every start of a run writes to.

Promises: it leaves nothing behind, takes a few file operations per folder, and never raises; the sentence names the
path, what is wrong and what to do.  It may wait as long as the disk does, so it belongs into the disk's thread.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cctui.adapters import atomic
from cctui.places import Places

ROOM = 64 << 20
"""Bytes that must be free in STATE and in ROOT."""
PROBE = b"\0" * 4096
_DISK = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOTCONN)
)
_CURES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space: your quota is used up",
    errno.EROFS: "mount it for writing",
    errno.EACCES: "mend its permissions",
    errno.EPERM: "mend its permissions or attributes",
    errno.ENOENT: "bring it back; is a drive unmounted?",
    errno.ENOTDIR: "a file is in its way",
}
_MEANWHILE = "nothing new starts until then, what runs goes on"


def trouble(places: Places) -> str | None:
    """A sentence per thing that keeps ROOT or STATE from being written; None when all is well."""
    found: dict[tuple[int, int], str] = {}
    state = _nearest(Path(places.state.anchor), places.state)
    active = _nearest(places.tasks, places.tasks / "active")
    for folder in (state, active, _nearest(places.root, places.root / "logs")):
        error = _error(folder)
        if error is not None:
            found.setdefault((error.errno or 0, _device(folder)), _sentence(folder, error))
    if not found:
        for folder in (state, places.root):
            if said := _short_of(folder):
                found.setdefault((errno.ENOSPC, _device(folder)), said)
    return " ".join(found.values()) or None


def is_disk(error: BaseException) -> bool:
    """The disk's fault and not the task's: full, read-only, forbidden, broken; also behind an adapter's own error."""
    return any(isinstance(each, OSError) and each.errno in _DISK for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _nearest(top: Path, folder: Path) -> Path:
    """The folder, or what of its path is there, but not above `top`: the rest is made when it is needed."""
    while folder != top and not folder.exists():
        folder = folder.parent
    return folder


def _error(folder: Path) -> OSError | None:
    """What keeps a new file from being written there."""
    path = folder / f".cctui-{os.getpid()}-probe.tmp"
    try:
        with suppress(FileNotFoundError):
            path.unlink()
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            atomic.write_all(file, PROBE)
            os.fsync(file)
        finally:
            os.close(file)
            path.unlink()
    except OSError as error:
        return error
    return None


def _short_of(folder: Path) -> str | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    if _crowded(found):
        return f"{folder} has room for no more files (inodes): delete some; {_MEANWHILE}."
    free = found.f_bavail * found.f_frsize
    if free < ROOM:
        return f"{folder} has only {_size(free)} free: free at least {_size(ROOM)}; {_MEANWHILE}."
    return None


def _crowded(found: os.statvfs_result) -> bool:
    """Some file systems make inodes as needed, and count none."""
    return bool(found.f_files) and not found.f_favail


def _sentence(folder: Path, error: OSError) -> str:
    what = (error.strerror or "unknown error").lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        with suppress(OSError):
            found = os.statvfs(folder)
            if _crowded(found):
                return f"{folder} has room for no more files (inodes): delete some; {_MEANWHILE}."
            what = f"{what}, {_size(found.f_bavail * found.f_frsize)} free"
    cure = _CURES.get(error.errno or 0, "look at the disk and the system's log")
    return f"{folder} cannot be written ({what}): {cure}; {_MEANWHILE}."


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"


def _device(folder: Path) -> int:
    try:
        return folder.stat().st_dev
    except OSError:
        return 0
