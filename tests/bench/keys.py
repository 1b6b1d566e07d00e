"""Key press to repaint with 1,000 tasks, in-process."""

from __future__ import annotations

import asyncio

from tests.bench.measure import Figure
from tests.tui.latency import measure

ROUNDS = 100


def figures() -> list[Figure]:
    times = asyncio.run(measure(ROUNDS))
    base = f"median {times['key_p50_ms']:.1f} ms"
    return [Figure("key → repaint, 1,000 tasks, p95", times["key_p95_ms"], "ms", 50.0, base)]
