"""The week against its pace: targets, when it runs out, and until when it is held.  Figures worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core import pacing
from cctui.core.pacing import EVEN, FRONT, USE
from cctui.core.world import SEVEN_DAY, Reason, Why, World
from tests.core.learned import learned
from tests.core.made import T0, after, reading

WEEK = 168.0


def _week(used: float, passed: float, pace: str = EVEN) -> World:
    """A week of which so many hours have passed."""
    return learned(week=used, week_ends=WEEK - passed, pace=pace)


@pytest.mark.parametrize(
    ("pace", "part", "expected"),
    [(EVEN, 0.25, 25), (USE, 0.25, 25), (FRONT, 0.25, 50), (FRONT, 0.81, 90), (EVEN, -1, 0), (FRONT, 2, 100)],
)
def test_share(pace: str, part: float, expected: float) -> None:
    assert pacing.share(pace, part) == pytest.approx(expected)


@given(st.sampled_from(pacing.PACES), st.floats(0, 1), st.floats(0, 1))
def test_a_pace_only_ever_goes_up_and_ends_with_all_of_it(pace: str, one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert 0 <= pacing.share(pace, early) <= pacing.share(pace, late) <= 100
    assert pacing.share(pace, 1.0) == 100
    assert pacing.share(FRONT, one) >= pacing.share(EVEN, one)


def test_where_the_week_stands() -> None:
    """A quarter of it has passed and half is used: it lasts as long again, to the middle of the week."""
    found = pacing.standing(_week(50.0, WEEK / 4), T0)
    assert found is not None
    assert (found.used, found.target, found.reserve) == pytest.approx((50, 25, -25))
    assert found.resets_at == after(hours=WEEK * 3 / 4)
    assert found.runs_out == after(hours=WEEK / 4)


@pytest.mark.parametrize(("used", "passed"), [(20.0, WEEK / 4), (25.0, WEEK / 4), (0.0, WEEK / 2), (5.0, 0.0)], ids=str)
def test_a_week_that_lasts_runs_out_never(used: float, passed: float) -> None:
    found = pacing.standing(_week(used, passed), T0)
    assert found is not None
    assert found.runs_out is None


def test_nothing_is_told_of_a_week_that_nobody_knows() -> None:
    for unknown in ((), (reading(50.0, SEVEN_DAY, resets_at=None),), (reading(50.0, SEVEN_DAY, resets_at=after(-1)),)):
        made = replace(_week(50.0, WEEK / 4), readings=unknown)
        assert pacing.standing(made, T0) is None
        assert pacing.ahead(made, T0) is None


@pytest.mark.parametrize(
    ("pace", "used", "passed", "waits"),
    [
        pytest.param(EVEN, 50.0, WEEK / 2, None, id="just so"),
        pytest.param(EVEN, 51.0, WEEK / 2, None, id="a point is a rounding"),
        pytest.param(EVEN, 61.0, WEEK / 2, WEEK / 10, id="ten points ahead"),
        pytest.param(FRONT, 51.0, WEEK / 4, None, id="at the front half of it may be gone by a quarter"),
        pytest.param(FRONT, 61.0, WEEK / 4, WEEK * (0.36 - 0.25), id="which allows sixty points at 0.36 of it"),
        pytest.param(EVEN, 100.0, 0.0, WEEK * 0.99, id="all of it gone at once"),
    ],
)
def test_it_is_held_until_the_pace_has_caught_up(pace: str, used: float, passed: float, waits: float | None) -> None:
    made = _week(used, passed, pace)
    found = pacing.ahead(made, T0)
    if waits is None:
        assert found is None
        return
    assert found is not None
    target = round(pacing.share(pace, passed / WEEK), 2)
    assert (found.why, found.what, found.value, found.threshold) == (Why.PACE, SEVEN_DAY, used, target)
    assert found.until is not None
    assert abs((found.until - after(hours=waits)).total_seconds()) < 1e-3


@given(st.sampled_from([EVEN, FRONT]), st.integers(2, 100), st.integers(0, 167))
def test_at_the_moment_that_was_told_it_is_open(pace: str, used: int, passed: int) -> None:
    made = _week(float(used), float(passed), pace)
    found: Reason | None = pacing.ahead(made, T0)
    if found is None:
        return
    assert found.until is not None
    assert found.until > T0
    fresh = replace(made, readings=tuple(replace(each, observed_at=found.until) for each in made.readings))
    assert pacing.ahead(fresh, found.until + timedelta(seconds=1)) is None
