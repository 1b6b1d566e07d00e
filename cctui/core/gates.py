"""Every gate of one task, open or shut, with its sentence and its numbers, as `ccq why` shows them.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cctui.core import capacity, queue
from cctui.core.runners import needs_claude
from cctui.core.watching import as_claimed
from cctui.core.words import percent, problem, sentence, window_name
from cctui.core.world import FIVE_HOUR, Broken, Reason, Task, Why, World


@dataclass(frozen=True, slots=True)
class Gate:
    gate: str
    open: bool
    text: str
    value: float | None = None
    threshold: float | None = None
    until: datetime | None = None


def why(world: World, name: str, now: datetime) -> tuple[Gate, ...]:
    """Every gate of a task, open or shut, in the order in which they are asked; () for a name that is no task."""
    task = world.tasks.get(name)
    if task is None:
        return tuple(_invalid(entry) for entry in world.broken if name in (entry.name, entry.path))
    scene = queue.scene(world, now)
    run = queue.run_of(world, name)
    shut = {reason.why: reason for reason in queue.held(scene, as_claimed(world, run) if run else task)}
    return tuple(
        _shut(world, shut[which], now) if which in shut else _opened(world, task, which, scene, now)
        for which, _ in queue.GATES
    )


def _invalid(entry: Broken) -> Gate:
    return Gate(Why.INVALID.value, False, problem(entry) if entry.problems else "the file cannot be read")


def _shut(world: World, reason: Reason, now: datetime) -> Gate:
    text = sentence(world, reason, now)
    return Gate(reason.why.value, False, text, reason.value, reason.threshold, reason.until)


OPEN: Mapping[Why, str] = {
    Why.UNSUPPORTED: "everything it asks for is supported",
    Why.MISSING: "every task it needs exists",
    Why.CYCLE: "it does not wait for itself",
    Why.PROGRAM: "the programs it needs are there",
    Why.PAUSED: "not paused",
    Why.HOLD: "no hold",
    Why.STARTING: "the engine is ready",
    Why.NOT_BEFORE: "its start time has come",
    Why.RETRY: "no retry is pending",
    Why.DEPENDS_FAILED: "nothing it needs has failed",
    Why.DEPENDS: "everything it needs is done",
    Why.LIMIT: "no limit was hit",
    Why.OUTAGE: "Claude's API answers",
    Why.LOGIN: "the login was not refused",
    Why.NEEDS_YOU: "nothing waits for your answer",
    Why.DISK: "ROOT and STATE can be written",
    Why.STAGGER: "no other interrupted run has just gone on",
    Why.BLIND: "the reading is fresh enough",
    Why.CANARY: "nothing has to be tried first",
    Why.FOLDER: "nothing else runs in its folder",
}


def _opened(world: World, task: Task, which: Why, scene: queue.Scene, now: datetime) -> Gate:
    if scene.world.forced.get(task.name) is not None and _would_shut(scene, task, which):
        return Gate(which.value, True, "passed over: a person wants it now")
    if which is Why.CAPACITY:
        return _windows(world, task, now)
    if which is Why.SLOTS:
        slots = world.settings.run.slots
        return Gate(which.value, True, f"{scene.live} of {slots} slots taken", float(scene.live), float(slots))
    if which is Why.BLIND and scene.blind:
        return Gate(which.value, True, "no fresh reading, but nothing else runs", 0.0, 1.0)
    return Gate(which.value, True, OPEN.get(which, "open"))


def _would_shut(scene: queue.Scene, task: Task, which: Why) -> bool:
    return any(gate(scene, task) is not None for why, gate in queue.GATES if why is which)


def _windows(world: World, task: Task, now: datetime) -> Gate:
    """The open capacity gate, with the numbers of the window that is nearest to its maximum."""
    settings = world.settings.capacity
    gate = Why.CAPACITY.value
    if not needs_claude(task.runner):
        return Gate(gate, True, "it spends no capacity")
    if not settings.gate:
        return Gate(gate, True, "the capacity gate is off")
    maxima = capacity.thresholds(settings)
    known = [
        (window, maxima.get(window.id, settings.seven_day_max))
        for window in capacity.windows(world, now)
        if window.used is not None and capacity.binds(window.id, task.model)
    ]
    if not known:
        return Gate(gate, True, f"{window_name(FIVE_HOUR)}: use unknown", None, settings.five_hour_max)
    tight, most = min(known, key=lambda pair: pair[1] - (pair[0].used or 0.0))
    text = f"{window_name(tight.id)} at {percent(tight.used)}, max {percent(most)}"
    return Gate(gate, True, text, tight.used, most, tight.resets_at)
