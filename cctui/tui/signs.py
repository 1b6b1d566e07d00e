"""Glyphs, each one cell wide in every terminal font we know of, and their plain ASCII twins."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from dataclasses import dataclass

from cctui.core.settings import UiSettings


@dataclass(frozen=True, slots=True)
class Signs:
    ready: str = "○"
    waiting: str = "○"
    paused: str = "◐"
    starting: str = "●"
    running: str = "●"
    parked: str = "↻"
    done: str = "✓"
    failed: str = "×"
    invalid: str = "×"
    cancelled: str = "·"
    moving: str = "↕"
    needs: str = "!"
    proven: str = "✓"
    unproven: str = "?"
    disproved: str = "×"
    cursor: str = "▌"
    marked: str = "*"
    full: str = "▄"
    rest: str = "▁"
    claim: str = "▂"
    kept: str = "░"
    solid: str = "█"
    likely: str = "▓"
    back: str = "‹"
    dot: str = "·"
    dots: str = "…"
    rule: str = "─"
    branch: str = "├ "
    corner: str = "└ "
    pipe: str = "│ "
    plain: bool = False
    """Only ASCII: borders and scroll bars must follow."""

    def of(self, state: str) -> str:
        return str(getattr(self, state, self.dot))

    @staticmethod
    def letter(state: str) -> str:
        """The state once more, for whoever cannot tell the signs or their colours apart."""
        return LETTERS.get(state, " ")


LETTERS: Mapping[str, str] = {
    "ready": "Y", "waiting": "W", "paused": "P", "starting": "S", "running": "R", "parked": "K", "needs": "N",
    "done": "D", "failed": "F", "cancelled": "C", "invalid": "I", "moving": "M",
}  # fmt: skip

ASCII = Signs(
    ready="o", waiting="o", paused="-", starting="*", running="*", parked="~", done="+", failed="x", invalid="x",
    cancelled=".", moving="=", cursor=">", full="#", rest=".", back="<", dot="-", dots="..", rule="-",
    needs="!", proven="+", unproven="?", disproved="x", claim="+", kept=":", solid="#", likely="=",
    branch="|-", corner="`-", pipe="| ", plain=True,
)  # fmt: skip


def choose(ui: UiSettings, environ: Mapping[str, str]) -> Signs:
    """`auto` means ASCII where the locale or the terminal cannot be trusted with more."""
    match ui.ascii:
        case "on":
            return ASCII
        case "off":
            return Signs()
    utf8 = locale.getpreferredencoding(False).replace("-", "").lower() == "utf8"
    return Signs() if utf8 and environ.get("TERM") not in ("linux", "dumb", None) else ASCII
