"""The product's own core as a policy of the modelled world: what is seen becomes events, effects become choices.  Pure.

It holds no rule of scheduling: whatever it chooses, `step` has decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cctui.core.events import Event, Loaded, Measured, Scanned
from cctui.core.rehearsal import Rehearsal
from cctui.core.reserve import DAYS
from cctui.core.settings import CapacitySettings, Reserve, RunSettings, Settings
from cctui.core.simulate.scenario import FIVE_HOURS, Known, ReserveSpec, since
from cctui.core.simulate.sight import Choice, Finished, InFlight, Parked, Sight, Visible, Why
from cctui.core.step import alarm
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Dependency,
    Ending,
    Memory,
    Phase,
    Reading,
    Record,
    Result,
    Run,
    Stage,
    Stop,
    Task,
    Totals,
    World,
)

SOURCE = "model"
RESUMING = 0.5
"""Points of the 5-hour window that going on costs in the modelled world."""
NEVER = 60 * 24 * 365.0


class Cctui:
    """`step` with the scenario's slots and reserve, exact readings, and nothing of what is still to come."""

    name = "cctui"

    def __init__(self, known: Known) -> None:
        self.start = known.start
        self.rehearsal = Rehearsal(_world(known))
        self.rehearsal.tell(Loaded(Memory(), _records(known), Totals(), zone=str(known.start.tzinfo)), known.start)
        self._cut: dict[str, Parked] = {}
        self._to_land: set[str] = set()

    def decide(self, sight: Sight) -> Choice:
        now = self._moment(sight.now)
        going = self.rehearsal
        going.started.clear()
        ended = [*self._finished(sight.finished, now), *self._parked(sight, now)]
        events: list[Event] = [self._measured(sight, now)]
        new = [entry.task for entry in sight.waiting if entry.task.name not in going.world.tasks]
        if new or not going.world.scanned:
            events.append(Scanned((*going.world.tasks.values(), *(self._task(task) for task in new))))
        if ended:
            going.end(ended, now, *events)
        else:
            going.tell(events[0], now, *events[1:])
        return self._choice(sight, now)

    def _moment(self, at: float) -> datetime:
        """In UTC: with a zone attached, Python adds and subtracts in wall-clock time."""
        return self.start.astimezone(UTC) + timedelta(seconds=at)

    # --- what is seen ---

    def _measured(self, sight: Sight, now: datetime) -> Measured:
        five = sight.five_hour
        resets = self._moment(five.resets_at) if five else None
        readings = (
            Reading(FIVE_HOUR, five.used if five else 0.0, resets, SOURCE, now),
            Reading(SEVEN_DAY, sight.seven_day.used, self._moment(sight.seven_day.resets_at), SOURCE, now),
        )
        open_runs: tuple[InFlight | Parked, ...] = (*sight.in_flight, *sight.parked)
        spent = {entry.task.name: (entry.five_hour, entry.seven_day) for entry in open_runs}
        spent |= {entry.task.name: self._spent(entry) for entry in sight.finished}
        by_run = {
            run.spec.run_id: dict(zip((FIVE_HOUR, SEVEN_DAY), spent[run.spec.task], strict=True))
            for run in self.rehearsal.world.runs.values()
            if run.spec.task in spent
        }
        return Measured(readings, asked=True, spent=by_run)

    def _spent(self, entry: Finished) -> tuple[float, float]:
        """What a finished task has taken in all: its true cost and the price of every resuming."""
        run = self.rehearsal.run_of(entry.task.name)
        factor = 1 + RESUMING * (run.leg - 1 if run else 0) / entry.five_hour
        return entry.five_hour * factor, entry.seven_day * factor

    def _task(self, seen: Visible) -> Task:
        return Task(
            seen.name,
            f"pending/{seen.name}.md",
            Phase.PENDING,
            folder=f"/{seen.name}",
            priority=seen.priority,
            depends_on=tuple(map(Dependency, seen.depends_on)),
            deadline=None if seen.deadline is None else self._moment(seen.deadline),
            worktree=True,
            kind=seen.kind,
            added=self._moment(seen.arrives),
        )

    def _finished(self, finished: Iterable[Finished], now: datetime) -> Iterable[tuple[Run, Ending]]:
        for entry in finished:
            run = self.rehearsal.run_of(entry.task.name)
            if run is not None:
                result = Result("success", text="done", answers=1, changed=1)
                yield run, Ending(Stop.EXIT, now, self._at_work(run, now), rc=0, result=result)

    def _parked(self, sight: Sight, now: datetime) -> Iterable[tuple[Run, Ending]]:
        for entry in sight.parked:
            run = self.rehearsal.run_of(entry.task.name)
            if run is None or run.stage is Stage.PARKED:
                continue
            seconds = self._at_work(run, now)
            if entry.why is Why.LANDED:
                self._to_land.discard(run.spec.task)
                yield run, Ending(Stop.CANCELLED, now, seconds, rc=-15, result=Result())
                continue
            five = sight.five_hour
            full = five is not None and five.used >= 100 - 1e-6
            resets = five.resets_at if five and full else sight.seven_day.resets_at
            yield run, _limited(now, seconds, FIVE_HOUR if full else SEVEN_DAY, self._moment(resets))

    def _at_work(self, run: Run, now: datetime) -> float:
        before = run.last.duration_s if run.last else 0.0
        return before + ((now - run.leg_started).total_seconds() if run.leg_started else 0.0)

    # --- what is chosen ---

    def _choice(self, sight: Sight, now: datetime) -> Choice:
        going = self.rehearsal
        runs = going.world.runs
        self._to_land |= {runs[run_id].spec.task for run_id in going.landed if run_id in runs}
        going.landed.clear()
        self._to_land &= {entry.task.name for entry in sight.in_flight}
        starts = tuple(launch.spec.task for launch in going.started)
        lands = tuple(sorted(self._to_land)) if sight.may_land else ()
        at = alarm(going.world, now)
        moments = [since(self.start, at)] if at else []
        moments += [sight.next_landing] if self._to_land and not lands else []
        # Two steps of the same microsecond would be one instant.
        return Choice(lands, starts, max(min(moments), sight.now + 1e-3) if moments else None)


def _limited(now: datetime, seconds: float, window: str, resets_at: datetime) -> Ending:
    result = Result(
        "success",
        is_error=True,
        terminal_reason="api_error",
        api_error_status=429,
        api_error="usage_limit_reached",
        limit_window=window,
        limit_resets_at=max(resets_at, now + timedelta(milliseconds=1)),
    )
    return Ending(Stop.EXIT, now, seconds, rc=1, result=result)


def _world(known: Known) -> World:
    capacity = CapacitySettings(
        reserve=tuple(_reserve(each) for each in known.reserve), soft_landing=99.9, hard_stop=100.0
    )
    run = RunSettings(slots=known.slots, stagger_seconds=0.0, stall_minutes=NEVER)
    return World(Settings(run=run, capacity=capacity), looked=True, checked=True, measured=True, plugins=())


def _reserve(spec: ReserveSpec) -> Reserve:
    days = tuple(DAYS[day] for day in sorted(spec.days))
    return Reserve(days, f"{spec.begins:%H:%M}", f"{spec.until:%H:%M}", spec.five_hour, spec.seven_day)


def _records(known: Known) -> tuple[Record, ...]:
    begun = known.start - timedelta(seconds=FIVE_HOURS)
    return tuple(
        Record(
            entry.kind,
            True,
            None,
            None,
            entry.duration_s,
            "",
            begun,
            run_id=f"seen-{place}",
            ended=begun,
            kind=entry.kind,
            runner="claude",
            window_pct=entry.five_hour,
            week_pct=entry.seven_day,
        )
        for place, entry in enumerate(known.observed)
    )
