"""The past: history.jsonl, one line per finished run, and capacity.jsonl, one line per reading.

Promises: a run stands in the history once, whoever appends it how often; nothing is rewritten; a line that is no
record is skipped with a warning and never hides the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from cctui.adapters import jsonl
from cctui.core.world import Confidence, ErrorType, Reading, Record, Status, Totals

SAMPLES_BYTES = 5_000_000
"""Size at which the samples begin a new file; one old one is kept."""
TORN = "a line that is not one whole JSON object (a torn write?)"


class LedgerError(Exception):
    """The history or the samples cannot be read or written, and why."""


class Ledger:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: set[str] | None = None
        self._seen: tuple[int, int] | None = None
        self._warned: dict[str, None] = {}

    @property
    def warnings(self) -> list[str]:
        """A sentence per line that was skipped so far."""
        return list(self._warned)

    def append(self, record: Record) -> bool:
        """False: that run is in the history already.  The line is on the disk when this returns."""
        if self._ids is None or self._seen != self._state():
            self._ids = {str(found.get("run_id")) for _, found in self._lines()}
        if record.run_id and record.run_id in self._ids:
            self._seen = self._state()
            return False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            jsonl.append(self._path, [jsonl.encode(to_json(record))], mode=0o644, sync=True)
        except OSError as error:
            raise LedgerError(f"cannot write {self._path}: {error.strerror}") from error
        self._ids.add(record.run_id)
        self._seen = self._state()
        return True

    def all(self) -> Iterator[Record]:
        """Every record, oldest first."""
        for number, found in self._lines():
            if (record := self._record(found, f"line {number}")) is not None:
                yield record

    def tail(self, n: int) -> tuple[Record, ...]:
        """The newest `n`, oldest first, without reading what lies before them."""
        newest: list[Record] = []
        try:
            for line in jsonl.backwards(self._path):
                if len(newest) >= n:
                    break
                if (found := jsonl.decode(line)) is None:
                    self._warn("near its end", TORN)
                elif (record := self._record(found, "near its end")) is not None:
                    newest.append(record)
        except OSError as error:
            raise LedgerError(f"cannot read {self._path}: {error.strerror}") from error
        return tuple(reversed(newest))

    def totals(self) -> Totals:
        """Sums over the whole history."""
        runs = completed = failed = cancelled = tokens = 0
        cost = 0.0
        for record in self.all():
            runs += 1
            done = record.success if record.status is None else record.status is Status.COMPLETED
            completed += done
            cancelled += record.status is Status.CANCELLED
            failed += not done and record.status is not Status.CANCELLED
            tokens += record.tokens or 0
            cost += record.cost_usd or 0.0
        return Totals(runs, completed, failed, cancelled, tokens, cost)

    def _state(self) -> tuple[int, int] | None:
        """Size and inode: has anybody else touched the file?"""
        try:
            info = self._path.stat()
        except OSError:
            return None
        return info.st_size, info.st_ino

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            for number, line in jsonl.forwards(self._path):
                if (found := jsonl.decode(line)) is not None:
                    yield number, found
                else:
                    self._warn(f"line {number}", TORN)
        except OSError as error:
            raise LedgerError(f"cannot read {self._path}: {error.strerror}") from error

    def _record(self, found: dict[str, Any], where: str) -> Record | None:
        try:
            return from_json(found)
        except (ValueError, TypeError) as error:
            self._warn(where, f"not a record ({error})")
            return None

    def _warn(self, where: str, text: str) -> None:
        self._warned.setdefault(f"{self._path.name}, {where}: {text}; skipped")


# --- records as JSON -------------------------------------------------------------------------------------------------

_ORDER = tuple(field.name for field in fields(Record))
_MINIMUM = ("task_id", "success", "duration_s", "timestamp")
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}
_TYPES = {field.name: str(field.type).removesuffix(" | None") for field in fields(Record)}


def to_json(record: Record) -> dict[str, object]:
    """In the order of the outside contract."""
    return {name: _plain(getattr(record, name)) for name in _ORDER}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case StrEnum():
            return value.value
        case float() if not math.isfinite(value):
            return None
    return value


def from_json(found: dict[str, Any]) -> Record:
    """Unknown fields are left out, missing ones are unknown.  ValueError or TypeError names what is wrong."""
    for name in _MINIMUM:
        if found.get(name) is None:
            raise ValueError(f"{name} is missing")
    values = {name: _read(name, found[name]) for name in _ORDER if found.get(name) is not None}
    return Record(**{"error_type": None, "tokens": None, "log_file": ""} | values)


def _read(name: str, value: Any) -> Any:
    match _TYPES[name]:
        case "datetime":
            return _aware(name, value)
        case "Status":
            return Status(value)
        case "ErrorType":
            return ErrorType(value)
    if not isinstance(value, _KINDS[_TYPES[name]]) or (isinstance(value, bool) and _TYPES[name] != "bool"):
        raise TypeError(f"{name} is {value!r:.40}")
    return value


def _aware(name: str, value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{name} has no offset")
    return moment


# --- capacity samples ------------------------------------------------------------------------------------------------


class Samples:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._old = path.with_name(f"{path.stem}.1{path.suffix}")

    def append(self, readings: Sequence[Reading]) -> None:
        if not readings:
            return
        try:
            if self._path.exists() and self._path.stat().st_size > SAMPLES_BYTES:
                self._path.replace(self._old)
            lines = [jsonl.encode(_sample(reading)) for reading in readings]
            jsonl.append(self._path, lines, mode=0o600, sync=False)
        except OSError as error:
            raise LedgerError(f"cannot write {self._path}: {error.strerror}") from error

    def recent(self, now: datetime, hours: float = 24.0) -> tuple[Reading, ...]:
        """What was read in the last `hours`, oldest first."""
        since = now - timedelta(hours=hours)
        newest: list[Reading] = []
        try:
            for line in self._backwards():
                reading = _reading(jsonl.decode(line))
                if reading is None:
                    continue
                # Sources answer out of order by seconds, so the first old one is not yet the end.
                if reading.observed_at < since - timedelta(hours=1):
                    break
                if reading.observed_at >= since:
                    newest.append(reading)
        except OSError as error:
            raise LedgerError(f"cannot read {self._path}: {error.strerror}") from error
        return tuple(reversed(newest))

    def _backwards(self) -> Iterator[bytes]:
        yield from jsonl.backwards(self._path)
        yield from jsonl.backwards(self._old)


def _sample(reading: Reading) -> dict[str, object]:
    return {field.name: _plain(getattr(reading, field.name)) for field in fields(Reading)}


def _reading(found: dict[str, Any] | None) -> Reading | None:
    """None for a line that is no reading: samples are many, and the next one is three minutes away."""
    try:
        values = {field.name: found[field.name] for field in fields(Reading) if field.name in found} if found else {}
        values["observed_at"] = _aware("observed_at", values["observed_at"])
        if values.get("resets_at") is not None:
            values["resets_at"] = _aware("resets_at", values["resets_at"])
        values["confidence"] = Confidence(values.get("confidence", Confidence.EXACT))
        used = values["used"]
        good = used is None or (isinstance(used, int | float) and not isinstance(used, bool))
        return Reading(**values) if good else None
    except (ValueError, TypeError, KeyError):
        return None
