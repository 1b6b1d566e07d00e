"""A list of rows of one or more lines, of which only the visible lines are ever drawn.

Promises: the cursor stays on the same row (by key) whatever happens around it; a change repaints only the cells that
differ; a thousand rows cost what a screenful does.  Holds no truth: rows are handed in, drawing is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cctui.core.words import short
from cctui.tui.cells import Span, changed, strip, wrap
from cctui.tui.keys import LIST
from cctui.tui.messages import Cursor, Scene


@dataclass(frozen=True, slots=True)
class Item:
    key: str
    """Identity through every reorder; empty for a line that cannot be chosen."""
    height: int = 2
    live: bool = False
    """Shows passing time: drawn again at every tick."""
    label: str = ""
    """Of a line that heads the rows below it."""


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    BINDINGS = [*LIST]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene = scene
        self.items: tuple[Item, ...] = ()
        self.lines: list[tuple[int, int]] = []
        """For each line of the whole list: index of its item, and which of the item's lines it is."""
        self.tops: list[int] = []
        self.at = 0
        """Index of the item under the cursor."""
        self.painted: dict[int, Strip] = {}
        """What stands on each visible line, by its place on the screen."""
        self.words = ""
        """What the filter asks for."""

    # --- what a list says of itself

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        """The item's lines, each of `width` cells at most."""
        raise NotImplementedError

    def empty(self) -> tuple[str, ...]:
        """Sentences shown when there are no rows."""
        return ()

    def filter(self, words: str) -> None:
        """Show only what these words ask for, in the language of `core.sieve`; lists that can, keep them in `words`."""

    @property
    def chosen(self) -> str:
        """Key under the cursor; empty when there is none."""
        return self.items[self.at].key if self.at < len(self.items) else ""

    @property
    def busy(self) -> bool:
        """Something is under way here that only this list's own keys bring to an end."""
        return False

    def named(self) -> str:
        """What a key would act on, in a few words."""
        return short(self.chosen)

    # --- rows in

    def set_items(self, items: Sequence[Item]) -> None:
        """Take new rows; the cursor keeps its row, or its place when the row is gone."""
        key = self.chosen
        self.items = tuple(items)
        self.lines = [(i, n) for i, item in enumerate(self.items) for n in range(item.height)]
        self.tops = []
        top = 0
        for item in self.items:
            self.tops.append(top)
            top += item.height
        places = {item.key: i for i, item in enumerate(self.items)}
        self.at = places[key] if key in places and key else self._nearest(min(self.at, len(self.items) - 1), 1)
        size = Size(self.scrollable_content_region.width, len(self.lines))
        if size != self.virtual_size:
            self.virtual_size = size
        self.keep_in_sight()
        self.repaint()
        self.post_message(Cursor())

    def repaint(self, live_only: bool = False) -> None:
        """Refresh just the cells that would look different now."""
        width = self.scrollable_content_region.width
        for y in range(self.scrollable_content_region.height):
            old = self.painted.get(y)
            if live_only and not self._live(y):
                continue
            new = self._strip(y, width)
            if old is None or old.cell_length != width:
                self.refresh(Region(0, y, width, 1))
            elif span := changed(old, new):
                self.refresh(Region(span[0], y, span[1] - span[0], 1))

    def _live(self, y: int) -> bool:
        at = y + self.scroll_offset.y
        return at < len(self.lines) and self.items[self.lines[at][0]].live

    # --- drawing

    def render_line(self, y: int) -> Strip:
        line = self._strip(y, self.scrollable_content_region.width)
        self.painted[y] = line
        return line

    def mark(self, sign: str, chosen: bool) -> Span:
        """The sign of the cursor, faint while another list has the keys."""
        return (sign, "accent" if self.has_focus else "rest") if chosen else (" ", "")

    def _strip(self, y: int, width: int) -> Strip:
        ground = self.rich_style
        at = y + self.scroll_offset.y
        if not self.items:
            return strip(self._empty_line(y, width), width, self.scene.palette, ground, plain=self.scene.signs.plain)
        if at >= len(self.lines):
            return Strip.blank(width, ground)
        index, line = self.lines[at]
        item = self.items[index]
        chosen = index == self.at and bool(item.key)
        if chosen:
            ground += self.scene.palette["cursor" if self.has_focus else "idle"]
        drawn = self.draw(item, width, chosen)
        return strip(
            drawn[line] if line < len(drawn) else [], width, self.scene.palette, ground, plain=self.scene.signs.plain
        )

    def _empty_line(self, y: int, width: int) -> list[Span]:
        lines: list[Span] = []
        for i, sentence in enumerate(self.empty()):
            lines += [(part, "" if i == 0 else "dim") for part in wrap(sentence, max(8, width - 6))] + [("", "")]
        top = max(0, (self.scrollable_content_region.height - len(lines)) // 3)
        return [("   ", ""), lines[y - top]] if 0 <= y - top < len(lines) else []

    # --- the cursor

    def keep_in_sight(self, *, jump: bool = False) -> None:
        """Scroll no further than the cursor needs; with `jump` by half a page more, since every scroll repaints all."""
        if self.at >= len(self.tops):
            return
        top, height = self.tops[self.at], self.items[self.at].height
        page = self.scrollable_content_region.height
        if top < self.scroll_offset.y:
            # Lines above the first choosable row (a summary) come back into sight with it.
            first = all(not item.key for item in self.items[: self.at])
            self.scroll_to(y=0 if first else max(0, top - page // 2 * jump), animate=False)
        elif page and top + height > self.scroll_offset.y + page:
            self.scroll_to(y=min(top, top + height - page + page // 2 * jump), animate=False)

    def _nearest(self, index: int, step: int) -> int:
        """The closest item that can be chosen, looking along `step` first, then back."""
        for way in (step, -step):
            i = max(0, index)
            while 0 <= i < len(self.items):
                if self.items[i].key:
                    return i
                i += way
        return 0

    def choose(self, key: str) -> bool:
        """Put the cursor on that row; False: there is none."""
        index = next((i for i, item in enumerate(self.items) if key and item.key == key), None)
        if index is not None:
            self.go(index, 1)
        return index is not None

    def go(self, index: int, step: int) -> None:
        index = self._nearest(max(0, min(index, len(self.items) - 1)), step)
        if index == self.at:
            return
        self.at = index
        self.keep_in_sight(jump=True)
        self.repaint()
        self.post_message(Cursor())

    def action_down(self) -> None:
        self.go(self.at + 1, 1)

    def action_up(self) -> None:
        if self.at and not any(item.key for item in self.items[: self.at]):
            self.scroll_to(y=0, animate=False)
        else:
            self.go(self.at - 1, -1)

    def action_first(self) -> None:
        self.go(0, 1)

    def action_last(self) -> None:
        self.go(len(self.items) - 1, -1)

    def action_page(self, way: int) -> None:
        height = self.items[self.at].height if self.items else 1
        self.go(self.at + way * max(1, self.scrollable_content_region.height // height), way)

    # --- the hand

    def on_resize(self) -> None:
        self.painted.clear()
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.lines))
        self.keep_in_sight()
        self.refresh()

    async def on_click(self, event: events.Click) -> None:
        """First tap chooses, a tap on the chosen row opens it: no double tap, no time limit."""
        at = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if not 0 <= at < len(self.lines):
            return
        index = self.lines[at][0]
        if not self.items[index].key:
            return
        if index == self.at and self.has_focus and event.chain == 1:
            await self.run_action("open")
        else:
            self.go(index, 1)

    def on_focus(self) -> None:
        self.repaint()
        self.post_message(Cursor())

    def on_blur(self) -> None:
        self.repaint()
