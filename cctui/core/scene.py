"""The scene: a World at one moment, with what every gate asks for already found.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cctui.core import admission, capacity
from cctui.core.admission import Flight, Room
from cctui.core.runners import needs_claude
from cctui.core.world import Estimate, Part, Reason, Run, Stage, Task, Why, World


@dataclass(frozen=True, slots=True)
class Scene:
    """A World at one moment, with what every gate asks for already found."""

    world: World
    now: datetime
    by_task: Mapping[str, Run]
    live: int
    """Runs that hold a slot: not those that are parked, nor those that wait for a person's answer."""
    claude_live: int
    busy: Mapping[str, str]
    """Folder → the task that runs there."""
    parked: Mapping[str, str]
    """Folder → the parked task that will go on there."""
    blind: bool
    shut: dict[str | None, Reason | None] = field(default_factory=dict)
    """Capacity by model, filled as asked: a cache, not a truth."""
    bold: bool = False
    """Nothing that is likely to fit is ready: what may fit is let in too."""
    found: dict[str, Any] = field(default_factory=dict)
    """What else was worked out for this scene: a cache too."""

    def flights(self) -> tuple[Flight, ...]:
        """What the runs at work will still take."""
        if "flights" not in self.found:
            at_work = [run for run in self.world.runs.values() if run.stage is not Stage.PARKED and not run.asks]
            self.found["flights"] = tuple(admission.flight(self.world, run, self.now) for run in at_work)
        flights: tuple[Flight, ...] = self.found["flights"]
        return flights

    def rooms(self) -> tuple[Room, ...]:
        """What the windows offer; empty while too little is known of them."""
        if "rooms" not in self.found:
            gate = self.world.settings.capacity.gate
            self.found["rooms"] = admission.rooms(self.world, self.now, self.flights()) if gate else ()
        rooms: tuple[Room, ...] = self.found["rooms"]
        return rooms

    def estimate(self, task: Task) -> Estimate | None:
        """What the task is likely to take."""
        return self.world.line.estimates.get(task.name)

    def by_cost(self, task: Task) -> bool:
        """Whether admission by cost decides for it, because both its cost and the windows are known."""
        return needs_claude(task.runner) and bool(self.rooms()) and admission.known(self.estimate(task))


def scene(world: World, now: datetime, *, bold: bool = False) -> Scene:
    live = [run for run in world.runs.values() if run.stage is not Stage.PARKED]
    working = [run for run in live if not run.asks]
    in_place = [run for run in world.runs.values() if not run.spec.worktree]
    return Scene(
        world=world,
        now=now,
        by_task={run.spec.task: run for run in world.runs.values()},
        live=len(working),
        claude_live=sum(spends(run) for run in working),
        busy={run.spec.folder: run.spec.task for run in in_place if run.stage is not Stage.PARKED},
        parked={run.spec.folder: run.spec.task for run in in_place if run.stage is Stage.PARKED and _begun(run)},
        blind=capacity.blind(world, now),
        bold=bold,
    )


def spends(run: Run) -> bool:
    """Whether its current leg spends the windows of the plan."""
    return needs_claude(run.spec.runner) and run.part not in (Part.CHECK, Part.SETUP)


def _begun(run: Run) -> bool:
    """Whether a parked run has left half-done work in its folder; one whose plan waits for a person has not."""
    return run.parked is None or run.parked.why is not Why.NEEDS_YOU


def ready(world: World) -> bool:
    """Whether the engine has seen all it needs for a decision, and is not on its way out."""
    return world.loaded and world.scanned and world.looked and world.checked and not world.draining


def run_of(world: World, name: str) -> Run | None:
    """The open run of a task."""
    return next((run for run in world.runs.values() if run.spec.task == name), None)


def plan_waits(run: Run) -> bool:
    """Whether its plan waits for a person to accept it."""
    stop = run.parked if run.stage is Stage.PARKED else None
    return stop is not None and stop.why is Why.NEEDS_YOU and not run.approved
