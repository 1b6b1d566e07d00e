"""Stories of a machine in trouble: a full disk, a record nobody can write, a clock that jumps, a laptop asleep."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cctui.core.effects import Effect, Finish
from cctui.core.events import Asked, Checked, EffectFailed, LaunchFailed, Looked, Progressed, Ticked
from cctui.core.settings import RunSettings
from cctui.core.step import alarm, step
from cctui.core.view import rows, why
from cctui.core.watching import at_rest
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Memory,
    Phase,
    Progress,
    Result,
    Retry,
    RunNow,
    Sight,
    SightState,
    Stage,
    StopRun,
    TakeOver,
    Task,
)
from tests.core.made import (
    T0,
    Outside,
    after,
    api_error,
    exited,
    good,
    limited,
    outside,
    reading,
    said,
    shell,
    task,
    unlaunchable,
    world,
)

DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
FULL = {"disk": "STATE is full: free some space"}


# --- the disk --------------------------------------------------------------------------------------------------------


def test_a_disk_that_cannot_be_written_holds_everything_and_lets_go_by_itself() -> None:
    out = outside()
    out.tell(Checked(FULL))
    out.files = {f"pending/{made.name}.md": made for made in (task("a"), shell("s"))}
    out.scan()
    assert out.running() == []
    assert {row.text for row in rows(out.world, out.now)} == {"STATE is full: free some space"}
    gates = {gate.gate: gate for gate in why(out.world, "s", out.now)}
    assert [name for name, gate in gates.items() if not gate.open] == ["disk"]
    out.tell(Asked(RunNow("s", force=True)))
    assert out.running() == [], "not even by force"
    out.tell(Checked({}))
    assert sorted(out.running()) == ["a", "s"]
    assert out.memory.retries == {}
    assert out.notes().count("STATE is full: free some space") == 1


def test_a_leg_that_ended_during_the_trouble_is_not_said_to_be_silent() -> None:
    out = outside(task("a", check="x"))
    out.tell(Checked(FULL))
    out.end("a", good())
    assert at_rest(out.world, out.now)
    out.wait(minutes=60)
    assert not [note for note in out.notes() if "said nothing" in note]
    assert out.halts == []
    out.tell(Checked({}))
    out.look()
    assert out.parts("a") == ["work", "check"]


def _unwritable(out: Outside) -> list[Effect]:
    tried: list[Effect] = []

    def goes_wrong(effect: Effect) -> EffectFailed | None:
        if not isinstance(effect, Finish):
            return None
        tried.append(effect)
        return EffectFailed(effect, "history cannot be written")

    out.goes_wrong = goes_wrong
    return tried


def test_a_record_that_cannot_be_written_is_tried_ever_more_slowly_and_written_once() -> None:
    out = outside(task("a"))
    tried = _unwritable(out)
    out.end("a", good(at=out.now))
    gaps = []
    for number in range(1, 10):
        assert len(tried) == number
        when = alarm(out.world, out.now)
        assert when
        gaps.append((when - out.now).total_seconds())
        out.now = when
        out.tell(Ticked())
    assert gaps == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert at_rest(out.world, out.now), "nobody waits for that any more"
    out.goes_wrong = None
    out.wait(300)
    assert out.where("a") == ["completed"]
    assert (len(out.ledger), out.finishes, out.world.runs) == (1, 1, {})
    assert len(set(map(repr, tried))) == 1, "and every time it was the same"


def test_what_was_never_claimed_is_filed_from_where_it_lies_at_the_second_try_too() -> None:
    made, (launch,) = step(world(task("a", max_attempts=1)), Ticked(), T0)
    failed = LaunchFailed(launch.spec.run_id, 1, "no such persona", claimed=False)  # type: ignore[union-attr]
    made, (finish,) = step(made, failed, T0)
    made, _ = step(made, EffectFailed(finish, "disk full"), T0)
    made, (again,) = step(made, Ticked(), after(5))
    assert isinstance(again, Finish)
    assert (again.claimed, again.to) == (False, Phase.FAILED)


def test_a_check_that_could_not_be_launched_stays_failed_when_its_filing_is_tried_again() -> None:
    out = outside(task("a", check="x", max_attempts=1))
    tried = _unwritable(out)
    unwritable, no_check = out.goes_wrong, unlaunchable("no sh", leg=2)
    out.goes_wrong = lambda effect: no_check(effect) or (unwritable(effect) if unwritable else None)
    out.end("a", good())
    assert len(tried) == 1
    out.wait(5)
    assert (out.parts("a"), len(tried)) == (["work"], 2), "it was given up, not sent into another round"


def test_what_a_run_has_spent_is_known_also_when_its_next_leg_cannot_start() -> None:
    out = outside(task("a", check="x", max_attempts=1))
    out.goes_wrong = unlaunchable("no sh")
    out.end("a", good(60, tokens=1234))
    assert (out.record("a").tokens, out.record("a").duration_s) == (1234, 60)


def test_a_run_that_was_claimed_once_is_not_forgotten_when_it_cannot_be_launched_again() -> None:
    """Of a second launch that the disk refused nobody says that the first one had moved the file."""
    out = outside(task("a"))
    (run_id,) = out.folders
    out.folders[run_id] = replace(out.folders[run_id], state=SightState.CLAIMED, leg_started=None)
    out.goes_wrong = lambda effect: LaunchFailed(run_id, 1, "full", "disk", claimed=False)
    out.wait(30)
    out.look()
    assert out.run("a").spec.run_id == run_id
    assert out.where("a") == ["active"]


# --- stopping --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "more"),
    [
        pytest.param("so far", {"terminal_reason": "hook_stopped"}, id="a hook"),
        pytest.param("", {"answers": 0}, id="no answer"),
        pytest.param("not yet", {}, id="a loop without its word"),
    ],
)
def test_what_is_not_done_by_itself_is_not_done_by_being_stopped(text: str, more: dict[str, Any]) -> None:
    out = outside(task("a", runner="loop"), slow=True)
    out.tell(Asked(StopRun("a")))
    out.end("a", said(text, at=out.now, **more))
    assert not out.record("a").success


def test_a_claude_that_ended_without_a_result_when_it_was_stopped_is_not_done() -> None:
    out = outside(task("a"), slow=True)
    out.tell(Asked(StopRun("a")))
    out.end("a", replace(exited(0), result=Result()))
    assert not out.record("a").success


def test_a_run_stopped_during_its_check_is_done_when_that_has_passed() -> None:
    out = outside(task("a", check="x"), slow=True)
    out.end("a", good())
    out.tell(Asked(StopRun("a")))
    out.end("a", exited(0, work=good()))
    assert (out.record("a").success, out.record("a").proven) == (True, True)


# --- the clock -------------------------------------------------------------------------------------------------------


def _jumps(out: Outside) -> list[str]:
    return [note for note in out.notes() if note.startswith("the clock went")]


def _night() -> Outside:
    """One works, one is parked, one waits for its retry, one is new."""
    out = outside(
        task("works"),
        task("parked", priority=1),
        shell("fails", priority=2, max_attempts=3),
        task("later", not_before=after(hours=5)),
        run=RunSettings(slots=4, stall_minutes=30),
    )
    out.wait(30)
    out.end("fails", exited(1, at=out.now))
    out.end("parked", limited(out.now, after(hours=1)))
    assert out.running() == ["works"]
    return out


@pytest.mark.parametrize(("by", "way"), [(DAY, "on"), (-DAY, "back"), (timedelta(hours=8), "on")])
def test_no_run_is_interrupted_for_the_silence_of_a_jump(by: timedelta, way: str) -> None:
    out = outside(task("a"), run=RunSettings(stall_minutes=30))
    out.wait(minutes=10)
    out.jump(out.now + by)
    for _ in range(3):
        out.tell(Ticked())
    assert out.halts == []
    span = "1d" if abs(by) == DAY else "8h00"
    assert _jumps(out) == [f"the clock went {way} by {span}: it was set, or the machine slept"]
    out.wait(minutes=29)
    assert out.halts == []
    out.wait(minutes=1)
    assert len(out.halts) == 1, "from then on silence counts as ever"
    assert len(_jumps(out)) == 1


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_after_a_jump_nothing_is_lost_or_doubled_and_no_wait_is_longer_than_any_can_be(by: timedelta) -> None:
    out = _night()
    out.jump(out.now + by)
    out.measure(reading(1.0, at=out.now, resets_at=out.now + timedelta(hours=4)))
    out.wait(30)
    assert "parked" in out.running(), "a 5-hour window does not last a day"
    assert "fails" in out.running(), "nor does a retry"
    for name in ("parked", "works", "fails"):
        out.end(name, good(at=out.now) if name != "fails" else exited(0, at=out.now))
    if by > timedelta(0):
        out.end("later", good(at=out.now))
    assert out.running() == []
    ended = sorted(record.task_id for record in out.ledger.values())
    assert ended == sorted(["fails", "fails", "parked", "works"] + (["later"] if by > timedelta(0) else []))
    assert len(_jumps(out)) == 1


def test_a_weekly_limit_outlasts_a_day() -> None:
    out = outside(task("a"))
    out.end("a", limited(after(5), after(hours=70), SEVEN_DAY))
    out.jump(T0 + DAY)
    assert out.running() == []
    out.jump(T0 - DAY)
    assert out.running() == []


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_a_jump_and_back_again_is_two_jumps_and_the_work_goes_on(by: timedelta) -> None:
    out = outside(task("a"), task("b", priority=7))
    out.wait(30)
    out.end("b", api_error(529, out.now, error="server_error"))
    out.jump(out.now + by)
    out.jump(out.now - by + timedelta(seconds=30))
    assert len(_jumps(out)) == 2
    out.wait(minutes=2)
    assert "a" in out.running()
    assert "b" in out.running()
    assert (out.halts, out.ledger) == ([], {})


@pytest.mark.parametrize("by", [DAY, -DAY])
def test_a_record_that_could_not_be_written_does_not_wait_for_the_old_clock(by: timedelta) -> None:
    out = outside(task("a"))
    _unwritable(out)
    out.end("a", good(at=out.now))
    out.goes_wrong = None
    out.jump(out.now + by)
    out.wait(minutes=6)
    assert out.where("a") == ["completed"]


def test_a_hand_over_is_not_forgotten_by_a_clock_that_goes_back() -> None:
    out = outside(task("a"))
    out.tell(Asked(TakeOver("a")))
    out.jump(out.now - DAY)
    out.wait(20)
    assert out.parts("a") == ["work", "attended"]


def test_a_runner_that_never_began_is_launched_again_also_when_the_clock_went_back() -> None:
    out = outside(task("a"))
    (run_id,) = out.folders
    out.folders[run_id] = replace(out.folders[run_id], state=SightState.CLAIMED, leg_started=None)
    out.jump(out.now - DAY)
    out.wait(30)
    out.look()
    assert len(out.launches) == 2


def test_a_run_that_began_before_the_clock_went_back_still_lands() -> None:
    out = outside(task("a"))
    out.wait(60)
    out.jump(out.now - DAY)
    out.wait(60)
    out.measure(reading(97.5, at=out.now, resets_at=out.now + timedelta(hours=2)))
    assert len(out.told) == 1


def test_a_short_pause_is_no_jump() -> None:
    out = outside(task("a"))
    for seconds in (100, 119, -10, 60):
        out.jump(out.now + timedelta(seconds=seconds))
    assert _jumps(out) == []


def _berlin(text: str) -> datetime:
    """A moment as the engine's clock gives it: aware, at the fixed offset of that moment."""
    local = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(BERLIN)
    offset = local.utcoffset()
    assert offset is not None
    return local.astimezone(timezone(offset))


@pytest.mark.parametrize("change", ["2026-03-29 00:50", "2026-10-25 00:50"])
def test_across_daylight_saving_an_hour_is_an_hour(change: str) -> None:
    start = _berlin(change)
    end = start + timedelta(hours=1)
    assert start.utcoffset() != _berlin("2026-03-29 02:00" if "03-29" in change else "2026-10-25 02:00").utcoffset()
    fresh = (reading(at=start, resets_at=start + timedelta(hours=3)),)
    waits: Task = task("later", not_before=end)
    out = Outside({made.path: made for made in (task("a"), waits)}, now=start, readings=fresh)
    out.memory = Memory(retries={"retry": Retry(1, end)})
    out.files["pending/retry.md"] = shell("retry")
    out.begin()
    (run_id,) = out.folders
    while out.now < end:
        utc = out.now.astimezone(UTC) + timedelta(seconds=30)
        out.now = _berlin(utc.replace(tzinfo=None).isoformat())
        out.tell(Progressed(run_id, Progress(last_line=f"{utc}")))
        early = out.now < end
        assert ({"later", "retry"} & set(out.running()) == set()) is early
    assert (_jumps(out), out.halts) == ([], [])
    assert out.now.utcoffset() != start.utcoffset()


def test_a_limit_that_resets_in_the_hour_that_comes_twice_is_over_at_the_right_one() -> None:
    start = _berlin("2026-10-25 00:10")  # 02:10, the first of the two
    reset = _berlin("2026-10-25 01:20")  # 02:20, the second
    assert start.time() < reset.time()
    out = Outside({"pending/a.md": task("a")}, now=start, readings=(reading(at=start, resets_at=reset),))
    out.begin()
    out.end("a", limited(start, reset, FIVE_HOUR))
    out.wait(minutes=69)
    assert out.running() == []
    out.wait(minutes=1)
    assert out.running() == ["a"]


def test_a_look_at_nothing_new_after_a_jump_changes_nothing_but_the_note() -> None:
    out = outside(task("a"))
    before = out.world.runs
    out.jump(out.now + DAY)
    assert {key: replace(run, heard=None) for key, run in out.world.runs.items()} == dict(before)
    sights: tuple[Sight, ...] = tuple(out.folders.values())
    same, effects = step(out.world, Looked(sights), out.now)
    assert effects == ()
    assert same.runs == out.world.runs


def test_a_parked_run_whose_folder_vanished_is_said() -> None:
    out = outside(task("a"))
    out.end("a", limited(after(5), after(60)))
    assert out.run("a").stage is Stage.PARKED
    out.folders.clear()
    out.look()
    assert (out.world.runs, "run folder is gone" in out.notes()[-1]) == ({}, True)
