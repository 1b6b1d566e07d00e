"""Stories of runs that are ended before their time: silence, a window that fills up, a person who takes over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core.events import Asked, Configured, EffectFailed, Progressed
from cctui.core.retry import PARKED_WORD
from cctui.core.settings import CapacitySettings, RunSettings, Settings
from cctui.core.step import alarm, refusal
from cctui.core.view import rows, why
from cctui.core.world import (
    ErrorType,
    Halting,
    Mode,
    Part,
    Progress,
    RunNow,
    Stage,
    Status,
    Stop,
    StopRun,
    TakeOver,
    Task,
    Why,
)
from tests.core.made import Outside, after, exited, good, killed, limited, outside, reading, said, shell, task

LATER = 120.0


def _row(out: Outside, name: str) -> str:
    return next(row.text for row in rows(out.world, out.now) if row.name == name)


def _full(out: Outside, used: float, window: str = "five_hour") -> None:
    out.measure(reading(used, window, at=out.now, resets_at=after(hours=3)))


# --- silence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restless", [False, True])
def test_a_run_that_says_nothing_is_interrupted_goes_on_once_and_then_fails(restless: bool) -> None:
    out = outside(task("a", max_attempts=1), run=RunSettings(stall_minutes=5), restless=restless)
    (run_id,) = out.folders
    assert alarm(out.world, out.now) == after(minutes=5)
    out.wait(minutes=5)
    assert out.halts == [(run_id, Halting.STALL)]
    assert out.parts("a") == ["work", "work<stall"]
    assert out.launches[-1].resume
    out.wait(minutes=4)
    assert len(out.halts) == 1
    out.wait(minutes=1)
    assert out.parts("a") == ["work", "work<stall"]
    record = out.record("a")
    assert (record.error_type, record.detail) == (ErrorType.STALL, "said nothing for 5 minutes, twice")


def test_whoever_speaks_is_left_alone() -> None:
    out = outside(task("a"), run=RunSettings(stall_minutes=5))
    (run_id,) = out.folders
    for minute in range(1, 20):
        out.wait(minutes=1)
        out.tell(Progressed(run_id, Progress(last_line=f"line {minute}")))
    assert out.halts == []
    assert out.parts("a") == ["work"]


@pytest.mark.parametrize(
    ("made", "part"), [(shell("a"), Part.WORK), (task("a", check="x"), Part.CHECK), (task("a"), Part.ATTENDED)]
)
def test_only_claude_at_work_is_interrupted_for_its_silence(made: Task, part: Part) -> None:
    out = outside(made)
    if part is Part.CHECK:
        out.end("a", good())
    if part is Part.ATTENDED:
        out.tell(Asked(TakeOver("a")))
        out.wait(20)
    assert out.run("a").part is part
    halts = list(out.halts)
    out.wait(minutes=60)
    assert out.halts == halts
    said_so = [note for note in out.notes() if "said nothing" in note]
    assert said_so == ([] if part is Part.ATTENDED else ["a has said nothing for 20 minutes"])


def test_a_shell_run_that_says_nothing_is_said_to_be_quiet_once_and_left_alone() -> None:
    out = outside(shell("a"))
    (run_id,) = out.folders
    out.wait(minutes=5)
    out.tell(Progressed(run_id, Progress(last_line="working")))
    assert alarm(out.world, out.now) == after(minutes=25)
    out.wait(minutes=20)
    assert out.notes()[-1] == "a has said nothing for 20 minutes"
    assert alarm(out.world, out.now) is None
    out.wait(minutes=20)
    assert [note.text for note in out.world.notes] == ["a started", "a has said nothing for 20 minutes"]
    out.tell(Progressed(run_id, Progress(last_line="on again")))
    assert not out.world.runs[run_id].quiet
    assert out.halts == []


def test_a_halt_that_could_not_be_performed_is_tried_again_but_not_at_once() -> None:
    out = outside(task("a"), run=RunSettings(stall_minutes=5))
    out.goes_wrong = lambda effect: EffectFailed(effect, "disk full") if hasattr(effect, "why") else None
    out.wait(minutes=5)
    assert out.run("a").stage is Stage.RUNNING
    assert out.notes().count("disk full") == 1
    out.goes_wrong = None
    for _ in range(10):
        if out.parts("a") == ["work"]:
            out.wait(minutes=1)
    assert out.parts("a") == ["work", "work<stall"]


def test_a_hard_stop_that_could_not_be_performed_does_not_spin() -> None:
    out = outside(task("a"))
    out.wait(LATER)
    out.goes_wrong = lambda effect: EffectFailed(effect, "disk full") if hasattr(effect, "why") else None
    _full(out, 99.5)
    assert out.notes().count("disk full") <= 2


# --- a window that fills up ------------------------------------------------------------------------------------------


def test_a_run_is_told_once_to_save_its_work_and_waits_for_the_reset() -> None:
    out = outside(task("a"), shell("s"))
    (run_id,) = [key for key, sight in out.folders.items() if sight.spec.task == "a"]
    out.wait(LATER)
    _full(out, 96.9)
    assert out.told == []
    for used in (97.0, 97.5, 98.9):
        _full(out, used)
    assert out.told == [(run_id, Halting.LANDING)]
    assert out.halts == []
    assert "a is told to save its work: 5-hour window at 97 %" in out.notes()
    assert _row(out, "a").startswith("saves its work, the window is nearly full")
    out.end("a", said(f"Committed.\n{PARKED_WORD}", at=out.now))
    assert (out.run("a").stage, out.memory.retries) == (Stage.PARKED, {})
    assert out.running() == ["s"], "the shell spends nothing"
    assert _row(out, "a") == "parked: 5-hour window at 99 %, max 90 %, resets 03:05"
    out.jump(after(hours=3))
    out.measure(reading(1.0, at=out.now, resets_at=after(hours=8)))
    assert out.parts("a") == ["work", "work<landed"]
    assert out.launches[-1].resume


@pytest.mark.parametrize("begun_again", [False, True])
def test_who_lands_while_the_scheduler_is_killed_is_parked_all_the_same(begun_again: bool) -> None:
    out = outside(task("a", check="x"))
    out.wait(LATER)
    _full(out, 97.0)
    if begun_again:
        out.begin()
    out.end("a", said(f"Committed.\n{PARKED_WORD}", at=out.now))
    assert (out.run("a").stage, out.parts("a")) == (Stage.PARKED, ["work"])


def test_at_the_hard_limit_it_is_stopped_once_and_parked() -> None:
    out = outside(task("a"), slow=True)
    (run_id,) = out.folders
    out.wait(LATER)
    _full(out, 97.0)
    for used in (99.0, 99.5, 100.0):
        _full(out, used)
    assert out.halts == [(run_id, Halting.LANDING)]
    out.end("a", replace(killed(out.now), stop=Stop.CANCELLED))
    assert (out.run("a").stage, out.ledger) == (Stage.PARKED, {})
    parked = out.run("a").parked
    assert parked
    assert parked.why is Why.LANDED


@pytest.mark.parametrize(
    ("model", "window", "lands"),
    [
        ("claude-opus-5-5", "seven_day_opus", True),
        ("claude-sonnet-5", "seven_day_opus", False),
        ("claude-sonnet-5", "seven_day", True),
    ],
)
def test_only_a_window_that_the_run_spends_from_makes_it_land(model: str, window: str, lands: bool) -> None:
    out = outside(task("a", model=model))
    out.wait(LATER)
    _full(out, 97.0, window)
    assert bool(out.told) is lands


def test_a_number_from_before_the_leg_makes_nobody_land() -> None:
    out = outside(task("a"), readings=(reading(at=after(-600)),))
    out.wait(LATER)
    out.measure(reading(98.0, at=after(-60)))
    assert (out.told, out.halts) == ([], [])


@pytest.mark.parametrize(("soft", "hard", "told", "halted"), [(100, 100, 0, 0), (97, 100, 1, 0), (100, 99, 0, 1)])
def test_each_of_the_two_can_be_switched_off(soft: float, hard: float, told: int, halted: int) -> None:
    out = outside(task("a"), slow=True)
    capacity = CapacitySettings(soft_landing=soft, hard_stop=hard)
    out.tell(Configured(Settings(capacity=capacity)))
    out.wait(LATER)
    _full(out, 98.0)
    _full(out, 99.9)
    assert (len(out.told), len(out.halts)) == (told, halted)


def test_a_run_that_a_person_forced_past_a_full_window_is_not_stopped_for_it() -> None:
    out = outside(task("a"), readings=(reading(99.5),))
    out.tell(Asked(RunNow("a", force=True)))
    out.wait(LATER)
    _full(out, 99.6)
    assert out.running() == ["a"]


# --- taken over ------------------------------------------------------------------------------------------------------


def _taken(out: Outside) -> Outside:
    """A person works in the pane."""
    out.tell(Asked(TakeOver("a")))
    out.end("a", said("so far", at=out.now, terminal_reason="hook_stopped"))
    assert out.parts("a")[-1] == "attended"
    return out


@pytest.mark.parametrize("restless", [False, True])
def test_a_run_is_taken_over_at_its_next_tool_call_and_given_back(restless: bool) -> None:
    out = outside(task("a", check="x"))
    (run_id,) = out.folders
    out.tell(Asked(TakeOver("a")))
    assert out.told == [(run_id, Halting.TAKEOVER)]
    assert (out.halts, _row(out, "a")) == ([], "handed over at its next step")
    assert refusal(out.world, TakeOver("a"), out.now)
    out.restless = restless
    out.end("a", said("so far", at=out.now, terminal_reason="hook_stopped"))
    launch = out.launches[-1]
    assert (out.parts("a"), launch.resume, launch.seconds) == (["work", "attended"], True, None)
    assert _row(out, "a") == "with you: leaving Claude gives it back"
    out.wait(minutes=45)
    out.end("a", exited(0, at=out.now))
    assert out.parts("a") == ["work", "attended", "work<given_back"]
    out.end("a", good(at=out.now))
    out.end("a", exited(0, at=out.now, work=good()))
    assert (out.record("a").success, out.record("a").attempt, len(out.ledger)) == (True, 1, 1)


def test_a_run_that_calls_no_tool_is_ended_after_twenty_seconds() -> None:
    out = outside(task("a"))
    (run_id,) = out.folders
    out.tell(Asked(TakeOver("a")))
    assert alarm(out.world, out.now) == after(20)
    out.wait(19)
    assert out.halts == []
    out.wait(1)
    assert out.halts == [(run_id, Halting.TAKEOVER)]
    assert out.parts("a") == ["work", "attended"]


def test_a_scheduler_that_died_before_the_twenty_seconds_ends_it_later() -> None:
    out = outside(task("a"))
    (run_id,) = out.folders
    out.tell(Asked(TakeOver("a")))
    out.wait(10)
    out.begin()
    assert out.halts == []
    out.wait(20)
    assert out.halts == [(run_id, Halting.TAKEOVER)]
    assert out.parts("a") == ["work", "attended"]


@pytest.mark.parametrize(
    ("approve", "parts"),
    [
        (False, ["plan", "attended", "plan<given_back"]),
        (True, ["plan", "work<needs_you", "attended", "work<given_back"]),
    ],
)
def test_a_planned_run_that_is_given_back_plans_until_its_plan_is_accepted(approve: bool, parts: list[str]) -> None:
    out = outside(task("a", mode=Mode.PLAN_FIRST))
    if approve:
        out.end("a", said("a plan", at=out.now))
        out.tell(Asked(RunNow("a")))
    _taken(out).end("a", exited(0, at=out.now))
    assert out.parts("a") == parts


@pytest.mark.parametrize("way", ["limit", "plan", "landed", "stall"])
def test_a_run_that_waits_can_be_taken_over_at_once(way: str) -> None:
    out = outside(task("a", mode=Mode.PLAN_FIRST if way == "plan" else Mode.AUTONOMOUS))
    out.wait(LATER)
    match way:
        case "limit":
            out.end("a", limited(out.now, after(hours=1)))
        case "plan":
            out.end("a", said("a plan", at=out.now))
        case "landed":
            _full(out, 99.5)
        case _:
            _full(out, 95.0)
            out.wait(minutes=20)
    assert out.run("a").stage is Stage.PARKED
    out.wait(60)
    assert refusal(out.world, TakeOver("a"), out.now) is None
    out.tell(Asked(TakeOver("a")))
    assert out.parts("a")[-1] == "attended"
    assert out.launches[-1].resume


def test_the_time_a_run_stood_parked_before_it_was_taken_over_counts_as_parked() -> None:
    out = outside(task("a"))
    out.end("a", limited(after(0), after(hours=1)))
    out.wait(minutes=10)
    out.tell(Asked(TakeOver("a")))
    assert out.run("a").parked_s == 600


def test_a_run_whose_folder_another_works_in_cannot_be_taken_over() -> None:
    out = outside(task("a", mode=Mode.PLAN_FIRST, folder="/x"), task("b", folder="/x"))
    out.end("a", said("a plan"))
    assert out.running() == ["b"]
    reason = refusal(out.world, TakeOver("a"), out.now)
    assert reason
    assert (reason.why, reason.what) == (Why.FOLDER, "b")


def _refused(out: Outside) -> str:
    reason = refusal(out.world, TakeOver("a"), out.now)
    assert reason
    told, halts = list(out.told), list(out.halts)
    out.tell(Asked(TakeOver("a")))
    assert (out.told, out.halts) == (told, halts)
    return reason.what


def test_when_a_run_cannot_be_taken_over_it_says_why() -> None:
    assert _refused(outside(task("a", paused=True))) == "a does not run"
    assert _refused(outside(shell("a"))) == "a is no conversation: its runner is shell"
    assert _refused(_taken(outside(task("a")))) == "a is yours already: attach to it"
    out = outside(task("a", check="x"))
    out.end("a", good())
    assert _refused(out) == "a runs its check just now"
    out = outside(task("a"), slow=True)
    out.tell(Asked(StopRun("a")))
    assert _refused(out) == "a is being ended already"


def test_stopping_a_run_that_is_being_handed_over_ends_it_whatever_the_hook_says() -> None:
    out = outside(task("a"), slow=True)
    out.tell(Asked(TakeOver("a")))
    out.tell(Asked(StopRun("a")))
    out.end("a", said("so far", at=out.now, terminal_reason="hook_stopped"))
    assert (out.record("a").status, out.where("a")) == (Status.CANCELLED, ["failed"])


def test_a_question_in_the_pane_frees_the_slot_and_shows_its_text() -> None:
    out = _taken(outside(task("a"), task("b", folder="/projects/a"), run=RunSettings(slots=1)))
    (run_id,) = out.folders
    out.files["pending/c.md"] = task("c")
    out.scan()
    assert out.running() == ["a"]
    out.folders[run_id] = replace(out.folders[run_id], asks="May I run `make`?")
    out.look()
    assert out.running() == ["a", "c"], "its slot is free, its folder is not"
    assert "a needs you: May I run `make`?" in out.notes()
    assert _row(out, "a") == "needs you: May I run `make`?"
    gate = next(gate for gate in why(out.world, "a", out.now) if gate.gate == "needs_you")
    assert (gate.open, gate.text) == (False, "needs you: May I run `make`?")
    out.look()
    assert sum("needs you" in note for note in out.notes()) == 1
    out.folders[run_id] = replace(out.folders[run_id], asks="")
    out.look()
    assert _row(out, "a") == "with you: leaving Claude gives it back"


def test_stopping_a_run_that_is_with_a_person_cancels_it() -> None:
    out = _taken(outside(task("a")))
    out.tell(Asked(StopRun("a")))
    assert out.record("a").status is Status.CANCELLED
