"""Notes: one line of what happened, kept in the World for every face.  Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cctui.core.world import Level, Note, World

KEEP = 200


def noted(
    world: World, now: datetime, level: Level, text: str, *, task: str | None = None, run_id: str | None = None
) -> World:
    """`world` with one more note; numbers rise for ever, the oldest notes go."""
    seq = world.notes[-1].seq + 1 if world.notes else 1
    note = Note(seq, now, level, text, task, run_id)
    return replace(world, notes=(*world.notes[-(KEEP - 1) :], note))
