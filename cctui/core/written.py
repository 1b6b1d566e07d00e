"""A task's fields as lines of its file: the YAML text that, read again, means the same.  Pure.

A field at its default is one that is not written at all: whether a file names a default all the same is not kept in a
Task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import datetime

from cctui.core.fields import FIELDS
from cctui.core.task import place
from cctui.core.world import Dependency, Task

DURATIONS = frozenset({"timeout", "check_timeout", "window"})
"""Fields that hold seconds."""
UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def editable(task: Task) -> Iterator[tuple[str, str]]:
    """Every field a file may hold, with its value now, given or by default, as text for the line; empty: none."""
    for field in FIELDS:
        value = getattr(task, field.name)
        yield field.name, "" if value in (None, ()) else as_yaml(field.name, value)


def written(task: Task, field: str) -> str | None:
    """The value of one field as text for the line; None: no line.  KeyError for what is no field."""
    default = _default(task, field)
    value = getattr(task, field)
    return None if value == default else as_yaml(field, value)


def _default(task: Task, field: str) -> object:
    match field:
        case "name":
            return place(task.path)[1]
        case "kind":
            return task.tags[0] if task.tags else task.name.partition("@")[0]
        case _:
            return DEFAULTS[field]


DEFAULTS: dict[str, object] = {
    field.name: None if field.default is MISSING else field.default
    for field in fields(Task)
    if field.name in {known.name for known in FIELDS}
}


def as_yaml(field: str, value: object) -> str:
    """One value of `field` on one line; a text is quoted where YAML could take it for something else."""
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return json_text([_named(part) for part in value])
        case float():
            return duration(value) if field in DURATIONS else number(value)
        case datetime():
            return value.isoformat()
        case str():
            return str(value) if plain(value) else json_text(str(value))
        case _:
            return str(value)


def _named(part: object) -> str:
    return f"{part.name}:any" if isinstance(part, Dependency) and part.any else str(getattr(part, "name", part))


def duration(seconds: float) -> str:
    """``1h30m``, or what is no whole second as ``0.5s``."""
    if not seconds.is_integer():
        return f"{number(round(seconds, 9))}s"
    left, parts = int(seconds), []
    for unit, letter in UNITS:
        if left >= unit:
            parts.append(f"{left // unit}{letter}")
            left %= unit
    return "".join(parts) or "0s"


def number(value: float) -> str:
    """Without an exponent, which YAML takes for text."""
    text = repr(value)
    return text if "e" not in text else f"{value:.20f}".rstrip("0").rstrip(".")


def plain(text: str) -> bool:
    """Whether YAML reads it as this very text, without quotes."""
    return bool(_PLAIN.fullmatch(text)) and ": " not in text and text[-1] not in ": " and text.lower() not in _WORDS


_PLAIN = re.compile(r"(?:[A-Za-z/$]|~/)[\w./@$~+=,:() -]*", re.ASCII)
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def json_text(value: object) -> str:
    """JSON on one line, which YAML reads as it is; what has no shape of its own is written as its number."""
    return _SHAPELESS.sub(_escaped, json.dumps(value, ensure_ascii=False))


_SHAPELESS = re.compile(r"[^\x20-\x7e\xa1-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\ufeff]")


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
