"""An open run as a person meets it: whether it waits for them, what its row says, what its keys may do.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cctui.core import view
from cctui.core.proof import SHA
from cctui.core.queue import plan_waits
from cctui.core.refusal import refusal
from cctui.core.view import Row
from cctui.core.world import Level, Part, Reason, Reply, Run, Stage, TakeOver, Why, World

NEEDS = "needs you"
GONE = Reason(Why.STATE, "this run has ended")
TONES = {Level.GOOD: "good", Level.INFO: "dim", Level.WARN: "warn", Level.BAD: "bad"}
"""How its health is shown."""


def needs(run: Run | None) -> bool:
    """Whether it goes on only once a person has spoken: a plan to accept, a question to answer."""
    return run is not None and not run.stopping and (bool(run.asks) or plan_waits(run))


def asking(world: World) -> list[Run]:
    """The open runs that wait for a person."""
    return [run for run in world.runs.values() if needs(run)]


def attended(run: Run | None) -> bool:
    """Whether a person's keys reach its conversation now."""
    return run is not None and run.part is Part.ATTENDED and run.stage is Stage.RUNNING


def word(row: Row) -> str:
    """The state as it is shown: that a person is needed says more than that the run is parked or runs."""
    if needs(row.run):
        return NEEDS
    return "stopping" if row.run and row.run.stopping else row.state.value


def look(row: Row) -> str:
    """The name of its sign, and of its tone."""
    return "needs" if needs(row.run) else row.state.value


def sentence(row: Row) -> str:
    """The second line; the word above it has said already that a person is needed."""
    run = row.run
    if run is None or not needs(run):
        return row.text
    if run.asks:
        return view.safe(run.asks, 200)
    first = view.safe(run.parked.text, 200).lstrip("# ") if run.parked else ""
    return f"its plan is ready: {first}" if first else "its plan is ready"


# --- keys ------------------------------------------------------------------------------------------------------------


def no_takeover(world: World, run: Run | None, now: datetime) -> Reason | None:
    """Why the key is dimmed; an attended run is not taken over but simply attached to."""
    if run is None:
        return GONE
    return None if attended(run) else refusal(world, TakeOver(run.spec.task), now)


def no_attach(run: Run | None) -> Reason | None:
    if run is None:
        return GONE
    if run.stage is Stage.RUNNING:
        return None
    stands = {Stage.PARKED: "stands parked: it has no terminal", Stage.FILING: "is finishing"}
    return Reason(Why.STATE, f"{run.spec.task} {stands.get(run.stage, 'is just starting')}")


def no_typing(run: Run | None) -> Reason | None:
    """Only a conversation in the pane reads keys; what works by itself takes its input from files."""
    if run is None or run.stage is not Stage.RUNNING or attended(run):
        return no_attach(run)
    return Reason(Why.STATE, f"{run.spec.task} reads no keys: s says something to it, i takes it over")


def no_reply(world: World, run: Run | None, now: datetime) -> Reason | None:
    """Why nothing can be said to it now."""
    return refusal(world, Reply(run.spec.task, "?"), now) if run else GONE


# --- details ---------------------------------------------------------------------------------------------------------


def facts(run: Run) -> Iterator[tuple[str, str]]:
    """What is known of it beyond its row: what it does now, where in git it works, what it claims, what was denied."""
    if run.stage is Stage.RUNNING:
        yield "now", DOING[run.part]
    if run.iteration > 1:
        yield "round", f"{run.iteration} of {run.spec.max_iterations}"
    if failed := run.times(Why.CHECK):
        yield "check", f"failed {failed} time{'s' if failed > 1 else ''} so far"
    if run.part is Part.CHECK and run.work:
        yield "claim", "says done; the check decides"
    if tree := run.tree:
        if tree.branch:
            yield "branch", view.safe(tree.branch)
        if tree.base:
            yield "base", view.safe(tree.base)[:SHA]
        yield "works in", view.safe(tree.folder)
        if tree.trouble:
            yield "mind", view.safe(tree.trouble)
    ended = run.work or run.ending
    if ended and ended.result and (denials := ended.result.denials):
        yield "denied", f"{len(denials)}: {view.safe('; '.join(denials), 200)}"


DOING = {
    Part.SETUP: "its worktree is set up",
    Part.PLAN: "plans; changes nothing",
    Part.WORK: "works",
    Part.CHECK: "its check runs",
    Part.ATTENDED: "with you",
}
