"""The history pane: what has ended and how, newest first, under one line of figures; where there is room each row also
shows what the task's last runs took."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cctui.core import sieve, trend, view
from cctui.core.refusal import refusal
from cctui.core.trend import look
from cctui.core.world import Command, Reason, Record, RetryTask, Totals, Why, World
from cctui.tui import proof
from cctui.tui.cells import Span, cut_middle, fit, second
from cctui.tui.keys import HISTORY, LIST
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.plots import spark
from cctui.tui.rowlist import Item, RowList

__all__ = ["History", "figures", "look", "rate"]

FIGURES = Item("", height=1)
ROOMY = 58
"""Cells from which on a row has room for the task's last runs."""
BESIDE = 8
"""Runs that a row shows, its own the last of them."""


def rate(totals: Totals) -> str:
    """``82 %`` of what ended by itself; cancelled runs say nothing about success."""
    ended = totals.completed + totals.failed
    return f"{100 * totals.completed / ended:.0f} %" if ended else "?"


def figures(totals: Totals, dot: str) -> str:
    spent = f"{view.count(totals.tokens)} tokens {dot} ${totals.cost_usd:.2f}"
    return f"{rate(totals)} ok of {totals.runs} {dot} {spent}"


def key_of(record: Record) -> str:
    """By run id, or by task and moment for a run of an older version, which has none."""
    return record.run_id or f"{record.task_id} {record.timestamp}"


def facts(world: World, record: Record) -> Mapping[str, Collection[str]]:
    """What a filter may ask of a record; tags, priority and what it waited for only while its task's file is there."""
    task = world.tasks.get(record.task_id)
    return {
        "state": tuple(filter(None, (look(record), proof.look(record)))),
        "kind": (record.kind or record.task_id,),
        "project": (record.project,) if record.project else (),
        "model": (record.model,) if record.model else (),
        "tag": task.tags if task else (),
        "priority": (str(task.priority),) if task else (),
        "after": tuple(need.name for need in task.depends_on) if task else (),
    }


def text_of(record: Record) -> str:
    """What free words are looked for in."""
    return " ".join(filter(None, (record.task_id, view.outcome(record), record.detail, record.branch, record.run_id)))


NO_RUN = Reason(Why.STATE, "there is no run here")
OF_A_RUN = ("retry", "open", "changes")


class History(RowList, inherit_bindings=False):
    HELP = (
        "What has ended, newest first. **enter** shows the outcome, what is proven of it, and a way to undo it.\n\n"
        "The small bars are what the task's last runs took, this one the last."
    )
    BINDINGS = [*HISTORY, *LIST]

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.records: dict[str, Record] = {}
        self.seen: tuple[Record, ...] | None = None
        """The World's records that are shown."""
        self.trails: dict[str, tuple[list[Record], int]] = {}
        """A row's key → its task's runs, oldest first, and its own place among them."""

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)

    def heard(self, world: World) -> None:
        if world.records is self.seen:
            self.repaint()
            return
        self.seen = world.records
        by_task = trend.by_task(world.records)
        self.trails = {key_of(each): (mine, at) for mine in by_task.values() for at, each in enumerate(mine)}
        self.lay_out()

    def lay_out(self) -> None:
        world, wanted = self.scene.link.world, sieve.parse(self.words)
        newest = reversed(world.records)
        if self.words:
            newest = (each for each in newest if wanted.admits(text_of(each), facts(world, each)))
        self.records = {key_of(record): record for record in newest}
        self.set_items([FIGURES, *(Item(key) for key in self.records)] if self.records else [])

    def filter(self, words: str) -> None:
        self.words = words
        self.lay_out()

    def empty(self) -> tuple[str, ...]:
        if self.words:
            return (f"No run has “{self.words}”.", "/ changes the filter, esc shows all.")
        return ("Nothing has ended yet.", "What has ended appears here, with cost and outcome. 2 shows what runs now.")

    def headline(self) -> str:
        """The figures of all runs, or of those that are shown."""
        dot, totals = self.scene.signs.dot, self.scene.link.world.totals
        if not self.words:
            return figures(totals, dot)
        done = sum(look(each) == "done" for each in self.records.values())
        by_itself = sum(look(each) != "cancelled" for each in self.records.values())
        share = f"{100 * done / by_itself:.0f} % ok" if by_itself else "none ended by itself"
        return f"{len(self.records)} of {len(self.seen or ())} {dot} {share} {dot} {self.words}"

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        signs, now = self.scene.signs, self.scene.link.now()
        if not item.key:
            return (fit([(" ", ""), (view.safe(self.headline()), "dim")], (), width),)
        record = self.records[item.key]
        word = look(record)
        tone = "dim" if word == "cancelled" else word
        mark = self.mark(signs.cursor, chosen)
        name = (view.safe(record.task_id), "strong" if chosen else "")
        left: list[Span] = [mark, (f"{signs.of(word)}{signs.letter(word)} ", tone), name]
        cost = f" ${record.cost_usd:.2f}" if record.cost_usd is not None else ""
        right: list[Span] = [
            (cost, "dim"),
            (f" {view.count(record.tokens):>4}", "dim"),
            (f" {view.moment(record.ended or record.timestamp, now):>9} ", "dim"),
        ]
        return (fit(left, right, width, cut_middle), self.ended(item.key, record, tone, width))

    def ended(self, key: str, record: Record, tone: str, width: int) -> list[Span]:
        """How it ended, whether that is proven, and what the task's runs up to this one took."""
        proven, beside = proof.mark(record), self.beside(key) if width >= ROOMY else []
        if not proven and not beside:
            return second([("    ", "")], view.outcome(record), "dim" if record.success else tone, width)
        sign: list[Span] = [(f" {self.scene.signs.of(proven)} {proven} ", proven)] if proven else []
        said = (view.outcome(record), "dim" if record.success else tone)
        return fit([("    ", ""), said], [*sign, *beside], width)

    def beside(self, key: str) -> list[Span]:
        """``▂▃▂█▂▃▂▂ 7/8``: what they took, and how many of them were done."""
        mine, at = self.trails.get(key, ([], 0))
        found = trend.trail(mine[: at + 1], BESIDE)
        if len(found.looks) < 2:
            return [(" " * (BESIDE + 6), "")]
        ended = sum(each != "cancelled" for each in found.looks)
        bars = spark(found.values, self.scene.signs, ["dim" if each == "cancelled" else each for each in found.looks])
        pad = " " * (BESIDE + 1 - len(found.looks))
        return [(pad, ""), *bars, (f" {f'{found.completed}/{ended}':<4}", "dim")]

    # --- keys

    def command(self, action: str) -> Command | None:
        record = self.records.get(self.chosen)
        return RetryTask(record.task_id) if record and action == "retry" else None

    def refused(self, action: str) -> Reason | None:
        command = self.command(action)
        if command is None:
            return NO_RUN if not self.chosen and action in OF_A_RUN else None
        return refusal(self.scene.link.world, command, self.scene.link.now())

    def action_open(self) -> None:
        if self.chosen:
            self.post_message(Go("record", self.chosen))
        else:
            self.refuse()

    def action_changes(self) -> None:
        record = self.records.get(self.chosen)
        if record and record.run_id:
            self.post_message(Go("changes", record.run_id))
        elif record is None:
            self.refuse()

    def refuse(self) -> None:
        self.post_message(Say(view.say(NO_RUN, self.scene.link.now())))

    def action_filter(self) -> None:
        self.post_message(Go("filter"))

    def action_retry(self) -> None:
        if command := self.command("retry"):
            self.post_message(Ask(command))
        else:
            self.refuse()
