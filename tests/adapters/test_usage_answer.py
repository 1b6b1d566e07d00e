"""The usage body, whatever it looks like: numbers where they are, unknown where they are not, never an exception."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.adapters.usage_answer import UsageError, readings_of
from cctui.core.world import Confidence, Reading

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RESET = "2026-11-21T16:39:26.123456+00:00"
RESET_AT = datetime(2026, 11, 21, 16, 39, 26, 123456, tzinfo=UTC)

SCOPED = {
    "kind": "weekly_scoped",
    "group": "weekly",
    "percent": 71,
    "severity": "warning",
    "resets_at": RESET,
    "scope": {"model": {"id": None, "display_name": "Fable"}, "surface": None},
    "is_active": True,
}
LIVE: dict[str, Any] = {
    "five_hour": {"utilization": 37.5, "resets_at": RESET, "limit_dollars": None},
    "seven_day": {"utilization": 12, "resets_at": RESET},
    "seven_day_oauth_apps": {"utilization": 99, "resets_at": RESET},
    "seven_day_opus": None,
    "seven_day_sonnet": {"utilization": 5, "resets_at": None},
    "iguana_necktie": None,
    "extra_usage": {"is_enabled": False, "monthly_limit": None, "utilization": None},
    "limits": [
        {"kind": "session", "percent": 37, "resets_at": RESET, "is_active": False},
        {"kind": "weekly_all", "percent": 12, "resets_at": RESET, "is_active": False},
        SCOPED,
    ],
}


def used(body: object) -> dict[str, float | None]:
    return {reading.window: reading.used for reading in readings_of(body, "api", NOW)}


def test_a_body_as_seen_live_becomes_one_reading_per_window() -> None:
    readings = readings_of(LIVE, "api", NOW)
    assert readings[0] == Reading("five_hour", 37.5, RESET_AT, "api", NOW, Confidence.EXACT)
    assert {reading.window: reading.used for reading in readings} == {
        "five_hour": 37.5,
        "seven_day": 12.0,
        "seven_day_fable": 71.0,
        "seven_day_sonnet": 5.0,
    }


def scoped(name: object, percent: object = 50, **more: object) -> dict[str, object]:
    return SCOPED | {"scope": {"model": {"id": None, "display_name": name}}, "percent": percent, **more}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"five_hour": {"utilization": 0, "resets_at": None}}, {"five_hour": 0.0}, id="an unopened window"),
        pytest.param({"five_hour": {"resets_at": RESET}}, {"five_hour": None}, id="no number is unknown"),
        pytest.param(
            {"five_hour": {"utilization": "37"}, "seven_day": {"utilization": 1}}, {"seven_day": 1.0}, id="text"
        ),
        pytest.param({"five_hour": {"utilization": True, "resets_at": RESET}}, {"five_hour": None}, id="a truth value"),
        pytest.param({"five_hour": {"utilization": 250}}, {"five_hour": 100.0}, id="above the range"),
        pytest.param({"five_hour": {"utilization": -3}}, {"five_hour": 0.0}, id="below the range"),
        pytest.param({"limits": [{"kind": "session", "percent": 8}]}, {"five_hour": 8.0}, id="limits alone"),
        pytest.param(
            {"seven_day_opus": {"utilization": 5}, "limits": [scoped("Claude Opus 4.5", 90)]},
            {"seven_day_opus": 5.0},
            id="the flat one wins",
        ),
        pytest.param({"limits": [scoped("Claude Opus 4.5")]}, {"seven_day_opus": 50.0}, id="family inside the name"),
        pytest.param({"limits": [scoped("Claude Fable 2")]}, {"seven_day_fable": 50.0}, id="unknown family"),
        pytest.param(
            {"limits": [scoped("Fable", 90, is_active=False), scoped("Fable", 40)]},
            {"seven_day_fable": 40.0},
            id="the active one of two",
        ),
        pytest.param(
            {"limits": [scoped("Fable", 40, is_active=False), scoped("Fable", 90, is_active=False)]},
            {"seven_day_fable": 90.0},
            id="the fuller of two",
        ),
        pytest.param(
            {"model_scoped": [{"display_name": "Fable", "utilization": 61, "resets_at": None}]},
            {"seven_day_fable": 61.0},
            id="as Claude Code names it",
        ),
        pytest.param(
            {"five_hour": {"utilization": 1}, "limits": [SCOPED | {"scope": {"model": None, "surface": "web"}}]},
            {"five_hour": 1.0},
            id="a limit of another surface",
        ),
    ],
)
def test_every_field_is_optional(body: object, expected: dict[str, float | None]) -> None:
    assert used(body) == expected


@pytest.mark.parametrize("resets", ["2026-11-21T16:39:26.123456Z", "2026-11-21T16:39:26.123456", 1795279166.123456])
def test_a_reset_is_read_in_every_form_the_service_uses(resets: object) -> None:
    (reading,) = readings_of({"five_hour": {"utilization": 1, "resets_at": resets}}, "api", NOW)
    assert reading.resets_at == RESET_AT


@pytest.mark.parametrize("resets", ["soon", "", "2026-13-45", 1e300, -5, [], {}])
def test_a_reset_that_is_no_moment_is_unknown(resets: object) -> None:
    (reading,) = readings_of({"five_hour": {"utilization": 1, "resets_at": resets}}, "api", NOW)
    assert reading.resets_at is None


@pytest.mark.parametrize("body", [None, [], "text", 3, {}, {"five_hour": None}, {"five_hour": {}}, {"limits": "x"}])
def test_a_body_without_windows_is_a_sentence(body: object) -> None:
    with pytest.raises(UsageError, match="usage answer"):
        readings_of(body, "api", NOW)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(sorted({*LIVE, *SCOPED, "model", "display_name", "utilization", "model_scoped"}))
BODIES = st.dictionaries(
    KEYS, VALUES | st.dictionaries(KEYS, VALUES) | st.lists(st.dictionaries(KEYS, VALUES), max_size=3), max_size=6
)


@given(VALUES | BODIES)
def test_no_body_at_all_makes_it_raise_anything_else(body: object) -> None:
    try:
        readings = readings_of(body, "api", NOW)
    except UsageError:
        return
    assert readings
    assert all(reading.used is None or 0 <= reading.used <= 100 for reading in readings)
    assert len({reading.window for reading in readings}) == len(readings)


def test_the_live_body_survives_the_loss_of_any_one_field() -> None:
    def shorn(value: Any, path: tuple[Any, ...]) -> Any:
        copy = json.loads(json.dumps(value))
        inner = copy
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        return copy

    def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [path for key, inner in inside for path in ((*before, key), *paths(inner, (*before, key)))]

    assert all(readings_of(shorn(LIVE, path), "api", NOW) for path in paths(LIVE))
