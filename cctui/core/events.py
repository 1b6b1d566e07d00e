"""The vocabulary's other half: events (what happened, or is asked) and effects (what the engine shall do).  Types only.

Apart from the World because a face needs none of them: it renders the one and sends commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cctui.core.settings import Settings
from cctui.core.world import (
    Command,
    Ending,
    Entry,
    Memory,
    Phase,
    Progress,
    Reading,
    Record,
    Sight,
    SourceState,
    Spec,
    Task,
    Totals,
)

# --- effects: what the engine shall do -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Launch:
    """Start leg `leg` of a run.  Idempotent: made again after a crash it finds what is there."""

    spec: Spec
    leg: int
    resume: bool = False
    """Go on with the same conversation (leg > 1)."""
    task: Task | None = None
    """The task as it was decided; None for a leg after the first, whose spec and folder say it all."""
    reason: str = ""
    """For the pane and the resume prompt: what the run waited for."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Ask the runner to end its process tree (TERM, grace, KILL)."""

    run_id: str


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


Effect = Launch | Halt | Finish | SaveMemory | EditFile | AddFile | MoveFile | TrashFile


# --- events: what happened, or is asked ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the store, the history and the samples held at the start."""

    memory: Memory
    records: tuple[Record, ...]
    """All that learning should see, oldest first."""
    totals: Totals
    readings: tuple[Reading, ...] = ()
    warnings: tuple[str, ...] = ()
    """What could not be read, and what became of it."""


@dataclass(frozen=True, slots=True)
class Configured:
    """Settings have changed."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class Scanned:
    """The task folders as they are now, whole, sorted by path."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """Every open run folder as it is now."""

    sights: tuple[Sight, ...]


@dataclass(frozen=True, slots=True)
class Launched:
    """A leg's runner has been started."""

    run_id: str
    leg: int


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """A leg could not be started."""

    run_id: str
    leg: int
    text: str
    program: str | None = None
    """Set when a program is missing: everything that needs it waits."""
    claimed: bool = True
    """False: the task file was never moved to active/."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """A living run has said something new."""

    run_id: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Measured:
    """Capacity sources have answered, or a run has told of its windows."""

    readings: tuple[Reading, ...]
    states: tuple[SourceState, ...] = ()
    asked: bool = False
    """The sources that can be asked have been, with or without success."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A living Claude run got an answer that was not refused: limit, outage and login are proven over."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Which needed programs are missing, name → sentence; empty: all there."""

    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Filed:
    """A run is in the record, its file in its last folder."""

    run_id: str
    record: Record


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """Performing an effect went wrong (None: a source of events did); `step` decides whether and when again."""

    effect: Effect | None
    text: str


@dataclass(frozen=True, slots=True)
class Ticked:
    """Only time has passed."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """The engine is about to end; runs go on without it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A person wants something; it has not been refused."""

    command: Command


Event = (
    Loaded
    | Configured
    | Scanned
    | Looked
    | Launched
    | LaunchFailed
    | Progressed
    | Measured
    | Answered
    | Checked
    | Filed
    | EffectFailed
    | Ticked
    | Leaving
    | Asked
)
