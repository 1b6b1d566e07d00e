"""A line of tappable entries: the pane strip, the hint line, the title of a sub-screen.

One line of text, redrawn only where it changed (Textual's own Footer costs 25 kB per change of focus).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.dom import DOMNode
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from cctui.tui.cells import Span, changed, fit, strip, wide
from cctui.tui.messages import Scene


@dataclass(frozen=True, slots=True)
class Entry:
    spans: tuple[Span, ...]
    action: str = ""
    """What a tap does; empty: nothing."""
    node: DOMNode | None = None
    """Whose action it is; None: the screen's."""

    @property
    def width(self) -> int:
        return wide(self.spans)


class Bar(Widget):
    """`left` gives way from its end; `right` is never clipped as long as it fits at all."""

    def __init__(self, scene: Scene, *, id: str | None = None, gap: int = 2, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.scene = scene
        self.gap = gap
        self.left: tuple[Entry, ...] = ()
        self.right: tuple[Entry, ...] = ()
        self.painted: Strip | None = None

    def show(self, left: Sequence[Entry], right: Sequence[Entry] = ()) -> None:
        if (self.left, self.right) == (tuple(left), tuple(right)):
            return
        self.left, self.right = tuple(left), tuple(right)
        if self.painted is None or self.painted.cell_length != self.size.width:
            self.refresh()
        elif span := changed(self.painted, self.line()):
            self.refresh(Region(span[0], 0, span[1] - span[0], 1))

    def holds(self, left: Sequence[Entry], right: Sequence[Entry]) -> bool:
        """Whether there is room for all of them."""
        return 1 + sum(entry.width + self.gap for entry in (*left, *right)) <= self.size.width + self.gap

    def render_line(self, y: int) -> Strip:
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        self.painted = self.line()
        return self.painted

    def line(self) -> Strip:
        placed = self.placed()
        spans: list[Span] = []
        at = 0
        for x, entry in placed:
            spans += [(" " * (x - at), ""), *entry.spans]
            at = x + entry.width
        return strip(
            fit([*spans, ("", "")], (), self.size.width),
            self.size.width,
            self.scene.palette,
            self.rich_style,
            plain=self.scene.signs.plain,
        )

    def placed(self) -> list[tuple[int, Entry]]:
        """Where each entry stands: its first cell."""
        ends = sum(entry.width + self.gap for entry in self.right)
        room = self.size.width - ends
        placed: list[tuple[int, Entry]] = []
        x = 1
        for entry in self.left:
            if placed and x + entry.width > room:
                break
            placed.append((x, entry))
            x += entry.width + self.gap
        x = max(x, self.size.width - ends + self.gap - 1)
        for entry in self.right:
            placed.append((x, entry))
            x += entry.width + self.gap
        return placed

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        for x, entry in self.placed():
            # Half of the gap on either side belongs to the entry: fingers are wide.
            if x - 1 <= event.x <= x + entry.width and entry.action:
                await self.app.run_action(entry.action, entry.node or self.screen)
                return
