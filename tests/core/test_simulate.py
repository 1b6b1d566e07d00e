"""The rules of the modelled world, each with numbers worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cctui.core.simulate.parsing import parse
from cctui.core.simulate.reserve import Span, just_before, spans
from cctui.core.simulate.scenario import past_minute
from cctui.core.simulate.sight import NOTHING, Choice, PolicyError, Why
from tests.core.simulated import (
    HOUR,
    Json,
    Recorder,
    greedy,
    iso,
    made,
    person,
    played,
    ran,
    reserve,
    segments,
    task,
    tasks,
    windows,
)

# --- rule 1: the order in an instant ---------------------------------------------------------------------------------


def test_a_run_that_ends_as_its_window_reaches_100_is_complete() -> None:
    result = ran(made(task("a", 1, 100), task("b", 1, 10)))
    assert tasks(result) == {"a": (0, 1, 0), "b": (5, 6, 0)}
    assert windows(result) == [(0, 5, 100, 0, 100), (5, 10, 10, 0, 10)]


def test_a_reset_comes_before_the_cut() -> None:
    result = ran(made(task("a", 10, 200)))
    assert tasks(result) == {"a": (0, 10, 0)}
    assert windows(result) == [(0, 5, 100, 0, 100), (5, 10, 100, 0, 100)]


def test_a_run_that_ends_with_its_window_opens_no_other() -> None:
    assert windows(ran(made(task("a", 5, 10)))) == [(0, 5, 10, 0, 10)]


def test_the_persons_use_cuts_what_runs_but_not_what_ends_in_its_instant() -> None:
    fill = [person(1, 100)]
    assert segments(ran(made(task("a", 1, 10), person=fill)), "a") == [(0, 1, "done")]
    assert segments(ran(made(task("a", 2, 10), person=fill)), "a")[0] == (0, 1, "wall")


def test_the_persons_use_comes_before_the_policy_and_after_a_reset() -> None:
    result = ran(made(task("a", 1, 10), five=(50, 1), person=[person(0, 45), person(1, 91)]))
    assert windows(result)[:2] == [(-4, 1, 95, 45, 0), (1, 6, 91, 91, 0)]
    assert tasks(result) == {"a": (6, 7, 0)}


def test_the_policy_is_asked_when_something_happened_and_only_then() -> None:
    data = made(
        *(task("a", 1, 30), task("b", 1, 40, at=0.5)),
        person=[person(3, 10), person(4, 0.5, 200)],
        week=(100, 12),
        five=(0, 2),
        hours=13,
    )
    policy = Recorder({0.0: Choice(alarm=600.0), 43200.0: Choice(starts=("a",))})
    played(data, policy)
    # start, alarm, b arrives, a reset, the person (but not what is refused at four), that window's reset, the week's
    assert policy.asked == [0, 600, 1800, 2 * HOUR, 3 * HOUR, 8 * HOUR, 12 * HOUR]
    assert [sight.person_used for sight in policy.seen].count(True) == 1


# --- rule 2: windows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("five", [(80, None), (80, 0), (80, -3)])
def test_without_a_reset_after_the_start_no_window_is_open(five: tuple[float, float | None]) -> None:
    assert windows(ran(made(task("a", 1, 10, at=2), five=five))) == [(2, 7, 10, 0, 10)]


def test_a_window_open_at_the_start_holds_what_it_started_with() -> None:
    assert windows(ran(made(task("a", 1, 10), five=(30, 2)))) == [(-3, 2, 40, 0, 10)]


def test_the_persons_use_opens_a_window_but_a_refused_one_does_not() -> None:
    result = ran(made(task("a", 1, 10, 1, at=6), person=[person(1, 5)]))
    assert windows(result) == [(1, 6, 5, 5, 0), (6, 11, 10, 0, 10)]
    result = ran(made(hours=2, week=(100, 99), person=[person(1, 5, 1)]))
    assert (windows(result), result["person_refused"]) == ([], 5)


@pytest.mark.parametrize("resets", [1, 1 - 168, 1 - 5 * 168])
def test_a_past_end_of_the_week_is_moved_on_by_whole_weeks(resets: float) -> None:
    assert tasks(ran(made(task("a", 1, 10), week=(95, resets)))) == {"a": (1, 2, 0)}


def test_a_week_that_ended_at_the_start_has_just_begun_but_keeps_what_is_used() -> None:
    assert parse(made(week=(95, 0))).seven_day.resets_at == 168 * HOUR
    assert tasks(ran(made(task("a", 1, 10), week=(95, 0), hours=169))) == {"a": (168, 169, 0)}


# --- rule 3: even spending -------------------------------------------------------------------------------------------


def test_a_run_spends_evenly_across_a_reset_and_opens_the_next_window_there() -> None:
    result = ran(made(task("a", 4, 40), five=(10, 1)))
    assert windows(result) == [(-4, 1, 20, 0, 10), (1, 6, 30, 0, 30)]


# --- rule 4: the wall ------------------------------------------------------------------------------------------------


def test_a_window_at_100_parks_and_resuming_has_its_price() -> None:
    result = ran(made(task("a", 3, 150, 15), task("b", 1, 10), hours=30))
    assert segments(result, "a") == [(0, 2, "wall"), (5, pytest.approx(6 + 60 / HOUR), "done")]
    assert windows(result)[:2] == [(0, 5, 100, 0, 100), (5, 10, 60.5, 0, 60.5)]
    assert tasks(result)["b"] == (pytest.approx(6 + 60 / HOUR), pytest.approx(7 + 60 / HOUR), 0)
    assert result["parked_runs"] == 1


def test_the_price_in_weekly_points_is_the_same_share() -> None:
    policy = Recorder({0.0: Choice(starts=("a",)), 5 * HOUR: Choice(starts=("a",))})
    played(made(task("a", 3, 150, 15), hours=9), policy)
    end = policy.seen[-1]
    assert end.seven_day.used == pytest.approx(15 + 0.5 * 15 / 150)
    assert (end.finished[0].five_hour, end.finished[0].duration_s) == (150, 3 * HOUR)


def test_the_week_is_a_wall_too_and_cuts_every_run() -> None:
    policy = Recorder(otherwise=greedy(2))
    result = played(made(task("a", 4, 10, 10), task("b", 4, 10, 10), slots=2, week=(95, 30), hours=31), policy)
    assert segments(result, "a")[0] == segments(result, "b")[0] == (0, 1, "wall")
    assert segments(result, "a")[1] == (30, 31, "open")
    assert [parked.why for parked in policy.seen[1].parked] == [Why.WALL, Why.WALL]
    assert result["parked_runs"] == 2


def test_nothing_starts_while_a_window_stands_at_100() -> None:
    with pytest.raises(PolicyError, match="'a' cannot start: a window stands at 100"):
        played(made(task("a", 1, 1), five=(100, 1)), Recorder({0.0: Choice(starts=("a",))}))
    with pytest.raises(PolicyError, match="stands at 100"):
        played(made(task("a", 1, 1), week=(100, 1)), Recorder({0.0: Choice(starts=("a",))}))


# --- rule 5: soft landing and alarm ----------------------------------------------------------------------------------


def test_a_soft_landing_parks_at_the_same_price() -> None:
    script = {0.0: Choice(starts=("a",), alarm=600.0), 600.0: Choice(lands=("a",), alarm=1200.0)}
    policy = Recorder(script | {1200.0: Choice(starts=("a",))})
    result = played(made(task("a", 1, 12)), policy)
    assert (
        segments(result, "a")
        == [(0, pytest.approx(1 / 6), "landed"), (pytest.approx(1 / 3), pytest.approx(1.2), "done")][:1]
        + segments(result, "a")[1:]
    )
    again = (pytest.approx(1 / 3), pytest.approx((1200 + 3000 + 60) / HOUR), "done")
    assert segments(result, "a") == [(0, pytest.approx(1 / 6), "landed"), again]
    assert windows(result)[0][2] == 12.5
    parked = policy.seen[2].parked[0]
    assert (parked.since, parked.why, parked.started) == (600, Why.LANDED, 0)
    assert parked.five_hour == pytest.approx(2)


def test_a_landing_needs_a_full_minute_of_the_local_clock() -> None:
    data = made(task("a", 1, 12)) | {"start": "2026-11-16T00:00:30.250+00:00"}
    start = parse(data).start
    assert past_minute(start, 0) == 30.25
    policy = Recorder({0.0: Choice(starts=("a",), alarm=29.75), 29.75: Choice(lands=("a",))})
    assert played(data, policy)["tasks"][0]["segments"][0]["why"] == "landed"
    assert [sight.may_land for sight in policy.seen[:2]] == [False, True]
    assert [sight.next_landing for sight in policy.seen[:2]] == [29.75, 89.75]
    with pytest.raises(PolicyError, match="does not show :00"):
        played(data, Recorder({0.0: Choice(starts=("a",), alarm=30.0), 30.0: Choice(lands=("a",))}))


def test_the_local_minute_is_the_zones_even_where_its_offset_has_seconds() -> None:
    start = datetime(1971, 5, 1, tzinfo=ZoneInfo("Africa/Monrovia"))
    assert past_minute(start, 0) == 0
    assert past_minute(start.astimezone(UTC), 0) == 30


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (Choice(starts=("a", "b")), "'b' cannot start: no slot is free"),
        (Choice(starts=("a", "a")), "'a' cannot start: it is in flight"),
        (Choice(starts=("c",)), "'c' cannot start: 'a' is not done"),
        (Choice(starts=("d",)), "'d' cannot start: it is not in the queue"),
        (Choice(starts=("unheard of",)), "it is not in the queue"),
        (Choice(lands=("a",)), "'a' is not in flight"),
        (Choice(alarm=0.0), "an alarm at 0.000 s is not in the future"),
        (Choice(alarm=float("nan")), "not in the future"),
    ],
)
def test_a_choice_against_the_rules_is_a_mistake_of_the_policy(choice: Choice, text: str) -> None:
    data = made(task("a", 1, 1), task("b", 1, 1), task("c", 1, 1, depends_on=["a"]), task("d", 1, 1, at=1))
    with pytest.raises(PolicyError, match=text):
        played(data, Recorder({0.0: choice}))


def test_an_alarm_takes_the_place_of_the_one_before() -> None:
    policy = Recorder({0.0: Choice(alarm=60.0), 60.0: Choice(alarm=180.0), 120.0: NOTHING})
    played(made(task("a", 1, 1, at=120 / HOUR), hours=1), policy)
    assert policy.asked == [0, 60, 120]


# --- rule 6: what a policy sees --------------------------------------------------------------------------------------


def test_a_policy_sees_what_has_been_spent_exactly_and_nothing_of_what_is_to_come() -> None:
    first, later = task("a", 2, 20, 4, deadline=iso(9), kind="x"), task("b", 1, 10, at=1, depends_on=["a"], priority=3)
    policy = Recorder({0.0: Choice(starts=("a",))})
    played(made(first, later, five=(30, 3), week=(10, 100), hours=3), policy)
    start, arrival, end = policy.seen
    assert [waiting.task.name for waiting in start.waiting] == ["a"]
    assert (start.waiting[0].task.deadline, start.waiting[0].task.kind) == (9 * HOUR, "x")
    assert (arrival.waiting[0].unmet, arrival.waiting[0].task.priority) == (("a",), 3)
    flight = arrival.in_flight[0]
    assert (flight.five_hour, flight.seven_day, flight.segment_five_hour) == (10, 2, 10)
    assert arrival.five_hour is not None
    assert (arrival.five_hour.used, arrival.five_hour.opened, arrival.five_hour.resets_at) == (40, -2 * HOUR, 3 * HOUR)
    assert (end.waiting[0].unmet, end.finished[0].end, end.finished[0].five_hour) == ((), 2 * HOUR, 20)
    assert not {"duration_s", "five_hour", "seven_day"} & set(dir(end.waiting[0].task))
    assert set(dir(parse(made()).known)) & {"length", "tasks", "person"} == set()


# --- rule 7: the person's use ----------------------------------------------------------------------------------------


def test_the_largest_fraction_that_fits_both_windows_is_taken() -> None:
    result = ran(made(five=(90, 2), week=(98, 90), person=[person(1, 20, 10)]))
    assert windows(result) == [(-3, 2, 94, 4, 0)]
    assert result["person_refused"] == 16
    result = ran(made(person=[person(1, 250)], hours=2))
    assert (windows(result), result["person_refused"]) == ([(1, 6, 100, 100, 0)], 150)


# --- rule 8: the reserve ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours_of", "held", "broken"),
    [
        ([reserve("03:00", "04:00", 60)], None, 20),  # 60 spent before count when they begin
        ([reserve("00:00", "02:00", 70)], None, 10),  # 40 are spent at two o'clock: its end is a limit
        ([reserve("00:00", "01:00", 70)], None, 0),
        ([reserve("05:00", "06:00", 90)], None, 0),  # the window is gone by then
        ([reserve("00:00", "02:00", 70), reserve("01:00", "03:00", 60)], None, 20),
        ([reserve("00:00", "02:00", 70), reserve("01:00", "04:00", 60)], (10, 5), 30),
        ([reserve("00:00", "05:00", 70)], (50, 5), 50),  # never more than what the runs spent
        ([reserve("22:00", "02:00", 70)], None, 10),  # began on the day before
        ([reserve("22:00", "02:00", 70, days="mon")], None, 0),
        ([reserve("04:00", "04:00", 90, days="sun")], None, 50),  # a whole day; spent until four o'clock
        ([reserve("00:00", "04:00", 0, 98)], None, 4),  # of the week
    ],
)
def test_reserve_broken_points(hours_of: list[Json], held: Any, broken: float) -> None:
    """One run spends 20 five-hour and 2 weekly points an hour, from midnight to three."""
    result = ran(made(task("a", 3, 60, 6), reserve=hours_of, five=held or (0, None), hours=10))
    assert result["reserve_broken_points"] == pytest.approx(broken)


def test_the_reserve_is_counted_in_every_window_and_whatever_the_person_used() -> None:
    data = made(task("a", 10, 160), reserve=[reserve("00:00", "10:00", 50)], person=[person(1, 15)])
    assert ran(data)["reserve_broken_points"] == pytest.approx(30 + 30)
    assert windows(ran(data))[0][2] == 95


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", "2026-10-24", 9),
        ("Europe/Berlin", "2026-03-28", 7),
        ("America/New_York", "2026-10-31", 9),
        ("Australia/Lord_Howe", "2026-04-04", 8.5),
        ("Australia/Lord_Howe", "2026-10-03", 7.5),
        ("Asia/Kolkata", "2026-10-24", 8),
    ],
)
def test_reserve_hours_are_local_and_right_across_changes_of_the_clock(zone: str, day: str, length: float) -> None:
    night = reserve("22:00", "06:00", 40, 10, days="sat")
    scenario = parse(made(hours=48, tz=zone, reserve=[night]) | {"start": f"{day}T12:00"})
    assert spans(scenario.start, scenario.reserve, scenario.length) == [Span(10 * HOUR, (10 + length) * HOUR, 40, 10)]


def test_of_several_reserves_the_largest_counts_for_each_window() -> None:
    scenario = parse(made(reserve=[reserve("01:00", "24:00", 10, 30), reserve("02:00", "03:00", 20, 5)], hours=4))
    found = spans(scenario.start, scenario.reserve, scenario.length)
    assert found == [(HOUR, 2 * HOUR, 10, 30), (2 * HOUR, 3 * HOUR, 20, 30), (3 * HOUR, 4 * HOUR, 10, 30)]
    assert [just_before(found, at * HOUR) for at in (1, 2, 3, 4)] == [(0, 0), (10, 30), (20, 30), (10, 30)]


# --- rules 9, 10, 11: edges ------------------------------------------------------------------------------------------


def test_what_is_in_flight_at_the_end_is_open_and_what_ends_there_is_done() -> None:
    result = ran(made(task("a", 2, 10), hours=1.5))
    assert segments(result, "a") == [(0, 1.5, "open")]
    assert (tasks(result)["a"], windows(result)) == ((0, None, 0), [(0, 5, 7.5, 0, 7.5)])
    result = ran(made(task("a", 2, 10), task("b", 1, 1), hours=2))
    assert tasks(result) == {"a": (0, 2, 0), "b": (None, None, 0)}


def test_times_are_told_in_the_zone_with_milliseconds() -> None:
    result = ran(made(task("a", 1.2345678 / HOUR, 10), tz="Asia/Kolkata"))
    assert result["tasks"][0]["start"] == "2026-11-16T05:30:00.000+05:30"
    assert result["tasks"][0]["end"] == "2026-11-16T05:30:01.235+05:30"


def test_times_without_an_offset_are_in_the_zone() -> None:
    data = made(task("a", 1, 10, arrives="2026-11-16T02:00")) | {"start": "2026-11-16T00:00", "tz": "Europe/Berlin"}
    assert tasks(ran(data))["a"][0] == 1


def test_use_by_the_person_before_the_start_or_at_the_end_is_ignored() -> None:
    result = ran(made(hours=2, person=[person(-1, 10), person(2, 300), person(3, 10), person(0, 7)]))
    assert (windows(result), result["person_refused"]) == ([(0, 5, 7, 7, 0)], 0)


def test_a_parked_dependency_is_not_met() -> None:
    policy = Recorder(otherwise=greedy(2))
    played(made(task("a", 3, 150), task("b", 1, 1, depends_on=["a"]), slots=2), policy)
    assert policy.seen[1].parked[0].task.name == "a"
    assert policy.seen[1].waiting[0].unmet == ("a",)
