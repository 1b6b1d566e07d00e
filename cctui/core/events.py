"""The vocabulary's other half: events (what happened, or is asked) and effects (what the engine shall do).  Types only.

Apart from the World because a face needs none of them: it renders the one and sends commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cctui.core.settings import Settings
from cctui.core.world import (
    ClosedWindow,
    Command,
    Ending,
    Entry,
    Halting,
    Leg,
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
    Tree,
    Watch,
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
    | SavePlan
    | RollBack
    | Finish
    | SaveMemory
    | EditFile
    | AddFile
    | MoveFile
    | TrashFile
    | Fire
    | SaveWindow
    | SaveWatch
    | WriteReport
)


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
    zone: str = ""
    """IANA name of the person's zone; empty: not known."""
    windows: tuple[ClosedWindow, ...] = ()
    """That have ended, oldest first."""
    watches: tuple[Watch, ...] | None = None
    """Of windows that were open when they were last saved; None: nobody is to keep count."""


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
    tree: Tree | None = None


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
    spent: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Run id → points of each window that it has spent so far, where the outside knows them exactly."""


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """The person's own live sessions, as the CLI's registry or a statusline shows them."""

    sessions: int
    at: datetime | None = None
    """When one of them last did something; None: not known."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A living Claude run got an answer that was not refused: limit, outage and login are proven over."""

    run_id: str


@dataclass(frozen=True, slots=True)
class LoginSeen:
    """The login has changed, or something else has proven that it works."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a run changed has been undone, or could not be; `text` says which and where the rest is kept."""

    run_id: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Which needed programs are missing, name → sentence; empty: all there."""

    missing: Mapping[str, str]
    """Also ``disk``, when ROOT or STATE cannot be written."""
    plugins: tuple[str, ...] | None = None
    """The enabled plugins of Claude Code; None: not asked this time."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A firing lies in the queue, or did already.  Only now does its template's watermark move on."""

    fire: Fire


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
    | PersonSeen
    | Checked
    | LoginSeen
    | RolledBack
    | Fired
    | Filed
    | EffectFailed
    | Ticked
    | Leaving
    | Asked
)
