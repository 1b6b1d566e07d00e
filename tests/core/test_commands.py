"""Commands: what each changes, what is refused and why, and what lasts."""

from __future__ import annotations

import pytest

from cctui.core.effects import Launch
from cctui.core.events import Asked, Launched, Scanned, Ticked
from cctui.core.settings import RunSettings
from cctui.core.step import refusal, step
from cctui.core.world import (
    Add,
    Broken,
    Command,
    Edit,
    ErrorType,
    Hold,
    Move,
    Pause,
    Phase,
    Place,
    Problem,
    Remove,
    RetryTask,
    RunNow,
    Status,
    StopRun,
    Why,
)
from tests.core.made import T0, Outside, after, good, limited, outside, reading, task, world


def test_hold_and_release() -> None:
    out = outside()
    out.tell(Asked(Hold(on=True)))
    out.files["pending/a.md"] = task("a")
    out.scan()
    assert (out.running(), out.memory.hold) == ([], True)
    out.tell(Asked(Hold(on=False)))
    assert out.running() == ["a"]


def test_pause_edits_the_file_and_holds_the_task() -> None:
    out = outside(task("a"), task("b"), task("c"))
    out.tell(Asked(Pause("c")))
    assert out.files["pending/c.md"].paused
    out.end("a", good())
    assert out.running() == ["b"]
    out.tell(Asked(Pause("c", on=False)))
    assert out.running() == ["b", "c"]


def test_move_is_remembered_and_its_inverse_is_the_identity() -> None:
    out = outside(*(task(name, paused=True) for name in "abcd"))
    before = out.world.line.order
    out.tell(Asked(Move("c", Place.UP)))
    assert out.world.line.order == ("a", "c", "b", "d")
    out.begin()
    assert out.world.line.order == ("a", "c", "b", "d")
    out.tell(Asked(Move("c", Place.DOWN)))
    assert out.world.line.order == before


def test_moving_across_priorities_edits_the_file() -> None:
    out = outside(task("a", priority=1, paused=True), task("b", paused=True))
    out.tell(Asked(Move("b", Place.TOP)))
    assert out.files["pending/b.md"].priority == 1
    assert out.world.line.order == ("b", "a")


def test_run_now_jumps_the_queue_and_force_passes_the_gates() -> None:
    out = outside(task("a", priority=1), task("b", not_before=after(hours=9)), run=RunSettings(slots=1))
    out.tell(Asked(RunNow("b")))
    assert out.running() == ["a"]
    out.end("a", good())
    assert out.running() == ["b"]

    capped = outside(task("a"), readings=(reading(99.0),))
    refused = refusal(capped.world, RunNow("a"), T0)
    assert refused
    assert refused.why is Why.CAPACITY
    capped.tell(Asked(RunNow("a", force=True)))
    assert capped.running() == ["a"]


def test_stop_and_retry() -> None:
    out = outside(task("a"))
    out.tell(Asked(StopRun("a")))
    (record,) = out.ledger.values()
    assert (record.status, record.error_type, out.where("a")) == (Status.CANCELLED, ErrorType.CANCELLED, ["failed"])
    out.tell(Asked(RetryTask("a")))
    assert out.running() == ["a"]


def test_stopping_a_parked_run_gives_it_up() -> None:
    out = outside(task("a"))
    out.end("a", limited(after(5), after(hours=1)))
    out.tell(Asked(StopRun("a")))
    assert out.where("a") == ["failed"]
    assert out.world.runs == {}


def test_stopping_a_run_that_is_still_being_launched() -> None:
    made, (launch,) = step(world(task("a")), Ticked(), T0)
    assert isinstance(launch, Launch)
    made, none = step(made, Asked(StopRun("a")), T0)
    assert none == ()
    _, effects = step(made, Launched(launch.spec.run_id, 1), T0)
    assert [type(effect).__name__ for effect in effects] == ["Halt"]


def test_add_edit_remove() -> None:
    out = outside()
    out.tell(Asked(Add("a", "---\n---\nhello")))
    assert out.running() == ["a"]
    out.end("a", good())
    out.tell(Asked(Remove("a")))
    assert out.files == {}


BROKEN = Broken("pending/x.md", "x", Phase.PENDING, (Problem("bad yaml", line=2),))


def _refusing() -> Outside:
    out = outside(task("run"), task("p", paused=True), task("done", phase=Phase.COMPLETED))
    out.world, _ = step(out.world, Scanned((*out.files.values(), BROKEN)), T0)
    return out


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Move("nobody", Place.UP), Why.UNKNOWN),
        (Move("run", Place.UP), Why.STATE),
        (Move("p", Place.UP), Why.STATE),
        (Move("p", Place.BEFORE, "run"), Why.UNKNOWN),
        (Pause("done"), Why.STATE),
        (Pause("p"), Why.STATE),
        (Pause("x"), Why.INVALID),
        (RunNow("run"), Why.STATE),
        (RunNow("done"), Why.STATE),
        (RunNow("p"), Why.PAUSED),
        (StopRun("p"), Why.STATE),
        (RetryTask("p"), Why.STATE),
        (RetryTask("run"), Why.STATE),
        (Add("p", "x"), Why.EXISTS),
        (Add("x", "x"), Why.EXISTS),
        (Edit("run", "name", "z"), Why.STATE),
        (Remove("run"), Why.STATE),
    ],
)
def test_refusals_say_why_and_change_nothing(command: Command, why: Why) -> None:
    out = _refusing()
    reason = refusal(out.world, command, T0)
    assert reason
    assert reason.why is why
    changed, effects = step(out.world, Asked(command), T0)
    assert (changed, effects) == (out.world, ())


@pytest.mark.parametrize(
    "command",
    [
        Move("p", Place.TOP),
        Pause("p", on=False),
        Hold(),
        RunNow("p", force=True),
        StopRun("run"),
        RetryTask("done"),
        Add("new", ""),
        Edit("p", "priority", "3"),
        Remove("p"),
        Remove("x"),
        Remove("done"),
    ],
)
def test_what_is_allowed(command: Command) -> None:
    out = outside(task("run"), task("q", paused=True), task("p", paused=True), task("done", phase=Phase.COMPLETED))
    if command == Remove("x"):
        out = _refusing()
    if command == Move("p", Place.TOP):
        assert out.world.line.order == ("p", "q")
        command = Move("q", Place.TOP)
    assert refusal(out.world, command, T0) is None
