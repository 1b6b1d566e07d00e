"""Whose use it is: tables worked by hand, and laws.  A point of the 5-hour window is worth 10,000 tokens, if known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.core import attribution, capacity, cost
from cctui.core.claims import LATE
from cctui.core.effects import Finish
from cctui.core.events import Filed, Looked, Measured, PersonSeen, Progressed
from cctui.core.looks import close
from cctui.core.retry import Done
from cctui.core.step import step
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Confidence,
    Leg,
    Part,
    Person,
    Progress,
    Record,
    Run,
    Share,
    Sight,
    SightState,
    Stage,
    World,
)
from tests.core import made
from tests.core.made import T0, after, good, reading

OPUS = "seven_day_opus"
END = after(hours=3)
EARLY = after(minutes=-30)


def record(name: str = "old", **more: Any) -> Record:
    fields: dict[str, Any] = {
        "window_pct": 10.0,
        "week_pct": 1.0,
        "kind": "x",
        "runner": "claude",
        "run_id": name,
    } | more
    return Record(name, True, None, 100_000, 600, "", after(hours=-9), ended=after(hours=-8), **fields)


PRICED = cost.learn({}, [record(str(number)) for number in range(3)])


def at_work(name: str, tokens: int | None = None, *, started: datetime = T0, **more: Any) -> Run:
    of = {key: more.pop(key) for key in ("model", "account", "capacity_before", "week_before") if key in more}
    runner = more.pop("runner", "claude")
    spec = made.spec(name, run_id=name, started=started, **({"runner": runner, "model": None} | of))
    return replace(Run(spec, Stage.RUNNING, leg_started=started, progress=Progress(tokens=tokens)), **more)


def of(*runs: Run, priced: bool = False, **more: Any) -> World:
    return World(runs={run.spec.run_id: run for run in runs}, costs=PRICED if priced else {}, at=T0, **more)


def seen(
    world: World,
    used: float | None,
    at: datetime,
    window: str = FIVE_HOUR,
    *,
    ends: datetime | None = END,
    **more: Any,
) -> World:
    """The World after one reading."""
    new = reading(used, window, at=at, resets_at=ends, **more)
    return attribution.measured(replace(world, readings=capacity.merge(world.readings, (new,), at)), at)


def spent(world: World, name: str, tokens: int | None, *, at: datetime | None = None, **more: Any) -> World:
    run = world.runs[name]
    run = replace(run, progress=replace(run.progress, tokens=tokens), heard=at or run.heard, **more)
    return replace(world, runs={**world.runs, name: run})


def parts(world: World, window: str = FIVE_HOUR) -> tuple[float, float, float]:
    """Held, ours, the person's."""
    share = world.shares[window]
    return round(share.held, 6), round(share.ours, 6), round(share.person, 6)


def points(world: World, window: str = FIVE_HOUR) -> dict[str, float]:
    return {name: round(run.points[window], 6) for name, run in world.runs.items() if window in run.points}


ALONE = at_work("a", capacity_before=10.0, week_before=20.0)


# --- first sight, windows --------------------------------------------------------------------------------------------


def test_what_a_window_held_when_first_seen_is_nobodys() -> None:
    world = seen(of(), 37.0, T0)
    assert parts(world) == (37.0, 0.0, 0.0)
    assert world.person == Person()


def test_a_window_that_opens_while_we_watch_held_nothing() -> None:
    world = seen(of(at_work("a", 10)), 0.0, T0, ends=None)
    world = seen(world, 3.0, after(minutes=3), ends=after(hours=5))
    assert parts(world) == (0.0, 3.0, 0.0)
    assert points(world) == {"a": 3.0}


def test_what_lags_behind_in_a_window_that_opens_is_not_counted_twice() -> None:
    world = seen(of(at_work("a", 0), priced=True), 0.0, T0, ends=None)
    world = seen(spent(world, "a", 40_000), 3.0, after(minutes=3), ends=after(hours=5))
    assert points(world) == {"a": 3.0}, "no other window can hold the fourth"
    assert points(seen(world, 4.0, after(minutes=4), ends=after(hours=5))) == {"a": 4.0}


def test_one_that_opens_while_only_the_person_works_is_the_persons() -> None:
    world = seen(seen(of(), 0.0, T0, ends=None), 3.0, after(minutes=3), ends=after(hours=5))
    assert parts(world) == (0.0, 0.0, 3.0)


def test_a_run_over_two_windows_has_spent_in_both() -> None:
    world = seen(of(at_work("a", 0), priced=True), 10.0, T0)
    world = seen(spent(world, "a", 40_000), 14.0, after(hours=2))  # worth 4
    world = seen(spent(world, "a", 90_000), 3.0, after(hours=3, minutes=10), ends=after(hours=8))
    assert parts(world) == (0.0, 3.0, 0.0)
    assert points(world) == {"a": 9.0}, "50,000 tokens are worth 5: what did not show went into the first"
    assert world.shares[FIVE_HOUR].resets_at == after(hours=8)


def test_the_persons_part_of_a_new_window_that_a_run_crosses_into() -> None:
    world = seen(of(at_work("a", 0), priced=True), 10.0, T0)
    world = seen(spent(world, "a", 20_000), 9.0, after(hours=3, minutes=10), ends=after(hours=8))
    assert parts(world) == (0.0, 2.5, 6.5), "20,000 tokens are worth 2, at most 2.5"


def test_a_week_that_is_set_back_before_its_end_is_a_new_one() -> None:
    world = seen(of(), 40.0, T0, SEVEN_DAY)
    world = seen(world, 3.0, after(minutes=3), SEVEN_DAY)
    assert parts(world, SEVEN_DAY) == (3.0, 0.0, 0.0)


def test_two_sources_that_differ_by_a_little_tell_of_one_window() -> None:
    world = seen(of(at_work("a", 5)), 40.0, T0)
    world = seen(world, 42.0, after(minutes=3), ends=END + timedelta(seconds=70), source="api")
    assert parts(world) == (40.0, 2.0, 0.0)
    lower = seen(world, 41.0, after(minutes=6))
    assert lower.shares[FIVE_HOUR] is world.shares[FIVE_HOUR], "a window's use never falls"
    again = seen(lower, 42.5, after(minutes=9))
    assert parts(again) == (40.0, 2.5, 0.0)


def test_an_end_that_lies_much_later_is_another_window() -> None:
    world = seen(of(), 40.0, T0)
    world = seen(world, 41.0, after(minutes=3), ends=END + timedelta(minutes=20))
    assert parts(world) == (41.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "reading_",
    [
        pytest.param({"confidence": Confidence.ESTIMATED}, id="an estimate"),
        pytest.param({"used": None}, id="no number"),
        pytest.param({"ends": after(minutes=1)}, id="a window that has ended"),
    ],
)
def test_what_attributes_nothing(reading_: dict[str, Any]) -> None:
    world = seen(of(at_work("a", 5)), 40.0, T0)
    used = reading_.pop("used", 60.0)
    assert parts(seen(world, used, after(minutes=3), source="other", **reading_)) == (40.0, 0.0, 0.0)
    assert parts(seen(world, used, after(minutes=3), **reading_)) == (40.0, 0.0, 0.0)


def test_a_reading_too_old_to_prove_anything_attributes_nothing() -> None:
    old = of(readings=(reading(40.0),))
    assert attribution.measured(old, after(minutes=31)) is old
    assert parts(attribution.measured(old, after(minutes=29))) == (40.0, 0.0, 0.0)


def test_a_refusal_means_that_the_window_is_full() -> None:
    world = seen(seen(of(at_work("a", 5)), 90.0, T0), 97.0, after(minutes=3), rejected=True)
    assert parts(world) == (90.0, 10.0, 0.0)


def test_nothing_new_is_the_same_world() -> None:
    world = seen(of(at_work("a", 5)), 40.0, T0)
    again = replace(world, readings=capacity.merge(world.readings, (reading(40.0, at=after(60)),), after(60)))
    assert attribution.measured(again, after(60)) is again
    assert attribution.met(again, after(60)) is again


def test_other_accounts_have_windows_of_their_own() -> None:
    world = seen(of(at_work("a", 5), at_work("b", 5, account="work")), 40.0, T0)
    world = seen(world, 10.0, T0, account="work")
    world = seen(world, 12.0, after(minutes=3), account="work")
    assert points(world) == {"b": 2.0}
    assert attribution.standing(world, FIVE_HOUR, after(minutes=3)).ours == 0.0
    assert attribution.standing(world, FIVE_HOUR, after(minutes=3), "work").ours == 2.0
    person = seen(of(), 10.0, T0, account="work")
    assert seen(person, 20.0, after(minutes=3), account="work").person == Person(), "it is not where the person works"


# --- runs and the person ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "grown", "a", "b"),
    [
        pytest.param((30_000, 10_000), 6.0, 4.5, 1.5, id="by tokens"),
        pytest.param((None, 10_000), 6.0, 3.0, 3.0, id="one of unknown tokens"),
        pytest.param((None, None), 6.0, 3.0, 3.0, id="none is known"),
        pytest.param((0, 10_000), 6.0, 3.0, 3.0, id="0 is not known yet"),
    ],
)
def test_two_runs_side_by_side(tokens: tuple[int | None, int | None], grown: float, a: float, b: float) -> None:
    world = seen(of(at_work("a"), at_work("b")), 10.0, T0)
    world = spent(spent(world, "a", tokens[0]), "b", tokens[1])
    world = seen(world, 10.0 + grown, after(minutes=3))
    assert points(world) == {"a": a, "b": b}
    assert parts(world) == (10.0, grown, 0.0)


def test_only_the_tokens_since_the_last_growth_count() -> None:
    world = seen(of(at_work("a"), at_work("b")), 10.0, T0)
    world = seen(spent(spent(world, "a", 30_000), "b", 10_000), 14.0, after(minutes=3))  # 3 and 1
    world = seen(spent(spent(world, "a", 40_000), "b", 40_000), 18.0, after(minutes=6))  # 1 and 3
    assert points(world) == {"a": 4.0, "b": 4.0}


@pytest.mark.parametrize(
    ("grown", "ours", "person"),
    [
        pytest.param(1.5, 1.5, 0.0, id="less than expected"),
        pytest.param(2.0, 2.0, 0.0, id="as expected"),
        pytest.param(2.4, 2.4, 0.0, id="a little more"),
        pytest.param(6.0, 2.5, 3.5, id="the person beside it"),
    ],
)
def test_a_run_of_known_price(grown: float, ours: float, person: float) -> None:
    world = seen(of(at_work("a"), priced=True), 10.0, T0)
    world = seen(spent(world, "a", 20_000), 10.0 + grown, after(minutes=3))
    assert points(world) == {"a": ours}
    assert parts(world) == (10.0, ours, person)
    assert world.person.points == person


def test_the_person_beside_two_runs() -> None:
    world = seen(of(at_work("a"), at_work("b"), priced=True), 10.0, T0)
    world = seen(spent(spent(world, "a", 30_000), "b", 10_000), 17.0, after(minutes=3))  # at most 3.75 and 1.25
    assert points(world) == {"a": 3.75, "b": 1.25}
    assert parts(world) == (10.0, 5.0, 2.0)


def test_a_run_that_spends_less_than_its_price_gathers_no_credit() -> None:
    """Ten times 2 points' worth of tokens and a growth of 1: what is still awaited never comes to more than 2."""
    world = seen(of(at_work("a"), priced=True), 10.0, T0)
    for turn in range(1, 11):
        world = seen(spent(world, "a", 20_000 * turn), 10.0 + turn, after(minutes=turn))
    world = seen(world, 30.0, after(minutes=11))
    assert points(world)["a"] <= 10.0 + 1.25 * 2.0 + 1e-6
    assert parts(world)[2] >= 7.5


def test_growth_that_lags_behind_the_tokens_still_reaches_the_run() -> None:
    world = seen(of(at_work("a"), priced=True), 10.0, T0)
    world = seen(spent(world, "a", 40_000), 12.0, after(minutes=3))
    world = seen(world, 14.0, after(minutes=4))
    assert points(world) == {"a": 4.0}
    assert parts(world) == (10.0, 4.0, 0.0)


def test_where_a_leg_tells_its_tokens_only_at_its_end_it_gets_what_the_others_leave() -> None:
    world = seen(of(at_work("a"), at_work("b"), priced=True), 10.0, T0)
    world = seen(spent(world, "b", 10_000), 15.0, after(minutes=3))
    assert points(world) == {"a": 4.0, "b": 1.0}
    told = spent(world, "a", 42_000)  # worth 4.2: at most 5.25, of which it has 4
    assert points(seen(told, 25.0, after(minutes=4))) == {"a": 5.25, "b": 1.0}


def test_a_later_leg_that_is_heard_but_tells_no_tokens() -> None:
    world = seen(of(at_work("a", 10_000), priced=True), 10.0, T0)
    world = seen(world, 11.0, after(minutes=3))
    talking = spent(world, "a", 10_000, at=after(minutes=5))
    assert points(seen(talking, 14.0, after(minutes=6))) == {"a": 4.0}
    assert parts(seen(world, 14.0, after(minutes=6))) == (10.0, 1.0, 3.0), "of one that is silent nothing is expected"


def test_a_run_that_was_silent_since_the_last_growth() -> None:
    world = seen(spent(of(at_work("a"), priced=True), "a", 10_000, at=after(minutes=1)), 10.0, T0)
    world = seen(world, 11.0, after(minutes=3))
    assert parts(seen(world, 14.0, after(minutes=6))) == (10.0, 1.0, 3.0)


def test_what_grows_while_nothing_of_ours_works_is_the_persons() -> None:
    idle = [
        at_work("shell", 9, runner="shell"),
        at_work("checked", 0, legs=(Leg(), Leg(Part.CHECK)), leg=2),
        at_work("parked", 0, stage=Stage.PARKED),
    ]
    world = seen(seen(of(*idle), 10.0, T0), 13.0, after(minutes=3))
    assert parts(world) == (10.0, 0.0, 3.0)
    assert (world.person.seen, world.person.points) == (after(minutes=3), 3.0)
    assert points(world) == {}


def test_less_than_a_point_is_not_yet_a_person() -> None:
    world = seen(seen(of(), 10.0, T0), 10.6, after(minutes=3))
    assert (parts(world), world.person.points, world.shares[FIVE_HOUR].used) == ((10.0, 0.0, 0.0), 0.0, 10.6)
    world = seen(world, 11.2, after(minutes=6))
    assert parts(world) == (10.0, 0.0, 1.2)
    assert world.person.points == pytest.approx(1.2)


def test_whole_percent_readings() -> None:
    """0.4 points every 3 minutes, told as 10 10 10 11 11 12: the run gets every whole one."""
    world = seen(of(at_work("a"), priced=True), 10.0, T0)
    for turn, used in enumerate([10, 10, 11, 11, 12], 1):
        world = seen(spent(world, "a", 4_000 * turn), float(used), after(minutes=3 * turn))
    assert points(world) == {"a": 2.0}
    assert parts(world) == (10.0, 2.0, 0.0)


def test_a_models_week_is_only_for_its_model() -> None:
    runs = (at_work("o", 5, model="claude-opus-4-8"), at_work("s", 5, model="sonnet"), at_work("n", 5))
    world = seen(seen(of(*runs), 10.0, T0, OPUS), 14.0, after(minutes=3), OPUS)
    assert points(world, OPUS) == {"o": 4.0}
    told = spent(seen(seen(of(at_work("n", 5)), 10.0, T0, OPUS), 12.0, after(60), OPUS), "n", 9)
    assert points(told, OPUS) == {}
    run = replace(told.runs["n"], progress=replace(told.runs["n"].progress, model="claude-opus-4-8"))
    assert points(seen(replace(told, runs={"n": run}), 14.0, after(minutes=3), OPUS), OPUS) == {"n": 2.0}


def test_the_week_does_not_make_the_person_use_more_of_the_five_hours() -> None:
    world = seen(seen(of(), 10.0, T0, SEVEN_DAY), 14.0, after(minutes=3), SEVEN_DAY)
    assert parts(world, SEVEN_DAY) == (10.0, 0.0, 4.0)
    assert world.person == Person()


# --- exact points ----------------------------------------------------------------------------------------------------


def told(world: World, name: str, five: float, week: float = 0.0, *, at: datetime = T0) -> World:
    progress = Progress(points={FIVE_HOUR: five, SEVEN_DAY: week})
    return step(world, Progressed(name, progress), at)[0]


def test_what_runs_tell_exactly_they_get_and_the_person_the_rest() -> None:
    world = seen(told(told(of(at_work("a"), at_work("b")), "a", 0.0), "b", 0.0), 10.0, T0)
    world = told(told(world, "a", 1.25), "b", 0.5)
    world = seen(world, 13.0, after(minutes=3))
    assert points(world) == {"a": 1.25, "b": 0.5}
    assert parts(world) == (10.0, 1.75, 1.25)
    world = seen(told(world, "a", 1.75), 13.75, after(minutes=6))
    assert parts(world) == (10.0, 2.25, 1.5), "of exact numbers a quarter of a point is the person's too"


def test_exact_points_come_with_the_readings() -> None:
    world = seen(told(of(at_work("a")), "a", 0.0), 10.0, T0)
    event = Measured((reading(13.0, at=after(60)),), spent={"a": {FIVE_HOUR: 2.0}, "gone": {FIVE_HOUR: 1.0}})
    world, _ = step(world, event, after(60))
    assert points(world) == {"a": 2.0}
    assert parts(world) == (10.0, 2.0, 1.0)


def test_exact_points_over_a_reset() -> None:
    world = seen(told(of(at_work("a", started=EARLY)), "a", 2.0), 10.0, T0)
    world = seen(told(world, "a", 3.0), 0.0, END, ends=END + timedelta(hours=5))  # the last point went into the old one
    world = seen(told(world, "a", 5.0), 3.5, END + timedelta(minutes=5), ends=END + timedelta(hours=5))
    assert points(world) == {"a": 5.0}
    assert parts(world) == (0.0, 2.0, 1.5)


def test_exact_points_of_a_run_that_was_filed_before_the_reading() -> None:
    world = seen(told(told(of(at_work("a"), at_work("b")), "a", 1.0), "b", 0.0), 10.0, T0)
    world = told(world, "a", 3.0)
    world = _filed(world, "a", after(60))
    world = seen(told(world, "b", 1.0), 14.0, after(60))
    assert parts(world) == (10.0, 4.0, 0.0)


def _closed(world: World, name: str, at: datetime, tokens: int = 1000) -> tuple[World, Record]:
    """The run has ended, and is on its way into the history."""
    world, effects = close(world, world.runs[name], good(at=at, tokens=tokens), Done(), at)
    (finish,) = [effect for effect in effects if isinstance(effect, Finish)]
    return world, finish.record


def _filed(world: World, name: str, at: datetime, tokens: int = 1000) -> World:
    world, record = _closed(world, name, at, tokens)
    return step(world, Filed(name, record), at)[0]


# --- late readings ---------------------------------------------------------------------------------------------------


def test_the_record_counts_the_last_tokens_and_what_shows_later_is_ours() -> None:
    world = seen(of(at_work("a"), priced=True), 10.0, T0)
    world = seen(spent(world, "a", 10_000), 11.0, after(minutes=3))
    world, record = _closed(world, "a", after(minutes=4), tokens=30_000)
    assert record.window_pct == 3.0, "1 has shown, the last 20,000 tokens are worth 2"
    world, _ = step(world, Filed("a", record), after(minutes=4))
    assert "a" not in world.runs
    shown = seen(world, 13.0, after(minutes=6))
    assert parts(shown) == (10.0, 3.0, 0.0)
    more = seen(shown, 16.0, after(minutes=8))
    assert parts(more) == (10.0, 3.5, 2.5), "at most 2.5 were awaited"
    assert parts(seen(world, 13.0, after(minutes=4) + 2 * LATE)) == (10.0, 1.0, 2.0), "much later it is another's"


def test_while_it_is_being_filed_its_record_stays_as_it_is() -> None:
    world = seen(of(at_work("a", 10_000), priced=True), 10.0, T0)
    world, first = _closed(world, "a", after(minutes=4), tokens=30_000)
    world = seen(world, 13.0, after(minutes=6))
    assert parts(world) == (10.0, 3.0, 0.0)
    _, again = _closed(world, "a", after(minutes=7), tokens=30_000)
    assert (first.window_pct, again.window_pct) == (3.0, 3.0)


def test_what_was_not_known_at_first_is_not_known_when_it_is_filed_again() -> None:
    world = of(ALONE, at_work("b"), readings=(reading(15.0, at=after(50)),))
    world, first = _closed(world, "a", after(60))
    _, again = _closed(replace(world, runs={"a": world.runs["a"]}), "a", after(70))
    assert (first.window_pct, again.window_pct) == (None, None)


def test_without_a_price_what_shows_late_is_ours_too() -> None:
    world = _filed(seen(of(at_work("a")), 10.0, T0), "a", after(minutes=1), tokens=5_000)
    assert parts(seen(world, 13.0, after(minutes=3))) == (10.0, 3.0, 0.0)
    assert parts(seen(world, 13.0, after(minutes=1) + 2 * LATE)) == (10.0, 0.0, 3.0)


def test_without_a_price_a_run_prices_itself() -> None:
    world = seen(of(at_work("a")), 10.0, T0)
    world = seen(spent(world, "a", 20_000), 14.0, after(minutes=3))  # 5,000 to the point
    world, record = _closed(world, "a", after(minutes=4), tokens=30_000)
    assert record.window_pct == 6.0


def test_a_parked_run_gets_what_shows_late() -> None:
    world = seen(of(at_work("a"), priced=True), 10.0, T0)
    ended = good(at=after(minutes=2), tokens=50_000)
    parked = replace(world.runs["a"], stage=Stage.PARKED, ending=ended)
    world = seen(replace(world, runs={"a": parked}), 12.0, after(minutes=4))
    assert points(world) == {"a": 2.0}
    assert parts(seen(world, 22.0, after(minutes=30))) == (10.0, 2.0, 10.0)


# --- runs whose beginning nobody saw ---------------------------------------------------------------------------------


def found(**before: Any) -> World:
    a = at_work("a", 60_000, started=EARLY, **before)
    b = at_work("b", 30_000, started=EARLY, **before)
    return of(a, b)


def test_runs_found_at_work_share_what_the_window_has_grown_by() -> None:
    world = seen(found(capacity_before=10.0), 22.0, T0)
    assert points(world) == {"a": 8.0, "b": 4.0}
    assert parts(world) == (10.0, 12.0, 0.0)
    world = seen(spent(world, "a", 80_000), 24.0, after(minutes=3))
    assert points(world) == {"a": 10.0, "b": 4.0}, "and from then on as any other"


def test_of_known_price_they_get_no_more_than_their_tokens_are_worth() -> None:
    world = seen(replace(found(capacity_before=10.0), costs=PRICED), 40.0, T0)
    assert points(world) == {"a": 7.5, "b": 3.75}
    assert parts(world) == (28.75, 11.25, 0.0)


def test_of_a_window_that_opened_since_they_get_what_it_holds() -> None:
    world = seen(found(capacity_before=80.0), 6.0, T0, ends=after(hours=4, minutes=50))
    assert points(world) == {"a": 4.0, "b": 2.0}
    assert parts(world) == (0.0, 6.0, 0.0)


def test_what_was_not_known_at_their_start_stays_unknown() -> None:
    world = seen(found(capacity_before=None), 22.0, T0)
    assert (points(world), parts(world)) == ({}, (22.0, 0.0, 0.0))


def test_a_run_that_a_look_finds_later() -> None:
    run = at_work("a", started=EARLY, capacity_before=10.0)
    world = seen(of(), 22.0, T0)
    world, _ = step(world, Looked((Sight(run.spec, 1, SightState.ALIVE, EARLY),)), after(1))
    assert points(world) == {"a": 12.0}
    assert parts(world) == (10.0, 12.0, 0.0)
    again, _ = step(world, Looked((Sight(run.spec, 1, SightState.ALIVE, EARLY),)), after(2))
    assert again is world


# --- what the record says --------------------------------------------------------------------------------------------


def test_two_records_side_by_side_share() -> None:
    world = seen(of(at_work("a", model="opus"), at_work("b")), 10.0, T0)
    world = seen(seen(world, 20.0, T0, SEVEN_DAY), 30.0, T0, OPUS)
    world = spent(spent(world, "a", 30_000), "b", 10_000)
    for window, used in ((FIVE_HOUR, 18.0), (SEVEN_DAY, 22.0), (OPUS, 35.0)):
        world = seen(world, used, after(minutes=3), window)
    world, a = _closed(world, "a", after(minutes=3), tokens=30_000)
    world, b = _closed(world, "b", after(minutes=3), tokens=10_000)
    assert (a.window_pct, a.week_pct, a.model_pct) == (6.0, 1.5, 5.0)
    assert (b.window_pct, b.week_pct, b.model_pct) == (2.0, 0.5, None)


@pytest.mark.parametrize(
    ("world", "used", "at", "known"),
    [
        pytest.param(of(ALONE), 15.0, 50, 5.0, id="alone"),
        pytest.param(of(ALONE), 10.0, 60, 0.0, id="nothing, seen after its end"),
        pytest.param(of(ALONE), 10.0, 50, None, id="nothing can show yet"),
        pytest.param(of(ALONE), 15.0, -50, None, id="a reading from before"),
        pytest.param(of(ALONE), 5.0, 50, None, id="a reset in between"),
        pytest.param(of(ALONE, at_work("b")), 15.0, 50, None, id="beside another"),
        pytest.param(of(ALONE, at_work("b", runner="shell")), 15.0, 50, 5.0, id="beside one that spends nothing"),
        pytest.param(
            of(ALONE, records=(replace(record(), ended=after(20)),)), 15.0, 50, None, id="another has ended meanwhile"
        ),
        pytest.param(of(ALONE, records=(record(),)), 15.0, 50, 5.0, id="another had ended before"),
        pytest.param(of(ALONE, person=Person(1, after(10))), 15.0, 50, None, id="beside the person"),
        pytest.param(of(ALONE, person=Person(1, EARLY)), 15.0, 50, 5.0, id="after the person"),
    ],
)
def test_of_a_run_that_nobody_watched(world: World, used: float, at: float, known: float | None) -> None:
    """Its points are not known, so its record says by how much the window grew, if only it can have been the cause."""
    world = replace(world, readings=(reading(used, at=after(at)),))
    _, record = _closed(world, "a", after(60))
    assert record.window_pct == known
    assert record.week_pct is None


def test_work_that_spends_nothing_has_no_points() -> None:
    world = of(at_work("a", runner="shell", capacity_before=10.0), readings=(reading(15.0, at=after(50)),))
    assert _closed(world, "a", after(60))[1].window_pct is None


# --- the person ------------------------------------------------------------------------------------------------------


def test_what_the_person_used_counts_less_as_time_goes_by() -> None:
    world = seen(seen(of(), 10.0, T0), 14.0, T0 + timedelta(seconds=1))
    world = seen(world, 16.0, T0 + timedelta(seconds=3601))
    assert world.person.points == pytest.approx(4 / 2.718281828 + 2)


def test_the_persons_sessions() -> None:
    world = of(person=Person(0, T0, 4.0))
    world, _ = step(world, PersonSeen(2, after(hours=1)), after(hours=1))
    assert (world.person.sessions, world.person.seen) == (2, after(hours=1))
    assert world.person.points == pytest.approx(4 / 2.718281828)
    same, _ = step(world, PersonSeen(2, T0), after(hours=1))
    assert same is world
    gone, _ = step(world, PersonSeen(0), after(hours=1))
    assert gone.person == replace(world.person, sessions=0)
    early, _ = step(of(), PersonSeen(1, after(hours=9)), T0)
    assert early.person.seen == T0, "not in the future"


# --- as it stands ----------------------------------------------------------------------------------------------------


def test_standing() -> None:
    world = seen(of(at_work("a", 5)), 40.0, T0)
    world = seen(world, 44.0, after(minutes=3))
    assert attribution.standing(world, FIVE_HOUR) == world.shares[FIVE_HOUR]
    assert attribution.standing(world, FIVE_HOUR, END) == Share(None, 0.0), "it has ended"
    assert attribution.standing(world, SEVEN_DAY) == Share(None, 0.0)
    unseen = of(readings=(reading(33.0),))
    assert attribution.standing(unseen, FIVE_HOUR, T0) == Share(None, 33.0, used=33.0)


# --- laws ------------------------------------------------------------------------------------------------------------

ACTS = st.one_of(
    st.tuples(st.just("read"), st.sampled_from([0, 0.3, 1, 1, 2, 7.5, 40])),
    st.tuples(st.just("read"), st.sampled_from([0, 0.3, 1, 1, 2, 7.5, 40])),
    st.tuples(st.just("lower"), st.sampled_from([0.2, 1.0, 30.0])),
    st.tuples(st.just("reset"), st.sampled_from([0, 2, 30])),
    st.tuples(st.just("start"), st.sampled_from(["claude", "claude", "shell"])),
    st.tuples(st.just("tokens"), st.integers(0, 80_000)),
    st.tuples(st.just("points"), st.sampled_from([0.2, 1.0, 3.0])),
    st.tuples(st.just("end"), st.integers(0, 50_000)),
    st.tuples(st.just("file"), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 90)),
    st.tuples(st.just("forget"), st.none()),
)


class Night:
    def __init__(self, priced: bool, exact: bool) -> None:
        self.world, self.now, self.used, self.ends = of(priced=priced), T0, 10.0, after(hours=5)
        self.exact, self.started = exact, 0
        self.read()

    def read(self, used: float | None = None) -> None:
        self.world = seen(self.world, self.used if used is None else used, self.now, ends=self.ends)

    def runs(self, *stages: Stage) -> list[Run]:
        return [run for run in self.world.runs.values() if run.stage in stages]

    def act(self, act: str, value: Any) -> None:
        self.now += timedelta(seconds=20)
        match act:
            case "read":
                self.used = min(self.used + value, 100.0)
                self.read()
            case "lower":
                self.read(max(self.used - value, 0.0))
            case "reset":
                self.used, self.now, self.ends = value, self.ends, self.ends + timedelta(hours=5)
                self.read()
            case "start":
                self.started += 1
                run = at_work(f"r{self.started}", started=self.now, runner=value, capacity_before=self.used)
                self.world = replace(self.world, runs={**self.world.runs, run.spec.run_id: run})
            case "wait":
                self.now += timedelta(minutes=value)
            case "forget":
                runs = {name: replace(run, points={}) for name, run in self.world.runs.items()}
                self.world = replace(self.world, shares={}, readings=(), runs=runs)
                while self.ends <= self.now:  # nobody sees a window for the first time once it has ended
                    self.ends += timedelta(hours=5)
                self.read()
            case _:
                self.of_a_run(act, value)

    def of_a_run(self, act: str, value: Any) -> None:
        for run in self.runs(Stage.RUNNING if act != "file" else Stage.FILING)[:1]:
            name = run.spec.run_id
            match act:
                case "tokens":
                    self.world = spent(self.world, name, (run.progress.tokens or 0) + value, at=self.now)
                case "points" if self.exact:
                    self.world = told(self.world, name, run.points.get(FIVE_HOUR, 0.0) + value, at=self.now)
                case "end":
                    self.world, _ = _closed(self.world, name, self.now, (run.progress.tokens or 0) + value)
                case "file":
                    self.world = _filed(self.world, name, self.now)


@given(acts=st.lists(ACTS, max_size=40), priced=st.booleans(), exact=st.booleans())
@settings(max_examples=150, deadline=None)
def test_laws(acts: list[tuple[str, Any]], priced: bool, exact: bool) -> None:
    night = Night(priced, exact)
    for act, value in acts:
        before = night.world
        night.act(act, value)
        share = night.world.shares[FIVE_HOUR]
        assert min(share.held, share.ours, share.person, share.loose, share.late) >= 0
        assert share.held + share.ours + share.person + share.loose == pytest.approx(share.used)
        assert 0 <= share.loose < 1
        for name, run in night.world.runs.items():
            had = before.runs[name].points if name in before.runs and act != "forget" else {}
            assert all(points >= had.get(window, 0.0) - 1e-9 for window, points in run.points.items())
            assert had.keys() <= run.points.keys()
        old = before.shares[FIVE_HOUR]
        if act not in ("reset", "forget") and share.used <= old.used:
            assert share.person <= old.person, "the person's part never grows from readings that do not"
            assert night.world.person.points <= before.person.points
