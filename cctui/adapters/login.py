"""Has a person logged in again?  Claude Code's login file seen from outside: its contents are never read."""

from __future__ import annotations

from collections.abc import Mapping

from cctui.adapters.credentials import config_folder, login_file
from cctui.core.settings import Settings

Stamp = tuple[int, int, int]


def stamp(settings: Settings, environ: Mapping[str, str]) -> Stamp | None:
    """(nanoseconds of its last change, bytes, inode); another answer means another login.  None: there is none."""
    try:
        found = login_file(config_folder(settings, environ)).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
