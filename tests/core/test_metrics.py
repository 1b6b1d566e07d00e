"""The figure: windows as they pass, what was lost to what, and the figures over the past.  Tables made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from cctui.core import estimates, metrics, unused
from cctui.core.answer import answer
from cctui.core.effects import Effect, Launch, SaveWatch, SaveWindow, WriteReport
from cctui.core.events import Checked, Event, Launched, Leaving, Loaded, Looked, Measured, Scanned, Ticked
from cctui.core.settings import CapacitySettings, Quiet, ReportSettings, Reserve, RunSettings, Settings
from cctui.core.step import step
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Cause,
    ClosedWindow,
    Hold,
    Memory,
    Reading,
    Record,
    Retry,
    Share,
    Sight,
    SightState,
    Status,
    Task,
    Totals,
    Watch,
    World,
)
from tests.core.made import T0, after, shell, task

ENDS = after(hours=3)
"""Of the window that is open at T0."""
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def record(number: int = 0, **values: Any) -> Record:
    """A run of kind k: 5 points of the window and 1 of the week in a quarter of an hour, 20 points an hour."""
    began = values.pop("timestamp", T0 - timedelta(hours=2))
    made = Record("past", True, None, 1000, 900.0, "logs/scheduler/x/past.md", began, run_id=f"r{number}")
    made = replace(made, ended=began + timedelta(seconds=900), status=Status.COMPLETED, kind="k", runner="claude")
    return replace(replace(made, window_pct=5.0, week_pct=1.0, attempt=1), **values)


LEARNED = tuple(record(number, week_pct=0.1) for number in range(4))


@dataclass
class Engine:
    """What an engine does with one World, on a clock of its own; what it saves outlives it."""

    tasks: tuple[Task, ...]
    settings: Settings = field(default_factory=lambda: Settings(report=ReportSettings("")))
    used: float | None = 10.0
    week: float = 20.0
    ends: datetime | None = ENDS
    hold: bool = False
    zone: str = ""
    now: datetime = T0
    records: tuple[Record, ...] = LEARNED
    closed: list[ClosedWindow] = field(default_factory=list)
    open: dict[str, Watch] = field(default_factory=dict)
    reports: list[WriteReport] = field(default_factory=list)
    launched: list[str] = field(default_factory=list)
    runs: dict[str, Sight] = field(default_factory=dict)
    world: World = field(default_factory=World)
    memory: Memory = field(default_factory=Memory)
    silent: bool = False
    """Nobody tells of the windows."""

    def begin(self) -> Engine:
        """An engine starts with what is saved: of a window that has ended nothing else counts."""
        self.world = World(settings=self.settings)
        memory = replace(self.memory, hold=self.hold)
        ended = {each.window for each in self.closed}
        going = tuple(watch for name, watch in self.open.items() if name not in ended or self._newer(watch))
        self.tell(Loaded(memory, self.records, Totals(), zone=self.zone, windows=tuple(self.closed), watches=going))
        self.tell(Looked(tuple(self.runs.values())))
        self.tell(Checked({}, ()))
        self.measure(asked=True)
        self.tell(Scanned(self.tasks))
        return self

    def _newer(self, watch: Watch) -> bool:
        return all(watch.opened >= each.ended for each in self.closed if each.window == watch.window)

    def tell(self, event: Event) -> None:
        self.world, effects = step(self.world, event, self.now)
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case SaveWindow(window):
                self.closed.append(window)
            case SaveWatch(watch):
                self.open[watch.window] = watch
            case WriteReport():
                self.reports.append(effect)
            case Launch(spec=spec, leg=leg):
                self.launched.append(spec.task)
                self.runs[spec.run_id] = Sight(spec, leg, SightState.ALIVE, self.now)
                self.tell(Launched(spec.run_id, leg))

    def measure(self, *, asked: bool = False) -> None:
        if self.silent and not asked:
            return
        readings = () if self.silent else self._readings()
        self.tell(Measured(readings, asked=asked))

    def _readings(self) -> tuple[Reading, ...]:
        week_ends = after(hours=100)
        while week_ends <= self.now:
            week_ends += timedelta(days=7)
        return (
            Reading(FIVE_HOUR, self.used, self.ends, "stream", self.now),
            Reading(SEVEN_DAY, self.week, week_ends, "stream", self.now),
        )

    def live(self, *, hours: float = 0, minutes: float = 0, points_an_hour: float = 0) -> Engine:
        """Time passes: a tick every half minute, a reading every three; the runs use the window evenly."""
        until = self.now + timedelta(hours=hours, minutes=minutes)
        place = 0
        while self.now < until:
            self.now = min(self.now + timedelta(seconds=30), until)
            place += 1
            if self.used is not None:
                self.used += points_an_hour / 120
            if self.ends is not None and self.now >= self.ends:
                self.ends, self.used = None, 0.0
            if place % 6 == 0:
                self.measure()
            self.tell(Ticked())
        return self

    @property
    def last(self) -> ClosedWindow:
        return [each for each in self.closed if each.window == FIVE_HOUR][-1]


def capacity(**values: Any) -> Settings:
    return Settings(capacity=CapacitySettings(**values), report=ReportSettings(""))


def waits(name: str = "a", **values: Any) -> Task:
    return task(name, **{"kind": "k", **values})


def parts(window: ClosedWindow) -> float:
    nothing = window.left - window.unused
    return window.ours + window.person + window.unknown + window.unused + nothing


def lawful(window: ClosedWindow) -> None:
    assert parts(window) == pytest.approx(window.size)
    assert 0 <= window.unused <= window.left + 1e-9
    assert sum(window.lost.values()) == pytest.approx(window.unused)
    assert all(points > 0 for points in window.lost.values())


# --- a window passes -------------------------------------------------------------------------------------------------

LONG = {"estimated_tokens": 100_000, "kind": "new"}
"""A hint that comes to 350 points of the window, half of the time: work that a window never finishes."""


ONE_SLOT = Settings(run=RunSettings(slots=1), report=ReportSettings(""))
BUSY = (waits("a", priority=1, **LONG), *(waits(name) for name in "bcde"))


def test_an_empty_queue_loses_nothing() -> None:
    engine = Engine(()).begin().live(hours=3.1)
    assert (engine.last.lost, engine.last.left) == ({}, 90)
    lawful(engine.last)
    assert metrics.unused_words(engine.world, engine.now) == "last window: 90 % expired, nothing waited"


def test_a_hold_costs_what_the_work_could_have_spent() -> None:
    """One task of 5 points, then one that never ends: 5 points, and 3 hours at 20 points an hour."""
    engine = Engine((waits("a"),), hold=True).begin().live(hours=3.1)
    assert engine.last.lost == pytest.approx({"hold": 5})
    assert engine.last.waited == {"hold": 900}
    engine = Engine((waits("a", **LONG),), hold=True).begin().live(hours=3.1)
    assert engine.last.lost == pytest.approx({"hold": 60})
    assert engine.last.waited == {"hold": 3 * 3600}
    lawful(engine.last)
    words = metrics.unused_words(engine.world, engine.now)
    assert words == "last window: 60 % expired while work waited: hold was on"


def test_what_the_window_had_left_is_the_most_that_is_lost() -> None:
    engine = Engine((waits("a", **LONG), waits("b", **LONG)), hold=True, used=70.0).begin().live(hours=3.1)
    assert engine.last.lost == pytest.approx({"hold": 30})
    lawful(engine.last)


def test_slots_bound_what_could_have_been_spent() -> None:
    """Three wait, one slot is there: 60 points in three hours and no more."""
    settings = replace(capacity(), run=RunSettings(slots=1))
    tasks = tuple(waits(name, **LONG) for name in "abc")
    engine = Engine(tasks, settings, hold=True).begin().live(hours=3.1)
    assert engine.last.lost == pytest.approx({"hold": 60}, abs=0.4)


@pytest.mark.parametrize(
    ("cause", "settings", "front"),
    [
        (Cause.PAUSED, capacity(), {"paused": True}),
        (Cause.QUIET, capacity(quiet=(Quiet(EVERY_DAY, "00:00", "24:00"),)), {}),
        (Cause.LIMITS, capacity(pace="even"), {}),
        (Cause.FIT, capacity(five_hour_max=5.0, limits=(FIVE_HOUR,)), {}),
    ],
)
def test_every_cause_has_its_name(cause: Cause, settings: Settings, front: dict[str, Any]) -> None:
    engine = Engine((waits("a", **LONG, **front),), settings, week=80.0).begin().live(hours=3)
    assert engine.last.lost == pytest.approx({cause.value: 60}, abs=0.4)
    lawful(engine.last)


def test_a_refused_login_and_a_missing_program_are_trouble() -> None:
    engine = Engine((waits("a", **LONG),), hold=True).begin()
    engine.tell(Checked({"claude": "claude is missing: npm install -g @anthropic-ai/claude-code"}))
    engine.live(hours=3.1)
    assert engine.last.lost["trouble"] == pytest.approx(60, abs=0.4)


def test_the_reserve_counts_up_to_what_the_person_has_left_of_it() -> None:
    """60 points are kept, 50 are used: all that is left is the person's."""
    settings = capacity(reserve=(Reserve(EVERY_DAY, "00:00", "24:00", 60.0, 0.0),))
    engine = Engine((waits("a", **LONG),), settings, used=50.0).begin().live(hours=3)
    assert engine.last.left == 50
    assert engine.last.lost == pytest.approx({"reserve": 50})
    lawful(engine.last)


def test_what_a_reserve_keeps_is_not_lost_to_a_hold() -> None:
    settings = capacity(reserve=(Reserve(EVERY_DAY, "00:00", "24:00", 60.0, 0.0),))
    engine = Engine((waits("a", **LONG),), settings, hold=True, used=30.0).begin().live(hours=3.1)
    assert engine.last.left == 70
    assert engine.last.lost == pytest.approx({"hold": 10})
    lawful(engine.last)


def test_a_week_that_is_full_loses_nothing() -> None:
    engine = Engine((waits("a", **LONG),), week=100.0).begin().live(hours=3.1)
    assert engine.launched == []
    assert engine.last.lost == {}


@pytest.mark.parametrize(
    ("entry", "memory"),
    [
        (waits("a", not_before=after(hours=9)), Memory()),
        (waits("a"), Memory(retries={"a": Retry(1, after(minutes=50))})),
        (task("a", "b", kind="k"), Memory()),
        (shell("a", paused=True), Memory()),
    ],
    ids=["not before", "back-off", "depends", "spends nothing"],
)
def test_what_cannot_run_waits_for_no_capacity(entry: Task, memory: Memory) -> None:
    others = (shell("b", paused=True),) if entry.depends_on else ()
    engine = Engine((entry, *others), hold=True, memory=memory, ends=after(minutes=45)).begin().live(hours=1)
    assert engine.last.lost == {}


def test_taken_slots_are_a_cause_only_for_work_that_waits_for_nothing_else() -> None:
    """One slot is busy at 10 points an hour; beside it four tasks of 5 points would have fitted."""
    engine = Engine(BUSY, ONE_SLOT, used=0.0).begin().live(hours=3.1, points_an_hour=10)
    assert engine.launched == ["a"]
    assert engine.last.ours == pytest.approx(30, abs=1)
    assert engine.last.lost == pytest.approx({"slots": 20})
    assert engine.last.waited == {"slots": 3600}
    lawful(engine.last)


def test_blind_times_lose_as_far_as_is_known() -> None:
    """The last reading is of the beginning.  After half an hour of silence a second task comes, and must wait: 2 hours
    at 20 points an hour."""
    engine = Engine((waits("a", **LONG),)).begin()
    engine.silent = True
    engine.live(hours=1)
    engine.tasks += (waits("b", **LONG),)
    engine.tell(Scanned(engine.tasks))
    engine.live(hours=2)
    assert engine.launched == ["a"]
    assert engine.last.lost == pytest.approx({"blind": 40}, abs=0.4)
    assert engine.last.used == 10
    lawful(engine.last)


# --- without a window ------------------------------------------------------------------------------------------------


def test_a_time_without_a_window_offers_twenty_points_an_hour() -> None:
    """A hold from the reset on: for five hours no window is opened, then the next five begin."""
    engine = Engine((waits("a", **LONG),), hold=True, ends=None, used=0.0).begin().live(hours=5.1)
    (stretch,) = engine.closed
    assert (stretch.open, stretch.size, stretch.opened) == (False, 100, T0)
    assert stretch.lost == pytest.approx({"hold": 100}, abs=0.8)
    words = metrics.unused_words(engine.world, engine.now)
    assert words == "5h00 without a window: 100 % expired while work waited: hold was on"


def test_a_time_without_a_window_in_which_nothing_waited_is_no_line() -> None:
    engine = Engine((), ends=None, used=0.0).begin().live(hours=11)
    assert engine.closed == []


def test_a_window_that_opens_ends_the_time_without_one() -> None:
    engine = Engine((waits("a", **LONG),), hold=True, ends=None, used=0.0).begin().live(hours=2)
    engine.ends, engine.used = engine.now + timedelta(hours=5), 1.0
    engine.live(minutes=10)
    (stretch,) = engine.closed
    assert (stretch.opened, stretch.open) == (T0, False)
    assert stretch.ended == after(hours=2)
    assert stretch.size == pytest.approx(40)
    assert stretch.lost == pytest.approx({"hold": 40}, abs=0.8)


def test_nothing_is_known_of_windows_before_the_first_reading() -> None:
    engine = Engine((waits("a", **LONG),), hold=True, silent=True).begin().live(hours=6)
    assert engine.closed == []


# --- restarts --------------------------------------------------------------------------------------------------------


def restarted(engine: Engine, *, killed: bool = False, gone: float = 0) -> Engine:
    """The same root's next engine, `gone` minutes later."""
    if not killed:
        engine.tell(Leaving())
    engine.now += timedelta(minutes=gone)
    return engine.begin()


def test_a_restart_in_mid_window_neither_loses_nor_doubles() -> None:
    whole = Engine(BUSY, ONE_SLOT, used=0.0).begin().live(hours=3.1, points_an_hour=10).last
    engine = Engine(BUSY, ONE_SLOT, used=0.0).begin()
    for _ in range(3):
        engine.live(minutes=25, points_an_hour=10)
        restarted(engine)
    engine.live(minutes=110, points_an_hour=10)
    assert [each.window for each in engine.closed] == [FIVE_HOUR]
    assert engine.last.lost == pytest.approx(whole.lost, abs=1)
    assert engine.last.ours == pytest.approx(whole.ours, abs=1)
    assert engine.last.watched == pytest.approx(whole.watched, abs=120)
    assert engine.last.waited["slots"] == pytest.approx(whole.waited["slots"], abs=120)
    assert whole.unused == pytest.approx(20)
    lawful(engine.last)


def test_a_kill_loses_at_most_what_was_not_saved_yet() -> None:
    engine = Engine((waits("a", **LONG),), hold=True).begin().live(hours=1.5)
    restarted(engine, killed=True).live(hours=1.6)
    assert 60 - 20 * 11 / 60 <= engine.last.unused <= 60.4


def test_while_no_engine_ran_nothing_counts() -> None:
    engine = Engine((waits("a", **LONG),), hold=True).begin().live(hours=1)
    restarted(engine, gone=60).live(hours=1.1)
    assert engine.last.lost == pytest.approx({"hold": 40}, abs=0.8)
    assert engine.last.watched == pytest.approx(2 * 3600, abs=61)


def test_minutes_without_an_engine_do_not_count_either() -> None:
    engine = Engine((waits("a", **LONG),), hold=True).begin().live(hours=1)
    restarted(engine, gone=4).live(hours=2)
    assert engine.last.watched == pytest.approx(3 * 3600 - 240, abs=1)
    assert engine.last.unused == pytest.approx(60 - 4 / 3, abs=0.1)


def test_while_the_machine_slept_nothing_counts() -> None:
    engine = Engine((waits("a", **LONG),), hold=True).begin().live(hours=1)
    engine.now += timedelta(hours=1)
    engine.live(hours=1.1)
    assert engine.last.lost == pytest.approx({"hold": 40}, abs=0.4)


def test_what_waits_after_the_end_is_not_the_windows() -> None:
    """The last look before the end was four minutes earlier than the next."""
    engine = Engine((waits("a", **LONG),), hold=True, ends=after(minutes=10)).begin().live(minutes=8)
    engine.now += timedelta(minutes=4)
    engine.ends, engine.used = None, 0.0
    engine.measure()
    assert engine.last.watched == 600
    assert engine.last.lost == pytest.approx({"hold": 10 / 3})


def test_runs_that_are_found_again_bring_what_was_counted_before() -> None:
    """An engine before this one counted 20 points for runs, 8 of them for one that is still open; now that one is known
    to have used 12 in all, and the person one more than the 5 from before."""
    saved = Watch(FIVE_HOUR, ENDS - timedelta(hours=5), ENDS, used=30.0, ours=20.0, person=5.0, flying=8.0)
    engine = Engine((), open={FIVE_HOUR: saved}, used=40.0).begin()
    share = Share(ENDS, held=27.0, ours=12.0, person=1.0, used=40.0)
    world = replace(engine.world, shares={FIVE_HOUR: share})
    world, _ = unused.watched(world, world, engine.now + timedelta(minutes=1))
    assert world.watches is not None
    watch = world.watches[FIVE_HOUR]
    assert (watch.used, watch.ours, watch.person) == (40, 24, 6)
    early = replace(world, shares={FIVE_HOUR: replace(share, held=39.0, ours=0.0)})
    early, _ = unused.watched(early, early, engine.now + timedelta(minutes=3))
    assert early.watches is not None
    assert early.watches[FIVE_HOUR].ours == 24, "what was counted is never taken back"


def test_a_window_holds_no_more_than_100() -> None:
    engine = Engine((waits("a", **LONG),), hold=True, used=104.0).begin().live(hours=3.1)
    assert (engine.last.used, engine.last.left, engine.last.lost) == (100, 0, {})
    assert metrics.unused_words(engine.world, engine.now) == "last window: all of it used"
    lawful(engine.last)


def test_a_window_that_ended_while_no_engine_ran_is_closed_by_the_next_once() -> None:
    engine = Engine((waits("a", **LONG),), hold=True).begin().live(hours=1)
    engine.tell(Leaving())
    engine.now, engine.ends, engine.used = after(hours=9), None, 0.0
    engine.begin().live(minutes=3)
    assert [(each.ended, each.open) for each in engine.closed] == [(ENDS, True)]
    assert engine.last.lost == pytest.approx({"hold": 20}, abs=0.4)
    restarted(engine).live(minutes=3)
    assert len(engine.closed) == 1


def test_use_before_the_first_look_is_nobodys() -> None:
    engine = Engine((), used=30.0).begin().live(hours=3.1)
    assert (engine.last.ours, engine.last.person, engine.last.unknown) == (0, 0, 30)


def test_a_week_is_closed_too() -> None:
    engine = Engine((), ends=None, used=0.0, week=61.0).begin()
    engine.now = after(hours=101)
    engine.week = 1.0
    engine.measure()
    engine.tell(Ticked())
    (week,) = [each for each in engine.closed if each.window == SEVEN_DAY]
    assert (week.used, week.ended, week.opened) == (61, after(hours=100), after(hours=100 - 168))


# --- what it may cost, and where it is not ----------------------------------------------------------------------------


def test_a_world_without_watches_is_left_as_it_is() -> None:
    engine = Engine((waits("a"),), hold=True).begin()
    for world in (
        replace(engine.world, watches=None),
        replace(engine.world, settings=capacity(gate=False), watches={}),
    ):
        assert unused.watched(world, world, after(hours=4)) == (world, ())


def test_between_two_looks_it_does_nothing() -> None:
    engine = Engine(tuple(waits(f"t{number}") for number in range(300)), hold=True).begin().live(minutes=2)
    world, now = engine.world, engine.now + timedelta(seconds=10)
    assert unused.watched(world, world, now) == (world, ())


# --- laws ------------------------------------------------------------------------------------------------------------

POINTS = st.floats(0, 300)


@given(
    lost=st.dictionaries(st.sampled_from([cause.value for cause in Cause]), POINTS),
    used=st.floats(0, 100),
    ours=st.floats(0, 1),
    person=st.floats(0, 1),
    kept=st.floats(0, 100),
    reserve=st.floats(0, 100),
    grown=st.floats(0, 100),
)
def test_what_is_lost_was_left_and_has_causes(
    lost: dict[str, float], used: float, ours: float, person: float, kept: float, reserve: float, grown: float
) -> None:
    mine, theirs = used * ours * 0.5, used * person * 0.5
    watch = Watch(FIVE_HOUR, T0, lost=lost, used=used, ours=mine, person=theirs, reserve=reserve, grown=grown)
    found = unused.bounded(watch, 100 - used, kept)
    window = ClosedWindow(FIVE_HOUR, T0, ENDS, used=used, ours=mine, person=theirs, lost=found)
    lawful(window)
    but_reserve = window.unused - found.get("reserve", 0.0)
    assert but_reserve <= max(window.left - kept, 0) + 1e-9
    assert found.get("reserve", 0.0) <= max(reserve - theirs, grown) + 1e-9
    assert window.unused <= sum(lost.values()) + 1e-9


@examples(max_examples=25)
@given(
    hold=st.lists(st.booleans(), min_size=6, max_size=6),
    used=st.floats(0, 100),
    rate=st.floats(0, 40),
    restart=st.integers(0, 5),
)
def test_whatever_happens_in_a_window_its_parts_sum_to_100(
    hold: list[bool], used: float, rate: float, restart: int
) -> None:
    from cctui.core.events import Asked

    engine = Engine((waits("a", **LONG), waits("b", **LONG), waits("c")), used=used, hold=True).begin()
    for place, on in enumerate(hold):
        engine.hold = on
        engine.tell(Asked(Hold(on)))
        engine.live(minutes=32, points_an_hour=rate if engine.launched and (engine.used or 0) < 80 else 0)
        if place == restart:
            restarted(engine)
    assert len([each for each in engine.closed if each.window == FIVE_HOUR and each.open]) == 1
    for window in engine.closed:
        lawful(window)


# --- figures over the past -------------------------------------------------------------------------------------------


def closed(number: int, **values: Any) -> ClosedWindow:
    began = T0 + timedelta(hours=5 * number)
    return replace(ClosedWindow(FIVE_HOUR, began, began + timedelta(hours=5)), **values)


def test_groups_say_how_many_samples_they_rest_on() -> None:
    found = metrics.group(
        (
            record(1),
            record(2, window_pct=None, tokens=None),
            record(3, success=False, status=Status.FAILED, window_pct=3.0),
            record(4, success=False, status=Status.CANCELLED, window_pct=None),
        )
    )
    assert (found.runs, found.completed, found.failed, found.cancelled) == (4, 2, 1, 1)
    assert found.success_rate == pytest.approx(2 / 3)
    assert (found.tokens, found.points, found.points_known) == (3000, 8.0, 2)
    assert found.points_per_completed == 4.0
    nothing = metrics.group(())
    assert (nothing.success_rate, nothing.tokens, nothing.points, nothing.points_per_completed) == (None,) * 4


def test_weeks_add_up_their_windows_and_no_more_than_the_week_had_left() -> None:
    """Two windows lost 50 points each; a point of the window is a fifth of one of the week: 20 points of the week."""
    windows = (closed(0, used=40.0, lost={"hold": 50.0}), closed(1, used=50.0, lost={"fit": 40.0, "hold": 10.0}))
    week = Share(after(hours=100), 0.0, used=50.0)
    world = World(windows=windows, shares={SEVEN_DAY: week}, records=(record(),))
    (found,) = metrics.weeks(world)
    assert (found.ends, found.windows, found.offered, found.used) == (after(hours=100), 2, 200, 90)
    assert found.lost == {"hold": 60, "fit": 40}
    assert (found.unused, found.unused_percent, found.week_used) == (100, 50, 50)
    full = replace(world, shares={SEVEN_DAY: replace(week, used=90.0)})
    (found,) = metrics.weeks(full)
    assert found.unused == pytest.approx(50)
    assert found.lost == pytest.approx({"hold": 30, "fit": 20})


def test_a_window_that_ends_with_the_week_belongs_to_it() -> None:
    world = World(windows=(closed(0), closed(1)), shares={SEVEN_DAY: Share(after(hours=5 + 168), 0.0)})
    assert [week.ends for week in metrics.weeks(world)] == [after(hours=5), after(hours=5 + 168)]


def test_estimates_are_held_against_what_came() -> None:
    records = [record(number, tokens=1000, window_pct=5.0) for number in range(3)]
    records += [record(4, tokens=500), record(5, tokens=3000, window_pct=9.0)]
    found = estimates.accuracy(records)
    assert found["tokens"].count == 2
    assert (found["tokens"].under_p50, found["tokens"].under_p80) == (0.5, 0.5)
    assert found["tokens"].ratio == pytest.approx((0.5 + 3) / 2)
    assert found[FIVE_HOUR].count == 2
    assert estimates.accuracy(records[:3])["tokens"] == estimates.Accuracy(0, None, None, None)


def test_days_and_hours_are_the_persons() -> None:
    """T0 is Tuesday 00:05 in UTC: still Monday evening in New York."""
    for zone, day, hour in (("", "tue", "00"), ("America/New_York", "mon", "19")):
        found = metrics.stats(World(records=(record(timestamp=T0),), zone=zone), after(hours=1), 30)
        assert (list(found.weekdays), list(found.hours)) == ([day], [hour])


def test_stats_look_back_as_far_as_asked() -> None:
    world = World(records=(record(1, timestamp=T0 - timedelta(days=3)), record(2)), windows=(closed(-20), closed(-1)))
    found = metrics.stats(world, T0, 2)
    assert (found.runs.runs, len(found.windows)) == (1, 1)
    assert metrics.stats(world, T0, 30).runs.runs == 2


def test_waits_are_known_where_the_file_is() -> None:
    known = waits("past", added=T0 - timedelta(hours=3))
    world = World(records=(record(1), record(2, attempt=2), record(3, task_id="gone")), tasks={"past": known})
    assert metrics.mean(metrics.waits(world, world.records)) == metrics.Mean(3600.0, 1)


def test_stats_as_data_are_json_with_samples() -> None:
    world = World(records=LEARNED, windows=(closed(-1, used=88.0, lost={"fit": 12.0}),))
    data = answer(world, "stats", {"days": 30}, T0).data
    assert data["line"] == "last window: 12 % expired while work waited: no task fitted"
    assert data["windows"][0]["unused"] == 12.0
    assert data["kinds"]["k"]["runs"] == 4


# --- the morning report ----------------------------------------------------------------------------------------------


def morning(**values: Any) -> Engine:
    return Engine((), Settings(), **values)


def test_the_report_is_asked_for_once_a_day_at_its_hour() -> None:
    engine = morning(zone="Europe/Berlin", ends=None, used=0.0)  # T0 is 01:05 in Berlin
    engine.begin().live(hours=5.9)
    assert engine.reports == []
    engine.live(minutes=5)
    (report,) = engine.reports
    assert report.day == "2026-02-03"
    engine.live(hours=23)
    assert len(engine.reports) == 1
    engine.records = (*LEARNED, record(9, timestamp=after(hours=20)))
    restarted(engine, gone=60)
    assert [each.day for each in engine.reports] == ["2026-02-03", "2026-02-04"]


def test_no_report_where_it_is_off_or_nothing_happened() -> None:
    off = Engine((), Settings(report=ReportSettings(""))).begin().live(hours=8)
    idle = morning(records=(), ends=None, used=0.0).begin().live(hours=8)
    assert (off.reports, idle.reports) == ([], [])


def test_the_report_says_what_was_done_and_what_was_not() -> None:
    records = (
        record(1, task_id="digest", proven=True, claimed=True),
        record(2, task_id="fix [x](y)", success=False, status=Status.FAILED, detail="*boom* <b>", window_pct=None),
        record(3, task_id="old", timestamp=T0 - timedelta(days=3)),
    )
    engine = Engine((task("b", "missing"), waits("c")), records=records, hold=True, zone="Europe/Berlin").begin()
    engine.world = replace(engine.world, windows=(closed(-1, used=50.0, ours=40.0, lost={"hold": 30.0}),))
    told = answer(engine.world, "report", {}, engine.now)
    text = told.data["text"]
    assert "# Morning report, Tuesday 3 February 2026" in text
    assert "- [[digest]]: done in 15m, 1k tokens; proven by its check; 5.0 points · [note](<../x/past.md>)" in text
    assert "- fix \\[x\\](y): failed after 15m (\\*boom\\* \\<b\\>) · [note]" in text
    assert "[[old]]" not in text
    assert "hold is on: nothing new starts (ccq release)" in text
    assert "- [[b]]: " in text.partition("## Waits for you")[2].partition("\n## ")[0]
    assert "| 40 % | 0 % and 10 % unknown | 50 % | 30 % | hold was on 30 % |" in text
    assert "- [[c]]: waiting: " in text.partition("## Next")[2]
    assert told.data["zone"] == "Europe/Berlin"


def test_the_report_of_a_day_that_is_no_day_is_refused() -> None:
    told = answer(World(), "report", {"date": "yesterday"}, T0)
    assert (told.code, told.data) == (2, None)
    assert answer(World(), "report", {"date": "0001-01-01"}, T0).code in (0, 2)


def test_days_are_parted_at_the_hour_across_a_change_of_the_clock() -> None:
    """The night in which Berlin's clocks go forward has 23 hours."""
    world = World(zone="Europe/Berlin")
    data = answer(world, "report", {"date": "2026-03-29"}, datetime(2026, 4, 1, tzinfo=UTC)).data
    begin, end = (datetime.fromisoformat(data[name]) for name in ("since", "until"))
    assert end.astimezone(UTC) - begin.astimezone(UTC) == timedelta(hours=23)
    assert (begin.hour, end.hour) == (7, 7)
