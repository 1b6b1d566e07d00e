"""One run's place in git, as it is at this moment: what workspace and rollback both look at.

Promises: nothing is changed here.  A place that is gone is a WorkspaceError that says which.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cctui.adapters import git as program
from cctui.adapters import snapshot, worktree
from cctui.adapters.git import Git, GitError, Repository
from cctui.adapters.snapshot import Scene, State
from cctui.adapters.treefile import Ground
from cctui.core.words import safe
from cctui.core.world import Tree
from cctui.places import Places

SNAPSHOTS, SAVED, RESULTS = "refs/cctui/snapshots", "refs/cctui/saved", "refs/cctui/results"
ALONE_SECONDS = 120.0
_PAUSE = 0.05


class WorkspaceError(Exception):
    """What could not be done with a run's folder, and what to do."""


@contextmanager
def told() -> Iterator[None]:
    """Whatever git or the file system refuses, as the one error of workspaces."""
    try:
        yield
    except GitError as error:
        raise WorkspaceError(safe(str(error))) from error
    except OSError as error:
        raise WorkspaceError(safe(f"{error.filename or 'A file'}: {error.strerror}.")) from error


@contextmanager
def alone(run: Path) -> Iterator[int]:
    """One change to a run's place at a time; also a git that outlives the process that started it is waited for."""
    lock, patience = os.open(run / "git.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), time.monotonic()
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - patience > ALONE_SECONDS:
                    text = f"git is still at work for the run {run.name}: wait until it has ended, then try again."
                    raise WorkspaceError(text) from None
            time.sleep(_PAUSE)
        yield lock
    finally:
        os.close(lock)


def free_refs(store: str, run_id: str) -> None:
    """Take away the locks of the run's own refs that a killed git has left: whoever holds `alone` knows that none is at
    work on them."""
    for folder in (SNAPSHOTS, SAVED, RESULTS, "refs/heads/cctui"):
        for lock in Path(store, folder).glob(f"*{run_id}*.lock"):
            lock.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Found:
    """A work tree as it is."""

    scene: Scene
    state: State
    index: Path
    """The temporary index that holds it."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where one run works."""

    places: Places
    run_id: str
    ground: Ground
    lock: int | None = None
    """Of `alone`."""

    @property
    def tree(self) -> Tree:
        return self.ground.tree

    @property
    def run(self) -> Path:
        return self.places.runs / self.run_id

    @property
    def top(self) -> str:
        """The work tree the run works in."""
        return self.tree.worktree or self.tree.repo

    @property
    def branch_ref(self) -> str:
        return f"refs/heads/{self.tree.branch}"

    def anchor(self) -> Git:
        """git in the repository, even when the work tree the task's folder lay in has gone."""
        if self.lock is not None:
            free_refs(self.ground.store, self.run_id)
        return Git(self.tree.repo if Path(self.tree.repo).is_dir() else self.ground.store, lock=self.lock)

    def scene(self) -> Scene:
        """GitError or WorkspaceError when the work tree is gone."""
        repo = program.find(self.top, self.lock)
        if repo is None or repo.top != os.path.realpath(self.top):
            raise WorkspaceError(f"{safe(self.top)} is no git work tree any more.")
        if self.tree.worktree is not None:
            passed_over = worktree.unchanged(Path(self.top), self.ground.carried.items())
        else:
            passed_over = frozenset(os.fsencode(path) for path in self.ground.left_out)
        return replace(scene_of(self.places, repo), passed_over=passed_over)

    @contextmanager
    def look(self, *, like: str | None = None, whole: bool = False) -> Iterator[Found]:
        """The work tree, read now, with huge files only if it is to be `whole`; GitError or WorkspaceError when it
        cannot be."""
        scene = replace(self.scene(), lasting=whole or like is not None)
        with scratch(self.run) as index:
            most = None if self.ground.every else 0
            largest = None if whole else snapshot.MOST_BYTES
            state = snapshot.stage(scene, index, like=like, most=most, largest=largest)
            yield Found(scene, state, index)

    def before(self, git: Git) -> str:
        """The commit or tree that the run began with."""
        if self.tree.snapshot is not None and (kept := program.commit(git, self.tree.snapshot)) is not None:
            return kept
        return self.tree.base or snapshot.nothing(git)


def scene_of(places: Places, repo: Repository) -> Scene:
    """`repo` without cctui's own files; WorkspaceError when it holds nothing else."""
    top = Path(repo.top)
    ours = (places.tasks, places.root / "logs", places.context / "active-agents.md", places.state)
    if any(top.is_relative_to(folder) for folder in ours[:2]):
        raise WorkspaceError(f"{safe(repo.top)} holds nothing but cctui's own files.")
    inside = (path.relative_to(top) for path in ours if path.is_relative_to(top))
    return Scene(repo, own=tuple(os.fsencode(path) for path in inside))


@contextmanager
def scratch(run: Path) -> Iterator[Path]:
    """Path of a temporary index."""
    with TemporaryDirectory(prefix=".git-", dir=run, ignore_cleanup_errors=True) as folder:
        yield Path(folder, "index")
