"""The runs pane: what runs, starts or stands parked, with what it has spent and what it said last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cctui.core import view
from cctui.core.refusal import refusal
from cctui.core.view import Row, State
from cctui.core.world import Command, Reason, Run, Stage, StopRun, World
from cctui.tui.cells import Span, cut_middle, fit, second
from cctui.tui.gauge import countdown
from cctui.tui.keys import RUNS
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.rowlist import Item, RowList


def elapsed(run: Run, now: datetime) -> str:
    """Since this leg started; a run that has no process shows nothing."""
    return countdown((now - run.leg_started).total_seconds()) if run.leg_started else ""


def spent(run: Run) -> list[Span]:
    """Tokens and cost so far; what no one has reported yet is ``?``."""
    progress = run.progress
    cost = f" ${progress.cost_usd:.2f}" if progress.cost_usd is not None else ""
    return [(cost, "dim"), (f" {view.count(progress.tokens):>4}", "dim")]


class Runs(RowList):
    HELP = (
        "What runs now. **enter** follows what it says, **a** sits at its terminal.\n\nParked runs go on by themselves."
    )
    BINDINGS = [*RUNS]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.rows: dict[str, Row] = {}

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)
        self.watch(self.app, "now", self.tick, init=False)

    def heard(self, world: World) -> None:
        found = self.scene.rows("active")
        self.rows = {row.run.spec.run_id if row.run else row.name: row for row in found}
        self.set_items([Item(key, live=row.state is State.RUNNING) for key, row in self.rows.items()])

    def tick(self) -> None:
        self.repaint(live_only=True)

    def empty(self) -> tuple[str, ...]:
        first = next(iter(self.scene.rows("pending")), None)
        if first is None:
            return ("Nothing runs.", "The queue is empty.")
        return ("Nothing runs.", f"{view.short(first.name)}: {first.text}")

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        """The time stands first: Textual repaints a line from its left edge to what has changed."""
        row, signs = self.rows[item.key], self.scene.signs
        tone, run = row.state.value, row.run
        time = elapsed(run, self.scene.link.now()) if run and run.stage is Stage.RUNNING else ""
        left: list[Span] = [
            self.mark(signs.cursor, chosen),
            (f"{signs.of(row.state)} ", tone),
            (f"{time:>7} ", "strong"),
            (view.safe(row.name), "strong" if chosen else ""),
        ]
        below = second([("   ", "")], row.text, "dim", width)
        return (fit(left, self.facts(row), width, cut_middle), below)

    def facts(self, row: Row) -> list[Span]:
        word = "stopping" if row.run and row.run.stopping else row.state.value
        return [(f" {word}", row.state.value), *(spent(row.run) if row.run else []), (" ", "")]

    # --- keys

    def refused(self, action: str) -> Reason | None:
        command = self.command(action)
        return refusal(self.scene.link.world, command, self.scene.link.now()) if command else None

    def command(self, action: str) -> Command | None:
        row = self.rows.get(self.chosen)
        return StopRun(row.name) if row and action == "stop" else None

    def action_open(self) -> None:
        if row := self.rows.get(self.chosen):
            self.post_message(Go("peek", row.run.spec.run_id) if row.run else Go("detail", row.name))

    def action_details(self) -> None:
        if row := self.rows.get(self.chosen):
            self.post_message(Go("detail", row.name))

    def action_attach(self) -> None:
        row = self.rows.get(self.chosen)
        if row and row.run:
            self.post_message(Go("attach", row.run.spec.run_id))
        else:
            self.post_message(Say("Nothing runs here to attach to"))

    def action_stop(self) -> None:
        if command := self.command("stop"):
            name = self.rows[self.chosen].name
            self.post_message(Ask(command, f"Stop {view.short(name)}? Its files stay; the run counts as cancelled."))
