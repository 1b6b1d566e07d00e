"""The task folders: what lies in ROOT/tasks, and the few changes cctui makes there.

Promises: looking never writes; a file that cannot be a task is a Broken entry and never hides another; nothing here
overwrites a file; a move is one rename, so a task file is always in exactly one folder.  Synchronous, one caller at a
time.  Paths are relative to ROOT/tasks with forward slashes: ``pending/digest.md``.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from cctui.adapters import atomic, front, instance, mdfile, namesakes, trash
from cctui.core import task
from cctui.core.fields import FIELDS, task_name
from cctui.core.values import shown
from cctui.core.words import safe
from cctui.core.world import Broken, Entry, Phase, Problem, Task
from cctui.places import Places

YOUNG_NS = 50_000_000
"""A file this young when it was read may change again without its time stamp showing it."""
CLOCK_SKEW_NS = 2_000_000_000
"""How far a file server's clock may be ahead of ours."""
LIVE = namesakes.LIVE


class TaskDirError(Exception):
    """What could not be done with which task file, and why."""


class _Vanished(Exception):
    """The file went away while it was looked at."""


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: mdfile.Stamp | None
    """None: look again next time, whatever the file says of itself."""
    entry: Entry


class TaskDir:
    def __init__(self, places: Places, zone: tzinfo, runners: Collection[str] = ()) -> None:
        """`runners` names the person's own."""
        self._places = places
        self._runners = runners
        self._tasks = str(places.tasks)
        self._zone = zone
        self._known: dict[str, _Known] = {}
        self._last: tuple[Entry, ...] = ()
        self._result: tuple[Entry, ...] = ()
        self._root: str | None = None

    # --- looking -----------------------------------------------------------------------------------------------------

    def scan(self, writing: frozenset[str] = frozenset()) -> tuple[Entry, ...]:
        """All phases, sorted by path; the same tuple again when nothing has changed.

        A finished file that is broken is left out: nobody waits for it to be mended.  A file in `writing` (relative,
        or absolute below the task folders) keeps its last entry or is left out.
        """
        held = {path.removeprefix(self._tasks + "/") for path in writing}
        known: dict[str, _Known] = {}
        for phase in sorted(Phase):
            known |= self._folder(phase, held)
        self._known = known
        entries = tuple(known[path].entry for path in sorted(known) if _matters(known[path].entry))
        if len(entries) != len(self._last) or any(new is not old for new, old in zip(entries, self._last, strict=True)):
            self._last = entries
            self._result = namesakes.one_of_each(entries)
        return self._result

    def _folder(self, phase: Phase, held: set[str]) -> Iterator[tuple[str, _Known]]:
        try:
            with os.scandir(f"{self._tasks}/{phase}") as listing:
                entries = [entry for entry in listing if entry.name.endswith(".md") and entry.name[0] != "."]
        except FileNotFoundError:
            return
        except OSError as error:
            text = f"the folder cannot be read: {error.strerror}"
            yield phase, self._kept(phase, None, Broken(phase, phase, phase, (Problem(text),)))
            return
        for entry in entries:
            path = f"{phase}/{mdfile.printable(entry.name)}"
            old = self._known.get(path)
            if path in held:
                if old is not None:
                    yield path, old
                continue
            try:
                yield path, self._look(entry, path, phase, old)
            except _Vanished:
                continue

    def _look(self, entry: os.DirEntry[str], path: str, phase: Phase, old: _Known | None) -> _Known:
        try:
            info = entry.stat()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not entry.is_symlink():
                raise _Vanished from None
            text = "the link points to nothing" if entry.is_symlink() else f"cannot be read: {error.strerror}"
            return self._kept(path, None, _broken(path, phase, text))
        if old is not None and old.stamp == mdfile.stamp(info):
            return old
        if not stat.S_ISREG(info.st_mode):
            what = "a folder" if stat.S_ISDIR(info.st_mode) else "not a regular file"
            return self._kept(path, None, _broken(path, phase, f"{what}: a task is a Markdown file"))
        return self._parsed(entry, path, phase)

    def _parsed(self, entry: os.DirEntry[str], path: str, phase: Phase) -> _Known:
        try:
            data, info = mdfile.load(entry.path)
        except FileNotFoundError:
            raise _Vanished from None
        except OSError as error:
            text = f"cannot be read: {error.strerror}: check its owner and mode"
            return self._kept(path, None, _broken(path, phase, text))
        young = -CLOCK_SKEW_NS < time.time_ns() - info.st_mtime_ns < YOUNG_NS
        stamp = None if young else mdfile.stamp(info)
        if not entry.name.isprintable():
            text = "the file name holds characters that cannot be shown: rename it"
            return self._kept(path, stamp, _broken(path, phase, text))
        return self._kept(path, stamp, self._entry(path, phase, data, info))

    def _kept(self, path: str, stamp: mdfile.Stamp | None, entry: Entry) -> _Known:
        """The old entry itself when the new one says the same: then nobody has to look at it again."""
        old = self._known.get(path)
        return _Known(stamp, old.entry if old is not None and old.entry == entry else entry)

    def _entry(self, path: str, phase: Phase, data: bytes, info: os.stat_result) -> Entry:
        if ".sync-conflict-" in path:
            return _broken(path, phase, "a sync conflict copy: keep one of the two files")
        text = mdfile.decode(data)
        if isinstance(text, Problem):
            return Broken(path, task.place(path)[1], phase, (text,))
        found = front.read(text)
        entry = self._made(path, found, info.st_mtime_ns)
        if isinstance(entry, Broken) and phase not in LIVE:
            return task.ended(entry, found.body, mdfile.moment(info.st_mtime_ns)) or entry
        return entry

    def would_be(self, path: str, text: str) -> Entry:
        """What a file with this text would be, were it at `path`."""
        return self._made(path, front.read(text.removeprefix("\ufeff")), 0)

    def _made(self, path: str, found: front.Front, mtime_ns: int) -> Entry:
        entry = task.parse(
            path,
            found.fields,
            found.body,
            lines=found.lines,
            zone=self._zone,
            expand=self._expand,
            added=mdfile.moment(mtime_ns),
            runners=self._runners,
        )
        if not found.problems:
            return entry
        # What YAML could not read stands first; what it could not read at all says nothing about the fields.
        more = entry.problems if isinstance(entry, Broken) and found.lines else ()
        return Broken(path, entry.name, entry.phase, found.problems + more)

    def _expand(self, text: str) -> str:
        """An absolute path without links; relative ones start at ROOT.  ValueError: a variable is not set."""
        if text == ".":
            self._root = self._root or os.path.realpath(self._places.root)
            return self._root
        path = os.path.expandvars(os.path.expanduser(text))  # noqa: PTH111 - variables may hold the home, too
        if "$" in path and (unset := [word for word in _VARIABLE.findall(path) if word.strip("{}") not in os.environ]):
            raise ValueError(f"a path whose variables are set; ${unset[0]} is not")
        if path.startswith("~"):
            raise ValueError(f"a path of a user whose home is known; {path.partition('/')[0]} is not")
        return os.path.realpath(self._places.root / path)

    # --- one file ----------------------------------------------------------------------------------------------------

    def read(self, path: str) -> str:
        """The text as it stands there, also of a broken file; at most 1 MiB of it."""
        return self._load(path)[0][: mdfile.MAX_BYTES].decode("utf-8-sig", "replace")

    def read_trash(self, place: str) -> str:
        """The same of a file in the trash."""
        try:
            return mdfile.load(str(self._in_trash(place)))[0].decode("utf-8-sig", "replace")
        except OSError as error:
            raise _failed("read", f"trash/{place}", error) from error

    def body(self, path: str) -> str:
        """What stands behind the front matter: the prompt."""
        return front.read(self._text(path, self._load(path)[0])).body

    def _load(self, path: str) -> tuple[bytes, os.stat_result]:
        try:
            return mdfile.load(str(self._at(path)))
        except OSError as error:
            raise _failed("read", path, error) from error

    def _text(self, path: str, data: bytes) -> str:
        text = mdfile.decode(data)
        if isinstance(text, Problem):
            raise TaskDirError(f"{safe(path)}: {text.text}")
        return text

    def _at(self, path: str) -> Path:
        """Of a path that names a task file and nothing outside the task folders."""
        phase, _, name = path.partition("/")
        if phase not in set(Phase) or "/" in name or "\0" in name or name.startswith(".") or not name.endswith(".md"):
            raise TaskDirError(f"{shown(path)} is no task file: it must be like pending/NAME.md")
        return self._places.tasks / phase / name

    # --- changes -----------------------------------------------------------------------------------------------------

    def claim(self, path: str) -> str:
        """Move pending → active: from here on the task is ours.  Being there already is fine."""
        return self._move(path, Phase.ACTIVE)

    def file(self, path: str, to: Phase) -> str:
        """Move into the folder of `to`.  An older namesake among finished tasks is renamed first, never overwritten."""
        return self._move(path, to)

    def _move(self, path: str, to: Phase) -> str:
        source = self._at(path)
        target = self._places.tasks / to / source.name
        if source == target and os.path.lexists(target):
            return f"{to}/{source.name}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(target):
                if not os.path.lexists(source):
                    return f"{to}/{source.name}"
                self._make_room(target, to)
            source.rename(target)
        except OSError as error:
            raise _failed(f"move to {to}", path, error) from error
        atomic.sync_folder(target.parent)
        atomic.sync_folder(source.parent)
        return f"{to}/{source.name}"

    def _make_room(self, target: Path, to: Phase) -> None:
        if to in LIVE:
            raise TaskDirError(f"{safe(target.name)} is in {to}/ already: rename one of the two files")
        moved = datetime.fromtimestamp(target.lstat().st_mtime, self._zone)
        target.rename(mdfile.free(target, moved))

    def edit(self, path: str, field: str, value: str | None) -> None:
        """Set one field's line to `value` (YAML text) or take it out; everything else stays byte for byte."""
        if field not in {known.name for known in FIELDS}:
            raise TaskDirError(task.unknown(field))
        data, info = self._load(path)
        mark = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
        text = self._text(path, data)
        try:
            new = front.edited(text, field, value)
        except front.FrontError as error:
            raise TaskDirError(f"{safe(path)}: {error}") from None
        self._accepts(path, new, field)
        if new != text:
            self._replace(path, info, mark + new.encode())

    def _replace(self, path: str, info: os.stat_result, data: bytes) -> None:
        target = self._at(path).resolve()  # a linked file is changed where it lies
        try:
            now = target.stat()
            if mdfile.stamp(now) != mdfile.stamp(info):
                raise TaskDirError(f"{safe(path)} was changed by somebody else just now: try again")
            atomic.write(target, data, stat.S_IMODE(now.st_mode))
        except OSError as error:
            raise _failed("write", path, error) from error

    def _accepts(self, path: str, text: str, field: str) -> None:
        """The field means what a task can use."""
        entry = self.would_be(path, text)
        if isinstance(entry, Broken):
            for problem in entry.problems:
                if problem.field == field:
                    raise TaskDirError(problem.text)

    def add(self, name: str, text: str) -> str:
        """A new file in pending/.  The same file being there already is fine; another of that name is an error."""
        try:
            name = task_name(name)
        except ValueError as error:
            raise TaskDirError(f"a task's name must be {error}, found {shown(name)}") from None
        data = text.encode("utf-8", "replace")
        if len(data) > mdfile.MAX_BYTES:
            raise TaskDirError(f"{name} is larger than 1 MiB")
        path = f"pending/{name}.md"
        entry = self.would_be(path, text)
        if isinstance(entry, Broken):
            raise TaskDirError("; ".join(problem.text for problem in entry.problems))
        for phase in LIVE:
            if os.path.lexists(self._places.tasks / phase / f"{name}.md"):
                if phase is Phase.PENDING and self.read(path) == text.removeprefix("\ufeff"):
                    return path
                raise TaskDirError(f"{name} is there already, in {phase}/")
        self._put(path, data)
        return path

    def fire(self, template: str, name: str, due: datetime, deadline: datetime | None = None) -> None:
        """A firing of a template as a new file in pending/.  Its file being there already, in any folder, is fine."""
        if any(os.path.lexists(self._places.tasks / phase / f"{name}.md") for phase in Phase):
            return
        try:
            text = instance.text_of(self._text(template, self._load(template)[0]), due, deadline)
        except front.FrontError as error:
            raise TaskDirError(f"{safe(template)}: {error}") from None
        path = f"pending/{name}.md"
        if isinstance(entry := self.would_be(path, text), Broken):
            raise TaskDirError(f"{safe(template)}: {'; '.join(problem.text for problem in entry.problems)}")
        self._put(path, text.encode())

    def _put(self, path: str, data: bytes) -> None:
        """Whole or not at all: written under a hidden name, then linked to its own, which never overwrites."""
        target = self._at(path)
        hidden = target.with_name(f".cctui-{os.getpid()}-new.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(hidden, data, atomic.default_mode())
            try:
                os.link(hidden, target)
                hidden.unlink()
            except FileExistsError:
                raise
            except OSError:  # no hard links here (exFAT, Android's shared storage)
                hidden.rename(target)
        except OSError as error:
            with contextlib.suppress(OSError):  # on a read-only disk not even what is not there can be removed
                hidden.unlink()
            raise _failed("write", path, error) from error
        atomic.sync_folder(target.parent)

    def trash(self, path: str, to: str) -> None:
        """Move the file out of the queue to its place in the trash.  Being gone already is fine."""
        source, target = self._at(path), self._in_trash(to)
        if os.path.lexists(source):
            try:
                self._places.trash.mkdir(mode=0o700, parents=True, exist_ok=True)
                trash.carry(source, target)
            except OSError as error:
                raise _failed("move to the trash", path, error) from error

    def restore(self, place: str) -> None:
        """Move the file at `place` in the trash back to where it lay.  Being there already is fine."""
        source, path = self._in_trash(place), place.partition("/")[2]
        try:
            trash.carry(source, self._at(path))
        except FileNotFoundError:
            raise TaskDirError(f"{safe(path)} is not in the trash any more: {safe(str(source))} is gone") from None
        except OSError as error:
            raise _failed("bring back from the trash", path, error) from error
        trash.sweep(source.parent, self._places.trash)

    def _in_trash(self, place: str) -> Path:
        when, _, path = place.partition("/")
        if not trash.WHEN.fullmatch(when):
            raise TaskDirError(f"{shown(place)} is no place in the trash: it must be like WHEN/pending/NAME.md")
        return self._places.trash / when / self._at(path).relative_to(self._places.tasks)


# --- words and names -------------------------------------------------------------------------------------------------

_VARIABLE = re.compile(r"\$(\w+|\{\w+\})")


def _broken(path: str, phase: Phase, text: str) -> Broken:
    return Broken(path, task.place(path)[1], phase, (Problem(text),))


def _matters(entry: Entry) -> bool:
    """A folder that cannot be read (its path is a phase) matters always."""
    return isinstance(entry, Task) or entry.phase in LIVE or entry.path == entry.phase


def _failed(doing: str, path: str, error: OSError) -> TaskDirError:
    return TaskDirError(f"cannot {doing}: {safe(path)}: {error.strerror or error}")
