"""Textual under test, without the waits that only pass time: what is proven stays, what is waited for is known.

After each key Textual waits until the process used hardly any CPU for two spans of 20 ms.  Here it waits until the loop
has nothing left to do, and for timers and programs that would have come to their end by then.  A style sheet is parsed
once for all apps with the same variables, as Textual does it within one app; a plan, which depends on nothing but what
it is asked for with, is worked out once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any
from unittest.mock import patch
from weakref import WeakSet

from textual._callback import invoke
from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet
from textual.timer import Timer

from cctui.core import plan

SPAN = 0.04
"""Seconds: timers that ring within them are waited for."""
CHILD = 0.2
"""Seconds in which a program that was started may end."""
LONGEST = 40.0
"""Seconds in which the loop has to come to rest: an app that never does is a fault."""
SPUN = 0.002
"""Seconds that are not worth sleeping: the loop sleeps in whole milliseconds, and longer."""
FRAME = 0.0001
"""Seconds between two looks at whether anything has to be drawn, in place of a sixtieth."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is the same for every app: kept for as long as the tests run."""

    sheets: dict[Any, LRUCache[Any, Any]] = field(default_factory=lambda: defaultdict(lambda: LRUCache(1000)))
    """Variables → piece of a style sheet → its rules."""
    plans: LRUCache[Any, Any] = field(default_factory=lambda: LRUCache(500))
    """What was asked for, and of which World → the plan."""


async def rest(started: Iterable[asyncio.subprocess.Process]) -> None:
    """Until the loop has nothing to do now, and no timer rings that was due within a moment from when we began.
    AssertionError: it has something to do for ever."""
    loop: Any = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + LONGEST:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        if loop.time() < began + CHILD and any(process.returncode is None for process in started):
            await asyncio.sleep(SPUN)
            continue
        first = min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=inf)
        if first > began + SPAN:
            return
        left = first - loop.time()
        await asyncio.sleep(left if left > SPUN else 0)
    raise AssertionError(f"the app did not come to rest within {LONGEST:g} s")


async def ring(timer: Timer | None) -> bool:
    """What this timer waits to do is done now; whether it still waited."""
    if timer is None or timer._task is None or timer._task.done() or timer._callback is None:
        return False
    timer.stop()
    await invoke(timer._callback)
    return True


@contextmanager
def swift(kept: Kept) -> Iterator[None]:
    """For all that is run inside."""
    begin, change, start = Stylesheet.__init__, Stylesheet.set_variables, asyncio.create_subprocess_exec
    started: WeakSet[asyncio.subprocess.Process] = WeakSet()

    async def idle(*_: float) -> None:
        await rest(started)

    async def begun(*argv: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*argv, **options)
        started.add(process)
        return process

    def made(self: Stylesheet, *, variables: dict[str, str] | None = None) -> None:
        begin(self, variables=variables)
        self._parse_cache = kept.sheets[frozenset((variables or {}).items())]

    def changed(self: Stylesheet, variables: dict[str, str]) -> None:
        self._parse_cache = LRUCache(1)  # Textual empties it: not the one of all
        change(self, variables)
        self._parse_cache = kept.sheets[frozenset(variables.items())]

    with (
        patch("textual.pilot.wait_for_idle", idle),
        patch("textual.app.wait_for_idle", idle),
        patch("asyncio.create_subprocess_exec", begun),
        patch("textual.screen.UPDATE_PERIOD", FRAME),
        patch.object(Stylesheet, "__init__", made),
        patch.object(Stylesheet, "set_variables", changed),
        patch.object(plan, "sampled", once(plan.sampled, kept)),
        patch.object(plan, "what_if", once(plan.what_if, kept)),
    ):
        yield


def once(work: Callable[..., Any], kept: Kept) -> Callable[..., Any]:
    """Worked out once for the same question: an own World each time, so told by what it says."""

    def answer(*asked: Any, **more: Any) -> Any:
        key = f"{work.__name__} {asked!r} {more!r}"
        if key not in kept.plans:
            kept.plans[key] = work(*asked, **more)
        return kept.plans[key]

    return answer
