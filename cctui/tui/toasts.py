"""Toasts: only what the screen does not show, and of many only the last.  Values in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from textual.screen import Screen

from cctui.core import view
from cctui.core.world import Level, Note
from cctui.tui.board import Board
from cctui.tui.messages import Scene
from cctui.tui.troubles import troubles

Toast = tuple[str, Literal["information", "warning"]]
LOUD = (Level.GOOD, Level.WARN, Level.BAD)


def toast(scene: Scene, screen: Screen[Any], notes: Sequence[Note]) -> Toast | None:
    """What to say of these new notes on that screen: the banner says its own, and so does the history while it is
    open."""
    link = scene.link
    shown = {text for text, _ in troubles(link.world, scene.trouble, link.now())}
    loud = [note for note in notes if note.level in LOUD and view.safe(note.text) not in shown]
    if not loud or (isinstance(screen, Board) and screen.shows("history")):
        return None
    more = f" (+{len(loud) - 1}: N shows all)" if len(loud) > 1 else ""
    return view.safe(loud[-1].text) + more, "information" if loud[-1].level is Level.GOOD else "warning"
