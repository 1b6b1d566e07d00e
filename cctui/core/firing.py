"""Recurring work: which firings of which templates are due, and how far each schedule has been dealt with.  Pure.

A template's watermark (Memory.firings) moves on only when its firing lies in the queue, and the firing's name is made
from the moment it was due: whatever dies in between, the next decision puts the same file there again, or finds it.  So
a firing is neither lost nor doubled.  A template that is new, or whose schedule is, has missed nothing before that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from cctui.core import queue, recur
from cctui.core.effects import Effect, Fire, SaveMemory
from cctui.core.notes import noted
from cctui.core.words import moment, short
from cctui.core.world import Firing, Level, Phase, Task, World

Change = tuple[World, tuple[Effect, ...]]

GRACE = timedelta(seconds=120)
"""A firing that is met within this time was not missed; nor one within its window."""
AHEAD = timedelta(days=1)
"""A watermark further in the future than this is a clock's that was wrong."""
MOST = 50
"""Missed firings that `catchup: all` makes up for: the newest."""
AGAIN = timedelta(seconds=60)
"""Until a firing that could not be put into the queue is tried again."""
WAITS = (Phase.PENDING, Phase.ACTIVE)


# --- templates -------------------------------------------------------------------------------------------------------


def templates(world: World) -> Iterator[Task]:
    return (world.tasks[name] for name in world.line.templates if name in world.tasks)


def zone_of(world: World, task: Task, now: datetime) -> tzinfo:
    """The zone of the schedule: its own, the person's, or the offset of this moment where no zone is known."""
    for name in (task.tz, world.zone):
        if name:
            try:
                return ZoneInfo(name)
            except (OSError, ValueError, KeyError):
                continue
    return timezone(now.utcoffset() or timedelta(0))


def next_fire(world: World, task: Task, now: datetime) -> datetime | None:
    """The next firing that has not been dealt with, also one that is to be left out; None: there is none."""
    if not task.schedule or task.paused:
        return None
    mark = _mark(world, task, now)
    since = mark.until if task.not_before is None else max(mark.until, task.not_before - timedelta(seconds=1))
    return recur.next_fire(task.schedule, zone_of(world, task, now), task.name, since)


def skips(world: World, task: Task) -> bool:
    """Whether its next firing is to be left out."""
    mark = world.memory.firings.get(task.name)
    return mark is not None and mark.skip


def upcoming(world: World, task: Task, now: datetime, count: int) -> tuple[datetime, ...]:
    """The next firings from now on, those that are to be left out among them."""
    first = next_fire(world, task, now)
    if first is None or not task.schedule:
        return ()
    zone = zone_of(world, task, now)
    since = max(first - timedelta(seconds=1), now - timedelta(seconds=1))
    return tuple(recur.fires(task.schedule, zone, task.name, since, count=count))


def moments(world: World, now: datetime) -> Iterator[datetime]:
    """When a template has to be looked at again."""
    for task in templates(world):
        again = world.firing.get(task.name, now)
        due = next_fire(world, task, now)
        if due is not None and again is not None:
            yield max(due, again)


# --- the watermark ---------------------------------------------------------------------------------------------------


def _rule(task: Task) -> str:
    """What a watermark is about."""
    return "" if task.paused or not task.schedule else f"{task.schedule} {task.tz or ''}".strip()


def _mark(world: World, task: Task, now: datetime) -> Firing:
    """Its watermark as it has to be now."""
    mark = world.memory.firings.get(task.name)
    if mark is None:
        return Firing(now, schedule=_rule(task))
    if mark.schedule != _rule(task):
        # The file's own time tells when that was written, also if nobody was there to see it.
        return Firing(max(mark.until, min(task.added or now, now)), mark.skip, _rule(task))
    return replace(mark, until=now) if mark.until > now + AHEAD else mark


def _marked(world: World, found: list[Task], now: datetime) -> World:
    """Every template with its watermark, and no watermark without a template."""
    old = world.memory.firings
    marks = {task.name: _mark(world, task, now) for task in found}
    unread = any(entry.path == entry.phase for entry in world.broken)
    broken = {entry.name for entry in world.broken}
    marks |= {name: mark for name, mark in old.items() if name not in marks and (unread or name in broken)}
    return world if marks == old else replace(world, memory=replace(world.memory, firings=marks))


def _with_mark(world: World, name: str, mark: Firing) -> World:
    return replace(world, memory=replace(world.memory, firings={**world.memory.firings, name: mark}))


# --- what is due -----------------------------------------------------------------------------------------------------


def due(world: World, now: datetime) -> Change:
    """Put into the queue what is due; at most one firing of a template is under way at a time."""
    if not queue.ready(world) or world.only is not None:
        return world, ()
    effects: tuple[Effect, ...] = ()
    before, found = world.memory, list(templates(world))
    if not found and not before.firings:
        return world, ()
    world = _marked(world, found, now)
    for task in found:
        world, more = _deal(world, task, now)
        effects += more
    if world.memory is not before:
        effects += (SaveMemory(world.memory),)
    return world, effects


def _deal(world: World, task: Task, now: datetime) -> Change:
    """Move the watermark past what is not to be fired; the first one that is, is fired."""
    again = world.firing.get(task.name, now)
    if again is None or again > now:
        return world, ()
    while (first := next_fire(world, task, now)) is not None and first <= now:
        mark = _mark(world, task, now)
        if mark.skip:
            world = _noted(world, task, first, now, "is left out, as you wanted")
            world = _with_mark(world, task.name, replace(mark, until=first, skip=False))
            continue
        chosen = _chosen(world, task, first, now)
        missed = now - chosen > _grace(task)
        name = f"{task.name}@{_stamp(world, task, chosen, now)}"
        if missed and task.catchup == "skip":
            world = _noted(world, task, chosen, now, "was missed and is left out")
        elif not (missed and task.catchup == "all") and task.overlap == "skip" and (other := waits(world, task.name)):
            world = _noted(world, task, chosen, now, f"is left out: {short(other)} has not ended", once=True)
        elif not _known(world, name):
            if more := _more(world, task, first, chosen, now):
                world = _noted(world, task, chosen, now, f"is made up for; {more} before it")
            deadline = chosen + timedelta(seconds=task.window) if task.window and not task.deadline else None
            world = replace(world, firing={**world.firing, task.name: None})
            return world, (Fire(task.name, task.path, name, chosen, deadline),)
        world = _with_mark(world, task.name, replace(mark, until=chosen))
    return world, ()


def _grace(task: Task) -> timedelta:
    return max(GRACE, timedelta(seconds=task.window or 0.0))


def _chosen(world: World, task: Task, first: datetime, now: datetime) -> datetime:
    """Which of the firings from `first` until now is dealt with next; those before it are not fired."""
    assert task.schedule
    zone, last = zone_of(world, task, now), first
    if task.catchup == "all":
        # The newest MOST, the oldest of them first.
        some = list(islice(recur.fires(task.schedule, zone, task.name, first, until=now), MOST))
        return first if len(some) < MOST else _newest(task.schedule, zone, task.name, first, now)
    if task.overlap == "queue":
        fresh = recur.next_fire(task.schedule, zone, task.name, max(first, now - _grace(task)) - timedelta(seconds=1))
        if fresh is not None and fresh <= now:
            return fresh
    return recur.latest(task.schedule, zone, task.name, first, now) or last


def _newest(schedule: str, zone: tzinfo, name: str, first: datetime, now: datetime) -> datetime:
    """The first of the newest MOST firings."""
    found = until = now
    for _ in range(MOST):
        last = recur.latest(schedule, zone, name, first, until)
        if last is None:
            break
        found, until = last, last - timedelta(seconds=1)
    return found


def _more(world: World, task: Task, first: datetime, chosen: datetime, now: datetime) -> str:
    """How many are passed over; empty: none."""
    if not task.schedule or chosen <= first:
        return ""
    zone = zone_of(world, task, now)
    over = list(islice(recur.fires(task.schedule, zone, task.name, first - timedelta(seconds=1), until=chosen), MOST))
    return f"{len(over) - 1 if len(over) < MOST else f'{MOST} or more'} missed"


def waits(world: World, name: str) -> str | None:
    """A firing of the template `name` that has not ended."""
    names = [task.name for task in world.tasks.values() if task.phase in WAITS]
    names += [run.spec.task for run in world.runs.values()]
    return next((other for other in names if other.startswith(f"{name}@")), None)


def _known(world: World, name: str) -> bool:
    """Whether that firing has been in the queue already: by its file, or by the history."""
    return name in world.tasks or any(record.task_id == name for record in world.records)


def _stamp(world: World, task: Task, due: datetime, now: datetime) -> str:
    own = task.tz if task.tz != world.zone else None
    return recur.stamp(due, zone_of(world, task, now) if world.zone and not own else None)


def _noted(world: World, task: Task, due: datetime, now: datetime, what: str, *, once: bool = False) -> World:
    """`once`: not again while it is still among what was said last."""
    if once and any(note.task == task.name and note.text.endswith(what) for note in world.notes):
        return world
    zone = zone_of(world, task, now)
    text = f"{task.name}: the firing of {moment(due, now.astimezone(zone))} {what}"
    return noted(world, now, Level.INFO, text, task=task.name)


# --- what came of it, and what a person wants ------------------------------------------------------------------------


def on_fired(world: World, fire: Fire, now: datetime) -> Change:
    """Its file is there: the watermark may move on."""
    if fire.extra:
        world = replace(world, forced={**world.forced, fire.name: fire.force})
        only = None if world.only is None else world.only | {fire.name}
        return noted(
            replace(world, only=only), now, Level.INFO, f"{fire.name} is put into the queue", task=fire.name
        ), ()
    firing = {name: again for name, again in world.firing.items() if name != fire.template}
    world = noted(replace(world, firing=firing), now, Level.INFO, f"{fire.name} is due", task=fire.name)
    mark = world.memory.firings.get(fire.template)
    if mark is None:
        return world, ()
    world = _with_mark(world, fire.template, replace(mark, until=max(mark.until, fire.due)))
    return world, (SaveMemory(world.memory),)


def on_failed(world: World, fire: Fire, now: datetime) -> World:
    """It could not be put into the queue; the same one is tried again."""
    return world if fire.extra else replace(world, firing={**world.firing, fire.template: now + AGAIN})


def skip(world: World, task: Task, on: bool, now: datetime) -> Change:
    """Leave out the next firing, or take that back."""
    due = next_fire(world, task, now)
    world = _with_mark(world, task.name, replace(_mark(world, task, now), skip=on))
    if due is not None:
        world = _noted(world, task, due, now, "will be left out" if on else "will not be left out")
    return world, (SaveMemory(world.memory),)


def run_now(world: World, task: Task, force: bool, now: datetime) -> Change:
    """One firing more, at once."""
    due = now.replace(microsecond=0)
    name = f"{task.name}@{_stamp(world, task, due, now)}"
    return world, (Fire(task.name, task.path, name, due, extra=True, force=force),)


def resumed(world: World, task: Task, now: datetime) -> Change:
    """No longer paused: what was missed meanwhile is not made up for."""
    mark = world.memory.firings.get(task.name)
    skip_next = mark is not None and mark.skip
    world = _with_mark(world, task.name, Firing(now, skip_next, _rule(task)))
    return world, (SaveMemory(world.memory),)
