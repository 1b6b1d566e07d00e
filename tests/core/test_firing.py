"""Recurring work in stories: firings are neither lost nor doubled, whatever sleeps, dies, is set, edited or paused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.core import firing
from cctui.core.answer import answer
from cctui.core.effects import Effect, Fire, SaveMemory
from cctui.core.events import Asked, EffectFailed, Event, Ticked
from cctui.core.refusal import refusal
from cctui.core.step import alarm, step
from cctui.core.view import rows
from cctui.core.world import Broken, Command, Memory, Pause, Phase, Problem, RunNow, Skip, Task, Why
from tests.core.made import Outside, exited, outside, task

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def template(name: str = "nightly", schedule: str | None = "30 2 * * *", **fields: Any) -> Task:
    fields = {"runner": "shell", "command": "true", **fields}
    return task(name, phase=Phase.RECURRING, schedule=schedule, **fields)


def night(*entries: Task, **more: Any) -> Outside:
    """Noon of a Sunday, in UTC; the first firing is at 02:30."""
    return outside(*entries, now=NOON, **more)


def until(out: Outside, text: str) -> None:
    """Time passes to that moment as the engine lives through it: with its alarms, and a look now and then."""
    end = datetime.fromisoformat(text).replace(tzinfo=UTC)
    while out.now < end:
        next_look = min(out.now + timedelta(hours=1), end)
        out.now = min(max(alarm(out.world, out.now) or next_look, out.now + timedelta(seconds=1)), next_look)
        out.tell(Ticked())


def asleep(out: Outside, text: str) -> None:
    out.jump(datetime.fromisoformat(text).replace(tzinfo=UTC))


def fired(out: Outside) -> list[str]:
    """The moments of the firings whose file was put into the queue, in order."""
    return sorted(entry.fired.isoformat()[5:16] for entry in out.files.values() if entry.fired)


def finish(out: Outside) -> None:
    for name in out.running():
        out.end(name, exited(0, at=out.now))


# --- the ordinary night ----------------------------------------------------------------------------------------------


def test_a_template_never_runs_itself_and_its_firing_does() -> None:
    out = night(template(kind="nightly", window=7200.0))
    assert (out.running(), fired(out)) == ([], [])
    until(out, "2026-11-23T02:29")
    assert fired(out) == []
    until(out, "2026-11-23T02:31")
    assert out.running() == ["nightly@20261123T0230Z"]
    spec = out.run("nightly@20261123T0230Z").spec
    assert spec.kind == "nightly"
    made = out.files["active/nightly@20261123T0230Z.md"]
    due = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
    assert (made.not_before, made.fired, made.deadline) == (due, due, due + timedelta(hours=2))
    assert "recurring/nightly.md" in out.files
    finish(out)
    until(out, "2026-11-24T03:00")
    assert fired(out) == ["11-23T02:30", "11-24T02:30"]


def test_the_engine_wakes_for_the_firing() -> None:
    out = night(template())
    assert alarm(out.world, out.now) == datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def test_the_persons_zone_and_the_templates_own() -> None:
    out = night()
    world = replace(out.world, zone="Europe/Berlin")
    local, own = template(), template(tz="Asia/Kolkata")
    assert firing.next_fire(world, local, NOON) == datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    assert firing.next_fire(world, own, NOON) == datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
    out.world = world
    out.files = {entry.path: entry for entry in (replace(own, name="own", path="recurring/own.md"), local)}
    out.scan()
    until(out, "2026-11-23T04:00")
    assert {"own@20261122T2100Z", "nightly@20261123T0230"} <= {entry.name for entry in out.files.values()}


def test_a_deadline_of_its_own_stays() -> None:
    end = NOON + timedelta(days=9)
    out = night(template(window=3600.0, deadline=end))
    until(out, "2026-11-23T03:00")
    assert next(entry for entry in out.files.values() if entry.fired).deadline == end


# --- what was missed -------------------------------------------------------------------------------------------------


def test_a_new_template_has_missed_nothing() -> None:
    out = night(template(schedule="* * * * *", catchup="all"))
    assert fired(out) == []


MISSED = [
    ({}, ["11-25T02:30"]),
    ({"catchup": "skip"}, []),
    ({"catchup": "all"}, ["11-23T02:30", "11-24T02:30", "11-25T02:30"]),
    ({"catchup": "all", "overlap": "queue"}, ["11-23T02:30", "11-24T02:30", "11-25T02:30"]),
    ({"overlap": "queue"}, ["11-25T02:30"]),
    ({"catchup": "skip", "window": 12 * 3600.0}, ["11-25T02:30"]),
]


@pytest.mark.parametrize(("fields", "expected"), MISSED)
@pytest.mark.parametrize("way", ["sleep", "another engine"])
def test_what_three_nights_without_an_engine_leave(fields: dict[str, Any], expected: list[str], way: str) -> None:
    out = night(template(**fields))
    if way == "sleep":
        asleep(out, "2026-11-25T10:00")
    else:
        out.now = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
        out.begin()
    assert fired(out) == expected
    for _ in range(5):
        finish(out)
    until(out, "2026-11-26T03:00")
    assert fired(out) == [*expected, "11-26T02:30"]


def test_all_that_was_missed_has_a_bound_and_is_said() -> None:
    out = night(template(schedule="*/10 * * * *", catchup="all", overlap="queue"))
    asleep(out, "2026-11-25T10:00")
    found = fired(out)
    assert len(found) == firing.MOST
    assert found[-1] == "11-25T10:00"
    assert any("50 or more missed before it" in note for note in out.notes())


def test_a_firing_a_minute_late_was_not_missed() -> None:
    out = night(template(catchup="skip"))
    asleep(out, "2026-11-23T02:31")
    assert fired(out) == ["11-23T02:30"]


# --- overlap ---------------------------------------------------------------------------------------------------------


def test_while_the_last_one_has_not_ended_the_next_is_left_out_or_waits() -> None:
    for overlap, expected in (("skip", ["11-23T02:30"]), ("queue", ["11-23T02:30", "11-24T02:30"])):
        out = night(template(overlap=overlap))
        until(out, "2026-11-24T12:00")
        assert fired(out) == expected
        assert any("has not ended" in note for note in out.notes()) is (overlap == "skip")
        finish(out)
        finish(out)
        until(out, "2026-11-25T12:00")
        assert fired(out)[-1] == "11-25T02:30"


def test_the_same_is_not_said_every_minute() -> None:
    out = night(template(schedule="* * * * *"))
    until(out, "2026-11-22T12:30")
    assert sum("has not ended" in note for note in out.notes()) == 1


# --- the clock -------------------------------------------------------------------------------------------------------


def test_a_clock_set_back_a_little_does_not_fire_again() -> None:
    out = night(template())
    until(out, "2026-11-23T02:40")
    finish(out)
    asleep(out, "2026-11-23T02:00")
    until(out, "2026-11-23T12:00")
    assert fired(out) == ["11-23T02:30"]


def test_a_clock_that_was_a_year_ahead_loses_no_night_after_it() -> None:
    out = night(template())
    asleep(out, "2027-11-22T12:00")
    finish(out)
    asleep(out, "2026-11-22T12:05")
    until(out, "2026-11-23T12:00")
    assert [entry.fired.isoformat()[:16] for entry in out.files.values() if entry.fired] == [
        *("2027-11-22T02:30", "2026-11-23T02:30"),
    ]


# --- edits -----------------------------------------------------------------------------------------------------------


def edited(out: Outside, **fields: Any) -> None:
    old = out.files["recurring/nightly.md"]
    out.files["recurring/nightly.md"] = replace(old, added=out.now, **fields)
    out.scan()


def test_a_new_schedule_has_missed_nothing_and_counts_at_once() -> None:
    out = night(template())
    until(out, "2026-11-23T02:40")
    finish(out)
    until(out, "2026-11-23T12:00")
    edited(out, schedule="0 9 * * *")
    assert fired(out) == ["11-23T02:30"]
    until(out, "2026-11-24T10:00")
    assert fired(out) == ["11-23T02:30", "11-24T09:00"]


def test_a_schedule_edited_while_no_engine_ran_counts_from_its_writing() -> None:
    out = night(template())
    old = out.files["recurring/nightly.md"]
    out.files["recurring/nightly.md"] = replace(old, schedule="0 9 * * *", added=NOON + timedelta(hours=1))
    out.now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    out.begin()
    assert fired(out) == ["11-23T09:00"]


def test_an_edit_of_anything_else_keeps_what_is_due() -> None:
    out = night(template())
    out.now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    edited(out, title="Better words")
    assert fired(out) == ["11-23T02:30"]


def test_a_file_that_is_broken_for_a_while_keeps_its_watermark_and_a_removed_one_loses_it() -> None:
    out = night(template())
    kept = out.files.pop("recurring/nightly.md")
    broken: Any = Broken(kept.path, "nightly", Phase.RECURRING, (Problem("no"),))
    out.files[kept.path] = broken
    out.scan()
    assert "nightly" in out.memory.firings
    out.now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    out.files[kept.path] = kept
    out.scan()
    assert fired(out) == ["11-23T02:30"]
    del out.files[kept.path]
    out.scan()
    assert "nightly" not in out.memory.firings


@pytest.mark.parametrize("by", ["command", "hand", "hand, without an engine"])
def test_what_a_paused_template_misses_is_not_made_up_for(by: str) -> None:
    out = night(template(added=NOON - timedelta(days=9)))
    if by == "command":
        out.tell(Asked(Pause("nightly")))
    else:
        edited(out, paused=True)
    until(out, "2026-11-25T10:00")
    assert fired(out) == []
    if by == "command":
        out.tell(Asked(Pause("nightly", on=False)))
    elif by == "hand":
        edited(out, paused=False)
    else:
        old = out.files["recurring/nightly.md"]
        out.files["recurring/nightly.md"] = replace(old, paused=False, added=out.now)
        out.now += timedelta(hours=2)
        out.begin()
    assert fired(out) == []
    until(out, "2026-11-26T10:00")
    assert fired(out) == ["11-26T02:30"]


# --- what a person asks for ------------------------------------------------------------------------------------------


def test_skip_leaves_out_one_and_can_be_taken_back() -> None:
    out = night(template())
    out.tell(Asked(Skip("nightly")))
    until(out, "2026-11-24T10:00")
    assert fired(out) == ["11-24T02:30"]
    finish(out)
    out.tell(Asked(Skip("nightly")))
    out.tell(Asked(Skip("nightly", on=False)))
    until(out, "2026-11-25T10:00")
    assert fired(out) == ["11-24T02:30", "11-25T02:30"]


REFUSED = [
    (Skip("nightly", on=False), "leaves out no firing"),
    (Skip("plain"), "is no template"),
    (Skip("idle"), "is paused"),
    (Skip("gone"), "no task named gone"),
]


@pytest.mark.parametrize(("command", "said"), REFUSED)
def test_what_cannot_be_skipped(command: Command, said: str) -> None:
    out = night(template(), template("idle", paused=True), task("plain", runner="shell", command="true"))
    reason = refusal(out.world, command, out.now)
    assert reason is not None
    assert said in (reason.what if reason.why is Why.STATE else f"no task named {reason.what}")


def test_run_now_is_one_more_firing_and_changes_nothing_else() -> None:
    out = night(template())
    mark = out.memory.firings["nightly"]
    out.now += timedelta(seconds=7)
    out.tell(Asked(RunNow("nightly")))
    assert out.running() == ["nightly@20261122T120007Z"]
    assert out.memory.firings["nightly"] == mark
    finish(out)
    until(out, "2026-11-23T10:00")
    assert fired(out) == ["11-22T12:00", "11-23T02:30"]


def test_an_engine_for_one_task_fires_nothing_but_what_is_asked_for() -> None:
    out = night(template(schedule="* * * * *"))
    out.world = replace(out.world, only=frozenset({"nightly"}))
    until(out, "2026-11-22T13:00")
    assert fired(out) == []
    out.tell(Asked(RunNow("nightly")))
    assert len(out.running()) == 1


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_the_row_of_a_template_says_when_and_how_often() -> None:
    out = night(template(schedule="30 2 * * 1-5"), template("idle", paused=True), template("empty", schedule=None))
    out.tell(Asked(Skip("nightly")))
    found = {row.name: row for row in rows(out.world, out.now)}
    assert found["nightly"].text == "next 02:30, skipped · at 02:30 on weekdays"
    assert found["idle"].text == "paused · at 02:30 every day"
    assert "never fires" in found["empty"].text
    told = {row["name"]: row for row in answer(out.world, "ls", {}, out.now).data}
    assert told["nightly"]["next_fire"] == "2026-11-23T02:30:00+00:00"
    assert (told["nightly"]["phase"], told["nightly"]["position"]) == ("recurring", None)
    assert told["idle"]["next_fire"] is None
    shown = answer(out.world, "show", {"task": "nightly"}, out.now).data["schedule"]
    assert (shown["words"], shown["skip"], len(shown["next"])) == ("at 02:30 on weekdays", True, 5)
    assert shown["said"][0] == "Mon 23 Nov 02:30 (in 14 h)"
    (gate,) = answer(out.world, "why", {"task": "nightly"}, out.now).data
    assert (gate["gate"], gate["open"]) == ("schedule", False)


# --- crashes ---------------------------------------------------------------------------------------------------------


def dying(when: Callable[[Effect], bool], *, done: bool) -> Callable[[Effect], Event | None]:
    """The engine dies at that effect: before it is done, or after it (what it would have answered is never heard)."""

    def goes_wrong(effect: Effect) -> Event | None:
        if not when(effect):
            return None
        raise Died(effect if done else None)

    return goes_wrong


class Died(Exception):
    pass


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("at", [Fire, SaveMemory])
def test_an_engine_that_dies_between_the_file_and_the_store_neither_loses_nor_doubles(
    at: type[Effect], done: bool
) -> None:
    out = night(template())
    until(out, "2026-11-23T02:29")
    out.goes_wrong = dying(lambda effect: isinstance(effect, at), done=done)
    with pytest.raises(Died) as died:
        until(out, "2026-11-23T03:00")
    out.goes_wrong = None
    if died.value.args[0]:
        out.perform(died.value.args[0])
    out.late.clear()
    for _ in range(3):
        out.begin()
    finish(out)
    out.begin()
    until(out, "2026-11-23T12:00")
    assert fired(out) == ["11-23T02:30"]
    assert len(out.ledger) == 1


def test_a_save_of_something_else_never_says_that_a_firing_is_done_which_is_not() -> None:
    """The store is written on other occasions, too, and a firing's file may still be on its way then."""
    out = night(template())
    world, effects = step(out.world, Ticked(), datetime(2026, 11, 23, 2, 30, tzinfo=UTC))
    assert [type(effect) for effect in effects] == [Fire]
    assert world.memory.firings["nightly"].until == NOON
    again, effects = step(world, Ticked(), datetime(2026, 11, 23, 2, 31, tzinfo=UTC))
    assert effects == (), "until it is answered it is not asked for again"
    assert again.memory == world.memory


def test_a_firing_that_cannot_be_written_is_tried_again() -> None:
    out = night(template())
    out.goes_wrong = lambda effect: EffectFailed(effect, "the disk is full") if isinstance(effect, Fire) else None
    until(out, "2026-11-23T02:35")
    assert fired(out) == []
    assert 4 <= sum("the disk is full" in note for note in out.notes()) <= 6
    out.goes_wrong = None
    until(out, "2026-11-23T02:40")
    assert fired(out) == ["11-23T02:30"]


def test_what_the_history_knows_is_not_fired_again_though_its_file_is_gone() -> None:
    out = night(template())
    before = out.memory
    until(out, "2026-11-23T02:31")
    finish(out)
    out.files = {path: entry for path, entry in out.files.items() if not entry.fired}
    out.memory = Memory(firings=before.firings)
    out.begin()
    assert out.running() == []
    assert fired(out) == []


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("sleep"), st.integers(1, 4 * 24 * 60)),
            st.tuples(st.just("back"), st.integers(1, 12 * 60)),
            st.tuples(st.just("begin"), st.integers(0, 0)),
            st.tuples(st.just("finish"), st.integers(0, 0)),
            st.tuples(st.just("pass"), st.integers(1, 600)),
        ),
        max_size=12,
    ),
    st.sampled_from(["30 2 * * *", "0 */6 * * *", "*/30 * * * *"]),
    st.sampled_from(["once", "skip", "all"]),
    st.sampled_from(["skip", "queue"]),
)
@settings(max_examples=60, deadline=None)
def test_no_firing_is_ever_doubled(events: list[tuple[str, int]], schedule: str, catchup: str, overlap: str) -> None:
    out = night(template(schedule=schedule, catchup=catchup, overlap=overlap))
    for what, minutes in events:
        match what:
            case "sleep":
                out.jump(out.now + timedelta(minutes=minutes))
            case "back":
                out.jump(out.now - timedelta(minutes=minutes))
            case "pass":
                out.wait(minutes=minutes)
            case "begin":
                out.begin()
            case "finish":
                finish(out)
    names = [fire.name for fire in out.fires]
    assert len(names) == len(set(names))
    assert all(record.task_id in names for record in out.ledger.values())
    assert len(fired(out)) == len(names), "every one that was asked for has a file"
    assert out.world.firing == {}
