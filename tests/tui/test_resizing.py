"""A terminal that changes its size: nobody loses their place, and a burst of resizes is not a burst of repaints."""

from __future__ import annotations

import pytest
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.geometry import Size

from cctui.core.settings import Settings
from cctui.tui import resizing
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.pages import Page
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.waiting import eventually

PHONE, DESK = Size(48, 18), Size(120, 40)


async def becomes(app: CctuiApp, size: Size) -> None:
    """The terminal has this size from now on, and everything has followed."""
    app.post_message(Resize(size, size))
    await eventually(lambda: app.screen.outer_size == size and app.resizing.held is None)
    await app.resizing_is_over()  # type: ignore[attr-defined]


class Watched(CctuiApp):
    """Counts how often the whole screen is laid out."""

    laid_out = 0

    async def resizing_is_over(self) -> None:
        done: list[bool] = []
        self.set_timer(0.1, lambda: self.call_after_refresh(done.append, True))
        await eventually(lambda: done)


def made(link: FakeLink | None = None) -> Watched:
    return Watched(link or FakeLink(worlds.thousand()), engine=None, settings=Settings())


async def test_the_cursor_and_what_is_shown_stay_through_resizes() -> None:
    app = made()
    async with app.run_test(size=PHONE) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        await pilot.press(*["pagedown"] * 20, "k", "k")
        await pilot.pause()
        chosen, top = board.queue.chosen, board.queue.scroll_offset.y
        line = board.queue.tops[board.queue.at] - top
        assert top > 100
        await becomes(app, DESK)
        assert board.queue.chosen == chosen
        shown = board.queue.tops[board.queue.at] - board.queue.scroll_offset.y
        assert 0 <= shown < board.queue.size.height
        await becomes(app, PHONE)
        assert board.queue.chosen == chosen
        assert board.queue.tops[board.queue.at] - board.queue.scroll_offset.y == line


@pytest.mark.parametrize("tiny", [Size(48, 9), Size(30, 18)])
@pytest.mark.parametrize("pane", ["queue", "runs"])
async def test_a_screen_that_was_too_small_for_a_moment_has_its_keys_again(tiny: Size, pane: str) -> None:
    """On a phone the keyboard alone can bring that about."""
    app = made(FakeLink(worlds.busy()))
    async with app.run_test(size=PHONE) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        if pane == "runs":
            await pilot.press("2")
        await becomes(app, tiny)
        await becomes(app, PHONE)
        assert board.focused is board.list_at()
        assert board.pane() == pane
        await pilot.press("j")
        assert board.list_at().at == 1


async def test_a_text_that_is_read_stays_where_it_was_and_so_does_the_list_below() -> None:
    link = FakeLink(worlds.busy())
    link.texts["refactor-auth"] = "\n".join(f"line {i} " + "of a long text that wraps " * 4 for i in range(80))
    app = made(link)
    async with app.run_test(size=PHONE) as pilot:
        board = app.screen
        assert isinstance(board, Board)
        await pilot.press("j", "enter")
        await eventually(lambda: isinstance(app.screen, Page))
        link.texts[getattr(app.screen, "key", "")] = link.texts["refactor-auth"]
        await pilot.press("escape", "enter")
        body = app.screen.query_one("#body", VerticalScroll)
        await eventually(lambda: body.max_scroll_y > 100)
        await pilot.press(*["pagedown"] * 9, "j")
        await pilot.pause()
        chosen, top, height = board.queue.chosen, body.scroll_offset.y, body.virtual_size.height
        assert top > 60
        await becomes(app, DESK)
        assert abs(body.scroll_offset.y / body.virtual_size.height - top / height) < 0.05
        await becomes(app, PHONE)
        assert body.scroll_offset.y == top
        await becomes(app, DESK)
        await pilot.press("escape")
        await eventually(lambda: app.screen is board and board.outer_size == DESK)
        assert board.queue.chosen == chosen
        await eventually(lambda: not board.has_class("-narrow"))


async def test_a_burst_of_resizes_lays_everything_out_three_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resizing, "QUIET", 1.5)  # however busy the machine: the burst is one
    monkeypatch.setattr(resizing, "LONGEST", 60.0)
    app = made()
    async with app.run_test(size=PHONE) as pilot:
        await pilot.pause()
        laid_out: list[Size] = []
        refresh = app.screen._refresh_layout

        def counted(size: Size | None = None, *args: object, **options: object) -> None:
            if size is not None and size not in laid_out[-1:]:
                laid_out.append(size)
            refresh(size, *args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(app.screen, "_refresh_layout", counted)
        for i in range(1, 31):
            size = Size(48 + i, 18 + i // 3)
            app.post_message(Resize(size, size))
            if i % 5 == 0:
                await pilot.pause()
        await eventually(lambda: app.screen.outer_size == Size(78, 28))
        assert len(laid_out) <= 3
        assert laid_out[-1] == Size(78, 28)
