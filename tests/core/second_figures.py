"""What follows from the segments of a result: windows, broken rules, figures; by sums over spans, not step by step.

Times are whole milliseconds since the start, as results are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from tests.core.second_page import Page, Row, Task

FIVE_HOURS, WEEK = 5 * 3_600_000, 7 * 86_400_000
TINY = 5e-4
"""Points that may be lost when times are written to the millisecond: a window this near to 100 stands at 100."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One segment with what it spends a millisecond, and the part of its seconds left after it."""

    task: str
    start: int
    end: int
    why: str
    five: float
    week: float
    left_ms: float

    def in_flight_at(self, reset: int) -> bool:
        """A run is cut, landed or left open only after a window of that instant has ended; it is done before."""
        return self.start < reset < self.end + (self.why != "done")

    def within(self, begin: int, end: int) -> int:
        return max(0, min(self.end, end) - max(self.start, begin))


@dataclass(frozen=True, slots=True)
class Taken:
    """What the person was given of one use."""

    at: int
    five: float
    week: float
    refused: float


@dataclass(frozen=True, slots=True)
class Window:
    """Of five hours or of a week; `held` is what it held at the start of the scenario."""

    opened: int
    ends: int
    held: float
    weekly: bool = False

    def points(self, item: Leg | Taken) -> float:
        return item.week if self.weekly else item.five


@dataclass(frozen=True, slots=True)
class Judged:
    figures: dict[str, float]
    windows: list[Row]
    violations: list[str]


def ms(seconds: Fraction) -> int:
    return round(seconds * 1000)


class Replay:
    """The world as the segments tell it."""

    def __init__(self, page: Page, segments: Mapping[str, Sequence[Row]]) -> None:
        self.page, self.end = page, ms(page.length)
        self.tasks = {task.name: task for task in page.tasks}
        self.arrives = {task.name: ms(task.arrives) for task in page.tasks}
        self.held = [(ms(held.begin), ms(held.end), float(held.five), float(held.week)) for held in page.held]
        self.legs = sorted(
            (leg for task in page.tasks for leg in self._legs(task, segments.get(task.name, ()))),
            key=lambda leg: (leg.start, leg.end),
        )
        self.of = {name: [leg for leg in self.legs if leg.task == name] for name in self.tasks}
        self.done = {leg.task: leg.end for leg in self.legs if leg.why == "done"}
        self.taken: list[Taken] = []
        self._inside: dict[Window, list[Leg]] = {}
        self.weeks = list(self._weeks())
        self.windows: list[Window] = []
        self._open_windows()

    def _legs(self, task: Task, rows: Sequence[Row]) -> Iterator[Leg]:
        left = [float(part) for part in (task.cost.seconds * 1000, task.cost.five, task.cost.week)]
        for number, row in enumerate(rows):
            if number:
                left[0] += 60_000
                left[1] += 0.5
                left[2] += 0.5 * float(task.cost.week / task.cost.five)
            start, end = (ms(self.page.since_start(row[key])) for key in ("start", "end"))
            five, week = left[1] / left[0], left[2] / left[0]
            left = [part * (1 - (end - start) / left[0]) for part in left]
            yield Leg(task.name, start, end, row["why"], five, week, left[0])

    def _weeks(self) -> Iterator[Window]:
        ends = ms(self.page.week_end)
        yield Window(ends - WEEK, ends, float(self.page.week_used), weekly=True)
        while ends < self.end:
            yield Window(ends, ends + WEEK, 0, weekly=True)
            ends += WEEK

    def _open_windows(self) -> None:
        """Windows in order, and beside them what the person got: each hangs on the other."""
        if self.page.window_end is not None:
            ends = ms(self.page.window_end)
            self.windows.append(Window(ends - FIVE_HOURS, ends, float(self.page.window_used)))
        for use in self.page.uses:
            self._opened_by_runs(ms(use.at))
            self._give(ms(use.at), float(use.five), float(use.week))
        self._opened_by_runs(self.end)

    def _opened_by_runs(self, until: int) -> None:
        """Opens what the runs open before `until`."""
        while True:
            free = self.windows[-1].ends if self.windows else 0
            crossed = any(leg.in_flight_at(free) for leg in self.legs)
            at = free if crossed else min((leg.start for leg in self.legs if leg.start >= free), default=until)
            if at > until or (at == until and not (crossed and until == self.end)):
                return
            self.windows.append(Window(at, at + FIVE_HOURS, 0))

    def _give(self, at: int, five: float, week: float) -> None:
        this_week = self.week_at(at)
        window = self.windows[-1] if self.windows and at < self.windows[-1].ends else None
        crossing = any(leg.in_flight_at(at) for leg in self.legs)
        window = window or Window(at, at + FIVE_HOURS, 0)
        part = min(1.0, self.free(window, at) / five, self.free(this_week, at) / week if week else 1.0)
        if (part > 0 or crossing) and window not in self.windows:
            self.windows.append(window)
        self.taken.append(Taken(at, part * five, part * week, (1 - part) * five))

    def week_at(self, at: int) -> Window:
        return next(week for week in self.weeks if week.opened <= at < week.ends or week is self.weeks[-1])

    def window_at(self, at: int) -> Window | None:
        return next((window for window in self.windows if window.opened <= at < window.ends), None)

    def by_runs(self, window: Window, until: int) -> float:
        if window not in self._inside:
            self._inside[window] = [leg for leg in self.legs if leg.within(window.opened, window.ends)]
        return sum(leg.within(window.opened, until) * window.points(leg) for leg in self._inside[window])

    def by_person(self, window: Window, until: int) -> float:
        """Uses at `until` too, unless the window ends then."""
        return sum(
            window.points(taken)
            for taken in self.taken
            if window.opened <= taken.at <= until and taken.at < window.ends
        )

    def used(self, window: Window, until: int) -> float:
        return window.held + self.by_runs(window, until) + self.by_person(window, until)

    def free(self, window: Window, until: int) -> float:
        left = 100 - self.used(window, until)
        return left if left > TINY else 0.0

    @cached_property
    def steps(self) -> list[int]:
        """Instants at which what is in flight, waits or is held back may change."""
        found = {0, self.end}
        for leg in self.legs:
            found |= {leg.start, leg.end}
        found |= {at for held in self.held for at in held[:2]}
        found |= set(self.arrives.values()) | {taken.at for taken in self.taken}
        found |= {window.ends for window in (*self.windows, *self.weeks)} | {window.opened for window in self.windows}
        return sorted(at for at in found if 0 <= at <= self.end)

    def spans(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Pieces of the time between in which nothing changes."""
        yield from pairwise(sorted({begin, end, *(at for at in self.steps if begin < at < end)}))

    def reserve(self, at: int, *, weekly: bool) -> float:
        """Points in force at an instant, and until the next step."""
        return max((week if weekly else five for begin, end, five, week in self.held if begin <= at < end), default=0.0)


def judge(page: Page, segments: Mapping[str, Sequence[Row]]) -> Judged:
    from tests.core.second_idle import idle_ready_points
    from tests.core.second_rules import violations

    replay = Replay(page, segments)
    made = _figures(replay)
    made["idle_ready_points"] = idle_ready_points(replay)
    return Judged(
        figures={name: round(value, 6) for name, value in made.items()},
        windows=[_written(replay, window) for window in replay.windows],
        violations=violations(replay),
    )


def _seconds(at: int) -> Fraction:
    return Fraction(at, 1000)


def _written(replay: Replay, window: Window) -> Row:
    page, until = replay.page, min(window.ends, replay.end)
    return {
        "opened": page.written(_seconds(window.opened)),
        "ends": page.written(_seconds(window.ends)),
        "used": round(replay.used(window, until), 6),
        "by_person": round(replay.by_person(window, until), 6),
        "by_runs": round(replay.by_runs(window, until), 6),
    }


def _figures(replay: Replay) -> dict[str, float]:
    tasks, done, end = replay.page.tasks, replay.done, replay.end
    late = {
        task.name: (done.get(task.name, end) - ms(task.deadline), task.priority)
        for task in tasks
        if task.deadline is not None and ms(task.deadline) < done.get(task.name, end)
    }
    return {
        "completed": len(done),
        "completed_weighted": sum(1 / float(task.priority) for task in tasks if task.name in done),
        "late": len(late),
        "late_s_weighted": sum(by / 1000 / float(priority) for by, priority in late.values()),
        "parked_runs": sum(leg.why in {"wall", "landed"} for leg in replay.legs),
        "person_refused": sum(taken.refused for taken in replay.taken),
        "reserve_broken_points": sum(_broken(replay, window) for window in (*replay.windows, *replay.weeks)),
        "makespan_s": (max(done.values(), default=0) if len(done) == len(tasks) else end) / 1000,
    }


def _broken(replay: Replay, window: Window) -> float:
    """Largest excess in one window.  The runs' part only grows: it is largest just before a span ends."""
    excess = 0.0
    for begin, end in replay.spans(max(0, window.opened), min(window.ends, replay.end)):
        reserve = replay.reserve(begin, weekly=window.weekly)
        runs = replay.by_runs(window, end)
        if reserve > 0:
            excess = max(excess, min(runs, runs - (100 - window.held - reserve)))
    return excess
