"""Through everything that waits for a person: what is asked and at stake, one key or tap per answer, the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from cctui.core.settings import Settings
from cctui.core.world import (
    Command,
    Ending,
    Parked,
    Reason,
    Remove,
    Reply,
    Result,
    RunNow,
    Stop,
    StopRun,
    Why,
    World,
)
from cctui.link import LinkError
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.cases import Kind, answers, cases, permission
from cctui.tui.detail import Detail
from cctui.tui.diff import Diff
from cctui.tui.notices import Notices
from cctui.tui.peek import Peek
from cctui.tui.reply import ReplyLine
from cctui.tui.triage import PATIENT, Triage
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows

PLAN, ASKS = "refactor-auth-0203-1", "tidy-dotfiles-0203-1"


def app_on(world: World | None = None, link: FakeLink | None = None) -> tuple[CctuiApp, FakeLink]:
    link = link or FakeLink(world or worlds.trusted())
    return CctuiApp(link, engine=None, settings=Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


def words(app: CctuiApp) -> str:
    return " ".join(rows(app).split())


@pytest.mark.parametrize(("pressed", "asked"), [
    (["0", "1"], RunNow("refactor-auth")),
    (["0", "enter"], RunNow("refactor-auth")),
    (["exclamation_mark", "1"], RunNow("refactor-auth")),
    (["0", "2", *"no", "enter"], Reply("refactor-auth", "no")),
    (["0", "j", "enter", *"no", "enter"], Reply("refactor-auth", "no")),
    (["0", "3", "y"], StopRun("refactor-auth")),
    (["0", "n", "1"], Reply("tidy-dotfiles", "1")),
    (["0", "p", "1"], Reply("tidy-dotfiles", "1")),
    (["0", "n", "n", "1"], RunNow("refactor-auth")),
    (["0", "n", "2", *"no", "enter"], Reply("tidy-dotfiles", "no")),
    (["0", "n", "x", "y"], StopRun("tidy-dotfiles")),
    (["0", "x", "y"], StopRun("refactor-auth")),
])  # fmt: skip
async def test_a_key_sends_its_command(pressed: list[str], asked: Command) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent == [asked]
        assert isinstance(app.screen, Triage)


@pytest.mark.parametrize("pressed", [
    ["0", "escape"], ["0", "n", "h"], ["0", "3", "enter"], ["0", "2", *"no", "escape", "escape"], ["0", "4"],
    ["0", "2", "enter"], ["0", "n", "n", "q"],
])  # fmt: skip
async def test_whoever_only_looks_sends_nothing(pressed: list[str]) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent == []


@pytest.mark.parametrize(("pressed", "screen"), [
    (["l"], Peek), (["c"], Diff), (["o"], Detail), (["escape"], Board),
])  # fmt: skip
async def test_a_key_leads_there(pressed: list[str], screen: type[object]) -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0", *pressed])
        assert isinstance(app.screen, screen)


@pytest.mark.parametrize(("pressed", "read_only"), [(["n", "a"], True), (["n", "3"], False)])
async def test_an_attended_run_is_watched_or_sat_down_at(pressed: list[str], read_only: bool) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0", *pressed])
        assert link.attached == [(ASKS, read_only)]


# --- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 18), (60, 30), (80, 24), (120, 40)])
async def test_whose_it_is_what_is_asked_and_what_is_at_stake(size: tuple[int, int]) -> None:
    app, _ = app_on()
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["0"])
        shown = words(app)
        for part in ("refactor-auth", "1 of 2", "! Its plan waits for your word", "waits 9m", "autonomous",
                     "in place: /home/you/api, main", "2 files +5 -2", "$0.21", "31k tokens", "? of 5h",
                     "Plan: move auth to the session store", "1 Accept the plan", "3 Stop it"):  # fmt: skip
            assert part in shown
        await press(pilot, ["n"])
        shown = words(app)
        for part in ("tidy-dotfiles", "2 of 2", "! May it use Bash: rm -r ~/.cache/old?", "no git", "found 12",
                     "1 Yes, this once", "2 No: say why", "3 Sit down at it"):  # fmt: skip
            assert part in shown


async def test_the_dangerous_is_said_aloud() -> None:
    app, link = app_on()
    ended = Ending(Stop.EXIT, worlds.NOW, 60.0, result=Result(denials=("Bash: curl x", "Write: [/oops] /etc/passwd")))
    spec = replace(link.world.runs[PLAN].spec, bypass_permissions=True)
    link.becomes(PLAN, spec=spec, ending=ended)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, ["0"])
        assert "Asks for no permission: it may do anything" in words(app)
        assert "Denied 2: Bash: curl x; Write: [/oops] /etc/passwd" in words(app)


async def test_a_question_in_words_is_replied_to() -> None:
    app, link = app_on()
    link.becomes(ASKS, asks="Shall I keep the old cookie reader?")
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0", "n", "1", *"yes", "enter"])
        assert link.sent == [Reply("tidy-dotfiles", "yes")]


@pytest.mark.parametrize(("asks", "expected"), [
    ("Bash: touch two.txt", True),
    ("mcp__github__merge: 7", True),
    ("WebFetch: https://example.org", True),
    ("All of it?", False),
    ("waits for you", False),
    ("done: everything is there", False),
])  # fmt: skip
def test_only_a_request_for_a_tool_is_answered_by_its_number(asks: str, expected: bool) -> None:
    world = worlds.trusted()
    run = replace(world.runs[ASKS], asks=asks)
    (case,) = [case for case in cases(worlds.world(runs={ASKS: run}), worlds.NOW) if case.kind is Kind.ASKS]
    assert permission(case) is expected
    assert (answers(case)[0].command == Reply("tidy-dotfiles", "1")) is expected


# --- the next one ----------------------------------------------------------------------------------------------------


async def test_after_an_answer_the_next_one_comes_until_nobody_waits() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["0", "1"])
        assert "tidy-dotfiles" in rows(app).splitlines()[0] and "1 of 1" in rows(app).splitlines()[0]
        await press(pilot, ["1"])
        assert "Nobody waits for you." in rows(app)
        assert "esc leads back." in rows(app)
        assert "1 Yes" not in rows(app)


async def test_an_answer_that_changes_nothing_does_not_count_for_long() -> None:
    at = [worlds.NOW]
    app, link = app_on(link=FakeLink(worlds.trusted(), clock=lambda: at[0]))
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["0", "n", "1"])
        assert "1 of 1" in rows(app)
        at[0] = at[0] + PATIENT + timedelta(seconds=1)
        app.tick()
        await press(pilot, [])
        assert "1 of 2" in rows(app)
        link.becomes(ASKS, asks="Bash: another one")
        await press(pilot, ["n"])
        assert "another one" in rows(app)


async def test_somebody_elses_answer_brings_the_next_one_and_keeps_the_place() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0", "n"])
        link.becomes(PLAN, approved=True)
        await press(pilot, [])
        assert "tidy-dotfiles" in rows(app).splitlines()[0] and "1 of 1" in rows(app).splitlines()[0]
        link.becomes(ASKS, asks="")
        await press(pilot, [])
        assert "Nobody waits for you." in rows(app)


async def test_a_refused_answer_says_why_and_the_case_stays() -> None:
    app, link = app_on()
    link.refuses = Reason(Why.STATE, "refactor-auth is between two steps")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ["0", "1"])
        assert "refactor-auth is between two steps" in rows(app)
        assert "1 of 2" in rows(app)


async def test_a_refused_reply_stays_to_be_mended() -> None:
    app, link = app_on()
    link.refuses = Reason(Why.STATE, "it [hears] nothing")
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0", "2", *"words", "enter"])
        assert "it [hears] nothing" in rows(app)
        assert "words" in rows(app)
        await press(pilot, ["enter"])
        assert link.sent == [Reply("refactor-auth", "words")] * 2
        assert not app.screen.query(ReplyLine)


async def test_a_plan_is_not_accepted_before_it_can_be_read() -> None:
    read = asyncio.Event()

    class Slow(FakeLink):
        async def text(self, path_or_name: str) -> str:
            await read.wait()
            return "the plan"

    app, link = app_on(link=Slow(worlds.trusted()))
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["0", "1"])
        assert link.sent == []
        assert "still being read" in words(app)
        read.set()
        await press(pilot, ["1"])
        assert link.sent == [RunNow("refactor-auth")]


async def test_what_cannot_be_read_says_why() -> None:
    class Mute(FakeLink):
        async def text(self, path_or_name: str) -> str:
            raise LinkError("the note is gone [/oops]")

        async def tail(self, run_id: str, lines: int = 200) -> str:
            raise LinkError("the log is gone [/oops]")

    app, _ = app_on(link=Mute(worlds.trusted()))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, ["0"])
        assert "the note is gone [/oops]" in rows(app)
        await press(pilot, ["n"])
        assert "the log is gone [/oops]" in rows(app)


# --- the hand --------------------------------------------------------------------------------------------------------


async def test_a_tap_is_an_answer() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0"])
        await pilot.click("#answers", offset=(6, 1))
        await pilot.pause()
        assert app.screen.query(ReplyLine)
        await press(pilot, ["escape"])
        await pilot.click("#answers", offset=(6, 0))
        await pilot.pause()
        assert link.sent == [RunNow("refactor-auth")]
        await pilot.click("#title", offset=(2, 0))
        await pilot.pause()
        assert isinstance(app.screen, Board)


# --- files and troubles ----------------------------------------------------------------------------------------------


async def test_broken_files_come_after_runs_and_programs_last() -> None:
    broken = worlds.broken()
    world = replace(worlds.trusted(), broken=broken.broken, programs=broken.programs)
    kinds = [case.kind for case in cases(world, worlds.NOW)]
    assert kinds == [Kind.PLAN, Kind.ASKS, Kind.FILE, Kind.FILE, Kind.TROUBLE]


@pytest.mark.parametrize(("pressed", "asked"), [(["3", "y"], Remove("pending/weekly.md")), (["3", "n"], None)])
async def test_a_broken_file_goes_to_the_trash_after_a_question(pressed: list[str], asked: Command | None) -> None:
    app, link = app_on(worlds.broken())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0"])
        assert "found 'high'" in words(app) and "1 of 3" in words(app)
        await press(pilot, pressed)
        assert link.sent == ([asked] if asked else [])


async def test_a_broken_file_can_be_looked_at_and_a_trouble_leads_to_the_notices() -> None:
    app, _ = app_on(worlds.broken())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["0", "2"])
        assert isinstance(app.screen, Detail)
        await press(pilot, ["escape", "p"])
        assert "claude is missing" in words(app)
        await press(pilot, ["1"])
        assert isinstance(app.screen, Notices)


def test_a_refused_login_waits_for_a_person() -> None:
    stops = {"login": Parked(Why.LOGIN, worlds.ago(minutes=3), worlds.ahead(hours=1), text="token expired")}
    (case,) = cases(worlds.world(stops=stops), worlds.NOW)
    assert case.kind is Kind.TROUBLE and "login" in case.question.lower() and "token expired" in case.question


async def test_nobody_waits() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["0"])
        assert "Nobody waits for you." in rows(app)
        await press(pilot, ["1"])
        assert "nobody waits for you" in rows(app)
        assert link.sent == []
        await press(pilot, ["escape"])
        assert isinstance(app.screen, Board)
