"""A scenario as values: what will happen in a modelled world, and what of it a policy may know beforehand.  Pure.

Every instant is a float of seconds since the scenario's `start` (an aware time in the scenario's zone), below 0 before
it.  Points are percent points of a window.  `parse` in `parsing` makes a Scenario of JSON and checks everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

FULL = 100.0
"""Points of a whole window."""
FIVE_HOURS = 5 * 3600.0
WEEK = 7 * 86400.0
INSTANT = 1e-6
"""Seconds: what is due within it belongs to the same instant, so that rounding never parts what is simultaneous."""
TINY = 1e-9
"""Points: a smaller difference is rounding, not a difference."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task with its true costs.  `place` counts from 0 in the file."""

    name: str
    place: int
    arrives: float
    priority: int
    deadline: float | None
    depends_on: tuple[str, ...]
    kind: str
    duration_s: float
    five_hour: float
    seven_day: float


@dataclass(frozen=True, slots=True)
class PersonUse:
    at: float
    five_hour: float
    seven_day: float


@dataclass(frozen=True, slots=True)
class ReserveSpec:
    """The person's share on some days (0 is Monday) from a local time on.

    `until` is exclusive, and on the next day where it is not after `begins`.
    """

    days: frozenset[int]
    begins: time
    until: time
    five_hour: float
    seven_day: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What a past run cost."""

    kind: str
    duration_s: float
    five_hour: float
    seven_day: float


@dataclass(frozen=True, slots=True)
class Opening:
    """A window as it stands at the start: what it holds and when it resets (always after the start)."""

    used: float
    resets_at: float


@dataclass(frozen=True, slots=True)
class Known:
    """What a policy is told before the first instant: neither the end of the scenario nor anything to come."""

    start: datetime
    slots: int
    reserve: tuple[ReserveSpec, ...]
    observed: tuple[Observed, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`five_hour` is None while no window is open; `length` is in seconds."""

    start: datetime
    length: float
    tz: ZoneInfo
    slots: int
    five_hour: Opening | None
    seven_day: Opening
    person: tuple[PersonUse, ...] = ()
    reserve: tuple[ReserveSpec, ...] = ()
    tasks: tuple[TaskSpec, ...] = ()
    observed: tuple[Observed, ...] = ()

    @property
    def known(self) -> Known:
        return Known(self.start, self.slots, self.reserve, self.observed)


def moment(start: datetime, at: float) -> datetime:
    """The aware time of an instant, in the zone of `start`, to the microsecond."""
    return (start.astimezone(UTC) + timedelta(seconds=at)).astimezone(start.tzinfo)


def since(start: datetime, when: datetime) -> float:
    """The instant of an aware time.  Both go through UTC: inside one zone subtraction ignores a change of the clock."""
    return (when.astimezone(UTC) - start.astimezone(UTC)).total_seconds()


def past_minute(start: datetime, at: float) -> float:
    """Seconds since the local clock last showed :00 seconds; 0 within an INSTANT of it."""
    offset = moment(start, at).utcoffset() or timedelta()
    utc = start.astimezone(UTC)
    past = (utc.second + utc.microsecond / 1e6 + at + offset.total_seconds()) % 60.0
    return 0.0 if past < INSTANT or past > 60.0 - INSTANT else past
