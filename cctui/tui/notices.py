"""The notices: what happened, newest first, day by day; for a phone that was asleep.

Above them what is the matter now.  What has come since they were last read is marked; that is kept only while the app
lives.  Enter leads to the task or run a notice is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from textual import getters
from textual.app import ComposeResult
from textual.screen import Screen

from cctui.core import view
from cctui.core.world import Level, Note, Reason, Why, World
from cctui.tui import hints
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import Span, cut_middle, fit, wrap
from cctui.tui.keys import NOTICES, NOTICES_PAGE
from cctui.tui.messages import Cursor, Go, Say, Scene
from cctui.tui.rowlist import Item, RowList
from cctui.tui.troubles import Trouble, troubles

LOOKS = {
    Level.INFO: ("dot", "I", "dim"),
    Level.GOOD: ("done", "G", "good"),
    Level.WARN: ("needs", "W", "warn"),
    Level.BAD: ("failed", "B", "bad"),
}
"""Sign, letter and tone of a level; its word is its own."""
LOUD = (Level.WARN, Level.BAD)
NONE = Reason(Why.STATE, "there is no notice to open")
INDENT = 4
LINES = 4
"""Lines of a notice's text shown at most."""


class Happened(RowList):
    HELP = (
        "What happened, newest first; **new** is what has come since you last looked here.\n\n"
        "**enter** opens the task or run it is about, **b** leaves only warnings and what went wrong."
    )
    BINDINGS = [*NOTICES]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.notes: dict[str, Note] = {}
        self.now: tuple[Trouble, ...] = ()
        """What is the matter now."""
        self.loud = False
        """Only warnings and what went wrong."""
        self.read = scene.read
        """The newest notice that had been shown when these were opened."""

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)

    def on_resize(self) -> None:
        super().on_resize()
        self.lay_out()

    def heard(self, world: World) -> None:
        self.lay_out()

    def lay_out(self) -> None:
        link, width = self.scene.link, self.scrollable_content_region.width
        notes = [note for note in reversed(link.world.notes) if not self.loud or note.level in LOUD]
        self.notes = {str(note.seq): note for note in notes}
        self.now = tuple(troubles(link.world, self.scene.trouble, link.now()))
        self.scene.read = max((note.seq for note in link.world.notes), default=self.scene.read)
        self.set_items([*self._now(width), *self._then(notes, width)])

    def _now(self, width: int) -> Iterator[Item]:
        if self.now:
            yield Item("", 1, label="Now")
        for number, (sentence, _) in enumerate(self.now):
            yield Item("", len(said(sentence, width)), label=str(number))

    def _then(self, notes: Sequence[Note], width: int) -> Iterator[Item]:
        today, before = self.scene.link.now(), None
        for note in notes:
            day = note.at.astimezone(today.tzinfo).date()
            if day != before:
                yield Item("", 1, label=day_name(day, today))
            yield Item(str(note.seq), 1 + len(said(note.text, width)))
            before = day

    def empty(self) -> tuple[str, ...]:
        if self.loud:
            return ("Nothing went wrong.", "b shows every notice again.")
        return ("Nothing has happened yet.", "Runs that start, end or need you are told here; esc leads back.")

    # --- drawing

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        if item.key:
            return self._note(self.notes[item.key], width, chosen)
        if not item.label.isdecimal():
            return ([(f" {item.label}", "strong")],)
        sentence, tone = self.now[int(item.label)]
        first, *more = said(sentence, width)
        return [[(f"  {self.scene.signs.needs} {first}", tone)], *([(" " * INDENT + line, tone)] for line in more)]

    def _note(self, note: Note, width: int, chosen: bool) -> Sequence[list[Span]]:
        signs = self.scene.signs
        sign, letter, tone = LOOKS[note.level]
        at = note.at.astimezone(self.scene.link.now().tzinfo)
        left: list[Span] = [
            self.mark(signs.cursor, chosen),
            (f"{signs.of(sign)} {letter} {note.level:<5}", tone),
            (view.safe(note.task or ""), "strong" if chosen else ""),
        ]
        new: list[Span] = [(" new", "needs")] if note.seq > self.read else []
        head = fit(left, [*new, (f" {at:%H:%M} ", "dim")], width, cut_middle)
        quiet = tone if note.level in LOUD else ""
        return [head, *([(" " * INDENT, ""), (line, quiet)] for line in said(note.text, width))]

    # --- keys

    def named(self) -> str:
        note = self.notes.get(self.chosen)
        return view.short(note.task) if note and note.task else ""

    def refused(self, action: str) -> Reason | None:
        return NONE if action == "open" and self.chosen not in self.notes else None

    def action_open(self) -> None:
        note = self.notes.get(self.chosen)
        self.post_message(about(self.scene.link.world, note) if note else Say(view.say(NONE, self.scene.link.now())))

    def action_bad(self) -> None:
        self.loud = not self.loud
        self.lay_out()


def said(text: str, width: int) -> list[str]:
    """A notice's text in lines; where it is longer than `LINES`, its last line says so."""
    lines = wrap(view.safe(text), max(8, width - INDENT - 1)) or [""]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"{lines[LINES - 1][: width - INDENT - 2]}…"]


def day_name(day: date, now: datetime) -> str:
    away = (now.date() - day).days
    if away in (0, 1):
        return ("Today", "Yesterday")[away]
    return f"{day:%A} {day.day} {day:%B}" if day.year == now.year else day.isoformat()


def about(world: World, note: Note) -> Go | Say:
    """Where what a notice is about can be seen: how the run ended, what it says, or the task."""
    if note.run_id and any(record.run_id == note.run_id for record in world.records):
        return Go("record", note.run_id)
    if note.run_id in world.runs:
        return Go("peek", note.run_id or "")
    if note.task in world.tasks:
        return Go("detail", note.task or "")
    ended = next((r.run_id for r in reversed(world.records) if r.task_id == note.task and r.run_id), None)
    if ended:
        return Go("record", ended)
    return Say("What this notice is about is gone" if note.task else "This notice is about no task")


class Notices(Screen[None]):
    AUTO_FOCUS = "#notices"
    BINDINGS = [*NOTICES_PAGE]

    title_line = getters.query_one("#title", Bar)
    hint_line = getters.query_one("#hints", Bar)
    rows = getters.query_one("#notices", Happened)

    def __init__(self, scene: Scene) -> None:
        super().__init__(classes="notices" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        yield Happened(self.scene, id="notices")
        yield Bar(self.scene, id="hints")

    def on_cursor(self, message: Cursor) -> None:
        """Also after every change of the rows."""
        message.stop()
        rows = self.rows
        new = sum(note.seq > rows.read for note in rows.notes.values())
        told = f"{new} new" if new else "only bad ones" if rows.loud else ""
        back: Entry = Entry(((f"{self.scene.signs.back} ", "accent"), ("Notices", "strong")), "back")
        self.title_line.show([back], [Entry(((told, "needs" if new else "dim"),))] if told else [])
        self.call_after_refresh(hints.show, self, self.hint_line)

    def action_back(self) -> None:
        self.dismiss()

    def action_help(self) -> None:
        self.post_message(Go("help"))
