"""The same figures of other terminal programs, in one run: posting and harlequin from PyPI, htop where it is installed.

Each package goes into a virtual environment of its own in the cache; nothing of theirs is read or imported by us.
Not part of a bare `./script/bench`: it needs the network once.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.app import Screen
from tests.bench.measure import Figure
from tests.bench.root import Bench

PEERS = ("posting", "harlequin")
SIZE = (80, 24)
STARTS = 3
IDLE = 10.0
"""Seconds of doing nothing that are measured."""
DRAWN = 1500
"""Bytes after which a program has drawn its first screen, and not only switched the terminal's modes."""


def figures() -> list[Figure]:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cctui-test" / "peers"
    with tempfile.TemporaryDirectory(prefix="cct-") as home:
        bench = Bench(Path(home), f"cct-bench-{Path(home).name[-6:]}")
        bench.environ["CCTUI_UI_ON_HANGUP"] = "stop"
        ours = [sys.executable, "-m", "cctui", "--no-tmux", "--root", str(bench.root)]
        programs = {"cctui": ours} | {name: [str(_installed(cache / name, name))] for name in PEERS}
        if htop := shutil.which("htop"):
            programs["htop"] = [htop]
        found: dict[str, dict[str, float]] = {}
        try:
            for name, argv in programs.items():
                try:
                    found[name] = _measured(argv, bench.environ)
                except RuntimeError as error:  # theirs, not ours: it is left out, and said
                    print(f"{name} is left out: {error}", file=sys.stderr)
        finally:
            bench.end()
    mine = found.pop("cctui")
    return [_figure(what, name, mine[what], theirs[what]) for name, theirs in found.items() for what in UNITS]


def _figure(what: str, name: str, ours: float, theirs: float) -> Figure:
    told = f"{ours:.1f} against {theirs:.1f} {UNITS[what]}"
    return Figure(f"{what}: cctui ÷ {name}", ours / max(theirs, FLOOR[what]), "×", LIMIT.get((what, name), 1.0), told)


UNITS = {"first paint": "ms", "idle, processor": "% of a core", "idle, to the terminal": "bytes/s", "memory": "MB"}
FLOOR = {"first paint": 1.0, "idle, processor": 0.1, "idle, to the terminal": 1.0, "memory": 1.0}
"""What counts as nothing: nobody is divided by less."""
LIMIT = {("first paint", "htop"): 200.0, ("memory", "htop"): 40.0, ("idle, processor", "htop"): 5.0}
"""htop is written in C and shows no queue: how far we are off is told, not judged."""


def _installed(folder: Path, name: str) -> Path:
    """The program, in an environment of its own: each wants another version of Textual."""
    program = folder / "bin" / name
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "-q", name], check=True)
    return program


def _measured(argv: list[str], environ: dict[str, str]) -> dict[str, float]:
    paints = []
    for _ in range(STARTS):
        screen = Screen(argv, environ, *SIZE)
        try:
            paints.append(_first(screen))
        finally:
            screen.close()
    screen = Screen(argv, environ, *SIZE)
    try:
        screen.read(8)
        used = screen.seconds_used()
        wrote = len(screen.read(IDLE))
        share = (screen.seconds_used() - used) / IDLE * 100
        memory = screen.megabytes()
    finally:
        screen.close()
    figures_found = (statistics.median(paints), share, wrote / IDLE, memory)
    return dict(zip(UNITS, figures_found, strict=True))


def _first(screen: Screen) -> float:
    """Milliseconds from the start until a whole screen has been written."""
    out = b""
    while len(out) < DRAWN:
        try:
            more = screen.some(30)
        except OSError:  # the program has ended
            more = b""
        if not more:
            raise RuntimeError(f"nothing more was painted after {out[-300:]!r}")
        out += more
    return screen.since_start()
