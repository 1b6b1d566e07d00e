"""The person's editor: which command opens a file in it.  Starts nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

FALLBACK = "vi"
"""What every POSIX machine has."""


class EditorError(Exception):
    """No command line can be made of what the environment names."""


def editor_argv(environ: Mapping[str, str], file: Path) -> list[str]:
    """``$VISUAL``, else ``$EDITOR``, else vi, on that file.  Raises EditorError."""
    named = environ.get("VISUAL") or environ.get("EDITOR") or FALLBACK
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise EditorError(f"the editor {named!r} cannot be started ({error}): set EDITOR") from None
    return [*(words or [FALLBACK]), str(file)]
