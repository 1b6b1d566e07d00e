"""What is wrong in a scenario is named; what may be left out."""

from __future__ import annotations

from typing import Any

import pytest

from cctui.core.simulate.checks import ScenarioError
from cctui.core.simulate.parsing import parse
from tests.core.simulated import (
    Json,
    iso,
    made,
    person,
    reserve,
    task,
)

# --- rule 12: what is wrong ------------------------------------------------------------------------------------------


def _with(path: str, value: Any) -> Json:
    data = made(
        *(task("a", 1, 1), task("b", 1, 1, depends_on=["a"])),
        person=[person(1, 1)],
        reserve=[reserve("08:00", "19:00", 10)],
    )
    data["observed"] = [{"kind": "k", "duration_s": 1, "five_hour": 1, "seven_day": 0}]
    here: Any = data
    *way, last = [int(part) if part.isdigit() else part for part in path.replace("[", ".").replace("]", "").split(".")]
    for part in way:
        here = here[part]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("start", ..., "start: found nothing; allowed: an ISO time"),
        ("start", "yesterday", "start: found 'yesterday'"),
        ("start", "0001-01-01T00:00", "start: found"),
        ("hours", 0, "hours: found 0; allowed: a number above 0"),
        ("hours", 1e9, "at most 8784"),
        ("slots", 0, "slots: found 0; allowed: a whole number of at least 1"),
        ("slots", 1.5, "slots: found 1.5"),
        ("slots", True, "slots: found true"),
        ("tz", "Europe/Berlim", "tz: found 'Europe/Berlim'; allowed: a zone"),
        ("tz", 5, "tz: found 5"),
        ("five_hour", None, "five_hour: found nothing; allowed: a mapping of used, resets_at"),
        ("five_hour", {"used": 101, "resets_at": iso(1)}, "five_hour.used: found 101; allowed: a number of at least 0"),
        ("five_hour.resets_at", "soon", "five_hour.resets_at: found 'soon'"),
        ("seven_day.resets_at", None, "seven_day.resets_at: found nothing"),
        ("seven_day.used", -1, "seven_day.used: found -1"),
        ("person[0].five_hour", 0, r"person\[0\].five_hour: found 0; allowed: a number above 0"),
        ("person[0].at", 7, r"person\[0\].at: found 7"),
        ("reserve[0].days", ["monday"], r"reserve\[0\].days: found 'monday'; allowed: a list of mon, tue"),
        ("reserve[0].from", "25:00", r"reserve\[0\].from: found '25:00'; allowed: a local time of day"),
        ("reserve[0].five_hour", 101, r"reserve\[0\].five_hour: found 101"),
        ("tasks", ..., "tasks: found nothing; allowed: a list"),
        ("tasks[1]", "b", r"tasks\[1\]: found 'b'; allowed: a mapping"),
        ("tasks[1].duration_s", 0, r"tasks\[1\].duration_s: found 0; allowed: a number above 0"),
        ("tasks[1].duration_s", "1h", r"tasks\[1\].duration_s: found '1h'"),
        ("tasks[1].five_hour", -0.5, r"tasks\[1\].five_hour: found -0.5"),
        ("tasks[1].five_hour", float("nan"), r"tasks\[1\].five_hour: found nan"),
        ("tasks[1].seven_day", -1, r"tasks\[1\].seven_day: found -1; allowed: a number of at least 0"),
        ("tasks[1].priority", 0, r"tasks\[1\].priority: found 0"),
        ("tasks[1].deadline", "late", r"tasks\[1\].deadline: found 'late'"),
        ("tasks[1].name", "a", r"tasks\[1\].name: found 'a'; allowed: a name of its own: tasks\[0\] has this one"),
        ("tasks[1].name", "", r"tasks\[1\].name: found ''; allowed: a text"),
        ("tasks[1].depends_on", ["aa"], r"tasks\[1\].depends_on: found 'aa'; allowed: names of tasks; did you mean"),
        ("tasks[1].depends_on", "a", r"tasks\[1\].depends_on: found 'a'; allowed: a list of names"),
        ("tasks[1].depends_on", ["b"], r"tasks\[1\].depends_on: found a circle, 'b' → 'b'"),
        ("tasks[0].depends_on", ["b"], r"depends_on: found a circle, 'a' → 'b' → 'a'|'b' → 'a' → 'b'"),
        ("tasks[1].duration", 5, r"tasks\[1\].duration: no such field; did you mean 'duration_s'\?"),
        ("slot", 5, r"slot: no such field; did you mean 'slots'\?"),
        ("observed[0].five_hour", 0, r"observed\[0\].five_hour: found 0"),
        ("observed[0].kind", None, r"observed\[0\].kind: found nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_field(path: str, value: Any, text: str) -> None:
    with pytest.raises(ScenarioError, match=text) as caught:
        parse(_with(path, value))
    assert len(caught.value.problems) == 1, caught.value.problems


def test_every_problem_is_told_at_once() -> None:
    data = made(task("a", 0, 0), hours=-1, slots=0) | {"start": "?"}
    with pytest.raises(ScenarioError) as caught:
        parse(data)
    assert [line.partition(":")[0] for line in caught.value.problems] == [
        *("start", "hours", "slots", "tasks[0].duration_s", "tasks[0].five_hour"),
    ]
    with pytest.raises(ScenarioError, match="the scenario: found a list"):
        parse([])


def test_what_may_be_left_out() -> None:
    data = {
        "start": "2026-11-16T00:00", "hours": 1, "slots": 1, "five_hour": {"resets_at": None},
        "seven_day": {"used": 0, "resets_at": "2026-11-17"},
        "tasks": [{"name": "a", "arrives": "2026-11-16", "duration_s": 1, "five_hour": 1, "seven_day": 0}],
    }  # fmt: skip
    first = parse(data).tasks[0]
    assert (first.priority, first.kind, first.deadline, first.depends_on) == (5, "a", None, ())
