"""The outset of a plan: the World as it is, put so that it can be gone on with as everything usually goes.  Pure.

The windows stand at what was last seen of them, the open runs at what they have spent; what they still take is what
such runs usually do.  Silence means nothing here, no reading grows old, and nobody watches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf

from cctui.core import admission, attribution, capacity
from cctui.core.likely import Draw, Likely, rest
from cctui.core.watching import as_claimed
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Reading, Run, Share, Stage, World

SOURCE = "plan"
FULL = 100.0
NEVER = 60 * 24 * 365.0
"""Minutes."""


@dataclass(slots=True)
class Gauge:
    """One window from its opening to its end."""

    window: str
    opens: float
    ends: float
    used: float = 0.0
    ours: float = 0.0
    before: float = 0.0
    """What it held at the start."""
    cause: str = ""


@dataclass(slots=True)
class Job:
    """One task on its way."""

    task: str
    left_s: float = 0.0
    left: dict[str, float] = field(default_factory=dict)
    """Points of each window that its work still takes."""
    spent: dict[str, float] = field(default_factory=dict)
    worked_s: float = 0.0
    rate: dict[str, float] = field(default_factory=dict)
    """Points per second in the current leg."""
    leg_s: float = inf
    """Seconds until the current leg ends; infinite: not by itself."""
    started: float | None = None
    ended: float | None = None
    windows: list[float] = field(default_factory=list)
    parked: int = 0
    points: float = 0.0
    guess: str = ""


def gauges(world: World, now: datetime) -> Iterable[Gauge]:
    """The windows as last seen, those of which nobody knows anything as if they were fresh; none without a gate."""
    if not world.settings.capacity.gate:
        return
    for known in capacity.windows(world, now):
        share = attribution.standing(world, known.id, now)
        length = capacity.length(known.id).total_seconds()
        used = known.used or 0.0
        if known.resets_at is None and known.id == FIVE_HOUR and used <= 0:
            continue
        ends = (known.resets_at - now).total_seconds() if known.resets_at else length
        yield Gauge(known.id, ends - length, ends, used, min(share.ours, used), used)


def begun(world: World, now: datetime, gauges: Mapping[str, Gauge]) -> World:
    """The World as it is, with nothing in doubt: its windows are read from here, and no silence means anything."""
    settings = world.settings
    calm = replace(
        settings,
        run=replace(settings.run, stall_minutes=NEVER),
        capacity=replace(settings.capacity, blind_after_minutes=NEVER),
    )
    shares = {key: share for key, share in world.shares.items() if "/" in key}
    spent = {run.spec.run_id: run.points for run in world.runs.values()}
    for window, gauge in gauges.items():
        person = min(attribution.standing(world, window, now).person, gauge.used - gauge.ours)
        shares[window] = Share(
            resets_at=now + timedelta(seconds=gauge.ends),
            held=gauge.used - gauge.ours - person,
            ours=gauge.ours,
            person=person,
            used=gauge.used,
            at=now,
            since=now,
            counted={run_id: points.get(window, 0.0) for run_id, points in spent.items()},
        )
    # A run that was being filed is filed again: what comes of that is the same.
    runs = {
        run_id: replace(run, stage=Stage.RUNNING, again_at=None) if run.stage is Stage.FILING and run.ending else run
        for run_id, run in world.runs.items()
    }
    return replace(
        world,
        settings=calm,
        readings=readings(gauges, now, now),
        shares=shares,
        runs=runs,
        measured=True,
        draining=False,
        plugins=world.plugins or (),
        at=now,
        notes=(),
        watches=None,
    )


def readings(gauges: Mapping[str, Gauge], begun: datetime, now: datetime) -> tuple[Reading, ...]:
    found = [
        Reading(gauge.window, min(gauge.used, FULL), begun + timedelta(seconds=gauge.ends), SOURCE, now)
        for gauge in gauges.values()
    ]
    if FIVE_HOUR not in gauges and SEVEN_DAY in gauges:
        found.append(Reading(FIVE_HOUR, 0.0, None, SOURCE, now))
    return tuple(found)


def new_job(task: str, likely: Likely) -> Job:
    points = likely.points.get(FIVE_HOUR, 0.0)
    return Job(
        task, likely.seconds, dict(likely.points), dict.fromkeys(likely.points, 0.0), points=points, guess=likely.guess
    )


def job_of(world: World, run: Run, now: datetime, draw: Draw) -> Job:
    """An open run with what it has spent so far and what it still takes: by its own rate once that has shown."""
    task = replace(as_claimed(world, run), kind=run.spec.kind)
    likely = draw.of(task)
    before = run.last or (run.ending if run.stage is Stage.PARKED else None)
    worked = before.duration_s if before else 0.0
    if run.stage is Stage.RUNNING and run.leg_started and run.ending is None:
        worked += max((now - run.leg_started).total_seconds(), 0.0)
    left_s = rest(draw, task, likely, worked)
    left: dict[str, float] = {}
    for window, points in likely.points.items():
        spent = run.points.get(window, 0.0)
        proven = spent > 0 and worked >= admission.PROVEN_RATE
        left[window] = left_s * (spent / worked if proven else points / likely.seconds)
    spent_so_far = {window: run.points.get(window, 0.0) for window in likely.points}
    whole = spent_so_far.get(FIVE_HOUR, 0.0) + left.get(FIVE_HOUR, 0.0)
    return Job(run.spec.task, left_s, left, spent_so_far, worked, points=whole, guess=likely.guess)
