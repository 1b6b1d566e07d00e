"""Busy: how the engine knows that it has come to rest, so that nobody ever has to wait for seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Busy:
    """Counts what is under way; `rest()` returns when nothing is."""

    def __init__(self) -> None:
        self._count = 0
        self._resting = asyncio.Event()
        self._resting.set()

    def begin(self) -> None:
        self._count += 1
        self._resting.clear()

    def end(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._resting.set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()

    async def rest(self) -> None:
        await self._resting.wait()


class Wish:
    """Something to be done soon, however often it is wished for; from the first wish on it counts as under way."""

    def __init__(self, busy: Busy) -> None:
        self._busy = busy
        self._wanted = asyncio.Event()

    def wish(self) -> None:
        if not self._wanted.is_set():
            self._busy.begin()
            self._wanted.set()

    async def granted(self, patience: float | None = None) -> bool:
        """Wait for a wish, at most `patience` seconds; True: there was one, and the caller owes `fulfilled()`."""
        try:
            async with asyncio.timeout(patience):
                await self._wanted.wait()
        except TimeoutError:
            return False
        self._wanted.clear()
        return True

    def fulfilled(self) -> None:
        self._busy.end()
