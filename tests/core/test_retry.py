"""What a stop means: every outcome measured on the real program has its row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cctui.core.retry import Done, Failed, Park, Verdict, attempt_wait, outage_wait, verdict
from cctui.core.settings import RunSettings
from cctui.core.world import Ending, ErrorType, Result, Runner, Stop, Tokens, Why
from tests.core.made import T0, after, api_error, good, limited, spec

SETTINGS = RunSettings()


def _of(ending: Ending, leg: int = 1, **more: Any) -> Verdict:
    return verdict(spec(**more), leg, ending, SETTINGS)


def _stopped(stop: Stop, **more: Any) -> Ending:
    return Ending(stop, T0, 5, **more)


def _result(rc: int, **fields: Any) -> Ending:
    return Ending(Stop.EXIT, T0, 5, rc=rc, result=Result(**fields))


def test_done_needs_exit_code_subtype_and_no_error() -> None:
    assert isinstance(_of(good()), Done)
    assert isinstance(_of(_result(1, subtype="success")), Failed)
    assert isinstance(_of(_result(0, subtype="success", is_error=True)), Failed)
    assert isinstance(_of(_result(0, subtype="error_during_execution", is_error=True)), Failed)
    assert isinstance(_of(_result(0)), Failed)


@pytest.mark.parametrize(
    ("ending", "error", "counts", "final"),
    [
        (_stopped(Stop.LOST), ErrorType.LOST, True, True),
        (_stopped(Stop.CANCELLED), ErrorType.CANCELLED, True, True),
        (_stopped(Stop.TIMEOUT), ErrorType.TIMEOUT, True, False),
        (_stopped(Stop.SPAWN), ErrorType.EXCEPTION, True, False),
        (_result(143), ErrorType.EXIT_ERROR, True, False),
        (
            _result(1, subtype="error_max_turns", is_error=True, terminal_reason="max_turns"),
            ErrorType.EXIT_ERROR,
            True,
            False,
        ),
        (
            _result(1, subtype="error_max_budget_usd", is_error=True, terminal_reason="budget_exhausted"),
            ErrorType.EXIT_ERROR,
            True,
            True,
        ),
        (
            _result(1, subtype="success", is_error=True, terminal_reason="prompt_too_long", api_error_status=400),
            ErrorType.EXIT_ERROR,
            True,
            True,
        ),
        (api_error(404, error="model_not_found"), ErrorType.EXIT_ERROR, True, True),
        (api_error(401, error="authentication_failed"), ErrorType.AUTH, False, False),
        (api_error(403), ErrorType.AUTH, False, False),
        (api_error(None, error="authentication_failed", text="Not logged in"), ErrorType.AUTH, False, False),
        (api_error(400, error="billing_error", text="Credit balance is too low"), ErrorType.AUTH, False, False),
        (api_error(None, api_error="max_output_tokens", error="max_output_tokens"), ErrorType.EXIT_ERROR, True, False),
    ],
)
def test_failures(ending: Ending, error: ErrorType, counts: bool, final: bool) -> None:
    found = _of(ending)
    assert isinstance(found, Failed)
    assert (found.error, found.counts, found.final) == (error, counts, final)
    assert found.text


@pytest.mark.parametrize(
    ("ending", "why"),
    [
        (limited(T0, after(hours=2)), Why.LIMIT),
        (limited(T0, after(hours=70), "seven_day"), Why.LIMIT),
        (api_error(529, error="server_error"), Why.OUTAGE),
        (api_error(500, error="server_error"), Why.OUTAGE),
        (api_error(429, error="rate_limit"), Why.OUTAGE),
        (api_error(None, api_error="connection_failed", error="unknown"), Why.OUTAGE),
        (api_error(None, error="unknown", text="Request timed out"), Why.OUTAGE),
    ],
)
def test_waits_cost_no_attempt(ending: Ending, why: Why) -> None:
    found = _of(ending)
    assert isinstance(found, Park)
    assert found.why is why
    assert found.until > T0


def test_a_limit_waits_for_its_own_reset_and_names_its_window() -> None:
    assert _of(limited(T0, after(hours=70), "seven_day")) == Park(Why.LIMIT, after(hours=70), "seven_day")


def test_a_reset_that_has_passed_already_backs_off_instead_of_looping() -> None:
    found = _of(limited(T0, after(-30)))
    assert isinstance(found, Park)
    assert found.until >= after(60)


def test_a_login_refused_in_the_middle_of_the_work_keeps_the_conversation() -> None:
    worked = api_error(401, error="authentication_failed", tokens=Tokens(output=10))
    assert isinstance(_of(worked), Park)
    assert isinstance(_of(api_error(401, error="authentication_failed"), leg=2), Park)


def test_a_lost_conversation_starts_afresh_once_it_was_resumed() -> None:
    gone = _result(1, subtype="error_during_execution", is_error=True, text="No conversation found with session ID: x")
    assert _of(gone, leg=2) == Park(Why.OUTAGE, T0, fresh=True)
    assert isinstance(_of(gone, leg=1), Failed)


def test_shell_goes_by_its_exit_code_alone() -> None:
    assert isinstance(_of(_stopped(Stop.EXIT, rc=0), runner=Runner.SHELL), Done)
    failed = _of(_stopped(Stop.EXIT, rc=3), runner=Runner.SHELL)
    assert isinstance(failed, Failed)
    assert failed.text == "exit code 3"
    killed = _of(_stopped(Stop.EXIT, rc=-9), runner=Runner.SHELL)
    assert isinstance(killed, Failed)
    assert killed.text == "ended by signal 9"


def test_words_that_look_like_a_limit_are_not_one() -> None:
    words = "429 rate limit hit, resets 3am"
    said = _result(1, subtype="success", is_error=True, terminal_reason="completed", text=words)
    assert isinstance(_of(said), Failed)


def test_waits_double_up_to_their_caps_and_are_the_same_when_asked_twice() -> None:
    attempts = [attempt_wait("r", n, SETTINGS) for n in (1, 2, 3, 40)]
    assert 60 <= attempts[0] <= 75
    assert 120 <= attempts[1] <= 150
    assert 3600 <= attempts[3] <= 4500
    assert 900 <= outage_wait("r", 50, SETTINGS) <= 1125
    assert attempt_wait("r", 2, SETTINGS) == attempt_wait("r", 2, SETTINGS)
    assert timedelta(seconds=attempts[2]) > timedelta(seconds=attempts[1])
