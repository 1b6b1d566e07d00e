"""What others do in a folder after a run has ended is neither shown as the run's nor undone silently; with real git."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters.workspace import Workspace, WorkspaceError
from cctui.core.settings import Settings
from cctui.core.world import Mode, Runner, Spec
from cctui.places import Places


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A Person", "-c", "user.email=person@example.invalid")
    ran = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


@pytest.fixture
def done(tmp_path: Path, repo: Path) -> tuple[Workspace, Spec]:
    """A run in place that has changed a.txt, and has ended."""
    places = Places(tmp_path / "root", tmp_path / "state", tmp_path / "config.toml", tmp_path / "engine.sock")
    workspace = Workspace(places, Settings())
    spec = Spec(
        run_id="20260203-000500-abc123", task="probe", path="pending/probe.md", attempt=1, runner=Runner.SHELL,
        kind="probe", mode=Mode.AUTONOMOUS, folder=str(repo), started=datetime(2026, 2, 3, tzinfo=UTC), timeout=60.0,
        session="cc-1", session_id="0-1",
    )  # fmt: skip
    (places.runs / spec.run_id).mkdir(parents=True)
    workspace.prepare(spec)
    (repo / "a.txt").write_text("two\n")
    assert workspace.finish(spec, failed=False)
    return workspace, spec


def test_nothing_has_changed_since(done: tuple[Workspace, Spec], repo: Path) -> None:
    workspace, spec = done
    assert "+two" in workspace.diff(spec.run_id)
    workspace.rollback(spec.run_id)
    assert (repo / "a.txt").read_text() == "one\n"
    assert "+two" in workspace.diff(spec.run_id)


@pytest.mark.parametrize("committed", [False, True])
def test_later_work_is_not_the_runs(done: tuple[Workspace, Spec], repo: Path, committed: bool) -> None:
    workspace, spec = done
    (repo / "mine.txt").write_text("a day of my own work\n")
    if committed:
        git(repo, "add", "--all")
        git(repo, "commit", "--quiet", "--message", "mine")
    assert "mine.txt" not in workspace.diff(spec.run_id)
    with pytest.raises(WorkspaceError, match="would undo that too"):
        workspace.rollback(spec.run_id)
    assert (repo / "mine.txt").exists()
    assert (repo / "a.txt").read_text() == "two\n"
    said = workspace.rollback(spec.run_id, force=True)
    assert "refs/cctui/saved/" in said
    assert (repo / "a.txt").read_text() == "one\n"
    assert git(repo, "show", f"refs/cctui/saved/{spec.run_id}:mine.txt") == "a day of my own work"


def test_a_run_that_failed_is_undone_by_itself_all_the_same(done: tuple[Workspace, Spec], repo: Path) -> None:
    workspace, spec = done
    again = replace(spec, run_id="20260203-000600-abc124", rollback=True)
    (repo.parent / "state/runs" / again.run_id).mkdir(parents=True)
    workspace.prepare(again)
    (repo / "a.txt").write_text("broken\n")
    changes = workspace.finish(again, failed=True)
    assert changes
    assert changes.kept.startswith("rolled back")
    assert (repo / "a.txt").read_text() == "two\n"
