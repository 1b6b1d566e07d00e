"""Everything that is first needed after the first paint, behind one lazy import."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from cctui.link import LinkError
from cctui.tui.capture import Capture
from cctui.tui.detail import Detail
from cctui.tui.dialogs import leaving, sure
from cctui.tui.diff import Diff
from cctui.tui.editor import edit
from cctui.tui.figures import Figures
from cctui.tui.filter import Filter
from cctui.tui.forecast import Forecast
from cctui.tui.forms import EditField
from cctui.tui.help import Help
from cctui.tui.messages import Scene
from cctui.tui.notices import Notices
from cctui.tui.palette import Offers, open_palette, verbs
from cctui.tui.past import Past
from cctui.tui.peek import Peek, Saying
from cctui.tui.plan import Plan
from cctui.tui.seat import attach, take_over
from cctui.tui.triage import Triage
from cctui.tui.why import Why, Windows

__all__ = [
    "Filter",
    "Help",
    "LinkError",
    "Offers",
    "attach",
    "edit",
    "leaving",
    "make",
    "open_palette",
    "sure",
    "take_over",
    "verbs",
]


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
        case "figures":
            return Figures(scene)
        case "record":
            return Past(scene, key)
        case "peek":
            return Peek(scene, key)
        case "reply":
            return Saying(scene, key)
        case "triage":
            return Triage(scene, key)
        case "plan":
            return Plan(scene, key)
        case "changes":
            return Diff(scene, key)
        case "edit":
            return EditField(scene, key)
        case "new":
            return Capture(scene)
    return Notices(scene)
