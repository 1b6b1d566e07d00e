"""Temporary files that a killed engine or runner has left: hidden drafts of our own, nothing else.

Only under the root's lock, and once at the start: no other process of ours writes then, except runners, whose drafts
lie in their run folders and are left alone.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from cctui.places import PHASES, Places

OWN = ".cctui-*.tmp"
"""The drafts of `adapters.atomic`."""
DRAFTS = ".*.tmp"
"""Run folders that were never whole."""


def sweep_away(places: Places) -> None:
    """Remove them; what cannot be removed stays."""
    for folder in _folders(places):
        for file in folder.glob(OWN):
            with contextlib.suppress(OSError):
                file.unlink()
    for draft in places.runs.glob(DRAFTS):
        shutil.rmtree(draft, ignore_errors=True)


def _folders(places: Places) -> Iterator[Path]:
    yield from (places.tasks / name for name in PHASES)
    yield from (places.context, places.notes, places.state)
    yield from sorted(day for day in places.notes.glob("*-*-*") if day.is_dir())[-2:]
