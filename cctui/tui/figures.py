"""The figures of the last days: how it goes at a glance, day by day, and by kind, model and project.

Narrow: one list.  Where there is room, plots with axes stand beside it.  It is worked out, and drawn, again only when a
run has ended, a window has closed, or the day has changed; every figure shows its number of samples and the newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, tzinfo

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from cctui.core import reserve, view
from cctui.core.glance import Figure, Glance, Line, glance, lately
from cctui.core.metrics import Week, main_cause
from cctui.core.world import ClosedWindow, Reason, Record, Why, World
from cctui.tui import hints
from cctui.tui.bar import Bar, Entry
from cctui.tui.board import Board
from cctui.tui.cells import Span, cut_middle, fit, strip
from cctui.tui.keys import FIGURES
from cctui.tui.messages import Cursor, Go, Say, Scene
from cctui.tui.plots import SHADE, SOLID, Column, plot, spark
from cctui.tui.rowlist import Item, RowList

NAMES = {"success": "success", "tokens": "tok/done", "retries": "retries", "unused": "unused", "cost": "cost"}
NAME, VALUE = 10, 7
"""Cells of a figure's name and of its value."""
TABLES = (("kind", "kinds"), ("model", "models"), ("project", "projects"))
"""What a filter calls it → the part of `Glance`."""
MOST_WINDOWS = 46
"""Windows that a plot shows at most."""

NO_ROW = Reason(Why.STATE, "no run has ended yet")


def valued(figure: Figure) -> str:
    """``86 %``, ``48k``, ``$14.20``; ``?`` for what nobody knows."""
    match figure.name:
        case "success" | "retries":
            return view.percent(None if figure.value is None else 100 * figure.value)
        case "tokens":
            return view.count(figure.value)
        case "unused":
            return view.percent(figure.value)
    return dollars(figure.value)


def dollars(value: float | None) -> str:
    if value is None:
        return "?"
    return f"${value:.2f}" if value < 1000 else f"${value:,.0f}"


def tone_of(figure: Figure) -> str:
    """Only what is plainly bad is toned so."""
    bad = figure.value is not None and (
        (figure.name == "success" and figure.value < 0.5) or (figure.name == "unused" and figure.value >= 50)
    )
    return "warn" if bad else "strong"


class Figures(Screen[None]):
    AUTO_FOCUS = "#glance"
    BINDINGS = [*FIGURES]

    title_line = getters.query_one("#title", Bar)
    hint_line = getters.query_one("#hints", Bar)

    def __init__(self, scene: Scene) -> None:
        super().__init__(classes="figures" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene
        self.list = Table(scene, id="glance")
        self.plots = Plots(scene, id="plots")
        self.of: tuple[tuple[Record, ...], tuple[ClosedWindow, ...], date] | None = None
        """What is shown was worked out from these."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        with Horizontal(id="panes"):
            yield self.list
            yield self.plots
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)
        self.watch(self.app, "now", self.tick, init=False)

    def tick(self) -> None:
        self.heard(self.scene.link.world)

    def heard(self, world: World) -> None:
        now = self.scene.link.now()
        of = (world.records, world.windows, now.astimezone(reserve.zone_of(world.zone)).date())
        same = self.of is not None and all(one is other for one, other in zip(self.of[:2], of[:2], strict=True))
        if same and self.of and self.of[2] == of[2]:
            return
        self.of = of
        found = glance(world, now)
        self.list.take(found)
        self.plots.take(found, lately(world, now, MOST_WINDOWS))
        self.show_title()
        self.call_after_refresh(hints.show, self, self.hint_line)

    def show_title(self) -> None:
        signs = self.scene.signs
        days = len(self.list.found.days) if self.list.found else 0
        aside = [Entry(((f"last {days} days", "dim"),))] if self.list.items else []
        self.title_line.show([Entry(((f"{signs.back} ", "accent"), ("Figures", "strong")), "back")], aside)

    def on_cursor(self, message: Cursor) -> None:
        message.stop()

    # --- keys

    def action_back(self) -> None:
        self.dismiss()

    def action_help(self) -> None:
        self.post_message(Go("help"))

    def action_open(self) -> None:
        """The history of what is under the cursor, which the filter there then asks for."""
        board = self.app.screen_stack[0]
        if not self.list.chosen:
            self.post_message(Say(view.say(NO_ROW, self.scene.link.now())))
        elif isinstance(board, Board):
            self.dismiss()
            board.history.filter(self.list.chosen)
            board.action_pane("history")


# --- the list --------------------------------------------------------------------------------------------------------


class Table(RowList):
    HELP = (
        "How the last 14 days went. Right of each figure: a bar for every day, then on how many runs (or windows) it "
        "rests and when the newest of them ended. A day of which nothing is known has no bar.\n\n"
        "**tok/done**: all tokens, also of runs that failed, by run that was done. **unused**: what expired of the "
        "5-hour windows while work waited. **p50**: half of its runs took less of a window."
    )
    # Again, since the enter of every list would otherwise hide the one of this screen.
    BINDINGS = [key for key in FIGURES if key.id == "figures_open"]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.found: Glance | None = None
        self.lines_of: dict[str, Line] = {}
        """A row's filter → its figures."""

    def take(self, found: Glance) -> None:
        self.found = found
        self.lines_of = {}
        if not any(figure.count for figure in found.figures):
            self.set_items([])
            return
        items: list[Item] = []
        for figure in found.figures:
            items.append(Item("", 1, label=f"figure {figure.name}"))
            if figure.about:
                items.append(Item("", 1, label="cause"))
        for name, part in TABLES:
            lines: tuple[Line, ...] = getattr(found, part)
            if lines:
                items += [Item("", 1), Item("", 1, label=f"by {name}")]
            for line in lines:
                key = f'{name}:"{line.name}"'
                self.lines_of[key] = line
                items.append(Item(key, 1))
        if found.weeks:
            items += [Item("", 1), Item("", 1, label="weeks")]
            items += [Item("", 1, label=f"week {at}") for at in range(len(found.weeks) - 1, -1, -1)]
        self.set_items(items)

    def empty(self) -> tuple[str, ...]:
        return (
            "Nothing has ended yet.",
            "Success, cost and unused capacity stand here from the first run on. esc leads back to the queue.",
        )

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        if self.found is None:
            return ()
        what, _, name = item.label.partition(" ")
        match what:
            case "figure":
                return (self.figure(next(one for one in self.found.figures if one.name == name), width),)
            case "cause":
                about = next(figure.about for figure in self.found.figures if figure.about)
                return (fit([(" " * NAME, ""), (f"mostly: {about}", "dim")], (), width),)
            case "by":
                return (self.columns(name, width),)
            case "weeks":
                return (fit([(" unused by week", "accent")], (), width),)
            case "week":
                return (self.week(self.found.weeks[int(name)], width),)
        line = self.lines_of.get(item.key)
        return (self.row(line, width, chosen) if line else [],)

    def figure(self, figure: Figure, width: int) -> list[Span]:
        """`` success      86 %  ▂▅█▃ ▁▂▅█▇▅▄▅▆  38 · 00:24``."""
        now, signs = self.scene.link.now(), self.scene.signs
        newest = f" {signs.dot} {view.moment(figure.newest, now)} " if figure.newest else " "
        head: list[Span] = [
            (f" {NAMES[figure.name]:<{NAME - 1}}", ""),
            (f"{valued(figure):>{VALUE - 1}} ", tone_of(figure)),
        ]
        bars = spark(figure.line, signs, "failed" if figure.name in ("retries", "unused") else "running", figure.most)
        return fit([*head, *bars, ("", "")], [(str(figure.count), "dim"), (newest, "dim")], width)

    def columns(self, name: str, width: int) -> list[Span]:
        right = f"{'n':>4}{'ok':>6}{'tok/done':>9}{'p50':>5} "
        return fit([(f" by {name}", "accent")], [(right, "dim")], width)

    def row(self, line: Line, width: int, chosen: bool) -> list[Span]:
        rate = view.percent(None if line.rate is None else 100 * line.rate)
        right: list[Span] = [
            (f"{line.runs:>4}", ""),
            (f"{rate:>6}", ""),
            (f"{view.count(line.per_success):>9}", "dim"),
            (f"{view.figure(line.points):>5} ", "dim"),
        ]
        name = [self.mark(self.scene.signs.cursor, chosen), (view.safe(line.name), "strong" if chosen else "")]
        return fit(name, right, width, cut_middle)

    def week(self, week: Week, width: int) -> list[Span]:
        """`` until Mon 9 Feb  18 % of 31 windows · no task fitted``."""
        ends = week.ends.astimezone(reserve.zone_of(self.scene.link.world.zone))
        why = f" {self.scene.signs.dot} {main_cause(week.lost)}" if week.unused >= 1 else ""
        said = f"{view.percent(week.unused_percent)} of {week.windows} windows{why}"
        return fit([(f" until {f'{ends.day} {ends:%b}':<7}", "dim"), (said, "")], (), width)

    def refused(self, action: str) -> Reason | None:
        return NO_ROW if action == "open" and not self.chosen else None

    async def action_open(self) -> None:
        await self.screen.run_action("open")


# --- the plots -------------------------------------------------------------------------------------------------------


class Plots(Widget):
    """Runs, tokens and unused capacity over time, below each other."""

    def __init__(self, scene: Scene, *, id: str) -> None:
        super().__init__(id=id)
        self.scene = scene
        self.found: Glance | None = None
        self.windows: tuple[ClosedWindow, ...] = ()
        self.drawn: tuple[Size, list[list[Span]]] | None = None

    def take(self, found: Glance, windows: tuple[ClosedWindow, ...]) -> None:
        self.found, self.windows, self.drawn = found, windows, None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        size = self.size
        if self.drawn is None or self.drawn[0] != size:
            self.drawn = (size, list(self.lines(size.width, size.height)))
        lines = self.drawn[1]
        spans = lines[y] if y < len(lines) else []
        return strip(spans, size.width, self.scene.palette, self.rich_style, plain=self.scene.signs.plain)

    def lines(self, width: int, height: int) -> Iterator[list[Span]]:
        """Three plots of one height, a line free between them."""
        if self.found is None or not any(figure.count for figure in self.found.figures):
            return
        tall = max(height // 3 - 2, 4)
        zone = reserve.zone_of(self.scene.link.world.zone)
        for i, (title, columns, tones, top, form) in enumerate((
            (self.title("runs", "done", "failed"), self.runs(self.found), ("done", "failed"), None, "{:g}".format),
            ([(" tokens a day", "accent")], self.tokens(self.found), ("running",), None, view.count),
            (
                self.title("5-hour windows, %", "used", "unused while work waited"),
                self.unused(zone),
                ("dim", "warn"),
                100.0,
                "{:.0f}".format,
            ),
        )):  # fmt: skip
            if i:
                yield []
            yield list(title)
            if any(column.parts for column in columns):
                yield from plot(columns, tones, width - 1, tall, self.scene.signs, top=top, form=form)
            else:
                yield [("   nothing is known of it yet", "dim")]
                yield from [[]] * (tall - 1)

    def title(self, name: str, first: str, second: str) -> list[Span]:
        solid, shade = SHADE if self.scene.signs.plain else SOLID
        tones = ("done", "failed") if first == "done" else ("dim", "warn")
        return [
            (f" {name}  ", "accent"),
            (solid, tones[0]),
            (f" {first}  ", "dim"),
            (shade, tones[1]),
            (f" {second}", "dim"),
        ]

    def runs(self, found: Glance) -> list[Column]:
        known = ((day, day.completed, day.failed) for day in found.days)
        return [
            Column(dated(day.day), None if done is None or failed is None else (done, failed))
            for day, done, failed in known
        ]

    def tokens(self, found: Glance) -> list[Column]:
        known = ((day, day.tokens) for day in found.days)
        return [Column(dated(day.day), None if tokens is None else (tokens,)) for day, tokens in known]

    def unused(self, zone: tzinfo) -> list[Column]:
        """Each with the day it ended on, where that is another than the one before."""
        columns, before = [], ""
        for window in self.windows:
            label = dated(window.ended.astimezone(zone).date())
            share = 100 / window.size if window.size else 0.0
            parts = (window.used * share, min(window.unused, window.left) * share)
            columns.append(Column("" if label == before else label, parts))
            before = label
        return columns


def dated(day: date) -> str:
    return f"{day.day} {day:%b}"
