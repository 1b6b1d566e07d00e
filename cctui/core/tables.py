"""The tables inside settings, as people write them: hours of a reserve, commands of a project.  Pure.

Promises: nothing is guessed: a wrong key or value is a ValueError whose text says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

from cctui.core.settings import Project, Reserve
from cctui.core.values import near, shown

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _table(table: object, keys: Sequence[str], words: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ValueError(words)
    for key in table:
        if key not in keys:
            close = near(str(key), keys)
            raise ValueError(f"{words} without {key}" + (f" (did you mean {close}?)" if close else ""))
    return table


def _list(raw: object, words: str) -> list[Any]:
    if isinstance(raw, list | tuple):
        return list(raw)
    raise ValueError(words)


# --- the reserve -----------------------------------------------------------------------------------------------------

_RESERVE = ("days", "from", "to", "five_hour", "seven_day")
_RESERVE_WORDS = 'tables like {days = ["mon", "fri"], from = "08:00", to = "18:00", five_hour = 30, seven_day = 20}'


def reserves(raw: object) -> tuple[Reserve, ...]:
    return tuple(_reserve(_table(each, _RESERVE, _RESERVE_WORDS)) for each in _list(raw, "a list of tables"))


def _reserve(table: dict[str, Any]) -> Reserve:
    return Reserve(
        days=tuple(_DAYS[day] for day in _days(table.get("days", list(_DAYS)))),
        start=_hour(table.get("from", "00:00"), "from"),
        end=_hour(table.get("to", "24:00"), "to"),
        five_hour=_percent(table.get("five_hour", 0), "five_hour"),
        seven_day=_percent(table.get("seven_day", 0), "seven_day"),
    )


def _days(raw: object) -> list[int]:
    words = "tables whose days are a list of mon, tue, wed, thu, fri, sat, sun"
    found: set[int] = set()
    for item in _list(raw, words):
        first, _, last = str(item).strip().lower().partition("-")
        start, end = _day(first, words), _day(last or first, words)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return sorted(found)


def _day(word: str, words: str) -> int:
    if len(word) >= 3 and word[:3] in _DAYS and word.isalpha():
        return _DAYS.index(word[:3])
    raise ValueError(words)


def _hour(raw: object, key: str) -> str:
    text = raw.strftime("%H:%M") if isinstance(raw, time) else raw
    if isinstance(text, str) and re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d|24:00", text):
        return text.zfill(5)
    raise ValueError(f"tables whose {key} is a time such as 08:00")


def _percent(raw: object, key: str) -> float:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and 0 <= raw <= 100:
        return float(raw)
    raise ValueError(f"tables whose {key} is percent points, from 0 to 100")


# --- projects --------------------------------------------------------------------------------------------------------

_PROJECT = ("path", "setup", "teardown")
_PROJECT_WORDS = 'tables like {path = "~/code/app", setup = "npm ci", teardown = "make clean"}'


def projects(raw: object, expand: Callable[[str], str]) -> tuple[Project, ...]:
    """`expand` makes a path absolute or raises ValueError with words."""
    found: dict[str, Project] = {}
    for each in _list(raw, "a list of tables"):
        project = _project(_table(each, _PROJECT, _PROJECT_WORDS), expand)
        if project.path in found:
            raise ValueError(f"tables with a path each of their own, not {shown(project.path)} twice")
        found[project.path] = project
    return tuple(found.values())


def _project(table: dict[str, Any], expand: Callable[[str], str]) -> Project:
    given = table.get("path")
    if not isinstance(given, str) or not given.strip() or not given.isprintable():
        raise ValueError(f"{_PROJECT_WORDS}; path is {shown(given)}")
    try:
        path = expand(given.strip())
    except ValueError as error:
        raise ValueError(f"tables whose path is {error}") from None
    return Project(path, _command(table.get("setup", ""), "setup"), _command(table.get("teardown", ""), "teardown"))


def _command(raw: object, key: str) -> str:
    if isinstance(raw, str) and (raw.isprintable() or not raw):
        return raw.strip()
    raise ValueError(f"tables whose {key} is a shell command on one line")
