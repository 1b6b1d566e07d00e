"""The engine with the real file system, real tmux and real processes; tasks are shell commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cctui.core.settings import CapacitySettings, ClaudeSettings, RunSettings, Settings, TmuxSettings
from cctui.core.world import Add, Hold, Move, Pause, Place, RetryTask, Stage, StopRun, Why, World
from cctui.engine import Engine
from cctui.places import Places, find_places, make

DEADLINE = 20.0


class Bench:
    """One root, and as many engines one after another as a test wants."""

    def __init__(self, home: Path, socket: str) -> None:
        self.home = home
        self.socket = socket
        self.places: Places = find_places(str(home / "root"), {"HOME": str(home), "CCTUI_STATE": f"{home}/st"}, home)
        make(self.places)

    def settings(self, **run: Any) -> Settings:
        return Settings(
            run=RunSettings(**{"kill_grace_seconds": 0.5, "retry_seconds": 0.2, **run}),
            capacity=CapacitySettings(gate=False),
            claude=ClaudeSettings(command="/bin/false"),
            tmux=TmuxSettings(socket=self.socket),
        )

    @asynccontextmanager
    async def engine(self, **run: Any) -> AsyncIterator[Engine]:
        engine = Engine(self.places, self.settings(**run))
        running = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            await engine.leave()
            await asyncio.wait_for(running, DEADLINE)

    def drop(self, file: str, command: str, **fields: Any) -> None:
        lines = "".join(f"{key}: {value}\n" for key, value in fields.items())
        hidden = self.places.tasks / "pending" / f".{file}"
        hidden.write_text(f"---\nrunner: shell\ncommand: {json.dumps(command)}\n{lines}---\n{file}\n")
        hidden.rename(hidden.with_name(f"{file}.md"))

    def where(self, name: str) -> list[str]:
        return [folder.name for folder in self.places.tasks.iterdir() if (folder / f"{name}.md").exists()]

    def history(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.places.history.read_text().splitlines()]


@pytest.fixture
def bench(tmp_path: Path, tmux_socket: str) -> Bench:
    return Bench(tmp_path, tmux_socket)


async def until(engine: Engine, condition: Callable[[World], bool]) -> None:
    """Wait for a World of which `condition` is true."""
    if condition(engine.world):
        return
    heard = asyncio.Event()
    end = engine.subscribe(lambda world: heard.set() if condition(world) else None)
    try:
        await asyncio.wait_for(heard.wait(), DEADLINE)
    finally:
        end()


def ended(count: int) -> Callable[[World], bool]:
    return lambda world: world.totals.runs >= count


async def test_from_a_dropped_file_to_the_record(bench: Bench) -> None:
    async with bench.engine() as engine:
        await asyncio.wait_for(engine.idle(), DEADLINE)
        bench.drop("hello", "echo out; echo err >&2")
        await until(engine, ended(1))
        await asyncio.wait_for(engine.idle(), DEADLINE)
    assert bench.where("hello") == ["completed"]
    (line,) = bench.history()
    assert list(line)[:7] == ["task_id", "success", "error_type", "tokens", "duration_s", "log_file", "timestamp"]
    assert (line["task_id"], line["success"], line["exit_code"], line["tokens_source"]) == (
        "hello",
        True,
        0,
        "estimated",
    )
    note = (bench.places.root / line["log_file"]).read_text()
    assert 'task: "[[hello]]"' in note
    log = (bench.places.runs / line["run_id"] / "output.log").read_text()
    assert "out" in log
    assert "err" in log


async def test_dependencies_run_in_order_and_two_folders_side_by_side(bench: Bench) -> None:
    trace = bench.home / "trace"
    for name in ("x", "y"):
        (bench.home / name).mkdir()
    bench.drop("second", f"echo second >> {trace}", depends_on="first", cwd=bench.home / "x")
    bench.drop("first", f"echo first >> {trace}", cwd=bench.home / "y")
    async with bench.engine() as engine:
        await until(engine, ended(2))
    assert trace.read_text().split() == ["first", "second"]


async def test_a_failure_is_tried_again_and_then_filed_as_failed(bench: Bench) -> None:
    bench.drop("bad", "exit 3", max_attempts=2)
    async with bench.engine() as engine:
        await until(engine, ended(2))
        await asyncio.wait_for(engine.idle(), DEADLINE)
    assert bench.where("bad") == ["failed"]
    assert [(line["attempt"], line["error_type"], line["exit_code"]) for line in bench.history()] == [
        (1, "exit_error", 3),
        (2, "exit_error", 3),
    ]


async def test_a_timeout_kills_the_whole_tree(bench: Bench) -> None:
    stray = bench.home / "stray"
    bench.drop("slow", f"(setsid sleep 60 & echo $! > {stray}); sleep 60", timeout="1s", max_attempts=1)
    async with bench.engine() as engine:
        await until(engine, ended(1))
    assert bench.history()[0]["error_type"] == "timeout"
    assert not Path(f"/proc/{stray.read_text().strip()}").exists()


async def test_a_restart_adopts_what_runs_and_files_what_ended_meanwhile(bench: Bench) -> None:
    gate = bench.home / "gate"
    begun = bench.home / "begun"
    bench.drop("long", f"touch {begun}; while [ ! -e {gate} ]; do sleep 0.05; done; echo finished", cwd=bench.home)
    async with bench.engine(), asyncio.timeout(DEADLINE):
        while not begun.exists():
            await asyncio.sleep(0.01)
    assert bench.where("long") == ["active"]
    async with bench.engine() as engine:
        await until(engine, lambda world: any("still running" in note.text for note in world.notes))
    gate.touch()
    async with bench.engine() as engine:
        await until(engine, ended(1))
        await asyncio.wait_for(engine.idle(), DEADLINE)
    assert bench.where("long") == ["completed"]
    assert len(bench.history()) == 1


async def test_stop_retry_hold_pause_move_and_add(bench: Bench) -> None:
    async with bench.engine(slots=1) as engine:
        await asyncio.wait_for(engine.idle(), DEADLINE)
        assert await engine.send(Hold()) is None
        for name in ("a", "b", "c"):
            assert await engine.send(Add(name, f"---\nrunner: shell\ncommand: sleep 30\n---\n{name}\n")) is None
        await until(engine, lambda world: len(world.line.order) == 3)
        assert await engine.send(Move("c", Place.TOP)) is None
        assert await engine.send(Pause("b")) is None
        await asyncio.wait_for(engine.idle(), DEADLINE)
        assert "paused: true" in (bench.places.tasks / "pending" / "b.md").read_text()
        assert engine.world.runs == {}
        assert await engine.send(Hold(on=False)) is None
        await until(engine, lambda world: any(run.stage is Stage.RUNNING for run in world.runs.values()))
        assert [run.spec.task for run in engine.world.runs.values()] == ["c"]
        refused = await engine.send(StopRun("a"))
        assert refused
        assert refused.why is Why.STATE
        assert await engine.send(StopRun("c")) is None
        await until(engine, ended(1))
        await asyncio.wait_for(engine.idle(), DEADLINE)
        assert bench.where("c") == ["failed"]
        assert bench.history()[0]["error_type"] == "cancelled"
        assert await engine.send(Hold()) is None
        assert await engine.send(RetryTask("c")) is None
        await until(engine, lambda world: "c" in world.line.order)
        assert await engine.send(StopRun("a")) is None
        await until(engine, ended(2))


async def test_a_program_that_is_missing_holds_what_needs_it(bench: Bench) -> None:
    settings = bench.settings()
    engine = Engine(
        bench.places,
        Settings(
            run=settings.run,
            capacity=settings.capacity,
            tmux=settings.tmux,
            claude=ClaudeSettings(command="/nowhere/claude"),
        ),
    )
    (bench.places.tasks / "pending" / "needs.md").write_text("do it\n")
    bench.drop("shell", "true")
    running = asyncio.create_task(engine.run())
    await until(engine, ended(1))
    assert "claude" in engine.world.programs
    assert engine.world.runs == {}
    await engine.leave()
    await asyncio.wait_for(running, DEADLINE)
    assert bench.where("needs") == ["pending"]


async def test_broken_files_are_rows_and_the_rest_goes_on(bench: Bench) -> None:
    (bench.places.tasks / "pending" / "broken.md").write_text("---\npriority: high\n---\nx\n")
    (bench.places.tasks / "pending" / "latin.md").write_bytes(b"caf\xe9\n")
    bench.drop("fine", "true")
    async with bench.engine() as engine:
        await until(engine, ended(1))
        assert sorted(entry.name for entry in engine.world.broken) == ["broken", "latin"]
    assert bench.where("fine") == ["completed"]


async def test_a_file_dropped_again_runs_again_and_neither_is_lost(bench: Bench) -> None:
    async with bench.engine() as engine:
        for count in (1, 2):
            bench.drop("again", "true")
            await until(engine, ended(count))
            await asyncio.wait_for(engine.idle(), DEADLINE)
    kept = sorted(path.name for path in (bench.places.tasks / "completed").glob("again*.md"))
    assert len(kept) == 2
    assert "again.md" in kept


async def test_what_runs_now_is_written_for_others(bench: Bench) -> None:
    gate = bench.home / "gate"
    bench.drop("seen", f"while [ ! -e {gate} ]; do sleep 0.05; done")
    async with bench.engine() as engine:
        await until(engine, lambda world: any(run.stage is Stage.RUNNING for run in world.runs.values()))
        await asyncio.wait_for(engine.idle(), DEADLINE)
        assert "seen" in (bench.places.context / "active-agents.md").read_text()
        gate.touch()
        await until(engine, ended(1))
        await asyncio.wait_for(engine.idle(), DEADLINE)
        assert "seen" not in (bench.places.context / "active-agents.md").read_text()


async def test_a_task_that_cannot_even_be_prepared_is_given_up_like_any_other(bench: Bench) -> None:
    folder = bench.places.tasks / "pending"
    (folder / "odd.md").write_text("---\nmode: read-only\nallowed_tools: [Bash]\nmax_attempts: 1\n---\nwork\n")
    async with bench.engine() as engine:
        await until(engine, ended(1))
        await asyncio.wait_for(engine.idle(), DEADLINE)
        assert engine.world.totals.runs == 1
    assert bench.where("odd") == ["failed"]


async def test_two_files_with_one_file_name_never_take_each_others_place(bench: Bench) -> None:
    gate = bench.home / "gate"
    bench.drop("x", f"while [ ! -e {gate} ]; do sleep 0.05; done", name="first")
    async with bench.engine() as engine:
        await until(engine, lambda world: any(run.stage is Stage.RUNNING for run in world.runs.values()))
        bench.drop("x", "true", name="second", cwd=bench.home)
        await until(engine, lambda world: bool(world.broken))
        gate.touch()
        await until(engine, ended(2))
        await asyncio.wait_for(engine.idle(), DEADLINE)
    assert [line["success"] for line in bench.history()] == [True, True]
    assert {path.parent.name for path in bench.places.tasks.rglob("x*.md")} == {"completed"}


async def test_a_newer_file_of_the_same_name_takes_the_place_of_a_failed_one(bench: Bench) -> None:
    gate = bench.home / "gate"
    bench.drop("n", f"while [ ! -e {gate} ]; do sleep 0.05; done; exit 1")
    async with bench.engine() as engine:
        await until(engine, lambda world: any(run.stage is Stage.RUNNING for run in world.runs.values()))
        bench.drop("n", "true")
        gate.touch()
        await until(engine, lambda world: world.totals.completed == 1)
        await asyncio.wait_for(engine.idle(), DEADLINE)
    assert sorted(bench.where("n")) == ["completed", "failed"]


async def test_a_face_that_fails_does_not_stop_the_engine(bench: Bench) -> None:
    def fails(_: World) -> None:
        raise RuntimeError("a face is broken")

    async with bench.engine() as engine:
        engine.subscribe(fails)
        bench.drop("a", "true")
        await until(engine, ended(1))
    assert bench.where("a") == ["completed"]
