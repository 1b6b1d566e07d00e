"""A finished run: what is proven of it, what it changed, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.strip import Strip

from cctui.core.settings import Settings
from cctui.core.world import Command, ErrorType, Level, Note, Rollback, Runner
from cctui.tui import proof
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.diff import Changed, Diff, file_name, files, lines, sums
from cctui.tui.lines import Lines, fold
from tests import worlds
from tests.tui.fakes import DIFF, FakeLink
from tests.tui.shots import rows

RUN = "link-rot-0203-0"


def app_on() -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(worlds.trusted())
    return CctuiApp(link, engine=None, settings=Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize(("claimed", "proven", "exit_code", "sign", "said"), [
    (True, True, 0, "proven", "says done · check passed"),
    (True, False, 2, "disproved", "says done · check failed (exit 2)"),
    (True, None, None, "unproven", "says done · nothing checked it"),
    (False, None, None, "unproven", "does not say done · nothing checked it"),
    (False, True, 0, "proven", "does not say done · check passed"),
    (None, None, None, "", ""),
])  # fmt: skip
def test_what_is_claimed_stands_against_what_is_proven(
    claimed: bool | None, proven: bool | None, exit_code: int | None, sign: str, said: str
) -> None:
    record = worlds.record("a", worlds.NOW, claimed=claimed, proven=proven, check_exit=exit_code)
    assert (proof.look(record), proof.words(record, "·")) == (sign, said)
    assert proof.mark(replace(record, success=False, error_type=ErrorType.EXIT_ERROR)) == ""


def test_what_nobody_counted_is_not_shown() -> None:
    record = worlds.record("a", worlds.NOW)
    assert (proof.changes(record, "·"), proof.place(record)) == ("", "")
    counted = replace(record, commits=1, files_changed=0, branch="main", base_commit="3fa9c1d2e4b5")
    assert proof.changes(counted, "·") == "1 commit · 0 files changed"
    assert proof.place(counted) == "branch main from 3fa9c1d"


@pytest.mark.parametrize("size", [(48, 18), (80, 24), (120, 40)])
async def test_the_history_says_what_is_proven(size: tuple[int, int]) -> None:
    app, _ = app_on()
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["3"])
        said = {line.split("│")[-2 if "│" in line else 0].strip() for line in rows(app).splitlines()}
        assert any(line.endswith("✓ proven") for line in said)
        await press(pilot, ["G"])
        assert "? unproven" in rows(app)


async def test_a_finished_run_tells_branch_base_counts_and_proof() -> None:
    app, _ = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "enter"])
        shown = rows(app)
        for said in ("✓ proven: says done · check passed", "2 commits · 5 files changed",
                     "branch cctui/link-rot-0203 from a81c03f"):  # fmt: skip
            assert said in shown


# --- the way back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pressed", "asked"), [
    (["3", "enter", "u", "y"], Rollback(RUN)),
    (["3", "c", "u", "y"], Rollback(RUN)),
    (["3", "enter", "c", "u", "y"], Rollback(RUN)),
])  # fmt: skip
async def test_a_rollback_is_asked_for_and_sent(pressed: list[str], asked: Command) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, pressed)
        assert link.sent == [asked]


@pytest.mark.parametrize("answer", ["enter", "escape", "n"])
async def test_by_default_nothing_is_rolled_back(answer: str) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["3", "enter", "u"])
        shown = " ".join(rows(app).split())
        assert "Roll back link-rot?" in shown and "the branch cctui/link-rot-0203 go" in shown
        await press(pilot, [answer])
        assert link.sent == []


async def test_in_place_it_says_that_later_work_goes_too() -> None:
    record = worlds.record("a", worlds.NOW, branch="main", base_commit="3fa9c1d", project="/home/you/app")
    assert "/home/you/app becomes as it was" in proof.undoing(record)
    assert "Whatever has changed there since goes, too." in proof.undoing(record)


async def test_how_it_went_is_told() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["3", "enter"])
        text = "The worktree and the branch are gone"
        note = Note(9, worlds.NOW, Level.GOOD, text, run_id=RUN)
        link.publish(replace(link.world, notes=(*link.world.notes, note)))
        await pilot.pause()
        await pilot.pause()
        assert "What happened" in rows(app)
        assert [notice.message for notice in app._notifications] == [text]


async def test_a_run_outside_of_git_has_no_way_back_and_says_so() -> None:
    app, link = app_on()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ["3", "j", "enter", "u"])
        assert "daily-briefing worked in no git folder" in rows(app)
        assert not isinstance(app.screen, Board)
        assert link.sent == []


async def test_a_folder_in_which_something_runs_is_not_rolled_back() -> None:
    link = FakeLink(worlds.trusted())
    busy = link.world.runs["dead-links-0203-1"]
    link.becomes("dead-links-0203-1", spec=replace(busy.spec, folder="/home/you/blog", runner=Runner.SHELL))
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ["3", "enter", "u"])
        assert "runs in the same folder: dead-links" in rows(app)
        assert link.sent == []


# --- the changes -----------------------------------------------------------------------------------------------------


def test_every_line_of_a_diff_has_its_tone() -> None:
    found = list(lines(DIFF))
    assert sums(found) == "+5 -2"
    assert found[0] == ("= src/links.py", "strong")
    assert ("-        return True", "bad") in found
    assert ("new file mode 100644", "dim") in found
    assert not [text for text, _ in found if text.startswith(("index ", "+++ ", "--- "))]


def test_content_cannot_pass_for_a_head_nor_a_head_for_content() -> None:
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n--- a/y\n+++ b/y\n+diff --git a/z b/z\n+a\r-b\r\n"
    assert list(lines(diff))[1:] == [
        ("@@ -1,3 +1,3 @@", "accent"),
        ("--- a/y", "bad"),
        ("+++ b/y", "good"),
        ("+diff --git a/z b/z", "good"),
        ("+a^M-b", "good"),
    ]


@pytest.mark.parametrize(("names", "shown"), [
    ("a/x b/x", "x"), ("a/a b b/a b", "a b"), ("a/old b/new", "a/old b/new"), ('"a/\\t" "b/\\t"', '"a/\\t" "b/\\t"'),
    ("", ""),
])  # fmt: skip
def test_a_file_is_named_once(names: str, shown: str) -> None:
    assert file_name(names) == shown


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), max_size=80)


@given(st.lists(st.tuples(texts, st.just("good")), max_size=4), st.integers(8, 40))
def test_a_folded_diff_holds_every_letter_in_its_width(found: list[tuple[str, str]], width: int) -> None:
    pieces = list(fold(found, width))
    said = "".join(text for piece in pieces for text, tone in piece if tone == "good")
    assert said == "".join(text for text, _ in found)
    assert all(sum(cell_len(text) for text, _ in piece) <= width for piece in pieces)


def test_a_piece_that_goes_on_cannot_pass_for_a_line() -> None:
    pieces = list(fold([("+" + "x" * 7 + "-removed", "good")], 8))
    assert ["".join(text for text, _ in piece) for piece in pieces] == ["+xxxxxxx", "…-remove", "…d"]


def test_every_file_has_its_own_counts() -> None:
    assert list(files(list(lines(DIFF)))) == [Changed("src/links.py", 3, 2), Changed("notes/dead.md", 2, 0)]
    assert list(files([("It has changed nothing.", "")])) == []


async def test_a_long_diff_scrolls_and_is_drawn_by_the_screenful() -> None:
    app, link = app_on()
    link.changes = DIFF + "".join(f"+line {i}\n" for i in range(20_000))
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["3", "c"])
        drawn: list[int] = []
        view = app.screen.query_one(Lines)
        render = view.render_line

        def counted(y: int) -> Strip:
            drawn.append(y)
            return render(y)

        view.render_line = counted  # type: ignore[method-assign]
        await press(pilot, ["G"])
        assert "+line 19999" in rows(app)
        assert 0 < len(drawn) < 200
        await press(pilot, ["g", "pagedown", "j"])
        assert "+line 5" in rows(app) and "src/links.py" not in rows(app)


async def test_a_diff_that_is_not_to_be_had_says_why() -> None:
    app, link = app_on()
    link.diff_fails = "The run worked in no git folder [/oops]"
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, ["3", "c"])
        assert isinstance(app.screen, Diff)
        assert link.diff_fails in rows(app)
        link.diff_fails, link.changes = "", ""
        link.publish(replace(link.world, notes=(Note(9, worlds.NOW, Level.GOOD, "rolled back", run_id=RUN),)))
        await pilot.pause()
        await pilot.pause()
        assert "It has changed nothing." in rows(app)
