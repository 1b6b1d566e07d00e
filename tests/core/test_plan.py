"""The plan: it is what the engine does when nothing surprises it, and says what it cannot know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as examples, strategies as st

from cctui.core.cost import learn
from cctui.core.forecast import Plan
from cctui.core.plan import plan, sampled, slips, summary, what_if
from cctui.core.settings import CapacitySettings, Reserve, RunSettings, Settings
from cctui.core.step import step
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Add,
    Hold,
    Memory,
    Mode,
    Move,
    Pause,
    Phase,
    Place,
    Reason,
    Record,
    Remove,
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
    run = RunSettings(slots=slots, stagger_seconds=0.0)
    made = world(
        *tasks,
        settings=Settings(run=run, capacity=CapacitySettings(reserve=reserve)),
        readings=(reading(used[0]), reading(used[1], SEVEN_DAY)),
        **more,
    )
    made = replace(made, costs=known() if costs is None else costs, plugins=())
    from cctui.core import queue

    return replace(made, line=queue.line(made, T0))


def work(name: str, *needs: str, kind: str = "small", **fields: Any) -> Task:
    return task(name, *needs, kind=kind, worktree=True, **fields)


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
            not_before=None if begin is None else after(hours=begin),
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
