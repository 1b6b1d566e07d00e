"""A scenario as the second implementation of its rules reads it: exact numbers, seconds since the start.

Does not look for errors in a scenario; a wrong one ends in whatever Python says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

FIVE_HOURS, WEEK = Fraction(5 * 3600), Fraction(7 * 86400)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, and points of both windows."""

    seconds: Fraction
    five: Fraction
    week: Fraction

    def parts(self, part: Fraction) -> Cost:
        return Cost(self.seconds * part, self.five * part, self.week * part)

    def resumed(self, whole: Cost) -> Cost:
        """What is left, with the price of taking it up again."""
        half = Fraction(1, 2)
        return Cost(self.seconds + 60, self.five + half, self.week + half * whole.week / whole.five)


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    place: int
    arrives: Fraction
    priority: Fraction
    deadline: Fraction | None
    needs: tuple[str, ...]
    kind: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Use:
    at: Fraction
    five: Fraction
    week: Fraction


@dataclass(frozen=True, slots=True)
class Held:
    """A reserve in force from `begin` until just before `end`."""

    begin: Fraction
    end: Fraction
    five: Fraction
    week: Fraction


@dataclass(frozen=True, slots=True)
class Page:
    start: datetime
    zone: ZoneInfo
    length: Fraction
    slots: int
    window_end: Fraction | None
    """None: no window is open at the start, and `window_used` is 0."""
    window_used: Fraction
    week_end: Fraction
    week_used: Fraction
    uses: tuple[Use, ...]
    """Inside the scenario, in order."""
    held: tuple[Held, ...]
    tasks: tuple[Task, ...]
    samples: tuple[tuple[str, Cost], ...]

    def written(self, at: Fraction) -> str:
        moment = self.start + timedelta(milliseconds=round(at * 1000))
        return moment.astimezone(self.zone).isoformat(timespec="milliseconds")

    def since_start(self, text: str) -> Fraction:
        return _since(_moment(text, self.zone), self.start)


def read(row: Row) -> Page:
    zone = ZoneInfo(row.get("tz") or "UTC")
    start, length = _moment(row["start"], zone), _exact(row["hours"]) * 3600

    def at(text: str) -> Fraction:
        return _since(_moment(text, zone), start)

    window, week = row["five_hour"], row["seven_day"]
    ends = at(window["resets_at"]) if window["resets_at"] else Fraction(0)
    week_end = at(week["resets_at"])
    while week_end <= 0:
        week_end += WEEK
    uses = [Use(at(use["at"]), _exact(use["five_hour"]), _exact(use["seven_day"])) for use in row.get("person") or ()]
    return Page(
        start=start,
        zone=zone,
        length=length,
        slots=row["slots"],
        window_end=ends if ends > 0 else None,
        window_used=_exact(window["used"]) if ends > 0 else Fraction(0),
        week_end=week_end,
        week_used=_exact(week["used"]),
        uses=tuple(sorted((use for use in uses if 0 <= use.at < length), key=lambda use: use.at)),
        held=tuple(item for rule in row.get("reserve") or () for item in _held(rule, zone, start, length)),
        tasks=tuple(
            Task(
                name=task["name"],
                place=place,
                arrives=at(task["arrives"]),
                priority=_exact(task["priority"]),
                deadline=at(task["deadline"]) if task.get("deadline") else None,
                needs=tuple(task.get("depends_on") or ()),
                kind=task["kind"],
                cost=_cost(task),
            )
            for place, task in enumerate(row["tasks"])
        ),
        samples=tuple((past["kind"], _cost(past)) for past in row.get("observed") or ()),
    )


def _cost(row: Row) -> Cost:
    return Cost(_exact(row["duration_s"]), _exact(row["five_hour"]), _exact(row["seven_day"]))


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


def _moment(text: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _since(moment: datetime, start: datetime) -> Fraction:
    return Fraction((moment - start) // timedelta(microseconds=1), 10**6)


def _held(rule: Row, zone: ZoneInfo, start: datetime, length: Fraction) -> Iterator[Held]:
    first = start.astimezone(zone).date() - timedelta(days=2)
    begin, end = _clock(rule["from"]), _clock(rule["to"])
    overnight = timedelta(days=0 if end > begin else 1)
    for passed in range(int(length / 86400) + 5):
        day = first + timedelta(days=passed)
        if DAYS[day.weekday()] in rule["days"]:
            since, till = (_since(_on(day, clock, zone), start) for clock in (begin, overnight + end))
            yield Held(since, till, _exact(rule["five_hour"]), _exact(rule["seven_day"]))


def _clock(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _on(day: date, clock: timedelta, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows, the first time it does on a day when it does twice."""
    return (datetime(day.year, day.month, day.day) + clock).replace(tzinfo=zone).astimezone(UTC)  # noqa: DTZ001
