"""A link before its engine: the app paints first, and imports the engine then, which takes as long again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from cctui.core.forecast import Plan
from cctui.core.settings import Settings
from cctui.core.world import Command, Reason, World
from cctui.link import How, Link, LinkError

if TYPE_CHECKING:
    from cctui.engine import Engine


class PromisedLink:
    """The link of an engine that `run` makes.  Until then the World is an empty one in which nothing has been read."""

    hosting = True
    trouble: str | None = None

    def __init__(self, settings: Settings, now: Callable[[], datetime], make: Callable[[], Awaitable[Engine]]) -> None:
        self._before = World(settings=settings)
        self._now = now
        self._make = make
        self._engine: Engine | None = None
        self._made = asyncio.Event()
        self._left = False
        self._heard: list[Callable[[World], None]] = []

    async def run(self) -> None:
        """Make the engine and run it until it leaves."""
        engine = await self._make()
        if self._left:
            return
        engine.subscribe(self._tell)
        self._engine = engine
        self._made.set()
        await engine.run()

    def _tell(self, world: World) -> None:
        for heard in tuple(self._heard):
            heard(world)

    async def _link(self) -> Link:
        await self._made.wait()
        assert self._engine is not None
        return self._engine.link

    @property
    def world(self) -> World:
        return self._engine.world if self._engine else self._before

    def now(self) -> datetime:
        return self._now()

    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        self._heard.append(heard)
        return lambda: self._heard.remove(heard) if heard in self._heard else None

    async def send(self, command: Command) -> Reason | None:
        return await (await self._link()).send(command)

    async def text(self, path_or_name: str) -> str:
        return await (await self._link()).text(path_or_name)

    async def tail(self, run_id: str, lines: int = 200) -> str:
        return await (await self._link()).tail(run_id, lines)

    async def diff(self, run_id: str) -> str:
        return await (await self._link()).diff(run_id)

    async def plan(self, command: Command | None = None, *, samples: int = 0, days: float = 7.0) -> Plan | Reason:
        return await (await self._link()).plan(command, samples=samples, days=days)

    def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
        if self._engine is None:
            raise LinkError("the engine is still starting")
        return self._engine.link.attach_argv(run_id, read_only=read_only)

    def edit_argv(self, name_or_path: str) -> list[str]:
        if self._engine is None:
            raise LinkError("the engine is still starting")
        return self._engine.link.edit_argv(name_or_path)

    async def leave(self, how: How) -> None:
        self._left = True
        if self._engine:
            await self._engine.link.leave(how)
