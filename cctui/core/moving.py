"""Moving a task by hand: what becomes of the ranks, and of its priority; and when no hand can move it.  Pure.

The order is by priority, latest start, rank, cost.  Among equals in the first two a move sets ranks; past a task of
another priority it takes that priority on; what a deadline, or a task that waits, has put in its place no move changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from cctui.core.order import LAST, line
from cctui.core.words import moment, short
from cctui.core.world import Move, Place, Urgency, World

UPWARDS = (Place.UP, Place.TOP, Place.BEFORE)


class _Aim(NamedTuple):
    """Where a move goes."""

    others: list[str]
    """In their order, without the task."""
    was: int
    at: int
    """Its place among the others, before and after."""
    priority: int
    """What its file says afterwards."""
    urgency: Mapping[str, Urgency]
    """Of everything, afterwards."""


def moved(world: World, move: Move) -> tuple[dict[str, int], int]:
    """The ranks and the task's priority after `move`.  Crossing into another priority takes that priority on."""
    aim = _aim(world, move)
    names = [*aim.others[: aim.at], move.task, *aim.others[aim.at :]]
    mine = _key(aim, move.task)
    group = [name for name in names if name == move.task or _key(aim, name) == mine]
    return _ranks(world.memory.ranks, group, move.task), aim.priority


def stuck(world: World, move: Move, now: datetime) -> str:
    """Why the order would not follow `move`; empty: it would."""
    aim = _aim(world, move)
    mine, name = _key(aim, move.task), move.task
    if aim.at < aim.was:
        other = aim.others[aim.at]
        if mine <= _key(aim, other):
            return ""
        when, passes = moment(aim.urgency[other].latest, now), aim.urgency[other].priority - 1
        return f"{short(other, 16)} must start by {when}; p{passes} goes before it"
    if aim.at == aim.was or _key(aim, aim.others[aim.at - 1]) <= mine:
        return ""
    urgency, task = aim.urgency[name], world.tasks[name]
    if urgency.heir and (mine[0] < _key(aim, aim.others[aim.at - 1])[0] or not task.deadline):
        return f"{short(urgency.heir, 16)} waits for it: it is as urgent"
    return f"its deadline holds its place: start by {moment(urgency.latest, now)}"


def _aim(world: World, move: Move) -> _Aim:
    others = [name for name in world.line.order if name != move.task]
    was = at = world.line.order.index(move.task)
    match move.place:
        case Place.UP:
            at = max(at - 1, 0)
        case Place.DOWN:
            at = min(at + 1, len(others))
        case Place.TOP:
            at = 0
        case Place.BOTTOM:
            at = len(others)
        case Place.BEFORE:
            at = others.index(str(move.other))
        case Place.AFTER:
            at = others.index(str(move.other)) + 1
    task, urgency = world.tasks[move.task], world.line.urgency
    if not others or at == was:
        return _Aim(others, was, at, task.priority, urgency)
    beside = urgency[others[min(at, len(others) - 1)] if move.place in UPWARDS else others[max(at - 1, 0)]]
    mine = urgency[move.task]
    if beside.priority == mine.priority:
        return _Aim(others, was, at, task.priority, urgency)
    priority = beside.priority + mine.aged
    changed = replace(world, tasks={**world.tasks, move.task: replace(task, priority=priority)})
    # Anew, since a priority is passed on to whatever the task waits for, and comes back from what waits for it.
    return _Aim(others, was, at, priority, line(changed).urgency)


def _key(aim: _Aim, name: str) -> tuple[int, datetime]:
    urgency = aim.urgency[name]
    return (urgency.priority, urgency.latest or LAST)


def _ranks(ranks: Mapping[str, int], group: list[str], task: str) -> dict[str, int]:
    """Fixed places for the group down to the moved task and to the last place set by hand; the rest stays free."""
    last = max(place for place, name in enumerate(group) if name == task or name in ranks)
    return {**ranks, **{name: place for place, name in enumerate(group[: last + 1])}}
