"""Watching folders: says when it is worth looking again, and which files somebody is writing at that moment.

Promises: a change on a local disk is heard within milliseconds; where the kernel cannot tell (Windows drives, network
and FUSE file systems) the folders are polled; folders may come, go and come again.  It never says what has changed:
whoever hears it looks for himself, so a lost notice costs time and nothing else.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path

if sys.platform == "linux":
    from asyncinotify import Event, Inotify, Mask

GATHER_SECONDS = 0.002
"""What an editor does at one stroke is heard as one change."""
CREATED_SECONDS = 0.25
"""A new file that nobody has written to: a link, or a writer who takes his time."""
WRITTEN_SECONDS = 30.0
"""A writer that has been silent this long has forgotten the file."""
SAFETY_SECONDS = 30.0

BLIND_TYPES = frozenset((
    "9p", "afs", "ceph", "cifs", "drvfs", "fuse", "glusterfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs", "vboxsf",
    "virtiofs",
))  # fmt: skip
_NO_ROOM = (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM)

Stamp = tuple[int, int, int, int]


async def watch(
    folders: Sequence[Path], poll: float = 2.0, *, polling: bool | None = None
) -> AsyncGenerator[frozenset[Path], None]:
    """At the start, then at each change worth a look: the files that are open for writing now.

    `polling` says whether to poll every `poll` seconds; None: where the kernel is blind.
    """
    if polling is None:
        polling = sys.platform != "linux" or any(is_blind(folder) for folder in folders)
    if not polling:
        try:
            async with aclosing(_heard(folders)) as heard:
                async for writing in heard:
                    yield writing
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
    async with aclosing(_polled(folders, poll)) as polled:
        async for writing in polled:
            yield writing


def is_blind(folder: Path, mounts: str | None = None) -> bool:
    """Does `folder` lie on a file system whose changes the kernel cannot tell?  `mounts`: text of /proc/self/mounts."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text("utf-8", "replace")
        except OSError:
            return False
    path, kind, longest = os.path.realpath(folder), "", -1
    for line in mounts.splitlines():
        _, point, found, *_ = (*line.split(" "), "", "", "")
        point = point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\").rstrip("/")
        if (path == point or path.startswith(point + "/")) and len(point) >= longest:
            kind, longest = found, len(point)
    return kind in BLIND_TYPES or kind.startswith("fuse.")


# --- by the kernel ---------------------------------------------------------------------------------------------------


async def _heard(folders: Sequence[Path]) -> AsyncGenerator[frozenset[Path], None]:
    with _Notices(folders) as notices:
        notices.arm()
        yield frozenset()
        while True:
            worth = not await notices.wait()
            if not worth:
                await asyncio.sleep(GATHER_SECONDS)
                worth = notices.drain()
            # In this order: what is put into a folder before it is watched is seen by the look that follows.
            worth = notices.arm() or worth
            if notices.forget(time.monotonic()) or worth:
                yield frozenset(notices.writing)


class _Notices:
    """One inotify instance, the folders it watches, and the files it has seen being written."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._inotify = Inotify(sync_timeout=0)
        self._armed: dict[Path, int] = {}
        """Folder → inode; what is not in here waits for its folder to come."""
        self.writing: dict[Path, float] = {}
        """File → when to forget it, by the monotonic clock."""

    def __enter__(self) -> _Notices:
        return self

    def __exit__(self, *_: object) -> None:
        self._inotify.close()

    def arm(self) -> bool:
        """Watch what is there, and wait above what is not; True when a folder has come (back)."""
        came = False
        for folder in self._folders:
            inode = _inode(folder)
            if inode is None or self._armed.get(folder) != inode:
                self._armed.pop(folder, None)
                came = self._reach(folder) or came
        return came

    def _reach(self, folder: Path) -> bool:
        for path in (folder, *folder.parents):
            try:
                watch = self._inotify.add_watch(path, _mask())
            except OSError as error:
                if error.errno in _NO_ROOM:
                    raise
                continue
            watch.path = path  # a folder that was renamed away and back keeps its old watch
            if path == folder and (inode := _inode(folder)) is not None:
                self._armed[folder] = inode
                return True
            # It may have come between the two looks: then the next one above has not told of it.
            return folder.is_dir() and path != folder and self._reach(folder)
        return False

    async def wait(self) -> bool:
        """False: nothing was heard, but it is time to look for oneself."""
        soonest = min(self.writing.values(), default=float("inf")) - time.monotonic()
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._inotify.fd, heard.set)
        try:
            # Not wait_for: on 3.11 it swallows a cancellation that meets an event.
            async with asyncio.timeout(max(0.0, min(soonest, SAFETY_SECONDS))):
                await heard.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._inotify.fd)
        return True

    def drain(self) -> bool:
        """Take in all that has been told; True when it is worth a look."""
        worth = False
        while (event := self._inotify.sync_get()) is not None:
            worth = self._take(event) or worth
        return worth

    def _take(self, event: Event) -> bool:
        mask, folder = event.mask, event.watch.path if event.watch else None
        if mask & Mask.Q_OVERFLOW:
            self.writing.clear()
            return True
        if mask & (Mask.IGNORED | Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.UNMOUNT):
            if mask & Mask.MOVE_SELF and event.watch:
                self._inotify.rm_watch(event.watch)  # it would go on telling of the folder under its new name
            return folder is not None and self._armed.pop(folder, None) is not None
        if folder not in self._armed or event.name is None or event.name.name.startswith("."):
            return False
        return self._changed(folder / event.name, mask)

    def _changed(self, path: Path, mask: Mask) -> bool:
        now = time.monotonic()
        if mask & Mask.ATTRIB:
            return True  # says nothing about who is writing
        if mask & Mask.MODIFY:
            known = path in self.writing
            self.writing[path] = now + WRITTEN_SECONDS
            return not known
        self.writing.pop(path, None)
        if mask & Mask.CREATE and not mask & Mask.ISDIR:
            self.writing[path] = now + CREATED_SECONDS
        return True

    def forget(self, now: float) -> bool:
        """Let go of writers that have been silent for too long."""
        silent = [path for path, until in self.writing.items() if until <= now]
        for path in silent:
            del self.writing[path]
        return bool(silent)


def _mask() -> Mask:
    """One mask for every folder: a second one for the same folder would replace the first."""
    return (
        Mask.CREATE
        | Mask.MODIFY
        | Mask.CLOSE_WRITE
        | Mask.MOVED_TO
        | Mask.MOVED_FROM
        | Mask.DELETE
        | Mask.ATTRIB
        | Mask.DELETE_SELF
        | Mask.MOVE_SELF
        | Mask.ONLYDIR
    )


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except OSError:
        return None


# --- by looking ------------------------------------------------------------------------------------------------------


async def _polled(folders: Iterable[Path], poll: float) -> AsyncGenerator[frozenset[Path], None]:
    """A file that has just changed counts as being written until the next look finds it as it was."""
    names = [str(folder) for folder in folders]
    old = await asyncio.to_thread(_snapshot, names)
    writing: frozenset[Path] = frozenset()
    yield writing
    silent = 0.0
    while True:
        await asyncio.sleep(poll)
        silent += poll
        new = await asyncio.to_thread(_snapshot, names)
        fresh = frozenset(Path(path) for path, stamp in new.items() if old.get(path) != stamp)
        if new != old or fresh != writing or silent >= SAFETY_SECONDS:
            silent = 0.0
            yield fresh
        old, writing = new, fresh


def _snapshot(folders: Iterable[str]) -> dict[str, Stamp]:
    found: dict[str, Stamp] = {}
    for folder in folders:
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    if not entry.name.startswith("."):
                        _add(found, entry)
        except OSError:  # not there now: its files are not, either
            continue
    return found


def _add(found: dict[str, Stamp], entry: os.DirEntry[str]) -> None:
    try:
        info = entry.stat()
    except OSError:  # gone between listing and look, or a link to nothing
        return
    found[entry.path] = (info.st_mtime_ns, info.st_size, info.st_ino, info.st_mode)
