"""Setting the stage: one temporary folder with a vault, a backlog, git projects, a simulated Claude and its windows.

Everything of a demo lies below that folder, so that removing it leaves nothing; nothing outside it is read or written,
least of all a person's Claude folder or git configuration.  The git repositories and all files are real.
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
WINDOW_SECONDS = 28.0
"""How long a simulated 5-hour window lasts."""
FIRST_RESET = 7.0
"""Seconds until the window that is nearly full at the start ends."""
WEEK = 3 * 24 * 3600
NO_GIT_CONFIG = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
"""A person's own settings (signing, hooks, templates) take no part."""


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
    def parser(self) -> Path:
        """The repository whose task works in a worktree."""
        return self.root / "work/parser"

    @property
    def site(self) -> Path:
        """The project whose task fails and is rolled back."""
        return self.root / "work/site"

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def claude(self) -> Path:
        return self.programs / "claude"

    @property
    def socket(self) -> str:
        return f"cctui-demo-{os.getpid()}"

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` without anything of a person's Claude, login, cctui or git, and with the demo's places."""
        foreign = ("ANTHROPIC_", "CLAUDE", "CCTUI_", "GIT_")
        kept = {name: value for name, value in environ.items() if not name.startswith(foreign)}
        return kept | {
            **NO_GIT_CONFIG,
            "PATH": f"{self.programs}:{environ.get('PATH', os.defpath)}",
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
    lay_parser(stage.parser)
    lay_site(stage.site)
    _program(stage)
    _windows(stage)
    stage.config.write_text(_config(stage), "utf-8")
    return stage


def _folders(work: Path) -> None:
    """The projects that are plain folders."""
    for name in ("digest", "research", "links", "archive"):
        (work / name).mkdir(parents=True)
    (work / "digest/reading-list.md").write_text("# Reading list\n", "utf-8")
    for year in (2024, 2025):
        (work / f"archive/notes-{year}.md").write_text(f"# Notes of {year}\n", "utf-8")


PARSER = """def parse(text):
    return text.split(",")
"""
PARSER_TEST = """import unittest

from parser import parse


class Parsing(unittest.TestCase):
    def test_plain_fields(self):
        self.assertEqual(parse("a,b"), ["a", "b"])

    def test_a_comma_inside_quotes_does_not_split(self):
        self.assertEqual(parse('a,"b,c"'), ["a", "b,c"])
"""


def lay_parser(repo: Path) -> None:
    """A program with a test that fails; the run works in a git worktree of it."""
    _repository(
        repo,
        {"parser.py": PARSER, "test_parser.py": PARSER_TEST, ".gitignore": "__pycache__/\n"},
        "A parser that splits at commas",
    )


def lay_site(repo: Path) -> None:
    """Pages as a person has them: one committed, one changed since, one that git does not know."""
    _repository(repo, {"index.md": "# Home\n", "about.md": "# About\n"}, "Two pages")
    (repo / "about.md").write_text("# About\n\nA line that nobody has committed yet.\n", "utf-8")
    (repo / "ideas.md").write_text("# Ideas\n\nNever committed.\n", "utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` but git's own, by its path: to compare before and after."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    paths = {str(path.relative_to(folder)): path for path in files}
    return {name: path.read_bytes() for name, path in paths.items() if not name.startswith(".git/")}


def _repository(repo: Path, files: Mapping[str, str], subject: str) -> None:
    repo.mkdir(parents=True)
    for name, text in files.items():
        (repo / name).write_text(text, "utf-8")
    _git(repo, "init", "--quiet", "--initial-branch=main")
    for key, value in (("user.name", "cctui demo"), ("user.email", "demo@example.invalid")):
        _git(repo, "config", key, value)
    _git(repo, "add", "--all")
    _git(repo, "commit", "--quiet", "--message", subject)


def _git(folder: Path, *args: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | NO_GIT_CONFIG
    subprocess.run(["git", "-C", str(folder), *args], env=clean, check=True, capture_output=True, timeout=30)


def _program(stage: Stage) -> None:
    """The simulated ``claude`` as one executable file, bound to this stage; and the Python that runs the tests."""
    stage.programs.mkdir()
    (stage.programs / "python3").symlink_to(os.path.realpath(sys.executable))
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
stagger_seconds = 1
kill_grace_seconds = 2

[capacity]
sources = ["stream", "claude"]
poll_seconds = 2
by_cost = false  # windows of some seconds teach nothing about the next
soft_landing = 100  # never, like the next: this night is to show what happens when the limit itself is met
hard_stop = 100

[claude]
command = {json.dumps(str(stage.claude))}
config_dir = {json.dumps(str(stage.folder / "claude"))}
env = {json.dumps(list(NO_GIT_CONFIG))}

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
