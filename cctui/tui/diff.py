"""What a run changed, line by line, as git shows it: files (=), places (@@), additions and removals in their own tones.

Promises: every line is inert text of the terminal's width; a long diff costs what a screenful does; a line says what it
is by its first letter, so that colour never stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cctui.core import view
from cctui.core.refusal import refusal
from cctui.core.world import Reason, Record, Rollback, World
from cctui.link import LinkError
from cctui.tui import hints, proof
from cctui.tui.bar import Bar
from cctui.tui.cells import Span, clean, strip
from cctui.tui.keys import DIFF
from cctui.tui.messages import Ask, Say, Scene
from cctui.tui.pages import Page

INSIDE = {"+": "good", "-": "bad", " ": "", "\\": "dim", "@": "accent"}
"""First letter of a line within a file's part → its tone."""
SKIPPED = ("index ", "--- ", "+++ ")
"""Lines of a file's head that say again what its first line has said."""


def lines(diff: str) -> Iterator[Span]:
    """The lines that are shown, each with its tone.

    A file's head is told from its content by where it stands, since content may look like anything."""
    head = False
    for line in clean(diff.replace("\r\n", "\n").replace("\r", "^M")).rstrip("\n").split("\n"):
        if line.startswith("diff --git "):
            head = True
            yield f"= {file_name(line.removeprefix('diff --git '))}", "strong"
        elif line.startswith("@@"):
            head = False
            yield line, "accent"
        elif head:
            if not line.startswith(SKIPPED):
                yield line, "dim"
        else:
            yield line, INSIDE.get(line[:1], "warn")


def file_name(names: str) -> str:
    """``a/x b/x`` → ``x``; both names where they differ."""
    half = len(names) // 2
    old, new = names[:half], names[half + 1 :]
    return old[2:] if old[:2] == "a/" and new[:2] == "b/" and old[2:] == new[2:] else names


def sums(found: Sequence[Span]) -> str:
    """``+20 -4``."""
    added = sum(tone == "good" for _, tone in found)
    return f"+{added} -{sum(tone == 'bad' for _, tone in found)}"


def fold(found: Sequence[Span], width: int) -> Iterator[Sequence[Span]]:
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
    """Toned lines, of which only the visible ones are drawn."""

    def __init__(self, scene: Scene, *, id: str) -> None:
        super().__init__(id=id)
        self.scene = scene
        self.found: Sequence[Span] = ()
        self.folded: list[Sequence[Span]] = []

    def put(self, found: Sequence[Span]) -> None:
        self.found = found
        self.on_resize()

    def on_resize(self) -> None:
        width = max(8, self.scrollable_content_region.width)
        self.folded = list(fold(self.found, width))
        self.virtual_size = Size(width, len(self.folded))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, at = self.scrollable_content_region.width, y + self.scroll_offset.y
        spans = self.folded[at] if at < len(self.folded) else []
        return strip(spans, width, self.scene.palette, self.rich_style, plain=self.scene.signs.plain)


class Diff(Page):
    """`key` is the run's id, open or closed."""

    BINDINGS = [*DIFF]

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.sums = ""
        self.told = -1
        """Number of the last note about this run: a rollback is told, and changes what is shown."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title", gap=2)
        yield Lines(self.scene, id="body")
        yield Bar(self.scene, id="hints")

    def heard(self, world: World) -> None:
        told = max((note.seq for note in world.notes if note.run_id == self.key), default=0)
        if told != self.told:
            self.told = told
            self.read()
        self.show()

    def show(self) -> None:
        self.show_title()
        self.call_after_refresh(hints.show, self, self.hint_line)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        try:
            said = await self.scene.link.diff(self.key)
            found = list(lines(said)) if said.strip() else [("It has changed nothing.", "")]
            self.sums = sums(found)
        except LinkError as error:
            found, self.sums = [(view.safe(str(error)), "")], "-"
        self.query_one(Lines).put(found)
        self.show()

    def record(self) -> Record | None:
        return proof.find(self.scene.link.world, self.key)

    def heading(self) -> str:
        run, record = self.scene.link.world.runs.get(self.key), self.record()
        return run.spec.task if run else record.task_id if record else self.key

    def aside(self) -> str:
        return self.sums.strip("-") or "changes"

    # --- keys

    def refused(self, action: str) -> Reason | None:
        if action != "rollback":
            return None
        link = self.scene.link
        return refusal(link.world, Rollback(self.key), link.now()) or proof.no_undo(self.record())

    def action_rollback(self) -> None:
        record = self.record()
        if reason := self.refused("rollback"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif record:
            self.post_message(Ask(Rollback(self.key), proof.undoing(record)))
