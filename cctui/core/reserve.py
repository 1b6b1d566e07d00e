"""The reserve: which share of the windows is the person's, and when.  Pure.

Hours are wall-clock hours in the person's zone: across a change of daylight saving an interval keeps its hours and
changes its length.  `to` is exclusive and, where it is not after `from`, on the next day.  Of several in force at once
the largest counts, for each window by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cctui.core.settings import Quiet, Reserve
from cctui.core.world import FIVE_HOUR, SEVEN_DAY

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 86400.0


class Hours(NamedTuple):
    """One stretch of a reserve: POSIX seconds from `begin` up to `end`, and percent points."""

    begin: float
    end: float
    five_hour: float
    seven_day: float

    def points(self, window: str) -> float:
        """Of `window`; a model's week has no reserve of its own but that of the week."""
        return self.five_hour if window == FIVE_HOUR else self.seven_day


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name; UTC for an empty or unknown one."""
    try:
        return ZoneInfo(name or "UTC")
    except (LookupError, ValueError, OSError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=4096)
def _of_day(reserves: tuple[Reserve, ...], zone: str, day: date) -> tuple[Hours, ...]:
    """The stretches that begin on a local day."""
    found = []
    for reserve in reserves:
        if DAYS[day.weekday()] in reserve.days:
            begin, end = _moment(day, reserve.start, zone), _moment(day, reserve.end, zone)
            if reserve.end <= reserve.start:
                end = _moment(day + timedelta(days=1), reserve.end, zone)
            if end > begin:
                found.append(Hours(begin, end, reserve.five_hour, reserve.seven_day))
    return tuple(found)


def _moment(day: date, hour: str, zone: str) -> float:
    """POSIX seconds of a local time; 24:00 is the next midnight.  One that a change leaves out lies after it."""
    hours, minutes = (int(part) for part in hour.split(":"))
    day, hours = (day + timedelta(days=1), 0) if hours == 24 else (day, hours)
    return datetime(day.year, day.month, day.day, hours, minutes, tzinfo=zone_of(zone)).timestamp()


def ahead(reserves: tuple[Reserve, ...], zone: str, begin: float, end: float) -> Iterator[Hours]:
    """The stretches that touch `begin` to `end` (POSIX seconds), as they are, by the day they begin on."""
    if not reserves:
        return
    day = datetime.fromtimestamp(begin, UTC).astimezone(zone_of(zone)).date() - timedelta(days=1)
    last = datetime.fromtimestamp(end, UTC).astimezone(zone_of(zone)).date()
    while day <= last:
        for hours in _of_day(reserves, zone, day):
            if hours.begin < end and hours.end > begin:
                yield hours
        day += timedelta(days=1)


def in_force(reserves: tuple[Reserve, ...], zone: str, now: datetime) -> dict[str, float]:
    """Percent points of each window that are the person's at `now`."""
    at = now.timestamp()
    found = {FIVE_HOUR: 0.0, SEVEN_DAY: 0.0}
    for hours in ahead(reserves, zone, at, at + 1e-3):
        if hours.begin <= at < hours.end:
            found = {window: max(points, hours.points(window)) for window, points in found.items()}
    return found


def quiet_until(quiets: Sequence[Quiet], zone: str, now: datetime) -> datetime | None:
    """When the quiet hours that hold at `now` are over; None: none hold."""
    hours = tuple(Reserve(quiet.days, quiet.start, quiet.end, 100.0, 100.0) for quiet in quiets)
    at = now.timestamp()
    until = at
    for _ in range(len(hours) * 8 + 1):  # one may begin where the last one ends
        ends = [each.end for each in ahead(hours, zone, until, until + 1e-3) if each.begin <= until < each.end]
        if not ends:
            break
        until = max(ends)
    return datetime.fromtimestamp(until, UTC).astimezone(now.tzinfo) if until > at else None
