"""A person's words reach a run: what becomes of them wherever it stands, and that no restart loses them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cctui.core.effects import KeepWords, Launch
from cctui.core.events import Asked, Checked, EffectFailed, LaunchFailed, Looked
from cctui.core.refusal import REPLY_CHARS, refusal
from cctui.core.rehearsal import Rehearsal
from cctui.core.view import rows
from cctui.core.world import (
    ErrorType,
    Halting,
    Hold,
    Mode,
    Part,
    Reply,
    RunNow,
    Stage,
    StopRun,
    TakeOver,
    Task,
    Why,
)
from tests.core.made import Outside, exited, good, killed, limited, outside, said, shell, task

PLANNED = said("The plan: mend it.", subtype="success")
WAITS = "your words wait for its next step"


def planning(**more: Any) -> Outside:
    """A task whose plan waits for a person."""
    out = outside(task("a", mode=Mode.PLAN_FIRST), **more)
    out.end("a", replace(PLANNED, ended=out.now))
    assert out.run("a").stage is Stage.PARKED
    return out


def reply(out: Outside, text: str = "use the other file") -> None:
    command = Reply("a", text)
    assert refusal(out.world, command, out.now) is None
    out.tell(Asked(command))


def hears(out: Outside) -> None:
    """The hooks of its leg have said all there is to say."""
    (run_id,) = out.folders
    out.folders[run_id] = replace(out.folders[run_id], reached=out.folders[run_id].replies)
    out.look()


def row(out: Outside) -> str:
    (found,) = rows(out.world, out.now, ("active",))
    return found.text


# --- a plan that waits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restless", [False, True])
def test_a_plan_that_waits_is_made_anew_in_the_same_conversation_and_waits_again(restless: bool) -> None:
    out = planning(restless=restless)
    reply(out)
    assert out.parts("a") == ["plan", "plan<reply"]
    assert out.launches[-1].resume
    assert out.words == ["use the other file"]
    assert not out.run("a").unheard
    out.end("a", replace(PLANNED, ended=out.now))
    run = out.run("a")
    assert run.parked is not None
    assert (run.stage, run.parked.why, run.approved) == (Stage.PARKED, Why.NEEDS_YOU, False)
    out.tell(Asked(RunNow("a")))
    assert out.parts("a") == ["plan", "plan<reply", "work<needs_you"]


def test_a_reply_to_a_plan_waits_for_what_every_start_waits_for_and_is_kept() -> None:
    out = planning(restless=True)
    out.tell(Asked(Hold()))
    reply(out)
    reply(out, "and mind the tests")
    assert out.parts("a") == ["plan"]
    assert WAITS in row(out)
    out.tell(Asked(Hold(on=False)))
    assert out.parts("a") == ["plan", "plan<reply"]
    assert out.words == ["use the other file", "and mind the tests"]
    assert WAITS not in row(out)


def test_the_words_are_kept_before_the_leg_that_brings_them_is_started() -> None:
    out = planning()
    done: list[str] = []

    def watched(effect: object) -> None:
        done.append(type(effect).__name__)

    out.goes_wrong = watched
    reply(out)
    assert done.index("KeepWords") < done.index("Launch")


def test_a_plan_that_is_accepted_but_has_no_slot_yet_is_carried_out_with_the_words() -> None:
    out = planning()
    out.tell(Asked(Hold()))
    out.tell(Asked(RunNow("a")))
    reply(out)
    out.tell(Asked(Hold(on=False)))
    assert out.parts("a") == ["plan", "work<needs_you"]
    assert not out.run("a").unheard


# --- at work ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restless", [False, True])
def test_words_to_a_run_at_work_are_heard_at_its_next_tool_call(restless: bool) -> None:
    out = outside(task("a"), restless=restless)
    reply(out)
    assert restless or "a hears your words at its next tool call" in out.notes()
    assert out.run("a").unheard
    assert row(out) == WAITS
    hears(out)
    assert not out.run("a").unheard
    assert row(out) == ""
    out.end("a", good(at=out.now))
    assert out.parts("a") == ["work"]
    assert out.record("a").success


def test_it_is_said_once_that_they_were_heard() -> None:
    out = outside(task("a"))
    reply(out)
    hears(out)
    out.look()
    assert out.notes().count("a has heard your words") == 1


@pytest.mark.parametrize("restless", [False, True])
@pytest.mark.parametrize("check", [None, "make test"])
def test_words_that_no_tool_call_has_brought_lead_to_one_more_leg(check: str | None, restless: bool) -> None:
    out = outside(task("a", check=check), restless=restless)
    reply(out)
    out.end("a", good(at=out.now))
    assert out.parts("a") == ["work", "work<reply"]
    assert out.launches[-1].resume
    out.end("a", good(at=out.now))
    assert out.parts("a") == ["work", "work<reply", *(["check"] if check else [])]
    if check:
        out.end("a", exited(0, at=out.now, work=good(at=out.now)))
    assert out.record("a").success
    assert not [text for text in out.notes() if "without hearing" in text]


def test_words_during_the_plan_make_it_anew_before_it_waits() -> None:
    out = outside(task("a", mode=Mode.PLAN_FIRST), restless=True)
    reply(out)
    out.end("a", replace(PLANNED, ended=out.now))
    assert out.parts("a") == ["plan", "plan<reply"]
    assert out.plans == {}


def test_a_look_from_before_the_words_does_not_take_them_back() -> None:
    out = outside(task("a"))
    before = tuple(out.folders.values())
    reply(out)
    out.tell(Looked(before))
    assert out.run("a").unheard


@pytest.mark.parametrize(
    ("ending", "part"),
    [
        (lambda out: limited(out.now, out.now + timedelta(seconds=60)), "work<limit"),
        (lambda out: killed(out.now), "work<lost"),
    ],
)
def test_an_interrupted_run_goes_on_with_the_words(ending: Any, part: str) -> None:
    out = outside(task("a"), restless=True)
    reply(out)
    out.end("a", ending(out))
    out.wait(minutes=5)
    assert out.parts("a") == ["work", part]
    assert not out.run("a").unheard


def test_a_parked_run_keeps_them_for_its_resume() -> None:
    out = outside(task("a"), restless=True)
    out.end("a", limited(out.now, out.now + timedelta(minutes=60)))
    reply(out)
    run = out.run("a")
    assert run.parked is not None
    assert (run.parked.why, run.unheard) == (Why.LIMIT, True)
    assert row(out).startswith("parked: 5-hour limit")
    assert row(out).endswith(WAITS)
    out.wait(minutes=65)
    assert out.parts("a") == ["work", "work<limit"]
    assert not out.run("a").unheard


def test_a_run_that_fails_first_says_that_nobody_heard_them() -> None:
    out = outside(task("a", max_attempts=1))
    reply(out)
    out.end("a", exited(1, at=out.now))
    assert out.record("a").error_type is ErrorType.EXIT_ERROR
    assert out.notes().count("a has ended without hearing your words") == 1


def test_a_run_that_is_stopped_does_not_go_on_because_of_them() -> None:
    out = outside(task("a"))
    reply(out)
    out.tell(Asked(StopRun("a")))
    assert out.parts("a") == ["work"]
    assert out.record("a").error_type is ErrorType.CANCELLED


def test_words_that_could_not_be_kept_are_not_waited_for() -> None:
    out = outside(task("a"))
    out.goes_wrong = lambda effect: EffectFailed(effect, "say it again") if isinstance(effect, KeepWords) else None
    reply(out)
    assert not out.run("a").unheard
    assert out.notes()[-1] == "say it again"
    out.end("a", good(at=out.now))
    assert out.parts("a") == ["work"]


def test_a_launch_that_fails_leaves_the_words_for_the_next() -> None:
    out = planning()

    def no_tmux(effect: object) -> Any:
        if isinstance(effect, Launch):
            return LaunchFailed(effect.spec.run_id, effect.leg, "no tmux", program="tmux")
        return None

    out.goes_wrong = no_tmux
    reply(out)
    assert out.run("a").unheard
    out.goes_wrong = None
    out.tell(Checked({}))
    out.look()
    assert out.parts("a") == ["plan", "plan<reply"]
    assert not out.run("a").unheard


def test_the_plan_takes_it_that_words_are_heard_by_and_by() -> None:
    out = outside(task("a"))
    rehearsal = Rehearsal(out.world)
    rehearsal.tell(Asked(Reply("a", "hello")), out.now)
    (run,) = rehearsal.world.runs.values()
    rehearsal.end([(run, good(at=out.now))], out.now)
    assert rehearsal.started == []
    assert rehearsal.world.runs == {}


# --- where a person sits ---------------------------------------------------------------------------------------------


def attended() -> Outside:
    out = outside(task("a"))
    out.tell(Asked(TakeOver("a")))
    out.wait(20)
    assert out.run("a").part is Part.ATTENDED
    return out


def test_words_to_a_run_that_is_theirs_are_typed_into_its_pane() -> None:
    out = attended()
    reply(out, "1")
    (launch,) = [launch for launch in out.launches if launch.kind.part is Part.ATTENDED]
    assert out.typed == [(f"{launch.spec.session}-2", "1")]
    assert out.words == []
    assert out.notes()[-1] == "your words are in the pane of a"
    assert not out.run("a").unheard


def test_words_from_before_a_take_over_are_heard_after_it() -> None:
    out = outside(task("a"))
    reply(out)
    out.tell(Asked(TakeOver("a")))
    out.wait(20)
    assert out.run("a").unheard
    out.end("a", exited(0, at=out.now))
    assert out.parts("a")[-1] == "work<given_back"
    assert not out.run("a").unheard


# --- refusals --------------------------------------------------------------------------------------------------------


def no(out: Outside, text: str = "hello") -> str:
    reason = refusal(out.world, Reply("a", text), out.now)
    before = out.world
    out.tell(Asked(Reply("a", text)))
    assert (out.words, out.typed, out.world.runs) == ([], [], before.runs)
    return reason.what if reason else ""


@pytest.mark.parametrize("text", ["", " \n\t", "\x1b[31m\x07"])
def test_no_words_are_none(text: str) -> None:
    assert no(outside(task("a")), text) == "no words: a reply says something"


def test_a_reply_has_a_longest() -> None:
    assert no(outside(task("a")), "x" * (REPLY_CHARS + 1)) == "4,001 characters: a reply has at most 4,000"
    assert refusal(outside(task("a")).world, Reply("a", "x" * REPLY_CHARS), outside(task("a")).now) is None


def test_control_characters_are_taken_out_and_lines_stay() -> None:
    out = outside(task("a"))
    reply(out, "\x1b]0;title\x07one\r\ntwo\x03\n\tthree\u202e ")
    assert out.words == ["one\ntwo\n\tthree"]


def stopping(out: Outside) -> None:
    out.slow = True
    out.tell(Asked(StopRun("a")))


def taking_over(out: Outside) -> None:
    out.slow = True
    out.tell(Asked(TakeOver("a")))


def checking(out: Outside) -> None:
    out.end("a", good(at=out.now))


@pytest.mark.parametrize(
    ("made", "first", "said_so"),
    [
        (shell("a"), None, "a is no conversation: its runner is shell"),
        (task("a", paused=True), None, "a does not run: nobody would hear you"),
        (task("a"), stopping, "a is being stopped"),
        (task("a"), taking_over, "a is being handed over to you"),
        (task("a", check="x"), checking, "a runs its check just now: it hears nothing"),
    ],
)
def test_where_nobody_would_hear_it_is_refused(made: Task, first: Any, said_so: str) -> None:
    out = outside(made)
    if first:
        first(out)
    assert no(out) == said_so


def test_a_run_that_starts_is_not_spoken_to() -> None:
    out = outside()
    out.goes_wrong = lambda effect: Looked(()) if isinstance(effect, Launch) else None
    out.files["pending/a.md"] = task("a")
    out.scan()
    assert out.run("a").stage is Stage.LAUNCHING
    assert no(out) == "a is starting: try again in a moment"


def test_nobody_and_whose_file_is_gone() -> None:
    out = outside(task("a"))
    unknown = refusal(out.world, Reply("b", "hello"), out.now)
    assert unknown is not None
    assert unknown.why is Why.UNKNOWN
    out.files.clear()
    out.scan()
    reply(out)
    assert out.words == ["use the other file"]


def test_a_run_whose_leg_is_ended_for_its_silence_hears_them_with_the_next() -> None:
    out = outside(task("a"))
    (run_id,) = out.folders
    run = out.world.runs[run_id]
    out.world = replace(out.world, runs={run_id: replace(run, halting=Halting.STALL, halted=True)})
    assert refusal(out.world, Reply("a", "hello"), out.now) is None
