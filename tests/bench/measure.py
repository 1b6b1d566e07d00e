"""One measured figure with its bound, and how it is shown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `bound` in the same unit; `base` is what it was held against in the same run."""

    name: str
    value: float
    unit: str
    bound: float
    base: str = ""

    @property
    def held(self) -> bool:
        return self.value <= self.bound


def medians(work: Callable[[], object], runs: int) -> float:
    """Median milliseconds of `work`, after one run that does not count."""
    work()
    return statistics.median(timed(work) for _ in range(runs))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def until(condition: Callable[[], bool], seconds: float, every: float = 0.0005) -> bool:
    """Poll; False: it did not come true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(every)
    return False
