"""The runs pane: what runs, starts or stands parked; how it is doing, what it has spent, what it said last.

A run at work has three lines: state and time; health, what it took, how far it is; its last words.  All others two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cctui.core import view
from cctui.core.health import Course, Health, course, health
from cctui.core.queue import plan_waits, spends
from cctui.core.refusal import refusal
from cctui.core.view import Row, State
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Command, Reason, Run, RunNow, Stage, StopRun, World
from cctui.tui import openrun
from cctui.tui.cells import Span, cut_middle, fit, joined, second
from cctui.tui.gauge import countdown, label
from cctui.tui.keys import LIST, RUNS
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.rowlist import Item, RowList
from cctui.tui.signs import Signs

LEAST = 40
"""Cells of a row that surely has room for the longest state word."""
ROOMY = 60
"""Cells from which on its course is drawn as well."""


def elapsed(run: Run, now: datetime) -> str:
    """Since this leg started; a run that has no process shows nothing."""
    return countdown((now - run.leg_started).total_seconds()) if run.leg_started else ""


def working(row: Row) -> bool:
    """At work, and waiting for nobody."""
    return row.run is not None and row.run.stage is Stage.RUNNING and not openrun.needs(row.run)


def spent(run: Run) -> list[Span]:
    """Cost and tokens so far; what no one has reported yet is ``?``."""
    progress = run.progress
    cost = f" ${progress.cost_usd:.2f}" if progress.cost_usd is not None else ""
    return [(cost, "dim"), (f" {view.count(progress.tokens):>4}", "dim")]


def taken(run: Run, *, week: bool) -> list[str]:
    """``6 % of 5h``, ``0.7 % of 7d``; what cannot be told apart yet is ``?``."""
    if not spends(run):
        return []
    windows = (FIVE_HOUR, SEVEN_DAY) if week else (FIVE_HOUR,)
    return [f"{view.points(run.points.get(window))} of {label(window)}" for window in windows]


def progress(found: Course | None, signs: Signs, width: int) -> list[Span]:
    """How far it is: a bar to where nine of ten have ended, marked where half of them had; else only that."""
    if found is None:
        return []
    usual = f" ~{view.span(found.p50)}"
    if width < ROOMY:
        return [(f" of{usual} ", "dim")]
    cells = min(24, width // 4)
    scale = max(found.p90, found.at_work, 1.0)
    full, half = round(found.at_work * cells / scale), min(cells - 1, round(found.p50 * cells / scale))
    tone = "warn" if found.at_work > found.p90 else "running"
    drawn = [(signs.full, tone) if x < full else (signs.rest, "rest") for x in range(cells)]
    drawn[half] = (signs.pipe[0], "strong" if half < full else "dim")
    return [(" ", ""), *joined(drawn), (f"{usual} ", "dim")]


def doing(found: Health, dot: str) -> list[Span]:
    """The worst in its tone, then the rest."""
    if not found.words:
        return []
    first, *rest = found.words
    return [(first, openrun.TONES[found.level]), ("".join(f" {dot} {word}" for word in rest), "dim")]


class Runs(RowList, inherit_bindings=False):
    HELP = (
        "What runs now. **enter** follows what it says, **s** says something to it, **a** watches its terminal, **i** "
        "takes it over.\n\nParked runs go on by themselves; one that **needs you** does not: **enter** shows what it "
        "waits for, **0** leads through all of them."
    )
    BINDINGS = [*RUNS, *LIST]

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
        self.set_items(
            [Item(key, 3 if working(row) else 2, live=row.state is State.RUNNING) for key, row in self.rows.items()]
        )

    def tick(self) -> None:
        self.repaint(live_only=True)

    def empty(self) -> tuple[str, ...]:
        first = next(iter(self.scene.rows("pending")), None)
        if first is None:
            return ("Nothing runs.", "The queue is empty: n writes a task.")
        return ("Nothing runs.", f"{view.short(first.name)}: {first.text}")

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        """The time stands first: Textual repaints a line from its left edge to what has changed."""
        row, signs = self.rows[item.key], self.scene.signs
        tone, run = openrun.look(row), row.run
        time = self.time(run, chosen) if run else ""
        left: list[Span] = [
            self.mark(signs.cursor, chosen),
            (f"{signs.of(tone)}{signs.letter(tone)} ", tone),
            (f"{time:>7} ", "strong"),
            (view.safe(row.name), "strong" if chosen else ""),
        ]
        # Where the first line has no room for the word, the second one says it.
        told = f"{openrun.NEEDS}: " if openrun.needs(run) and width < LEAST else ""
        below = second([("    ", "")], f"{told}{openrun.sentence(row)}", "dim", width)
        first = fit(left, self.facts(row), width, cut_middle)
        return (first, self.course(run, width), below) if run and working(row) else (first, below)

    def time(self, run: Run, chosen: bool) -> str:
        """Only the row under the cursor counts seconds: each that does costs its bytes, every second."""
        if run.stage is not Stage.RUNNING or run.leg_started is None:
            return ""
        now = self.scene.link.now()
        ticks = chosen and self.has_focus
        return elapsed(run, now) if ticks else view.span((now - run.leg_started).total_seconds())

    def facts(self, row: Row) -> list[Span]:
        told = spent(row.run) if row.run else []
        # A run at work has its cost below.
        told = told[1:] if working(row) else told
        return [*told, (f" {openrun.word(row)} ", openrun.look(row))]

    def course(self, run: Run, width: int) -> list[Span]:
        """How it is doing, what it took, how far it is."""
        world, now, dot = self.scene.link.world, self.scene.link.now(), self.scene.signs.dot
        cost = f"${run.progress.cost_usd:.2f}" if run.progress.cost_usd is not None else ""
        figures = f" {dot} ".join(filter(None, (*taken(run, week=width >= ROOMY), cost)))
        state = doing(health(run, world, now), dot)
        between = f" {dot} " if state and figures else ""
        right = progress(course(run, world, now), self.scene.signs, width)
        return fit([("    ", ""), *state, (f"{between}{figures}", "dim")], right, width)

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
            case "type":
                return openrun.no_typing(self.run_at())
            case "say":
                return openrun.no_reply(world, self.run_at(), now)
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

    def visit(self, where: str, action: str = "") -> None:
        """There with the run under the cursor, or why not."""
        run = self.run_at()
        if reason := self.refused(action or where):
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
            self.visit("takeover" if openrun.attended(run) else "peek")

    def action_log(self) -> None:
        self.visit("peek")

    def action_accept(self) -> None:
        self.visit("plan")

    def action_changes(self) -> None:
        self.visit("changes")

    def action_attach(self) -> None:
        self.visit("attach")

    def action_type(self) -> None:
        # Whoever sits down at a run of their own has the keys.
        self.visit("takeover", "type")

    def action_say(self) -> None:
        self.visit("reply", "say")

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
