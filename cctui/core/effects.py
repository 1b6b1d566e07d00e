"""The effects: what the engine shall do, as values.  Types only; `step` makes them, `perform` carries them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cctui.core.world import (
    ClosedWindow,
    Ending,
    Halting,
    Leg,
    Memory,
    Phase,
    Record,
    Spec,
    Task,
    Watch,
)


@dataclass(frozen=True, slots=True)
class Launch:
    """Start leg `leg` of a run.  Idempotent: made again after a crash it finds what is there."""

    spec: Spec
    leg: int
    resume: bool = False
    """Go on with the same conversation (leg > 1)."""
    task: Task | None = None
    """The task as it was decided; None for a leg after the first, whose spec and folder say it all."""
    kind: Leg = field(default_factory=Leg)
    """What the leg is for, and what led to it."""
    evidence: str = ""
    """For the resume prompt: the end of what the failed check said."""
    seconds: float | None = None
    """Its time limit; None: none (a person is at work)."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Ask the runner to end its process tree (TERM, grace, KILL)."""

    run_id: str
    why: Halting = Halting.STOP


@dataclass(frozen=True, slots=True)
class Tell:
    """Have the run's hooks say something to the agent at its next tool call: to land, or to stop for a person."""

    run_id: str
    why: Halting


@dataclass(frozen=True, slots=True)
class Approve:
    """Write down that a person has accepted the run's plan."""

    run_id: str


@dataclass(frozen=True, slots=True)
class KeepWords:
    """Put a person's words into the run's folder: its hooks say them at the next tool call, or its next leg begins
    with them.  Harmless when they lie there already."""

    run_id: str
    number: int
    """1 for the first."""
    text: str


@dataclass(frozen=True, slots=True)
class TypeWords:
    """Type a person's words into the run's own pane, where they work with it."""

    run_id: str
    session: str
    text: str
    at: datetime
    """When they were said."""


@dataclass(frozen=True, slots=True)
class SavePlan:
    """Put a plan into the run's note, where a person can read it before accepting it."""

    spec: Spec
    ending: Ending


@dataclass(frozen=True, slots=True)
class RollBack:
    """Undo what a closed run changed, after saving what is undone."""

    run_id: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """Note, history line, memory, and last the task file's move: the commit."""

    spec: Spec
    record: Record
    to: Phase
    memory: Memory
    """What the store must hold before the file moves."""
    ending: Ending | None = None
    claimed: bool = True
    """False: the file still lies where the run was to be claimed from."""


@dataclass(frozen=True, slots=True)
class SaveMemory:
    """Write the store."""

    memory: Memory


@dataclass(frozen=True, slots=True)
class EditFile:
    """Change one line of a task file."""

    path: str
    field: str
    value: str | None


@dataclass(frozen=True, slots=True)
class AddFile:
    """Write a new task file into pending/."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class MoveFile:
    """Move a task file to another folder."""

    path: str
    to: Phase


@dataclass(frozen=True, slots=True)
class TrashFile:
    """Move a task file to the trash."""

    path: str
    to: str
    """Place in the trash, as in Restore."""


@dataclass(frozen=True, slots=True)
class RestoreFile:
    """Move a task file from the trash back to where it lay; harmless when that is done already."""

    name: str
    """Of the task."""
    path: str
    """Place in the trash."""


@dataclass(frozen=True, slots=True)
class Fire:
    """Put one firing of a template into the queue, as NAME@STAMP.md; harmless when it is there already."""

    template: str
    path: str
    """Of the template."""
    name: str
    """Of the new task."""
    due: datetime
    """The moment it was due."""
    deadline: datetime | None = None
    """Where its window ends; None: it has none, or a deadline of its own."""
    extra: bool = False
    """A person wants it now, beside what the schedule says."""
    force: bool = False
    """Also past the soft gates."""


@dataclass(frozen=True, slots=True)
class SaveWindow:
    """Append a window that has ended to the record; harmless when it stands there already."""

    window: ClosedWindow


@dataclass(frozen=True, slots=True)
class SaveWatch:
    """Append how an open window stands, so that the next engine goes on from there."""

    watch: Watch


@dataclass(frozen=True, slots=True)
class WriteReport:
    """Write the morning report of a day, unless there is one."""

    day: str
    """The local day: ``2026-11-21``."""
    text: str


Effect = (
    Launch
    | Halt
    | Tell
    | Approve
    | KeepWords
    | TypeWords
    | SavePlan
    | RollBack
    | Finish
    | SaveMemory
    | EditFile
    | AddFile
    | MoveFile
    | TrashFile
    | RestoreFile
    | Fire
    | SaveWindow
    | SaveWatch
    | WriteReport
)
