"""Textual under test, without the waits that only pass time: what is proven stays, what is waited for is known.

Textual waits after each key until the process used hardly any CPU for two spans of 20 ms.  Here it waits until the loop
has nothing left to do, and for no timer that rings as soon: the same moment, or a later one, without the guess.  A style
sheet is parsed once for all apps that have the same variables, as Textual itself does it within one app.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

SOON = 0.04
"""Seconds: timers that ring within them are waited for, as two spans of Textual's own would."""
LONGEST = 1.0
"""Seconds after which it goes on whatever is still to be done, as Textual does."""
PARSED = 1000
"""Pieces of style sheets that are kept for one set of variables."""


async def idle(*_: float) -> None:
    """Until the loop has nothing to do now, and no timer rings that was due within a moment from when we began."""
    loop: Any = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + LONGEST:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        due = [handle.when() for handle in loop._scheduled if not handle.cancelled()]
        first = min(due, default=began + LONGEST)
        if first > began + SOON:
            return
        await asyncio.sleep(max(first - loop.time(), 0))


@contextmanager
def swift() -> Iterator[None]:
    """For everything that is run inside."""
    caches: defaultdict[frozenset[Any], LRUCache[Any, Any]] = defaultdict(lambda: LRUCache(PARSED))
    begin, change = Stylesheet.__init__, Stylesheet.set_variables

    def __init__(self: Stylesheet, *, variables: dict[str, str] | None = None) -> None:
        begin(self, variables=variables)
        share(self, variables or {})

    def set_variables(self: Stylesheet, variables: dict[str, str]) -> None:
        self._parse_cache = LRUCache(1)  # Textual empties it: not the one of all
        change(self, variables)
        share(self, variables)

    def share(sheet: Stylesheet, variables: Mapping[str, str]) -> None:
        sheet._parse_cache = caches[frozenset(variables.items())]

    with (
        patch("textual.pilot.wait_for_idle", idle),
        patch("textual.app.wait_for_idle", idle),
        patch("textual.screen.UPDATE_PERIOD", 0.001),
        patch.object(Stylesheet, "__init__", __init__),
        patch.object(Stylesheet, "set_variables", set_variables),
    ):
        yield
