"""The app and its engine: what is heard is drawn, what dies is said, and a hidden screen costs nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

import pytest
from textual import events
from textual._compositor import Compositor
from textual.geometry import Region

from cctui.core.settings import Settings, UiSettings
from cctui.core.world import Level, Note, World
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows, shows


async def test_an_engine_that_dies_is_said_and_the_app_stays() -> None:
    async def engine() -> None:
        raise OSError("the disk is gone")

    app = CctuiApp(FakeLink(worlds.busy()), engine=engine, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.pause()
        assert "The engine has stopped: the disk is gone" in rows(app)
        await pilot.press("enter")
        assert not isinstance(app.screen, Board)


async def test_an_engine_that_somebody_else_ended_takes_the_app_with_it() -> None:
    gone = asyncio.Event()

    async def engine() -> None:
        await gone.wait()

    app = CctuiApp(FakeLink(worlds.busy()), engine=engine, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        gone.set()
        await pilot.pause()
    assert app.return_value == "stop"


async def test_detaching_waits_for_the_engine_to_end() -> None:
    begun, gone, ended = asyncio.Event(), asyncio.Event(), []

    class Link(FakeLink):
        async def leave(self, how: Literal["detach", "stop"]) -> None:
            await super().leave(how)
            gone.set()

    async def engine() -> None:
        begun.set()
        await gone.wait()
        ended.append(True)

    app = CctuiApp(Link(worlds.busy()), engine=engine, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await asyncio.wait_for(begun.wait(), 5)
        await pilot.press("D")
        await pilot.pause()
    assert (app.return_value, ended) == ("detach", [True])


async def test_an_engine_does_not_begin_once_a_person_has_left() -> None:
    begun: list[bool] = []

    async def engine() -> None:
        begun.append(True)

    app = CctuiApp(FakeLink(worlds.busy()), engine=engine, settings=Settings())
    app.leaving = True
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.pause()
    assert begun == []


async def test_of_many_worlds_only_the_last_is_drawn() -> None:
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    taken: list[World] = []

    def take(world: World) -> None:
        taken.append(world)

    async with app.run_test(size=(48, 18)) as pilot:
        app.watch(app, "world", take)
        for i in range(100):
            link.progress("zotero-digest-0203-1", f"line {i}")
        await pilot.pause()
        await pilot.press("2")
        assert "line 99" in rows(app)
        assert len(taken) < 10


async def test_what_was_said_while_nobody_looked_is_drawn_at_the_next_look() -> None:
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("2")
        app.post_message(events.AppBlur())
        await pilot.pause()
        link.progress("zotero-digest-0203-1", "the last page")
        await pilot.pause()
        assert "the last page" not in rows(app)
        app.post_message(events.AppFocus())
        await pilot.pause()
        assert "the last page" in rows(app)


async def test_a_lost_engine_is_said_in_the_banner() -> None:
    link = FakeLink(worlds.busy(), hosting=False)
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        link.trouble = "the engine is gone, trying again in 3 s"
        app.tick()
        await pilot.pause()
        assert link.trouble in rows(app)


async def test_panes_appear_and_go_with_the_width() -> None:
    app = CctuiApp(FakeLink(worlds.busy()), engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        assert "zotero-digest  " not in rows(app)
        await pilot.resize_terminal(120, 40)
        await shows(pilot, "─ History ─")
        await pilot.resize_terminal(48, 18)
        await shows(pilot, "1 Queue 5")


async def test_the_peek_follows_the_run() -> None:
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        for key in ("2", "enter"):
            await pilot.press(key)
        link.says = "\n".join(f"line {i}" for i in range(300))
        await shows(pilot, "line 299")
        assert "line 200" not in rows(app)


async def test_every_theme_can_be_worn() -> None:
    for name in ("cctui", "cctui-light", "cctui-hc", "ansi-dark", "textual-dark", "no such theme"):
        settings = replace(Settings(), ui=UiSettings(theme=name))
        app = CctuiApp(FakeLink(worlds.busy()), engine=None, settings=settings)
        async with app.run_test(size=(48, 18)) as pilot:
            await pilot.pause()
            assert "vault-lint" in rows(app)
            assert app.theme == (name if name != "no such theme" else "cctui")
            assert app.scene.palette["running"].color is not None


async def test_the_peek_of_a_run_that_ends_keeps_its_name_and_dims_its_keys() -> None:
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        for key in ("2", "enter"):
            await pilot.press(key)
        run_id = "zotero-digest-0203-1"
        record = worlds.record("zotero-digest", worlds.NOW, run_id=run_id)
        runs = {name: run for name, run in link.world.runs.items() if name != run_id}
        link.publish(replace(link.world, runs=runs, records=(*link.world.records, record)))
        await pilot.pause()
        assert rows(app).splitlines()[0].split() == ["‹", "zotero-digest", "ended"]
        await pilot.press("x")
        await pilot.pause()
        assert "this run has ended" in rows(app)
        assert link.sent == []


async def test_a_pane_in_which_nothing_changes_is_not_drawn_again() -> None:
    """A run that says a line a second would else cost a phone the whole screen every second."""
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(110, 24)) as pilot:
        await pilot.pause()
        board = app.screen
        assert isinstance(board, Board)
        drawn: list[str] = []
        for pane in (board.queue, board.history):
            refresh = pane.refresh

            def counted(*regions: Region, name: str = str(pane.id), then: Any = refresh, **options: bool) -> Any:
                drawn.append(name)
                return then(*regions, **options)

            pane.refresh = counted  # type: ignore[method-assign]
        link.progress("zotero-digest-0203-1", "the next page")
        await pilot.pause()
        assert "the next page" in rows(app)
        assert drawn == []


async def test_a_window_that_opens_behind_another_still_fills() -> None:
    link = FakeLink(World())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        app.post_message(events.AppBlur())
        await pilot.pause()
        assert "Reading the task folders" in rows(app)
        link.publish(worlds.busy())
        await pilot.pause()
        assert "refactor-auth" in rows(app)


async def test_what_the_banner_says_is_no_toast() -> None:
    sentence = "`claude` was not found: install it"
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        world = link.world
        seq = max((note.seq for note in world.notes), default=0)
        notes = tuple(
            Note(seq + n, link.now(), Level.BAD, text) for n, text in ((1, sentence), (2, "link-check: exit"))
        )
        link.publish(replace(world, programs={"claude": sentence}, notes=(*world.notes, *notes)))
        await pilot.pause()
        assert [notice.message for notice in app._notifications] == ["link-check: exit"]


@pytest.mark.parametrize("length", range(40, 50))
async def test_a_toast_shows_its_last_word(length: int) -> None:
    app = CctuiApp(FakeLink(worlds.busy()), engine=None, settings=Settings())
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        app.say("a " * ((length - 4) // 2) + "last")
        await pilot.pause()
        await pilot.pause()
        assert "last" in rows(app)


async def test_below_a_page_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    whole: list[bool] = []
    drawn = Compositor.render_full_update

    def counted(*args: Any, **options: Any) -> Any:
        whole.append(True)
        return drawn(*args, **options)

    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("2", "enter")
        await pilot.pause()
        monkeypatch.setattr(Compositor, "render_full_update", counted)
        for line in "abc":
            link.progress("zotero-digest-0203-1", line)
            await pilot.pause(0.1)
        assert whole == []
        await pilot.press("escape")
        await pilot.pause()
        assert "c" in [line.strip() for line in rows(app).splitlines()]
