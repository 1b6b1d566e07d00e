"""The simulator in the product against the second implementation: the same segments, windows and figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from cctui.core.simulate.figures import simulate
from cctui.core.simulate.parsing import parse
from cctui.core.simulate.policies import POLICIES
from cctui.core.simulate.sight import Choice, Sight
from tests.core import second
from tests.core.second_page import Page, Row, read
from tests.scenarios import load

SCENARIOS = dict(load())
OWN = {"fifo": second.fifo, "seed": second.seed}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.mark.parametrize("policy", OWN)
@pytest.mark.parametrize("name", SCENARIOS)
def test_both_tell_the_same_of_fifo_and_seed(name: str, policy: str) -> None:
    _same(SCENARIOS[name], policy)


@pytest.mark.parametrize("number", range(15))
def test_both_tell_the_same_of_small_worlds(number: int) -> None:
    scenario = small_world(Random(number))
    for policy in OWN:
        _same(scenario, policy)


@pytest.mark.parametrize("number", range(30))
def test_whatever_a_policy_does_the_figures_follow_from_its_segments(number: int) -> None:
    scenario = small_world(Random(number))
    assert second.disputed(scenario, simulate(parse(scenario), Careless(number))) == []


def _same(scenario: Row, policy: str) -> None:
    own, parsed = OWN[policy](scenario), parse(scenario)
    given = simulate(parsed, POLICIES[policy](parsed.known))
    assert [
        text for pair in zip(own["tasks"], given["tasks"], strict=True) for text in _apart(read(scenario), *pair)
    ] == []
    assert second.disputed(scenario, given) == []


def _apart(page: Page, own: Row, given: Row) -> list[str]:
    """What of one task the two tell differently, by more than a second."""
    found = [f"{own['name']} {key}" for key in ("name", "parked") if own[key] != given[key]]
    if [leg["why"] for leg in own["segments"]] != [leg["why"] for leg in given["segments"]]:
        return [*found, f"{own['name']}: {own['segments']}, given {given['segments']}"]
    times = [(own[key], given[key], key) for key in ("start", "end")]
    for mine, other in zip(own["segments"], given["segments"], strict=True):
        times += [(mine[key], other[key], f"segment's {key}") for key in ("start", "end")]
    for mine, other, key in times:
        if (mine is None) != (other is None) or (mine and abs(page.since_start(mine) - page.since_start(other)) > 1):
            found.append(f"{own['name']} {key}: {mine}, given {other}")
    return found


class Careless:
    """Starts, resumes and lands by chance, and sets itself alarms."""

    name = "careless"

    def __init__(self, number: int) -> None:
        self._draw = Random(number)

    def decide(self, sight: Sight) -> Choice:
        draw = self._draw
        lands: tuple[str, ...] = ()
        if sight.may_land and draw.random() < 0.3:
            lands = tuple(run.task.name for run in sight.in_flight[: draw.randint(1, 2)])
        ready = [parked.task.name for parked in sight.parked]
        ready += [waiting.task.name for waiting in sight.waiting if not waiting.unmet]
        draw.shuffle(ready)
        full = max(sight.seven_day.used, sight.five_hour.used if sight.five_hour else 0) > 100 - 1e-6
        room = 0 if full else max(0, 2 - len(sight.in_flight))
        alarm = (
            sight.next_landing + 60 * draw.randint(0, 300) if draw.random() < 0.5 else sight.now + draw.random() * 9e3
        )
        return Choice(lands=lands, starts=tuple(ready[: draw.randint(0, room)]), alarm=alarm)


def small_world(draw: Random) -> Row:
    """Two slots, a dozen tasks, a day or so around a change of clocks, a person, and reserves that overlap."""
    start = datetime(2026, 10, 24, 20, 13, 7, 250000, tzinfo=UTC) + timedelta(hours=draw.randint(-500, 180))
    hours = draw.choice((10, 15, 27.5, 50))

    def at(low: float, high: float) -> str:
        return (start + timedelta(milliseconds=round(draw.uniform(low, high) * 3.6e6))).isoformat()

    def cost() -> Row:
        points = round(draw.lognormvariate(2.3, 0.9), 2)
        seconds = round(points / draw.uniform(4, 90) * 3600, 1) + 60
        return {
            "kind": draw.choice("abc"),
            "duration_s": seconds,
            "five_hour": points,
            "seven_day": round(points / 7, 3),
        }

    def office() -> Row:
        begin, to = (f"{draw.randint(0, 23):02}:{draw.choice((0, 30, 45)):02}" for _ in "ab")
        share = {"five_hour": draw.randint(0, 70), "seven_day": draw.randint(0, 30)}
        return {"days": draw.sample(DAYS, 4), "from": begin, "to": to} | share

    def task(place: int) -> Row:
        due = at(0, hours * 1.1) if draw.random() < 0.4 else None
        needs = [f"t{draw.randrange(place)}"] if place and draw.random() < 0.3 else []
        head = {"name": f"t{place}", "arrives": at(-2, hours * 0.7), "priority": draw.randint(1, 5), "deadline": due}
        return head | {"depends_on": needs} | cost()

    return {
        "start": start.isoformat(),
        "hours": hours,
        "slots": 2,
        "tz": draw.choice(ZONES),
        "five_hour": {"used": draw.choice((0, 40, 88, 100)), "resets_at": at(-1, 5) if draw.random() < 0.7 else None},
        "seven_day": {"used": draw.choice((0, 60, 85, 100)), "resets_at": at(-30, hours)},
        "person": [
            {"at": at(-1, hours * 1.05), "five_hour": draw.randint(1, 40), "seven_day": draw.choice((0, 0.5, 4))}
            for _ in range(draw.randint(0, 8))
        ],
        "reserve": [office() for _ in range(draw.randint(0, 3))],
        "tasks": [task(place) for place in range(draw.randint(5, 16))],
        "observed": [cost() for _ in range(draw.randint(0, 9))],
    }
