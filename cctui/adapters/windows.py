"""windows.jsonl: what became of every capacity window, and how the open ones stood when they were last saved.

Promises: a window that has ended stands there once, whoever appends it how often; nothing is rewritten; a line that is
none of ours (a torn last one) is skipped.  Of an open window the newest line counts, until it has ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cctui.adapters import jsonl
from cctui.adapters.ledger import LedgerError
from cctui.core.world import ClosedWindow, Watch

BYTES = 2_000_000
"""Size at which a new file is begun; one old one is kept."""
KEEP = 200
"""Windows that are loaded."""
SAME = timedelta(minutes=10)
"""How far two moments may differ that mean the opening of one and the same window."""
NOT_KEPT = ("at", "waits", "before", "saved")
"""Of a watch: what only the engine that watches can go on with."""


class Windows:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._old = path.with_name(f"{path.stem}.1{path.suffix}")

    def close(self, window: ClosedWindow) -> bool:
        """Append a window that has ended; False: it stands there already.  On the disk when this returns."""
        if any(_same(window, known) for known in self._closed()):
            return False
        self._append({"state": "closed", **_plain(window)}, sync=True)
        return True

    def keep(self, watch: Watch) -> None:
        """Append how an open window stands."""
        found = {name: value for name, value in _plain(watch).items() if name not in NOT_KEPT}
        self._append({"state": "open", **found}, sync=False)

    def load(self) -> tuple[tuple[ClosedWindow, ...], tuple[Watch, ...]]:
        """The newest windows that have ended, oldest first, and those that were open."""
        closed: list[ClosedWindow] = []
        watches: dict[str, Watch] = {}
        settled: set[str] = set()
        for found in self._backwards():
            if len(closed) >= KEEP:
                break
            match _read(found):
                case ClosedWindow() as window:
                    settled.add(window.window)
                    if not any(_same(window, known) for known in closed):
                        closed.append(window)
                case Watch() as watch if watch.window not in settled:
                    settled.add(watch.window)
                    watches[watch.window] = watch
        return tuple(reversed(closed)), tuple(watches.values())

    def _append(self, line: dict[str, object], *, sync: bool) -> None:
        try:
            if self._path.exists() and self._path.stat().st_size > BYTES:
                self._path.replace(self._old)
            jsonl.append(self._path, [jsonl.encode(line)], mode=0o600, sync=sync)
        except OSError as error:
            raise LedgerError(f"cannot write {self._path}: {error.strerror}") from error

    def _closed(self) -> Iterator[ClosedWindow]:
        """The newest few that have ended: one that is appended again follows close behind itself."""
        few = 0
        for found in self._backwards():
            window = _read(found)
            if isinstance(window, ClosedWindow):
                yield window
                few += 1
                if few >= 20:
                    return

    def _backwards(self) -> Iterator[dict[str, Any]]:
        try:
            for path in (self._path, self._old):
                for line in jsonl.backwards(path):
                    if (found := jsonl.decode(line)) is not None:
                        yield found
        except OSError as error:
            raise LedgerError(f"cannot read {self._path}: {error.strerror}") from error


def _same(one: ClosedWindow, other: ClosedWindow) -> bool:
    return (one.window, one.open) == (other.window, other.open) and abs(one.opened - other.opened) <= SAME


# --- lines -----------------------------------------------------------------------------------------------------------


def _plain(value: ClosedWindow | Watch) -> dict[str, object]:
    return {part.name: _figure(getattr(value, part.name)) for part in fields(value)}


def _figure(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case float():
            return round(value, 6) if math.isfinite(value) else None
        case dict():
            return {str(key): _figure(entry) for key, entry in value.items()}
    return value


def _read(found: dict[str, Any]) -> ClosedWindow | Watch | None:
    """None: a line of another version, or of nobody."""
    kind = {"closed": ClosedWindow, "open": Watch}.get(str(found.get("state")))
    if kind is None:
        return None
    try:
        values = {
            part.name: _value(str(part.type), found[part.name])
            for part in fields(kind)
            if part.name in found and part.name not in NOT_KEPT
        }
        made: ClosedWindow | Watch = kind(**values)
    except (TypeError, ValueError):
        return None
    return made


def _value(kind: str, value: Any) -> Any:
    """`value` as a field of that type; TypeError or ValueError when it is none."""
    if value is None and kind.endswith("| None"):
        return None
    match kind.removesuffix(" | None"):
        case "datetime":
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError("no offset")
            return moment
        case "str" if isinstance(value, str):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "float":
            return _number(value)
        case "Mapping[str, float]" if isinstance(value, dict):
            return {name: _number(entry) for name, entry in value.items()}
    raise TypeError(kind)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)
