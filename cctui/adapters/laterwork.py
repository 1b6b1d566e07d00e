"""A folder as a run in place has left it: what came later is somebody else's, neither shown nor undone as the run's.

Promises: the state at the end is kept by ``refs/cctui/results/RUN``; nothing else is changed here.
"""

from __future__ import annotations

from collections.abc import Callable

from cctui.adapters import git as program
from cctui.adapters import snapshot, treefile
from cctui.adapters.git import GitError
from cctui.adapters.site import RESULTS, Found, Site, WorkspaceError
from cctui.adapters.treefile import End
from cctui.core.words import safe
from cctui.core.world import Changes


def left(site: Site, counted: Callable[[Site, Found], Changes]) -> End | None:
    """A folder in place as the run leaves it, kept by a ref, so that later work is never taken for the run's."""
    if site.tree.worktree is not None or site.tree.snapshot is None:
        return None
    try:
        with site.look() as found:
            git = found.scene.git
            head = program.head(git)
            ref = f"{RESULTS}/{site.run_id}"
            snapshot.keep(found.scene, found.state, ref, f"cctui: after run {site.run_id}", [head] if head else [])
            return End(counted(site, found), tree=found.state.tree, head=head or "")
    except (GitError, OSError, WorkspaceError):
        return None


def refuse_later_work(site: Site) -> None:
    """A rollback would undo everything since the start of the run: not silently what others have done after its end."""
    end = treefile.read_end(site.run)
    if end is None or not end.tree or treefile.read_undone(site.run).saved:
        return
    with site.look() as found:
        git = found.scene.git
        files = snapshot.differing(git, end.tree, found.state.tree, found.scene.others())
        moved = (program.head(git) or "") != end.head
    if not files and not moved:
        return
    what = [f"{files} {'file has' if files == 1 else 'files have'} changed"] if files else []
    what += ["commits were made or another branch is checked out"] if moved else []
    raise WorkspaceError(
        f"Since the run {site.run_id} ended {' and '.join(what)} in {safe(site.top)}: a rollback would undo that too. "
        "Look at `ccq diff`, undo the run's part by hand, or use --force (everything undone is saved in a ref first)."
    )
