"""Recurring work with a real engine: real files, a real store, real runs; it was away when a firing was due."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctui.adapters.store import Store
from cctui.core.world import Firing, Memory, RunNow, World
from tests.test_engine import DEADLINE, Bench, ended, until

SCHEDULE = "*/5 * * * *"


@pytest.fixture
def bench(tmp_path: Path, tmux_socket: str) -> Bench:
    return Bench(tmp_path, tmux_socket)


def missed(bench: Bench, hours: float) -> None:
    """The last engine has left that long ago."""
    mark = Firing(datetime.now(UTC) - timedelta(hours=hours), schedule=SCHEDULE)
    Store(bench.places.db).save(Memory(firings={"tidy": mark}))


def firings(bench: Bench) -> list[str]:
    return [line["task_id"] for line in bench.history()]


async def test_what_was_missed_runs_once_and_the_next_engine_does_not_repeat_it(bench: Bench) -> None:
    bench.drop("tidy", "echo tidy", schedule=f"'{SCHEDULE}'")
    missed(bench, 1)
    async with bench.engine() as engine:
        await until(engine, ended(1))
        await asyncio.wait_for(engine.idle(), DEADLINE)
    (first,) = firings(bench)
    assert first.startswith("tidy@20")
    assert bench.history()[0]["kind"] == "tidy"
    assert bench.where(first) == ["completed"]
    assert bench.where("tidy") == ["pending"], "the template stays where it was put"
    assert Store(bench.places.db).load().firings["tidy"].until > datetime.now(UTC) - timedelta(minutes=6)
    missed(bench, 0.5)  # as if the store had never been written: the file of that name is there
    async with bench.engine() as engine:
        await asyncio.wait_for(engine.drained(), DEADLINE)
    assert len(firings(bench)) == len(set(firings(bench)))


async def test_run_now_is_one_firing_more(bench: Bench) -> None:
    bench.drop("tidy", "echo tidy", schedule="'0 0 29 2 *'")
    async with bench.engine() as engine:
        await until(engine, lambda world: "tidy" in world.tasks and world.checked and world.looked)
        await asyncio.wait_for(engine.idle(), DEADLINE)
        assert await engine.send(RunNow("tidy")) is None
        await until(engine, ended(1))
        assert next_fire(engine.world) in ("2028-02-28", "2028-02-29")
    assert firings(bench)[0].startswith("tidy@20")


def next_fire(world: World) -> str:
    from cctui.core.view import rows

    (row,) = [row for row in rows(world, datetime.now(UTC)) if row.name == "tidy"]
    assert row.next_fire is not None
    return row.next_fire.astimezone(UTC).date().isoformat()
