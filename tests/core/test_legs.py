"""Stories of one run through its legs: plan, work, check, set-up.  Each is told twice: once to a scheduler that lives
through it, once to one that is killed after every event."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cctui.core.effects import Effect
from cctui.core.events import Asked, Checked, Event, LaunchFailed, Ticked
from cctui.core.filing import with_changes
from cctui.core.retry import DONE_WORD
from cctui.core.settings import Project, RunSettings, Settings, WorktreeSettings
from cctui.core.view import rows
from cctui.core.world import (
    Changes,
    ErrorType,
    Hold,
    Mode,
    Part,
    Phase,
    Runner,
    RunNow,
    SightState,
    Stage,
    Status,
    StopRun,
    Task,
    Tree,
    Why,
)
from tests.core.made import (
    Outside,
    after,
    exited,
    good,
    killed,
    limited,
    outside,
    reading,
    said,
    shell,
    task,
    unlaunchable,
)

CHECK = "make test"


@pytest.fixture(params=[False, True], ids=["one life", "killed all the time"])
def restless(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def _planned(restless: bool, *more: Task, **run: Any) -> Outside:
    made = task("a", mode=Mode.PLAN_FIRST, check=CHECK, folder="/x")
    return outside(made, *more, run=RunSettings(**run), restless=restless)


def test_a_plan_waits_for_a_person_and_is_then_worked_off_in_the_same_conversation(restless: bool) -> None:
    out = _planned(restless, task("b", folder="/x"), slots=1)
    assert (out.parts("a"), out.running()) == (["plan"], ["a"])
    out.wait(10)
    out.end("a", said("1. read\n2. write", at=out.now))
    run = out.run("a")
    assert (run.stage, run.parked and run.parked.why) == (Stage.PARKED, Why.NEEDS_YOU)
    assert out.plans == {run.spec.run_id: "1. read\n2. write"}
    assert "a needs you: its plan is ready" in out.notes()
    assert out.running() == ["b"], "its slot and its folder are free meanwhile"

    out.tell(Asked(RunNow("a")))
    assert out.run("a").approved
    assert out.running() == ["b"], "it waits for the folder like anybody else"
    out.end("b", good(at=out.now))
    assert out.running() == ["a"]
    launch = out.launches[-1]
    assert (launch.resume, launch.spec.session_id) == (True, out.launches[0].spec.session_id)
    assert out.parts("a") == ["plan", "work<needs_you"]

    out.end("a", good(at=out.now))
    assert out.parts("a")[2:] == ["check"]
    out.end("a", exited(0, at=out.now, work=good()))
    assert out.where("a") == ["completed"]
    record = out.record("a")
    assert (record.claimed, record.proven, record.check_exit, record.attempt) == (True, True, 0, 1)


def test_a_plan_that_is_not_accepted_stays_until_it_is_given_up(restless: bool) -> None:
    out = _planned(restless)
    out.end("a", said("a plan"))
    out.wait(minutes=90)
    assert out.parts("a") == ["plan"]
    out.tell(Asked(StopRun("a")))
    assert out.where("a") == ["failed"]
    assert (out.record("a").status, out.record("a").claimed) == (Status.CANCELLED, False)


def test_a_plan_is_accepted_once_and_waits_for_a_hold_to_end() -> None:
    out = _planned(restless=False)
    out.end("a", said("a plan"))
    out.tell(Asked(Hold()))
    out.tell(Asked(RunNow("a")))
    assert out.running() == []
    out.begin()
    out.tell(Asked(Hold(on=False)))
    assert out.parts("a") == ["plan", "work<needs_you"], "the word was given before the scheduler died"


def test_a_plan_that_met_a_limit_is_planned_on_not_worked_off(restless: bool) -> None:
    out = _planned(restless)
    out.end("a", limited(after(5), after(60)))
    out.jump(after(61))
    assert out.parts("a") == ["plan", "plan<limit"]
    out.end("a", said("a plan", at=out.now))
    assert out.run("a").parked
    assert out.parts("a") == ["plan", "plan<limit"]


def test_a_failed_check_goes_back_with_its_evidence_until_it_passes(restless: bool) -> None:
    out = outside(task("a", runner=Runner.LOOP, check=CHECK), restless=restless)
    first = good(60, at=after(60))
    out.wait(60)
    out.end("a", first)
    assert out.parts("a") == ["work", "check"]
    assert out.launches[-1].seconds == 600
    out.wait(5)
    out.end("a", exited(1, at=out.now, seconds=65, tail="E: two tests failed", work=first))
    assert out.parts("a") == ["work", "check", "work<check"]
    launch = out.launches[-1]
    assert launch.resume
    assert "exit code 1" in launch.evidence
    assert "E: two tests failed" in launch.evidence
    assert launch.seconds == 1800 - 65, "the rounds share the time"
    assert restless or "a: check: exit code 1; round 2 of 5 is next" in out.notes()
    second = good(120, at=out.now, tokens=2500)
    out.end("a", second)
    out.end("a", exited(0, at=out.now, seconds=125, work=second))
    assert out.parts("a") == ["work", "check", "work<check", "check"]
    record = out.record("a")
    assert (record.success, record.proven, record.check_exit, record.exit_code) == (True, True, 0, 0)
    assert (record.tokens, record.attempt, record.duration_s) == (2500, 1, 125)
    assert len(out.ledger) == out.finishes == 1


def test_a_check_that_never_passes_fails_the_attempt_with_what_it_said(restless: bool) -> None:
    out = outside(task("a", check=CHECK, max_iterations=2, max_attempts=1), restless=restless)
    for _ in range(2):
        out.end("a", good())
        out.end("a", exited(3, work=good()))
    record = out.record("a")
    assert (record.error_type, record.check_exit) == (ErrorType.CHECK_FAILED, 3)
    assert (record.claimed, record.proven, record.success) == (True, False, False)
    assert record.detail == "check: exit code 3 (round 2 of 2)"
    assert out.where("a") == ["failed"]


def test_a_loop_without_a_check_goes_on_until_it_says_that_it_is_done(restless: bool) -> None:
    out = outside(task("a", runner=Runner.LOOP), restless=restless)
    out.end("a", said("half of it"))
    out.end("a", said("more of it"))
    out.end("a", said(f"all of it\n{DONE_WORD}"))
    assert out.parts("a") == ["work", "work<unfinished", "work<unfinished"]
    assert (out.record("a").success, out.record("a").proven, out.record("a").check_exit) == (True, None, None)


def test_a_limit_in_the_second_round_is_waited_for_and_the_check_comes_again(restless: bool) -> None:
    out = outside(task("a", runner=Runner.LOOP, check=CHECK), restless=restless)
    out.end("a", good(at=out.now))
    out.end("a", exited(1, at=out.now, work=good()))
    out.wait(10)
    out.end("a", limited(out.now, after(minutes=30)))
    assert out.running() == []
    assert out.memory.retries == {}
    out.jump(after(minutes=30))
    out.measure(reading(1.0, at=out.now, resets_at=after(hours=5)))
    assert out.parts("a")[2:] == ["work<check", "work<limit"]
    assert out.run("a").iteration == 2, "waiting is no round"
    out.end("a", good(at=out.now))
    out.end("a", exited(0, at=out.now, work=good()))
    assert out.parts("a")[4:] == ["check"]
    record = out.record("a")
    assert (record.success, record.attempt) == (True, 1)
    assert record.parked_s == pytest.approx(1790, abs=1)


@pytest.mark.parametrize(
    ("made", "ends", "parts"),
    [
        pytest.param(task("a"), [], ["work", "work<lost"], id="a conversation"),
        pytest.param(task("a", mode=Mode.PLAN_FIRST), [], ["plan", "plan<lost"], id="a plan"),
        pytest.param(task("a", check=CHECK), [good()], ["work", "check", "check<lost"], id="a check"),
        pytest.param(shell("a", check=CHECK), [exited(0)], ["work", "check", "check<lost"], id="a command's check"),
        pytest.param(shell("a"), [], ["work"], id="a command"),
    ],
)
def test_what_the_machine_killed_goes_on_after_a_reboot(made: Task, ends: list[Any], parts: list[str]) -> None:
    out = outside(made)
    for ending in ends:
        out.end("a", ending)
    (run_id,) = out.folders
    out.now = after(minutes=10)
    out.folders[run_id] = replace(
        out.folders[run_id], state=SightState.GONE, ending=killed(after(minutes=5), work=good())
    )
    out.begin()
    assert out.parts("a") == parts
    if len(parts) == 1:
        assert out.record("a").error_type is ErrorType.LOST
        assert out.where("a") == ["failed"]


def test_a_run_that_is_killed_again_and_again_is_lost_once_and_said_so(restless: bool) -> None:
    out = outside(task("a"), restless=restless)
    for _ in range(3):
        out.end("a", killed(out.now))
        out.wait(10)
    assert out.parts("a") == ["work", "work<lost", "work<lost"]
    assert out.record("a").error_type is ErrorType.LOST
    assert "3 times" in str(out.record("a").detail)


def test_a_conversation_that_is_gone_is_begun_anew_once(restless: bool) -> None:
    out = outside(task("a"), restless=restless)
    out.end("a", killed(out.now))
    out.wait(10)
    gone = said("No conversation found with session ID: x", at=out.now, subtype="error_during_execution", is_error=True)
    out.end("a", replace(gone, rc=1))
    assert out.parts("a") == ["work", "work<lost", "work<fresh"]
    out.wait(10)
    out.end("a", limited(out.now, out.now + timedelta(seconds=5)))
    out.wait(60)
    resumes = [launch.resume for launch in out.launches]
    assert resumes == [False, True, False, True], "the new conversation is the one to go on with"
    out.end("a", replace(gone, rc=1, ended=out.now))
    assert out.record("a").error_type is ErrorType.EXIT_ERROR


def test_a_new_conversation_that_was_killed_at_once_is_begun_anew_too() -> None:
    out = outside(task("a"))
    gone = said("No conversation found with session ID: x", subtype="error_during_execution", is_error=True)
    for _ in range(2):
        out.end("a", killed(out.now))
        out.wait(10)
        out.end("a", replace(gone, rc=1, ended=out.now))
        out.wait(10)
    assert out.parts("a") == ["work", "work<lost", "work<fresh", "work<lost", "work<fresh"]
    out.end("a", good(at=out.now))
    assert (out.record("a").success, out.record("a").attempt) == (True, 1)


# --- worktrees -------------------------------------------------------------------------------------------------------


def _settings(**worktree: Any) -> Settings:
    return Settings(run=RunSettings(slots=5), worktree=WorktreeSettings(**worktree))


def _tree(*tasks: Task, restless: bool = False, **worktree: Any) -> Outside:
    out = Outside({entry.path: entry for entry in tasks}, restless=restless)
    out.world = replace(out.world, settings=_settings(**worktree))
    out.begin()
    return out


def test_runs_in_place_take_turns_in_a_folder_and_worktrees_do_not() -> None:
    out = _tree(
        task("a", folder="/x"),
        task("b", folder="/x"),
        shell("c", folder="/x"),
        task("d", folder="/x", worktree=True),
        task("e", folder="/x", worktree=True),
    )
    assert out.running() == ["a", "d", "e"]
    out.end("d", limited(after(1), after(60)))
    assert sorted(out.running()) == ["a", "e"], "a worktree that is parked keeps nobody from the folder"
    out.end("a", good())
    assert "c" in out.running()


def test_a_new_worktree_is_set_up_first(restless: bool) -> None:
    out = _tree(task("a", worktree=True, check=CHECK), restless=restless, setup="npm ci", setup_timeout=90.0)
    assert out.parts("a") == ["setup"]
    assert out.launches[0].seconds == 90
    out.end("a", exited(0))
    assert out.parts("a") == ["setup", "work"]
    assert not out.launches[1].resume, "no conversation has begun yet"
    out.end("a", good())
    out.end("a", exited(0, work=good()))
    assert out.record("a").proven


def test_a_set_up_that_fails_is_an_attempt_and_the_agent_never_starts(restless: bool) -> None:
    out = _tree(task("a", worktree=True, max_attempts=1), restless=restless, setup="npm ci")
    out.end("a", exited(1))
    record = out.record("a")
    assert (record.error_type, record.detail) == (ErrorType.EXIT_ERROR, "set-up: exit code 1")
    assert (record.claimed, record.proven) == (False, None)
    assert out.parts("a") == ["setup"]


def test_the_nearest_project_says_how_its_worktrees_are_set_up() -> None:
    projects = (Project("/x", "make x"), Project("/x/y", "make y", "make clean"))
    out = _tree(
        *(
            task(name, folder=folder, worktree=True)
            for name, folder in (("a", "/x/y/z"), ("b", "/x/yy"), ("c", "/elsewhere"))
        ),
        setup="make all",
        projects=projects,
    )
    made = {launch.spec.task: launch.spec.setup for launch in out.launches}
    assert made == {"a": "make y", "b": "make x", "c": "make all"}
    assert out.launches[0].spec.teardown == "make clean"


def test_the_record_names_branch_and_base_and_what_git_counted() -> None:
    out = outside(task("a", worktree=True))
    (run_id,) = out.folders
    tree = Tree("/repo", "/w/a", base="abc123", branch="cctui/a-1", worktree="/w/a")
    out.folders[run_id] = replace(out.folders[run_id], tree=tree)
    out.end("a", good())
    record = out.record("a")
    assert (record.branch, record.base_commit) == ("cctui/a-1", "abc123")
    counted = with_changes(record, Changes(commits=2, files=7))
    assert (counted.commits, counted.files_changed) == (2, 7)
    assert with_changes(record, None) == record


# --- a leg that cannot be launched -----------------------------------------------------------------------------------


def _refusing(out: Outside, part: Part) -> list[Effect]:
    """The disk is full whenever this part is to be launched."""
    seen: list[Effect] = []

    def goes_wrong(effect: Effect) -> Event | None:
        kind = getattr(effect, "kind", None)
        if kind is None or kind.part is not part:
            return None
        seen.append(effect)
        spec, leg = effect.spec, effect.leg  # type: ignore[union-attr]
        return LaunchFailed(spec.run_id, leg, "STATE is full", "disk", claimed=leg > 1)

    out.goes_wrong = goes_wrong
    return seen


def test_a_full_disk_before_the_claim_leaves_the_task_in_the_queue() -> None:
    out = outside()
    tries = _refusing(out, Part.WORK)
    out.files["pending/a.md"] = task("a")
    out.scan()
    assert out.where("a") == ["pending"]
    assert (out.world.runs, out.memory.retries, len(tries)) == ({}, {}, 1)
    assert [row.text for row in rows(out.world, out.now)] == ["STATE is full"]
    out.wait(minutes=5)
    assert len(tries) == 1, "not again before the disk is well"
    out.goes_wrong = None
    out.tell(Checked({}))
    assert (out.running(), out.launches[0].spec.attempt) == (["a"], 1)


@pytest.mark.parametrize("begun_again", [False, True])
def test_a_full_disk_between_two_legs_keeps_the_run_where_it_is(begun_again: bool) -> None:
    out = outside(task("a", check=CHECK), shell("s", phase=Phase.COMPLETED))
    tries = _refusing(out, Part.CHECK)
    out.end("a", good())
    assert (out.parts("a"), len(tries)) == (["work"], 1)
    out.wait(minutes=2)
    out.look()
    assert len(tries) == 1
    out.goes_wrong = None
    if begun_again:
        out.begin()
    else:
        out.tell(Checked({}))
        out.look()
    assert out.parts("a") == ["work", "check"]
    out.end("a", exited(0, work=good()))
    assert (out.record("a").success, out.record("a").attempt, len(out.ledger)) == (True, 1, 1)


def test_a_parked_run_whose_resume_failed_for_the_disk_is_parked_as_before() -> None:
    out = outside(task("a"))
    out.end("a", limited(after(5), after(60)))
    tries = _refusing(out, Part.WORK)
    out.jump(after(60))
    assert len(tries) == 1
    out.look()
    assert out.run("a").stage is Stage.PARKED
    out.jump(after(100))
    out.goes_wrong = None
    out.tell(Checked({}))
    assert out.parts("a") == ["work", "work<limit"]
    out.end("a", good(at=after(160)))
    assert out.record("a").parked_s == 95, "the time it stood parked is counted once"


def test_a_leg_that_cannot_be_prepared_is_a_failed_attempt() -> None:
    out = outside(task("a", max_attempts=1))
    out.goes_wrong = unlaunchable("no such runner")
    out.end("a", killed(out.now))
    out.tell(Ticked())
    record = out.record("a")
    assert (record.error_type, record.detail) == (ErrorType.EXCEPTION, "no such runner")
