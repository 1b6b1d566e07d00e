"""A scenario of somebody's recorded days: what becomes a task, what is the person's, and that it can be simulated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cctui.core.settings import CapacitySettings, Reserve, RunSettings, Settings
from cctui.core.simulate import others
from cctui.core.simulate.figures import simulate
from cctui.core.simulate.parsing import parse
from cctui.core.simulate.policies import POLICIES
from cctui.core.simulate.recorded import Past, scenario
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    ClosedWindow,
    Confidence,
    Dependency,
    Phase,
    Reading,
    Record,
    Task,
)

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def ran(task: str, hours: float, five: float | None = 10.0, week: float | None = 1.0, **more: Any) -> Record:
    """A run of one hour, as the history holds it."""
    length = more.pop("length", 1.0)
    return Record(
        task, more.pop("success", True), None, 1000, length * 3600, "", at(hours), run_id=f"{task}-{hours}",
        ended=at(hours + length), attempt=more.pop("attempt", 1), kind=more.pop("kind", "k"), runner="claude",
        window_pct=five, week_pct=week, **more,
    ) if "runner" not in more else replace(ran(task, hours, five, week), **more)  # fmt: skip


def read(hours: float, used: float, resets: float, window: str = FIVE_HOUR, **more: Any) -> Reading:
    return Reading(window, used, at(resets), more.pop("source", "stream"), at(hours), **more)


def made(*records: Record, now: float = 24, days: float = 2, **more: Any) -> Any:
    return scenario(Past(records, **more), at(now), days)


def tasks(told: Any) -> dict[str, Any]:
    return {task["name"]: task for task in told.scenario["tasks"]}


def file(name: str, *needs: str, **more: Any) -> Task:
    return Task(name, f"completed/{name}.md", Phase.COMPLETED, depends_on=tuple(map(Dependency, needs)), **more)


def test_a_run_becomes_a_task_with_its_true_cost() -> None:
    told = made(ran("a", 2, 12.5, 1.75, kind="fix"), now=12)
    assert told.notes == (
        "nothing is known of the week at the start: counted as empty",
        "no readings of those days are left: of the person's use only what is known of whole windows counts",
    )
    assert told.scenario == {
        "start": "2026-11-16T02:00:00+00:00",
        "hours": 10.0,
        "slots": 2,
        "tz": "UTC",
        "five_hour": {"used": 0, "resets_at": None},
        "seven_day": {"used": 0, "resets_at": "2026-11-23T02:00:00+00:00"},
        "person": [],
        "reserve": [],
        "tasks": [
            {
                "name": "a",
                "arrives": "2026-11-16T02:00:00+00:00",
                "priority": 5,
                "deadline": None,
                "depends_on": [],
                "kind": "fix",
                "duration_s": 3600.0,
                "five_hour": 12.5,
                "seven_day": 1.75,
            }
        ],
        "observed": [],
    }


def test_what_the_files_and_settings_say_is_used() -> None:
    settings = Settings(
        run=RunSettings(slots=3),
        capacity=CapacitySettings(reserve=(Reserve(("mon", "fri"), "08:00", "24:00", 30.0, 20.0),)),
    )
    files = {
        "a": file("a", added=at(1), priority=-2, deadline=at(9)),
        "b": file("b", "a", "gone", fired=at(2), added=at(20)),
        "c": file("c", added=at(23)),
    }
    told = made(ran("a", 3), ran("b", 5), ran("c", 6), tasks=files, settings=settings, zone="Europe/Berlin")
    found = tasks(told)
    assert [found[name]["arrives"][11:16] for name in "abc"] == ["02:00", "03:00", "07:00"]
    assert (found["a"]["priority"], found["a"]["deadline"]) == (1, "2026-11-16T10:00:00+01:00")
    assert [found[name]["depends_on"] for name in "abc"] == [[], ["a"], []]
    assert told.scenario["slots"] == 3 and told.scenario["tz"] == "Europe/Berlin"
    assert told.scenario["reserve"] == [
        {"days": ["mon", "fri"], "from": "08:00", "to": "24:00", "five_hour": 30.0, "seven_day": 20.0}
    ]
    parse(told.scenario)


def test_another_attempt_waits_for_the_one_before_and_another_run_does_not() -> None:
    files = {"a": file("a", added=at(0), deadline=at(30)), "b": file("b", "a", added=at(0))}
    told = made(
        ran("a", 1, success=False), ran("a", 3, attempt=2), ran("b", 4.5), ran("a", 6), ran("b", 9), tasks=files
    )
    found = tasks(told)
    assert {name: task["depends_on"] for name, task in found.items()} == {
        "a": [], "a (2)": ["a"], "b": ["a (2)"], "a (3)": [], "b (2)": ["a (3)"],
    }  # fmt: skip
    assert [found[name]["deadline"] is None for name in ("a", "a (2)", "a (3)")] == [True, True, False]
    assert [found[name]["arrives"][11:16] for name in ("a", "a (2)")] == ["00:00", "03:00"]


def test_what_waited_for_something_that_ended_later_did_not_wait_for_it() -> None:
    files = {"a": file("a", "b"), "b": file("b", "a")}
    found = tasks(made(ran("a", 1), ran("b", 3), tasks=files))
    assert (found["a"]["depends_on"], found["b"]["depends_on"]) == ([], ["a"])
    assert tasks(made(ran("b", 1, length=3.0), ran("a", 2), tasks=files))["a"]["depends_on"] == []


def test_runs_of_unknown_or_no_cost_are_left_out_and_counted() -> None:
    told = made(
        ran("a", 1), ran("b", 2, None), ran("c", 3, 0.0), ran("d", 4, length=0.0), ran("e", 5, None, runner="shell")
    )
    assert list(tasks(told)) == ["a"]
    assert told.notes[:3] == (
        "left out: 1 of 5 runs, which spend no capacity (not Claude's)",
        "left out: 1 of 5 runs, which have no known cost",
        "left out: 2 of 5 runs, which have a cost or a duration of 0",
    )
    assert made(ran("b", 2, None)).scenario is None
    assert made().notes == ("no run began in the last 2 days",)


def test_unknown_weekly_points_count_at_the_average() -> None:
    told = made(ran("a", 1, 10, 1), ran("b", 2, 30, 5), ran("c", 3, 20, None), ran("d", 4, 20, 0.0))
    assert [task["seven_day"] for task in told.scenario["tasks"]] == [1, 5, 2, 0]
    assert "weekly points of 1 of 4 runs are unknown: counted at the average, 0.1 for each" in told.notes[0]
    alone = made(ran("c", 3, 20, None))
    assert alone.scenario["tasks"][0]["seven_day"] == 0
    assert alone.notes[0] == "weekly points of 1 of 1 runs are unknown: counted as 0"


def test_earlier_runs_are_known_from_the_start() -> None:
    records = (ran("old", -60, 5, kind="x"), ran("bad", -50, 5, success=False), ran("new", 3))
    told = made(*records)
    assert told.scenario["observed"] == [{"kind": "x", "duration_s": 3600.0, "five_hour": 5, "seven_day": 1.0}]


# --- windows and the person ------------------------------------------------------------------------------------------


def test_the_windows_stand_as_they_stood_at_the_start() -> None:
    readings = (read(1, 20, 4), read(1, 33, 100, SEVEN_DAY), read(2.5, 20, 4), read(3.5, 28, 4), read(3.6, 34, 100))
    told = made(ran("a", 2.75), readings=readings)
    assert told.scenario["five_hour"] == {"used": 20, "resets_at": "2026-11-16T04:00:00+00:00"}
    assert told.scenario["seven_day"] == {"used": 33, "resets_at": "2026-11-20T04:00:00+00:00"}
    assert told.notes == ()


def test_of_a_window_first_seen_later_what_our_runs_had_spent_is_taken_off() -> None:
    readings = (read(3, 30, 6), read(3, 40.0, 100, SEVEN_DAY))
    told = made(ran("a", 2, 10, 2), readings=readings)
    assert told.scenario["five_hour"]["used"] == 20 and told.scenario["seven_day"]["used"] == 38


def test_growth_that_no_run_explains_is_the_persons() -> None:
    readings = (read(2, 0, 7), read(3, 10, 7), read(4, 18, 7), read(5, 18, 7), read(9, 5, 14))
    told = made(ran("a", 2, 10, 1), readings=readings)
    assert told.scenario["person"] == [
        {"at": "2026-11-16T04:00:00+00:00", "five_hour": 8, "seven_day": 0.8},
        {"at": "2026-11-16T09:00:00+00:00", "five_hour": 5, "seven_day": 0.5},
    ]


def test_what_a_run_spent_sooner_or_later_than_evenly_is_not_the_persons() -> None:
    readings = tuple(read(2 + minutes / 60, used, 7) for minutes, used in ((0, 0), (10, 8), (30, 9), (60, 10)))
    assert made(ran("a", 2, 10, 1), readings=readings).scenario["person"] == []


def test_estimates_and_other_accounts_and_less_than_a_point_are_nobodys() -> None:
    readings = (
        read(2, 0, 7),
        read(3, 10.9, 7),
        read(3.1, 90, 7, source="transcripts", confidence=Confidence.ESTIMATED),
        read(3.2, 80, 7, account="work"),
    )
    assert made(ran("a", 2, 10, 1), readings=readings).scenario["person"] == []


def test_of_a_window_without_readings_the_whole_is_known() -> None:
    closed = (
        ClosedWindow(FIVE_HOUR, at(2), at(7), used=40, ours=10, person=25),
        ClosedWindow(FIVE_HOUR, at(7), at(12), open=False),
        ClosedWindow(SEVEN_DAY, at(-100), at(12), person=30),
        ClosedWindow(FIVE_HOUR, at(12), at(17), used=20, person=20),
    )
    told = made(ran("a", 2, 10, 1), windows=closed, readings=(read(13, 1, 17), read(14, 4, 17)))
    assert [(use["at"][11:16], use["five_hour"]) for use in told.scenario["person"]] == [
        ("04:30", 25), ("13:00", 1), ("14:00", 3),
    ]  # fmt: skip


def test_windows_are_told_apart_by_their_ends() -> None:
    readings = (read(1, 5, 6), read(2, 9, 6.1), read(2.1, 7, 6), read(7, 2, 11.5), read(3, 12, 6.05))
    found = others.stands(readings, FIVE_HOUR)
    assert [[used for _, used in stand.seen] for stand in found] == [[5, 9, 9, 12], [2]]


@pytest.mark.parametrize("policy", POLICIES)
def test_it_can_be_simulated(policy: str) -> None:
    records = [
        ran(f"t{number}", number * 1.5, 20 + number % 7, 2.5, kind=f"k{number % 3}") for number in range(-30, 30)
    ]
    readings = [read(hour / 2, (hour % 10) * 9, hour // 10 * 5 + 5) for hour in range(90)]
    told = made(*records, now=48, days=1.5, readings=readings)
    parsed = parse(told.scenario)
    result = simulate(parsed, POLICIES[policy](parsed.known))
    assert result["completed"] > 5 and len(parsed.observed) == 38 and len(parsed.tasks) == 22
