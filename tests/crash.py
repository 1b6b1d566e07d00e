"""Kill -9 the engine at random moments, many times, and count what became of every task.

    python -m tests.crash [--kills 200] [--tasks 100] [--seed 1]

Each task is a shell command that appends its name to a file of its own and works for a moment.  At the end every task
must have run exactly once, or at most once and be reported `lost`; none may have vanished; no file may lie in two
folders.  Bounded in count and time; prints a table and exits 1 on any violation.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PHASES = ("pending", "active", "completed", "failed", "recurring")
DRAIN_SECONDS = 180.0


@dataclass
class Bench:
    """One root with its own state and tmux server."""

    home: Path
    socket: str
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keep = ("PATH", "LANG", "PYTHONPATH", "TMUX_TMPDIR", "VIRTUAL_ENV", "CCTUI_TEST")
        self.environ = {name: os.environ[name] for name in keep if name in os.environ} | {
            "HOME": str(self.home),
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
            "CCTUI_ROOT": str(self.root),
            "CCTUI_STATE": str(self.home / "state"),
            "CCTUI_CONFIG": str(self.home / "config.toml"),
            "CCTUI_TESTING": "1",
            "CCTUI_TMUX_SOCKET": self.socket,
            "CCTUI_RUN_SLOTS": "4",
            "CCTUI_CAPACITY_GATE": "off",
            "CCTUI_CLAUDE_COMMAND": "/bin/false",
            "TMUX_TMPDIR": os.environ.get("TMUX_TMPDIR", str(self.home)),
        }
        (self.root / "tasks" / "pending").mkdir(parents=True)
        (self.home / "out").mkdir()

    @property
    def root(self) -> Path:
        return self.home / "root"

    def drop(self, name: str, seconds: float) -> None:
        """A task that counts its own runs, in a folder of its own so that several can run side by side."""
        out = self.home / "out" / name
        folder = self.home / "work" / name
        folder.mkdir(parents=True)
        text = (
            f"---\nrunner: shell\ncwd: {folder}\nmax_attempts: 1\n"
            f"command: echo {name} >> {out}; sleep {seconds:.2f}; echo end >> {out}.end\n---\n{name}\n"
        )
        hidden = self.root / "tasks" / "pending" / f".{name}"
        hidden.write_text(text)
        hidden.rename(hidden.with_name(f"{name}.md"))

    def engine(self, *args: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "cctui", "headless", *args]
        return subprocess.Popen(argv, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def drain(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Let an engine finish everything; False: it did not end in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            engine = self.engine("--once")
            try:
                engine.wait(max(deadline - time.monotonic(), 1))
            except subprocess.TimeoutExpired:
                engine.kill()
                engine.wait()
                return False
            if not list((self.root / "tasks" / "pending").glob("*.md")) and not list(
                (self.root / "tasks" / "active").glob("*.md")
            ):
                return True
        return False

    def end(self) -> None:
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], env=self.environ, capture_output=True, check=False)


def verdicts(bench: Bench, names: list[str]) -> tuple[Counter[str], list[str]]:
    """What became of each task, and every violation in words."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    records: dict[str, list[Mapping[str, object]]] = {}
    history = bench.root / "logs" / "scheduler" / "history.jsonl"
    for line in history.read_text().splitlines() if history.exists() else []:
        record = json.loads(line)
        records.setdefault(record["task_id"], []).append(record)
    run_ids = Counter(str(record["run_id"]) for each in records.values() for record in each)
    wrong += [f"{run_id}: {count} history lines" for run_id, count in run_ids.items() if count > 1]
    for name in names:
        out = bench.home / "out" / name
        runs = len(out.read_text().splitlines()) if out.exists() else 0
        places = [phase for phase in PHASES if (bench.root / "tasks" / phase / f"{name}.md").exists()]
        lines = records.get(name, [])
        if len(places) != 1:
            wrong.append(f"{name}: its file lies in {places or 'no folder'}")
        if len(lines) != 1:
            wrong.append(f"{name}: {len(lines)} history lines")
            continue
        lost = lines[0]["error_type"] == "lost"
        if runs == 1 and lines[0]["success"] is True and places == ["completed"]:
            outcomes["done once"] += 1
        elif runs <= 1 and lost and places == ["failed"]:
            outcomes["lost and said so"] += 1
        else:
            wrong.append(f"{name}: ran {runs} times, recorded as {lines[0]['status']}, file in {places}")
    return outcomes, wrong


def crash(kills: int, tasks: int, seed: int, home: Path, socket: str) -> tuple[Counter[str], list[str]]:
    chance = random.Random(seed)
    bench = Bench(home, socket)
    names = [f"t{number:03d}" for number in range(tasks)]
    waiting = list(names)
    try:
        for kill in range(kills):
            engine = bench.engine()
            share = -(-len(waiting) // max((kills - kill) // 2, 1))
            for name in [waiting.pop() for _ in range(min(share, len(waiting)))]:
                bench.drop(name, chance.uniform(0.0, 0.8))
            time.sleep(chance.uniform(0.2, 1.6))
            engine.send_signal(signal.SIGKILL)
            engine.wait()
        drained = bench.drain()
        outcomes, wrong = verdicts(bench, names)
        if not drained:
            wrong.append(f"the queue was not empty {DRAIN_SECONDS:g} s after the last kill")
    finally:
        bench.end()
    return outcomes, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cct-") as home:
        outcomes, wrong = crash(args.kills, args.tasks, args.seed, Path(home), f"cct-crash-{os.getpid()}")
    print(f"kill -9 of the engine × {args.kills}, {args.tasks} tasks, seed {args.seed}")
    for outcome, count in sorted(outcomes.items()):
        print(f"  {outcome:<18}{count:>5}")
    print(f"  {'violations':<18}{len(wrong):>5}")
    for text in wrong:
        print(f"    {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
