"""The queue pane: what waits, in order or as dependencies, each row with its reason; marking rows, carrying one.

Its rows are the World's.  Its own are only the marks, the words of the filter, and the place of a carried task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.events import Resize

from cctui.core import sieve, view
from cctui.core.queue import plan_waits
from cctui.core.refusal import refusal
from cctui.core.view import Row, State
from cctui.core.world import Command, Move, Reason, Run, Why, World
from cctui.tui import taskline
from cctui.tui.carry import Carry
from cctui.tui.cells import Span, fit
from cctui.tui.keys import CARRY, LIST, QUEUE
from cctui.tui.messages import Ask, Carried, Cursor, Go, Say, Scene
from cctui.tui.rowlist import Item, RowList
from cctui.tui.tree import Branch, branches
from cctui.tui.wishes import OF_A_ROW, together, wish

WAITING = ("pending", "recurring", view.INVALID)
HEADED = 24
"""Rows of a screen from which on the groups of the queue have headings."""
CARRYING = frozenset({"down", "up", "first", "last", "page", "drop", "carry_to", "put_back"})
"""What keys may do while a task is carried."""


class Queue(RowList, inherit_bindings=False):
    HELP = (
        "What waits, next on top. Line two says **why** it waits.\n\n"
        "**v** marks rows: what you do next is done to all of them. A red row is a file that cannot be read."
    )
    BINDINGS = [*QUEUE, *CARRY, *LIST]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.rows: dict[str, Row] = {}
        self.branches: dict[str, Branch] = {}
        self.as_tree = False
        self.carried: Carry | None = None
        self.marks: dict[str, None] = {}
        """Marked rows, in the order of marking."""
        self.expected = ""
        """A new task, to be under the cursor as soon as it is there."""
        self.headed = False
        """The groups have headings, which say the priority."""
        self.all = 0
        """Rows there would be without the filter."""

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)

    def heard(self, world: World) -> None:
        """Take the World's rows: the line, templates and broken files; with dependencies shown, open runs as well."""
        found = self.scene.rows(*(*WAITING, "active") if self.as_tree else WAITING)
        wanted = sieve.parse(self.words)
        self.all = len(found)
        self.rows = {key(row): row for row in found if not wanted.terms or self.wanted(row, wanted)}
        self.marks = {name: None for name in self.marks if name in self.rows}
        if self.carried and self.carried.name not in self.rows:
            self.put_down()
        self.lay_out()
        if self.expected in self.rows and not self.carried:
            self.expect(self.expected)

    def expect(self, name: str) -> None:
        """Put the cursor on that new task, once its file has been seen."""
        self.expected = "" if self.choose(name) else name

    def wanted(self, row: Row, words: sieve.Sieve) -> bool:
        task = self.scene.link.world.tasks.get(row.name)
        return words.admits(f"{row.name} {row.title} {row.text}", taskline.known(row, task))

    def lay_out(self) -> None:
        names = list(self.rows)
        self.branches = {}
        if self.as_tree:
            lines = branches(names, {name: row.depends_on for name, row in self.rows.items()}, self.scene.signs)
            self.branches = {branch.key: branch for branch in lines}
            names = list(self.branches)
        if self.carried:
            self.carried = self.carried.to(self.carried.place, self.line())
            names = self.carried.order(names)
        self.set_items(list(self.grouped(names)))

    def grouped(self, names: Sequence[str]) -> Iterator[Item]:
        """One item per name; on a screen that is high enough a heading wherever the next priority begins."""
        heads = [self.group(name) for name in names]
        headed = self.headed = len(set(heads)) > 1 and not self.as_tree and self.app.size.height >= HEADED
        last = ""
        for name, head in zip(names, heads, strict=True):
            # A carried task stands where it would be dropped, in whichever group that is.
            if headed and head != last and not (self.carried and self.carried.name == name):
                yield Item("", height=1, label=f"{head} ({heads.count(head)})")
                last = head
            yield Item(name, live=self.rows[name].state is State.RUNNING)

    def group(self, name: str) -> str:
        row, urgency = self.rows[name], self.scene.link.world.line.urgency.get(name)
        if row.state is State.INVALID:
            return "cannot be read"
        if row.phase == "recurring":
            return "recurring"
        return f"priority {urgency.priority if urgency else row.priority}"

    def line(self) -> list[str]:
        """Names that have a place in the line, which are those a task can be carried past."""
        return [name for name, row in self.rows.items() if row.position is not None]

    def empty(self) -> tuple[str, ...]:
        world = self.scene.link.world
        if self.words:
            return (f"No row fits “{self.words}”.", "/ changes the filter, esc takes it away.")
        if not world.scanned:
            return ("Reading the task folders …",)
        if world.runs:
            return ("Nothing waits: all there is runs.", "n writes a new task.")
        if world.records:
            return ("All done: nothing waits.", "n writes a new task, 3 shows what has ended.")
        return ("No tasks yet.", "Press n to write one, or drop a Markdown file into tasks/pending.")

    # --- drawing

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        if not item.key:
            rule = self.scene.signs.rule
            return (fit([(f"{rule}{rule} {item.label} ", "dim"), (rule * width, "rest")], (), width, rule_end),)
        row, starts = self.rows[item.key], self.scene.ahead.starts
        look = taskline.Look(
            self.scene.signs,
            width,
            self.scene.link.now(),
            self.mark(self.scene.signs.cursor, chosen),
            chosen,
            item.key in self.marks,
            self.carried is not None and item.key == self.carried.name,
            self.branches.get(item.key, Branch(item.key)) if self.as_tree else None,
            starts.get(row.name),
            self.headed,
        )
        return taskline.lines(row, self.scene.link.world.tasks.get(row.name), look)

    def on_resize(self, event: Resize | None = None) -> None:
        super().on_resize()
        self.lay_out()

    # --- what a key would do

    @property
    def subject(self) -> str:
        """Name (or path, for a broken file) under the cursor."""
        return self.chosen

    def subjects(self) -> list[Row]:
        """The marked rows in their order on the screen, else the one under the cursor."""
        names = [name for name in self.rows if name in self.marks] or [self.subject]
        return [self.rows[name] for name in names if name in self.rows]

    def command(self, action: str) -> Command | None:
        """The command behind an action; None for actions that only change what is shown."""
        rows = self.subjects()
        commands = [command for row in rows if (command := wish(action, row, rows))]
        return together(commands)

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
            run = self.run_at()
            return (action == "accept") is (run is not None and plan_waits(run))
        if action in ("unmark", "new"):  # with rows marked the hint line has room for them; the board's n still works
            return bool(self.marks) is (action == "unmark")
        return action not in ("drop", "carry_to", "put_back")

    @property
    def busy(self) -> bool:
        return self.carried is not None

    def ask(self, action: str, sure: str | None = None) -> None:
        if command := self.command(action):
            self.post_message(Ask(command, sure))
            self.action_unmark()
        elif reason := self.refused(action):
            self.post_message(Say(view.say(reason, self.scene.link.now())))

    def named(self) -> str:
        """What the key is about, in a question."""
        rows = self.subjects()
        return view.short(rows[0].name) if len(rows) == 1 else f"{len(rows)} tasks"

    def action_pause(self) -> None:
        self.ask("pause")

    def action_run(self) -> None:
        self.ask("run")

    def action_skip(self) -> None:
        self.ask("skip")

    def action_retry(self) -> None:
        self.ask("retry")

    def action_raise(self) -> None:
        self.ask("raise")

    def action_lower(self) -> None:
        self.ask("lower")

    def action_move(self, place: str) -> None:
        self.ask(f"move('{place}')")

    def action_stop(self) -> None:
        self.ask("stop", f"Stop the run of {self.named()}?")

    def action_remove(self) -> None:
        self.ask("remove", f"Move {self.named()} to the trash?")

    # --- where a key leads

    def run_at(self) -> Run | None:
        """The open run of the task under the cursor."""
        row = self.rows.get(self.subject)
        return row.run if row else None

    def action_accept(self) -> None:
        if run := self.run_at():
            self.post_message(Go("plan", run.spec.run_id))

    def action_new(self) -> None:
        self.post_message(Go("new"))

    def action_edit(self) -> None:
        if row := self.rows.get(self.subject):
            broken = row.state is State.INVALID
            self.post_message(Go("editor", row.path) if broken else Go("edit", row.name))

    def action_editor(self) -> None:
        if row := self.rows.get(self.subject):
            self.post_message(Go("editor", row.path if row.state is State.INVALID else row.name))

    def action_clone(self) -> None:
        if self.subject in self.scene.link.world.tasks:
            self.post_message(Go("clone", self.subject))

    def action_copy(self) -> None:
        if self.subject:
            self.post_message(Go("copy", " ".join(row.name for row in self.subjects())))

    def action_open(self) -> None:
        if self.subject:
            self.post_message(Go("detail", self.subject))

    def action_why(self) -> None:
        if self.subject in self.scene.link.world.tasks:
            self.post_message(Go("why", self.subject))

    def action_log(self) -> None:
        run, row = self.run_at(), self.rows.get(self.subject)
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

    def action_mark(self) -> None:
        """Mark this row, or take its mark away, and go on to the next."""
        if not self.subject:
            return
        if self.subject in self.marks:
            del self.marks[self.subject]
        else:
            self.marks[self.subject] = None
        self.go(self.at + 1, 1)
        self.changed_marks()

    def action_mark_all(self) -> None:
        self.marks = dict.fromkeys(self.rows)
        self.changed_marks()

    def action_unmark(self) -> None:
        self.marks = {}
        self.changed_marks()

    def changed_marks(self) -> None:
        self.repaint()
        self.post_message(Cursor())

    # --- carrying

    def action_carry(self) -> None:
        row = self.rows.get(self.subject)
        if self.as_tree or self.words:
            way = "t shows the order again" if self.as_tree else "esc ends the filter"
            self.post_message(Say(f"Moving needs the whole queue in order: {way}"))
        elif row is None or row.position is None:
            self.post_message(Say("Only a task that waits in the queue can be moved"))
        else:
            self.marks = {}
            self.carried = Carry(row.name, self.line().index(row.name))
            self.lay_out()
            self.post_message(Cursor())

    def carry(self, carry: Carry, place: int) -> None:
        self.carried = carry.to(place, self.line())
        self.lay_out()
        self.post_message(Carried(self.carried.dropped(self.line()), on=True))

    def action_down(self) -> None:
        if self.carried:
            self.carry(self.carried, self.carried.place + 1)
        else:
            super().action_down()

    def action_up(self) -> None:
        if self.carried:
            self.carry(self.carried, self.carried.place - 1)
        else:
            super().action_up()

    def action_first(self) -> None:
        if self.carried:
            self.carry(self.carried, 0)
        else:
            super().action_first()

    def action_last(self) -> None:
        if self.carried:
            self.carry(self.carried, len(self.rows))
        else:
            super().action_last()

    def action_carry_to(self, end: str) -> None:
        if self.carried:
            self.carry(self.carried, 0 if end == "top" else len(self.rows))

    def put_down(self) -> None:
        self.carried = None
        self.post_message(Carried(None, on=False))
        self.post_message(Cursor())

    def action_put_back(self) -> None:
        self.put_down()
        self.lay_out()

    def action_drop(self) -> None:
        move: Move | None = self.carried.dropped(self.line()) if self.carried else None
        self.put_down()
        if move:
            self.post_message(Ask(move))
        self.lay_out()


def rule_end(text: str, width: int) -> str:
    """A rule is as long as there is room, without dots."""
    return text[: max(width, 0)]


def key(row: Row) -> str:
    """Broken files may share a name, so they go by their path."""
    return row.path if row.state is State.INVALID else row.name
