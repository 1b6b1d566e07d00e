"""Portions: the most that a tag or a project may take of a window, and the least that is kept for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cctui.core import portions, queue, spending
from cctui.core.settings import Portion
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Phase, Reason, Record, Task, Why, World
from tests.core.learned import at_work, learned, with_runs
from tests.core.made import T0, after, task

X = Portion(tag="x", cap=30.0)
SMALL = task("a", kind="small", tags=("x",))
"""Ten points of the window, one of the week."""


def near(value: float) -> Any:
    return pytest.approx(value)


def _done(kind: str, five: float | None, week: float | None, *, hours: float = 1.0, **more: Any) -> Record:
    made = Record(kind, True, None, 1000, 60.0, "", T0, kind=kind, window_pct=five, week_pct=week)
    return replace(made, ended=after(hours=-hours), **more)


def _shut(made: World, name: str = "a") -> Reason | None:
    return spending.portion(queue.scene(made, T0), made.tasks[name])


def _with(*entries: Task, portion: tuple[Portion, ...] = (X,), past: tuple[Record, ...] = (), **more: Any) -> World:
    return replace(learned(*entries, portion=portion, **more), records=past)


@pytest.mark.parametrize(
    ("portion", "tags", "folder", "expected"),
    [
        (Portion(tag="x"), ("y", "x"), "/a", True),
        (Portion(tag="x"), ("xy",), "/x", False),
        (Portion(project="/src/app"), (), "/src/app", True),
        (Portion(project="/src/app/"), (), "/src/app/lib", True),
        (Portion(project="/src/app"), (), "/src/application", False),
        (Portion(project="/src/app"), (), "/src", False),
    ],
)
def test_what_belongs_to_a_portion(portion: Portion, tags: tuple[str, ...], folder: str, expected: bool) -> None:
    assert portions.of(portion, tags, folder) is expected


# --- caps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("taken", "free"), [(20.0, None), (21.0, 9.0), (45.0, 0.0)])
def test_a_cap_counts_what_was_taken_since_the_window_opened(taken: float, free: float | None) -> None:
    """It ends in three hours, so it opened two ago: what was done before that is of another window."""
    past = (_done("a", 50.0, 0.0, hours=2.1), _done("a", taken, 0.0, hours=1.9), _done("b", 40.0, 0.0))
    found = _shut(_with(SMALL, past=past))
    expected = None if free is None else Reason(Why.SHARE, "x", 10.0, near(free), after(hours=3))
    assert found == expected


def test_a_cap_is_of_every_window() -> None:
    """Half a week ago 29.5 points of the week: one more is too much, though the window has seen nothing of it."""
    past = (_done("a", 60.0, 29.5, hours=70.0),)
    assert _shut(_with(SMALL, past=past)) == Reason(Why.SHARE, "x", 1.0, near(0.5), after(hours=90))
    assert _shut(_with(SMALL, past=(replace(past[0], ended=after(hours=-79)),))) is None


def test_runs_at_work_have_taken_theirs_too() -> None:
    other = task("b", kind="large", tags=("x",))
    made = _with(SMALL, other)
    assert _shut(with_runs(made, at_work(other, 600.0, {FIVE_HOUR: 20.0}))) is None
    found = _shut(with_runs(made, at_work(other, 600.0, {FIVE_HOUR: 21.0})))
    assert found
    assert (found.what, found.threshold) == ("x", near(9))


def test_what_falls_behind_the_reset_is_not_of_this_window() -> None:
    """Of the small task's ten points at 20 an hour six fall into the last 18 minutes."""
    past = (_done("a", 24.0, 0.0),)
    assert _shut(_with(SMALL, past=past)) is not None
    assert _shut(_with(SMALL, past=past, ends=0.3)) is None


def test_others_are_not_held_by_a_cap() -> None:
    other = task("a", kind="small")
    assert _shut(_with(other, past=(_done("a", 99.0, 0.0),))) is None


def test_a_project_that_was_done_without_its_file_is_known_by_its_folder() -> None:
    portion = (Portion(project="/src/app", cap=30.0),)
    mine = replace(SMALL, folder="/src/app/lib")
    assert _shut(_with(mine, portion=portion, past=(_done("gone", 25.0, 0.0, project="/src/app"),))) is not None
    assert _shut(_with(mine, portion=portion, past=(_done("gone", 25.0, 0.0, project="/src/other"),))) is None


# --- floors ----------------------------------------------------------------------------------------------------------

FLOOR = (Portion(tag="x", floor=40.0),)
OTHER, WANTED = task("a", kind="small"), task("b", kind="small", tags=("x",))


@pytest.mark.parametrize(("used", "free"), [(50.0, None), (51.0, 9.0), (90.0, 0.0)])
def test_a_floor_keeps_its_points_from_others(used: float, free: float | None) -> None:
    found = _shut(_with(OTHER, WANTED, portion=FLOOR, used=used))
    expected = None if free is None else Reason(Why.SHARE, "x", 10.0, near(free), after(hours=3))
    assert found == expected


def test_those_whose_floor_it_is_are_not_held_by_it() -> None:
    assert _shut(_with(OTHER, WANTED, portion=FLOOR, used=85.0), "b") is None


def test_what_they_have_taken_of_their_floor_is_not_kept_any_more() -> None:
    past = (_done("b", 35.0, 0.0),)
    assert _shut(_with(OTHER, WANTED, portion=FLOOR, used=85.0, past=past)) is None
    assert _shut(_with(OTHER, WANTED, portion=FLOOR, used=86.0, past=past)) is not None


@pytest.mark.parametrize("more", [{"paused": True}, {"phase": Phase.COMPLETED}, {"tags": ("y",)}])
def test_what_nobody_wants_is_kept_for_nobody(more: dict[str, Any]) -> None:
    assert _shut(_with(OTHER, replace(WANTED, **more), portion=FLOOR, used=80.0)) is None


def test_claims_of_runs_at_work_are_not_free() -> None:
    """Of 90 free points a large run takes 40: of the 50 left 40 are kept, so that ten fit, and not a point more."""
    runs = task("c", kind="large")
    made = with_runs(_with(OTHER, WANTED, runs, portion=FLOOR), at_work(runs))
    assert _shut(made) is None
    assert _shut(replace(made, readings=tuple(replace(each, used=(each.used or 0) + 1) for each in made.readings)))


def test_where_nothing_is_known_of_costs_no_portion_holds() -> None:
    assert _shut(_with(SMALL, past=(_done("a", 99.0, 99.0),), kinds={})) is None


def test_the_window_that_was_opened_is_told_by_its_length() -> None:
    made = _with(SMALL, past=(_done("a", 7.0, 3.0),))
    rooms = queue.scene(made, T0).rooms()
    taken = {room.window: portions.used(made, X, room, T0 + timedelta(0)) for room in rooms}
    assert taken == {FIVE_HOUR: 7.0, SEVEN_DAY: 3.0}
