"""The main screen: gauge, what is the matter, the three lists and what stands behind the chosen row; one DOM for all.

Narrow shows one list and a strip to choose it; broad shows all three side by side; where there are rows or columns to
spare, the preview follows the cursor.  Shows and sends; decides nothing.
"""

from __future__ import annotations

from dataclasses import replace

from textual import events, getters, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from cctui.core import view
from cctui.core.forecast import Plan
from cctui.core.view import Row
from cctui.core.world import Hold, Reason, Undo, World
from cctui.link import LinkError
from cctui.tui import hints, openrun
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import cut_end
from cctui.tui.gauge import Gauge
from cctui.tui.history import History, rate
from cctui.tui.keys import BOARD
from cctui.tui.messages import Ask, Carried, Cursor, Go, Say, Scene
from cctui.tui.preview import Preview
from cctui.tui.queue import Queue
from cctui.tui.queue import key as row_key
from cctui.tui.rowlist import RowList
from cctui.tui.runs import Runs
from cctui.tui.troubles import troubles
from cctui.tui.whatif import WhatIf

PANES = ("queue", "runs", "history")
WIDTHS = [(0, "-slim"), (38, "-narrow"), (100, "-broad"), (160, "-huge")]
HEIGHTS = [(0, "-tiny"), (12, "-short"), (24, "-tall"), (30, "-high")]
"""Columns and rows → the class every screen has from there on, up to the next."""
LEAST = (38, 12)
"""Columns and rows below which there is only one sentence (the classes ``-slim`` and ``-tiny``)."""


class Board(Screen[None]):
    AUTO_FOCUS = "#queue"
    BINDINGS = [*BOARD]

    banner = getters.query_one("#banner", Bar)
    tabs = getters.query_one("#tabs", Bar)
    hint_line = getters.query_one("#hints", Bar)
    queue = getters.query_one("#queue", Queue)
    runs = getters.query_one("#runs", Runs)
    history = getters.query_one("#history", History)
    preview = getters.query_one("#preview", Preview)
    what_if = getters.query_one("#whatif", WhatIf)
    small = getters.query_one("#small", Static)

    def __init__(self, scene: Scene) -> None:
        super().__init__(classes="-at-queue" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene

    def compose(self) -> ComposeResult:
        yield Gauge(self.scene, id="gauge")
        yield Bar(self.scene, id="banner")
        yield Bar(self.scene, id="tabs", gap=1)
        with Vertical(id="panes"):
            with Horizontal(id="lists"):
                yield Queue(self.scene, id="queue")
                with Vertical(id="side"):
                    yield Runs(self.scene, id="runs")
                    yield History(self.scene, id="history")
            yield Preview(self.scene, id="preview")
        yield Static(id="small", markup=False)
        yield WhatIf(self.scene, id="whatif")
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)
        self.watch(self.app, "now", self.tick, init=False)

    def heard(self, world: World) -> None:
        entitle(self.queue, f"Queue {self.queued()}")
        entitle(self.runs, f"Runs {len(world.runs)}")
        entitle(self.history, "History")
        self.show_tabs()
        self.show_banner()
        self.show_hints()
        self.preview.soon()

    def tick(self) -> None:
        self.show_banner()
        self.what_if.tick()
        self.preview.tick()
        if self.app.app_focus and self.is_current and self.scene.ahead.due():
            self.look_ahead()

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def look_ahead(self) -> None:
        """When each task will start, for the rows of the queue."""
        self.scene.ahead.asked()
        try:
            found = await self.scene.link.plan()
        except LinkError:
            return  # `p` says what is wrong; here it is only left out
        if isinstance(found, Plan):
            self.scene.ahead.take(found)
            self.queue.repaint()

    def on_resize(self, event: events.Resize) -> None:
        columns, rows = event.size
        if columns < LEAST[0] or rows < LEAST[1]:
            turn = "pinch out, or turn the phone" if columns < LEAST[0] else "put the keyboard away, or pinch in"
            self.small.update(f"{columns} × {rows} is too small for the queue: {turn}.")
        self.call_after_refresh(self.take_keys)

    def take_keys(self) -> None:
        """A list that was hidden for want of room has lost the keys, and gets them back when it is shown again."""
        if self.focused is None and not (self.has_class("-slim") or self.has_class("-tiny")):
            self.list_at().focus(scroll_visible=False)

    # --- the lines

    def show_tabs(self) -> None:
        world = self.scene.link.world
        counts = (self.queued(), str(len(world.runs)), rate(world.totals).replace(" ", ""))
        at = self.pane()
        left = []
        for i, (name, number) in enumerate(zip(PANES, counts, strict=True), start=1):
            tone = "tab" if name == at else "dim"
            left.append(Entry(((f" {i} {name.title()} ", tone), (f"{number} ", tone)), f"pane('{name}')"))
        right = [Entry((("p", "accent"), (" Plan", "dim")), "forecast")]
        if not self.tabs.holds(left, right):  # every pane stays within a tap; the share that went well gives way first
            left[-1] = replace(left[-1], spans=left[-1].spans[:1])
        self.tabs.show(left, right if self.tabs.holds(left, right) else ())

    def queued(self) -> str:
        """How many wait; how many of them are shown, or marked, where that is fewer."""
        queue = self.queue
        if queue.marks:
            return f"{self.scene.signs.marked}{len(queue.marks)}"
        return f"{len(queue.rows)}/{queue.all}" if queue.words else str(len(queue.line()))

    def show_banner(self) -> None:
        link = self.scene.link
        found = list(troubles(link.world, self.scene.trouble, link.now()))
        entries, room = [], self.app.size.width - 2
        if asking := len(openrun.asking(link.world)) + len(link.world.broken):
            who = f"{asking} {openrun.NEEDS}" if asking == 1 else f"{asking} need you"
            entries.append(Entry(((f"{self.scene.signs.needs} {who}", "needs"),), "triage"))
            room -= entries[0].width + self.banner.gap
        if found:
            text, tone = found[0]
            more = f" +{len(found) - 1}" if len(found) > 1 else ""
            entries.append(Entry(((cut_end(text, room - len(more)), tone), (more, "strong")), "notes"))
        self.banner.set_class(bool(entries), "-on")
        self.banner.show(entries)

    def show_hints(self) -> None:
        # The terminal has lost its focus: nobody reads, and every byte is one too many.
        if self.app.app_focus and self.is_current:
            hints.show(self, self.hint_line)

    def on_cursor(self, message: Cursor) -> None:
        message.stop()
        self.call_after_refresh(self.show_hints)
        self.show_tabs()
        entitle(self.queue, f"Queue {self.queued()}")
        pane = self.list_at()
        self.preview.about(self.pane(), pane.chosen)

    def on_screen_resume(self) -> None:
        self.queue.repaint()  # a plan may have come on another screen
        self.call_after_refresh(self.show_hints)

    # --- the panes

    def pane(self) -> str:
        return next((name for name in PANES if self.has_class(f"-at-{name}")), "queue")

    def action_pane(self, name: str) -> None:
        """Show that pane (narrow) and put the cursor there (always)."""
        for other in PANES:
            self.set_class(other == name, f"-at-{other}")
        self.show_tabs()
        self.list_at().focus(scroll_visible=False)

    def shows(self, name: str) -> bool:
        """Whether that list is on the screen: the chosen one, and all where there is room."""
        return self.pane() == name or self.has_class("-broad") or self.has_class("-huge")

    def list_at(self) -> RowList:
        """The list that has the keys, or had them last."""
        lists: dict[str, RowList] = {"queue": self.queue, "runs": self.runs, "history": self.history}
        return lists[self.pane()]

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A tap on another pane makes it the one that stays when the screen turns narrow."""
        name = event.widget.id
        # One that has lost the focus again meanwhile would call it back, and so on for ever.
        if name in PANES and name != self.pane() and event.widget is self.focused:
            self.action_pane(name)

    def seek(self, row: Row) -> None:
        """Put the cursor on that row, in whichever list it is; the filter gives way."""
        open_run = row.run.spec.run_id if row.run else row.name
        name, key = ("runs", open_run) if row.phase == "active" else ("queue", row_key(row))
        self.action_pane(name)
        pane = self.list_at()
        if not pane.choose(key) and pane.words:
            pane.filter("")
            pane.choose(key)

    def action_next_pane(self, way: int) -> None:
        self.action_pane(PANES[(PANES.index(self.pane()) + way) % len(PANES)])

    # --- keys that mean the same everywhere

    def action_hold(self) -> None:
        self.post_message(Ask(Hold(on=not self.scene.link.world.memory.hold)))

    def action_forecast(self) -> None:
        self.post_message(Go("forecast"))

    def action_windows(self) -> None:
        self.post_message(Go("windows"))

    def action_figures(self) -> None:
        self.post_message(Go("figures"))

    def action_triage(self) -> None:
        self.post_message(Go("triage"))

    def action_undo(self) -> None:
        if reason := self.what_if.refused():
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        else:
            self.post_message(Ask(Undo()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A filter is seen by the key that ends it."""
        return action != "clear" or bool(self.list_at().words)

    def refused(self, action: str) -> Reason | None:
        """Why the key is dimmed."""
        return self.what_if.refused() if action == "undo" else None

    def on_carried(self, message: Carried) -> None:
        message.stop()
        if message.on:
            self.what_if.carrying(message.command)
        else:
            self.what_if.put_down()

    def action_new(self) -> None:
        self.post_message(Go("new"))

    def action_notes(self) -> None:
        self.post_message(Go("notes"))

    def action_detach(self) -> None:
        self.post_message(Go("detach"))

    def action_quit(self) -> None:
        self.post_message(Go("quit"))

    def action_clear(self) -> None:
        self.post_message(Go("clear"))

    def action_help(self) -> None:
        self.post_message(Go("help"))


def entitle(pane: RowList, title: str) -> None:
    """Textual draws the whole pane again for every title, also for the one it has."""
    if pane.border_title != title:
        pane.border_title = title
