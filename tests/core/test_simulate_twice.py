"""A second, independent simulator of the two plain policies, in exact fractions, compared with the product's.

It is slow and plain on purpose: one run at a time, hours as fractions, every figure straight from its definition.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings

from tests.core.simulated import MONDAY, Json, hours, ran, scenarios

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NEVER = Fraction(10**9)


def exact(text: str) -> Fraction:
    """Hours since the start of a time that is whole in seconds."""
    return Fraction(int((datetime.fromisoformat(text) - MONDAY).total_seconds()), 3600)


@dataclass
class Win:
    opened: Fraction
    ends: Fraction
    held: Fraction
    person: Fraction = Fraction(0)
    runs: Fraction = Fraction(0)

    @property
    def used(self) -> Fraction:
        return self.held + self.person + self.runs


@dataclass
class Item:
    raw: Json
    place: int
    at: Fraction
    left: list[Fraction]
    whole: list[Fraction]
    start: Fraction | None = None
    end: Fraction | None = None
    parks: int = 0
    waited: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    history: list[tuple[Fraction, Fraction]] = field(default_factory=list)


@dataclass
class Step:
    a: Fraction
    b: Fraction
    ready: list[Item]
    free: int
    five: Win | None
    week: Win
    at_five: tuple[Fraction, Fraction]
    at_week: tuple[Fraction, Fraction]
    rate: tuple[Fraction, Fraction]


class Twice:
    def __init__(self, data: Json, policy: str) -> None:
        self.data, self.policy, self.end = data, policy, Fraction(data["hours"])
        self.items = [
            Item(raw, place, exact(raw["arrives"]), cost := [Fraction(str(raw[key])) for key in COST], list(cost))
            for place, raw in enumerate(data["tasks"])
        ]
        for item in self.items:
            item.left[0] /= 3600
            item.whole[0] /= 3600
        self.named = {item.raw["name"]: item for item in self.items}
        resets = exact(data["seven_day"]["resets_at"])
        while resets <= 0:
            resets += 168
        self.week = Win(resets - 168, resets, Fraction(data["seven_day"]["used"]))
        self.five: Win | None = None
        resets_at = data["five_hour"]["resets_at"]
        if resets_at and exact(resets_at) > 0:
            self.five = Win(exact(resets_at) - 5, exact(resets_at), Fraction(data["five_hour"]["used"]))
        self.fives, self.weeks = [self.five] if self.five else [], [self.week]
        self.people = sorted((exact(use["at"]), place) for place, use in enumerate(data["person"]))
        self.people = [(at, place) for at, place in self.people if 0 <= at < self.end]
        self.running: Item | None = None
        self.parked: Item | None = None
        self.refused, self.now = Fraction(0), Fraction(0)
        self.steps: list[Step] = []
        self.samples = [
            (past["kind"], Fraction(past["five_hour"]), Fraction(past["seven_day"])) for past in data["observed"]
        ]
        while True:
            self.instant()
            if self.now == self.end:
                break
            self.choose()
            self.advance()

    def instant(self) -> None:
        run = self.running
        if run and run.left[0] == 0:
            run.end, self.running = self.now, None
            self.samples.append((run.raw["kind"], run.whole[1], run.whole[2]))
        if self.five and self.five.ends == self.now:
            self.five = None
            if self.running:
                self.open()
        if self.week.ends == self.now:
            self.week = Win(self.now, self.now + 168, Fraction(0))
            self.weeks.append(self.week)
        self.wall()
        while self.people and self.people[0][0] == self.now:
            use = self.data["person"][self.people.pop(0)[1]]
            want = [Fraction(use["five_hour"]), Fraction(use["seven_day"])]
            room = [100 - (self.five.used if self.five else 0), 100 - self.week.used]
            part = min([Fraction(1), *(has / wants for has, wants in zip(room, want, strict=True) if wants)])
            self.refused += want[0] * (1 - part)
            if part:
                self.open().person += want[0] * part
                self.week.person += want[1] * part
            self.wall()

    def open(self) -> Win:
        if not self.five:
            self.five = Win(self.now, self.now + 5, Fraction(0))
            self.fives.append(self.five)
        return self.five

    def wall(self) -> None:
        if self.running and (self.week.used == 100 or (self.five and self.five.used == 100)):
            self.parked, self.running = self.running, None
            self.parked.parks += 1

    def ready(self) -> list[Item]:
        return [
            item
            for item in self.items
            if item.at <= self.now and item is not self.running and item.end is None
            if all(self.named[name].end is not None for name in item.raw["depends_on"])
        ]

    def choose(self) -> None:
        used = self.five.used if self.five else Fraction(0)
        if self.running or used > 90 or self.week.used > 90:
            return
        if item := self.parked:
            weekly = item.whole[2] / item.whole[1] / 2
            price = (Fraction(1, 60), Fraction(1, 2), weekly)
            item.left = [left + more for left, more in zip(item.left, price, strict=True)]
            self.parked = None
        else:
            ready = self.ready()
            if self.policy == "seed":
                ready = [
                    item
                    for item in ready
                    if self.likely(item, 1) < 100 - used and self.likely(item, 2) < 100 - self.week.used
                ]
                ready.sort(
                    key=lambda item: (item.raw["priority"], due(item), self.likely(item, 1), item.at, item.place)
                )
            else:
                ready.sort(key=lambda item: (item.at, item.place))
            if not ready:
                return
            item = ready[0]
            item.start = self.now
        self.open()
        self.running = item

    def likely(self, item: Item, which: int) -> Fraction:
        own = [sample[which] for sample in self.samples if sample[0] == item.raw["kind"]]
        average: Fraction | None = None
        for sample in own or [sample[which] for sample in self.samples]:
            average = sample if average is None else average * Fraction(7, 10) + sample * Fraction(3, 10)
        return average or Fraction(0)

    def advance(self) -> None:
        run = self.running
        rate = (run.left[1] / run.left[0], run.left[2] / run.left[0]) if run else (Fraction(0), Fraction(0))
        dues = [self.end, self.week.ends, *(at for at, _ in self.people[:1])]
        dues += [item.at for item in self.items if item.at > self.now]
        if self.five:
            dues.append(self.five.ends)
        if run and self.five:
            dues.append(self.now + run.left[0])
            dues.append(self.now + (100 - self.five.used) / rate[0])
            if rate[1]:
                dues.append(self.now + (100 - self.week.used) / rate[1])
        until = min(dues)
        five = (self.five.runs, self.five.person) if self.five else (Fraction(0), Fraction(0))
        free = self.data["slots"] - (1 if run else 0)
        week = (self.week.runs, self.week.person)
        self.steps.append(Step(self.now, until, self.ready(), free, self.five, self.week, five, week, rate))
        for item in self.items:
            item.history.append((self.now, item.left[0] if item.end is None else Fraction(0)))
        if run and self.five:
            took = until - self.now
            run.left = [run.left[0] - took, run.left[1] - rate[0] * took, run.left[2] - rate[1] * took]
            self.five.runs += rate[0] * took
            self.week.runs += rate[1] * took
        self.now = until

    # --- the reserve -------------------------------------------------------------------------------------------------

    def share(self, at: Fraction, which: str) -> Fraction:
        """In force from an instant on, by the local clock (which is UTC here)."""
        when = MONDAY + timedelta(seconds=int(at * 3600 // 1))
        found = Fraction(0)
        for entry in self.data["reserve"]:
            begins, until = (int(entry[key][:2]) for key in ("from", "to"))
            today, yesterday = (DAYS[(when - timedelta(days=back)).weekday()] in entry["days"] for back in (0, 1))
            overnight = until <= begins
            inside = today and begins <= when.hour < (24 if overnight else until)
            if inside or (overnight and yesterday and when.hour < until):
                found = max(found, Fraction(entry[which]))
        return found

    def before(self, at: Fraction, which: str) -> Fraction:
        return self.share(at - Fraction(1, 3600), which)

    def broken(self) -> Fraction:
        most: dict[int, Fraction] = {}
        for step in self.steps:
            for a, b in self.hourly(step.a, step.b):
                for win, (runs, _), rate, which in (
                    (step.five, step.at_five, step.rate[0], "five_hour"),
                    (step.week, step.at_week, step.rate[1], "seven_day"),
                ):
                    share = self.share(a, which)
                    if win and share:
                        part = runs + rate * (b - step.a)
                        over = min(part, part - (100 - win.held - share))
                        most[id(win)] = max(most.get(id(win), Fraction(0)), over)
        return sum(most.values(), Fraction(0))

    @staticmethod
    def hourly(a: Fraction, b: Fraction) -> list[tuple[Fraction, Fraction]]:
        """Cut at full hours, where reserves change."""
        edges = [a, *(Fraction(hour) for hour in range(int(a) + 1, int(b) + 1) if a < hour < b), b]
        return list(pairwise(edges))

    # --- idle --------------------------------------------------------------------------------------------------------

    def idle(self) -> Fraction:
        groups: list[list[Step]] = []
        for step in self.steps:
            if groups and groups[-1][-1].five is step.five:
                groups[-1].append(step)
            else:
                groups.append([step])
        weeks: dict[int, list[Fraction]] = {}
        for group in groups:
            five, end = group[0].five, group[-1].b
            if five is None or five.ends <= self.end:
                lost = self.lost(group, five, end)
                both = weeks.setdefault(id(group[-1].week), [Fraction(0), Fraction(0)])
                both[0] += lost[0]
                both[1] += lost[1]
        total = Fraction(0)
        for week in self.weeks:
            points, weekly = weeks.get(id(week), [Fraction(0), Fraction(0)])
            share = self.before(min(week.ends, self.end), "seven_day")
            left = max(Fraction(0), 100 - week.used - max(Fraction(0), share - week.person))
            total += points * min(Fraction(1), left / weekly) if weekly else points
        return total

    def lost(self, group: list[Step], five: Win | None, end: Fraction) -> tuple[Fraction, Fraction]:
        offer = Fraction(100) if five else (end - group[0].a) * 20
        person = five.person if five else Fraction(0)
        room = offer - (five.used if five else 0) - max(Fraction(0), self.before(end, "five_hour") - person)
        waited: dict[int, Fraction] = {}
        seconds = Fraction(0)
        for step in group:
            for a, b in self.hourly(step.a, step.b):
                b = self.open_until(step, a, b, offer, end)
                for item in step.ready if step.free else ():
                    waited[item.place] = waited.get(item.place, Fraction(0)) + b - a
                if step.ready:
                    seconds += (b - a) * step.free
        points = weekly = Fraction(0)
        for item in sorted(self.items, key=lambda item: (-item.whole[1] / item.whole[0], item.place)):
            x = min(waited.get(item.place, Fraction(0)), self.left_at(item, end), seconds)
            rate = item.whole[1] / item.whole[0]
            x = max(Fraction(0), min(x, (room - points) / rate))
            seconds -= x
            points += x * rate
            weekly += x * item.whole[2] / item.whole[0]
        return points, weekly

    def open_until(self, step: Step, a: Fraction, b: Fraction, offer: Fraction, end: Fraction) -> Fraction:
        """Until when in [a, b) no reserve of then or later in the window holds back all that is left."""
        share = max(self.share(at, "five_hour") for at, _ in self.hourly(a, end))
        if not share:
            return b
        held = step.five.held if step.five else 0
        left = offer - held - sum(step.at_five) - step.rate[0] * (a - step.a)
        spare = left - max(Fraction(0), share - step.at_five[1])
        if spare <= 0:
            return a
        return min(b, a + spare / step.rate[0]) if step.rate[0] else b

    def left_at(self, item: Item, at: Fraction) -> Fraction:
        if item.end is not None and item.end <= at:
            return Fraction(0)
        if at == self.end:
            return item.left[0]
        # just before anything is resumed in that instant, but less what was run up to it
        place = next(place for place, step in enumerate(self.steps) if step.b == at)
        step = self.steps[place]
        here, left = item.history[place]
        runs = item.start is not None and item not in step.ready and here >= item.start
        return left - (step.b - step.a) if runs else left

    def figures(self) -> Json:
        done = [item for item in self.items if item.end is not None]
        late = [
            (item, seconds) for item in self.items
            if (seconds := (self.end if item.end is None else item.end) - due(item)) > 0
        ]  # fmt: skip
        return {
            "completed": len(done),
            "completed_weighted": sum(Fraction(1, item.raw["priority"]) for item in done),
            "late": len(late),
            "late_s_weighted": sum(seconds * 3600 / item.raw["priority"] for item, seconds in late),
            "parked_runs": sum(item.parks for item in self.items),
            "person_refused": self.refused,
            "reserve_broken_points": self.broken(),
            "idle_ready_points": self.idle(),
            "makespan_s": 3600
            * (
                max((item.end for item in done if item.end is not None), default=Fraction(0))
                if len(done) == len(self.items)
                else self.end
            ),
        }


COST = ("duration_s", "five_hour", "seven_day")


def due(item: Item) -> Fraction:
    return exact(item.raw["deadline"]) if item.raw["deadline"] else NEVER


def near(number: Fraction | None) -> Any:
    return None if number is None else pytest.approx(float(number), abs=1e-5)


@pytest.mark.parametrize("policy", ["fifo", "seed"])
@given(data=scenarios())
@settings(max_examples=100, deadline=None)
def test_two_simulators_agree(policy: str, data: Json) -> None:
    twice, result = Twice(data, policy), ran(data, policy)
    assert [(item["name"], hours(item["start"]), hours(item["end"]), item["parked"]) for item in result["tasks"]] == [
        (item.raw["name"], near(item.start), near(item.end), item.parks) for item in twice.items
    ]
    assert [
        (hours(win["opened"]), hours(win["ends"]), win["used"], win["by_person"], win["by_runs"])
        for win in result["windows"]
    ] == [(near(win.opened), near(win.ends), near(win.used), near(win.person), near(win.runs)) for win in twice.fives]
    for name, value in twice.figures().items():
        assert result[name] == pytest.approx(float(value), abs=1e-4), name
