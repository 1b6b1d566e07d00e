"""Schedules in words, as cron text: ``every weekday 7:00``, ``every 15 minutes``, ``every 1st 8:00``, ``daily``.  Pure.

Promises: words that only begin like a schedule ("every test passes") are none; what cron text cannot say ("every 7
minutes") is refused with what it can.  The inverse of `spoken`: what comes back is said there in the same sense.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from cctui.core import moments

WORDS = "every day 7:00, every weekday 7:00, every monday 9:00, every 2 hours, every 15 minutes or every 1st 8:00"
SETS = {
    "day": "* * *",
    "weekday": "* * 1-5",
    "weekdays": "* * 1-5",
    "weekend": "* * 0,6",
    "weekends": "* * 0,6",
    "week": "* * 1",
    "month": "1 * *",
}
"""Day, month and day of the week, as cron has them."""
ALONE = {"daily": "day", "weekly": "week", "monthly": "month", "hourly": "hour"}
HOURS, MINUTES = (1, 2, 3, 4, 6, 8, 12), (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
"""What goes evenly into a day, and into an hour."""

_COUNT = re.compile(r"(\d{1,4})(?:(h|hours?|m|min|minutes?))?", re.IGNORECASE)
_UNIT = re.compile(r"(h|hours?)|(m|min|mins|minutes?)|(days?|weeks?|months?)", re.IGNORECASE)
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)", re.IGNORECASE)
_PAST = re.compile(r":(\d{2})")


@dataclass(frozen=True, slots=True)
class Cadence:
    cron: str
    """Five fields; empty: these words look like a schedule and are none."""
    used: int
    """How many of the words it took."""
    allowed: str = ""
    """What would have been understood."""


def read(words: Sequence[str]) -> Cadence | None:
    """The schedule that `words` begin with; None: they begin with something else."""
    first = _bare(words[0]) if words else ""
    if first in ALONE:
        found = _after(ALONE[first], words, 1)
        # "the daily report" is no schedule: the word has to stand at the end, or before a time.
        return found if found.used > 1 or len(words) == 1 else None
    if first != "every" or len(words) < 2:
        return None
    second = _bare(words[1])
    if count := _COUNT.fullmatch(second):
        return _counted(int(count[1]), count[2], words)
    if second in SETS or second in ("hour", "minute"):
        return _after(second, words, 2)
    return _listed(second, words)


def _bare(word: str) -> str:
    return word.casefold().rstrip(",;.")


def _listed(second: str, words: Sequence[str]) -> Cadence | None:
    """``mon,wed`` and ``1st,15th``."""
    parts = [part for part in second.split(",") if part]
    days = [day for part in parts if (day := moments.weekday(part)) is not None]
    if parts and len(days) == len(parts):
        return _at(f"* * {','.join(str(number) for number in sorted({(day + 1) % 7 for day in days}))}", words, 2)
    ordinals = [int(found[1]) for part in parts if (found := _ORDINAL.fullmatch(part))]
    if not parts or len(ordinals) != len(parts):
        return None
    if not all(1 <= day <= 31 for day in ordinals):
        return Cadence("", 2, "a day of the month, from 1st to 31st")
    return _at(f"{','.join(str(number) for number in sorted(set(ordinals)))} * *", words, 2)


def _after(name: str, words: Sequence[str], used: int) -> Cadence:
    match name:
        case "hour":
            return _hourly("*", words, used)
        case "minute":
            return Cadence("* * * * *", used)
    return _at(SETS[name], words, used)


def _at(days: str, words: Sequence[str], used: int) -> Cadence:
    """With the time of day that may follow; without one, midnight."""
    at, used = _time(words, used)
    if isinstance(at, str):
        return Cadence("", used, at)
    return Cadence(f"{at.minute} {at.hour} {days}", used)


def _time(words: Sequence[str], used: int) -> tuple[time | str, int]:
    """The time that follows and how many words are used then; a text says what a time may be."""
    at = used + (len(words) > used + 1 and words[used].casefold() == "at")
    if at >= len(words) or not moments.is_time(_bare(words[at])):
        return time.min, used
    try:
        return moments.clock(_bare(words[at])), at + 1
    except ValueError as error:
        return str(error), at + 1


def _hourly(hours: str, words: Sequence[str], used: int) -> Cadence:
    """With the minute that may follow, as ``:15``."""
    at = used + (len(words) > used + 1 and words[used].casefold() == "at")
    word = _bare(words[at]) if at < len(words) else ""
    past = _PAST.fullmatch(word)
    if past is None and not moments.is_time(word):
        return Cadence(f"0 {hours} * * *", used)
    if past is None or int(past[1]) > 59:
        return Cadence("", at + 1, "minutes past the hour, such as :15")
    return Cadence(f"{int(past[1])} {hours} * * *", at + 1)


def _counted(number: int, unit: str | None, words: Sequence[str]) -> Cadence | None:
    """``every 15 minutes``, ``every 2h``."""
    used = 2 if unit else 3
    found = _UNIT.fullmatch(unit or (_bare(words[2]) if len(words) > 2 else ""))
    if found is None:
        return None
    if found[3]:
        return Cadence("", used, f"{WORDS}: cron counts no days")
    even, name = (HOURS, "hours") if found[1] else (MINUTES, "minutes")
    if number not in even:
        return Cadence("", used, f"every {', '.join(map(str, even))} {name}")
    if found[1]:
        return _hourly("*" if number == 1 else f"*/{number}", words, used)
    return Cadence("* * * * *" if number == 1 else f"*/{number} * * * *", used)
