"""The main screen: gauge, what is the matter, and the three panes; one DOM for phone and desktop.

Narrow shows one pane and a strip to choose it; wide shows all three.  Shows and sends; decides nothing.
"""

from __future__ import annotations

from textual import events, getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from cctui.core import view
from cctui.core.world import Hold, Reason, World
from cctui.tui import hints, openrun
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import cut_end
from cctui.tui.gauge import Gauge
from cctui.tui.history import History, rate
from cctui.tui.keys import BOARD
from cctui.tui.messages import Ask, Carried, Cursor, Go, Say, Scene
from cctui.tui.queue import Queue
from cctui.tui.rowlist import RowList
from cctui.tui.runs import Runs
from cctui.tui.troubles import troubles
from cctui.tui.whatif import WhatIf

PANES = ("queue", "runs", "history")


class Board(Screen[None]):
    AUTO_FOCUS = "#queue"
    BINDINGS = [*BOARD]

    banner = getters.query_one("#banner", Bar)
    tabs = getters.query_one("#tabs", Bar)
    hint_line = getters.query_one("#hints", Bar)
    queue = getters.query_one("#queue", Queue)
    runs = getters.query_one("#runs", Runs)
    history = getters.query_one("#history", History)
    what_if = getters.query_one("#whatif", WhatIf)

    def __init__(self, scene: Scene) -> None:
        super().__init__(classes="-at-queue" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene

    def compose(self) -> ComposeResult:
        yield Gauge(self.scene, id="gauge")
        yield Bar(self.scene, id="banner")
        yield Bar(self.scene, id="tabs", gap=1)
        with Horizontal(id="panes"):
            yield Queue(self.scene, id="queue")
            with Vertical(id="side"):
                yield Runs(self.scene, id="runs")
                yield History(self.scene, id="history")
        yield WhatIf(self.scene, id="whatif")
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)
        self.watch(self.app, "now", self.tick, init=False)

    def heard(self, world: World) -> None:
        entitle(self.queue, f"Queue {len(self.queue.line())}")
        entitle(self.runs, f"Runs {len(world.runs)}")
        entitle(self.history, "History")
        self.show_tabs()
        self.show_banner()
        self.show_hints()

    def tick(self) -> None:
        self.show_banner()
        self.what_if.tick()

    # --- the lines

    def show_tabs(self) -> None:
        world = self.scene.link.world
        counts = (str(len(self.queue.line())), str(len(world.runs)), rate(world.totals).replace(" ", ""))
        at = self.pane()
        left = []
        for i, (name, number) in enumerate(zip(PANES, counts, strict=True), start=1):
            tone = "tab" if name == at else "dim"
            left.append(Entry(((f" {i} {name.title()} ", tone), (f"{number} ", tone)), f"pane('{name}')"))
        self.tabs.show(left, [Entry((("p", "accent"), (" Plan", "dim")), "forecast")])

    def show_banner(self) -> None:
        link = self.scene.link
        found = list(troubles(link.world, self.scene.trouble, link.now()))
        entries, room = [], self.app.size.width - 2
        if asking := len(openrun.asking(link.world)):
            who = f"{asking} {openrun.NEEDS}" if asking == 1 else f"{asking} need you"
            entries.append(Entry(((f"{self.scene.signs.needs} {who}", "needs"),), "pane('runs')"))
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

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self.show_hints)

    # --- the panes

    def pane(self) -> str:
        return next((name for name in PANES if self.has_class(f"-at-{name}")), "queue")

    def action_pane(self, name: str) -> None:
        """Show that pane (narrow) and put the cursor there (always)."""
        for other in PANES:
            self.set_class(other == name, f"-at-{other}")
        self.show_tabs()
        pane: RowList = {"queue": self.queue, "runs": self.runs, "history": self.history}[name]
        pane.focus(scroll_visible=False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A tap on another pane makes it the one that stays when the screen turns narrow."""
        name = event.widget.id
        if name in PANES and name != self.pane():
            self.action_pane(name)

    def action_next_pane(self, way: int) -> None:
        self.action_pane(PANES[(PANES.index(self.pane()) + way) % len(PANES)])

    # --- keys that mean the same everywhere

    def action_hold(self) -> None:
        self.post_message(Ask(Hold(on=not self.scene.link.world.memory.hold)))

    def action_forecast(self) -> None:
        self.post_message(Go("forecast"))

    def action_windows(self) -> None:
        self.post_message(Go("windows"))

    def action_undo(self) -> None:
        if reason := self.what_if.refused():
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif self.what_if.undo:
            self.post_message(Ask(self.what_if.undo))

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
