"""Short questions over the screen: yes or no, and how to leave.  Default and escape are always the harmless answer."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

Choice = tuple[str, str, str]
"""Key, answer, label."""


class Question(ModalScreen[str]):
    """One question and its answers, each a key and a button; "" is the answer of esc."""

    BINDINGS = [
        Binding("escape,left,h", "answer('')", "Back", id="stay"),
        Binding("down,j", "app.focus_next", "Next", show=False),
        Binding("up,k", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, text: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.asked = text
        self.choices = choices
        for key, answer, label in choices:
            self._bindings.bind(key, f"answer('{answer}')", label)

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(self.asked, markup=False, id="asked")
            for key, answer, label in self.choices:
                yield Button(f"{key}  {label}".replace("[", "("), name=answer, compact=True)

    def on_mount(self) -> None:
        # The last answer is the harmless one: Enter on a question nobody has read changes nothing.
        self.query(Button).last().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.name or "")

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


def sure(text: str) -> Question:
    return Question(text, (("y", "yes", "yes"), ("n", "", "no")))


def leaving(hosting: bool, runs: int, *, gone: bool = False) -> Question:
    """How to leave: the app that hosts the engine must say what becomes of it; a second face may just close.

    `gone`: there is no engine to say anything about."""
    running = f"{runs} run{'s' if runs != 1 else ''} open: they go on either way." if runs else "Nothing runs now."
    if gone:
        only: tuple[Choice, ...] = (("c", "closed", "Close"), ("q", "", "Stay"))
        return Question("Close? No engine is running; the next cctui starts one.", only)
    if hosting:
        choices = (
            ("d", "detach", "Detach: the engine goes on"),
            ("s", "stop", "Stop the engine"),
            ("q", "", "Stay"),
        )
        return Question(f"Leave cctui? {running}", choices)
    choices = (
        ("c", "closed", "Close: the engine goes on"),
        ("s", "stop", "Stop the engine too"),
        ("q", "", "Stay"),
    )
    return Question(f"Close? {running}", choices)
