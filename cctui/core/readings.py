"""Readings beside one another: what every source last said of a window, and where two cannot both be right.  Pure.

A window's use only grows before its reset.  So a newer reading may well be higher than an older one; a difference that
growth does not explain is a contradiction, and a person is told of it instead of one number being believed in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from cctui.core.capacity import is_open, number
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Confidence, Reading, World

APART = 5.0
"""Percent points by which two readings may differ at one moment."""
GROWTH = 1.0
"""Percent points a minute by which a window's use may well have grown from an older reading to a newer one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One window as one source last saw it."""

    source: str
    used_percent: float | None
    resets_at: datetime | None
    observed_at: datetime
    age_s: float
    confidence: Confidence
    stale: bool


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two fresh readings of one window that cannot both be right; the newer one first."""

    window: str
    sources: tuple[str, str]
    used_percent: tuple[float, float]
    text: str


def latest(world: World, now: datetime, account: str = "default") -> Mapping[str, tuple[Seen, ...]]:
    """Window → what every source last said of it, the newest first; windows that have ended are left out."""
    found: dict[str, list[Seen]] = {}
    for reading in _newest_first(world, now, account):
        age = max(now - reading.observed_at, timedelta(0))
        seen = Seen(
            reading.source,
            number(reading),
            reading.resets_at,
            reading.observed_at,
            age.total_seconds(),
            reading.confidence,
            stale=age > _young(world),
        )
        found.setdefault(reading.window, []).append(seen)
    return {window: tuple(seen) for window, seen in sorted(found.items())}


def contradictions(world: World, now: datetime, account: str = "default") -> tuple[Contradiction, ...]:
    """Every pair of fresh readings of one window that differ by more than APART, beyond what growth explains."""
    fresh = [each for each in _newest_first(world, now, account) if now - each.observed_at <= _young(world)]
    found = []
    for newer, older in combinations(fresh, 2):
        high, low = number(newer), number(older)
        if newer.window != older.window or high is None or low is None:
            continue
        minutes = (newer.observed_at - older.observed_at).total_seconds() / 60
        grown = GROWTH * minutes if high > low else 0.0
        if abs(high - low) > APART + grown:
            text = f"{newer.source} says {high:.0f} %, {older.source} {low:.0f} %: one of them is wrong"
            found.append(Contradiction(newer.window, (newer.source, older.source), (high, low), text))
    return tuple(found)


def guessing(world: World, more: Iterable[Reading], now: datetime) -> bool:
    """Nobody who counts (rather than estimates) has lately told of the 5-hour window; `more`: not in the World yet."""
    return not any(
        reading.window == FIVE_HOUR
        and reading.confidence is not Confidence.ESTIMATED
        and number(reading) is not None
        and now - reading.observed_at <= _young(world)
        for reading in (*world.readings, *more)
        if reading.account == "default" and is_open(reading, now)
    )


def told_reset(world: World, window: str, account: str = "default") -> datetime | None:
    """When the window resets, or last has, by the newest reading that is no estimate; None: never told."""
    told = [
        (reading.observed_at, reading.resets_at)
        for reading in world.readings
        if reading.account == account
        and reading.window == window
        and reading.resets_at is not None
        and reading.confidence is not Confidence.ESTIMATED
    ]
    return max(told)[1] if told else None


def next_reset(world: World, now: datetime) -> datetime | None:
    """The next moment at which a known window begins anew; sources differ by seconds, and the last of them counts."""
    moments = [
        reading.resets_at
        for reading in world.readings
        if reading.resets_at is not None and reading.resets_at > now and reading.confidence is not Confidence.ESTIMATED
    ]
    first = min(moments, default=None)
    return max(moment for moment in moments if moment - first <= SAME_RESET) if first else None


SAME_RESET = timedelta(seconds=30)
"""Resets closer together than this are one and the same."""


def _newest_first(world: World, now: datetime, account: str) -> list[Reading]:
    mine = [reading for reading in world.readings if reading.account == account and is_open(reading, now)]
    order = {FIVE_HOUR: 0, SEVEN_DAY: 1}
    mine.sort(key=lambda reading: reading.source)
    mine.sort(key=lambda reading: reading.observed_at, reverse=True)
    return sorted(mine, key=lambda reading: (order.get(reading.window, 2), reading.window))


def _young(world: World) -> timedelta:
    return timedelta(minutes=world.settings.capacity.blind_after_minutes)
