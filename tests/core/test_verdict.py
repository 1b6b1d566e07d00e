"""What the end of each part of a run means: part by part, stop by stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cctui.core.launch import seconds
from cctui.core.retry import DONE_WORD, LEAST_LEFT, PARKED_WORD, Done, Failed, Next, Park, Verdict, verdict
from cctui.core.settings import RunSettings, Settings
from cctui.core.world import Ending, ErrorType, Halting, Mode, Part, Result, Runner, Stop, Tokens, Why
from tests.core.made import T0, after, api_error, exited, good, killed, limited, run, said

SETTINGS = RunSettings(stall_minutes=20)
CHECK = {"check": "make test"}
LOOP = {"runner": Runner.LOOP, "via": "loop"}
SHELL = {"runner": Runner.SHELL, "via": "shell"}
PLAN = {"mode": Mode.PLAN_FIRST}
READ = {"mode": Mode.READ_ONLY}


def _of(ending: Ending, *parts: str, **more: Any) -> Verdict:
    return verdict(run(*parts, **more), ending, SETTINGS)


def _ended(stop: Stop, **more: Any) -> Ending:
    return Ending(stop, T0, 5, **more)


def _hooked(reason: str = "hook_stopped") -> Ending:
    return said("so far", terminal_reason=reason)


def _failed(found: Verdict, error: ErrorType, words: str, *, final: bool = False) -> None:
    assert isinstance(found, Failed)
    assert (found.error, found.final) == (error, final)
    assert words in found.text


# --- which part comes next -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "of", "ending", "expected"),
    [
        pytest.param(("setup",), {}, exited(0), Next(Part.WORK), id="set up, then work"),
        pytest.param(("setup",), PLAN, exited(0), Next(Part.PLAN), id="set up, then plan"),
        pytest.param(("setup",), {**PLAN, **SHELL}, exited(0), Next(Part.WORK), id="a command plans nothing"),
        pytest.param(("work",), CHECK, good(), Next(Part.CHECK), id="work, then its check"),
        pytest.param(("work",), {**CHECK, **LOOP}, good(), Next(Part.CHECK), id="a loop with a check needs no word"),
        pytest.param(("work",), {**CHECK, **SHELL}, exited(0), Next(Part.CHECK), id="a command's check"),
        pytest.param(("work",), SHELL, exited(0), Done(), id="a command without one"),
        pytest.param(("work",), {}, good(), Done("done"), id="work without a check"),
        pytest.param(("work", "check"), CHECK, exited(0), Done("done"), id="proven"),
        pytest.param(("work", "check"), {**CHECK, **SHELL}, exited(0), Done("done"), id="a command proven"),
        pytest.param(
            ("plan",), PLAN, said("1. read\n2. write"), Park(Why.NEEDS_YOU, None, text="1. read"), id="a plan waits"
        ),
        pytest.param(
            ("plan", "work<needs_you"), {**PLAN, **CHECK}, good(), Next(Part.CHECK), id="accepted work is checked"
        ),
    ],
)
def test_what_comes_next(parts: tuple[str, ...], of: dict[str, Any], ending: Ending, expected: Verdict) -> None:
    assert _of(ending, *parts, work=good(), **of) == expected


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_plan_that_is_empty_is_none(text: str) -> None:
    _failed(_of(said(text), "plan", **PLAN), ErrorType.EXIT_ERROR, "without a plan")


@pytest.mark.parametrize(
    ("ending", "error", "words"),
    [
        (exited(2), ErrorType.EXIT_ERROR, "set-up: exit code 2"),
        (exited(-9), ErrorType.EXIT_ERROR, "set-up: ended by signal 9"),
        (_ended(Stop.TIMEOUT, detail="over 600 s"), ErrorType.TIMEOUT, "set-up: over 600 s"),
        (_ended(Stop.SPAWN, detail="no sh"), ErrorType.EXCEPTION, "set-up: no sh"),
    ],
)
def test_a_set_up_that_fails_is_a_failed_attempt_that_says_so(ending: Ending, error: ErrorType, words: str) -> None:
    _failed(_of(ending, "setup"), error, words)


# --- never done ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["hook_stopped", "stop_hook_prevented", "tool_deferred"])
@pytest.mark.parametrize("of", [{}, CHECK, PLAN])
def test_what_a_hook_has_stopped_is_not_done_though_the_stream_says_so(reason: str, of: dict[str, Any]) -> None:
    parts = ("plan",) if of is PLAN else ("work",)
    _failed(_of(_hooked(reason), *parts, **of), ErrorType.EXIT_ERROR, "hook")


def test_a_loop_that_a_hook_has_stopped_goes_another_round() -> None:
    assert _of(_hooked(), **LOOP, **CHECK) == Park(Why.UNFINISHED, T0, text="a hook has stopped it")


@pytest.mark.parametrize("of", [{}, CHECK, LOOP])
def test_no_answer_is_not_done(of: dict[str, Any]) -> None:
    _failed(_of(said(DONE_WORD, answers=0), **of), ErrorType.EXIT_ERROR, "without an answer")


DENIED = ("Bash: rm x", "Write: y", "Bash: mv y z")


@pytest.mark.parametrize(
    ("mode", "succeeded", "changed", "denied"),
    [
        pytest.param(Mode.AUTONOMOUS, 0, 0, True, id="nothing went well"),
        pytest.param(Mode.AUTONOMOUS, 4, 0, True, id="reading alone is not the work"),
        pytest.param(Mode.AUTONOMOUS, 4, 1, False, id="one call that changed something was"),
        pytest.param(Mode.READ_ONLY, 4, 0, False, id="reading is the work of a reader"),
        pytest.param(Mode.READ_ONLY, 0, 0, True, id="a reader that could not read"),
    ],
)
def test_a_run_whose_tools_were_denied_is_permission(mode: Mode, succeeded: int, changed: int, denied: bool) -> None:
    ending = said("I was not allowed to.", denials=DENIED, succeeded=succeeded, changed=changed)
    found = _of(ending, mode=mode)
    if denied:
        _failed(found, ErrorType.PERMISSION, "the tools it needed were denied: Bash, Write")
    else:
        assert isinstance(found, Done)


def test_with_a_check_the_check_decides_and_without_denials_nothing_is_denied() -> None:
    assert _of(said("no", denials=DENIED, changed=0), **CHECK) == Next(Part.CHECK)
    assert isinstance(_of(said("nothing to do", changed=0)), Done)


def test_a_loop_that_was_denied_says_permission_and_does_not_try_round_after_round() -> None:
    _failed(_of(said("no", denials=DENIED, changed=0), **LOOP), ErrorType.PERMISSION, "denied")


def test_the_refusal_for_root_says_what_to_do() -> None:
    tail = "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons"
    ending = replace(exited(1, tail=tail), result=Result())
    for word in ("normal user", "IS_SANDBOX=1", "bypass_permissions"):
        _failed(_of(ending), ErrorType.PERMISSION, word, final=True)
    _failed(_of(replace(ending, output_tail="killed")), ErrorType.EXIT_ERROR, "exit code 1")


# --- a loop without a check ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [DONE_WORD, f"**{DONE_WORD}**", f"`{DONE_WORD}`.", f"{DONE_WORD}\n\n"])
def test_a_loop_is_done_when_its_last_line_says_so(last: str) -> None:
    assert isinstance(_of(said(f"All tests pass.\n{last}"), **LOOP), Done)


@pytest.mark.parametrize(
    "text", ["All done!", f"I will say {DONE_WORD} later.", f"{DONE_WORD}\nbut no", f"{DONE_WORD}X"]
)
def test_a_loop_that_does_not_say_so_goes_another_round(text: str) -> None:
    assert _of(said(text), **LOOP) == Park(Why.UNFINISHED, T0, text="not done after 1 round")


def test_the_word_of_a_loop_means_nothing_to_others() -> None:
    assert isinstance(_of(said("not yet")), Done)


ROUNDS = ("work", "work<unfinished", "work<unfinished")


@pytest.mark.parametrize(
    ("parts", "of", "seconds", "words"),
    [
        pytest.param(ROUNDS, {"max_iterations": 3}, 60, "(round 3 of 3)", id="rounds"),
        pytest.param(ROUNDS, {"timeout": 600.0}, 541, "no time is left", id="time"),
        pytest.param(("work",), {"timeout": 90.0}, 46, "no time is left", id="half of a short time"),
        pytest.param(ROUNDS, {"max_budget_usd": 0.5}, 60, "its budget of $0.5 is spent", id="money"),
    ],
)
def test_a_loop_ends_when_something_has_run_out(
    parts: tuple[str, ...], of: dict[str, Any], seconds: float, words: str
) -> None:
    _failed(_of(said("not yet", seconds=seconds), *parts, **LOOP, **of), ErrorType.EXIT_ERROR, words)


@pytest.mark.parametrize(
    ("parts", "of", "seconds"),
    [
        pytest.param(ROUNDS, {"max_iterations": 4}, 60, id="one round is left"),
        pytest.param(ROUNDS, {"timeout": 600.0}, 540, id="a minute is left"),
        pytest.param(("work",), {"timeout": 90.0}, 44, id="half of a short time is left"),
        pytest.param(ROUNDS, {"max_budget_usd": 0.51}, 60, id="a cent is left"),
        pytest.param((*ROUNDS, "work<limit", "work<outage"), {"max_iterations": 4}, 60, id="waiting is no round"),
    ],
)
def test_a_loop_goes_on_within_its_bounds(parts: tuple[str, ...], of: dict[str, Any], seconds: float) -> None:
    assert isinstance(_of(said("not yet", seconds=seconds), *parts, **LOOP, **of), Park)


def test_a_round_of_a_loop_that_failed_is_followed_by_another_unless_it_is_hopeless() -> None:
    turns = Result("error_max_turns", is_error=True, terminal_reason="max_turns", text="out of turns")
    ending = _ended(Stop.EXIT, rc=1, result=turns)
    assert _of(ending, **LOOP) == Park(Why.UNFINISHED, T0, text="out of turns")
    _failed(_of(ending), ErrorType.EXIT_ERROR, "out of turns")
    long = replace(turns, terminal_reason="prompt_too_long")
    _failed(_of(replace(ending, result=long), **LOOP), ErrorType.EXIT_ERROR, "out of turns", final=True)


# --- the check -------------------------------------------------------------------------------------------------------


BAD_CHECKS = [
    pytest.param(exited(2, work=good()), "check: exit code 2", id="fails"),
    pytest.param(exited(-15, work=good()), "check: ended by signal 15", id="is killed"),
    pytest.param(_ended(Stop.TIMEOUT, rc=-15), "check: time limit of 30 s", id="times out"),
    pytest.param(_ended(Stop.SPAWN, detail="no such folder"), "check: no such folder", id="cannot be started"),
    pytest.param(_ended(Stop.EXIT), "check: no exit code", id="nobody knows"),
]


@pytest.mark.parametrize("of", [{}, LOOP])
@pytest.mark.parametrize(("ending", "words"), BAD_CHECKS)
def test_a_check_that_fails_goes_back_to_the_conversation(ending: Ending, words: str, of: dict[str, Any]) -> None:
    found = _of(ending, "work", "check", work=good(), check="x", check_timeout=30.0, **of)
    assert found == Park(Why.CHECK, T0, text=words)


@pytest.mark.parametrize(("ending", "words"), BAD_CHECKS)
def test_a_check_that_fails_fails_a_command(ending: Ending, words: str) -> None:
    found = _of(ending, "work", "check", work=exited(0), check="x", check_timeout=30.0, **SHELL)
    _failed(found, ErrorType.CHECK_FAILED, words)


def test_the_rounds_of_a_check_are_bounded() -> None:
    parts = ("work", "check", "work<check", "check")
    assert isinstance(_of(exited(1), *parts, check="x", max_iterations=3), Park)
    _failed(_of(exited(1), *parts, check="x", max_iterations=2), ErrorType.CHECK_FAILED, "exit code 1 (round 2 of 2)")


# --- killed, halted, timed out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "of", "part"),
    [
        (("work",), {}, Part.WORK),
        (("plan",), PLAN, Part.PLAN),
        (("setup",), SHELL, Part.SETUP),
        (("work", "check"), SHELL, Part.CHECK),
        (("work", "check"), {}, Part.CHECK),
        (("work", "work<lost"), LOOP, Part.WORK),
    ],
)
def test_what_was_killed_goes_on_where_it_stood(parts: tuple[str, ...], of: dict[str, Any], part: Part) -> None:
    assert _of(killed(), *parts, **of) == Park(Why.LOST, T0, part=part, text="The runner was killed.")


def test_a_command_that_was_killed_is_lost_and_not_repeated() -> None:
    for runner in (Runner.SHELL, Runner.PYTHON, "mine"):
        _failed(_of(killed(), runner=runner), ErrorType.LOST, "The runner was killed.", final=True)


def test_a_run_that_was_killed_three_times_is_given_up() -> None:
    found = _of(killed(), "work", "work<lost", "work<limit", "work<lost")
    _failed(found, ErrorType.LOST, "It was killed 3 times.", final=True)


@pytest.mark.parametrize("ending", [_ended(Stop.CANCELLED, rc=-15), _hooked()])
def test_a_run_that_went_silent_goes_on_once(ending: Ending) -> None:
    assert _of(ending, halting=Halting.STALL) == Park(Why.STALL, T0)
    assert _of(ending, "plan", halting=Halting.STALL, **PLAN) == Park(Why.STALL, T0, part=Part.PLAN)
    found = _of(ending, "work", "work<stall", "work<limit", halting=Halting.STALL)
    _failed(found, ErrorType.STALL, "said nothing for 20 minutes, twice")


def test_what_ended_by_itself_before_the_halt_reached_it_counts_as_it_ended() -> None:
    for why in (Halting.STALL, Halting.LANDING, Halting.TAKEOVER):
        assert _of(good(), halting=why, **CHECK) == Next(Part.CHECK)
        found = _of(limited(T0, after(60)), halting=why)
        assert isinstance(found, Park)
        assert found.why is Why.LIMIT


def test_landing() -> None:
    assert _of(said(f"Committed.\n{PARKED_WORD}"), halting=Halting.LANDING, **CHECK) == Park(Why.LANDED, T0)
    assert _of(_ended(Stop.CANCELLED, rc=-15), halting=Halting.LANDING) == Park(Why.LANDED, T0)
    assert isinstance(_of(said("All done."), halting=Halting.LANDING), Done), "it had finished instead"
    assert isinstance(_of(said(PARKED_WORD)), Done), "nobody had told it to land"


def test_taken_over_at_a_tool_call_or_where_it_stood() -> None:
    for ending in (_hooked(), _ended(Stop.CANCELLED, rc=-15)):
        for parts in (("work",), ("plan",), ("work", "check", "work<check")):
            assert _of(ending, *parts, halting=Halting.TAKEOVER) == Next(Part.ATTENDED)


@pytest.mark.parametrize("stop", Stop)
@pytest.mark.parametrize(("approved", "part"), [(False, Part.PLAN), (True, Part.WORK)])
def test_what_a_person_leaves_goes_on_by_itself(stop: Stop, approved: bool, part: Part) -> None:
    found = _of(_ended(stop, rc=1), "plan", "attended", approved=approved, **PLAN)
    assert found == Park(Why.GIVEN_BACK, T0, part=part)
    assert _of(_ended(stop), "work", "attended") == Park(Why.GIVEN_BACK, T0)


@pytest.mark.parametrize("of", [{}, LOOP, SHELL, PLAN])
def test_no_part_is_stopped_into_success(of: dict[str, Any]) -> None:
    for parts in (("work",), ("work", "check"), ("setup",), ("plan",)):
        _failed(_of(_ended(Stop.CANCELLED, rc=0), *parts, **of), ErrorType.CANCELLED, "stopped", final=True)
    for parts in (("work",), ("setup",), ("plan",)):
        _failed(_of(_ended(Stop.TIMEOUT, rc=0, result=good().result), *parts, **of), ErrorType.TIMEOUT, "timeout of")


# --- what the next leg gets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("attended",), None),
        (("work", "check"), 45.0),
        (("setup",), 600.0),
        (("work",), 1000.0),
        (("work", "work<limit"), 1000.0),
        (("work", "check", "work<check"), 700.0),
        (("work", "work<unfinished"), 700.0),
    ],
)
def test_seconds_of_the_next_leg(parts: tuple[str, ...], expected: float | None) -> None:
    """After a wait the whole time counts anew, the rounds of a loop share it."""
    made = run(*parts, timeout=1000.0, check_timeout=45.0)
    ended = good(300, tokens=5)
    assert seconds(Settings(), made, ended) == expected
    late = replace(ended, duration_s=990)
    if expected == 700.0:
        assert seconds(Settings(), made, late) == LEAST_LEFT


def test_a_service_refusal_outweighs_what_was_done_before_it() -> None:
    assert Tokens(1, 2, 3, 4).total == 10
    found = _of(api_error(529, tokens=Tokens(output=9)), "work", "check", "work<check", check="x")
    assert isinstance(found, Park)
    assert (found.why, found.part) == (Why.OUTAGE, Part.WORK)
