"""Key to repaint with many tasks, in-process: ``python -m tests.tui.latency [rounds [tasks]]`` prints one line of JSON.

A program, not a timed test: a busy machine makes no test fail.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from textual import events

from cctui.core.settings import Settings
from cctui.tui.app import CctuiApp
from tests.tui.fakes import FakeLink
from tests.worlds import thousand


class Watched(CctuiApp):
    """Says when it has written a repaint."""

    painted: asyncio.Event

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        if renderable is not None:
            self.painted.set()


async def timed(app: Watched, do: Callable[[], object]) -> float:
    """Milliseconds from `do` to the first repaint after it; what still comes of it is waited for, but not counted."""
    app.painted.clear()
    began = time.perf_counter()
    do()
    await asyncio.wait_for(app.painted.wait(), 5)
    took = time.perf_counter() - began
    await asyncio.sleep(0.05)
    return 1000 * took


async def measure(rounds: int, tasks: int = 1000) -> dict[str, float]:
    link = FakeLink(thousand(tasks))
    app = Watched(link, engine=None, settings=Settings())
    app.painted = asyncio.Event()
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        names = ["j", "j", "j", "j", "k", "pagedown", "j", "G", "k", "g"]
        presses = [partial(app.post_message, events.Key(name, name[:1])) for name in names]
        keys = [await timed(app, presses[i % len(presses)]) for i in range(rounds)]
        await pilot.press("2")
        await pilot.pause()
        changes = [
            await timed(app, partial(link.progress, "task-0000-0203-1", f"line {i}")) for i in range(rounds // 4)
        ]
    return {
        "key_p50_ms": statistics.median(keys),
        "key_p95_ms": statistics.quantiles(keys, n=20)[-1],
        "change_p50_ms": statistics.median(changes),
        "change_p95_ms": statistics.quantiles(changes, n=20)[-1],
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*map(int, sys.argv[1:]) if len(sys.argv) > 1 else (200,)))))
