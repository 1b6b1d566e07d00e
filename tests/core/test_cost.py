"""Learning what a kind costs."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.cost import KEEP, estimate, learn, quantile
from cctui.core.world import Record
from tests.core.made import T0, task


def _record(tokens: int | None, kind: str = "k", *, success: bool = True, seconds: float = 10) -> Record:
    return Record("t", success, None, tokens, seconds, "", T0, kind=kind)


def test_the_first_sample_counts_as_it_is_then_three_tenths_each() -> None:
    assert learn({}, [_record(1000)])["k"].ema == 1000
    assert learn({}, [_record(1000), _record(2000)])["k"].ema == pytest.approx(1300)
    again = learn(learn({}, [_record(1000)]), [_record(2000)])
    assert again["k"].ema == pytest.approx(1300)


def test_quantiles_stay_inside_what_was_seen() -> None:
    cost = learn({}, [_record(n, seconds=n) for n in (100, 200, 300)])["k"]
    assert (cost.p50, cost.duration_p50, cost.count) == (200, 200, 3)
    assert cost.p90 is not None
    assert cost.p80 is not None
    assert 200 < cost.p80 < cost.p90 <= 300


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=60))
def test_quantiles_are_those_of_the_standard_library(samples: list[int]) -> None:
    tenths = statistics.quantiles(samples, n=10, method="inclusive")
    assert [quantile(samples, q / 10) for q in range(1, 10)] == pytest.approx(tenths)


def test_failures_and_unknown_tokens_teach_nothing() -> None:
    assert learn({}, [_record(5, success=False), _record(None), _record(0)]) == {}


def test_the_kind_defaults_to_the_task_and_old_samples_go() -> None:
    costs = learn({}, [replace(_record(1), kind=None)] * (KEEP + 5))
    assert (costs["t"].count, len(costs["t"].samples)) == (KEEP + 5, KEEP)


@pytest.mark.parametrize(
    ("runs", "hint", "expected"),
    [(0, None, None), (0, 50, 50), (1, None, 1000), (2, 50, 50), (3, 50, 1000), (3, None, 1000)],
)
def test_estimate(runs: int, hint: int | None, expected: int | None) -> None:
    costs = learn({}, [_record(1000)] * runs)
    assert estimate(costs, task("a", kind="k", estimated_tokens=hint)) == expected
