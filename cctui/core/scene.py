"""The scene: a World at one moment, with what every gate asks for already found.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from cctui.core import admission, capacity
from cctui.core.admission import Flight, Room
from cctui.core.claims import spends
from cctui.core.runners import needs_claude
from cctui.core.world import Estimate, Reason, Run, Stage, Task, Why, World


class Caution(StrEnum):
    """Which quantile of a task's cost has to fit.  What is surely going to fit starts first; then what is likely to;
    and when nothing else is ready what may: a run that meets a bound after all is landed before it and goes on later,
    while capacity that nobody uses is lost."""

    SURE = "p90"
    LIKELY = "p80"
    BOLD = "p50"


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
    shut: dict[str | None, Reason | None] = field(default_factory=dict)
    """Capacity by model, filled as asked: a cache, not a truth."""
    caution: Caution = Caution.LIKELY
    """How much of a task's cost has to fit."""
    found: dict[str, Any] = field(default_factory=dict)
    """What else was worked out for this scene: a cache too."""

    def at(self, caution: Caution) -> Scene:
        """The same scene for another caution."""
        known = {key: self.found[key] for key in SHARED if key in self.found}
        return self if caution is self.caution else replace(self, caution=caution, found=known)

    def flights(self) -> tuple[Flight, ...]:
        """What the runs at work will still take."""
        if "flights" not in self.found:
            at_work = [
                run
                for run in self.world.runs.values()
                if run.stage not in (Stage.PARKED, Stage.FILING) and not run.asks
            ]
            self.found["flights"] = tuple(admission.flight(self.world, run, self.now) for run in at_work)
        flights: tuple[Flight, ...] = self.found["flights"]
        return flights

    def rooms(self) -> tuple[Room, ...]:
        """What the windows offer; empty while too little is known of them."""
        if "rooms" not in self.found:
            settings = self.world.settings.capacity
            asked = settings.gate and settings.by_cost
            self.found["rooms"] = admission.rooms(self.world, self.now, self.flights()) if asked else ()
        rooms: tuple[Room, ...] = self.found["rooms"]
        return rooms

    @property
    def blind(self) -> bool:
        """No reading of the 5-hour window that is young enough to prove anything."""
        if "blind" not in self.found:
            self.found["blind"] = not self.rooms() and capacity.blind(self.world, self.now)
        return bool(self.found["blind"])

    def estimate(self, task: Task) -> Estimate | None:
        """What the task is likely to take."""
        return self.world.line.estimates.get(task.name)

    def by_cost(self, task: Task) -> bool:
        """Whether admission by cost decides for it, because both its cost and the windows are known."""
        return needs_claude(task.runner) and bool(self.rooms()) and admission.known(self.estimate(task))


SHARED = ("flights", "rooms", "blind", "places", "representatives")
"""What does not depend on the caution."""


def scene(world: World, now: datetime, caution: Caution = Caution.LIKELY) -> Scene:
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
        caution=caution,
    )


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
