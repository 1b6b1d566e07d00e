"""The filter line above the hints: narrows the queue while it is typed; enter keeps it, esc takes it away."""

from __future__ import annotations

from textual import on
from textual.widgets import Input

from cctui.tui.keys import FILTER
from cctui.tui.queue import Queue


class Filter(Input):
    BINDINGS = [*FILTER]

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue.words, placeholder="only rows with these letters", compact=True, id="filter")
        self.queue = queue

    def on_mount(self) -> None:
        self.focus()

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        event.stop()
        self.queue.filter(self.value)

    @on(Input.Submitted)
    def keep(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()

    def action_clear_filter(self) -> None:
        self.queue.filter("")
        self.close()

    def close(self) -> None:
        self.queue.focus()
        self.remove()
