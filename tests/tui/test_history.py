"""The history: a filter, each task's trend, and the six parts of a run that has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.strip import Strip

from cctui.adapters import notes
from cctui.core.filing import note_path
from cctui.core.settings import Settings
from cctui.core.world import Changes, Command, Ending, ErrorType, Phase, Result, RetryTask, Rollback, Stop, World
from cctui.link import LinkError
from cctui.places import Places
from cctui.tui import notelines
from cctui.tui.app import CctuiApp
from cctui.tui.detail import Detail
from cctui.tui.history import History
from cctui.tui.lines import Lines
from cctui.tui.past import PARTS, Past, entries
from cctui.tui.signs import Signs
from tests import worlds
from tests.tui.fakes import RUN_NOTE, FakeLink
from tests.tui.shots import rows
from tests.tui.test_safety import EVIL, evil_link


def app_on(world: World | None = None) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world or worlds.trusted())
    return CctuiApp(link, engine=None, settings=Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    for _ in range(3):
        await pilot.pause()


# --- the filter ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "names"), [
    ("s:failed", {"broken-build", "weekly-review"}),
    ("s:done link", {"link-rot"}),
    ("s:cancelled", {"paper-index"}),
    ("s:proven", {"link-rot"}),
    ("s:disproved", {"broken-build"}),
    ("in:blog", {"link-rot"}),
    ("kind:inbox", {"inbox-sort"}),
    ("m:claude-sonnet -s:done,failed", {"paper-index"}),
    ("timeout", {"weekly-review"}),
    ("cctui/broken", {"broken-build"}),
    ("", {"link-rot", "daily-briefing", "broken-build", "inbox-sort", "release-notes", "paper-index", "weekly-review"}),
])  # fmt: skip
async def test_the_filter_asks_for_facts_and_words(words: str, names: set[str]) -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 40)) as pilot:
        await press(pilot, ["3"])
        history = app.screen.query_one(History)
        history.filter(words)
        await pilot.pause()
        assert {record.task_id for record in history.records.values()} == names
        assert (f"{len(names)} of 7" in rows(app)) is bool(words)


async def test_tags_are_those_of_the_file() -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3"])
        history = app.screen.query_one(History)
        history.filter("tag:bug")
        assert {record.task_id for record in history.records.values()} == {"fix"}


async def test_the_filter_is_typed_kept_and_taken_away() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "slash", "s", "colon", "f", "enter"])
        assert "2 of 7 · 0 % ok · s:f" in rows(app)
        await press(pilot, ["escape"])
        assert "82" not in rows(app) or "s:f" not in rows(app)
        assert len(app.screen.query_one(History).records) == 7


async def test_what_nothing_fits_says_how_to_go_on() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "slash", "q", "q", "enter"])
        assert "No run has “qq”." in rows(app) and "esc shows all" in rows(app)


async def test_new_runs_pass_the_filter_too() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3"])
        history = app.screen.query_one(History)
        history.filter("s:failed")
        late = worlds.record("late", worlds.NOW, error=ErrorType.TIMEOUT)
        link.publish(replace(link.world, records=(*link.world.records, worlds.record("fine", worlds.NOW), late)))
        await pilot.pause()
        assert "late" in [record.task_id for record in history.records.values()]
        assert "fine" not in [record.task_id for record in history.records.values()]


# --- the trend -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "there"), [(60, True), (80, True), (48, False)])
async def test_a_row_shows_its_tasks_runs_where_there_is_room(width: int, there: bool) -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=(width, 24)) as pilot:
        await press(pilot, ["3"])
        assert ("▇▆▅▄█▆▅▄ 7/8" in rows(app)) is there
        assert all(cell_len(line) <= width for line in rows(app).splitlines())


async def test_the_page_shows_the_trend_with_its_marks() -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "j", "j", "enter"])
        shown = rows(app)
        assert "Its last 12 runs" in shown
        assert "▄█ ▇▆▅▄▄▇▇▆▅  7–14 points · half under 10" in shown
        assert "✓✓✓✓✓✓✓×·✓✓✓  10 of 11 done" in shown


# --- the parts -------------------------------------------------------------------------------------------------------

SAID = {
    "outcome": "✓ proven: says done · check passed",
    "note": "Done in 4m, 21k tokens, $0.03, attempt 1.",
    "log": "found 12",
    "changes": "= src/links.py",
    "check": "38 passed in 2.31s",
    "numbers": "claude-sonnet-4-5",
}


@pytest.mark.parametrize("size", [(45, 18), (48, 18), (60, 30), (80, 24), (120, 40), (200, 50)])
@pytest.mark.parametrize("number", range(1, 7))
async def test_every_part_has_its_key(size: tuple[int, int], number: int) -> None:
    app, _ = app_on()
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["3", "enter", str(number)])
        page = app.screen
        assert isinstance(page, Past) and page.part == PARTS[number - 1]
        assert SAID[page.part] in rows(app)
        assert all(cell_len(line) <= size[0] for line in rows(app).splitlines())


@pytest.mark.parametrize(("pressed", "part"), [
    (["l"], "log"), (["c"], "changes"), (["tab"], "note"), (["tab", "tab", "shift+tab"], "note"),
    (["shift+tab"], "numbers"), (["6", "tab"], "outcome"),
])  # fmt: skip
async def test_other_keys_lead_there_too(pressed: list[str], part: str) -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter", *pressed])
        assert isinstance(app.screen, Past) and app.screen.part == part


@pytest.mark.parametrize("width", [38, 45, 48, 60, 80, 120])
def test_all_six_can_be_tapped_at_every_width(width: int) -> None:
    found = list(entries("log", width))
    assert len(found) == 6
    assert sum(entry.width for entry in found) + 1 <= width
    assert [entry.action for entry in found] == [f"part('{part}')" for part in PARTS]


async def test_a_tap_leads_there() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter"])
        x = rows(app).splitlines()[1].index("Check")
        await pilot.click("#parts", offset=(x + 1, 0))
        await press(pilot, [])
        assert isinstance(app.screen, Past) and app.screen.part == "check"


async def test_each_part_keeps_its_place() -> None:
    app, link = app_on()
    link.says = "\n".join(f"line {i}" for i in range(300))
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter", "3"])
        assert "line 299" in rows(app), "a log begins at its end"
        await press(pilot, ["g", "pagedown", "2", "j", "j", "3"])
        assert "line 14" in rows(app) and "line 0\n" not in rows(app) and "line 299" not in rows(app)
        await press(pilot, ["2"])
        assert app.screen.query_one(Lines).scroll_offset.y == 2


async def test_nothing_is_read_before_it_is_looked_at() -> None:
    app, link = app_on()
    asked: list[str] = []
    diff, tail = link.diff, link.tail

    async def asked_diff(run_id: str) -> str:
        asked.append("diff")
        return await diff(run_id)

    async def asked_tail(run_id: str, lines: int = 200) -> str:
        asked.append("tail")
        return await tail(run_id, lines)

    link.diff, link.tail = asked_diff, asked_tail  # type: ignore[method-assign]
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter"])
        assert asked == []
        await press(pilot, ["3", "4", "3", "4"])
        assert asked == ["tail", "diff"]


@pytest.mark.parametrize("part", ["1", "2", "3", "4", "5", "6"])
async def test_what_other_runs_say_draws_nothing_here(part: str) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter", part])
        link.progress("dead-links-0203-1", "Read: the first thing")  # the layout has settled after it
        await press(pilot, [])
        body = app.screen.query_one(Lines)
        drawn: list[int] = []
        render = body.render_line

        def counted(y: int) -> Strip:
            drawn.append(y)
            return render(y)

        body.render_line = counted  # type: ignore[method-assign]
        link.progress("dead-links-0203-1", "Read: something else")
        await press(pilot, [])
        assert drawn == []
        body.refresh()
        await press(pilot, [])
        assert drawn


# --- what is gone ----------------------------------------------------------------------------------------------------


async def test_a_log_that_is_gone_says_where_the_note_lies() -> None:
    app, link = app_on()
    link.says = ""
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter", "3"])
        said = " ".join(rows(app).split())
        assert "There is no log: the run has put nothing out, or its folder is gone." in said
        assert "2 shows its note:" in said


@pytest.mark.parametrize("error", [LinkError("gone"), FileNotFoundError("gone")])
async def test_a_note_that_is_gone_says_what_is_left(error: Exception) -> None:
    app, link = app_on()

    async def gone(path_or_name: str) -> str:
        raise error

    link.text = gone  # type: ignore[method-assign]
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter", "2"])
        assert "The note is gone" in rows(app) and "6 shows the numbers" in rows(app)
        await press(pilot, ["5"])
        assert "✓ check passed" in rows(app) and "nothing that was kept" in rows(app)


async def test_a_run_that_nothing_checked_says_so() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "j", "enter", "5"])
        assert "Nothing has checked this run." in rows(app) and "check passed" not in rows(app)


async def test_an_open_run_shows_what_there_is_and_becomes_a_record() -> None:
    app, link = app_on()
    run_id = "dead-links-0203-1"
    link.texts[note_path(link.world.runs[run_id].spec)] = ""
    async with app.run_test(size=(48, 18)) as pilot:
        await app.push_screen(Past(app.scene, run_id))
        await press(pilot, ["2"])
        assert "A run's note is written when it ends." in rows(app)
        await press(pilot, ["3"])
        link.says = "and now this"
        app.tick()
        await press(pilot, [])
        assert "and now this" in rows(app)
        record = worlds.record("dead-links", worlds.NOW, run_id=run_id)
        left = {key: run for key, run in link.world.runs.items() if key != run_id}
        link.publish(replace(link.world, runs=left, records=(*link.world.records, record)))
        await press(pilot, ["1"])
        assert "✓ done in 4m" in rows(app)


# --- the other keys --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pressed", "asked"), [
    (["3", "j", "j", "enter", "R"], RetryTask("broken-build")),
    (["3", "enter", "4", "u", "y"], Rollback("link-rot-0203-0")),
])  # fmt: skip
async def test_a_key_sends_its_command(pressed: list[str], asked: Command) -> None:
    world = worlds.trusted()
    task = worlds.task("broken-build", Phase.FAILED)
    app, link = app_on(replace(world, tasks={**world.tasks, "broken-build": task}))
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent == [asked]


async def test_the_task_is_one_key_away_or_said_to_be_gone() -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["3", "j", "enter", "o"])
        assert isinstance(app.screen, Detail)
        await press(pilot, ["escape", "escape", "k", "enter", "o"])
        assert isinstance(app.screen, Past)
        assert "its task file is gone" in " ".join(rows(app).split())


async def test_files_are_gone_through() -> None:
    app, link = app_on()
    link.changes += "".join(f"+more {i}\n" for i in range(60))
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter", "4", "n"])
        assert rows(app).splitlines()[2].startswith(" = src/links.py")
        await press(pilot, ["n"])
        assert rows(app).splitlines()[2].startswith(" = notes/dead.md")
        await press(pilot, ["p"])
        assert rows(app).splitlines()[2].startswith(" = src/links.py")
        await press(pilot, ["g"])
        await pilot.click("#body", offset=(6, 1))
        await press(pilot, [])
        assert rows(app).splitlines()[2].startswith(" = notes/dead.md")


@pytest.mark.parametrize("pressed", [*(["3", "enter", str(part)] for part in range(1, 7)), ["4"]])
async def test_foreign_text_stays_text_in_every_part(pressed: list[str]) -> None:
    link = evil_link()
    record = link.world.records[0]
    link.texts[record.log_file] = (
        f"---\na: b\n---\n\n{EVIL}\n\n- Check: `{EVIL}`\n\n## Output\n\n```text\n{EVIL}\n```\n"
    )
    link.publish(replace(link.world, records=(replace(record, kind=EVIL, model=EVIL, account=EVIL),)))
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await press(pilot, pressed)
        shown = rows(app)
        assert "[/oops]" in shown
        assert not [char for char in shown if char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160)]
        assert "\u202e" not in shown and app.is_running


# --- notes -----------------------------------------------------------------------------------------------------------


def said(note: str, width: int = 46) -> str:
    return "\n".join("".join(text for text, _ in line.spans) for line in notelines.lay(note, Signs(), width))


def test_a_note_is_read_without_its_marks() -> None:
    shown = said(RUN_NOTE)
    assert "status: completed" not in shown and "# link-rot" not in shown and "```" not in shown
    for line in (
        "Done in 4m, 21k tokens, $0.03, attempt 1.",
        "│ Success",
        "· Check: pytest -q tests/links ended with 0.",
        "│ · WebFetch(https://example.org/gone)",
        "Result",
        " 38 passed in 2.31s",
    ):
        assert line in shown.split("\n")
    assert all(cell_len(line) <= 30 for line in said(RUN_NOTE, 30).split("\n"))


def test_the_notes_that_are_written_are_the_notes_that_are_read(tmp_path: Path) -> None:
    spec = replace(worlds.run("link-rot").spec, check="pytest -q `x`")
    record = next(each for each in worlds.trusted().records if each.task_id == "link-rot")
    result = Result(text="## Output\n```\nnot the output\n```", denials=("WebFetch(*)",))
    ending = Ending(stop=Stop.EXIT, ended=worlds.NOW, duration_s=1.0, rc=0, result=result)
    about = notes.About(ending, Changes(2, 5, "the branch is kept"), "```\n3 passed\n## Output\n", "say *hello*\n")
    note = notes.write_note(Places(tmp_path, tmp_path, tmp_path, tmp_path), spec, record, about).read_text("utf-8")
    assert notelines.part(note, "Output") == "```\n3 passed\n## Output"
    assert notelines.part(note, "Result") == result.text
    assert notelines.part(note, "Task") == "say *hello*"
    assert notelines.part(note, "Plan") is None
    assert notelines.said(note, "Check:") == "Check: pytest -q `x` ended with 0."
    assert "WebFetch(*)" in said(note) and "\\" not in said(note)


def test_a_note_of_anybody_elses_hand_is_shown_as_it_is() -> None:
    assert said("just text, *as it is*") == "just text, *as it is*"
    assert said("---\nnever closed\n") == "---\nnever closed"
    assert said("") == ""
