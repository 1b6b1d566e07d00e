"""What a run changed, line by line, as git shows it: files (=), places (@@), additions and removals in their own tones.

Promises: every line is inert text of the terminal's width; a long diff costs what a screenful does; a line says what it
is by its first letter, so that colour never stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult

from cctui.core import view
from cctui.core.refusal import refusal
from cctui.core.world import Reason, Record, Rollback, World
from cctui.link import LinkError
from cctui.tui import hints, proof
from cctui.tui.bar import Bar
from cctui.tui.cells import Span, clean, cut_middle, fit
from cctui.tui.keys import DIFF
from cctui.tui.lines import Line, Lines, fold, prose
from cctui.tui.messages import Ask, Say, Scene
from cctui.tui.pages import Page
from cctui.tui.signs import Signs

if TYPE_CHECKING:
    from cctui.link import Link

INSIDE = {"+": "good", "-": "bad", " ": "", "\\": "dim", "@": "accent"}
"""First letter of a line within a file's part → its tone."""
SKIPPED = ("index ", "--- ", "+++ ")
"""Lines of a file's head that say again what its first line has said."""


def lines(diff: str) -> Iterator[Span]:
    """The lines that are shown, each with its tone.

    A file's head is told from its content by where it stands, since content may look like anything."""
    head = False
    for line in clean(diff.replace("\r\n", "\n").replace("\r", "^M")).rstrip("\n").split("\n"):
        if line.startswith("diff --git "):
            head = True
            yield f"= {file_name(line.removeprefix('diff --git '))}", "strong"
        elif line.startswith("@@"):
            head = False
            yield line, "accent"
        elif head:
            if not line.startswith(SKIPPED):
                yield line, "dim"
        else:
            yield line, INSIDE.get(line[:1], "warn")


def file_name(names: str) -> str:
    """``a/x b/x`` → ``x``; both names where they differ."""
    half = len(names) // 2
    old, new = names[:half], names[half + 1 :]
    return old[2:] if old[:2] == "a/" and new[:2] == "b/" and old[2:] == new[2:] else names


def sums(found: Sequence[Span]) -> str:
    """``+20 -4``."""
    added = sum(tone == "good" for _, tone in found)
    return f"+{added} -{sum(tone == 'bad' for _, tone in found)}"


@dataclass(frozen=True, slots=True)
class Changed:
    """One file of a diff."""

    name: str
    added: int
    removed: int


def files(found: Iterable[Span]) -> Iterator[Changed]:
    """The files in their order, with the lines each gained and lost."""
    name, added, removed = "", 0, 0
    for text, tone in found:
        if tone == "strong":
            if name:
                yield Changed(name, added, removed)
            name, added, removed = text.removeprefix("= "), 0, 0
        added, removed = added + (tone == "good"), removed + (tone == "bad")
    if name:
        yield Changed(name, added, removed)


def lay(found: Sequence[Span], signs: Signs, width: int) -> Iterator[Line]:
    """Of several files first their list, each of which leads to its own; then the lines."""
    if len(found) == 1:  # no diff, but why there is none
        yield from prose(found[0][0], width)
        return
    listed = list(files(found))
    if len(listed) > 1:
        for i, file in enumerate(listed):
            counts: list[Span] = [(f" +{file.added}", "good"), (f" -{file.removed}", "bad")]
            row = fit([(f" {signs.dot} ", "dim"), (file.name, "")], counts, width, cut_middle)
            yield Line(tuple(row), to=f"file {i}")
        yield Line()
    at = -1
    for line in found:
        begins = line[1] == "strong"
        at += begins
        for i, piece in enumerate(fold([line], width)):
            yield Line(tuple(piece), name=f"file {at}" if begins and i == 0 else "")


async def look(link: Link, run_id: str) -> tuple[list[Span], str]:
    """The lines of a run's changes and their sums, ``+20 -4``; instead of them why there are none, and nothing."""
    try:
        said = await link.diff(run_id)
    except LinkError as error:
        return [(view.safe(str(error)), "")], ""
    if not said.strip():
        return [("It has changed nothing.", "")], ""
    found = list(lines(said))
    return found, sums(found)


class Diff(Page):
    """`key` is the run's id, open or closed."""

    BINDINGS = [*DIFF]

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.sums = ""
        self.told = -1
        """Number of the last note about this run: a rollback is told, and changes what is shown."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title", gap=2)
        yield Lines(self.scene, id="body")
        yield Bar(self.scene, id="hints")

    def heard(self, world: World) -> None:
        told = max((note.seq for note in world.notes if note.run_id == self.key), default=0)
        if told != self.told:
            self.told = told
            self.read()
        self.show()

    def show(self) -> None:
        self.show_title()
        self.call_after_refresh(hints.show, self, self.hint_line)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        found, self.sums = await look(self.scene.link, self.key)
        self.query_one(Lines).put(partial(lay, found, self.scene.signs))
        self.show()

    def record(self) -> Record | None:
        return proof.find(self.scene.link.world, self.key)

    def heading(self) -> str:
        run, record = self.scene.link.world.runs.get(self.key), self.record()
        return run.spec.task if run else record.task_id if record else self.key

    def aside(self) -> str:
        return self.sums or "changes"

    # --- keys

    def action_file(self, way: int) -> None:
        self.query_one(Lines).go_on(way)

    def refused(self, action: str) -> Reason | None:
        if action != "rollback":
            return None
        link = self.scene.link
        return refusal(link.world, Rollback(self.key), link.now()) or proof.no_undo(self.record())

    def action_rollback(self) -> None:
        record = self.record()
        if reason := self.refused("rollback"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif record:
            self.post_message(Ask(Rollback(self.key), proof.undoing(record)))
