"""Text from a task or from Claude, made harmless: no control codes reach a terminal, a log's reader or a screen.

Line feeds and tabs stay; colours (SGR) stay where asked for.  Everything else that steers a terminal goes: cursor
moves, titles, clipboard writes, device strings, 8-bit controls, and the marks that turn the direction of text.
"""

from __future__ import annotations

import re

# A sequence never spans a line, so an unterminated string cannot swallow what follows.
_STRING = r"[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
_SEQUENCE = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    rf"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]){_STRING}"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"  # everything else that begins with ESC
    r"|\r(?=\n)"
    r"|(?P<turn>\r)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str, *, colours: bool = False) -> str:
    """`text` without control codes; a lone carriage return becomes a line feed."""

    def replace(match: re.Match[str]) -> str:
        if match["turn"]:
            return "\n"
        return match[0] if colours and match["colour"] else ""

    return _SEQUENCE.sub(replace, text)


def one_line(text: str, width: int) -> str:
    """`text` cleaned, on one line, at most `width` characters."""
    flat = " ".join(clean(text[: width * 8]).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
