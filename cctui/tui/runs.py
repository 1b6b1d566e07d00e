"""The runs pane: what runs, starts or stands parked, with what it has spent and what it said last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cctui.core import view
from cctui.core.queue import plan_waits
from cctui.core.refusal import refusal
from cctui.core.view import Row, State
from cctui.core.world import Command, Reason, Run, RunNow, Stage, StopRun, World
from cctui.tui import openrun
from cctui.tui.cells import Span, cut_middle, fit, second
from cctui.tui.gauge import countdown
from cctui.tui.keys import RUNS
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.rowlist import Item, RowList

LEAST = 40
"""Cells of a row that surely has room for the longest state word."""


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
        "What runs now. **enter** follows what it says, **a** sits at its terminal, **i** takes it over.\n\n"
        "Parked runs go on by themselves; one that **needs you** does not: **enter** shows what it waits for."
    )
    BINDINGS = [*RUNS]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.rows: dict[str, Row] = {}

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)
        self.watch(self.app, "now", self.tick, init=False)

    def heard(self, world: World) -> None:
        # Whoever waits for a person stands first.
        found = sorted(self.scene.rows("active"), key=lambda row: not openrun.needs(row.run))
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
        tone, run = openrun.look(row), row.run
        time = elapsed(run, self.scene.link.now()) if run and run.stage is Stage.RUNNING else ""
        left: list[Span] = [
            self.mark(signs.cursor, chosen),
            (f"{signs.of(tone)} ", tone),
            (f"{time:>7} ", "strong"),
            (view.safe(row.name), "strong" if chosen else ""),
        ]
        # Where the first line has no room for the word, the second one says it.
        told = f"{openrun.NEEDS}: " if openrun.needs(run) and width < LEAST else ""
        below = second([("   ", "")], f"{told}{openrun.sentence(row)}", "dim", width)
        return (fit(left, self.facts(row), width, cut_middle), below)

    def facts(self, row: Row) -> list[Span]:
        told = spent(row.run) if row.run else []
        # The longest word, and the one that must stay: the cost gives way to it.
        told = told[1:] if openrun.needs(row.run) else told
        return [(f" {openrun.word(row)}", openrun.look(row)), *told, (" ", "")]

    # --- keys

    def run_at(self) -> Run | None:
        """The run under the cursor; a task file without one has none."""
        row = self.rows.get(self.chosen)
        return row.run if row else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One key accepts a plan or lets a parked run go on: whichever it can mean here."""
        if action not in ("run", "accept"):
            return True
        run = self.run_at()
        return (action == "accept") is (run is not None and plan_waits(run))

    def refused(self, action: str) -> Reason | None:
        world, now = self.scene.link.world, self.scene.link.now()
        match action:
            case "takeover":
                return openrun.no_takeover(world, self.run_at(), now)
            case "attach":
                return openrun.no_attach(self.run_at())
        command = self.command(action)
        return refusal(world, command, now) if command else None

    def command(self, action: str) -> Command | None:
        row = self.rows.get(self.chosen)
        match action:
            case "stop" if row:
                return StopRun(row.name)
            case "run" if row:
                return RunNow(row.name)
        return None

    def visit(self, where: str) -> None:
        """There with the run under the cursor, or why not."""
        run = self.run_at()
        if reason := self.refused(where):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run:
            self.post_message(Go(where, run.spec.run_id))

    def action_open(self) -> None:
        """What it is that this run has for a person: a plan to read, a conversation to go on with, else its log."""
        run = self.run_at()
        if run is None:
            self.action_details()
        elif plan_waits(run):
            self.visit("plan")
        else:
            self.visit("attach" if openrun.attended(run) else "peek")

    def action_log(self) -> None:
        self.visit("peek")

    def action_accept(self) -> None:
        self.visit("plan")

    def action_changes(self) -> None:
        self.visit("changes")

    def action_attach(self) -> None:
        self.visit("attach")

    def action_takeover(self) -> None:
        self.visit("takeover")

    def action_details(self) -> None:
        if row := self.rows.get(self.chosen):
            self.post_message(Go("detail", row.name))

    def action_run(self) -> None:
        if command := self.command("run"):
            self.post_message(Ask(command))

    def action_stop(self) -> None:
        if command := self.command("stop"):
            name = self.rows[self.chosen].name
            self.post_message(Ask(command, f"Stop {view.short(name)}? Its files stay; the run counts as cancelled."))
