"""What a stop means: every outcome measured on the real program has its row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cctui.core.retry import Done, Failed, Park, Verdict, attempt_wait, login_wait, outage_wait, over, verdict
from cctui.core.settings import RunSettings
from cctui.core.world import Ending, ErrorType, Part, Result, Runner, Stop, Tokens, Why
from tests.core.made import T0, after, api_error, good, limited, run

SETTINGS = RunSettings()


def _of(ending: Ending, *parts: str, **more: Any) -> Verdict:
    return verdict(run(*parts, **more), ending, SETTINGS)


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
    ("ending", "error", "final"),
    [
        (_stopped(Stop.CANCELLED), ErrorType.CANCELLED, True),
        (_stopped(Stop.TIMEOUT), ErrorType.TIMEOUT, False),
        (_stopped(Stop.SPAWN), ErrorType.EXCEPTION, False),
        (_result(143), ErrorType.EXIT_ERROR, False),
        (
            _result(1, subtype="error_max_turns", is_error=True, terminal_reason="max_turns"),
            ErrorType.EXIT_ERROR,
            False,
        ),
        (
            _result(1, subtype="error_max_budget_usd", is_error=True, terminal_reason="budget_exhausted"),
            ErrorType.EXIT_ERROR,
            True,
        ),
        (
            _result(1, subtype="success", is_error=True, terminal_reason="prompt_too_long", api_error_status=400),
            ErrorType.EXIT_ERROR,
            True,
        ),
        (api_error(404, error="model_not_found"), ErrorType.EXIT_ERROR, True),
        (api_error(None, api_error="max_output_tokens", error="max_output_tokens"), ErrorType.EXIT_ERROR, False),
    ],
)
def test_failures(ending: Ending, error: ErrorType, final: bool) -> None:
    found = _of(ending)
    assert isinstance(found, Failed)
    assert (found.error, found.final) == (error, final)
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
        (api_error(401, error="authentication_failed"), Why.LOGIN),
        (api_error(401, error="authentication_failed", tokens=Tokens(output=10)), Why.LOGIN),
        (api_error(403), Why.LOGIN),
        (api_error(None, error="authentication_failed", text="Not logged in"), Why.LOGIN),
        (api_error(400, error="billing_error", text="Credit balance is too low"), Why.LOGIN),
    ],
)
def test_waits_cost_no_attempt(ending: Ending, why: Why) -> None:
    """In the first leg as in any later one, and for the part that met it."""
    for parts in (("work",), ("work", "work<limit"), ("plan",)):
        found = _of(ending, *parts)
        assert isinstance(found, Park)
        assert (found.why, found.part) == (why, Part.PLAN if parts == ("plan",) else Part.WORK)
        assert found.until
        assert found.until > T0


def test_a_limit_waits_for_its_own_reset_and_names_its_window() -> None:
    assert _of(limited(T0, after(hours=70), "seven_day")) == Park(Why.LIMIT, after(hours=70), "seven_day")


def test_a_reset_that_has_passed_already_backs_off_instead_of_looping() -> None:
    found = _of(limited(T0, after(-30)))
    assert isinstance(found, Park)
    assert found.until
    assert found.until >= after(60)


def test_a_conversation_that_is_gone_starts_afresh_once() -> None:
    gone = _result(1, subtype="error_during_execution", is_error=True, text="No conversation found with session ID: x")
    assert _of(gone, "work", "work<limit") == Park(Why.FRESH, T0, fresh=True)
    assert _of(gone, "plan", "plan<limit") == Park(Why.FRESH, T0, fresh=True, part=Part.PLAN)
    assert isinstance(_of(gone), Failed), "the first leg resumes nothing"
    assert isinstance(_of(gone, "work", "work<limit", "work<fresh", "work<limit"), Failed)


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


def test_outages_of_one_run_are_counted_and_wait_ever_longer() -> None:
    waits = []
    for before in range(7):
        found = _of(api_error(529), "work", *["work<outage"] * before)
        assert isinstance(found, Park)
        assert found.until
        waits.append((found.until - T0).total_seconds())
    assert waits[:5] == sorted(waits[:5])
    assert 60 <= waits[0] <= 75
    assert 240 <= waits[2] <= 300
    assert 900 <= waits[6] <= 1125
    assert len({_of(api_error(529), run_id=f"r{number}") for number in range(20)}) > 10, "not all at one moment"


def test_refused_logins_wait_from_a_quarter_of_an_hour_to_four_hours() -> None:
    found = [_of(api_error(401), "work", *["work<login"] * before) for before in range(6)]
    waits = [(park.until - T0).total_seconds() / 60 for park in found if isinstance(park, Park) and park.until]
    assert waits == [15, 30, 60, 120, 240, 240]
    assert login_wait(60) == 4 * 3600


@pytest.mark.parametrize(
    ("why", "window", "hours", "past"),
    [
        pytest.param(Why.LIMIT, "five_hour", 5, False, id="five hours at most"),
        pytest.param(Why.LIMIT, "five_hour", 6, True, id="no 5-hour window lasts that long"),
        pytest.param(Why.LIMIT, "seven_day", 24 * 7, False, id="a week"),
        pytest.param(Why.LIMIT, "seven_day", 24 * 8, True, id="no week has eight days"),
        pytest.param(Why.LIMIT, None, 24 * 6, False, id="an unknown window may be a week"),
        pytest.param(Why.OUTAGE, None, 0.3, False, id="an outage waits 19 minutes at most"),
        pytest.param(Why.OUTAGE, None, 0.4, True, id="and no longer"),
        pytest.param(Why.LOGIN, None, 4, False, id="a login four hours"),
        pytest.param(Why.LOGIN, None, 4.1, True, id="and no longer either"),
        pytest.param(Why.RETRY, None, 1.2, False, id="a retry an hour and a quarter"),
        pytest.param(Why.RETRY, None, 24, True, id="not a day"),
        pytest.param(Why.LIMIT, "five_hour", 0, True, id="it has passed"),
    ],
)
def test_a_wait_longer_than_any_can_be_has_passed(why: Why, window: str | None, hours: float, past: bool) -> None:
    """The clock was set back after it was written down."""
    assert over(why, window, after(hours=hours), T0) is past
    assert over(why, window, None, T0)
