"""The history pane: what has ended and how, newest first, under one line of figures."""

from __future__ import annotations

from collections.abc import Sequence

from cctui.core import view
from cctui.core.refusal import refusal
from cctui.core.world import Command, Reason, Record, RetryTask, Status, Totals, World
from cctui.tui import proof
from cctui.tui.cells import Span, cut_middle, fit, second
from cctui.tui.keys import HISTORY
from cctui.tui.messages import Ask, Go, Scene
from cctui.tui.rowlist import Item, RowList

FIGURES = Item("", height=1)


def rate(totals: Totals) -> str:
    """``82 %`` of what ended by itself; cancelled runs say nothing about success."""
    ended = totals.completed + totals.failed
    return f"{100 * totals.completed / ended:.0f} %" if ended else "?"


def figures(totals: Totals, dot: str) -> str:
    spent = f"{view.count(totals.tokens)} tokens {dot} ${totals.cost_usd:.2f}"
    return f"{rate(totals)} ok of {totals.runs} {dot} {spent}"


def look(record: Record) -> str:
    """The state word and tone of a record."""
    if record.success:
        return "done"
    return "cancelled" if record.status is Status.CANCELLED else "failed"


class History(RowList):
    HELP = "What has ended, newest first. **enter** shows the outcome, what is proven of it, and a way to undo it."
    BINDINGS = [*HISTORY]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.records: dict[str, Record] = {}

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)

    def heard(self, world: World) -> None:
        newest = reversed(world.records)
        records = {record.run_id or f"{record.task_id} {record.timestamp}": record for record in newest}
        if records == self.records and self.items:
            self.repaint()
            return
        self.records = records
        self.set_items([FIGURES, *(Item(key) for key in records)] if records else [])

    def empty(self) -> tuple[str, ...]:
        return ("Nothing has ended yet.", "Finished runs appear here, with what they cost and how they ended.")

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        signs, now = self.scene.signs, self.scene.link.now()
        if not item.key:
            return (fit([(" ", ""), (figures(self.scene.link.world.totals, signs.dot), "dim")], (), width),)
        record = self.records[item.key]
        word = look(record)
        tone = "dim" if word == "cancelled" else word
        mark = self.mark(signs.cursor, chosen)
        left: list[Span] = [mark, (f"{signs.of(word)} ", tone), (view.safe(record.task_id), "strong" if chosen else "")]
        cost = f" ${record.cost_usd:.2f}" if record.cost_usd is not None else ""
        right: list[Span] = [
            (cost, "dim"),
            (f" {view.count(record.tokens):>4}", "dim"),
            (f" {view.moment(record.ended or record.timestamp, now):>9} ", "dim"),
        ]
        return (fit(left, right, width, cut_middle), self.ended(record, tone, width))

    def ended(self, record: Record, tone: str, width: int) -> list[Span]:
        """How it ended, and whether that is proven."""
        proven = proof.mark(record)
        if not proven:
            return second([("   ", "")], view.outcome(record), "dim" if record.success else tone, width)
        sign: list[Span] = [(f" {self.scene.signs.of(proven)} {proven} ", proven)]
        return fit([("   ", ""), (view.outcome(record), "dim")], sign, width)

    # --- keys

    def command(self, action: str) -> Command | None:
        record = self.records.get(self.chosen)
        return RetryTask(record.task_id) if record and action == "retry" else None

    def refused(self, action: str) -> Reason | None:
        command = self.command(action)
        return refusal(self.scene.link.world, command, self.scene.link.now()) if command else None

    def action_open(self) -> None:
        if self.chosen:
            self.post_message(Go("record", self.chosen))

    def action_changes(self) -> None:
        record = self.records.get(self.chosen)
        if record and record.run_id:
            self.post_message(Go("changes", record.run_id))

    def action_retry(self) -> None:
        if command := self.command("retry"):
            self.post_message(Ask(command))
