"""The rules of the modelled world a second time, from their page alone, to check the simulator in the product.

`fifo` and `seed` walk through a scenario in exact fractions; `figures` takes anybody's segments and works out from
them what each window held, what of that breaks a rule, and every figure.  It shares no code
with `cctui.core` and never will.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.core.second_figures import Judged, judge
from tests.core.second_page import FIVE_HOURS, WEEK, Cost, Page, Row, Task, Use, read

Choose = Callable[["Walk"], Task | None]
NOTHING = Cost(Fraction(0), Fraction(0), Fraction(0))


def fifo(scenario: Row) -> Row:
    """The result of the policy `fifo`."""
    return _result("fifo", scenario, lambda walk: next(iter(walk.startable()), None))


def seed(scenario: Row) -> Row:
    """The result of the policy `seed`."""
    return _result("seed", scenario, _first_that_fits)


def figures(scenario: Row, tasks: Iterable[Row]) -> Judged:
    """What follows from the segments: `tasks` as in a result, of which only `name` and `segments` are read."""
    return judge(read(scenario), {task["name"]: task["segments"] for task in tasks})


def disputed(scenario: Row, result: Row) -> list[str]:
    """Everything in a result that breaks a rule, or that its own segments say otherwise."""
    judged = figures(scenario, result["tasks"])
    found = list(judged.violations)
    for name, value in judged.figures.items():
        if abs(result[name] - value) > (1 if name.endswith(("_s", "_s_weighted")) else 0.01):
            found.append(f"{name}: {result[name]} given, {value} by the segments")
    if len(result["windows"]) != len(judged.windows):
        found.append(f"windows: {len(result['windows'])} given, {len(judged.windows)} by the segments")
    page = read(scenario)
    for given, own in zip(result["windows"], judged.windows, strict=False):
        apart = {key: page.since_start(given[key]) - page.since_start(own[key]) for key in ("opened", "ends")}
        points = {key: given[key] - own[key] for key in ("used", "by_person", "by_runs")}
        wrong = [key for key, by in apart.items() if abs(by) > 1] + [
            key for key, by in points.items() if abs(by) > 0.01
        ]
        found += [f"window of {own['opened']}: {key} {given[key]} given, {own[key]} by the segments" for key in wrong]
    return found


def _result(policy: str, scenario: Row, choose: Choose) -> Row:
    page = read(scenario)
    rows = _tasks(Walk(page).through(choose))
    judged = figures(scenario, rows)
    return {"policy": policy, "tasks": rows, "windows": judged.windows} | judged.figures


def _tasks(walk: Walk) -> list[Row]:
    written, rows = walk.page.written, list[Row]()
    for task in walk.page.tasks:
        parts = [
            {"start": written(start), "end": written(end), "why": why} for start, end, why in walk.segments[task.name]
        ]
        row: dict[str, Any] = {"name": task.name, "start": parts[0]["start"] if parts else None, "end": None}
        if task.name in walk.done:
            row["end"] = parts[-1]["end"]
        row["parked"] = sum(part["why"] in {"wall", "landed"} for part in parts)
        rows.append(row | {"segments": parts})
    return rows


def _first_that_fits(walk: Walk) -> Task | None:
    left_five, left_week = 100 - walk.five, 100 - walk.week

    def rank(task: Task) -> tuple[object, ...]:
        late = (1, Fraction(0)) if task.deadline is None else (0, task.deadline)
        return task.priority, late, walk.estimate(task.kind).five, task.arrives, task.place

    def fits(task: Task) -> bool:
        estimate = walk.estimate(task.kind)
        return estimate.five < left_five and estimate.week < left_week

    return min(filter(fits, walk.startable()), key=rank, default=None)


def _blend(old: Cost | None, new: Cost) -> Cost:
    """Exponential moving average, 0.3 for the newest."""
    if old is None:
        return new
    a, b = old.parts(Fraction(7, 10)), new.parts(Fraction(3, 10))
    return Cost(a.seconds + b.seconds, a.five + b.five, a.week + b.week)


@dataclass(slots=True)
class Walk:
    """One run at a time through a scenario."""

    page: Page
    now: Fraction = Fraction(0)
    five: Fraction = Fraction(0)
    week: Fraction = Fraction(0)
    five_end: Fraction | None = None
    week_end: Fraction = Fraction(0)
    uses: list[Use] = field(default_factory=list)
    """Of the person, not yet made."""
    running: Task | None = None
    begun: Fraction = Fraction(0)
    left: Cost = NOTHING
    """Of the task that runs."""
    parked: dict[str, tuple[Task, Cost]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    averages: dict[str | None, Cost] = field(default_factory=dict)
    """By kind, and of all runs under None."""
    segments: dict[str, list[tuple[Fraction, Fraction, str]]] = field(default_factory=dict)

    def estimate(self, kind: str) -> Cost:
        return self.averages.get(kind) or self.averages.get(None) or NOTHING

    def _learn(self, kind: str, cost: Cost) -> None:
        for key in (kind, None):
            self.averages[key] = _blend(self.averages.get(key), cost)

    def through(self, choose: Choose) -> Walk:
        page = self.page
        self.five, self.five_end = page.window_used, page.window_end
        self.week, self.week_end = page.week_used, page.week_end
        self.uses, self.segments = list(page.uses), {task.name: [] for task in page.tasks}
        for kind, cost in page.samples:
            self._learn(kind, cost)
        self._settle()
        while self.now < page.length:
            self._decide(choose)
            self._spend(min(self._ahead()))
            self._settle()
        if self.running:
            self._stop("open")
        return self

    def startable(self) -> list[Task]:
        """New tasks that have arrived and wait for nothing, as `fifo` sorts them."""
        ready = [
            task
            for task in self.page.tasks
            if task.arrives <= self.now and not self.segments[task.name] and self.done.issuperset(task.needs)
        ]
        return sorted(ready, key=lambda task: (task.arrives, task.place))

    def _decide(self, choose: Choose) -> None:
        if self.running or self.five > 90 or self.week > 90:
            return
        if self.parked:
            task, rest = self.parked.pop(next(iter(self.parked)))
            self._start(task, rest.resumed(task.cost))
        elif (chosen := choose(self)) is not None:
            self._start(chosen, chosen.cost)

    def _start(self, task: Task, left: Cost) -> None:
        self.running, self.begun, self.left = task, self.now, left
        self._open()

    def _stop(self, why: str) -> None:
        assert self.running
        self.segments[self.running.name].append((self.begun, self.now, why))
        self.running = None

    def _open(self) -> None:
        if self.five_end is None:
            self.five, self.five_end = Fraction(0), self.now + FIVE_HOURS

    def _ahead(self) -> Iterable[Fraction]:
        """Instants after now at which something may happen."""
        page, left = self.page, self.left
        yield from (page.length, self.week_end)
        yield from (task.arrives for task in page.tasks if task.arrives > self.now)
        yield from (use.at for use in self.uses[:1])
        if self.five_end is not None:
            yield self.five_end
        if self.running:
            yield self.now + left.seconds
            yield self.now + (100 - self.five) * left.seconds / left.five
            if left.week:
                yield self.now + (100 - self.week) * left.seconds / left.week

    def _spend(self, until: Fraction) -> None:
        if self.running:
            part = (until - self.now) / self.left.seconds
            self.five += part * self.left.five
            self.week += part * self.left.week
            self.left = self.left.parts(1 - part)
        self.now = until

    def _settle(self) -> None:
        """Rule 1, but for the policy."""
        if self.running and not self.left.seconds:
            self.done.add(self.running.name)
            self._learn(self.running.kind, self.running.cost)
            self._stop("done")
        if self.five_end == self.now:
            self.five, self.five_end = Fraction(0), None
            if self.running:
                self._open()
        if self.week_end == self.now:
            self.week, self.week_end = Fraction(0), self.now + WEEK
        self._cut()
        while self.uses and self.uses[0].at == self.now:
            self._give(self.uses.pop(0))
            self._cut()

    def _cut(self) -> None:
        if self.running and max(self.five, self.week) >= 100:
            self.parked[self.running.name] = self.running, self.left
            self._stop("wall")

    def _give(self, use: Use) -> None:
        part = min(Fraction(1), (100 - self.five) / use.five)
        if use.week:
            part = min(part, (100 - self.week) / use.week)
        if part > 0:
            self._open()
            self.five += part * use.five
            self.week += part * use.week
