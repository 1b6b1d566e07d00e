"""Laws that hold after any list of events, found by random walks through an outside world that can crash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.core import capacity, queue
from cctui.core.events import (
    Answered,
    Asked,
    EffectFailed,
    Event,
    Filed,
    Finish,
    Launch,
    Launched,
    LaunchFailed,
    Leaving,
    Looked,
    Measured,
    Ticked,
)
from cctui.core.settings import RunSettings
from cctui.core.step import step
from cctui.core.world import (
    Ending,
    Hold,
    Move,
    Pause,
    Phase,
    Place,
    RetryTask,
    RunNow,
    SightState,
    Stage,
    Stop,
    StopRun,
    Task,
    World,
)
from tests.core.made import T0, Outside, api_error, good, limited, outside, reading, shell, task

NAMES = ["a", "b", "c", "d", "e"]
SLOTS = 2


@st.composite
def backlogs(draw: st.DrawFn) -> list[Task]:
    """Five tasks, some of them shell, in two folders, with dependencies and a cycle now and then."""
    made = []
    for name in NAMES:
        needs = draw(st.lists(st.sampled_from([*NAMES, "gone"]), max_size=2))
        build = shell if draw(st.booleans()) else task
        made.append(
            build(
                name,
                *(f"{need}{draw(st.sampled_from(['', ':any']))}" for need in needs),
                folder=draw(st.sampled_from(["/x", "/y", f"/{name}"])),
                priority=draw(st.integers(1, 3)),
                max_attempts=draw(st.integers(1, 3)),
                paused=draw(st.booleans()),
            )
        )
    return made


COMMANDS = st.one_of(
    st.builds(Pause, st.sampled_from(NAMES), st.booleans()),
    st.builds(Hold, st.booleans()),
    st.builds(RunNow, st.sampled_from(NAMES), st.booleans()),
    st.builds(StopRun, st.sampled_from(NAMES)),
    st.builds(RetryTask, st.sampled_from(NAMES)),
    st.builds(Move, st.sampled_from(NAMES), st.sampled_from([Place.UP, Place.DOWN, Place.TOP, Place.BOTTOM])),
)
ENDINGS = st.sampled_from(["good", "bad", "limit", "outage", "login", "timeout", "lost"])
ACTS = st.one_of(
    st.tuples(st.just("ask"), COMMANDS),
    st.tuples(st.just("end"), st.tuples(st.integers(0, 3), ENDINGS)),
    st.tuples(st.just("wait"), st.integers(1, 20_000)),
    st.tuples(st.just("measure"), st.one_of(st.none(), st.integers(0, 100))),
    st.tuples(st.just("answer"), st.integers(0, 3)),
    st.tuples(st.just("crash"), st.none()),
    st.tuples(st.just("leave"), st.none()),
)


def _ending(kind: str, out: Outside) -> Ending:
    match kind:
        case "good":
            return good(at=out.now)
        case "limit":
            return limited(out.now, out.now + timedelta(hours=1))
        case "outage":
            return api_error(529, out.now, error="server_error")
        case "login":
            return api_error(401, out.now, error="authentication_failed")
        case "timeout":
            return Ending(Stop.TIMEOUT, out.now, 5)
        case "lost":
            return Ending(Stop.LOST, out.now, 5)
        case _:
            return Ending(Stop.EXIT, out.now, 5, rc=1)


def _act(out: Outside, kind: str, what: object) -> None:
    match kind, what:
        case "ask", command:
            out.tell(Asked(command))  # type: ignore[arg-type]
        case "end", (int(index), str(ending)):
            if running := out.running():
                out.end(running[index % len(running)], _ending(ending, out))
        case "wait", int(seconds):
            out.now += timedelta(seconds=seconds)
            out.tell(Ticked())
        case "measure", used:
            number = None if used is None else float(str(used))
            out.measure(reading(number, at=out.now, resets_at=out.now + timedelta(hours=2)))
        case "answer", int(index):
            if runs := sorted(out.world.runs):
                out.tell(Answered(runs[index % len(runs)]))
        case "leave", _:
            out.tell(Leaving())
        case _:
            out.begin()


def _laws(out: Outside, launched_before: int) -> None:
    world = out.world
    live = [run for run in world.runs.values() if run.stage is not Stage.PARKED]
    assert len(live) <= SLOTS or any(run.spec.forced for run in live), "never more runs than slots"
    folders = [run.spec.folder for run in live]
    assert len(folders) == len(set(folders)), "two runs never share a folder"
    tasks = [run.spec.task for run in world.runs.values()]
    assert len(tasks) == len(set(tasks)), "one task never has two open runs"
    for name in NAMES:
        assert len(out.where(name)) == 1, "a file is in exactly one folder"
        assert (out.where(name) == ["active"]) is (name in tasks), "active means: has an open run"
    for launch in out.launches[launched_before:]:
        if launch.spec.forced or launch.leg > 1 or launch.task is None:
            continue
        for need in launch.task.depends_on:
            ends = (Phase.COMPLETED, Phase.FAILED) if need.any else (Phase.COMPLETED,)
            assert world.tasks[need.name].phase in ends or need.name in tasks, "dependencies come first"


@settings(max_examples=150, deadline=None)
@given(backlogs(), st.lists(ACTS, max_size=25))
def test_the_laws_hold_through_any_night(backlog: list[Task], acts: list[tuple[str, object]]) -> None:
    out = outside(*backlog, run=RunSettings(slots=SLOTS))
    _laws(out, 0)
    for kind, what in acts:
        before = len(out.launches)
        was = out.world
        _act(out, kind, what)
        new = out.launches[before:]
        if kind not in ("crash", "ask") and was.memory.hold:
            assert not [launch for launch in new if not launch.spec.forced], "nothing starts while held"
        for launch in new:
            if launch.leg == 1 and not launch.spec.forced and queue.needs_claude(launch.spec.runner):
                assert capacity.shut(out.world, launch.spec.model, out.now) is None, "nothing starts into a full window"
                assert not (launch.task and launch.task.paused), "nothing paused starts"
        _laws(out, before)
    assert len(out.ledger) == out.finishes, "one line for each finished run"


RUN_IDS = st.sampled_from(["r", "nobody"])
EVENTS = st.one_of(
    st.just(Ticked()),
    st.just(Leaving()),
    st.just(Looked(())),
    st.just(Measured(())),
    st.builds(Asked, COMMANDS),
    st.builds(Launched, RUN_IDS, st.integers(1, 3)),
    st.builds(LaunchFailed, RUN_IDS, st.integers(1, 3), st.just("no"), st.sampled_from([None, "tmux"])),
    st.builds(Answered, st.just("nobody")),
)


@given(backlogs(), st.lists(EVENTS, max_size=15))
def test_step_never_raises_and_answers_every_launch_once(backlog: list[Task], events: list[Event]) -> None:
    """Also for events about runs that do not exist, in Worlds that are not ready."""
    out = outside(*backlog, run=RunSettings(slots=SLOTS))
    for world in (World(), out.world):
        open_launches: set[tuple[str, int]] = set()
        for event in events:
            world, effects = step(world, event, T0)
            for effect in effects:
                if isinstance(effect, Launch):
                    key = (effect.spec.run_id, effect.leg)
                    assert key not in open_launches
                    open_launches.add(key)


@given(backlogs(), st.sampled_from(NAMES))
def test_filing_twice_writes_the_same(backlog: list[Task], name: str) -> None:
    out = outside(*backlog, run=RunSettings(slots=5))
    if name not in out.running():
        return
    run_id, sight = next((key, value) for key, value in out.folders.items() if value.spec.task == name)
    ended = Looked((replace(sight, state=SightState.ENDED, ending=good()),))
    world, effects = step(out.world, ended, T0)
    finishes = [effect for effect in effects if isinstance(effect, Finish)]
    failed, _ = step(world, EffectFailed(finishes[0], "disk full"), T0)
    _, again = step(failed, Ticked(), T0 + timedelta(seconds=5))
    assert [effect for effect in again if isinstance(effect, Finish)] == finishes
    closed, _ = step(world, Filed(run_id, finishes[0].record), T0)
    twice, _ = step(closed, Filed(run_id, finishes[0].record), T0)
    assert twice.totals == closed.totals


@given(backlogs(), st.sampled_from(NAMES))
def test_a_move_and_its_inverse_are_the_identity(backlog: list[Task], name: str) -> None:
    out = outside(*(replace(entry, paused=True, priority=5) for entry in backlog))
    order = out.world.line.order
    inner = 0 < order.index(name) < len(order)
    if not inner:
        return
    out.tell(Asked(Move(name, Place.UP)))
    assert out.world.line.order.index(name) == order.index(name) - 1
    out.tell(Asked(Move(name, Place.DOWN)))
    assert out.world.line.order == order
