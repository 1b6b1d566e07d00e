"""The colours: a dark, a light and a high-contrast theme, the terminal's own palette, and none at all.

States use the Okabe-Ito palette, which colour-blind eyes can tell apart; every state also has a glyph and a word, so
that colour never stands alone.  Promises a contrast of 4.5 to text in the three themes whose colours we choose, and of
3 to what is drawn.  `cctui-ansi` writes only colours of the terminal's sixteen, on its own ground: those that `ls` and
`git` use, which every palette made for a ground can be read on.  Where there is no ground to choose (there, and without
colours) the cursor's row is reversed, and what is dim or loud is so by its strokes.
"""

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
    "line-dim": "#8E9AA8",
    "line-rest": "#6E7A87",
    "line-edge": "#3A4654",
    "cursor-row": "#22303F",
    "cursor-idle": "#18212B",
    "input-selection-background": "#2F5570",
    "input-selection-foreground": "#FFFFFF",
}
"""Our own variables in the dark.  ``line-rest`` draws what carries meaning, ``line-edge`` what only divides."""

LIGHT_COLOURS = {
    "state-ready": "#005A8C",
    "state-waiting": "#55606C",
    "state-paused": "#7A4F00",
    "state-starting": "#005A8C",
    "state-running": "#005A8C",
    "state-parked": "#8A3A66",
    "state-needs": "#6B4E00",
    "state-done": "#00694C",
    "state-failed": "#9A3D00",
    "state-invalid": "#B3261E",
    "line-dim": "#556270",
    "line-rest": "#78828C",
    "line-edge": "#C3CCD5",
    "cursor-row": "#D5E5F1",
    "cursor-idle": "#E9EEF3",
    "input-selection-background": "#B9D7EC",
    "input-selection-foreground": "#1B222A",
}

OWN_COLOURS = {
    "state-ready": "ansi_cyan",
    "state-waiting": "ansi_default",
    "state-paused": "ansi_yellow",
    "state-starting": "ansi_cyan",
    "state-running": "ansi_cyan",
    "state-parked": "ansi_magenta",
    "state-needs": "ansi_yellow",
    "state-done": "ansi_green",
    "state-failed": "ansi_red",
    "state-invalid": "ansi_red",
    "line-dim": "ansi_default",
    "line-rest": "ansi_blue",
    "line-edge": "ansi_bright_black",
    "cursor-row": "ansi_default",
    "cursor-idle": "ansi_default",
    "panel": "ansi_default",
    "surface": "ansi_default",
    "ansi-background": "ansi_default",
    "input-cursor-background": "ansi_default",
    "input-selection-background": "ansi_default",
    "block-cursor-background": "ansi_default",
    "markdown-h1-color": "ansi_default",
    "markdown-h2-color": "ansi_default",
}
"""Of the terminal.  Never its black, white or greys: one of them is the ground, and nobody says which."""

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
    warning="#7A4F00",
    error="#B3261E",
    success="#00694C",
    foreground="#1B222A",
    background="#FAFBFC",
    surface="#F1F4F7",
    panel="#E4E9EE",
    variables=LIGHT_COLOURS | {"border": "#C3CCD5", "footer-key-foreground": "#005A8C"},
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
        "line-rest": "#B8B8B8",
        "line-edge": "#9E9E9E",
        "cursor-row": "#404040",
        "cursor-idle": "#202020",
        "input-selection-background": "#FFFF00",
        "input-selection-foreground": "#000000",
    },
)

OWN = Theme(
    name="cctui-ansi",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_magenta",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables=OWN_COLOURS | {"border": "ansi_cyan", "border-blurred": "ansi_bright_black"},
)

THEMES = (DARK, LIGHT, CONTRAST, OWN)


def no_colour(environ: Mapping[str, str]) -> bool:
    """NO_COLOR counts when it is set to anything but nothing (no-color.org)."""
    return bool(environ.get("NO_COLOR"))


def defaults(theme: Theme) -> dict[str, str]:
    """Our own variables for a theme that does not know them: one of Textual's, or a person's."""
    return OWN_COLOURS if theme.ansi else STATE_COLOURS if theme.dark else LIGHT_COLOURS


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


STROKES: Mapping[str, Style] = {
    "dim": Style(dim=True),
    "rest": Style(dim=True),
    "tab": Style(bold=True, reverse=True),
    "needs": Style(bold=True, underline=True),
    "failed": Style(bold=True),
    "invalid": Style(bold=True),
    "disproved": Style(bold=True),
    "warn": Style(bold=True),
    "bad": Style(bold=True),
    "cursor": Style(reverse=True),
    "idle": Style(),
}
"""What stands in for a ground or a grey where a theme has none to give."""


def palette(variables: Mapping[str, str], *, colour: bool = True) -> dict[str, Style]:
    """Every tone as a style, and the grounds of the cursor's row: ``cursor``, ``idle``."""

    def of(name: str) -> Color:
        return Color.parse(variables.get(name, "ansi_default"))

    styles = {tone: Style(color=of(name).rich_color if name and colour else None, bold=bold or None)
              for tone, (name, bold) in TONES.items()}  # fmt: skip
    if not colour or of("background").ansi is not None:
        return styles | {name: styles.get(name, Style()) + stroke for name, stroke in STROKES.items()}
    grounds = {ground: Style(bgcolor=of(f"cursor-{name}").rich_color)
               for ground, name in (("cursor", "row"), ("idle", "idle"))}  # fmt: skip
    styles["tab"] += grounds["cursor"]
    return styles | grounds
