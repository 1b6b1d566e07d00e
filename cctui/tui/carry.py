"""Carrying one task to another place of the line, before it is dropped there.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cctui.core.world import Move, Place


@dataclass(frozen=True, slots=True)
class Carry:
    name: str
    place: int
    """Where in the line it would be dropped; 0 is the top."""

    def to(self, place: int, line: Sequence[str]) -> Carry:
        return Carry(self.name, max(0, min(place, len(line) - 1)))

    def order(self, names: Sequence[str]) -> list[str]:
        """`names` with the task where it is carried."""
        others = [name for name in names if name != self.name]
        others.insert(min(self.place, len(others)), self.name)
        return others

    def dropped(self, line: Sequence[str]) -> Move | None:
        """What dropping it here asks for, named by the neighbour it was carried past: that says which priority it
        joins.  None: it is where it was."""
        was, moved = line.index(self.name), self.order(line)
        if self.place == was:
            return None
        if self.place == 0:
            return Move(self.name, Place.TOP)
        if self.place == len(line) - 1:
            return Move(self.name, Place.BOTTOM)
        if self.place < was:
            return Move(self.name, Place.BEFORE, moved[self.place + 1])
        return Move(self.name, Place.AFTER, moved[self.place - 1])
