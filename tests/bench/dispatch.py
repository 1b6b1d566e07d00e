"""From a file dropped to the task's process running, against a bare `tmux new-session -d` of the same command."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.measure import Figure, until
from tests.bench.root import Bench

RUNS = 15


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="cct-") as home:
        bench = Bench(Path(home), f"cct-bench-{Path(home).name[-6:]}")
        try:
            return _compare(bench)
        finally:
            bench.end()


def _compare(bench: Bench) -> list[Figure]:
    bare = ["tmux", "-L", bench.socket, "-f", "/dev/null", "new-session", "-d"]
    subprocess.run([*bare, "sleep 600"], env=bench.environ, check=True)
    engine = bench.engine()
    try:
        if not until((bench.home / "state" / "engine.sock").exists, 20):
            raise RuntimeError("the engine did not start")
        plain, ours = [], []
        for number in range(RUNS + 1):
            plain.append(_bare(bench, bare, number))
            ours.append(_dropped(bench, number))
    finally:
        engine.terminate()
        engine.wait(20)
    base, value = statistics.median(plain[1:]), statistics.median(ours[1:])
    return [
        Figure("file dropped → process runs", value, "ms", 2.5 * base + 60, f"2.5 × bare tmux ({base:.1f} ms) + 60 ms")
    ]


def _stamp(out: Path) -> str:
    return f"date +%s%N > {out}.part && mv {out}.part {out}"


def _arrived(out: Path, start: int) -> float:
    if not until(out.exists, 20):
        raise RuntimeError(f"{out.name} never ran")
    return (int(out.read_text()) - start) / 1e6


def _bare(bench: Bench, argv: list[str], number: int) -> float:
    out = bench.home / "out" / f"bare{number}"
    start = time.time_ns()
    subprocess.run([*argv, _stamp(out)], env=bench.environ, check=True)
    return _arrived(out, start)


def _dropped(bench: Bench, number: int) -> float:
    out = bench.home / "out" / f"ours{number}"
    text = f"---\nrunner: shell\ncommand: {_stamp(out)}\n---\nbench\n"
    hidden = bench.root / "tasks" / "pending" / ".next"
    hidden.write_text(text)
    start = time.time_ns()
    hidden.rename(hidden.with_name(f"bench{number}.md"))
    took = _arrived(out, start)
    done = bench.root / "tasks" / "completed" / f"bench{number}.md"
    until(done.exists, 20)
    return took
