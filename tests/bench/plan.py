"""The plan of a full week: 200 tasks of four learned kinds, two slots, and the bands from 100 samples."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from datetime import timedelta

from cctui.core import queue
from cctui.core.cost import learn
from cctui.core.forecast import Plan
from cctui.core.plan import plan
from cctui.core.world import Cost, Record, World
from cctui.planner import Planner
from tests.bench.measure import Figure, medians
from tests.core.made import T0, after, settings, task, world

KINDS = {"review": (4.0, 900.0), "fix": (8.0, 1500.0), "build": (14.0, 2700.0), "digest": (2.5, 420.0)}
"""Kind → points of the 5-hour window and seconds, in the middle."""
WEEKLY = 0.055
"""Points of the week that come with each."""


def full_week(count: int = 200) -> World:
    """A week that is nearly full: dependencies, deadlines and priorities mixed."""
    luck = random.Random(7)
    tasks = []
    for number in range(count):
        needs = [f"t{luck.randrange(number)}"] if number and luck.random() < 0.2 else []
        deadline = after(hours=luck.uniform(12, 160)) if luck.random() < 0.25 else None
        kind = luck.choice(list(KINDS))
        tasks.append(
            task(f"t{number}", *needs, kind=kind, priority=luck.randrange(3, 7), deadline=deadline, worktree=True)
        )
    return replace(world(*tasks, settings=settings(slots=2)), costs=_learned(luck))


def _learned(luck: random.Random) -> dict[str, Cost]:
    return dict(learn({}, [_record(luck, kind, number) for number in range(30) for kind in KINDS]))


def _record(luck: random.Random, kind: str, number: int) -> Record:
    points, seconds = KINDS[kind]
    factor = luck.lognormvariate(0, 0.35)
    return Record(
        kind,
        True,
        None,
        int(points * factor * 20_000),
        seconds * factor,
        "",
        T0 - timedelta(hours=number + 1),
        run_id=f"{kind}-{number}",
        kind=kind,
        runner="claude",
        window_pct=round(points * factor, 3),
        week_pct=round(points * factor * WEEKLY, 3),
    )


def figures() -> list[Figure]:
    here = ready(full_week())
    return [
        Figure("plan, 200 tasks × 7 days: the middle", medians(lambda: plan(here, T0), 5), "ms", 200.0),
        Figure("plan, 200 tasks × 7 days: 100 samples", asyncio.run(_sampled(here)), "s", 6.0, "in its own process"),
    ]


def ready(world: World) -> World:
    """With its line worked out from what has been learned."""
    return replace(world, line=queue.line(world, T0))


async def _sampled(world: World) -> float:
    """Seconds from the question to the bands, as the app waits for them."""
    planner = Planner()
    try:
        start = time.perf_counter()
        found = await planner.plan(world, T0, samples=100)
        took = time.perf_counter() - start
        if not isinstance(found, Plan) or not found.samples:
            raise RuntimeError("no plan came")
        return took * 100 / found.samples  # a busy machine takes fewer
    finally:
        await planner.close()
