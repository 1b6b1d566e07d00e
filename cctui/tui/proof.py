"""A finished run on the screen: its record, its proof in words, why it cannot be undone, what undoing it would do.

The words are made in the core and offered here again, so that a page needs only this module."""

from __future__ import annotations

from cctui.core import view
from cctui.core.proof import changes, counted, look, mark, place, words
from cctui.core.world import Reason, Record, Why, World

__all__ = ["changes", "counted", "find", "look", "mark", "no_undo", "place", "undoing", "words"]

OWN_BRANCHES = "cctui/"
"""How the branch of a run in a worktree of its own begins."""


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
