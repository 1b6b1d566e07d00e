"""Schedules in words: ``at 02:30 on weekdays``, ``Mon 24 Nov 02:30 (in 2 days)``.  Pure.

What has no short sentence is shown as it was written: no sentence is better than a wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from cctui.core import recur

DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TIMES = 4
"""Times of a day that are listed one by one."""

Values = Sequence[int] | None
"""What a field allows; None: everything."""


@lru_cache(maxsize=1024)
def words(text: str, name: str) -> str:
    """The schedule of the task `name` as a person would say it."""
    from croniter import CroniterError, croniter  # noqa: PLC0415 - 40 ms that only scheduled tasks shall pay

    hash_id = name.encode() if recur.hashed(text) and not text.startswith("@") else None
    try:
        found, nth = croniter.expand(text, hash_id=hash_id)
    except CroniterError:
        return text
    fields = [None if "*" in field else field for field in found]
    weekday_near = not text.startswith("@") and "w" in text.lower().split()[2]
    if nth or weekday_near or any(not isinstance(value, int) for field in fields if field for value in field):
        return text  # fri#3, L, 15W
    minutes, hours, days, months, weekdays = (_numbers(field) for field in fields)
    time, day = _time(minutes, hours), _day(days, weekdays)
    if time is None or day is None:
        return text
    year = f" in {_listed([MONTHS[month - 1] for month in months])}" if months else ""
    if not day and not year and time.startswith("at "):
        day = " every day"
    return f"{time}{day}{year}"


def _numbers(field: Sequence[object] | None) -> Values:
    return None if field is None else sorted(int(str(value)) for value in field)


def _time(minutes: Values, hours: Values) -> str | None:
    if minutes and hours and len(minutes) * len(hours) <= TIMES:
        return "at " + _listed([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])
    within = _within(hours)
    if minutes is None:
        return f"every minute{within}" if within is not None else None
    if len(minutes) > 1:
        step = _step(minutes, 60)
        return f"every {step} minutes{within}" if step and within is not None else None
    at = f" at :{minutes[0]:02}" if minutes[0] else ""
    if within is not None:
        return f"every hour{at}{within}"
    step = _step(hours or (), 24)
    return f"every {step} hours{at}" if step and hours and hours[0] == 0 else None


def _within(hours: Values) -> str | None:
    """`` from 09:00 to 17:59``; nothing for the whole day; None for hours with gaps."""
    if hours is None:
        return ""
    if list(hours) != list(range(hours[0], hours[-1] + 1)):
        return None
    return f" from {hours[0]:02}:00 to {hours[-1]:02}:59"


def _step(values: Sequence[int], of: int) -> int | None:
    """The distance of values that go round evenly."""
    if len(values) < 2:
        return None
    step = values[1] - values[0]
    return step if of % step == 0 and list(values) == list(range(values[0] % step, of, step)) else None


def _day(days: Values, weekdays: Values) -> str | None:
    if days and weekdays:
        return None  # "or" to cron, and hard to say
    if days:
        return f" on day{'' if len(days) == 1 else 's'} {_listed([str(day) for day in days])} of the month"
    match weekdays:
        case None:
            return ""
        case [1, 2, 3, 4, 5]:
            return " on weekdays"
        case [0, 6]:
            return " at weekends"
    return f" on {_listed([DAYS[day] for day in (*weekdays[weekdays[0] == 0 :], *weekdays[: weekdays[0] == 0])])}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def moment(due: datetime, zone: tzinfo, now: datetime) -> str:
    """``Mon 24 Nov 02:30 (in 2 days)``, on the clock of `zone`; with the year when it is another one."""
    local = due.astimezone(zone)
    year = f" {local:%Y}" if local.year != now.astimezone(zone).year else ""
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M} ({_ahead(due, now)})"


def _ahead(due: datetime, now: datetime) -> str:
    minutes = (due.astimezone(UTC) - now.astimezone(UTC)).total_seconds() / 60
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"in {minutes:.0f} min"
    if minutes < 36 * 60:
        return f"in {minutes / 60:.0f} h"
    return f"in {minutes / 1440:.0f} days"
