"""The morning reports: one Markdown file per day below logs/scheduler/reports.

Promises: a file that a person has changed is never written over.  The last line holds a mark of all that stands above
it: as long as the two agree, the file is ours.  A report is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from cctui.adapters import atomic
from cctui.places import Places
from cctui.runner.redact import redact

MARK = re.compile(r"\n<!-- cctui ([0-9a-f]{16}): .*-->\s*\Z")
SAYS = "written by cctui; once you change it, it is yours and never written over"


class ReportError(OSError):
    """A report cannot be written, and why."""


def write(places: Places, day: str, text: str, *, anew: bool) -> Path | None:
    """The day's report, in place of one that nobody has changed if `anew`; None: there is one, and it was left.

    ReportError names the path, also when a person's file stands in the way of one that was wished anew."""
    path = path_of(places, day)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            if not anew:
                return None
            if not untouched(path.read_text("utf-8", "replace")):
                raise ReportError(f"{path} has been changed by hand: it is left as it is")
        atomic.write(path, marked(redact(text)).encode("utf-8", "replace"), atomic.default_mode())
    except ReportError:
        raise
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror}") from error
    return path


def path_of(places: Places, day: str) -> Path:
    """``logs/scheduler/reports/2026-11-21.md``; ReportError for what is no day."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        raise ReportError(f"a day is written like 2026-11-21, not {day!r:.40}")
    return places.reports / f"{day}.md"


def marked(text: str) -> str:
    body = text.rstrip("\n") + "\n"
    return f"{body}\n<!-- cctui {_sum(body)}: {SAYS} -->\n"


def untouched(text: str) -> bool:
    """Whether the file says still what we wrote."""
    found = MARK.search(text)
    return found is not None and _sum(text[: found.start()]) == found[1]


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
