"""Values as people write them and as errors show them: durations, short quotes, near matches.  Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from cctui.core.words import safe

DURATION_WORDS = "a duration such as 90s, 30m, 1h30m or 2d (a plain number is minutes)"


def duration(text: object) -> float:
    """Seconds of ``90s``, ``30m``, ``1h30m``, ``2d``; a plain number is minutes.  ValueError says what is allowed."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        if math.isfinite(text) and 0 <= text <= 10**9:
            return float(text) * 60
    elif isinstance(text, str):
        plain = text.strip().lower()
        if _NUMBER.fullmatch(plain):
            return float(plain) * 60
        parts = _DURATION.fullmatch(plain)
        if parts and any(parts.groups()):
            return sum(float(part or 0) * unit for part, unit in zip(parts.groups(), (86400, 3600, 60, 1), strict=True))
    raise ValueError(DURATION_WORDS)


_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_DURATION = re.compile(r"\s*".join(rf"(?:({_NUMBER.pattern})\s*{unit})?" for unit in "dhms"))


def shown(value: object) -> str:
    """A value as an error text shows it: short, on one line, and harmless whatever it holds."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{safe(value, 40)}'"
        case int() | float():
            return str(value)[:40]
        case list() | tuple() | set():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"


def near(name: str, among: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    from difflib import get_close_matches  # noqa: PLC0415 - 10 ms that only a mistake shall pay

    close = get_close_matches(name.lower().replace("-", "_"), list(among), n=1, cutoff=0.6)
    return close[0] if close else None
