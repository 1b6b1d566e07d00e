"""The predicted world: a World with its runs, gone on with as everything usually goes, until a horizon.  Pure.

It has no rule of scheduling: `step` decides what starts, lands and goes on, and what it decides is taken as done.
Here lives only what the outside does by itself.  A leg spends evenly and ends when it has spent all.  The 5-hour
window opens with the first that spends after the last one has ended, a week follows on a week.  At 100 % everything
that spends from a window is cut, and parks.  Readings are exact, and the person uses nothing more.  All ends well.

Time is seconds since the plan was made; what is due within an INSTANT belongs together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf

from cctui.core import admission, attribution, capacity, queue, spending
from cctui.core.events import Event, Launch, Launched, Measured, Ticked
from cctui.core.likely import Draw, Likely, rest
from cctui.core.rehearsal import Rehearsal
from cctui.core.retry import DONE_WORD
from cctui.core.runners import needs_claude
from cctui.core.step import alarm
from cctui.core.watching import as_claimed
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Ending,
    Part,
    Phase,
    Reading,
    Result,
    Run,
    Share,
    Stage,
    Stop,
    Why,
    World,
)

SOURCE = "plan"
FULL = 100.0
TINY = 1e-6
"""Points; and what is due within so many seconds is due now."""
SOON = 1e-3
"""Seconds until an alarm at the least: two steps of the same microsecond would be one instant."""
FIVE_HOURS, WEEK = 5 * 3600.0, 7 * 86400.0
NEVER = 60 * 24 * 365.0
"""Minutes."""
UNUSED = 0.5
"""Points that expire without a word."""
MOST = 4000
"""Instants that are looked at; a plan that needs more ends earlier."""


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


class Predicted:
    """A world that goes on by itself.  `jobs` and `closed` tell what came of it."""

    def __init__(self, world: World, now: datetime, draw: Draw, *, causes: bool = True) -> None:
        """`causes`: also find out why capacity expires unused."""
        self.begun, self.draw, self.causes = now, draw, causes
        self.t = 0.0
        self.gauges = {gauge.window: gauge for gauge in _gauges(world, now)}
        self.counts = world.settings.capacity.gate
        self.closed: list[Gauge] = []
        self.jobs: dict[str, Job] = {}
        """By task."""
        self.flights: dict[str, Job] = {}
        """Legs at work, by run id."""
        self.open: dict[str, Job] = {}
        """Runs that are not in the record yet, by run id."""
        self.over: list[tuple[str, Ending]] = []
        self.shown: tuple[float, ...] = ()
        self.rehearsal = Rehearsal(_begin(world, now, self.gauges))

    @property
    def world(self) -> World:
        return self.rehearsal.world

    @property
    def now(self) -> datetime:
        return self.begun + timedelta(seconds=self.t)

    def go(self, seconds: float) -> float:
        """Go on until the horizon, or until nothing more can happen; how far it came in seconds."""
        self._board()
        for _ in range(MOST):
            self._settle()
            at = self._next()
            if at > seconds:
                break
            self._leap(at)
        else:
            return self.t
        if any(job.leg_s < inf for job in self.flights.values()):
            self._leap(seconds)
        return seconds

    # --- where it begins ---------------------------------------------------------------------------------------------

    def _board(self) -> None:
        """The open runs as they are: with what they have spent, and what such runs usually still take."""
        for run_id, run in self.world.runs.items():
            job = _resumed(self.world, run, self.now, self.draw)
            self.jobs[run.spec.task] = self.open[run_id] = job
            job.started = (run.spec.started - self.begun).total_seconds()
            if run.stage is Stage.PARKED or run.asks:
                continue
            if run.stage is Stage.FILING and run.ending:
                self.over.append((run_id, run.ending))
                continue
            if run.stopping or run.halting:
                self.over.append((run_id, self._cancelled(job)))
                continue
            if run.stage is not Stage.CLAIMED:
                self._fly(run_id, job, run.part)
        for run_id, run in list(self.world.runs.items()):
            if run.stage is Stage.LAUNCHING:
                self.rehearsal.tell(Launched(run_id, run.leg), self.now)

    # --- one instant -------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """All that is due now, and what is decided about it."""
        self._finish()
        self._reset()
        self._cut()
        told = self._measure()
        ended = [(run, ending) for run_id, ending in self.over if (run := self.world.runs.get(run_id))]
        self.over.clear()
        if ended:
            self.rehearsal.end(ended, self.now)
        elif not told:
            self._tell(Ticked())
        for _ in range(MOST):
            self._obey()
            if not self.over:
                break
            ended = [(run, ending) for run_id, ending in self.over if (run := self.world.runs.get(run_id))]
            self.over.clear()
            self.rehearsal.end(ended, self.now)
        self._filed()

    def _filed(self) -> None:
        """Runs that are in the record now."""
        runs = self.world.runs
        for run_id in [run_id for run_id in self.open if run_id not in runs]:
            job = self.open.pop(run_id)
            task = self.world.tasks.get(job.task)
            if task is None or task.phase is Phase.COMPLETED:
                job.ended = self.t

    def _tell(self, event: Event) -> None:
        self.rehearsal.tell(event, self.now)

    def _finish(self) -> None:
        """Legs that have done all their work."""
        for run_id, job in list(self.flights.items()):
            if job.leg_s <= TINY:
                for window, points in job.left.items() if job.rate else ():
                    self._spend(job, window, points)
                    job.left[window] = 0.0
                self._land(run_id, _well(self.now, job.worked_s, self.world.runs.get(run_id)))

    def _reset(self) -> None:
        for window, gauge in list(self.gauges.items()):
            if gauge.ends <= self.t + TINY:
                if self.causes and FULL - gauge.used > UNUSED:
                    gauge.cause = _cause(self.world, self.now)
                del self.gauges[window]
                self.closed.append(gauge)
                if window != FIVE_HOUR:
                    self.gauges[window] = Gauge(window, gauge.ends, gauge.ends + WEEK)
                elif any(FIVE_HOUR in job.rate for job in self.flights.values()):
                    self._open()

    def _open(self) -> None:
        self.gauges[FIVE_HOUR] = Gauge(FIVE_HOUR, self.t, self.t + FIVE_HOURS)
        for job in self.flights.values():
            if FIVE_HOUR in job.rate:
                job.windows.append(self.t)

    def _cut(self) -> None:
        """A full window ends whatever spends from it."""
        for window, gauge in self.gauges.items():
            mine = [run_id for run_id, job in self.flights.items() if window in job.rate]
            if not mine or gauge.used < FULL - TINY:
                continue
            gauge.used = FULL
            for run_id in mine:
                resets = self.begun + timedelta(seconds=gauge.ends)
                job = self.flights[run_id]
                job.parked += 1
                self._land(run_id, _limited(self.now, job.worked_s, window, resets))

    def _measure(self) -> bool:
        """Say how full the windows are and what every run has spent, if that has changed."""
        shown = (*(value for gauge in self.gauges.values() for value in (gauge.used, gauge.ends)), len(self.gauges))
        if shown == self.shown:
            return False
        self.shown = shown
        readings = _readings(self.gauges, self.begun, self.now)
        spent = {
            run_id: dict(job.spent)
            for run_id, run in self.world.runs.items()
            if (job := self.jobs.get(run.spec.task)) and job.spent
        }
        self._tell(Measured(readings, asked=True, spent=spent))
        return True

    # --- what is decided ---------------------------------------------------------------------------------------------

    def _obey(self) -> None:
        """What was decided begins, and what is to stop stops."""
        going = self.rehearsal
        for launch in going.started:
            self._launched(launch)
        going.started.clear()
        for run_id in going.landed:
            if run_id in self.flights:
                job = self.flights[run_id]
                job.parked += 1
                self._land(run_id, self._cancelled(job))
        going.landed.clear()
        for run_id in going.halted:
            if run_id in self.flights:
                self._land(run_id, self._cancelled(self.flights[run_id]))
        going.halted.clear()
        for run_id, job in list(self.flights.items()):
            if job.leg_s <= 0:
                self._land(run_id, _well(self.now, job.worked_s, self.world.runs.get(run_id)))

    def _launched(self, launch: Launch) -> None:
        name, task = launch.spec.task, launch.task or self.world.tasks.get(launch.spec.task)
        job = self.jobs.get(name)
        if job is None or job.ended is not None:
            job = self.jobs[name] = _new(name, self.draw.of(task) if task else Likely(1.0, {}))
        if job.started is None:
            job.started = self.t
        if launch.resume and launch.kind.part is Part.WORK:
            job.left = {window: points * admission.RESUMING for window, points in job.left.items()}
            job.left_s *= admission.RESUMING
        self._fly(launch.spec.run_id, job, launch.kind.part)

    def _fly(self, run_id: str, job: Job, part: Part) -> None:
        """A leg is at work from now on.  A set-up and a check are part of the time that their kind usually takes."""
        if part in (Part.SETUP, Part.CHECK):
            job.leg_s, job.rate = 0.0, {}
        else:
            job.leg_s = max(job.left_s, SOON)
            job.rate = {} if part is Part.ATTENDED else {w: left / job.leg_s for w, left in job.left.items()}
        self.flights[run_id] = self.open[run_id] = job
        if FIVE_HOUR not in job.rate:
            return
        if FIVE_HOUR in self.gauges:
            opens = self.gauges[FIVE_HOUR].opens
            if opens not in job.windows[-1:]:
                job.windows.append(opens)
        elif self.counts:
            self._open()

    def _land(self, run_id: str, ending: Ending) -> None:
        """Its leg ends now."""
        job = self.flights.pop(run_id)
        job.leg_s, job.rate = inf, {}
        self.over.append((run_id, ending))

    def _cancelled(self, job: Job) -> Ending:
        return Ending(Stop.CANCELLED, self.now, job.worked_s, rc=-15, result=Result())

    # --- time --------------------------------------------------------------------------------------------------------

    def _next(self) -> float:
        """The earliest of everything that is due."""
        moments = [self.t + job.leg_s for job in self.flights.values()]
        busy = bool(moments) or bool(self.world.line.order) or bool(self.world.runs)
        for window, gauge in self.gauges.items():
            if busy:
                moments.append(gauge.ends)
            rate = sum(job.rate.get(window, 0.0) for job in self.flights.values())
            if rate > 0:
                moments.append(self.t + max(FULL - gauge.used, 0.0) / rate)
        wakes = alarm(self.world, self.now)
        if wakes is not None:
            moments.append(max((wakes - self.begun).total_seconds(), self.t + SOON))
        return min(moments, default=inf)

    def _leap(self, at: float) -> None:
        took = max(at - self.t, 0.0)
        for job in self.flights.values():
            job.leg_s -= took
            job.left_s -= took
            job.worked_s += took
            for window, rate in job.rate.items():
                job.left[window] -= rate * took
                self._spend(job, window, rate * took)
        self.t = at

    def _spend(self, job: Job, window: str, points: float) -> None:
        job.spent[window] = job.spent.get(window, 0.0) + points
        gauge = self.gauges.get(window)
        if gauge is not None:
            gauge.used += points
            gauge.ours += points


# --- the beginning ---------------------------------------------------------------------------------------------------


def _gauges(world: World, now: datetime) -> Iterable[Gauge]:
    """The windows as last seen, those of which nobody knows anything as if they were fresh; none without a gate."""
    if not world.settings.capacity.gate:
        return
    for known in capacity.windows(world, now):
        share = attribution.standing(world, known.id, now)
        length = FIVE_HOURS if known.id == FIVE_HOUR else WEEK
        used = known.used or 0.0
        if known.resets_at is None and known.id == FIVE_HOUR and used <= 0:
            continue
        ends = (known.resets_at - now).total_seconds() if known.resets_at else length
        yield Gauge(known.id, ends - length, ends, used, min(share.ours, used), used)


def _begin(world: World, now: datetime, gauges: dict[str, Gauge]) -> World:
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
        readings=_readings(gauges, now, now),
        shares=shares,
        runs=runs,
        measured=True,
        draining=False,
        plugins=world.plugins or (),
        at=now,
        notes=(),
    )


def _readings(gauges: dict[str, Gauge], begun: datetime, now: datetime) -> tuple[Reading, ...]:
    found = [
        Reading(gauge.window, min(gauge.used, FULL), begun + timedelta(seconds=gauge.ends), SOURCE, now)
        for gauge in gauges.values()
    ]
    if FIVE_HOUR not in gauges and SEVEN_DAY in gauges:
        found.append(Reading(FIVE_HOUR, 0.0, None, SOURCE, now))
    return tuple(found)


def _new(task: str, likely: Likely) -> Job:
    points = likely.points.get(FIVE_HOUR, 0.0)
    return Job(
        task, likely.seconds, dict(likely.points), dict.fromkeys(likely.points, 0.0), points=points, guess=likely.guess
    )


def _resumed(world: World, run: Run, now: datetime, draw: Draw) -> Job:
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


# --- how legs end ----------------------------------------------------------------------------------------------------


def _well(now: datetime, worked_s: float, run: Run | None) -> Ending:
    """All is done, and every check passes."""
    talks = run is not None and needs_claude(run.spec.runner) and run.part not in (Part.CHECK, Part.SETUP)
    result = Result("success", text=f"done\n{DONE_WORD}", answers=1, changed=1) if talks else None
    return Ending(Stop.EXIT, now, worked_s, rc=0, result=result)


def _limited(now: datetime, worked_s: float, window: str, resets_at: datetime) -> Ending:
    result = Result(
        "success",
        is_error=True,
        terminal_reason="api_error",
        api_error_status=429,
        api_error="usage_limit_reached",
        limit_window=window,
        limit_resets_at=max(resets_at, now + timedelta(seconds=SOON)),
    )
    return Ending(Stop.EXIT, now, worked_s, rc=1, result=result)


# --- what expires ----------------------------------------------------------------------------------------------------

CAUSES = {
    Why.FIT: "nothing fits",
    Why.RESERVE: "kept for you",
    Why.PERSON: "kept for you",
    Why.RESERVED: "held for a larger one",
    Why.SHARE: "a portion is used up",
    Why.PACE: "the week's pace",
    Why.QUIET: "quiet hours",
    Why.CAPACITY: "a maximum",
    Why.PAUSED: "you paused it",
    Why.HOLD: "hold",
    Why.NEEDS_YOU: "needs you",
    Why.NOT_BEFORE: "not before its time",
    Why.DEPENDS: "waits for another",
    Why.FOLDER: "the same folder",
}
WEEK_FULL, SLOTS_TAKEN = "the week is full", "all slots are taken"
FIRST = 8
"""Tasks of the line that are asked why they wait."""


def _cause(world: World, now: datetime) -> str:
    """Why what is left of a window that ends now is not used."""
    scene = queue.scene(world, now - timedelta(seconds=1))
    if scene.live >= world.settings.run.slots:
        return SLOTS_TAKEN
    waiting = [world.tasks[name] for name in world.line.order[:FIRST] if name in world.tasks]
    waiting += [as_claimed(world, run) for run in world.runs.values() if run.stage is Stage.PARKED]
    reasons = [reason for task in waiting if (reason := next(queue.held(scene, task), None))]
    # What the windows themselves hold back says more than what waits for its own sake.
    reasons.sort(key=lambda reason: reason.why not in spending.GATES)
    if not reasons:
        return ""
    if reasons[0].why is Why.FIT and reasons[0].what != FIVE_HOUR:
        return WEEK_FULL
    return CAUSES.get(reasons[0].why, reasons[0].why.value.replace("_", " "))
