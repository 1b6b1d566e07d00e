"""Key press to repaint with 1,000 and 10,000 tasks, in-process."""

from __future__ import annotations

import asyncio

from tests.bench.measure import Figure
from tests.tui.latency import measure

ROUNDS = 100
BOUNDS = {1000: 30.0, 10_000: 60.0}
"""Tasks → milliseconds."""


def figures() -> list[Figure]:
    return [_figure(tasks, bound) for tasks, bound in BOUNDS.items()]


def _figure(tasks: int, bound: float) -> Figure:
    times = asyncio.run(measure(ROUNDS, tasks))
    base = f"median {times['key_p50_ms']:.1f} ms"
    return Figure(f"key → repaint, {tasks:,} tasks, p95", times["key_p95_ms"], "ms", bound, base)
