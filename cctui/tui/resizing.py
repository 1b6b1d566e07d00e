"""Resizes: a burst of them counts as three, and nobody loses their place in one.

A pinch on a phone sends dozens within a moment, and every one would lay out and repaint everything.  The first ones act
at once, then only the last, as soon as it has been quiet for a moment.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.app import App
from textual.events import Event, Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from cctui.tui.keeping import text_of
from cctui.tui.rowlist import RowList

AT_ONCE = 2
"""Resizes in a row that act at once: a keyboard that opens, a phone that is turned."""
QUIET = 0.12
"""Seconds without a resize after which the last one acts."""
LONGEST = 0.6
"""Seconds after which one acts in any case: whoever drags a window's edge wants to see something."""


LAID_OUT, LOOKS = 0.02, 20
"""Seconds in which Textual mostly has laid out what was resized, and how often it is looked whether it has."""


class Resizing:
    """Lets the first resizes of a burst through to the app, and then the last; keeps in place what is shown."""

    def __init__(self, app: App[Any]) -> None:
        self.app = app
        self.steady = Steady()
        self.acted = self.came = float("-inf")
        self.row = 0
        """Resizes since it was quiet last."""
        self.held: Resize | None = None
        self.released: Resize | None = None
        self.due: asyncio.TimerHandle | None = None

    def holds(self, event: Event) -> bool:
        """Whether the app must not have this event now.  Only resizes ever wait, and only the last of them comes."""
        if not isinstance(event, Resize) or not self.app.is_running or not self.app.screen_stack:
            return False
        if event.size == self.app.size and self.held is None:
            return False
        if event is not self.released and self.soon(event):
            return True
        self.steady.before(self.app.screen)
        self.app.set_timer(LAID_OUT, partial(self.settle, event.size))
        return False

    def soon(self, event: Resize) -> bool:
        """Keep it for later when others came just before."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self.row = 1 if now - self.came > QUIET and self.held is None else self.row + 1
        self.came = now
        if self.row <= AT_ONCE:
            self.acted = now
            return False
        self.held = event
        if self.due is None:
            self.due = loop.call_later(QUIET, self.look)
        return True

    def look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        left = min(self.came + QUIET, self.acted + LONGEST) - now
        if left > 0:
            self.due = loop.call_later(left, self.look)
            return
        self.due, self.acted, last, self.held = None, now, self.held, None
        if last:
            self.released = Resize(last.size, last.virtual_size, last.container_size, last.pixel_size)
            self.app.post_message(self.released)

    def settle(self, size: Size, looks: int = LOOKS) -> None:
        """Once everything has its new size, show again what was shown."""
        if self.app.screen.outer_size != size and looks:
            self.app.set_timer(LAID_OUT, partial(self.settle, size, looks - 1))
        else:
            self.app.call_after_refresh(self.steady.after, self.app.screen)


@dataclass(frozen=True, slots=True)
class Stood:
    """How a list or a text stood before its size changed."""

    size: Size
    y: int
    height: int
    """Lines there were."""
    line: int
    """Of a list: the line of the view its cursor was on."""


class Steady:
    """Keeps what is shown in place while everything is laid out anew: a list by its cursor, a text by how far down it
    was.  Back at a size where nothing was scrolled since, it stands exactly as it did there."""

    def __init__(self) -> None:
        self.stood: dict[Widget, list[Stood]] = {}
        """How it stood at the sizes it has gone through, since a person scrolled it last."""
        self.left: dict[Widget, int] = {}
        """The line to which it was brought."""

    def before(self, screen: Screen[Any]) -> None:
        self.stood = {widget: stood for widget, stood in self.stood.items() if widget.is_attached}
        for widget in scrolled(screen):
            y = widget.scroll_offset.y
            line = widget.tops[widget.at] - y if isinstance(widget, RowList) and widget.at < len(widget.tops) else 0
            found = self.stood.setdefault(widget, [])
            if self.left.get(widget) != y:
                found.clear()
            if all(one.size != widget.size for one in found):
                found.append(Stood(widget.size, y, widget.virtual_size.height, line))

    def after(self, screen: Screen[Any]) -> None:
        for widget in scrolled(screen):
            found = self.stood.get(widget)
            if not found:
                continue
            same = next((one for one in found if one.size == widget.size), None)
            if y := same.y if same else moved(widget, found[-1]):
                widget.scroll_to(y=y, animate=False)
            if isinstance(widget, RowList):
                widget.keep_in_sight()
            self.left[widget] = widget.scroll_offset.y


def scrolled(screen: Screen[Any]) -> list[Widget]:
    """Lists and texts that are shown."""
    body = text_of(screen)
    found: list[Widget] = [*screen.query(RowList), *([body] if body else [])]
    return [widget for widget in found if widget.display and widget.size.height]


def moved(widget: Widget, was: Stood) -> int:
    """The first line to show at the new size."""
    if isinstance(widget, RowList):
        last = widget.scrollable_content_region.height - 2
        return widget.tops[widget.at] - min(was.line, max(last, 0)) if widget.at < len(widget.tops) else 0
    return round(was.y * widget.virtual_size.height / was.height) if was.height else 0
