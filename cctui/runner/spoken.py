"""A person's words to a run that is at work: files in its folder that its hooks say to the agent, each once.

``words-N.md`` is put there whole by whoever keeps them; ``heard-N`` says that they have been said.  Standard library
only, and nothing is imported: a tool call waits for it.
"""

from __future__ import annotations

import os

WORDS, HEARD, END = "words-", "heard-", ".md"


def numbers(names: list[str], start: str, end: str = "") -> list[int]:
    """The numbers of the files that are called ``STARTnumberEND``, in order."""
    cut = [name[len(start) : len(name) - len(end)] for name in names if name.startswith(start) and name.endswith(end)]
    return sorted(int(part) for part in cut if part.isdigit())


def take(folder: str, already: int) -> list[str]:
    """What has not been said yet, in order, and from now on counts as said.  The first `already` went into the
    prompt."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    new = [number for number in numbers(names, WORDS, END) if number > already and f"{HEARD}{number}" not in names]
    return [text for number in new if (text := _claimed(folder, number))]


def _claimed(folder: str, number: int) -> str:
    """The words of one file, for the first who asks: calls of several tools may end at the same moment."""
    try:
        with open(os.path.join(folder, f"{WORDS}{number}{END}"), "rb") as file:
            text = file.read().decode("utf-8", "replace").strip()
        mark = os.path.join(folder, f"{HEARD}{number}")
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError:
        return ""
    return text
