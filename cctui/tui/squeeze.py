"""The same picture in fewer bytes: colours are said once and not for every word, moves that lead nowhere are left out.

Textual writes every piece of a line with all of its colours and switches them off behind it.  On a phone's line that is
most of what it costs.  Pure: a write goes in, one that looks the same comes out; every write ends with colours off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"\x1b\[(?P<sgr>[0-9;]*)m"
    r"|(?P<move>\x1b\[[0-9]+;[0-9]+H)"
    r"|(?P<line>\r?\n)"
    r"|(?P<other>\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x1b\\|\x07)|.)|[\x00-\x09\x0b-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)",
    re.DOTALL,
)
_OFF = {1: 22, 2: 22, 3: 23, 4: 24, 5: 25, 6: 25, 7: 27, 8: 28, 9: 29, 21: 24, 53: 55}
"""What switches an attribute on → what switches it off."""
_SEEN = frozenset({4, 5, 6, 7, 9, 21, 53})
"""Attributes that a blank shows."""


@dataclass(frozen=True, slots=True)
class Look:
    fore: str = ""
    back: str = ""
    """Their parameters as text; empty: the terminal's own."""
    on: frozenset[int] = frozenset()
    """Attributes that are switched on."""


PLAIN = Look()


def squeeze(data: str) -> str:
    """`data` as it would look, from a terminal whose colours are off to one whose colours are off."""
    out: list[str] = []
    shown = wanted = PLAIN
    move = ""
    for token in _TOKEN.finditer(data):
        match token.lastgroup:
            case "sgr":
                wanted = _after(wanted, token["sgr"])
            case "move":
                move = token["move"]  # where it was going before does not matter
            case "line":
                move += token["line"]
            case kind:
                out.append(move)
                move = ""
                if kind == "text":
                    look = _needed(shown, wanted, blank=not token[0].strip(" "))
                    out.append(_turn(shown, look))
                    shown = look
                out.append(token[0])
    if shown != PLAIN:
        out.append("\x1b[0m")
    out.append(move)
    return "".join(out)


def _needed(shown: Look, wanted: Look, *, blank: bool) -> Look:
    """Of a blank only the ground can be seen, unless it is underlined, crossed out or reversed."""
    if blank and not (shown.on | wanted.on) & _SEEN:
        return Look(shown.fore, wanted.back, shown.on)
    return wanted


@lru_cache(maxsize=4096)
def _after(look: Look, codes: str) -> Look:
    """The look once these codes have been heard."""
    fore, back, on = look.fore, look.back, look.on
    for code, text in _codes(codes):
        if code == 0:
            fore, back, on = "", "", frozenset()
        elif code == 38 or 30 <= code <= 37 or 90 <= code <= 97:
            fore = text
        elif code == 48 or 40 <= code <= 47 or 100 <= code <= 107:
            back = text
        elif code == 39:
            fore = ""
        elif code == 49:
            back = ""
        elif code in _OFF:
            on |= {code}
        else:
            on = frozenset(each for each in on if _OFF[each] != code)
    return Look(fore, back, on)


def _codes(codes: str) -> Iterator[tuple[int, str]]:
    """Each code with all of its parameters."""
    parts = codes.split(";")
    at = 0
    while at < len(parts):
        code = int(parts[at] or 0)
        more = 0
        if code in (38, 48) and at + 1 < len(parts):
            more = {"5": 2, "2": 4}.get(parts[at + 1], 0)
        yield code, ";".join(parts[at : at + 1 + more])
        at += 1 + more


@lru_cache(maxsize=4096)
def _turn(shown: Look, wanted: Look) -> str:
    """What makes a terminal that shows one look show the other."""
    if shown == wanted:
        return ""
    gone = {_OFF[code] for code in shown.on - wanted.on}
    # One switch turns bold and faint off together: what of them stays is switched on again.
    on = {code for code in wanted.on if code not in shown.on or _OFF[code] in gone}
    codes = [*map(str, sorted(gone)), *map(str, sorted(on))]
    if wanted.fore != shown.fore:
        codes.append(wanted.fore or "39")
    if wanted.back != shown.back:
        codes.append(wanted.back or "49")
    short, whole = ";".join(codes), ";".join(["0", *map(str, sorted(wanted.on)), wanted.fore, wanted.back]).rstrip(";")
    whole = whole.replace(";;", ";")
    return f"\x1b[{whole if len(whole) < len(short) else short}m"
