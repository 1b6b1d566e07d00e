"""Readings beside one another: the newest of every source, and what cannot both be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cctui.core import capacity, readings
from cctui.core.answer import answer
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Confidence, Reading, World

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
END = NOW + timedelta(hours=2)


def at(used: float | None, source: str = "stream", minutes: float = 0, window: str = FIVE_HOUR, **more: Any) -> Reading:
    return Reading(window, used, more.pop("resets_at", END), source, NOW - timedelta(minutes=minutes), **more)


def world(*found: Reading) -> World:
    return World(readings=found)


def apart(*found: Reading) -> list[tuple[str, str]]:
    return [each.sources for each in readings.contradictions(world(*found), NOW)]


def test_every_source_is_told_with_its_age_the_newest_first() -> None:
    found = readings.latest(
        world(
            at(40, "claude", 12),
            at(44, "statusline", 1),
            at(None, "transcripts", 2, confidence=Confidence.ESTIMATED),
            at(20, "api", 45, SEVEN_DAY),
            at(99, "cache", 40, resets_at=NOW),
            at(50, "stream", account="work"),
        ),
        NOW,
    )
    assert list(found) == [FIVE_HOUR, SEVEN_DAY]
    shown = [(seen.source, seen.used_percent, seen.age_s, seen.stale) for seen in found[FIVE_HOUR]]
    assert shown == [("statusline", 44, 60, False), ("transcripts", None, 120, False), ("claude", 40, 720, False)]
    assert [seen.stale for seen in found[SEVEN_DAY]] == [True]


def test_a_refused_request_means_full() -> None:
    (seen,) = readings.latest(world(at(60, rejected=True)), NOW)[FIVE_HOUR]
    assert seen.used_percent == 100.0


def test_five_points_apart_at_one_moment_is_a_contradiction() -> None:
    assert apart(at(40, "claude"), at(45, "stream")) == []
    assert apart(at(40, "claude"), at(45.5, "stream")) == [("claude", "stream")]
    (found,) = readings.contradictions(world(at(40, "claude", 1), at(61, "stream")), NOW)
    assert found.text == "stream says 61 %, claude 40 %: one of them is wrong"
    assert found.used_percent == (61, 40)


def test_growth_explains_a_newer_reading_that_is_higher_and_never_a_lower_one() -> None:
    assert apart(at(40, "claude", 20), at(64, "stream", 0)) == []
    assert apart(at(40, "claude", 20), at(66, "stream", 0)) == [("stream", "claude")]
    assert apart(at(64, "claude", 20), at(40, "stream", 0)) == [("stream", "claude")]


@pytest.mark.parametrize(
    "other",
    [
        at(90, "claude", 31),
        at(90, "claude", resets_at=NOW - timedelta(seconds=1)),
        at(None, "claude"),
        at(90, "claude", window=SEVEN_DAY),
        at(90, "claude", account="work"),
    ],
)
def test_what_is_old_over_unknown_or_of_another_window_contradicts_nothing(other: Reading) -> None:
    assert apart(other, at(40)) == []


def test_a_window_of_unknown_end_is_over_when_the_longest_one_would_be() -> None:
    assert capacity.is_open(at(1, minutes=299, resets_at=None), NOW)
    assert not capacity.is_open(at(1, minutes=300, resets_at=None), NOW)
    assert capacity.is_open(at(1, minutes=301, window=SEVEN_DAY, resets_at=None), NOW)


def test_only_who_counts_ends_the_guessing() -> None:
    assert readings.guessing(world(), (), NOW)
    assert not readings.guessing(world(at(40, minutes=29)), (), NOW)
    assert not readings.guessing(world(), (at(40),), NOW)
    for poor in (
        at(40, confidence=Confidence.ESTIMATED),
        at(40, minutes=31),
        at(None),
        at(40, window=SEVEN_DAY),
        at(40, resets_at=NOW),
        at(40, account="work"),
    ):
        assert readings.guessing(world(poor), (poor,), NOW), poor


def test_the_next_reset_is_the_last_of_those_that_are_one_and_the_same() -> None:
    later = END + timedelta(seconds=20)
    week = NOW + timedelta(days=3)
    known = world(
        at(1),
        at(1, "claude", resets_at=later),
        at(1, window=SEVEN_DAY, resets_at=week),
        at(1, "ccusage", resets_at=NOW + timedelta(minutes=1), confidence=Confidence.ESTIMATED),
    )
    assert readings.next_reset(known, NOW) == later
    assert readings.next_reset(known, later) == week
    assert readings.next_reset(known, week) is None


def test_a_reset_is_told_by_the_newest_that_counts_also_when_it_is_over() -> None:
    over = NOW - timedelta(hours=1)
    known = world(
        at(1, minutes=70, resets_at=over), at(1, "x", resets_at=None), at(1, "e", confidence=Confidence.ESTIMATED)
    )
    assert readings.told_reset(known, FIVE_HOUR) == over
    assert readings.told_reset(known, SEVEN_DAY) is None


def test_usage_tells_all_of_it_as_data() -> None:
    data = answer(world(at(40, "claude", 1), at(61, "stream")), "usage", {}, NOW).data["default"]
    first, second = data["readings"][FIVE_HOUR]
    assert first == {
        "source": "stream",
        "used_percent": 61,
        "resets_at": "2026-11-21T14:00:00+00:00",
        "observed_at": "2026-11-21T12:00:00+00:00",
        "age_s": 0.0,
        "confidence": "exact",
        "stale": False,
    }
    assert second["source"] == "claude"
    (contradiction,) = data["contradictions"]
    assert contradiction["window"] == FIVE_HOUR
    assert contradiction["sources"] == ["stream", "claude"]
