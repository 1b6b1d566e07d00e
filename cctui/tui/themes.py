"""The colours: a dark, a light and a high-contrast theme.  States use the Okabe-Ito palette, which colour-blind eyes
can tell apart; every state also has a glyph and a word, so that colour never stands alone."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

STATE_COLOURS = {
    "state-ready": "#56B4E9",
    "state-waiting": "#9AA5B1",
    "state-paused": "#E69F00",
    "state-starting": "#56B4E9",
    "state-running": "#56B4E9",
    "state-parked": "#D58DB4",
    "state-needs": "#F0E442",
    "state-done": "#2BB98A",
    "state-failed": "#F0803C",
    "state-invalid": "#FF6B5E",
    "line-dim": "#8B97A5",
    "line-rest": "#3A4654",
    "cursor-row": "#22303F",
    "cursor-idle": "#18212B",
}
"""Defaults of our own variables: any other theme a person picks falls back on these."""

DARK = Theme(
    name="cctui",
    primary="#56B4E9",
    secondary="#7C8FA3",
    accent="#56B4E9",
    warning="#E69F00",
    error="#FF6B5E",
    success="#2BB98A",
    foreground="#D8DEE6",
    background="#0E141B",
    surface="#141C25",
    panel="#1C2733",
    variables=STATE_COLOURS | {"border": "#3A4654", "footer-key-foreground": "#56B4E9"},
)

LIGHT = Theme(
    name="cctui-light",
    dark=False,
    primary="#005A8C",
    secondary="#5A6775",
    accent="#6B4E00",
    warning="#8A5A00",
    error="#B3261E",
    success="#00694C",
    foreground="#1B222A",
    background="#FAFBFC",
    surface="#F1F4F7",
    panel="#E4E9EE",
    variables={
        "state-ready": "#005A8C",
        "state-waiting": "#55606C",
        "state-paused": "#8A5A00",
        "state-starting": "#005A8C",
        "state-running": "#005A8C",
        "state-parked": "#8A3A66",
        "state-needs": "#6B4E00",
        "state-done": "#00694C",
        "state-failed": "#A84300",
        "state-invalid": "#B3261E",
        "line-dim": "#556270",
        "line-rest": "#C3CCD5",
        "cursor-row": "#D5E5F1",
        "cursor-idle": "#E9EEF3",
    },
)

CONTRAST = Theme(
    name="cctui-hc",
    primary="#FFFF00",
    secondary="#FFFFFF",
    accent="#FFFF00",
    warning="#FFFF00",
    error="#FF8A80",
    success="#69F0AE",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#000000",
    variables={
        "state-ready": "#FFFFFF",
        "state-waiting": "#FFFFFF",
        "state-paused": "#FFFF00",
        "state-starting": "#80D8FF",
        "state-running": "#80D8FF",
        "state-parked": "#FFFF00",
        "state-needs": "#FFFF00",
        "state-done": "#69F0AE",
        "state-failed": "#FF8A80",
        "state-invalid": "#FF8A80",
        "line-dim": "#FFFFFF",
        "line-rest": "#9E9E9E",
        "cursor-row": "#404040",
        "cursor-idle": "#202020",
    },
)

THEMES = (DARK, LIGHT, CONTRAST)

TONES: Mapping[str, tuple[str, bool]] = {
    "dim": ("line-dim", False),
    "rest": ("line-rest", False),
    "strong": ("", True),
    "accent": ("primary", True),
    "tab": ("foreground", True),
    "ready": ("state-ready", False),
    "waiting": ("state-waiting", False),
    "paused": ("state-paused", False),
    "starting": ("state-starting", False),
    "running": ("state-running", True),
    "parked": ("state-parked", False),
    "needs": ("state-needs", True),
    "done": ("state-done", False),
    "failed": ("state-failed", False),
    "invalid": ("state-invalid", False),
    "proven": ("state-done", False),
    "unproven": ("state-waiting", False),
    "disproved": ("state-failed", False),
    "good": ("state-done", False),
    "warn": ("state-paused", False),
    "bad": ("state-invalid", False),
}
"""What a span of text means → its colour's name in the theme, and whether it is bold.

Not component classes of the stylesheet: those are matched again for every widget at every change of style, which made
the first paint twice as long."""


def palette(variables: Mapping[str, str]) -> dict[str, Style]:
    """Every tone as a style, and the grounds of the cursor's row: ``cursor``, ``idle``."""

    def colour(name: str) -> str:
        return variables.get(name, "ansi_default")

    styles = {
        tone: Style(color=Color.parse(colour(name)).rich_color if name else None, bold=bold or None)
        for tone, (name, bold) in TONES.items()
    }
    grounds = {ground: Style(bgcolor=Color.parse(colour(f"cursor-{name}")).rich_color)
               for ground, name in (("cursor", "row"), ("idle", "idle"))}  # fmt: skip
    styles["tab"] += grounds["cursor"]
    return styles | grounds
