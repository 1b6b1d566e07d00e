"""Where a run works: in its folder, or in a worktree of its own; what it changed there; and the way back.

Promises: every call can be made again after a kill at any moment, and ends as it would have.  Nothing is removed before
a ref of ours holds it: ``refs/cctui/snapshots/RUN`` keeps a folder as it was before the run, ``refs/cctui/saved/RUN``
what a rollback took away.  cctui's own files (tasks, logs, state) are never part of a snapshot, a restore or a count.
It never pushes, never rewrites a commit, and never asks the network.  Synchronous; called from threads, for one run
one call after the other.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path

from cctui.adapters import git as program
from cctui.adapters import snapshot, treefile, worktree
from cctui.adapters.git import Git, GitError, Repository
from cctui.adapters.laterwork import left, refuse_later_work
from cctui.adapters.rollback import named, roll_back
from cctui.adapters.site import (
    SNAPSHOTS,
    Found,
    Site,
    WorkspaceError,
    alone,
    free_refs,
    scene_of,
    scratch,
    told,
)
from cctui.adapters.snapshot import State
from cctui.adapters.treefile import End, Ground
from cctui.core.settings import Settings
from cctui.core.words import safe
from cctui.core.world import Changes, Mode, Spec, Tree
from cctui.places import Places

__all__ = ["Workspace", "WorkspaceError"]

SNAPSHOT_SECONDS = 60.0
DIFF_BYTES = 400_000


class Workspace:
    """The folders of all runs."""

    def __init__(self, places: Places, settings: Settings) -> None:
        self._places = places
        self._settings = settings

    def folder(self, spec: Spec) -> str:
        """Where its legs run."""
        tree = self.read(spec.run_id)
        return spec.folder if tree is None else tree.folder

    def read(self, run_id: str) -> Tree | None:
        """What `prepare` made; None before it is ready, or for a folder outside of git."""
        return treefile.read_tree(self._run(run_id))

    def _run(self, run_id: str) -> Path:
        return self._places.runs / run_id

    def _site(self, run_id: str) -> Site | None:
        """None for a run that works in no repository, or was never made ready."""
        ground = treefile.read_ground(self._run(run_id))
        return Site(self._places, run_id, ground) if ground is not None and ground.ready else None

    def _known(self, run_id: str) -> Site:
        site = self._site(run_id)
        if site is None:
            raise WorkspaceError(f"The run {run_id} worked in no git folder, or nothing of it is known any more.")
        return site

    # --- before the run ----------------------------------------------------------------------------------------------

    def prepare(self, spec: Spec) -> Tree | None:
        """The place `spec` runs in, made ready; None when its folder is in no git work tree.

        WorkspaceError when it was to have a worktree and cannot; a snapshot that cannot be taken is only told."""
        run = self._run(spec.run_id)
        with told(), alone(run) as lock:
            ground = treefile.read_ground(run)
            if ground is not None and ground.ready:
                return ground.tree
            if ground is not None:
                free_refs(ground.store, spec.run_id)
            ready = self._new_worktree(spec, ground, lock) if spec.worktree else self._in_place(spec, lock)
            if ready is None:
                return None
            treefile.write_ground(run, ready)
        return ready.tree

    def _in_place(self, spec: Spec, lock: int) -> Ground | None:
        """None outside of git.  A repository that git will not read is one without a snapshot."""
        try:
            repo = program.find(spec.folder, lock)
            return None if repo is None else self._ground(spec, repo)
        except GitError as error:
            above = (Path(spec.folder), *Path(spec.folder).parents)
            if not any((folder / ".git").exists() for folder in above):
                return None
            return Ground(Tree(spec.folder, spec.folder, trouble=safe(f"no snapshot: {error}")), ready=True)

    def _ground(self, spec: Spec, repo: Repository) -> Ground:
        git = repo.git
        tree = Tree(repo.top, spec.folder, program.head(git), program.branch(git))
        ground = Ground(tree, ready=True, store=_store(git), at=int(spec.started.timestamp()))
        if spec.mode is Mode.READ_ONLY or not self._settings.run.snapshot:
            return ground
        ref = f"{SNAPSHOTS}/{spec.run_id}"
        # The intent first: a ref without it would be nobody's.
        treefile.write_ground(self._run(spec.run_id), replace(ground, ready=False, tree=replace(tree, snapshot=ref)))
        try:
            return self._snapshot(spec.run_id, repo, ground, ref)
        except (GitError, OSError, WorkspaceError) as error:
            with contextlib.suppress(GitError):
                git.run("update-ref", "-d", ref)
            return replace(ground, tree=replace(tree, trouble=safe(f"no snapshot: {error}")))

    def _snapshot(self, run_id: str, repo: Repository, ground: Ground, ref: str) -> Ground:
        scene = replace(scene_of(self._places, repo), deadline=time.monotonic() + SNAPSHOT_SECONDS, lasting=True)
        with scratch(self._run(run_id)) as index:
            state = snapshot.stage(scene, index, most=snapshot.MOST_FILES, largest=snapshot.MOST_BYTES)
        parents = [ground.tree.base] if ground.tree.base else []
        snapshot.keep(scene, state, ref, f"cctui: before run {run_id}", parents)
        inner = [path for path in snapshot.elsewhere(scene) if not path.endswith("/")]
        return replace(
            ground,
            tree=replace(ground.tree, snapshot=ref, trouble=_not_held(state, inner)),
            index=state.index,
            every=state.every,
            left_out=tuple(os.fsdecode(path) for path in state.left_out),
        )

    def _new_worktree(self, spec: Spec, intent: Ground | None, lock: int) -> Ground:
        """From the commit that is checked out; what an interrupted call left of it is made anew."""
        repo = program.find(spec.folder, lock)
        if repo is None:
            raise WorkspaceError(
                f"{safe(spec.folder)} lies in no git work tree, and `worktree: true` needs one: run `git init` and "
                "commit there, set cwd to a repository, or take the field out."
            )
        base = intent.tree.base if intent is not None else program.head(repo.git)
        if base is None:
            raise WorkspaceError(f"{safe(repo.top)} has no commit yet that a worktree could start from: make one.")
        path = Path(os.path.realpath(self._places.state), "worktrees", spec.run_id)
        branch = worktree.branch_name(spec.task, spec.run_id)
        tree = Tree(repo.top, str(path / repo.below), base, branch, worktree=str(path))
        ground = Ground(tree, store=_store(repo.git), at=int(spec.started.timestamp()))
        treefile.write_ground(self._run(spec.run_id), ground)
        site = Site(self._places, spec.run_id, ground, lock)
        try:
            _discard(site)
            worktree.add(repo.git, path, branch, base)
            if not Path(tree.folder).is_dir():
                what = f"{safe(spec.folder)} is not in the commit {base[:9]}"
                raise WorkspaceError(f"{what}, so a worktree does not have it: add and commit it.")
            return self._filled(ground, repo, path)
        except (GitError, OSError, WorkspaceError):
            with contextlib.suppress(GitError, OSError):  # the reason that is on its way tells more
                _discard(site)
                (self._run(spec.run_id) / treefile.TREE).unlink()
            raise

    def _filled(self, ground: Ground, repo: Repository, path: Path) -> Ground:
        """With what git alone would not bring there."""
        trouble: tuple[str, ...] = ()
        carried: dict[str, str] = {}
        try:
            env = self._settings.worktree.carry_env
            brought = worktree.carry(scene_of(self._places, repo), path, env=env)
            carried, trouble = brought.files, brought.trouble
        except GitError as error:
            trouble = (f"nothing was carried over: {error}",)
        trouble += tuple(worktree.fill_submodules(Path(repo.top), Git(str(path), lock=repo.lock)))
        return replace(ground, ready=True, carried=carried, tree=replace(ground.tree, trouble=safe("; ".join(trouble))))

    # --- during and after the run ------------------------------------------------------------------------------------

    def measure(self, run_id: str) -> Changes | None:
        """What the run has changed so far, or had when it ended; None when that cannot be told."""
        end, site = treefile.read_end(self._run(run_id)), self._site(run_id)
        if end is not None or site is None:
            return end.changes if end is not None else None
        try:
            if not Path(site.top).is_dir():
                return _counted_branch(site)
            with site.look() as found:
                return _counted(site, found)
        except (GitError, OSError, WorkspaceError):
            return None

    def finish(self, spec: Spec, *, failed: bool) -> Changes | None:
        """Count what the run changed, then settle what becomes of its worktree or its changes.

        Only once no process of the run lives.  None for a run outside of git, or one that cannot be counted."""
        run = self._run(spec.run_id)
        if not run.is_dir():
            return None
        with told(), alone(run) as lock:
            ground, end = treefile.read_ground(run), treefile.read_end(run)
            if ground is None or not ground.ready:
                if ground is not None:
                    _discard(Site(self._places, spec.run_id, ground, lock))
                return None
            if end is not None and end.done:
                return end.changes
            site = Site(self._places, spec.run_id, ground, lock)
            undo = failed and spec.rollback
            if end is None:
                kept_so = None if undo else left(site, _counted)
                changes = None if kept_so else self.measure(spec.run_id)
                if kept_so is None and changes is None and ground.tree.worktree is None and not undo:
                    return None
                end = kept_so or End(changes or Changes())
                treefile.write_end(run, end)
            kept = _settled(site, undo=undo)
            end = replace(end, changes=replace(end.changes, kept=kept), done=True)
            treefile.write_end(run, end)
        return end.changes

    def diff(self, run_id: str) -> str:
        """What the run changed, as `git diff` shows it; cut, and saying so, when it is huge."""
        site = self._known(run_id)
        end, undone = treefile.read_end(site.run), treefile.read_undone(site.run)
        after = end.tree if end is not None else ""
        if not after and undone.said and undone.saved:
            after = undone.saved[0]
        with told():
            git = site.anchor()
            if after:
                own = scene_of(self._places, Repository(site.top, "", "")).others()
                return _shown(git, site.before(git), after, own)
            if Path(site.top).is_dir():
                with site.look() as found:
                    return _shown(git, site.before(git), found.state.tree, found.scene.others())
            if site.tree.worktree is None or program.commit(git, site.branch_ref) is None:
                text = end.changes.kept if end is not None and end.changes.kept else f"{safe(site.top)} is gone"
                raise WorkspaceError(f"There is nothing to compare for the run {run_id}: {text}.")
            return _shown(git, site.before(git), site.branch_ref, [])

    # --- going back --------------------------------------------------------------------------------------------------

    def rollback(self, run_id: str, *, force: bool = False) -> str:
        """Undo what the run changed, after saving it; the sentence of what was done.

        WorkspaceError when it cannot be undone, and why; without `force` also when anything has changed since."""
        site = self._known(run_id)
        with told(), alone(site.run) as lock:
            site = replace(site, lock=lock)
            if not force:
                refuse_later_work(site)
            return roll_back(site)


# --- counting --------------------------------------------------------------------------------------------------------


def _counted(site: Site, found: Found) -> Changes:
    scene, git = found.scene, found.scene.git
    files = snapshot.differing(git, site.before(git), found.state.tree, scene.others())
    return Changes(commits=_commits(site, git), files=files)


def _commits(site: Site, git: Git) -> int:
    """Made since the start: on the branch of that time, and on what is checked out now."""
    tree = site.tree
    tips = [program.head(git), program.commit(git, site.branch_ref) if tree.branch else None]
    wanted = list(dict.fromkeys(tip for tip in tips if tip is not None))
    if not wanted:
        return 0
    # Another branch that was only switched to has a past of its own, which is none of the run's doing.
    young = [f"--max-age={site.ground.at}"] if program.branch(git) != tree.branch else []
    known = ["--not", tree.base] if tree.base else []
    return int(git.line("rev-list", "--count", *young, *wanted, *known, limit=snapshot.LONG))


def _counted_branch(site: Site) -> Changes | None:
    """Of a worktree that is gone: what it has committed."""
    git, base = site.anchor(), site.tree.base
    if site.tree.worktree is None or base is None or program.commit(git, site.branch_ref) is None:
        return None
    commits = int(git.line("rev-list", "--count", site.branch_ref, "--not", base))
    return Changes(commits, snapshot.differing(git, base, site.branch_ref, []))


def _shown(git: Git, before: str, after: str, but: list[bytes]) -> str:
    data, more = snapshot.patch(git, before, after, but, DIFF_BYTES)
    if more:
        data = data[: data.rfind(b"\n") + 1] + b"[cut here: the rest is too long to show]\n"
    return data.decode("utf-8", "replace")


# --- what becomes of it ----------------------------------------------------------------------------------------------


def _settled(site: Site, *, undo: bool) -> str:
    """In words."""
    told_first = ""
    if undo:
        try:
            with told():
                roll_back(site)
        except WorkspaceError as error:
            told_first = f"not rolled back: {error}"
        else:
            return "rolled back"
    if site.tree.worktree is None:
        return told_first
    try:
        after = _settled_worktree(site, Path(site.tree.worktree))
    except (GitError, OSError, WorkspaceError) as error:
        after = safe(f"worktree kept: {error}")
    return f"{told_first}; {after}" if told_first else after


def _discard(site: Site) -> None:
    """What was made for a run in which no leg has run."""
    tree, git = site.tree, site.anchor()
    if tree.snapshot is not None:
        git.run("update-ref", "-d", tree.snapshot)
    if tree.worktree is not None and tree.branch is not None and tree.base is not None:
        worktree.remove(git, Path(tree.worktree))
        worktree.remove_branch(git, tree.branch, tree.base)


def _settled_worktree(site: Site, path: Path) -> str:
    git, tree = site.anchor(), site.tree
    if path.exists() and not _clean(site, path):
        worktree.unlock(git, path)
        return f"branch {tree.branch} kept"
    worktree.remove(git, path)
    if tree.branch and tree.base and not worktree.remove_branch(git, tree.branch, tree.base):
        return f"branch {tree.branch} kept, its worktree is gone"
    return "nothing changed, worktree removed"


def _clean(site: Site, path: Path) -> bool:
    """Nothing in the worktree would be missed: no commit, no change, no untracked file but those carried there."""
    git, base = Git(str(path)), site.tree.base
    if program.head(git) != base or program.commit(git, site.branch_ref) != base:
        return False
    with site.look() as found:
        files = snapshot.differing(found.scene.git, base or "", found.state.tree, found.scene.others())
        return files == 0 and not found.state.left_out and not snapshot.elsewhere(found.scene)


# --- words -----------------------------------------------------------------------------------------------------------


def _store(git: Git) -> str:
    return git.line("rev-parse", "--path-format=absolute", "--git-common-dir")


def _not_held(state: State, inner: list[str]) -> str:
    """What the snapshot does not hold, in a sentence; empty when it holds everything."""
    parts = []
    if not state.every:
        parts.append(f"no untracked files are in the snapshot: there are more than {snapshot.MOST_FILES:,}")
    if state.left_out:
        parts.append(f"not in the snapshot: {named([os.fsdecode(path) for path in state.left_out])}")
    if inner:
        parts.append(f"not in the snapshot: changes inside of the submodules {named(inner)}")
    return "; ".join(parts)
