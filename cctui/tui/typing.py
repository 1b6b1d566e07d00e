"""Keys, one after another: what is typed fast, or comes in one packet over a slow line, goes where it was meant to go.

A key may open a screen, but only a message later; until it has been dealt with, the keys behind it are held back.  So
are those behind the key that saves a form: what they are meant for stands only once the form has its answer.  Nothing
is held for longer than a moment, whatever becomes of the widget that got the key, and esc is never held by a form.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from textual.app import App
from textual.events import Key
from textual.message_pump import MessagePump
from textual.timer import Timer

from cctui.tui.messages import Scene

SOON = 0.005
"""Seconds between two looks at whether a screen has come."""
LONGEST = 1.5
"""Seconds after which the next key goes on in any case: a slow machine opens its first screen within them."""
ANSWER = 3.0
"""Seconds for which a form's answer is waited for."""


class Typing:
    """Used by the app: `holds` asks before a key is handed on, `sent` says to whom one has been."""

    def __init__(self, app: App[Any], scene: Scene) -> None:
        self.app = app
        self.scene = scene
        self.held: deque[Key] = deque()
        self.under_way: Key | None = None
        self.patience: Timer | None = None

    def holds(self, key: Key) -> bool:
        """Whether it has to wait for the one before it."""
        if self.under_way is key or (self.scene.asking and key.key == "escape"):
            return False
        if self.under_way is None:
            if not self.scene.asking:
                return False
            self.under_way = key
            self.patience = self.app.set_timer(ANSWER, self.next)
            self.app.set_timer(SOON, self.settle)
        self.held.append(key)
        return True

    def sent(self, key: Key, to: MessagePump) -> None:
        """`key` has been handed to `to`: the next follows once that is through with it, and the app with what came
        of it, which takes the same way up as our call behind it."""
        self.under_way = key
        self.patience = self.app.set_timer(LONGEST, self.next)
        # Twice: what the key brings about is posted behind the first call.
        to.call_later(to.call_later, self.up, key, to)

    def up(self, key: Key, at: MessagePump) -> None:
        """From node to node, until everything posted before has reached the app."""
        above = at._parent
        if above is not None:
            above.call_later(self.up, key, above)
        elif self.under_way is key:
            self.settle()

    def settle(self) -> None:
        """Nobody waits: done.  Else once the screen that may have been opened has come, and can take keys."""
        if not self.held:
            self.next()
        elif self.under_way is not None:
            self.app.set_timer(SOON, self.next if ready(self.app) and not self.scene.asking else self.settle)

    def next(self) -> None:
        if self.patience:
            self.patience.stop()
        self.under_way, self.patience = None, None
        if self.held:
            # In front of whatever is typed from now on: those wait while one is under way.
            key = self.held.popleft()
            # A new one: Textual takes no event a second time.
            self.under_way = Key(key.key, key.character)
            self.app.post_message(self.under_way)


def ready(app: App[Any]) -> bool:
    """Whether the screen on top is there, with something that takes keys if anything on it does."""
    screen = app.screen
    return screen.is_mounted and (screen.focused is not None or not screen.focus_chain)
