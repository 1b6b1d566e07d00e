"""Landing: which runs stop before a bound is met, when, and that the others go on.  Figures worked by hand.

Runs of these kinds spend 20 points an hour: ten in half an hour, half a point in the 90 seconds of the lead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core import landing, queue
from cctui.core.landing import LEAD, PATIENCE
from cctui.core.scene import Scene
from cctui.core.settings import Reserve
from cctui.core.world import FIVE_HOUR, Halting, Leg, Part, Person, Run, Share, Task, World
from tests.core.learned import at_work, learned, with_runs
from tests.core.made import T0, after, shell, task

ALWAYS = (Reserve(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00", "24:00", 30.0, 0.0),)
LARGE = task("a", kind="large")


def _scene(used: float, *runs: tuple[Task, dict[str, Any]], **more: Any) -> Scene:
    """Runs at work, all that is used of the window ours; what more is said of a run goes into it."""
    made = learned(*(of for of, _ in runs), used=used, slots=9, **more)
    made = with_runs(made, *(at_work(of, **fields) for of, fields in runs))
    share = Share(after(hours=more.get("ends", 3.0)), 0.0, used, 0.0, used)
    return queue.scene(replace(made, shares={FIVE_HOUR: share}), T0)


def _victims(scene: Scene) -> dict[str, bool]:
    """Whom it tells to stop, and whether at once."""
    return {name: hard for name, (_, _, hard) in landing.breach(scene).victims.items()}


def _due(scene: Scene) -> float | None:
    moment = landing.due(scene)
    return (moment - T0).total_seconds() if moment else None


# --- one run, one bound ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "victims", "due"),
    [
        pytest.param(60.0, {}, None, id="what it takes fits"),
        pytest.param(61.0, {}, 39 * 180 - LEAD, id="a point too much: it is stopped when 39 are gone"),
        pytest.param(90.0, {}, 1800 - LEAD, id="half an hour"),
        pytest.param(99.4, {}, 108 - LEAD, id="108 seconds"),
        pytest.param(99.5, {"a": False}, PATIENCE, id="90 seconds: now"),
        pytest.param(99.99, {"a": False}, PATIENCE, id="two seconds"),
        pytest.param(100.0, {"a": True}, PATIENCE, id="at the wall: at once"),
    ],
)
def test_a_run_is_told_ninety_seconds_before_the_wall(used: float, victims: dict[str, bool], due: float | None) -> None:
    scene = _scene(used, (LARGE, {}))
    assert _victims(scene) == victims
    assert _due(scene) == (None if due is None else pytest.approx(due, abs=0.01))
    assert landing.breach(scene).known == {"a"}


@pytest.mark.parametrize(
    ("used", "victims", "due"),
    [(30.0, {}, None), (60.0, {}, 1800 - LEAD), (69.5, {"a": False}, PATIENCE), (75.0, {"a": True}, PATIENCE)],
)
def test_a_reserve_is_a_bound_as_well_and_has_no_wall(used: float, victims: dict[str, bool], due: float | None) -> None:
    scene = _scene(used, (LARGE, {}), reserve=ALWAYS)
    assert _victims(scene) == victims
    assert _due(scene) == (None if due is None else pytest.approx(due, abs=0.01))


def test_what_is_told_says_the_window_and_how_full_it_is() -> None:
    assert landing.breach(_scene(99.5, (LARGE, {}))).victims["a"] == (FIVE_HOUR, 99.5, False)


def test_a_run_that_crosses_the_reset_in_time_goes_on() -> None:
    """Six minutes before the reset two points are taken by then."""
    assert _victims(_scene(98.0, (LARGE, {}), ends=0.1)) == {}
    assert _victims(_scene(98.5, (LARGE, {}), ends=0.1)) == {}
    assert _due(_scene(98.5, (LARGE, {}), ends=0.1)) == pytest.approx(1.5 * 180 - LEAD, abs=0.01)


def test_what_the_next_window_holds_is_no_matter_yet() -> None:
    runs: list[tuple[Task, dict[str, Any]]] = [(task(name, kind="huge"), {}) for name in "abcd"]
    assert _victims(_scene(50.0, *runs, ends=0.3)) == {}
    assert _due(_scene(50.0, *runs, ends=0.3)) is None


def test_its_own_rate_counts() -> None:
    """A point in 20 seconds: at 92 % it has 160 seconds left, at 96 % 80."""
    fast = {"seconds": 200.0, "points": {FIVE_HOUR: 10.0}}
    assert _victims(_scene(92.0, (LARGE, fast))) == {}
    assert _victims(_scene(96.0, (LARGE, fast))) == {"a": False}


def test_room_for_a_person_at_work_stops_nobody() -> None:
    scene = _scene(75.0, (task("a", kind="small"), {}))
    scene = queue.scene(replace(scene.world, person=Person(1, T0, 5.0, 20.0)), T0)
    assert any(row.free < 0 for row in scene.rooms()[0].rows)
    assert (_victims(scene), _due(scene)) == ({}, None)


@pytest.mark.parametrize("of", [shell("a"), task("a", kind="new")], ids=["needs no window", "cost unknown"])
def test_what_cannot_be_judged_is_left_to_the_plain_bounds(of: Task) -> None:
    scene = _scene(99.9, (of, {}), kinds={})
    assert landing.breach(scene) == landing.Breach()
    assert landing.due(scene) is None


# --- several ---------------------------------------------------------------------------------------------------------

SMALL_B = task("b", kind="small", priority=2)
TINY_C = task("c", kind="tiny", priority=9)


def test_the_least_urgent_stop_so_that_the_others_can_go_on() -> None:
    """Ten points are left, enough for the small one: the large one has no share in them.  Of 50 left the small and one
    of the large take all, so that the less urgent of the large ones stops."""
    assert _victims(_scene(90.0, (LARGE, {}), (SMALL_B, {}))).keys() == {"a"}
    urgent = task("d", kind="large", priority=1)
    assert _victims(_scene(50.0, (LARGE, {}), (urgent, {}), (SMALL_B, {}))).keys() == {"a"}
    assert _victims(_scene(50.0, (LARGE, {}), (SMALL_B, {}))) == {}


def test_no_more_stop_than_have_to() -> None:
    """Of 30 points left the least urgent takes two: without the large one, which takes 40, it need not stop."""
    scene = _scene(70.0, (LARGE, {}), (TINY_C, {}))
    assert _victims(scene) == {}
    assert _due(scene) == pytest.approx(28 * 180 - LEAD, abs=0.01), "when 28 are gone the last two are the tiny one's"
    assert _victims(_scene(97.5, (LARGE, {}), (TINY_C, {}))) == {"a": False}


def test_a_deadline_makes_more_urgent_among_equals() -> None:
    one, other = task("a", kind="small"), task("b", kind="small")
    for late, expected in ((one, "b"), (other, "a")):
        hurried = replace(late, deadline=after(hours=1))
        scene = _scene(90.0, *((hurried if of is late else of, {}) for of in (one, other)))
        assert _victims(scene).keys() == {expected}


def test_what_has_been_told_already_is_not_looked_at_again() -> None:
    told = {"halting": Halting.LANDING}
    assert _due(_scene(99.5, (LARGE, told))) is None
    assert _due(_scene(96.0, (LARGE, told), (SMALL_B, {}))) is not None


# --- laws ------------------------------------------------------------------------------------------------------------

RUNS = st.lists(
    st.tuples(
        st.sampled_from(["tiny", "small", "large"]),
        st.integers(1, 9),
        st.sampled_from([{}, {"seconds": 300.0, "points": {FIVE_HOUR: 3.0}}]),
    ),
    min_size=1,
    max_size=4,
)


@given(RUNS, st.integers(0, 100), st.sampled_from([(), ALWAYS]), st.sampled_from([0.1, 0.5, 3.0]))
def test_those_that_go_on_keep_the_bound_and_time_always_goes_on(
    runs: list[tuple[str, int, dict[str, Any]]], used: int, reserve: tuple[Reserve, ...], ends: float
) -> None:
    made = [(task(f"t{n}", kind=kind, priority=first), more) for n, (kind, first, more) in enumerate(runs)]
    scene = _scene(float(used), *made, reserve=reserve, ends=ends)
    found, due = landing.breach(scene), _due(scene)
    assert found.victims.keys() <= found.known == {of.name for of, _ in made}
    assert due is None or due >= PATIENCE
    if due is not None and due > PATIENCE:
        assert found.victims == {}, "who is not due yet is not stopped"
    if found.victims:
        _keeps_its_bounds(scene, frozenset(found.victims))


def _keeps_its_bounds(scene: Scene, stopped: frozenset[str]) -> None:
    """Without those that stop, a bound is broken only by what was used already, or by what is not due yet."""
    left: World = replace(
        scene.world, runs={key: run for key, run in scene.world.runs.items() if not _is(run, stopped)}
    )
    rest = queue.scene(left, T0)
    assert landing.breach(rest).victims == {}


def _is(run: Run, stopped: frozenset[str]) -> bool:
    return run.spec.task in stopped


def test_who_cannot_stop_is_not_waited_for() -> None:
    yours = {"legs": (Leg(), Leg(Part.ATTENDED))}
    scene = _scene(90.0, (replace(LARGE, priority=9), yours), (SMALL_B, {}))
    assert _victims(scene).keys() == {"b"}
    alone = _scene(99.9, (LARGE, yours))
    assert (_victims(alone), _due(alone)) == ({}, None)
