"""A slow and lossy line in front of a Unix socket: everything comes late, and now and then it stands still.

TCP never loses a byte; a lost packet is a delay for all that comes behind it, and that is what is made here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

CHUNK = 4096


class SlowLine:
    """Listens at `door` and passes on to `target`, each way `late` seconds later; the share `lost` of the chunks stands
    still for `stall` seconds, and all behind them."""

    def __init__(self, door: Path, target: Path, *, late: float = 0.3, lost: float = 0.05, stall: float = 1.0) -> None:
        self.door = door
        self.target = target
        self.late = late
        self.lost = lost
        self.stall = stall
        self.dead = False
        """Nothing comes through any more, and nobody is told."""
        self.passed = self.accepted = 0
        self._chance = random.Random(5)
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self.door.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, str(self.door))

    async def close(self) -> None:
        """The line is cut."""
        if self._server:
            self._server.close()
        self.door.unlink(missing_ok=True)
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            far, on = await asyncio.open_unix_connection(str(self.target))
        except OSError:
            back.close()
            return
        for reader, writer in ((near, on), (far, back)):
            way = asyncio.create_task(self._carry(reader, writer))
            self._ways.add(way)
            way.add_done_callback(self._ways.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way: chunks are taken as they come, and each is passed on when its time is there."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        carrying = asyncio.create_task(self._deliver(under_way, writer))
        loop = asyncio.get_running_loop()
        try:
            with suppress(OSError):
                while data := await reader.read(CHUNK):
                    late = self.late + (self.stall if self._chance.random() < self.lost else 0.0)
                    under_way.put_nowait((loop.time() + late, data))
            under_way.put_nowait((loop.time() + self.late, b""))
            await carrying
        finally:
            carrying.cancel()
            writer.close()

    async def _deliver(self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(due - loop.time(), 0.0))
            if not data:
                return
            if self.dead:
                continue
            self.passed += len(data)
            with suppress(OSError):
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def slow_line(door: Path, target: Path, **how: float) -> AsyncIterator[SlowLine]:
    line = SlowLine(door, target, **how)
    await line.open()
    try:
        yield line
    finally:
        await line.close()
