"""Everything that is first needed after the first paint, behind one lazy import."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widgets import HelpPanel

from cctui.link import LinkError
from cctui.tui.dialogs import leaving, sure
from cctui.tui.diff import Diff
from cctui.tui.filter import Filter
from cctui.tui.forecast import Forecast
from cctui.tui.forms import EditField, New
from cctui.tui.messages import Scene
from cctui.tui.pages import Detail, Notes
from cctui.tui.past import Past
from cctui.tui.peek import Peek
from cctui.tui.plan import Plan
from cctui.tui.seat import attach, take_over
from cctui.tui.why import Why, Windows

__all__ = ["Filter", "HelpPanel", "LinkError", "attach", "leaving", "make", "sure", "take_over"]


def make(scene: Scene, where: str, key: str) -> Screen[Any]:
    match where:
        case "detail":
            return Detail(scene, key)
        case "why":
            return Why(scene, key)
        case "windows":
            return Windows(scene)
        case "forecast":
            return Forecast(scene)
        case "record":
            return Past(scene, key)
        case "peek":
            return Peek(scene, key)
        case "plan":
            return Plan(scene, key)
        case "changes":
            return Diff(scene, key)
        case "edit":
            return EditField(scene, key)
        case "new":
            return New(scene)
    return Notes(scene)
