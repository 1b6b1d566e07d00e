"""What a run folder knows of git: where the run works (tree.json), what it changed (changes.json), what was undone
(rollback.json).  Values in and out; no git is asked here.

Files are JSON objects written whole.  A reader passes over keys it does not know; paths that are no UTF-8 come back as
they were (surrogates, as everywhere in Python).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from cctui.core.world import Changes, Tree
from cctui.runner import files

TREE, CHANGES, ROLLBACK = "tree.json", "changes.json", "rollback.json"


@dataclass(frozen=True, slots=True)
class Ground:
    """A run's tree, and what only git's side of it needs to know."""

    tree: Tree
    ready: bool = False
    """Everything that `tree` names is there.  Until then it is an intent, and no leg has run."""
    store: str = ""
    """The repository's own folder, shared by all its work trees."""
    at: int = 0
    """When the run began: seconds since the epoch."""
    index: str | None = None
    """The git tree of what was staged; None: it could not be written."""
    every: bool = True
    """The snapshot holds all untracked files but those in `left_out`."""
    left_out: tuple[str, ...] = ()
    """What the snapshot does not hold, relative to the top; a folder ends with a slash."""
    carried: Mapping[str, str] = field(default_factory=dict)
    """What was copied into the worktree, relative to its top → the copy's fingerprint."""


@dataclass(frozen=True, slots=True)
class End:
    """What a run changed, as it was counted when it ended."""

    changes: Changes
    done: bool = False
    """What was to become of it has become of it."""
    tree: str = ""
    """Of a run in place: the git tree of the folder as the run left it; empty: not known."""
    head: str = ""
    """The commit that was checked out then."""


@dataclass(frozen=True, slots=True)
class Undone:
    """A rollback, under way or done."""

    saved: tuple[str, ...] = ()
    """Refs that keep what was undone, the first one first."""
    said: str = ""
    """What was done, in a sentence; empty until it is."""


def read_tree(folder: Path) -> Tree | None:
    """Where the run in `folder` works; None until that is ready, or when it works in no repository."""
    ground = read_ground(folder)
    return ground.tree if ground is not None and ground.ready else None


def read_ground(folder: Path) -> Ground | None:
    raw = files.read(str(folder), TREE)
    if raw is None:
        return None
    try:
        tree = Tree(**_known(raw, Tree))
        rest = _known(raw, Ground) | {"left_out": tuple(raw.get("left_out") or ())}
        return Ground(**(rest | {"tree": tree}))
    except TypeError:
        return None


def write_ground(folder: Path, ground: Ground) -> None:
    value = asdict(ground)
    files.put(str(folder), TREE, value.pop("tree") | value)


def read_end(folder: Path) -> End | None:
    raw = files.read(str(folder), CHANGES)
    if raw is None:
        return None
    try:
        known = str(raw.get("tree") or ""), str(raw.get("head") or "")
        return End(Changes(**_known(raw, Changes)), raw.get("done") is True, *known)
    except TypeError:
        return None


def write_end(folder: Path, end: End) -> None:
    files.put(str(folder), CHANGES, asdict(end.changes) | {"done": end.done, "tree": end.tree, "head": end.head})


def read_undone(folder: Path) -> Undone:
    raw = files.read(str(folder), ROLLBACK) or {}
    return Undone(tuple(raw.get("saved") or ()), str(raw.get("said") or ""))


def write_undone(folder: Path, undone: Undone) -> None:
    files.put(str(folder), ROLLBACK, asdict(undone))


def _known(raw: Mapping[str, Any], kind: type[Tree] | type[Ground] | type[Changes]) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}
    return {name: value for name, value in raw.items() if name in names}
