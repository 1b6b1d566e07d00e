"""Admission: whether what a task is likely to take fits what every window still offers.  Pure.

A run spends over time, so what counts is what it takes *up to* each moment that matters: the end of a window, and the
end of each stretch of reserve in it.  A run that crosses a reset spends the rest in the next window.  Therefore a large
task may start late in a window that could not hold all of it, and nothing has to expire unused.

Points are percent of a window; times are seconds from the moment of the decision; rates are points per second.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, inf
from typing import NamedTuple

from cctui.core import attribution, capacity, cost, reserve
from cctui.core.capacity import Window
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Cost, Estimate, Run, Why, World

FIVE_HOURS, WEEK = capacity.FIVE_HOURS.total_seconds(), capacity.WEEK.total_seconds()
WHOLE = 0.9
"""A task that no window can hold is let into one of which at least this part is free."""
PROVEN_RATE = 45.0
"""Seconds at work after which a run's own rate counts more than its kind's."""
PROVEN_POINTS = 2.0
"""Points that it must have spent by then, where readings are all there is."""
ROUNDING = 1e-6
LATE, LAST_CALL = 1200.0, 300.0
"""Seconds before a bound ends, the first and the second time from which on a start needs more room than it takes."""
CARE, DOUBT = 1.4, 3.0
"""How many times as much, from then on: what it really takes shows only after a while, and a bound that is met in the
last minutes stops everything for a handful of points."""


class Need(NamedTuple):
    """What one piece of work takes of one window: at most `points`, at `rate`, beginning after `delay` seconds."""

    points: float
    rate: float
    delay: float = 0.0

    def until(self, seconds: float) -> float:
        """Points taken up to `seconds` from now."""
        at_work = seconds - self.delay
        if at_work <= 0:
            return 0.0
        return min(self.points, self.rate * at_work)


NOTHING = Need(0.0, 0.0)


class Row(NamedTuple):
    """One bound: between `begin` and `end`, runs may take no more than `cap`; `free` of it is not yet claimed."""

    begin: float
    end: float
    cap: float
    free: float
    why: Why
    """FIT: the window itself; RESERVE: the person's hours; PERSON: room for a person at work; SHARE: a firm limit."""


class Miss(NamedTuple):
    """What does not fit: points needed and points free of one window, and the seconds after which it would."""

    why: Why
    window: str
    need: float
    free: float
    after: float
    opens: float
    """Seconds until the bound is gone: the next opening for work that cannot wait for the very end of it."""


@dataclass(frozen=True, slots=True)
class Flight:
    """One run at work: what it will still take of each window, and for how long it is likely to go on."""

    task: str
    needs: Mapping[str, Need]
    seconds: float
    middle: Mapping[str, Need] = field(default_factory=dict)
    """The same, half of the time at most: whether it has to stop is judged by that."""


@dataclass(frozen=True, slots=True)
class Room:
    """What one window offers from now on."""

    window: str
    rows: tuple[Row, ...]
    used: float
    claimed: float
    """By runs at work, up to its reset."""
    kept: float
    """For the person, at its reset."""
    ends: float
    """Seconds until its reset."""


# --- what work takes -------------------------------------------------------------------------------------------------


def needs(estimate: Estimate, quantile: str, delay: float = 0.0) -> dict[str, Need]:
    """What a run of such an estimate takes of each window, four fifths (``p80``) or so of the time at most."""
    seconds = lasts(estimate, quantile)
    return {
        window: Need(getattr(points, quantile), getattr(points, quantile) / seconds if seconds else inf, delay)
        for window, points in estimate.points.items()
    }


def lasts(estimate: Estimate, quantile: str) -> float:
    """Seconds over which it spends that much; 0: not known."""
    five = estimate.points.get(FIVE_HOUR)
    if estimate.rate and five and estimate.rate.p80 > 0:
        return float(getattr(five, quantile) / estimate.rate.p90 * 3600)
    return getattr(estimate.seconds, quantile) if estimate.seconds else 0.0


def known(estimate: Estimate | None) -> bool:
    """Whether enough is known of its cost to admit it by that."""
    return estimate is not None and FIVE_HOUR in estimate.points


def flight(world: World, run: Run, now: datetime) -> Flight:
    """What a run at work will still take: by its own rate once that has shown, and by what such runs come to."""
    task = world.tasks.get(run.spec.task)
    estimate = world.line.estimates.get(run.spec.task) or (cost.estimate(world.costs, task) if task else Estimate(0))
    kind = _learned(world.costs, run.spec.kind)
    in_leg = max((now - run.leg_started).total_seconds(), 0.0) if run.leg_started else 0.0
    at_work = in_leg + (run.last.duration_s if run.last else 0.0)
    found: dict[str, Need] = {}
    middle: dict[str, Need] = {}
    left = 0.0
    for window, need in needs(estimate, "p80").items():
        spent, samples, rate = _so_far(run, kind, window, need, at_work)
        remaining = _remaining(spent, samples, need.points)
        found[window] = Need(remaining, rate)
        middle[window] = Need(_remaining(spent, samples, need.points, 0.5), rate)
        if window == FIVE_HOUR and 0 < rate < inf:
            left = remaining / rate
    if not left and estimate.seconds:
        left = max(estimate.seconds.p80 - at_work, 60.0)
    return Flight(run.spec.task, found, left, middle)


def _so_far(
    run: Run, kind: Cost | None, window: str, need: Need, seconds: float
) -> tuple[float, tuple[float, ...], float]:
    """Points that a run has spent of a window in so many seconds, what such runs came to, and its rate from now on."""
    spent = run.points.get(window, 0.0)
    samples = kind.points[window].ordered if kind and window in kind.points else ()
    return spent, samples, spent / seconds if _shown(run, spent, seconds) else need.rate


def _shown(run: Run, spent: float, seconds: float) -> bool:
    """Whether a run's own rate has shown: readings are whole percents, unless the outside tells exactly."""
    exact = run.progress.points is not None
    return seconds >= PROVEN_RATE and spent > 0 and (exact or spent >= PROVEN_POINTS)


def parked(world: World, run: Run, quantile: str) -> dict[str, Need]:
    """What a parked run will still take once it goes on, the price of resuming included."""
    estimate = world.line.estimates.get(run.spec.task) or Estimate(0)
    kind = _learned(world.costs, run.spec.kind)
    ended = run.ending or run.last
    seconds = ended.duration_s if ended else 0.0
    found = {}
    for window, need in needs(estimate, quantile).items():
        spent, samples, rate = _so_far(run, kind, window, need, seconds)
        found[window] = Need(_remaining(spent, samples, need.points) * RESUMING, rate)
    return found


RESUMING = 1.05
"""What going on costs beside the rest of the work: the conversation is read again."""


def _learned(costs: Mapping[str, Cost], kind: str) -> Cost | None:
    found = costs.get(kind)
    return found if found and found.count >= cost.ENOUGH else costs.get(cost.ALL)


def _remaining(spent: float, samples: tuple[float, ...], guess: float, q: float = 0.8) -> float:
    """Points that a run which has spent `spent` will still take, in this part of cases at most: as those runs did that
    came as far; beyond all of them half as much again."""
    longer = samples[bisect_right(samples, spent) :]
    if len(longer) >= 2:
        return max(cost.between(longer, q) - spent, 0.05)
    if longer:
        return max(longer[0] - spent, spent * 0.5)
    return max(guess - spent, spent * 0.5)


# --- what windows offer ----------------------------------------------------------------------------------------------


def rooms(world: World, now: datetime, flights: Iterable[Flight], account: str = "default") -> tuple[Room, ...]:
    """The windows of which enough is known to admit work by its cost; none while blind."""
    at_work = tuple(flights)
    found = []
    for window in capacity.windows(world, now, account):
        if window.used is None or (window.stale and window.id == FIVE_HOUR):
            continue
        found.append(_room(world, window, now, at_work))
    return tuple(found) if any(room.window == FIVE_HOUR for room in found) else ()


def _room(world: World, window: Window, now: datetime, flights: tuple[Flight, ...]) -> Room:
    length = capacity.length(window.id).total_seconds()
    ends = (window.resets_at - now).total_seconds() if window.resets_at else length
    used = window.used or 0.0
    claims = [flight.needs.get(window.id, NOTHING) for flight in flights]
    share = attribution.standing(world, window.id)
    top = _top(world, window.id)
    kept = 0.0
    rows = []
    for hours in _stretches(world, window.id, now, ends):
        points = hours.points(window.id)
        end = min(hours.end - now.timestamp(), ends)
        rows.append(_row(0.0, end, top - points, share.held + share.ours, claims, Why.RESERVE))
        if end >= ends:
            kept = max(kept, points - share.person)
    grown, until = _grown(world, window.id, now, ends)
    why = Why.FIT if top >= 100 else Why.SHARE
    if grown > max(kept, 0.0) and until > 0:
        rows.append(_row(0.0, until, top - grown, used, claims, Why.PERSON))
    rows.append(_row(0.0, ends, top, used, claims, why))
    rows += _next(world, window.id, now, ends, length, claims, top)
    claimed = sum(need.until(ends) for need in claims)
    return Room(window.id, tuple(rows), used, claimed, max(kept, grown, 0.0), ends)


def _row(begin: float, end: float, cap: float, spent: float, claims: list[Need], why: Why) -> Row:
    claimed = sum(need.until(end) - need.until(begin) for need in claims)
    return Row(begin, end, cap, cap - spent - claimed, why)


def _top(world: World, window: str) -> float:
    """The most that a window may be filled to: a firm limit of the person's, else all of it."""
    settings = world.settings.capacity
    if (window if window == FIVE_HOUR else SEVEN_DAY) not in settings.limits:
        return 100.0
    return capacity.thresholds(settings).get(window, settings.seven_day_max)


def _stretches(world: World, window: str, now: datetime, ends: float) -> Iterator[reserve.Hours]:
    """Of the stretches of reserve up to a window's end the last of each size: it binds all before it."""
    at = now.timestamp()
    last: dict[float, reserve.Hours] = {}
    for hours in reserve.ahead(world.settings.capacity.reserve, world.zone, at, at + ends):
        points = hours.points(window)
        if points > 0 and (points not in last or last[points].end < hours.end):
            last[points] = hours
    yield from last.values()


def _next(
    world: World, window: str, now: datetime, ends: float, length: float, claims: list[Need], top: float
) -> Iterator[Row]:
    """The bounds of the window after this one, for what crosses the reset."""
    end = ends + length
    at = now.timestamp()
    for hours in reserve.ahead(world.settings.capacity.reserve, world.zone, at + ends, at + end):
        points = hours.points(window)
        if points > 0:
            yield _row(ends, min(hours.end - at, end), top - points, 0.0, claims, Why.RESERVE)
    yield _row(ends, end, top, 0.0, claims, Why.FIT)


def _grown(world: World, window: str, now: datetime, ends: float) -> tuple[float, float]:
    """Points left for a person who has been at work of late, and the seconds for which they are: only as long as
    runs can still use what the person does not, so that nothing expires for it."""
    most = world.settings.capacity.person_grows
    person = world.person
    if window != FIVE_HOUR or most <= 0 or person.seen is None:
        return 0.0, 0.0
    days = max((now - person.seen).total_seconds(), 0.0) / 86400
    points = min(person.habit * exp(-days) * HABIT, most)
    everything = world.costs.get(cost.ALL)
    rate = everything.rate.p50 / 3600 if everything and everything.rate else 0.0
    if points < LEAST or rate <= 0:
        return 0.0, 0.0
    return points, ends - points / (rate * world.settings.run.slots * EASY)


HABIT = 2.0
"""Part of what a person uses in a day that they may use in one window."""
EASY = 0.5
"""Part of what all slots together could spend at best that can be relied on."""
LEAST = 1.0
"""Points that are worth being kept."""


# --- does it fit? ----------------------------------------------------------------------------------------------------


def miss(rooms: tuple[Room, ...], needs: Mapping[str, Need]) -> Miss | None:
    """The bound that is broken for longest if work of these needs starts now; None: it fits."""
    worst: Miss | None = None
    for room in rooms:
        need = needs.get(room.window)
        if need is None:
            continue
        if room.used >= 100 - ROUNDING:
            return Miss(Why.FIT, room.window, need.until(room.ends), 0.0, max(room.ends, 1.0), max(room.ends, 1.0))
        for row in room.rows:
            takes = need.until(row.end) - (need.until(row.begin) if row.begin else 0.0)
            if not row.begin:
                takes *= _care(row.end)
            if takes <= max(row.free, 0.0) + ROUNDING or (takes > WHOLE * row.cap and row.free >= WHOLE * row.cap > 0):
                continue
            after = _fits_after(need, row, room.ends)
            if worst is None or after > worst.after:
                worst = Miss(row.why, room.window, takes, max(row.free, 0.0), after, max(row.begin or row.end, 1.0))
    return worst


def _fits_after(need: Need, row: Row, ends: float) -> float:
    """Seconds after which the same work would take no more than is free before the bound's end."""
    if row.begin or need.rate <= 0:
        return max(ends, 1.0)
    if row.free <= 0:
        return max(row.end, 1.0)
    for care, least, most in ((1.0, LATE, inf), (CARE, LAST_CALL, LATE), (DOUBT, 0.0, LAST_CALL)):
        # The last so many seconds are what it may begin in, with as much care as is asked for then.
        whole = need.points * care <= row.free
        last = most if whole else min(row.free / (need.rate * care), most)
        if least <= last < row.end:
            return max(row.end - last, 1.0)
    return max(row.end, 1.0)


def _care(left: float) -> float:
    """How many times what a start takes has to be free, so many seconds before a bound ends."""
    return 1.0 if left >= LATE else CARE if left >= LAST_CALL else DOUBT


def with_claim(rooms: tuple[Room, ...], claim: Mapping[str, Need]) -> tuple[Room, ...]:
    """The rooms with one more claim on them: a run that has just been started, or one that holds a reservation."""
    return tuple(_claimed(room, claim[room.window]) if room.window in claim else room for room in rooms)


def _claimed(room: Room, need: Need) -> Room:
    rows = []
    for row in room.rows:
        taken = need.until(row.end) - need.until(row.begin)
        # What is more than a window can hold leaves nothing to others, but no less than that.
        rows.append(row._replace(free=max(row.free - taken, min(row.free, 0.0))) if taken else row)
    return Room(room.window, tuple(rows), room.used, room.claimed + need.until(room.ends), room.kept, room.ends)


def moment(now: datetime, after: float) -> datetime:
    return now + timedelta(seconds=after)
