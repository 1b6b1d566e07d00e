"""One root with its own state, tmux server and repository, and a person at it who asks again until it is done."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cctui import __version__
from cctui.cli.ask import AskError, begin
from cctui.places import find_places
from tests.crashes import kill
from tests.crashes.kinds import IN_PLACE, command, kind_of, text

REPOSITORY = Path(__file__).resolve().parents[2]
PHASES = ("pending", "active", "completed", "failed", "recurring")
DONE = ("completed", "failed")
ASK_EVERY = 0.15
SETTINGS = {
    "CCTUI_TESTING": "1",
    "CCTUI_RUN_SLOTS": "6",
    "CCTUI_RUN_RETRY_SECONDS": "0",
    "CCTUI_RUN_OUTAGE_SECONDS": "0",
    "CCTUI_RUN_STAGGER_SECONDS": "0",
    "CCTUI_RUN_KILL_GRACE_SECONDS": "1",
    "CCTUI_CAPACITY_GATE": "off",
    "CCTUI_TMUX_SCOPE": "off",
    "CCTUI_WORKTREE_TEARDOWN": "true",
}
KEPT = ("PATH", "LANG", "VIRTUAL_ENV", "CCTUI_TEST", "TZ")


def repository(path: Path) -> None:
    """A repository with one commit."""
    path.mkdir(parents=True)
    (path / "tracked").write_text("as it was\n")
    git(path, "init", "-q", "-b", "main")
    git(path, "add", "tracked")
    git(path, "-c", "user.name=Test", "-c", "user.email=test@example.invalid", "commit", "-q", "-m", "base")


def git(path: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(["git", *words], cwd=path, env=environ, capture_output=True, text=True, check=True)
    return ran.stdout


@dataclass
class Bench:
    home: Path
    tasks: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """Files that were seen in two folders, or in none."""
    _asked: dict[str, float] = field(default_factory=dict)
    _held: set[str] = field(default_factory=set)

    # --- making ---

    def make(self, repo: Path) -> None:
        """`repo` is copied: one repository for all worktrees, one more for each task that works in place."""
        for name in ("log", "talks", *(f"root/tasks/{phase}" for phase in PHASES)):
            (self.home / name).mkdir(parents=True)
        for task in self.tasks:
            kind = kind_of(task)
            if not kind.repo:
                self.folder(task).mkdir(parents=True)
            elif not self.folder(task).exists():
                shutil.copytree(repo, self.folder(task))
            if kind.name == "python":
                lines = ("import sys", f"sys.path.append({str(REPOSITORY)!r})", "from tests.crashes.child import call")
                (self.folder(task) / "job.py").write_text("\n".join((*lines, "assert call", "")))

    @property
    def environ(self) -> dict[str, str]:
        """The engine's whole environment."""
        given = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {
            **given,
            **SETTINGS,
            "HOME": str(self.home),
            "TMUX_TMPDIR": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "none"),
            "CCTUI_ROOT": str(self.root),
            "CCTUI_STATE": str(self.home / "state"),
            "CCTUI_CONFIG": str(self.home / "config.toml"),
            "CCTUI_TMUX_SOCKET": "crash",
            "CCTUI_CLAUDE_COMMAND": command("claude"),
            "CCTUI_WORKTREE_SETUP": f"exec {command('setup')}",
        }

    @property
    def root(self) -> Path:
        return self.home / "root"

    @property
    def runs(self) -> Path:
        return self.home / "state" / "runs"

    def folder(self, task: str) -> Path:
        shared = kind_of(task).repo and kind_of(task).name not in IN_PLACE
        return self.home / "work" / ("repo" if shared else task)

    def drop(self, task: str) -> None:
        """The task's file, if its kind has one at the start; written under a hidden name, then renamed."""
        if phase := kind_of(task).phase:
            hidden = self.root / "tasks" / phase / f".{task}"
            hidden.write_text(text(task, self.folder(task)))
            hidden.rename(hidden.with_name(f"{task}.md"))

    # --- looking ---

    def said(self, task: str) -> list[dict[str, Any]]:
        """What the task's processes have said of themselves."""
        path = self.home / "log" / task
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def said_that(self, task: str, what: str) -> bool:
        return any(what in (line["what"], line.get("step")) for line in self.said(task))

    def places(self, task: str) -> list[str]:
        return [phase for phase in PHASES if (self.root / "tasks" / phase / f"{task}.md").exists()]

    def records(self) -> list[dict[str, Any]]:
        path = self.root / "logs" / "scheduler" / "history.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def recorded(self, task: str) -> bool:
        return any(record["task_id"] == task for record in self.records())

    def open_runs(self) -> list[Path]:
        return [path for path in self.runs.glob("[!.]*") if not (path / "filed").exists()]

    def runs_of(self, task: str) -> list[Path]:
        specs = ((path, kill.read(f"{path}/spec.json")) for path in sorted(self.runs.glob("[!.]*")))
        return [path for path, spec in specs if spec is not None and spec["task"] == task]

    def settled(self) -> bool:
        """Every task has come to an end, and is written down."""
        if any(len(places := self.places(task)) != 1 or places[0] not in DONE for task in self.tasks):
            return False
        recorded = {record["task_id"] for record in self.records()}
        return recorded.issuperset(self.tasks) and not self.open_runs() and not any(map(self._to_undo, self.tasks))

    def watch(self) -> None:
        """Note a file that lies in two folders or in none; a look between two folders is no proof, so look again."""
        for task in self.tasks:
            if not kind_of(task).phase:
                continue
            if all(len(self.places(task)) != 1 for _ in range(4)):
                self.seen.append(f"{task}: its file lay in {self.places(task) or 'no folder'}")

    # --- a person at it ---

    def tend(self) -> None:
        """Ask for what the tasks need a person for, again and again until it shows."""
        for task in self.tasks:
            order = self._wanted(task)
            if order is not None and time.monotonic() - self._asked.get(task, 0.0) > ASK_EVERY:
                self._asked[task] = time.monotonic()
                self._order(task, order)

    def _wanted(self, task: str) -> dict[str, Any] | None:
        match kind_of(task).name:
            case "plan":
                waits = any(
                    (run / "plan.md").exists() and not (run / "approved").exists() for run in self.runs_of(task)
                )
                return {"$": "RunNow", "task": task, "force": False} if waits else None
            case "stop" if self.said_that(task, "once") and self.places(task) == ["active"]:
                return {"$": "StopRun", "task": task}
            case "takeover" if self.said_that(task, "h1") and not self.said_that(task, "attended"):
                return {"$": "TakeOver", "task": task}
            case "edit" if not self.said_that(task, "start") and self.places(task) == ["pending"]:
                if task not in self._held or self._holds():
                    return {"$": "Hold", "on": task not in self._held}
                return {"$": "Pause", "task": task, "on": False}
            case "again" if self.places(task) == ["failed"] and not self.recorded(task):
                return {"$": "RetryTask", "task": task}
            case "back" if run_id := self._to_undo(task):
                return {"$": "Rollback", "run_id": run_id}
            case "add" if not self.places(task):
                return {"$": "Add", "name": task, "text": text(task, self.folder(task))}
        return None

    def _to_undo(self, task: str) -> str:
        """The ended run that a person wants to take back; empty: none, or it is done."""
        ended = [record["run_id"] for record in self.records() if record["task_id"] == task]
        if kind_of(task).name != "back" or not ended:
            return ""
        return "" if (kill.read(f"{self.runs}/{ended[-1]}/rollback.json") or {}).get("said") else str(ended[-1])

    def _holds(self) -> bool:
        """Whether a hold stands, as the next engine would read it."""
        found = kill.read(f"{self.home}/state/db.json") or {}
        return any(memory.get("hold") is True for memory in found.get("memory", {}).values())

    def _order(self, task: str, order: dict[str, Any]) -> None:
        socket = find_places(None, self.environ, self.home).socket
        try:
            session = begin(str(socket), __version__)
            if session is None:
                return
            with session:
                session.do("order", command=order)
        except (AskError, ValueError):
            return  # the engine is no more; the next one is asked
        if order["$"] == "Hold":
            self._held.add(task)

    # --- ending ---

    def mine(self) -> dict[int, str]:
        """Living processes of this root but its tmux server: number → what it is."""
        home = str(self.home)
        found = dict.fromkeys(kill.task_processes(home), "a task's process")
        return found | dict.fromkeys(kill.runners(home), "a runner")

    def end(self) -> None:
        """Whatever is left is killed, and the folder removed."""
        pids = {*self.mine(), *kill.tmux_server(str(self.home)), *kill.engine(str(self.home))}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        limit = time.monotonic() + 5.0
        while any(kill.ticks(pid) is not None for pid in pids) and time.monotonic() < limit:
            time.sleep(0.005)
        shutil.rmtree(self.home, ignore_errors=True)
