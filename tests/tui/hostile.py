"""Text that wants to be more than text, and Worlds that have it in every field there is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum, StrEnum
from typing import Any

from hypothesis import strategies as st

from cctui.core import queue, world
from cctui.core.settings import Settings
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, World

PIECES = (
    "[/oops]", "[bold red]b[/]", "[@click=app.quit]tap[/]", "[link=https://example.org]x[/link]", "[[", "\\[", "$(",
    "`", "\x1b[31mred", "\x1b]52;c;aGk=\x07", "\x1b]0;title\x1b\\", "\x1b[2J", "\x1b[?1049l", "\x1bP1$r\x1b\\",
    "\x1b", "\x9b31m", "\x9d52;c;aGk=\x9c", "\x90q\x9c", "\x07", "\r", "\n", "\t", "\x00", "\x08", "\x7f", "\x85",
    "\x0b\x0c", "\u2028", "\u202egnirts", "\u2066x\u2069", "\u200fx", "\u200b\u200d\ufeff\u2060", "\xad",
    "e" + "\u0301" * 40, "\u20e3", "日本語", "ｆｕｌｌ", "👩\u200d👩\u200d👧", "❤\ufe0f", "👍🏽", "🇩🇪", "\ud800",
    "\udcff\udc9b", "\U000e0041", "\u3164", "w" * 150, "a b " * 40, "---\n", "```\n", "## ", "\n\n",
)  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), min_size=1, max_size=6).map("".join)

SEEN_ALIKE = (FIVE_HOUR, SEVEN_DAY, *(str(one.value) for kind in vars(world).values()
              if isinstance(kind, type) and issubclass(kind, StrEnum) for one in kind))  # fmt: skip
"""Words of ours that code tells apart: with anything added they would mean nothing."""
OURS = ("zone", "settings", "line", "at")


def sweep(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed, whatever dataclasses and containers it lies in."""
    match value:
        case Enum() | Settings():
            return value
        case str():
            return value if value in SEEN_ALIKE else change(value)
        case Mapping():
            return {sweep(key, change): sweep(item, change) for key, item in value.items()}
        case tuple() | frozenset():
            return type(value)(sweep(item, change) for item in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in fields(value) if field.init and field.name not in OURS]
            return replace(value, **{name: sweep(getattr(value, name), change) for name in names})
    return value


def spoiled(found: World, text: str, *, empty: bool) -> World:
    """`text` behind every text in the World; `empty`: also where there was none."""
    changed: World = sweep(found, lambda old: old + text if old or empty else old)
    return replace(changed, line=queue.line(changed))


def inert(char: str) -> bool:
    """Whether a terminal only draws it: no control, no joiner, no direction, no half of a pair."""
    return char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
