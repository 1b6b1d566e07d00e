"""What rows, gates and sentences say of runs with several legs; and the runners that stand in for others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cctui.core import queue, runners
from cctui.core.events import Asked, Checked
from cctui.core.settings import RunSettings
from cctui.core.view import Row, State, parked, rows, say, why
from cctui.core.world import (
    Halting,
    Leg,
    Mode,
    Parked,
    Part,
    Phase,
    Progress,
    Reason,
    Run,
    Runner,
    RunNow,
    Stage,
    Task,
    Why,
    World,
)
from tests.core.made import T0, after, good, limited, outside, said, shell, spec, task, world

NOW = datetime(2026, 11, 20, 23, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(Why.DISK, "STATE is full: free some space"), "STATE is full: free some space"),
        (Reason(Why.DISK), "the disk cannot be written"),
        (Reason(Why.NEEDS_YOU, queue.PLAN_READY), "needs you: plan ready; run it to accept"),
        (Reason(Why.NEEDS_YOU, "May I run `make`?"), "needs you: May I run `make`?"),
        (Reason(Why.NEEDS_YOU, "\x1b[31mred\nalert"), "needs you: red alert"),
        (Reason(Why.NEEDS_YOU), "needs you"),
        (Reason(Why.STAGGER, until=NOW.replace(second=30)), "another run has just gone on, next at 23:00"),
        (Reason(Why.CANARY, "outage"), "outage over? one task tries first"),
        (Reason(Why.CANARY, "login"), "login trouble over? one task tries first"),
        (Reason(Why.LOGIN, "Invalid API key", until=NOW), "Claude refused the login, next try 23:00 (Invalid API key)"),
    ],
)
def test_the_sentence_of_a_reason(reason: Reason, text: str) -> None:
    assert say(reason, NOW) == text


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (Why.CHECK, "parked: its check failed, resumes when it may"),
        (Why.UNFINISHED, "parked: not done yet, resumes when it may"),
        (Why.STALL, "parked: it had gone silent, resumes when it may"),
        (Why.LOST, "parked: its process was killed, resumes when it may"),
        (Why.FRESH, "parked: its conversation is gone, resumes when it may"),
        (Why.LANDED, "parked: the window is nearly full, resumes when it may"),
        (Why.GIVEN_BACK, "parked: given back, resumes when it may"),
        (Why.NEEDS_YOU, "plan accepted, goes on"),
    ],
)
def test_the_sentence_of_a_run_between_two_legs(stop: Why, text: str) -> None:
    assert parked(Parked(stop, NOW, NOW), NOW) == text


def _made(stage: Stage, *parts: str, of: Task | None = None, **more: Any) -> World:
    legs = tuple(Leg(Part(part), cause) for part, _, cause in (text.partition("<") for text in parts or ("work",)))
    made = of or task("a", phase=Phase.ACTIVE)
    run = Run(spec("a"), stage, leg=len(legs), legs=legs, leg_started=T0, **more)
    return replace(world(made), runs={run.spec.run_id: run})


def _row(made: World, name: str = "a", now: datetime = T0) -> Row:
    return next(row for row in rows(made, now) if row.name == name)


LINE = Progress(last_line="Read x")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (_made(Stage.RUNNING, "plan", progress=LINE), "plans · Read x"),
        (_made(Stage.RUNNING, "setup", progress=LINE), "set-up · Read x"),
        (_made(Stage.RUNNING, "work", "check", progress=LINE), "check · Read x"),
        (_made(Stage.RUNNING, "work", "check", "work<check", progress=LINE), "round 2 of 5 · Read x"),
        (_made(Stage.RUNNING, "work", "check", "work<check", "check", progress=LINE), "round 2 of 5 · check · Read x"),
        (_made(Stage.RUNNING, "work", "work<limit", progress=LINE), "Read x"),
        (_made(Stage.RUNNING, "attended"), "with you: leaving Claude gives it back"),
        (_made(Stage.RUNNING, "attended", asks="may I?"), "needs you: may I?"),
        (_made(Stage.RUNNING, halting=Halting.TAKEOVER), "handed over at its next step"),
        (
            _made(Stage.RUNNING, halting=Halting.LANDING, progress=LINE),
            "saves its work, the window is nearly full · Read x",
        ),
        (_made(Stage.RUNNING, stopping=True, halting=Halting.TAKEOVER), "stopping"),
        (_made(Stage.RUNNING, quiet=True, progress=LINE), "quiet since 00:05 · Read x"),
        (_made(Stage.LAUNCHING, "work", "check"), "its check starts"),
        (_made(Stage.LAUNCHING, "setup"), "its worktree is set up"),
        (_made(Stage.LAUNCHING, "work", "attended"), "opens for you"),
        (_made(Stage.CLAIMED), "starts"),
        (_made(Stage.FILING), "finishing"),
    ],
)
def test_the_row_of_a_run_says_what_it_does(made: World, text: str) -> None:
    assert _row(made).text == text


def test_the_row_of_a_plan_says_who_is_waited_for_and_what_to_do() -> None:
    out = outside(task("a", mode=Mode.PLAN_FIRST), task("b", "a"))
    out.end("a", said("1. read"))
    row = _row(out.world)
    assert (row.state, row.reason and row.reason.why) == (State.PARKED, Why.NEEDS_YOU)
    assert row.text == "needs you: plan ready; run it to accept"
    gates = {gate.gate: gate for gate in why(out.world, "a", T0)}
    assert [name for name, gate in gates.items() if not gate.open] == ["needs_you"]
    out.tell(Asked(RunNow("a")))
    gates = {gate.gate: gate for gate in why(out.world, "a", T0)}
    assert gates["needs_you"].text == "nothing waits for your answer"


def test_the_row_of_a_run_that_may_go_on_but_for_a_gate_says_the_gate() -> None:
    out = outside(task("a", check="x"), shell("s"), run=RunSettings(slots=1))
    out.end("a", limited(after(1), after(60)))
    assert out.running() == ["s"]
    assert _row(out.world, now=after(2)).text == "parked: 5-hour limit, resumes 00:06"
    out.wait(60)
    assert _row(out.world, now=out.now).text == "parked: 1 of 1 slots taken"


def test_why_of_one_that_goes_on_after_another() -> None:
    out = outside(task("a", priority=1), task("b"))
    for name in ("a", "b"):
        out.end(name, limited(after(1), after(60)))
    out.jump(after(60))
    gates = {gate.gate: gate for gate in why(out.world, "b", out.now)}
    assert gates["canary"].text == "limit over? one task tries first"
    assert (gates["stagger"].open, gates["stagger"].until) == (False, after(65))
    assert _row(out.world, "b", out.now).text == "parked: limit over? one task tries first"


def test_why_names_the_disk_and_that_it_is_well() -> None:
    made = world(shell("a"), programs={"disk": "ROOT is read-only"})
    gate = next(gate for gate in why(made, "a", T0) if gate.gate == "disk")
    assert (gate.open, gate.text) == (False, "ROOT is read-only")
    gate = next(gate for gate in why(world(shell("a")), "a", T0) if gate.gate == "disk")
    assert (gate.open, gate.text) == (True, "ROOT and STATE can be written")


# --- runners ---------------------------------------------------------------------------------------------------------

PLUGINS = (runners.PLUGIN, "another")


@pytest.mark.parametrize(
    ("runner", "bare", "with_plugin", "sentence"),
    [
        (Runner.CLAUDE, "claude", "claude", ""),
        (Runner.LOOP, "loop", "loop", ""),
        (Runner.RALPH, "loop", "skill:ralph", "ralph: runs as loop, oh-my-claudecode is not installed"),
        (Runner.AUTOPILOT, "loop", "skill:autopilot", "autopilot: runs as loop, oh-my-claudecode is not installed"),
        (
            Runner.PARALLEL,
            "claude",
            "skill:ultrawork",
            "parallel: runs as claude with sub-agents, oh-my-claudecode is not installed",
        ),
        (Runner.SHELL, "shell", "shell", ""),
        (Runner.PYTHON, "python", "python", ""),
        ("aider", "template", "template", ""),
    ],
)
def test_how_a_runner_is_carried_out(runner: str, bare: str, with_plugin: str, sentence: str) -> None:
    assert runners.via(runner, ("another",)) == bare
    assert runners.via(runner, PLUGINS) == with_plugin
    assert runners.stands_in(runner, bare) == sentence
    assert runners.stands_in(runner, with_plugin) == ""


def test_a_task_whose_plugin_is_not_known_waits_and_its_row_then_says_what_stands_in() -> None:
    out = outside(task("a", runner=Runner.RALPH), task("b", runner=Runner.RALPH), run=RunSettings(slots=1))
    assert out.running() == []
    out.tell(Checked({}, plugins=()))
    assert (out.running(), out.launches[0].spec.via) == (["a"], "loop")
    free = replace(out.world, runs={}, settings=replace(out.world.settings, run=RunSettings(slots=5)))
    assert _row(free, "b").text == "next · ralph: runs as loop, oh-my-claudecode is not installed"
    out.tell(Checked({}, plugins=PLUGINS))
    out.end("a", said("not yet"))
    assert out.parts("a") == ["work", "work<unfinished"], "what was begun as a loop goes on as one"
    assert out.launches[-1].spec.via == "loop"


def test_a_plugin_that_is_there_is_used() -> None:
    out = outside(task("a", runner=Runner.RALPH))
    out.tell(Checked({}, plugins=PLUGINS))
    assert out.launches[0].spec.via == "skill:ralph"
    out.end("a", good())
    assert (out.record("a").runner, out.record("a").success) == ("ralph", True)


def test_a_persons_own_runner_spends_nothing_of_the_plan() -> None:
    out = outside(task("a", runner="aider"), readings=())
    out.tell(Checked({"claude": "claude is missing"}))
    out.files["pending/b.md"] = task("b", runner="aider")
    out.scan()
    assert sorted(out.running()) == ["a", "b"]
    assert not runners.needs_claude("aider")
