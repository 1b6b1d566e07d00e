"""A new task: the line and what it is understood as, the form, what it may start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

import pytest
from textual import events
from textual.pilot import Pilot

from cctui.core.capture import parse
from cctui.core.fields import FIELDS
from cctui.core.settings import Settings
from cctui.core.world import Add, Edit, Phase, Reason, Task, Why, World
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.capture import PATIENCE, Capture
from cctui.tui.fieldline import FieldLine
from cctui.tui.forms import EditField, New
from cctui.tui.messages import Go
from cctui.tui.starters import STARTERS, Starter, Starters, put_in
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows

PHONE = (48, 18)
FORM = ("tab", "tab", "enter")
TEMPLATES = ("tab", "tab", "tab", "enter")


def app_on(world: World) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world)
    return CctuiApp(link, engine=None, settings=Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()


def screen(app: CctuiApp) -> Capture:
    assert isinstance(app.screen, Capture)
    return app.screen


def focus(app: CctuiApp) -> str:
    return (app.focused.id if app.focused else None) or ""


def words(app: CctuiApp) -> str:
    return " ".join(rows(app).split())


# --- the line --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "asked", "shown"), [
    ("Fix links", Add("fix-links", "Fix links\n"), "prompt Fix links"),
    ("Fix !1", Add("fix", "---\npriority: 1\n---\nFix\n"), "priority 1"),
    ("Fix @~/x", Add("fix", "---\ncwd: ~/x\n---\nFix\n"), "folder ~/x"),
    ("Fix #web", Add("fix", '---\ntags: ["web"]\n---\nFix\n'), "tags web"),
    ("Fix >friday 8:00", Add("fix", "---\ndeadline: 2026-02-06T08:00\n---\nFix\n"),
     "deadline Fri 6 Feb 08:00 (in 3 days)"),
    ("Fix at:22:00", Add("fix", "---\nnot_before: 2026-02-03T22:00\n---\nFix\n"),
     "not before Tue 3 Feb 22:00 (in 21 h)"),
    ("Fix after:link", Add("fix", '---\ndepends_on: ["link-rot"]\n---\nFix\n'), "after link-rot"),
    ("every weekday 7:00 Fix", Add("fix", '---\nschedule: "0 7 * * 1-5"\n---\nFix\n'),
     "runs at 07:00 on weekdays, next Tue 3 Feb 07:00 (in 6 h)"),
    ("Fix plan?", Add("fix", "---\nmode: plan-first\n---\nFix\n"), "mode plan-first: plans, then waits for your word"),
    ("sh: make", Add("make", "---\nrunner: shell\ncommand: make\n---\n"), "command make"),
    ("link rot", Add("link-rot-2", "link rot\n"), "name link-rot-2"),
])  # fmt: skip
async def test_a_line_is_shown_as_understood_and_saved(line: str, asked: Add, shown: str) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE, notifications=True) as pilot:
        await press(pilot, ["n"])
        screen(app).line.insert(line)
        await pilot.pause()
        assert shown in words(app)
        await press(pilot, ["enter"])
        await pilot.pause()
        assert link.sent == [asked]
        assert isinstance(app.screen, Board)
        assert f"{asked.name} is in the queue" in rows(app)


async def test_what_a_like_task_lends_is_shown_with_its_name() -> None:
    world = worlds.world(worlds.task("deploy", check="make check", model="opus"))
    app, link = app_on(world)
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        screen(app).line.insert("Fix =dep")
        await pilot.pause()
        assert "check make check (as deploy)" in words(app)
        await press(pilot, ["enter"])
        assert link.sent == [Add("fix", "---\ncheck: make check\nmodel: opus\n---\nFix\n")]


async def test_a_mistake_is_shown_and_nothing_is_saved_before_it_is_mended() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        screen(app).line.insert("Fix !high links")
        await pilot.pause()
        assert r"!high: a priority is a whole number, such as !1; \!high is text" in words(app)
        await press(pilot, ["enter"])
        assert link.sent == []
        assert r"!high: mend it, or put \ before it" in words(app)
        assert screen(app).line.cursor_location == (0, 9)
        screen(app).line.replace(r"\!high", (0, 4), (0, 9))
        await press(pilot, ["enter"])
        assert link.sent == [Add("fix-high-links", "Fix !high links\n")]


@pytest.mark.parametrize("line", ["", "   ", "!1 #x"])
async def test_nothing_to_do_is_no_task(line: str) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        screen(app).line.insert(line)
        await press(pilot, ["enter"])
        assert link.sent == []
        assert "Write what shall be done first" in rows(app)


async def test_a_refusal_keeps_the_line() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        link.refuses = Reason(Why.STATE, "the disk is full")
        await press(pilot, ["n", "h", "i", "enter"])
        assert "the disk is full" in rows(app)
        assert screen(app).line.text == "hi"
        link.fails = "hi.md cannot be written: no space"
        await press(pilot, ["enter"])
        await pilot.pause()
        assert "no space" in words(app)
        assert screen(app).line.text == "hi"


async def test_esc_asks_nothing_and_keeps_the_draft() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", "h", "i", "escape"])
        assert isinstance(app.screen, Board)
        await press(pilot, ["n"])
        assert screen(app).line.text == "hi"
        await press(pilot, ["enter"])
        await pilot.pause()
        await press(pilot, ["n"])
        assert screen(app).line.text == ""
    assert link.sent == [Add("hi", "hi\n")]


async def test_a_pasted_text_is_one_task() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        app.post_message(events.Paste("Fix links !1\n\n- see !2\r\n- and #3\n"))
        await pilot.pause()
        await press(pilot, ["enter"])
        assert link.sent == [Add("fix-links", "---\npriority: 1\n---\nFix links\n\n- see !2\n- and #3\n")]


async def test_what_it_would_wait_for_comes_after_a_pause() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        screen(app).line.insert("Fix @/home/you/other after:link-rot")
        await pilot.pause()
        assert "waits for" not in rows(app)
        await pilot.pause(PATIENCE)
        while screen(app).timer:
            await pilot.pause(0.02)
        await pilot.pause()
        assert "then waits for link-rot" in words(app)


HOSTILE = "[bold]x[/] [/oops] \x1b[31mred #[x] @\x1b]52;c;aGk=\x07 [@click=app.quit]tap[/] \x9b2J\u202e"


async def test_hostile_text_is_inert() -> None:
    app, link = app_on(worlds.long_names())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        app.post_message(events.Paste(HOSTILE))
        await pilot.pause()
        await pilot.pause()
        assert "[/oops]" in rows(app)
        assert not set("\x1b\x07\x9b\u202e") & set(rows(app))
        await press(pilot, FORM)
        form = app.screen
        assert isinstance(form, New)
        for target in (form.prompt, form.field("check")):
            target.focus()
            app.post_message(events.Paste(HOSTILE))
            await pilot.pause()
            await pilot.pause()
            assert not set("\x1b\x07\x9b\u202e") & set(rows(app))
        assert "[/oops]" in form.field("check").value
    assert link.sent == []


async def test_a_hostile_value_in_a_file_is_inert() -> None:
    app, _ = app_on(worlds.world(worlds.task("bad", check=HOSTILE, model=HOSTILE)))
    async with app.run_test(size=(48, 45)) as pilot:
        await press(pilot, ["e", *("j" * 8), "enter"])
        assert "[/oops]" in rows(app)
        assert not set("\x1b\x07\x9b\u202e") & set(rows(app))
        await press(pilot, ["escape", "escape", "n"])
        screen(app).line.insert("=bad x")
        await press(pilot, FORM)
        assert isinstance(app.screen, New)
        assert not set("\x1b\x07\x9b\u202e") & set(rows(app))


# --- taps ------------------------------------------------------------------------------------------------------------


async def test_a_tap_on_a_hint_puts_it_in_and_on_an_offer_completes_it() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", "h", "i"])
        at = rows(app).splitlines()[2].index("after:")
        await pilot.click("#tokens", offset=(at, 0))
        await pilot.pause()
        assert screen(app).line.text == "hi after:"
        at = rows(app).splitlines()[2].index("vault-cle")
        await pilot.click("#tokens", offset=(at, 0))
        await pilot.pause()
        assert screen(app).line.text.startswith("hi after:vault-cleanup ")
        assert "after vault-cleanup" in words(app)
        at = rows(app).splitlines()[2].index(">due")
        await pilot.click("#tokens", offset=(at, 0))
        await pilot.pause()
        assert screen(app).line.text == "hi after:vault-cleanup >"


@pytest.mark.parametrize(("target", "opens"), [("#form", New), ("#templates", Starters)])
async def test_a_tap_opens_form_and_templates(target: str, opens: type) -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        await pilot.click(target)
        await pilot.pause()
        assert isinstance(app.screen, opens)
        await pilot.click("#title", offset=(1, 0))
        await pilot.pause()
        assert screen(app).line.text == ""
        await pilot.click("#title", offset=(1, 0))
        await pilot.pause()
        assert isinstance(app.screen, Board)


async def test_a_tap_saves() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", "h", "i"])
        await pilot.click("#save")
        await pilot.pause()
        assert link.sent == [Add("hi", "hi\n")]


async def test_what_is_typed_on_a_button_or_too_early_goes_into_the_line() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", "a", "tab", "x", "d"])
        assert (screen(app).line.text, focus(app)) == ("axd", "line")
        app.set_focus(None)
        for letter in "yes":
            screen(app).post_message(events.Key(letter, letter))
        await pilot.pause()
        assert (screen(app).line.text, focus(app)) == ("axdyes", "line")
    assert link.sent == []


async def test_arrows_walk_along_the_buttons() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", "tab", "right", "right", "left"])
        assert focus(app) == "form"
        await press(pilot, ["left", "up"])
        assert focus(app) == "line"


# --- the form --------------------------------------------------------------------------------------------------------


async def test_the_form_is_filled_with_what_was_understood() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        screen(app).line.insert("Fix links !2 #web >friday 8:00 after:link-rot")
        await press(pilot, FORM)
        form = app.screen
        assert isinstance(form, New)
        held = {name: form.field(name).value for name in ("priority", "tags", "deadline", "depends_on", "name")}
        assert held == {
            "priority": "2", "tags": "web", "deadline": "2026-02-06T08:00", "depends_on": "link-rot", "name": "",
        }  # fmt: skip
        assert "Fri 6 Feb 08:00 (in 3 days)" in words(app)
        form.field("model").value = "opus"
        await press(pilot, ["tab", "enter"])
        await pilot.pause()
        assert isinstance(app.screen, Board)
    assert link.sent == [Add("fix-links", (
        '---\npriority: 2\ndepends_on: ["link-rot"]\ndeadline: 2026-02-06T08:00\nmodel: opus\ntags: ["web"]\n'
        "---\nFix links\n"
    ))]  # fmt: skip


async def test_leaving_the_form_keeps_what_was_changed_there() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n"])
        screen(app).line.insert("Fix links !2")
        await press(pilot, [*FORM, "escape"])
        assert screen(app).line.text == "Fix links !2"
        await press(pilot, FORM)
        form = app.screen
        assert isinstance(form, New)
        form.prompt.text = "Fix !x links"
        form.field("check").value = "make"
        form.field("name").value = "mine"
        await press(pilot, ["escape"])
        assert screen(app).line.text == r"Fix \!x links"
        assert "check make" in words(app) and "name mine" in words(app)
        await press(pilot, ["escape", "n", "enter"])
        await pilot.pause()
    assert link.sent == [Add("mine", "---\npriority: 2\ncheck: make\n---\nFix !x links\n")]


@pytest.mark.parametrize(("name", "typed", "says"), [
    ("priority", "soon", "priority must be a whole number, found 'soon'"),
    ("deadline", "fryday", "deadline must be a moment ahead such as friday 8:00"),
    ("schedule", "every 7 minutes", "schedule must be every 1, 2, 3, 4"),
    ("mode", "careful", "mode must be one of read-only, plan-first, autonomous"),
    ("timeout", "parsecs", "timeout must be a duration such as 90s"),
    ("name", "a/b", "name must be letters, digits"),
])  # fmt: skip
async def test_a_bad_value_stays_and_is_named_when_it_is_left(name: str, typed: str, says: str) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=(48, 45)) as pilot:
        await press(pilot, ["n", "h", "i", *FORM])
        form = app.screen
        assert isinstance(form, New)
        form.field(name).focus()
        form.field(name).value = typed
        await pilot.pause()
        assert says not in words(app)
        await press(pilot, ["tab"])
        assert says in words(app)
        await press(pilot, ["enter"])
        assert link.sent == [] and form.field(name).has_focus and form.field(name).value == typed
        form.field(name).value = ""
        await pilot.pause()
        assert says not in words(app)


async def test_values_can_be_tapped_and_stepped() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=(48, 45)) as pilot:
        await press(pilot, ["n", "h", "i", *FORM])
        form = app.screen
        assert isinstance(form, New)
        lines = {line.key: line for line in form.query(FieldLine)}
        for name, offset in (("priority", 0), ("priority", 0), ("priority", 4), ("mode", 4), ("runner", 4)):
            await pilot.click(lines[name].query_one(".steps"), offset=(offset + 2, 0))
        await pilot.pause()
        assert [form.field(name).value for name in ("priority", "mode", "runner")] == ["4", "read-only", "loop"]
        assert "reads, changes nothing" in words(app)
        form.field("mode").focus()
        await press(pilot, ["space", "plus", "minus"])
        assert form.field("mode").value == "plan-first"
        form.field("priority").focus()
        await press(pilot, ["minus", "minus", "plus"])
        assert form.field("priority").value == "3"
        form.field("command").focus()
        await press(pilot, ["a", "space", "minus", "plus"])
        assert form.field("command").value == "a -+"
        await press(pilot, ["up", "up"])
        assert form.field("mode").has_focus
        await press(pilot, ["down"])
        assert form.field("runner").has_focus


async def test_more_fields_come_when_they_are_asked_for() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", *FORM])
        form = app.screen
        assert isinstance(form, New)
        assert len(form.query(FieldLine)) < len(FIELDS)
        form.query_one("#more").focus()
        await press(pilot, ["enter"])
        assert {line.key for line in form.query(FieldLine)} == {known.name for known in FIELDS}
        assert form.field("estimated_tokens").has_focus


async def test_the_form_shows_fields_that_are_rare_when_they_are_given() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        app.scene.draft = ("Fix", {"worktree": True, "max_iterations": 7})
        await press(pilot, ["n", *FORM])
        form = app.screen
        assert isinstance(form, New)
        assert (form.field("worktree").value, form.field("max_iterations").value) == ("true", "7")
        await press(pilot, ["down", "tab", "enter"])
    assert link.sent == [Add("fix", "---\nworktree: true\nmax_iterations: 7\n---\nFix\n")]


# --- what it may start from ------------------------------------------------------------------------------------------


def nightly() -> World:
    made = worlds.task("nightly", Phase.RECURRING, schedule="30 2 * * *", model="opus", title="Read papers !1")
    return replace(worlds.busy(), tasks={**worlds.busy().tasks, "nightly": made})


@pytest.mark.parametrize(("down", "line", "base"), [
    (0, "plan? Fix", {}),
    (1, "Fix", {"runner": "loop", "check": "pytest -q", "max_iterations": 5}),
    (2, "Fix sh: ", {}),
    (3, "every monday 7:00 Fix", {}),
    (6, "=nightly Fix", {}),
    (7, "=link-rot Fix", {}),
])  # fmt: skip
async def test_something_to_start_from(down: int, line: str, base: dict[str, object]) -> None:
    app, _ = app_on(nightly())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", *"Fix", *TEMPLATES, *("j" * down), "enter"])
        assert screen(app).line.text == line
        assert screen(app).base == base
        assert screen(app).line.has_focus


async def test_the_starters_list_leads_back_and_moves() -> None:
    for back in ("escape", "left", "h", "q"):
        async with app_on(nightly())[0].run_test(size=PHONE) as pilot:
            await press(pilot, ["n", *TEMPLATES])
            there = pilot.app.screen
            assert isinstance(there, Starters)
            await press(pilot, ["G", "k", "g", "j", "down", "up"])
            assert there.choices.highlighted == 2
            await press(pilot, [back])
            assert isinstance(pilot.app.screen, Capture)


async def test_right_takes_what_is_under_the_cursor() -> None:
    app, _ = app_on(nightly())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["n", *TEMPLATES, "right"])
        assert screen(app).line.text == "plan? "


def test_starting_from_a_task_takes_its_title_as_text() -> None:
    tasks = nightly().tasks
    assert put_in("task:nightly", " ", {}, tasks) == (r"=nightly Read papers \!1", {})
    assert put_in("task:gone", "x", {"a": 1}, tasks) == ("x", {"a": 1})


@pytest.mark.parametrize("starter", STARTERS, ids=lambda starter: starter.name)
def test_every_starter_makes_a_task(starter: Starter) -> None:
    line, base = put_in(f"starter:{starter.name}", "Do it", {}, {})
    found = parse(line + ("make" if line.endswith("sh: ") else ""), worlds.NOW, UTC, {}, base)
    assert found.mistakes == ()
    made = found.draft.entry(UTC)
    assert isinstance(made, Task) and not made.warnings
    assert found.draft.fields


# --- one field -------------------------------------------------------------------------------------------------------


async def test_a_field_under_the_cursor_says_what_it_may_be() -> None:
    app, _ = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["e"])
        assert "whole number, default 5: lower runs first" in words(app)
        await press(pilot, ["j", "j", "j"])
        assert "date-time, default none: ISO" in words(app)


@pytest.mark.parametrize(("down", "typed", "asked"), [
    (3, "friday 8:00", Edit("vault-lint", "deadline", "2026-02-06T08:00")),
    (2, "link-rot, [[release-notes]]:any", None),
    (4, "plan", Edit("vault-lint", "mode", "plan-first")),
    (8, "pytest -q  # all", Edit("vault-lint", "check", '"pytest -q  # all"')),
    (11, "t", Edit("vault-lint", "worktree", "true")),
])  # fmt: skip
async def test_a_value_is_written_as_the_file_means_it(down: int, typed: str, asked: Edit | None) -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["e", *("j" * down), "enter"])
        form = app.screen
        assert isinstance(form, EditField)
        form.value.value = typed
        await press(pilot, ["enter"])
        wanted = asked or Edit("vault-lint", "depends_on", '["link-rot", "[[release-notes]]:any"]')
        assert link.sent == [wanted]


async def test_a_bad_value_is_not_even_sent() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["e", "enter", "ctrl+u", *"soon", "enter"])
        assert link.sent == []
        assert "priority must be a whole number, found 'soon'" in words(app)
        form = app.screen
        assert isinstance(form, EditField) and form.value.value == "soon"
        await press(pilot, ["escape", *"jjjj", "enter", "space"])
        assert form.value.value == "read-only"
        await pilot.click("#title", offset=(45, 0))
        await pilot.pause()
        assert link.sent == [Edit("vault-lint", "mode", "read-only")]


async def test_an_emptied_field_is_taken_out() -> None:
    app, link = app_on(worlds.busy())
    async with app.run_test(size=PHONE) as pilot:
        await press(pilot, ["e", "enter", "ctrl+u", "enter"])
        assert link.sent == [Edit("vault-lint", "priority", None)]


async def test_the_way_there_is_a_message() -> None:
    app, _ = app_on(worlds.empty())
    async with app.run_test(size=PHONE) as pilot:
        app.post_message(Go("new"))
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Capture)
        assert "one line is enough" in rows(app)
