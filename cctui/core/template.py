"""A person's own runner: a command template of the settings, and the command line that it becomes.  Pure.

Promises: the template is split into words before anything is filled in, and no shell reads the result: whatever a
folder or a task is called, it stays a part of one word.  The prompt comes on standard input in any case.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from cctui.core.values import near

PLACEHOLDERS = ("prompt_file", "folder", "task", "run_dir", "model")
_PLACE = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""``${HOME}`` is a shell's, should the template start one."""


def words(template: str) -> tuple[str, ...]:
    """The words of the command line, not filled in yet; ValueError says what a template may be."""
    if not template.isprintable():
        raise ValueError("a command line, on one line")
    try:
        found = tuple(shlex.split(template))
    except ValueError as error:
        raise ValueError(f"a command line ({str(error).lower()})") from None
    if not found or not found[0].strip():
        raise ValueError("a command line that begins with a program")
    for name in (name for word in found for name in _PLACE.findall(word)):
        if name not in PLACEHOLDERS:
            close = near(name, PLACEHOLDERS)
            meant = f" (did you mean {{{close}}}?)" if close else ""
            allowed = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ValueError(f"a command line with no placeholders but {allowed}; it has {{{name}}}{meant}")
    return found


def filled(words: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The argument list; `values` holds a text for each of PLACEHOLDERS, an empty one for what the task has not.

    What is filled in is never read again; other braces stay."""
    return tuple(_PLACE.sub(lambda found: values.get(found[1], found[0]), word) for word in words)
