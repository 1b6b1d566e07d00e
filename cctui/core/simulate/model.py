"""The modelled world: `run` drives a policy through a scenario by the rules of `ccq simulate` and returns the trace.

Event-driven: time leaps from one instant at which something happens to the next; between them every run spends evenly.
Order in an instant: spending up to it, ends of runs, resets, cuts at 100, the person's uses, arrivals, the policy.
What is due within INSTANT (a microsecond) after an instant belongs to it; a window within TINY points of 100 stands at
100.  So rounding of floats never parts what is simultaneous.  The end of the scenario is its last instant: runs end,
windows reset and are cut in it, but a use by the person in it is ignored, and the policy is not asked in it.
Pure: the same scenario and policy give the same trace.  It never looks at what a policy is for.
"""

from __future__ import annotations

from cctui.core.simulate.scenario import (
    FIVE_HOURS,
    FULL,
    INSTANT,
    WEEK,
    PersonUse,
    Scenario,
    TaskSpec,
    past_minute,
)
from cctui.core.simulate.sight import (
    Choice,
    Finished,
    Gauge,
    InFlight,
    Parked,
    Policy,
    PolicyError,
    Sight,
    Visible,
    Waiting,
    Why,
)
from cctui.core.simulate.trace import Job, Piece, Segment, Trace, Window

RESUME_POINTS = 0.5
"""Five-hour points that resuming adds; the same share of the weekly ones."""
RESUME_SECONDS = 60.0


def run(scenario: Scenario, policy: Policy) -> Trace:
    """Everything that happens from the start to the end.  PolicyError for a choice against the rules."""
    world = _World(scenario)
    while True:
        world.happen()
        if world.now >= scenario.length:
            return world.close()
        if world.stirred:
            world.obey(policy.decide(world.sight()))
        world.leap()


class _World:
    """The state at `now`.  Dictionaries keep an order that matters: flights by start, parked by parking."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.now = 0.0
        self.jobs = {spec.name: _job(spec) for spec in scenario.tasks}
        self.wanted_by: dict[str, list[Job]] = {}
        for job in self.jobs.values():
            for name in job.unmet:
                self.wanted_by.setdefault(name, []).append(job)
        self.trace = Trace(list(self.jobs.values()))
        self.week = Window(scenario.seven_day.resets_at - WEEK, scenario.seven_day.resets_at, scenario.seven_day.used)
        self.trace.weeks.append(self.week)
        self.five: Window | None = None
        if scenario.five_hour:
            opened = scenario.five_hour.resets_at - FIVE_HOURS
            self.five = Window(opened, scenario.five_hour.resets_at, scenario.five_hour.used)
            self.trace.windows.append(self.five)
        arrivals = sorted(self.jobs.values(), key=lambda job: (job.spec.arrives, job.spec.place))
        self.arrivals = arrivals[::-1]
        uses = [use for use in scenario.person if 0 <= use.at < scenario.length]
        self.uses = sorted(uses, key=lambda use: use.at)[::-1]
        self.waiting: dict[str, Waiting] = {}
        self.flights: dict[str, Job] = {}
        self.parked: dict[str, Parked] = {}
        self.finished: list[Finished] = []
        self.person_used = False
        self.alarm: float | None = None
        self.ready = 0
        self.stirred = True

    # --- one instant -------------------------------------------------------------------------------------------------

    def happen(self) -> None:
        """All that is due now, but for the policy."""
        due = self.now + INSTANT
        for job in [job for job in self.flights.values() if job.ends <= due]:
            self._finish(job)
        self._reset(due)
        self._cut()
        while self.uses and self.uses[-1].at <= due:
            self._use(self.uses.pop())
            self._cut()
        while self.arrivals and self.arrivals[-1].spec.arrives <= due:
            self._wait(self.arrivals.pop())
            self.stirred = True
        if self.alarm is not None and self.alarm <= due:
            self.alarm, self.stirred = None, True

    def _finish(self, job: Job) -> None:
        """Done.  What rounding left of its cost is spent now, in the window it ended in."""
        self.stirred = True
        spec = job.spec
        self._spend(job, job.left_five, job.left_seven)
        self._stop(job, Why.DONE)
        job.left_s, job.left_five, job.left_seven = 0.0, 0.0, 0.0
        job.done = self.now
        started = job.segments[0].start
        told = Finished(job.visible, started, self.now, spec.duration_s, spec.five_hour, spec.seven_day)
        self.finished.append(told)
        for other in self.wanted_by.get(spec.name, ()):
            other.unmet.discard(spec.name)
            if other.spec.name in self.waiting:
                self._wait(other)

    def _reset(self, due: float) -> None:
        if self.five and self.five.ends <= due:
            self.stirred = True
            self.five = None
            if self.flights:
                self._opened()
        if self.week.ends <= due:
            self.stirred = True
            self.week = Window(self.week.ends, self.week.ends + WEEK)
            self.trace.weeks.append(self.week)

    def _opened(self) -> Window:
        """The open window; opens one where there is none."""
        if self.five is None:
            self.five = Window(self.now, self.now + FIVE_HOURS)
            self.trace.windows.append(self.five)
        return self.five

    def _cut(self) -> None:
        if not self.flights:
            return
        walls = (_at_wall(self.five, self._five_rate()), _at_wall(self.week, self._week_rate()))
        if any(walls):
            self.stirred = True
            for job in list(self.flights.values()):
                self._park(job, Why.WALL)

    def _use(self, use: PersonUse) -> None:
        """The largest fraction that fits both windows."""
        fraction = min(1.0, (self.five.room if self.five else FULL) / use.five_hour)
        if use.seven_day > 0:
            fraction = min(fraction, self.week.room / use.seven_day)
        self.trace.refused += use.five_hour * (1.0 - fraction)
        if fraction > 0:
            self._opened().by_person += use.five_hour * fraction
            self.week.by_person += use.seven_day * fraction
            self.person_used = self.stirred = True

    # --- what a task goes through ------------------------------------------------------------------------------------

    def _wait(self, job: Job) -> None:
        """It stands in the queue, never started; ready from now on if nothing is unmet."""
        unmet = tuple(name for name in job.spec.depends_on if name in job.unmet)
        self.waiting[job.spec.name] = Waiting(job.visible, unmet)
        if not unmet:
            self._ready(job)

    def _ready(self, job: Job) -> None:
        job.ready_since = self.now
        self.ready += 1

    def _start(self, name: str) -> None:
        """From the queue or from parking: a slot is held and an open window spent from now on."""
        job = self.jobs[name]
        if self.parked.pop(name, None):
            job.left_s += RESUME_SECONDS
            job.left_five += RESUME_POINTS
            job.left_seven += RESUME_POINTS * job.spec.seven_day / job.spec.five_hour
        else:
            del self.waiting[name]
        if job.ready_since is not None:
            job.ready.append((job.ready_since, self.now))
            job.ready_since = None
        self.ready -= 1
        self._opened()
        job.rate_five, job.rate_seven = job.left_five / job.left_s, job.left_seven / job.left_s
        job.ends = self.now + job.left_s
        job.before_five, job.before_seven = job.spent_five, job.spent_seven
        job.segments.append(Segment(self.now, job.left_s))
        self.flights[name] = job

    def _stop(self, job: Job, why: Why) -> None:
        del self.flights[job.spec.name]
        job.segments[-1].end, job.segments[-1].why = self.now, why

    def _park(self, job: Job, why: Why) -> None:
        self._stop(job, why)
        job.parked += 1
        started = job.segments[0].start
        self.parked[job.spec.name] = Parked(job.visible, started, self.now, why, job.spent_five, job.spent_seven)
        self._ready(job)

    # --- the policy --------------------------------------------------------------------------------------------------

    def sight(self) -> Sight:
        seen = Sight(
            start=self.scenario.start,
            now=self.now,
            five_hour=_gauge(self.five) if self.five else None,
            seven_day=_gauge(self.week),
            waiting=tuple(self.waiting.values()),
            in_flight=tuple(_in_flight(job) for job in self.flights.values()),
            parked=tuple(self.parked.values()),
            finished=tuple(self.finished),
            person_used=self.person_used,
        )
        self.finished.clear()
        self.person_used = self.stirred = False
        return seen

    def obey(self, choice: Choice) -> None:
        for name in choice.lands:
            self._may_land(name)
            self._park(self.flights[name], Why.LANDED)
        for name in choice.starts:
            self._may_start(name)
            self._start(name)
        if choice.alarm is not None and not choice.alarm > self.now:
            raise PolicyError(f"at {self.now:.3f} s: an alarm at {choice.alarm:.3f} s is not in the future")
        self.alarm = choice.alarm

    def _may_land(self, name: str) -> None:
        if name not in self.flights:
            raise PolicyError(f"at {self.now:.3f} s: '{name}' is not in flight and cannot land")
        if past_minute(self.scenario.start, self.now) != 0.0:
            raise PolicyError(f"at {self.now:.3f} s: '{name}' cannot land: the local clock does not show :00 seconds")

    def _may_start(self, name: str) -> None:
        at = f"at {self.now:.3f} s: '{name}' cannot start: "
        waiting = self.waiting.get(name)
        if waiting is None and name not in self.parked:
            raise PolicyError(at + ("it is in flight" if name in self.flights else "it is not in the queue"))
        if waiting and waiting.unmet:
            raise PolicyError(at + f"'{waiting.unmet[0]}' is not done")
        if len(self.flights) >= self.scenario.slots:
            raise PolicyError(at + "no slot is free")
        if self.week.full or (self.five is not None and self.five.full):
            raise PolicyError(at + "a window stands at 100")

    # --- time --------------------------------------------------------------------------------------------------------

    def leap(self) -> None:
        """To the next instant at which something is due, or to the end, spending evenly on the way."""
        at = self._next()
        if at >= self.scenario.length - INSTANT:
            at = self.scenario.length
        took = at - self.now
        if took <= 0:
            return
        self.trace.pieces.append(self._piece(at))
        for job in self.flights.values():
            job.left_s -= took
            self._spend(job, job.rate_five * took, job.rate_seven * took)
        self.now = at

    def _next(self) -> float:
        """The earliest of everything that is due."""
        at = self.week.ends
        if self.five:
            at = min(at, self.five.ends, _wall(self.now, self.five, self._five_rate()))
        at = min(at, _wall(self.now, self.week, self._week_rate()))
        for job in self.flights.values():
            at = min(at, job.ends)
        if self.uses:
            at = min(at, self.uses[-1].at)
        if self.arrivals:
            at = min(at, self.arrivals[-1].spec.arrives)
        return at if self.alarm is None else min(at, self.alarm)

    def _spend(self, job: Job, five: float, seven: float) -> None:
        job.left_five -= five
        job.left_seven -= seven
        job.spent_five += five
        job.spent_seven += seven
        self._opened().by_runs += five
        self.week.by_runs += seven

    def _five_rate(self) -> float:
        return sum(job.rate_five for job in self.flights.values())

    def _week_rate(self) -> float:
        return sum(job.rate_seven for job in self.flights.values())

    def _piece(self, until: float) -> Piece:
        five, week = self.five, self.week
        return Piece(
            begins=self.now,
            ends=until,
            free=self.scenario.slots - len(self.flights),
            ready=self.ready,
            five=len(self.trace.windows) - 1 if five else None,
            week=len(self.trace.weeks) - 1,
            five_runs=five.by_runs if five else 0.0,
            five_person=five.by_person if five else 0.0,
            five_rate=self._five_rate(),
            week_runs=week.by_runs,
            week_person=week.by_person,
            week_rate=self._week_rate(),
        )

    def close(self) -> Trace:
        """The trace, with everything that is still going on ended by the end of the scenario."""
        for job in self.jobs.values():
            if job.ready_since is not None:
                job.ready.append((job.ready_since, self.now))
        for job in self.flights.values():
            job.segments[-1].end = self.now
        return self.trace


def _job(spec: TaskSpec) -> Job:
    visible = Visible(
        name=spec.name,
        place=spec.place,
        arrives=spec.arrives,
        priority=spec.priority,
        deadline=spec.deadline,
        depends_on=spec.depends_on,
        kind=spec.kind,
    )
    return Job(spec, visible, set(spec.depends_on), spec.duration_s, spec.five_hour, spec.seven_day)


def _at_wall(window: Window | None, rate: float) -> bool:
    """At 100, or so near that it will be there in this very instant: then it is put there."""
    if window is None or (not window.full and window.room > rate * INSTANT):
        return False
    window.by_runs += window.room
    return True


def _wall(now: float, window: Window, rate: float) -> float:
    """When the window will stand at 100 if nothing changes."""
    return now + window.room / rate if rate > 0 else float("inf")


def _gauge(window: Window) -> Gauge:
    return Gauge(FULL if window.full else window.used, window.opened, window.ends)


def _in_flight(job: Job) -> InFlight:
    return InFlight(
        task=job.visible,
        started=job.segments[0].start,
        since=job.segments[-1].start,
        five_hour=job.spent_five,
        seven_day=job.spent_seven,
        segment_five_hour=job.spent_five - job.before_five,
        segment_seven_day=job.spent_seven - job.before_seven,
    )
