"""Is the person at work with Claude now?  From the program's own register of living sessions, and from statuslines.

Promises: a session counts only while its process lives (by number and start time); ours never count: those whose
process carries CCTUI_RUN, as everything does that any cctui on this machine has started, and those whose conversation
is one of ours.  A look costs one listing of a small folder.  Never reads what is said, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cctui.adapters import foreign
from cctui.adapters.statusline import Statusline
from cctui.runner.tree import stat_fields

MOST_BYTES, MOST_FILES, MOST_ENVIRON = 65_536, 500, 4_000_000
BRIEF = timedelta(seconds=10)
"""A session without a terminal counts from this age on: questions about usage or the login are over long before."""
RECENT = timedelta(minutes=10)
"""How long a session that is only known by its statusline counts after its last answer."""
MARK = b"CCTUI_RUN="


@dataclass(frozen=True, slots=True)
class Present:
    sessions: int = 0
    """Living ones that are not ours."""
    at: datetime | None = None
    """When one of them last did something, as far as that is told."""


@dataclass(frozen=True, slots=True)
class _Session:
    id: str
    at: datetime | None


class Presence:
    def __init__(self, config: Path, statusline: Statusline) -> None:
        """`config`: Claude's own folder."""
        self._register = config / "sessions"
        self._statusline = statusline
        self._marked: dict[tuple[str, bytes], bool] = {}

    def look(self, now: datetime, ours: Collection[str] = ()) -> Present:
        """`ours`: conversations of our own runs."""
        told = [each for each in self._statusline.told() if not each.ours and each.session not in ours]
        moments = [each.at for each in told if each.at <= now]
        living = self._living(now, ours)
        if living is None:
            return Present(len([at for at in moments if now - at < RECENT]), max(moments, default=None))
        moments += [each.at for each in living if each.at is not None]
        return Present(len({each.id for each in living}), max(moments, default=None))

    def _living(self, now: datetime, ours: Collection[str]) -> list[_Session] | None:
        """The register's sessions that live and are the person's; None: there is no register."""
        try:
            names = sorted(path.name for path in self._register.iterdir())
        except OSError:
            return None
        found, marked = [], {}
        for name in [name for name in names if name.endswith(".json") and name[:-5].isdecimal()][:MOST_FILES]:
            pid, fields = name[:-5], stat_fields(name[:-5])
            if fields is None or fields[0] == b"Z":
                continue
            entry = foreign.read_object(self._register / name, MOST_BYTES)
            if entry is None or ("procStart" in entry and str(entry["procStart"]).encode() != fields[19]):
                continue  # a number that another process has got since
            key = (pid, fields[19])
            mine = self._marked[key] if key in self._marked else _is_marked(pid)
            if mine is None:
                continue
            marked[key] = mine
            session = str(entry.get("sessionId"))
            if not mine and session not in ours and _counts(entry, now):
                found.append(_Session(session, _active(entry, now)))
        self._marked = marked
        return found


def _is_marked(pid: str) -> bool | None:
    """Whether a cctui has started it, or something that has; None: it is only just being started."""
    try:
        with Path(f"/proc/{pid}/environ").open("rb") as file:
            data = file.read(MOST_ENVIRON)
    except OSError:
        return False
    return any(each.startswith(MARK) for each in data.split(b"\0")) if data else None


def _counts(entry: dict[str, Any], now: datetime) -> bool:
    started = foreign.moment(entry.get("startedAt"))
    return entry.get("entrypoint") == "cli" or started is None or now - started >= BRIEF


def _active(entry: dict[str, Any], now: datetime) -> datetime | None:
    """Busy: now; else when its state last changed."""
    if entry.get("status") == "busy":
        return now
    at = foreign.moment(entry.get("updatedAt")) or foreign.moment(entry.get("startedAt"))
    return min(at, now) if at else None
