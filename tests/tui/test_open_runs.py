"""What a person does with an open run: accept its plan, take it over, sit down at it; and what stands there then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from cctui.core.filing import note_path
from cctui.core.settings import Settings
from cctui.core.world import (
    Command,
    Leg,
    Parked,
    Part,
    Phase,
    Runner,
    RunNow,
    Stage,
    StopRun,
    TakeOver,
    Why,
    World,
)
from cctui.link import LinkError
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.diff import Diff
from cctui.tui.peek import Peek
from cctui.tui.plan import Plan, plan_of
from cctui.tui.triage import Triage
from cctui.tui.troubles import troubles
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows

PLAN, ASKS, LOOP, PLAIN = (f"{name}-0203-1" for name in ("refactor-auth", "tidy-dotfiles", "fix-parser", "dead-links"))
MINE = (Leg(), Leg(Part.ATTENDED))


def app_on(world: World | None = None) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world or worlds.trusted())
    link.argv = ["true", "switch-client"]  # as inside our own tmux: the terminal is not lent
    return CctuiApp(link, engine=None, settings=Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize(("pressed", "asked"), [
    (["2", "r", "y"], RunNow("refactor-auth")),
    (["2", "enter", "y"], RunNow("refactor-auth")),
    (["2", "o", "r", "y"], RunNow("refactor-auth")),
    (["t", "k", "k", "k", "r", "y"], RunNow("refactor-auth")),
    (["2", "r", "x", "y"], StopRun("refactor-auth")),
    (["2", "i"], TakeOver("refactor-auth")),
    (["2", "G", "i"], TakeOver("dead-links")),
    (["2", "G", "l", "i"], TakeOver("dead-links")),
    (["2", "G", "o", "i"], TakeOver("dead-links")),
    (["2", "G", "x", "y"], StopRun("dead-links")),
])  # fmt: skip
async def test_a_key_sends_its_command(pressed: list[str], asked: Command) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent == [asked]


@pytest.mark.parametrize("pressed", [
    ["2", "r", "enter"],
    ["2", "r", "escape"],
    ["2", "r", "n"],
    ["2", "r", "r", "r", "h"],
    ["2", "r", "x", "enter", "escape"],
    ["2", "c", "escape"],
    ["2", "G", "l", "c", "escape", "escape"],
])  # fmt: skip
async def test_whoever_only_looks_sends_nothing(pressed: list[str]) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent == []
        assert isinstance(app.screen, Board)


# --- needs you -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 18), (60, 30), (80, 24), (120, 40)])
async def test_whoever_needs_a_person_says_so_in_words_and_stands_first(size: tuple[int, int]) -> None:
    app, _ = app_on()
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["2"])
        shown = rows(app)
        assert "! 2 need you" in shown
        assert shown.count("needs you") == 2
        assert shown.index("refactor-auth") < shown.index("tidy-dotfiles") < shown.index("fix-parser")


async def test_the_count_follows_and_a_tap_on_it_shows_them() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        link.becomes(ASKS, asks="")
        await pilot.pause()
        assert "! 1 needs you" in rows(app)
        await pilot.click("#banner", offset=(3, 0))
        await pilot.pause()
        assert isinstance(app.screen, Triage)
        await press(pilot, ["escape"])
        link.becomes(PLAN, approved=True)
        await pilot.pause()
        assert "needs you" not in rows(app)


async def test_the_count_leaves_room_for_what_stops_everything() -> None:
    world = worlds.trusted()
    app, _ = app_on(replace(world, memory=replace(world.memory, hold=True)))
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        assert "! 2 need you  Hold: nothing new starts" in rows(app)
        await pilot.click("#banner", offset=(30, 0))
        await pilot.pause()
        assert not isinstance(app.screen, Board)


async def test_the_key_names_what_it_does() -> None:
    app, _ = app_on()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, ["2"])
        assert "r Accept" in rows(app)
        await press(pilot, ["G"])
        assert "r Accept" not in rows(app) and "i Take over" in rows(app)


# --- a plan ----------------------------------------------------------------------------------------------------------


async def test_the_plan_stands_there_before_it_is_accepted() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "r"])
        shown = rows(app)
        assert isinstance(app.screen, Plan)
        assert "Nothing outside of src/auth is touched." in shown
        assert "needs-you" not in shown and "Task [[" not in shown
        assert all(word in shown.splitlines()[-1] for word in ("y Accept", "x Stop", "esc Back"))
        await press(pilot, ["y"])
        assert isinstance(app.screen, Board)
        assert link.world.runs[PLAN].approved


async def test_a_plan_that_somebody_else_accepted_cannot_be_accepted_again() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "r"])
        link.becomes(PLAN, approved=True)
        await press(pilot, ["y"])
        assert link.sent == []
        assert "waits no more" in rows(app).splitlines()[0]
        assert "its plan waits no more" in rows(app)


async def test_a_plan_is_not_accepted_before_it_can_be_read() -> None:
    read = asyncio.Event()

    class Slow(FakeLink):
        async def text(self, path_or_name: str) -> str:
            await read.wait()
            return "the plan"

    link = Slow(worlds.trusted())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "r", "y"])
        assert link.sent == []
        assert "still being read" in rows(app)
        read.set()
        await press(pilot, ["y"])
        assert link.sent == [RunNow("refactor-auth")]


async def test_a_plan_that_cannot_be_read_says_why() -> None:
    class Mute(FakeLink):
        async def text(self, path_or_name: str) -> str:
            assert path_or_name == note_path(self.world.runs[PLAN].spec)
            raise LinkError("the note is gone [/oops]")

    app = CctuiApp(Mute(worlds.trusted()), engine=None, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, ["2", "r"])
        assert "The plan cannot be shown: the note is gone [/oops]" in rows(app)


@pytest.mark.parametrize(("note", "plan"), [
    ("---\na: b\n---\n\n# t\n\n## Plan\n\n```\none\n\ntwo\n```\n\nTask [[t]]\n", "one\n\ntwo"),
    ("x\n## Plan\n\n````\na\n```\n## Plan\n```\nb\n````\nafter\n", "a\n```\n## Plan\n```\nb"),
    ("x\n## Plan\n\nno fence\n", "no fence"),
    ("x\n## Plan\n\n```\nnever ends", "never ends"),
    ("x\n## Plan\n\n```\n```\n", ""),
    ("no plan at all\n", "no plan at all"),
    ("x\n## Plan\n", ""),
])  # fmt: skip
def test_the_plan_is_found_in_the_note(note: str, plan: str) -> None:
    assert plan_of(note) == plan


# --- taking over -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pressed", [["i"], ["A"], ["enter"], ["l", "i"], ["l", "A"], ["o", "i"]])
async def test_an_attended_run_is_sat_down_at_with_keys(pressed: list[str]) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "j", *pressed])
        assert link.attached == [(ASKS, False)]
        assert link.sent == []


@pytest.mark.parametrize(("pressed", "run_id"), [
    (["G", "a"], PLAIN), (["G", "l", "a"], PLAIN), (["j", "a"], ASKS), (["j", "l", "a"], ASKS),
])  # fmt: skip
async def test_who_attaches_only_watches(pressed: list[str], run_id: str) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", *pressed])
        assert link.attached == [(run_id, True)]


@pytest.mark.parametrize("pressed", [["A"], ["l", "A"]])
async def test_nobody_types_into_a_run_that_reads_no_keys(pressed: list[str]) -> None:
    app, link = app_on()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ["2", "G", *pressed])
        assert link.attached == []
        assert "dead-links reads no keys: s says something to it" in " ".join(rows(app).split())


async def test_whoever_comes_back_since_the_run_has_ended_is_told() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "G", "a"])
        gone = {name: run for name, run in link.world.runs.items() if name != PLAIN}
        record = worlds.record("dead-links", worlds.NOW, run_id=PLAIN)
        link.publish(replace(link.world, runs=gone, records=(*link.world.records, record)))
        await press(pilot, [])
        assert "dead-links has ended: " in " ".join(rows(app).split())


async def test_a_run_is_taken_over_as_soon_as_it_is_open() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "G", "i"])
        assert link.sent == [TakeOver("dead-links")]
        assert rows(app).count("handed over at its next step") == 2  # said, and in its row
        link.becomes(PLAIN, halting=None, legs=MINE, leg=2, stage=Stage.LAUNCHING)
        await pilot.pause()
        assert link.attached == []
        link.becomes(PLAIN, stage=Stage.RUNNING)
        await pilot.pause()
        await pilot.pause()
        assert link.attached == [(PLAIN, False)]
        await press(pilot, ["g"])
        assert "with you: leaving Claude gives it back" in rows(app)


async def test_nobody_is_pulled_away_from_what_they_write() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "G", "i", "n", *"words"])
        link.becomes(PLAIN, halting=None, legs=MINE, leg=2)
        await pilot.pause()
        await pilot.pause()
        assert link.attached == []
        assert "dead-links is open for you" in rows(app)


async def test_a_run_that_ends_before_its_hand_over_is_said() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "G", "i"])
        runs = {name: run for name, run in link.world.runs.items() if name != PLAIN}
        link.publish(replace(link.world, runs=runs))
        await pilot.pause()
        await pilot.pause()
        assert "dead-links did not open" in rows(app)
        assert link.attached == []


async def test_a_parked_run_opens_at_once() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "i"])
        assert "refactor-auth opens for you" in rows(app)
        assert link.world.runs[PLAN].stage is Stage.LAUNCHING
        link.becomes(PLAN, stage=Stage.RUNNING)
        await pilot.pause()
        await pilot.pause()
        assert link.attached == [(PLAN, False)]


@pytest.mark.parametrize(("run_id", "change", "said"), [
    (LOOP, {}, "runs its check just now"),
    (PLAIN, {"stage": Stage.LAUNCHING}, "is between two steps"),
    (PLAIN, {"stopping": True}, "is being ended already"),
    (PLAIN, {"spec": replace(worlds.run("dead-links").spec, runner=Runner.SHELL)}, "no conversation: its runner is sh"),
])  # fmt: skip
async def test_what_cannot_be_taken_over_says_why_and_dims_its_key(
    run_id: str, change: dict[str, object], said: str
) -> None:
    app, link = app_on()
    link.becomes(run_id, **change)
    link.publish(replace(link.world, runs={run_id: link.world.runs[run_id]}))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ["2"])
        board = app.screen
        assert isinstance(board, Board)
        assert board.runs.refused("takeover") is not None
        await press(pilot, ["i"])
        assert said in rows(app)
        assert link.sent == []


@pytest.mark.parametrize("where", [["2"], ["2", "l"]])
async def test_a_run_without_a_terminal_is_not_attached_to(where: list[str]) -> None:
    app, link = app_on()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, [*where, "a"])
        assert "refactor-auth stands parked: it has no terminal" in rows(app)
        assert link.attached == []


# --- what else may wait ----------------------------------------------------------------------------------------------


async def test_a_parked_run_goes_on_by_its_key() -> None:
    until = worlds.ahead(hours=1)
    run = worlds.run("slow", stage=Stage.PARKED, parked=Parked(Why.LIMIT, worlds.ago(minutes=5), until, "five_hour"))
    app, link = app_on(worlds.world(worlds.task("slow", Phase.ACTIVE), runs=worlds.runs(run)))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ["2", "r"])
        assert link.sent[:1] == [RunNow("slow")]


@pytest.mark.parametrize("size", [(48, 18), (120, 40)])
async def test_the_part_of_a_run_can_be_read(size: tuple[int, int]) -> None:
    app, link = app_on()
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["2"])
        assert "round 2 of 5 · check · pytest -q: 41 pas" in rows(app)
        for part, said in ((Part.SETUP, "set-up · "), (Part.PLAN, "plans · "), (Part.CHECK, "check · ")):
            link.becomes(PLAIN, legs=(Leg(part),))
            link.progress(PLAIN, "at line 7")
            await pilot.pause()
            assert f"{said}at line 7" in rows(app)


async def test_an_open_runs_changes_can_be_seen() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["2", "G", "c"])
        assert isinstance(app.screen, Diff)
        assert rows(app).splitlines()[0].split() == ["‹", "dead-links", "+5", "-2"]
        await press(pilot, ["u"])
        assert "dead-links is still open: stop it first" in " ".join(rows(app).split())


async def test_the_log_of_a_run_that_needs_somebody_is_still_a_key_away() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["2", "l"])
        assert isinstance(app.screen, Peek)
        assert "needs you" in rows(app).splitlines()[0]


def test_each_limit_is_said_once() -> None:
    def stop(why: Why, window: str | None = None, text: str = "") -> Parked:
        return Parked(why, worlds.NOW, worlds.ahead(hours=1), window, text=text)

    stops = {"limit:five_hour": stop(Why.LIMIT, "five_hour"), "limit:seven_day": stop(Why.LIMIT, "seven_day"),
             "limit:again": stop(Why.LIMIT, "five_hour"), "login": stop(Why.LOGIN, text="token expired")}  # fmt: skip
    said = [text for text, _ in troubles(worlds.world(stops=stops), None, worlds.NOW)]
    assert said == [
        "5-hour limit reached, resets 01:46",
        "weekly limit reached, resets 01:46",
        "Login refused: claude, then /login; next try 01:46 (token expired)",
    ]
