"""The two plain policies, the figures with numbers worked out by hand, and laws that hold for every scenario."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.core.simulate.figures import simulate
from cctui.core.simulate.parsing import parse
from cctui.core.simulate.policies import POLICIES, Averages
from cctui.core.simulate.scenario import Scenario
from cctui.core.simulate.sight import Choice, Sight
from tests.core.simulated import (
    HOUR,
    Json,
    Recorder,
    greedy,
    hours,
    iso,
    made,
    past,
    person,
    played,
    ran,
    reserve,
    scenarios,
    segments,
    task,
    tasks,
)

# --- the policies ----------------------------------------------------------------------------------------------------


def order(result: Json) -> list[str]:
    started = [item for item in result["tasks"] if item["start"]]
    return [item["name"] for item in sorted(started, key=lambda item: item["start"])]


def test_fifo_goes_by_arrival_then_place_and_passes_over_what_waits_for_others() -> None:
    tasks_of = [task("d", 1, 1, depends_on=["c"], at=-9), task("b", 1, 1), task("c", 1, 1), task("a", 1, 1, at=-1)]
    assert order(ran(made(*tasks_of, slots=4))) == ["a", "b", "c", "d"]


def test_fifo_runs_one_at_a_time_whatever_slots_is() -> None:
    assert tasks(ran(made(task("a", 1, 1), task("b", 1, 1), slots=5))) == {"a": (0, 1, 0), "b": (1, 2, 0)}


@pytest.mark.parametrize("policy", ["fifo", "seed"])
def test_the_gate_is_shut_strictly_above_90(policy: str) -> None:
    started = tasks(ran(made(*(task(str(place), 0.1, 9 if place else 18) for place in range(11))), policy))
    assert (started["9"][0], started["10"][0]) == (pytest.approx(0.9), 5)  # at 18 + 8 × 9 it is open
    assert tasks(ran(made(task("a", 1, 1), five=(90.01, 2)), policy))["a"][0] == 2
    assert tasks(ran(made(task("a", 1, 1), week=(90.01, 20)), policy))["a"][0] == 20
    assert tasks(ran(made(task("a", 1, 1), week=(90, 20)), policy))["a"][0] == 0


def test_fifo_resumes_what_is_parked_before_anything_new() -> None:
    result = ran(made(task("a", 2, 10, at=1), task("b", 1, 5, at=-1), task("c", 1, 5, at=2), person=[person(1.5, 96)]))
    assert order(result) == ["b", "a", "c"]
    assert segments(result, "a")[1][0] == 5


def test_averages_take_the_first_sample_as_it_is() -> None:
    averages = Averages()
    assert averages.estimate("x").five_hour == 0
    averages.learn("x", 10, 1)
    assert (averages.estimate("x").five_hour, averages.estimate("y").seven_day) == (10, 1)
    averages.learn("z", 20, 2)
    averages.learn("x", 20, 2)
    assert averages.estimate("x").five_hour == pytest.approx(13)
    assert averages.estimate("z").five_hour == 20
    assert averages.estimate("y").five_hour == pytest.approx(0.7 * 13 + 0.3 * 20)


def test_seed_sorts_by_priority_deadline_estimate_arrival_and_place() -> None:
    found = [
        task("g", 0.1, 1, kind="big"),
        task("f", 0.1, 1, kind="small"),
        task("e", 0.1, 1, kind="small", at=-1),
        task("d", 0.1, 1, kind="big", deadline=iso(9)),
        task("c", 0.1, 1, kind="big", deadline=iso(8)),
        task("a", 0.1, 1, kind="big", at=-5, priority=2),
        task("b", 0.1, 1, kind="small"),
    ]
    data = made(*found, observed=[past("small", 1), past("big", 20)])
    assert order(ran(data, "seed")) == ["c", "d", "e", "f", "b", "g", "a"]


def test_seed_starts_only_what_fits_strictly_and_learns_from_what_ends() -> None:
    found = [task("a", 1, 40, kind="x"), task("b", 1, 30, kind="x", priority=2), task("c", 1, 1, kind="y", priority=3)]
    data = made(*found, five=(50, 4), observed=[past("y", 5), past("x", 50)])
    result = ran(data, "seed")
    assert tasks(result)["c"][0] == 0  # 50 is not below 100 - 50: passed over
    assert (tasks(result)["a"][0], tasks(result)["b"][0]) == (4, 5)
    assert tasks(ran(made(task("a", 1, 1), week=(80, 9), observed=[past("k", 1, 20)]), "seed"))["a"][0] == 9


def test_seed_resumes_without_asking_whether_it_fits() -> None:
    data = made(task("a", 2, 10), observed=[past("k", 99)], person=[person(1, 95), person(5, 50)])
    assert segments(ran(data, "seed"), "a") == [(0, 1, "wall"), (5, pytest.approx(6 + 60 / HOUR), "done")]


# --- the figures -----------------------------------------------------------------------------------------------------


def test_the_figures_of_an_empty_scenario() -> None:
    result = ran(made())
    assert result == {
        "policy": "fifo", "tasks": [], "windows": [], "completed": 0, "completed_weighted": 0, "late": 0,
        "late_s_weighted": 0, "parked_runs": 0, "person_refused": 0, "reserve_broken_points": 0,
        "idle_ready_points": 0, "makespan_s": 0,
    }  # fmt: skip


def test_late_counts_what_ended_late_and_what_did_not_end_by_a_deadline_inside() -> None:
    found = [
        task("on time", 1, 1, deadline=iso(1)),
        task("late", 1, 1, deadline=iso(1.5), priority=2),
        task("never", 1, 1, deadline=iso(2), priority=4, at=50),
        task("open", 9, 1, deadline=iso(3)),
    ]
    result = ran(made(*found, hours=3))
    assert (result["late"], result["late_s_weighted"]) == (2, 1800 / 2 + 3600 / 4)
    assert (result["completed"], result["completed_weighted"], result["makespan_s"]) == (2, 1.5, 3 * HOUR)
    assert ran(made(task("a", 2, 1, at=1)))["makespan_s"] == 3 * HOUR


def idle(data: Json, policy: str = "") -> float:
    return float((ran(data, policy) if policy else played(data, Recorder()))["idle_ready_points"])


@pytest.mark.parametrize(
    ("data", "points"),
    [
        (made(task("a", 1, 10), five=(95, 2), hours=2), 5),  # what was left
        (made(task("a", 1, 10), five=(20, 2), hours=2), 10),  # what there was to do
        (made(task("a", 9, 90, at=1.5), five=(20, 2), hours=2), 5),  # time it waited
        (made(task("a", 9, 90), five=(20, 2.5), hours=2), 0),  # not reset inside
        (made(task("a", 9, 90, depends_on=["b"]), task("b", 9, 9), five=(20, 2), hours=2), 2),
        (made(task("a", 4, 40), task("b", 4, 80), five=(0, 4), hours=4), 80),  # one slot, the dearest first
        (made(task("a", 4, 40), task("b", 1, 30), five=(0, 4), hours=4), 60),
        (made(task("a", 4, 40), task("b", 1, 30), five=(0, 4), hours=4, slots=2), 70),
        (made(task("a", 1, 200), five=(100, 2), hours=2), 0),
    ],
)
def test_idle_points_of_a_window_when_nothing_starts(data: Json, points: float) -> None:
    assert idle(data) == pytest.approx(points)


@pytest.mark.parametrize(
    ("data", "points"),
    [
        (made(task("a", 5, 10), task("b", 1, 30), slots=2, hours=5), 30),  # a free slot all along
        (made(task("a", 5, 10), task("b", 1, 30), slots=1, hours=5), 0),  # no free slot
        (made(task("a", 5, 10), task("b", 4, 40), task("c", 4, 20), slots=2, hours=5), 45),  # five free slot-hours
        (made(task("a", 1, 10), task("b", 1, 10, at=4.9), five=(0, 5), hours=5), 0),  # started at once
        (made(task("a", 3, 150), hours=5), 0),  # cut: nothing is left
        (made(task("a", 2, 20), five=(91, 1), hours=1), 9),
    ],
)
def test_idle_points_of_a_window_under_fifo(data: Json, points: float) -> None:
    assert idle(data, "fifo") == pytest.approx(points)


@pytest.mark.parametrize(
    ("hours_of", "persons", "points"),
    [
        ([], [], 40),
        ([reserve("00:00", "03:00", 40)], [], 20),  # 60 - 40 were left
        ([reserve("00:00", "02:00", 40)], [person(0.5, 10)], 20),  # the person's use counts towards the reserve
        ([reserve("00:00", "02:00", 90)], [], 0),
        ([reserve("00:00", "01:00", 60)], [], 20),  # the first hour was held back
        ([reserve("01:00", "02:00", 60)], [], 0),  # and here all of it, by what comes later
        ([reserve("01:00", "01:30", 60)], [], 10),
        ([reserve("02:00", "03:00", 60)], [], 40),  # it begins with the next window
        ([reserve("00:00", "01:00", 30), reserve("00:30", "01:30", 60)], [], 10),
    ],
)
def test_idle_points_and_the_reserve(hours_of: list[Json], persons: list[Json], points: float) -> None:
    """Two hours of a window with 60 points left; a task of 20 points an hour is never started."""
    assert idle(made(task("a", 9, 180), five=(40, 2), hours=2, reserve=hours_of, person=persons)) == points


def test_spending_may_use_up_what_a_reserve_left_in_the_middle_of_a_run() -> None:
    data = made(
        task("a", 2, 40), task("b", 9, 90), slots=2, five=(40, 2), hours=2, reserve=[reserve("00:00", "01:30", 40)]
    )
    # a spends 20 an hour: from one o'clock on the reserve holds back the rest, until half past one
    assert idle(data, "fifo") == pytest.approx((1 + 0.5) * 10)


@pytest.mark.parametrize(
    ("data", "points"),
    [
        (made(task("a", 2, 100), hours=3), 60),
        (made(task("a", 2, 30), hours=3), 30),
        (made(task("a", 2, 100), hours=3, reserve=[reserve("00:00", "24:00", 40)]), 20),
        (made(task("a", 2, 100), hours=3, reserve=[reserve("00:00", "24:00", 70)]), 0),
        (made(task("a", 2, 100, 50), hours=3, week=(90, 100)), 20),  # 30 weekly points, ten were left
        (made(task("a", 2, 100, 50), hours=3, week=(90, 100), reserve=[reserve("00:00", "24:00", 0, 4)]), 12),
        (made(task("a", 9, 450, 45), hours=8, week=(96, 3), person=[person(3, 10)]), 40 + 90),  # each week for itself
        (made(task("a", 9, 90), hours=4, five=(10, 1), person=[person(2, 3)]), 10 + 10),  # 1 h of window, 1 h of none
    ],
)
def test_idle_points_of_a_stretch_without_a_window_and_of_the_week(data: Json, points: float) -> None:
    assert idle(data) == pytest.approx(points)


def test_what_was_left_of_a_parked_task_is_without_a_price_that_was_not_paid_yet() -> None:
    lands, again = Choice(lands=("a",)), Choice(starts=("a",))
    policy = Recorder({0.0: Choice(starts=("a",), alarm=HOUR), HOUR: lands, 3 * HOUR: again})
    assert played(made(task("a", 2, 40), five=(0, 3), hours=4), policy)["idle_ready_points"] == 20


# --- laws ------------------------------------------------------------------------------------------------------------
class Wild:
    """Starts, lands and sets alarms as a seed says; every choice is within the rules."""

    name = "wild"

    def __init__(self, seed: int, scenario: Scenario) -> None:
        self._random = Random(seed)
        self._greedy = greedy(scenario.slots)
        self._slots = scenario.slots
        self.most = 0

    def decide(self, sight: Sight) -> Choice:
        self.most = max(self.most, len(sight.in_flight))
        lands = tuple(run.task.name for run in sight.in_flight if sight.may_land and self._random.random() < 0.3)
        starts = self._greedy(sight).starts if self._random.random() < 0.8 else ()
        return Choice(lands, starts, sight.next_landing + 60 * self._random.randrange(200))


@given(data=scenarios(), seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_points_and_slots_are_conserved_whatever_the_policy(data: Json, seed: int) -> None:
    scenario = parse(data)
    policy = Wild(seed, scenario)
    result = simulate(scenario, policy)
    spent = 0.0
    for spec, item in zip(scenario.tasks, result["tasks"], strict=True):
        runs = [(hours(part["start"]), hours(part["end"])) for part in item["segments"]]
        took = sum(float(end or 0) - float(start or 0) for start, end in runs) * HOUR
        assert item["parked"] == sum(part["why"] in ("wall", "landed") for part in item["segments"])
        if item["end"]:
            resumed = len(runs) - 1
            assert took == pytest.approx(spec.duration_s + 60 * resumed, abs=0.01)
            spent += spec.five_hour + 0.5 * resumed
        else:
            spent += _spent(spec.five_hour, spec.duration_s, runs)
    windows_of = result["windows"]
    assert sum(window["by_runs"] for window in windows_of) == pytest.approx(spent, abs=0.01)
    assert all(window["used"] <= 100 + 1e-6 for window in windows_of)
    assert policy.most <= scenario.slots
    assert result["reserve_broken_points"] >= 0
    assert result["idle_ready_points"] >= 0
    json.dumps(result)


def _spent(five: float, seconds: float, runs: list[tuple[float | None, float | None]]) -> float:
    """What an unfinished task spent, from the rule alone: its own reckoning, segment by segment."""
    spent = 0.0
    for place, (start, end) in enumerate(runs):
        if place:
            five, seconds = five + 0.5, seconds + 60
        took = (float(end or 0) - float(start or 0)) * HOUR
        spent += five * took / seconds
        five, seconds = five * (1 - took / seconds), seconds - took
    return spent


@given(data=scenarios(), policy=st.sampled_from(["fifo", "seed"]))
@settings(max_examples=60, deadline=None)
def test_the_same_scenario_gives_the_same_result(data: Json, policy: str) -> None:
    before = deepcopy(data)
    assert ran(data, policy) == ran(data, policy)
    assert data == before


def test_a_week_of_200_tasks_comes_to_its_end() -> None:
    tasks_of = [task(f"t{place}", 0.7, 3 + place % 7, 0.3, at=place * 0.8) for place in range(200)]
    scenario = parse(made(*tasks_of, hours=168, reserve=[reserve("08:00", "19:00", 40)]))
    assert simulate(scenario, POLICIES["fifo"](scenario.known))["completed"] == 200
