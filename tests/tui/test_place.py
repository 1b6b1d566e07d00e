"""The place a person is in: its text, how it is kept, and how the next life of the app finds it again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.cli.bookmark import PlaceFile
from cctui.core.settings import Settings
from cctui.core.world import World
from cctui.tui import keeping
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.pages import Page
from cctui.tui.place import Place, Spot, Step, from_text, to_text
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.waiting import eventually

WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=30).filter(str.isprintable)
LINES = st.integers(-5, 10_000)
SPOTS = st.builds(Spot, WORDS, LINES, WORDS)
STEPS = st.builds(Step, st.sampled_from(["detail", "peek", "notes"]), WORDS, WORDS, LINES)
PLACES = st.builds(
    Place,
    WORDS,
    st.booleans(),
    st.lists(st.tuples(WORDS.filter(bool), SPOTS), max_size=5, unique_by=lambda one: one[0]).map(tuple),
    st.lists(STEPS, max_size=5).map(tuple),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["format", "pane", "tree", "lists", "trail", "cursor", "where", "line", "key"])


class Bookmark:
    """One in memory."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.saved: list[str] = []

    def load(self) -> str:
        return self.text

    def save(self, text: str) -> None:
        self.text = text
        self.saved.append(text)


def opened(mark: Bookmark, world: World | None = None) -> CctuiApp:
    return CctuiApp(FakeLink(world or worlds.busy()), engine=None, settings=Settings(), bookmark=mark)


def board(app: CctuiApp) -> Board:
    found = app.screen_stack[0]
    assert isinstance(found, Board)
    return found


async def opened_again(app: CctuiApp) -> None:
    """The sub-screen stands there, with all that is in it."""
    await eventually(lambda: len(app.screen_stack) == 2 and not any(one.group == "resume" for one in app.workers))


# --- its text --------------------------------------------------------------------------------------------------------


@given(PLACES)
def test_a_place_survives_being_written_down(place: Place) -> None:
    assert from_text(to_text(place)) == place


@given(st.text())
def test_any_text_is_a_place_or_none(text: str) -> None:
    assert isinstance(from_text(text), Place)


@given(st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON) | st.lists(st.dictionaries(NAMES, JSON))))
def test_whatever_stands_there_only_printable_names_and_numbers_come_of_it(data: dict[str, object]) -> None:
    place = from_text(json.dumps({**data, "format": 1}))
    texts = [place.pane, *(part for name, one in place.lists for part in (name, one.cursor, one.words))]
    texts += [part for one in place.trail for part in (one.where, one.key, one.cursor)]
    assert all(text.isprintable() for text in texts)
    assert all(type(one.line) is int for _, one in place.lists)
    assert all(type(one.line) is int for one in place.trail)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 5000,
        '{"format": 2, "pane": "runs"}',
        '{"pane": "runs"}',
        " " * 70_000 + '{"format": 1}',
    ],
)
def test_what_is_not_ours_is_no_place(text: str) -> None:
    assert from_text(text) == Place()


def test_a_screen_that_was_written_in_is_not_opened_again() -> None:
    place = replace(Place(), trail=(Step("detail", "a"), Step("edit", "a"), Step("why", "a")))
    assert from_text(to_text(place)).trail == (Step("detail", "a"),)


# --- its file --------------------------------------------------------------------------------------------------------


def test_the_file_is_the_persons_own_and_whole(tmp_path: Path) -> None:
    mark = PlaceFile(tmp_path)
    assert mark.load() == ""
    mark.save("one")
    mark.save("two")
    assert mark.load() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["view.json"]
    assert (tmp_path / "view.json").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_read_or_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "view.json").mkdir()
    mark = PlaceFile(tmp_path)
    mark.save("one")
    assert mark.load() == ""
    gone = PlaceFile(tmp_path / "gone")
    gone.save("one")
    assert gone.load() == ""


# --- kept and found again --------------------------------------------------------------------------------------------


async def test_the_next_life_of_the_app_shows_the_same_row_pane_and_screen() -> None:
    mark = Bookmark()
    app = opened(mark)
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("j", "j", "t", "2", "j", "l")
        await pilot.pause()
        chosen, run = board(app).queue.chosen, board(app).runs.chosen
        app.exit("closed")
    again = opened(Bookmark(mark.text))
    async with again.run_test(size=(48, 18)) as pilot:
        await opened_again(again)
        assert board(again).pane() == "runs"
        assert board(again).queue.as_tree
        assert (board(again).queue.chosen, board(again).runs.chosen) == (chosen, run)
        assert getattr(again.screen, "key", "") == run
        await pilot.press("escape")
        assert again.screen is board(again)


async def test_a_filter_is_kept_and_a_row_stays_on_its_line() -> None:
    mark = Bookmark()
    world = worlds.thousand()
    app = opened(mark, world)
    async with app.run_test(size=(48, 18)) as pilot:
        board(app).queue.filter("2")
        await pilot.press(*["pagedown"] * 3, "j", "k", "k")
        await pilot.pause()
        chosen, top = board(app).queue.chosen, board(app).queue.scroll_offset.y
        assert top > 10
        app.exit("closed")
    again = opened(Bookmark(mark.text), world)
    async with again.run_test(size=(48, 18)) as pilot:
        await eventually(lambda: board(again).queue.chosen == chosen)
        await eventually(lambda: board(again).queue.scroll_offset.y == top)
        assert board(again).queue.words == "2"


async def test_a_text_is_open_where_it_was_scrolled_to() -> None:
    mark = Bookmark()
    app = opened(mark)
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("j", "enter")
        await eventually(lambda: isinstance(app.screen, Page) and app.screen.body.max_scroll_y > 6)
        await pilot.press("j", "j", "j", "j")
        await pilot.pause()
        app.exit("closed")
    assert from_text(mark.text).trail[0].line == 4
    again = opened(Bookmark(mark.text))
    async with again.run_test(size=(48, 18)):
        await opened_again(again)
        await eventually(lambda: keeping.first_line(again.screen) == 4)


async def test_of_what_is_gone_nothing_is_opened() -> None:
    world = worlds.busy()
    row = Spot("no-such-task", 3)
    mark = Bookmark(to_text(Place("runs", False, (("queue", row),), (Step("detail", "no-such-task"),))))
    app = opened(mark, world)
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        assert board(app).pane() == "runs"
        assert app.screen is board(app)
        assert board(app).queue.chosen


async def test_whoever_has_pressed_a_key_is_left_where_they_are() -> None:
    """The engine has not read everything yet when the first key comes."""
    mark = Bookmark(to_text(Place("history")))
    world = worlds.busy()
    app = opened(mark, replace(world, looked=False))
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("2")
        app.link.publish(world)  # type: ignore[attr-defined]
        await pilot.pause()
        assert board(app).pane() == "runs"


async def test_the_place_waits_for_the_world_it_is_in() -> None:
    world = worlds.busy()
    mark = Bookmark(to_text(Place("runs", trail=(Step("why", "vault-lint"),))))
    app = opened(mark, World(settings=world.settings))
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        assert board(app).pane() == "queue"
        app.link.publish(world)  # type: ignore[attr-defined]
        await eventually(lambda: board(app).pane() == "runs")
        await opened_again(app)
        assert getattr(app.screen, "key", "") == "vault-lint"


async def test_it_is_written_once_it_is_quiet_and_only_when_it_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "QUIET", 60.0)
    mark = Bookmark()
    app = opened(mark)
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("j", "j", "j")
        first = app.keeper.due
        assert first is not None
        assert mark.saved == []
        app.keeper.look()  # too early: the last key is not long ago
        assert mark.saved == []
        monkeypatch.setattr(keeping, "QUIET", 0.0)
        app.keeper.look()
        await eventually(lambda: len(mark.saved) == 1)
        monkeypatch.setattr(keeping, "QUIET", 60.0)
        await pilot.press("j", "k")
        monkeypatch.setattr(keeping, "QUIET", 0.0)
        app.keeper.look()
        assert app.keeper.due is None
        app.exit("closed")
    assert len(mark.saved) == 1


SPOILED = '{"format": 1, "lists": {"queue": {"words": "\\u001b[2J s:("}}, "trail": [{"where": "x"}]}'


@pytest.mark.parametrize("text", ["{", SPOILED])
async def test_a_spoiled_bookmark_opens_the_app_as_ever(text: str) -> None:
    app = opened(Bookmark(text))
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        assert board(app).pane() == "queue"
        assert board(app).queue.words == ""
        await eventually(lambda: not app.workers)
        assert app.screen is board(app)
