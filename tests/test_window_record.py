"""The engine keeps count of a window on the disk: over restarts, once, and writes the morning's report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cctui.adapters import reports
from cctui.adapters.clock import Clock
from cctui.adapters.windows import Windows
from cctui.core.events import Measured, Ticked
from cctui.core.settings import CapacitySettings, ClaudeSettings, ReportSettings, Settings, TmuxSettings
from cctui.core.world import FIVE_HOUR, Hold, Reading
from cctui.engine import Engine
from cctui.places import Places, find_places, make

DEADLINE = 20.0


class Ahead(Clock):
    """The machine's clock, and a while more."""

    def __init__(self) -> None:
        self.gone = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.gone


class Night:
    """One root, one clock, and as many engines one after another as a test wants."""

    def __init__(self, home: Path, socket: str, hour: str = "") -> None:
        self.places: Places = find_places(str(home / "root"), {"HOME": str(home), "CCTUI_STATE": f"{home}/st"}, home)
        make(self.places)
        self.clock = Ahead()
        self.ends = self.clock.now() + timedelta(hours=1)
        self.settings = Settings(
            capacity=CapacitySettings(sources=()),
            claude=ClaudeSettings(command="/bin/false"),
            tmux=TmuxSettings(socket=socket),
            report=ReportSettings(hour),
        )

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        engine = Engine(self.places, self.settings, clock=self.clock)
        running = asyncio.create_task(engine.run())
        try:
            async with asyncio.timeout(DEADLINE):
                await engine.idle()
                await engine.send(Hold(True))
                (self.places.tasks / "pending" / "one.md").write_text("Do it.\n")
                engine.sources.scan.wish()
                await engine.idle()
            yield engine
        finally:
            await engine.leave()
            async with asyncio.timeout(DEADLINE):
                await running

    async def pass_by(self, engine: Engine, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.gone += timedelta(minutes=1)
            now = self.clock.now()
            over = now >= self.ends
            reading = Reading(FIVE_HOUR, 0.0 if over else 40.0, None if over else self.ends, "stream", now)
            engine.post(Measured((reading,)))
            engine.post(Ticked())
            async with asyncio.timeout(DEADLINE):
                await engine.idle()

    def closed(self) -> list[dict[str, object]]:
        lines = map(json.loads, self.places.windows.read_text().splitlines())
        return [line for line in lines if line["state"] == "closed" and line["window"] == FIVE_HOUR and line["open"]]


async def test_a_restart_in_mid_window_neither_loses_nor_doubles(tmp_path: Path, tmux_socket: str) -> None:
    """An hour on hold at 20 points an hour, over three engines."""
    night = Night(tmp_path, tmux_socket)
    for minutes in (20, 25, 20):
        async with night.engine() as engine:
            await night.pass_by(engine, minutes)
    (line,) = night.closed()
    assert line["lost"] == {"hold": pytest.approx(20, abs=1.5)}
    assert (line["used"], line["watched"]) == (40, pytest.approx(3600, abs=300))
    (window,) = [each for each in Windows(night.places.windows).load()[0] if each.open]
    assert window.left == 60
    async with night.engine() as engine:
        assert [each for each in engine.world.windows if each.open] == [window]
        await night.pass_by(engine, 2)
    assert len(night.closed()) == 1


async def test_the_report_is_written_once_and_a_persons_is_left(tmp_path: Path, tmux_socket: str) -> None:
    night = Night(tmp_path, tmux_socket, hour="00:00")
    async with night.engine() as engine:
        await night.pass_by(engine, 62)
    assert night.closed()
    assert not night.places.reports.exists(), "the day had nothing to tell when it began"
    async with night.engine() as engine:
        await night.pass_by(engine, 1)
        day = engine.clock.now().date().isoformat()
    path = reports.path_of(night.places, day)
    text = path.read_text()
    assert "## Capacity" in text
    assert "hold was on" in text
    assert reports.untouched(text)
    path.write_text("mine\n")
    async with night.engine() as engine:
        await night.pass_by(engine, 1)
    assert path.read_text() == "mine\n"
