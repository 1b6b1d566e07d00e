"""What a stop means: done, failed, or parked; and when to try again.  Pure.

Three ledgers never mix: an agent's failure costs an attempt; a usage limit and an outage cost none, they park the run
with its conversation; a refused login costs none either.  Only structured fields decide, never the words of the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cctui.core.settings import RunSettings
from cctui.core.world import Ending, ErrorType, Result, Runner, Spec, Stop, Why

TRANSIENT = frozenset({408, 409, 429, 500, 502, 503, 504, 520, 522, 524, 529})
LOGIN_ERRORS = frozenset({"authentication_failed", "billing_error", "oauth_org_not_allowed"})
HOPELESS = frozenset({"prompt_too_long", "budget_exhausted"})
"""Ends that the same prompt would meet again."""
ATTEMPT_CAP, OUTAGE_CAP, LOGIN_WAIT = 3600.0, 900.0, 900.0
NO_CONVERSATION = "No conversation found"


@dataclass(frozen=True, slots=True)
class Done:
    text: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    error: ErrorType
    text: str
    counts: bool = True
    """Whether it costs an attempt."""
    final: bool = False
    """Trying again would not help, or could repeat what was done."""


@dataclass(frozen=True, slots=True)
class Park:
    why: Why
    until: datetime
    window: str | None = None
    fresh: bool = False
    """The conversation is gone: the next leg starts a new one."""


Verdict = Done | Failed | Park


def verdict(spec: Spec, leg: int, ending: Ending, settings: RunSettings) -> Verdict:
    """What the end of one leg means for the run."""
    match ending.stop:
        case Stop.LOST:
            return Failed(ErrorType.LOST, ending.detail or "ended without a trace", final=True)
        case Stop.CANCELLED:
            return Failed(ErrorType.CANCELLED, ending.detail or "stopped", final=True)
        case Stop.TIMEOUT:
            return Failed(ErrorType.TIMEOUT, ending.detail or f"over its timeout of {spec.timeout:g} s")
        case Stop.SPAWN:
            return Failed(ErrorType.EXCEPTION, ending.detail or "could not be started")
        case Stop.EXIT if ending.result is None or spec.runner in (Runner.SHELL, Runner.PYTHON):
            return _plain(ending)
        case Stop.EXIT:
            return _claude(spec, leg, ending, ending.result, settings)


def _plain(ending: Ending) -> Verdict:
    if ending.rc == 0:
        return Done()
    return Failed(ErrorType.EXIT_ERROR, exit_words(ending.rc))


def exit_words(rc: int | None) -> str:
    if rc is None:
        return "no exit code"
    return f"ended by signal {-rc}" if rc < 0 else f"exit code {rc}"


def _claude(spec: Spec, leg: int, ending: Ending, result: Result, settings: RunSettings) -> Verdict:
    """Success needs all three: exit code 0, subtype success, no error; any one of them alone has been seen to lie."""
    if ending.rc == 0 and result.subtype == "success" and not result.is_error:
        return Done(result.text)
    wait = parked(spec, leg, ending, result, settings)
    if wait is not None:
        return wait
    text = result.text or result.error or exit_words(ending.rc)
    if result.error in LOGIN_ERRORS or result.api_error_status in (401, 403):
        return Failed(ErrorType.AUTH, text, counts=False)
    hopeless = result.terminal_reason in HOPELESS or result.api_error_status in (400, 404, 413)
    return Failed(ErrorType.EXIT_ERROR, text, final=hopeless)


def parked(spec: Spec, leg: int, ending: Ending, result: Result, settings: RunSettings) -> Park | None:
    """Whether the run waits and goes on with its conversation instead of ending."""
    if not result.is_error and result.subtype is not None:
        return None
    later = ending.ended + timedelta(seconds=outage_wait(spec.run_id, leg, settings))
    if result.limit_resets_at is not None and _refused(result):
        # A reset that has passed already (two clocks) must not turn into a loop of refused requests.
        until = result.limit_resets_at if result.limit_resets_at > ending.ended else later
        return Park(Why.LIMIT, until, result.limit_window)
    if leg > 1 and result.text.startswith(NO_CONVERSATION):
        return Park(Why.OUTAGE, ending.ended, fresh=True)
    if result.error in LOGIN_ERRORS or result.api_error_status in (401, 403):
        worked = bool(result.tokens and result.tokens.total) or leg > 1
        return Park(Why.LOGIN, ending.ended + timedelta(seconds=LOGIN_WAIT)) if worked else None
    if result.terminal_reason != "api_error" and result.api_error_status is None:
        return None
    no_status = result.api_error_status is None and result.api_error in (None, "connection_failed")
    unreachable = no_status and result.error in (None, "server_error", "unknown")
    if result.api_error_status in TRANSIENT or unreachable:
        return Park(Why.OUTAGE, later)
    return None


def _refused(result: Result) -> bool:
    return result.api_error_status == 429 or result.api_error == "usage_limit_reached"


def attempt_wait(run_id: str, attempt: int, settings: RunSettings) -> float:
    """Seconds after failed attempt number `attempt`: doubling, at most an hour, with up to a quarter of jitter."""
    return min(settings.retry_seconds * 2.0 ** min(attempt - 1, 20), ATTEMPT_CAP) * _jitter(run_id, attempt)


def outage_wait(run_id: str, leg: int, settings: RunSettings) -> float:
    """Seconds after the API was down at the end of leg `leg`: doubling, at most 15 minutes, with jitter."""
    return min(settings.outage_seconds * 2.0 ** min(leg - 1, 20), OUTAGE_CAP) * _jitter(run_id, leg)


def _jitter(run_id: str, number: int) -> float:
    """1.0 to 1.25, the same for the same run and number, so that looking twice gives the same moment."""
    return 1 + sha256(f"{run_id}/{number}".encode()).digest()[0] / 1020
