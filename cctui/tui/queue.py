"""The queue pane: what waits, in order or as dependencies, each row with its reason; carrying a task elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cctui.core import view
from cctui.core.queue import plan_waits
from cctui.core.refusal import refusal
from cctui.core.view import Row, State
from cctui.core.world import (
    FIVE_HOUR,
    Command,
    Estimate,
    Move,
    Pause,
    Place,
    Reason,
    Remove,
    RetryTask,
    RunNow,
    Skip,
    StopRun,
    Task,
    Why,
    World,
)
from cctui.tui import openrun
from cctui.tui.cells import Span, cut_middle, fit, second, wide
from cctui.tui.keys import CARRY, QUEUE
from cctui.tui.messages import Ask, Carried, Cursor, Go, Say, Scene
from cctui.tui.rowlist import Item, RowList
from cctui.tui.tree import Branch, branches

WAITING = ("pending", "recurring", view.INVALID)
SOON = 6 * 3600.0
"""Seconds before a deadline from which on it stands out."""
OF_A_ROW = frozenset(
    {"pause", "carry", "run", "accept", "skip", "retry", "stop", "remove", "edit", "open", "log", "why"}
)
CARRYING = frozenset({"down", "up", "first", "last", "page", "drop", "carry_to", "put_back"})
"""What keys may do while a task is carried."""


class Queue(RowList):
    """Its rows are the World's; only the place of a carried task is its own, until it is dropped."""

    HELP = "What waits, next on top. Line two says **why** it waits.\n\nA red row is a file that cannot be read."
    BINDINGS = [*QUEUE, *CARRY]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.rows: dict[str, Row] = {}
        self.branches: dict[str, Branch] = {}
        self.as_tree = False
        self.words = ""
        """What the filter asks for."""
        self.carried = ""
        """The task being carried, and where it would be dropped."""
        self.place = 0

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)

    def heard(self, world: World) -> None:
        """Take the World's rows: the line, templates and broken files; with dependencies shown, open runs as well."""
        phases = (*WAITING, "active") if self.as_tree else WAITING
        found = self.scene.rows(*phases)
        self.rows = {key(row): row for row in found if self.wanted(row)}
        if self.carried not in self.rows:
            self.carried = ""
        self.lay_out()

    def lay_out(self) -> None:
        keys = list(self.rows)
        self.branches = {}
        if self.as_tree:
            lines = branches(keys, {name: row.depends_on for name, row in self.rows.items()}, self.scene.signs)
            self.branches = {branch.key: branch for branch in lines}
            keys = list(self.branches)
        if self.carried:
            keys.remove(self.carried)
            self.place = min(self.place, len(self.line()) - 1)
            keys.insert(self.place, self.carried)
        self.set_items([Item(name, live=self.rows[name].state is State.RUNNING) for name in keys])

    def line(self) -> list[str]:
        """Names that have a place in the line, which are those a task can be carried past."""
        return [name for name, row in self.rows.items() if row.position is not None]

    def wanted(self, row: Row) -> bool:
        text = f"{row.name} {row.title} {row.state} {row.text}".casefold()
        return all(word in text for word in self.words.casefold().split())

    def empty(self) -> tuple[str, ...]:
        world = self.scene.link.world
        if self.words:
            return (f"No row has “{self.words}”.", "/ changes the filter, esc in it clears it.")
        if not world.scanned:
            return ("Reading the task folders …",)
        if world.runs:
            return ("Nothing waits: all there is runs.", "n writes a new task.")
        return ("No tasks yet.", "Press n to write one, or drop a Markdown file into tasks/pending.")

    # --- drawing

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        row, signs = self.rows[item.key], self.scene.signs
        branch = self.branches.get(item.key, Branch(item.key))
        moving = item.key == self.carried
        tone = "accent" if moving else openrun.look(row)
        number = f"{row.position:>2}" if row.position and not self.as_tree and not moving else "  "
        mark = self.mark(signs.cursor, chosen)
        glyph = signs.moving if moving else signs.of(tone)
        # In the tree the glyph stands at the end of the guide, where it means most.
        lead: list[Span] = [mark, (number[-2:] if len(number) < 3 else number, "dim"), (" ", "")]
        head: list[Span] = [*lead, (branch.first, "dim"), (f"{glyph} ", tone)]
        quiet = "invalid" if row.state is State.INVALID else "dim"
        name = row.name if row.state is not State.INVALID else row.path.rpartition("/")[2]
        rest: list[Span] = [(" " * (len(number) + 2), ""), (branch.rest, "dim")] if branch.rest.strip() else []
        pad = " " * (wide(head) - wide(rest))
        head.append((view.safe(name), "strong" if chosen else ""))
        return (
            fit(head, self.facts(row, width, moving), width, cut_middle),
            second([*rest, (pad, "")], self.second(row), quiet, width),
        )

    def second(self, row: Row) -> str:
        """The reason; a row that needs none, or whose word says it all, has room for its title."""
        if row.title and row.state in (State.READY, State.PAUSED) and len(row.text) < 8:
            return f"{row.text} {self.scene.signs.dot} {row.title}"
        return openrun.sentence(row)

    def facts(self, row: Row, width: int, moving: bool) -> list[Span]:
        """Deadline, expected cost, the rule that chose its place, state: in columns where there is room for them."""
        columns = width >= 56
        task = self.scene.link.world.tasks.get(row.name) if row.state is not State.INVALID else None
        expected, rule = takes(row.expected), row.rule
        if not columns and rule == "p5":
            rule = ""
        if rule.startswith("~"):  # decided by its cost, which stands here anyway
            expected, rule = rule, ""
        elif columns and row.priority is not None and not rule:
            rule = f"p{row.priority}"
        spans = [(f" {expected:>6}" if columns else f" {expected}" if expected else "", "dim")]
        spans.append((f" {rule:>8}" if columns else f" {rule}" if rule else "", "dim"))
        word = "moving" if moving else openrun.word(row)
        return [*due(task, self.scene.link.now()), *spans, (f" {word:>7} ", "accent" if moving else openrun.look(row))]

    # --- what a key would do

    @property
    def subject(self) -> str:
        """Name (or path, for a broken file) under the cursor."""
        return self.chosen

    def command(self, action: str) -> Command | None:
        """The command behind an action; None for actions that only change what is shown."""
        name = self.subject
        row = self.rows.get(name)
        if row is None:
            return None
        match action:
            case "pause":
                return Pause(name, on=row.state is not State.PAUSED)
            case "run":
                return RunNow(name)
            case "skip":
                return Skip(name, on=not row.skips)
            case "retry":
                return RetryTask(name)
            case "stop":
                return StopRun(name)
            case "remove":
                return Remove(name)
            case "move('up')" | "carry":
                return Move(name, Place.UP)
            case "move('down')":
                return Move(name, Place.DOWN)
        return None

    def refused(self, action: str) -> Reason | None:
        """Why the key is dimmed."""
        if self.subject not in self.rows and action in OF_A_ROW:
            return Reason(Why.STATE, "there is no task here")
        command = self.command(action)
        if command is None or action == "carry":
            return None
        return refusal(self.scene.link.world, command, self.scene.link.now())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a task is carried only the keys that carry it work; one key runs a task or accepts its plan."""
        if self.carried:
            return action in CARRYING
        if action in ("run", "accept"):
            row = self.rows.get(self.subject)
            return (action == "accept") is (row is not None and row.run is not None and plan_waits(row.run))
        return action not in ("drop", "carry_to", "put_back")

    def ask(self, action: str, sure: str | None = None) -> None:
        if command := self.command(action):
            self.post_message(Ask(command, sure))

    def action_pause(self) -> None:
        self.ask("pause")

    def action_run(self) -> None:
        self.ask("run")

    def action_skip(self) -> None:
        self.ask("skip")

    def action_accept(self) -> None:
        row = self.rows.get(self.subject)
        if row and row.run:
            self.post_message(Go("plan", row.run.spec.run_id))

    def action_retry(self) -> None:
        self.ask("retry")

    def action_stop(self) -> None:
        self.ask("stop", f"Stop the run of {view.short(self.subject)}?")

    def action_remove(self) -> None:
        self.ask("remove", f"Move {view.short(self.subject)} to the trash?")

    def action_move(self, place: str) -> None:
        self.ask(f"move('{place}')")

    def action_new(self) -> None:
        self.post_message(Go("new"))

    def action_edit(self) -> None:
        if row := self.rows.get(self.subject):
            broken = row.state is State.INVALID
            self.post_message(Say(f"{row.path}: mend the file itself; {row.text}") if broken else Go("edit", row.name))

    def action_open(self) -> None:
        if self.subject:
            self.post_message(Go("detail", self.subject))

    def action_why(self) -> None:
        if self.subject in self.scene.link.world.tasks:
            self.post_message(Go("why", self.subject))

    def action_log(self) -> None:
        row = self.rows.get(self.subject)
        run = next((run for run in self.scene.link.world.runs.values() if row and run.spec.task == row.name), None)
        if run:
            self.post_message(Go("peek", run.spec.run_id))
        elif row:
            self.post_message(Say(f"{row.name} does not run"))

    # --- what is shown

    def action_tree(self) -> None:
        self.as_tree = not self.as_tree
        self.heard(self.scene.link.world)
        self.scroll_to(y=0, animate=False)
        self.keep_in_sight()

    def filter(self, words: str) -> None:
        self.words = words
        self.heard(self.scene.link.world)

    def action_filter(self) -> None:
        self.post_message(Go("filter"))

    # --- carrying

    def action_carry(self) -> None:
        row = self.rows.get(self.subject)
        if self.as_tree or self.words:
            self.post_message(Say("Moving needs the whole queue in order: t and / go back to it"))
        elif row is None or row.position is None:
            self.post_message(Say("Only a task that waits in the queue can be moved"))
        else:
            self.carried = row.name
            self.place = self.line().index(row.name)
            self.lay_out()
            self.post_message(Cursor())

    def carry(self, place: int) -> None:
        self.place = max(0, min(place, len(self.line()) - 1))
        self.lay_out()
        self.post_message(Carried(self.dropped(), on=True))

    def action_down(self) -> None:
        if self.carried:
            self.carry(self.place + 1)
        else:
            super().action_down()

    def action_up(self) -> None:
        if self.carried:
            self.carry(self.place - 1)
        else:
            super().action_up()

    def action_first(self) -> None:
        if self.carried:
            self.carry(0)
        else:
            super().action_first()

    def action_last(self) -> None:
        if self.carried:
            self.carry(len(self.rows))
        else:
            super().action_last()

    def action_carry_to(self, end: str) -> None:
        self.carry(0 if end == "top" else len(self.rows))

    def action_put_back(self) -> None:
        self.carried = ""
        self.lay_out()
        self.post_message(Carried(None, on=False))
        self.post_message(Cursor())

    def dropped(self) -> Move | None:
        """What dropping it here asks for, named by the neighbour it was carried past: that says which priority it
        joins.  None: it is where it was."""
        name, line, place = self.carried, self.line(), self.place
        was = line.index(name)
        line.remove(name)
        line.insert(place, name)
        if place == was:
            return None
        if place == 0:
            return Move(name, Place.TOP)
        if place == len(line) - 1:
            return Move(name, Place.BOTTOM)
        return Move(name, Place.BEFORE, line[place + 1]) if place < was else Move(name, Place.AFTER, line[place - 1])

    def action_drop(self) -> None:
        move = self.dropped()
        self.carried = ""
        self.post_message(Carried(None, on=False))
        if move:
            self.post_message(Ask(move))
        self.lay_out()
        self.post_message(Cursor())


def takes(expected: Estimate | None) -> str:
    """What a task is likely to take, half of the time at most: points of the 5-hour window, else tokens."""
    five = expected.points.get(FIVE_HOUR) if expected else None
    if five:
        return f"~{view.points(five.p50).replace(' ', '')}{'?' if expected and expected.guess else ''}"
    return f"~{view.count(expected.tokens.p50)}" if expected and expected.tokens else ""


def due(task: Task | None, now: datetime) -> list[Span]:
    """The deadline, louder the nearer it is."""
    if task is None or task.deadline is None:
        return []
    left = (task.deadline - now).total_seconds()
    return [(f"  due {view.moment(task.deadline, now)}", "bad" if left < 0 else "warn" if left < SOON else "dim")]


def key(row: Row) -> str:
    """Broken files may share a name, so they go by their path."""
    return row.path if row.state is State.INVALID else row.name
