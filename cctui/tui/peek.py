"""The live log of one run."""

from __future__ import annotations

from rich.text import Text
from textual import work

from cctui.core import view
from cctui.core.refusal import refusal
from cctui.core.world import Reason, Run, StopRun, World
from cctui.link import LinkError
from cctui.tui import hints, openrun
from cctui.tui.cells import clean
from cctui.tui.keys import PEEK
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.pages import Page
from cctui.tui.runs import elapsed

PEEK_LINES = 200


class Peek(Page):
    """What a run says, as it says it: follows the end until a person scrolls up."""

    BINDINGS = [*PEEK]

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.said: str | None = None

    def on_mount(self) -> None:
        self.body.anchor()
        self.watch(self.app, "world", self.heard)
        self.watch(self.app, "now", self.tick, init=False)
        self.follow()

    def tick(self) -> None:
        self.head()
        self.follow()

    @work(group="peek", exclusive=True, exit_on_error=False)
    async def follow(self) -> None:
        try:
            said = clean(await self.scene.link.tail(self.key, PEEK_LINES)).strip("\n")
        except LinkError as error:
            said = str(error)
        if said != self.said:
            self.said = said
            self.put(self.content())

    def heard(self, world: World) -> None:
        self.head()
        self.call_after_refresh(hints.show, self, self.hint_line)
        if self.said is None:
            self.put(self.content())

    def head(self) -> None:
        self.show_title()

    def heading(self) -> str:
        run = self.run_now()
        return run.spec.task if run else self.ended()

    def run_now(self) -> Run | None:
        return self.scene.link.world.runs.get(self.key)

    def ended(self) -> str:
        """The task's name, once the run is history."""
        return next((r.task_id for r in self.scene.link.world.records if r.run_id == self.key), self.key)

    def refused(self, action: str) -> Reason | None:
        run, link = self.run_now(), self.scene.link
        match action:
            case "attach":
                return openrun.no_attach(run)
            case "takeover":
                return openrun.no_takeover(link.world, run, link.now())
            case "stop":
                return refusal(link.world, StopRun(run.spec.task), link.now()) if run else openrun.GONE
        return None

    def aside(self) -> str:
        run = self.run_now()
        if run is None:
            return "ended"
        if openrun.needs(run):
            return openrun.NEEDS
        time = elapsed(run, self.scene.link.now())
        cost = f" ${run.progress.cost_usd:.2f}" if run.progress.cost_usd is not None else ""
        return f"{time} {view.count(run.progress.tokens)}{cost}"

    def content(self) -> Text:
        if self.said:
            return Text.from_ansi(self.said)
        return Text("Reading …" if self.said is None else "It has said nothing yet.", "dim")

    def visit(self, where: str) -> None:
        """There with this run, or why not."""
        if reason := self.refused(where):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        else:
            self.post_message(Go(where, self.key))

    def action_attach(self) -> None:
        self.visit("attach")

    def action_takeover(self) -> None:
        self.visit("takeover")

    def action_changes(self) -> None:
        self.visit("changes")

    def action_stop(self) -> None:
        run = self.run_now()
        if reason := self.refused("stop"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run:
            self.post_message(Ask(StopRun(run.spec.task), f"Stop {view.short(run.spec.task)}?"))
