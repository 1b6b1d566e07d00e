"""Learning what a kind of task costs, and what the next one is likely to take.  Figures worked out by hand."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.cost import ALL, KEEP, added, between, estimate, keyed, learn, tokens_per_point
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Quantiles, Record, Runner, Spread
from tests.core.made import T0, task

OPUS_WEEK = "seven_day_opus"


def record(tokens: int | None = 1000, kind: str | None = "k", *, success: bool = True, **more: Any) -> Record:
    """A run of ten minutes that has told its tokens, and its points only where `more` says so."""
    made = Record("t", success, None, tokens, more.pop("seconds", 600.0), "", T0, kind=kind, runner="claude")
    return replace(made, **more)


def spent(five: float, week: float | None = None, tokens: int | None = 1000, **more: Any) -> Record:
    return record(tokens, window_pct=five, week_pct=week, **more)


def known(spread: Spread | None) -> Spread:
    assert spread is not None
    return spread


def near(p50: float, p80: float, p90: float) -> Any:
    return pytest.approx((p50, p80, p90))


def three(found: Quantiles | None) -> tuple[float, float, float]:
    assert found is not None
    return found.p50, found.p80, found.p90


# --- one figure ------------------------------------------------------------------------------------------------------


def test_the_first_sample_counts_as_it_is_then_three_tenths_each() -> None:
    assert known(learn({}, [record(1000)])["k"].tokens).ema == 1000
    together = learn({}, [record(1000), record(2000), record(3000)])
    assert known(together["k"].tokens).ema == pytest.approx(0.7 * (0.7 * 1000 + 0.3 * 2000) + 0.3 * 3000)
    one_by_one = learn(learn(learn({}, [record(1000)]), [record(2000)]), [record(3000)])
    assert one_by_one == together


def test_quantiles_lie_between_samples_in_proportion() -> None:
    """Of 100, 200 and 300 the place of p80 is 1.6: six tenths of the way from the second to the third."""
    tokens = known(learn({}, [record(n) for n in (300, 100, 200)])["k"].tokens)
    assert (tokens.p50, tokens.p80, tokens.p90) == pytest.approx((200, 260, 280))
    assert (tokens.samples, tokens.ordered) == ((300, 100, 200), (100, 200, 300))


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=60))
def test_quantiles_are_those_of_the_standard_library(samples: list[int]) -> None:
    tenths = statistics.quantiles(samples, n=10, method="inclusive")
    assert [between(sorted(samples), q / 10) for q in range(1, 10)] == pytest.approx(tenths)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=KEEP * 2))
def test_a_spread_is_that_of_its_newest_fifty_samples(samples: list[float]) -> None:
    spread = None
    for sample in samples:
        spread = added(spread, sample)
    made = known(spread)
    assert made.samples == tuple(samples[-KEEP:])
    assert made.ordered == tuple(sorted(samples[-KEEP:]))
    assert [made.p50, made.p80, made.p90] == [between(sorted(samples[-KEEP:]), q) for q in (0.5, 0.8, 0.9)]
    assert min(samples) - 1e-9 <= made.ema <= max(samples) + 1e-9


def test_the_count_goes_on_though_old_samples_go() -> None:
    cost = learn({}, [record(n) for n in range(KEEP + 5, 0, -1)])["k"]
    tokens = known(cost.tokens)
    assert (cost.count, len(tokens.samples), tokens.samples[0]) == (KEEP + 5, KEEP, KEEP)
    assert (tokens.ordered[0], tokens.ordered[-1]) == (1, KEEP), "the oldest go, here the largest"


# --- by kind, by model, and all together -----------------------------------------------------------------------------


def test_what_is_learned_is_kept_by_kind_by_model_and_for_all_together() -> None:
    opus, sonnet = spent(6.0, model="claude-opus-4-8"), spent(2.0, model="claude-sonnet-5")
    costs = learn({}, [opus, sonnet, spent(10.0, kind="other")])
    assert costs.keys() == {"k", keyed("k", "claude-opus-4-8"), keyed("k", "claude-sonnet-5"), "other", ALL}
    assert [costs[key].count for key in ("k", "k/claude-opus-4-8", "other", ALL)] == [2, 1, 1, 3]
    assert costs["k"].points[FIVE_HOUR].samples == (6.0, 2.0)
    assert costs["k/claude-sonnet-5"].points[FIVE_HOUR].samples == (2.0,)
    assert costs[ALL].points[FIVE_HOUR].samples == (6.0, 2.0, 10.0)
    assert (costs["k"].model, costs["k/claude-opus-4-8"].model) == (None, "claude-opus-4-8")


def test_every_window_is_learned_for_itself_the_models_week_too() -> None:
    made = spent(6.0, 0.9, seconds=1800.0, model="claude-opus-4-8", model_pct=1.5)
    cost = learn({}, [made])["k"]
    assert {name: spread.p50 for name, spread in cost.points.items()} == {FIVE_HOUR: 6, SEVEN_DAY: 0.9, OPUS_WEEK: 1.5}
    assert known(cost.seconds).p50 == 1800
    assert known(cost.rate).p50 == 12, "points an hour: 6 in half an hour"


def test_a_figure_that_is_not_known_is_no_sample() -> None:
    costs = learn({}, [record(1000), spent(4.0, tokens=None), spent(6.0, 1.0)])
    cost = costs["k"]
    assert cost.count == 3
    assert known(cost.tokens).samples == (1000, 1000)
    assert (cost.points[FIVE_HOUR].samples, cost.points[SEVEN_DAY].samples) == ((4.0, 6.0), (1.0,))
    assert len(known(cost.rate).samples) == 2


def test_nothing_used_is_a_sample_where_it_was_measured() -> None:
    assert learn({}, [spent(0.0)])["k"].points[FIVE_HOUR].samples == (0.0,)


def test_no_time_at_all_makes_no_endless_rate() -> None:
    assert known(learn({}, [spent(1.0, seconds=0.0)])["k"].rate).p50 == 3600


def test_failures_and_runs_of_unknown_use_teach_nothing() -> None:
    assert learn({}, [record(5, success=False), spent(5.0, success=False), record(None), record(0)]) == {}


def test_the_kind_defaults_to_the_task() -> None:
    assert learn({}, [record(kind=None)]).keys() == {"t", ALL}


def test_work_that_needs_no_claude_is_no_prior_for_work_that_does() -> None:
    assert learn({}, [record(runner="shell")]).keys() == {"k"}


# --- what the next run is likely to take -----------------------------------------------------------------------------

FOUR = [spent(five, five / 10, tokens=int(five * 1000), seconds=five * 100) for five in (2, 4, 6, 8)]
"""Places 1.5, 2.4 and 2.7 of them: 5, 6.8 and 7.4 points, at 36 an hour."""


def test_three_runs_of_a_kind_are_enough_to_go_by() -> None:
    found = estimate(learn({}, FOUR), task("a", kind="k", estimated_tokens=1))
    assert (found.count, found.guess) == (4, "")
    assert three(found.points[FIVE_HOUR]) == near(5, 6.8, 7.4)
    assert three(found.points[SEVEN_DAY]) == near(0.5, 0.68, 0.74)
    assert three(found.tokens) == near(5000, 6800, 7400)
    assert three(found.seconds) == near(500, 680, 740)
    assert three(found.rate) == near(36, 36, 36)


@pytest.mark.parametrize(("runs", "expected"), [(2, 4.0), (3, 9.0)])
def test_its_own_model_counts_once_it_has_run_three_times(runs: int, expected: float) -> None:
    costs = learn({}, [*[spent(4.0, model="sonnet")] * 5, *[spent(9.0, model="opus")] * runs])
    assert estimate(costs, task("a", kind="k", model="opus")).points[FIVE_HOUR].p50 == expected


@pytest.mark.parametrize(
    ("own", "others", "hint", "guess", "p50", "p90"),
    [
        pytest.param(0, 0, None, "nothing is known of it yet", None, None, id="nothing"),
        pytest.param(0, 2, None, "a guess from very few runs of other kinds", 8, 8 * 2.2, id="two runs of another"),
        pytest.param(0, 3, None, "a guess from all kinds", 8, 8, id="all kinds"),
        pytest.param(1, 3, None, "a guess from 1 run of its kind", 2, 2 * 2.2, id="one of its own"),
        pytest.param(2, 3, None, "a guess from 2 runs of its kind", 2, 2 * 2.2, id="two of its own"),
        pytest.param(2, 3, 3000, "a guess from its estimated_tokens", None, None, id="the hint before few runs"),
        pytest.param(3, 3, 3000, "", 2, 2, id="three of its own before the hint"),
    ],
)
def test_a_guess_says_what_it_rests_on(
    own: int, others: int, hint: int | None, guess: str, p50: float | None, p90: float | None
) -> None:
    costs = learn({}, [*[spent(8.0, kind="other")] * others, *[spent(2.0)] * own])
    found = estimate(costs, task("a", kind="k", estimated_tokens=hint))
    assert found.guess == guess
    if p50 is not None:
        assert (found.points[FIVE_HOUR].p50, found.points[FIVE_HOUR].p90) == pytest.approx((p50, p90))


def test_few_runs_leave_room_above_them() -> None:
    """One run of 2 points in ten minutes: a half more at p80, 2.2 times as much at p90."""
    found = estimate(learn({}, [spent(2.0, 0.2)]), task("a", kind="k"))
    assert three(found.points[FIVE_HOUR]) == near(2, 3, 4.4)
    assert three(found.points[SEVEN_DAY]) == near(0.2, 0.3, 0.44)
    assert three(found.seconds) == near(600, 900, 1320)
    assert three(found.rate) == near(12, 12, 12)


def test_a_hint_becomes_points_by_what_a_point_has_been_worth() -> None:
    """1000 tokens a point, and a hint of 5000: half of such runs stay under 0.7 times that."""
    costs = learn({}, [spent(8.0, 1.0, tokens=8000, kind="other")] * 3)
    found = estimate(costs, task("a", kind="k", estimated_tokens=5000))
    assert three(found.tokens) == near(3500, 6500, 9000)
    assert three(found.points[FIVE_HOUR]) == near(3.5, 6.5, 9)
    assert three(found.points[SEVEN_DAY]) == near(3.5 / 8, 6.5 / 8, 9 / 8)
    assert three(found.seconds) == near(600, 600, 600), "time is that of all kinds"


def test_a_hint_alone_says_nothing_of_points() -> None:
    found = estimate({}, task("a", estimated_tokens=5000))
    assert found.points == {}
    assert three(found.tokens) == near(3500, 6500, 9000)


def test_work_without_claude_goes_by_its_own_runs_only() -> None:
    costs = learn({}, [*[spent(8.0, kind="other")] * 5, record(10, runner="shell", seconds=30.0)])
    known_one = estimate(costs, task("a", kind="k", runner=Runner.SHELL))
    assert (known_one.count, known_one.guess, known_one.points) == (1, "", {})
    assert known_one.seconds == Quantiles(30, 30, 30)
    assert estimate(costs, task("a", kind="new", runner=Runner.SHELL)).guess == "nothing is known of it yet"


# --- what a point is worth -------------------------------------------------------------------------------------------


def test_tokens_per_point_are_all_tokens_by_all_points() -> None:
    costs = learn({}, [spent(1.0, 0.5, tokens=3000), spent(2.0, 0.5, tokens=3000), spent(3.0, 1.0, tokens=6000)])
    assert tokens_per_point(costs, FIVE_HOUR) == pytest.approx(2000)
    assert tokens_per_point(costs, SEVEN_DAY) == pytest.approx(6000)
    assert tokens_per_point(costs, OPUS_WEEK) is None


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([spent(1.0)] * 2, id="too few runs"),
        pytest.param([spent(1.0), spent(1.0), record()], id="too few of known points"),
        pytest.param([spent(0.0)] * 3, id="no points at all"),
        pytest.param([spent(1.0, tokens=None)] * 3, id="no tokens"),
    ],
)
def test_tokens_per_point_are_not_known(records: list[Record]) -> None:
    assert tokens_per_point(learn({}, records), FIVE_HOUR) is None


def test_tokens_of_runs_whose_points_nobody_knows_are_left_out() -> None:
    costs = learn({}, [record(1_000_000), spent(1.0, tokens=2000)] * 3)
    assert tokens_per_point(costs, FIVE_HOUR) == pytest.approx(2000)
