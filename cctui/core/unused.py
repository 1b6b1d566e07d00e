"""Unused capacity while runnable work waited: counted while a window passes, closed when it ends.  Pure.

A window is looked at once a minute.  What waited since the last look, while a slot was free for it, could have spent
its own rate for that time, at most what such a task usually takes; the first gate that held it is the cause.  Work that
waits for nothing but a slot counts as if there were one more.  At the window's end

- the sum is cut to what the window had left, less what a reserve in force then kept for the person;
- what waited for a reserve counts up to the part of it that the person has not used, and beyond that as work that did
  not fit into what the reserve left;
- what the week could not have given is not lost, nor is anything while nobody looked (no engine, machine asleep).

A stretch in which no window is open, known to be so, offers 20 points an hour, for 5 hours at most.

It never changes what is decided: a World without watches (a rehearsal, the command line) is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core import attribution, capacity, queue, reserve
from cctui.core.cost import ALL
from cctui.core.effects import Effect, SaveWatch, SaveWindow
from cctui.core.runners import needs_claude
from cctui.core.watching import as_claimed, waiting
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Cause,
    ClosedWindow,
    Reason,
    Share,
    Task,
    Wait,
    Watch,
    Why,
    World,
)

Change = tuple[World, tuple[Effect, ...]]
GRAIN, SAVE_EVERY = timedelta(seconds=60), timedelta(minutes=10)
ASLEEP = timedelta(minutes=5)
"""A longer time between two looks was not lived through: the machine slept, or the clock was set."""
KEEP = 200
POINTS_AN_HOUR = 20.0
SCANNED = 1000
"""Tasks of the queue that one look asks at most."""
LEAST = 0.005
"""Points below which nothing is said to be lost."""

CAUSES: Mapping[Why, Cause] = {
    Why.PROGRAM: Cause.TROUBLE,
    Why.DISK: Cause.TROUBLE,
    Why.PAUSED: Cause.PAUSED,
    Why.HOLD: Cause.HOLD,
    Why.LIMIT: Cause.TROUBLE,
    Why.OUTAGE: Cause.TROUBLE,
    Why.LOGIN: Cause.TROUBLE,
    Why.QUIET: Cause.QUIET,
    Why.CAPACITY: Cause.FIT,
    Why.BLIND: Cause.BLIND,
    Why.PACE: Cause.LIMITS,
    Why.SHARE: Cause.LIMITS,
    Why.FIT: Cause.FIT,
    Why.RESERVE: Cause.RESERVE,
    Why.PERSON: Cause.RESERVE,
    Why.RESERVED: Cause.FIT,
    Why.CANARY: Cause.TROUBLE,
    Why.STAGGER: Cause.TROUBLE,
    Why.FOLDER: Cause.FOLDER,
    Why.SLOTS: Cause.SLOTS,
}
"""Gates that hold back runnable work; a task before any other gate is not runnable, and waits for no capacity."""
OF_WINDOWS = (Why.LIMIT, Why.CAPACITY, Why.FIT, Why.RESERVE, Why.PERSON)
"""Gates whose reason names a window."""
RUNNABLE = tuple(gate for why, gate in queue.GATES if why not in CAUSES)


def watched(before: World, world: World, now: datetime) -> Change:
    """The World with its windows watched up to `now`; `before`: as it was before the event that led here."""
    if world.watches is None or not world.settings.capacity.gate:
        return world, ()
    leaving = world.draining and not before.draining
    if not leaving and not (world.measured and queue.ready(world)):
        return world, ()
    effects: list[Effect] = []
    for window in (FIVE_HOUR, SEVEN_DAY):
        watch = world.watches.get(window)
        if watch is None or _due(watch, before, world, now):
            world, more = _looked(before, world, window, now)
            effects += more
    return world, tuple(effects)


def loaded(watches: tuple[Watch, ...] | None) -> dict[str, Watch] | None:
    """What an engine before this one has saved of windows, to go on with.  Until the first look nothing counts."""
    if watches is None:
        return None
    return {
        watch.window: replace(watch, at=None, waits=(), before=(watch.ours, watch.person, watch.flying))
        for watch in watches
    }


def _due(watch: Watch, before: World, world: World, now: datetime) -> bool:
    if watch.at is None or not timedelta(0) <= now - watch.at < GRAIN or world.draining:
        return True
    if watch.ends is not None and now >= watch.ends:
        return True
    share = world.shares.get(watch.window)
    if share is before.shares.get(watch.window) or share is None or share.resets_at is None:
        return False
    return watch.ends is None or share.resets_at - watch.ends > attribution.SAME_END


def _looked(before: World, world: World, window: str, now: datetime) -> Change:
    """One look at one window: count what has passed, close it if it is over, and note what waits from now on."""
    watch = _watch_of(world, window, now)
    if watch is None:
        return world, ()
    effects: list[Effect] = []
    until = min(now, watch.ends) if watch.ends else now
    watch = _seen(_passed(watch, until), before, world)
    over = _over(watch, world, now)
    if over is not None:
        closed = _closed(watch, over, world)
        watch = Watch(window, over if now - over <= ASLEEP else now)
        if closed.open or closed.unused > 0:
            world = replace(world, windows=(*world.windows, closed)[-KEEP:])
            effects.append(SaveWindow(closed))
    watch = _seen(_opened(watch, world, now), before, world)
    watch = _waiting(replace(watch, at=now, waits=()), world, now)
    if _to_save(watch, world, now):
        watch = replace(watch, saved=now, mark=_sum(watch))
        effects.append(SaveWatch(watch))
    assert world.watches is not None  # else nobody would have looked
    return replace(world, watches={**world.watches, window: watch}), tuple(effects)


# --- which window it is ----------------------------------------------------------------------------------------------


def _watch_of(world: World, window: str, now: datetime) -> Watch | None:
    found = (world.watches or {}).get(window)
    if found is not None:
        return found
    ends = _ends(world, window, now)
    if ends is not None:
        return Watch(window, ends - capacity.length(window), ends)
    return Watch(window, now) if window == FIVE_HOUR else None


def _ends(world: World, window: str, now: datetime) -> datetime | None:
    """When the window that is open ends; None: none is open, or it is not known."""
    share = world.shares.get(window)
    return share.resets_at if share and share.resets_at and share.resets_at > now else None


def _over(watch: Watch, world: World, now: datetime) -> datetime | None:
    """When what is watched has ended; None: it goes on."""
    ends = _ends(world, watch.window, now)
    if watch.ends is not None:
        later = ends is not None and ends - watch.ends > attribution.SAME_END
        return min(watch.ends, now) if now >= watch.ends or later else None
    if watch.window != FIVE_HOUR:
        return None
    if ends is not None:
        opened = ends - capacity.FIVE_HOURS
        return opened if opened > watch.opened + attribution.SAME_END else None
    longest = watch.opened + capacity.FIVE_HOURS
    return longest if now >= longest else None


def _opened(watch: Watch, world: World, now: datetime) -> Watch:
    """The watch with the window that has been opened since."""
    ends = _ends(world, watch.window, now)
    if watch.ends is not None or ends is None:
        return watch
    return replace(watch, opened=ends - capacity.length(watch.window), ends=ends)


def _shut(world: World, now: datetime) -> bool:
    """Whether it is known that no 5-hour window is open."""
    share = world.shares.get(FIVE_HOUR)
    return share is not None and share.resets_at is None and capacity.used(world, FIVE_HOUR, now) is not None


# --- what it was used for --------------------------------------------------------------------------------------------


def _seen(watch: Watch, before: World, world: World) -> Watch:
    """The watch with the window's use as last seen: of the share that is about this window and no other."""
    if watch.ends is None:
        return watch
    share = next((share for share in _shares(before, world, watch) if _same(share, watch.ends)), None)
    if share is None:
        return watch
    had_ours, had_person, had_flying = watch.before
    used = min(max(watch.used or 0.0, share.used), 100.0)
    # Runs that are found again bring all they have used since their start: also what was counted before.
    ours = min(max(watch.ours, had_ours - had_flying + share.ours), used)
    person = min(max(watch.person, had_person + share.person), used - ours)
    open_runs = sum(run.points.get(watch.window, 0.0) for run in world.runs.values())
    return replace(watch, used=used, ours=ours, person=person, flying=min(open_runs, ours))


def _shares(before: World, world: World, watch: Watch) -> Iterator[Share]:
    for each in (world, before):
        share = each.shares.get(watch.window)
        if share is not None:
            yield share


def _same(share: Share, ends: datetime) -> bool:
    return share.resets_at is not None and abs(share.resets_at - ends) <= attribution.SAME_END


# --- what waited -----------------------------------------------------------------------------------------------------


def _passed(watch: Watch, until: datetime) -> Watch:
    """The watch with the time since the last look counted."""
    gone = until - watch.at if watch.at else timedelta(0)
    seconds = gone.total_seconds()
    if not timedelta(0) < gone <= ASLEEP:
        return watch
    lost, spent, waited = dict(watch.lost), dict(watch.spent), dict(watch.waited)
    for place, wait in enumerate(watch.waits):
        points = min(wait.rate * seconds, wait.most)
        lost[wait.cause] = lost.get(wait.cause, 0.0) + points
        spent[wait.task] = spent.get(wait.task, 0.0) + points
        if place == 0:
            waited[wait.cause] = waited.get(wait.cause, 0.0) + seconds
    return replace(watch, lost=lost, spent=spent, waited=waited, watched=watch.watched + seconds)


def _waiting(watch: Watch, world: World, now: datetime) -> Watch:
    """The watch with what waits from now on, and what is kept for the person while it does."""
    if watch.window != FIVE_HOUR or not queue.ready(world) or (watch.ends is None and not _shut(world, now)):
        return watch
    scene = queue.scene(world, now)
    free = max(world.settings.run.slots - scene.live, 0)
    found: list[Wait] = []
    kept, grown = watch.reserve, watch.grown
    for task in _candidates(scene):
        if len(found) >= max(free, 1):
            break
        reason = _held(scene, task)
        if reason is None or (free == 0 and reason.why is not Why.SLOTS):
            continue
        if reason.why is Why.RESERVE:
            kept = max(kept, reserve.in_force(world.settings.capacity.reserve, world.zone, now)[FIVE_HOUR])
        elif reason.why is Why.PERSON:
            grown = max(grown, world.settings.capacity.person_grows)
        rate, most = _spends(scene, task)
        most -= watch.spent.get(task.name, 0.0)
        if most > LEAST:
            found.append(Wait(task.name, CAUSES[reason.why].value, rate, most))
    return replace(watch, waits=tuple(found), reserve=kept, grown=grown)


def _candidates(scene: queue.Scene) -> Iterator[Task]:
    """What may go on or start, the most urgent first."""
    world = scene.world
    for run in waiting(world):
        yield as_claimed(world, run)
    for name in world.line.order[:SCANNED]:
        task = world.tasks.get(name)
        if task is not None and name not in scene.by_task:
            yield task


def _held(scene: queue.Scene, task: Task) -> Reason | None:
    """What holds back a task that is runnable and would spend this window; None: nothing does, or it is not."""
    only = scene.world.only
    if not needs_claude(task.runner) or (only is not None and task.name not in only):
        return None
    asked = RUNNABLE
    if task.name in scene.by_task or task.name in scene.world.forced:
        mine = queue.gates_of(scene, task)
        asked = tuple(gate for gate in RUNNABLE if gate in mine)
    if any(gate(scene, task) is not None for gate in asked):
        return None
    reason = next(queue.held(scene, task), None)
    if reason is None or (reason.why in OF_WINDOWS and reason.what not in ("", FIVE_HOUR)):
        return None
    return reason


def _spends(scene: queue.Scene, task: Task) -> tuple[float, float]:
    """Points of the 5-hour window per second, and in all, half of the time at most."""
    known = scene.estimate(task)
    points = known.points.get(FIVE_HOUR) if known else None
    rate = 0.0
    if known and known.rate:
        rate = known.rate.p50 / 3600
    elif points and known and known.seconds and known.seconds.p50 > 0:
        rate = points.p50 / known.seconds.p50
    if rate <= 0:
        everything = scene.world.costs.get(ALL)
        rate = (everything.rate.p50 if everything and everything.rate else 0.0) / 3600
    run = scene.by_task.get(task.name)
    had = run.points.get(FIVE_HOUR, 0.0) if run else 0.0
    return rate if rate > 0 else POINTS_AN_HOUR / 3600, max(points.p50 - had, 0.0) if points else 100.0


# --- its end ---------------------------------------------------------------------------------------------------------


def _closed(watch: Watch, ended: datetime, world: World) -> ClosedWindow:
    hours = (ended - watch.opened).total_seconds() / 3600
    is_open = watch.ends is not None
    size = 100.0 if is_open else min(hours * POINTS_AN_HOUR, 100.0)
    left = max(size - (watch.used or 0.0), 0.0)
    last = ended - timedelta(seconds=1)
    share = reserve.in_force(world.settings.capacity.reserve, world.zone, last).get(watch.window, 0.0)
    return ClosedWindow(
        watch.window,
        watch.opened,
        ended,
        is_open,
        size,
        watch.used or 0.0,
        watch.ours,
        watch.person,
        bounded(watch, left, max(share - watch.person, 0.0)),
        {cause: round(seconds) for cause, seconds in watch.waited.items()},
        watch.watched,
    )


def bounded(watch: Watch, left: float, kept: float) -> dict[str, float]:
    """Cause → points of what was left that are lost to it; `kept`: what a reserve in force at the end still held."""
    lost = dict(watch.lost)
    asked = lost.pop(Cause.RESERVE.value, 0.0)
    for_person = min(asked, max(watch.reserve - watch.person, watch.grown, 0.0))
    if asked > for_person:
        lost[Cause.FIT.value] = lost.get(Cause.FIT.value, 0.0) + asked - for_person
    rest = _scaled(lost, max(left - kept, 0.0))
    parts = {**rest, Cause.RESERVE.value: min(for_person, left - sum(rest.values()))}
    return {cause: points for cause, points in parts.items() if points > LEAST}


def _scaled(lost: Mapping[str, float], most: float) -> dict[str, float]:
    whole = sum(lost.values())
    part = min(most / whole, 1.0) if whole > 0 else 0.0
    return {cause: points * part for cause, points in lost.items()}


def _to_save(watch: Watch, world: World, now: datetime) -> bool:
    if watch.ends is None and not watch.lost:
        return False
    due = watch.saved is None or now - watch.saved >= SAVE_EVERY or now < watch.saved
    return world.draining or (due and _sum(watch) != watch.mark)


def _sum(watch: Watch) -> float:
    """Something that changes with every figure that is worth saving."""
    return sum(watch.waited.values()) + sum(watch.lost.values()) + (watch.used or 0.0) + watch.ours + watch.person
