"""The second implementation of the modelled world, against cases small enough to work out by hand."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.core.second import disputed, fifo, figures, seed
from tests.core.second_page import Row


def scene(*tasks: Row, **changes: Any) -> Row:
    """A Monday from midnight, twelve hours of UTC, no window open, a fresh week."""
    return {
        "start": at(0),
        "hours": 12,
        "slots": 1,
        "five_hour": {"used": 0, "resets_at": None},
        "seven_day": {"used": 0, "resets_at": "2026-01-10T00:00:00+00:00"},
        "person": [],
        "reserve": [],
        "tasks": list(tasks),
        "observed": [],
    } | changes


def task(name: str, points: float, hours: float, **changes: Any) -> Row:
    head = {"name": name, "arrives": at(0), "priority": 5, "deadline": None, "depends_on": [], "kind": "fix"}
    return head | {"duration_s": hours * 3600, "five_hour": points, "seven_day": points / 10} | changes


def past(kind: str, points: float) -> Row:
    return {"kind": kind, "duration_s": 600, "five_hour": points, "seven_day": points / 10}


def use(hours: float, points: float, weekly: float) -> Row:
    return {"at": at(hours), "five_hour": points, "seven_day": weekly}


def office(points: float, weekly: float = 0, begin: str = "08:00", to: str = "19:00", day: str = "mon") -> Row:
    return {"days": [day], "from": begin, "to": to, "five_hour": points, "seven_day": weekly}


def at(hours: float) -> str:
    seconds = round(hours * 3600)
    return f"2026-01-05T{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}+00:00"


def legs(result: Row, name: str) -> list[tuple[str, str, str]]:
    row = next(row for row in result["tasks"] if row["name"] == name)
    return [(leg["start"].replace(".000", ""), leg["end"].replace(".000", ""), leg["why"]) for leg in row["segments"]]


def held(result: Row) -> list[tuple[float, float, float]]:
    return [(window["used"], window["by_person"], window["by_runs"]) for window in result["windows"]]


def segment(name: str, begin: float, end: float, why: str) -> Row:
    return {"name": name, "segments": [{"start": at(begin), "end": at(end), "why": why}]}


def test_a_run_alone() -> None:
    result = fifo(scene(task("a", 60, 1)))
    assert legs(result, "a") == [(at(0), at(1), "done")]
    assert held(result) == [(60, 0, 60)]
    assert result["makespan_s"] == 3600 and result["completed_weighted"] == 0.2
    assert result["idle_ready_points"] == 0


def test_above_ninety_nothing_starts_and_what_was_left_is_idle() -> None:
    """Five points were left; the second task, for which they expired, would have taken ten."""
    result = fifo(scene(task("a", 95, 2), task("b", 10, 1)))
    assert legs(result, "b") == [(at(5), at(6), "done")]
    assert result["idle_ready_points"] == 5


def test_at_ninety_it_starts() -> None:
    assert legs(fifo(scene(task("a", 90, 2), task("b", 10, 1))), "b") == [(at(2), at(3), "done")]


def test_a_full_window_cuts_and_resuming_has_a_price() -> None:
    """After half of b the window is full.  Half an hour and 15 points are left, and then 60 s and half a point more."""
    result = fifo(scene(task("a", 85, 1), task("b", 30, 1), task("c", 74.6, 1), task("d", 1, 1)))
    end = 5 + 1860 / 3600
    assert legs(result, "b") == [(at(1), at(1.5), "wall"), (at(5), at(end), "done")]
    assert legs(result, "c")[0][0] == at(end), "the parked run first"
    assert legs(result, "d")[0][0] == at(10), "the window is at 90.1"
    assert [used for used, _, _ in held(result)] == [100, 90.1, 1]
    assert result["parked_runs"] == 1


def test_a_run_that_ends_as_the_window_fills_is_complete() -> None:
    assert legs(fifo(scene(task("a", 90, 1), task("b", 10, 1))), "b") == [(at(1), at(2), "done")]


def test_a_full_week_cuts_too() -> None:
    week = {"used": 88, "resets_at": at(7)}
    result = fifo(scene(task("a", 40, 2, seven_day=24), seven_day=week))
    assert legs(result, "a")[0] == (at(0), at(1), "wall")
    assert legs(result, "a")[1][0] == at(7)


def test_a_run_lies_across_a_reset_and_opens_the_next_window() -> None:
    result = fifo(scene(task("a", 40, 2), five_hour={"used": 10, "resets_at": at(1)}))
    assert held(result) == [(30, 0, 20), (20, 0, 20)]
    assert result["windows"][1]["opened"].startswith("2026-01-05T01:00:00.000")


def test_the_window_that_a_run_opened_ends_five_hours_after_the_reset() -> None:
    tasks = (task("a", 40, 2), task("b", 75, 1), task("c", 1, 1))
    assert legs(fifo(scene(*tasks, five_hour={"used": 10, "resets_at": at(1)})), "c")[0][0] == at(6)


def test_a_past_reset_means_no_window_and_a_past_week_moves_on() -> None:
    past_week = {"used": 95, "resets_at": "2025-12-29T03:00:00+00:00"}
    result = fifo(scene(task("a", 10, 1), five_hour={"used": 99, "resets_at": at(0)}, seven_day=past_week))
    assert legs(result, "a") == [(at(3), at(4), "done")], "the week, moved on to this Monday, ends at three"


def test_the_person_gets_the_part_that_fits() -> None:
    window = {"used": 80, "resets_at": at(2)}
    result = fifo(scene(five_hour=window, person=[use(1, 40, 4), use(3, 30, 196)]))
    assert result["person_refused"] == pytest.approx(20 + 15)
    assert held(result) == [(100, 20, 0), (15, 15, 0)]


def test_what_the_week_refuses_does_not_fill_the_window() -> None:
    """Half of the use fits the week, so the window holds 50 and is open to runs as soon as the week is."""
    week = {"used": 80, "resets_at": at(2)}
    result = fifo(scene(task("a", 5, 1, arrives=at(1)), seven_day=week, person=[use(0.5, 100, 40)]))
    assert legs(result, "a")[0][0] == at(2)


def test_a_use_refused_whole_opens_no_window() -> None:
    result = fifo(scene(seven_day={"used": 100, "resets_at": at(9)}, person=[use(1, 7, 1), use(12, 9, 1)]))
    assert result["windows"] == [] and result["person_refused"] == 7


def test_a_use_can_cut_a_run() -> None:
    result = fifo(scene(task("a", 80, 2), person=[use(1, 60, 0)]))
    assert legs(result, "a")[0] == (at(0), at(1), "wall") and held(result)[0] == (100, 60, 40)


def test_fifo_goes_by_arrival_and_passes_over_what_waits() -> None:
    tasks = (
        task("late", 1, 1, arrives=at(0.5)),
        task("waits", 1, 1, depends_on=["late"], arrives="2026-01-04T20:00"),
        task("next", 1, 1, arrives="2026-01-04T23:00:00Z"),
        task("early", 1, 1, arrives="2026-01-04T22:00:00"),
    )
    result = fifo(scene(*tasks))
    begun = [legs(result, name)[0][0] for name in ("early", "next", "late", "waits")]
    assert begun == [at(0), at(1), at(2), at(3)]


def test_seed_orders_by_priority_deadline_and_estimate_and_starts_only_what_fits() -> None:
    tasks = (
        task("docs", 2, 1, kind="docs"),
        task("due", 2, 1, kind="large", deadline=at(11)),
        task("large", 2, 1, kind="large"),
        task("small", 2, 1),
        task("first", 2, 1, priority=1),
    )
    observed = [past("fix", 10), past("large", 70), past("fix", 20)]
    result = seed(scene(*tasks, observed=observed, five_hour={"used": 25, "resets_at": at(4.5)}))
    begun = {name: legs(result, name)[0][0] for name in ("first", "due", "small", "docs", "large")}
    assert begun == {"first": at(0), "due": at(1), "small": at(2), "docs": at(3), "large": at(4)}


def test_seed_starts_only_what_is_strictly_below_what_is_left() -> None:
    """Of a kind without samples it is the average of all, 70, that fits beside 20 and then, beside 50, does not."""
    tasks = (task("a", 2, 1, kind="x"), task("c", 30, 1, priority=1))
    result = seed(scene(*tasks, observed=[past("x", 70)], five_hour={"used": 20, "resets_at": at(6)}))
    assert legs(result, "c")[0][0] == at(0) and legs(result, "a")[0][0] == at(6)
    assert legs(seed(scene(*tasks, observed=[past("x", 100)])), "a") == [], "never fits"


@pytest.mark.parametrize(("other", "begun"), [(38, 2), (39, 6)])
def test_seed_learns_from_a_finished_run(other: float, begun: float) -> None:
    """0.7 × 70 + 0.3 × 2 = 49.6 is below 100 − 10 − 2 − 38 and not below 100 − 10 − 2 − 39."""
    tasks = (
        *(task("a", 2, 1, kind="x", priority=1), task("b", 2, 1, kind="x", priority=3)),
        task("other", other, 1, kind="y", priority=2),
    )
    window = {"used": 10, "resets_at": at(6)}
    result = seed(scene(*tasks, observed=[past("x", 70), past("y", 1)], five_hour=window))
    assert legs(result, "b")[0][0] == at(begun)


def test_the_reserve_counts_what_was_spent_before_its_hours() -> None:
    """From 07:00 on 40 points an hour: 80 at nine, where 60 were the runs'; the week 8, where all was."""
    result = fifo(scene(task("a", 80, 2, arrives=at(7)), hours=20, reserve=[office(40), office(30, day="tue")]))
    assert result["reserve_broken_points"] == pytest.approx(20)
    held_before = {"used": 50, "resets_at": at(9)}
    inside = scene(task("a", 80, 2, arrives=at(7)), hours=20, reserve=[office(40, 98)], five_hour=held_before)
    assert figures(inside, [segment("a", 7, 8.25, "wall")]).figures["reserve_broken_points"] == pytest.approx(40 + 3)


def test_the_excess_is_never_more_than_the_runs_part() -> None:
    """Of 100 the start held 70 and the reserve has 60: the runs may have less than nothing, and they took 8."""
    scenario = scene(task("a", 8, 1, arrives=at(8)), reserve=[office(60)], five_hour={"used": 70, "resets_at": at(10)})
    assert fifo(scenario)["reserve_broken_points"] == pytest.approx(8)


def test_a_reserve_over_midnight_in_its_zone() -> None:
    """Sunday's hours end at 03:00 in Berlin, which is 02:00 here; the run has spent 40 then, of 30."""
    reserve = [office(70, begin="23:00", to="03:00", day="sun")]
    result = fifo(scene(task("a", 60, 3), reserve=reserve, tz="Europe/Berlin"))
    assert result["reserve_broken_points"] == pytest.approx(10)


def test_idle_is_less_by_what_the_person_may_still_claim() -> None:
    """At the reset at 09:00: 5 held, 40 reserved of which the person took 10, so 100 − 15 − 30 = 55 lost."""
    scenario = scene(
        task("a", 90, 3),
        hours=10,
        five_hour={"used": 5, "resets_at": at(4)},
        reserve=[office(40, begin="03:30", to="05:00")],
        person=[use(1, 10, 1)],
    )
    assert figures(scenario, []).figures["idle_ready_points"] == pytest.approx(55 + 90), "and 90 of the 120 after it"


def test_idle_counts_no_more_than_free_slots_could_have_run() -> None:
    """Two tasks for five hours of one slot, the dearer first: 4 h of 18 and 1 h of 8 points."""
    tasks = (task("a", 40, 5), task("b", 72, 4), task("c", 90, 5, depends_on=["a"]))
    scenario = scene(*tasks, hours=5, five_hour={"used": 0, "resets_at": at(5)})
    assert figures(scenario, []).figures["idle_ready_points"] == pytest.approx(72 + 8)
    assert figures(scenario | {"slots": 2}, []).figures["idle_ready_points"] == pytest.approx(100), "no more than all"


def test_idle_is_scaled_to_what_the_week_had_left() -> None:
    scenario = scene(
        task("a", 40, 5), hours=5, five_hour={"used": 0, "resets_at": at(5)}, seven_day={"used": 97, "resets_at": at(9)}
    )
    assert figures(scenario, []).figures["idle_ready_points"] == pytest.approx(30)
    assert figures(scenario | {"reserve": [office(0, 2, "04:00", "05:00")]}, []).figures[
        "idle_ready_points"
    ] == pytest.approx(10)


def test_time_held_back_by_a_reserve_to_come_does_not_count() -> None:
    """All but the reserve of 04:00 was spent after an hour; of waiting that hour counts, and the last half one."""
    tasks = (task("a", 50, 1), task("b", 20, 5))
    reserve = [office(50, begin="04:00", to="04:30")]
    scenario = scene(*tasks, hours=5, slots=2, reserve=reserve, five_hour={"used": 0, "resets_at": at(5)})
    assert figures(scenario, [segment("a", 0, 1, "done")]).figures["idle_ready_points"] == pytest.approx(6)


def test_without_a_window_twenty_points_an_hour_expire() -> None:
    """The week is shut until 05:00: ten points waited, a hundred were offered."""
    result = fifo(scene(task("a", 10, 1), hours=10, seven_day={"used": 95, "resets_at": at(5)}))
    assert legs(result, "a") == [(at(5), at(6), "done")]
    assert result["idle_ready_points"] == pytest.approx(10)
    short = fifo(scene(task("a", 10, 1), hours=10, seven_day={"used": 95, "resets_at": at(0.25)}))
    assert short["idle_ready_points"] == pytest.approx(2.5), "a quarter of an hour of the run, or five points"


def test_a_reserve_takes_its_part_of_a_stretch_without_a_window() -> None:
    """Forty points in two hours, twenty of them wanted: 30 reserved to the end leave 10; 45 for an hour hide it."""
    scenario = scene(task("a", 20, 2), hours=2)
    for reserve, lost in (
        (office(30, begin="00:00", to="02:00"), 10),
        (office(30, begin="00:00", to="01:00"), 20),
        (office(45, begin="00:00", to="01:00"), 10),
    ):
        assert figures(scenario | {"reserve": [reserve]}, []).figures["idle_ready_points"] == pytest.approx(lost)


def test_a_run_in_flight_at_a_reset_opens_the_next_window_even_if_it_is_landed_there() -> None:
    scenario = scene(task("a", 30, 3), five_hour={"used": 0, "resets_at": at(1)})
    opened = [window["opened"][11:16] for window in figures(scenario, [segment("a", 0, 1, "landed")]).windows]
    assert opened == ["20:00", "01:00"]
    done = figures(scene(task("a", 30, 1), five_hour=scenario["five_hour"]), [segment("a", 0, 1, "done")])
    assert len(done.windows) == 1, "done before the reset"


def test_late_by_the_end_of_the_task_or_of_the_scenario() -> None:
    tasks = (
        task("a", 10, 2, deadline=at(1), priority=2),
        task("b", 10, 11, deadline=at(10), priority=4),
        task("c", 1, 1, deadline=at(13)),
    )
    result = fifo(scene(*tasks))
    assert (result["late"], result["late_s_weighted"], result["makespan_s"]) == (2, 3600 / 2 + 2 * 3600 / 4, 12 * 3600)


BROKEN = {
    "two in one slot": ([segment("a", 0, 2, "done"), segment("b", 1, 2, "done")], "2 in flight"),
    "too early done": ([segment("a", 0, 1.5, "done")], "1800000 ms left"),
    "too long": ([segment("a", 0, 3, "wall")], "after its work was done"),
    "no wall": ([segment("a", 0, 1, "wall")], "where no window is full"),
    "not on the minute": ([segment("a", 0, 0.001, "landed")], "not on the minute"),
    "open before the end": ([segment("a", 0, 1, "open")], "before the end"),
    "before its dependency": ([segment("c", 0, 1, "done")], "before what it depends on"),
    "before it arrived": ([segment("d", 0, 1, "done")], "outside its time"),
    "over a full window": ([segment("e", 0, 2, "done")], "holds 120.0"),
    "started beside a full window": (
        [segment("f", 0, 1, "done"), segment("b", 2, 3, "done")],
        "b: 2026-01-05T02:00:00+00:00 – 2026-01-05T03:00:00+00:00 while the window",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_said(name: str) -> None:
    segments, words = BROKEN[name]
    tasks = (
        *(task("a", 10, 2), task("b", 10, 1), task("c", 10, 1, depends_on=["a"])),
        *(task("d", 10, 1, arrives=at(1)), task("e", 120, 2), task("f", 100, 1)),
    )
    assert words in "; ".join(figures(scene(*tasks), segments).violations)


def test_a_landing_on_the_minute_is_allowed_and_has_its_price() -> None:
    scenario = scene(task("a", 30, 1))
    row = {
        "name": "a",
        "segments": [
            {"start": at(0), "end": at(0.5), "why": "landed"},
            {"start": at(1), "end": at(1.5 + 60 / 3600), "why": "done"},
        ],
    }
    judged = figures(scenario, [row])
    assert judged.violations == [] and judged.windows[0]["used"] == pytest.approx(30.5)
    assert judged.figures["parked_runs"] == 1 and judged.figures["completed"] == 1


def test_a_result_that_says_something_else_is_disputed() -> None:
    scenario = scene(task("a", 95, 2), task("b", 10, 1))
    result = fifo(scenario)
    assert disputed(scenario, result) == []
    wrong = deepcopy(result)
    wrong["idle_ready_points"] = 4.9
    wrong["windows"][0]["by_runs"] = 94
    wrong["windows"][1]["ends"] = at(11)
    assert [text.partition(" ")[0] for text in disputed(scenario, wrong)] == ["idle_ready_points:", "window", "window"]
