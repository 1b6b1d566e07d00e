"""The morning report: what stands in it.  Pure.

The day is the person's: it covers what ended between the report's hour of the day before and its own; today's goes up
to now.  Words that came from a task or from Claude have passed `safe`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cctui.core import metrics, reserve, view
from cctui.core.morning import hour, today
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, ClosedWindow, Phase, Record, Why, World

NEXT = 10


@dataclass(frozen=True, slots=True)
class Ended:
    """One run that has ended."""

    task: str
    said: str
    """How it ended, in words."""
    proof: str
    """``proven``, ``disproved``, ``claimed``, ``not claimed``; empty: work that claims nothing, or does not say."""
    points: float | None
    note: str
    """Of its note, relative to ROOT."""
    attempt: int | None
    again: bool
    """It is in the queue once more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something a person has to see to, or that is next."""

    task: str
    text: str


@dataclass(frozen=True, slots=True)
class Morning:
    day: str
    zone: str
    since: datetime
    until: datetime
    done: tuple[Ended, ...]
    failed: tuple[Ended, ...]
    cancelled: tuple[Ended, ...]
    runs: metrics.Group
    person: tuple[Waiting, ...]
    """What waits for the person; of another day than today not known."""
    windows: tuple[ClosedWindow, ...]
    """5-hour windows, and stretches without one, that ended."""
    week_used: float | None
    week_ends: datetime | None
    next: tuple[Waiting, ...]
    today: bool


# --- what ------------------------------------------------------------------------------------------------------------


def gather(world: World, day: date | None, now: datetime) -> Morning:
    """What the report of a day (None: today) tells."""
    day = day or today(world, now)
    current = day == today(world, now)
    local = now.astimezone(reserve.zone_of(world.zone))
    since, until = hour(world, day - timedelta(days=1)), local if current else hour(world, day)
    records = [each for each in world.records if since <= (each.ended or each.timestamp) < until + timedelta(seconds=1)]
    ended = [(each, _ended(world, each)) for each in records]
    share = world.shares.get(SEVEN_DAY) if current else None
    return Morning(
        day=day.isoformat(),
        zone=world.zone or "UTC",
        since=since,
        until=until,
        done=tuple(found for each, found in ended if metrics.done(each)),
        failed=tuple(found for each, found in ended if not metrics.done(each) and not _cancelled(each)),
        cancelled=tuple(found for each, found in ended if _cancelled(each)),
        runs=metrics.group(records),
        person=tuple(_for_the_person(world, local)) if current else (),
        windows=tuple(each for each in world.windows if each.window == FIVE_HOUR and since < each.ended <= until),
        week_used=share.used if share else None,
        week_ends=share.resets_at if share else None,
        next=tuple(_next(world, local)) if current else (),
        today=current,
    )


def _cancelled(record: Record) -> bool:
    return record.status is not None and record.status.value == "cancelled"


def _ended(world: World, record: Record) -> Ended:
    task = world.tasks.get(record.task_id)
    again = task is not None and task.phase in (Phase.PENDING, Phase.ACTIVE) and not record.success
    said = view.outcome(record)
    return Ended(record.task_id, said, proof(record), record.window_pct, record.log_file, record.attempt, again)


def proof(record: Record) -> str:
    """What stands behind a run's end, in a word or two."""
    if record.proven is not None:
        return "proven" if record.proven else "disproved"
    if record.claimed is not None:
        return "claimed" if record.claimed else "not claimed"
    return ""


def _for_the_person(world: World, now: datetime) -> Iterator[Waiting]:
    """Only what nobody else can end."""
    if world.memory.hold:
        yield Waiting("", "hold is on: nothing new starts (ccq release)")
    for text in world.programs.values():
        yield Waiting("", view.safe(text, 300))
    if stop := world.stops.get(Why.LOGIN):
        yield Waiting("", f"Claude refused the login: {view.safe(stop.text or 'log in again', 200)}")
    for row in view.rows(world, now, {Phase.PENDING.value, Phase.ACTIVE.value, view.INVALID}):
        reason = row.reason.why if row.reason else None
        if row.phase == view.INVALID or reason in NEEDS:
            yield Waiting(row.name, row.text)


NEEDS = (Why.NEEDS_YOU, Why.DEPENDS_FAILED, Why.MISSING, Why.CYCLE, Why.UNSUPPORTED)
"""Reasons that only a person can end."""


def _next(world: World, now: datetime) -> Iterator[Waiting]:
    """What runs, and the first of the queue, with what they wait for."""
    rows = view.rows(world, now, {Phase.PENDING.value, Phase.ACTIVE.value})
    mine = [row for row in rows if not (row.reason and row.reason.why in NEEDS)]
    for row in [row for row in mine if row.run or row.position is not None][:NEXT]:
        yield Waiting(row.name, row.state.value + (f": {row.text}" if row.text else ""))
    for row in view.rows(world, now, {Phase.RECURRING.value}):
        if row.next_fire is not None and row.next_fire - now < timedelta(days=1):
            yield Waiting(row.name, f"fires {view.moment(row.next_fire, now)}")
