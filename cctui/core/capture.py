"""Quick capture: one line becomes a task, ``Fix links !1 @vault #web >friday 8:00 after:lint``.  Pure.

Promises: never raises; text without tokens stays as it is; a token is understood, or is a Mistake that says where it
stands and what is allowed, and stays in the text; a backslash before a token makes it text.  Of several lines the first
is read so, the rest is the prompt's.  What was taken over from another task gives way to what the line says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from cctui.core import cadence
from cctui.core.draft import Draft, free, slug
from cctui.core.tokens import Around, Read, keyword, looks, read_schedule, read_token
from cctui.core.values import shown
from cctui.core.words import safe, safe_text
from cctui.core.world import Problem, Task
from cctui.core.written import DEFAULTS, DURATIONS, duration

LIKE = (
    *("cwd", "worktree", "mode", "runner", "command", "call", "check", "check_timeout", "timeout", "max_attempts"),
    *("max_iterations", "max_turns", "max_budget_usd", "model", "effort", "allowed_tools", "tags", "style", "account"),
)
"""Fields that ``=name`` takes over: how a task works, never what it is, when it runs or what it may break."""

_PIECE = re.compile(r'(?=\\*(?:[@=]|after:))(?:"[^"]*"?|[^\s"])+|\S+')


@dataclass(frozen=True, slots=True)
class Mistake:
    problem: Problem
    start: int
    """Where it stands in the first line, in characters, and behind its last."""
    end: int

    @property
    def text(self) -> str:
        return self.problem.text


@dataclass(frozen=True, slots=True)
class Captured:
    draft: Draft
    mistakes: tuple[Mistake, ...] = ()
    like: Mapping[str, str] = field(default_factory=dict)
    """Fields that were taken over, and from which task."""


def parse(
    text: str,
    now: datetime,
    zone: tzinfo,
    tasks: Mapping[str, Task],
    base: Mapping[str, object] | None = None,
    taken: Collection[str] = (),
) -> Captured:
    """`base` holds fields that stand unless the line says otherwise, and perhaps a name; `taken` names no task may get
    besides those of `tasks`."""
    first, _, rest = safe_text(text).replace("\t", "    ").partition("\n")
    line = _Line(first, Around(now, zone, tasks))
    line.read()
    own = dict(base or {})
    given = str(own.pop("name", "") or "")
    prompt = f"{line.prompt()}\n{rest}".strip("\n") if rest.strip() else line.prompt()
    like = {key: name for name, source in line.like for key in source if key not in line.found}
    values = own | {key: value for _, source in line.like for key, value in source.items()} | line.found
    tags = [
        *line.tags,
        *_texts(own.get("tags")),
        *(tag for _, source in line.like for tag in _texts(source.get("tags"))),
    ]
    if tags:
        values["tags"] = list(dict.fromkeys(tags))
    if line.after:
        values["depends_on"] = list(dict.fromkeys((*_texts(own.get("depends_on")), *line.after)))
    name = given or free(slug(prompt.strip() or str(values.get("command", ""))), (*tasks, *taken))
    return Captured(Draft(name, prompt, values), tuple(line.mistakes), like)


def literal(text: str) -> str:
    """A prompt as a line that says just that, with no token in it."""
    first, newline, rest = text.partition("\n")
    pieces = list(_PIECE.finditer(first))
    made, at = "", 0
    for number, piece in enumerate(pieces):
        made += first[at : piece.start()] + "\\" * _special([each[0] for each in pieces[number:]]) + piece[0]
        at = piece.end()
    return made + first[at:] + newline + rest


def _special(words: Sequence[str]) -> bool:
    """Whether the first word could be taken for a token, or for an escaped one."""
    bare = words[0].lstrip("\\")
    if bare != words[0]:
        return looks(bare)
    return looks(bare) and (keyword(bare) not in ("every", *cadence.ALONE) or read_schedule(words) is not None)


def _texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else []


@dataclass(slots=True)
class _Line:
    """One line, and what has been made of it so far."""

    text: str
    around: Around
    kept: list[str] = field(default_factory=list)
    """The pieces of text between the tokens."""
    found: dict[str, object] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    like: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def prompt(self) -> str:
        return " ".join(filter(None, (piece.strip() for piece in self.kept)))

    def read(self) -> None:
        pieces = list(_PIECE.finditer(self.text))
        number, at, text = 0, 0, ""
        while number < len(pieces):
            start = pieces[number].start()
            text += self.text[at:start]
            words = [piece[0] for piece in pieces[number : number + AHEAD]]
            escaped = words[0].startswith("\\") and looks(words[0].lstrip("\\"))
            token = None if escaped else self._token(words, start, alone=not "".join((*self.kept, text)).strip())
            at = len(self.text) if token and token.field == "command" else pieces[number + _used(token) - 1].end()
            if token and self.take(token, start, at):
                self.kept.append(text)
                text = ""
            else:
                text += self.text[start + escaped : at]
            number = len(pieces) if at == len(self.text) else number + _used(token)
        self.kept.append(text + self.text[at:])

    def _token(self, words: Sequence[str], start: int, *, alone: bool) -> Read | None:
        """The token these words begin with; `alone`: there is no text before them."""
        mark = words[0][:3].casefold()
        if mark != "sh:" and not (words[0] == "$" and alone and len(words) > 1):
            return read_token(words, self.around)
        command = self.text[start + (3 if mark == "sh:" else 1) :].strip()
        return Read(1, "command", command, "" if command else "a command behind it, such as sh: make test")

    def take(self, token: Read, start: int, end: int) -> bool:
        """Keep what a token says; False: it is a mistake, and stays in the text."""
        allowed = token.allowed
        if not allowed and token.field in self.found:
            allowed = f"one {NAMES.get(token.field, token.field)} only, there is one already"
        if allowed:
            self.mistakes.append(_mistake(token.field, self.text[start:end], allowed, start, end))
            return False
        match token.field, token.value:
            case "tags", str(tag):
                self.tags.append(tag)
            case "depends_on", list(names):
                self.after += names
            case "like", Task() as task:
                self.like.append((task.name, dict(_traits(task))))
            case "command", command:
                self.found |= {"runner": "shell", "command": command}
            case name, value:
                self.found[name] = value
        return True


NAMES = {"cwd": "folder", "not_before": "start"}
"""How people call some fields."""
AHEAD = 6
"""Words of the longest token."""


def _used(token: Read | None) -> int:
    return token.used if token else 1


def _mistake(field_name: str, found: str, allowed: str, start: int, end: int) -> Mistake:
    colon = "" if found.endswith(":") else ":"
    text = safe(f"{safe(found, 40)}{colon} {allowed}; \\{safe(found.split(maxsplit=1)[0], 20)} is text", 300)
    return Mistake(Problem(text, field_name, 1, shown(found), allowed), start, end)


def _traits(task: Task) -> Iterator[tuple[str, object]]:
    """The fields of LIKE in which a task is not the default, as YAML reads them."""
    for name in LIKE:
        value = getattr(task, name)
        if value == DEFAULTS[name]:
            continue
        match value:
            case tuple():
                yield name, [str(part) for part in value]
            case float() if name in DURATIONS:
                yield name, duration(value)
            case bool() | int() | float():
                yield name, value
            case _:
                yield name, str(value)
