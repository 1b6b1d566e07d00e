"""Merging readings: age, authority, resets, and never a zero for an unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core import capacity
from cctui.core.settings import CapacitySettings, Settings
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Confidence, Reading
from tests.core.made import T0, after, reading, world


def _five(*readings: Reading) -> capacity.Window:
    return capacity.windows(world(readings=readings), T0)[0]


@pytest.mark.parametrize(
    ("readings", "used", "source"),
    [
        pytest.param([reading(10.0)], 10.0, "stream", id="one"),
        pytest.param(
            [reading(10.0, at=after(-300)), reading(50.0, source="api", at=after(-1))], 50.0, "api", id="newest"
        ),
        pytest.param(
            [reading(10.0, at=after(-30)), reading(50.0, source="api")], 10.0, "stream", id="authority at equal age"
        ),
        pytest.param([reading(None, source="api"), reading(7.0, at=after(-90))], 7.0, "stream", id="a number first"),
        pytest.param([reading(93.0, rejected=True)], 100.0, "stream", id="refused is full"),
        pytest.param([reading(0.0)], 0.0, "stream", id="a true zero"),
        pytest.param([], None, None, id="nothing known is not zero"),
        pytest.param([reading(None)], None, None, id="a source without a number"),
        pytest.param([reading(80.0, resets_at=after(-1))], None, None, id="the window has ended"),
        pytest.param([reading(0.0, resets_at=None)], 0.0, "stream", id="no window open"),
        pytest.param(
            [reading(95.0, resets_at=None, at=after(hours=-5))], None, None, id="of unknown end, and too old to be open"
        ),
    ],
)
def test_windows(readings: list[Reading], used: float | None, source: str | None) -> None:
    window = _five(*readings)
    assert (window.used, window.source) == (used, source)
    assert (window.confidence is Confidence.UNKNOWN) is (used is None)


def test_the_two_windows_are_always_there_and_models_follow() -> None:
    made = world(readings=(reading(5.0, "seven_day_opus"),))
    assert [window.id for window in capacity.windows(made, T0)] == [FIVE_HOUR, SEVEN_DAY, "seven_day_opus"]


def test_merge_keeps_the_newest_of_each_source() -> None:
    old, new = reading(10.0), reading(11.0, at=after(5))
    assert capacity.merge([reading(95.0, at=after(hours=10))], [old], T0) == (old,), "a clock was set back"
    assert capacity.merge([new], [old], T0) == (new,)
    assert capacity.merge([old], [new], T0) == (new,)
    assert len(capacity.merge([old], [reading(source="api")], T0)) == 2


@pytest.mark.parametrize(
    ("made", "blind"),
    [
        (world(readings=()), True),
        (world(), False),
        (world(readings=(reading(at=after(minutes=-29)),)), False),
        (world(readings=(reading(at=after(minutes=-31)),)), True),
        (world(readings=(reading(window=SEVEN_DAY),)), True),
        (world(readings=(), settings=Settings(capacity=CapacitySettings(gate=False))), False),
    ],
)
def test_blind(made: object, blind: bool) -> None:
    assert capacity.blind(made, T0) is blind  # type: ignore[arg-type]


def test_the_wait_ends_at_the_latest_reset_of_the_windows_that_bind() -> None:
    made = world(readings=(reading(95.0), reading(99.0, SEVEN_DAY), reading(99.0, "seven_day_opus")))
    reason = capacity.shut(made, "sonnet", T0)
    assert reason
    assert (reason.what, reason.until) == (SEVEN_DAY, after(hours=90))


def test_a_full_window_of_unknown_end_waits_for_a_reading_not_for_a_moment() -> None:
    made = world(readings=(reading(95.0, resets_at=None), reading(99.0, SEVEN_DAY)))
    reason = capacity.shut(made, None, T0)
    assert reason
    assert (reason.what, reason.until) == (FIVE_HOUR, None)


def test_accounts_do_not_mix() -> None:
    made = world(readings=(replace(reading(99.0), account="work"),))
    assert capacity.shut(made, None, T0) is None
    assert capacity.shut(made, None, T0, "work") is not None
