"""Task files: from front matter and body to a Task, or to everything that is wrong with it in words.  Pure.

Promises: never raises whatever a file holds, tells all problems at once, and never guesses.  It reads no file: the
adapter hands in what YAML gave, the line of each key, the local zone, and a function that expands a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from cctui.core import runners as table
from cctui.core.fields import FIELDS, NAME_BYTES, READERS, runner_among, task_name
from cctui.core.recur import stamped
from cctui.core.values import duration, near, shown
from cctui.core.words import safe
from cctui.core.world import Broken, Mode, Phase, Problem, Runner, Task

__all__ = ["FIELDS", "duration", "ended", "parse", "place", "title", "unknown", "unsupported"]

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
    runners: Collection[str] = (),
) -> Task | Broken:
    """`path` is relative to ROOT/tasks; `lines` gives each key's line, from 1; dates without an offset are in `zone`.

    `expand` makes a path absolute ("." is ROOT) or raises ValueError with words; `runners` names the person's own.
    """
    folder_phase, stem = place(path)
    reading = _read(front or {}, lines, zone, runners)
    values = reading.values
    named = (front or {}).get("name") is not None
    name = values.pop("name", None) or reading.name(stem, field_given=named)
    folder = reading.folder(expand, lines)
    reading.check_work(body, lines)
    reading.check_use()
    # A file with a schedule is a template wherever it waits.
    phase = Phase.RECURRING if folder_phase is Phase.PENDING and "schedule" in values else folder_phase
    if phase is Phase.RECURRING:
        reading.check_template(name, lines)
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
        fired=stamped(name, zone) if "@" in name else None,
        warnings=tuple(reading.warnings),
        **values,
    )


def ended(entry: Broken, body: str, added: datetime | None) -> Task | None:
    """A finished task whose file has wrong fields: its name and how it ended stand, and others may depend on it.

    None when not even its name is sure.
    """
    if any(problem.field in (None, "name") for problem in entry.problems):
        return None
    return Task(
        name=entry.name,
        path=entry.path,
        phase=entry.phase,
        kind=entry.name.partition("@")[0],
        title=title(body),
        added=added,
        warnings=tuple(problem.text for problem in entry.problems),
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
        if key == "env" and isinstance(found, str) and "=" in found:
            found = found.partition("=")[0] + "=…"  # the value may be a secret
        text = f"{key} must be {allowed}, found {shown(found)}"
        self.problems.append(Problem(text, field=key, line=lines.get(key), found=shown(found), allowed=allowed))

    def check_work(self, body: str, lines: Mapping[str, int]) -> None:
        """Is there anything to do, and does what is said fit the runner?"""
        runner = self.values.get("runner", Runner.CLAUDE)
        for key, owner in (("command", Runner.SHELL), ("call", Runner.PYTHON)):
            if runner == owner and key not in self.values:
                if not any(problem.field == key for problem in self.problems):
                    text = f"{key} is missing: runner: {owner} needs one"
                    self.problems.append(Problem(text, field=key, line=lines.get("runner")))
                return
            if runner != owner and key in self.values:
                self.warnings.append(f"{key} is not used: runner is {runner}, not {owner}")
        if runner not in (Runner.SHELL, Runner.PYTHON) and not body.strip():
            self.problems.append(Problem("nothing to do: no body and no command"))

    def check_use(self) -> None:
        """Does every field that is given matter?"""
        runner, mode = self.values.get("runner", Runner.CLAUDE), self.values.get("mode", Mode.AUTONOMOUS)
        bypass = self.values.get("bypass_permissions", False)
        if not table.needs_claude(runner):
            own = runner not in table.BY_NAME  # its template may hold {model}
            unused = [key for key in CLAUDES if self.values.get(key) and not (own and key == "model")]
            if mode is not Mode.AUTONOMOUS:
                unused.insert(0, f"mode: {mode}")
            self.warnings += [f"{key} is not used: runner is {runner}" for key in unused]
        elif bypass and mode is Mode.PLAN_FIRST:
            self.warnings.append("bypass_permissions is used only for the work after the plan: mode is plan-first")
        elif bypass and mode is Mode.READ_ONLY:
            self.warnings.append("bypass_permissions is not used: mode is read-only")
        if "check_timeout" in self.values and "check" not in self.values:
            self.warnings.append("check_timeout is not used: there is no check")
        if "schedule" not in self.values:
            self.warnings += [f"{key} is not used: there is no schedule" for key in TEMPLATES if key in self.values]

    def check_template(self, name: str, lines: Mapping[str, int]) -> None:
        """Can its firings be named, and does it fire at all?"""
        if "@" in name or len(name.encode()) > NAME_BYTES - STAMP_BYTES:
            most = NAME_BYTES - STAMP_BYTES
            text = f"a template's name must be without '@' and at most {most} bytes: its firings add a stamp"
            self.problems.append(Problem(text, field="name", line=lines.get("name"), found=shown(name)))
        if "schedule" not in self.values and not any(problem.field == "schedule" for problem in self.problems):
            self.warnings.append("it never fires: there is no schedule")


TEMPLATES = ("tz", "catchup", "overlap", "window")
"""Fields that say how a schedule is kept."""
STAMP_BYTES = 17
"""What the name of a firing has more than its template's: ``@20261122T023015Z``."""

CLAUDES = ("bypass_permissions", "max_turns", "max_budget_usd", "model", "effort", "allowed_tools")
"""Fields that only Claude Code knows of, besides `mode`."""


def _read(front: Mapping[str, object], lines: Mapping[str, int], zone: tzinfo, runners: Collection[str]) -> _Reading:
    reading = _Reading()
    for key, found in front.items():
        reader = runner_among(runners) if key == "runner" and runners else READERS.get(key)
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
    if task.style:
        return "style"
    return "account" if task.account not in (None, "default") else None
