"""What can be done on a screen: what it shows in a sentence or two, then every key that works there, in words.

Made when it is opened, from the bindings that are live then, so that it never says what would not work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.screen import Screen

from cctui.core.world import World
from cctui.tui.cells import wrap
from cctui.tui.keys import HELP, LAST_IN_HELP, SECTIONS, shown
from cctui.tui.messages import Scene
from cctui.tui.pages import Page

COLUMN = 11
"""Cells of the keys."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some keys that belong together: each with the keys as a person reads them, its name, what it does."""

    title: str
    keys: tuple[tuple[str, str, str], ...]


class Help(Page):
    """`about` is the screen it was asked on."""

    BINDINGS = [*HELP]

    def __init__(self, scene: Scene, about: Screen[Any]) -> None:
        super().__init__(scene)
        self.says = getattr(about.focused, "HELP", None) or ""
        self.parts = tuple(parts(about))

    def heading(self) -> str:
        return "What you can do here"

    def heard(self, world: World) -> None:
        """Nothing of this changes with the World."""

    def on_resize(self) -> None:
        self.show()

    def content(self) -> Text:
        text, width = Text(), max(20, min(self.app.size.width, 110) - 3)
        for paragraph in self.says.split("\n\n") if self.says else ():
            self.sentences(text, paragraph, width)
        for part in self.parts:
            text.append(f"{part.title}\n", self.scene.palette["accent"])
            for key, name, does in part.keys:
                self.key_line(text, key, f"{name}: {does}", width)
            text.append("\n")
        text.rstrip()
        return text

    def sentences(self, text: Text, paragraph: str, width: int) -> None:
        """Words between two pairs of asterisks stand out."""
        strong = False
        for line in wrap(paragraph, width):
            for i, piece in enumerate(line.split("**")):
                strong = strong != bool(i)
                text.append(piece, self.scene.palette["strong"] if strong else "")
            text.append("\n")
        text.append("\n")

    def key_line(self, text: Text, key: str, words: str, width: int) -> None:
        name, _, _ = words.partition(":")
        text.append(f"{key:<{COLUMN}}", self.scene.palette["strong"])
        if len(key) >= COLUMN:
            text.append(f"\n{'':<{COLUMN}}")
        for i, line in enumerate(wrap(words, max(12, width - COLUMN))):
            head = len(name) + 1 if i == 0 and line.startswith(f"{name}:") else 0
            text.append(f"{' ' * COLUMN if i else ''}{line[:head]}")
            text.append(f"{line[head:]}\n", self.scene.palette["dim"])


def parts(screen: Screen[Any]) -> Iterator[Part]:
    """The sections of the table that have a key at work, what belongs to this screen alone first."""
    live: dict[str, list[str]] = {}
    for active in screen.active_bindings.values():
        if active.binding.id:
            live.setdefault(active.binding.id, []).append(active.binding.key)
    for title, bindings in sorted(SECTIONS, key=lambda section: late(section[0])):
        found = [
            (keys(live[binding.id]), binding.description, str(binding.tooltip))
            for binding in bindings
            if binding.id in live
        ]
        if found:
            yield Part(title, tuple(found))


def late(title: str) -> int:
    return LAST_IN_HELP.index(title) if title in LAST_IN_HELP else -1


def keys(pressed: Sequence[str]) -> str:
    return shown(",".join(pressed))
