"""Whether it fits: what work takes up to each moment, what windows offer, and when it would.  Figures worked by hand.

Points are percent, rates are points a second: 20 points an hour are 1/180 of a point a second.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core import admission, queue
from cctui.core.admission import CARE, DOUBT, FIVE_HOURS, LAST_CALL, LATE, WEEK, Flight, Miss, Need, Room, Row
from cctui.core.cost import learn
from cctui.core.settings import CapacitySettings, Reserve, Settings
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Ending,
    Estimate,
    Person,
    Progress,
    Quantiles,
    Record,
    Run,
    Share,
    Stage,
    Stop,
    Task,
    Why,
    World,
)
from tests.core.learned import at_work, learned, records, with_runs
from tests.core.made import T0, after, reading, task
from tests.core.made import world as made_of

HOUR = 3600.0
RATE = 20 / HOUR
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SMALL, LARGE, HUGE = task("a", kind="small"), task("a", kind="large"), task("a", kind="huge")


# --- what work takes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "hours", "expected"),
    [
        (Need(40, RATE), 0, 0),
        (Need(40, RATE), 1, 20),
        (Need(40, RATE), 2, 40),
        (Need(40, RATE), 9, 40),
        (Need(40, RATE, 1.5 * HOUR), 1, 0),
        (Need(40, RATE, 1.5 * HOUR), 2, 10),
        (Need(40, inf), 0.001, 40),
        (Need(40, 0.0), 5, 0),
    ],
)
def test_what_is_taken_up_to_a_moment(need: Need, hours: float, expected: float) -> None:
    assert need.until(hours * HOUR) == pytest.approx(expected)


@given(st.floats(0, 200), st.floats(0, 1), st.floats(0, 1e5), st.floats(0, 1e6), st.floats(0, 1e6))
def test_nothing_is_ever_given_back(points: float, rate: float, delay: float, one: float, other: float) -> None:
    need = Need(points, rate, delay)
    early, late = sorted((one, other))
    assert 0 <= need.until(early) <= need.until(late) <= points


def test_needs_are_those_of_one_quantile_over_the_time_they_take_at_a_high_rate() -> None:
    """6, 8 or 9 points at 24 an hour at most (p90): p80 lasts a third of an hour, and so does its part of the week."""
    points = {FIVE_HOUR: Quantiles(6.0, 8.0, 9.0), SEVEN_DAY: Quantiles(0.6, 1.0, 1.2)}
    known = Estimate(9, "", None, Quantiles(600.0, 900.0, 1200.0), points, Quantiles(18.0, 20.0, 24.0))
    assert admission.lasts(known, "p80") == pytest.approx(1200)
    found = admission.needs(known, "p80", 60.0)
    assert found[FIVE_HOUR] == pytest.approx(Need(8.0, 24 / HOUR, 60.0))
    assert found[SEVEN_DAY] == pytest.approx(Need(1.0, 1.0 / 1200, 60.0))
    assert admission.needs(known, "p50")[FIVE_HOUR].points == 6.0
    assert admission.needs(known, "p90")[FIVE_HOUR].points == 9.0


def test_without_a_rate_its_time_is_that_of_its_kind_and_else_it_takes_all_at_once() -> None:
    points = {FIVE_HOUR: Quantiles(6.0, 8.0, 9.0)}
    timed = Estimate(9, "", None, Quantiles(600.0, 800.0, 900.0), points)
    assert admission.needs(timed, "p80")[FIVE_HOUR] == pytest.approx(Need(8.0, 0.01))
    assert admission.needs(Estimate(9, "", None, None, points), "p80")[FIVE_HOUR].rate == inf


def test_what_costs_nothing_takes_nothing() -> None:
    free = Estimate(9, "", None, None, {FIVE_HOUR: Quantiles(0.0, 0.0, 0.0)}, Quantiles(0.0, 0.0, 0.0))
    assert admission.needs(free, "p80")[FIVE_HOUR].until(HOUR) == 0.0


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (None, False),
        (Estimate(0, "nothing is known of it yet"), False),
        (Estimate(3, "", Quantiles(1.0, 1.0, 1.0)), False),
        (Estimate(3, "", points={SEVEN_DAY: Quantiles(1.0, 1.0, 1.0)}), False),
        (Estimate(3, "", points={FIVE_HOUR: Quantiles(1.0, 1.0, 1.0)}), True),
    ],
)
def test_its_cost_is_known_once_its_points_of_the_window_are(estimate: Estimate | None, expected: bool) -> None:
    assert admission.known(estimate) is expected


# --- runs at work ----------------------------------------------------------------------------------------------------

TEN = {"k": [4.0, 6.0, 8.0, 10.0, 20.0]}


def _varied() -> World:
    """A kind of 4, 6, 8, 10 and 20 points, each at 20 points an hour; p80 is 12."""
    made = [entry for five in TEN["k"] for entry in records({"k": (five, five / 20 * HOUR)}, 1)]
    world = replace(learned(task("k")), costs=learn({}, made))
    return replace(world, line=queue.line(world))


@pytest.mark.parametrize(
    ("spent", "remaining"),
    [
        pytest.param(0.0, 12.0, id="all that such runs take"),
        pytest.param(5.0, 9.0, id="of 6, 8, 10 and 20 the place 2.4: 14"),
        pytest.param(8.0, 10.0, id="of 10 and 20 the place 0.8: 18"),
        pytest.param(12.0, 8.0, id="one alone came further"),
        pytest.param(19.0, 9.5, id="nearly as far as any: half as much again"),
        pytest.param(30.0, 15.0, id="beyond all of them"),
    ],
)
def test_what_a_run_still_takes_is_what_those_took_that_came_as_far(spent: float, remaining: float) -> None:
    run = at_work(task("k"), 30.0, {FIVE_HOUR: spent})
    found = admission.flight(_varied(), run, T0)
    assert found.needs[FIVE_HOUR] == pytest.approx(Need(remaining, RATE))
    assert found.seconds == pytest.approx(remaining / RATE)


@pytest.mark.parametrize(
    ("spent", "seconds", "exact", "rate"),
    [
        pytest.param(6.0, 600.0, False, 0.01, id="its own"),
        pytest.param(6.0, 44.0, False, RATE, id="not long enough at work"),
        pytest.param(1.9, 600.0, False, RATE, id="too few points, where readings are whole percents"),
        pytest.param(1.9, 190.0, True, 0.01, id="few points, told exactly"),
        pytest.param(0.0, 600.0, True, RATE, id="nothing yet"),
    ],
)
def test_its_own_rate_counts_once_it_has_shown(spent: float, seconds: float, exact: bool, rate: float) -> None:
    told = Progress(points={FIVE_HOUR: spent} if exact else None)
    run = at_work(task("k"), seconds, {FIVE_HOUR: spent}, progress=told)
    assert admission.flight(_varied(), run, T0).needs[FIVE_HOUR].rate == pytest.approx(rate)


def _ending(seconds: float) -> Ending:
    return Ending(Stop.CANCELLED, T0, seconds)


def test_the_legs_before_this_one_are_time_at_work_too() -> None:
    run = at_work(task("k"), 100.0, {FIVE_HOUR: 6.0}, last=_ending(500.0))
    assert admission.flight(_varied(), run, T0).needs[FIVE_HOUR].rate == pytest.approx(0.01)


def test_a_parked_run_takes_the_rest_and_the_price_of_resuming() -> None:
    run = at_work(task("k"), 100.0, {FIVE_HOUR: 8.0}, stage=Stage.PARKED, ending=_ending(800.0))
    assert admission.parked(_varied(), run, "p80")[FIVE_HOUR] == pytest.approx(Need(10 * 1.05, 0.01))


def test_a_parked_runs_own_rate_is_over_all_its_legs() -> None:
    """The ending of every leg counts all seconds so far."""
    run = at_work(task("k"), 0.0, {FIVE_HOUR: 8.0}, stage=Stage.PARKED, last=_ending(400.0), ending=_ending(800.0))
    assert admission.parked(_varied(), run, "p80")[FIVE_HOUR].rate == pytest.approx(0.01)


def test_what_is_known_of_nothing_takes_nothing_that_could_be_told() -> None:
    made = replace(learned(task("new")), costs={})
    run = at_work(task("new"), 100.0)
    found = admission.flight(replace(made, line=queue.line(made)), run, T0)
    assert found == Flight("new", {}, 0.0)


# --- what windows offer ----------------------------------------------------------------------------------------------


def _rooms(made: World, *flights: Flight) -> dict[str, Room]:
    return {room.window: room for room in admission.rooms(made, T0, flights)}


def _row(room: Room, why: Why, begin: float = 0.0) -> Row:
    (found,) = [row for row in room.rows if row.why is why and row.begin == begin]
    return found


def test_a_window_offers_what_is_left_of_it_and_then_a_new_one() -> None:
    found = _rooms(learned(used=30.0, week=60.0))
    assert found[FIVE_HOUR].rows == (
        Row(0.0, 3 * HOUR, 100.0, 70.0, Why.FIT),
        Row(3 * HOUR, 8 * HOUR, 100.0, 100.0, Why.FIT),
    )
    assert found[SEVEN_DAY].rows[0] == Row(0.0, 90 * HOUR, 100.0, 40.0, Why.FIT)
    assert found[SEVEN_DAY].rows[1] == Row(90 * HOUR, 90 * HOUR + WEEK, 100.0, 100.0, Why.FIT)
    assert (found[FIVE_HOUR].used, found[FIVE_HOUR].ends, found[FIVE_HOUR].kept) == (30, 3 * HOUR, 0)


def test_runs_at_work_claim_of_each_window_what_they_take_in_it() -> None:
    """80 points at 20 an hour: 60 before the reset in three hours, 20 after it."""
    flight = Flight("b", {FIVE_HOUR: Need(80.0, RATE), SEVEN_DAY: Need(8.0, RATE / 10)}, 4 * HOUR)
    found = _rooms(learned(used=30.0), flight)
    assert [row.free for row in found[FIVE_HOUR].rows] == pytest.approx([10, 80])
    assert [row.free for row in found[SEVEN_DAY].rows] == pytest.approx([72, 100])
    assert (found[FIVE_HOUR].claimed, found[SEVEN_DAY].claimed) == pytest.approx((60, 8))


def test_a_run_that_is_over_before_the_reset_claims_nothing_after_it() -> None:
    found = _rooms(learned(used=30.0), Flight("b", {FIVE_HOUR: Need(10.0, RATE)}, HOUR / 2))
    assert [row.free for row in found[FIVE_HOUR].rows] == pytest.approx([60, 100])


@pytest.mark.parametrize(
    ("readings", "windows"),
    [
        pytest.param((reading(30.0),), {FIVE_HOUR}, id="the week not known"),
        pytest.param((reading(30.0, SEVEN_DAY),), set(), id="the window not known"),
        pytest.param((reading(30.0, at=after(hours=-1)), reading(9.0, SEVEN_DAY)), set(), id="its reading too old"),
        pytest.param(
            (reading(30.0), reading(9.0, SEVEN_DAY, at=after(hours=-1))),
            {FIVE_HOUR, SEVEN_DAY},
            id="a week's need not be",
        ),
        pytest.param(
            (reading(30.0), reading(5.0, "seven_day_opus")), {FIVE_HOUR, "seven_day_opus"}, id="a model's week"
        ),
    ],
)
def test_windows_of_which_too_little_is_known_offer_nothing(readings: Any, windows: set[str]) -> None:
    made = replace(learned(), readings=readings)
    assert _rooms(made).keys() == windows


def test_a_window_whose_end_nobody_knows_is_taken_to_be_a_whole_one() -> None:
    made = replace(learned(), readings=(reading(30.0, resets_at=None),))
    assert _rooms(made)[FIVE_HOUR].ends == FIVE_HOURS


def test_a_firm_limit_of_the_person_is_the_top() -> None:
    found = _rooms(learned(used=30.0, week=60.0, limits=(FIVE_HOUR,), five_hour_max=75.0))
    assert _row(found[FIVE_HOUR], Why.SHARE) == Row(0.0, 3 * HOUR, 75.0, 45.0, Why.SHARE)
    assert _row(found[FIVE_HOUR], Why.FIT, 3 * HOUR).cap == 75
    assert _row(found[SEVEN_DAY], Why.FIT).cap == 100


# --- reserve ---------------------------------------------------------------------------------------------------------


def _kept(start: str, end: str, five: float, week: float = 0.0) -> Reserve:
    return Reserve(DAYS, start, end, five, week)


def _seen(made: World, held: float, ours: float, person: float) -> World:
    """Of the window this much was there when it was first seen, ours, and the person's."""
    share = Share(after(hours=3), held, ours, person, held + ours + person)
    return replace(made, shares={FIVE_HOUR: share})


def test_the_reserve_binds_up_to_its_end_and_leaves_the_rest_of_the_window() -> None:
    """It is five past midnight: kept until one, the window ends at 03:05."""
    found = _rooms(learned(used=30.0, reserve=(_kept("22:00", "01:00", 25.0),)))[FIVE_HOUR]
    row = _row(found, Why.RESERVE)
    assert (row.begin, row.end, row.free) == pytest.approx((0, 55 * 60, 45))
    assert _row(found, Why.FIT).free == 70
    assert found.kept == 0, "at the reset nothing is kept any more"


def test_a_reserve_that_comes_later_binds_from_now_on() -> None:
    """What is gone by then cannot be kept: 02:00 to 09:00 is more than the window lives."""
    found = _rooms(learned(used=30.0, reserve=(_kept("02:00", "09:00", 25.0),)))[FIVE_HOUR]
    assert _row(found, Why.RESERVE).end == 3 * HOUR
    assert _row(found, Why.RESERVE).free == pytest.approx(45)
    assert found.kept == 25


def test_a_stretch_that_comes_after_the_reset_binds_the_next_window() -> None:
    """06:00 to 07:00: the next window opens at 03:05 and ends at 08:05."""
    found = _rooms(learned(used=30.0, reserve=(_kept("06:00", "07:00", 25.0),)))[FIVE_HOUR]
    assert [row for row in found.rows if row.why is Why.RESERVE] == [
        pytest.approx(Row(3 * HOUR, 7 * HOUR - 300, 75.0, 75.0, Why.RESERVE))
    ]


def test_what_the_person_has_used_of_it_already_is_not_kept_twice() -> None:
    """Of a reserve of 25 they have used 20 themselves: ours may take 75 of the window in all, and has taken 10."""
    made = _seen(learned(used=30.0, reserve=(_kept("00:00", "24:00", 25.0),)), 0.0, 10.0, 20.0)
    found = _rooms(made)[FIVE_HOUR]
    assert _row(found, Why.RESERVE).free == pytest.approx(65)
    assert found.kept == pytest.approx(5)


def test_what_was_there_before_we_looked_counts_as_ours() -> None:
    made = _seen(learned(used=30.0, reserve=(_kept("00:00", "24:00", 25.0),)), 20.0, 10.0, 0.0)
    assert _row(_rooms(made)[FIVE_HOUR], Why.RESERVE).free == pytest.approx(45)


def test_of_stretches_of_one_size_the_last_binds_and_each_size_by_itself() -> None:
    reserves = (_kept("00:00", "01:00", 25.0), _kept("02:00", "02:30", 25.0), _kept("00:00", "02:00", 40.0))
    rows = [row for row in _rooms(learned(used=30.0, reserve=reserves))[FIVE_HOUR].rows if row.why is Why.RESERVE]
    now = [(round(row.end / 60), row.free) for row in rows if not row.begin]
    assert sorted(now) == [(115, 30), (145, 45)]


def test_a_reserve_of_the_week_alone_binds_the_week_alone() -> None:
    found = _rooms(learned(week=60.0, reserve=(_kept("00:00", "24:00", 0.0, 15.0),)))
    assert [row for row in found[FIVE_HOUR].rows if row.why is Why.RESERVE] == []
    assert _row(found[SEVEN_DAY], Why.RESERVE).free == pytest.approx(25)


# --- room for a person at work ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("habit", "days", "most", "points"),
    [
        pytest.param(10.0, 0.0, 30.0, 20.0, id="twice their habit"),
        pytest.param(10.0, 1.0, 30.0, 20 * exp(-1), id="a day ago"),
        pytest.param(50.0, 0.0, 30.0, 30.0, id="no more than is set"),
        pytest.param(10.0, 0.0, 0.0, None, id="switched off"),
        pytest.param(0.4, 0.0, 30.0, None, id="less than a point is nothing"),
    ],
)
def test_room_for_a_person_is_kept_as_long_as_it_can_still_be_used(
    habit: float, days: float, most: float, points: float | None
) -> None:
    """Two slots of 20 points an hour, half of which can be relied on: the room is free again in time for that."""
    made = replace(learned(used=30.0, person_grows=most), person=Person(0, after(hours=-24 * days), 1.0, habit))
    rows = [row for row in _rooms(made)[FIVE_HOUR].rows if row.why is Why.PERSON]
    if points is None:
        assert rows == []
        return
    (row,) = rows
    assert row.end == pytest.approx(3 * HOUR - points / RATE)
    assert (row.cap, row.free) == pytest.approx((100 - points, 70 - points))


def test_it_is_kept_of_the_window_alone_and_only_where_the_reserve_is_less() -> None:
    person = Person(1, T0, 1.0, 10.0)
    smaller = learned(used=30.0, reserve=(_kept("00:00", "24:00", 15.0),))
    larger = learned(used=30.0, reserve=(_kept("00:00", "24:00", 25.0),))
    assert [row.why for row in _rooms(replace(smaller, person=person))[FIVE_HOUR].rows].count(Why.PERSON) == 1
    assert Why.PERSON not in {row.why for row in _rooms(replace(larger, person=person))[FIVE_HOUR].rows}
    assert Why.PERSON not in {row.why for row in _rooms(replace(smaller, person=person))[SEVEN_DAY].rows}


def test_nothing_is_kept_where_it_could_not_be_used_in_time() -> None:
    made = replace(learned(used=30.0, ends=0.9), person=Person(1, T0, 1.0, 10.0))
    assert Why.PERSON not in {row.why for row in _rooms(made)[FIVE_HOUR].rows}


# --- does it fit? ----------------------------------------------------------------------------------------------------


def _room(*rows: Row, used: float = 50.0, window: str = FIVE_HOUR, ends: float = 3 * HOUR) -> Room:
    return Room(window, rows, used, 0.0, 0.0, ends)


REST = Row(0.0, 3 * HOUR, 100.0, 30.0, Why.FIT)
NEXT = Row(3 * HOUR, 8 * HOUR, 100.0, 100.0, Why.FIT)


@pytest.mark.parametrize(
    ("points", "rows", "expected"),
    [
        pytest.param(30.0, (REST, NEXT), None, id="exactly what is left"),
        pytest.param(
            31.0, (REST, NEXT), Miss(Why.FIT, FIVE_HOUR, 31.0, 30.0, 1.5 * HOUR, 3 * HOUR), id="a point too much"
        ),
        pytest.param(
            80.0, (REST, NEXT), Miss(Why.FIT, FIVE_HOUR, 60.0, 30.0, 1.5 * HOUR, 3 * HOUR), id="what it takes by then"
        ),
        pytest.param(
            80.0,
            (REST._replace(free=70.0), NEXT._replace(free=10.0)),
            Miss(Why.FIT, FIVE_HOUR, 20.0, 10.0, 3 * HOUR, 3 * HOUR),
            id="what crosses the reset has to fit there",
        ),
        pytest.param(
            31.0,
            (REST._replace(free=-5.0),),
            Miss(Why.FIT, FIVE_HOUR, 31.0, 0.0, 3 * HOUR, 3 * HOUR),
            id="more is claimed than there is",
        ),
        pytest.param(
            25.0,
            (Row(0.0, HOUR, 40.0, 10.0, Why.RESERVE), REST, NEXT),
            Miss(Why.RESERVE, FIVE_HOUR, 20.0, 10.0, HOUR / 2, HOUR),
            id="it is over the reserve by then, and fits half an hour later",
        ),
        pytest.param(
            40.0,
            (Row(0.0, HOUR, 40.0, 10.0, Why.RESERVE), REST, NEXT),
            Miss(Why.FIT, FIVE_HOUR, 40.0, 30.0, 1.5 * HOUR, 3 * HOUR),
            id="of two bounds the one that is broken for longer",
        ),
        pytest.param(
            96.0, (REST._replace(free=91.0, end=8 * HOUR),), None, id="what no window can hold: nine tenths do"
        ),
        pytest.param(
            96.0,
            (REST._replace(free=89.0, end=8 * HOUR),),
            Miss(Why.FIT, FIVE_HOUR, 96.0, 89.0, 8 * HOUR - 89 / RATE, 8 * HOUR),
            id="less than nine tenths do not",
        ),
    ],
)
def test_miss(points: float, rows: tuple[Row, ...], expected: Miss | None) -> None:
    found = admission.miss((_room(*rows),), {FIVE_HOUR: Need(points, RATE)})
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_full_window_is_shut_until_its_reset_whatever_it_costs() -> None:
    for points in (0.0, 1.0):
        found = admission.miss((_room(REST, NEXT, used=100.0),), {FIVE_HOUR: Need(points, RATE)})
        assert found == Miss(Why.FIT, FIVE_HOUR, points, 0.0, 3 * HOUR, 3 * HOUR)


@pytest.mark.parametrize(("points", "fits"), [(10.0, True), (20.0, False)])
def test_a_bound_that_is_over_claimed_holds_only_what_takes_of_it(points: float, fits: bool) -> None:
    """Half an hour before the reset 10 points are over by then; of 20 the rest would fall behind it."""
    rows = (Row(0.0, HOUR / 2, 100.0, 30.0, Why.FIT), Row(HOUR / 2, 5.5 * HOUR, 70.0, -30.0, Why.RESERVE))
    found = admission.miss((_room(*rows, ends=HOUR / 2),), {FIVE_HOUR: Need(points, RATE)})
    assert (found is None) is fits


def test_a_window_that_the_work_does_not_spend_from_does_not_hold_it() -> None:
    full = _room(REST._replace(free=0.0), used=100.0, window="seven_day_opus")
    assert admission.miss((full, _room(REST)), {FIVE_HOUR: Need(1.0, RATE)}) is None


@pytest.mark.parametrize(
    ("end", "care"),
    [
        pytest.param(LATE, 1.0, id="twenty minutes are enough"),
        pytest.param(LATE - 1, CARE, id="later than that it needs some more"),
        pytest.param(LAST_CALL, CARE, id="up to the last minutes"),
        pytest.param(LAST_CALL - 1, DOUBT, id="in which it needs thrice the room"),
    ],
)
def test_the_last_call(end: float, care: float) -> None:
    """A point, at once: shortly before a bound's end what it really takes would show too late."""
    assert 1 < CARE < DOUBT == 3
    for free, fits in ((care, True), (care - 0.01, False)):
        found = admission.miss((_room(Row(0.0, end, 100.0, free, Why.FIT), ends=end),), {FIVE_HOUR: Need(1.0, inf)})
        assert (found is None) is fits


ROWS = st.builds(
    lambda span, *rest: Row(*span, *rest),
    st.sampled_from([(0.0, 100.0), (0.0, 2 * HOUR), (0.0, 5 * HOUR), (3 * HOUR, 4 * HOUR), (3 * HOUR, 8 * HOUR)]),
    st.sampled_from([60.0, 100.0]),
    st.floats(-10, 100),
    st.sampled_from([Why.FIT, Why.RESERVE]),
)
ROOMS = st.lists(ROWS, min_size=1, max_size=3).map(lambda rows: (_room(*rows),))


@given(ROOMS, st.floats(0.1, 50), st.floats(1.0, 1.5), st.floats(1e-4, 0.05))
def test_what_takes_less_fits_wherever_more_does(
    rooms: tuple[Room, ...], most: float, part: float, rate: float
) -> None:
    """But for what no window can hold, which is let in where nine tenths are free."""
    if admission.miss(rooms, {FIVE_HOUR: Need(most, rate)}) is None:
        less = {FIVE_HOUR: Need(most / part, rate)}
        assert admission.miss(rooms, less) is None


@given(ROOMS, st.floats(0.1, 150), st.floats(1e-4, 0.05))
def test_a_miss_says_what_is_missing_and_when_to_look_again(
    rooms: tuple[Room, ...], points: float, rate: float
) -> None:
    found = admission.miss(rooms, {FIVE_HOUR: Need(points, rate)})
    if found is not None:
        assert found.need > found.free >= 0
        assert found.after >= 1
        assert found.opens >= 1
        assert found.after <= max(found.opens, *(row.end for row in rooms[0].rows), rooms[0].ends)


@given(st.floats(1, 89), st.floats(0, 100), st.floats(2e-3, 0.05), st.floats(0.1, 5))
def test_at_the_moment_that_was_told_it_fits(points: float, free: float, rate: float, hours: float) -> None:
    """One bound alone, of which others take nothing meanwhile; near its end it may be the end itself."""
    end = hours * HOUR
    found = admission.miss((_room(Row(0.0, end, 100.0, free, Why.FIT), ends=end),), {FIVE_HOUR: Need(points, rate)})
    if found is None or found.after > end - LAST_CALL:
        return
    left = end - found.after
    assert (
        admission.miss((_room(Row(0.0, left, 100.0, free, Why.FIT), ends=left),), {FIVE_HOUR: Need(points, rate)})
        is None
    )


# --- claims ----------------------------------------------------------------------------------------------------------


def test_a_claim_takes_of_every_bound_what_falls_into_it() -> None:
    """30 points, from two hours on: 20 before the reset, 10 after it."""
    week = _room(Row(0.0, 90 * HOUR, 100.0, 80.0, Why.FIT), window=SEVEN_DAY, ends=90 * HOUR)
    (five, other) = admission.with_claim((_room(REST, NEXT), week), {FIVE_HOUR: Need(30.0, RATE, 2 * HOUR)})
    assert [row.free for row in five.rows] == pytest.approx([10, 90])
    assert five.claimed == pytest.approx(20)
    assert other == week


def test_more_than_a_window_holds_leaves_nothing_but_no_less() -> None:
    claim = {FIVE_HOUR: Need(150.0, RATE)}
    (room,) = admission.with_claim((_room(REST, NEXT, Row(0.0, HOUR, 40.0, -3.0, Why.RESERVE)),), claim)
    assert [row.free for row in room.rows] == pytest.approx([0, 10, -3])


@given(ROOMS, st.floats(0, 150), st.floats(1e-4, 0.05), st.floats(0, 1e4))
def test_a_claim_never_makes_room(rooms: tuple[Room, ...], points: float, rate: float, delay: float) -> None:
    (before,) = rooms
    (room,) = admission.with_claim(rooms, {FIVE_HOUR: Need(points, rate, delay)})
    assert all(new.free <= old.free for new, old in zip(room.rows, before.rows, strict=True))
    assert [row._replace(free=0.0) for row in room.rows] == [row._replace(free=0.0) for row in before.rows]


# --- as a gate -------------------------------------------------------------------------------------------------------


def _held(made: World) -> list[Why]:
    return [reason.why for reason in queue.blocks(made, made.tasks["a"], T0)]


@pytest.mark.parametrize(
    ("of", "used", "ends", "free"),
    [
        pytest.param(LARGE, 60.0, 3.0, True, id="it fits exactly"),
        pytest.param(LARGE, 61.0, 3.0, False, id="it does not"),
        pytest.param(LARGE, 61.0, 1.9, True, id="of which the rest falls into the next window"),
        pytest.param(LARGE, 99.9, 0.01, False, id="at the very end it needs thrice the fifth of a point"),
        pytest.param(HUGE, 0.0, 5.0, True, id="what no window can hold has an empty one"),
        pytest.param(HUGE, 11.0, 5.0, False, id="one that is used a little is too small for it"),
        pytest.param(HUGE, 11.0, 4.4, True, id="until the reset is near enough"),
        pytest.param(SMALL, 92.0, 0.35, True, id="capacity that expires is used: seven points in 21 minutes"),
    ],
)
def test_admission(of: Task, used: float, ends: float, free: bool) -> None:
    made = learned(of, used=used, ends=ends)
    assert _held(made) == ([] if free else [Why.FIT])


def test_a_run_at_work_leaves_less() -> None:
    other = task("b", kind="large")
    made = learned(LARGE, other, used=30.0)
    assert _held(made) == []
    assert _held(with_runs(made, at_work(other))) == [Why.FIT]
    nearly_done = at_work(other, 6600.0, {FIVE_HOUR: 38.0, SEVEN_DAY: 3.8})
    assert _held(with_runs(made, nearly_done)) == []


def test_work_of_unknown_cost_meets_the_plain_maxima() -> None:
    made = learned(task("a", kind="new"), used=91.0, kinds={})
    assert _held(made) == [Why.CAPACITY]
    assert _held(learned(task("a", kind="small"), used=89.0, ends=3.0)) == []


def _parked(spent: float) -> Run:
    """A run of the large kind, parked after so many points at 20 an hour."""
    used = {FIVE_HOUR: spent, SEVEN_DAY: spent / 10}
    return at_work(LARGE, 0.0, used, stage=Stage.PARKED, ending=_ending(spent * 180))


def test_a_parked_run_needs_what_is_left_of_it() -> None:
    """Of 40 points 30 are spent: 10 and the price of resuming, 10.5 in all."""
    for used, free in ((89.5, True), (89.6, False)):
        made = with_runs(learned(LARGE, used=used), _parked(30.0))
        assert (_held(made) == []) is free, used


def test_a_parked_run_does_not_go_on_for_a_crumb() -> None:
    """Six minutes before the reset it could spend but two points; seven minutes before, more."""
    for minutes, free in ((5.9, False), (6.1, True)):
        made = with_runs(learned(LARGE, used=50.0, ends=minutes / 60), _parked(10.0))
        assert (_held(made) == []) is free, minutes


def test_switched_off_only_the_plain_maxima_count() -> None:
    costs = learn({}, [Record("k", True, None, 1000, 60.0, "", T0, kind="k", window_pct=40.0) for _ in range(5)])
    for by_cost, starts in ((True, False), (False, True)):
        chosen = Settings(capacity=CapacitySettings(by_cost=by_cost))
        made = made_of(task("a", kind="k"), readings=(reading(80.0), reading(10.0, SEVEN_DAY)), settings=chosen)
        made = replace(made, costs=costs)
        made = replace(made, line=queue.line(made, T0))
        assert (queue.block(made, made.tasks["a"], T0) is None) is starts
