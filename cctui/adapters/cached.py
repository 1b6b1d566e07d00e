"""The usage numbers that Claude Code has left in its own ``.claude.json``: free, but refreshed rarely.

Promises: the file is parsed only when it has changed; its numbers count only while their window is open, and only for
the account that is logged in.  Never keeps anything else of that file, and never writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from cctui.adapters import foreign
from cctui.adapters.credentials import config_folder
from cctui.adapters.usage_answer import UsageError, readings_of
from cctui.core.settings import Settings
from cctui.core.world import Reading

NAME = "cache"
MOST_BYTES = 64_000_000


def cache_file(settings: Settings, environ: Mapping[str, str]) -> Path:
    """In Claude's folder when one is named, else beside the usual one in the home."""
    folder = config_folder(settings, environ)
    if settings.claude.config_dir or environ.get("CLAUDE_CONFIG_DIR"):
        return folder / ".claude.json"
    return folder.parent / ".claude.json"


class Cached:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: foreign.Mark | None = None
        self._readings: tuple[Reading, ...] = ()

    def readings(self, now: datetime) -> tuple[Reading, ...]:
        """What the file holds of windows that are open for certain."""
        mark = foreign.mark(self._path)
        if mark != self._seen:
            self._seen, self._readings = mark, _parsed(foreign.read_object(self._path, MOST_BYTES))
        return tuple(each for each in self._readings if each.resets_at is not None and each.resets_at > now)


def _parsed(found: Mapping[str, object] | None) -> tuple[Reading, ...]:
    cached = found.get("cachedUsageUtilization") if found else None
    if found is None or not isinstance(cached, Mapping):
        return ()
    login, owner = found.get("oauthAccount"), cached.get("accountUuid")
    account = login.get("accountUuid") if isinstance(login, Mapping) else None
    fetched = cached.get("fetchedAtMs")
    if (owner and account and owner != account) or isinstance(fetched, bool) or not isinstance(fetched, int | float):
        return ()
    try:
        at = datetime.fromtimestamp(fetched / 1000, UTC)
        return readings_of(cached.get("utilization"), NAME, at)
    except (UsageError, ValueError, OverflowError, OSError):
        return ()
