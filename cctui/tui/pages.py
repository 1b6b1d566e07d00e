"""Sub-screens that are read: what they share, a task, the notes.  One way back from each: esc, ‹, h, ←."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from rich.text import Text
from textual import getters, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from cctui.core import view
from cctui.core.queue import plan_waits
from cctui.core.refusal import refusal
from cctui.core.view import Row
from cctui.core.world import Level, Phase, Reason, Record, Run, RunNow, Stage, Task, World
from cctui.link import LinkError
from cctui.tui import hints, openrun, proof
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import clean, cut_middle, in_ascii
from cctui.tui.gatelines import put_open, put_shut
from cctui.tui.history import look
from cctui.tui.keys import DETAIL, SHEET
from cctui.tui.messages import Ask, Cursor, Go, Say, Scene
from cctui.tui.troubles import troubles


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

    def heard(self, world: World) -> None:
        self.show()

    def show(self) -> None:
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


def section(text: Text, title: str) -> None:
    if text.plain:
        text.append("\n")
    text.append(f"{title}\n", "bold underline")


def pair(text: Text, name: str, value: str) -> None:
    text.append(f"{name}: ", "dim")
    text.append(f"{value}\n")


def shown(value: object) -> str:
    """A field's value as text a person reads."""
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(shown(part) for part in value)
        case _:
            return view.safe(str(getattr(value, "name", value) if not isinstance(value, str) else value))


class Detail(Page):
    """A task: what keeps it, every gate, its fields and prompt, its last runs."""

    BINDINGS = [*DETAIL]

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.prompt: str | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.read()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        try:
            self.prompt = clean(await self.scene.link.text(self.key))
        except LinkError as error:
            self.prompt = str(error)
        self.show()

    def row(self) -> Row | None:
        return next((row for row in self.scene.rows() if self.key in (row.name, row.path)), None)

    def heading(self) -> str:
        row = self.row()
        return row.name if row else self.key

    def aside(self) -> str:
        row = self.row()
        return openrun.word(row) if row else "gone"

    def run_now(self) -> Run | None:
        row = self.row()
        return row.run if row else None

    def content(self) -> Text:
        text, row = Text(), self.row()
        world = self.scene.link.world
        if row is None:
            return Text("This task is gone: its file has left the folders.")
        if said := openrun.sentence(row):
            text.append(f"{said}\n", "bold")
        for warning in row.warnings:
            text.append(f"{warning}\n", "italic")
        task = world.tasks.get(self.key)
        if task:
            self.gates(text, task, shut=True)
        if row.run:
            section(text, "Run")
            for name, value in openrun.facts(row.run):
                pair(text, name, value)
        if self.prompt is not None:
            section(text, "File")
            text.append(self.prompt.strip() + "\n")
        if task:
            self.fields(text, task)
        self.past(text, [record for record in world.records if record.task_id == row.name])
        if task:
            self.gates(text, task, shut=False)
        return text

    def gates(self, text: Text, task: Task, *, shut: bool) -> None:
        """The shut gates stand first on the page, the open ones last: together they are all there are."""
        world, run = self.scene.link.world, self.run_now()
        if task.phase not in (Phase.PENDING, Phase.ACTIVE) or (run and run.stage is not Stage.PARKED):
            return  # what runs has every gate behind it
        found = view.why(world, task.name, self.scene.link.now())
        section(text, "Why" if shut else "Gates open")
        (put_shut if shut else put_open)(text, self.scene, found)

    def fields(self, text: Text, task: Task) -> None:
        section(text, "Fields")
        for field in fields(task):
            value = getattr(task, field.name)
            if value in (None, (), "", False) or field.name in ("title", "warnings", "name"):
                continue
            pair(text, field.name.replace("_", " "), shown(value))

    def past(self, text: Text, records: Sequence[Record]) -> None:
        if records:
            section(text, "Last runs")
        now = self.scene.link.now()
        for record in reversed(records[-5:]):
            text.append(f"{self.scene.signs.of(look(record))} {view.moment(record.timestamp, now)}  ")
            proven = proof.mark(record)
            sign = f" {self.scene.signs.dot} {self.scene.signs.of(proven)} {proven}" if proven else ""
            text.append(f"{view.outcome(record)}{sign}\n", "dim")

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One key runs the task or accepts its plan: whichever it can mean here; only a run is taken over."""
        run = self.run_now()
        if action == "takeover":
            return run is not None
        if action not in ("run", "accept"):
            return True
        return (action == "accept") is (run is not None and plan_waits(run))

    def refused(self, action: str) -> Reason | None:
        world, now = self.scene.link.world, self.scene.link.now()
        if action == "takeover":
            return openrun.no_takeover(world, self.run_now(), now)
        return refusal(world, RunNow(self.key), now) if action == "run" else None

    def action_run(self) -> None:
        self.post_message(Ask(RunNow(self.key)))

    def action_accept(self) -> None:
        if run := self.run_now():
            self.post_message(Go("plan", run.spec.run_id))

    def action_takeover(self) -> None:
        if reason := self.refused("takeover"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run := self.run_now():
            self.post_message(Go("takeover", run.spec.run_id))

    def action_why(self) -> None:
        if self.key in self.scene.link.world.tasks:
            self.post_message(Go("why", self.key))

    def action_edit(self) -> None:
        if self.key in self.scene.link.world.tasks:
            self.post_message(Go("edit", self.key))
        else:
            self.post_message(Say("Mend the file itself: what is wrong stands above"))


class Notes(Page):
    """What happened, newest first: for a phone that was asleep."""

    def heading(self) -> str:
        return "Notes"

    def content(self) -> Text:
        text, link = Text(), self.scene.link
        now = link.now()
        if found := list(troubles(link.world, self.scene.trouble, now)):
            section(text, "Now")
            text.append("".join(f"{sentence}\n" for sentence, _ in found))
            if link.world.notes:
                section(text, "Before")
        tones = {Level.INFO: "dim", Level.GOOD: "green", Level.WARN: "yellow", Level.BAD: "red"}
        for note in reversed(self.scene.link.world.notes):
            text.append(f"{view.moment(note.at, now):>9}  ", "dim")
            text.append(f"{note.level:<4}  ", tones[note.level])
            text.append(f"{view.safe(note.text)}\n")
        return text if text.plain else Text("Nothing has happened yet.")
