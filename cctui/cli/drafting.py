"""Task files from the command line: a new one from its options, one field, or the person's own editor.

Nothing is written that the reader of task files would not take: a draft is parsed first.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cctui.adapters import front
from cctui.adapters.clock import Clock
from cctui.adapters.editor import EditorError, editor_argv
from cctui.adapters.taskdir import TaskDir
from cctui.cli.here import INVALID, MISSING, NOT_FOUND, USAGE, Fail, Here, say
from cctui.core import capture, task, understood, view
from cctui.core.draft import free, slug
from cctui.core.fields import FIELDS
from cctui.core.world import Broken, Task

WORDS = 6
"""How many words of a prompt become a name."""
PLAIN = re.compile(r"[A-Za-z0-9_./~@+][A-Za-z0-9_./~@+ -]*")
"""Text that YAML takes as it stands."""
LISTS = frozenset(known.name for known in FIELDS if known.type.startswith("list"))
TEXTS = frozenset(known.name for known in FIELDS if known.type in ("text", "path", "profile name"))


@dataclass(frozen=True, slots=True)
class Draft:
    name: str
    text: str


def draft(here: Here, prompt: str, name: str | None, pairs: Iterable[str], given: Mapping[str, object]) -> Draft:
    """A new task file from the options of `ccq add`.  Raises Fail (2, 4) for what no task can have."""
    fields = dict(options(given))
    fields.update((key, value) for key, value in map(one_field, pairs) if value is not None)
    name = name or free(slug(prompt or str(given["command"] or "task"), WORDS), here.answer("find", task="")["data"])
    body = prompt.strip() + "\n" if prompt.strip() else ""
    head = "".join(f"{key}: {value}\n" for key, value in fields.items())
    text = f"---\n{head}---\n{body}" if head else body
    checked(here, f"pending/{name}.md", text)
    return Draft(name, text)


def quick(here: Here, line: str, name: str | None, pairs: Iterable[str], given: Mapping[str, object]) -> Draft:
    """A new task file from one line with tokens; options say more, or otherwise.  Raises Fail (2, 4)."""
    clock = Clock()
    own = [runner for runner, _ in here.settings.runners]
    entries = TaskDir(here.places, clock.zone, own).scan()
    tasks = {entry.name: entry for entry in entries if isinstance(entry, Task)}
    base = {"name": name} if name else {}
    found = capture.parse(line, clock.now(), clock.zone, tasks, base, [entry.name for entry in entries])
    if found.mistakes:
        raise Fail("; ".join(mistake.text for mistake in found.mistakes), INVALID)
    text = found.draft.text()
    try:
        for key, value in (*options(given), *map(one_field, pairs)):
            text = front.edited(text, key, value)
    except front.FrontError as error:
        raise Fail(str(error), INVALID) from None
    checked(here, f"pending/{found.draft.name}.md", text)
    for said in understood.lines(found.draft, clock.now(), clock.zone, found.like):
        say(f"{said.label:<11}{said.text}{f' ({said.aside})' if said.aside else ''}")
    return Draft(found.draft.name, text)


def options(given: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """The fields that have an option of their own, as YAML."""
    for option, field in (("priority", "priority"), ("runner", "runner"), ("command", "command"), ("cron", "schedule")):
        if given[option]:
            yield field, literal(field, str(given[option]))
    if given["cwd"]:
        yield "cwd", literal("cwd", folder(str(given["cwd"])))
    if given["at"]:
        yield "not_before", f"{start(str(given['at'])):%Y-%m-%dT%H:%M:%S}"
    if given["after"]:
        assert isinstance(given["after"], tuple)
        yield "depends_on", json.dumps(list(given["after"]), ensure_ascii=False)


def folder(text: str) -> str:
    """A folder as typed here, absolute: the file means ROOT when it says something relative."""
    if text.startswith("$"):
        return text
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise Fail(f"cwd: there is no folder {view.safe(str(path))}", INVALID)
    return os.path.normpath(path)


def start(text: str) -> datetime:
    """``03:00`` (the next), ``+2h30m``, or ISO; as a local time.  Raises Fail (4)."""
    clock = Clock()
    now = clock.now()
    try:
        if text.startswith("+"):
            return (now.astimezone() + timedelta(seconds=task.duration(text[1:]))).astimezone(clock.zone)
        if re.fullmatch(r"\d{1,2}:\d{2}", text):
            hour, minute = map(int, text.split(":"))
            today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Fail(
            f"at: {view.safe(text, 60)} is no time ({error}): use 03:00, +2h30m or 2026-12-24T03:00", INVALID
        ) from None
    return moment.astimezone(clock.zone) if moment.tzinfo else moment


def one_field(pair: str) -> tuple[str, str | None]:
    """``key=value`` as a field and its YAML; no value takes the field out.  Raises Fail (2, 4)."""
    key, equals, value = pair.partition("=")
    key = key.strip()
    if not equals:
        raise Fail(f"--field takes KEY=VALUE, not {view.safe(pair, 60)}", USAGE)
    if key not in {known.name for known in FIELDS}:
        raise Fail(task.unknown(key), INVALID)
    return key, quoted(key, value.strip()) if value.strip() else None


def quoted(key: str, value: str) -> str:
    """A value as YAML: lists where the field takes one and what is quoted already stay, other text as `literal`."""
    listed = key in LISTS and value[0] == "[" and value[-1] == "]"
    whole = value[0] in "\"'" and value[0] == value[-1] and isinstance(as_yaml(value), str)
    return value if listed or whole else literal(key, value)


def literal(key: str, value: str) -> str:
    """A value as YAML that means just these characters; a field for text gets text, also for ``true`` or ``4.5``."""
    plain = PLAIN.fullmatch(value) and (key not in TEXTS or as_yaml(value) == value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def as_yaml(value: str) -> object:
    """What a field would be if this stood behind its name; None when that would be no YAML."""
    found = front.read(f"---\nkey: {value}\n---\n")
    return None if found.problems else (found.fields or {}).get("key")


def parsed(here: Here, path: str, text: str) -> Task | Broken:
    """A text as the task folders would read it."""
    own = [name for name, _ in here.settings.runners]
    return TaskDir(here.places, Clock().zone, own).would_be(path, text)


def checked(here: Here, path: str, text: str) -> Task:
    """Raises Fail (4) with everything that is wrong."""
    entry = parsed(here, path, text)
    if isinstance(entry, Broken):
        raise Fail("; ".join(view.problem(entry, index) for index in range(len(entry.problems))), INVALID)
    for warning in entry.warnings:
        say(view.safe(warning))
    return entry


def check_field(here: Here, path: str, key: str, value: str | None) -> None:
    """Raises Fail (4) when the file would not be a better one with this field."""
    try:
        text = front.edited(here.text(path), key, value)
    except front.FrontError as error:
        raise Fail(f"{view.safe(path)}: {error}", INVALID) from None
    entry = parsed(here, path, text)
    wrong = [index for index, it in enumerate(entry.problems) if it.field == key] if isinstance(entry, Broken) else []
    if wrong and isinstance(entry, Broken):
        raise Fail(view.problem(entry, wrong[0]), INVALID)


def open_editor(here: Here, name: str) -> None:
    """The person's editor on the file itself; what is wrong with it afterwards is said."""
    reply = here.answer("show", task=name)
    if reply["code"]:
        here.put(reply, str)
    path = reply["data"]["path"]
    file = here.places.tasks / path
    if not file.exists():
        raise Fail(f"{view.safe(str(file))} is gone", NOT_FOUND)
    try:
        argv = editor_argv(here.environ, file)
    except EditorError as error:
        raise Fail(str(error), MISSING) from None
    try:
        code = subprocess.call(argv)
    except OSError as error:
        raise Fail(f"the editor {argv[0]!r} cannot be started ({error}): set EDITOR", MISSING) from None
    if code:
        raise Fail(f"{argv[0]} ended with code {code}")
    checked(here, path, here.text(path))
