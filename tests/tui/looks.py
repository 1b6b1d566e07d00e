"""What stands on the screen with its colours: runs of cells as the terminal gets them, and how they can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.color import Color, ColorSystem, ColorType
from rich.style import Style
from textual.app import App
from textual.pilot import Pilot

from cctui.core.settings import Settings, UiSettings
from cctui.tui.app import CctuiApp
from cctui.tui.signs import ASCII, Signs
from tests.tui.shots import STATES, link_to, quiet

PHONE, DESK = (48, 18), (120, 40)
"""One list at a time, and all there is side by side."""
TEXT, DRAWN = 4.5, 3.0
"""Contrast that words need, and that what is drawn needs."""
FRAMES = frozenset("─│╭╮╰╯━┃┏┓┗┛+-|")
GRAPHS = frozenset(
    "".join(getattr(signs, name) for signs in (Signs(), ASCII) for name in
            ("full", "rest", "claim", "kept", "solid", "likely", "cursor", "pipe", "branch", "corner", "rule"))
)  # fmt: skip


def app_in(state: str, theme: str = "cctui", *, ascii: bool = False) -> tuple[CctuiApp, tuple[str, ...]]:
    """The app before a designed state, and the keys that lead there."""
    world, keys = STATES[state]
    ui = UiSettings(theme=theme, ascii="on" if ascii else "off", motion="off")
    return CctuiApp(link_to(world), engine=None, settings=Settings(ui=ui)), keys


async def sized(pilot: Pilot[str], size: tuple[int, int]) -> None:
    """The same state on a screen of this size, with all that belongs to it there."""
    if pilot.app.size != size:
        await pilot.resize_terminal(*size)
        assert pilot.app.screen.size == size
    await quiet(pilot)


def painted(app: App[Any]) -> Iterator[tuple[str, Style, int]]:
    """Runs of cells that are not blank, their style and their line; of a question over the screen, only that."""
    boxes = app.screen.query("#question, #--container")
    box = boxes.first().region if boxes else app.screen.region
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            inside = box.contains(x, y)
            x += segment.cell_length
            if inside and segment.text.strip() and segment.style is not None:
                yield segment.text, segment.style, y


def slider(style: Style) -> bool:
    """A scroll bar: it says where one is, and so do the rows."""
    return "@mouse.down" in style.meta


def contrast(one: tuple[int, int, int], two: tuple[int, int, int]) -> float:
    """As WCAG 2 counts it: 1 to 21."""

    def light(colour: tuple[int, int, int]) -> float:
        parts = [c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def seen(style: Style, system: ColorSystem = ColorSystem.TRUECOLOR) -> float:
    """Contrast of what a style writes, on a terminal that knows so many colours."""
    pair = [colour.downgrade(system).get_truecolor() for colour in (style.color, style.bgcolor) if colour is not None]
    return contrast(pair[0], pair[1]) if len(pair) == 2 else 0.0


def enough(text: str, style: Style, edge: str) -> float:
    """The contrast this run of cells needs; `edge`: colour of what only divides."""
    marks = set(text.replace(" ", ""))
    if slider(style) or (marks <= FRAMES and style.color == Color.parse(edge.lower())):
        return 0.0
    return DRAWN if marks <= GRAPHS | FRAMES else TEXT


def coloured(style: Style) -> bool:
    """Whether it writes a colour that is not one of the terminal's sixteen, or its own ground."""
    return any(colour is not None and colour.type not in (ColorType.DEFAULT, ColorType.STANDARD)
               for colour in (style.color, style.bgcolor))  # fmt: skip
