"""A finished run: how it ended, what is proven of it, what it changed, what came after, its note, its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from rich.style import Style
from rich.text import Text
from textual import work

from cctui.core import view
from cctui.core.refusal import refusal
from cctui.core.world import Reason, Record, Rollback
from cctui.link import LinkError
from cctui.tui import proof
from cctui.tui.cells import clean
from cctui.tui.history import look
from cctui.tui.keys import RECORD
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.pages import Page, pair, section

SAID = frozenset(
    {"log_file", "detail", "schema", "task_id", "success", "claimed", "proven", "check_exit", "branch", "base_commit"}
    | {"commits", "files_changed"}
)
"""Fields that have their own words above the figures."""


class Past(Page):
    BINDINGS = [*RECORD]

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.note: str | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.read()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        record = self.record()
        if record and record.log_file:
            try:
                self.note = clean(await self.scene.link.text(record.log_file))
            except LinkError as error:
                self.note = str(error)
            self.show()

    def record(self) -> Record | None:
        return proof.find(self.scene.link.world, self.key)

    def heading(self) -> str:
        record = self.record()
        return record.task_id if record else self.key

    def aside(self) -> str:
        record = self.record()
        return look(record) if record else ""

    def content(self) -> Text:
        record, text = self.record(), Text()
        if record is None:
            return Text("This run is older than the newest 500: its note and history line are still there.")
        text.append(f"{view.outcome(record)}\n", "bold")
        if record.success and record.detail:
            text.append(f"{view.safe(record.detail)}\n")
        self.proof(text, record)
        self.since(text, record)
        section(text, "Note")
        text.append(f"{view.safe(record.log_file) or 'none'}\n")
        section(text, "Numbers")
        for name, value in figures(record):
            pair(text, name, view.safe(value))
        if self.note:
            section(text, "What the note says")
            text.append(self.note.strip() + "\n")
        return text

    def proof(self, text: Text, record: Record) -> None:
        signs = self.scene.signs
        if found := proof.look(record):
            text.append(f"{signs.of(found)} {found}", self.scene.palette[found] + Style(bold=True))
            text.append(f": {proof.words(record, signs.dot)}\n")
        for line in (proof.changes(record, signs.dot), proof.place(record)):
            if line:
                text.append(f"{line}\n")

    def since(self, text: Text, record: Record) -> None:
        """What happened to it, and with it, as far as that is still remembered: also how a rollback went."""
        world, now = self.scene.link.world, self.scene.link.now()
        notes = [note for note in world.notes if record.run_id and note.run_id == record.run_id]
        if notes:
            section(text, "What happened")
        for note in reversed(notes):
            text.append(f"{view.moment(note.at, now)}  ", "dim")
            text.append(f"{view.safe(note.text)}\n")

    # --- keys

    def refused(self, action: str) -> Reason | None:
        record = self.record()
        if action == "changes":
            return None if record and record.run_id else proof.no_undo(record)
        if action != "rollback":
            return None
        link = self.scene.link
        return proof.no_undo(record) or refusal(link.world, Rollback(record.run_id if record else ""), link.now())

    def action_changes(self) -> None:
        if (record := self.record()) and record.run_id:
            self.post_message(Go("changes", record.run_id))

    def action_rollback(self) -> None:
        if reason := self.refused("rollback"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif record := self.record():
            self.post_message(Ask(Rollback(record.run_id), proof.undoing(record)))


def figures(record: Record) -> Iterator[tuple[str, str]]:
    """Every figure of a record that is known."""
    for field in fields(record):
        value = getattr(record, field.name)
        if value is None or field.name in SAID:
            continue
        name = field.name.replace("_", " ")
        if field.name in ("duration_s", "parked_s"):
            yield name.removesuffix(" s"), view.span(value)
        elif field.name == "cost_usd":
            yield "cost", f"${value:.4f}"
        elif field.name in ("timestamp", "ended"):
            yield ("started" if field.name == "timestamp" else "ended"), f"{value:%Y-%m-%d %H:%M:%S %z}"
        elif isinstance(value, int) and not isinstance(value, bool):
            yield name, f"{value:,}"
        else:
            yield name, str(value)
