"""`step` and the scan of the task folders."""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from cctui.adapters.taskdir import TaskDir
from cctui.core.events import Scanned, Ticked
from cctui.core.step import step
from cctui.core.world import Task
from cctui.places import find_places, make
from tests.bench.measure import Figure, medians
from tests.core.made import T0, reading, task, world


def figures() -> list[Figure]:
    return [*_steps(1000, 5.0), *_steps(10_000, 60.0), *_scans()]


def _steps(count: int, bound: float) -> list[Figure]:
    """The dearest events: one file of many has changed, and a tick with free slots and everything shut."""
    chance = random.Random(1)
    needs = [[f"t{chance.randrange(n)}" for _ in range(3)] if n > 3 else [] for n in range(count)]
    tasks = [task(f"t{n}", *needs[n]) for n in range(count)]
    changed: tuple[Task, ...] = (*tasks[:-1], replace(tasks[-1], priority=1))
    here = world(*tasks)
    full = world(*tasks, readings=(reading(99.0),))
    scanned = medians(lambda: step(here, Scanned(changed), T0), 15)
    ticked = medians(lambda: step(full, Ticked(), T0), 15)
    name = f"step, {count:,} tasks × 3 dependencies"
    return [
        Figure(f"{name}: a file changed", scanned, "ms", bound),
        Figure(f"{name}: tick, all shut", ticked, "ms", bound),
    ]


def _scans() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="cct-") as home:
        places = find_places(f"{home}/root", {"HOME": home, "CCTUI_STATE": f"{home}/state"}, Path(home))
        make(places)
        for number in range(1000):
            text = f"---\npriority: {number % 9}\ndepends_on: [t{number - 1}]\ntags: [a, b]\n---\n# Task\n\nWork.\n"
            (places.tasks / "pending" / f"t{number}.md").write_text(text)
        warm = TaskDir(places, UTC)
        return [
            Figure("cold scan of 1,000 files", medians(lambda: TaskDir(places, UTC).scan(), 5), "ms", 400.0),
            Figure("unchanged rescan of 1,000 files", medians(warm.scan, 15), "ms", 15.0),
        ]
