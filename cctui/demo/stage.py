"""Setting the stage: one temporary folder with a vault, a backlog, a git worktree, a simulated Claude and its windows.

Everything of a demo lies below that folder, so that removing it leaves nothing; nothing outside it is read or written,
least of all a person's Claude folder.  The git repository, its worktree and all files are real.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cctui.demo import windows

HERE = Path(__file__).resolve().parent
WINDOW_SECONDS = 24.0
"""How long a simulated 5-hour window lasts."""
FIRST_RESET = 7.0
"""Seconds until the window that is nearly full at the start ends."""
WEEK = 3 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Stage:
    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "night"

    @property
    def state(self) -> Path:
        return self.folder / f"state-{os.getpid()}"

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def claude(self) -> Path:
        return self.folder / "bin/claude"

    @property
    def socket(self) -> str:
        return f"cctui-demo-{os.getpid()}"

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` without anything that points at a person's Claude, login or cctui, and with the demo's places."""
        foreign = ("ANTHROPIC_", "CLAUDE", "CCTUI_")
        kept = {name: value for name, value in environ.items() if not name.startswith(foreign)}
        return kept | {
            "CCTUI_TESTING": "1",  # windows of seconds need questions every few seconds
            "CCTUI_ROOT": str(self.root),
            "CCTUI_STATE": str(self.state),
            "CCTUI_CONFIG": str(self.config),
            "CLAUDE_CONFIG_DIR": str(self.folder / "claude"),
        }


def build() -> Stage:
    """A new stage, ready to play."""
    stage = Stage(Path(tempfile.mkdtemp(prefix="cctui-demo-")).resolve())
    shutil.copytree(HERE / "backlog/agents", stage.root / "agents")
    shutil.copytree(HERE / "backlog/pending", stage.root / "tasks/pending")
    for phase in ("active", "completed", "failed", "recurring"):
        (stage.root / "tasks" / phase).mkdir()
    _folders(stage.root / "work")
    _program(stage)
    _windows(stage)
    stage.config.write_text(_config(stage), "utf-8")
    return stage


def _folders(work: Path) -> None:
    """The projects of the tasks; one of them a real git worktree on its own branch."""
    for name in ("digest", "research", "parser"):
        (work / name).mkdir(parents=True)
    (work / "digest/reading-list.md").write_text("# Reading list\n", "utf-8")
    repo = work / "parser"
    (repo / "parser.py").write_text('import csv\n\n\ndef parse(text):\n    return text.split(",")\n', "utf-8")
    _git(repo, "init", "--quiet", "--initial-branch=main")
    for key, value in (
        ("user.name", "cctui demo"),
        ("user.email", "demo@example.invalid"),
        ("commit.gpgsign", "false"),
        ("core.hooksPath", "/dev/null"),
    ):
        _git(repo, "config", key, value)
    _git(repo, "add", "--all")
    _git(repo, "commit", "--quiet", "--message", "A parser that splits at commas")
    _git(repo, "worktree", "add", "--quiet", "-b", "parse-quoted-fields", str(work / "parser-fix"))


def _git(folder: Path, *args: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "-C", str(folder), *args], env=clean, check=True, capture_output=True, timeout=30)


def _program(stage: Stage) -> None:
    """The simulated ``claude`` as one executable file, bound to this stage."""
    stage.claude.parent.mkdir()
    argv = [sys.executable, "-I", "-S", str(HERE / "claude.py"), str(stage.folder)]
    stage.claude.write_text(f'#!/bin/sh\n# Simulated: it reaches no network.\nexec {shlex.join(argv)} "$@"\n', "utf-8")
    stage.claude.chmod(0o755)
    (stage.folder / "claude").mkdir()


def _windows(stage: Stage) -> None:
    now = time.time()
    full = windows.Windows(93.0, int(now + FIRST_RESET) + 1, 38.0, int(now) + WEEK, WINDOW_SECONDS)
    windows.create(str(stage.folder), full)


def _config(stage: Stage) -> str:
    return f"""# The demo's settings: the real ones, with a night in fast motion.

[run]
slots = 2
retry_seconds = 3
outage_seconds = 3
kill_grace_seconds = 2

[capacity]
sources = ["stream", "claude"]
poll_seconds = 2

[claude]
command = {json.dumps(str(stage.claude))}
config_dir = {json.dumps(str(stage.folder / "claude"))}

[tmux]
socket = {json.dumps(stage.socket)}
"""


def end_tmux(stage: Stage, tmux: str = "tmux") -> None:
    """End the demo's own tmux server, and remove the socket it leaves."""
    try:
        subprocess.run([tmux, "-L", stage.socket, "kill-server"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        pass  # it never ran, or it is stuck: the rest is cleared away either way
    folder = os.environ.get("TMUX_TMPDIR") or "/tmp"
    Path(folder, f"tmux-{os.getuid()}", stage.socket).unlink(missing_ok=True)


def runners(stage: Stage) -> list[int]:
    """Living processes that were started with a run folder of this stage as an argument."""
    mark, found = os.fsencode(stage.state / "runs"), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # it has just ended
    return found


def end_runners(stage: Stage, patience: float = 10.0) -> None:
    """TERM every runner of this stage and wait until each has ended its own tree."""
    deadline = time.monotonic() + patience
    told: set[int] = set()
    while (pids := set(runners(stage))) and time.monotonic() < deadline:
        for pid in pids - told:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        told |= pids
        time.sleep(0.05)
