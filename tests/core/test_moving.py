"""Moving by hand under the order of urgency: what a move can change, what it cannot, how it is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.events import Asked
from cctui.core.inverse import inverse
from cctui.core.refusal import refusal
from cctui.core.settings import RunSettings, Settings
from cctui.core.view import say
from cctui.core.world import Add, Edit, Hold, Move, Pause, Place, Remove, Reorder, RunNow, Task, World
from tests.core.made import T0, after, outside, task, world

UP, DOWN, TOP, BOTTOM = (Move("m", place) for place in (Place.UP, Place.DOWN, Place.TOP, Place.BOTTOM))
DUE = after(hours=9)
CASES = {
    "past a deadline of its own priority": (
        [task("d", deadline=DUE), task("m")], UP, "d must start by 09:05; p4 goes before it"),
    "its own deadline holds it": (
        [task("m", deadline=DUE), task("x")], DOWN, "its deadline holds its place: start by 09:05"),
    "a deadline in the priority it would take on": (
        [task("d", priority=2, deadline=DUE), task("m")], UP, "d must start by 09:05; p1 goes before it"),
    "what waits for it makes it urgent": (
        [task("m", priority=5), task("heir", "m", priority=1), task("x", priority=5)], BOTTOM,
        "heir waits for it: it is as urgent"),
    "what waits for it has a deadline": (
        [task("m"), task("heir", "m", deadline=DUE), task("x")], BOTTOM, "heir waits for it: it is as urgent"),
    "an earlier deadline passes a later one": ([task("a", priority=1, deadline=after(hours=20)),
                                                task("m", deadline=DUE)], UP, ""),
    "past another priority": ([task("a", priority=1), task("m")], UP, ""),
    "among equals": ([task("a"), task("m")], UP, ""),
    "down past another priority": ([task("m", priority=1), task("z", priority=8)], DOWN, ""),
}  # fmt: skip


@pytest.mark.parametrize(("tasks", "move", "why"), CASES.values(), ids=CASES)
def test_a_move_that_changes_nothing_is_refused_with_the_reason(tasks: list[Task], move: Move, why: str) -> None:
    made = world(*(replace(entry, paused=True) for entry in tasks))
    reason = refusal(made, move, T0)
    assert (say(reason, T0) if reason else "") == why
    assert len(why) <= 48
    out = outside(*(replace(entry, paused=True) for entry in tasks))
    before = out.world.line.order
    out.tell(Asked(move))
    assert (out.world.line.order == before) is bool(why)


def test_an_aged_task_takes_on_the_priority_that_counts() -> None:
    old = task("m", priority=8, paused=True, added=T0 - timedelta(days=15))
    made = world(task("a", priority=3, paused=True, added=T0), old, settings=Settings(run=RunSettings(ageing_days=7)))
    assert made.line.urgency["m"].priority == 6
    out = outside(*made.tasks.values(), run=RunSettings(ageing_days=7))
    out.tell(Asked(UP))
    assert out.world.line.order == ("m", "a")
    assert out.files["pending/m.md"].priority == 5, "two steps of age bring it to 3"


def test_what_it_waits_for_goes_down_with_it() -> None:
    """A dependency inherits the priority of what waits for it, and so loses it again."""
    out = outside(*(replace(entry, paused=True) for entry in (task("d"), task("m", "d", priority=1), task("x"))))
    assert out.world.line.order == ("d", "m", "x")
    out.tell(Asked(BOTTOM))
    assert out.world.line.order == ("d", "x", "m")


NAMES = "abcdef"


@st.composite
def queues(draw: st.DrawFn) -> list[Task]:
    found = []
    for place, name in enumerate(NAMES):
        needs = draw(st.sets(st.sampled_from(NAMES[:place]), max_size=1)) if place else set()
        due = draw(st.sampled_from((None, None, after(hours=9), after(hours=20))))
        found.append(task(name, *needs, priority=draw(st.sampled_from((1, 5, 5, 8))), deadline=due, paused=True))
    return found


@given(queues(), st.sampled_from(NAMES), st.sampled_from(Place), st.sampled_from(NAMES))
def test_a_move_does_what_it_says_or_is_refused(backlog: list[Task], name: str, place: Place, other: str) -> None:
    out = outside(*backlog)
    move = Move(name, place, other if place in (Place.BEFORE, Place.AFTER) else None)
    before = out.world.line.order
    refused = refusal(out.world, move, T0)
    out.tell(Asked(move))
    order = out.world.line.order
    if refused:
        assert order == before
        return
    was, now = before.index(name), order.index(name)
    match place:
        case Place.UP:
            assert order.index(before[was - 1]) > now
        case Place.DOWN:
            assert order.index(before[was + 1]) < now
        case Place.TOP:  # first, but for what it needs itself: that comes along
            assert set(order[:now]) <= needs(out.world, name)
        case Place.BOTTOM:
            assert now == len(order) - 1


def needs(world: World, name: str) -> set[str]:
    """All that `name` waits for, directly or through others."""
    found: set[str] = set()
    open_names = [name]
    while open_names:
        task = world.tasks.get(open_names.pop())
        new = {need.name for need in task.depends_on} - found if task else set()
        found |= new
        open_names += new
    return found


def test_what_a_task_needs_comes_along_to_the_top() -> None:
    out = outside(
        task("a", priority=5, deadline=T0 + timedelta(days=2)),
        task("b", "a", priority=5),
        *(task(name, priority=1) for name in ("c", "d")),
    )
    out.tell(Asked(Move("b", Place.TOP)))
    assert out.world.line.order[:2] == ("a", "b")


@given(queues(), st.sampled_from(NAMES), st.sampled_from((Place.UP, Place.DOWN, Place.TOP, Place.BOTTOM)))
def test_taking_a_move_back_restores_the_order_and_the_priority(backlog: list[Task], name: str, place: Place) -> None:
    out = outside(*(replace(entry, depends_on=()) for entry in backlog))
    before, priority = out.world.line.order, out.world.tasks[name].priority
    move = Move(name, place)
    if refusal(out.world, move, T0):
        return
    back = inverse(out.world, move)
    assert back is not None
    out.tell(Asked(move))
    out.tell(Asked(back))
    assert out.world.tasks[name].priority == priority
    assert out.world.line.order == before


def test_what_can_be_taken_back_and_how() -> None:
    made: World = world(task("a", priority=3), task("b"))
    assert inverse(made, Pause("a")) == Pause("a", on=False)
    assert inverse(made, Hold()) == Hold(on=False)
    assert inverse(made, Hold(on=False)) is None, "nothing is held"
    assert inverse(made, Add("n", "text")) == Remove("n")
    assert inverse(made, Edit("a", "priority", "9")) == Edit("a", "priority", "3")
    assert inverse(made, Edit("b", "priority", "9")) == Edit("b", "priority", None), "a default has no line"
    assert inverse(made, Move("b", Place.TOP)) == Reorder("b", {"b": None}, 5)
    assert inverse(made, Edit("a", "model", "opus")) == Edit("a", "model", None)
    assert inverse(made, Edit("a", "name", '"x y"')) == Edit("x y", "name", None)
    assert inverse(made, Edit("a", "priority", "3")) is None, "it changes nothing"
    assert inverse(made, Edit("a", "no_such_field", "3")) is None
    assert inverse(made, RunNow("a")) is None
