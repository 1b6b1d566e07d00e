"""The dependency view as plain lines: who waits for whom, with guides drawn as text.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cctui.tui.signs import Signs


@dataclass(frozen=True, slots=True)
class Branch:
    key: str
    first: str = ""
    """Guide in front of the row's first line."""
    rest: str = ""
    """Guide in front of its other lines."""


def branches(names: Sequence[str], needs: Mapping[str, Sequence[str]], signs: Signs) -> list[Branch]:
    """Every name once, each below the last of those it needs; roots keep the given order.

    A cycle hangs from the first of its names in that order."""
    place = {name: i for i, name in enumerate(names)}
    parent: dict[str, str] = {}
    for name in names:
        known = [need for need in needs.get(name, ()) if need in place and not _below(parent, need, name)]
        if known:
            parent[name] = max(known, key=place.__getitem__)
    children: dict[str, list[str]] = {}
    for name in names:
        if name in parent:
            children.setdefault(parent[name], []).append(name)
    lines: list[Branch] = []
    # A stack instead of recursion: a chain may be longer than Python's stack.
    stack = [(name, "", "", True) for name in reversed(names) if name not in parent]
    while stack:
        name, guide, first, root = stack.pop()
        below = children.get(name, [])
        inner = guide if root else guide + ("  " if first == signs.corner else signs.pipe)
        lines.append(Branch(name, guide + first, inner + (signs.pipe if below else "")))
        stack += [
            (child, inner, signs.corner if i == 0 else signs.branch, False) for i, child in enumerate(reversed(below))
        ]
    return lines


def _below(parent: Mapping[str, str], name: str, top: str) -> bool:
    """Whether `name` hangs below `top` already: then `top` cannot hang below it."""
    while name != top:
        if name not in parent:
            return False
        name = parent[name]
    return True
