"""Waiting for something that is about to be true, with a bounded deadline: the tests' only way to let time pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

PAUSE = 0.02

Found = TypeVar("Found")


async def eventually(condition: Callable[[], Found], seconds: float = 10.0) -> Found:
    """The first true thing that `condition` returns; after `seconds` the test fails."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        assert time.monotonic() < deadline, f"not true within {seconds:g} s"
        await asyncio.sleep(PAUSE)


def at_last(condition: Callable[[], Found], seconds: float = 10.0) -> Found:
    """The same where no loop runs."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        assert time.monotonic() < deadline, f"not true within {seconds:g} s"
        time.sleep(PAUSE)
