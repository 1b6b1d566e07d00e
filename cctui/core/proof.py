"""A finished run in words: what it claims against what is proven, what git counted, and where.  Pure.

Never says *proven* where nothing has checked it, and never shows a count that nobody has made.
"""

from __future__ import annotations

from cctui.core.words import safe
from cctui.core.world import Record

DOT = "·"
SHA = 7
"""Characters of a commit that are shown."""


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


def words(record: Record, dot: str = DOT) -> str:
    """``says done · check passed``."""
    return told(record.claimed, record.proven, record.check_exit, dot)


def told(claimed: bool | None, proven: bool | None, check_exit: int | None, dot: str = DOT) -> str:
    """The same of the values alone; empty where neither was written down."""
    if claimed is None and proven is None:
        return ""
    says = "says done" if claimed else "does not say done"
    ended = f" (exit {check_exit})" if check_exit else ""
    checked = {True: "check passed", False: f"check failed{ended}", None: "nothing checked it"}[proven]
    return f"{says} {dot} {checked}"


def counted(number: int, word: str) -> str:
    """``1 commit``, ``1,204 files``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def changes(record: Record, dot: str = DOT) -> str:
    """``2 commits · 5 files changed``; empty when nobody has counted."""
    return totals(record.commits, record.files_changed, dot)


def totals(commits: int | None, files: int | None, dot: str = DOT) -> str:
    """The same of the values alone."""
    parts = [] if commits is None else [counted(commits, "commit")]
    parts += [] if files is None else [f"{counted(files, 'file')} changed"]
    return f" {dot} ".join(parts)


def place(record: Record) -> str:
    """``branch cctui/x from 3fa9c1d``."""
    branch = f"branch {safe(record.branch)}" if record.branch else ""
    base = f"from {safe(record.base_commit)[:SHA]}" if record.base_commit else ""
    return f"{branch} {base}".strip()
