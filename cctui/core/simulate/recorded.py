"""A scenario made of somebody's own recorded days, for `ccq simulate --from-history`.  Pure.

Every run whose cost is known becomes a task with exactly that cost.  What is only near the truth:

- A run arrives when its task's file was last changed (recurring work: when it was due), if that file is still there
  and this was its first attempt; else when it started.  Another attempt depends on the one before it.
- Failed and stopped runs are tasks like the others: they spent as much.  What still waits is left out: nobody knows
  what it will cost.  Deadlines, priorities and dependencies are those that the files hold today.
- A run whose weekly points are unknown counts at the average of the others.  Points of a model's own week do not count.
- The person's use is what no run explains (`others`); its weekly points are at the same average.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cctui.core import capacity
from cctui.core.reserve import zone_of
from cctui.core.runners import needs_claude
from cctui.core.settings import Settings
from cctui.core.simulate import others
from cctui.core.simulate.others import Spent
from cctui.core.simulate.parsing import LEAST_POINTS, LEAST_SECONDS, MOST_HOURS
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, ClosedWindow, Reading, Record, Task

OBSERVED = 500
"""Newest earlier runs that are known from the start: as many as an engine loads."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of somebody's days; records, readings and windows oldest first."""

    records: Sequence[Record]
    readings: Sequence[Reading] = ()
    windows: Sequence[ClosedWindow] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A scenario as JSON, None when no run of those days can be simulated, and what had to be left out or guessed."""

    scenario: dict[str, Any] | None
    notes: tuple[str, ...]


def scenario(past: Past, now: datetime, days: float) -> Made:
    """The last `days` up to `now`, from the first arrival on."""
    since = now - min(timedelta(days=days), timedelta(hours=MOST_HOURS))
    lately = [record for record in past.records if since <= record.timestamp < now]
    kept = [record for record in lately if _counts(record)]
    notes = list(_left_out(lately, days))
    if not kept:
        return Made(None, tuple(notes))
    ratio = _ratio(past.records)
    start = max(min(_arrival(past, record) for record in kept), since).replace(second=0, microsecond=0)
    earlier = [record for record in past.records if record.timestamp < since and record.success and _counts(record)]
    notes += _guessed(kept, ratio)
    windows, more = _windows(past, start, now, ratio)
    made = {
        "start": _iso(past, start),
        "hours": round((now - start).total_seconds() / 3600, 6),
        "slots": past.settings.run.slots,
        "tz": zone_of(past.zone).key,
        **windows,
        "reserve": [
            {"days": list(one.days), "from": one.start, "to": one.end, "five_hour": one.five_hour,
             "seven_day": one.seven_day}
            for one in past.settings.capacity.reserve
        ],
        "tasks": list(_tasks(past, kept, ratio)),
        "observed": [{"kind": _kind(record), **_cost(record, ratio)} for record in earlier[-OBSERVED:]],
    }  # fmt: skip
    return Made(made, (*notes, *more))


# --- runs ------------------------------------------------------------------------------------------------------------


def _counts(record: Record) -> bool:
    return (record.window_pct or 0.0) >= LEAST_POINTS and record.duration_s >= LEAST_SECONDS


def _left_out(records: Sequence[Record], days: float) -> Iterator[str]:
    """A sentence per reason for which runs are left out."""
    if not records:
        yield f"no run began in the last {days:g} days"
        return
    out = [record for record in records if not _counts(record)]
    claude = [record for record in out if needs_claude(record.runner or "claude")]
    unknown = sum(record.window_pct is None for record in claude)
    for number, words in (
        (len(out) - len(claude), "spend no capacity (not Claude's)"),
        (unknown, "have no known cost"),
        (len(claude) - unknown, "have a cost or a duration of 0"),
    ):
        if number:
            yield f"left out: {number} of {len(records)} runs, which {words}"


def _ratio(records: Sequence[Record]) -> float | None:
    """Weekly points that come with a point of the 5-hour window; None: not known of any run."""
    both = [
        (record.window_pct, record.week_pct) for record in records if record.window_pct and record.week_pct is not None
    ]
    five = sum(five for five, _ in both)
    return sum(week for _, week in both) / five if five else None


def _guessed(records: Sequence[Record], ratio: float | None) -> Iterator[str]:
    unknown = sum(record.week_pct is None for record in records)
    if unknown and ratio is None:
        yield f"weekly points of {unknown} of {len(records)} runs are unknown: counted as 0"
    elif unknown:
        average = f"{ratio:.2g} for each point of the 5-hour window"
        yield f"weekly points of {unknown} of {len(records)} runs are unknown: counted at the average, {average}"


def _cost(record: Record, ratio: float | None) -> dict[str, float]:
    five = record.window_pct or 0.0
    week = five * (ratio or 0.0) if record.week_pct is None else max(record.week_pct, 0.0)
    return {"duration_s": round(record.duration_s, 3), "five_hour": round(five, 6), "seven_day": round(week, 6)}


def _kind(record: Record) -> str:
    return record.kind or record.task_id


def _arrival(past: Past, record: Record) -> datetime:
    task = past.tasks.get(record.task_id)
    since = (task.fired or task.added) if task else None
    first = record.attempt in (None, 1)
    return since if since is not None and first and since <= record.timestamp else record.timestamp


def _tasks(past: Past, records: Sequence[Record], ratio: float | None) -> Iterator[dict[str, Any]]:
    """Each run as a task, in the order of their starts."""
    ordered = sorted(records, key=lambda record: record.timestamp)
    last = {record.task_id: place for place, record in enumerate(ordered)}
    taken = {record.task_id for record in ordered}
    runs: dict[str, list[tuple[datetime, str]]] = {}
    for place, record in enumerate(ordered):
        before = runs.setdefault(record.task_id, [])
        name = _name(record.task_id, taken) if before else record.task_id
        task = past.tasks.get(record.task_id)
        needs = [before[-1][1]] if before and (record.attempt or 1) > 1 else []
        for dependency in task.depends_on if task else ():
            # What ended before this began cannot have waited for it: so there is no circle.
            done = [found for end, found in runs.get(dependency.name, ()) if end <= record.timestamp]
            needs += done[-1:]
        deadline = task.deadline if task and last[record.task_id] == place else None
        yield {
            "name": name,
            "arrives": _iso(past, _arrival(past, record)),
            "priority": max(task.priority, 1) if task else 5,
            "deadline": _iso(past, deadline) if deadline else None,
            "depends_on": list(dict.fromkeys(needs)),
            "kind": _kind(record),
            **_cost(record, ratio),
        }
        before.append((record.ended or record.timestamp, name))


def _name(task: str, taken: set[str]) -> str:
    """A name of its own for another run of a task."""
    number = 2
    while f"{task} ({number})" in taken:
        number += 1
    taken.add(f"{task} ({number})")
    return f"{task} ({number})"


# --- windows and the person ------------------------------------------------------------------------------------------


def _windows(past: Past, start: datetime, now: datetime, ratio: float | None) -> tuple[dict[str, Any], list[str]]:
    """Both windows as they stood at the start, and the person's use since."""
    five, week = others.stands(past.readings, FIVE_HOUR), others.stands(past.readings, SEVEN_DAY)
    ours = _spent(past.records, start, ratio, weekly=False)
    held = others.at_start(five, FIVE_HOUR, start, ours)
    of_week = others.at_start(week, SEVEN_DAY, start, _spent(past.records, start, ratio, weekly=True))
    begun = next((stand.opened(SEVEN_DAY) for stand in week if stand.opened(SEVEN_DAY) > start), None)
    theirs = others.uses(five, past.windows, ours, start, now)
    notes = []
    if of_week is None:
        notes.append("nothing is known of the week at the start: counted as empty")
    if not five:
        notes.append(
            "no readings of those days are left: of the person's use only what is known of whole windows counts"
        )
    resets_at = of_week[0].resets_at if of_week else begun or start + capacity.WEEK
    rate = ratio or 0.0
    return {
        "five_hour": {"used": round(held[1], 6), "resets_at": _iso(past, held[0].resets_at)}
        if held
        else {"used": 0, "resets_at": None},
        "seven_day": {"used": round(of_week[1], 6) if of_week else 0, "resets_at": _iso(past, resets_at)},
        "person": [
            {"at": _iso(past, use.at), "five_hour": round(use.points, 6), "seven_day": round(use.points * rate, 6)}
            for use in theirs
        ],
    }, notes


def _spent(records: Sequence[Record], start: datetime, ratio: float | None, *, weekly: bool) -> list[Spent]:
    """What runs of ours have taken since the start."""
    found = []
    for record in records:
        end = record.ended or record.timestamp + timedelta(seconds=record.duration_s)
        if end > start and (record.window_pct or 0) > 0:
            cost = _cost(record, ratio)
            found.append(Spent(record.timestamp, max(end, record.timestamp), cost[SEVEN_DAY if weekly else FIVE_HOUR]))
    return found


def _iso(past: Past, when: datetime) -> str:
    """In the zone of the scenario, to the second."""
    return when.astimezone(UTC).astimezone(zone_of(past.zone)).isoformat(timespec="seconds")
