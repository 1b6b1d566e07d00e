"""The plan of a run that waits for a person's word: to be read first, then accepted, stopped, or left as it is.

Enter goes back, as does every key that is pressed once too often: only ``y`` accepts, and only a plan that is there.
"""

from __future__ import annotations

from rich.text import Text
from textual import work

from cctui.core import view
from cctui.core.filing import note_path
from cctui.core.queue import plan_waits
from cctui.core.refusal import refusal
from cctui.core.world import Reason, Run, RunNow, StopRun, Why
from cctui.link import LinkError
from cctui.tui.cells import clean
from cctui.tui.keys import PLAN
from cctui.tui.messages import Ask, Say, Scene
from cctui.tui.openrun import GONE, NEEDS
from cctui.tui.pages import Page

NO_MORE = Reason(Why.STATE, "its plan waits no more")
READING = Reason(Why.STATE, "the plan is still being read")
HEADING = "\n## Plan\n"


def plan_of(note: str) -> str:
    """The plan out of a run's note; the whole note where none is marked."""
    _, found, rest = note.partition(HEADING)
    if not found:
        return note.strip()
    lines = rest.strip().split("\n")
    fence = lines[0].strip()[: len(lines[0]) - len(lines[0].lstrip("`~"))]
    if len(fence) < 3:
        return rest.strip()
    # Only the very fence that opened it ends it: one inside of the plan is shorter.
    ends = [i for i, line in enumerate(lines) if i and line.rstrip() == fence]
    return "\n".join(lines[1 : ends[0] if ends else None]).strip("\n")


class Plan(Page):
    """`key` is the run's id."""

    BINDINGS = [*PLAN]

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.plan: str | None = None
        run = self.run_now()
        self.task_name = run.spec.task if run else key

    def on_mount(self) -> None:
        super().on_mount()
        self.read()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        run = self.run_now()
        if run is None:
            return
        try:
            self.plan = plan_of(clean(await self.scene.link.text(note_path(run.spec))))
        except LinkError as error:
            self.plan = f"The plan cannot be shown: {view.safe(str(error))}"
        self.show()

    def run_now(self) -> Run | None:
        return self.scene.link.world.runs.get(self.key)

    def heading(self) -> str:
        return self.task_name

    def aside(self) -> str:
        return NEEDS if self.waits() else "waits no more"

    def waits(self) -> bool:
        run = self.run_now()
        return run is not None and plan_waits(run)

    def content(self) -> Text:
        if self.plan is None:
            return Text("Reading …", "dim")
        text = Text()
        if not self.waits():
            text.append("This plan waits no more: somebody has answered, or the run has ended.\n\n", "italic")
        return text.append(self.plan or "The plan is empty.")

    # --- keys

    def refused(self, action: str) -> Reason | None:
        run, link = self.run_now(), self.scene.link
        match action:
            case "accept" if run is None or not plan_waits(run):
                return NO_MORE
            case "accept" if self.plan is None:
                return READING
            case "accept" if run:
                return refusal(link.world, RunNow(run.spec.task), link.now())
            case "stop":
                return refusal(link.world, StopRun(run.spec.task), link.now()) if run else GONE
        return None

    def action_accept(self) -> None:
        run = self.run_now()
        if reason := self.refused("accept"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run:
            self.post_message(Ask(RunNow(run.spec.task)))
            self.dismiss()

    def action_stop(self) -> None:
        run = self.run_now()
        if reason := self.refused("stop"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run:
            name = view.short(run.spec.task)
            self.post_message(Ask(StopRun(run.spec.task), f"Stop {name}? Nothing was changed; it counts as cancelled."))
