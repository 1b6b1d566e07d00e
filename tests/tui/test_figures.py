"""The figures: at a glance on a phone, plots where there is room, drawn again only for what has ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot

from cctui.codec import decode_field, dumps, encode_field
from cctui.core.glance import glance
from cctui.core.settings import Settings
from cctui.core.world import World
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.cells import wide
from cctui.tui.figures import Figures, dollars
from cctui.tui.help import Help
from cctui.tui.plots import Column, ceiling, plot, spark
from cctui.tui.signs import ASCII, Signs
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows


def app_on(world: World) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world)
    return CctuiApp(link, engine=None, settings=Settings()), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", [(45, 18), (48, 18), (60, 30), (80, 24), (120, 40), (200, 50)])
async def test_every_figure_stands_on_the_first_screen_with_its_samples_and_age(size: tuple[int, int]) -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["4"])
        shown = rows(app)
        for name in ("success", "tok/done", "retries", "unused", "cost"):
            line = next(line for line in shown.splitlines() if line.startswith(f" {name} "))
            assert "·" in line and ("00:24" in line or "Mon 19:46" in line), line
        assert "86 %" in shown and "mostly: no task fitted" in shown and "by kind" in shown
        assert all(cell_len(line) <= size[0] for line in shown.splitlines())


@pytest.mark.parametrize(
    ("size", "there"), [((120, 40), True), ((100, 24), True), ((110, 18), False), ((80, 40), False)]
)
async def test_plots_stand_where_there_is_room(size: tuple[int, int], there: bool) -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=size) as pilot:
        await press(pilot, ["4"])
        assert ("tokens a day" in rows(app)) is there
        assert ("21 Jan" in rows(app)) is there


async def test_nothing_has_ended_yet_and_what_to_press() -> None:
    app, link = app_on(worlds.empty())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await press(pilot, ["4"])
        assert "Nothing has ended yet." in rows(app) and "esc leads back" in rows(app)
        await press(pilot, ["enter"])
        assert isinstance(app.screen, Figures)
        link.publish(replace(link.world, records=worlds.PAST))
        await pilot.pause()
        assert "success" in rows(app)


@pytest.mark.parametrize(("pressed", "words", "shown"), [
    (["enter"], 'kind:"vault-lint"', 13),
    (["down", "right"], 'kind:"weekly-review"', 13),
    (["G", "enter"], 'project:"/home/you/notes"', 13),
    (["j", "j", "j", "j", "j", "enter"], 'model:"claude-sonnet-4-5"', 35),
])  # fmt: skip
async def test_a_row_leads_to_its_runs(pressed: list[str], words: str, shown: int) -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=(60, 30)) as pilot:
        await press(pilot, ["4", *pressed])
        board = app.screen
        assert isinstance(board, Board)
        assert (board.pane(), board.history.words, len(board.history.records)) == ("history", words, shown)
        assert f"{shown} of 59" in rows(app)


@pytest.mark.parametrize("key", ["escape", "left", "h", "q", "4"])
async def test_every_way_back(key: str) -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["4", key])
        assert isinstance(app.screen, Board)


async def test_help_opens_and_closes() -> None:
    app, _ = app_on(worlds.fortnight())
    async with app.run_test(size=(48, 40)) as pilot:
        await press(pilot, ["4", "question_mark"])
        assert isinstance(app.screen, Help)
        await press(pilot, ["escape"])
        assert isinstance(app.screen, Figures)


async def test_only_what_has_ended_is_worked_out_again() -> None:
    app, link = app_on(worlds.fortnight())
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, ["4"])
        screen = app.screen
        assert isinstance(screen, Figures)
        before, drawn = screen.list.found, screen.plots.drawn
        link.progress("zotero-digest-0203-1", "Read: another paper")
        await pilot.pause()
        assert screen.list.found is before and screen.plots.drawn is drawn
        link.publish(replace(link.world, records=link.world.records[:-1]))
        await pilot.pause()
        assert screen.list.found is not before


async def test_at_midnight_the_days_move_on() -> None:
    link = FakeLink(worlds.fortnight())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, ["4"])
        screen = app.screen
        assert isinstance(screen, Figures) and screen.list.found
        last = screen.list.found.days[-1].day
        link.clock = lambda: worlds.NOW + timedelta(days=1)
        app.tick()
        await pilot.pause()
        assert screen.list.found.days[-1].day == last + timedelta(days=1)


def test_a_face_behind_a_socket_has_the_same_figures() -> None:
    """Runs and windows are fields of the World, which is sent field by field."""
    world = worlds.fortnight()
    sent = {
        name: json.loads(dumps(encode_field(name, getattr(world, name)))) for name in ("records", "windows", "zone")
    }
    there = World(**{name: decode_field(name, data) for name, data in sent.items()})
    assert glance(there, worlds.NOW) == glance(replace(World(), records=world.records, windows=world.windows,
                                                       zone=world.zone), worlds.NOW)  # fmt: skip


# --- drawing ---------------------------------------------------------------------------------------------------------

figures = st.floats(0, 1e9)
columns = st.lists(st.builds(Column, st.sampled_from(["", "1 Feb", "28 Jan"]), st.none() | st.tuples(figures, figures)))


@given(columns, st.integers(24, 90), st.integers(4, 20), st.sampled_from([Signs(), ASCII]))
def test_a_plot_keeps_its_lines_and_its_width(found: list[Column], width: int, height: int, signs: Signs) -> None:
    lines = plot(found, ("done", "failed"), width, height, signs)
    assert len(lines) == height
    assert all(wide(line) <= width for line in lines)
    if signs.plain:
        assert "".join(text for line in lines for text, _ in line).isascii()


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.integers(4, 12))
def test_of_two_parts_both_are_seen(first: float, second: float, height: int) -> None:
    lines = plot([Column("", (first, second))], ("done", "failed"), 40, height, Signs())
    tones = {tone for line in lines for _, tone in line}
    assert {"done", "failed"} <= tones


def test_an_unknown_day_is_empty_and_a_known_one_without_runs_has_no_bar() -> None:
    lines = plot([Column("a", None), Column("b", (0.0,)), Column("c", (4.0,))], ("running",), 30, 6, Signs())
    assert "".join(text for text, _ in lines[-1]).split() == ["a", "b", "c"]
    assert {tone for line in lines[:-2] for text, tone in line if "█" in text} == {"running"}
    assert sum("█" in text for line in lines[:-2] for text, _ in line) == 3  # four of five


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.5, 2), (3, 5), (7, 10), (11, 20), (21, 50), (990_000, 1e6)]
)
def test_an_axis_ends_with_a_figure_that_reads_well(value: float, top: float) -> None:
    assert ceiling(value) == top


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    assert "".join(text for text, _ in spark([0, None, 1, 7], Signs())) == "▁ ▂█"
    assert "".join(text for text, _ in spark([0, None, 1, 7], ASCII)) == "_ .#"


@pytest.mark.parametrize(("value", "said"), [(None, "?"), (0.0, "$0.00"), (14.2, "$14.20"), (1234.5, "$1,234")])
def test_dollars(value: float | None, said: str) -> None:
    assert dollars(value) == said
