"""What a person has said to a run: kept in its folder until its conversation has heard it, whoever dies meanwhile.

Heard is what a hook has said to the agent (``heard-N``), and what the prompt of a leg holds (``words`` in its file,
which is written after the prompt, whole or not at all).  It reads and writes one run folder, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cctui.adapters.runfiles import LegFile
from cctui.runner import files
from cctui.runner.spoken import END, HEARD, WORDS, numbers


def keep(folder: Path, number: int, text: str) -> None:
    """Put the words there, whole or not at all.  Raises OSError."""
    draft = folder / f".{WORDS}{number}.tmp"
    try:
        files.write_synced(str(draft), text.encode("utf-8", "replace"))
        draft.rename(folder / f"{WORDS}{number}{END}")
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    files.sync_folder(str(folder))


def count(folder: Path, legs: Sequence[LegFile]) -> tuple[int, int]:
    """How many words lie there, and how many of them have been heard: each the highest number."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return 0, 0
    said = max(numbers(names, WORDS, END), default=0)
    if not said:
        return 0, 0
    return said, max((*numbers(names, HEARD), *(leg.plan.words for leg in legs)), default=0)


def unheard(folder: Path, legs: Sequence[LegFile]) -> tuple[int, tuple[str, ...]]:
    """The number of the newest words, and the text of all that none of `legs` has heard, oldest first."""
    said, reached = count(folder, legs)
    texts = (_text(folder / f"{WORDS}{number}{END}") for number in range(reached + 1, said + 1))
    return said, tuple(text for text in texts if text)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
