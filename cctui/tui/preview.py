"""What stands behind the row under the cursor, beside or below the lists, where the screen has room for it.

It follows the cursor a moment later, so that no key waits for it; where it is not shown it does nothing at all.
"""

from __future__ import annotations

from rich.text import Text
from textual import work
from textual.timer import Timer
from textual.widgets import Static

from cctui.core import view
from cctui.core.world import Record, Stage
from cctui.link import LinkError
from cctui.tui import openrun, proof
from cctui.tui.about import pair, section, task_text
from cctui.tui.cells import clean, in_ascii
from cctui.tui.messages import Scene

PATIENCE = 0.12
"""Seconds without another row under the cursor before this one is looked up."""
SAID = 40
"""Lines of a run's log that are asked for."""


class Preview(Static):
    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(Text(), id=id, markup=False)
        self.scene = scene
        self.where = ""
        """Which list the row is in: ``queue``, ``runs``, ``history``."""
        self.key = ""
        self.read: tuple[str, str] = ("", "")
        """Whose text was read last, and that text."""
        self.drawn = ""
        self.timer: Timer | None = None

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.repaint())

    def repaint(self) -> None:
        """Another theme: the same words in other colours."""
        self.drawn = ""
        if self.display and self.key:
            self.put()

    def about(self, where: str, key: str) -> None:
        """Another row is under the cursor."""
        if (where, key) != (self.where, self.key):
            self.where, self.key = where, key
            self.soon()

    def soon(self) -> None:
        """Show it once the cursor rests."""
        if not self.display:
            return
        if self.timer:
            self.timer.stop()
        self.timer = self.set_timer(PATIENCE, self.look)

    @property
    def behind(self) -> bool:
        """Whether it has yet to follow the cursor."""
        return self.timer is not None

    def on_resize(self) -> None:
        self.soon()

    def tick(self) -> None:
        """A run goes on talking."""
        if self.display and self.where == "runs":
            self.look()

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def look(self) -> None:
        """Read what belongs to the row, then draw."""
        asked, link = self.key, self.scene.link
        self.timer = None
        try:
            if self.where == "runs" and asked in link.world.runs:
                self.read = (asked, clean(await link.tail(asked, SAID)).strip("\n"))
            elif self.where == "queue" and asked and self.read[0] != self.stamp():
                self.read = (self.stamp(), clean(await link.text(asked)))
        except LinkError as error:
            self.read = (self.stamp(), str(error))
        if asked == self.key:
            self.put()

    def stamp(self) -> str:
        """A file is read again once it has changed: the World then holds another task."""
        task = self.scene.link.world.tasks.get(self.key)
        return f"{self.key}\0{id(task)}"

    def put(self) -> None:
        text = self.told()
        if self.scene.signs.plain:
            text.plain = in_ascii(text.plain)
        look = text.markup
        if look != self.drawn:
            self.drawn = look
            self.update(text)

    def told(self) -> Text:
        match self.where:
            case "runs":
                return self.run()
            case "history":
                record = proof.find(self.scene.link.world, self.key)
                return self.record(record) if record else Text()
        row = next((row for row in self.scene.rows() if self.key in (row.name, row.path)), None)
        if row is None:
            return Text()
        return titled(row.name).append_text(
            task_text(self.scene, row, self.read[1] if self.read[0] == self.stamp() else None)
        )

    def run(self) -> Text:
        """The end of what it says: as much as there is room for, its head above."""
        run = self.scene.link.world.runs.get(self.key)
        if run is None:
            return Text()
        text = titled(run.spec.task)
        for name, value in openrun.facts(run):
            pair(text, name, value)
        said = self.read[1] if self.read[0] == self.key else ""
        room = max(2, self.size.height - 2 - text.plain.count("\n"))
        if said:
            section(text, "It says")
            text.append_text(Text.from_ansi("\n".join(said.split("\n")[-room:])))
        elif run.stage is Stage.RUNNING:
            text.append("It has said nothing yet.\n", "dim")
        return text

    def record(self, record: Record) -> Text:
        signs, text = self.scene.signs, titled(record.task_id)
        text.append(f"{view.outcome(record)}\n")
        if record.detail:
            text.append(f"{view.safe(record.detail)}\n")
        if found := proof.look(record):
            text.append(f"{signs.of(found)} {found}: {proof.words(record, signs.dot)}\n")
        for line in (proof.changes(record, signs.dot), proof.place(record)):
            if line:
                text.append(f"{line}\n", "dim")
        text.append(f"{view.safe(record.log_file) or 'no note'}\n", "dim")
        return text


def titled(name: str) -> Text:
    return Text().append(f"{view.safe(name)}\n", "bold")
