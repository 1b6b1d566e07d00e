"""Laws of scheduling, over small random worlds and nights: the gates, the slots, the reserve, reservations, starvation,
and that time always goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.core import dispatch, queue, spending
from cctui.core.admission import WHOLE
from cctui.core.effects import Launch
from cctui.core.events import Measured, Scanned, Ticked
from cctui.core.launch import claim, resume
from cctui.core.rehearsal import Rehearsal
from cctui.core.scene import Caution, Scene
from cctui.core.settings import Portion, Quiet, Reserve
from cctui.core.watching import as_claimed, watch
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Confidence,
    Ending,
    Memory,
    Parked,
    Person,
    Phase,
    Reading,
    Run,
    Stage,
    Stop,
    Task,
    Why,
    World,
)
from tests.core.learned import KINDS, at_work, learned, with_runs
from tests.core.made import T0, after, good, reading, task

NAMES = ["a", "b", "c", "d", "e", "f"]
RARELY = st.sampled_from([False, False, False, False, True])
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RESERVES = [(), (), (Reserve(DAYS, "00:00", "02:00", 40.0, 5.0),), (Reserve(DAYS, "01:00", "24:00", 25.0, 30.0),)]


@st.composite
def backlogs(draw: st.DrawFn) -> list[Task]:
    made = []
    for place, name in enumerate(NAMES):
        needs = [draw(st.sampled_from(NAMES[:place]))] if place and draw(RARELY) else []
        made.append(
            task(
                name,
                *needs,
                kind=draw(st.sampled_from([*KINDS, "new"])),
                folder=draw(st.sampled_from(["/x", f"/{name}", f"/{name}"])),
                priority=draw(st.integers(1, 3)),
                paused=draw(RARELY),
                model=draw(st.sampled_from([None, "opus"])),
                tags=("x",) if draw(RARELY) else (),
                not_before=after(hours=1) if draw(RARELY) else None,
                deadline=after(hours=draw(st.integers(1, 30))) if draw(RARELY) else None,
            )
        )
    return made


def _running(draw: st.DrawFn, of: Task) -> Run:
    """A run at work, or one that was parked."""
    seconds = draw(st.sampled_from([0.0, 30.0, 600.0, 3000.0]))
    five = draw(st.sampled_from([0.0, 3.0, 12.0])) if seconds >= 600 else 0.0
    points = {FIVE_HOUR: five, SEVEN_DAY: five / 10}
    if draw(RARELY):
        stop = Parked(Why.LANDED, after(-60), None)
        ending = Ending(Stop.CANCELLED, T0, seconds)
        return at_work(of, 0.0, points, stage=Stage.PARKED, parked=stop, ending=ending)
    return at_work(of, seconds, points, heard=T0)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A moment in a night, just before a decision: some runs at work, the rest of the tasks waiting."""
    backlog = draw(backlogs())
    count = draw(st.integers(0, 2))
    active = [replace(entry, phase=Phase.ACTIVE, paused=False, folder=f"/{entry.name}") for entry in backlog[:count]]
    made = learned(
        *active,
        *backlog[count:],
        used=draw(st.sampled_from([0.0, 20.0, 55.0, 80.0, 91.0, 97.0, 100.0])),
        week=draw(st.sampled_from([0.0, 50.0, 90.0, 97.0, 99.9])),
        slots=draw(st.integers(1, 4)),
        ends=draw(st.sampled_from([0.05, 0.4, 2.0, 5.0])),
        week_ends=draw(st.sampled_from([1.0, 30.0, 160.0])),
        reserve=draw(st.sampled_from(RESERVES)),
        quiet=(Quiet(DAYS, "00:00", "01:00"),) if draw(RARELY) else (),
        portion=(Portion("x", "", 20.0, 40.0),) if draw(RARELY) else (),
        pace=draw(st.sampled_from(["use", "use", "even"])),
        person_yields=draw(st.sampled_from([0.0, 5.0])),
    )
    if draw(RARELY):
        made = replace(made, person=Person(1, after(-60), 5.0, 15.0))
    if draw(RARELY):
        made = replace(made, memory=Memory(hold=True))
    if draw(RARELY):
        made = replace(made, readings=made.readings[1:], measured=True)
    return with_runs(made, *(_running(draw, entry) for entry in active))


@dataclass(frozen=True)
class Start:
    """One decision: the World just before it, and the one just after."""

    before: World
    task: Task
    after: World

    def scene(self, caution: Caution) -> Scene:
        return queue.scene(self.before, T0, caution)

    def cautions(self) -> list[Caution]:
        """Those at which no gate held it."""
        return [each for each in Caution if not list(queue.held(self.scene(each), self.task))]


def starts(world: World) -> Iterator[Start]:
    """What is decided in this World, one start after the other."""
    _, effects = dispatch.decide(world, T0)
    world, _ = watch(queue.scene(world, T0))
    for launch in effects:
        if not isinstance(launch, Launch):
            continue
        run = world.runs.get(launch.spec.run_id)
        of = as_claimed(world, run) if run else world.tasks[launch.spec.task]
        later, again = resume(world, run, T0) if run else claim(world, of, T0)
        assert again == launch, "what is replayed is what was decided"
        yield Start(world, of, later)
        world = later


def _live(world: World) -> list[Run]:
    return [run for run in world.runs.values() if run.stage is not Stage.PARKED]


# --- what is decided -------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_nothing_starts_while_a_gate_is_shut(world: World) -> None:
    for start in starts(world):
        assert start.cautions(), start.task.name
        assert not (start.task.paused or world.memory.hold)
        assert start.task.not_before is None or start.task.name in {run.spec.task for run in world.runs.values()}
        folders = [run.spec.folder for run in start.after.runs.values()]
        assert folders.count(start.task.folder) == 1
        for need in start.task.depends_on:
            assert start.before.tasks[need.name].phase is Phase.COMPLETED


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_there_are_never_more_runs_than_slots(world: World) -> None:
    for start in starts(world):
        assert len(_live(start.after)) <= world.settings.run.slots


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_whatever_may_start_does_while_a_slot_is_free(world: World) -> None:
    """After a decision nothing is left that could be started, at any caution."""
    later, _ = dispatch.decide(world, T0)
    for caution in Caution:
        scene = queue.scene(later, T0, caution)
        waiting = [later.tasks[name] for name in later.line.order]
        assert [each.name for each in waiting if queue.may_start(scene, each)] == []


def test_what_has_started_takes_no_place_among_those_that_do_not_fit() -> None:
    """Three minutes before the reset a large one does not fit beside the two that begin; a tiny one does."""
    later = after(hours=1)
    made = learned(
        task("a", kind="tiny", folder="/x", priority=1),
        task("c", kind="new", priority=1),
        task("d", kind="new", folder="/x", priority=1, not_before=later),
        task("f", kind="tiny", priority=2),
        task("b", kind="large", folder="/x", priority=2),
        task("e", kind="large", folder="/x", priority=2),
        used=0.0,
        week=0.0,
        slots=3,
        ends=0.05,
        week_ends=1.0,
    )
    assert [start.task.name for start in starts(made)] == ["a", "c", "f"]


@settings(max_examples=200, deadline=None)
@given(worlds(), st.sampled_from(list(Caution)))
def test_a_quick_answer_is_the_long_one(world: World, caution: Caution) -> None:
    """What was worked out once for a group, and gates asked in another order, say what each gate says by itself."""
    shared = queue.scene(world, T0, caution)
    for name in reversed(world.line.order):
        queue.may_start(shared, world.tasks[name])
    for name in world.line.order:
        alone = queue.scene(world, T0, caution)
        long = list(queue.held(alone, world.tasks[name]))
        assert list(queue.held(shared, world.tasks[name])) == long
        assert queue.may_start(shared, world.tasks[name]) is (long == [])
        if not long:
            assert name in list(queue.candidates(queue.scene(world, T0, caution)))


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_nothing_starts_that_by_half_of_its_kind_would_break_a_reserve(world: World) -> None:
    """Of the window, and of a week unless it is used up boldly; but for what no window under a reserve could hold."""
    for start in starts(world):
        cautions = start.cautions()
        scene = start.scene(cautions[0])
        if not scene.by_cost(start.task):
            continue
        middle = spending.needs(scene, start.task, "p50")
        wanted = spending.needs(scene, start.task, cautions[0])
        for room in scene.rooms():
            if room.window not in middle or (cautions == [Caution.BOLD] and room.window != FIVE_HOUR):
                continue
            for row in room.rows:
                oversized = wanted[room.window].until(row.end) > WHOLE * row.cap
                if row.why is Why.RESERVE and not row.begin and not oversized:
                    assert middle[room.window].until(row.end) <= max(row.free, 0.0) + 1e-6


@settings(max_examples=500, deadline=None)
@given(worlds())
def test_what_is_filled_in_delays_no_reservation(world: World) -> None:
    for start in starts(world):
        for caution in start.cautions()[:1]:
            held = queue.reservation(start.scene(caution))
            place = spending.place(start.scene(caution), start.task.name)
            if held is None or held.task == start.task.name or place < held.place:
                continue
            then = queue.reservation(queue.scene(start.after, T0, caution))
            if then is not None and then.task == held.task:
                assert then.at <= held.at + timedelta(seconds=1e-3)


# --- time goes on ----------------------------------------------------------------------------------------------------


def _fresh(world: World, now: datetime) -> tuple[Reading, ...]:
    """The same windows as they are seen now; one that has ended has begun anew."""
    found = []
    for each in world.readings:
        length = timedelta(hours=5) if each.window == FIVE_HOUR else timedelta(days=7)
        ends = each.resets_at or now + length
        used = each.used
        while ends <= now:
            ends, used = ends + length, 0.0
        found.append(replace(each, used=used, resets_at=ends, observed_at=now))
    return tuple(found)


MOST = 400
"""Alarms in six hours; a window, six tasks and their runs have no more than some dozens of reasons to look."""


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_an_alarm_lies_ahead_and_the_time_to_it_is_not_split_without_end(world: World) -> None:
    going = Rehearsal(replace(world, at=T0))
    now = T0
    going.tell(Ticked(), now)
    for _ in range(MOST):
        moment = dispatch.alarm(going.world, now)
        if moment is None or moment > after(hours=6):
            return
        assert moment > now
        now = moment
        going.tell(Measured(_fresh(going.world, now)), now)
    raise AssertionError(f"{MOST} alarms in {now - T0}")


# --- nobody starves --------------------------------------------------------------------------------------------------


def _stream(going: Rehearsal, days: int, victim: str) -> float | None:
    """Every hour the runs end well and two more urgent tasks arrive; the days after which `victim` has begun."""
    for hour in range(days * 24):
        now = after(hours=hour)
        going.tell(Measured(_passing(hour)), now)
        if going.run_of(victim):
            return hour / 24
        going.end([(run, good(3600, at=now)) for run in going.world.runs.values()], now)
        new = [task(f"n{hour:03}{letter}", kind="small", priority=1, added=now) for letter in "xy"]
        going.tell(Scanned((*_open(going.world), *new)), now)
    return None


def _open(world: World) -> list[Task]:
    return [entry for entry in world.tasks.values() if entry.phase in (Phase.PENDING, Phase.ACTIVE)]


def _passing(hour: int) -> tuple[Reading, ...]:
    """Windows of five hours of which each hour takes ten points; from such readings nothing is learned."""
    now, five = after(hours=hour), after(hours=hour - hour % 5 + 5)
    return (
        reading(10.0 * (hour % 5), at=now, resets_at=five, confidence=Confidence.ESTIMATED),
        reading(30.0, SEVEN_DAY, at=now, resets_at=now + timedelta(hours=90), confidence=Confidence.ESTIMATED),
    )


@pytest.mark.parametrize("kind", ["small", "large", "huge", "new"])
def test_with_ageing_nobody_starves_under_a_stream_of_more_urgent_work(kind: str) -> None:
    """One in, one out each hour, and one more that stays: after t days those in front of it came at t / 2.  At a step a
    day it is three steps ahead of them, level with their priority, after five days, and past it after seven."""
    found = _stream(_crowded(kind, ageing=1.0), 8, "patient")
    assert found is not None
    assert 5 <= found <= 7.5


def test_without_ageing_it_would() -> None:
    assert _stream(_crowded("small", ageing=0.0), 8, "patient") is None


def _crowded(kind: str, ageing: float) -> Rehearsal:
    patient = task("patient", kind=kind, priority=4, added=T0)
    crowd = [task(f"m{number}", kind="small", priority=1, added=T0) for number in range(3)]
    made = learned(patient, *crowd, slots=1)
    run = replace(made.settings.run, ageing_days=ageing, stall_minutes=1e6)
    made = replace(made, settings=replace(made.settings, run=run), at=T0)
    return Rehearsal(replace(made, line=queue.line(made, T0)))
