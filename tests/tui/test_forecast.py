"""The plan on the screen, and what a move would do: shown in time, taken back with one key, never in the way of one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from textual.pilot import Pilot

from cctui.cli import tables
from cctui.core import plan as core
from cctui.core import queue
from cctui.core.answer import answer
from cctui.core.forecast import Plan, Planned, Slip
from cctui.core.inverse import headline
from cctui.core.settings import Settings
from cctui.core.world import Add, Command, Edit, Hold, Move, Pause, Place, Remove, Together, Undo
from cctui.tui import forecast, whatif
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.detail import Detail
from cctui.tui.forecast import Forecast
from cctui.tui.why import Why, Windows
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import quiet, rows
from tests.worlds import NOW, ahead, night

PHONE, DESKTOP = (48, 18), (120, 40)


def app_on(link: FakeLink) -> CctuiApp:
    return CctuiApp(link, engine=None, settings=Settings())


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await quiet(pilot)


# --- the plan --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_every_task_is_in_the_plan_with_its_end(size: tuple[int, int]) -> None:
    link = FakeLink(night())
    app = app_on(link)
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["p"])
        screen = app.screen
        assert isinstance(screen, Forecast)
        expected = core.plan(night(), NOW)
        assert {item.key for item in screen.list.items if item.key} == {planned.task for planned in expected.tasks}
        assert link.planned == [None, None], "the middle first, then the bands"
        shown = rows(app)
        release = expected.of("release")
        assert release is not None and release.end is not None
        line = next(line for line in shown.splitlines() if " release " in line)
        assert f"{release.end:%H:%M}" in line


@pytest.mark.parametrize(("pressed", "screen"), [
    (["p", "enter"], Detail),
    (["p", "w"], Why),
    (["p", "escape"], Board),
    (["p", "p"], Board),
    (["p", "question_mark", "escape"], Forecast),
    (["w"], Why),
    (["w", "enter"], Detail),
    (["enter", "w"], Why),
    (["f"], Windows),
])  # fmt: skip
async def test_one_key_there_and_one_back(pressed: list[str], screen: type) -> None:
    link = FakeLink(night())
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, pressed)
        assert type(app.screen) is screen
        assert link.sent == []


async def test_a_tap_on_the_gauge_shows_the_windows() -> None:
    app = app_on(FakeLink(night()))
    async with app.run_test(size=PHONE) as pilot:
        await pilot.click("#gauge", offset=(20, 0))
        await pilot.pause()
        assert isinstance(app.screen, Windows)


async def test_a_plan_that_does_not_come_says_why() -> None:
    link = FakeLink(night())
    link.plan_fails = "the planner ended without an answer"
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["p"])
        assert "the planner ended" in rows(app)


async def test_it_is_asked_for_again_when_the_order_changes_and_not_at_every_word_of_a_run() -> None:
    clock = [NOW]
    link = FakeLink(night(), clock=lambda: clock[0])
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["p"])
        asked = len(link.planned)
        link.progress("auth-port-0203-1", "Edit: one more file")
        await quiet(pilot)
        assert len(link.planned) == asked
        await link.send(Pause("fix-7"))
        await quiet(pilot)
        assert len(link.planned) > asked
        asked = len(link.planned)
        link.progress("auth-port-0203-1", "Edit: and another")
        clock[0] += timedelta(seconds=forecast.AGAIN + 1)
        app.tick()
        await quiet(pilot)
        assert len(link.planned) > asked


async def test_late_tasks_and_undone_ones_say_so() -> None:
    late = Planned("a", NOW, ahead(hours=3), deadline=ahead(hours=2), late=3600.0, points=7.0, chance=0.25)
    assert "1h00 late (25 % sure)" in forecast.told(late, NOW)
    spare = replace(late, late=-1800.0, chance=None, resumed=2, guess="a guess")
    assert forecast.told(spare, NOW) == "ends 03:46 · due 02:46, 30m to spare · 7 %, a guess · parked 2x"
    undone = replace(late, start=None, end=None, late=None)
    assert forecast.told(undone, NOW) == "undone: still at work when the plan ends · due 02:46"


def test_tasks_stand_under_the_window_they_start_in() -> None:
    plan = core.plan(night(), NOW)
    for window, tasks in forecast.by_window(plan):
        assert window is not None
        for planned in tasks:
            assert planned.start is not None and planned.start < window.ends
    listed = [planned.task for _, tasks in forecast.by_window(plan) for planned in tasks]
    assert sorted(listed) == sorted(planned.task for planned in plan.tasks if planned.start)


@pytest.mark.parametrize("name", [name for name in night().tasks if night().tasks[name].phase == "pending"])
def test_why_fits_on_a_phone_and_leaves_no_gate_out(name: str) -> None:
    data = answer(night(), "why", {"task": name}, NOW).data
    text = tables.why(data)
    assert len(text.splitlines()) <= 17, "one line of the 18 is the prompt"
    said = " ".join(text.split())
    for gate in data:
        assert gate["gate"].replace("_", " ") in said or " ".join(gate["text"].split()) in said
    assert {gate["gate"] for gate in data} == {*(why.value for why, _ in queue.GATES), "order", "cost"}


# --- what if ---------------------------------------------------------------------------------------------------------


def line_of(app: CctuiApp) -> str:
    """What the line above the hints says; empty: it is not there."""
    board = app.screen_stack[0]
    assert isinstance(board, Board)
    said = board.what_if
    return "".join(text for entry in (*said.left, *said.right) for text, _ in entry.spans) if said.display else ""


async def test_a_move_is_made_at_once_and_who_slips_is_said_after() -> None:
    link = FakeLink(night())
    link.plan_waits = asyncio.Event()
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await pilot.press("J")
        await pilot.pause()
        assert link.world.line.order[:2] == ("fix-9", "fix-7"), "no plan is waited for"
        assert "fix-7 moved" in line_of(app) and "Undo" in line_of(app)
        link.plan_waits.set()
        await quiet(pilot)
        assert "fix-7 ends 16m later" in line_of(app)
        assert link.planned == [Undo(), None]


async def test_u_takes_one_thing_after_another_back() -> None:
    link = FakeLink(night())
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        before = link.world.line.order
        await press(pilot, ["J", "z", "u"])
        assert link.sent[-1] == Undo() and not link.world.memory.hold
        assert link.world.line.order[:2] == ("fix-9", "fix-7")
        assert line_of(app).startswith("taken back: hold is on") and "Undo" in line_of(app)
        await pilot.click("#whatif", offset=(44, 0))
        await quiet(pilot)
        assert link.world.line.order == before
        assert line_of(app).startswith("taken back: fix-7 moved") and "Undo" not in line_of(app)


async def test_what_another_face_or_an_earlier_life_did_can_be_taken_back_here() -> None:
    link = FakeLink(night())
    await link.send(Hold())
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await quiet(pilot)
        assert line_of(app) == "", "that is no news"
        await link.send(Move("fix-7", Place.DOWN))
        await quiet(pilot)
        assert "Undo" in line_of(app)
        await press(pilot, ["u", "u"])
        assert link.world.memory.done == () and not link.world.memory.hold


async def test_what_is_only_let_go_of_is_not_said_to_be_taken_back() -> None:
    clock = [NOW]
    link = FakeLink(night(), clock=lambda: clock[0])
    app = app_on(link)
    async with app.run_test(size=PHONE, notifications=True) as pilot:
        await press(pilot, ["J"])
        tasks = {name: task for name, task in link.world.tasks.items() if name != "fix-7"}
        link.publish(replace(link.world, tasks=tasks))
        clock[0] += timedelta(seconds=11)
        await press(pilot, ["u"])
        assert link.world.memory.done == () and line_of(app) == ""
        assert "cannot be taken back" in " ".join(rows(app).split())


async def test_without_anything_done_there_is_nothing_to_take_back() -> None:
    app = app_on(link := FakeLink(night()))
    async with app.run_test(size=PHONE, notifications=True) as pilot:
        await press(pilot, ["u"])
        assert "nothing to take back" in rows(app)
        assert link.sent == []


async def test_while_a_task_is_carried_the_line_says_what_dropping_it_here_does() -> None:
    link = FakeLink(night())
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["m", "j"])
        assert "fix-7 ends 16m later" in line_of(app)
        assert link.planned == [None, Move("fix-7", Place.AFTER, "fix-9")]
        assert link.sent == []
        await press(pilot, ["j"])
        assert "release waits for it" in line_of(app)
        assert len(link.planned) == 3, "the plan without it is asked for once"
        await press(pilot, ["escape"])
        assert line_of(app) == ""
        assert link.sent == []


async def test_a_task_that_is_put_back_where_it_was_needs_no_plan() -> None:
    app = app_on(link := FakeLink(night()))
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["m", "j", "k"])
        assert line_of(app) == ""
        await press(pilot, ["enter"])
        assert link.sent == []


@pytest.mark.parametrize(("pressed", "undo", "said"), [
    (["space"], Pause("fix-7", on=False), "release not done"),
    (["z"], Hold(on=False), "not done"),
    (["n", *"hi", "enter"], Remove("hi"), ""),
    (["e", "enter", "end", "0", "enter"], Edit("fix-7", "priority", None), ""),
])  # fmt: skip
async def test_what_can_be_taken_back_says_what_it_does(pressed: list[str], undo: Command, said: str) -> None:
    link = FakeLink(night())
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, pressed)
        board = app.screen
        assert isinstance(board, Board)
        assert [done.undo for done in link.world.memory.done] == [undo]
        assert said in line_of(app)


async def test_the_line_goes_by_itself() -> None:
    clock = [NOW]
    link = FakeLink(night(), clock=lambda: clock[0])
    app = app_on(link)
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["J"])
        assert line_of(app)
        clock[0] += timedelta(seconds=whatif.STAYS + 1)
        app.tick()
        await pilot.pause()
        assert line_of(app) == ""
        await press(pilot, ["u"])
        assert link.world.line.order[:2] == ("fix-7", "fix-9"), "the key still takes it back"


def slip(name: str, minutes: float, *, late: bool = False, end: datetime | None = NOW) -> Slip:
    return Slip(name, NOW, end, minutes * 60, late)


def test_the_worst_comes_first_and_late_ones_before_all() -> None:
    after = Plan(NOW, NOW, (Planned("b", NOW, NOW, deadline=NOW, late=1200.0),))
    found = (slip("a", 300), slip("b", 185, late=True), slip("c", 10), slip("d", 9), slip("e", -60))
    text, tone = whatif.told(found, after)
    assert (text, tone) == ("later: b +3h05, late 20m · a +5h00 · c +10m · 1 more", "bad")
    assert whatif.told((slip("a", 5),), after) == ("a ends 5m later", "warn")
    assert whatif.told((slip("a", 5, end=None),), after) == ("a is not done", "warn")
    assert whatif.told((slip("a", -5), slip("b", -60)), after) == ("nobody ends later: b -1h00, a -5m", "good")
    assert whatif.told((), after) == ("nobody ends later", "good")


def test_the_words_of_what_was_done() -> None:
    assert headline(Add("x", "")) == "x is in the queue"
    assert headline(Edit("x", "priority", "3")) == "x: priority changed"
    assert {headline(Hold(on=on)) for on in (True, False)} == {"hold is on", "released"}
    assert headline(Together((Pause("a"), Pause("b")))) == "2 paused"
    assert worlds.night().line.order[0] == "fix-7"
