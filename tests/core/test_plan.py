"""The plan: it is what the engine does when nothing surprises it, and says what it cannot know."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from cctui.core import queue
from cctui.core.cost import learn
from cctui.core.events import Asked
from cctui.core.forecast import Plan, Planned
from cctui.core.plan import plan, sampled, slips, summary, what_if
from cctui.core.settings import CapacitySettings, Reserve, RunSettings, Settings
from cctui.core.step import step
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Add,
    Hold,
    Mode,
    Move,
    Pause,
    Phase,
    Place,
    Reason,
    Record,
    Remove,
    RunNow,
    Stage,
    StopRun,
    Task,
    Why,
    World,
)
from tests.core.lived import Lived
from tests.core.made import T0, after, reading, shell, task, world

KINDS: dict[str, tuple[float, float]] = {"small": (3.0, 600.0), "middle": (9.0, 1800.0), "large": (31.0, 5400.0)}
"""Kind → points of the 5-hour window and seconds."""
WEEKLY = 0.1
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def record(kind: str, points: float, seconds: float, number: int = 0) -> Record:
    return Record(
        kind, True, None, int(points * 20_000), seconds, "", after(hours=-number - 1), run_id=f"{kind}-{number}",
        kind=kind, runner="claude", window_pct=points, week_pct=points * WEEKLY,
    )  # fmt: skip


def known(*factors: float) -> dict[str, Any]:
    """What is learned of the kinds from runs that took so many times their usual cost and time."""
    return dict(learn({}, [
        record(kind, points * factor, seconds * factor, number)
        for number, factor in enumerate(factors or (1.0,) * 5)
        for kind, (points, seconds) in KINDS.items()
    ]))  # fmt: skip


def here(*tasks: Task, slots: int = 2, reserve: tuple[Reserve, ...] = (), used: tuple[float, float] = (0, 0),
         costs: dict[str, Any] | None = None, **more: Any) -> World:  # fmt: skip
    run = RunSettings(slots=slots, stagger_seconds=0.0, stall_minutes=1e6)
    made = world(
        *tasks,
        settings=Settings(run=run, capacity=CapacitySettings(reserve=reserve)),
        readings=(reading(used[0]), reading(used[1], SEVEN_DAY)),
        **more,
    )
    made = replace(made, costs=known() if costs is None else costs, plugins=())
    return replace(made, line=queue.line(made, T0))


def work(name: str, *needs: str, kind: str = "small", **fields: Any) -> Task:
    return task(name, *needs, kind=kind, worktree=True, **fields)


def the(found: Plan, name: str) -> Planned:
    one = found.of(name)
    assert one is not None
    return one


def ends(found: Plan) -> dict[str, float | None]:
    """Name → hours to its end."""
    return {
        one.task: None if one.end is None else round((one.end - T0).total_seconds() / 3600, 4) for one in found.tasks
    }


def starts(found: Plan) -> dict[str, float | None]:
    return {
        one.task: None if one.start is None else round((one.start - T0).total_seconds() / 3600, 4)
        for one in found.tasks
    }


# --- the law: a plan is what the engine does when nothing surprises it -----------------------------------------------

TRUE = {kind: (seconds, points, points * WEEKLY) for kind, (points, seconds) in KINDS.items()}
NIGHT = Reserve(DAYS, "09:00", "17:00", 30.0, 5.0)
SOME = st.lists(
    st.tuples(
        st.sampled_from(sorted(KINDS)),
        st.integers(3, 6),
        st.sets(st.integers(0, 9), max_size=2),
        st.none() | st.integers(1, 30),
        st.none() | st.integers(1, 10),
    ),
    min_size=1,
    max_size=12,
)


def backlog(rows: list[Any]) -> list[Task]:
    return [
        work(
            f"t{number:02}",
            *(f"t{need:02}" for need in needs if need < number),
            kind=kind,
            priority=priority,
            deadline=None if due is None else after(hours=due),
            # Never in the very instant in which something ends: which of the two is met first is nobody's law.
            not_before=None if begin is None else after(hours=begin, minutes=7.3 + number * 1.1),
        )
        for number, (kind, priority, needs, due, begin) in enumerate(rows)
    ]


@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=SOME,
    slots=st.integers(1, 3),
    used=st.tuples(st.sampled_from((0.0, 40.0, 85.0)), st.sampled_from((0.0, 60.0, 96.0))),
    kept=st.booleans(),
)
def test_a_plan_is_what_happens_when_nothing_surprises(
    rows: list[Any], slots: int, used: tuple[float, float], kept: bool
) -> None:
    made = here(*backlog(rows), slots=slots, used=used, reserve=(NIGHT,) if kept else ())
    found = plan(made, T0, horizon=timedelta(hours=48))
    lived = Lived(made, TRUE).live(after(hours=48))
    for planned in found.tasks:
        assert_near(planned.start, lived.starts.get(planned.task), planned.task)
        assert_near(planned.end, lived.ends.get(planned.task), planned.task)


def assert_near(planned: datetime | None, lived: datetime | None, name: str) -> None:
    assert (planned is None) is (lived is None), (name, planned, lived)
    if planned and lived:
        assert abs((planned - lived).total_seconds()) < 1.0, (name, planned, lived)


# --- where it begins -------------------------------------------------------------------------------------------------


def begun(*tasks: Task, minutes: float, **more: Any) -> tuple[World, datetime, Lived]:
    """A World in which time has passed, as the engine lived it."""
    made = here(*tasks, **more)
    lived = Lived(made, TRUE).live(after(minutes=minutes))
    lived.happen()
    return lived.outside.world, lived.now, lived


def test_runs_in_flight_go_on_from_what_they_have_spent() -> None:
    found, now, lived = begun(*(work(f"t{n}", kind="middle") for n in range(4)), minutes=20)
    planned = plan(found, now)
    assert the(planned, "t0").start == T0, "it has started already"
    later = lived.live(after(hours=12))
    assert {one.task: one.end for one in planned.tasks} == {
        name: pytest.approx(end, abs=timedelta(seconds=1)) for name, end in later.ends.items()
    }
    assert sum(window.used for window in planned.windows if window.window == FIVE_HOUR) == pytest.approx(4 * 9.0)


def test_a_wall_parks_and_the_plan_says_how_often() -> None:
    """Nothing is known of the first window's use but that it is nearly full: the run is cut, and goes on after it."""
    made = here(work("big", kind="large"), used=(85.0, 0.0))
    made, _ = step(made, Asked(RunNow("big", force=True)), T0)
    (run,) = made.runs.values()
    made = replace(made, runs={run.spec.run_id: replace(run, stage=Stage.RUNNING)})
    big = the(plan(made, T0), "big")
    assert big.resumed == 1
    assert big.windows == (after(hours=-2), after(hours=3)), "the one that is open, and the next"
    assert big.end is not None and big.end > after(hours=3)


def test_it_begins_from_the_last_numbers_and_says_so() -> None:
    old = (reading(60.0, at=after(minutes=-90)), reading(20.0, SEVEN_DAY, at=after(minutes=-90)))
    made = here(work("a"))
    made = replace(made, readings=old)
    found = plan(made, T0)
    assert found.doubt == "5-hour window: last read 1h30 ago"
    assert ends(found) == {"a": pytest.approx(600 / 3600, abs=1e-3)}
    assert plan(replace(made, readings=()), T0).doubt == "5-hour window: never read, taken for unused"
    assert plan(here(work("a")), T0).doubt == ""


def test_what_nothing_is_known_of_is_a_guess() -> None:
    found = plan(here(work("new", kind="other"), work("old"), costs={}), T0)
    assert found.guesses == 2
    assert the(found, "new").points == 3.0
    assert ends(found)["new"] == pytest.approx(0.25, abs=1e-3), "half its time limit"
    assert plan(here(work("old")), T0).guesses == 0


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (work("a", paused=True), Why.PAUSED),
        (work("a", "gone"), Why.MISSING),
        (work("a", not_before=after(hours=200)), Why.NOT_BEFORE),
        (work("a", "b"), Why.DEPENDS),
        (work("a", mode=Mode.PLAN_FIRST), Why.NEEDS_YOU),
    ],
)
def test_what_stays_undone_says_why(one: Task, why: Why) -> None:
    found = the(plan(here(one, work("b", paused=True)), T0), "a")
    assert found.end is None
    assert found.why is not None and found.why.why is why


def test_a_deadline_is_met_or_missed_by_so_much() -> None:
    tasks = [work(name, kind="middle", deadline=after(hours=hours)) for name, hours in (("soon", 0.25), ("then", 2))]
    found = plan(here(*tasks, work("never", paused=True, deadline=after(hours=5))), T0)
    assert {one.task: one.late for one in found.tasks} == {
        "soon": pytest.approx(900, abs=1),
        "then": pytest.approx(-5400, abs=1),
        "never": pytest.approx(timedelta(days=7, hours=-5).total_seconds()),
    }


def test_work_that_spends_nothing_and_checks_and_set_ups() -> None:
    made = here(shell("s", kind="tests"), work("c", check="make test"), costs=known())
    assert ends(plan(made, T0)) == {"s": pytest.approx(0.25, abs=1e-3), "c": pytest.approx(1 / 6, abs=1e-3)}


def test_firings_within_the_horizon_are_tasks_of_the_plan() -> None:
    template = work("digest", phase=Phase.RECURRING, schedule="0 6 * * *", tz="UTC", added=T0)
    found = plan(here(template), T0, horizon=timedelta(days=2))
    assert [(one.task, one.fired, one.start) for one in found.tasks] == [
        ("digest@20260203T0600Z", True, after(hours=5, minutes=55)),
        ("digest@20260204T0600Z", True, after(hours=29, minutes=55)),
    ]


def test_windows_follow_one_another_and_say_what_expires() -> None:
    found = plan(here(*(work(f"t{n}", kind="large") for n in range(8))), T0)
    five = [window for window in found.windows if window.window == FIVE_HOUR]
    assert five[0].opens == after(hours=-2)
    assert all(one.ends <= other.opens for one, other in pairwise(five))
    assert all(window.ends - window.opens == timedelta(hours=5) for window in five)
    assert [window.cause for window in five][-1] == "nothing waits"
    assert sum(window.ours for window in five) == pytest.approx(8 * 31, rel=0.06), "a little more for what was parked"


def test_a_plan_changes_nothing_and_takes_any_world() -> None:
    made = here(work("a"))
    plan(made, T0)
    assert made.line.order == ("a",)
    assert plan(World(), T0).tasks == ()
    assert summary(plan(World(), T0), T0) == "week 0 % → 0 %"


# --- what if, and who slips ------------------------------------------------------------------------------------------


def queue_of(count: int) -> list[Task]:
    return [work(f"t{number}", kind="middle") for number in range(count)]


def test_moving_shows_who_slips_before_it_is_done() -> None:
    made = here(*queue_of(4), slots=1)
    after_it = what_if(made, Move("t3", Place.TOP), T0)
    assert isinstance(after_it, Plan)
    moved = slips(plan(made, T0), after_it)
    assert [(slip.task, round(slip.seconds, -1)) for slip in moved] == [
        ("t0", 1800),
        ("t1", 1800),
        ("t2", 1800),
        ("t3", -5400),
    ]


@pytest.mark.parametrize(
    ("command", "undone"),
    [
        (Pause("t1"), ["t1"]),
        (Hold(), ["t0", "t1", "t2"]),
        (Remove("t1"), []),
        (StopRun("t1"), None),
        (Move("t9", Place.TOP), None),
    ],
)
def test_what_a_command_would_come_to(command: Any, undone: list[str] | None) -> None:
    found = what_if(here(*queue_of(3)), command, T0)
    if undone is None:
        assert isinstance(found, Reason)
        return
    assert isinstance(found, Plan)
    assert sorted(one.task for one in found.tasks if one.end is None) == undone


def test_a_new_file_is_planned_by_what_it_would_hold() -> None:
    made = here(*queue_of(2), slots=1)
    found = what_if(made, Add("new", "…"), T0, files=(work("new", kind="small", priority=1),))
    assert isinstance(found, Plan)
    assert starts(found)["new"] == 0.0
    late = slips(
        plan(here(work("a", kind="middle", deadline=after(minutes=35)), slots=1), T0),
        plan(here(work("a", kind="middle", deadline=after(minutes=35), not_before=after(hours=1)), slots=1), T0),
    )
    assert [slip.newly_late for slip in late] == [True]


# --- bands -----------------------------------------------------------------------------------------------------------


def test_samples_are_drawn_from_what_such_work_took_and_are_the_same_again() -> None:
    made = here(*queue_of(6), slots=1, costs=known(0.5, 0.8, 1.0, 1.2, 2.0))
    found = sampled(made, T0, samples=40)
    assert found.samples == 40
    last = max(found.tasks, key=lambda one: one.end or T0)
    assert last.ends is not None and last.ends.p90 is not None
    assert after(minutes=90) < last.ends.p50 < last.ends.p90 < after(hours=7)
    assert sampled(made, T0, samples=40) == found
    assert sampled(made, T0, samples=40, seed=1) != found


def test_work_that_is_always_the_same_has_no_band() -> None:
    (one,) = sampled(here(work("a")), T0, samples=5).tasks
    assert one.ends is not None and one.ends.p50 == one.ends.p90 == one.end
    assert one.chance == 1.0


def test_what_is_undone_in_most_samples_has_no_middle() -> None:
    made = here(*queue_of(2), slots=1, costs=known(0.1, 1.0, 1.0, 1.0, 1.0))
    found = the(sampled(made, T0, samples=40, horizon=timedelta(minutes=50)), "t1")
    assert found.ends is None
    assert found.chance is not None and 0 < found.chance < 0.5
