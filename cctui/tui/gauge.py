"""The gauge: how full the windows are, when they open again, who says so and how old that is.

An unknown number is shown as ``?``.  Only the cells that differ are redrawn when time passes.
"""

from __future__ import annotations

from datetime import datetime

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from cctui.core.capacity import Window, thresholds, windows
from cctui.core.view import moment, span
from cctui.core.world import SEVEN_DAY, World
from cctui.tui.cells import Span, changed, cut_end, strip, wide
from cctui.tui.messages import Scene

MOST = 4
"""Windows shown at most: the two of the plan, then the models' weeks."""


def countdown(seconds: float) -> str:
    """``4:09``, ``2:13:07``, ``6d04h``: what is left, to the second while that is less than a day."""
    left = max(int(seconds), 0)
    if left >= 86400:
        return f"{left // 86400}d{left % 86400 // 3600:02}h"
    hours, rest = divmod(left, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def label(window: str) -> str:
    match window:
        case "five_hour":
            return "5h"
        case "seven_day":
            return "7d"
    return cut_end(window.removeprefix(SEVEN_DAY).strip("_").replace("_", " "), 6)


class Gauge(Widget):
    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene = scene
        self.painted: dict[int, Strip] = {}
        self.labels = 2
        """Width of the longest window's name."""

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard, init=False)
        self.watch(self.app, "now", self.tick, init=False)

    def heard(self, old: World, new: World) -> None:
        if len(self.windows(new)) != len(self.windows(old)):
            self.refresh(layout=True)
        self.tick()

    def windows(self, world: World) -> tuple[Window, ...]:
        most = MOST if self.app.size.height >= 24 else 2
        return windows(world, self.scene.link.now())[:most]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 if viewport.height < 10 else len(self.windows(self.scene.link.world))

    # --- drawing

    def tick(self) -> None:
        for y in range(self.size.height):
            old = self.painted.get(y)
            if old is None or old.cell_length != self.size.width:
                self.refresh()
                return
            if cells := changed(old, self.line(y)):
                self.refresh(Region(cells[0], y, cells[1] - cells[0], 1))

    def render_line(self, y: int) -> Strip:
        self.painted[y] = self.line(y)
        return self.painted[y]

    def line(self, y: int) -> Strip:
        now, width = self.scene.link.now(), self.size.width
        found = self.windows(self.scene.link.world)
        self.labels = max(len(label(window.id)) for window in found)
        if self.size.height == 1 and len(found) > 1:
            half = width // 2
            spans = [*self.spans(found[0], now, half), *self.spans(found[1], now, width - half)]
        else:
            spans = self.spans(found[y], now, width) if y < len(found) else []
        return strip(spans, width, self.scene.palette, self.rich_style, plain=self.scene.signs.plain)

    def spans(self, window: Window, now: datetime, width: int) -> list[Span]:
        """`` 5h  45%  2:13:07 ▄▄▄▄▄▁▁▁▁▁│▁ api 2m``: what ticks stands first, as a repaint begins at the left."""
        most = self.most(window.id)
        tone = self.fullness(window, most)
        number = "   ?" if window.used is None else f"{window.used:3.0f}%"
        left = (
            countdown((window.resets_at - now).total_seconds()) if window.resets_at and window.used is not None else ""
        )
        name = f" {label(window.id):<{self.labels}} "
        head: list[Span] = [(name, "strong"), (number, tone), (f" {left:>8} ", "strong")]
        tail = self.tail(window, now, width)
        room = width - wide(head) - wide(tail)
        return [*head, *self.bar(window, most, tone, max(4, room)), *tail]

    def tail(self, window: Window, now: datetime, width: int) -> list[Span]:
        """Who says so and how old that is, and where there is room when the window opens again."""
        if window.used is None:
            said = "no reading" if window.observed_at is None else "window over"
        else:
            age = aged(now, window.observed_at) if window.observed_at else "?"
            said = f"blind {age}" if window.stale else f"{window.source} {age}"
        tone = "warn" if window.stale else "dim"
        if width < 40:
            return [(" ", "")]
        if width < 80:
            return [(f" {cut_end(said, 11):<11} ", tone)]
        opens = f"resets {moment(window.resets_at, now)}" if window.resets_at and window.used is not None else ""
        return [(f"  {opens:<16}", "dim"), (f"  {said:<15}", tone)]

    def most(self, window: str) -> float:
        settings = self.scene.link.world.settings.capacity
        return thresholds(settings).get(window, settings.seven_day_max)

    def fullness(self, window: Window, most: float) -> str:
        if window.used is None or window.stale:
            return "warn"
        if window.used > most:
            return "bad"
        return "warn" if window.used > most - 15 else "good"

    def bar(self, window: Window, most: float, tone: str, width: int) -> list[Span]:
        """The filled part, the rest, and a mark where nothing starts any more."""
        signs = self.scene.signs
        filled = round((window.used or 0) * width / 100)
        if window.used and not filled:
            filled = 1
        mark = min(width - 1, round(most * width / 100)) if self.scene.link.world.settings.capacity.gate else width
        cells = [(signs.full, tone) if x < filled else (signs.rest, "rest") for x in range(width)]
        if mark < width and mark >= filled:
            cells[mark] = (signs.pipe[0], "dim")
        spans: list[Span] = []
        for text, name in cells:
            if spans and spans[-1][1] == name:
                spans[-1] = (spans[-1][0] + text, name)
            else:
                spans.append((text, name))
        return spans


def aged(now: datetime, observed_at: datetime) -> str:
    """How old a number is, in minutes and more: an age that ticks in seconds would redraw the line for nothing."""
    seconds = (now - observed_at).total_seconds()
    return "now" if seconds < 60 else span(seconds)
