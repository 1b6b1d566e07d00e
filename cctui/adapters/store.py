"""The store: live facts that have no other home (ranks, hold, retries, firings, steps), in one TinyDB file.

Promises: after `save` returns, the facts survive a kill and a power cut; until then the old ones do.  A file that
cannot be read is set aside, never deleted; the last good copy takes its place, and `trouble` says so.  One owner at a
time.
"""

from __future__ import annotations

import contextlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document

from cctui.adapters import atomic, steps
from cctui.core.world import Firing, Memory, Retry

_TABLE = "memory"
_ONLY = 1
"""One document holds it all: one write is one consistent state."""


class StoreError(Exception):
    """The store cannot be read or written, and why."""


class AtomicStorage(Storage):
    """TinyDB's storage, with whole-file replacement and a copy of the state before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._backup = path.with_name(f"{path.name}.bak")

    def read(self) -> dict[str, dict[str, Any]] | None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        found = json.loads(data)
        if not isinstance(found, dict) or not all(isinstance(table, dict) for table in found.values()):
            raise ValueError("not a TinyDB file")
        return found

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        text = json.dumps(data, allow_nan=False)
        self._keep_last()
        atomic.write(self._path, text.encode(), 0o600)

    def _keep_last(self) -> None:
        """Give the file in place a second name; that it is never without its first is why this is no rename."""
        self._backup.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            try:
                os.link(self._path, self._backup)
            except FileNotFoundError:
                raise
            except OSError:  # a file system without hard links
                atomic.write(self._backup, self._path.read_bytes(), 0o600)


class Store:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved: Memory | None = None
        self.trouble: str | None = None
        """A sentence when the file had to be set aside."""

    def load(self) -> Memory:
        try:
            memory = self._read(self._path)
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, AttributeError):
            memory = self._mend()
        self._saved = memory
        return memory

    def save(self, memory: Memory) -> None:
        if memory == self._saved:
            return
        try:
            with TinyDB(self._path, storage=AtomicStorage) as db:
                db.table(_TABLE).upsert(Document(_to_json(memory), doc_id=_ONLY))
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error
        except ValueError:
            # Somebody else's hand, while we run: what we know is newer than what lies there.
            try:
                self._set_aside()
                self._path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"cannot mend {self._path}: {error.strerror}") from error
            self.save(memory)
        self._saved = memory

    def _read(self, path: Path) -> Memory:
        with TinyDB(path, storage=AtomicStorage) as db:
            found = db.table(_TABLE).get(doc_id=_ONLY)
        if found is None:
            return Memory()
        if isinstance(found, list):
            raise TypeError("one document was asked for")
        return _from_json(found)

    def _mend(self) -> Memory:
        """Set the bad file aside and go on from the copy of the state before."""
        try:
            bad = self._set_aside()
            memory = self._from_backup()
            if memory is None:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot mend {self._path}: {error.strerror}") from error
        came = "there was no good copy: manual order, hold, retries and what has fired are reset"
        if memory is not None:
            came = "its last good copy is used: the newest change may be missing"
        self.trouble = f"{self._path.name} was unreadable and lies now in {bad.name}; {came}"
        return memory or Memory()

    def _from_backup(self) -> Memory | None:
        backup = self._path.with_name(f"{self._path.name}.bak")
        if not backup.exists():
            return None
        try:
            memory = self._read(backup)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        atomic.write(self._path, backup.read_bytes(), 0o600)
        return memory

    def _set_aside(self) -> Path:
        stamp = datetime.now().astimezone().strftime("%Y%m%dT%H%M%S")
        number, bad = 2, self._path.with_name(f"{self._path.name}.bad-{stamp}")
        while bad.exists():
            number, bad = number + 1, self._path.with_name(f"{self._path.name}.bad-{stamp}-{number}")
        try:
            os.link(self._path, bad)
        except OSError:
            atomic.write(bad, self._path.read_bytes(), 0o600)
        return bad


def _to_json(memory: Memory) -> dict[str, Any]:
    retries = {
        name: {"attempts": retry.attempts, "at": retry.at.isoformat() if retry.at else None, "text": retry.text}
        for name, retry in memory.retries.items()
    }
    firings = {
        name: {"until": mark.until.isoformat(), "skip": mark.skip, "schedule": mark.schedule}
        for name, mark in memory.firings.items()
    }
    ranks, done = dict(memory.ranks), steps.write(memory.done)
    return {"schema": 1, "hold": memory.hold, "ranks": ranks, "retries": retries, "firings": firings, "done": done}


def _from_json(found: Document) -> Memory:
    """ValueError, TypeError, KeyError or AttributeError when it is not what `_to_json` wrote."""
    hold, ranks = found["hold"], found["ranks"]
    if not isinstance(hold, bool) or not all(type(rank) is int for rank in ranks.values()):
        raise TypeError("hold and ranks")
    retries = {name: _retry(retry) for name, retry in found["retries"].items()}
    # A file from before there was recurring work has none.
    firings = {name: _firing(mark) for name, mark in found.get("firings", {}).items()}
    done = steps.read(found.get("done", []))
    return Memory(ranks=dict(ranks), hold=hold, retries=retries, firings=firings, done=done)


def _firing(found: dict[str, Any]) -> Firing:
    until, skip = datetime.fromisoformat(found["until"]), found["skip"]
    if until.tzinfo is None or not isinstance(skip, bool):
        raise TypeError("firing")
    return Firing(until, skip, str(found["schedule"]))


def _retry(found: dict[str, Any]) -> Retry:
    at = datetime.fromisoformat(found["at"]) if found.get("at") else None
    if type(found["attempts"]) is not int or (at is not None and at.tzinfo is None):
        raise TypeError("retry")
    return Retry(found["attempts"], at, str(found.get("text", "")))
