"""Writes the forty scenarios anew: ``python -m tests.scenarios.make``.

The same files every time: each draws from a generator seeded with its name.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.scenarios import FOLDER
from tests.scenarios.shapes import Habit, Shape, shapes

Row = dict[str, Any]

NAMES = ("review", "docs", "tests", "fix", "refactor", "research", "triage", "migrate", "audit", "translate")
PRIORITIES = ((1, 2, 3, 4, 5, 6, 7, 8, 9), (3, 5, 5, 5, 5, 7), (1, 9), (2, 4, 4, 6), (1, 1, 2, 3, 5, 8))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Kind:
    """Median five-hour points, their spread, points an hour, its spread, weekly points of one point."""

    name: str
    points: float
    sigma: float
    rate: float
    wobble: float
    share: float

    def run(self, draw: Random) -> Row:
        points = self.points * math.exp(draw.gauss(0, self.sigma))
        hours = points / self.rate * math.exp(draw.gauss(0, self.wobble))
        weekly = points * self.share * draw.uniform(0.92, 1.08)
        return {"kind": self.name, "duration_s": hours * 3600, "five_hour": points, "seven_day": weekly}


def scenario(name: str, shape: Shape) -> Row:
    """What the file of this name holds."""
    draw, zone = Random(name), ZoneInfo(shape.tz)
    start = datetime.fromisoformat(shape.start).replace(tzinfo=zone).astimezone(UTC)
    kinds = _kinds(draw, shape)
    tasks = _tasks(draw, shape, kinds, start)
    observed = _observed(draw, shape, kinds)
    _scale(shape, tasks, observed)
    made = {
        "start": start,
        "hours": shape.hours,
        "slots": shape.slots,
        "tz": shape.tz,
        "five_hour": {"used": shape.window[0], "resets_at": _after(start, shape.window[1])},
        "seven_day": {"used": shape.week[0], "resets_at": _after(start, shape.week[1])},
        "person": _person(draw, shape, start),
        "reserve": [
            {"days": list(h.days), "from": h.begin, "to": h.to, "five_hour": h.five_hour, "seven_day": h.seven_day}
            for h in shape.reserve
        ],
        "tasks": tasks,
        "observed": observed,
    }
    return _stamped(made, shape.stamps, zone)


def _after(start: datetime, hours: float | None) -> datetime | None:
    return None if hours is None else start + timedelta(hours=hours)


def _between(draw: Random, low: float, high: float) -> float:
    """Evenly on a scale of ratios."""
    return math.exp(draw.uniform(math.log(low), math.log(high)))


def _kinds(draw: Random, shape: Shape) -> list[Kind]:
    return [
        Kind(
            name,
            points=_between(draw, 1.5, 22),
            sigma=draw.uniform(*shape.sigma),
            rate=_between(draw, *shape.rate),
            wobble=draw.uniform(0.1, 0.5),
            share=_between(draw, *shape.share),
        )
        for name in draw.sample(NAMES, shape.kinds)
    ]


def _observed(draw: Random, shape: Shape, kinds: list[Kind]) -> list[Row]:
    misled = {kind.name for kind in draw.sample(kinds, round(shape.misled * len(kinds)))}
    rows: list[Row] = []
    for kind in kinds[shape.unseen :]:
        factor = draw.uniform(3, 5) ** draw.choice((-1, 1)) if kind.name in misled else 1.0
        slower = draw.choice((1.0, factor))
        for _ in range(draw.randint(*shape.seen)):
            row = kind.run(draw)
            rows.append(row | {key: row[key] * factor for key in ("five_hour", "seven_day")})
            rows[-1]["duration_s"] *= slower
    draw.shuffle(rows)
    return rows


def _tasks(draw: Random, shape: Shape, kinds: list[Kind], start: datetime) -> list[Row]:
    arrivals = sorted(_arrival(draw, shape) for _ in range(shape.tasks))
    if shape.arrivals == "bursts":
        arrivals = _bursts(draw, shape)
    priorities = draw.choice(PRIORITIES)
    usual = [draw.uniform(0.3, 1) for _ in kinds]
    parents = _graph(draw, shape)
    rows: list[Row] = []
    for place, hours in enumerate(arrivals):
        row = draw.choices(kinds, usual)[0].run(draw)
        if draw.random() < shape.tail:
            larger = draw.uniform(3, 8)
            row |= {key: row[key] * larger for key in ("duration_s", "five_hour", "seven_day")}
        arrives = start + timedelta(seconds=round(hours * 3600, 1))
        head: Row = {"name": f"{row['kind']}-{place + 1:03}", "arrives": arrives, "priority": draw.choice(priorities)}
        head["deadline"] = _deadline(draw, shape, start, arrives)
        head["depends_on"] = [rows[parent]["name"] for parent in sorted(parents[place])]
        rows.append(head | row)
    if shape.graph or draw.random() < 0.4:
        draw.shuffle(rows)
    return rows


def _arrival(draw: Random, shape: Shape) -> float:
    """In hours after the start."""
    match shape.arrivals:
        case "trickle":
            return draw.uniform(-0.02, 0.85) * shape.hours
        case "evening":
            return 0 if draw.random() < 0.5 else draw.uniform(0, 0.35) * shape.hours
        case _:
            return 0 if draw.random() < 0.8 else -draw.uniform(0, 30)


def _bursts(draw: Random, shape: Shape) -> list[float]:
    at = [draw.uniform(0, 0.8) * shape.hours for _ in range(draw.randint(3, 9))]
    return sorted(draw.choice(at) + draw.uniform(0, 0.2) for _ in range(shape.tasks))


def _deadline(draw: Random, shape: Shape, start: datetime, arrives: datetime) -> datetime | None:
    if draw.random() >= shape.deadlines:
        return None
    if shape.window[1] is not None and draw.random() < 0.25:  # just before or just after a likely reset
        minutes = draw.randint(-20, 20)
        due = start + timedelta(hours=shape.window[1] + 5 * draw.randint(0, int(shape.hours / 5)), minutes=minutes)
        return due if due > arrives else None
    hours = draw.uniform(0.05, 0.4) if draw.random() < 0.08 else _between(draw, *shape.slack)
    return max(arrives, start) + timedelta(minutes=round(hours * 60))


def _graph(draw: Random, shape: Shape) -> list[set[int]]:
    """Of each task the earlier ones it waits for, by place."""
    count = shape.tasks
    chains, layers = max(2, count // 8), max(4, round(math.sqrt(count)))
    match shape.graph:
        case "deep":
            return [{place - chains} if place >= chains else set() for place in range(count)]
        case "wide":
            return [
                set() if i == 0 else set(range(1, i)) if i in {count // 2, count - 1} else {0} for i in range(count)
            ]
        case "layers":
            return [_before(draw, place, count // layers) for place in range(count)]
        case "diamonds":
            return [{0: set[int](), 1: {i - 1}, 2: {i - 2}, 3: {i - 1, i - 2}}[i % 4] for i in range(count)]
        case "trees":
            return [{(place - 1) // 3} if place % 25 else set() for place in range(count)]
        case "pairs":
            return [{draw.randrange(i)} if i and draw.random() < 0.3 else set() for i in range(count)]
        case _:
            return [set() for _ in range(count)]


def _before(draw: Random, place: int, width: int) -> set[int]:
    floor = place // width * width
    return set(draw.sample(range(floor - width, floor), draw.randint(1, 3))) if floor else set()


def _person(draw: Random, shape: Shape, start: datetime) -> list[Row]:
    zone, rows = ZoneInfo(shape.tz), list[Row]()
    day = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for passed in range(int(shape.hours / 24) + 2):
        date = day + timedelta(days=passed)
        rows += [row for habit in shape.person for row in _day(draw, habit, date, zone)]
    end = start + timedelta(hours=shape.hours)
    return sorted((row for row in rows if start <= row["at"] < end), key=lambda row: str(row["at"]))


def _day(draw: Random, habit: Habit, date: datetime, zone: ZoneInfo) -> list[Row]:
    if DAYS[date.weekday()] not in habit.days or draw.random() < 0.1:
        return []
    rows: list[Row] = []
    for _ in range(max(1, round(draw.gauss(habit.uses, habit.uses / 4)))):
        local = date + timedelta(seconds=round(draw.uniform(habit.begin, habit.to) * 3600))
        points = round(draw.uniform(*habit.points), 2)
        weekly = round(points * draw.uniform(0.09, 0.16), 3)
        rows.append({"at": local.replace(tzinfo=zone).astimezone(UTC), "five_hour": points, "seven_day": weekly})
    return rows


def _scale(shape: Shape, tasks: list[Row], observed: list[Row]) -> None:
    """Makes the demand what `load` says, and every task as small, short, large and long as it may be."""
    total = {key: sum(row[key] for row in tasks) for key in ("duration_s", "five_hour", "seven_day")}
    week = (
        100
        - shape.week[0]
        + 100 * max(0, (shape.hours - shape.week[1] % 168) / 168 + 1) * (shape.week[1] % 168 < shape.hours)
    )
    asked = max(
        total["duration_s"] / (shape.slots * shape.hours * 3600),
        total["five_hour"] / (shape.hours * 20),
        total["seven_day"] / week,
    )
    for row in tasks + observed:
        factor = shape.load / asked
        factor *= min(
            1, shape.largest / (row["five_hour"] * factor), shape.longest * 3600 / (row["duration_s"] * factor)
        )
        factor *= max(1, 0.5 / (row["five_hour"] * factor))
        row["duration_s"] = round(max(180.0, row["duration_s"] * factor), 1)
        row["five_hour"] = round(row["five_hour"] * factor, 2)
        row["seven_day"] = round(row["seven_day"] * factor, 3)


def _stamped(made: Row, stamps: str, zone: ZoneInfo) -> Row:
    def written(value: object) -> object:
        if isinstance(value, dict):
            return {key: written(item) for key, item in value.items()}
        if isinstance(value, list):
            return [written(item) for item in value]
        if not isinstance(value, datetime):
            return value
        local = value.astimezone(UTC if stamps == "utc" else zone)
        return (local.replace(tzinfo=None) if stamps == "naive" else local).isoformat()

    return {key: written(value) for key, value in made.items()}


def text(made: Row) -> str:
    """JSON with one line for each task, use and past run."""
    lines = []
    for key, value in made.items():
        if isinstance(value, list) and value:
            rows = ",\n".join("  " + json.dumps(row) for row in value)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def files() -> dict[str, str]:
    """File name and text of all."""
    return {f"{name}.json": text(scenario(name, shape)) for name, shape in shapes().items()}


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content, "utf-8")
