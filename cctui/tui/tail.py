"""Toned lines that are read: folded to the width, of which only the visible ones are drawn.

Promises: new lines repaint only the cells that differ; a view of the end follows it, and one that a person has scrolled
away keeps its place whatever is added or falls off at the front.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cctui.tui.cells import Span, changed, strip, wide
from cctui.tui.messages import Scene

Line = Sequence[Span]


class Tail(ScrollView, can_focus=True, inherit_bindings=False):
    DEFAULT_CSS = "Tail { overflow-x: hidden; scrollbar-gutter: stable; }"

    class Scrolled(Message):
        """A person has left the end, or come back to it."""

    def __init__(self, scene: Scene, *, id: str, follow: bool = False) -> None:
        super().__init__(id=id)
        self.scene = scene
        self.follow = follow
        """Whether its place is the end, unless a person has scrolled away from there."""
        self.at_end = follow
        self.found: Sequence[Line] = ()
        self.folded: list[Line] = []
        self.starts: list[int] = []
        """For each line the first of its pieces."""
        if follow:
            # A bar would be drawn anew with every line that comes; its owner says when there are newer ones.
            self.styles.scrollbar_size_vertical = 0
        self.painted: dict[int, Strip] = {}
        """What stands on each visible line, by its place on the screen."""

    def put(self, found: Sequence[Line], gone: int = 0) -> None:
        """Show these lines; `gone` of those that were shown have fallen off at the front."""
        if found == self.found:
            return
        above = self.starts[gone] if 0 < gone < len(self.starts) else 0
        self.found = found
        self.fold(self.scroll_offset.y - above)

    def fold(self, top: int) -> None:
        width = max(8, self.scrollable_content_region.width)
        self.folded, self.starts = [], []
        for line in self.found:
            self.starts.append(len(self.folded))
            self.folded += pieces(line, width)
        size = Size(width, len(self.folded))
        if size != self.virtual_size:
            # Assigning it would lay the screen out anew, and draw every line of this widget again.
            self.set_reactive(ScrollView.virtual_size, size)
            self._scroll_update(size)
        end = max(0, len(self.folded) - self.scrollable_content_region.height)
        self.go(end if self.at_end else min(max(top, 0), end))
        self.repaint()

    def go(self, top: int) -> None:
        """There without a repaint of what stays the same."""
        if top != self.scroll_offset.y:
            self.set_scroll(None, top)

    def watch_scroll_y(self, old: float, new: float) -> None:
        # Not what ScrollView does by itself, which draws the whole widget again.
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new
        at_end = self.follow and round(new) >= len(self.folded) - self.scrollable_content_region.height
        if round(old) != round(new):
            self.repaint()
        if at_end is not self.at_end:
            self.at_end = at_end
            self.post_message(self.Scrolled())

    def repaint(self) -> None:
        """Refresh just the cells that would look different now."""
        width = self.scrollable_content_region.width
        for y in range(self.scrollable_content_region.height):
            old = self.painted.get(y)
            if old is None or old.cell_length != width:
                self.refresh(Region(0, y, width, 1))
            elif span := changed(old, self.strip(y, width)):
                self.refresh(Region(span[0], y, span[1] - span[0], 1))

    def on_resize(self) -> None:
        self.painted.clear()
        self.fold(self.scroll_offset.y)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        self.painted[y] = self.strip(y, self.scrollable_content_region.width)
        return self.painted[y]

    def strip(self, y: int, width: int) -> Strip:
        at = y + self.scroll_offset.y
        spans = self.folded[at] if at < len(self.folded) else []
        return strip(spans, width, self.scene.palette, self.rich_style, plain=self.scene.signs.plain)


def pieces(line: Line, width: int) -> Iterator[Line]:
    """A line in pieces of at most `width` cells, broken between words where that leaves no large hole."""
    if wide(line) <= width:
        yield line
        return
    piece: list[Span] = []
    room = width
    for text, tone in line:
        while cell_len(text) > room:
            head = _head(text, room, width)
            yield [*piece, (head, tone)]
            text, piece, room = text[len(head) :].removeprefix(" "), [], width
        piece.append((text, tone))
        room -= cell_len(text)
    if any(text for text, _ in piece):
        yield piece


def _head(text: str, room: int, width: int) -> str:
    """As much of a text as fits into `room` cells: up to a blank, if that leaves at most a third of the line empty.

    Empty only where a whole line follows."""
    head = text[:room] if text.isascii() else set_cell_size(text, room).rstrip()
    if text[len(head) : len(head) + 1] == " ":
        return head
    word = head[head.rfind(" ") + 1 :]
    if cell_len(word) <= width // 3 and (len(word) < len(head) or room < width):
        return head.removesuffix(word)
    return head if head or room < width else text[:1]
