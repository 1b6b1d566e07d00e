"""What a policy sees and what it may choose: the only door between a policy and the modelled world.  Pure.

The world asks the policy once at every instant at which something happened (the start, an arrival, the end of a run, a
reset, a cut at 100, an accepted use by the person, the policy's own alarm), after everything else of that instant.
Nothing it can choose makes another question in the same instant necessary, so there is none.  At the very end of the
scenario it is not asked any more.  All times are seconds since the scenario's start, all costs percent points.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cctui.core.simulate.scenario import past_minute


class PolicyError(Exception):
    """A policy chose what the rules do not allow: a mistake in the policy, never in the scenario."""


class Why(StrEnum):
    """Why a segment of a run ended."""

    DONE = "done"
    WALL = "wall"
    LANDED = "landed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Gauge:
    """An open window: points used, and its bounds."""

    used: float
    opened: float
    resets_at: float


@dataclass(frozen=True, slots=True)
class Visible:
    """What may be known of a task that has arrived."""

    name: str
    place: int
    arrives: float
    priority: int
    deadline: float | None
    depends_on: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that never started.  `unmet`: dependencies that are not done."""

    task: Visible
    unmet: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InFlight:
    """A run: when the task first started, since when this segment runs, and points spent in all and in this segment."""

    task: Visible
    started: float
    since: float
    five_hour: float
    seven_day: float
    segment_five_hour: float
    segment_seven_day: float


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked task: when it first started, since when it is parked and by what, and points spent in all."""

    task: Visible
    started: float
    since: float
    why: Why
    five_hour: float
    seven_day: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A done task with its true cost and duration, without any price of resuming."""

    task: Visible
    started: float
    end: float
    duration_s: float
    five_hour: float
    seven_day: float


@dataclass(frozen=True, slots=True)
class Sight:
    """The world at one instant.

    five_hour: None while no window is open.  waiting: by arrival, then place in the file.  in_flight: in the order of
    start or resume.  parked: in the order of parking.  finished, person_used: what happened since the last question.
    """

    start: datetime
    now: float
    five_hour: Gauge | None
    seven_day: Gauge
    waiting: tuple[Waiting, ...]
    in_flight: tuple[InFlight, ...]
    parked: tuple[Parked, ...]
    finished: tuple[Finished, ...]
    person_used: bool

    @property
    def may_land(self) -> bool:
        """The local clock shows :00 seconds."""
        return past_minute(self.start, self.now) == 0.0

    @property
    def next_landing(self) -> float:
        """The next instant after this one at which the local clock shows :00 seconds."""
        return self.now + 60.0 - past_minute(self.start, self.now)


@dataclass(frozen=True, slots=True)
class Choice:
    """Runs to land (park) first, tasks to start or resume then, in order, and when to be asked again at the latest.

    An alarm takes the place of the one before; None: no alarm.
    """

    lands: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    alarm: float | None = None


NOTHING = Choice()


class Policy(Protocol):
    """Made anew for every scenario, from its `Known`."""

    @property
    def name(self) -> str: ...

    def decide(self, sight: Sight) -> Choice: ...
