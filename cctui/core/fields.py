"""The fields of a task file: the table for people, and a reader for each.  Pure.

A reader takes the value as YAML gave it and returns what a Task holds, or raises ValueError whose text says what is
allowed.  A reader never guesses: ``true`` is no number, and what could be read in two ways is refused.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from cctui.core import recur, runners
from cctui.core.values import DURATION_WORDS, duration, near
from cctui.core.world import Dependency, Mode, Runner

MAX_TIMEOUT = 30 * 86400.0
NAME_BYTES = 200
"""A name becomes part of file names, which hold 255 bytes."""
NAME_WORDS = "letters, digits, '-', '_', '.' and space"

Reader = Callable[[object, tzinfo], Any]


class Field(NamedTuple):
    name: str
    type: str
    default: str
    meaning: str


FIELDS: tuple[Field, ...] = (
    Field("name", "text", "the file's stem", f"unique; {NAME_WORDS}"),
    Field("priority", "whole number", "5", "lower runs first"),
    Field("estimated_tokens", "whole number", "none", "a hint until enough runs are known"),
    Field("depends_on", "list of names", "[]", 'also "[[name]]"; name:any runs after it ended either way'),
    Field("deadline", "date-time", "none", "ISO; without an offset in the local zone; a date alone means its end"),
    Field("mode", "read-only · plan-first · autonomous", "autonomous", "what the agent may do"),
    Field(
        *("runner", "claude · loop · ralph · autopilot · parallel · shell · python, or one of your own"),
        *("claude", "who does the work; your own are named in the config, `[runners]`"),
    ),
    Field("command", "text", "none", "for runner: shell, the command"),
    Field("call", "text", "none", "for runner: python, module:function"),
    Field("check", "text", "none", "shell command that must exit 0 for the run to count as done"),
    Field("check_timeout", "duration", "run.check_timeout", "how long one `check` may take"),
    Field("cwd", "path", "ROOT", "project folder; ~ and $VAR expand"),
    Field("worktree", "true or false", "false", "run on an own branch in an own git worktree"),
    Field("rollback", "true or false", "run.rollback_on_failure", "undo what a failed run changed in its folder"),
    Field(
        *("bypass_permissions", "true or false", "false"),
        "Claude Code's bypass mode: nothing is asked, nothing refused; only for a folder that may break",
    ),
    Field("env", "list of names", "[]", "further variables that the run may see, beside the allow-list"),
    Field("timeout", "duration", "30m", "90s, 30m, 1h30m, 2d; a plain number is minutes; at most 30d"),
    Field("max_attempts", "whole number", "3", "agent failures only; limits and outages never count"),
    Field("max_iterations", "whole number", "5", "for loop runners and failed checks"),
    Field("max_turns", "whole number", "none", "passed to the CLI"),
    Field("max_budget_usd", "number", "none", "passed to the CLI"),
    Field("model", "text", "none", "passed to the CLI"),
    Field("effort", "text", "none", "passed to the CLI"),
    Field("allowed_tools", "list of tools", "[]", "passed to the CLI; also one text with commas"),
    Field("schedule", "cron text", "none", "5 fields, @daily…, H hashed; makes the file a recurring template"),
    Field("tz", "IANA zone", "local", "for schedule"),
    Field("catchup", "once · skip · all", "once", "what becomes of missed firings; all: the newest 50"),
    Field("overlap", "skip · queue", "skip", "when the last firing still waits or runs"),
    Field("window", "duration", "none", "how far a firing may slide to where capacity is; its end is the deadline"),
    Field("not_before", "date-time", "none", "one-off start time"),
    Field("paused", "true or false", "false", "kept, not started"),
    Field("kind", "text", "first tag, else name", "the class whose cost is learned"),
    Field("tags", "list", "[]", "with or without #"),
    Field("style", "list of style names", "none", "more than one is an A/B test"),
    Field("account", "profile name", "default", "a named Claude config folder with its own gauge"),
    Field("notify", "failure · always · never", "failure", "when to send a message"),
)


# --- single values ---------------------------------------------------------------------------------------------------


def _seconds(value: object, _zone: tzinfo) -> float:
    try:
        seconds = duration(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT:
        raise ValueError(f"{DURATION_WORDS}, over 0 and at most 30d")
    return seconds


def _whole(least: int | None = None) -> Reader:
    def read(value: object, _zone: tzinfo) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least):
            return value
        raise ValueError("a whole number" + (f", at least {least}" if least is not None else ""))

    return read


def _amount(value: object, _zone: tzinfo) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    raise ValueError("a number over 0")


def _flag(value: object, _zone: tzinfo) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def _one_of(*allowed: str) -> Reader:
    def read(value: object, _zone: tzinfo) -> str:
        if isinstance(value, str) and value.strip() in allowed:
            return value.strip()
        close = near(value, allowed) if isinstance(value, str) else None
        raise ValueError("one of " + ", ".join(allowed) + (f" (did you mean {close}?)" if close else ""))

    return read


def _mode(value: object, zone: tzinfo) -> Mode:
    return Mode(_one_of(*Mode)(value, zone))


def runner_among(own: Collection[str] = ()) -> Reader:
    """A reader of `runner`; `own` are the names of the person's own."""
    known = _one_of(*(entry.name for entry in runners.TABLE), *own)

    def read(value: object, zone: tzinfo) -> str:
        name: str = known(value, zone)
        return Runner(name) if name in runners.BY_NAME else name

    return read


def _text(value: object, _zone: tzinfo) -> str:
    """Text, on any number of lines.  A whole number is taken as it was written; a fraction may not be (1.10)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return value.strip()
    raise ValueError("text (in quotes if YAML would take it for something else)")


def _word(value: object, zone: tzinfo) -> str:
    """Text that ends up as one argument of a command line."""
    text: str = _text(value, zone)
    if not text.isprintable() or text.startswith("-"):
        raise ValueError("text on one line that does not begin with '-'")
    return text


def task_name(text: str) -> str:
    """The name in its one written form; ValueError when it is none."""
    if _PLAIN_NAME.fullmatch(text):
        return text
    name = unicodedata.normalize("NFC", text.strip())
    ends = name and name[0] not in "-. @" and name[-1] not in " .@"
    if ends and name.count("@") <= 1 and len(name.encode("utf-8", "replace")) <= NAME_BYTES and all(map(_fits, name)):
        return name
    raise ValueError(f"{NAME_WORDS}, beginning with a letter or digit, at most {NAME_BYTES} bytes")


_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")


def _fits(letter: str) -> bool:
    # '@' stands between a name and the stamp that cctui itself puts behind it; marks (M…) are parts of letters.
    return letter.isalnum() or letter in "-_. @" or unicodedata.category(letter).startswith("M")


def _name(value: object, zone: tzinfo) -> str:
    return task_name(_text(value, zone))


# --- moments ---------------------------------------------------------------------------------------------------------

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _moment(value: object, zone: tzinfo) -> datetime:
    return _aware(value, zone, time.min)


def _due(value: object, zone: tzinfo) -> datetime:
    return _aware(value, zone, time(23, 59, 59))


def _aware(value: object, zone: tzinfo, of_day: time) -> datetime:
    """With a fixed offset, so that comparing and subtracting never meets Python's wall-clock arithmetic in one zone."""
    words = "a date-time such as 2026-02-03T08:00 or 2026-02-03T08:00+01:00"
    if not isinstance(value, str) or not _DAY.match(value.strip()):
        raise ValueError(words)
    text = value.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        # "day is out of range for month" helps; "Invalid isoformat string: …" only repeats what was found.
        why = "" if str(error).startswith("Invalid") else f" ({error})"
        raise ValueError(words + why) from None
    if not 1970 <= found.year <= 9000:
        raise ValueError(f"{words}, from 1970 to 9000")
    if _DAY.fullmatch(text):
        found = datetime.combine(found.date(), of_day)
    found = found if found.tzinfo else found.replace(tzinfo=zone)
    return found.replace(tzinfo=timezone(found.utcoffset() or timedelta(0)), fold=0)


def _zone(value: object, zone: tzinfo) -> str:
    text: str = _text(value, zone)
    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # missing (KeyError), a folder, or not a name at all
        raise ValueError("a zone such as Europe/Berlin or UTC") from None
    return text


def _schedule(value: object, zone: tzinfo) -> str:
    return recur.schedule(str(_text(value, zone)))


# --- lists -----------------------------------------------------------------------------------------------------------


def _items(value: object, words: str, depth: int = 3) -> Iterator[str]:
    """The texts of a text, a list, or lists in a list (which is how YAML reads [[name]])."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _items(item, words, depth - 1)
    elif value is not None:
        raise ValueError(words)


_DEPENDENCY = re.compile(r"\[\[[^\[\]]*\]\][^,]*|[^,]+")


def _dependencies(value: object, _zone: tzinfo) -> tuple[Dependency, ...]:
    words = "task names, each name, [[name]] or name:any"
    found: dict[str, Dependency] = {}
    for text in _items(value, words):
        for part in _DEPENDENCY.findall(text):
            if part.strip():
                dependency = _dependency(part, words)
                found.setdefault(dependency.name, dependency)
    return tuple(found.values())


def _dependency(text: str, words: str) -> Dependency:
    plain = text.replace("[[", "").replace("]]", "").strip()
    any_end = plain.endswith(":any")
    target = plain.removesuffix(":any").split("|")[0].split("#")[0].strip()
    try:
        return Dependency(task_name(target.rpartition("/")[2].removesuffix(".md")), any_end)
    except ValueError as error:
        raise ValueError(f"{words}; a name is {error}") from None


def _split(value: object, pattern: re.Pattern[str], words: str) -> tuple[str, ...]:
    found = [part.strip() for text in _items(value, words, 1) for part in pattern.findall(text)]
    if any(not part.isprintable() or part.startswith("-") for part in found):
        raise ValueError(words)
    return tuple(dict.fromkeys(part for part in found if part))


_TOOL = re.compile(r"(?:[^\s,(]|\([^)]*\))+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAG = re.compile(r"[^\s,#][^\s,]*")
_PART = re.compile(r"[^\s,]+")
_STYLE = re.compile(r"[^,]+")


def _tools(value: object, _zone: tzinfo) -> tuple[str, ...]:
    return _split(value, _TOOL, "a list of tools such as [Read, 'Bash(git log:*)'], or one text with commas")


def _variables(value: object, _zone: tzinfo) -> tuple[str, ...]:
    words = "a list of names of variables such as [DATABASE_URL, GH_TOKEN], without their values"
    found = _split(value, _PART, words)
    if not all(map(_VARIABLE.fullmatch, found)):
        raise ValueError(words)
    return found


def _tags(value: object, _zone: tzinfo) -> tuple[str, ...]:
    return _split(value, _TAG, "a list of tags")


def _styles(value: object, _zone: tzinfo) -> tuple[str, ...]:
    return tuple(task_name(part) for part in _split(value, _STYLE, "a list of style names"))


READERS: dict[str, Reader] = {
    "name": _name,
    "priority": _whole(),
    "estimated_tokens": _whole(1),
    "depends_on": _dependencies,
    "deadline": _due,
    "mode": _mode,
    "runner": runner_among(),
    "command": _text,
    "call": _word,
    "check": _text,
    "check_timeout": _seconds,
    "cwd": _word,
    "worktree": _flag,
    "rollback": _flag,
    "bypass_permissions": _flag,
    "env": _variables,
    "timeout": _seconds,
    "max_attempts": _whole(1),
    "max_iterations": _whole(1),
    "max_turns": _whole(1),
    "max_budget_usd": _amount,
    "model": _word,
    "effort": _word,
    "allowed_tools": _tools,
    "schedule": _schedule,
    "tz": _zone,
    "catchup": _one_of("once", "skip", "all"),
    "overlap": _one_of("skip", "queue"),
    "window": _seconds,
    "not_before": _moment,
    "paused": _flag,
    "kind": _word,
    "tags": _tags,
    "style": _styles,
    "account": _word,
    "notify": _one_of("failure", "always", "never"),
}
