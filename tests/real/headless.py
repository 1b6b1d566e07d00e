"""A headless engine as a person runs it: ``python -m cctui headless`` on a root of its own, and what it leaves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cctui import __version__
from cctui.cli.ask import ask
from cctui.lock import Lock
from cctui.places import Places, find_places
from tests.waiting import at_last

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PATIENCE = 90.0
"""Seconds for a whole journey of one task; far more than it takes on a busy machine."""


@dataclass
class Headless:
    """One root and its engine.  `environ` is the engine's whole environment."""

    root: Path
    state: Path
    environ: Mapping[str, str]
    installed: Path = REPOSITORY
    """The folder that its cctui lies in."""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the engine, and waits until it answers at its socket."""
        with (self.state.parent / "headless.log").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cctui", "headless"],
                env=self.environ,
                cwd=self.installed,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        at_last(self._answers, PATIENCE)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the engine ended at once:\n{self.said()}"
        owner = Lock(self.places.lock, self.places.socket).owner()
        if owner is None or owner.pid != self.process.pid:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.places.socket)) == 0

    @property
    def places(self) -> Places:
        return find_places(None, self.environ, REPOSITORY)

    def kill(self) -> None:
        """SIGKILL: it learns nothing of its end."""
        assert self.process is not None
        self.process.kill()
        assert self.process.wait(10) == -signal.SIGKILL

    def stop(self) -> int | None:
        """SIGTERM, as a service manager ends it.  Its exit code; None when it had ended before."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the engine did not end on SIGTERM:\n{self.said()}") from None

    def said(self) -> str:
        return (self.state.parent / "headless.log").read_text()[-3000:]

    def drop(self, name: str, text: str) -> None:
        """Puts a whole task file into the queue, as an editor that writes by renaming does."""
        draft = self.root / f"{name}.draft"
        draft.write_text(text)
        draft.rename(self.root / f"tasks/pending/{name}.md")

    def where(self, name: str) -> list[str]:
        """The phases in which a file of that name lies."""
        return sorted(path.parent.name for path in self.root.glob(f"tasks/*/{name}.md"))

    def arrives(self, name: str, phase: str) -> None:
        at_last(lambda: self.where(name) == [phase], PATIENCE)

    def history(self) -> list[dict[str, Any]]:
        path = self.root / "logs/scheduler/history.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def record(self, name: str) -> dict[str, Any]:
        """The one history line of a task."""
        (line,) = at_last(lambda: [line for line in self.history() if line["task_id"] == name], PATIENCE)
        return line

    def row(self, name: str) -> dict[str, Any]:
        """The task's row as ``ls --json`` tells it, asked at the engine's socket; empty when it has none."""
        reply = ask(str(self.places.socket), __version__, "ls", {"phases": []})
        rows: list[dict[str, Any]] = reply["data"] if reply else []
        return next((row for row in rows if row["name"] == name), {})

    def ccq(self, *words: str) -> dict[str, Any]:
        """What ``ccq --json`` answers: its object, with the exit code as ``code``."""
        argv = [sys.executable, "-m", "cctui", *words, "--json"]
        ran = subprocess.run(
            argv, env=self.environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert ran.stdout, ran.stderr
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer | {"code": ran.returncode}

    def note(self, name: str) -> str:
        """The newest note of a task, as soon as there is one."""
        folder = self.root / "logs/scheduler"
        return max(
            at_last(lambda: list(folder.glob(f"*/{name}-*.md")), PATIENCE), key=lambda path: path.name
        ).read_text()

    def output(self, run_id: str) -> str:
        return (self.state / f"runs/{run_id}/output.log").read_text()


def environment(base: Path, claude: str, names: Mapping[str, str]) -> dict[str, str]:
    """This process's environment (which the tests have fenced), with a root, the program and impatient back-offs."""
    settings = {
        "CCTUI_ROOT": str(base / "w/root"),
        "CCTUI_STATE": str(base / "state/engine"),
        "CCTUI_CONFIG": str(base / "config/cctui.toml"),
        "CCTUI_CLAUDE_COMMAND": claude,
        "CCTUI_CLAUDE_ENV": ",".join(names),
        "CCTUI_RUN_RETRY_SECONDS": "1",
        "CCTUI_RUN_OUTAGE_SECONDS": "1",
        "PYTHONPATH": str(REPOSITORY),
    }
    return {**os.environ, **settings}


def task(tag: str, *fields: str) -> str:
    """A task file in ROOT/work whose conversation the stub knows by `tag`."""
    return "\n".join(["---", "cwd: work", *fields, "---", f"talk:{tag} Do the work.", ""])
