"""Sub-screens that are read: what they share.  One way back from each: esc, ‹, h, ←."""

from __future__ import annotations

from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from cctui.core import view
from cctui.core.world import World
from cctui.tui import hints, openrun
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import cut_middle, in_ascii
from cctui.tui.keys import SHEET
from cctui.tui.messages import Cursor, Go, Scene


class Page(Screen[None]):
    """A title with the way back, a text that scrolls, a hint line."""

    AUTO_FOCUS = "#body"
    BINDINGS = [*SHEET]

    title_line = getters.query_one("#title", Bar)
    hint_line = getters.query_one("#hints", Bar)
    body = getters.query_one("#body", Widget)
    text = getters.query_one("#text", Static)

    def __init__(self, scene: Scene, key: str = "") -> None:
        super().__init__(classes="page" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene
        self.key = key

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title", gap=2)
        with VerticalScroll(id="body", can_focus=True):
            yield Static(Text(), id="text", markup=False)
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)
        # A text keeps the colours it was made with.
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show())

    def heard(self, world: World) -> None:
        self.show()

    def show(self) -> None:
        if not self.query("#text, #title"):
            return  # left at the moment it was opened
        self.show_title()
        self.put(self.content())
        self.call_after_refresh(hints.show, self, self.hint_line)

    def show_title(self) -> None:
        name = cut_middle(view.safe(self.heading()), max(8, self.app.size.width - 24))
        aside = self.aside()
        right = [Entry(((aside, "needs" if aside == openrun.NEEDS else "dim"),))] if aside else []
        self.title_line.show([Entry(((f"{self.scene.signs.back} ", "accent"), (name, "strong")), "back")], right)

    def put(self, text: Text) -> None:
        if self.scene.signs.plain:
            text.plain = in_ascii(text.plain)
        if not text.plain.replace("\n", "").isprintable():
            text.plain = "".join(c if c.isprintable() or c == "\n" else " " for c in text.plain)
        self.text.update(text)

    def heading(self) -> str:
        return self.key

    def aside(self) -> str:
        return ""

    def content(self) -> Text:
        return Text()

    def on_cursor(self, message: Cursor) -> None:
        message.stop()

    # --- keys

    def action_back(self) -> None:
        self.dismiss()

    def action_help(self) -> None:
        self.post_message(Go("help"))

    def action_down(self) -> None:
        self.body.scroll_relative(y=1, animate=False)

    def action_up(self) -> None:
        self.body.scroll_relative(y=-1, animate=False)

    def action_first(self) -> None:
        self.body.scroll_home(animate=False)

    def action_last(self) -> None:
        self.body.scroll_end(animate=False)

    def action_page(self, way: int) -> None:
        self.body.scroll_relative(y=way * max(1, self.body.size.height - 1), animate=False)
