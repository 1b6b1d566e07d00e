"""STATE/usage.json: what each usage source last said, shared by every cctui of this root.

Promises: 0600, replaced whole, one writer at a time (a kernel lock, free again when its holder dies); a file that is
torn, foreign or about another login folder counts as empty; when the disk cannot be written this process still
remembers, so that no source is asked too often.  Never holds a token.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cctui.core.world import Confidence, Reading

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """How one source was last asked, and the last numbers it gave."""

    at: datetime | None = None
    ok: bool = False
    text: str = ""
    again_at: datetime | None = None
    """Not before; None: at the usual pace."""
    failures: int = 0
    """In a row."""
    firm: bool = False
    login: int = 0
    """Nanoseconds of the login file's last change when it was asked."""
    readings: tuple[Reading, ...] = ()


class Board:
    def __init__(self, state: Path, folder: Path) -> None:
        self._path = state / "usage.json"
        self._lock = state / "usage.lock"
        self._folder = str(folder)
        self._mine: dict[str, Asked] = {}
        self.trouble = ""
        """Why the last write failed, in a sentence; empty when it did not."""

    def read(self) -> dict[str, Asked]:
        """Per source the newest of what the file and this process know."""
        known = self._stored()
        for source, asked in self._mine.items():
            stored = known.get(source)
            if stored is None or stored.at is None or (asked.at is not None and asked.at > stored.at):
                known[source] = asked
        return known

    def write(self, known: Mapping[str, Asked]) -> None:
        self._mine = dict(known)
        body = {
            "schema": SCHEMA,
            "folder": self._folder,
            "sources": {source: _packed(asked) for source, asked in known.items()},
        }
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(body, file)
            draft.replace(self._path)
            self.trouble = ""
        except OSError as error:
            self.trouble = f"cannot write {self._path}: {error.strerror}"

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this process is the one that may ask now; never waits."""
        try:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            self.trouble = f"cannot open {self._lock}: {error.strerror}"
            yield True  # a state folder that cannot be written has no second writer to fear
            return
        try:
            yield _locked(handle)
        finally:
            os.close(handle)

    def _stored(self) -> dict[str, Asked]:
        try:
            body = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(body, dict) or body.get("schema") != SCHEMA or body.get("folder") != self._folder:
            return {}
        sources = body.get("sources")
        rows = sources.items() if isinstance(sources, dict) else ()
        return {source: asked for source, row in rows if (asked := _unpacked(source, row))}


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _packed(asked: Asked) -> dict[str, object]:
    return {
        "at": _text(asked.at),
        "ok": asked.ok,
        "text": asked.text,
        "again_at": _text(asked.again_at),
        "failures": asked.failures,
        "firm": asked.firm,
        "login": asked.login,
        "readings": [
            {
                "window": reading.window,
                "used": reading.used,
                "resets_at": _text(reading.resets_at),
                "observed_at": _text(reading.observed_at),
            }
            for reading in asked.readings
        ],
    }


def _unpacked(source: str, row: Mapping[str, object]) -> Asked | None:
    """None for anything this version did not write."""
    try:
        readings = row["readings"]
        return Asked(
            at=_moment(row["at"]),
            ok=row["ok"] is True,
            text=str(row["text"]),
            again_at=_moment(row["again_at"]),
            failures=_count(row["failures"]),
            firm=row["firm"] is True,
            login=_count(row["login"]),
            readings=tuple(_reading(source, item) for item in readings) if isinstance(readings, list) else (),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _reading(source: str, item: Mapping[str, object]) -> Reading:
    used, observed = item["used"], _moment(item["observed_at"])
    if observed is None:
        raise ValueError
    return Reading(
        window=str(item["window"]),
        used=float(used) if isinstance(used, int | float) else None,
        resets_at=_moment(item["resets_at"]),
        source=source,
        observed_at=observed,
        confidence=Confidence.EXACT,
    )


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment
