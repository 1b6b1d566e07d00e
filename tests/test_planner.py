"""The planner: plans from another process, the newest question, and what becomes of one that nobody waits for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cctui.core import queue
from cctui.core.forecast import Plan
from cctui.core.plan import plan, sampled
from cctui.core.world import Move, Pause, Place, Reason, Why, World
from cctui.planner import Planner, PlannerError
from tests.core.made import T0, task, world


def here(count: int = 4) -> World:
    made = world(*(task(f"t{number}", worktree=True) for number in range(count)))
    return replace(made, line=queue.line(made, T0))


@pytest.fixture
async def planner() -> AsyncIterator[Planner]:
    made = Planner(os.environ)
    yield made
    await made.close()


async def test_it_says_what_the_core_says(planner: Planner) -> None:
    made = here()
    assert await planner.plan(made, T0, horizon=timedelta(days=2)) == plan(made, T0, horizon=timedelta(days=2))
    assert await planner.plan(made, T0, samples=9) == sampled(made, T0, samples=9), "also where many share the samples"


async def test_only_a_plan_of_what_is_becomes_the_newest(planner: Planner) -> None:
    changed = await planner.plan(here(), T0, Pause("t2"))
    assert isinstance(changed, Plan) and changed.of("t2").why == Reason(Why.PAUSED)  # type: ignore[union-attr]
    assert planner.newest is None
    assert await planner.plan(here(), T0) is planner.newest


async def test_a_refused_change_is_a_reason(planner: Planner) -> None:
    found = await planner.plan(here(), T0, Move("gone", Place.TOP))
    assert isinstance(found, Reason) and found.why is Why.UNKNOWN


async def test_one_that_nobody_waits_for_is_ended_and_the_next_is_answered(planner: Planner) -> None:
    slow = asyncio.create_task(planner.plan(here(60), T0, samples=5000))
    quick = await planner.plan(here(), T0)
    assert isinstance(quick, Plan), "the quick one never waits for the slow one"
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    found = await planner.plan(here(), T0, samples=2)
    assert isinstance(found, Plan) and found.samples == 2


async def test_a_process_that_died_is_begun_anew(planner: Planner) -> None:
    await planner.plan(here(), T0)
    process = planner._quick._process
    assert process is not None
    process.kill()
    assert isinstance(await planner.plan(here(), T0), Plan)


async def test_without_a_program_it_says_so(monkeypatch: pytest.MonkeyPatch, planner: Planner) -> None:
    monkeypatch.setattr("cctui.planner.sys.executable", "/nowhere/python")
    with pytest.raises(PlannerError, match="cannot be started"):
        await planner.plan(here(), T0)
