"""A draft in words, before it is saved: each field as a label and what it means, and what it would wait for.  Pure.

Shows what the file's own reader makes of the draft, never what was typed: what stands here is what will be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from cctui.core import gates, queue, recur, spoken
from cctui.core.draft import ORDER, Draft, as_typed
from cctui.core.fields import FIELDS
from cctui.core.runners import BY_NAME
from cctui.core.words import safe
from cctui.core.world import Broken, Mode, Phase, Task, World

LABELS = {
    "cwd": "folder", "depends_on": "after", "not_before": "not before", "schedule": "runs", "max_budget_usd": "budget",
}  # fmt: skip
MODES = {
    Mode.READ_ONLY: "reads, changes nothing",
    Mode.PLAN_FIRST: "plans, then waits for your word",
    Mode.AUTONOMOUS: "works on its own",
}
MEANING = {known.name: known for known in FIELDS}
FEW = 300
"""With more tasks than these, what a new one waits for is not worked out while it is typed."""


@dataclass(frozen=True, slots=True)
class Line:
    field: str
    label: str
    text: str
    """One line, safe to show."""
    wrong: bool = False
    aside: str = ""
    """Where it comes from, when the line itself does not say it."""


def lines(draft: Draft, now: datetime, zone: tzinfo, like: Mapping[str, str] | None = None) -> Iterator[Line]:
    """Every field that is not the default, in the order of the README, then what keeps the draft from being a task."""
    entry = draft.entry(zone)
    yield Line("name", "name", safe(draft.name, 60))
    wrong = {problem.field for problem in entry.problems} if isinstance(entry, Broken) else set()
    for name in ORDER:
        if name not in draft.fields or name in wrong or name == "name":
            continue
        source = (like or {}).get(name)
        text = said(name, _value(entry, name, draft), draft.name, now, zone)
        yield Line(
            name, LABELS.get(name, name.replace("_", " ")), text, aside=f"as {safe(source, 30)}" if source else ""
        )
    if isinstance(entry, Broken):
        for problem in entry.problems:
            field = problem.field or ""
            yield Line(field, LABELS.get(field, field.replace("_", " ")), safe(problem.text, 300), wrong=True)
    else:
        for warning in entry.warnings:
            yield Line("", "", safe(warning, 300), wrong=True)


def _value(entry: Task | Broken, name: str, draft: Draft) -> object:
    return getattr(entry, name) if isinstance(entry, Task) else draft.fields[name]


def said(name: str, value: object, task: str, now: datetime, zone: tzinfo) -> str:
    """A value as a person would say it; `task` is the name of the task, which ``H`` in a schedule goes by."""
    match name, value:
        case "schedule", str(cron):
            due = recur.next_fire(cron, zone, task, now)
            words = spoken.words(cron, task)
            return f"{words}, next {spoken.moment(due, zone, now)}" if due else f"{words}, never"
        case "deadline" | "not_before", datetime() as when:
            return spoken.moment(when, zone, now)
        case "mode", Mode() as mode:
            return f"{mode}: {MODES[mode]}"
        case "runner", str(runner) if runner in BY_NAME:
            return f"{runner}: {BY_NAME[runner].about}".replace("`", "")
    return safe(as_typed(name, value, zone), 200)


def meaning(name: str) -> str:
    """What a field may hold and what it does, on one line."""
    known = MEANING[name]
    return f"{known.type}, default {known.default}: {known.meaning}".replace("`", "")


def waits(world: World, draft: Draft, now: datetime, zone: tzinfo) -> str:
    """What the task would wait for if it were in the queue now; empty where that is not known or costs too much."""
    entry = draft.entry(zone, [name for name, _ in world.settings.runners])
    if isinstance(entry, Broken) or entry.phase is Phase.RECURRING or len(world.tasks) > FEW:
        return ""
    task = replace(entry, added=now, folder=_folder(world, entry))
    there = replace(world, tasks={**world.tasks, task.name: task})
    scene = queue.scene(replace(there, line=queue.line(there, now)), now)
    reason = next(queue.held(scene, task), None)
    return gates.explained(scene, reason)[1] if reason else "may start at once"


def _folder(world: World, entry: Task) -> str:
    """The same folder in the spelling of those that are there: two tasks never work in one at a time."""
    return next((task.folder for task in world.tasks.values() if task.cwd == entry.cwd and task.folder), entry.folder)
