"""`idle_ready_points`: capacity that expired while a task could have used it.

Where the page leaves a choice: what is lost of a window is lost to the tasks of the dearest rate (that decides how many
weekly points it had), and a stretch without a window, as it counts as one, is less by the reserve in force before its
end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.core.second_figures import Leg, Replay, Window
from tests.core.second_page import Task

POINTS_AN_HOUR = 20


@dataclass(frozen=True, slots=True)
class Lost:
    """At `at` these points of the five-hour window were gone, and with them those of the week."""

    at: int
    five: float
    week: float


def idle_ready_points(replay: Replay) -> float:
    by_week: dict[int, list[Lost]] = defaultdict(list)
    for lost in _all(replay):
        by_week[replay.week_at(lost.at - 1).opened].append(lost)
    total = 0.0
    for week in replay.weeks:
        five, weekly = (sum(getattr(lost, key) for lost in by_week[week.opened]) for key in ("five", "week"))
        left = _left(replay, week)
        total += five * (left / weekly if weekly > left else 1)
    return total


def _all(replay: Replay) -> Iterator[Lost]:
    for window in replay.windows:
        if 0 < window.ends <= replay.end:
            begin = max(0, window.opened)
            yield _lost(replay, begin, window.ends, window, _left(replay, window))
    for begin, end in _without(replay):
        left = _offered(begin, end) - replay.reserve(end - 1, weekly=False)
        yield _lost(replay, begin, end, None, max(0.0, left))


def _without(replay: Replay) -> Iterator[tuple[int, int]]:
    """Stretches in which no window is open."""
    since = 0
    for window in replay.windows:
        if window.opened > since:
            yield since, window.opened
        since = window.ends
    if since < replay.end:
        yield since, replay.end


def _left(replay: Replay, window: Window) -> float:
    """Just before its reset, or at the end: less what the person may still claim."""
    until = min(window.ends, replay.end)
    reserve = replay.reserve(until - 1, weekly=window.weekly)
    claim = max(0.0, reserve - replay.by_person(window, until))
    return max(0.0, 100 - replay.used(window, until) - claim)


def _lost(replay: Replay, begin: int, end: int, window: Window | None, left: float) -> Lost:
    waited: dict[str, float] = defaultdict(float)
    free = 0.0
    for since, till in replay.spans(begin, end):
        slots = replay.page.slots - sum(leg.start <= since < leg.end for leg in replay.legs)
        ready = [task.name for task in replay.page.tasks if _ready(replay, task, since)]
        if slots > 0 and ready:
            if window:
                span = _open_time(replay, window, since, till)
            else:
                span = (till - since) * (_offered(begin, end) > _most_reserve(replay, since, end))
            free += slots * span
            for name in ready:
                waited[name] += span
    lost = week = 0.0
    for name in sorted(waited, key=lambda name: -_rate(replay.tasks[name])):
        task = replay.tasks[name]
        used = min(waited[name], _to_do(replay.of[name], task, end), free)
        points = min(used * _rate(task), left - lost)
        free -= used
        lost += points
        week += points * float(task.cost.week / task.cost.five)
    return Lost(end, lost, week)


def _rate(task: Task) -> float:
    """Points a millisecond."""
    return float(task.cost.five / task.cost.seconds) / 1000


def _ready(replay: Replay, task: Task, at: int) -> bool:
    if replay.arrives[task.name] > at or replay.done.get(task.name, at + 1) <= at:
        return False
    if any(leg.start <= at < leg.end for leg in replay.of[task.name]):
        return False
    return all(replay.done.get(name, at + 1) <= at for name in task.needs)


def _to_do(legs: list[Leg], task: Task, at: int) -> float:
    """Milliseconds of work left at an instant."""
    begun = [leg for leg in legs if leg.start < at]
    if not begun:
        return float(task.cost.seconds) * 1000
    return max(0.0, begun[-1].left_ms + max(0, begun[-1].end - at))


def _offered(begin: int, end: int) -> float:
    return (end - begin) / 3_600_000 * POINTS_AN_HOUR


def _most_reserve(replay: Replay, since: int, end: int) -> float:
    return max(replay.reserve(at, weekly=False) for at, _ in replay.spans(since, end))


def _open_time(replay: Replay, window: Window, since: int, till: int) -> float:
    """Milliseconds of a span in which a reserve, then or later in the window, leaves something to spend."""
    claim = max(0.0, _most_reserve(replay, since, window.ends) - replay.by_person(window, since))
    if not claim:
        return till - since
    first = 100 - replay.used(window, since) - claim
    spent = replay.by_runs(window, till) - replay.by_runs(window, since)
    if first <= 1e-9:
        return 0.0
    return till - since if spent <= first else (till - since) * first / spent
