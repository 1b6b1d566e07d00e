"""The plan of the coming days: when each task starts and ends, how full a window gets, who is late, what stays undone.

Narrow: a list, window by window.  Wide: bars over time, the person's hours shaded.  It is asked for off the screen's
loop, the middle first and then the bands; while it is worked out again the old one stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from textual import getters, work
from textual.app import ComposeResult
from textual.screen import Screen

from cctui.core.forecast import Plan, Planned, PlannedWindow, summary
from cctui.core.view import Row, moment, points, safe, say, span
from cctui.core.world import FIVE_HOUR, World
from cctui.link import LinkError
from cctui.tui import chart, hints
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import Span, cut_end, cut_middle, fit, joined, second, wide
from cctui.tui.keys import FORECAST
from cctui.tui.messages import Cursor, Go, Scene
from cctui.tui.rowlist import Item, RowList

WIDE = 100
"""Cells from which on there is room for bars over time."""
AGAIN = 20.0
"""Seconds after which a plan is asked for again, when something has happened since."""
SAMPLES = 100


class Forecast(Screen[None]):
    AUTO_FOCUS = "#chart"
    BINDINGS = [*FORECAST]

    title_line = getters.query_one("#title", Bar)
    about = getters.query_one("#about", Bar)
    hint_line = getters.query_one("#hints", Bar)

    def __init__(self, scene: Scene) -> None:
        super().__init__(classes="forecast" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene
        self.list = Chart(scene, id="chart")
        self.asked: datetime | None = None
        self.seen: World | None = None
        """The World the plan was asked for in."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        yield self.list
        yield Bar(self.scene, id="about")
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)
        self.watch(self.app, "now", self.tick, init=False)

    def heard(self, world: World) -> None:
        """Another order or other tasks: at once; what runs have said since: after a while."""
        seen = self.seen
        if seen is None or seen.line is not world.line or seen.memory is not world.memory:
            self.ask()
        self.show()

    def tick(self) -> None:
        now = self.scene.link.now()
        stale = self.seen is not self.scene.link.world and self.asked is not None
        if stale and self.asked and (now - self.asked).total_seconds() >= AGAIN:
            self.ask()

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def ask(self) -> None:
        link = self.scene.link
        self.asked, self.seen = link.now(), link.world
        try:
            for samples in (0, SAMPLES):
                found = await link.plan(samples=samples)
                if isinstance(found, Plan):
                    self.list.trouble = ""
                    self.list.take(found)
                    self.scene.ahead.take(found)
                    self.show()
        except LinkError as error:
            self.list.trouble = str(error)
            self.list.repaint()
            self.show()

    # --- the lines

    def show(self) -> None:
        now, plan, width = self.scene.link.now(), self.list.plan, self.app.size.width
        said = self.list.trouble or (summary(plan, now).replace(" % → ", " → ") if plan else "looking ahead …")
        back: list[Span] = [(f"{self.scene.signs.back} ", "accent")]
        # The word wherever it costs nothing of the rest.
        back.append(("Plan  " if wide([*back, ("Plan  ", ""), (said, "")]) < width else "", "strong"))
        room = max(8, width - wide(back) - 1)
        while len(said) > room and " · " in said:
            said = said.rpartition(" · ")[0]
        text = cut_end(said, room)
        self.title_line.show([Entry((*back, (text, "warn" if self.list.trouble else "")), "back")])
        self.show_about()
        self.call_after_refresh(hints.show, self, self.hint_line)

    def show_about(self) -> None:
        """All that is known of the row under the cursor."""
        plan = self.list.plan
        planned = plan.of(self.list.chosen) if plan else None
        text = told(planned, self.scene.link.now()) if planned else plan.doubt if plan else ""
        tone = "bad" if planned and planned.late and planned.late > 0 else "dim"
        self.about.show([Entry(((cut_end(text, self.app.size.width - 2), tone),), "open")] if text else [])

    def on_cursor(self, message: Cursor) -> None:
        message.stop()
        self.show_about()

    def action_back(self) -> None:
        self.dismiss()

    def action_help(self) -> None:
        self.post_message(Go("help"))

    def action_open(self) -> None:
        if self.list.chosen in self.scene.link.world.tasks:
            self.post_message(Go("detail", self.list.chosen))

    def action_why(self) -> None:
        if self.list.chosen in self.scene.link.world.tasks:
            self.post_message(Go("why", self.list.chosen))


def told(planned: Planned, now: datetime) -> str:
    """One task's line: when, how sure, what it takes, and how its deadline fares."""
    if planned.end is None:
        why = say(planned.why, now) if planned.why else "still at work when the plan ends"
        return f"undone: {why}{_due(planned, now)}"
    parts = [f"ends {moment(planned.end, now)}"]
    if planned.ends and planned.ends.p90:
        parts[0] += f", 9 of 10 by {moment(planned.ends.p90, now)}"
    if planned.deadline:
        parts.append(_due(planned, now).removeprefix(" · "))
    parts.append(f"{points(planned.points)}{', a guess' if planned.guess else ''}")
    if planned.resumed:
        parts.append(f"parked {planned.resumed}x")
    return " · ".join(parts)


def _due(planned: Planned, now: datetime) -> str:
    if planned.deadline is None:
        return ""
    if planned.late is None:
        return f" · due {moment(planned.deadline, now)}"
    side = "late" if planned.late > 0 else "to spare"
    chance = f" ({planned.chance * 100:.0f} % sure)" if planned.chance is not None else ""
    return f" · due {moment(planned.deadline, now)}, {span(abs(planned.late))} {side}{chance}"


# --- the rows --------------------------------------------------------------------------------------------------------


class Chart(RowList):
    """The plan's rows: window by window where it is narrow, over time where it is wide."""

    HELP = (
        "When each task will start and end, if nothing surprises us. In brackets: nine times in ten by then.\n\n"
        "A **cross** misses its deadline. Wide, a bar ends where half of such runs end, its pale end where nine in ten "
        "do; shaded hours are kept for you, upright lines are resets."
    )

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.plan: Plan | None = None
        self.trouble = ""
        """Why there is no plan, or no newer one."""
        self.heads: dict[int, tuple[str, PlannedWindow | None]] = {}
        """Index of a heading → its text, or its window."""
        self.scale: chart.Scale | None = None
        self.rows: dict[str, Row] = {}

    def take(self, plan: Plan) -> None:
        self.plan = plan
        self.lay_out()

    def on_resize(self) -> None:
        super().on_resize()
        self.lay_out()

    def empty(self) -> tuple[str, ...]:
        if self.plan:
            return ("Nothing to plan.", "No task waits and none runs: esc leads back, n there writes one.")
        return (safe(self.trouble), "esc leads back.") if self.trouble else ("Looking ahead …",)

    def lay_out(self) -> None:
        self.rows = {row.name: row for row in self.scene.rows("pending", "active")}
        if self.plan is None or not self.plan.tasks:
            self.set_items([])
            return
        self.heads = {}
        width = self.scrollable_content_region.width
        self.scale = chart.scale(self.plan, self.scene.link.world, width) if width >= WIDE - 2 else None
        items: list[Item] = []
        if self.scale:
            items += [Item("", 1), Item("", 1)]
            self.heads = {0: ("axis", None), 1: ("windows", None)}
            items += [Item(planned.task, 1) for planned in self.plan.tasks if planned.start]
        else:
            for window, tasks in by_window(self.plan):
                self.heads[len(items)] = ("", window)
                items += [Item("", 1), *(Item(planned.task, 1) for planned in tasks)]
        undone = [planned for planned in self.plan.tasks if planned.start is None]
        if undone:
            self.heads[len(items)] = ("stays undone", None)
            items += [Item("", 1), *(Item(planned.task, 2) for planned in undone)]
        self.set_items(items)

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        plan = self.plan
        if plan is None:
            return ()
        if not item.key:
            return (self.heading(plan, item, width),)
        planned = plan.of(item.key)
        if planned is None:
            return ()
        if planned.start is None:
            return self.undone(planned, width, chosen)
        if self.scale:
            return (self.over_time(planned, self.scale, chosen),)
        return (self.listed(planned, width, chosen),)

    def heading(self, plan: Plan, item: Item, width: int) -> list[Span]:
        at = next((i for i, each in enumerate(self.items) if each is item), 0)
        text, window = self.heads.get(at, ("", None))
        if self.scale and text == "axis":
            return chart.axis(self.scale)
        if self.scale and text == "windows":
            return chart.windows(self.scale, plan, self.scene.signs)
        if window is None:
            return fit([(f" {text or 'outside of any window'}", "dim")], (), width)
        return window_line(window, self.scene, width)

    def lead(self, planned: Planned, chosen: bool) -> list[Span]:
        row = self.rows.get(planned.task)
        tone = row.state.value if row else "waiting"
        return [
            self.mark(self.scene.signs.cursor, chosen),
            (f"{self.scene.signs.of(tone)} ", tone),
            (safe(planned.task), "strong" if chosen else ""),
        ]

    def listed(self, planned: Planned, width: int, chosen: bool) -> list[Span]:
        """``○ vault-lint       01:18–01:22 (01:31)  ✓ 7h``."""
        now = self.scene.link.now()
        end = clock(planned.end, planned.start, now) if planned.end else "…"
        by = planned.ends.p90 if planned.ends else None
        band = f" ({clock(by, planned.start, now, day=True)})" if by else ""
        times = f" {clock(planned.start, planned.start, now)}–{end}"
        right: list[Span] = [(f"{band:<8}", "dim"), *self.due(planned)]
        right = [(times, ""), *right] if wide(right) + len(times) + 19 <= width else [(times, ""), right[1]]
        return fit(self.lead(planned, chosen), right, width, cut_middle)

    def due(self, planned: Planned) -> list[Span]:
        """Whether its deadline is met, and by how much."""
        if planned.deadline is None or planned.late is None:
            return [(" " * 8, "")]
        sign, tone = (self.scene.signs.failed, "bad") if planned.late > 0 else (self.scene.signs.done, "good")
        return [(f" {sign} {span(abs(planned.late)):<5}", tone)]

    def over_time(self, planned: Planned, scale: chart.Scale, chosen: bool) -> list[Span]:
        now = self.scene.link.now()
        by = planned.ends.p90 if planned.ends else None
        end = f"{moment(planned.end, now)}{f' ({clock(by, planned.end, now)})' if by else ''}" if planned.end else "…"
        name = fit(self.lead(planned, chosen), (), chart.NAME, cut_middle)
        bar = chart.row(scale, planned, self.scene.signs)
        return [*name, *joined(bar), (f" {end:<23}", "dim"), *self.due(planned)]

    def undone(self, planned: Planned, width: int, chosen: bool) -> Sequence[list[Span]]:
        why = say(planned.why, self.scene.link.now()) if planned.why else "still at work when the plan ends"
        head = fit(self.lead(planned, chosen), self.due(planned), width, cut_middle)
        return (head, second([("   ", "")], why, "dim", width))

    async def action_open(self) -> None:
        await self.screen.run_action("open")


def clock(when: datetime | None, beside: datetime | None, now: datetime, *, day: bool = False) -> str:
    """``01:22``; with its day (or, with `day`, that alone) when that is another than `beside`'s."""
    if when is None:
        return "?"
    local = when.astimezone(now.tzinfo)
    same = beside is None or local.date() == beside.astimezone(now.tzinfo).date()
    return f"{local:%H:%M}" if same else f"{local:%a}" if day else f"{local:%a %H:%M}"


def by_window(plan: Plan) -> Iterable[tuple[PlannedWindow | None, list[Planned]]]:
    """Tasks that start, under the 5-hour window they start in, in its order."""
    windows = sorted((each for each in plan.windows if each.window == FIVE_HOUR), key=lambda each: each.opens)
    groups: dict[datetime | None, list[Planned]] = {window.opens: [] for window in windows}
    for planned in plan.tasks:
        if planned.start is not None:
            opens = next((each.opens for each in windows if each.opens <= planned.start < each.ends), None)
            groups.setdefault(planned.windows[0] if planned.windows else opens, []).append(planned)
    known = {window.opens: window for window in windows}
    for opens, tasks in groups.items():
        if tasks:
            yield known.get(opens) if opens else None, tasks


def window_line(window: PlannedWindow, scene: Scene, width: int) -> list[Span]:
    """`` Tue 03:00–08:00 ▄▄▄▄▄▁▁▁▁░░  31 % · 69 expire``: how full it is at its end."""
    now, signs = scene.link.now(), scene.signs
    opens, ends = window.opens.astimezone(now.tzinfo), window.ends.astimezone(now.tzinfo)
    day = "" if opens.date() == now.date() else f"{opens:%a} "
    head = f" {day}{opens:%H:%M}–{ends:%H:%M} "
    lost = f" · {points(window.unused).removesuffix(' %')} expire" if window.unused >= 0.5 else ""
    tail = f" {window.used:3.0f} %{lost}"
    room = max(width - 20 - 18 - 1, 6)
    first, ours = round(window.person * room / 100), round(window.used * room / 100)
    kept = room - round(window.reserve * room / 100)
    cells = [
        (signs.full, "dim") if x < first else (signs.full, "running") if x < ours
        else (signs.rest, "rest") if x < kept else (signs.kept, "dim")
        for x in range(room)
    ]  # fmt: skip
    return fit([(f"{head:<20}", "strong"), *joined(cells), (tail, "dim")], (), width)
