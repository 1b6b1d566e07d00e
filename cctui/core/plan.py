"""The plan: the same `step` run forward on what is likely to happen.  Pure.

When each task starts and ends, which windows it spends from, what stays undone and why, and how full every window ends.
It decides nothing: `core.predicted` lets the outside go on as it usually does, and `step` chooses as it will.  So when
nothing surprises the engine, the plan is what it does.  Bands come from samples: the same, with every cost and length
drawn from what such work took before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from cctui.core import capacity, likely, queue, reserve
from cctui.core.events import Asked
from cctui.core.forecast import Band, Plan, Planned, PlannedWindow, Slip, slips, summary
from cctui.core.likely import Draw
from cctui.core.order import LIVE
from cctui.core.outset import FULL, Gauge, Job
from cctui.core.predicted import UNUSED, Predicted
from cctui.core.refusal import refusal
from cctui.core.rehearsal import Rehearsal
from cctui.core.watching import as_claimed
from cctui.core.words import span, window_name
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Command,
    Phase,
    Reason,
    Run,
    Stage,
    Task,
    Why,
    World,
)

__all__ = [
    "Band",
    "Plan",
    "Planned",
    "PlannedWindow",
    "Slip",
    "plan",
    "sampled",
    "slips",
    "summary",
    "what_if",
]

HORIZON = timedelta(days=7)
SAMPLES = 100
INFINITE = float("inf")
NOTHING_WAITS = "nothing waits"


# --- the middle ------------------------------------------------------------------------------------------------------


def plan(world: World, now: datetime, *, horizon: timedelta = HORIZON, draw: Draw | None = None) -> Plan:
    """What happens if every task takes what half of its kind stay under (or what `draw` says)."""
    going = Predicted(world, now, draw or likely.middle(world))
    seconds = going.go(horizon.total_seconds())
    until = now + timedelta(seconds=seconds)
    tasks = tuple(sorted(_planned(world, going, now, until), key=_by_start))
    return Plan(
        made_at=now,
        horizon=until,
        tasks=tasks,
        windows=_windows(going, seconds),
        guesses=sum(bool(planned.guess) for planned in tasks),
        doubt=_doubt(world, now),
    )


def _by_start(planned: Planned) -> tuple[bool, float]:
    """By start; those that do not start last, as they stand in the line."""
    return (planned.start is None, planned.start.timestamp() if planned.start else 0.0)


def _planned(before: World, going: Predicted, now: datetime, until: datetime) -> Iterator[Planned]:
    """Every task that is to be done, and every firing that comes up."""
    world = going.world
    ends = [name for name, task in before.tasks.items() if task.phase in LIVE and name not in world.line.order]
    runs = [run.spec.task for run in before.runs.values()]
    comes = [name for name, task in world.tasks.items() if name not in before.tasks and task.fired is not None]
    scene = queue.scene(world, until)
    for name in dict.fromkeys((*runs, *ends, *comes, *world.line.order)):
        task = world.tasks.get(name) or before.tasks.get(name)
        job = going.jobs.get(name) or Job(name)
        run = scene.by_task.get(name)
        end = _moment(now, job.ended)
        deadline = task.deadline if task else None
        yield Planned(
            task=name,
            start=_moment(now, job.started),
            end=end,
            windows=tuple(now + timedelta(seconds=opens) for opens in job.windows),
            deadline=deadline,
            late=_late(deadline, end, until),
            why=_why(going, scene, task, run) if end is None else None,
            resumed=job.parked,
            points=round(job.points, 3),
            fired=name not in before.tasks and task is not None and task.fired is not None,
            guess=job.guess,
        )


def _moment(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)


def _late(deadline: datetime | None, end: datetime | None, until: datetime) -> float | None:
    if deadline is None:
        return None
    over = ((end or until) - deadline).total_seconds()
    return over if end is not None or over > 0 else None


def _why(going: Predicted, scene: queue.Scene, task: Task | None, run: Run | None) -> Reason | None:
    """What holds it back at the horizon; None: it is still at work."""
    if run is not None and run.asks:
        return Reason(Why.NEEDS_YOU, run.asks)
    if run is not None and run.stage is not Stage.PARKED:
        return None
    waits = as_claimed(going.world, run) if run else task
    if waits is None or (run is None and waits.phase is not Phase.PENDING):
        return Reason(Why.STATE, "is over") if run is None else None
    return next(queue.held(scene, waits), Reason(Why.ORDER))


def _windows(going: Predicted, seconds: float) -> tuple[PlannedWindow, ...]:
    gauges = sorted((*going.closed, *going.gauges.values()), key=lambda gauge: (gauge.opens, gauge.window))
    return tuple(_window(going, gauge, seconds) for gauge in gauges if gauge.opens <= seconds)


def _window(going: Predicted, gauge: Gauge, seconds: float) -> PlannedWindow:
    world, ends = going.world, going.begun + timedelta(seconds=gauge.ends)
    kept = reserve.in_force(world.settings.capacity.reserve, world.zone, ends - timedelta(seconds=1))
    used = min(gauge.used, FULL)
    over = gauge.ends <= seconds
    return PlannedWindow(
        window=gauge.window,
        opens=going.begun + timedelta(seconds=gauge.opens),
        ends=ends,
        used=round(used, 3),
        ours=round(gauge.ours, 3),
        person=round(max(used - gauge.ours, 0.0), 3),
        before=round(gauge.before, 3),
        reserve=kept[FIVE_HOUR if gauge.window == FIVE_HOUR else SEVEN_DAY],
        unused=round(FULL - used, 3) if over else 0.0,
        cause=(gauge.cause or NOTHING_WAITS) if over and FULL - used > UNUSED else "",
    )


def _doubt(world: World, now: datetime) -> str:
    """What the plan takes for granted of its beginning."""
    if not world.settings.capacity.gate:
        return ""
    for window in capacity.windows(world, now):
        if window.id in (FIVE_HOUR, SEVEN_DAY):
            old = window.observed_at
            if old is None:
                return f"{window_name(window.id)}: never read, taken for unused"
            if window.stale:
                return f"{window_name(window.id)}: last read {span((now - old).total_seconds())} ago"
    return ""


# --- what if ---------------------------------------------------------------------------------------------------------


def what_if(
    world: World, command: Command, now: datetime, *, horizon: timedelta = HORIZON, files: Sequence[Task] = ()
) -> Plan | Reason:
    """The plan if the command were carried out; a Reason: it would be refused.

    `files`: the tasks that the files it writes or changes would hold, since no file is read here."""
    changed = imagined(world, command, now, files)
    return changed if isinstance(changed, Reason) else plan(changed, now, horizon=horizon)


def imagined(world: World, command: Command, now: datetime, files: Sequence[Task] = ()) -> World | Reason:
    """The World after the command, its effects taken as done; a Reason: it would be refused."""
    reason = refusal(world, command, now)
    if reason is not None:
        return reason
    # Whatever it lets start is left to the plan: nothing is decided here.
    still = Rehearsal(replace(world, draining=True))
    still.files = {task.name: task for task in files}
    still.tell(Asked(command), now)
    return replace(still.world, draining=world.draining)


# --- the bands -------------------------------------------------------------------------------------------------------


def bare(world: World) -> World:
    """What a plan needs of the World, and nothing else: it may have to travel."""
    return replace(world, notes=(), sources={}, watches=None, windows=())


class Outcome(NamedTuple):
    """How one sample went: task → seconds from now to its start and to its end; None: not within the horizon."""

    starts: Mapping[str, float | None]
    ends: Mapping[str, float | None]


def outcomes(
    world: World, now: datetime, numbers: Iterable[int], *, seed: int = 0, horizon: timedelta = HORIZON
) -> list[Outcome]:
    """The samples of these numbers; each stands alone, so that they can be worked out side by side."""
    return [outcome(world, now, likely.drawn(world, seed, number), horizon) for number in numbers]


def outcome(world: World, now: datetime, draw: Draw, horizon: timedelta) -> Outcome:
    going = Predicted(world, now, draw, causes=False)
    going.go(horizon.total_seconds())
    starts = {name: job.started for name, job in going.jobs.items()}
    return Outcome(starts, {name: job.ended for name, job in going.jobs.items()})


def sampled(
    world: World, now: datetime, *, samples: int = SAMPLES, seed: int = 0, horizon: timedelta = HORIZON
) -> Plan:
    """The middle plan with bands around every start and end."""
    middle = plan(world, now, horizon=horizon)
    return banded(middle, outcomes(world, now, range(samples), seed=seed, horizon=middle.horizon - now))


def banded(middle: Plan, some: Sequence[Outcome]) -> Plan:
    """The plan with the bands of its samples."""
    if not some:
        return middle
    tasks = tuple(_banded(middle, planned, some) for planned in middle.tasks)
    return replace(middle, tasks=tasks, samples=len(some))


def _banded(middle: Plan, planned: Planned, some: Sequence[Outcome]) -> Planned:
    starts = [outcome.starts.get(planned.task) for outcome in some]
    ends = [outcome.ends.get(planned.task) for outcome in some]
    limit = INFINITE if planned.deadline is None else (planned.deadline - middle.made_at).total_seconds()
    met = sum(end is not None and end <= limit for end in ends)
    return replace(
        planned,
        starts=_band(middle.made_at, starts),
        ends=_band(middle.made_at, ends),
        chance=round(met / len(some), 3),
    )


def _band(now: datetime, seconds: Sequence[float | None]) -> Band | None:
    """None: in over half of the samples it does not come to it."""
    known = sorted(INFINITE if value is None else value for value in seconds)
    p50, p90 = (known[ceil(len(known) * part) - 1] for part in (0.5, 0.9))
    if p50 == INFINITE:
        return None
    return Band(now + timedelta(seconds=p50), None if p90 == INFINITE else now + timedelta(seconds=p90))
