"""The queue's own: marks, groups, the filter, priorities by key, clones, the editor, the preview, the palette."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from textual import events
from textual.pilot import Pilot

from cctui.core import view
from cctui.core.settings import Settings
from cctui.core.world import Add, Command, Edit, Pause, Remove, RetryTask, RunNow, Together, World
from cctui.tui import keys, taskline
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.capture import Capture
from cctui.tui.signs import Signs
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import quiet, rows, shows


def app_on(world: World) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world)
    return CctuiApp(link, engine=None, settings=Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()


def both(*commands: Command) -> Command:
    return Together(commands)


@pytest.mark.parametrize(("pressed", "asked"), [
    (["plus"], Edit("vault-lint", "priority", "0")),
    (["equals_sign"], Edit("vault-lint", "priority", "0")),
    (["minus"], Edit("vault-lint", "priority", "2")),
    (["v", "v", "space"], both(Pause("vault-lint", on=True), Pause("research-scan", on=True))),
    (["j", "j", "v", "v", "space"], both(Pause("link-rot", on=True), Pause("refactor-auth", on=True))),
    (["j", "j", "j", "v", "space"], Pause("refactor-auth", on=False)),
    (["v", "v", "minus"], both(Edit("vault-lint", "priority", "2"), Edit("research-scan", "priority", "4"))),
    (["v", "v", "v", "d", "y"], both(Remove("vault-lint"), Remove("research-scan"), Remove("link-rot"))),
    (["v", "v", "k", "v", "space"], Pause("vault-lint", on=True)),
    (["v", "v", "r"], both(RunNow("vault-lint"), RunNow("research-scan"))),
    (["v", "v", "R"], both(RetryTask("vault-lint"), RetryTask("research-scan"))),
    (["v", "v", "escape", "space"], Pause("link-rot", on=True)),
    (["c"], Add("vault-lint-2", "# vault-lint\n\nDo the work, then say what was done.\n")),
])  # fmt: skip
async def test_a_key_sends_its_command(pressed: list[str], asked: Command) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, pressed)
        assert link.sent[:1] == [asked]


async def test_all_that_is_shown_can_be_marked() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["V"])
        assert "Queue *5" in rows(app)
        await press(pilot, ["d"])
        assert "Move 5 tasks to the trash?" in rows(app)
        await press(pilot, ["n"])
        assert link.sent == []
        await press(pilot, ["escape"])
        assert "Queue 5" in rows(app)


async def test_a_mark_goes_with_its_task() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["v", "v"])
        tasks = {name: task for name, task in link.world.tasks.items() if name != "vault-lint"}
        order = tuple(name for name in link.world.line.order if name != "vault-lint")
        link.publish(replace(link.world, tasks=tasks, line=replace(link.world.line, order=order)))
        await press(pilot, ["space"])
        assert link.sent == [Pause("research-scan", on=True)]


@pytest.mark.parametrize(("words", "shown"), [
    ("s:paused", ["refactor-auth"]),
    ("p:1,3", ["vault-lint", "research-scan"]),
    ("-s:waiting", ["refactor-auth"]),
    ("after:refactor", ["release-notes"]),
    ("move store", ["refactor-auth"]),
    ('"session store"', ["refactor-auth"]),
    ('"store session"', []),
])  # fmt: skip
async def test_the_filter_speaks_its_language(words: str, shown: list[str]) -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["slash"])
        app.screen.query_one("#filter").value = words  # type: ignore[attr-defined]
        await pilot.pause()
        board = app.screen
        assert isinstance(board, Board)
        assert list(board.queue.rows) == shown
        await press(pilot, ["enter"])
        assert f"Queue {len(board.queue.rows)}/5" in rows(app)


async def test_groups_have_headings_where_there_is_room() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 30)) as pilot:
        assert "── priority 1 (1) ──" in rows(app) and "── priority 5 (3) ──" in rows(app)
        await pilot.resize_terminal(48, 18)
        for _ in range(100):
            await pilot.pause(0.02)
            if "priority 1" not in rows(app):
                break
        assert "priority 1" not in rows(app) and "vault-lint" in rows(app)


async def test_headings_are_never_under_the_cursor() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 30)) as pilot:
        await press(pilot, ["j", "space"])
        assert link.sent == [Pause("research-scan", on=True)]
        await press(pilot, ["k", "k", "k", "space"])
        assert link.sent[1:] == [Pause("vault-lint", on=True)]


async def test_the_editor_opens_the_file_under_the_cursor() -> None:
    app, link = app_on(worlds.broken())
    async with app.run_test(size=(48, 18)) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        broken = next(name for name, row in board.queue.rows.items() if row.state == "invalid")
        board.queue.choose(broken)
        await press(pilot, ["E"])
        await pilot.pause()
        assert link.edited == [broken]


async def test_a_name_can_be_copied() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["v", "v", "y"])
        assert app.clipboard == "vault-lint research-scan"
        assert "copied: vault-lint research-scan" in rows(app)


async def test_a_row_says_when_it_starts_once_a_plan_is_known() -> None:
    app, _ = app_on(worlds.night())
    async with app.run_test(size=(80, 24)) as pilot:
        assert "starts " not in rows(app)
        await press(pilot, ["p"])
        await quiet(pilot)
        await press(pilot, ["escape"])
        await quiet(pilot)
        assert "starts " in rows(app)


async def test_a_plan_is_asked_for_once_the_order_rests_and_not_again_at_once() -> None:
    moment = [worlds.NOW]
    link = FakeLink(worlds.night(), clock=lambda: moment[0])
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        app.tick()
        await quiet(pilot)
        assert link.planned == []
        for seconds in (9, 10, 60):
            moment[0] = worlds.NOW + timedelta(seconds=seconds)
            app.tick()
            await quiet(pilot)
        assert link.planned == [None]
        moment[0] += timedelta(minutes=6)
        app.tick()
        await quiet(pilot)
        assert link.planned == [None, None]


async def test_no_plan_is_asked_for_by_a_screen_nobody_looks_at() -> None:
    moment = [worlds.NOW]
    link = FakeLink(worlds.night(), clock=lambda: moment[0])
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        app.tick()
        app.app_focus = False
        moment[0] += timedelta(seconds=60)
        app.tick()
        await quiet(pilot)
        assert link.planned == []


async def test_the_preview_follows_the_cursor() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(120, 40)) as pilot:
        await quiet(pilot)
        assert "6 runs of vault-lint" in rows(app)
        await press(pilot, ["j"])
        await quiet(pilot)
        assert "6 runs of vault-lint" not in rows(app) and "# research-scan" in rows(app)
        await press(pilot, ["2"])
        await quiet(pilot)
        assert "found 12" in rows(app)
        await press(pilot, ["3"])
        await quiet(pilot)
        assert "done in 13m" in rows(app).rpartition("╯")[2]


async def test_the_palette_goes_to_a_task() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(60, 30)) as pilot:
        await press(pilot, ["full_stop", *"go to link-rot"])
        await shows(pilot, "Go to link-rot")
        await press(pilot, ["enter"])
        await shows(pilot, "Queue 5")
        board = app.screen
        assert isinstance(board, Board)
        assert board.queue.chosen == "link-rot"


async def test_the_palette_goes_to_a_run() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(60, 30)) as pilot:
        await press(pilot, ["full_stop", *"go to vault-cl"])
        await shows(pilot, "Go to vault-cleanup")
        await press(pilot, ["enter"])
        await pilot.pause()
        board = app.screen
        assert isinstance(board, Board)
        assert board.pane() == "runs" and board.runs.chosen.startswith("vault-cleanup")


async def test_too_small_a_screen_says_so_in_one_sentence_and_nothing_is_lost() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["j", "j"])
        await pilot.resize_terminal(30, 18)
        await shows(pilot, "too small")
        assert "vault-lint" not in rows(app)
        await pilot.resize_terminal(48, 18)
        await shows(pilot, "link-rot")
        board = app.screen
        assert isinstance(board, Board)
        assert board.queue.chosen == "link-rot"


def test_no_two_keys_of_one_place_are_the_same() -> None:
    both_ways = {("accept", "run"), ("unmark", "put_back"), ("open", "drop"), ("tree", "carry_to('top')")}
    for _, bindings in keys.SECTIONS:
        seen: dict[str, str] = {}
        for binding in bindings:
            for key in binding.key.split(","):
                other = seen.setdefault(key, binding.action)
                assert other == binding.action or tuple(sorted((other, binding.action))) in both_ways, (key, other)


async def test_the_cursor_goes_to_the_new_task() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["j", "c"])
        await shows(pilot, "research-scan-2")
        board = app.screen
        assert isinstance(board, Board)
        assert board.queue.chosen == "research-scan-2"


async def test_keys_typed_in_one_go_reach_the_screen_that_the_first_of_them_opens() -> None:
    """A slow line brings them in one packet: what is meant for the new line must not act on the queue."""
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        for letter in "nFix dead y":
            app.post_message(events.Key("space" if letter == " " else letter, letter))
        await shows(pilot, "Fix dead y")
        assert link.sent == [] and app.clipboard == ""


async def test_keys_typed_behind_a_new_task_wait_until_it_is_saved() -> None:
    """The disk takes its time: they are meant for what stands there afterwards, not for the line that was sent."""
    app, link = app_on(worlds.busy())
    file, answer = link.filed, asyncio.Event()
    link.filed = lambda world, command: file(world, command) if answer.is_set() else world  # type: ignore[method-assign]
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["n", *"one", "enter"])
        await press(pilot, [])
        assert app.scene.asking
        for letter in "nlog of d":
            app.post_message(events.Key("space" if letter == " " else letter, letter))
        await pilot.pause(0.1)
        answer.set()
        link.publish(file(link.world, link.sent[0]))
        await shows(pilot, "log of d")
        assert [type(command).__name__ for command in link.sent] == ["Add"]
        assert isinstance(app.screen, Capture)


async def test_esc_leaves_a_form_that_gets_no_answer() -> None:
    app, link = app_on(worlds.busy())
    link.filed = lambda world, command: world  # type: ignore[method-assign]
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["n", *"one", "enter"])
        assert app.scene.asking
        await press(pilot, ["escape"])
        assert isinstance(app.screen, Board)


async def test_a_key_is_not_held_back_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the one before it was lost with its widget."""
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(type(app.typing), "up", lambda *_: None)
        app.post_message(events.Key("j", "j"))
        app.post_message(events.Key("j", "j"))
        board = app.screen
        assert isinstance(board, Board)
        for _ in range(100):
            await pilot.pause(0.02)
            if board.queue.chosen == "link-rot":
                return
        raise AssertionError("the second key never came through")


async def test_a_filter_that_is_kept_shows_the_key_that_ends_it() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await pilot.pause()
        assert "esc Clear" not in rows(app)
        await press(pilot, ["slash", *"vault", "enter"])
        hints = rows(app).splitlines()[-1]
        assert "esc Clear" in hints
        await press(pilot, ["m"])
        assert "ends the filter" in rows(app) and "t shows" not in rows(app)
        await pilot.click("#hints", offset=(hints.index("esc Clear") + 1, 0))
        await pilot.pause()
        assert "esc Clear" not in rows(app) and "link-rot" in rows(app)


async def test_with_rows_marked_the_hint_line_says_what_can_be_done_to_them() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["v"])
        assert "esc Unmark  spc Pause" in rows(app)
        await press(pilot, ["n"])
        assert isinstance(app.screen, Capture), "the key works all the same"


async def test_no_pane_leaves_the_strip_of_a_phone_for_want_of_room() -> None:
    app, _ = app_on(worlds.thousand())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["slash", *"1", "enter"])
        strip = rows(app).splitlines()[2]
        assert all(name in strip for name in ("1 Queue", "2 Runs", "3 History")), strip


async def test_a_key_that_is_refused_again_says_so_once() -> None:
    app, link = app_on(World(scanned=True))
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["u", "u", "u"])
        assert rows(app).count("there is nothing to take back") == 1
        await press(pilot, ["space"])
        assert "there is no task here" in rows(app), "a dimmed key says why"
        await press(pilot, ["3", "R"])
        assert "there is no run here" in rows(app)
        assert link.sent == []


@pytest.mark.parametrize(("rule", "hours", "said", "unsaid"), [
    ("for release", 30, "for release · waiting", "was due"),
    ("by Mon 22:46", -2, "was due Mon 22:46", "by Mon"),
    ("by 02:10", 3, "due 03:46 by 02:10", "was due"),
])  # fmt: skip
def test_a_row_says_what_is_over_and_whom_it_helps_in_words(rule: str, hours: float, said: str, unsaid: str) -> None:
    world = worlds.busy()
    task = replace(world.tasks["link-rot"], deadline=worlds.NOW + timedelta(hours=hours))
    row = replace(next(row for row in view.rows(world, worlds.NOW) if row.name == "link-rot"), rule=rule, expected=None)
    first, _ = taskline.lines(row, task, taskline.Look(Signs(), 60, worlds.NOW, (" ", "")))
    told = " ".join("".join(text for text, _ in first).split())
    assert said in told and unsaid not in told
