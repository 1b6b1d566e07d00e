"""A key is pressed, and exactly that is asked of the engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from cctui.core.settings import Settings
from cctui.core.world import (
    Add,
    Command,
    Edit,
    Firing,
    Hold,
    Memory,
    Move,
    Pause,
    Phase,
    Place,
    Reason,
    Remove,
    RetryTask,
    RunNow,
    Skip,
    StopRun,
    Why,
    World,
)
from cctui.tui import keys
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.capture import Capture
from cctui.tui.detail import Detail
from cctui.tui.forms import EditField, New
from cctui.tui.help import Help
from cctui.tui.notices import Notices
from cctui.tui.past import Past
from cctui.tui.peek import Peek
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows


def app_on(world: World, *, settings: Settings | None = None, hosting: bool = True) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world, hosting=hosting)
    return CctuiApp(link, engine=None, settings=settings or Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()


@pytest.mark.parametrize(("pressed", "asked"), [
    (["space"], Pause("vault-lint", on=True)),
    (["j", "j", "j", "space"], Pause("refactor-auth", on=False)),
    (["down", "up", "down", "J"], Move("research-scan", Place.DOWN)),
    (["j", "K"], Move("research-scan", Place.UP)),
    (["z"], Hold(on=True)),
    (["r"], RunNow("vault-lint")),
    (["G", "d", "y"], Remove("release-notes")),
    (["2", "x", "y"], StopRun("zotero-digest")),
    (["2", "j", "x", "y"], StopRun("vault-cleanup")),
    (["3", "R"], RetryTask("daily-briefing")),
    (["m", "j", "enter"], Move("vault-lint", Place.AFTER, "research-scan")),
    (["G", "m", "k", "k", "enter"], Move("release-notes", Place.BEFORE, "link-rot")),
    (["G", "m", "t", "enter"], Move("release-notes", Place.TOP)),
    (["m", "b", "m"], Move("vault-lint", Place.BOTTOM)),
    (["e", "enter", "end", "5", "enter"], Edit("vault-lint", "priority", "15")),
    (["n", "h", "i", "enter"], Add("hi", "hi\n")),
])  # fmt: skip
async def test_a_key_sends_its_command(pressed: list[str], asked: Command) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent[:1] == [asked]


@pytest.mark.parametrize("pressed", [
    ["G", "d", "n"],
    ["G", "d", "escape"],
    ["2", "x", "enter"],
    ["m", "j", "j", "escape"],
    ["m", "enter"],
    ["m", "j", "k", "enter"],
    ["q", "escape"],
    ["e", "escape"],
    ["n", "h", "i", "escape"],
    ["slash", "r", "z", "x", "escape"],
])  # fmt: skip
async def test_whoever_thinks_better_of_it_sends_nothing(pressed: list[str]) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent == []
        assert isinstance(app.screen, Board)
        assert app.is_running


async def test_esc_puts_a_carried_task_back() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        before = rows(app)
        await press(pilot, ["m", "b"])
        assert rows(app) != before
        await press(pilot, ["escape"])
        assert rows(app) == before


async def test_the_cursor_stays_on_its_task_when_the_order_changes() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        await press(pilot, ["j"])
        order = link.world.line.order
        link.publish(replace(link.world, line=replace(link.world.line, order=(*order[2:], *order[:2]))))
        await pilot.pause()
        assert board.queue.chosen == "research-scan"
        assert board.queue.at == 4


@pytest.mark.parametrize(("where", "pressed", "screen"), [
    ("busy", ["enter"], Detail),
    ("busy", ["right"], Detail),
    ("busy", ["e"], EditField),
    ("busy", ["n"], Capture),
    ("busy", ["N"], Notices),
    ("busy", ["2", "enter"], Peek),
    ("busy", ["2", "l"], Peek),
    ("busy", ["2", "o"], Detail),
    ("busy", ["3", "enter"], Past),
    ("broken", ["G", "enter"], Detail),
    ("blocked", ["t", "k", "k", "l"], Peek),
])  # fmt: skip
async def test_sub_screens_open_and_lead_back(where: str, pressed: list[str], screen: type) -> None:
    for back in ("escape", "left", "h"):
        if screen is Capture and back != "escape":
            continue
        app, link = app_on(worlds.WORLDS[where]())
        async with app.run_test(size=(48, 18), notifications=True) as pilot:
            await press(pilot, pressed)
            assert type(app.screen) is screen
            await press(pilot, [back])
            assert isinstance(app.screen, Board)
            assert link.sent == []


async def test_a_refusal_is_answered_with_its_sentence() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["K"])
        assert "first already" in rows(app)
        assert link.sent == [Move("vault-lint", Place.UP)]


async def test_run_now_past_a_soft_gate_asks_and_forces() -> None:
    app, link = app_on(worlds.capped())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["j", "r"])
        assert "Run research-scan anyway?" in " ".join(rows(app).split())
        await press(pilot, ["y"])
        assert link.sent == [RunNow("research-scan"), RunNow("research-scan", force=True)]


async def test_run_now_past_a_hard_gate_only_says_why() -> None:
    app, link = app_on(worlds.blocked())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        await press(pilot, ["j"] * [item.key for item in board.queue.items].index("fix-upstream"))
        await press(pilot, ["r"])
        assert link.sent == [RunNow("fix-upstream")]
        assert "anyway" not in rows(app)
        assert rows(app).count("not supported yet: style") == 2


def recurring(*, skip: bool) -> World:
    nightly = worlds.task("nightly", Phase.RECURRING, schedule="30 2 * * 1-5")
    mark = Firing(worlds.NOW, skip, "30 2 * * 1-5")
    return worlds.world(nightly, memory=Memory(firings={"nightly": mark}))


@pytest.mark.parametrize("skip", [False, True])
async def test_a_template_says_when_it_fires_and_one_firing_can_be_left_out(skip: bool) -> None:
    app, link = app_on(recurring(skip=skip))
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await pilot.pause()
        assert f"next 02:30{', skipped' if skip else ''} · at 02:30 on weekdays" in rows(app)
        await press(pilot, ["S"])
        await press(pilot, ["r"])
        assert link.sent == [Skip("nightly", on=not skip), RunNow("nightly")]


FORM = ["n", "tab", "tab", "enter"]


async def test_the_form_shows_what_the_engine_refuses() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, [*FORM, "a", "tab", *"link-rot", "enter"])
        assert "link-rot is there already" in rows(app)
        assert isinstance(app.screen, New)
        link.refuses = Reason(Why.VALUE, "priority must be a whole number")
        await press(pilot, ["enter"])
        assert "priority must be a whole number" in rows(app)


async def test_what_was_typed_stays_until_the_disk_has_taken_it() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        link.fails = "timeout must be a duration such as 90s, 30m, 1h30m or 2d, found 'parsecs'"
        await press(pilot, [*FORM, *"words", "tab", *"a-name", "enter"])
        form = app.screen
        assert isinstance(form, New) and form.prompt.text == "words"
        assert rows(app).count("'parsecs'") == 1
        assert "is in the queue" not in rows(app)
        link.fails = ""
        await press(pilot, ["enter"])
        await pilot.pause()
        assert isinstance(app.screen, Board)
        assert "a-name is in the queue" in rows(app)


async def test_a_value_the_disk_refuses_can_be_mended() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        link.fails = "the disk is full"
        await press(pilot, ["e", "enter", "ctrl+u", "8", "enter"])
        form = app.screen
        assert isinstance(form, EditField) and form.value.value == "8"
        assert "the disk is full" in rows(app)


async def test_a_field_left_as_it_was_is_not_written() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["e", "enter", "enter"])
        assert isinstance(app.screen, Board)
    assert link.sent == []


async def test_the_form_writes_the_whole_file() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, FORM)
        form = app.screen
        assert isinstance(form, New)
        form.prompt.text = 'Fix: the "door"\nand say so'
        given = {"priority": "2", "cwd": "~/it's: here", "depends_on": "link-rot, vault-lint", "tags": "#a, b"}
        for name, value in {**given, "deadline": "2026-12-01 8:00"}.items():
            form.field(name).value = value
        await press(pilot, ["tab", "enter"])
        assert link.sent == [Add("fix-the-door", (
            '---\npriority: 2\ndepends_on: ["link-rot", "vault-lint"]\ndeadline: 2026-12-01T08:00\n'
            'cwd: "~/it\'s: here"\ntags: ["a", "b"]\n---\nFix: the "door"\nand say so\n'
        ))]  # fmt: skip
        assert isinstance(app.screen, Board)


async def test_the_filter_narrows_and_is_taken_away() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        await press(pilot, ["slash", *"paused", "enter"])
        assert [item.key for item in board.queue.items] == ["refactor-auth"]
        await press(pilot, ["escape"])
        assert len(board.queue.items) == 5


@pytest.mark.parametrize(("hosting", "pressed", "result", "told"), [
    (True, ["q", "d"], "detach", ["detach"]),
    (True, ["q", "s"], "stop", ["stop"]),
    (True, ["D"], "detach", ["detach"]),
    (True, ["ctrl+q", "s"], "stop", ["stop"]),
    (False, ["q", "c"], "closed", []),
    (False, ["q", "s"], "stop", ["stop"]),
    (False, ["D"], "closed", []),
])  # fmt: skip
async def test_leaving(hosting: bool, pressed: list[str], result: str, told: list[str]) -> None:
    app, link = app_on(worlds.busy(), hosting=hosting)
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        await pilot.pause()
    assert app.return_value == result
    assert link.left == told


async def test_leaving_a_face_without_an_engine_promises_nothing() -> None:
    app, link = app_on(worlds.busy(), hosting=False)
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        link.trouble = "no engine is running: trying again in 3 s"
        await press(pilot, ["q"])
        assert "No engine is running" in rows(app)
        assert "goes on" not in rows(app) and "Stop" not in rows(app).splitlines()[8:-1]
        await press(pilot, ["c"])
    assert (app.return_value, link.left) == ("closed", [])


async def test_taps_do_what_keys_do() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        await pilot.click("#tabs", offset=(14, 0))
        assert board.pane() == "runs"
        await pilot.click("#tabs", offset=(3, 0))
        await pilot.click("#queue", offset=(10, 4))
        assert board.queue.chosen == "link-rot"
        assert isinstance(app.screen, Board)
        await pilot.click("#queue", offset=(10, 5))
        assert isinstance(app.screen, Detail)
        await pilot.click("#title", offset=(1, 0))
        assert isinstance(app.screen, Board)
        await pilot.click("#hints", offset=(10, 0))
        await pilot.pause()
        assert link.sent == [Pause("link-rot", on=True)]


async def test_a_persons_own_keys_replace_ours() -> None:
    app, link = app_on(worlds.busy(), settings=Settings(keys=(("hold", "H"), ("pause", "p,o"))))
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["z", "space", "H", "p"])
        assert link.sent == [Hold(on=True), Pause("vault-lint", on=True)]
        assert "p Pause" in rows(app)


async def test_the_palette_names_the_task_and_runs_its_action() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Pause vault-lint" in titles
        assert len(titles) == len(set(titles))
        await press(pilot, ["full_stop", *"pause vault"])
        await pilot.pause(0.2)
        await press(pilot, ["enter"])
        await pilot.pause()
        assert link.sent == [Pause("vault-lint", on=True)]


@pytest.mark.parametrize("size", [(48, 18), (120, 40)])
@pytest.mark.parametrize("back", ["escape", "question_mark"])
async def test_help_says_every_key_that_works_here_and_closes(size: tuple[int, int], back: str) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=size, notifications=True) as pilot:
        live = {active.binding.id for active in app.screen.active_bindings.values()}
        await press(pilot, ["question_mark"])
        page = app.screen
        assert isinstance(page, Help)
        shown, told = rows(app), str(page.content())
        assert "Pause: pause or resume" in " ".join(shown.split())
        named = [binding for _, group in keys.SECTIONS for binding in group if binding.id in live]
        assert all(f"{binding.description}: " in told for binding in named)
        assert "carry it to the top" not in told, "what does not work now is not there"
        await press(pilot, ["G"])
        assert rows(app) != shown, "the keys scroll it"
        await press(pilot, [back])
        assert type(app.screen) is Board
        assert link.sent == []


@pytest.mark.parametrize(
    "pressed", [("enter",), ("w",), ("p",), ("f",), ("4",), ("N",), ("2", "enter"), ("3", "enter")]
)
async def test_help_and_the_palette_are_everywhere(pressed: tuple[str, ...]) -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, pressed)
        below = app.screen
        await press(pilot, ["question_mark"])
        assert isinstance(app.screen, Help)
        await press(pilot, ["escape"])
        assert app.screen is below
        await press(pilot, ["full_stop"])
        assert isinstance(app.screen, CommandPalette)


async def test_what_has_no_room_in_the_hint_line_is_behind_a_tap() -> None:
    """The log of a run has more keys than a phone's line has room for."""
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["2", "enter"])
        hints = rows(app).splitlines()[-1]
        assert "More" in hints and "Changes" not in hints
        await pilot.click("#hints", offset=(hints.index("More") + 1, 0))
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)


async def test_the_palette_begins_with_what_the_hint_line_shows() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert titles[:2] == ["New", "Pause vault-lint"]
        await press(pilot, ["full_stop"])
        await pilot.pause(0.2)
        shown = rows(app)
        assert "Pause vault-lint" in shown
        assert "Go to" not in shown


def test_every_action_has_a_name_and_a_tooltip_of_its_own() -> None:
    bindings = [binding for _, group in keys.SECTIONS for binding in group]
    names = [binding.id for binding in bindings]
    assert len(names) == len(set(names))
    assert all(binding.tooltip and binding.description for binding in bindings)


def test_no_key_needs_what_a_phone_lacks() -> None:
    pressed = [key for _, group in keys.SECTIONS for binding in group for key in binding.key.split(",")]
    assert not [key for key in pressed if re.search(r"ctrl|alt|^f\d", key)]
    assert len(list(keys.table())) == sum(len(group) for _, group in keys.SECTIONS)
