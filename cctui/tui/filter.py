"""The filter line above the hints: narrows a list while it is typed; enter keeps it, esc takes it away."""

from __future__ import annotations

from textual import on
from textual.widgets import Input

from cctui.tui.keys import FILTER
from cctui.tui.rowlist import RowList

EXAMPLE = "words, s:paused, tag:x, -s:waiting"


class Filter(Input):
    BINDINGS = [*FILTER]

    def __init__(self, rows: RowList) -> None:
        super().__init__(rows.words, placeholder=EXAMPLE, compact=True, id="filter")
        self.rows = rows

    def on_mount(self) -> None:
        self.focus()

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        event.stop()
        self.rows.filter(self.value)

    @on(Input.Submitted)
    def keep(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()

    def action_clear_filter(self) -> None:
        self.rows.filter("")
        self.close()

    def close(self) -> None:
        self.rows.focus()
        self.remove()
