"""How an open run is doing, in a word or two: silent, slow, near a limit, tried before.  Pure: no clock, no disk.

Promises: what is not known is not said, and every word has its moment where there is one.  Decides nothing: what is
done about a silent run or a full window is said in `watching` and `landing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cctui.core import capacity, cost, launch
from cctui.core.scene import plan_waits
from cctui.core.words import moment, span, window_name
from cctui.core.world import Halting, Level, Part, Run, Stage, Why, World

SILENT = 300.0
"""Seconds without a word after which that is said; sooner where runs are interrupted sooner."""
SOON = 900.0
"""Seconds before a window is full, at the pace of now, from which on that is said."""
PROVEN = 120.0
"""Seconds at work after which a run's own pace has shown."""
TIME_LEFT = 0.1
"""Part of its time limit from which on that is said."""
ORDER = (Level.BAD, Level.WARN, Level.INFO, Level.GOOD)


@dataclass(frozen=True, slots=True)
class Health:
    words: tuple[str, ...]
    """What there is to say, the worst first; empty: nothing."""
    level: Level
    """Of the first of them."""
    until: datetime | None = None
    """When that changes by itself."""


@dataclass(frozen=True, slots=True)
class Course:
    """How far a run is, against what its kind usually takes.  Seconds at work, over all legs."""

    at_work: float
    p50: float
    p90: float
    count: int
    """Runs that this rests on."""


class _Sign(NamedTuple):
    level: Level
    word: str
    until: datetime | None = None


def health(run: Run, world: World, now: datetime) -> Health:
    """The signs that a person should know of, the worst first."""
    found = sorted(_signs(run, world, now), key=lambda sign: ORDER.index(sign.level))
    if not found:
        return Health((), Level.INFO)
    return Health(tuple(sign.word for sign in found), found[0].level, found[0].until)


def course(run: Run, world: World, now: datetime) -> Course | None:
    """None where its own kind has not been learned yet: a guess from other work is no measure."""
    task = world.tasks.get(run.spec.task)
    known = cost.estimate(world.costs, task) if task else None
    if known is None or known.guess or known.seconds is None:
        return None
    return Course(at_work(run, now), known.seconds.p50, known.seconds.p90, known.count)


def at_work(run: Run, now: datetime) -> float:
    """Seconds at work over all legs; the time it stood parked is not in it."""
    ended = run.ending or run.last
    before = ended.duration_s if ended else 0.0
    if run.stage is not Stage.RUNNING or run.ending is not None or run.leg_started is None:
        return before
    return before + max((now - run.leg_started).total_seconds(), 0.0)


def _signs(run: Run, world: World, now: datetime) -> Iterator[_Sign]:
    if run.stopping:
        yield _Sign(Level.WARN, "stopping", run.halt_at)
    match run.stage:
        case Stage.FILING if run.tries:
            again = f", again {moment(run.again_at, now)}" if run.again_at else ""
            yield _Sign(Level.BAD, f"not filed after {_times(run.tries)}{again}", run.again_at)
        case Stage.FILING:
            yield _Sign(Level.INFO, "finishing")
        case Stage.PARKED if run.parked and plan_waits(run):
            yield _Sign(Level.WARN, f"waits {span((now - run.parked.since).total_seconds())}")
        case Stage.PARKED if run.parked and run.parked.until:
            yield _Sign(Level.INFO, f"goes on {moment(run.parked.until, now)}", run.parked.until)
        case Stage.RUNNING if not run.stopping and run.ending is None:
            yield from _working(run, world, now)
    if run.unheard:
        yield _Sign(Level.INFO, "your words wait for its next step")
    if run.spec.attempt > 1:
        task = world.tasks.get(run.spec.task)
        most = f" of {task.max_attempts}" if task else ""
        yield _Sign(Level.INFO, f"try {run.spec.attempt}{most}")


def _working(run: Run, world: World, now: datetime) -> Iterator[_Sign]:
    signs = [sign for sign in (_silent(run, world, now), _window(run, world, now), _time(run, world, now)) if sign]
    yield from signs
    if run.times(Why.STALL):
        yield _Sign(Level.WARN, "has stalled before")
    found = course(run, world, now)
    if found and found.at_work > found.p90 and run.part is not Part.ATTENDED:
        yield _Sign(Level.WARN, "long for its kind")
    elif not signs and not run.asks and run.part is not Part.ATTENDED:
        yield _Sign(Level.GOOD, "well")


def _silent(run: Run, world: World, now: datetime) -> _Sign | None:
    """Nothing heard for long; what a person works in may be as silent as they are."""
    heard = run.heard or run.leg_started
    if run.part is Part.ATTENDED or run.asks or heard is None:
        return None
    silence, most = (now - heard).total_seconds(), world.settings.run.stall_minutes * 60
    if run.halting is Halting.STALL:
        return _Sign(Level.BAD, f"stalled: silent {span(silence)}", run.halt_at)
    if silence < min(SILENT, most / 4):
        return None
    ends = heard + timedelta(seconds=most) if not run.quiet else None
    return _Sign(Level.BAD if run.quiet else Level.WARN, f"quiet {span(silence)}", ends)


def _window(run: Run, world: World, now: datetime) -> _Sign | None:
    """A window that it spends from is nearly full: it is told to stop already, or will meet the limit soon."""
    if run.halting is Halting.LANDING:
        return _Sign(Level.WARN, "limit soon: it saves its work", run.halt_at)
    worst: _Sign | None = None
    for window in run.points:
        used = capacity.used(world, window, now, run.spec.account)
        pace = sum(_pace(other, window, now) for other in world.runs.values())
        left = (100.0 - used) / pace if used is not None and pace > 0 else None
        if left is None or left > SOON:
            continue
        full = now + timedelta(seconds=left)
        if worst is None or worst.until is None or full < worst.until:
            worst = _Sign(Level.WARN, f"limit soon: {window_name(window)} full in {span(left)}", full)
    return worst


def _pace(run: Run, window: str, now: datetime) -> float:
    """Points per second that a run at work spends; 0.0 before that has shown."""
    seconds = at_work(run, now)
    working = run.stage is Stage.RUNNING and run.ending is None and not run.asks
    return run.points.get(window, 0.0) / seconds if working and seconds >= PROVEN else 0.0


def _time(run: Run, world: World, now: datetime) -> _Sign | None:
    """Its own time limit is near."""
    limit = launch.seconds(world.settings, run, run.last)
    if limit is None or run.leg_started is None:
        return None
    left = limit - (now - run.leg_started).total_seconds()
    if left > limit * TIME_LEFT:
        return None
    return _Sign(Level.WARN, f"time is up in {span(left)}", now + timedelta(seconds=max(left, 0.0)))


def _times(number: int) -> str:
    return f"{number} {'try' if number == 1 else 'tries'}"
