"""The tokens of quick capture: ``!1``, ``@vault``, ``#web``, ``>friday 8:00``, ``after:lint``, ``=lint`` …  Pure.

Promises: what is written like a token is read, or said to be none with what is allowed; what is not is left as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from heapq import nlargest
from typing import NamedTuple

from cctui.core import cadence, moments
from cctui.core.draft import CHOICES
from cctui.core.values import near
from cctui.core.words import safe
from cctui.core.world import Task


class Token(NamedTuple):
    mark: str
    """What a tap on its hint puts into the line."""
    hint: str
    example: str
    meaning: str


TOKENS: tuple[Token, ...] = (
    Token("!", "!prio", "`!1`", "priority: lower runs first, 5 unless said"),
    Token("@", "@dir", "`@vault` `@~/code/x` `@\"my dir\"`", "project folder: how a known one begins, or a path"),
    Token("#", "#tag", "`#web`", "tag, any number of them"),
    Token(">", ">due", "`>friday 8:00` `>tomorrow` `>18:00` `>3d` `>2h` `>eom` `>2026-12-01`",
          "deadline; a day alone means its end; also `eod` `eow` `eoy`"),
    Token("after:", "after:", "`after:lint` `after:a,b:any`", "waits for these tasks; the first letters are enough"),
    Token("every ", "every", "`every weekday 7:00` `every mon,thu 9am` `every 2 hours` `every 1st 8:00` `daily`",
          "runs again and again: the file is a recurring template; without a time at midnight"),
    Token("at:", "at:", "`at:22:00` `at:monday`", "not before; a day alone means its beginning"),
    Token("=", "=like", "`=lint`", "like that task or template: folder, mode, runner, model, check, timeout, tags …"),
    Token("plan?", "plan?", "`plan?` `mode:read-only`", "plan-first: it plans, then waits for your word"),
    Token("sh: ", "sh:", "`sh: make test` `$ make test`", "a shell task; everything behind it is the command"),
)  # fmt: skip

_LOOKS = re.compile(r"(?:[!#][^\W_]|!-\d|@[\w~/.$\"]|>[^\W_]|>\+\d|=[\w\"]|(?:after|at|mode|sh):|\$$)", re.IGNORECASE)
_WORDS = frozenset(("every", "plan?", *cadence.ALONE))
_TAG = re.compile(r"[\w/-]*[^\W\d][\w/-]*")
_PATH = re.compile(r"~|/|\.\.?(?:/|$)|\$\w")
_NAMES = re.compile(r'"([^"]*)"(:any)?|([^,]+)')


@dataclass(frozen=True, slots=True)
class Around:
    """What the line is read in: the time, and the tasks it may speak of."""

    now: datetime
    zone: tzinfo
    tasks: Mapping[str, Task]


@dataclass(frozen=True, slots=True)
class Read:
    """What the words in front are: `used` of them say `value` for `field`."""

    used: int
    field: str
    value: object = None
    allowed: str = ""
    """Not empty: they cannot be understood, and this would have been."""


def looks(word: str) -> bool:
    """Whether a word is written like a token."""
    return _LOOKS.match(word) is not None or keyword(word) in _WORDS


def keyword(word: str) -> str:
    return word.casefold().rstrip(",;.")


# --- reading ----------------------------------------------------------------------------------------------------------


def read_token(words: Sequence[str], around: Around) -> Read | None:
    """What the words in front say; None: they are text."""
    word = words[0]
    if keyword(word) in ("every", *cadence.ALONE):
        return read_schedule(words)
    if not looks(word):
        return None
    if keyword(word) == "plan?":
        return Read(1, "mode", "plan-first")
    for mark, reader in READERS.items():
        if word.casefold().startswith(mark):
            try:
                return reader(word[len(mark) :], words, around)
            except ValueError as error:
                return Read(1, FIELDS[mark], allowed=str(error))
    return None


def read_schedule(words: Sequence[str]) -> Read | None:
    if keyword(words[0]) in cadence.ALONE and len(words) > 1 and looks(words[1].lstrip("\\")):
        words = words[:1]
    found = cadence.read(words)
    return Read(found.used, "schedule", found.cron, found.allowed) if found else None


def _priority(text: str, _words: Sequence[str], _around: Around) -> Read:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ValueError("a priority is a whole number, such as !1")
    return Read(1, "priority", int(text))


def _tag(text: str, _words: Sequence[str], _around: Around) -> Read | None:
    if text.isdigit():
        return None  # an issue's number
    if not _TAG.fullmatch(text) or text.startswith("-"):
        raise ValueError("a tag is letters, digits, - _ and /")
    return Read(1, "tags", text)


def _due(text: str, words: Sequence[str], around: Around) -> Read:
    return _moment("deadline", text, words, around)


def _start(text: str, words: Sequence[str], around: Around) -> Read:
    return _moment("not_before", text, words, around)


def _moment(name: str, text: str, words: Sequence[str], around: Around) -> Read:
    if not text:
        raise ValueError(moments.WORDS)
    used = moments.used([text, *words[1:]])
    said = " ".join([text, *words[1:used]])
    try:
        when = moments.moment(said, around.now, around.zone, end=name == "deadline")
    except ValueError as error:
        return Read(used, name, allowed=str(error))
    return Read(used, name, moments.written(when, around.zone))


def _mode(text: str, _words: Sequence[str], _around: Around) -> Read:
    begun = [mode for mode in CHOICES["mode"] if text and mode.startswith(text.casefold())]
    if len(begun) != 1:
        raise ValueError(f"a mode is {', '.join(CHOICES['mode'])}")
    return Read(1, "mode", begun[0])


def _quoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"') or '"' in text[1:-1] or not text[1:-1].strip():
        raise ValueError('a name in quotes ends with a quote: "my name"')
    return text[1:-1]


def _folder(text: str, _words: Sequence[str], around: Around) -> Read:
    """A path as it is written, else the one known folder that is called so or begins so."""
    text = _quoted(text)
    if _PATH.match(text):
        return Read(1, "cwd", text)
    known = folders(around.tasks)
    wanted = text.casefold()
    for fits in (str.__eq__, str.startswith):
        found = [path for path in known if fits(_last(path).casefold(), wanted)]
        if len(found) == 1:
            return Read(1, "cwd", found[0])
        if found:
            raise ValueError(f"one folder: {_several(found)}")
    some = f" ({_several([_last(path) for path in known])})" if known else ""
    raise ValueError(f"a folder of another task{some}, or a path such as ~/code/x")


def folders(tasks: Mapping[str, Task]) -> list[str]:
    """The folders that tasks work in, each once, as the first of them writes it."""
    found: dict[str, str] = {}
    for task in tasks.values():
        path = task.cwd or task.folder
        if path and _last(path):
            found.setdefault(task.folder or path, path)
    return sorted(found.values())


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _several(found: Sequence[str], most: int = 3) -> str:
    more = f" … ({len(found)})" if len(found) > most else ""
    return ", ".join(safe(each, 30) for each in found[:most]) + more


def _after(text: str, _words: Sequence[str], around: Around) -> Read:
    names = []
    for quoted, any_end, bare in _NAMES.findall(text):
        wanted, colon, tail = bare.partition(":") if bare else (quoted, ":" if any_end else "", "any")
        if colon and tail != "any":
            raise ValueError("a task's name, or name:any for however it ends")
        name = known(wanted, around.tasks)
        names.append(f"{name}:any" if colon else name)
    if not names:
        raise ValueError("a task's name, or how it begins")
    return Read(1, "depends_on", names)


def _like(text: str, _words: Sequence[str], around: Around) -> Read:
    return Read(1, "like", around.tasks[known(_quoted(text), around.tasks)])


def known(text: str, tasks: Collection[str]) -> str:
    """The one task that is called so or begins so, in whatever case.  ValueError says which there are."""
    if text in tasks:
        return text
    wanted = text.strip().casefold()
    if not wanted:
        raise ValueError("a task's name, or how it begins")
    found = [name for name in tasks if name.casefold() == wanted]
    found = found or sorted(name for name in tasks if name.casefold().startswith(wanted))
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"one task: {_several(found)}")
    close = near(text, tasks)
    meant = f" (did you mean {safe(close, 30)}?)" if close else ""
    raise ValueError(f"no task is called so{meant}")


# --- offers ----------------------------------------------------------------------------------------------------------

OFFERS: Mapping[str, tuple[str, ...]] = {
    "!": ("1", "2", "3", "9"),
    ">": ("18:00", "tomorrow", "friday", "3d", "eow", "eom"),
    "at:": ("18:00", "22:00", "tomorrow", "monday"),
    "every ": ("day", "weekday", "monday", "hour", "1st"),
    "mode:": CHOICES["mode"],
}
MOST = 12
"""Offers that are ever made at once."""


def offers(word: str, tasks: Mapping[str, Task]) -> tuple[str, list[str]]:
    """What the word that is being written may become: its mark, and what can stand behind it, the likeliest first."""
    lower = word.casefold()
    mark = next((mark for mark in (*OFFERS, *READERS) if lower.startswith(mark)), "")
    begun = lower[len(mark) :].rpartition(",")[2] if mark == "after:" else lower[len(mark) :]
    match mark:
        case "":
            return "", []
        case "@":
            among = [f'"{name}"' if " " in name else name for name in map(_last, folders(tasks))]
        case "#":
            among = sorted({tag for task in tasks.values() for tag in task.tags})
        case "after:" | "=":
            bare = begun.lstrip('"')
            found = (task for task in tasks.values() if task.name.casefold().startswith(bare))
            newest = nlargest(MOST + 1, found, key=lambda task: task.added.timestamp() if task.added else 0.0)
            among = [f'"{task.name}"' if " " in task.name else task.name for task in newest]
        case _:
            among = list(OFFERS[mark])
    fits = [each for each in dict.fromkeys(among) if each.lstrip('"').casefold().startswith(begun.lstrip('"'))]
    return word[: len(word) - len(begun)], [each for each in fits if each.casefold() != begun][:MOST]


READERS: Mapping[str, Callable[[str, Sequence[str], Around], Read | None]] = {
    "!": _priority,
    "@": _folder,
    "#": _tag,
    ">": _due,
    "after:": _after,
    "at:": _start,
    "mode:": _mode,
    "=": _like,
}
FIELDS = {
    "!": "priority", "@": "cwd", "#": "tags", ">": "deadline", "after:": "depends_on", "at:": "not_before",
    "mode:": "mode", "=": "like",
}  # fmt: skip
