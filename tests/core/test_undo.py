"""Taking back: every step of a person's, in the order they were taken, and what can never be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.adapters import front
from cctui.core.effects import EditFile, Effect, RestoreFile, SaveMemory
from cctui.core.events import Asked, EffectFailed, Event, Scanned
from cctui.core.fields import FIELDS, READERS
from cctui.core.inverse import MOST, SETTLE, headline, inverse
from cctui.core.naming import outcome, shows, task_of, whole
from cctui.core.refusal import lost, refusal
from cctui.core.settings import RunSettings
from cctui.core.step import step
from cctui.core.view import say
from cctui.core.world import (
    Add,
    Broken,
    Command,
    Edit,
    Hold,
    Level,
    Mode,
    Move,
    Pause,
    Phase,
    Place,
    Problem,
    Remove,
    Reorder,
    Restore,
    RetryTask,
    RunNow,
    Skip,
    StopRun,
    Task,
    Together,
    Undo,
    Why,
    World,
)
from cctui.core.written import as_yaml, editable, written
from tests.core.made import T0, Outside, after, good, outside, task, world

LATER = SETTLE + timedelta(seconds=1)


def idle(*tasks: Task) -> Outside:
    """Nothing starts here."""
    out = outside(*(replace(entry, paused=True) for entry in tasks))
    out.world = replace(out.world, checked=False)
    return out


def do(out: Outside, *commands: Command) -> None:
    for command in commands:
        assert refusal(out.world, command, out.now) is None, command
        out.tell(Asked(command))


def labels(out: Outside) -> list[str]:
    return [done.label for done in out.world.memory.done]


TEMPLATE = task("t", phase=Phase.RECURRING, schedule="0 3 * * *")
STEPS: dict[str, tuple[Command, str]] = {
    "a move": (Move("c", Place.TOP), "c moved"),
    "a move into another priority": (Move("d", Place.TOP), "d moved"),
    "a pause": (Pause("c", on=False), "c goes on"),
    "a hold": (Hold(), "hold is on"),
    "a new task": (Add("n", "---\n---\nhello"), "n is in the queue"),
    "a field that was not there": (Edit("a", "model", "opus"), "a: model changed"),
    "a field with another value": (Edit("d", "priority", "1"), "d: priority changed"),
    "a field taken out": (Edit("d", "priority", None), "d: priority changed"),
    "another name": (Edit("a", "name", "z"), "a: name changed"),
    "a removal": (Remove("b"), "b is in the trash"),
    "a finished task's removal": (Remove("old"), "old is in the trash"),
    "a firing left out": (Skip("t"), "t leaves out its next firing"),
    "several": (Together((Move("c", Place.TOP), Edit("c", "kind", "k"), Remove("a"))), "3 done"),
    "several of a kind": (Together((Move("c", Place.UP), Move("d", Place.UP))), "2 moved"),
}


@pytest.mark.parametrize(("command", "label"), STEPS.values(), ids=STEPS)
def test_one_key_takes_a_step_back(command: Command, label: str) -> None:
    old = task("old", phase=Phase.COMPLETED)
    out = idle(task("a"), task("b"), task("c"), task("d", priority=8))
    out.files |= {old.path: old, TEMPLATE.path: TEMPLATE}
    out.scan()
    before, files, memory = out.world.line.order, dict(out.files), out.memory
    do(out, command)
    assert labels(out) == [label]
    assert out.world.memory.done[0].at == out.now
    assert (out.files, out.world.line.order, replace(out.memory, done=())) != (files, before, memory)
    do(out, Undo())
    assert out.files == files
    assert out.world.line.order == before
    assert replace(out.memory, firings={}) == memory
    assert not any(mark.skip for mark in out.memory.firings.values())
    assert f"taken back: {label}" in out.notes()


@pytest.mark.parametrize("command", [RunNow("a", force=True), StopRun("run"), RetryTask("failed")])
def test_what_has_to_do_with_a_run_is_no_step(command: Command) -> None:
    out = outside(task("run"), task("a", paused=True), task("failed", phase=Phase.FAILED), run=RunSettings(slots=1))
    do(out, command)
    assert out.memory.done == ()


def test_steps_are_taken_back_newest_first_also_by_the_next_engine() -> None:
    out = idle(task("a"), task("b"))
    do(out, Move("b", Place.TOP), Edit("b", "model", "opus"), Hold())
    out.begin()
    assert labels(out) == ["b moved", "b: model changed", "hold is on"]
    do(out, Undo(), Undo())
    assert (out.memory.hold, out.files["pending/b.md"].model, out.world.line.order) == (False, None, ("b", "a"))
    do(out, Undo())
    assert out.world.line.order == ("a", "b")
    reason = refusal(out.world, Undo(), out.now)
    assert reason is not None and say(reason, out.now) == "there is nothing to take back"


def test_the_newest_fifty_are_kept() -> None:
    out = idle(task("a"))
    for number in range(MOST + 5):
        do(out, Edit("a", "priority", str(10 + number)))
    assert len(out.memory.done) == MOST
    for _ in range(MOST):
        do(out, Undo())
    assert out.files["pending/a.md"].priority == 14, "the first five stay"


@pytest.mark.parametrize("command", [Move("b", Place.TOP), Remove("a"), Together((Move("b", Place.TOP), Hold()))])
def test_the_store_is_written_once_and_before_the_files(command: Command) -> None:
    made = world(task("a", paused=True), task("b", priority=8, paused=True))
    after_it, effects = step(made, Asked(command), T0)
    assert isinstance(effects[0], SaveMemory) and effects[0].memory == after_it.memory
    assert sum(isinstance(effect, SaveMemory) for effect in effects) == 1
    again, back = step(after_it, Asked(Undo()), T0 + LATER)
    if not isinstance(command, Remove):
        assert isinstance(back[-1], SaveMemory) and back[-1].memory == again.memory
        assert sum(isinstance(effect, SaveMemory) for effect in back) == 1


def test_what_the_engine_does_is_no_step() -> None:
    out = outside(task("a"), replace(TEMPLATE, schedule="* * * * *"))
    out.end("a", good())
    out.wait(minutes=3)
    assert out.fires and out.memory.done == ()


# --- several as one --------------------------------------------------------------------------------------------------


def test_together_leaves_out_what_is_refused_and_counts() -> None:
    out = outside(task("run"), task("a"), task("b"), task("c", paused=True), run=RunSettings(slots=1))
    out.files["completed/old.md"] = task("old", phase=Phase.COMPLETED)
    out.scan()
    do(out, Together((Pause("c"), Pause("a"), Pause("old"), Pause("b"))))
    label = "2 of 4 paused: c is paused already"
    assert labels(out) == [label]
    assert [note.text for note in out.world.notes if note.level is Level.WARN] == [label]
    assert {name for name, entry in out.world.tasks.items() if entry.paused} == {"a", "b", "c"}
    do(out, Undo())
    assert {name for name, entry in out.world.tasks.items() if entry.paused} == {"c"}


def test_together_is_refused_when_all_are() -> None:
    made = world(task("a", paused=True))
    for command, why in (
        (Together((Pause("a"), Pause("x"))), "a is paused already"),
        (Together(()), "nothing is chosen"),
        (Together((Hold(), Undo())), "taking back is a step of its own"),
    ):
        reason = refusal(made, command, T0)
        assert reason is not None and say(reason, T0) == why
        assert step(made, Asked(command), T0)[1] == ()


def test_each_of_several_meets_what_the_ones_before_it_have_left() -> None:
    out = idle(*(task(name) for name in "abcd"))
    do(out, Together((Move("d", Place.UP), Move("d", Place.UP), Move("d", Place.UP), Move("d", Place.UP))))
    assert out.world.line.order == ("d", "a", "b", "c")
    assert labels(out) == ["3 of 4 moved: d is first already"]
    do(out, Undo())
    assert out.world.line.order == ("a", "b", "c", "d")


def test_a_task_that_is_removed_is_in_its_step_only_once() -> None:
    out = idle(task("a"), task("b"))
    do(out, Together((Edit("b", "model", "opus"), Remove("a"), Remove("a"), Pause("a"), Edit("b", "name", "z"))))
    assert labels(out) == ["2 of 5 done: a is in this step twice"]
    do(out, Undo())
    assert sorted(out.files) == ["pending/a.md", "pending/b.md"] and out.files["pending/b.md"].model is None


def test_several_that_cannot_be_taken_back_are_no_step() -> None:
    out = outside(task("a"), task("b"))
    do(out, Together((StopRun("a"), StopRun("b"))))
    assert out.memory.done == ()


# --- what cannot be taken back ---------------------------------------------------------------------------------------


def _gone(out: Outside) -> None:
    out.files.pop("pending/a.md")


def _again(out: Outside) -> None:
    out.files["pending/a.md"] = task("a", priority=1, paused=True)


def _broken(out: Outside) -> None:
    out.files.pop("pending/a.md")
    bad = Broken("pending/a.md", "a", Phase.PENDING, (Problem("bad yaml", line=2),))
    out.world, _ = step(out.world, Scanned((*out.files.values(), bad)), out.now)


def _unpaused(out: Outside) -> None:
    out.files["pending/a.md"] = replace(out.files["pending/a.md"], paused=True)


LOST = {
    "its task is gone": (Edit("a", "model", "opus"), _gone, "a: model changed: it cannot be taken back: "),
    "another has its name": (Remove("a"), _again, "a is in the trash: it cannot be taken back: "),
    "its file is broken": (
        Move("a", Place.BOTTOM),
        _broken,
        "a moved: it cannot be taken back: cannot be read: bad yaml",
    ),
    "somebody did it by hand": (Pause("a", on=False), _unpaused, "a goes on: it cannot be taken back: "),
}


@pytest.mark.parametrize(("command", "happens", "said"), LOST.values(), ids=LOST)
def test_what_can_never_be_taken_back_is_let_go_of(command: Command, happens: object, said: str) -> None:
    out = idle(task("a"), task("b"))
    do(out, Hold(), Edit("b", "model", "opus"), command)
    happens(out)  # type: ignore[operator]
    if happens is not _broken:
        out.scan()
    reason = refusal(out.world, Undo(), out.now)
    assert reason is not None, "the folders may not show yet what was done"
    assert say(reason, out.now).startswith(headline(command)), "which step it is"
    out.now += LATER
    files = dict(out.files)
    before = out.world
    do(out, Undo())
    assert out.files == files
    assert labels(out) == ["hold is on", "b: model changed"]
    assert out.world.notes[-1].level is Level.WARN and out.world.notes[-1].text.startswith(said)
    assert outcome(before, Undo(), out.now)[1] == [out.world.notes[-1].text]
    do(out, Undo())
    assert out.files["pending/b.md"].model is None


def test_a_new_task_that_runs_has_to_be_stopped_first_and_one_that_has_run_stays() -> None:
    out = outside()
    do(out, Add("a", "x"))
    out.now += LATER
    reason = refusal(out.world, Undo(), out.now)
    assert reason is not None
    assert say(reason, out.now) == "a is in the queue: a has an open run: stop it first"
    assert labels(out) == ["a is in the queue"], "it may be taken back yet"
    out.end("a", good(at=out.now))
    assert lost(out.world, out.world.memory.done[-1], out.now) == "a has run since"
    do(out, Undo())
    assert (out.where("a"), labels(out)) == (["completed"], [])


def test_a_firing_that_has_passed_is_not_left_out_the_other_way_round() -> None:
    out = idle(task("a"))
    out.files[TEMPLATE.path] = replace(TEMPLATE, schedule="0 * * * *", paused=False)
    out.scan()
    out.world = replace(out.world, checked=True)
    do(out, Skip("t"), Skip("t", on=False))
    out.wait(minutes=90)
    out.tell(Asked(Undo()))
    assert not out.memory.firings["t"].skip
    assert "that firing has passed" in out.notes()[-1]


@pytest.mark.parametrize(
    "command",
    [Add("n", "x"), Edit("a", "model", "opus"), Edit("a", "name", "z"), Pause("a", on=False), Remove("a")],
)
def test_what_the_disk_refused_is_no_step(command: Command) -> None:
    out = idle(task("a"), task("b"))

    def full(effect: Effect) -> Event | None:
        return None if isinstance(effect, SaveMemory) else EffectFailed(effect, "no space left")

    do(out, Hold())
    out.goes_wrong = full
    do(out, command)
    assert labels(out) == ["hold is on"]
    assert out.memory == out.world.memory


def test_of_several_only_what_the_disk_did_is_taken_back() -> None:
    out = idle(task("a"), task("b"))

    def full(effect: Effect) -> Event | None:
        return EffectFailed(effect, "no") if isinstance(effect, EditFile) and effect.path == "pending/b.md" else None

    out.goes_wrong = full
    do(out, Together((Edit("a", "model", "opus"), Edit("b", "model", "opus"))))
    (done,) = out.world.memory.done
    assert done.undo == Together((Edit("a", "model", None),))


# --- the trash -------------------------------------------------------------------------------------------------------


def test_restore_is_a_command_of_its_own() -> None:
    out = idle(task("a"))
    do(out, Remove("a"))
    (place,) = out.trash
    assert place == "20261121T020500.000000Z/pending/a.md" or place.endswith("Z/pending/a.md")
    assert refusal(out.world, Restore("a", place), out.now) is None
    do(out, Restore("a", place))
    assert labels(out) == ["a is in the trash", "a is back"]
    reason = refusal(out.world, Restore("a", place), out.now)
    assert reason is not None and reason.why is Why.EXISTS
    do(out, Undo())
    assert out.files == {}


def test_a_restore_that_failed_is_no_step() -> None:
    out = idle()

    def fails(effect: Effect) -> Event | None:
        return EffectFailed(effect, "is not in the trash any more") if isinstance(effect, RestoreFile) else None

    out.goes_wrong = fails
    do(out, Restore("a", "20261121T020500.000000Z/pending/a.md"))
    assert labels(out) == []


# --- values as lines -------------------------------------------------------------------------------------------------

FULL = task(
    "full",
    "x",
    "y:any",
    priority=0,
    estimated_tokens=5,
    deadline=after(hours=9).replace(microsecond=7),
    mode=Mode.PLAN_FIRST,
    check="test: -f 'x' # y\nand",
    check_timeout=0.5,
    timeout=93784.0,
    window=5400.0,
    rollback=False,
    worktree=True,
    max_budget_usd=1e-07,
    model="true",
    effort="10",
    allowed_tools=("Read", "Bash(git log:*)"),
    tags=("a", "b c"),
    kind="Ünicode\u2028\x85",
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    cwd="~/a b",
    schedule="0 3 * * *",
)


def reads(field: str, line: str) -> object:
    found = front.read(f"---\n{field}: {line}\n---\n")
    assert not found.problems and found.fields
    return READERS[field](found.fields[field], UTC) if field not in ("kind", "tags", "check") else found.fields[field]


@pytest.mark.parametrize("field", [field.name for field in FIELDS])
def test_a_line_means_the_value_it_was_made_of(field: str) -> None:
    line = written(FULL, field)
    if line is None:
        assert written(task("full"), field) is None
        return
    value = getattr(FULL, field)
    assert reads(field, line) == (list(value) if field == "tags" else value)
    assert dict(editable(FULL))[field] == line


@given(st.text(min_size=1, max_size=30))
def test_any_text_comes_back_from_its_line(text: str) -> None:
    line = as_yaml("check", text)
    assert "\n" not in line
    found = front.read(f"---\ncheck: {line}\n---\n")
    assert found.fields == {"check": text}, (line, found.problems)


@given(st.floats(1e-9, 1e9))
def test_any_number_comes_back_from_its_line(value: float) -> None:
    assert reads("max_budget_usd", as_yaml("max_budget_usd", value)) == pytest.approx(value, rel=1e-9)


DURATIONS = {90.0: "1m30s", 5400.0: "1h30m", 172800.0: "2d", 0.5: "0.5s", 60.0: "1m"}


@pytest.mark.parametrize(("seconds", "text"), DURATIONS.items())
def test_durations_as_people_write_them(seconds: float, text: str) -> None:
    assert as_yaml("timeout", seconds) == text
    assert reads("timeout", text) == seconds


# --- names -----------------------------------------------------------------------------------------------------------


def test_names_of_several_are_made_whole() -> None:
    made = world(task("alpha", paused=True), task("beta", paused=True))
    assert whole(made, Together((Pause("al"), Remove("be")))) == Together((Pause("alpha"), Remove("beta")))
    assert getattr(whole(made, Together((Pause("al"), Remove("x")))), "errors", None) == ("no task named x",)
    assert whole(made, Undo()) == Undo() and task_of(Undo()) is None


def test_it_shows_when_the_files_are_as_they_were() -> None:
    out = idle(task("a"))
    before = out.world
    do(out, Remove("a"))
    gone = out.world
    assert shows(before, gone, Remove("a")) and not shows(gone, gone, Undo())
    do(out, Undo())
    assert shows(gone, out.world, Undo())


# --- the law ---------------------------------------------------------------------------------------------------------

NAMES = "abcde"
names = st.sampled_from(NAMES)
singles = st.one_of(
    st.builds(Move, names, st.sampled_from((Place.UP, Place.DOWN, Place.TOP, Place.BOTTOM))),
    st.builds(Move, names, st.sampled_from((Place.BEFORE, Place.AFTER)), names),
    st.builds(Pause, names, st.booleans()),
    st.builds(Hold, st.booleans()),
    st.builds(Edit, names, st.just("priority"), st.sampled_from((None, "1", "5", "8"))),
    st.builds(Edit, names, st.just("model"), st.sampled_from((None, "opus", '"4.5"'))),
    st.builds(lambda name: Edit(name, "name", f"'{name} {name}'  # new"), names),
    st.builds(Edit, names, st.just("tags"), st.sampled_from((None, "[k, l]"))),
    st.builds(Add, st.sampled_from("mn"), st.just("x")),
    st.builds(Remove, names),
)
commands = st.one_of(singles, st.builds(Together, st.lists(singles, min_size=1, max_size=4).map(tuple)))


@st.composite
def queues(draw: st.DrawFn) -> list[Task]:
    found = []
    for place, name in enumerate(NAMES):
        needs = draw(st.sets(st.sampled_from(NAMES[:place]), max_size=1)) if place else set()
        due = draw(st.sampled_from((None, None, after(hours=9))))
        found.append(task(name, *needs, priority=draw(st.sampled_from((1, 5, 5, 8))), deadline=due, paused=True))
    return found


def seen(found: World) -> object:
    return found.tasks, found.line.order, found.memory.hold, found.memory.ranks


@settings(max_examples=100)
@given(queues(), st.lists(commands, min_size=1, max_size=10))
def test_taking_everything_back_leaves_everything_as_it_was(backlog: list[Task], wanted: list[Command]) -> None:
    out, stages = idle(*backlog), []
    for command in wanted:
        before = seen(out.world)
        steps = len(out.world.memory.done)
        out.now += timedelta(seconds=1)
        out.tell(Asked(command))
        if len(out.world.memory.done) > steps:
            stages.append(before)
        else:
            assert seen(out.world) == before
    for before in reversed(stages):
        out.now += timedelta(seconds=1)
        assert refusal(out.world, Undo(), out.now) is None
        out.tell(Asked(Undo()))
        assert seen(out.world) == before
    assert out.world.memory.done == ()


def test_a_step_names_what_differs() -> None:
    made = world(*(task(name, paused=True) for name in "abc"), task("x", "a", paused=True))
    back = inverse(made, Move("b", Place.UP))
    assert isinstance(back, Reorder) and back.priority is None
    assert inverse(replace(made, memory=replace(made.memory, ranks={"a": 1})), Reorder("a", {"a": None})) == Reorder(
        "a", {"a": 1}
    )


def test_a_move_and_an_edit_of_the_priority_in_one_step_are_taken_back_together() -> None:
    backlog = [task(name, priority=1, paused=True) for name in "abcd"] + [task("e", priority=5, paused=True)]
    out = idle(*backlog)
    for command in (Move("a", Place.BOTTOM), Move("a", Place.UP)):
        out.tell(Asked(command))
    before = seen(out.world)
    out.tell(Asked(Together((Move("a", Place.UP), Edit("a", "priority", None)))))
    out.tell(Asked(Undo()))
    assert seen(out.world) == before
