"""A text of toned lines that scrolls: laid out for the width there is, so that nothing ever leaves it sideways.

Promises: every line is inert text of the terminal's width; a long text costs what a screenful does; a change repaints
only the lines that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cctui.tui.cells import Span, strip, wrap
from cctui.tui.messages import Scene


@dataclass(frozen=True, slots=True)
class Line:
    spans: tuple[Span, ...] = ()
    name: str = ""
    """What other lines may lead to it by."""
    to: str = ""
    """Name of the line that a tap on this one leads to."""


Lay = Callable[[int], Iterable[Line]]
"""Width in cells → the lines, none of which is wider."""


def prose(text: str, width: int, tone: str = "", *, lead: Sequence[Span] = ()) -> Iterator[Line]:
    """Words of `text` below each other, beside `lead`, which stands once."""
    indent = sum(cell_len(part) for part, _ in lead)
    for i, piece in enumerate(wrap(text, max(width - indent, 8)) or [""]):
        yield Line((*(lead if i == 0 else [(" " * indent, "")]), (piece, tone)))


def head(title: str, *, first: bool = False) -> Iterator[Line]:
    """The heading of a part."""
    if not first:
        yield Line()
    yield Line(((title, "accent"),))


def fold(found: Iterable[Span], width: int) -> Iterator[Sequence[Span]]:
    """The lines in pieces of at most `width` cells.  A piece that goes on begins with dots, so that none of its own
    letters can pass for the first one of a line."""
    for text, tone in found:
        more: tuple[Span, ...] = ()
        while cell_len(text) > width - len(more):
            room = width - len(more)
            piece = text[:room] if text.isascii() else set_cell_size(text, room).rstrip() or text[:1]
            yield *more, (piece, tone)
            text, more = text[len(piece) :], (("…", "dim"),)
        yield *more, (text, tone)


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """Of the lines only the visible ones are drawn."""

    def __init__(self, scene: Scene, *, id: str) -> None:
        super().__init__(id=id)
        self.scene = scene
        self.lay: Lay = lambda width: ()
        self.laid: tuple[Line, ...] = ()

    def put(self, lay: Lay) -> None:
        """Show this from where it is."""
        self.lay = lay
        self.lay_out()

    def go(self, at: int) -> None:
        """To that line; the end for a negative number."""
        self.scroll_to(y=len(self.laid) if at < 0 else at, animate=False)

    def lay_out(self) -> None:
        width = max(8, self.scrollable_content_region.width)
        before, self.laid = self.laid, tuple(self.lay(width))
        size = Size(width, len(self.laid))
        if size != self.virtual_size:
            self.virtual_size = size
        for y in range(self.scrollable_content_region.height):
            at = y + self.scroll_offset.y
            if before[at : at + 1] != self.laid[at : at + 1]:
                self.refresh(Region(0, y, width, 1))

    def on_resize(self) -> None:
        self.lay_out()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, at = self.scrollable_content_region.width, y + self.scroll_offset.y
        spans = self.laid[at].spans if at < len(self.laid) else ()
        return strip(spans, width, self.scene.palette, self.rich_style, plain=self.scene.signs.plain)

    # --- from line to line

    def places(self) -> list[int]:
        """Where the lines with a name stand."""
        return [at for at, line in enumerate(self.laid) if line.name]

    def go_on(self, way: int) -> None:
        """To the next line with a name, or the one before."""
        top = self.scroll_offset.y
        found = [at for at in self.places() if (at > top if way > 0 else at < top)]
        if found:
            self.scroll_to(y=found[0 if way > 0 else -1], animate=False)

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset_capture(self).y + self.scroll_offset.y
        wanted = self.laid[at].to if 0 <= at < len(self.laid) else ""
        place = next((i for i, line in enumerate(self.laid) if wanted and line.name == wanted), None)
        if place is not None:
            self.scroll_to(y=place, animate=False)
