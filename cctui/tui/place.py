"""Where a person is in the app: pane, row under every cursor, filter, order or graph, the screens opened from there.

A pure value and its text.  Promises: `from_text` never raises, and takes nothing it does not understand: what an older
or newer cctui, or anybody else, has written there is simply no place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

FORMAT = 1
TEXT_LIMIT = 64 << 10
"""Characters; a longer text is none of ours."""
NAME_LIMIT, TRAIL_LIMIT, LISTS_LIMIT, LINE_LIMIT = 400, 8, 16, 10_000_000
END = -1
"""As the line of a text: the end, wherever that is by then."""
NOT_KEPT = frozenset({"new", "edit", "reply", "quit"})
"""Screens that are written in: without what was typed they would not be the same."""


class Bookmark(Protocol):
    """Where the place is kept between two lives of the app.  Neither raises."""

    def load(self) -> str: ...
    def save(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one list."""

    cursor: str = ""
    """Key of the row under the cursor."""
    line: int = 0
    """Line of the view on which that row stands: the same also when rows above it have come or gone."""
    words: str = ""
    """What its filter asks for."""


@dataclass(frozen=True, slots=True)
class Step:
    """A sub-screen that stands open, as `Go` asks for it, and the place in it."""

    where: str
    key: str = ""
    cursor: str = ""
    line: int = 0
    """Of a list: as in `Spot`.  Of a text: the first line shown."""


@dataclass(frozen=True, slots=True)
class Place:
    pane: str = ""
    tree: bool = False
    """Dependencies instead of the order."""
    lists: tuple[tuple[str, Spot], ...] = ()
    """By the list's id."""
    trail: tuple[Step, ...] = ()
    """Open sub-screens, the one on top last."""


def to_text(place: Place) -> str:
    lists = {name: {"cursor": one.cursor, "line": one.line, "words": one.words} for name, one in place.lists}
    trail = [{"where": one.where, "key": one.key, "cursor": one.cursor, "line": one.line} for one in place.trail]
    data = {"format": FORMAT, "pane": place.pane, "tree": place.tree, "lists": lists, "trail": trail}
    return json.dumps(data, ensure_ascii=True) + "\n"


def from_text(text: str) -> Place:
    """The place, or an empty one."""
    if len(text) > TEXT_LIMIT:
        return Place()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return Place()
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return Place()
    lists, trail = data.get("lists"), data.get("trail")
    return Place(
        pane=_name(data.get("pane")),
        tree=data.get("tree") is True,
        lists=tuple(_lists(lists)) if isinstance(lists, dict) else (),
        trail=tuple(_trail(trail)) if isinstance(trail, list) else (),
    )


def _lists(data: dict[str, object]) -> list[tuple[str, Spot]]:
    found = []
    for name, part in list(data.items())[:LISTS_LIMIT]:
        if _name(name) and isinstance(part, dict):
            spot = Spot(_name(part.get("cursor")), _line(part.get("line")), _name(part.get("words")))
            found.append((name, spot))
    return found


def _trail(data: list[object]) -> list[Step]:
    """As far as it is understood: what was opened from a screen that is none cannot stand open either."""
    found: list[Step] = []
    for part in data[:TRAIL_LIMIT]:
        where = _name(part.get("where")) if isinstance(part, dict) else ""
        if not isinstance(part, dict) or not where or where in NOT_KEPT:
            break
        found.append(Step(where, _name(part.get("key")), _name(part.get("cursor")), _line(part.get("line"))))
    return found


def _name(value: object) -> str:
    """Text of one line, of a length a name or a filter has; anything else is nothing."""
    good = isinstance(value, str) and len(value) <= NAME_LIMIT and value.isprintable()
    return value if isinstance(value, str) and good else ""


def _line(value: object) -> int:
    good = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LINE_LIMIT
    return value if isinstance(value, int) and good else 0
