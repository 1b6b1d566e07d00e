"""The hint line: the keys that mean something here and now, read from the live bindings; refused ones are dim."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from textual.binding import ActiveBinding
from textual.screen import Screen

from cctui.core.world import Reason
from cctui.tui.bar import Bar, Entry
from cctui.tui.keys import PINNED, ids, shown


@runtime_checkable
class Refusing(Protocol):
    """Something with keys that may be refused for a reason."""

    def refused(self, action: str) -> Reason | None: ...


def show(screen: Screen[Any], bar: Bar) -> None:
    """Fill `bar` from what `screen` would do with a key now."""
    left: list[Entry] = []
    right: list[Entry] = []
    seen: set[str] = set()
    place = {name: i for i, name in enumerate(ids())}
    ours = [active for active in screen.active_bindings.values() if active.binding.show and active.binding.id in place]
    # What the focused list can do stands before what works everywhere.
    for active in sorted(ours, key=lambda active: (active.node is screen, place[active.binding.id or ""])):
        binding = active.binding
        if binding.action in seen:
            continue
        seen.add(binding.action)
        (right if binding.id in PINNED else left).append(entry(active))
    bar.show(left, right)


def entry(active: ActiveBinding) -> Entry:
    node, binding = active.node, active.binding
    action = binding.action
    dim = isinstance(node, Refusing) and node.refused(action) is not None
    spans = ((shown(binding.key), "dim" if dim else "accent"), (f" {binding.description}", "dim" if dim else ""))
    return Entry(spans, action, node)
