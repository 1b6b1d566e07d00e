"""The page of one task: what keeps it, its file, its fields, its runs; and the keys that act on it."""

from __future__ import annotations

from rich.text import Text
from textual import work

from cctui.core import view
from cctui.core.queue import plan_waits
from cctui.core.refusal import refusal
from cctui.core.view import Row
from cctui.core.world import Reason, Run, RunNow
from cctui.link import LinkError
from cctui.tui import openrun
from cctui.tui.about import task_text
from cctui.tui.cells import clean
from cctui.tui.keys import DETAIL
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.pages import Page


class Detail(Page):
    """A task: what keeps it, every gate, its fields and prompt, its last runs."""

    BINDINGS = [*DETAIL]

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.prompt: str | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.read()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        try:
            self.prompt = clean(await self.scene.link.text(self.key))
        except LinkError as error:
            self.prompt = str(error)
        self.show()

    def row(self) -> Row | None:
        return next((row for row in self.scene.rows() if self.key in (row.name, row.path)), None)

    def heading(self) -> str:
        row = self.row()
        return row.name if row else self.key

    def aside(self) -> str:
        row = self.row()
        return openrun.word(row) if row else "gone"

    def run_now(self) -> Run | None:
        row = self.row()
        return row.run if row else None

    def content(self) -> Text:
        row = self.row()
        if row is None:
            return Text("This task is gone: its file has left the folders.")
        return task_text(self.scene, row, self.prompt)

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One key runs the task or accepts its plan: whichever it can mean here; only a run is taken over."""
        run = self.run_now()
        if action == "takeover":
            return run is not None
        if action not in ("run", "accept"):
            return True
        return (action == "accept") is (run is not None and plan_waits(run))

    def refused(self, action: str) -> Reason | None:
        world, now = self.scene.link.world, self.scene.link.now()
        if action == "takeover":
            return openrun.no_takeover(world, self.run_now(), now)
        return refusal(world, RunNow(self.key), now) if action == "run" else None

    def action_run(self) -> None:
        self.post_message(Ask(RunNow(self.key)))

    def action_accept(self) -> None:
        if run := self.run_now():
            self.post_message(Go("plan", run.spec.run_id))

    def action_takeover(self) -> None:
        if reason := self.refused("takeover"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run := self.run_now():
            self.post_message(Go("takeover", run.spec.run_id))

    def action_why(self) -> None:
        if self.key in self.scene.link.world.tasks:
            self.post_message(Go("why", self.key))

    def action_edit(self) -> None:
        if self.key in self.scene.link.world.tasks:
            self.post_message(Go("edit", self.key))
        else:
            self.post_message(Say("Mend the file itself: what is wrong stands above"))
