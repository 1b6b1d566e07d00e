"""Schedules: what a cron text may be, and the moments at which it fires in a real zone.  Pure.

Promises: a text is read as the system's cron reads it, strictly, and whatever it says costs milliseconds at most.  A
schedule with a fixed hour and minute fires once on every day it names: in the hour that comes twice in autumn only the
first time, and for an hour that spring leaves out, once, when that hour is over.  One that starts with ``*`` goes by
real time.  ``H`` is the task's own value, the same for ever.  Moments come back with the fixed offset that the zone has
then, so that subtracting them is never wall-clock arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

CRON_WORDS = "5 cron fields such as '0 3 * * *', or @hourly, @daily, @weekly, @monthly, @yearly"
ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
PARTS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of the month", "1-31, L for the last or 15W for the weekday nearest to the 15th"),
    ("month", "1-12 or jan-dec"),
    ("day of the week", "0-7 or sun-sat, fri#3 for the third Friday or L5 for the last"),
)
LENGTH = 300
"""Characters of a schedule: a longer one is no schedule but an attack on the reader."""
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time, of no zone

_HASHED = re.compile(r"(?<![a-z])h(?![a-z])")
_RANDOM = re.compile(r"(?<![a-z])r(?![a-z])")
_EQUAL = re.compile(r"(?<![0-9a-z])([0-9a-z]+)-\1(?![0-9a-z])")


# --- the text --------------------------------------------------------------------------------------------------------


def schedule(text: str) -> str:
    """The text in its one written form; ValueError says what is allowed."""
    found = " ".join(text.split())
    if found.startswith("@"):
        if found.lower() not in ALIASES:
            raise ValueError(CRON_WORDS)
        return found.lower()
    fields = found.lower().split()
    if len(fields) != len(PARTS) or len(found) > LENGTH:
        more = "; seconds are not supported" if len(fields) == 6 else ""
        raise ValueError(f"{CRON_WORDS} ({len(fields)} fields here){more}")
    if _RANDOM.search(found.lower()):
        raise ValueError(f"{CRON_WORDS}; R would move at every reading, use H")
    if same := _EQUAL.search(found.lower()):
        # Some crons take it for that one value, others for every value.
        raise ValueError(f"{CRON_WORDS}; {same[0]} is not clear, write {same[1]}")
    _check(found, fields)
    return found


def _check(text: str, fields: list[str]) -> None:
    from croniter import croniter  # noqa: PLC0415 - 40 ms that only scheduled tasks shall pay

    for place, ((name, allowed), field) in enumerate(zip(PARTS, fields, strict=True)):
        alone = ["*"] * len(PARTS)
        alone[place] = field
        if not croniter.is_valid(" ".join(alone), hash_id=b"task", strict=True):
            raise ValueError(f"{CRON_WORDS}, with values in range: the {name} is {allowed}")
    valid = croniter.is_valid(text, hash_id=b"task", strict=True)
    if not valid or next_fire(text, UTC, "task", datetime(2026, 1, 1, tzinfo=UTC)) is None:
        raise ValueError(f"{CRON_WORDS}, with values in range and a date that exists")


def hashed(text: str) -> bool:
    """Whether some of it is to be filled in by the task's name."""
    return _HASHED.search(text.lower()) is not None


# --- firing ----------------------------------------------------------------------------------------------------------


def fires(
    text: str, zone: tzinfo, name: str, after: datetime, *, until: datetime | None = None, count: int | None = None
) -> Iterator[datetime]:
    """The firings strictly after `after`, up to and with `until`, `count` at most."""
    made = 0
    while count is None or made < count:
        found = next_fire(text, zone, name, after)
        if found is None or (until is not None and found > until):
            return
        yield found
        after, made = found, made + 1


@lru_cache(maxsize=4096)
def next_fire(text: str, zone: tzinfo, name: str, after: datetime) -> datetime | None:
    """The first firing strictly after `after`; None: the calendar ends first.  `name` decides what ``H`` is."""
    from croniter import CroniterError  # noqa: PLC0415 - see above

    try:
        found = _once_a_day(text, zone, name, after) if fixed(text) else _in_real_time(text, zone, name, after)
    except (CroniterError, OverflowError, ValueError):
        return None
    return found.astimezone(timezone(found.astimezone(zone).utcoffset() or timedelta(0)))


def latest(text: str, zone: tzinfo, name: str, since: datetime, until: datetime) -> datetime | None:
    """The last firing after `since`, up to and with `until`; a few steps, however many lie between."""

    def first(after: datetime) -> datetime | None:
        found = next_fire(text, zone, name, after)
        return found if found is not None and found <= until else None

    low = first(since)
    if low is None:
        return None
    high, back = until, MINUTE
    while (start := max(until - back, low)) > low and first(start) is None:
        high, back = start, back * 2
    # One lies between `low` and `high` if it is not `low` itself, and none after `high`.
    while high - low >= MINUTE:
        middle = low + (high - low) / 2
        found = first(middle)
        low, high = (low, middle) if found is None else (found, high)
    return low


def fixed(text: str) -> bool:
    """Whether it names its minutes and hours, as Debian's cron tells: neither begins with a star."""
    if text.startswith("@"):
        return text != "@hourly"
    minute, hour, *_ = text.split()
    return not minute.startswith("*") and not hour.startswith("*")


def _walls(text: str, name: str, after: datetime) -> Iterator[datetime]:
    """What the schedule says on the clock on the wall, after `after` (without a zone)."""
    from croniter import croniter  # noqa: PLC0415 - see above

    # With a hash_id even @daily would be moved; without one H is an error.
    made = croniter(
        text,
        (after.replace(microsecond=0) - EPOCH).total_seconds(),
        hash_id=name.encode() if hashed(text) and not text.startswith("@") else None,
        implement_cron_bug=True,  # "0 3 */2 * mon" means what crontab makes of it
    )
    while True:
        yield EPOCH + timedelta(seconds=round(made.get_next(float)))


def _once_a_day(text: str, zone: tzinfo, name: str, after: datetime) -> datetime:
    for wall in _walls(text, name, after.astimezone(zone).replace(tzinfo=None)):
        if (moment := _first(wall, zone)) > after:
            return moment
    raise OverflowError


def _in_real_time(text: str, zone: tzinfo, name: str, after: datetime) -> datetime:
    here = after.astimezone(zone).replace(tzinfo=None)
    for wall in _walls(text, name, here):
        found = _moments(wall, zone)
        if later := [moment for moment in found if moment > after]:
            return later[0] if len(found) == 2 else _again(text, zone, name, after) or later[0]
    raise OverflowError


def _again(text: str, zone: tzinfo, name: str, after: datetime) -> datetime | None:
    """A firing in the hour that comes a second time, of which `after` is in the first."""
    here = after.astimezone(zone)
    moments = _moments(here.replace(tzinfo=None), zone)
    if here.fold or len(moments) != 2:
        return None
    wall = here.replace(tzinfo=None)
    for before in _walls(text, name, wall - (moments[1] - moments[0]) - timedelta(seconds=1)):
        if before > wall:
            return None
        if len(found := _moments(before, zone)) == 2:
            return found[1]
    return None


def _moments(wall: datetime, zone: tzinfo) -> list[datetime]:
    """When the clock on the wall shows it: never, once or twice."""
    both = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(moment for moment in both if moment.astimezone(zone).replace(tzinfo=None) == wall)


def _first(wall: datetime, zone: tzinfo) -> datetime:
    """When the clock on the wall shows it for the first time, or has just left it out."""
    if moments := _moments(wall, zone):
        return moments[0]
    # Of a time that is left out, fold 0 has the offset before and lies behind the change, fold 1 before it.
    high, low = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    behind = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == behind else (middle, high)
    return high


# --- stamps ----------------------------------------------------------------------------------------------------------

_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?(Z?)")


def stamp(due: datetime, zone: tzinfo | None) -> str:
    """``20261122T0230``: local time; UTC with a Z where that could be taken for another moment, or without a zone.

    The seconds stand there only when there are some: schedules have none."""
    local = due.astimezone(zone) if zone else due
    plain = zone is not None and not local.fold
    shown = local if plain else due.astimezone(UTC)
    return f"{shown:%Y%m%dT%H%M}{f'{shown:%S}' if shown.second else ''}{'' if plain else 'Z'}"


def stamped(name: str, zone: tzinfo) -> datetime | None:
    """The moment that a firing's name tells: ``digest@20261122T0230``; None: it is not such a name."""
    found = _STAMP.fullmatch(name.partition("@")[2])
    if found is None:
        return None
    *digits, utc = found.groups()
    try:
        wall = datetime(*map(int, filter(None, digits)), tzinfo=UTC if utc else zone)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    return wall.replace(tzinfo=timezone(wall.utcoffset() or timedelta(0)))
