"""Stories through `step`, with an outside world that performs effects in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core.effects import Finish, Launch
from cctui.core.events import (
    Answered,
    Asked,
    Checked,
    Configured,
    EffectFailed,
    Filed,
    LaunchFailed,
    Leaving,
    Loaded,
    Looked,
    Measured,
    Ticked,
)
from cctui.core.settings import RunSettings, Settings
from cctui.core.step import alarm, refusal, step
from cctui.core.world import (
    Ending,
    ErrorType,
    Memory,
    Phase,
    Remove,
    Sight,
    SightState,
    Stage,
    Status,
    Stop,
    StopRun,
    Totals,
    Why,
    World,
)
from tests.core.made import T0, after, api_error, good, limited, outside, reading, shell, task, world

FAILED = Ending(Stop.EXIT, T0, 5, rc=1)


def test_from_file_to_record() -> None:
    out = outside(task("a"))
    assert out.running() == ["a"]
    assert out.where("a") == ["active"]
    out.end("a", good(60, at=after(60)))
    assert out.where("a") == ["completed"]
    (record,) = out.world.records
    assert (record.task_id, record.success, record.tokens, record.attempt) == ("a", True, 1000, 1)
    assert record.log_file == f"logs/scheduler/2026-02-03/a-{record.run_id}.md"
    assert (out.world.totals.runs, out.world.totals.completed) == (1, 1)
    assert getattr(out.world.costs["a"].tokens, "samples", None) == (1000,)
    assert [note.text for note in out.world.notes] == ["a started", "a done"]


def test_slots_and_dependencies_are_kept() -> None:
    out = outside(task("a"), task("b", "a"), task("c"), task("d"))
    assert out.running() == ["a", "c"]
    out.end("c", good())
    assert out.running() == ["a", "d"]
    out.end("a", good())
    assert out.running() == ["d", "b"]


def test_nothing_starts_before_everything_has_been_looked_at() -> None:
    out = outside()
    fresh = World()
    for event in (
        Ticked(),
        Looked(()),
    ):
        fresh, effects = step(fresh, event, T0)
        assert effects == ()
    assert out.world.scanned


def test_a_failure_is_tried_again_after_a_growing_wait_then_given_up() -> None:
    out = outside(shell("a", max_attempts=2))
    out.end("a", FAILED)
    assert out.where("a") == ["pending"]
    retry = out.memory.retries["a"]
    assert retry.attempts == 1
    assert retry.at is not None
    assert alarm(out.world, out.now) == retry.at
    assert out.running() == []
    out.now = retry.at
    out.tell(Ticked())
    assert out.launches[-1].spec.attempt == 2
    out.end("a", replace(FAILED, ended=out.now))
    assert out.where("a") == ["failed"]
    assert out.memory.retries == {}
    assert [record.attempt for record in out.ledger.values()] == [1, 2]


def test_a_limit_parks_the_run_and_everything_else_that_needs_claude() -> None:
    reset = after(hours=1)
    out = outside(task("a"), task("b"), task("c"), shell("s", priority=9), run=RunSettings(slots=2))
    out.end("a", limited(after(5), reset))
    assert out.where("a") == ["active"]
    assert out.ledger == {}
    assert out.running() == ["b", "s"], "a parked run holds no slot; the shell does not need the window"
    out.end("b", limited(after(6), reset))
    out.end("s", good())
    assert out.running() == []
    assert alarm(out.world, out.now) == reset

    out.now = reset
    out.tell(Ticked())
    assert out.running() == ["a"], "one at a time first"
    assert out.launches[-1].resume
    assert out.launches[-1].leg == 2
    out.now = after(hours=1, seconds=2)
    out.tell(Answered(out.launches[-1].spec.run_id))
    out.measure(reading(1.0, at=out.now, resets_at=after(hours=6)))
    out.wait(5)
    assert out.running() == ["a", "b"], "then the rest, parked ones before new ones"
    out.end("a", good(at=out.now))
    record = out.ledger[out.launches[0].spec.run_id]
    assert record.attempt == 1
    assert record.parked_s == pytest.approx(3595)
    out.wait(5)
    assert out.running() == ["b", "c"]


def test_an_outage_parks_too_and_costs_no_attempt() -> None:
    out = outside(task("a"))
    out.end("a", api_error(529, error="server_error"))
    run = next(iter(out.world.runs.values()))
    assert run.parked
    assert run.parked.why is Why.OUTAGE
    assert run.parked.until
    out.now = run.parked.until
    out.tell(Ticked())
    assert (out.launches[-1].leg, out.launches[-1].spec.attempt, out.launches[-1].resume) == (2, 1, True)


def test_a_refused_login_holds_claude_but_not_the_shell() -> None:
    out = outside(task("a"), task("b", priority=6), run=RunSettings(slots=1))
    out.end("a", api_error(401, error="authentication_failed", text="Invalid API key"))
    assert out.run("a").stage is Stage.PARKED
    assert (out.ledger, out.memory.retries) == ({}, {}), "no attempt is spent"
    assert out.running() == []
    assert alarm(out.world, out.now) == after(minutes=15)
    out.files["pending/s.md"] = shell("s")
    out.scan()
    assert out.running() == ["s"]


def test_lost_is_said_and_not_repeated() -> None:
    out = outside(shell("a"))
    (run_id,) = out.folders
    out.folders[run_id] = replace(out.folders[run_id], state=SightState.GONE)
    out.look()
    (record,) = out.ledger.values()
    assert (record.error_type, record.status, out.where("a")) == (ErrorType.LOST, Status.FAILED, ["failed"])


def test_a_restart_adopts_what_lives_and_files_what_ended() -> None:
    out = outside(task("a"), task("b"), task("c"))
    out.folders = {
        run_id: replace(sight, state=SightState.ENDED, ending=good()) if sight.spec.task == "a" else sight
        for run_id, sight in out.folders.items()
    }
    out.begin()
    assert out.where("a") == ["completed"]
    assert sorted(out.running()) == ["b", "c"]
    assert len(out.launches) == 3, "nothing was started twice"


def test_a_claim_that_never_started_is_launched_under_the_same_id() -> None:
    out = outside(task("a"))
    (run_id,) = out.folders
    out.folders[run_id] = replace(out.folders[run_id], state=SightState.CLAIMED)
    out.begin()
    assert [launch.spec.run_id for launch in out.launches] == [run_id, run_id]


def test_a_parked_run_is_parked_again_after_a_restart() -> None:
    out = outside(task("a"))
    out.end("a", limited(after(5), after(hours=1)))
    out.begin()
    assert next(iter(out.world.runs.values())).stage is Stage.PARKED
    assert out.running() == []
    out.now = after(hours=1)
    out.tell(Ticked())
    assert out.launches[-1].leg == 2


def _launching() -> tuple[World, Launch]:
    made, (launch,) = step(world(task("a")), Ticked(), T0)
    assert isinstance(launch, Launch)
    return made, launch


def test_a_launch_that_fails_counts_as_an_attempt() -> None:
    made, launch = _launching()
    made, (finish,) = step(made, LaunchFailed(launch.spec.run_id, 1, "unreadable persona", claimed=False), T0)
    assert isinstance(finish, Finish)
    assert (finish.to, finish.claimed, finish.memory.retries["a"].attempts) == (Phase.PENDING, False, 1)


def test_when_tmux_does_not_answer_the_run_stays_until_a_look_says_whether_it_started() -> None:
    made, launch = _launching()
    made, effects = step(made, LaunchFailed(launch.spec.run_id, 1, "tmux does not answer", "tmux"), T0)
    assert effects == ()
    assert made.programs == {"tmux": "tmux does not answer"}
    made, effects = step(made, Looked((Sight(launch.spec, 1, SightState.CLAIMED),)), after(20))
    assert effects == (), "not while tmux is silent"
    made, (again,) = step(made, Checked({}), after(21))
    assert isinstance(again, Launch)
    assert again.spec == launch.spec


def test_a_launch_that_failed_after_the_runner_was_seen_alive_changes_nothing() -> None:
    made, launch = _launching()
    made, _ = step(made, Looked((Sight(launch.spec, 1, SightState.ALIVE, T0),)), T0)
    after_all, effects = step(made, LaunchFailed(launch.spec.run_id, 1, "too late"), T0)
    assert (after_all, effects) == (made, ())


def test_a_stop_asked_for_during_the_launch_is_not_lost() -> None:
    made, launch = _launching()
    made, _ = step(made, Asked(StopRun("a")), T0)
    alive = Sight(launch.spec, 1, SightState.ALIVE, T0)
    made, (halt,) = step(made, Looked((alive,)), T0)
    assert type(halt).__name__ == "Halt"
    _, none = step(made, Looked((alive,)), T0)
    assert none == (), "once is enough"


def test_a_stop_that_a_crash_cut_in_two_is_asked_for_again() -> None:
    out = outside(task("a"))
    (run_id,) = out.folders
    sight = replace(out.folders[run_id], stopping=True)
    _, effects = step(World(), Looked((sight,)), T0)
    assert [type(effect).__name__ for effect in effects] == ["Halt"]


def test_a_record_that_was_written_before_a_crash_is_counted_once() -> None:
    out = outside(shell("a"))
    run_id = next(iter(out.folders))
    sight = replace(out.folders[run_id], state=SightState.ENDED, ending=good())
    _, (finish,) = step(out.world, Looked((sight,)), T0)
    assert isinstance(finish, Finish)
    out.ledger[run_id] = finish.record
    out.folders[run_id] = sight
    out.begin()
    assert len(out.world.records) == 1
    assert out.world.costs["a"].count == 1


def test_an_engine_for_one_task_resumes_no_other() -> None:
    out = outside(task("a"), task("b", paused=True))
    out.end("a", limited(after(5), after(60)))
    out.world = replace(out.world, only=frozenset({"b"}))
    out.now = after(hours=1)
    out.tell(Ticked())
    assert out.running() == []


def test_a_name_that_is_used_again_has_all_its_attempts() -> None:
    out = outside(shell("a"))
    out.end("a", FAILED)
    assert out.memory.retries
    out.tell(Asked(Remove("a")))
    assert out.memory.retries == {}


def test_a_run_whose_file_is_gone_can_be_stopped() -> None:
    out = outside(task("a"))
    out.files.clear()
    out.scan()
    assert refusal(out.world, StopRun("a"), T0) is None
    out.tell(Asked(StopRun("a")))
    assert [record.status for record in out.ledger.values()] == [Status.CANCELLED]


def test_nothing_that_spends_starts_before_the_sources_have_been_asked() -> None:
    made = replace(world(task("a"), shell("s"), readings=()), measured=False)
    made, effects = step(made, Ticked(), T0)
    assert [effect.spec.task for effect in effects if isinstance(effect, Launch)] == ["s"]
    _, effects = step(made, Measured((reading(96.0),), asked=True), T0)
    assert effects == (), "and then the window is known to be full"


def test_what_could_not_be_read_is_said() -> None:
    made, _ = step(World(), Loaded(Memory(), (), Totals(), warnings=("line 7 was torn",)), T0)
    assert made.notes[-1].text == "line 7 was torn"


def test_a_runner_that_never_takes_its_lock_is_launched_again() -> None:
    out = outside(task("a"))
    (run_id,) = out.folders
    out.folders[run_id] = replace(out.folders[run_id], state=SightState.CLAIMED)
    out.look()
    assert len(out.launches) == 1
    out.now = after(20)
    out.look()
    assert len(out.launches) == 2


def test_finishing_that_fails_is_done_again_after_a_while() -> None:
    out = outside(shell("a"))
    run_id = next(iter(out.folders))
    out.folders[run_id] = replace(out.folders[run_id], state=SightState.ENDED, ending=good())
    made, (finish,) = step(out.world, Looked(tuple(out.folders.values())), T0)
    assert isinstance(finish, Finish)
    made, nothing = step(made, Looked(tuple(out.folders.values())), T0)
    assert nothing == (), "one filing at a time"
    made, _ = step(made, EffectFailed(finish, "disk full"), T0)
    assert made.notes[-1].text == "disk full"
    made, nothing = step(made, Looked(tuple(out.folders.values())), T0)
    assert nothing == (), "not at once"
    assert alarm(made, T0) == after(5)
    made, (again,) = step(made, Ticked(), after(5))
    assert again == finish
    made, _ = step(made, Filed(run_id, finish.record), T0)
    assert made.runs == {}


def test_programs_that_are_missing_hold_the_queue_and_are_said_once() -> None:
    made = world(task("a"))
    made, effects = step(made, Checked({"claude": "claude is missing"}), T0)
    assert effects == ()
    made, _ = step(made, Checked({"claude": "claude is missing"}), T0)
    assert [note.text for note in made.notes] == ["claude is missing"]
    made, effects = step(made, Checked({}), T0)
    assert len(effects) == 1


def test_leaving_starts_nothing_more() -> None:
    made, effects = step(world(task("a")), Leaving(), T0)
    assert effects == ()
    assert made.draining


def test_two_files_with_one_name_in_two_phases_the_live_one_counts() -> None:
    out = outside(task("a"))
    out.end("a", good())
    out.files["pending/a.md"] = task("a")
    out.scan()
    assert out.running() == ["a"]


def test_a_stopped_run_that_was_done_before_the_signal_is_done() -> None:
    made = outside(shell("a"))
    run_id = next(iter(made.folders))
    made.world, _ = step(made.world, Asked(StopRun("a")), T0)
    made.folders[run_id] = replace(made.folders[run_id], state=SightState.ENDED, ending=Ending(Stop.EXIT, T0, 1, rc=0))
    made.look()
    assert made.where("a") == ["completed"]


def test_a_run_folder_that_vanished_is_said() -> None:
    out = outside(task("a"))
    out.folders.clear()
    out.look()
    assert out.world.runs == {}
    assert "run folder is gone" in out.world.notes[-1].text


def test_a_sight_of_an_older_leg_changes_nothing() -> None:
    out = outside(task("a"))
    out.end("a", limited(after(5), after(60)))
    stale = tuple(out.folders.values())
    out.now = after(61)
    out.tell(Ticked())
    assert out.launches[-1].leg == 2
    assert isinstance(stale[0], Sight)
    before = out.world.runs
    out.tell(Looked(stale))
    assert out.world.runs == before


def test_settings_can_change_under_way() -> None:
    out = outside(task("a"), task("b"), run=RunSettings(slots=1))
    assert out.running() == ["a"]
    out.tell(Configured(Settings(run=RunSettings(slots=2))))
    assert out.running() == ["a", "b"]
