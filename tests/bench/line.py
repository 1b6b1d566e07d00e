"""The command line, against a bare interpreter that imports json and argparse."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.measure import Figure, timed, until
from tests.bench.root import Bench

RUNS = 15


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="cct-") as home:
        bench = Bench(Path(home), f"cct-bench-{Path(home).name[-6:]}")
        for number in range(200):
            text = f"---\nrunner: shell\ncommand: 'true'\npaused: true\npriority: {number % 7}\n---\nwork\n"
            (bench.root / "tasks" / "pending" / f"t{number}.md").write_text(text)
        try:
            return _compare(bench)
        finally:
            bench.end()


def _compare(bench: Bench) -> list[Figure]:
    bare = [sys.executable, "-c", "import json, argparse"]
    ours = [sys.executable, "-c", "from cctui.cli.main import ccq; ccq()", "ls", "--json"]

    def run(argv: list[str]) -> float:
        return timed(lambda: subprocess.run(argv, env=bench.environ, stdout=subprocess.DEVNULL, check=True))

    def pair() -> tuple[float, float]:
        times = [(run(bare), run(ours)) for _ in range(RUNS + 1)][1:]
        return statistics.median(one for one, _ in times), statistics.median(two for _, two in times)

    without = pair()
    engine = bench.engine()
    try:
        until((bench.home / "state" / "engine.sock").exists, 20)
        with_one = pair()
    finally:
        engine.terminate()
        engine.wait(20)
    return [
        Figure("ccq ls --json, engine running", with_one[1] / with_one[0], "×", 3.5, f"bare {with_one[0]:.0f} ms"),
        Figure("ccq ls --json, no engine", without[1] / without[0], "×", 8.0, f"bare {without[0]:.0f} ms"),
    ]
