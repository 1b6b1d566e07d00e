"""The figures of the last days that say at a glance how it goes, and the same by kind, model and project.  Pure.

Each stands beside its number of samples and the moment of the newest of them; one that nobody knows is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cctui.core import metrics, trend
from cctui.core.cost import between
from cctui.core.trend import Day, ended, look
from cctui.core.world import FIVE_HOUR, ClosedWindow, Record, World


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    """``success``, ``tokens``, ``retries``, ``unused``, ``cost``."""
    value: float | None
    """A share from 0 to 1, tokens by completed run, a share, percent of what windows offered, US dollars."""
    count: int
    """Samples it rests on: runs, or 5-hour windows."""
    newest: datetime | None
    """When the newest of them ended."""
    line: tuple[float | None, ...]
    """The same day by day."""
    most: float | None = None
    """The largest value it can have."""
    about: str = ""
    """The main cause, in words."""


@dataclass(frozen=True, slots=True)
class Line:
    """Runs of one kind, model or project."""

    name: str
    runs: int
    rate: float | None
    per_success: float | None
    """Tokens."""
    points: float | None
    """Median of the points of a 5-hour window."""
    points_known: int


@dataclass(frozen=True, slots=True)
class Glance:
    figures: tuple[Figure, ...]
    days: tuple[Day, ...]
    kinds: tuple[Line, ...]
    models: tuple[Line, ...]
    projects: tuple[Line, ...]
    weeks: tuple[metrics.Week, ...]


def glance(world: World, now: datetime, count: int = trend.DAYS) -> Glance:
    """Over the last `count` local days, today among them; weeks of capacity as far as windows are known."""
    days = trend.days(world, now, count)
    records = [record for day in days for record in day.records or ()]
    return Glance(
        (*_of_runs(records, days), _unused(world, days), _cost(records, days)),
        days,
        tuple(lines(records, lambda each: each.kind or each.task_id)),
        tuple(lines(records, lambda each: each.model)),
        tuple(lines(records, lambda each: each.project)),
        metrics.weeks(world),
    )


def _newest(records: Iterable[Record]) -> datetime | None:
    return max(map(ended, records), default=None)


def _of_runs(records: Sequence[Record], days: Sequence[Day]) -> Iterator[Figure]:
    by_itself = [each for each in records if look(each) != "cancelled"]
    rate = metrics.group(by_itself).success_rate
    yield Figure("success", rate, len(by_itself), _newest(by_itself), tuple(day.rate for day in days), 1.0)
    spent = [each for each in records if each.tokens is not None]
    value = per_success(records)
    yield Figure("tokens", value, len(spent), _newest(spent), tuple(day.per_success for day in days))
    tried = [each for each in records if each.attempt is not None]
    again = metrics.mean(float((each.attempt or 1) > 1) for each in tried)
    yield Figure("retries", again.mean, again.count, _newest(tried), tuple(day.retried for day in days), 1.0)


def _unused(world: World, days: Sequence[Day]) -> Figure:
    """The figure, as `metrics.weeks` counts it: what a week could not have given is not lost."""
    shown = [window for day in days for window in day.windows or ()]
    weeks = metrics.weeks(world, shown)
    offered, unused = sum(week.offered for week in weeks), sum(week.unused for week in weeks)
    lost: dict[str, float] = {}
    for week in weeks:
        for cause, points in week.lost.items():
            lost[cause] = lost.get(cause, 0.0) + points
    value = 100 * unused / offered if offered else None
    newest = max((window.ended for window in shown), default=None)
    about = metrics.main_cause(lost) if unused >= metrics.WORTH else ""
    return Figure("unused", value, len(shown), newest, tuple(day.unused for day in days), 100.0, about)


def _cost(records: Sequence[Record], days: Sequence[Day]) -> Figure:
    known = [each for each in records if each.cost_usd is not None]
    total = sum(each.cost_usd or 0.0 for each in known) if known else None
    return Figure("cost", total, len(known), _newest(known), tuple(day.cost for day in days))


def per_success(records: Iterable[Record]) -> float | None:
    """All tokens that are known, also of runs that failed, by completed run."""
    found = list(records)
    spent = [each.tokens for each in found if each.tokens is not None]
    completed = sum(look(each) == "done" for each in found)
    return sum(spent) / completed if spent and completed else None


def lines(records: Iterable[Record], key: Callable[[Record], str | None]) -> Iterator[Line]:
    """Groups by what `key` says of a record, the most runs first; what it says nothing of is left out."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        if name := key(record):
            groups.setdefault(name, []).append(record)
    for name, mine in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        points = sorted(each.window_pct for each in mine if each.window_pct is not None)
        rate = metrics.group(mine).success_rate
        median = between(points, 0.5) if points else None
        yield Line(name, len(mine), rate, per_success(mine), median, len(points))


def lately(world: World, now: datetime, count: int = 48) -> tuple[ClosedWindow, ...]:
    """The newest 5-hour windows that anybody watched, oldest first, of the last two weeks."""
    since = now - timedelta(days=trend.DAYS)
    watched = [each for each in world.windows if each.window == FIVE_HOUR and each.watched and each.ended > since]
    return tuple(watched[-count:])
