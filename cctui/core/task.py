"""Task files: from front matter and body to a Task, or to everything that is wrong with it in words.  Pure.

Promises: never raises whatever a file holds, tells all problems at once, and never guesses.  It reads no file: the
adapter hands in what YAML gave, the line of each key, the local zone, and a function that expands a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from cctui.core.fields import FIELDS, READERS, task_name
from cctui.core.values import duration, near, shown
from cctui.core.words import safe
from cctui.core.world import Broken, Mode, Phase, Problem, Runner, Task

__all__ = ["FIELDS", "duration", "parse", "place", "title", "unknown", "unsupported"]

TITLE = 200
"""Characters of a title."""


def parse(
    path: str,
    front: Mapping[str, object] | None,
    body: str,
    *,
    lines: Mapping[str, int],
    zone: tzinfo,
    expand: Callable[[str], str],
    added: datetime | None = None,
) -> Task | Broken:
    """`path` is relative to ROOT/tasks; `lines` gives each key's line, from 1; dates without an offset are in `zone`.

    `expand` makes a path absolute ("." is ROOT) or raises ValueError with words.
    """
    phase, stem = place(path)
    reading = _read(front or {}, lines, zone)
    values = reading.values
    named = (front or {}).get("name") is not None
    name = values.pop("name", None) or reading.name(stem, field_given=named)
    folder = reading.folder(expand, lines)
    reading.check_work(body, lines)
    if reading.problems:
        return Broken(path, name, phase, tuple(reading.problems))
    tags = values.get("tags", ())
    values["kind"] = values.get("kind") or (tags[0] if tags else name.partition("@")[0])
    return Task(
        name=name,
        path=path,
        phase=phase,
        folder=folder,
        title=title(body),
        added=added,
        warnings=tuple(reading.warnings),
        **values,
    )


def place(path: str) -> tuple[Phase, str]:
    """Phase and stem of ``pending/digest.md``."""
    folder, _, file = path.partition("/")
    return Phase(folder), file.removesuffix(".md")


def title(body: str) -> str:
    """The first line that is not empty, without heading marks."""
    for line in body.splitlines():
        if text := safe(_HEADING.sub("", line), TITLE):
            return text
    return ""


_HEADING = re.compile(r"^\s{0,3}#{1,6}(?:\s+|$)")


@dataclass(slots=True)
class _Reading:
    """What was made of one file's fields so far."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def name(self, stem: str, *, field_given: bool) -> str:
        """The stem as the name; when that is none, or the field was wrong, what to call the broken row."""
        try:
            return task_name(stem)
        except ValueError as error:
            if not field_given:
                self.problems.append(Problem(f"the file name must be {error}", found=shown(stem), allowed=str(error)))
            return safe(stem, 80) or "?"

    def folder(self, expand: Callable[[str], str], lines: Mapping[str, int]) -> str:
        try:
            return expand(self.values.get("cwd", "."))
        except ValueError as error:
            self.wrong("cwd", lines, self.values.get("cwd"), str(error))
            return ""

    def wrong(self, key: str, lines: Mapping[str, int], found: object, allowed: str) -> None:
        text = f"{key} must be {allowed}, found {shown(found)}"
        self.problems.append(Problem(text, field=key, line=lines.get(key), found=shown(found), allowed=allowed))

    def check_work(self, body: str, lines: Mapping[str, int]) -> None:
        """Is there anything to do, and does what is said fit the runner?"""
        runner = self.values.get("runner", Runner.CLAUDE)
        for key, owner in (("command", Runner.SHELL), ("call", Runner.PYTHON)):
            if runner is owner and key not in self.values:
                if not any(problem.field == key for problem in self.problems):
                    text = f"{key} is missing: runner: {owner} needs one"
                    self.problems.append(Problem(text, field=key, line=lines.get("runner")))
                return
            if runner is not owner and key in self.values:
                self.warnings.append(f"{key} is not used: runner is {runner}, not {owner}")
        if runner not in (Runner.SHELL, Runner.PYTHON) and not body.strip():
            self.problems.append(Problem("nothing to do: no body and no command"))


def _read(front: Mapping[str, object], lines: Mapping[str, int], zone: tzinfo) -> _Reading:
    reading = _Reading()
    for key, found in front.items():
        reader = READERS.get(key)
        if reader is None:
            reading.warnings.append(unknown(key, lines.get(key)))
        elif found is not None:  # an empty property is one that is not set
            try:
                reading.values[key] = reader(found, zone)
            except ValueError as error:
                reading.wrong(key, lines, found, str(error))
    return reading


def unknown(key: str, line: int | None = None) -> str:
    """The sentence about a field nobody knows."""
    close = near(key, [known.name for known in FIELDS])
    where = f" (line {line})" if line else ""
    return f"unknown field '{safe(key, 40)}'{where}" + (f": did you mean {close}?" if close else "")


def unsupported(task: Task) -> str | None:
    """What the task asks for that is not supported yet; it waits rather than run wrongly."""
    if task.schedule is not None or task.phase is Phase.RECURRING:
        return "schedule"
    if task.worktree:
        return "worktree"
    if task.runner not in (Runner.CLAUDE, Runner.SHELL):
        return f"runner: {task.runner}"
    if task.mode is Mode.PLAN_FIRST:
        return f"mode: {task.mode}"
    if task.check is not None:
        return "check"
    if task.style:
        return "style"
    return "account" if task.account not in (None, "default") else None
