"""What the windows held that was not ours: the person's use, and how a window stood, from readings of it.  Pure.

A window's growth less what runs of ours spent in that time is the person's.  Runs are taken to spend evenly from start
to end, and readings lag: so what is left over for the person at one reading is believed only as far as every later
reading of the same window still leaves it, and is counted in whole points, at the moment of the reading that shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from cctui.core import capacity
from cctui.core.world import FIVE_HOUR, ClosedWindow, Confidence, Reading

SAME_END = timedelta(minutes=10)
"""How far two readings may differ about when one and the same window ends."""
WHOLE = 1.0
"""Points from which on a rest is use: readings may be whole percents."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run of ours took of one window, evenly from `begin` to `end`."""

    begin: datetime
    end: datetime
    points: float

    def within(self, begin: datetime, end: datetime) -> float:
        length = (self.end - self.begin).total_seconds()
        overlap = (min(self.end, end) - max(self.begin, begin)).total_seconds()
        if overlap < 0:
            return 0.0
        return self.points * (overlap / length if length > 0 else 1.0)


@dataclass(frozen=True, slots=True)
class Stand:
    """One window as readings showed it: when it ends, and (moment, percent) in order."""

    resets_at: datetime
    seen: tuple[tuple[datetime, float], ...]

    def opened(self, window: str) -> datetime:
        return self.resets_at - capacity.length(window)


@dataclass(frozen=True, slots=True)
class Use:
    """Points of the 5-hour window that were not ours."""

    at: datetime
    points: float


def stands(readings: Iterable[Reading], window: str) -> list[Stand]:
    """The windows that readings have shown, oldest first; estimates and other accounts are left out."""
    known = [
        (reading.resets_at, reading.observed_at, reading.used)
        for reading in readings
        if reading.window == window
        and reading.account == "default"
        and reading.used is not None
        and reading.resets_at is not None
        and reading.confidence in (Confidence.EXACT, Confidence.CALIBRATED)
        and reading.observed_at < reading.resets_at
    ]
    found: list[Stand] = []
    seen: list[tuple[datetime, float]] = []
    ends: datetime | None = None
    for resets_at, at, used in sorted(known):
        if ends is not None and resets_at - ends > SAME_END:
            found.append(_stand(ends, seen))
            seen = []
        ends = resets_at
        seen.append((at, min(max(used, 0.0), 100.0)))
    return [*found, _stand(ends, seen)] if ends else found


def _stand(ends: datetime, seen: list[tuple[datetime, float]]) -> Stand:
    """With what never falls: of two sources the one that lags is left behind."""
    ordered = sorted(seen)
    highest = accumulate((used for _, used in ordered), max)
    return Stand(ends, tuple(zip((at for at, _ in ordered), highest, strict=True)))


def at_start(found: Sequence[Stand], window: str, start: datetime, ours: Sequence[Spent]) -> tuple[Stand, float] | None:
    """The window that was open at `start`, and what it held then; None: none was, or nobody saw it."""
    for stand in found:
        if stand.opened(window) <= start < stand.resets_at:
            before = [used for at, used in stand.seen if at <= start]
            if before:
                return stand, before[-1]
            first, used = stand.seen[0]
            return stand, max(used - _spent(ours, start, first), 0.0)
    return None


def uses(
    found: Sequence[Stand], closed: Iterable[ClosedWindow], ours: Sequence[Spent], start: datetime, end: datetime
) -> list[Use]:
    """The person's use from `start` to `end`, in order; of a window without readings what is known of it as a whole."""
    theirs = [use for stand in found for use in _theirs(stand, ours, start, end)]
    for window in closed:
        covered = any(abs(stand.resets_at - window.ended) <= SAME_END for stand in found)
        middle = window.opened + (window.ended - window.opened) / 2
        if window.open and window.window == FIVE_HOUR and not covered and window.person > 0 and start <= middle < end:
            theirs.append(Use(middle, window.person))
    return sorted(theirs, key=lambda use: use.at)


def _theirs(stand: Stand, ours: Sequence[Spent], start: datetime, end: datetime) -> Iterator[Use]:
    begin = max(stand.opened(FIVE_HOUR), start)
    held = at_start([stand], FIVE_HOUR, start, ours)
    base = held[1] if held else 0.0
    near = [spent for spent in ours if spent.end >= begin and spent.begin <= stand.resets_at]
    seen = [(at, used - base - _spent(near, begin, at)) for at, used in stand.seen if begin <= at < end]
    lowest = list(accumulate((rest for _, rest in reversed(seen)), min))[::-1]
    counted = 0.0
    for (at, _), rest in zip(seen, lowest, strict=True):
        if rest - counted >= WHOLE:
            yield Use(at, rest - counted)
            counted = rest


def _spent(ours: Iterable[Spent], begin: datetime, end: datetime) -> float:
    return sum(spent.within(begin, end) for spent in ours)
