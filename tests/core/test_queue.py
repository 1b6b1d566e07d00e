"""Order, the dependency graph, the gates and moving, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from cctui.core import queue
from cctui.core.moving import moved
from cctui.core.settings import CapacitySettings, RunSettings, Settings
from cctui.core.world import (
    SEVEN_DAY,
    Broken,
    Cost,
    Leg,
    Memory,
    Move,
    Parked,
    Part,
    Phase,
    Place,
    Problem,
    Reason,
    Retry,
    Run,
    Runner,
    Stage,
    Task,
    Why,
    World,
)
from tests.core.made import T0, after, reading, shell, spec, task, world


@pytest.mark.parametrize(
    ("first", "second", "ranks"),
    [
        pytest.param(task("b", priority=1), task("a", priority=2), {}, id="priority, lower first"),
        pytest.param(task("b"), task("a"), {"b": 0}, id="a place set by hand before none"),
        pytest.param(task("b"), task("a", deadline=after(60)), {"b": 0, "a": 1}, id="a place beats a deadline"),
        pytest.param(task("b", deadline=after(60)), task("a", deadline=after(61)), {}, id="deadline"),
        pytest.param(task("b", deadline=after(60)), task("a"), {}, id="a deadline before none"),
        pytest.param(task("b", estimated_tokens=5), task("a", estimated_tokens=6), {}, id="small first"),
        pytest.param(task("b", estimated_tokens=5), task("a"), {}, id="known cost before unknown"),
        pytest.param(task("b", added=after(1)), task("a", added=after(2)), {}, id="older first"),
        pytest.param(task("a"), task("b"), {}, id="name last of all"),
    ],
)
def test_order(first: Task, second: Task, ranks: dict[str, int]) -> None:
    tasks = {entry.name: entry for entry in (second, first)}
    assert queue.order(tasks, ranks, {}) == (first.name, second.name)


def test_learned_cost_outweighs_the_hint_once_enough_runs_are_known() -> None:
    tasks = {name: task(name, estimated_tokens=hint) for name, hint in (("a", 10), ("b", 20))}
    costs = {"a": Cost("a", 3, 99.0), "b": Cost("b", 2, 1.0)}
    assert queue.order(tasks, {}, costs) == ("b", "a")


@pytest.mark.parametrize(
    ("tasks", "faults"),
    [
        ([task("a", "b"), task("b")], {}),
        ([task("a", "gone")], {"a": Reason(Why.MISSING, "gone")}),
        ([task("a", "done"), task("done", phase=Phase.COMPLETED)], {}),
        ([task("a", "a")], {"a": Reason(Why.CYCLE, "a → a")}),
        (
            [task("a", "b"), task("b", "a"), task("c", "a")],
            {"a": Reason(Why.CYCLE, "a → b → a"), "b": Reason(Why.CYCLE, "a → b → a")},
        ),
    ],
)
def test_faults(tasks: list[Task], faults: dict[str, Reason]) -> None:
    found = world(*tasks).line.faults
    assert {name: reason.why for name, reason in found.items()} == {n: r.why for n, r in faults.items()}
    for name, reason in faults.items():
        assert sorted(found[name].what.split(" → ")[:-1]) == sorted(reason.what.split(" → ")[:-1])


def test_a_dependency_whose_file_is_broken_says_so() -> None:
    broken = Broken("pending/b.md", "b", Phase.PENDING, (Problem("bad"),))
    assert world(task("a", "b"), broken=(broken,)).line.faults["a"].what == "b (its file is broken)"


def test_every_circle_is_named() -> None:
    faults = world(task("a", "b"), task("b", "a"), task("x", "y"), task("y", "x")).line.faults
    assert set(faults) == {"a", "b", "x", "y"}


OTHER = task("other")


def _running(of: Task, stage: Stage = Stage.RUNNING, **more: Any) -> Run:
    return Run(spec(of.name, folder=of.folder, runner=of.runner), stage, **more)


def _stopped(why: Parked) -> Run:
    return _running(task("a"), Stage.PARKED, parked=why)


def _resumed(at: datetime) -> Run:
    return _running(OTHER, leg=2, legs=(Leg(), Leg(Part.WORK, Why.LIMIT)), leg_started=at)


def _with(made: World, *runs: Run) -> World:
    return replace(made, runs={run.spec.run_id: run for run in runs})


GATED: list[tuple[str, World, Why, datetime | None]] = [
    ("unsupported", world(task("a", account="other")), Why.UNSUPPORTED, None),
    ("missing", world(task("a", "gone")), Why.MISSING, None),
    ("cycle", world(task("a", "a")), Why.CYCLE, None),
    ("claude missing", world(task("a"), programs={"claude": "install claude"}), Why.PROGRAM, None),
    ("disk", world(shell("a"), programs={"disk": "STATE is full"}), Why.DISK, None),
    ("plugins unknown", world(task("a", runner=Runner.RALPH)), Why.STARTING, None),
    ("paused", world(task("a", paused=True)), Why.PAUSED, None),
    ("hold", world(task("a"), memory=Memory(hold=True)), Why.HOLD, None),
    ("starting", replace(world(task("a")), looked=False), Why.STARTING, None),
    ("not before", world(task("a", not_before=after(5))), Why.NOT_BEFORE, after(5)),
    ("retry", world(task("a"), memory=Memory(retries={"a": Retry(1, after(9))})), Why.RETRY, after(9)),
    ("depends", world(task("a", "b"), task("b", paused=True)), Why.DEPENDS, None),
    ("depends, either way", world(task("a", "b:any"), task("b", paused=True)), Why.DEPENDS, None),
    ("failed", world(task("a", "b"), task("b", phase=Phase.FAILED)), Why.DEPENDS_FAILED, None),
    ("limit", world(task("a"), stops={"limit": Parked(Why.LIMIT, T0, after(7))}), Why.LIMIT, after(7)),
    ("outage", world(task("a"), stops={"outage": Parked(Why.OUTAGE, T0, after(7))}), Why.OUTAGE, after(7)),
    ("login", world(task("a"), stops={"login": Parked(Why.LOGIN, T0, after(7))}), Why.LOGIN, after(7)),
    ("five hours", world(task("a"), readings=(reading(90.5),)), Why.CAPACITY, after(hours=3)),
    (
        "the later of two windows",
        world(task("a"), readings=(reading(91.0), reading(96.0, SEVEN_DAY))),
        Why.CAPACITY,
        after(hours=90),
    ),
    ("not asked yet", replace(world(task("a"), readings=()), measured=False), Why.STARTING, None),
    ("blind", _with(world(task("a"), readings=()), _running(OTHER)), Why.BLIND, None),
    (
        "canary",
        _with(world(task("a"), stops={"limit": Parked(Why.LIMIT, after(-9), after(-1))}), _running(OTHER)),
        Why.CANARY,
        None,
    ),
    (
        "a plan that waits",
        _with(world(task("a")), _stopped(Parked(Why.NEEDS_YOU, T0, None))),
        Why.NEEDS_YOU,
        None,
    ),
    ("a question", _with(world(task("a")), _running(task("a"), asks="may I?")), Why.NEEDS_YOU, None),
    (
        "another has just gone on",
        _with(world(task("a")), _stopped(Parked(Why.LIMIT, T0, T0)), _resumed(after(-2))),
        Why.STAGGER,
        after(3),
    ),
    ("same folder", _with(world(task("a", folder=OTHER.folder)), _running(OTHER)), Why.FOLDER, None),
    ("slots", _with(world(task("a"), settings=Settings(run=RunSettings(slots=1))), _running(OTHER)), Why.SLOTS, None),
]


@pytest.mark.parametrize(("made", "why", "until"), [pytest.param(*row[1:], id=row[0]) for row in GATED])
def test_one_gate_is_shut_and_says_until_when(made: World, why: Why, until: datetime | None) -> None:
    reasons = list(queue.blocks(made, made.tasks["a"], T0))
    also = [Why.DEPENDS] if why is Why.CYCLE else []
    assert [reason.why for reason in reasons] == [why, *also]
    assert reasons[0].until == until


OPEN = [
    ("not asked yet, but a fresh reading is known", replace(world(task("a")), measured=False)),
    ("not asked yet, shell task", replace(world(shell("a"), readings=()), measured=False)),
    ("nothing in the way", world(task("a"))),
    ("a dependency that is done", world(task("a", "b"), task("b", phase=Phase.COMPLETED))),
    ("a failed one, either way", world(task("a", "b:any"), task("b", phase=Phase.FAILED))),
    ("exactly at the threshold", world(task("a"), readings=(reading(90.0),))),
    ("claude missing, shell task", world(shell("a"), programs={"claude": "install claude"})),
    ("window full, shell task", world(shell("a"), readings=(reading(99.0),))),
    ("blind with nothing running", world(task("a"), readings=())),
    ("a full window that has ended", world(task("a"), readings=(reading(99.0, resets_at=after(-1)),))),
    (
        "gate off",
        world(task("a"), readings=(reading(99.0),), settings=Settings(capacity=CapacitySettings(gate=False))),
    ),
    ("an old not_before", world(task("a", not_before=after(-5)))),
    ("somebody else's model", world(task("a", model="sonnet"), readings=(reading(), reading(99.0, "seven_day_opus")))),
]


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in OPEN])
def test_open(made: World) -> None:
    assert queue.block(made, made.tasks["a"], T0) is None


def test_a_models_week_binds_that_model() -> None:
    made = world(task("a", model="claude-opus-5-5"), readings=(reading(), reading(99.0, "seven_day_opus")))
    reason = queue.block(made, made.tasks["a"], T0)
    assert reason
    assert (reason.why, reason.what, reason.value, reason.threshold) == (Why.CAPACITY, "seven_day_opus", 99.0, 95.0)


def test_a_stale_reading_of_an_open_window_still_shuts_the_gate() -> None:
    """Use never falls before the reset: an old 95 % is still a lower bound."""
    made = world(task("a"), readings=(reading(95.0, at=after(hours=-1)),))
    assert queue.block(made, made.tasks["a"], T0) == Reason(Why.CAPACITY, "five_hour", 95.0, 90.0, until=after(hours=3))


@pytest.mark.parametrize(
    ("force", "passes"),
    [(False, {Why.NOT_BEFORE, Why.RETRY}), (True, set(Why) - queue.HARD)],
)
def test_what_run_now_passes_over(force: bool, passes: set[Why]) -> None:
    for name, made, why, _ in GATED:
        asked = replace(made, forced={"a": force})
        shut = queue.block(asked, asked.tasks["a"], T0)
        assert (shut is None) is (why in passes), name


def test_a_parked_folder_is_kept_from_other_conversations_but_not_from_the_shell() -> None:
    made = world(task("a", folder=OTHER.folder), shell("b", folder=OTHER.folder))
    made = _with(made, _running(OTHER, Stage.PARKED))
    assert queue.block(made, made.tasks["a"], T0) == Reason(Why.FOLDER, "other")
    assert queue.block(made, made.tasks["b"], T0) is None


# --- moving ----------------------------------------------------------------------------------------------------------


def _moved(made: World, move: Move) -> tuple[str, ...]:
    ranks, priority = moved(made, move)
    tasks = {**made.tasks, move.task: replace(made.tasks[move.task], priority=priority)}
    return queue.order(tasks, ranks, {})


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (Move("c", Place.UP), "a c b d"),
        (Move("b", Place.DOWN), "a c b d"),
        (Move("d", Place.TOP), "d a b c"),
        (Move("a", Place.BOTTOM), "b c d a"),
        (Move("d", Place.BEFORE, "b"), "a d b c"),
        (Move("a", Place.AFTER, "c"), "b c a d"),
        (Move("a", Place.UP), "a b c d"),
    ],
)
def test_moving_within_one_priority(move: Move, expected: str) -> None:
    assert " ".join(_moved(world(*map(task, "abcd")), move)) == expected


def test_crossing_into_another_priority_takes_it_on() -> None:
    made = world(task("a", priority=1), task("b", priority=5), task("c", priority=5))
    assert moved(made, Move("b", Place.UP))[1] == 1
    assert _moved(made, Move("b", Place.UP)) == ("b", "a", "c")
    assert moved(made, Move("a", Place.DOWN))[1] == 5
    assert _moved(made, Move("a", Place.DOWN)) == ("b", "a", "c")
    assert moved(made, Move("c", Place.TOP))[1] == 1
    assert moved(made, Move("a", Place.UP))[1] == 1


def test_a_thousand_tasks_with_three_dependencies_each_have_no_false_fault() -> None:
    tasks = [task(f"t{n}", *(f"t{n - k}" for k in (1, 2, 3) if n >= k)) for n in range(1000)]
    assert world(*tasks).line.faults == {}
