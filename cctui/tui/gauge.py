"""The gauge: how full the windows are, whose the rest is, when they open again, who says so and how old that is.

An unknown number is shown as ``?``.  Only the cells that differ are redrawn when time passes.
"""

from __future__ import annotations

from datetime import datetime

from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from cctui.core import headroom, queue
from cctui.core.capacity import thresholds
from cctui.core.headroom import Level
from cctui.core.pacing import Pace
from cctui.core.view import figure, moment, span
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, World
from cctui.tui.cells import Span, changed, cut_end, joined, strip, wide
from cctui.tui.messages import Go, Scene
from cctui.tui.signs import Signs

MOST = 4
"""Windows shown at most: the two of the plan, then the models' weeks."""
FRESH = 5.0
"""Seconds for which the levels of one World count: what runs will still take shrinks slowly."""


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


# --- the parts of one window, for the gauge and for the page of the windows ------------------------------------------


def bar(signs: Signs, level: Level, tone: str, width: int, mark: float | None) -> list[Span]:
    """Used, what our runs will still take, free, the person's; and a mark at `mark` percent."""
    used, ours = level.used or 0.0, level.ours or 0.0
    first = max(round(used * width / 100), int(used > 0))
    second = max(round((used + ours) * width / 100), first + int(ours > 0.5))
    third = width - round((level.kept or 0.0) * width / 100)
    cells = [
        (signs.full, tone)
        if x < first
        else (signs.claim, "running")
        if x < second
        else (signs.rest, "rest")
        if x < third
        else (signs.kept, "dim")
        for x in range(width)
    ]
    at = -1 if mark is None else min(width - 1, round(mark * width / 100))
    if at >= 0:
        cells[at] = (signs.pipe[0], "strong" if at < first else "dim")
    return joined(cells)


def fullness(level: Level, most: float) -> str:
    """The tone of its number: by what new work may still take, where that is known."""
    if level.used is None or level.window.stale:
        return "warn"
    left = most - level.used if level.free is None else level.free
    return "bad" if left < 1 else "warn" if left < 15 else "good"


def paced(pace: Pace) -> str:
    """``12 in reserve``, ``3 in deficit``."""
    ahead = round(pace.reserve)
    return f"{abs(ahead)} in {'deficit' if ahead < 0 else 'reserve'}"


def lasts(pace: Pace, now: datetime) -> str:
    """Whether the week lasts, if it goes on like this."""
    return f"out {moment(pace.runs_out, now)}" if pace.runs_out else "lasts"


class Gauge(Widget):
    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene = scene
        self.painted: dict[int, Strip] = {}
        self.labels = 2
        """Width of the longest window's name."""
        self._of: tuple[World, int] | None = None
        self._found: tuple[Level, ...] = ()
        self._pace: Pace | None = None

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard, init=False)
        self.watch(self.app, "now", self.tick, init=False)

    def heard(self, old: World, new: World) -> None:
        if len(self.levels()) * self.deep() != self.size.height:
            self.refresh(layout=True)
        self.tick()

    def levels(self) -> tuple[Level, ...]:
        """The windows that have room here; what is the same for some seconds is worked out once."""
        world, now = self.scene.link.world, self.scene.link.now()
        slot = int(now.timestamp() // FRESH)
        if self._of is None or self._of[0] is not world or self._of[1] != slot:
            stage = queue.scene(world, now)
            self._of, self._found, self._pace = (world, slot), headroom.levels(stage), headroom.pace(stage)
        return self._found[: MOST if self.app.size.height >= 24 else 2]

    def deep(self) -> int:
        """Lines of one window: a narrow screen that is tall has a second one for the figures."""
        return 2 if self.app.size.width < 80 and self.app.size.height >= 24 else 1

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 if viewport.height < 10 else len(self.levels()) * self.deep()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(Go("windows"))

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
        found, deep = self.levels(), self.deep()
        self.labels = max(len(label(level.window.id)) for level in found)
        spans: list[Span] = []
        if self.size.height == 1 and len(found) > 1:
            half = width // 2
            spans = [*self.spans(found[0], now, half), *self.spans(found[1], now, width - half)]
        elif y < len(found) * deep:
            level = found[y // deep]
            spans = self.below(level, now, width) if y % deep else self.spans(level, now, width)
        return strip(spans, width, self.scene.palette, self.rich_style, plain=self.scene.signs.plain)

    def spans(self, level: Level, now: datetime, width: int) -> list[Span]:
        """`` 5h  45%  2:13:07 ▄▄▄▄▄▂▂▁▁▁░░  29 free``: what ticks stands first, as a repaint begins at the left."""
        window = level.window
        tone = fullness(level, self.most(window.id))
        used = "   ?" if window.used is None else f"{window.used:3.0f}%"
        left = ""
        if window.resets_at and window.used is not None:
            # Over a slow line a minute is fine enough: what ticks is written again, and again.
            left = (span if self.scene.lean else countdown)((window.resets_at - now).total_seconds())
        name = f" {label(window.id):<{self.labels}} "
        head: list[Span] = [(name, "strong"), (used, tone), (f" {left:>8} ", "strong")]
        tail = self.tail(level, now, width)
        room = width - wide(head) - wide(tail)
        return [*head, *bar(self.scene.signs, level, tone, max(4, room), self.mark(level)), *tail]

    def below(self, level: Level, now: datetime, width: int) -> list[Span]:
        """The figures under the bar: whose the rest is, and who says so."""
        parts = [f"{figure(level.ours)} ours", f"{figure(level.kept)} yours"]
        if level.window.id == SEVEN_DAY and self._pace:
            parts.append(lasts(self._pace, now))
        said, tone = self.source(level, now)
        figures = f" {self.scene.signs.dot} ".join(parts)
        room = width - len(said) - self.labels - 4
        return [(" " * (self.labels + 2), ""), (f"{cut_end(figures, room):<{room}}", "dim"), (f" {said} ", tone)]

    def tail(self, level: Level, now: datetime, width: int) -> list[Span]:
        """What is free, or how the week stands; where there is room also whose the rest is, and who says so."""
        if width < 40:
            return [(" ", "")]
        said, tone = self.source(level, now)
        doubtful = level.window.stale or level.used is None
        if width < 80:
            return [(f" {cut_end(said if doubtful else self.short(level), 13):<13} ", tone if doubtful else "")]
        room = 29 if width < 120 else 44
        opens = f"resets {moment(level.window.resets_at, now)}" if level.window.resets_at and width >= 100 else ""
        figures = cut_end(self.figures(level, now, width), room)
        clock: list[Span] = [(f"{opens:<18}", "dim")] if width >= 100 else []
        return [(f" {figures:<{room}} ", ""), *clock, (f"{cut_end(said, 11):<11} ", tone)]

    def short(self, level: Level) -> str:
        if level.window.id == SEVEN_DAY and self._pace:
            return paced(self._pace)
        return f"{figure(level.free)} free"

    def figures(self, level: Level, now: datetime, width: int) -> str:
        parts = [f"{figure(level.ours)} ours"] if level.ours or level.window.id == FIVE_HOUR else []
        if level.window.id == SEVEN_DAY and self._pace:
            parts = parts if width >= 120 else []
            parts += [paced(self._pace), lasts(self._pace, now)]
            parts += [f"{figure(level.free)} free"] if width >= 120 else []
        else:
            parts += [f"{figure(level.kept)} yours", f"{figure(level.free)} free"]
        return f" {self.scene.signs.dot} ".join(parts)

    def source(self, level: Level, now: datetime) -> Span:
        """Who says so, and how old that is."""
        window = level.window
        tone = "warn" if window.stale else "dim"
        if window.used is None:
            return ("no reading" if window.observed_at is None else "window over", tone)
        age = aged(now, window.observed_at) if window.observed_at else "?"
        return (f"blind {age}" if window.stale else f"{window.source} {age}", tone)

    def most(self, window: str) -> float:
        settings = self.scene.link.world.settings.capacity
        return thresholds(settings).get(window, settings.seven_day_max)

    def mark(self, level: Level) -> float | None:
        """Where the week's pace is; else where nothing starts any more, as far as that is what decides."""
        settings = self.scene.link.world.settings.capacity
        if level.window.id == SEVEN_DAY and self._pace:
            return self._pace.target
        decides = level.free is None or level.window.id in settings.limits
        return self.most(level.window.id) if settings.gate and decides else None


def aged(now: datetime, observed_at: datetime) -> str:
    """How old a number is, in minutes and more: an age that ticks in seconds would redraw the line for nothing."""
    seconds = (now - observed_at).total_seconds()
    return "now" if seconds < 60 else span(seconds)
