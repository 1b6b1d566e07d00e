"""Figures over the past: what was done, what it took, what expired unused and why.  Pure.

Every figure stands beside the number of samples it rests on, and is None where there are none: never 0 for unknown.
Days and hours are the person's (World.zone).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from cctui.core import reserve
from cctui.core.estimates import Accuracy, Kind, accuracy, learned
from cctui.core.words import percent, span
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Cause,
    ClosedWindow,
    Record,
    Status,
    World,
)

CAUSES: Mapping[str, str] = {
    Cause.FIT.value: "no task fitted",
    Cause.RESERVE.value: "kept for you",
    Cause.SLOTS.value: "all slots taken",
    Cause.FOLDER.value: "its folder was busy",
    Cause.HOLD.value: "hold was on",
    Cause.PAUSED.value: "paused by you",
    Cause.QUIET.value: "quiet hours",
    Cause.LIMITS.value: "limits you have set",
    Cause.BLIND.value: "no reading",
    Cause.TROUBLE.value: "login, API or machine in trouble",
}
DAYS = reserve.DAYS
WEEK = timedelta(days=7)
WORTH = 0.5
"""Points from which on something is said of them in words."""


# --- unused capacity -------------------------------------------------------------------------------------------------


def main_cause(lost: Mapping[str, float]) -> str:
    """The largest cause in words; empty: nothing was lost."""
    return CAUSES.get(max(lost, key=lambda cause: lost[cause]), "") if lost else ""


def unused_words(world: World, now: datetime) -> str:
    """The gauge's line about the newest window that has ended: ``last window: 12 % expired while work waited: no task
    fitted``; empty when none is known or the newest one ended a day ago."""
    ended = [window for window in world.windows if window.window == FIVE_HOUR]
    if not ended or now - ended[-1].ended > timedelta(days=1):
        return ""
    last = ended[-1]
    name = "last window" if last.open else f"{span((last.ended - last.opened).total_seconds())} without a window"
    if last.unused >= WORTH:
        return f"{name}: {percent(last.unused)} expired while work waited: {main_cause(last.lost)}"
    if last.left < WORTH:
        return f"{name}: all of it used"
    return f"{name}: {percent(last.left)} expired, nothing waited"


@dataclass(frozen=True, slots=True)
class Week:
    """The 5-hour windows that ended in one week of capacity, added up.  Points of 5-hour windows."""

    ends: datetime
    windows: int
    """That were open; stretches without one are not among them."""
    offered: float
    used: float
    ours: float
    person: float
    unused: float
    """What expired while work waited, and what the week could still have given."""
    unused_percent: float | None
    """Of what was offered."""
    lost: Mapping[str, float]
    """The same by cause."""
    week_used: float | None
    """Percent of the weekly window, as last seen."""


def weeks(world: World, windows: Iterable[ClosedWindow] | None = None) -> tuple[Week, ...]:
    """Oldest first.  A window that ends with the week belongs to the week that ends."""
    ended = list(world.windows if windows is None else windows)
    groups: dict[datetime, list[ClosedWindow]] = {}
    for window in ended:
        if window.window == FIVE_HOUR:
            groups.setdefault(_week_of(world, window.ended), []).append(window)
    return tuple(_week(world, ends, groups[ends]) for ends in sorted(groups))


def _week_of(world: World, moment: datetime) -> datetime:
    """The end of the week of capacity in which a window ended; the calendar's week where none is known."""
    share = world.shares.get(SEVEN_DAY)
    anchor = share.resets_at if share else None
    if anchor is None:
        anchor = max((each.ended for each in world.windows if each.window == SEVEN_DAY), default=None)
    if anchor is None:
        local = moment.astimezone(reserve.zone_of(world.zone))
        monday = local.date() + timedelta(days=7 - local.weekday())
        return datetime(monday.year, monday.month, monday.day, tzinfo=local.tzinfo)
    return anchor - WEEK * floor((anchor - moment) / WEEK)


def _week(world: World, ends: datetime, windows: list[ClosedWindow]) -> Week:
    lost: dict[str, float] = {}
    for window in windows:
        for cause, points in window.lost.items():
            lost[cause] = lost.get(cause, 0.0) + points
    used, left = _of_week(world, ends)
    ratio = week_per_window(world.records)
    whole = sum(lost.values()) * (ratio or 0.0)
    if left is not None and whole > left:
        lost = {cause: points * left / whole for cause, points in lost.items()}
    offered, unused = sum(window.size for window in windows), sum(lost.values())
    return Week(
        ends=ends,
        windows=sum(window.open for window in windows),
        offered=offered,
        used=sum(window.used for window in windows),
        ours=sum(window.ours for window in windows),
        person=sum(window.person for window in windows),
        unused=unused,
        unused_percent=100 * unused / offered if offered else None,
        lost=lost,
        week_used=used,
    )


def _of_week(world: World, ends: datetime) -> tuple[float | None, float | None]:
    """Percent of the weekly window used, and left to tasks, at its end or now; None: not known."""
    closed = [each for each in world.windows if each.window == SEVEN_DAY and abs(each.ended - ends) < WEEK / 14]
    share = world.shares.get(SEVEN_DAY)
    if closed:
        used, person = closed[-1].used, closed[-1].person
    elif share and share.resets_at and abs(share.resets_at - ends) < WEEK / 14:
        used, person = share.used, share.person
    else:
        return None, None
    kept = reserve.in_force(world.settings.capacity.reserve, world.zone, ends - timedelta(seconds=1))[SEVEN_DAY]
    return used, max(100.0 - used - max(kept - person, 0.0), 0.0)


def week_per_window(records: Iterable[Record]) -> float | None:
    """Points of the week that one point of a 5-hour window comes to, by the runs of which both are known."""
    both = [(each.window_pct, each.week_pct) for each in records if each.window_pct and each.week_pct is not None]
    five = sum(window for window, _ in both)
    return sum(week for _, week in both) / five if five else None


# --- runs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that have something in common."""

    runs: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    """Of those that were completed or failed, 0 to 1."""
    tokens: int | None
    points: float | None
    """Of 5-hour windows."""
    points_known: int
    """Runs of which the points are known."""
    points_per_completed: float | None
    """All points, also of runs that failed, per completed run."""
    seconds: float


def group(records: Iterable[Record]) -> Group:
    mine = list(records)
    completed = sum(done(each) for each in mine)
    cancelled = sum(each.status is Status.CANCELLED for each in mine)
    failed = len(mine) - completed - cancelled
    points = [each.window_pct for each in mine if each.window_pct is not None]
    tokens = [each.tokens for each in mine if each.tokens is not None]
    return Group(
        runs=len(mine),
        completed=completed,
        failed=failed,
        cancelled=cancelled,
        success_rate=completed / (completed + failed) if completed + failed else None,
        tokens=sum(tokens) if tokens else None,
        points=sum(points) if points else None,
        points_known=len(points),
        points_per_completed=sum(points) / completed if points and completed else None,
        seconds=sum(each.duration_s for each in mine),
    )


def done(record: Record) -> bool:
    return record.success if record.status is None else record.status is Status.COMPLETED


def by(records: Iterable[Record], key: Callable[[Record], str | None]) -> dict[str, Group]:
    """Groups by what `key` says of a record, the most runs first; what it says nothing of is left out."""
    found: dict[str, list[Record]] = {}
    for record in records:
        name = key(record)
        if name:
            found.setdefault(name, []).append(record)
    groups = {name: group(mine) for name, mine in found.items()}
    return dict(sorted(groups.items(), key=lambda item: (-item[1].runs, item[0])))


@dataclass(frozen=True, slots=True)
class Mean:
    """An average and the number of samples it rests on."""

    mean: float | None
    count: int


def mean(samples: Iterable[float]) -> Mean:
    found = list(samples)
    return Mean(sum(found) / len(found) if found else None, len(found))


def waits(world: World, records: Iterable[Record]) -> Iterator[float]:
    """Seconds from a task's file (its firing, of recurring work) to the start of its first attempt, where known."""
    for record in records:
        task = world.tasks.get(record.task_id)
        since = (task.fired or task.added) if task else None
        if since is not None and since <= record.timestamp and record.attempt in (None, 1):
            yield (record.timestamp - since).total_seconds()


# --- everything together ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stats:
    since: datetime | None
    """When the oldest run among them began."""
    runs: Group
    kinds: Mapping[str, Group]
    models: Mapping[str, Group]
    projects: Mapping[str, Group]
    weekdays: Mapping[str, Group]
    hours: Mapping[str, Group]
    """By the local hour they began in, ``00`` to ``23``."""
    wait: Mean
    """Seconds."""
    parks: Mean
    """Runs that were parked, and for how many seconds."""
    windows: tuple[ClosedWindow, ...]
    weeks: tuple[Week, ...]
    learned: tuple[Kind, ...]
    accuracy: Mapping[str, Accuracy]


def stats(world: World, now: datetime, days: float) -> Stats:
    """The figures of the last `days`; of runs the newest 500 are known."""
    since = now - timedelta(days=days)
    records = [each for each in world.records if (each.ended or each.timestamp) >= since]
    windows = tuple(each for each in world.windows if each.ended >= since)
    zone = reserve.zone_of(world.zone)
    return Stats(
        since=min((each.timestamp for each in records), default=None),
        runs=group(records),
        kinds=by(records, lambda each: each.kind or each.task_id),
        models=by(records, lambda each: each.model),
        projects=by(records, lambda each: each.project),
        weekdays=_in_order(by(records, lambda each: DAYS[each.timestamp.astimezone(zone).weekday()]), DAYS),
        hours=dict(sorted(by(records, lambda each: f"{each.timestamp.astimezone(zone):%H}").items())),
        wait=mean(waits(world, records)),
        parks=mean(each.parked_s for each in records if each.parked_s),
        windows=tuple(each for each in windows if each.window == FIVE_HOUR),
        weeks=weeks(world, windows),
        learned=learned(world),
        accuracy=accuracy(world.records),
    )


def _in_order(groups: Mapping[str, Group], names: Iterable[str]) -> dict[str, Group]:
    return {name: groups[name] for name in names if name in groups}
