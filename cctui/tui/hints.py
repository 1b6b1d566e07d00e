"""The hint line: the keys that mean something here and now, read from the live bindings; refused ones are dim."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from textual.binding import ActiveBinding
from textual.screen import Screen

from cctui.core.world import Reason
from cctui.tui.bar import Bar, Entry
from cctui.tui.keys import PINNED, ids, shown
from cctui.tui.rowlist import RowList

PLACE = {name: i for i, name in enumerate(ids())}
"""Where each action stands in the table of keys."""
MORE = "app.command_palette"


@runtime_checkable
class Refusing(Protocol):
    """Something with keys that may be refused for a reason."""

    def refused(self, action: str) -> Reason | None: ...


def show(screen: Screen[Any], bar: Bar) -> None:
    """Fill `bar` from what `screen` would do with a key now."""
    left: list[Entry] = []
    right: list[Entry] = []
    seen: set[str] = set()
    ours = [active for active in screen.active_bindings.values() if active.binding.show and active.binding.id in PLACE]
    if isinstance(focused := screen.focused, RowList) and focused.busy:
        ours = [active for active in ours if active.node is focused]
    for active in sorted(ours, key=lambda active: order(screen, active)):
        binding = active.binding
        if binding.action in seen:
            continue
        seen.add(binding.action)
        (right if binding.id in PINNED else left).append(entry(active))
    more = next((active for active in screen.active_bindings.values() if active.binding.action == MORE), None)
    if more and MORE not in seen and not bar.holds(left, right):
        # What has no room here is one tap away all the same.
        right.insert(0, entry(more))
    bar.show(left, right)


def order(screen: Screen[Any], active: ActiveBinding) -> tuple[bool, bool, int]:
    """What the focused list can do stands before what works everywhere, what is pinned or no hint after both."""
    binding = active.binding
    return not binding.show or binding.id in PINNED, active.node is screen, PLACE.get(binding.id or "", len(PLACE))


def entry(active: ActiveBinding) -> Entry:
    node, binding = active.node, active.binding
    action = binding.action
    dim = isinstance(node, Refusing) and node.refused(action) is not None
    spans = ((shown(binding.key), "dim" if dim else "accent"), (f" {binding.description}", "dim" if dim else ""))
    return Entry(spans, action, node)
