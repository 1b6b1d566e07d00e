"""A line to say something to a run.  What is refused stays there to be mended, with the reason above it."""

from __future__ import annotations

from typing import Any

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from cctui.core import view
from cctui.core.refusal import refusal
from cctui.core.world import Reply
from cctui.link import LinkError
from cctui.tui.cells import in_ascii
from cctui.tui.keys import REPLY
from cctui.tui.messages import Scene


class Words(Input):
    BINDINGS = [*REPLY]

    def on_mount(self) -> None:
        self.focus()

    def action_close(self) -> None:
        self.post_message(ReplyLine.Closed())


def opening(screen: Screen[Any]) -> bool:
    """A line is about to have the keys: none that is typed meanwhile may mean anything else."""
    return bool(screen.query(ReplyLine)) and not isinstance(screen.focused, Words)


class ReplyLine(Vertical):
    """Goes away by itself once the words were taken, or when they are given up."""

    refused = getters.query_one("#refused", Static)

    class Sent(Message):
        def __init__(self, task_name: str, text: str) -> None:
            super().__init__()
            self.task_name = task_name
            self.text = text

    class Closed(Message):
        pass

    def __init__(self, scene: Scene, task: str) -> None:
        super().__init__(id="reply")
        self.scene = scene
        self.task_name = task
        self.sending = False

    def compose(self) -> ComposeResult:
        yield Static(id="refused", markup=False)
        hint = f"say to {view.short(self.task_name, 24)} …"
        yield Words(placeholder=in_ascii(hint) if self.scene.signs.plain else hint, compact=True, id="say")

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.sending:
            self.sending = True
            self.send(event.value)

    @work(group="reply", exit_on_error=False)
    async def send(self, text: str) -> None:
        link, command = self.scene.link, Reply(self.task_name, text)
        try:
            reason = refusal(link.world, command, link.now()) or await link.send(command)
            said = view.say(reason, link.now()) if reason else ""
        except LinkError as error:
            said = str(error)
        finally:
            self.sending = False
        if said:
            self.refused.update(view.safe(said))
            self.refused.set_class(True, "-on")
        else:
            self.post_message(self.Sent(self.task_name, text))
