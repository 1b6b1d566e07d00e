"""Laws that hold after any list of events, found by random walks through an outside world that can crash."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.codec import decode, encode
from cctui.core import capacity
from cctui.core.effects import Approve, Effect, Finish, Halt, Launch, RollBack, Tell
from cctui.core.events import (
    Answered,
    Asked,
    Checked,
    EffectFailed,
    Event,
    Filed,
    Launched,
    LaunchFailed,
    Leaving,
    LoginSeen,
    Looked,
    Measured,
    RolledBack,
    Ticked,
)
from cctui.core.retry import DONE_WORD, PARKED_WORD
from cctui.core.runners import needs_claude
from cctui.core.settings import RunSettings
from cctui.core.step import step
from cctui.core.world import (
    Ending,
    Hold,
    Mode,
    Move,
    Part,
    Pause,
    Phase,
    Place,
    Reply,
    RetryTask,
    Runner,
    RunNow,
    SightState,
    SourceState,
    Stage,
    Stop,
    StopRun,
    TakeOver,
    Task,
    World,
)
from tests.core.made import T0, Outside, api_error, good, killed, limited, outside, reading, said, shell, task

NAMES = ["a", "b", "c", "d", "e"]
SLOTS = 2
RARELY = st.sampled_from([False, False, False, True])


@st.composite
def backlogs(draw: st.DrawFn) -> list[Task]:
    """Five tasks of every kind, in few folders, with checks, dependencies, and a cycle now and then."""
    made = []
    for name in NAMES:
        needs = draw(st.lists(st.sampled_from([*NAMES, "gone"]), max_size=2) if draw(RARELY) else st.just([]))
        build = shell if draw(RARELY) else task
        more: dict[str, Any] = {} if build is shell else {"runner": draw(st.sampled_from([Runner.CLAUDE, Runner.LOOP]))}
        made.append(
            build(
                name,
                *(f"{need}{draw(st.sampled_from(['', ':any']))}" for need in needs),
                folder=draw(st.sampled_from(["/x", "/x", "/y", f"/{name}"])),
                priority=draw(st.integers(1, 3)),
                max_attempts=draw(st.integers(1, 3)),
                paused=draw(RARELY),
                check=draw(st.sampled_from([None, "make test"])),
                mode=draw(st.sampled_from([Mode.AUTONOMOUS, Mode.PLAN_FIRST])),
                worktree=draw(RARELY),
                model=draw(st.sampled_from([None, "opus", "sonnet"])),
                **more,
            )
        )
    return made


COMMANDS = st.one_of(
    st.builds(Pause, st.sampled_from(NAMES), st.booleans()),
    st.builds(Hold, st.booleans()),
    st.builds(RunNow, st.sampled_from(NAMES), st.booleans()),
    st.builds(StopRun, st.sampled_from(NAMES)),
    st.builds(TakeOver, st.sampled_from(NAMES)),
    st.builds(Reply, st.sampled_from(NAMES), st.just("use the other file")),
    st.builds(RetryTask, st.sampled_from(NAMES)),
    st.builds(Move, st.sampled_from(NAMES), st.sampled_from([Place.UP, Place.DOWN, Place.TOP, Place.BOTTOM])),
)
ENDINGS = st.sampled_from(
    [
        *("good", "good", "good", "word", "landed", "hook", "bad", "limit", "week", "opus", "outage", "login"),
        *("timeout", "lost", "cancelled", "spawn"),
    ]
)
ACTS = st.one_of(
    st.tuples(st.just("ask"), COMMANDS),
    st.tuples(st.just("end"), st.tuples(st.integers(0, 3), ENDINGS)),
    st.tuples(st.just("end"), st.tuples(st.integers(0, 3), ENDINGS)),
    st.tuples(st.just("wait"), st.integers(1, 300)),
    st.tuples(st.just("jump"), st.integers(-100_000, 100_000)),
    st.tuples(st.just("measure"), st.sampled_from([None, 5, 5, 50, 91, 97, 99, 100])),
    st.tuples(st.just("answer"), st.integers(0, 3)),
    st.tuples(st.just("question"), st.integers(0, 3)),
    st.tuples(st.just("never began"), st.integers(0, 3)),
    st.tuples(st.just("login"), st.booleans()),
    st.tuples(st.just("break"), st.sampled_from(["record", "disk", "launch", "halt"])),
    st.tuples(st.just("mend"), st.none()),
    st.tuples(st.just("crash"), st.none()),
    st.tuples(st.just("leave"), st.none()),
)


@dataclass
class Night:
    """An outside world, and what the laws have to remember of it."""

    out: Outside
    wanted: set[str] = field(default_factory=set)
    """Tasks that a person has started or taken over past the gates."""
    again: set[tuple[str, int]] = field(default_factory=set)
    """Legs that may be launched once more: the launch failed, or a look has found them claimed."""
    launched: set[tuple[str, int]] = field(default_factory=set)


def _ending(kind: str, out: Outside) -> Ending:
    match kind:
        case "good":
            return good(at=out.now)
        case "word":
            return said(DONE_WORD, at=out.now)
        case "landed":
            return said(PARKED_WORD, at=out.now)
        case "hook":
            return said("so far", at=out.now, terminal_reason="hook_stopped")
        case "limit" | "week" | "opus":
            window = {"limit": "five_hour", "week": "seven_day", "opus": "seven_day_opus"}[kind]
            return limited(out.now, out.now + timedelta(hours=1), window)
        case "outage":
            return api_error(529, out.now, error="server_error")
        case "login":
            return api_error(401, out.now, error="authentication_failed")
        case "timeout" | "cancelled" | "spawn":
            return Ending(Stop(kind), out.now, 5)
        case "lost":
            return killed(out.now)
        case _:
            return Ending(Stop.EXIT, out.now, 5, rc=1)


def _act(night: Night, kind: str, what: object) -> None:
    out = night.out
    match kind, what:
        case "ask", command:
            if isinstance(command, TakeOver) or (isinstance(command, RunNow) and command.force):
                night.wanted.add(command.task)
            out.tell(Asked(command))  # type: ignore[arg-type]
        case "end", (int(index), str(ending)):
            if running := out.running():
                out.end(running[index % len(running)], _ending(ending, out))
        case "wait", int(seconds):
            out.wait(seconds)
        case "jump", int(seconds):
            out.jump(out.now + timedelta(seconds=seconds))
        case "measure", used:
            number = None if used is None else float(str(used))
            out.measure(reading(number, at=out.now, resets_at=out.now + timedelta(hours=2)))
        case "answer", int(index):
            if runs := sorted(out.world.runs):
                out.tell(Answered(runs[index % len(runs)]))
        case "question" | "never began", int(index):
            _strange(night, kind, index)
        case "login", bool(seen):
            state = SourceState("claude", ok=True, at=out.now)
            out.tell(LoginSeen() if seen else Measured((), (state,)))
        case "break", str(trouble):
            out.goes_wrong = lambda effect: _trouble(night, trouble, effect)
        case "mend", _:
            out.goes_wrong = None
            out.tell(Checked({}))
            out.look()
        case "leave", _:
            out.tell(Leaving())
        case _:
            out.begin()


def _strange(night: Night, kind: str, index: int) -> None:
    """A session in the pane begins or ceases to ask; a runner was started and never took its lock."""
    out = night.out
    alive = [sight for sight in out.folders.values() if sight.state is SightState.ALIVE]
    if not alive:
        return
    sight = alive[index % len(alive)]
    if kind == "never began":
        night.again.add((sight.spec.run_id, sight.leg))
        sight = replace(sight, state=SightState.CLAIMED, leg_started=None)
    elif sight.legs[-1].part is Part.ATTENDED:
        sight = replace(sight, asks="" if sight.asks else "may I?")
    out.folders[sight.spec.run_id] = sight
    out.look()


def _trouble(night: Night, trouble: str, effect: Effect) -> Event | None:
    match effect:
        case Finish() if trouble == "record":
            return EffectFailed(effect, "the history cannot be written")
        case Halt() | Tell() if trouble == "halt":
            return EffectFailed(effect, "the run folder cannot be written")
        case Launch(spec=spec, leg=leg) if trouble in ("disk", "launch"):
            program = "disk" if trouble == "disk" else None
            claimed = leg > 1 or (spec.run_id, leg) in night.launched
            night.again.add((spec.run_id, leg))
            return LaunchFailed(spec.run_id, leg, "no", program, claimed)
    return None


def _laws(night: Night, launched_before: int) -> None:
    out, world = night.out, night.out.world
    live = [run for run in world.runs.values() if run.stage is not Stage.PARKED]
    working = [run for run in live if not run.asks and run.spec.task not in night.wanted]
    assert len(working) <= SLOTS, "never more working runs than slots"
    folders = [run.spec.folder for run in live if not run.spec.worktree]
    assert len(folders) == len(set(folders)), "two runs never share a folder"
    tasks = [run.spec.task for run in world.runs.values()]
    assert len(tasks) == len(set(tasks)), "one task never has two open runs"
    filing = {run.spec.task for run in world.runs.values() if run.stage is Stage.FILING}
    for name in NAMES:
        assert len(out.where(name)) == 1, "a file is in exactly one folder"
        if name not in filing:
            assert (out.where(name) == ["active"]) is (name in tasks), "active means: has an open run"
    for launch in out.launches[launched_before:]:
        _launch_laws(night, launch)
    assert len(out.ledger) == out.finishes, "one line for each finished run"
    begun = {launch.spec.run_id for launch in out.launches}
    assert begun <= out.ledger.keys() | out.folders.keys(), "no run is lost"


def _launch_laws(night: Night, launch: Launch) -> None:
    key = (launch.spec.run_id, launch.leg)
    assert key not in night.launched or key in night.again, "no leg is launched twice"
    night.again.discard(key)
    night.launched.add(key)
    assert launch.leg == 1 or (launch.spec.run_id, launch.leg - 1) in night.launched, "no leg is left out"
    if launch.spec.forced or launch.leg > 1 or launch.task is None:
        return
    world = night.out.world
    tasks = {run.spec.task for run in world.runs.values()}
    for need in launch.task.depends_on:
        ends = (Phase.COMPLETED, Phase.FAILED) if need.any else (Phase.COMPLETED,)
        assert world.tasks[need.name].phase in ends or need.name in tasks, "dependencies come first"


def _stop_everything(night: Night) -> None:
    """Whatever has happened: what a person stops ends, in one record."""
    out = night.out
    _act(night, "mend", None)
    out.slow = False
    out.begin()
    out.tell(Asked(Hold()))
    for name in NAMES:
        out.tell(Asked(StopRun(name)))
    out.wait(400)
    out.look()
    out.look()
    assert out.world.runs == {}, "whatever is stopped ends"
    assert out.folders == {}
    assert {launch.spec.run_id for launch in out.launches} <= out.ledger.keys()


@settings(max_examples=100, deadline=None)
@given(backlogs(), st.lists(ACTS, max_size=40), st.booleans())
def test_the_laws_hold_through_any_night(backlog: list[Task], acts: list[tuple[str, object]], slow: bool) -> None:
    out = outside(*backlog, run=RunSettings(slots=SLOTS), slow=slow)
    night = Night(out)
    _laws(night, 0)
    for kind, what in acts:
        before = len(out.launches)
        was = out.world
        _act(night, kind, what)
        new = out.launches[before:]
        if kind not in ("crash", "ask") and was.memory.hold:
            begun = [launch for launch in new if (launch.spec.run_id, launch.leg) not in night.launched | night.again]
            gated = [launch for launch in begun if launch.kind.part not in (Part.CHECK, Part.ATTENDED)]
            assert {launch.spec.task for launch in gated} <= night.wanted, "nothing starts while held"
        for launch in new:
            once = (launch.spec.run_id, launch.leg) in night.launched
            if launch.leg == 1 and not once and not launch.spec.forced and needs_claude(launch.spec.runner):
                assert capacity.shut(out.world, launch.spec.model, out.now) is None, "nothing starts into a full window"
                assert not (launch.task and launch.task.paused), "nothing paused starts"
        _laws(night, before)
    assert decode(json.loads(json.dumps(encode(out.world)))) == out.world, "and every World survives the wire"
    _stop_everything(night)
    _laws(night, len(out.launches))


RUN_IDS = st.sampled_from(["r", "nobody"])
EVENTS = st.one_of(
    st.just(Ticked()),
    st.just(Leaving()),
    st.just(Looked(())),
    st.just(Measured(())),
    st.builds(Asked, COMMANDS),
    st.builds(Launched, RUN_IDS, st.integers(1, 3)),
    st.builds(LaunchFailed, RUN_IDS, st.integers(1, 3), st.just("no"), st.sampled_from([None, "tmux", "disk"])),
    st.builds(Answered, st.just("nobody")),
    st.just(LoginSeen()),
    st.builds(RolledBack, RUN_IDS, st.booleans(), st.just("undone")),
    st.builds(EffectFailed, st.sampled_from([None, Halt("nobody"), Approve("nobody"), RollBack("r")]), st.just("no")),
    st.just(Checked({"disk": "full"}, ("a plugin",))),
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
    out = outside(*(replace(made, check=None, mode=Mode.AUTONOMOUS) for made in backlog), run=RunSettings(slots=5))
    if name not in out.running():
        return
    run_id, sight = next((key, value) for key, value in out.folders.items() if value.spec.task == name)
    ended = Looked((replace(sight, state=SightState.ENDED, ending=_ending("word", out)),))
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
