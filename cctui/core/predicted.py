"""The predicted world: a World with its runs, gone on with as everything usually goes, until a horizon.  Pure.

It has no rule of scheduling: `step` decides what starts, lands and goes on, and what it decides is taken as done.
Here lives only what the outside does by itself.  A leg spends evenly and ends when it has spent all.  The 5-hour
window opens with the first that spends after the last one has ended, a week follows on a week.  At 100 % everything
that spends from a window is cut, and parks.  Readings are exact, and the person uses nothing more.  All ends well.

Time is seconds since the plan was made; what is due within an INSTANT belongs together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf

from cctui.core import admission, queue, spending
from cctui.core.claims import spends
from cctui.core.effects import Launch
from cctui.core.events import Event, Launched, Measured, Ticked
from cctui.core.likely import Draw, Likely
from cctui.core.outset import FULL, Gauge, Job, begun, gauges, job_of, new_job, readings
from cctui.core.rehearsal import Rehearsal
from cctui.core.retry import DONE_WORD
from cctui.core.step import alarm
from cctui.core.watching import as_claimed
from cctui.core.world import (
    FIVE_HOUR,
    Ending,
    Part,
    Phase,
    Result,
    Run,
    Stage,
    Stop,
    Why,
    World,
)

TINY = 1e-6
"""Points; and what is due within so many seconds is due now."""
SOON = 1e-3
"""Seconds until an alarm at the least: two steps of the same microsecond would be one instant."""
UNUSED = 0.5
"""Points that expire without a word."""
MOST = 4000
"""Instants that are looked at; a plan that needs more ends earlier."""


class Predicted:
    """A world that goes on by itself.  `jobs` and `closed` tell what came of it."""

    def __init__(self, world: World, now: datetime, draw: Draw, *, causes: bool = True) -> None:
        """`causes`: also find out why capacity expires unused."""
        self.begun, self.draw, self.causes = now, draw, causes
        self.t = 0.0
        self.gauges = {gauge.window: gauge for gauge in gauges(world, now)}
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
        self.rehearsal = Rehearsal(begun(world, now, self.gauges))

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
            job = job_of(self.world, run, self.now, self.draw)
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
        news = self._news()
        ended = [(run, ending) for run_id, ending in self.over if (run := self.world.runs.get(run_id))]
        self.over.clear()
        if ended:
            self.rehearsal.end(ended, self.now, *news)
        else:
            self.rehearsal.tell(news[0] if news else Ticked(), self.now)
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
                    self.gauges[window] = Gauge(window, gauge.ends, gauge.ends + admission.WEEK)
                elif any(FIVE_HOUR in job.rate for job in self.flights.values()):
                    self._open()

    def _open(self) -> None:
        self.gauges[FIVE_HOUR] = Gauge(FIVE_HOUR, self.t, self.t + admission.FIVE_HOURS)
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

    def _news(self) -> tuple[Event, ...]:
        """Say how full the windows are and what every run has spent, if that has changed."""
        shown = tuple(value for gauge in self.gauges.values() for value in (gauge.used, gauge.ends))
        if FIVE_HOUR not in self.gauges:
            shown = (*shown, self.t)  # that no window is open has to be seen anew each time
        if shown == self.shown:
            return ()
        self.shown = shown
        seen = readings(self.gauges, self.begun, self.now)
        spent = {
            run_id: dict(job.spent)
            for run_id, run in self.world.runs.items()
            if (job := self.jobs.get(run.spec.task)) and job.spent
        }
        return (Measured(seen, asked=True, spent=spent),)

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
            job = self.jobs[name] = new_job(name, self.draw.of(task) if task else Likely(1.0, {}))
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


# --- how legs end ----------------------------------------------------------------------------------------------------


def _well(now: datetime, worked_s: float, run: Run | None) -> Ending:
    """All is done, and every check passes."""
    talks = run is not None and spends(run)
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
