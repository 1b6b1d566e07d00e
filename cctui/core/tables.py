"""The tables inside settings, as people write them: hours, portions of the windows, commands of a project.  Pure.

Promises: nothing is guessed: a wrong key or value is a ValueError whose text says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

from cctui.core.reserve import DAYS
from cctui.core.settings import Portion, Project, Quiet, Reserve
from cctui.core.values import near, shown


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
        days=tuple(DAYS[day] for day in _days(table.get("days", list(DAYS)))),
        start=_hour(table.get("from", "00:00"), "from"),
        end=_hour(table.get("to", "24:00"), "to"),
        five_hour=_percent(table.get("five_hour", 0), "five_hour"),
        seven_day=_percent(table.get("seven_day", 0), "seven_day"),
    )


_QUIET = ("days", "from", "to")
_QUIET_WORDS = 'tables like {days = ["mon", "fri"], from = "13:00", to = "15:00"}'


def quiets(raw: object) -> tuple[Quiet, ...]:
    return tuple(_quiet(_table(each, _QUIET, _QUIET_WORDS)) for each in _list(raw, "a list of tables"))


def _quiet(table: dict[str, Any]) -> Quiet:
    if not table:
        raise ValueError(_QUIET_WORDS)
    hours = _reserve(table)
    return Quiet(hours.days, hours.start, hours.end)


def _days(raw: object) -> list[int]:
    words = "tables whose days are a list of mon, tue, wed, thu, fri, sat, sun"
    found: set[int] = set()
    for item in _list(raw, words):
        first, _, last = str(item).strip().lower().partition("-")
        start, end = _day(first, words), _day(last or first, words)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return sorted(found)


def _day(word: str, words: str) -> int:
    if len(word) >= 3 and word[:3] in DAYS and word.isalpha():
        return DAYS.index(word[:3])
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


# --- portions --------------------------------------------------------------------------------------------------------

_PORTION = ("tag", "project", "floor", "cap")
_PORTION_WORDS = 'tables like {tag = "papers", floor = 20, cap = 50} or {project = "~/code/app", cap = 50}'


def portions(raw: object, expand: Callable[[str], str]) -> tuple[Portion, ...]:
    """`expand` makes a path absolute or raises ValueError with words."""
    found: dict[tuple[str, str], Portion] = {}
    for each in _list(raw, "a list of tables"):
        portion = _portion(_table(each, _PORTION, _PORTION_WORDS), expand)
        of = (portion.tag, portion.project)
        if of in found:
            raise ValueError(f"tables each for another tag or project, not {shown(portion.tag or of[1])} twice")
        found[of] = portion
    if sum(portion.floor for portion in found.values()) > 100:
        raise ValueError("tables whose floors come to 100 together at most")
    return tuple(found.values())


def _portion(table: dict[str, Any], expand: Callable[[str], str]) -> Portion:
    if ("tag" in table) == ("project" in table):
        raise ValueError(f"{_PORTION_WORDS}, with either tag or project")
    floor, cap = _percent(table.get("floor", 0), "floor"), _percent(table.get("cap", 100), "cap")
    if floor > cap:
        raise ValueError("tables whose floor is not above their cap")
    if "project" in table:
        return Portion(project=_path(table["project"], "project", _PORTION_WORDS, expand), floor=floor, cap=cap)
    tag = table["tag"]
    if not isinstance(tag, str) or not tag.strip().lstrip("#") or not tag.isprintable():
        raise ValueError(f"{_PORTION_WORDS}; tag is {shown(tag)}")
    return Portion(tag=tag.strip().lstrip("#"), floor=floor, cap=cap)


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
    path = _path(table.get("path"), "path", _PROJECT_WORDS, expand)
    return Project(path, _command(table.get("setup", ""), "setup"), _command(table.get("teardown", ""), "teardown"))


def _path(given: object, key: str, words: str, expand: Callable[[str], str]) -> str:
    if not isinstance(given, str) or not given.strip() or not given.isprintable():
        raise ValueError(f"{words}; {key} is {shown(given)}")
    try:
        return expand(given.strip())
    except ValueError as error:
        raise ValueError(f"tables whose {key} is {error}") from None


def _command(raw: object, key: str) -> str:
    if isinstance(raw, str) and (raw.isprintable() or not raw):
        return raw.strip()
    raise ValueError(f"tables whose {key} is a shell command on one line")
