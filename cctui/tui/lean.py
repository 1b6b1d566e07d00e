"""Lean mode: what the app leaves out on a slow line.

No animations; at most `FRAMES` repaints a second; the clock moves every `TICK` seconds, and the gauge's countdown goes
by minutes; what runs shows its time, and a log what is new, once per tick.  Keys act at once: nothing waits
but what nobody asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from cctui.core.settings import UiSettings

FRAMES = 15
"""Repaints a second at most.  Textual reads TEXTUAL_FPS while it is imported: whoever starts the app sets it before."""
TICK, NEAR_TICK = 5.0, 1.0
"""Seconds between two ticks of the clock: lean, and otherwise."""


def lean(ui: UiSettings, environ: Mapping[str, str]) -> bool:
    """`auto`: this terminal came over SSH.  Inside our own tmux the variables of the terminal that opened it count."""
    if ui.lean != "auto":
        return ui.lean == "on"
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
