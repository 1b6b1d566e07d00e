"""The gates and moving, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from cctui.core import queue
from cctui.core.cost import learn
from cctui.core.moving import moved
from cctui.core.settings import CapacitySettings, Portion, Quiet, Reserve, RunSettings, Settings
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Leg,
    Memory,
    Move,
    Parked,
    Part,
    Person,
    Phase,
    Place,
    Reason,
    Record,
    Retry,
    Run,
    Runner,
    Stage,
    Task,
    Why,
    World,
)
from tests.core.made import T0, after, reading, shell, spec, task, world

OTHER = task("other")


def _running(of: Task, stage: Stage = Stage.RUNNING, **more: Any) -> Run:
    return Run(spec(of.name, folder=of.folder, runner=of.runner), stage, **more)


def _stopped(why: Parked) -> Run:
    return _running(task("a"), Stage.PARKED, parked=why)


def _resumed(at: datetime) -> Run:
    return _running(OTHER, leg=2, legs=(Leg(), Leg(Part.WORK, Why.LIMIT)), leg_started=at)


def _with(made: World, *runs: Run) -> World:
    return replace(made, runs={run.spec.run_id: run for run in runs})


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FOREVER = Reserve(DAYS, "00:00", "24:00", 30.0, 30.0)


def _learned(*tasks: Task, used: float = 10.0, week: float = 20.0, slots: int = 2, **capacity: Any) -> World:
    """A World that knows what its tasks cost: `small` 10 points of the window, 1 of the week, in half an hour; `large`
    40 and 4 in two hours, both at 20 points an hour; `long` 5 in four hours.  The window ends in three hours, the week
    in ninety."""
    runs = [("small", 10.0, 1800.0), ("large", 40.0, 7200.0), ("long", 5.0, 14400.0)]
    records = [
        Record("t", True, None, 1000, took, "", T0, kind=kind, runner="claude", window_pct=five, week_pct=five / 10)
        for kind, five, took in runs * 3
    ]
    settings = Settings(run=RunSettings(slots=slots), capacity=CapacitySettings(**capacity))
    made = world(*tasks, readings=(reading(used), reading(week, SEVEN_DAY)), settings=settings)
    made = replace(made, costs=learn({}, records))
    return replace(made, line=queue.line(made))


SMALL, LARGE = task("a", kind="small"), task("a", kind="large")
X = task("x", tags=("x",))


def _at_work(made: World) -> World:
    """The person was at work a minute ago; their habit is 20 points: twice that, but no more than 30, is left to them.

    Two slots can be relied on for 20 points an hour: so from an hour and a half before the reset on nothing is kept."""
    return replace(made, person=Person(1, after(-60), 3.0, 20.0))


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
    ("quiet hours", _learned(SMALL, quiet=(Quiet(DAYS, "23:00", "03:00"),)), Why.QUIET, after(minutes=175)),
    ("ahead of an even week", _learned(SMALL, week=60.0, pace="even"), Why.PACE, after(hours=90 - 0.41 * 168)),
    (
        "its tag has had its share",
        _learned(replace(SMALL, tags=("x",)), portion=(Portion(tag="x", cap=5.0),)),
        Why.SHARE,
        after(hours=3),
    ),
    (
        "what is left is kept for a tag",
        _learned(SMALL, X, portion=(Portion("x", "", 85.0),)),
        Why.SHARE,
        after(hours=3),
    ),
    ("too much for the rest of the window", _learned(LARGE, used=70.0), Why.FIT, after(hours=1.5)),
    ("too much for the rest of the week", _learned(LARGE, week=97.0), Why.FIT, after(hours=88.5)),
    ("a firm limit", _learned(LARGE, used=50.0, limits=(FIVE_HOUR,), five_hour_max=75.0), Why.FIT, after(hours=1.75)),
    ("hours of the person", _learned(LARGE, used=40.0, reserve=(FOREVER,)), Why.RESERVE, after(hours=1.5)),
    (
        "the person at work: new work yields",
        _at_work(_learned(SMALL, person_yields=10.0)),
        Why.PERSON,
        after(minutes=9),
    ),
    (
        "room for the person at work",
        _at_work(_learned(LARGE, used=45.0, person_yields=0.0)),
        Why.PERSON,
        after(minutes=15),
    ),
    (
        "the slot is promised to something more urgent",
        _learned(task("a", kind="long"), task("b", kind="large", priority=1), used=85.0, slots=1),
        Why.RESERVED,
        after(hours=3),
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
    [
        (False, {Why.NOT_BEFORE, Why.RETRY, Why.QUIET, Why.PACE, Why.PERSON, Why.RESERVED}),
        (True, set(Why) - queue.HARD),
    ],
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
    return queue.line(replace(made, tasks=tasks, memory=Memory(ranks=ranks))).order


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
