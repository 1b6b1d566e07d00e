"""A scenario read from JSON: everything is checked, and all that is wrong is said at once.  Pure.

What may be left out: `tz` (UTC), `person`, `reserve`, `observed` (empty), `five_hour.used` while no window is open; of
a task `deadline` (none), `depends_on` (empty), and `priority` (5) and `kind` (the name) as in a task file; the weekly
points of the person's use and both of a reserve (0).  Times without an offset are in `tz`.
"""

from __future__ import annotations

import math

from cctui.core.graph import cycles
from cctui.core.reserve import DAYS
from cctui.core.simulate.checks import Checks, Fields, ScenarioError
from cctui.core.simulate.scenario import (
    FULL,
    WEEK,
    Observed,
    Opening,
    PersonUse,
    ReserveSpec,
    Scenario,
    TaskSpec,
)
from cctui.core.values import near, shown

COST = ("duration_s", "five_hour", "seven_day")
TOP = ("start", "hours", "slots", "tz", "five_hour", "seven_day", "person", "reserve", "tasks", "observed")
TASK = ("name", "arrives", "priority", "deadline", "depends_on", "kind", *COST)
MOST_HOURS = 366 * 24.0
LEAST_SECONDS, LEAST_POINTS = 1e-3, 1e-6
"""Times are told to the millisecond; a smaller cost could not be told from rounding."""
PRIORITY = 5


def parse(data: object) -> Scenario:
    """ScenarioError names every field that is wrong, with what was found and what is allowed."""
    checks = Checks()
    top = checks.fields("", data, TOP)
    checks.zone = top.zone("tz")
    start = top.moment("start")
    checks.start = (start or checks.start).astimezone(checks.zone)
    uses = top.mappings("person", ("at", "five_hour", "seven_day"))
    reserves = top.mappings("reserve", ("days", "from", "to", "five_hour", "seven_day"))
    observed = top.mappings("observed", ("kind", *COST))
    scenario = Scenario(
        start=checks.start,
        length=top.number("hours", least=LEAST_SECONDS, most=MOST_HOURS, above=True) * 3600.0,
        tz=checks.zone,
        slots=top.whole("slots"),
        five_hour=_five_hour(top),
        seven_day=_seven_day(top),
        person=tuple(PersonUse(use.instant("at"), _five(use), use.number("seven_day", default=0.0)) for use in uses),
        reserve=tuple(_reserve(item) for item in reserves),
        tasks=_tasks(top),
        observed=tuple(Observed(item.text("kind"), *_cost(item)) for item in observed),
    )
    if checks.problems:
        raise ScenarioError(checks.problems)
    return scenario


def _five_hour(top: Fields) -> Opening | None:
    """None while no window is open: then `used` does not matter."""
    window = top.checks.fields("five_hour", top.values.get("five_hour"), ("used", "resets_at"))
    if "resets_at" in window.values and window.values["resets_at"] is None:
        return None
    resets_at = window.instant("resets_at")
    used = window.number("used", most=FULL, default=0.0)
    return Opening(used, resets_at) if resets_at > 0 else None


def _seven_day(top: Fields) -> Opening:
    """A reset that is past is moved on by whole weeks until it lies after the start."""
    window = top.checks.fields("seven_day", top.values.get("seven_day"), ("used", "resets_at"))
    resets_at = window.instant("resets_at")
    if resets_at <= 0:
        resets_at += WEEK * (math.floor(-resets_at / WEEK) + 1)
    return Opening(window.number("used", most=FULL), resets_at)


def _five(fields: Fields) -> float:
    return fields.number("five_hour", least=LEAST_POINTS, above=True)


def _cost(fields: Fields) -> tuple[float, float, float]:
    return fields.number("duration_s", least=LEAST_SECONDS, above=True), _five(fields), fields.number("seven_day")


def _reserve(item: Fields) -> ReserveSpec:
    found = item.items("days", f"a list of {', '.join(DAYS)}", needed=True)
    days = [day.strip().lower() for day in found if isinstance(day, str)]
    if len(days) < len(found) or not set(days) <= set(DAYS):
        wrong = next(day for day in found if not isinstance(day, str) or day.strip().lower() not in DAYS)
        item.checks.wrong(item.below("days"), wrong, f"a list of {', '.join(DAYS)}")
    return ReserveSpec(
        days=frozenset(DAYS.index(day) for day in days if day in DAYS),
        begins=item.clock("from"),
        until=item.clock("to"),
        five_hour=item.number("five_hour", most=FULL, default=0.0),
        seven_day=item.number("seven_day", most=FULL, default=0.0),
    )


def _tasks(top: Fields) -> tuple[TaskSpec, ...]:
    found = top.mappings("tasks", TASK, needed=True)
    tasks = tuple(_task(item, place) for place, item in enumerate(found))
    first: dict[str, int] = {}
    for task in tasks:
        if task.name and first.setdefault(task.name, task.place) != task.place:
            allowed = f"a name of its own: tasks[{first[task.name]}] has this one"
            top.checks.wrong(f"tasks[{task.place}].name", task.name, allowed)
    for task in tasks:
        for name in task.depends_on:
            if name not in first:
                meant = near(name, first)
                hint = f"did you mean '{meant}'?" if meant else "no task has this name"
                top.checks.wrong(f"tasks[{task.place}].depends_on", name, f"names of tasks; {hint}")
    needs = {task.name: list(task.depends_on) for task in tasks if first.get(task.name) == task.place}
    for circle in cycles(needs):
        round_trip = " → ".join(shown(name) for name in (*circle, circle[0]))
        path = f"tasks[{first[circle[0]]}].depends_on"
        top.checks.problems.append(f"{path}: found a circle, {round_trip}; allowed: dependencies that can be met")
    return tasks


def _task(item: Fields, place: int) -> TaskSpec:
    name = item.text("name")
    duration_s, five_hour, seven_day = _cost(item)
    return TaskSpec(
        name=name,
        place=place,
        arrives=item.instant("arrives"),
        priority=item.whole("priority", PRIORITY),
        deadline=None if item.values.get("deadline") is None else item.instant("deadline"),
        depends_on=item.names("depends_on"),
        kind=item.text("kind", name or "unnamed"),
        duration_s=duration_s,
        five_hour=five_hour,
        seven_day=seven_day,
    )
