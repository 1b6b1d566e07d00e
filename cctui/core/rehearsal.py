"""Rehearsal: `step` run forward without an engine.  What it decides to do is taken as done at once.  Pure.

The plan and the simulator both stand on it, so neither has any rule of scheduling of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from cctui.core.effects import (
    AddFile,
    EditFile,
    Effect,
    Finish,
    Fire,
    Halt,
    Launch,
    MoveFile,
    RestoreFile,
    Tell,
    TrashFile,
)
from cctui.core.events import Answered, Event, Filed, Fired, Launched, Looked, Scanned
from cctui.core.step import steps
from cctui.core.world import Ending, Entry, Halting, Phase, Run, Sight, SightState, Stage, Task, World

BOUND = 10_000
"""Events that may follow from one."""


@dataclass(slots=True)
class Rehearsal:
    """A World that goes on by itself; what it has started and stopped since somebody last looked is kept here."""

    world: World
    started: list[Launch] = field(default_factory=list)
    landed: list[str] = field(default_factory=list)
    """Run ids that are to stop and be parked."""
    halted: list[str] = field(default_factory=list)
    """Run ids whose leg is ended for another reason."""
    files: dict[str, Task] = field(default_factory=dict)
    """What the files hold that commands would write or change, by name: here no file is read."""
    arriving: dict[str, Task] = field(default_factory=dict)
    """Firings whose files no scan has shown yet: several may come in one moment."""

    def __post_init__(self) -> None:
        self.world = replace(self.world, watches=None)  # nobody keeps count of what is only rehearsed

    def tell(self, event: Event, now: datetime, *more: Event) -> None:
        """Let `event` (and `more`) happen at `now`, and all that follows from it at once."""
        todo: tuple[Event, ...] = (event, *more)
        for _ in range(BOUND):
            if not todo:
                return
            # The time between two events is rehearsed, not slept through.
            world = self.world if self.world.at == now else replace(self.world, at=now)
            self.world, effects = steps(world, todo, now)
            todo = tuple(answer for effect in effects for answer in self._done(effect))
        raise AssertionError("the world never comes to rest")

    def _done(self, effect: Effect) -> tuple[Event, ...]:
        match effect:
            case Launch(spec=spec, leg=leg):
                self.started.append(effect)
                launched = Launched(spec.run_id, leg)
                # Whatever had been refused before, this one is answered: nothing has to be tried first.
                return (launched, Answered(spec.run_id)) if self.world.stops else (launched,)
            case Finish(spec=spec, record=record):
                return (Filed(spec.run_id, record),)
            case Tell(run_id=run_id, why=Halting.LANDING) | Halt(run_id=run_id, why=Halting.LANDING):
                self.landed.append(run_id)
            case Halt(run_id=run_id):
                self.halted.append(run_id)
            case Fire():
                return (Fired(effect), Scanned(self._with_firing(effect)))
            case AddFile(name=name) if name in self.files:
                return (Scanned((*self._others(name), self.files[name])),)
            case RestoreFile(name=name) if name in self.files:
                return (Scanned((*self._others(name), self.files[name])),)
            case EditFile() | MoveFile() | TrashFile():
                return (Scanned(self._changed(effect)),)
        return ()

    def _others(self, name: str) -> tuple[Entry, ...]:
        entries: list[Entry] = [*self.world.tasks.values(), *self.world.broken]
        return tuple(entry for entry in entries if entry.name != name)

    def _changed(self, effect: EditFile | MoveFile | TrashFile) -> tuple[Entry, ...]:
        """The task files after one of them was changed, moved or thrown away."""
        world = self.world
        task = next((task for task in world.tasks.values() if task.path == effect.path), None)
        if task is None:
            entries: list[Entry] = [*world.tasks.values(), *world.broken]
            return tuple(entry for entry in entries if entry.path != effect.path)
        others = self._others(task.name)
        match effect:
            case TrashFile():
                return others
            case MoveFile(to=to):
                moved = replace(task, phase=to, path=f"{to.value}/{task.name}.md")
                return (*others, self.files.get(task.name, moved))
            case _:
                return (*others, self.files.get(task.name, task))

    def _with_firing(self, fire: Fire) -> tuple[Entry, ...]:
        """The task files with that of a firing among them, as its adapter makes it."""
        world = self.world
        template = world.tasks.get(fire.template)
        self.arriving = {name: task for name, task in self.arriving.items() if name not in world.tasks}
        if template is not None and fire.name not in world.tasks:
            self.arriving[fire.name] = fired(template, fire, world.at)
        return (*world.tasks.values(), *self.arriving.values(), *world.broken)

    def end(self, endings: Iterable[tuple[Run, Ending]], now: datetime, *before: Event) -> None:
        """These legs end now, all in one look; `before` it something else is met."""
        ended = {run.spec.run_id: ending for run, ending in endings}
        sights = tuple(_sight(run, ended.get(run.spec.run_id)) for run in self.world.runs.values())
        first, *rest = (*before, Looked(sights))
        self.tell(first, now, *rest)

    def run_of(self, task: str) -> Run | None:
        return next((run for run in self.world.runs.values() if run.spec.task == task), None)


def fired(template: Task, fire: Fire, now: datetime | None) -> Task:
    """The task that a firing puts into the queue."""
    return replace(
        template,
        name=fire.name,
        path=f"{Phase.PENDING.value}/{fire.name}.md",
        phase=Phase.PENDING,
        schedule=None,
        tz=None,
        catchup="once",
        overlap="skip",
        window=None,
        paused=False,
        not_before=fire.due,
        deadline=fire.deadline or template.deadline,
        fired=fire.due,
        added=now,
    )


def _sight(run: Run, ending: Ending | None) -> Sight:
    over = ending is not None or run.stage is Stage.PARKED
    return Sight(
        run.spec,
        run.leg,
        SightState.ENDED if over else SightState.ALIVE,
        run.leg_started,
        run.parked_s,
        ending or run.ending,
        legs=run.legs,
        halting=run.halting,
        approved=run.approved,
        tree=run.tree,
        heard=run.heard,
        # What a person has said is heard by and by.
        replies=run.replies,
        reached=run.replies,
    )
