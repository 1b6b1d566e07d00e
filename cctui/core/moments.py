"""Moments as people write them: ``friday 8:00``, ``tomorrow``, ``18:00``, ``3d``, ``eom``, ``2026-12-01``.  Pure.

Promises: what is read lies ahead; a day of the week is the next one, today when that is still to come.  Days are days
on the clock of the zone, hours and minutes pass as they pass: a clock change between now and then makes neither wrong.
What comes back has the fixed offset that the zone has at that moment.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from cctui.core.fields import READERS

WORDS = "a moment ahead such as friday 8:00, tomorrow, 18:00, 3d, 2h, eom or 2026-12-01T08:00"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORT = {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
NAMED = ("today", "tomorrow", "eod", "eow", "eom", "eoy")
"""Words for days; ``eow`` is the end of this week (Sunday), ``eom`` of this month, ``eoy`` of this year."""
END = time(23, 59, 59)

_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?(am|pm)?", re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}:\d{1,2}(?:am|pm)?|\d{1,2}(?:am|pm)", re.IGNORECASE)
_SPAN = re.compile(r"\+?(?:(\d{1,3})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m(?:in)?)?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def zone_named(name: str, now: datetime) -> tzinfo:
    """The person's zone; the offset of this moment where none is known."""
    try:
        return ZoneInfo(name) if name else timezone(now.utcoffset() or timedelta(0))
    except (OSError, ValueError, KeyError):  # missing (KeyError), a folder, or not a name at all
        return timezone(now.utcoffset() or timedelta(0))


def weekday(word: str) -> int | None:
    """``fri`` and ``friday`` are 4; None: it is no day of the week."""
    plain = word.casefold()
    if plain in SHORT:
        return SHORT[plain]
    return next((number for number, day in enumerate(DAYS) if plain in (day, day[:3])), None)


def is_time(word: str) -> bool:
    """Whether it is written like a time of day, though it may be none (``25:00``)."""
    return _CLOCK.fullmatch(word) is not None


def clock(word: str) -> time:
    """``8:00``, ``18:30``, ``8am``, ``6:30pm``.  ValueError says what is allowed."""
    parts = _TIME.fullmatch(word)
    if parts is None or not (parts[2] or parts[3]):
        raise ValueError("a time of day such as 8:00, 18:30 or 6pm")
    hour, minute, half = int(parts[1]), int(parts[2] or 0), (parts[3] or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif half:
        hour = 99
    if hour > 23 or minute > 59:
        raise ValueError("a time of day, from 0:00 to 23:59")
    return time(hour, minute)


def dated(text: str) -> bool:
    """Whether it is a date written out, as a task file has it."""
    return _DATE.match(text.strip()) is not None


def used(words: Sequence[str]) -> int:
    """How many of the words in front are one moment, as far as they look like it; 1 at least."""
    first, later = words[0], words[1:]
    span = _SPAN.fullmatch(first)
    day = (
        weekday(first) is not None
        or first.casefold() in NAMED
        or _DATE.fullmatch(first) is not None
        or (span is not None and not span[3] and not span[4])
    )
    if not day or not later:
        return 1
    if is_time(later[0]):
        return 2
    return 3 if later[0].casefold() == "at" and len(later) > 1 and is_time(later[1]) else 1


def moment(text: str, now: datetime, zone: tzinfo, *, end: bool) -> datetime:
    """The moment that `text` means at `now`; a day alone is its end, or with `end` off its beginning.

    ValueError says what is allowed."""
    words = [word for word in text.split() if word.casefold() != "at"]
    if not 1 <= len(words) <= 2:
        raise ValueError(WORDS)
    try:
        found = _read(words, now, zone, END if end else time.min)
    except OverflowError:
        raise ValueError(WORDS) from None
    if found <= now:
        raise ValueError(f"{WORDS}; this one is over")
    return found


def written(when: datetime, zone: tzinfo) -> str:
    """The moment as a task file has it: on the clock of the zone, with its offset where that could be another one."""
    local = when.astimezone(zone)
    wall = local.replace(tzinfo=None)
    if local.fold or on(wall, zone) != when:
        return when.isoformat(timespec="seconds")
    if wall.time() == END:
        return f"{wall:%Y-%m-%d}"
    return wall.isoformat(timespec="seconds" if wall.second else "minutes")


def on(wall: datetime, zone: tzinfo) -> datetime:
    """What the clock on the wall shows, as a moment: the first of two, and behind the gap that spring leaves."""
    there = wall.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=timezone(there.utcoffset() or timedelta(0)), fold=0)


def _read(words: Sequence[str], now: datetime, zone: tzinfo, alone: time) -> datetime:
    here = now.astimezone(zone).replace(tzinfo=None, fold=0)
    first, at = words[0], clock(words[1]) if len(words) > 1 else None
    if at is None and is_time(first):
        today = on(datetime.combine(here.date(), clock(first)), zone)
        return today if today > now else on(datetime.combine(here.date() + timedelta(days=1), clock(first)), zone)
    if (span := _SPAN.fullmatch(first)) and any(span.groups()):
        return _ahead(span, at, now, zone)
    if _DATE.match(first):
        return _written_out(first, at, zone, alone)
    if (number := weekday(first)) is not None:
        day = here.date() + timedelta(days=(number - here.weekday()) % 7)
        found = on(datetime.combine(day, at or alone), zone)
        return found if found > now else on(datetime.combine(day + timedelta(days=7), at or alone), zone)
    if first.casefold() not in NAMED:
        raise ValueError(WORDS)
    return on(datetime.combine(_named(first.casefold(), here.date()), at or alone), zone)


def _ahead(span: re.Match[str], at: time | None, now: datetime, zone: tzinfo) -> datetime:
    weeks, days, hours, minutes = (int(part or 0) for part in span.groups())
    if at and (hours or minutes or span[3] or span[4]):
        raise ValueError(WORDS)
    wall = now.astimezone(zone).replace(tzinfo=None, fold=0)
    whole = weeks * 7 + days
    if at:
        return on(datetime.combine(wall.date() + timedelta(days=whole), at), zone)
    # The same moment again when no whole days pass: through its wall clock it could become the hour before.
    start = on(wall + timedelta(days=whole), zone) if whole else now
    found = start.astimezone(UTC) + timedelta(hours=hours, minutes=minutes)
    if found.second or found.microsecond:
        found = found.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return found.astimezone(timezone(found.astimezone(zone).utcoffset() or timedelta(0)))


def _written_out(first: str, at: time | None, zone: tzinfo, alone: time) -> datetime:
    """As the fields of a task file are read."""
    text = f"{first}T{at:%H:%M}" if at else f"{first}T{alone:%H:%M:%S}" if _DATE.fullmatch(first) else first
    found: datetime = READERS["not_before"](text, zone)
    return found


def _named(word: str, today: date) -> date:
    match word:
        case "tomorrow":
            return today + timedelta(days=1)
        case "eow":
            return today + timedelta(days=6 - today.weekday())
        case "eom":
            return today.replace(day=calendar.monthrange(today.year, today.month)[1])
        case "eoy":
            return today.replace(month=12, day=31)
    return today
