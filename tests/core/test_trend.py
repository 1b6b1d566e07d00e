"""Figures over time: local days across changes of the clock, gaps where nothing is known, heights of one cell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core import glance, step, trend, unused
from cctui.core.trend import Day, days, levels, trail
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Cause, ClosedWindow, ErrorType, Record, Status, World

BERLIN = ZoneInfo("Europe/Berlin")


def run(ended: datetime, *, error: ErrorType | None = None, **values: object) -> Record:
    status = Status.CANCELLED if error is ErrorType.CANCELLED else Status.FAILED if error else Status.COMPLETED
    made = Record("t", error is None, error, 1000, 60.0, "", ended - timedelta(minutes=1), ended=ended, status=status)
    return replace(made, **values)  # type: ignore[arg-type]


def window(ended: datetime, lost: float = 10.0, **values: object) -> ClosedWindow:
    made = ClosedWindow(
        FIVE_HOUR, ended - timedelta(hours=5), ended, used=50.0, lost={Cause.FIT.value: lost}, watched=9.0
    )
    return replace(made, **values)  # type: ignore[arg-type]


def at(day: Day) -> int:
    return len(day.records or ())


@pytest.mark.parametrize(("year", "month", "day", "hours"), [(2026, 3, 29, 23), (2026, 10, 25, 25), (2026, 7, 1, 24)])
def test_a_day_is_the_persons_whatever_the_clock_does(year: int, month: int, day: int, hours: int) -> None:
    midnight = datetime(year, month, day, tzinfo=BERLIN)
    begin = midnight.astimezone(UTC)
    end = (datetime(year, month, day, tzinfo=BERLIN) + timedelta(days=1)).astimezone(UTC)
    assert (end - begin) == timedelta(hours=hours)
    inside = [begin, begin + timedelta(hours=2, minutes=30), end - timedelta(seconds=1)]
    outside = [begin - timedelta(seconds=1), end]
    world = World(zone="Europe/Berlin", records=tuple(run(each) for each in sorted([*inside, *outside])))
    found = {each.day: at(each) for each in days(world, end + timedelta(hours=1), 3)}
    assert found == {date(year, month, day) - timedelta(days=1): 1, date(year, month, day): 3,
                     date(year, month, day) + timedelta(days=1): 1}  # fmt: skip


def test_every_day_stands_once_across_a_change() -> None:
    found = days(World(zone="Europe/Berlin"), datetime(2026, 3, 30, 0, 30, tzinfo=BERLIN), 4)
    assert [each.day.day for each in found] == [27, 28, 29, 30]


def test_what_was_not_kept_is_a_gap_and_a_day_without_runs_is_none_of_them() -> None:
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    world = World(records=(run(now - timedelta(days=2)), run(now, tokens=None, cost_usd=None)))
    before, first, without, today = days(world, now, 4)
    assert (before.completed, before.tokens, before.cost) == (None, None, None)
    assert (first.completed, first.tokens, first.cost) == (1, 1000, None)
    assert (without.completed, without.tokens, without.cost, without.rate) == (0, 0, 0, None)
    assert (today.completed, today.tokens, today.rate) == (1, None, 1.0)


def test_of_the_oldest_day_not_all_is_known_once_older_runs_are_forgotten() -> None:
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    first = run(now - timedelta(days=1))
    kept = World(records=(first, *[run(now)] * (trend.RECORDS - 1)))
    assert [each.completed for each in days(kept, now, 2)] == [None, trend.RECORDS - 1]
    assert [each.completed for each in days(replace(kept, records=kept.records[:-1]), now, 2)] == [1, trend.RECORDS - 2]


def test_the_numbers_kept_are_those_of_the_engine() -> None:
    assert (trend.RECORDS, trend.WINDOWS) == (step.KEEP_RECORDS, unused.KEEP)


def test_a_window_nobody_watched_says_nothing_about_waste() -> None:
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    seen, unseen = window(now - timedelta(days=1)), window(now, watched=0.0)
    week = window(now, window=SEVEN_DAY)
    found = days(World(windows=(seen, unseen, week)), now, 2)
    assert [each.unused for each in found] == [10.0, None]


def test_cancelled_runs_say_nothing_about_success() -> None:
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    world = World(records=(run(now), run(now, error=ErrorType.TIMEOUT, attempt=2), run(now, error=ErrorType.CANCELLED)))
    today = days(world, now, 1)[0]
    assert (today.completed, today.failed, today.rate, today.retried) == (1, 1, 0.5, 1.0)
    assert today.per_success == 3000


# --- heights ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.none() | st.floats(0, 1e12), max_size=30))
def test_unknown_stays_unknown_and_only_nothing_is_as_low_as_nothing(values: list[float | None]) -> None:
    found = levels(values)
    assert len(found) == len(values)
    for value, level in zip(values, found, strict=True):
        assert (level is None) is (value is None)
        if value is not None and level is not None:
            assert 0 <= level < trend.STEPS
            assert (level == 0) is (value == 0)
    known = [value for value in values if value]
    if known:
        assert found[values.index(max(known))] == trend.STEPS - 1


def test_a_share_is_drawn_against_the_whole() -> None:
    assert levels([1.0, 0.5, 0.0, None], 1.0) == (7, 4, 0, None)
    assert levels([3.0], 1.0) == (7,)


def test_a_trail_is_of_points_where_any_are_known() -> None:
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    known = [
        run(now, window_pct=2.0),
        run(now, error=ErrorType.TIMEOUT),
        run(now, error=ErrorType.CANCELLED, window_pct=1.0),
    ]
    found = trail(known)
    assert (found.measure, found.values, found.looks) == ("points", (2.0, None, 1.0), ("done", "failed", "cancelled"))
    assert (found.completed, found.known) == (1, (2.0, 1.0))
    assert trail([run(now)] * 20, 8).values == (1000,) * 8
    assert trail([run(now)]).measure == "tokens"


# --- at a glance -----------------------------------------------------------------------------------------------------


def test_a_figure_nobody_knows_is_none_and_says_on_how_much_it_rests() -> None:
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    found = {each.name: each for each in glance.glance(World(), now).figures}
    assert set(found) == {"success", "tokens", "retries", "unused", "cost"}
    assert {(each.value, each.count, each.newest) for each in found.values()} == {(None, 0, None)}
    assert {level for each in found.values() for level in each.line} == {None}


def test_the_figures_of_the_days_and_no_older_ones() -> None:
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    old = run(now - timedelta(days=14), error=ErrorType.TIMEOUT)
    bad = run(now - timedelta(hours=3), error=ErrorType.TIMEOUT, attempt=1, cost_usd=1.0, kind="k", window_pct=4.0)
    good = run(now, attempt=2, cost_usd=0.5, kind="k", model="m", window_pct=2.0)
    world = World(records=(old, bad, good), windows=(window(now, 25.0),))
    found = glance.glance(world, now)
    figures = {each.name: (each.value, each.count, each.newest) for each in found.figures}
    assert figures == {
        "success": (0.5, 2, now), "tokens": (2000, 2, now), "retries": (0.5, 2, now), "unused": (25.0, 1, now),
        "cost": (1.5, 2, now),
    }  # fmt: skip
    assert [each.about for each in found.figures if each.about] == ["no task fitted"]
    assert found.kinds == (glance.Line("k", 2, 0.5, 2000, 3.0, 2),)
    assert [(each.name, each.runs) for each in found.models] == [("m", 1)]
    assert found.projects == ()
