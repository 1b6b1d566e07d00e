"""A time lived through by the engine's core: an outside that performs every effect, and true costs that nobody tells.

Written apart from `core.predicted`, so that a plan can be held against it: files and run folders as values
(made.Outside), time as datetimes, the windows as plain lists, and a question at least every quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cctui.core.events import Measured, Ticked
from cctui.core.step import alarm
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Ending,
    Halting,
    Part,
    Phase,
    Reading,
    Result,
    SightState,
    Stop,
    World,
)
from tests.core.made import T0, Outside, limited

QUARTER = timedelta(minutes=15)
INSTANT = timedelta(microseconds=2)
RESUMED = 1.05
"""Of what is left: going on reads the conversation again."""


class Lived:
    """`starts` and `ends` tell what became of every task."""

    def __init__(self, world: World, true: Mapping[str, tuple[float, float, float]], now: datetime = T0) -> None:
        """`true`: name or kind → seconds, points of the 5-hour window, points of the week."""
        files = {task.path: task for task in world.tasks.values()}
        self.outside = Outside(files=files, world=world, now=now, slow=True, together=True, memory=world.memory)
        self.true = true
        self.left: dict[str, float] = {}
        """Task → part of its work that is left, over 1 for the price of going on."""
        self.spent: dict[str, tuple[float, float]] = {}
        self.worked: dict[str, float] = {}
        self.legs: set[tuple[str, int]] = set()
        self.flying: dict[str, str] = {}
        self.starts: dict[str, datetime] = {}
        self.ends: dict[str, datetime] = {}
        by_window = {one.window: one for one in world.readings}
        five, week = by_window[FIVE_HOUR], by_window[SEVEN_DAY]
        self.five: list[Any] | None = [five.resets_at, five.used or 0.0] if five.resets_at else None
        """Its end and what it holds."""
        self.week: list[Any] = [week.resets_at, week.used or 0.0]

    @property
    def now(self) -> datetime:
        return self.outside.now

    def live(self, until: datetime) -> Lived:
        while True:
            self.happen()
            at = min(self.next(), until)
            self.pass_to(at)
            if at >= until:
                return self

    # --- what happens ---

    def happen(self) -> None:
        endings = self.over()
        self.resets()
        endings |= self.wall()
        self.outside.world = replace(self.outside.world, at=self.now)
        self.measure()
        self.look(endings)
        if not endings:
            self.outside.tell(Ticked())
        for _ in range(100):
            self.begin()
            if not (landed := self.landed()):
                break
            self.look(landed)
        for task in self.outside.files.values():
            if task.phase is Phase.COMPLETED:
                self.ends.setdefault(task.name, self.now)

    def over(self) -> dict[str, Ending]:
        done = [run_id for run_id, name in self.flying.items() if self.left[name] * self.true_of(name)[0] <= 2e-6]
        return {run_id: self.landing(run_id, "done") for run_id in done}

    def landing(self, run_id: str, how: str) -> Ending:
        name = self.flying.pop(run_id)
        worked = self.worked[name]
        if how == "done":
            checks = self.outside.folders[run_id].legs[-1].part is Part.CHECK
            result = None if checks else Result("success", text="done", answers=1, changed=1)
            return Ending(Stop.EXIT, self.now, worked, rc=0, result=result)
        if how == "landed":
            return Ending(Stop.CANCELLED, self.now, worked, rc=-15, result=Result())
        resets = self.week[0] if how == SEVEN_DAY else self.five[0] if self.five else self.now
        assert isinstance(resets, datetime)
        return replace(limited(self.now, resets, how), duration_s=worked)

    def resets(self) -> None:
        if self.five and self.five[0] <= self.now + INSTANT:
            self.five = [self.now + timedelta(hours=5), 0.0] if self.flying else None
        if self.week[0] <= self.now + INSTANT:
            self.week = [self.week[0] + timedelta(days=7), 0.0]

    def wall(self) -> dict[str, Ending]:
        for window, held in ((FIVE_HOUR, self.five), (SEVEN_DAY, self.week)):
            if held and held[1] >= 100 - 1e-6:
                held[1] = 100.0
                return {run_id: self.landing(run_id, window) for run_id in list(self.flying)}
        return {}

    def measure(self) -> None:
        five = self.five or [None, 0.0]
        self.outside.readings = (
            Reading(FIVE_HOUR, five[1], five[0], "stream", self.now),
            Reading(SEVEN_DAY, self.week[1], self.week[0], "stream", self.now),
        )
        told = {
            run_id: dict(zip((FIVE_HOUR, SEVEN_DAY), self.spent[run.spec.task], strict=True))
            for run_id, run in self.outside.world.runs.items()
            if run.spec.task in self.spent
        }
        self.outside.tell(Measured(self.outside.readings, asked=True, spent=told))

    def look(self, endings: Mapping[str, Ending]) -> None:
        folders = self.outside.folders
        for run_id, ending in endings.items():
            folders[run_id] = replace(folders[run_id], state=SightState.ENDED, ending=ending)
        if endings:
            self.outside.look()

    def landed(self) -> dict[str, Ending]:
        asked = {run_id for run_id, why in (*self.outside.told, *self.outside.halts) if why is Halting.LANDING}
        self.outside.told.clear()
        self.outside.halts.clear()
        return {run_id: self.landing(run_id, "landed") for run_id in asked if run_id in self.flying}

    def begin(self) -> None:
        for run_id, sight in self.outside.folders.items():
            name = sight.spec.task
            if sight.state is not SightState.ALIVE or (run_id, sight.leg) in self.legs:
                continue
            self.legs.add((run_id, sight.leg))
            self.left[name] = self.left[name] * RESUMED if name in self.left else 1.0
            self.starts.setdefault(name, self.now)
            self.worked.setdefault(name, 0.0)
            self.spent.setdefault(name, (0.0, 0.0))
            self.flying[run_id] = name
            self.five = self.five or [self.now + timedelta(hours=5), 0.0]

    # --- time ---

    def true_of(self, name: str) -> tuple[float, float, float]:
        task = next(task for task in self.outside.files.values() if task.name == name)
        return self.true.get(name) or self.true[task.kind]

    def rates(self) -> list[tuple[str, float, float]]:
        costs = [(name, self.true_of(name)) for name in self.flying.values()]
        return [(name, five / seconds, seven / seconds) for name, (seconds, five, seven) in costs]

    def next(self) -> datetime:
        moments: list[datetime] = [self.now + QUARTER, self.week[0]]
        moments += [self.five[0]] if self.five else []
        moments += [self.now + timedelta(seconds=self.left[n] * self.true_of(n)[0]) for n in self.flying.values()]
        rates = self.rates()
        spending = (sum(five for _, five, _ in rates), sum(seven for _, _, seven in rates))
        for held, rate in zip((self.five, self.week), spending, strict=True):
            moments += [self.now + timedelta(seconds=(100 - held[1]) / rate)] if held and rate else []
        wakes = alarm(self.outside.world, self.now)
        moments += [wakes] if wakes else []
        return max(min(moments), self.now + timedelta(milliseconds=1))

    def pass_to(self, at: datetime) -> None:
        took = (at - self.now).total_seconds()
        for name, five, seven in self.rates():
            self.left[name] -= took / self.true_of(name)[0]
            self.worked[name] += took
            had = self.spent[name]
            self.spent[name] = (had[0] + five * took, had[1] + seven * took)
            if self.five:
                self.five[1] += five * took
            self.week[1] += seven * took
        self.outside.now = at
