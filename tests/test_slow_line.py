"""A face over a line of 300 ms and 5 % loss, cut and mended: quick here, in order, nothing lost without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from cctui import remote
from cctui.core.settings import Settings
from cctui.core.world import Hold, Level, Note, Pause, Why, World
from cctui.link import LinkError
from cctui.remote import RemoteLink, connect, no_terminal
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from tests import worlds
from tests.slowline import SlowLine, slow_line
from tests.test_link import serving
from tests.tui.fakes import FakeLink
from tests.waiting import eventually

NOW = worlds.NOW
WAITS = (0.3, 0.6)


@pytest.fixture
def engine() -> FakeLink:
    return FakeLink(worlds.busy())


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s" / "engine.sock"


@asynccontextmanager
async def far(engine: FakeLink, socket: Path, **how: float) -> AsyncIterator[SlowLine]:
    async with serving(engine, socket), slow_line(socket.with_name("far.sock"), socket, **how) as line:  # type: ignore[arg-type]
        yield line


def told(world: World) -> list[int]:
    return [note.seq for note in world.notes]


def say(engine: FakeLink, seq: int) -> None:
    note = Note(seq, NOW, Level.INFO, f"note {seq}")
    engine.publish(replace(engine.world, notes=(*engine.world.notes, note)))


async def test_worlds_come_in_order_and_commands_get_their_answers(engine: FakeLink, socket: Path) -> None:
    async with far(engine, socket) as line:
        front = await connect(line.door, now=lambda: NOW, waits=WAITS)
        seen: list[list[int]] = []
        front.subscribe(lambda world: seen.append(told(world)))
        first = max(told(engine.world), default=0)
        for seq in range(first + 1, first + 31):
            say(engine, seq)
            await asyncio.sleep(0.02)
        answers = await asyncio.gather(*(front.send(Pause("vault-lint", on=i % 2 == 0)) for i in range(9)))
        assert answers == [None] * 9
        await eventually(lambda: told(front.world) == told(engine.world), 20)
        assert all(before == after[: len(before)] for before, after in pairwise(seen))
        assert [command.on for command in engine.sent] == [i % 2 == 0 for i in range(9)]  # type: ignore[union-attr]
        assert front.world == engine.world
        assert front.trouble is None
        await front.close()


async def test_a_command_on_its_way_when_the_line_is_cut_comes_back_with_a_word(engine: FakeLink, socket: Path) -> None:
    async with far(engine, socket, lost=0.0) as line:
        front = await connect(line.door, waits=WAITS)
        asked = asyncio.create_task(front.send(Hold()))
        await asyncio.sleep(0)
        await line.close()
        reason = await asked
        assert reason
        assert reason.why is Why.ENGINE
        assert "shows when it is back" in reason.what
        refused = await front.send(Hold())
        assert refused
        assert "trying again" in refused.what
        assert "shows when" not in refused.what
        assert engine.sent == []
        await line.open()
        await eventually(lambda: front.trouble is None, 20)
        assert await front.send(Hold()) is None
        assert engine.sent == [Hold()]
        await front.close()


async def test_a_line_that_is_dead_without_a_word_is_given_up_and_made_anew(
    engine: FakeLink, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tunnel: the connection stands, nothing comes through it."""
    monkeypatch.setattr(remote, "ANSWER_SECONDS", 0.5)
    async with far(engine, socket, late=0.01, lost=0.0) as line:
        front = await connect(line.door, waits=WAITS)
        line.dead = True
        with pytest.raises(LinkError, match="no answer in"):
            await front._ask({"do": "tail", "run": "r", "lines": 1}, 0.5)
        line.dead = False
        say(engine, 9999)
        await eventually(lambda: front.trouble is None and 9999 in told(front.world))
        assert line.accepted >= 2
        await front.close()


async def test_nothing_spins_while_the_engine_is_away(socket: Path, engine: FakeLink) -> None:
    async with far(engine, socket, late=0.0, lost=0.0) as line:
        front = await connect(line.door, waits=(0.4,))
        heard: list[object] = []
        front.subscribe(heard.append)
        await line.close()
        await eventually(lambda: front.trouble)
        heard.clear()
        await asyncio.sleep(1.0)  # two attempts fit, and a busy loop would make thousands
        assert len(heard) <= 4
        await front.close()


async def test_the_app_is_quick_here_and_comes_back_to_the_same_place(engine: FakeLink, socket: Path) -> None:
    async with far(engine, socket) as line:
        link = RemoteLink(line.door, lambda: NOW, no_terminal, WAITS)
        link.world = engine.world
        app = CctuiApp(link, engine=None, settings=Settings())
        async with app.run_test(size=(48, 18)) as pilot:
            await eventually(lambda: link.trouble is None, 20)
            board = app.screen
            assert isinstance(board, Board)
            passed = line.passed
            await pilot.press("j", "j", "t", "t", "3", "1")
            chosen = board.queue.chosen
            assert chosen
            assert line.passed == passed  # what only moves the eye asks nobody
            await pilot.press("space")
            await eventually(lambda: engine.sent, 20)
            await line.close()
            await eventually(lambda: link.trouble, 20)
            app.tick()
            await pilot.pause()
            assert board.banner.display
            assert "trying again" in (app.scene.trouble or "")
            await pilot.press("z")
            await eventually(lambda: app._notifications, 20)
            assert len(engine.sent) == 1
            say(engine, 9999)
            await line.open()
            await eventually(lambda: link.trouble is None and 9999 in told(app.world), 20)
            assert board.queue.chosen == chosen
            assert app.screen is board
        await link.close()
