"""A task that is being written: its name, its fields, its text, and the file that comes of them.  Pure.

Promises: the file holds exactly the fields that were shown; a value typed by a person is read as the file's reader
would read it, in words too ("friday 8:00", "every weekday 7:00"), and what it may be is said by field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from cctui.core import cadence, moments, task
from cctui.core.fields import FIELDS, READERS, runner_among
from cctui.core.runners import TABLE
from cctui.core.values import shown
from cctui.core.words import safe
from cctui.core.world import Broken, Dependency, Mode, Task
from cctui.core.written import DURATIONS, duration, json_text, number, plain

ORDER = tuple(known.name for known in FIELDS)
LISTS = frozenset(known.name for known in FIELDS if known.type.startswith("list"))
WHOLE = frozenset(known.name for known in FIELDS if known.type == "whole number")
FLAGS = frozenset(known.name for known in FIELDS if known.type == "true or false")
MOMENTS = frozenset(known.name for known in FIELDS if known.type == "date-time")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": tuple(mode.value for mode in Mode),
    "runner": tuple(str(entry.name) for entry in TABLE),
    "catchup": ("once", "skip", "all"),
    "overlap": ("skip", "queue"),
    "notify": ("failure", "always", "never"),
    **dict.fromkeys(sorted(FLAGS), ("true", "false")),
}
"""Fields that take one of a few words."""
FEW, LENGTH = 4, 40
"""Words of a prompt that become a name, and its most characters."""

_WORD = re.compile(r"[^\W_]+")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:[+-]\d{2}:\d{2})?)?)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,15}")


@dataclass(frozen=True, slots=True)
class Draft:
    name: str
    prompt: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    """What stands in the front matter, as YAML reads it: text, numbers, true or false, lists of text."""

    def text(self) -> str:
        """The whole file."""
        head = "".join(f"{name}: {yaml(self.fields[name])}\n" for name in ORDER if name in self.fields)
        body = self.prompt.strip("\n") + "\n" if self.prompt.strip() else ""
        # A prompt that begins with three dashes would be taken for front matter.
        return f"---\n{head}---\n{body}" if head or body.lstrip().startswith("---") else body

    def entry(self, zone: tzinfo, runners: Collection[str] = ()) -> Task | Broken:
        """As the task folders would read it; `runners` names the person's own.  Paths stay as they are written."""
        return task.parse(
            f"pending/{self.name}.md",
            self.fields,
            self.prompt,
            lines={},
            zone=zone,
            expand=lambda path: path,
            runners=runners,
        )


# --- names -----------------------------------------------------------------------------------------------------------


def slug(prompt: str, words: int = FEW) -> str:
    """A file name from the first words of a prompt."""
    line = unicodedata.normalize("NFC", safe(prompt.strip().partition("\n")[0]).casefold())
    return "-".join(_WORD.findall(line)[:words])[:LENGTH].strip("-") or "task"


def free(name: str, taken: Iterable[str]) -> str:
    """`name`, or the first of name-2, name-3 … that nobody has, in whatever case."""
    used = {other.casefold() for other in taken}
    number, found = 1, name
    while found.casefold() in used:
        number += 1
        found = f"{name}-{number}"
    return found


def yaml(value: object) -> str:
    """A value on one line that YAML reads as just that."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return number(value)
        case list() | tuple():
            return json_text([str(part) for part in value])
    text = str(value)
    return text if plain(text) or _MOMENT.fullmatch(text) else json_text(text)


# --- one field -------------------------------------------------------------------------------------------------------


def typed(name: str, text: str, now: datetime, zone: tzinfo, runners: Collection[str] = ()) -> object:
    """The value of the field `name` that a person typed as `text`, as YAML reads it; None: nothing was typed.

    ValueError says what the field may be."""
    text = text.strip()
    if not text:
        return None
    value = _value(name, text, now, zone, runners)
    reader = runner_among(runners) if name == "runner" else READERS[name]
    reader(value, zone)
    return value


def _value(name: str, text: str, now: datetime, zone: tzinfo, runners: Collection[str]) -> object:
    if name in WHOLE or name in DURATIONS:
        return int(text) if _INTEGER.fullmatch(text) else text
    if name == "max_budget_usd":
        return _number(text)
    if name in LISTS:
        return _listed(name, text)
    if name in MOMENTS:
        return _moment(text, now, zone, end=name == "deadline")
    if name == "schedule":
        return _schedule(text)
    if name in CHOICES:
        among = (*CHOICES[name], *runners) if name == "runner" else CHOICES[name]
        begun = [word for word in among if word.startswith(text.casefold())]
        text = text if text in among or len(begun) != 1 else begun[0]
        return text == "true" if name in FLAGS and text in ("true", "false") else text
    return text


def _number(text: str) -> object:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _listed(name: str, text: str) -> list[str]:
    """``a, b`` as well as ``[a, "b"]``, and ``[[a]], b:any``."""
    if text.startswith("[") and text.endswith("]") and not text.startswith("[["):
        text = text[1:-1]
    if name == "allowed_tools":  # Bash(git log:*) may hold commas
        return [part for part in re.findall(r"(?:[^\s,(]|\([^)]*\))+", text) if part]
    parts = (part.strip().strip("\"'").strip() for part in text.split(","))
    return [part.removeprefix("#") if name == "tags" else part for part in parts if part]


def _moment(text: str, now: datetime, zone: tzinfo, *, end: bool) -> object:
    if moments.dated(text):
        # As it is written, also when it is over: it may have been so for long.
        day, _, at = text.partition(" ")
        return f"{day}T{moments.clock(at.strip()):%H:%M}" if moments.is_time(at.strip()) else text
    return moments.written(moments.moment(text, now, zone, end=end), zone)


def _schedule(text: str) -> object:
    found = cadence.read(text.split())
    if found is None:
        return text
    if found.allowed or found.used < len(text.split()):
        raise ValueError(found.allowed or cadence.WORDS)
    return found.cron


def as_typed(name: str, value: object, zone: tzinfo) -> str:
    """What a person would type for a value that a Task or a Draft holds; empty: nothing."""
    match value:
        case None | ():
            return ""
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return ", ".join(_part(part) for part in value)
        case datetime():
            return moments.written(value, zone)
        case float() if name in DURATIONS:
            return duration(value)
        case _:
            return str(value)


def _part(part: object) -> str:
    return f"{part.name}{':any' * part.any}" if isinstance(part, Dependency) else str(part)


def complaint(name: str, text: str, allowed: str) -> str:
    """The sentence about a value that cannot be: what the field may be, and what was found."""
    return f"{name} must be {allowed}, found {shown(text)}"
