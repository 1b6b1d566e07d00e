"""The gates of a task as lines of a page: what chose its place, what is shut, what is open with a figure, the rest."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from cctui.core import gates
from cctui.core.gates import Gate
from cctui.tui.messages import Scene

ABOUT = (gates.ORDER, gates.COST)


def told(gate: Gate) -> bool:
    """Whether an open gate has a figure to show; the others are only named."""
    return not gate.open or gate.value is not None or gate.until is not None


def put_gates(text: Text, scene: Scene, found: Sequence[Gate]) -> None:
    """All of them: a full night fits on a phone."""
    put_shut(text, scene, found)
    put_open(text, scene, found)


def put_shut(text: Text, scene: Scene, found: Sequence[Gate]) -> None:
    """Which rule chose its place, what its cost rests on, and the gates that are shut."""
    signs, palette = scene.signs, scene.palette
    for gate in (gate for gate in found if gate.gate in ABOUT):
        text.append(f"{signs.dot} {gate.gate}: ", palette["dim"])
        text.append(f"{gate.text}\n")
    for gate in (gate for gate in found if not gate.open):
        text.append(f"{signs.failed} ", palette["failed"])
        text.append(f"{gate.text}\n", palette["strong"])


def put_open(text: Text, scene: Scene, found: Sequence[Gate]) -> None:
    """Open gates that have figures; the rest by name."""
    signs, palette = scene.signs, scene.palette
    rows = [gate for gate in found if gate.open and gate.gate not in ABOUT]
    for gate in filter(told, rows):
        text.append(f"{signs.done} ", palette["done"])
        name = f"{gate.gate.replace('_', ' ')}: " if gate.gate != "fit" else ""
        text.append(f"{name}{gate.text}\n", palette["dim"])
    rest = dict.fromkeys(gate.gate.replace("_", " ") for gate in rows if not told(gate))
    if rest:
        text.append(f"{signs.done} ", palette["done"])
        text.append(f"also open: {', '.join(rest)}\n", palette["dim"])
