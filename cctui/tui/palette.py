"""What the palette offers: every key of the screen by name, in the order of the hint line, then every task, to go to.

Textual matches and shows; what comes from a task's file is escaped before it gets there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.app import App, SystemCommand
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from cctui.core import view
from cctui.core.view import Row, State
from cctui.tui import hints, keys, openrun
from cctui.tui.board import Board
from cctui.tui.rowlist import RowList
from cctui.tui.wishes import OF_A_ROW

if TYPE_CHECKING:
    from cctui.tui.app import CctuiApp

SHOWN = 8
"""Tasks offered before anything is typed."""


class Offers(Provider):
    """Every key that works here, then every task and open run: choosing one of these puts the cursor on its row."""

    def verbs(self) -> Iterator[SystemCommand]:
        yield from self.app.get_system_commands(self.screen)

    def rows(self) -> Iterator[Row]:
        app: CctuiApp = self.app  # type: ignore[assignment]
        yield from app.scene.rows("active", "pending", "recurring", view.INVALID)

    async def discover(self) -> Hits:
        for name, words, run, _ in self.verbs():
            yield DiscoveryHit(name, run, help=words)
        for row in list(self.rows())[:SHOWN]:
            yield DiscoveryHit(Text(title(row)), partial(self.go, row), text=title(row), help=about(row))

    async def search(self, query: str) -> Hits:
        # Of equal hits the first wins: whoever types a task's name wants to go there.
        matcher = self.matcher(query)
        for row in self.rows():
            if score := matcher.match(title(row)):
                yield Hit(score, Text(title(row)), partial(self.go, row), text=title(row), help=about(row))
        for name, words, run, _ in self.verbs():
            if score := matcher.match(name):
                yield Hit(score, matcher.highlight(name), run, help=words)

    def go(self, row: Row) -> None:
        """Back on the board, with the cursor on the row, in whichever list it is."""
        board = self.app.screen_stack[0]
        while self.app.screen is not board and len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        if isinstance(board, Board):
            board.seek(row)


def open_palette(app: App[Any]) -> None:
    """Textual's own words would say less, and not in ASCII."""
    if not CommandPalette.is_open(app):
        app.push_screen(CommandPalette(placeholder="A key by its name, or a task", id="--command-palette"))


def verbs(app: App[Any], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Every key that works on this screen, by name, with what it would act on; what the hint line shows comes first."""
    seen: set[str] = set()
    for active in sorted(screen.active_bindings.values(), key=lambda active: hints.order(screen, active)):
        binding, node = active.binding, active.node
        if not binding.tooltip or binding.system or binding.group is keys.GO or binding.action in seen:
            continue
        seen.add(binding.action)
        about = f" {node.named()}" if isinstance(node, RowList) and binding.action in OF_A_ROW else ""
        run = partial(app.call_later, app.run_action, binding.action, node)
        words = f"{binding.tooltip} ({keys.shown(binding.key)})"
        yield SystemCommand(literal(f"{binding.description}{about}"), words, run)


def title(row: Row) -> str:
    return f"Go to {view.safe(row.name)}"


def about(row: Row) -> str:
    """Its state and why, on the second line."""
    word = "cannot be read" if row.state is State.INVALID else openrun.word(row)
    said = openrun.sentence(row)
    return literal(f"{word}: {said}" if said else word)


def literal(text: str) -> str:
    """Textual's own `escape` misses a tag that is never closed."""
    return text.replace("[", "\\[")
