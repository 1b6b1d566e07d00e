"""A run that has ended, in six parts: outcome, note, log, changes, check, numbers.  An open run has what there
is so far.

Each part is read when it is first looked at, and keeps its place while another is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from textual import getters, work
from textual.app import ComposeResult

from cctui.core import filing, view
from cctui.core.refusal import refusal
from cctui.core.world import Command, Reason, Record, RetryTask, Rollback, Run, Why, World
from cctui.link import LinkError
from cctui.tui import diff, hints, notelines, openrun, outcome, proof
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import Span, clean
from cctui.tui.history import look
from cctui.tui.keys import RECORD
from cctui.tui.lines import Lay, Line, Lines, fold, prose
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.pages import Page

PARTS = ("outcome", "note", "log", "changes", "check", "numbers")
SHORT = {"outcome": "end", "changes": "diff", "numbers": "data"}
"""Names for a strip that has no room."""
LOG_LINES = 2000
OLD = "This run is older than the newest 500: its note and its line in the history are still there."
END = -1


class Past(Page):
    """`key` is the run's id, or task and moment of a run that has none."""

    BINDINGS = [*RECORD]

    parts_line = getters.query_one("#parts", Bar)
    lines = getters.query_one("#body", Lines)

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.part = PARTS[0]
        self.places: dict[str, int] = {"log": END}
        """Where each part was left."""
        self.note: str | None = None
        """None: not read yet; empty: gone."""
        self.said: str | None = None
        """The end of its log."""
        self.found: Sequence[Span] | None = None
        """The lines of the changes."""
        self.sums = ""
        self.told = 0
        """Number of the last note about this run: a rollback is told, and changes what is shown."""
        self.was_open = False

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title", gap=2)
        yield Bar(self.scene, id="parts", gap=0)
        yield Lines(self.scene, id="body")
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "now", self.tick, init=False)

    def on_resize(self) -> None:
        self.show_parts()

    def heard(self, world: World) -> None:
        told = max((note.seq for note in world.notes if note.run_id == self.key), default=0)
        if told != self.told:
            self.told, self.found = told, None
        if self.was_open and not self.run_now():
            self.note = self.said = self.found = None
        self.was_open = self.run_now() is not None
        self.show()
        self.read(self.part)

    def tick(self) -> None:
        """An open run goes on talking."""
        if self.part == "log" and self.run_now():
            self.read("log", anew=True)

    # --- which run

    def record(self) -> Record | None:
        return proof.find(self.scene.link.world, self.key)

    def run_now(self) -> Run | None:
        return self.scene.link.world.runs.get(self.key)

    def task_name(self) -> str:
        run, record = self.run_now(), self.record()
        return run.spec.task if run else record.task_id if record else ""

    def heading(self) -> str:
        return self.task_name() or self.key

    def aside(self) -> str:
        record, run = self.record(), self.run_now()
        if self.part == "changes" and self.sums:
            return self.sums
        return look(record) if record else run.stage.value if run else ""

    # --- showing

    def show(self) -> None:
        self.show_title()
        self.show_parts()
        self.lines.put(self.lay())
        self.call_after_refresh(hints.show, self, self.hint_line)

    def show_parts(self) -> None:
        self.parts_line.show(list(entries(self.part, self.size.width)))

    def lay(self) -> Lay:
        record, run = self.record(), self.run_now()
        signs = self.scene.signs
        match self.part:
            case "note" if self.note:
                return partial(notelines.lay, self.note, signs)
            case "log" if self.said:
                return partial(as_it_is, self.said)
            case "changes" if self.found is not None:
                return partial(diff.lay, self.found, signs)
            case "note" | "log" | "changes":
                return partial(sentences, self.missing())
            case _ if run:
                return partial(so_far, self.scene, run, self.part)
            case _ if record is None:
                return partial(sentences, (OLD,))
            case "outcome":
                return partial(outcome.outcome, self.scene, record)
            case "check":
                return partial(outcome.check, self.scene, record, self.note)
        return partial(outcome.numbers, record)

    def missing(self) -> tuple[str, ...]:
        """What stands where a part is not to be had."""
        record, kept = self.record(), {"note": self.note, "log": self.said}.get(self.part)
        if self.part == "changes" or kept is None:
            return ("Reading …",)
        if self.part == "log":
            if self.run_now():
                return ("It has said nothing yet.",)
            where = f"2 shows its note: {view.safe(record.log_file)}" if record and record.log_file else ""
            return ("There is no log: the run has put nothing out, or its folder is gone.", where)
        if self.run_now():
            return ("A run's note is written when it ends.", "3 shows what it says now.")
        where = view.safe(record.log_file) if record else ""
        return (f"The note is gone: {where}" if where else "It left no note.", "6 shows the numbers that are kept.")

    # --- reading

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self, part: str, *, anew: bool = False) -> None:
        """What this part needs and is not there yet."""
        if part in ("note", "check") and self.note is None:
            self.note = await self.read_note()
        elif part == "log" and (anew or self.said is None):
            self.said = await self.read_log()
        elif part == "changes" and self.found is None:
            self.found, self.sums = await diff.look(self.scene.link, self.key)
        else:
            return
        if part == self.part:
            self.show()
            self.to_its_place()

    async def read_note(self) -> str:
        record, run = self.record(), self.run_now()
        path = record.log_file if record else filing.note_path(run.spec) if run else ""
        try:
            return clean(await self.scene.link.text(path)).strip() if path else ""
        except (LinkError, OSError):
            return ""

    async def read_log(self) -> str:
        try:
            return clean(await self.scene.link.tail(self.key, LOG_LINES)).strip("\n")
        except LinkError as error:
            return view.safe(str(error))

    def to_its_place(self) -> None:
        """Once it is read; from then on a person scrolls."""
        unread = {"note": self.note, "log": self.said, "changes": self.found, "check": self.note}
        if self.part in unread and unread[self.part] is None:
            return
        place = self.places.pop(self.part, None)
        if place is not None:
            # The scroll bar that a long text brings narrows it first.
            self.call_after_refresh(self.lines.go, place)

    # --- keys

    def action_part(self, name: str) -> None:
        if name == self.part:
            return
        at_end = self.lines.max_scroll_y and self.lines.scroll_offset.y >= self.lines.max_scroll_y
        self.places[self.part] = END if at_end and self.part == "log" else self.lines.scroll_offset.y
        self.part = name
        self.show()
        self.lines.scroll_to(y=0, animate=False)
        self.to_its_place()
        self.read(name)

    def action_next_part(self, way: int) -> None:
        self.action_part(PARTS[(PARTS.index(self.part) + way) % len(PARTS)])

    def action_file(self, way: int) -> None:
        self.lines.go_on(way)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.part == "changes" if action == "file" else True

    def refused(self, action: str) -> Reason | None:
        record, link = self.record(), self.scene.link
        match action:
            case "rollback":
                return proof.no_undo(record) or refusal(
                    link.world, Rollback(record.run_id if record else ""), link.now()
                )
            case "retry":
                return refusal(link.world, self.retry(), link.now())
            case "task" if self.task_name() not in link.world.tasks:
                return Reason(Why.STATE, "its task file is gone")
        return None

    def retry(self) -> Command:
        return RetryTask(self.task_name())

    def action_rollback(self) -> None:
        if (record := self.record()) and self.may("rollback"):
            self.post_message(Ask(Rollback(record.run_id), proof.undoing(record)))

    def action_retry(self) -> None:
        if self.may("retry"):
            self.post_message(Ask(self.retry()))

    def action_task(self) -> None:
        if self.may("task"):
            self.post_message(Go("detail", self.task_name()))

    def may(self, action: str) -> bool:
        """Whether nothing is against it; else that is said."""
        reason = self.refused(action)
        if reason:
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        return reason is None


def entries(at: str, width: int) -> Iterator[Entry]:
    """The strip: with keys where there is room for them, with shorter words where there is little."""
    for number, part in enumerate(PARTS, start=1):
        name = SHORT.get(part, part) if width < 48 else part
        key = f"{number} " if width >= 60 else ""
        yield Entry(((f" {key}{name.title()} ", "tab" if part == at else "dim"),), f"part('{part}')")


def sentences(said: Sequence[str], width: int) -> Iterator[Line]:
    """What stands where there is nothing to read, the next key below."""
    for i, sentence in enumerate(said):
        if sentence:
            yield from prose(sentence, width, "" if i == 0 else "dim")


def as_it_is(text: str, width: int) -> Iterator[Line]:
    for piece in fold(((line, "") for line in text.split("\n")), width):
        yield Line(tuple(piece))


def so_far(scene: Scene, run: Run, part: str, width: int) -> Iterator[Line]:
    """Of a run that is still open."""
    if part == "check":
        failed = run.times(Why.CHECK)
        if not run.spec.check:
            said = "Nothing will check this run: its task has no `check:`."
        else:
            said = f"Its check has failed {failed} times so far." if failed else "Its check comes when the work ends."
        yield from prose(said, width)
        return
    yield from prose("This run is still open: 3 follows what it says.", width, "strong")
    spent = run.progress
    told = [("tokens", view.count(spent.tokens)), ("turns", str(spent.turns or "?"))] if part == "numbers" else []
    for name, value in [*told, *openrun.facts(run)]:
        yield from prose(value, width, lead=[(f"{name}: ", "dim")])
