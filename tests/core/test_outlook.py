"""The plan as data, and a change written in words."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cctui.core.answer import Answer
from cctui.core.outlook import Question, answer, plan_data, question, with_forecasts, written
from cctui.core.plan import plan, sampled, what_if
from cctui.core.world import Add, Edit, Hold, Move, Pause, Place, Skip
from tests.core.made import T0, after, task, world
from tests.core.test_plan import here, work


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("move a top", Move("a", Place.TOP)),
        ("move a before b", Move("a", Place.BEFORE, "b")),
        ("pause 'a b'", Pause("a b")),
        ("resume a", Pause("a", on=False)),
        ("hold", Hold()),
        ("skip digest", Skip("digest")),
        ("edit a priority=2", Edit("a", "priority", "2")),
        ("add new kind=fix priority=1", Add("new", "---\nkind: fix\npriority: 1\n---\nnew\n")),
    ],
)
def test_a_change_in_words(words: str, command: Any) -> None:
    assert written(words) == command


@pytest.mark.parametrize("words", ["", "move a", "move a sideways", "add", "pause", "dance a", "pause 'a"])
def test_other_words_say_what_can_be_written(words: str) -> None:
    with pytest.raises(ValueError, match="what-if"):
        written(words)


def test_a_question_finds_whole_names_and_refuses_nonsense() -> None:
    made = world(task("alpha"), task("beta"))
    assert question(made, {}) == Question()
    found = question(made, {"days": 2, "bands": True, "what_if": "pause alp"})
    assert found == Question(timedelta(days=2), 100, Pause("alpha"), "pause alp")
    for args in ({"days": 0}, {"days": "2"}, {"days": 99}, {"what_if": "pause x"}, {"what_if": "dance"}):
        refused = question(made, args)
        assert isinstance(refused, Answer) and refused.errors


def test_the_data_is_json_and_holds_what_the_plan_says() -> None:
    made = here(work("a", deadline=after(hours=1)), work("b", paused=True))
    data = json.loads(json.dumps(plan_data(sampled(made, T0, samples=3), T0)))
    first, second = data["tasks"]
    assert (first["name"], first["start"], first["end"]) == ("a", T0.isoformat(), after(minutes=10).isoformat())
    assert first["ends"] == {"p50": after(minutes=10).isoformat(), "p90": after(minutes=10).isoformat()}
    assert (first["late_s"], first["chance"]) == (-3000, 1.0)
    assert second["why"] == {"why": "paused", "text": "paused", "until": None}
    assert data["windows"][0].keys() == {
        *("id", "opens", "ends", "before_percent", "used_percent", "ours_percent", "person_percent"),
        *("reserve_percent", "unused_percent", "cause"),
    }
    assert data["what_if"] is None


def test_a_what_if_says_who_slips_and_a_refusal_why() -> None:
    made = here(work("a"), work("b"), slots=1)
    asked = Question(command=Move("b", Place.TOP), words="move b top")
    assert asked.command is not None
    told = answer(asked, plan(made, T0), what_if(made, asked.command, T0), T0)
    slips = told.data["what_if"]["slips"]
    assert [(slip["name"], slip["seconds"]) for slip in slips] == [("a", 600), ("b", -600)]
    refused = answer(asked, plan(made, T0), what_if(made, Move("x", Place.TOP), T0), T0)
    assert refused.errors == ("no task named x",) and refused.code == 1


def test_rows_say_when_they_start_and_how_old_that_is() -> None:
    rows = [{"name": "a", "state": "ready", "forecast": {"start": None, "end": None}}]
    found = plan(here(work("a")), T0)
    assert with_forecasts(rows, found, after(minutes=5))[0]["forecast"] == {
        "start": T0.isoformat(),
        "end": after(minutes=10).isoformat(),
        "planned_at": T0.isoformat(),
    }
    assert with_forecasts(rows, found, after(hours=2)) == rows, "an old plan says nothing"
