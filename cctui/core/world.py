"""The vocabulary: everything the rooms say to each other, as frozen values.  Types only: no logic, no I/O.

Units and zones, everywhere: times are aware datetimes; durations are seconds (float); capacity is percent of a window
(0-100); tokens are counts; money is US dollars as the CLI reports it.  ``None`` always means *unknown*, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cctui.core.settings import Settings

# --- tasks -----------------------------------------------------------------------------------------------------------


class Phase(StrEnum):
    """The folder a task file lies in; RECURRING also for one in pending/ that has a schedule."""

    PENDING = "pending"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    RECURRING = "recurring"


class Mode(StrEnum):
    READ_ONLY = "read-only"
    PLAN_FIRST = "plan-first"
    AUTONOMOUS = "autonomous"


class Runner(StrEnum):
    CLAUDE = "claude"
    LOOP = "loop"
    RALPH = "ralph"
    AUTOPILOT = "autopilot"
    PARALLEL = "parallel"
    SHELL = "shell"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A task that must have ended first."""

    name: str
    any: bool = False
    """Met when it ended either way, not only when it was completed."""


@dataclass(frozen=True, slots=True)
class Task:
    """One valid task file.  Field names and meanings: README "Task fields"."""

    name: str
    path: str
    """Relative to ROOT/tasks, with forward slashes: ``pending/digest.md``."""
    phase: Phase
    folder: str = ""
    """Where it runs: ``cwd`` expanded to an absolute path (ROOT when the file names none)."""
    priority: int = 5
    estimated_tokens: int | None = None
    depends_on: tuple[Dependency, ...] = ()
    deadline: datetime | None = None
    mode: Mode = Mode.AUTONOMOUS
    runner: str = Runner.CLAUDE
    """A Runner, or the name of one of the person's own (settings: runners)."""
    command: str | None = None
    call: str | None = None
    check: str | None = None
    check_timeout: float | None = None
    cwd: str | None = None
    worktree: bool = False
    rollback: bool | None = None
    """Undo what a failed run changed; None: as the settings say."""
    bypass_permissions: bool = False
    env: tuple[str, ...] = ()
    """Names of further variables the run may see."""
    timeout: float | None = None
    max_attempts: int = 3
    max_iterations: int = 5
    max_turns: int | None = None
    max_budget_usd: float | None = None
    model: str | None = None
    effort: str | None = None
    allowed_tools: tuple[str, ...] = ()
    schedule: str | None = None
    tz: str | None = None
    catchup: str = "once"
    overlap: str = "skip"
    not_before: datetime | None = None
    paused: bool = False
    kind: str = ""
    """Never empty once parsed: the field, else the first tag, else the name."""
    tags: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    account: str | None = None
    notify: str = "failure"
    window: float | None = None
    """Seconds by which a firing may slide to where capacity is; None: it keeps its moment."""
    fired: datetime | None = None
    """Of what a template has put into the queue: the moment it was due."""
    title: str = ""
    """First line of the body that is not empty, without heading marks, at most 200 characters."""
    added: datetime | None = None
    """The file's modification time: the last tie-breaker of the order."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file, in words a person can act on."""

    text: str
    field: str | None = None
    line: int | None = None
    found: str | None = None
    allowed: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is not a task: it shows as a red row and never stops the others."""

    path: str
    name: str
    phase: Phase
    problems: tuple[Problem, ...]


Entry = Task | Broken


# --- reasons ---------------------------------------------------------------------------------------------------------


class Why(StrEnum):
    """Why something waits or is refused.  The order here is the order in which gates are asked."""

    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    MISSING = "missing"
    CYCLE = "cycle"
    PROGRAM = "program"
    DISK = "disk"
    PAUSED = "paused"
    HOLD = "hold"
    STARTING = "starting"
    NOT_BEFORE = "not_before"
    SCHEDULE = "schedule"
    RETRY = "retry"
    DEPENDS_FAILED = "depends_failed"
    DEPENDS = "depends"
    LIMIT = "limit"
    OUTAGE = "outage"
    LOGIN = "login"
    NEEDS_YOU = "needs_you"
    QUIET = "quiet"
    CAPACITY = "capacity"
    BLIND = "blind"
    PACE = "pace"
    SHARE = "share"
    FIT = "fit"
    RESERVE = "reserve"
    PERSON = "person"
    RESERVED = "reserved"
    CANARY = "canary"
    STAGGER = "stagger"
    FOLDER = "folder"
    SLOTS = "slots"
    ORDER = "order"
    # what a run was interrupted by, and goes on after as soon as it may
    CHECK = "check"
    UNFINISHED = "unfinished"
    STALL = "stall"
    LOST = "lost"
    FRESH = "fresh"
    GIVEN_BACK = "given_back"
    LANDED = "landed"
    REPLY = "reply"
    # refusals only
    UNKNOWN = "unknown"
    EXISTS = "exists"
    STATE = "state"
    ENGINE = "engine"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, with its numbers.  Its sentence is made in one place, ``view.say``."""

    why: Why
    what: str = ""
    """The thing it is about: a task, a window, a folder, a program, or a ready sentence for VALUE and STATE."""
    value: float | None = None
    threshold: float | None = None
    until: datetime | None = None
    """When this changes by itself, if that is known."""


# --- capacity --------------------------------------------------------------------------------------------------------


class Confidence(StrEnum):
    EXACT = "exact"
    CALIBRATED = "calibrated"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


FIVE_HOUR = "five_hour"
SEVEN_DAY = "seven_day"


@dataclass(frozen=True, slots=True)
class Reading:
    """One window as one source saw it at one moment.  ``window`` is five_hour, seven_day, or a model's week
    (seven_day_opus, seven_day_sonnet, or ``seven_day_`` + the scope's name in lower case)."""

    window: str
    used: float | None
    """Percent, 0-100; None: the source spoke of the window without a number."""
    resets_at: datetime | None
    source: str
    observed_at: datetime
    confidence: Confidence = Confidence.EXACT
    rejected: bool = False
    """The service refused a request because this window was full."""
    account: str = "default"


@dataclass(frozen=True, slots=True)
class SourceState:
    """How asking one capacity source last went."""

    source: str
    ok: bool
    text: str = ""
    """A sentence when it went wrong: what, and what to do."""
    at: datetime | None = None
    again_at: datetime | None = None


# --- runs ------------------------------------------------------------------------------------------------------------


class Stage(StrEnum):
    """Where an open run stands.  A closed run is a Record."""

    CLAIMED = "claimed"
    """A claim found by a look, with nothing started: it is launched again under the same run id."""
    LAUNCHING = "launching"
    RUNNING = "running"
    PARKED = "parked"
    FILING = "filing"


class Part(StrEnum):
    """What one leg of a run is for."""

    SETUP = "setup"
    """The project's set-up command, in a new worktree."""
    PLAN = "plan"
    """Claude reads and writes a plan; nothing is changed."""
    WORK = "work"
    CHECK = "check"
    """The task's own check, after the work is said to be done."""
    ATTENDED = "attended"
    """A person works in the same conversation, in the pane."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One process of a run: what it is for, and what led to it (a Why, empty for what simply comes next)."""

    part: Part = Part.WORK
    why: str = ""


class Halting(StrEnum):
    """Why a leg is being ended before its time."""

    STOP = "stop"
    """A person ends the run."""
    STALL = "stall"
    TAKEOVER = "takeover"
    LANDING = "landing"
    """The window is nearly full: told to stop at a turn's end, or, at the hard limit, ended."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Where in git a run works.  A run outside of any repository has none."""

    repo: str
    """The repository's work tree that the task's folder lies in; absolute."""
    folder: str
    """Where the legs run: the task's folder, or its like inside the new worktree; absolute."""
    base: str | None = None
    """The commit that was checked out at the start; None: there was none yet."""
    branch: str | None = None
    """Of a worktree: its own.  In place: the one that was checked out; None: none was."""
    worktree: str | None = None
    """Top folder of the run's own worktree; None: the run works in place."""
    snapshot: str | None = None
    """The ref that keeps the folder's state from before a run in place; None: none could be taken."""
    trouble: str = ""
    """Why there is no snapshot, or what could not be carried over."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run changed, counted by git."""

    commits: int = 0
    files: int = 0
    """Files that differ from the base, committed or not, without ignored ones."""
    kept: str = ""
    """What became of it, in words: ``branch cctui/x kept``, ``rolled back``."""


class Stop(StrEnum):
    """How a leg's process ended, as the runner saw it."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    SPAWN = "spawn"
    """The program could not be started at all."""
    LOST = "lost"
    """Runner gone without an exit record: proven by its free lock."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Exact counts as the API reported them, summed over the run."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class Result:
    """What a `claude -p` stream said, folded: the last ``result`` event plus what only other events carry."""

    subtype: str | None = None
    """None: the stream holds no result event."""
    is_error: bool = False
    terminal_reason: str | None = None
    api_error_status: int | None = None
    api_error: str | None = None
    """The CLI's own word: usage_limit_reached, connection_failed, …"""
    error: str | None = None
    """The synthetic message's word: rate_limit, authentication_failed, server_error, …"""
    text: str = ""
    """The last result's text or its first error, at most 4,000 characters."""
    turns: int | None = None
    tokens: Tokens | None = None
    cost_usd: float | None = None
    model: str | None = None
    denials: tuple[str, ...] = ()
    """Tools that were refused, ``Bash: rm -rf x`` each on one line."""
    limit_window: str | None = None
    """Set when a ``rate_limit_event`` (or the synthetic message) said *rejected*."""
    limit_resets_at: datetime | None = None
    session_id: str | None = None
    succeeded: int = 0
    """Tool calls that were carried out without an error."""
    changed: int = 0
    """Those of them that were no mere reading."""
    answers: int = 0
    """Messages of the model in this leg; what the CLI says in its place is none."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a leg of a run ended: the runner's exit record joined with what the stream said."""

    stop: Stop
    ended: datetime
    duration_s: float
    """Seconds at work by the monotonic clock, over all legs so far; the time it stood parked is not in it."""
    rc: int | None = None
    """Exit code; negative: the number of the signal that ended it."""
    detail: str = ""
    """The runner's own sentence (spawn error, processes that had to be killed, why it counts as lost)."""
    result: Result | None = None
    """None for runners that are not Claude."""
    output_chars: int = 0
    output_tail: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a run was started as: fixed at the claim, kept in the run folder, read again after any restart."""

    run_id: str
    task: str
    path: str
    """Of the task file before the claim, relative to ROOT/tasks."""
    attempt: int
    runner: str
    kind: str
    mode: Mode
    folder: str
    started: datetime
    timeout: float
    session: str
    """Name of its tmux session."""
    session_id: str
    """UUID of its conversation."""
    model: str | None = None
    account: str = "default"
    capacity_before: float | None = None
    week_before: float | None = None
    forced: bool = False
    via: str = ""
    """How the runner is carried out (core.runners); empty in folders of older versions: as it is named."""
    command: str | None = None
    call: str | None = None
    check: str | None = None
    check_timeout: float = 600.0
    max_iterations: int = 5
    max_turns: int | None = None
    max_budget_usd: float | None = None
    effort: str | None = None
    allowed_tools: tuple[str, ...] = ()
    bypass_permissions: bool = False
    env: tuple[str, ...] = ()
    worktree: bool = False
    rollback: bool = False
    setup: str = ""
    teardown: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a living run has said so far."""

    tokens: int | None = None
    cost_usd: float | None = None
    last_line: str = ""
    turns: int | None = None
    model: str | None = None
    points: Mapping[str, float] | None = None
    """Percent points of each window it has spent, where the outside tells them exactly; None: to be worked out."""


@dataclass(frozen=True, slots=True)
class Parked:
    """Why a run stands still between two legs, since when, until when."""

    why: Why
    """LIMIT, OUTAGE or LOGIN by the service; NEEDS_YOU for a person; else what it was interrupted by."""
    since: datetime
    until: datetime | None = None
    """None: no moment ends it."""
    window: str | None = None
    task: str = ""
    """Who met it: of several that may try next, this one comes last."""
    part: Part = Part.WORK
    """What the next leg is for."""
    text: str = ""
    """More about it: the plan's first line, the failed check's last words."""


@dataclass(frozen=True, slots=True)
class Run:
    """An open run: it has a folder, and its task file is (or is about to be) in active/."""

    spec: Spec
    stage: Stage
    leg: int = 1
    """1 for the first process; each resume is one more."""
    leg_started: datetime | None = None
    progress: Progress = Progress()
    parked: Parked | None = None
    parked_s: float = 0.0
    """Seconds it stood parked before the current leg."""
    ending: Ending | None = None
    stopping: bool = False
    """A person asked to stop it."""
    heard: datetime | None = None
    """When it last said something new; None: nothing yet in this leg."""
    quiet: bool = False
    """It has said nothing for run.stall_minutes."""
    legs: tuple[Leg, ...] = (Leg(),)
    """All of them so far, the current one last."""
    work: Ending | None = None
    """How the last leg of work ended, while its check runs."""
    halting: Halting | None = None
    """The current leg was asked to end, and why."""
    halt_at: datetime | None = None
    """When its processes are told to end, if it has not ended by itself."""
    halted: bool = False
    """They have been told."""
    asks: str = ""
    """What it waits for a person to answer; empty: nothing."""
    approved: bool = False
    """A person has accepted its plan."""
    tree: Tree | None = None
    again_at: datetime | None = None
    """Filing it went wrong: when that is tried again."""
    tries: int = 0
    """How often filing it went wrong."""
    last: Ending | None = None
    """How the leg before the current one ended."""
    unlaunched: str = ""
    """Why its current leg could not be started, which ends it; empty: it was not so."""
    claimed: bool = True
    """False: its file still lies where it was to be claimed from."""
    points: Mapping[str, float] = field(default_factory=dict)
    """Percent points of each window that it has spent so far, as far as they could be told apart."""
    replies: int = 0
    """How often a person has spoken to its conversation from outside."""
    reached: int = 0
    """How many of these replies, the oldest first, have reached the conversation."""

    @property
    def unheard(self) -> bool:
        """A person's words have not reached the conversation yet."""
        return self.replies > self.reached

    @property
    def part(self) -> Part:
        return self.legs[-1].part

    @property
    def iteration(self) -> int:
        """1 for the first round of work; each failed check or unfinished round is one more."""
        return 1 + sum(leg.part is Part.WORK and leg.why in (Why.CHECK, Why.UNFINISHED) for leg in self.legs)

    def times(self, why: Why) -> int:
        """How many legs were led to by `why`."""
        return sum(leg.why == why for leg in self.legs)


class SightState(StrEnum):
    CLAIMED = "claimed"
    """Folder there, runner not started (or not yet)."""
    ALIVE = "alive"
    """The runner holds its lock."""
    ENDED = "ended"
    """exit.json of the current leg is there."""
    GONE = "gone"
    """Started, lock free, no exit record: it died with the machine or by SIGKILL."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One run folder, as the look found it."""

    spec: Spec
    leg: int
    state: SightState
    leg_started: datetime | None = None
    parked_s: float = 0.0
    ending: Ending | None = None
    stopping: bool = False
    legs: tuple[Leg, ...] = (Leg(),)
    work: Ending | None = None
    """How the last leg of work ended, when the current leg is its check."""
    halting: Halting | None = None
    asks: str = ""
    approved: bool = False
    tree: Tree | None = None
    heard: datetime | None = None
    """When it last put something out."""
    replies: int = 0
    """How many replies of a person lie in the folder."""
    reached: int = 0
    """How many of them, the oldest first, have reached the conversation."""


# --- the past --------------------------------------------------------------------------------------------------------


class Status(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ErrorType(StrEnum):
    TIMEOUT = "timeout"
    EXIT_ERROR = "exit_error"
    CHECK_FAILED = "check_failed"
    LIMIT = "limit"
    AUTH = "auth"
    PERMISSION = "permission"
    STALL = "stall"
    LOST = "lost"
    CANCELLED = "cancelled"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the history: field names and order are the outside contract (README "History")."""

    task_id: str
    success: bool
    error_type: ErrorType | None
    tokens: int | None
    duration_s: float
    """Active seconds over all legs; parked time is not in it."""
    log_file: str
    """Of the run note, relative to ROOT."""
    timestamp: datetime
    """When the run started."""
    schema: int = 1
    run_id: str = ""
    ended: datetime | None = None
    status: Status | None = None
    attempt: int | None = None
    kind: str | None = None
    runner: str | None = None
    mode: str | None = None
    model: str | None = None
    style: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cache_read: int | None = None
    tokens_cache_write: int | None = None
    tokens_source: str | None = None
    cost_usd: float | None = None
    capacity_before: float | None = None
    capacity_after: float | None = None
    window_pct: float | None = None
    week_pct: float | None = None
    exit_code: int | None = None
    session_id: str | None = None
    branch: str | None = None
    base_commit: str | None = None
    commits: int | None = None
    files_changed: int | None = None
    check_exit: int | None = None
    claimed: bool | None = None
    proven: bool | None = None
    parked_s: float | None = None
    account: str | None = None
    project: str | None = None
    detail: str | None = None
    model_pct: float | None = None
    """Points of the model's own week, like window_pct and week_pct."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure of a kind of work, learned from its runs."""

    ema: float
    """0.7 × old + 0.3 × new; the first sample as it is."""
    samples: tuple[float, ...]
    """The newest 50, oldest first: the quantiles are taken over these."""
    ordered: tuple[float, ...]
    """The same, smallest first."""
    p50: float
    p80: float
    p90: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a kind of task costs, learned from its successful runs."""

    kind: str
    count: int
    model: str | None = None
    """None: whatever model did it."""
    tokens: Spread | None = None
    seconds: Spread | None = None
    """At work, over all legs."""
    points: Mapping[str, Spread] = field(default_factory=dict)
    """Percent points by window: five_hour, seven_day, and ``seven_day_`` + the model's family."""
    rate: Spread | None = None
    """Points of the 5-hour window per hour at work."""


@dataclass(frozen=True, slots=True)
class Share:
    """Who has used what of one window since it opened, or since it was first seen.  Percent points."""

    resets_at: datetime | None
    held: float
    """What it held when it was first seen; whose that was is not known."""
    ours: float = 0.0
    person: float = 0.0
    used: float = 0.0
    """As last seen; held + ours + person, but for rounding."""
    at: datetime | None = None
    """When it was last seen to have grown."""
    since: datetime | None = None
    """From when on it was watched: runs that began earlier were not seen from their start."""
    loose: float = 0.0
    """Use that none of ours can have caused, too little yet to be told from rounding."""
    counted: Mapping[str, float] = field(default_factory=dict)
    """Run → how much of its tokens (points, where those are told) has shown in `used`."""
    late: float = 0.0
    """What runs that were filed have used and that has not shown yet; 100: not known how much."""
    late_until: datetime | None = None
    """It is awaited no longer than this."""


class Cause(StrEnum):
    """Why capacity expired while runnable work waited."""

    FIT = "fit"
    """Nothing that waited fitted into what was left."""
    RESERVE = "reserve"
    SLOTS = "slots"
    FOLDER = "folder"
    HOLD = "hold"
    PAUSED = "paused"
    QUIET = "quiet"
    LIMITS = "limits"
    """A pace, a cap or a floor that the person has set."""
    BLIND = "blind"
    TROUBLE = "trouble"
    """Login refused, the API down, a program missing, a disk that cannot be written."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One runnable task that could have used a slot since the last look, and why it did not."""

    task: str
    cause: str
    rate: float
    """Points of the 5-hour window it would have spent per second."""
    most: float
    """Points it would have spent at most."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A window as it passes: what it was used for, and what runnable work waited for.  Percent points and seconds."""

    window: str
    opened: datetime
    ends: datetime | None = None
    """None: no window is open, or it is not known whether one is."""
    at: datetime | None = None
    """When it was last looked at; None: not yet by this engine."""
    waits: tuple[Wait, ...] = ()
    """What has waited since then, the most urgent first."""
    waited: Mapping[str, float] = field(default_factory=dict)
    """Cause → seconds."""
    lost: Mapping[str, float] = field(default_factory=dict)
    """Cause → points that what waited could have spent; not yet bounded by what the window has left."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """Task → its part of `lost`."""
    watched: float = 0.0
    """Seconds in which anybody looked."""
    reserve: float = 0.0
    """The largest share that was the person's by the hour while work waited for that."""
    grown: float = 0.0
    """The most that was kept for a person at work."""
    used: float | None = None
    ours: float = 0.0
    person: float = 0.0
    flying: float = 0.0
    """The part of `ours` that is due to runs still open."""
    before: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """`ours`, `person` and `flying` as an engine before this one left them."""
    saved: datetime | None = None
    mark: float = 0.0
    """What it summed up to when it was saved."""


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window that has ended, or a stretch of at most 5 hours in which none was open.  Percent points."""

    window: str
    opened: datetime
    ended: datetime
    open: bool = True
    """False: no window was open, though work could have opened one."""
    size: float = 100.0
    """What it offered; a stretch without a window offers 20 points an hour."""
    used: float = 0.0
    """As last seen."""
    ours: float = 0.0
    person: float = 0.0
    lost: Mapping[str, float] = field(default_factory=dict)
    """Cause → points that expired though runnable work could have spent them."""
    waited: Mapping[str, float] = field(default_factory=dict)
    """Cause → seconds."""
    watched: float = 0.0
    """Seconds in which anybody looked: while no engine ran nothing counts as lost."""

    @property
    def unknown(self) -> float:
        """Used, by nobody knows whom."""
        return max(self.used - self.ours - self.person, 0.0)

    @property
    def left(self) -> float:
        """What expired."""
        return max(self.size - self.used, 0.0)

    @property
    def unused(self) -> float:
        """The figure: what expired while runnable work waited."""
        return sum(self.lost.values())


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of the person's own work with Claude."""

    sessions: int = 0
    """Live sessions that are not ours."""
    seen: datetime | None = None
    """When one of them last did something, or the windows last showed use that is not ours."""
    points: float = 0.0
    """Of the 5-hour window, used of late: what was used an hour ago counts 1/e of what is used now (at `seen`)."""
    habit: float = 0.0
    """The same over days: what was used a day ago counts 1/e (at `seen`)."""


@dataclass(frozen=True, slots=True)
class Firing:
    """How far a template's schedule has been dealt with."""

    until: datetime
    """Firings at or before this moment have been dealt with: the watermark."""
    skip: bool = False
    """The next one is to be left out."""
    schedule: str = ""
    """The schedule, and the zone it names, that this is about; empty while the template is paused.  Under another one
    nothing has been missed before it was written."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Running sums over the whole history."""

    runs: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


class Level(StrEnum):
    INFO = "info"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of what happened: the headless log, the app's notices."""

    seq: int
    at: datetime
    level: Level
    text: str
    task: str | None = None
    run_id: str | None = None


# --- memory ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retry:
    """Attempts that counted against a task so far, and when the next may start."""

    attempts: int
    at: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """The live facts that have no other home: what the TinyDB file holds, all of it."""

    ranks: Mapping[str, int] = field(default_factory=dict)
    """Task name → place among its priority, set by hand."""
    hold: bool = False
    retries: Mapping[str, Retry] = field(default_factory=dict)
    firings: Mapping[str, Firing] = field(default_factory=dict)
    """Template → how far its schedule has been dealt with."""
    done: tuple[Done, ...] = ()
    """What a person has done and can take back: oldest first, the newest 50."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Half, four fifths and nine tenths of such runs stay at or below these."""

    p50: float
    p80: float
    p90: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run of a task is likely to take."""

    count: int
    """Runs of its own kind that this rests on."""
    guess: str = ""
    """What it rests on instead, in words; empty: on its own kind."""
    tokens: Quantiles | None = None
    seconds: Quantiles | None = None
    points: Mapping[str, Quantiles] = field(default_factory=dict)
    """By window; a window without an entry: not known."""
    rate: Quantiles | None = None
    """Points of the 5-hour window per hour."""


# --- the queue, derived ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Urgency:
    """What decides a task's place in the queue."""

    priority: int
    """Its own, or that of something which waits for it, less one for each span it has waited."""
    latest: datetime | None = None
    """When it must start for every deadline in its chain to be met; None: there is none."""
    rank: int = 1 << 60
    """Place set by hand."""
    cost: float = float("inf")
    """Points of the 5-hour window it is likely to take; infinite: not known."""
    heir: str = ""
    """The task whose urgency it has inherited; empty: its own."""
    aged: int = 0
    """Steps it has moved up by waiting."""


@dataclass(frozen=True, slots=True)
class Line:
    """The pending tasks in order, with what the graph says of each; derived anew whenever tasks or ranks change."""

    order: tuple[str, ...] = ()
    faults: Mapping[str, Reason] = field(default_factory=dict)
    """Tasks whose dependencies are missing or form a cycle."""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    """Task → what it is likely to take."""
    urgency: Mapping[str, Urgency] = field(default_factory=dict)
    """Task → what decided its place."""
    until: datetime | None = None
    """When the order changes by itself: something has waited long enough to move up."""
    groups: tuple[tuple[str, ...], ...] = ()
    """The same tasks by what they are likely to take: each group, in order, is answered alike by the windows."""
    templates: tuple[str, ...] = ()
    """Names of the templates."""


# --- the world -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class World:
    """All that is known, at one moment."""

    settings: Settings = field(default_factory=Settings)
    zone: str = ""
    """IANA name of the person's zone, for hours of the week; empty: UTC."""
    loaded: bool = False
    """Memory and history have been read."""
    scanned: bool = False
    """The task folders have been read at least once."""
    looked: bool = False
    """The run folders have been looked at, at least once."""
    checked: bool = False
    """The needed programs have been looked for.  Nothing starts before all four."""
    measured: bool = False
    """The capacity sources have been asked.  Until then blindness is not yet a fact, and nothing that spends starts."""
    draining: bool = False
    """The engine is leaving: nothing new starts."""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()
    line: Line = Line()
    runs: Mapping[str, Run] = field(default_factory=dict)
    """Open runs by run id, oldest first."""
    memory: Memory = Memory()
    readings: tuple[Reading, ...] = ()
    """The newest per account, window and source."""
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    """Needed programs that are missing or unusable → a sentence that says what to do."""
    stops: Mapping[str, Parked] = field(default_factory=dict)
    """What the service refused, and no answer since has proven over: ``login``, ``outage``, and ``limit:WINDOW`` for
    each full window.  Everything they bind waits."""
    plugins: tuple[str, ...] | None = None
    """Claude Code plugins that are enabled, by name; None: not asked yet."""
    at: datetime | None = None
    """About when the last event was met: a larger gap means that the clock was set or the machine slept."""
    forced: Mapping[str, bool] = field(default_factory=dict)
    """Tasks a person wants now → also past the soft gates."""
    firing: Mapping[str, datetime | None] = field(default_factory=dict)
    """Templates whose firing is being put into the queue (None), or could not be: when that is tried again."""
    only: frozenset[str] | None = None
    """This engine starts nothing but these tasks; None: all."""
    costs: Mapping[str, Cost] = field(default_factory=dict)
    """By kind, by ``kind/model``, and under "" for all work together."""
    shares: Mapping[str, Share] = field(default_factory=dict)
    """Window → who has used what of it."""
    person: Person = Person()
    watches: Mapping[str, Watch] | None = None
    """Window → what has become of it so far; None: nobody keeps count, as in a rehearsal."""
    windows: tuple[ClosedWindow, ...] = ()
    """The newest 200 that have ended, oldest first."""
    report_at: datetime | None = None
    """When the next morning report is due; None: not known yet, or never."""
    records: tuple[Record, ...] = ()
    """The newest 500, oldest first."""
    totals: Totals = Totals()
    notes: tuple[Note, ...] = ()
    """The newest 200, oldest first."""


# --- commands: what a person may ask ---------------------------------------------------------------------------------


class Place(StrEnum):
    UP = "up"
    DOWN = "down"
    TOP = "top"
    BOTTOM = "bottom"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Move:
    """Change a task's place in the queue."""

    task: str
    place: Place
    other: str | None = None
    """For BEFORE and AFTER."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Keep a task from starting, or let it start again."""

    task: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class Hold:
    """No new starts at all (on), or let them go again."""

    on: bool = True


@dataclass(frozen=True, slots=True)
class RunNow:
    task: str
    force: bool = False
    """Also past hold, capacity, blindness, slots and dependencies; never past what would break a run."""


@dataclass(frozen=True, slots=True)
class StopRun:
    """End a running task, or give up a parked one.  By task name."""

    task: str


@dataclass(frozen=True, slots=True)
class RetryTask:
    """Put a failed or completed task back into the queue with all its attempts, or end a retry's back-off."""

    task: str


@dataclass(frozen=True, slots=True)
class Add:
    """Put a new file into the queue."""

    name: str
    text: str
    """The whole file."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Change one field of a task file's front matter; None takes the line out."""

    task: str
    field: str
    value: str | None
    """As YAML text for the line."""


@dataclass(frozen=True, slots=True)
class Remove:
    """Move a task file to the trash.  Also by path, for a broken one."""

    task: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave out the next firing of a template, or take that back."""

    task: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Stop the headless work at a safe point and open the same conversation for a person, in the pane."""

    task: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A person's words to a run: resumed with them if it waits for them, typed into the pane of one that is theirs,
    else handed over at its next tool call or with its next leg."""

    task: str
    text: str
    """At most `refusal.REPLY_CHARS` characters; control characters are taken out."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """Undo what a closed run changed in its folder, after saving what is undone."""

    run_id: str
    force: bool = False
    """Also what has changed there since."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring a removed task file back out of the trash, into the folder it lay in."""

    name: str
    """Of the task."""
    path: str
    """Place in the trash: ``20261121T020000.000000Z/pending/digest.md``."""


@dataclass(frozen=True, slots=True)
class Reorder:
    """Bring back places set by hand, and a task's priority: what takes a Move back, whatever has moved since."""

    task: str
    ranks: Mapping[str, int | None] = field(default_factory=dict)
    """Task name → its place by hand; None: it had none."""
    priority: int | None = None
    """None: it stays as it is."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several commands as one step, one after the other; those that are refused are left out."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the newest step of ``Memory.done``."""


Command = (
    Move
    | Pause
    | Hold
    | RunNow
    | StopRun
    | RetryTask
    | Add
    | Edit
    | Remove
    | Skip
    | TakeOver
    | Rollback
    | Reply
    | Restore
    | Reorder
    | Together
    | Undo
)


@dataclass(frozen=True, slots=True)
class Done:
    """A step that a person has taken, and what takes it back."""

    undo: Command
    label: str
    """What was done, in a few words: ``3 of 5 paused: x runs already``."""
    at: datetime
