"""What each window has left and whose the rest is; why a task stands where it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core import gates, headroom, precedence, queue, spending
from cctui.core.answer import answer
from cctui.core.settings import CapacitySettings, Reserve, Settings
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Person, Share, Why, World
from tests.worlds import COSTS, NOW, ago, ahead, night, reading, task, world

EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def levels(made: World) -> dict[str, headroom.Level]:
    return {level.window.id: level for level in headroom.levels(queue.scene(made, NOW))}


def kept_now(points: float) -> Settings:
    return Settings(capacity=CapacitySettings(reserve=(Reserve(EVERY_DAY, "00:00", "24:00", points, 2),)))


@given(
    used=st.floats(0, 100),
    week=st.floats(0, 100),
    reserve=st.floats(0, 60),
    hours=st.floats(0.2, 4.9),
    spent=st.floats(0, 20),
)
def test_the_four_parts_are_all_of_a_window(
    used: float, week: float, reserve: float, hours: float, spent: float
) -> None:
    made = night()
    run = made.runs["auth-port-0203-1"]
    made = replace(
        made,
        settings=kept_now(reserve),
        readings=(reading(FIVE_HOUR, used, ahead(hours=hours)), reading(SEVEN_DAY, week, ahead(days=3))),
        runs={**made.runs, run.spec.run_id: replace(run, points={FIVE_HOUR: spent, SEVEN_DAY: spent / 8})},
    )
    for level in levels(made).values():
        parts = (level.used, level.ours, level.kept, level.free)
        assert all(part is not None and part >= 0 for part in parts)
        assert sum(part or 0.0 for part in parts) == pytest.approx(100, abs=0.01)


def test_what_is_free_is_what_admission_lets_in() -> None:
    made = replace(night(), settings=Settings(capacity=night().settings.capacity))
    scene = queue.scene(made, NOW)
    free = levels(made)[FIVE_HOUR].free
    assert free is not None
    for name in made.line.order:
        need = spending.needs(scene, made.tasks[name])[FIVE_HOUR]
        if need.until(scene.rooms()[0].ends) <= free:
            reasons = {reason.why for reason in queue.held(scene, made.tasks[name])}
            assert not reasons & {Why.FIT, Why.RESERVE, Why.PERSON}, name


def test_an_unknown_part_is_unknown_and_never_zero() -> None:
    blind = levels(replace(night(), readings=()))[FIVE_HOUR]
    assert (blind.used, blind.ours, blind.free) == (None, None, None)
    idle = levels(world(readings=()))[FIVE_HOUR]
    assert (idle.ours, idle.free) == (0.0, None), "nothing runs, so nothing is claimed"
    strange = levels(replace(night(), costs={}, line=queue.line(replace(night(), costs={}))))[FIVE_HOUR]
    assert (strange.ours, strange.free) == (None, None), "what the runs will take is not known"
    data = answer(replace(night(), readings=()), "usage", {}, NOW).data["default"]
    assert (data["claimed_percent"], data["headroom_percent"]) == (None, None)


def test_usage_tells_real_numbers_that_agree_with_the_windows() -> None:
    data = answer(night(), "usage", {}, NOW).data["default"]
    five = data["windows"][0]
    assert data["claimed_percent"] == five["claimed_percent"] > 0
    assert data["reserve_percent"] == five["reserve_percent"]
    assert data["headroom_percent"] == min(window["headroom_percent"] for window in data["windows"])
    assert data["pace"]["in_reserve_points"] == pytest.approx(data["pace"]["target_percent"] - 31, abs=0.01)
    assert data["pace"]["runs_out_at"] is None


def test_a_reserve_in_force_is_the_persons() -> None:
    """Use that nobody accounts for is taken for the person's, and comes out of their reserve."""
    resets = ahead(hours=2, minutes=13, seconds=7)
    made = world(settings=kept_now(30), costs=COSTS, shares={FIVE_HOUR: Share(resets, 0.0, ours=45.0, used=45.0)})
    assert levels(made)[FIVE_HOUR].kept == pytest.approx(30)
    assert levels(made)[FIVE_HOUR].free == pytest.approx(25)
    assert headroom.headroom(headroom.levels(queue.scene(made, NOW))).free == pytest.approx(25)
    theirs = replace(made, shares={FIVE_HOUR: Share(resets, 0.0, person=45.0, used=45.0)})
    assert levels(theirs)[FIVE_HOUR].free == pytest.approx(55)


# --- which rule chose the place --------------------------------------------------------------------------------------


def placed(made: World) -> dict[str, str]:
    found = precedence.precedences(made, list(made.line.order))
    return {name: precedence.sign(each, NOW) for name, each in found.items()}


def test_the_rule_that_chose_is_named() -> None:
    made = world(
        task("first", priority=1),
        task("due", priority=4, deadline=ahead(hours=9)),
        task("heir", after=("need",), priority=3),
        task("need", priority=9),
        task("small", kind="vault-lint"),
        task("large", kind="refactor-x"),
        task("old", priority=8, added=ago(days=15)),
        costs=COSTS,
        at=NOW,
    )
    assert placed(made) == {
        "first": "p1",
        "heir": "p3",
        "need": "for heir",
        "due": "p4",
        "small": "p5",
        "large": "~34%",
        "old": "p6 aged",
    }
    hand = replace(made, memory=replace(made.memory, ranks={"large": 0, "small": 1}))
    hand = replace(hand, line=queue.line(hand))
    assert placed(hand)["small"] == "by hand"
    assert "moved by hand" in precedence.sentence(hand, "small", NOW)
    assert precedence.sentence(made, "need", NOW) == "3 of 7 by priority: p3 as heir"
    assert precedence.sentence(made, "old", NOW) == "7 of 7 by priority: p6, 2 up for its age"


def test_a_deadline_is_named_where_it_decides() -> None:
    made = world(task("a", deadline=ahead(hours=9)), task("b", deadline=ahead(hours=20)), task("c"), costs=COSTS)
    assert placed(made) == {"a": "by 09:28", "b": "by 20:28", "c": "p5"}
    assert precedence.sentence(made, "b", NOW) == "2 of 3 by deadline: p5, start by 20:28"


@pytest.mark.parametrize(("kind", "text"), [
    ("fix", "9 % p80, 16m, 12 runs of fix"),
    ("never-seen", "8 % p80, 14m, a guess from all kinds"),
])  # fmt: skip
def test_what_an_estimate_rests_on_is_said(kind: str, text: str) -> None:
    made = world(task("a", kind=kind), costs=COSTS)
    assert precedence.rests_on(made.line.estimates["a"], kind) == text


# --- gates -----------------------------------------------------------------------------------------------------------


def test_every_gate_of_the_windows_has_its_figures() -> None:
    found = {gate.gate: gate for gate in gates.why(night(), "vault-lint", NOW) if gate.gate != "fit"}
    assert found["pace"].text.startswith("week 31 %, even 39 %")
    assert found["reserve"].until is not None and found["reserve"].value == 40
    assert found["person"].text.startswith("you used Claude 3h00 ago")
    assert (found["slots"].value, found["slots"].threshold) == (2.0, 2.0)
    assert found["slots"].until is not None, "a slot is likely to be free then"
    fit = [gate for gate in gates.why(night(), "vault-lint", NOW) if gate.gate == "fit"]
    assert [gate.text.split(" needs")[0] for gate in fit] == ["5-hour", "week"]
    assert all(gate.value and gate.threshold and gate.value <= gate.threshold and gate.until for gate in fit)


def test_a_shut_window_says_what_takes_the_rest_and_the_other_one_is_still_told() -> None:
    fit = [gate for gate in gates.why(night(), "big-port", NOW) if gate.gate == "fit"]
    assert [gate.open for gate in fit] == [False, True]
    assert "used" in fit[0].text and "ours" in fit[0].text
    assert fit[0].until is not None and fit[0].until > NOW


def test_yielding_to_a_person_says_when_they_were_seen() -> None:
    settings = Settings(capacity=CapacitySettings(person_yields=30))
    made = world(task("a"), settings=settings, person=Person(1, ago(minutes=12)), costs=COSTS)
    gate = next(gate for gate in gates.why(made, "a", NOW) if gate.gate == "person")
    assert (gate.open, gate.text) == (False, "you used Claude 12 min ago: waits until 01:04")
    assert gate.until == NOW + timedelta(minutes=18)
