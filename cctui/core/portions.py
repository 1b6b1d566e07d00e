"""Portions: the most that tasks of one tag or project may take of a window, the least that is kept for them.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from cctui.core import capacity
from cctui.core.admission import Need, Room
from cctui.core.settings import Portion
from cctui.core.world import FIVE_HOUR, Phase, Reason, Record, Task, Why, World


def shut(world: World, rooms: tuple[Room, ...], task: Task, needs: Mapping[str, Need], now: datetime) -> Reason | None:
    """The portion that `task` would go beyond, or take from, if it started now."""
    for portion in world.settings.capacity.portion:
        mine = of(portion, task.tags, task.folder)
        for room in rooms:
            need = needs.get(room.window)
            if need is None:
                continue
            takes, until = need.until(room.ends), now + timedelta(seconds=room.ends)
            taken = used(world, portion, room, now)
            what = portion.tag or portion.project
            if mine and takes > portion.cap - taken:
                return Reason(Why.SHARE, what, takes, max(portion.cap - taken, 0.0), until)
            kept = portion.floor - taken
            free = 100.0 - room.used - room.claimed
            if not mine and kept > 0 and takes > free - kept and _wanted(world, portion):
                return Reason(Why.SHARE, what, takes, max(free - kept, 0.0), until)
    return None


def of(portion: Portion, tags: tuple[str, ...], folder: str) -> bool:
    """Whether work with these tags, in this folder, belongs to the portion."""
    if portion.tag:
        return portion.tag in tags
    return f"{folder}/".startswith(portion.project.rstrip("/") + "/")


def used(world: World, portion: Portion, room: Room, now: datetime) -> float:
    """Points of the window that such work has taken since it opened, and what runs at work have taken so far."""
    opened = now + timedelta(seconds=room.ends) - capacity.length(room.window)
    total = 0.0
    for record in reversed(world.records):
        if record.ended is None or record.ended < opened:
            break
        if _recorded(world, portion, record):
            total += (record.window_pct if room.window == FIVE_HOUR else record.week_pct) or 0.0
    for run in world.runs.values():
        task = world.tasks.get(run.spec.task)
        if of(portion, task.tags if task else (), run.spec.folder):
            total += run.points.get(room.window, 0.0)
    return total


def _recorded(world: World, portion: Portion, record: Record) -> bool:
    task = world.tasks.get(record.task_id)
    return of(portion, task.tags if task else (), record.project or "")


def _wanted(world: World, portion: Portion) -> bool:
    """Whether any such work waits at all: what nobody wants is kept for nobody."""
    return any(
        task.phase is Phase.PENDING and not task.paused and of(portion, task.tags, task.folder)
        for task in world.tasks.values()
    )
