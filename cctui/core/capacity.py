"""Capacity: what is known of the windows, from whom, how old, and whether it lets work start.  Pure.

A window's use never falls before its reset, so an old reading of an open window is still a lower bound: it may shut the
gate but it cannot prove that the gate is open.  A reading whose window has ended says nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cctui.core.settings import CapacitySettings
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Confidence, Parked, Reading, Reason, Why, World

AHEAD = timedelta(minutes=5)
"""How far two clocks may differ before a reading is taken for one from the future."""
FIVE_HOURS, WEEK = timedelta(hours=5), timedelta(days=7)
SAME_AGE = timedelta(seconds=60)
"""Readings closer together than this count as equally old; then the more authoritative source wins."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window as all sources together show it now.  ``used`` None: unknown."""

    id: str
    used: float | None
    resets_at: datetime | None
    source: str | None
    observed_at: datetime | None
    confidence: Confidence
    stale: bool
    rejected: bool = False


def merge(old: Iterable[Reading], new: Iterable[Reading], now: datetime) -> tuple[Reading, ...]:
    """The newest reading per account, window and source; one from the future (a clock was set back) counts no more."""
    newest: dict[tuple[str, str, str], Reading] = {}
    for reading in (*old, *new):
        if reading.observed_at > now + AHEAD:
            continue
        key = (reading.account, reading.window, reading.source)
        if key not in newest or newest[key].observed_at <= reading.observed_at:
            newest[key] = reading
    return tuple(newest[key] for key in sorted(newest))


def windows(world: World, now: datetime, account: str = "default") -> tuple[Window, ...]:
    """The 5-hour window and the week, always; then every model's week that a source has named."""
    known = [reading for reading in world.readings if reading.account == account]
    models = sorted({reading.window for reading in known} - {FIVE_HOUR, SEVEN_DAY})
    settings = world.settings.capacity
    return tuple(_window(name, known, settings, now) for name in (FIVE_HOUR, SEVEN_DAY, *models))


def _window(name: str, readings: Iterable[Reading], settings: CapacitySettings, now: datetime) -> Window:
    mine = [reading for reading in readings if reading.window == name]
    open_ones = [reading for reading in mine if number(reading) is not None and is_open(reading, now)]
    if not open_ones:
        last = max((reading.observed_at for reading in mine), default=None)
        return Window(name, None, None, None, last, Confidence.UNKNOWN, stale=True)
    best = open_ones[0] if len(open_ones) == 1 else _best(open_ones, settings)
    age = now - best.observed_at
    return Window(
        id=name,
        used=number(best),
        resets_at=best.resets_at,
        source=best.source,
        observed_at=best.observed_at,
        confidence=best.confidence,
        stale=age > timedelta(minutes=settings.blind_after_minutes),
        rejected=best.rejected,
    )


def _best(readings: list[Reading], settings: CapacitySettings) -> Reading:
    newest = max(reading.observed_at for reading in readings)
    fresh = [reading for reading in readings if newest - reading.observed_at <= SAME_AGE]
    rank = {source: place for place, source in enumerate(settings.sources)}
    return min(fresh, key=lambda reading: (rank.get(reading.source, len(rank)), newest - reading.observed_at))


def length(window: str) -> timedelta:
    """From its opening to its reset."""
    return FIVE_HOURS if window == FIVE_HOUR else WEEK


def is_open(reading: Reading, now: datetime) -> bool:
    """Its window has not ended; one of unknown end has when the longest possible one would have."""
    return (reading.resets_at or reading.observed_at + length(reading.window)) > now


def number(reading: Reading) -> float | None:
    """A refused request means the window is full, whatever number came with it."""
    return 100.0 if reading.rejected else reading.used


def used(world: World, window: str, now: datetime, account: str = "default") -> float | None:
    """Percent of one window, None when unknown or too old to say."""
    found = _window(window, [r for r in world.readings if r.account == account], world.settings.capacity, now)
    return None if found.stale else found.used


def blind(world: World, now: datetime, account: str = "default") -> bool:
    """No reading of the 5-hour window that is young enough to prove anything."""
    return world.settings.capacity.gate and used(world, FIVE_HOUR, now, account) is None


def binds(window: str, model: str | None) -> bool:
    """Whether work by `model` spends from `window`; a model's week binds the models whose name holds its name."""
    if window in (FIVE_HOUR, SEVEN_DAY):
        return True
    family = window.removeprefix(SEVEN_DAY).strip("_")
    return bool(model) and family in str(model).lower()


def concerns(stop: Parked, model: str | None) -> bool:
    """Whether a refusal binds work by `model`; a model nobody named may be any, so every window binds it."""
    return not stop.window or not model or binds(stop.window, model)


def thresholds(settings: CapacitySettings) -> Mapping[str, float]:
    return {FIVE_HOUR: settings.five_hour_max, SEVEN_DAY: settings.seven_day_max}


def shut(world: World, model: str | None, now: datetime, account: str = "default") -> Reason | None:
    """The window that keeps work by `model` from starting: of several the one that opens last."""
    settings = world.settings.capacity
    if not settings.gate:
        return None
    maxima = thresholds(settings)
    full = [
        Reason(Why.CAPACITY, window.id, window.used, maxima.get(window.id, settings.seven_day_max), window.resets_at)
        for window in windows(world, now, account)
        if window.used is not None
        and binds(window.id, model)
        and window.used > maxima.get(window.id, settings.seven_day_max)
    ]
    if not full:
        return None
    unknown_end = [reason for reason in full if reason.until is None]
    return unknown_end[0] if unknown_end else max(full, key=lambda reason: reason.until or now)
