"""Stories of what waits for the service: limits, outages, the login; one tries first, then one after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core.events import Answered, LoginSeen, Measured, Ticked
from cctui.core.settings import RunSettings
from cctui.core.step import alarm
from cctui.core.view import rows, why
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, SourceState, Stage, Why
from tests.core.made import T0, Outside, after, api_error, good, limited, outside, reading, shell, task

OPUS = "claude-opus-5-5"
SONNET = "claude-sonnet-5"


def _answer(out: Outside, name: str) -> None:
    out.tell(Answered(out.run(name).spec.run_id))


def _empty(out: Outside) -> None:
    """The window has begun anew."""
    out.measure(reading(1.0, at=out.now, resets_at=after(hours=200)))


def _refuse(out: Outside, **more: str) -> None:
    out.end("a", api_error(401, out.now, error="authentication_failed", **more))


# --- limits ----------------------------------------------------------------------------------------------------------


def test_one_tries_first_then_the_others_one_by_one_by_priority() -> None:
    names = {"low": 8, "high": 1, "mid": 4}
    out = outside(*(task(name, priority=number) for name, number in names.items()), run=RunSettings(slots=3))
    for name in ("low", "mid", "high"):
        out.end(name, limited(after(5), after(60)))
    assert out.running() == []
    out.jump(after(60))
    _empty(out)
    assert out.running() == ["high"]
    out.wait(30)
    assert out.running() == ["high"], "the others wait for its answer"
    _answer(out, "high")
    assert sorted(out.running()) == ["high", "mid"]
    assert alarm(out.world, out.now) == after(95)
    out.wait(4)
    assert "low" not in out.running()
    out.wait(1)
    assert sorted(out.running()) == ["high", "low", "mid"]
    starts = [(launch.spec.task, launch.leg, launch.resume) for launch in out.launches[3:]]
    assert starts == [("high", 2, True), ("mid", 2, True), ("low", 2, True)]
    assert out.memory.retries == {}


def test_the_pause_between_two_is_a_setting() -> None:
    out = outside(task("a", priority=1), task("b"), run=RunSettings(stagger_seconds=90))
    for name in ("a", "b"):
        out.end(name, limited(after(5), after(60)))
    out.jump(after(60))
    _empty(out)
    _answer(out, "a")
    out.wait(89)
    assert out.running() == ["a"]
    out.wait(1)
    assert out.running() == ["a", "b"]


def test_new_work_does_not_overtake_what_was_interrupted() -> None:
    new = task("new", priority=1, not_before=after(50))
    out = outside(task("a", priority=2), task("b", priority=3), new, run=RunSettings(slots=2))
    for name in ("a", "b"):
        out.end(name, limited(after(5), after(60)))
    out.jump(after(60))
    _empty(out)
    _answer(out, "a")
    out.wait(10)
    assert out.running() == ["a", "b"]


def test_a_resumed_run_that_meets_the_limit_again_is_parked_again() -> None:
    out = outside(task("a"), task("b"))
    out.end("a", limited(after(5), after(60)))
    out.end("b", limited(after(5), after(60)))
    for hour in (1, 2, 3):
        out.jump(after(hours=hour))
        out.end("a" if "a" in out.running() else "b", limited(out.now, after(hours=hour + 1)))
    assert out.running() == []
    assert {run.stage for run in out.world.runs.values()} == {Stage.PARKED}
    assert (out.memory.retries, out.ledger) == ({}, {})


@pytest.mark.parametrize("begun_again", [False, True])
def test_of_two_full_windows_the_one_that_opens_last_is_waited_for(begun_again: bool) -> None:
    out = outside(task("a"), task("b"))
    out.end("a", limited(after(5), after(hours=2), FIVE_HOUR))
    out.end("b", limited(after(6), after(hours=70), SEVEN_DAY))
    if begun_again:
        out.begin()
    assert alarm(out.world, out.now) == after(hours=70)
    out.jump(after(hours=2))
    _empty(out)
    out.wait(minutes=10)
    assert out.running() == []
    row = next(row for row in rows(out.world, out.now) if row.name == "a")
    assert (row.reason and row.reason.until, "weekly" in row.text) == (after(hours=70), True)
    gates = {gate.gate: gate for gate in why(out.world, "a", out.now)}
    assert (gates["limit"].open, gates["limit"].until) == (False, after(hours=70))
    out.jump(after(hours=70))
    _empty(out)
    assert out.running() == ["a"]


def test_a_row_says_the_moment_at_which_the_run_can_really_go_on() -> None:
    out = outside(task("a"), task("b"))
    out.end("a", limited(after(5), after(hours=2), FIVE_HOUR))
    out.end("b", limited(after(6), after(hours=70), SEVEN_DAY))
    row = next(row for row in rows(out.world, out.now) if row.name == "a")
    assert row.reason
    assert row.reason.until == after(hours=70)


def test_a_models_week_binds_that_model_only() -> None:
    out = outside(
        task("a", model=OPUS), task("b", model=OPUS), task("c", model=SONNET), task("d"), run=RunSettings(slots=1)
    )
    out.end("a", limited(after(5), after(hours=70), "seven_day_opus"))
    assert out.running() == ["c"]
    out.end("c", good())
    assert out.running() == [], "a model nobody named may be that one"
    text = next(row.text for row in rows(out.world, out.now) if row.name == "b")
    assert text.startswith("opus weekly limit reached")


def test_an_answer_proves_only_its_own_models_week_over() -> None:
    out = outside(task("a", model=OPUS), task("c", model=SONNET), run=RunSettings(slots=1))
    out.wait(10)
    out.end("a", limited(after(5), after(hours=70), "seven_day_opus"))
    _answer(out, "c")
    out.end("c", good())
    assert set(out.world.stops) == {"limit:seven_day_opus"}


def test_work_by_another_model_does_not_keep_a_model_from_trying_again() -> None:
    out = outside(task("a", model=OPUS), task("c", model=SONNET, not_before=after(30)), run=RunSettings(slots=2))
    out.end("a", limited(after(5), after(60), "seven_day_opus"))
    out.jump(after(40))
    assert out.running() == ["c"]
    out.jump(after(60))
    assert sorted(out.running()) == ["a", "c"], "what sonnet answers says nothing of opus"


# --- outages ---------------------------------------------------------------------------------------------------------


def test_an_outage_is_waited_for_ever_longer_and_costs_no_attempt() -> None:
    out = outside(task("a", max_attempts=1))
    waits = []
    for _ in range(7):
        out.end("a", api_error(529, out.now, error="server_error"))
        parked = out.run("a").parked
        assert parked
        assert parked.until
        waits.append((parked.until - out.now).total_seconds())
        assert alarm(out.world, out.now) == parked.until
        out.jump(parked.until)
        assert out.running() == ["a"]
    for wait, base in zip(waits, (60, 120, 240, 480, 900, 900, 900), strict=True):
        assert base <= wait <= base * 1.25
    out.end("a", good(at=out.now))
    record = out.record("a")
    assert (record.success, record.attempt) == (True, 1)
    assert record.parked_s == pytest.approx(sum(waits), abs=1)


def test_after_an_outage_one_tries_and_the_shell_goes_on_meanwhile() -> None:
    out = outside(task("a"), task("b"), task("c"), shell("s", priority=9), run=RunSettings(slots=2))
    out.end("a", api_error(529, T0, error="server_error"))
    out.end("b", api_error(529, T0, error="server_error"))
    assert out.running() == ["s"]
    out.end("s", good(at=out.now))
    out.jump(after(minutes=5))
    (first,) = out.running()
    (second, _) = [name for name in ("a", "b", "c") if name != first]
    gates = {gate.gate: gate for gate in why(out.world, second, out.now)}
    assert gates["canary"].text == "outage over? one task tries first"
    _answer(out, first)
    out.wait(10)
    assert len(out.running()) == 2


def test_a_run_that_began_before_the_outage_is_not_waited_for() -> None:
    out = outside(task("a"), task("b"), task("c"))
    out.now = after(60)
    out.end("b", api_error(529, after(60), error="server_error"))
    out.now = after(hours=1)
    out.measure(reading(at=out.now))
    assert "a" in out.running()
    assert len(out.running()) == 2, "somebody tries again while a goes on"


def test_who_met_the_outage_is_not_always_the_next_to_try() -> None:
    out = outside(task("bad", priority=1), task("good"), run=RunSettings(slots=1))
    out.end("bad", api_error(529, T0, error="server_error"))
    out.now = after(hours=1)
    out.tell(Ticked())
    assert out.running() == ["good"]


# --- the login -------------------------------------------------------------------------------------------------------


def test_a_refused_login_is_said_once_and_holds_all_that_needs_claude() -> None:
    out = outside(task("a"), task("b"), task("c"), shell("s", priority=9))
    _refuse(out, text="Invalid API key")
    out.end("b", api_error(401, out.now, error="authentication_failed"))
    assert sum("login" in note for note in out.notes()) == 1
    assert out.running() == ["s"]
    texts = {row.name: row.text for row in rows(out.world, out.now)}
    assert texts["a"] == "parked: login refused, resumes 00:20"
    assert texts["c"].startswith("Claude refused the login, next try 00:20")


def test_a_new_login_lets_one_try_then_the_rest() -> None:
    out = outside(task("a"), task("b"), task("c", priority=9), run=RunSettings(slots=3))
    for name in ("a", "b"):
        out.end(name, api_error(401, out.now, error="authentication_failed"))
    out.wait(30)
    assert out.running() == ["c"], "it began before, and goes on"
    out.end("c", good(at=after(-1)))
    out.tell(LoginSeen())
    assert len(out.running()) == 1
    _answer(out, out.running()[0])
    out.wait(10)
    assert sorted(out.running()) == ["a", "b"]


def test_a_new_login_ends_the_wait_of_the_only_run_at_once() -> None:
    out = outside(task("a"))
    _refuse(out)
    out.wait(30)
    out.tell(LoginSeen())
    assert out.running() == ["a"]


@pytest.mark.parametrize(
    ("state", "runs"),
    [
        pytest.param(SourceState("claude", ok=True, at=after(60)), True, id="it has answered since"),
        pytest.param(SourceState("api", ok=True, at=after(60)), True, id="so has the endpoint"),
        pytest.param(SourceState("claude", ok=True, at=after(-60)), False, id="that was before"),
        pytest.param(SourceState("claude", ok=False, at=after(60)), False, id="it was refused"),
        pytest.param(SourceState("transcripts", ok=True, at=after(60)), False, id="it needs no login"),
    ],
)
def test_a_source_that_answers_with_the_login_proves_that_it_works(state: SourceState, runs: bool) -> None:
    out = outside(task("a"), task("b"), run=RunSettings(slots=1))
    _refuse(out)
    out.now = after(61)
    out.tell(Measured((), (state,)))
    assert bool(out.running()) is runs
    assert len(out.running()) <= 1


def test_every_further_answer_of_a_source_is_no_further_news() -> None:
    out = outside(task("a"), run=RunSettings(slots=1))
    _refuse(out)
    out.files["pending/long.md"] = shell("long")
    out.scan()
    for minute in (1, 4, 7):
        out.jump(after(minutes=minute))
        out.tell(Measured((), (SourceState("claude", ok=True, at=out.now),)))
    assert sum("login has changed" in note for note in out.notes()) == 1


def test_a_login_that_is_refused_again_waits_longer() -> None:
    out = outside(task("a"))
    for minutes in (15, 30, 60):
        _refuse(out)
        parked = out.run("a").parked
        assert parked
        assert parked.until
        assert parked.until - out.now == after(minutes=minutes) - T0
        out.jump(parked.until)
        assert out.running() == ["a"]
    assert out.memory.retries == {}


def test_what_stands_is_known_again_after_a_restart() -> None:
    out = outside(task("a"), task("b"), task("c"), task("d", paused=True), run=RunSettings(slots=3))
    out.end("a", limited(after(1), after(hours=1)))
    out.end("b", api_error(529, after(2), error="server_error"))
    out.end("c", api_error(401, after(3), error="authentication_failed"))
    before = out.world.stops
    assert {stop.why for stop in before.values()} == {Why.LIMIT, Why.OUTAGE, Why.LOGIN}
    out.begin()
    assert out.world.stops == before
    assert out.running() == []


def test_a_refusal_that_an_old_request_met_does_not_undo_a_newer_answer() -> None:
    out = outside(task("a"), task("b"))
    stop = replace(limited(after(1), after(60)), ended=after(1))
    out.end("a", stop)
    out.jump(after(60))
    _answer(out, "a")
    assert out.world.stops == {}
    out.tell(Ticked())
    assert out.run("b").stage is Stage.RUNNING
