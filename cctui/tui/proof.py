"""A finished run in words: what it claims against what is proven, what git counted, what undoing it would do.  Pure.

Never says *proven* where nothing has checked it, and never shows a count that nobody has made."""

from __future__ import annotations

from cctui.core import view
from cctui.core.world import Reason, Record, Why, World
from cctui.tui.openrun import SHA

OWN_BRANCHES = "cctui/"
"""How the branch of a run in a worktree of its own begins."""


def look(record: Record) -> str:
    """Its sign and its word: ``proven``, ``unproven``, ``disproved``; empty where neither was written down."""
    if record.claimed is None and record.proven is None:
        return ""
    if record.proven is None:
        return "unproven"
    return "proven" if record.proven else "disproved"


def mark(record: Record) -> str:
    """The sign that stands in a list: of a run that failed its outcome has said all."""
    return look(record) if record.success else ""


def words(record: Record, dot: str) -> str:
    """``says done · check passed``."""
    if not look(record):
        return ""
    says = "says done" if record.claimed else "does not say done"
    ended = f" (exit {record.check_exit})" if record.check_exit else ""
    checked = {True: "check passed", False: f"check failed{ended}", None: "nothing checked it"}[record.proven]
    return f"{says} {dot} {checked}"


def counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def changes(record: Record, dot: str) -> str:
    """``2 commits · 5 files changed``; empty when nobody has counted."""
    parts = [] if record.commits is None else [counted(record.commits, "commit")]
    parts += [] if record.files_changed is None else [f"{counted(record.files_changed, 'file')} changed"]
    return f" {dot} ".join(parts)


def place(record: Record) -> str:
    """``branch cctui/x from 3fa9c1d``."""
    branch = f"branch {view.safe(record.branch)}" if record.branch else ""
    base = f"from {view.safe(record.base_commit)[:SHA]}" if record.base_commit else ""
    return f"{branch} {base}".strip()


# --- undoing ---------------------------------------------------------------------------------------------------------


def find(world: World, key: str) -> Record | None:
    """By run id, or by task and moment for a run of an older version, which has none."""
    return next((one for one in world.records if key in (one.run_id, f"{one.task_id} {one.timestamp}")), None)


def no_undo(record: Record | None) -> Reason | None:
    """Why there is nothing to go back to, as far as the record tells; the engine may know more."""
    if record is None:
        return Reason(Why.STATE, "this run is not in the history yet")
    known = (record.branch, record.base_commit, record.files_changed)
    if not record.run_id or all(value is None for value in known):
        return Reason(Why.STATE, f"{record.task_id} worked in no git folder: nothing was kept to go back to")
    return None


def undoing(record: Record) -> str:
    """What rolling back would do, as a question."""
    name = view.short(record.task_id)
    if record.branch and record.branch.startswith(OWN_BRANCHES):
        gone = f"Its worktree and the branch {view.safe(record.branch, 60)} go."
        return f"Roll back {name}? {gone} A ref keeps what they hold."
    folder = view.safe(record.project or "its folder", 60)
    since = "Whatever has changed there since goes, too."
    return f"Roll back {name}? {folder} becomes as it was before the run. {since} A ref keeps all that is undone."
