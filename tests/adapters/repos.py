"""Real git repositories for tests, and everything that can be seen of one."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.workspace import Workspace
from cctui.core.settings import RunSettings, Settings, WorktreeSettings
from cctui.core.world import Mode, Runner, Spec
from cctui.places import Places

RUN = "20261121-030000-abc123"
START = datetime(2020, 1, 1, 3, 0, tzinfo=UTC)
"""Before any commit that a test makes now."""
LOCAL = ("-c", "protocol.file.allow=always")


def git(folder: Path, *words: str | bytes, check: bool = True) -> str:
    """What the real git says, as the person at a prompt would call it."""
    ran = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, timeout=60, check=False)
    assert not check or ran.returncode == 0, ran.stderr.decode()
    return os.fsdecode(ran.stdout.removesuffix(b"\n"))


@dataclass(frozen=True)
class Repo:
    top: Path

    def git(self, *words: str | bytes, check: bool = True) -> str:
        return git(self.top, *words, check=check)

    def write(self, path: str | bytes, text: str = "", mode: int = 0o644) -> Path:
        file = self.top / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(mode)
        return file

    def commit(self, subject: str = "work") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    @property
    def branches(self) -> list[str]:
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    @property
    def refs(self) -> list[str]:
        return self.git("for-each-ref", "--format=%(refname)", "refs/cctui").split()

    def held(self, ref: str, path: str) -> str:
        """Content of `path` in `ref`."""
        return self.git("cat-file", "blob", f"{ref}:{path}")

    def files(self) -> dict[str, str]:
        """Every file outside of .git: kind, mode and content."""
        return {str(path.relative_to(self.top)): seen(path) for path in walk(self.top)}

    def looks(self) -> dict[str, object]:
        """All a rollback must bring back."""
        return {
            "files": self.files(),
            "staged": self.git("ls-files", "--stage"),
            "status": self.git("status", "--porcelain"),
            "head": self.git("rev-parse", "--verify", "HEAD", check=False),
            "branch": self.git("symbolic-ref", "HEAD", check=False),
            "branches": self.branches,
            "stash": self.git("stash", "list"),
        }


def walk(top: Path) -> list[Path]:
    found: list[Path] = []
    for entry in sorted(top.iterdir()):
        if entry.name == ".git":
            continue
        if entry.is_dir() and not entry.is_symlink():
            found += walk(entry)
        else:
            found.append(entry)
    return found


def seen(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    executable = bool(path.stat().st_mode & stat.S_IXUSR)
    return f"{'x' if executable else '-'} {path.read_bytes()!r}"


def new_repo(top: Path, *words: str) -> Repo:
    top.mkdir(parents=True, exist_ok=True)
    git(top, "init", "--quiet", "--initial-branch=main", *words)
    return Repo(top)


def furnished(top: Path) -> Repo:
    """A repository in the middle of somebody's work: everything that can differ does."""
    repo = new_repo(top)
    repo.write(".gitignore", "*.log\nbuild/\n")
    for name in ("kept", "changed", "staged", "both", "deleted", "removed", "moved", "linked"):
        repo.write(f"{name}.txt", f"{name} as committed\n")
    repo.write("tool.sh", "#!/bin/sh\n")
    repo.write("deep/er/file.txt", "deep\n")
    repo.commit("first")
    repo.write("changed.txt", "changed, not staged\n")
    repo.write("staged.txt", "staged\n")
    repo.git("add", "staged.txt")
    repo.write("both.txt", "staged\n")
    repo.git("add", "both.txt")
    repo.write("both.txt", "staged, then changed\n")
    (top / "deleted.txt").unlink()
    repo.git("rm", "--quiet", "removed.txt")
    repo.git("mv", "moved.txt", "moved-to.txt")
    (top / "linked.txt").unlink()
    (top / "linked.txt").symlink_to("kept.txt")
    (top / "tool.sh").chmod(0o755)
    repo.write("new.txt", "untracked\n")
    repo.write("new/also.txt", "untracked\n")
    (top / "new/away").symlink_to("/nowhere/at/all")
    repo.write("noise.log", "ignored\n")
    repo.write("build/out", "ignored\n")
    return repo


def havoc(repo: Repo) -> None:
    """What an agent may do to a `furnished` repository, without a commit."""
    for name in ("kept.txt", "changed.txt", "both.txt", "deleted.txt", "removed.txt", "tool.sh"):
        repo.write(name, "by the agent\n")
    (repo.top / "linked.txt").unlink()
    repo.write("linked.txt", "no link any more\n", 0o755)
    (repo.top / "new.txt").unlink()
    (repo.top / "deep/er/file.txt").unlink()
    (repo.top / "deep/er").rmdir()
    repo.write("deep/er", "a file where a folder was\n")
    repo.write("new/away.d/x", "x\n")
    repo.write("agent/wrote this", "new\n")
    (repo.top / "staged.txt").unlink()
    repo.write("staged.txt/inside", "a folder where a file was\n")
    repo.git("add", "--all", "agent")


@dataclass(frozen=True)
class Desk:
    """Places of a made-up person, and the workspace under test."""

    places: Places

    def workspace(self, settings: Settings | None = None) -> Workspace:
        return Workspace(self.places, settings or Settings())

    def spec(self, folder: Path, run_id: str = RUN, **changes: object) -> Spec:
        (self.places.runs / run_id).mkdir(parents=True, exist_ok=True)
        made = Spec(
            run_id=run_id,
            task="tidy up",
            path="pending/tidy up.md",
            attempt=1,
            runner=Runner.CLAUDE,
            kind="tidy",
            mode=Mode.AUTONOMOUS,
            folder=str(folder),
            started=START,
            timeout=60.0,
            session="r",
            session_id="00000000-0000-4000-8000-000000000001",
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def run(self, run_id: str = RUN) -> Path:
        return self.places.runs / run_id


def desk(base: Path, root: Path | None = None) -> Desk:
    base = base.resolve()
    state = base / "state"
    (state / "runs").mkdir(parents=True, exist_ok=True)
    return Desk(Places(root or base / "root", state, base / "config.toml", base / "engine.sock"))


class Killed(BaseException):
    """No `except` of the product may catch a SIGKILL."""


def cut_at(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, number: int = 1, words: Sequence[str] = ()) -> None:
    """The `number`th call of `name` (of those with one of `words`) does its work and never returns."""
    real: Callable[..., Any] = getattr(target, name)
    calls = [0]

    def call(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        if not words or any(word in args for word in words):
            calls[0] += 1
            if calls[0] == number:
                raise Killed
        return answer

    monkeypatch.setattr(target, name, call)


NO_SNAPSHOT = Settings(run=RunSettings(snapshot=False))
CARRY_ENV = Settings(worktree=WorktreeSettings(carry_env=True))
