"""What a stop means: done, failed, parked, or the next leg; and when to try again.  Pure.

Four ledgers never mix.  A usage limit costs no attempt: the run parks with its conversation.  An outage costs none
either: it parks and backs off.  A refused login costs none: everything that needs Claude holds.  Only an agent's
failure and a failed check cost attempts.  Structured fields decide, never the words of the output; the two words that
an agent is asked for (CCTUI-DONE, CCTUI-PARKED) count only as the last line of its last message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cctui.core import runners
from cctui.core.settings import RunSettings
from cctui.core.world import Ending, ErrorType, Halting, Mode, Part, Result, Run, Spec, Stop, Why

TRANSIENT = frozenset({408, 409, 429, 500, 502, 503, 504, 520, 522, 524, 529})
LOGIN_ERRORS = frozenset({"authentication_failed", "billing_error", "oauth_org_not_allowed"})
HOOKED = frozenset({"hook_stopped", "stop_hook_prevented", "tool_deferred"})
HOPELESS = frozenset({"prompt_too_long", "budget_exhausted"})
"""Ends that the same prompt would meet again."""
ATTEMPT_CAP, OUTAGE_CAP = 3600.0, 900.0
LOGIN_WAIT, LOGIN_CAP = 900.0, 4 * 3600.0
NO_CONVERSATION = "No conversation found"
AS_ROOT = "cannot be used with root"
LOSSES = 2
"""How often a run that was killed goes on before it is given up."""
DONE_WORD, PARKED_WORD = "CCTUI-DONE", "CCTUI-PARKED"
LEAST_LEFT = 60.0
"""Seconds that must be left of a run's time for another round."""


@dataclass(frozen=True, slots=True)
class Done:
    text: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    error: ErrorType
    text: str
    final: bool = False
    """Trying again would not help, or could repeat what was done."""


@dataclass(frozen=True, slots=True)
class Park:
    """The run waits, and goes on with its conversation as soon as its gates are open."""

    why: Why
    until: datetime | None
    window: str | None = None
    fresh: bool = False
    """The conversation is gone: the next leg starts a new one."""
    part: Part = Part.WORK
    text: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """The next leg follows at once: the run keeps its slot."""

    part: Part
    why: str = ""


Verdict = Done | Failed | Park | Next


def verdict(run: Run, ending: Ending, settings: RunSettings) -> Verdict:
    """What the end of the current leg means for the run.  Nothing is done, and no plan waits, before a person's words
    have been heard."""
    found = _verdict(run, ending, settings)
    over = isinstance(found, Done) or (isinstance(found, Next) and found.part is Part.CHECK)
    if run.unheard and (over or (isinstance(found, Park) and found.why is Why.NEEDS_YOU)):
        return Park(Why.REPLY, ending.ended, part=working_part(run))
    return found


def _verdict(run: Run, ending: Ending, settings: RunSettings) -> Verdict:
    if run.part is Part.ATTENDED:
        return Park(Why.GIVEN_BACK, ending.ended, part=working_part(run))
    if run.halting in (Halting.STALL, Halting.TAKEOVER) and (ending.stop is Stop.CANCELLED or _hooked(ending)):
        return _halted(run, ending, settings)
    match ending.stop:
        case Stop.LOST:
            return _lost(run, ending)
        case Stop.CANCELLED if run.halting is Halting.LANDING:
            return Park(Why.LANDED, ending.ended, part=run.part)
        case Stop.CANCELLED:
            return Failed(ErrorType.CANCELLED, ending.detail or "stopped", final=True)
        case Stop.TIMEOUT if run.part is not Part.CHECK:
            limit = f"over its timeout of {run.spec.timeout:g} s"
            return Failed(ErrorType.TIMEOUT, _during(run, ending.detail or limit))
        case Stop.SPAWN if run.part is not Part.CHECK:
            return Failed(ErrorType.EXCEPTION, _during(run, ending.detail or "could not be started"))
    match run.part:
        case Part.SETUP:
            done = ending.rc == 0
            return (
                Next(working_part(run)) if done else Failed(ErrorType.EXIT_ERROR, _during(run, exit_words(ending.rc)))
            )
        case Part.PLAN:
            return _planned(run, ending, settings)
        case Part.CHECK:
            return _checked(run, ending)
        case _:
            return _worked(run, ending, settings)


def working_part(run: Run) -> Part:
    """What Claude is to do next: plan, until a person has accepted one; else work."""
    return Part.PLAN if run.spec.mode is Mode.PLAN_FIRST and not run.approved and _talks(run) else Part.WORK


def first_part(spec: Spec) -> Part:
    if spec.worktree and spec.setup:
        return Part.SETUP
    return Part.PLAN if spec.mode is Mode.PLAN_FIRST and runners.needs_claude(spec.runner) else Part.WORK


def _talks(run: Run) -> bool:
    return runners.needs_claude(run.spec.runner)


def _during(run: Run, text: str) -> str:
    return f"set-up: {text}" if run.part is Part.SETUP else text


# --- a leg that was ended or died ------------------------------------------------------------------------------------


def _halted(run: Run, ending: Ending, settings: RunSettings) -> Verdict:
    if run.halting is Halting.TAKEOVER:
        return Next(Part.ATTENDED)
    if run.times(Why.STALL) == 0:
        return Park(Why.STALL, ending.ended, part=run.part)
    return Failed(ErrorType.STALL, f"said nothing for {settings.stall_minutes:g} minutes, twice")


def _lost(run: Run, ending: Ending) -> Verdict:
    """Killed with the machine or by hand.  A conversation goes on where it stood; a check and a set-up run again; a
    command of which nobody knows how far it came does not."""
    text = ending.detail or "ended without a trace"
    if run.part is Part.WORK and not _talks(run):
        return Failed(ErrorType.LOST, text, final=True)
    if run.times(Why.LOST) >= LOSSES:
        return Failed(ErrorType.LOST, f"{text} It was killed {run.times(Why.LOST) + 1} times.", final=True)
    return Park(Why.LOST, ending.ended, part=run.part, text=text)


# --- a leg that came to its end --------------------------------------------------------------------------------------


def _planned(run: Run, ending: Ending, settings: RunSettings) -> Verdict:
    match _claude(run, ending, ending.result or Result(), settings):
        case Done(text) if text.strip():
            return Park(Why.NEEDS_YOU, None, text=text.strip().partition("\n")[0][:200])
        case Done():
            return Failed(ErrorType.EXIT_ERROR, "it ended without a plan")
        case other:
            return other


def _worked(run: Run, ending: Ending, settings: RunSettings) -> Verdict:
    if not _talks(run) or ending.result is None:
        if ending.rc != 0:
            return Failed(ErrorType.EXIT_ERROR, exit_words(ending.rc))
        return Next(Part.CHECK) if run.spec.check else Done()
    result = ending.result
    said = _claude(run, ending, result, settings)
    if isinstance(said, Failed):
        again = runners.persists(run.spec.via) and not said.final and said.error is ErrorType.EXIT_ERROR
        return _another_round(run, ending, Why.UNFINISHED, said) if again else said
    if not isinstance(said, Done):
        return said
    if run.halting is Halting.LANDING and last_line(said.text) == PARKED_WORD:
        return Park(Why.LANDED, ending.ended)
    if result.answers == 0:
        return Failed(ErrorType.EXIT_ERROR, "Claude ended without an answer")
    if run.spec.check:
        return Next(Part.CHECK)
    if denied := _denied(run.spec, result):
        return Failed(ErrorType.PERMISSION, denied)
    if runners.persists(run.spec.via) and last_line(said.text) != DONE_WORD:
        rounds = "1 round" if run.iteration == 1 else f"{run.iteration} rounds"
        left = Failed(ErrorType.EXIT_ERROR, f"not done after {rounds}")
        return _another_round(run, ending, Why.UNFINISHED, left)
    return said


def _checked(run: Run, ending: Ending) -> Verdict:
    if ending.stop is Stop.EXIT and ending.rc == 0:
        result = run.work.result if run.work else None
        return Done(result.text if result else "")
    how = f"time limit of {run.spec.check_timeout:g} s" if ending.stop is Stop.TIMEOUT else exit_words(ending.rc)
    if ending.stop is Stop.SPAWN:
        how = ending.detail
    failed = Failed(ErrorType.CHECK_FAILED, f"check: {how}")
    return _another_round(run, ending, Why.CHECK, failed) if _talks(run) else failed


def _another_round(run: Run, ending: Ending, why: Why, failed: Failed) -> Verdict:
    """Back to the conversation, within the task's rounds, time and money; else `failed`, which says what ran out."""
    spec, result = run.spec, ending.result
    if run.iteration >= spec.max_iterations:
        return Failed(failed.error, f"{failed.text} (round {run.iteration} of {spec.max_iterations})")
    if ending.duration_s > spec.timeout - LEAST_LEFT and ending.duration_s > spec.timeout / 2:
        return Failed(failed.error, f"{failed.text}; no time is left for another round")
    spent = result.cost_usd if result else None
    if spec.max_budget_usd is not None and spent is not None and spent >= spec.max_budget_usd:
        return Failed(failed.error, f"{failed.text}; its budget of ${spec.max_budget_usd:g} is spent")
    return Park(why, ending.ended, text=failed.text)


def exit_words(rc: int | None) -> str:
    if rc is None:
        return "no exit code"
    return f"ended by signal {-rc}" if rc < 0 else f"exit code {rc}"


def last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2].strip(" `*.")


def _hooked(ending: Ending) -> bool:
    """A hook has stopped it between two tool calls; the stream calls even that a success."""
    return ending.result is not None and ending.result.terminal_reason in HOOKED


def _denied(spec: Spec, result: Result) -> str | None:
    """The sentence for a run that could do nothing: something was denied, and no other call that matters went well."""
    useful = result.succeeded if spec.mode is Mode.READ_ONLY else result.changed
    if not result.denials or useful:
        return None
    names = sorted({denial.partition(":")[0] for denial in result.denials})
    return f"the tools it needed were denied: {', '.join(names)}"


# --- what Claude's stream says ---------------------------------------------------------------------------------------


def _claude(run: Run, ending: Ending, result: Result, settings: RunSettings) -> Done | Failed | Park:
    """Success needs all three: exit code 0, subtype success, no error; any one of them alone has been seen to lie."""
    if ending.rc == 0 and result.subtype == "success" and not result.is_error:
        return Failed(ErrorType.EXIT_ERROR, "a hook has stopped it") if _hooked(ending) else Done(result.text)
    wait = parked(run, ending, result, settings)
    if wait is not None:
        return wait
    if result.subtype is None and AS_ROOT in ending.output_tail:
        return Failed(ErrorType.PERMISSION, ROOT_WORDS, final=True)
    text = result.text or result.error or exit_words(ending.rc)
    hopeless = result.terminal_reason in HOPELESS or result.api_error_status in (400, 404, 413)
    return Failed(ErrorType.EXIT_ERROR, text, final=hopeless)


ROOT_WORDS = (
    "Claude Code refuses bypass_permissions for root: run cctui as a normal user, take the field out of the task, "
    "or, inside a container, put `env: [IS_SANDBOX]` into the task and set IS_SANDBOX=1"
)


def parked(run: Run, ending: Ending, result: Result, settings: RunSettings) -> Park | None:
    """Whether the run waits and goes on with its conversation instead of ending."""
    if not result.is_error and result.subtype is not None:
        return None
    later = ending.ended + timedelta(seconds=outage_wait(run.spec.run_id, run.times(Why.OUTAGE) + 1, settings))
    if result.limit_resets_at is not None and _refused(result):
        # A reset that has passed already (two clocks) must not turn into a loop of refused requests.
        until = result.limit_resets_at if result.limit_resets_at > ending.ended else later
        return Park(Why.LIMIT, until, result.limit_window, part=run.part)
    if run.leg > 1 and result.text.startswith(NO_CONVERSATION) and _may_begin_anew(run):
        return Park(Why.FRESH, ending.ended, fresh=True, part=run.part)
    if result.error in LOGIN_ERRORS or result.api_error_status in (401, 403):
        wait = login_wait(run.times(Why.LOGIN))
        return Park(Why.LOGIN, ending.ended + timedelta(seconds=wait), part=run.part, text=result.text[:200])
    if result.terminal_reason != "api_error" and result.api_error_status is None:
        return None
    no_status = result.api_error_status is None and result.api_error in (None, "connection_failed")
    unreachable = no_status and result.error in (None, "server_error", "unknown")
    if result.api_error_status in TRANSIENT or unreachable:
        return Park(Why.OUTAGE, later, part=run.part)
    return None


def _may_begin_anew(run: Run) -> bool:
    """Once; and again when the new conversation was killed before it can have been written down."""
    whys = [leg.why for leg in run.legs]
    return Why.FRESH not in whys or Why.LOST in whys[len(whys) - whys[::-1].index(Why.FRESH) :]


def _refused(result: Result) -> bool:
    return result.api_error_status == 429 or result.api_error == "usage_limit_reached"


# --- how long ---------------------------------------------------------------------------------------------------------


def attempt_wait(run_id: str, attempt: int, settings: RunSettings) -> float:
    """Seconds after failed attempt number `attempt`: doubling, at most an hour, with up to a quarter of jitter."""
    return min(settings.retry_seconds * 2.0 ** min(attempt - 1, 20), ATTEMPT_CAP) * _jitter(run_id, attempt)


def outage_wait(run_id: str, number: int, settings: RunSettings) -> float:
    """Seconds after this run met its outage number `number`: doubling, at most 15 minutes, with jitter."""
    return min(settings.outage_seconds * 2.0 ** min(number - 1, 20), OUTAGE_CAP) * _jitter(run_id, number)


def login_wait(before: int) -> float:
    """Seconds after a refused login, when as many as `before` were refused before: from 15 minutes to 4 hours.

    A new login, or any source that gets an answer with it, ends the wait at once."""
    return min(LOGIN_WAIT * 2.0 ** min(before, 20), LOGIN_CAP)


def _jitter(run_id: str, number: int) -> float:
    """1.0 to 1.25, the same for the same run and number, so that looking twice gives the same moment."""
    return 1 + sha256(f"{run_id}/{number}".encode()).digest()[0] / 1020


LONGEST = {Why.OUTAGE: OUTAGE_CAP * 1.25, Why.LOGIN: LOGIN_CAP, Why.RETRY: ATTEMPT_CAP * 1.25}
WINDOWS = {"five_hour": 5 * 3600.0 + 600}
WEEK = 7 * 86400.0 + 3600


def over(why: Why, window: str | None, until: datetime | None, now: datetime) -> bool:
    """Whether a wait has passed.  One longer than any can be is over too: the clock was set back meanwhile."""
    if until is None or until <= now:
        return True
    longest = LONGEST.get(why) or WINDOWS.get(window or "", WEEK)
    return (until - now).total_seconds() > longest
