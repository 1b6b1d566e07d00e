"""Reading JSON with every problem kept: each reader notes what is wrong and goes on with a harmless value.  Pure.

A problem names the field by its path (``tasks[3].duration_s``), what was found and what is allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from cctui.core.simulate.scenario import since
from cctui.core.values import near, shown

TIME_WORDS = "an ISO time such as 2026-11-21T08:00:00+01:00 (years 1970 to 9000)"
CLOCK_WORDS = "a local time of day such as 08:00"
MOST = 1e9
"""No number of a scenario is meant to be larger, and none so large can make a sum overflow."""
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


class ScenarioError(Exception):
    """A scenario that cannot be simulated; the text holds every problem, one on a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(slots=True)
class Checks:
    """What was found wrong so far, and what times need to be understood."""

    problems: list[str] = field(default_factory=list)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    start: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    def wrong(self, path: str, found: object, allowed: str) -> None:
        self.problems.append(f"{path}: found {shown(found)}; allowed: {allowed}")

    def fields(self, path: str, value: object, allowed: tuple[str, ...]) -> Fields:
        """The fields of a mapping; unknown keys are problems."""
        if not isinstance(value, Mapping):
            self.wrong(path or "the scenario", value, "a mapping of " + ", ".join(allowed))
            return Fields(self, path, {}, broken=True)
        for key in value:
            if key not in allowed:
                meant = near(str(key), allowed)
                hint = f"did you mean '{meant}'?" if meant else "known: " + ", ".join(allowed)
                self.problems.append(f"{_below(path, shown(key)[1:-1])}: no such field; {hint}")
        return Fields(self, path, value)


@dataclass(slots=True)
class Fields:
    """Readers for the fields of one mapping.  Of a broken one nothing more is said than that it is no mapping."""

    checks: Checks
    path: str
    values: Mapping[str, object]
    broken: bool = False

    def below(self, key: str) -> str:
        return _below(self.path, key)

    def wrong(self, key: str, allowed: str) -> None:
        if not self.broken:
            self.checks.wrong(self.below(key), self.values.get(key), allowed)

    def number(
        self, key: str, *, least: float = 0.0, most: float = MOST, above: bool = False, default: float | None = None
    ) -> float:
        """A finite number from `least` to `most`.  above: what is allowed is called "above 0"."""
        value = self.values.get(key, default)
        fine = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        if fine and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
        low = f"above 0 (at least {least:g})" if above else f"of at least {least:g}"
        self.wrong(key, f"a number {low}" + (f", at most {most:g}" if most < MOST else ""))
        return max(least, 1.0)

    def whole(self, key: str, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= MOST and value % 1 == 0:
            return int(value)
        self.wrong(key, "a whole number of at least 1")
        return 1

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(key, "a text that is not empty")
        return ""

    def items(self, key: str, allowed: str, *, needed: bool = False) -> Sequence[object]:
        value = self.values.get(key)
        if isinstance(value, list | tuple):
            return value
        if value is not None or needed:
            self.wrong(key, allowed)
        return ()

    def mappings(self, key: str, allowed: tuple[str, ...], *, needed: bool = False) -> list[Fields]:
        found = self.items(key, "a list of mappings", needed=needed)
        return [self.checks.fields(f"{self.below(key)}[{place}]", item, allowed) for place, item in enumerate(found)]

    def names(self, key: str) -> tuple[str, ...]:
        """A list of names, each once."""
        found = self.items(key, "a list of names")
        names = [name for name in found if isinstance(name, str)]
        if len(names) < len(found):
            self.wrong(key, "a list of names")
        return tuple(dict.fromkeys(names))

    def zone(self, key: str) -> ZoneInfo:
        value = self.values.get(key, "UTC")
        try:
            return ZoneInfo(value if isinstance(value, str) else "")
        except (OSError, ValueError, KeyError):  # missing (KeyError), a folder, or not a name at all
            self.wrong(key, "a zone such as Europe/Berlin or UTC")
            return ZoneInfo("UTC")

    def moment(self, key: str) -> datetime | None:
        """An aware time; one without an offset is in the scenario's zone.  None if it is wrong."""
        value = self.values.get(key)
        try:
            when = datetime.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            when = None
        if when is None or not 1970 <= when.year <= 9000:
            self.wrong(key, TIME_WORDS)
            return None
        return when if when.tzinfo else when.replace(tzinfo=self.checks.zone)

    def instant(self, key: str) -> float:
        """Seconds since the scenario's start."""
        when = self.moment(key)
        return 0.0 if when is None else since(self.checks.start, when)

    def clock(self, key: str) -> time:
        """A local time of day; 24:00 is midnight."""
        value = self.values.get(key)
        if isinstance(value, str):
            found = _CLOCK.fullmatch(value.strip().replace("24:00", "0:00"))
            if found:
                hour, minute, second = (int(part or 0) for part in found.groups())
                return time(hour, minute, second)
        self.wrong(key, CLOCK_WORDS)
        return time(0, 0)


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
