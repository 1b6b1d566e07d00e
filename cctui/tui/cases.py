"""What waits for a person, one case each: whose it is, what is asked, what is at stake, how it can be answered.  Pure.

Promises: runs that wait stand before files, files before what stops everything; no answer is offered whose meaning is
not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cctui.core import view
from cctui.core.queue import plan_waits
from cctui.core.world import FIVE_HOUR, Broken, Command, Reason, Remove, Reply, Run, RunNow, StopRun, Task, Why, World
from cctui.tui import openrun
from cctui.tui.cells import Span
from cctui.tui.gauge import label

PERMISSION = re.compile(r"(?:[A-Z][A-Za-z]+|mcp__\w+): ")
"""How a request for permission begins: the tool, then what it is to be used on."""
QUESTIONS = 400
"""Characters of a question that are shown."""


class Kind(StrEnum):
    PLAN = "plan"
    ASKS = "asks"
    FILE = "file"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Case:
    key: str
    """Run id, or path of a file."""
    name: str
    kind: Kind
    question: str
    run: Run | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A command that is sent (with `sure` only after a yes), or where it leads."""

    label: str
    command: Command | None = None
    sure: str = ""
    go: str = ""
    """``reply`` opens the line; else a screen."""


def cases(world: World, now: datetime) -> Iterator[Case]:
    """Everything that waits for a person; who has waited longest comes first."""
    waiting = [_run_case(run) for run in openrun.asking(world)]
    yield from sorted(waiting, key=lambda case: case.since or now)
    yield from map(_file_case, world.broken)
    for name, sentence in world.programs.items():
        yield Case(name, name, Kind.TROUBLE, view.safe(sentence, QUESTIONS))
    if login := world.stops.get("login"):
        said = view.say(Reason(Why.LOGIN, login.text, until=login.until), now)
        yield Case("login", "login", Kind.TROUBLE, view.safe(said, QUESTIONS), since=login.since)


def _run_case(run: Run) -> Case:
    if plan_waits(run):
        since = run.parked.since if run.parked else None
        return Case(run.spec.run_id, run.spec.task, Kind.PLAN, "Its plan waits for your word", run, since)
    # Its program stands still while it asks: what it said last was said when it began to.
    return Case(run.spec.run_id, run.spec.task, Kind.ASKS, view.safe(run.asks, QUESTIONS), run, run.heard)


def _file_case(entry: Broken) -> Case:
    found = "; ".join(view.problem(entry, index) for index in range(len(entry.problems)))
    return Case(entry.path, entry.name, Kind.FILE, found or "the file cannot be read")


def permission(case: Case) -> bool:
    """Whether the program asks to use a tool, so that its answers are numbered and the first is a plain yes."""
    return case.kind is Kind.ASKS and PERMISSION.match(case.question) is not None


def asked(case: Case) -> str:
    """The question as it is put to a person."""
    return f"May it use {case.question}?" if permission(case) else case.question


def answers(case: Case) -> tuple[Answer, ...]:
    """At most three.  Of the program's own answers to a request for permission only the first is always the same: the
    others differ by tool, and have to be read before one is chosen.  Words to it are a no, and why."""
    name = view.short(case.name)
    stop = Answer("Stop it", StopRun(case.name), stopping(case))
    sit = Answer("Sit down at it: all its answers", go="takeover")
    match case.kind:
        case Kind.PLAN:
            return Answer("Accept the plan", RunNow(case.name)), Answer("Reply: change the plan …", go="reply"), stop
        case Kind.ASKS if permission(case):
            return Answer("Yes, this once", Reply(case.name, "1")), Answer("No: say why …", go="reply"), sit
        case Kind.ASKS:
            return Answer("Reply …", go="reply"), Answer("Sit down at it", go="takeover"), stop
        case Kind.FILE:
            trash = Answer("Move it to the trash", Remove(case.key), f"Move {name} to the trash?")
            return Answer("Mend it in your editor", go="editor"), Answer("See what is wrong", go="detail"), trash
    return (Answer("All notices", go="notes"),)


def stopping(case: Case) -> str:
    """What is asked before it is stopped."""
    return f"Stop {view.short(case.name)}? Its files stay; the run counts as cancelled."


def refused(case: Case, answer: Answer, plan: str | None) -> Reason | None:
    """Nobody accepts a plan that has not been read yet."""
    if case.kind is Kind.PLAN and isinstance(answer.command, RunNow) and plan is None:
        return Reason(Why.STATE, "the plan is still being read")
    return None


# --- what is at stake ------------------------------------------------------------------------------------------------


def risk(case: Case, task: Task | None, changed: str, dot: str) -> Iterator[list[Span]]:
    """What it may do, where, what it has done and taken so far.  `changed`: its changes in words; empty: not known."""
    run = case.run
    if run is None:
        return
    yield [(f" {dot} ".join(filter(None, (str(run.spec.mode), _place(run)))), "dim")]
    if run.spec.bypass_permissions or (task and task.bypass_permissions):
        yield [("Asks for no permission: it may do anything", "warn")]
    ended = run.work or run.ending or run.last
    if ended and ended.result and (denials := ended.result.denials):
        yield [(f"Denied {len(denials)}: {view.safe('; '.join(denials), 200)}", "warn")]
    progress = run.progress
    cost = f"${progress.cost_usd:.2f}" if progress.cost_usd is not None else "$?"
    points = f"{view.points(run.points.get(FIVE_HOUR))} of {label(FIVE_HOUR)}"
    parts = (changed, cost, f"{view.count(progress.tokens)} tokens", points)
    yield [(f" {dot} ".join(filter(None, parts)), "dim")]


def _place(run: Run) -> str:
    tree = run.tree
    if tree is None:
        return f"in {view.safe(run.spec.folder)}, no git"
    if tree.worktree:
        return f"own worktree, {view.safe(tree.branch or 'no branch')}"
    return f"in place: {view.safe(tree.folder)}{f', {view.safe(tree.branch)}' if tree.branch else ''}"
