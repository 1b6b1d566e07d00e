"""Undoing what a run changed.

Promises: what is undone is kept by ``refs/cctui/saved/RUN`` before the first file changes; made again after a kill at
any moment, a rollback ends as it would have; one that is done is not done twice.  A branch is only moved back along its
own line, and only while it is where it was seen.  What no ref can keep (work inside of submodules and of other
repositories) is never removed.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from cctui.adapters import git as program
from cctui.adapters import snapshot, treefile, worktree
from cctui.adapters.git import Git
from cctui.adapters.site import SAVED, Found, Site, WorkspaceError
from cctui.adapters.treefile import Undone
from cctui.core.words import safe

_NAMED = 5
"""How many paths a sentence names."""


def named(paths: list[str]) -> str:
    """``a, b, c and 12 more``."""
    shown = ", ".join(safe(path, 80) for path in paths[:_NAMED])
    return shown if len(paths) <= _NAMED else f"{shown} and {len(paths) - _NAMED} more"


def roll_back(site: Site) -> str:
    """The sentence of what was done; GitError or WorkspaceError when it cannot be."""
    undone = treefile.read_undone(site.run)
    if undone.said:
        return f"It was rolled back already. {undone.said}"
    said = _worktree(site) if site.tree.worktree is not None else _in_place(site)
    treefile.write_undone(site.run, replace(treefile.read_undone(site.run), said=said))
    end = treefile.read_end(site.run)
    if end is not None:
        treefile.write_end(site.run, replace(end, changes=replace(end.changes, kept="rolled back")))
    return said


# --- saving ----------------------------------------------------------------------------------------------------------


def _saved(site: Site, git: Git) -> list[str]:
    """The refs that keep what has been undone so far."""
    return [ref for ref in treefile.read_undone(site.run).saved if program.commit(git, ref) is not None]


def _free_ref(site: Site, git: Git) -> str:
    """A ref nothing has, noted before it is made."""
    ref, number = f"{SAVED}/{site.run_id}", 2
    while program.commit(git, ref) is not None:
        ref, number = f"{SAVED}/{site.run_id}-{number}", number + 1
    treefile.write_undone(site.run, Undone((*_saved(site, git), ref)))
    return ref


def _save(site: Site, found: Found, parents: list[str]) -> None:
    """Keep the work tree as it is, unless the last ref of this rollback does that already."""
    git = found.scene.git
    saved = _saved(site, git)
    if saved:
        same_files = git.line("rev-parse", f"{saved[-1]}^{{tree}}") == found.state.tree
        if same_files and all(git.holds("merge-base", "--is-ancestor", parent, saved[-1]) for parent in parents):
            return
    subject = f"cctui: what run {site.run_id} left, before its rollback"
    snapshot.keep(found.scene, found.state, _free_ref(site, git), subject, parents, fresh=True)


def _not_kept(found: Found) -> list[str]:
    """What is there and in no commit of ours."""
    left_out = (os.fsdecode(path) for path in found.state.left_out)
    return sorted({*snapshot.elsewhere(found.scene), *left_out})


# --- a worktree ------------------------------------------------------------------------------------------------------


def _worktree(site: Site) -> str:
    git, tree, path = site.anchor(), site.tree, Path(site.top)
    tip = program.commit(git, site.branch_ref)
    if path.is_dir():
        _save_worktree(site, tip)
    elif tip is not None and tip != tree.base:
        _save_branch(site, git, tip)
    worktree.remove(git, path)
    branch_gone = tip is None or worktree.remove_branch(git, tree.branch or "", tip)
    saved = _saved(site, git)
    if not saved:
        return "Its worktree and its branch are gone; there was nothing to save."
    what = f"The worktree and the branch {tree.branch} are gone"
    if not branch_gone:
        what = f"The worktree is gone; the branch {tree.branch} is checked out elsewhere and stays"
    return f"{what}; everything is kept by {' and '.join(saved)}."


def _save_worktree(site: Site, tip: str | None) -> None:
    with site.look(whole=True) as found:
        worktree.free_index(found.scene.repo.private)
        if inner := _not_kept(found):
            text = f"no ref can keep what lies in {named(inner)}: save or remove it, then roll back."
            raise WorkspaceError(f"{safe(site.top)} is not removed: {text}")
        head = program.head(found.scene.git)
        _save(site, found, [commit for commit in (head, tip) if commit is not None])


def _save_branch(site: Site, git: Git, tip: str) -> None:
    """The worktree has gone another way: what it committed is still there."""
    if any(git.holds("merge-base", "--is-ancestor", tip, ref) for ref in _saved(site, git)):
        return
    git.run("update-ref", _free_ref(site, git), tip, "")


# --- in place --------------------------------------------------------------------------------------------------------


def _in_place(site: Site) -> str:
    tree = site.tree
    if tree.snapshot is None:
        raise WorkspaceError(f"There is no snapshot to go back to{f': {tree.trouble}' if tree.trouble else '.'}")
    scene = site.scene()
    target = program.commit(scene.git, tree.snapshot)
    if target is None:
        raise WorkspaceError(f"The snapshot {tree.snapshot} is gone: there is nothing to go back to.")
    if word := program.under_way(scene.repo.private):
        raise WorkspaceError(f"A {word} is under way in {safe(tree.repo)}: finish or abort it, then roll back.")
    worktree.free_index(scene.repo.private)
    with site.look(like=target) as found:
        here = program.head(scene.git)
        _save(site, found, [] if here is None else [here])
        inner = _not_kept(found)
        files = snapshot.restore(found.scene, found.index, target, every=site.ground.every)
    Path(tree.folder).mkdir(parents=True, exist_ok=True)  # git does not keep an empty folder
    _unstage(site, scene.git)
    moved = _move_head(site, scene.git)
    left = f" Left as it is: {named(inner)}." if inner else ""
    kept = " and ".join(_saved(site, scene.git))
    return f"{files} files are as before the run; {moved}. What was undone is kept by {kept}.{left}"


def _unstage(site: Site, git: Git) -> None:
    """The person's index as it was; that of the commit, when it could not be read then."""
    index = site.ground.index or site.tree.base or snapshot.nothing(git)
    git.run("read-tree", "--reset", index)
    git.run("update-index", "-q", "--refresh", accept=(0, 1), limit=snapshot.LONG)


def _move_head(site: Site, git: Git) -> str:
    """Move what was checked out back to where it was, if it still is; what came of it, as half a sentence."""
    base, branch = site.tree.base, site.tree.branch
    here, now = program.head(git), program.branch(git)
    what = branch or "HEAD"
    if now != branch:
        return f"{now or (here or '')[:9]} stays checked out, {what} was before"
    if here == base or here is None:
        return f"{what} is where it was"
    why = f"cctui: rollback of run {site.run_id}"
    if base is None:
        git.run("update-ref", "-m", why, "-d", f"refs/heads/{branch}", here)
        return f"{what} has no commit again"
    if not git.holds("merge-base", "--is-ancestor", base, here):
        return f"{what} stays at {here[:9]}, which did not grow from {base[:9]}"
    git.run("update-ref", "-m", why, "HEAD", base, here)
    return f"{what} is back at {base[:9]}"
