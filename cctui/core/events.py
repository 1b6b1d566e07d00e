"""The events: what happened, or is asked, as values.  Types only.

Apart from the World because a face needs none of them: it renders the one and sends commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cctui.core.effects import Effect, Fire
from cctui.core.settings import Settings
from cctui.core.world import (
    ClosedWindow,
    Command,
    Entry,
    Memory,
    Progress,
    Reading,
    Record,
    Sight,
    SourceState,
    Totals,
    Tree,
    Watch,
)


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
class Typed:
    """A person's words stand in the run's pane."""

    run_id: str


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
    | Typed
    | RolledBack
    | Fired
    | Filed
    | EffectFailed
    | Ticked
    | Leaving
    | Asked
)
