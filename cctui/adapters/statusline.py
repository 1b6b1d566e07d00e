"""What the person's own sessions have told through `ccq hook statusline`: one small record per session.

Promises: a look costs one listing of a folder while nothing changes; records of another Claude folder (another
account), of other users, or in a shape we did not write are passed over; a number whose window has ended is dropped.
Reads only: the hook itself clears away what is old.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cctui.adapters import foreign
from cctui.adapters.usage_answer import moment, percent
from cctui.core.capacity import is_open
from cctui.core.world import Confidence, Reading
from cctui.runner import statusline as hook

NAME = "statusline"
MOST_BYTES, MOST_FILES = 65_536, 500
LASTS = timedelta(days=1)
"""How long a trouble of the hook is told of."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one session has last told."""

    session: str
    at: datetime
    """When its numbers were new."""
    ours: bool
    """A run of cctui's that a person has taken over."""
    readings: tuple[Reading, ...]


class Statusline:
    def __init__(self, environ: Mapping[str, str], config: Path) -> None:
        """`config`: Claude's own folder whose sessions count."""
        self._folder = Path(hook.folder_of(dict(environ)))
        self._config = os.path.realpath(config)
        self._known: dict[Path, tuple[foreign.Mark, Told | None]] = {}

    def told(self) -> tuple[Told, ...]:
        """Every session's record, the newest last."""
        known: dict[Path, tuple[foreign.Mark, Told | None]] = {}
        for path in self._files():
            mark = foreign.mark(path)
            if mark is not None:
                old = self._known.get(path)
                known[path] = old if old and old[0] == mark else (mark, self._read(path))
        self._known = known
        return tuple(sorted((told for _, told in known.values() if told), key=lambda told: told.at))

    def readings(self, now: datetime) -> tuple[Reading, ...]:
        """The newest number of every window that is still open."""
        newest: dict[str, Reading] = {}
        for told in self.told():
            newest |= {reading.window: reading for reading in told.readings if is_open(reading, now)}
        return tuple(newest[window] for window in sorted(newest))

    def trouble(self, now: datetime) -> str:
        """Why the hook could not do its work, in a sentence; empty when it has since, or is not run any more."""
        data = foreign.read(self._folder / hook.TROUBLE, MOST_BYTES, links=False)
        at, _, words = (data or b"").decode("utf-8", "replace").strip().partition(" ")
        when = moment(at)
        return f"the statusline hook: {words}" if when is not None and now - when < LASTS else ""

    def _files(self) -> list[Path]:
        try:
            found = sorted(self._folder.iterdir()) if self._folder.lstat().st_uid == os.geteuid() else []
        except OSError:
            return []
        return [path for path in found if path.suffix == ".json" and path.name[0] != "."][:MOST_FILES]

    def _read(self, path: Path) -> Told | None:
        found = foreign.read_object(path, MOST_BYTES, links=False)
        if found is None or found.get("schema") != hook.SCHEMA or found.get("config") != self._config:
            return None
        at, windows = moment(found.get("at")), found.get("windows")
        if at is None or not isinstance(windows, dict):
            return None
        readings = tuple(reading for name, window in windows.items() if (reading := _reading(name, window, at)))
        return Told(path.stem, at, found.get("ours") is True, readings)


def _reading(name: str, window: Any, at: datetime) -> Reading | None:
    used = percent(window.get("used")) if isinstance(window, dict) else None
    if used is None:
        return None
    return Reading(name, used, moment(window.get("resets_at")), NAME, at, Confidence.EXACT)
