"""Scenarios for the tests of the modelled world; results are read in hours since Monday, 2026-11-16 00:00 UTC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from cctui.core.simulate.figures import simulate
from cctui.core.simulate.parsing import parse
from cctui.core.simulate.policies import POLICIES
from cctui.core.simulate.sight import NOTHING, Choice, Sight

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = 3600.0
Json = dict[str, Any]


def iso(hours: float) -> str:
    return (MONDAY + timedelta(hours=hours)).isoformat()


def task(name: str, hours: float, five: float, seven: float = 0.0, at: float = 0.0, **more: Any) -> Json:
    return {
        "name": name, "arrives": iso(at), "priority": 1, "deadline": None, "depends_on": [], "kind": "k",
        "duration_s": hours * HOUR, "five_hour": five, "seven_day": seven, **more,
    }  # fmt: skip


def person(at: float, five: float, seven: float = 0.0) -> Json:
    return {"at": iso(at), "five_hour": five, "seven_day": seven}


def reserve(
    begins: str, until: str, five: float, seven: float = 0.0, days: str = "mon tue wed thu fri sat sun"
) -> Json:
    return {"days": days.split(), "from": begins, "to": until, "five_hour": five, "seven_day": seven}


def made(*tasks: Json, hours: float = 24, slots: int = 1, five: Any = None, week: Any = (0, 168), **more: Any) -> Json:
    """five, week: what is used, and in how many hours it resets."""
    used, resets = five or (0, None)
    return {
        "start": MONDAY.isoformat(), "hours": hours, "slots": slots, "tz": "UTC",
        "five_hour": {"used": used, "resets_at": None if resets is None else iso(resets)},
        "seven_day": {"used": week[0], "resets_at": iso(week[1])},
        "person": [], "reserve": [], "observed": [], "tasks": list(tasks), **more,
    }  # fmt: skip


def ran(data: Json, policy: str = "fifo") -> Json:
    scenario = parse(data)
    return simulate(scenario, POLICIES[policy](scenario.known))


def hours(text: str | None) -> float | None:
    return None if text is None else (datetime.fromisoformat(text) - MONDAY).total_seconds() / HOUR


def tasks(result: Json) -> dict[str, Any]:
    """Name → hours to the start and to the end, and number of parks."""
    return {item["name"]: (hours(item["start"]), hours(item["end"]), item["parked"]) for item in result["tasks"]}


def segments(result: Json, name: str) -> list[Any]:
    found = next(item for item in result["tasks"] if item["name"] == name)["segments"]
    return [(hours(item["start"]), hours(item["end"]), item["why"]) for item in found]


def windows(result: Json) -> list[Any]:
    return [
        (hours(item["opened"]), hours(item["ends"]), item["used"], item["by_person"], item["by_runs"])
        for item in result["windows"]
    ]


@dataclass
class Recorder:
    """A policy that keeps what it saw and does what a script says: choices by the second of the scenario."""

    script: dict[float, Choice] = field(default_factory=dict)
    otherwise: Callable[[Sight], Choice] = lambda sight: NOTHING
    seen: list[Sight] = field(default_factory=list)
    name: str = "recorder"

    def decide(self, sight: Sight) -> Choice:
        self.seen.append(sight)
        return self.script.get(sight.now) or self.otherwise(sight)

    @property
    def asked(self) -> list[float]:
        return [sight.now for sight in self.seen]


def played(data: Json, policy: Recorder) -> Json:
    return simulate(parse(data), policy)


def greedy(slots: int) -> Callable[[Sight], Choice]:
    """Everything as soon as a slot is free and no window is full."""

    def choose(sight: Sight) -> Choice:
        full = max(sight.seven_day.used, sight.five_hour.used if sight.five_hour else 0) >= 99.999
        names = [parked.task.name for parked in sight.parked]
        names += [waiting.task.name for waiting in sight.waiting if not waiting.unmet]
        return NOTHING if full else Choice(starts=tuple(names[: slots - len(sight.in_flight)]))

    return choose


def past(kind: str, five: float, seven: float = 0.0) -> Json:
    return {"kind": kind, "duration_s": 60, "five_hour": five, "seven_day": seven}


WHOLE = st.integers(0, 20)


@st.composite
def scenarios(draw: st.DrawFn) -> Json:
    """Small, crowded scenarios of whole quarters and points, so that much happens at the same instant."""
    quarters = st.integers(0, 100).map(lambda number: number / 4)
    number = draw(st.integers(0, 7))
    tasks_of = [
        task(
            *(f"t{place}", draw(st.integers(1, 30)) / 4, draw(st.sampled_from([1, 5, 10, 30, 45, 100, 130]))),
            *(draw(st.sampled_from([0, 1, 2.5, 10, 30])), draw(quarters) - 1),
            priority=draw(st.integers(1, 2)),
            deadline=draw(st.none() | quarters.map(iso)),
            depends_on=draw(st.lists(st.sampled_from([f"t{other}" for other in range(place)]), max_size=2))
            if place
            else [],
            kind=draw(st.sampled_from("xyz")),
        )
        for place in range(number)
    ]
    days = st.sampled_from(["mon", "mon tue", "tue", "sun mon"])
    clock = st.integers(0, 23).map(lambda hour: f"{hour:02}:00")
    reserves = st.builds(reserve, clock, clock, WHOLE.map(lambda n: 5 * n), WHOLE.map(lambda n: 5 * n), days)
    return made(
        *tasks_of,
        hours=draw(st.sampled_from([5, 10, 12, 26])),
        slots=draw(st.integers(1, 3)),
        five=draw(st.none() | st.tuples(WHOLE.map(lambda n: 5 * n), WHOLE.map(lambda n: n / 4))),
        week=(draw(WHOLE.map(lambda n: 5 * n)), draw(st.sampled_from([3, 7.5, 24, 100, -3]))),
        person=draw(st.lists(st.builds(person, quarters, st.integers(1, 60), st.integers(0, 9)), max_size=4)),
        reserve=draw(st.lists(reserves, max_size=2)),
        observed=[
            past(kind, draw(st.integers(1, 60)), 1) for kind in draw(st.lists(st.sampled_from("xy"), max_size=3))
        ],
    )
