"""Precedence: which rule has put a task where it stands in the queue, and what its cost rests on, in words.  Pure.

The rule is the first part of the sort's key in which a task differs from its neighbour: the one before it, or for the
first of all the one behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cctui.core.order import UNRANKED, sort_key
from cctui.core.words import moment, points, short, span
from cctui.core.world import FIVE_HOUR, Estimate, Task, Urgency, World


class Rule(StrEnum):
    """What decides a place, in the order in which it is asked."""

    PRIORITY = "priority"
    SLACK = "slack"
    """Its deadline, or that of a task which waits for it, less what is still to be done before it."""
    HAND = "hand"
    COST = "cost"
    AGE = "age"
    NAME = "name"


ORDER = tuple(Rule)


@dataclass(frozen=True, slots=True)
class Precedence:
    """Why a task stands where it does."""

    rule: Rule
    urgency: Urgency
    place: int
    """1 is next."""
    of: int


def precedences(world: World, names: list[str]) -> dict[str, Precedence]:
    """Of `names`, which are all that wait, in their order."""
    found: dict[str, Precedence] = {}
    for place, name in enumerate(names):
        beside = names[place - 1] if place else names[1] if len(names) > 1 else None
        rule = _rule(world, name, beside)
        found[name] = Precedence(rule, world.line.urgency.get(name, Urgency(5)), place + 1, len(names))
    return found


def precedence(world: World, name: str) -> Precedence | None:
    """Of one task; None: it is not in the line."""
    running = {run.spec.task for run in world.runs.values()}
    names = [each for each in world.line.order if each in world.tasks and each not in running]
    return precedences(world, names).get(name)


def _rule(world: World, name: str, beside: str | None) -> Rule:
    mine, others = world.line.urgency.get(name), world.line.urgency.get(beside or "")
    if mine is None or others is None or beside is None:
        return Rule.PRIORITY
    keys = zip(sort_key(mine, world.tasks[name]), sort_key(others, world.tasks[beside]), strict=True)
    rule = next((rule for rule, (one, other) in zip(ORDER, keys, strict=True) if one != other), Rule.NAME)
    if rule not in (Rule.AGE, Rule.NAME):
        return rule
    # It shares with its neighbour all that says anything: then what both have.
    return Rule.PRIORITY if mine.heir else Rule.SLACK if mine.latest else rule


def sign(found: Precedence, now: datetime) -> str:
    """The rule in a word or two, for a row: ``p1``, ``for release``, ``by 04:10``, ``by hand``, ``~7%``."""
    urgency = found.urgency
    match found.rule:
        case Rule.PRIORITY if urgency.heir:
            return f"for {short(urgency.heir, 12)}"
        case Rule.PRIORITY if urgency.aged:
            return f"p{urgency.priority} aged"
        case Rule.SLACK if urgency.latest:
            return f"by {moment(urgency.latest, now)}"
        case Rule.HAND if urgency.rank != UNRANKED:
            return "by hand"
        case Rule.COST if urgency.cost != float("inf"):
            return f"~{points(urgency.cost).replace(' ', '')}"
    return f"p{urgency.priority}"


def sentence(world: World, name: str, now: datetime) -> str:
    """The whole of it: ``2 of 5 by deadline: p3, start by 04:10``."""
    found = precedence(world, name)
    if found is None:
        return ""
    urgency, task = found.urgency, world.tasks[name]
    parts = [_priority(urgency, task)]
    if urgency.latest:
        parts.append(f"start by {moment(urgency.latest, now)}")
    if urgency.rank != UNRANKED:
        parts.append("moved by hand")
    if found.rule is Rule.COST and urgency.cost != float("inf"):
        parts.append(f"~{points(urgency.cost)}")
    return f"{found.place} of {found.of} by {SAID[found.rule]}: {', '.join(parts)}"


SAID = {
    Rule.PRIORITY: "priority",
    Rule.SLACK: "deadline",
    Rule.HAND: "hand",
    Rule.COST: "cost",
    Rule.AGE: "age",
    Rule.NAME: "name",
}


def _priority(urgency: Urgency, task: Task) -> str:
    own = task.priority - urgency.aged
    if urgency.heir and urgency.priority < own:
        return f"p{urgency.priority} as {short(urgency.heir, 16)}"
    if urgency.aged:
        return f"p{urgency.priority}, {urgency.aged} up for its age"
    return f"p{urgency.priority}"


def rests_on(found: Estimate | None, kind: str) -> str:
    """What is expected of a task, and why: ``14 % p80, 25m, 9 runs of digest``."""
    if found is None:
        return "not known"
    five = found.points.get(FIVE_HOUR)
    parts = [f"{points(five.p80)} p80"] if five else []
    parts += [f"{span(found.seconds.p50)}"] if found.seconds else []
    runs = "1 run" if found.count == 1 else f"{found.count} runs"
    return ", ".join((*parts, found.guess or f"{runs} of {short(kind, 16)}"))
