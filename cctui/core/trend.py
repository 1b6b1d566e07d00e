"""Figures over time: day by day, and run by run of one task; scaled for a line that is one cell high.  Pure.

A figure nobody knows is None, a gap, and never 0: a day before anything was kept, a run whose points could not be told
apart.  Days are the person's (World.zone), each from its midnight to the next: 23 to 25 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TypeVar

from cctui.core import reserve
from cctui.core.world import FIVE_HOUR, ClosedWindow, Record, Status, World

T = TypeVar("T")
DAYS = 14
STEPS = 8
"""Heights that one cell can show."""
RECORDS, WINDOWS = 500, 200
"""As many runs and windows are known at most: with so many, the oldest one's day is not known whole."""
TRAIL = 12
"""Runs of one task that are shown beside each other."""


def ended(record: Record) -> datetime:
    return record.ended or record.timestamp


def look(record: Record) -> str:
    """How it ended, which also names its sign and tone: ``done``, ``failed``, ``cancelled``."""
    if record.success:
        return "done"
    return "cancelled" if record.status is Status.CANCELLED else "failed"


def levels(values: Iterable[float | None], most: float | None = None) -> tuple[int | None, ...]:
    """Heights from 0 to STEPS - 1, of `most` or of the largest value.  Only 0 itself is as low as 0."""
    found = list(values)
    top = most if most is not None else max((value for value in found if value is not None), default=0.0)
    return tuple(None if value is None else _level(value, top) for value in found)


def _level(value: float, top: float) -> int:
    if value <= 0 or top <= 0:
        return 0
    return max(1, min(STEPS - 1, round(value / top * (STEPS - 1))))


# --- day by day ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """What ended on one local day."""

    day: date
    records: tuple[Record, ...] | None
    """None: nothing is known of that day."""
    windows: tuple[ClosedWindow, ...] | None
    """5-hour windows that anybody watched."""

    @property
    def completed(self) -> int | None:
        return None if self.records is None else sum(look(each) == "done" for each in self.records)

    @property
    def failed(self) -> int | None:
        return None if self.records is None else sum(look(each) == "failed" for each in self.records)

    @property
    def rate(self) -> float | None:
        """Of what ended by itself, 0 to 1; None also on a day on which nothing did."""
        of = (self.completed or 0) + (self.failed or 0)
        return (self.completed or 0) / of if of else None

    @property
    def tokens(self) -> float | None:
        return self._sum(lambda each: each.tokens)

    @property
    def cost(self) -> float | None:
        """US dollars."""
        return self._sum(lambda each: each.cost_usd)

    @property
    def per_success(self) -> float | None:
        """All tokens, also of runs that failed, by completed run."""
        spent, done = self.tokens, self.completed
        return spent / done if spent is not None and done else None

    @property
    def retried(self) -> float | None:
        """Share of the runs that were another attempt, 0 to 1."""
        again = [each.attempt > 1 for each in self.records or () if each.attempt is not None]
        return sum(again) / len(again) if again else None

    @property
    def unused(self) -> float | None:
        """Percent of what its windows offered that expired while work waited."""
        offered = sum(each.size for each in self.windows or ())
        return 100 * sum(each.unused for each in self.windows or ()) / offered if offered else None

    def _sum(self, figure: Callable[[Record], float | None]) -> float | None:
        """0 on a day without runs; None where there were runs and none of them tells."""
        if self.records is None:
            return None
        known = [value for each in self.records if (value := figure(each)) is not None]
        return sum(known) if known or not self.records else None


def days(world: World, now: datetime, count: int = DAYS) -> tuple[Day, ...]:
    """The last `count` local days, oldest first, today last."""
    zone = reserve.zone_of(world.zone)
    today = now.astimezone(zone).date()
    wanted = [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
    runs = by_day(world.records, ended, zone)
    known = [each for each in world.windows if each.window == FIVE_HOUR]
    windows = by_day((each for each in known if each.watched), lambda each: each.ended, zone)
    first = _known_from(map(ended, world.records), len(world.records) >= RECORDS, zone)
    first_window = _known_from((each.ended for each in known), len(world.windows) >= WINDOWS, zone)
    return tuple(
        Day(
            day,
            tuple(runs.get(day, ())) if first and day >= first else None,
            tuple(windows.get(day, ())) if first_window and day >= first_window else None,
        )
        for day in wanted
    )


def by_day(found: Iterable[T], moment: Callable[[T], datetime], zone: tzinfo) -> Mapping[date, list[T]]:
    """What belongs to each local day."""
    groups: dict[date, list[T]] = {}
    for each in found:
        groups.setdefault(moment(each).astimezone(zone).date(), []).append(each)
    return groups


def _known_from(moments: Iterable[datetime], cut: bool, zone: tzinfo) -> date | None:
    """The first local day of which all is known; `cut`: older ones are no longer remembered."""
    first = min(moments, default=None)
    return first.astimezone(zone).date() + timedelta(days=cut) if first else None


# --- run by run ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trail:
    """The last runs of one task, oldest first."""

    measure: str
    """``points`` of a 5-hour window where any run's are known, else ``tokens``."""
    values: tuple[float | None, ...]
    looks: tuple[str, ...]
    """``done``, ``failed``, ``cancelled``."""

    @property
    def completed(self) -> int:
        return self.looks.count("done")

    @property
    def known(self) -> tuple[float, ...]:
        return tuple(value for value in self.values if value is not None)


def trail(records: Sequence[Record], most: int = TRAIL) -> Trail:
    """Of the runs of one task, oldest first."""
    newest = records[-most:]
    points = any(each.window_pct is not None for each in newest)
    values = tuple(each.window_pct if points else each.tokens for each in newest)
    return Trail("points" if points else "tokens", values, tuple(map(look, newest)))


def by_task(records: Iterable[Record]) -> Mapping[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.task_id, []).append(record)
    return groups
