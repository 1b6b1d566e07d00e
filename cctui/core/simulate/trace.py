"""What happened in a modelled world, as the figures need it.  Filled by the model; pure.

Instants are seconds since the scenario's start, costs are percent points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cctui.core.simulate.scenario import FULL, TINY, TaskSpec
from cctui.core.simulate.sight import Visible, Why


@dataclass(slots=True)
class Window:
    """A five-hour window or a week.  `held`: what it held at the scenario's start."""

    opened: float
    ends: float
    held: float = 0.0
    by_person: float = 0.0
    by_runs: float = 0.0

    @property
    def used(self) -> float:
        return self.held + self.by_person + self.by_runs

    @property
    def room(self) -> float:
        """Points left; a difference that is only rounding counts as none."""
        room = FULL - self.used
        return room if room > TINY else 0.0

    @property
    def full(self) -> bool:
        return self.room == 0.0


@dataclass(slots=True)
class Segment:
    """One uninterrupted run.  `left_s`: seconds the task had before it when it began, with the price of resuming."""

    start: float
    left_s: float
    end: float | None = None
    why: Why = Why.OPEN


@dataclass(slots=True)
class Job:
    """A task in the world.  What is left of it counts in seconds and points; rates are points per second in flight.

    ready: spans in which it could have been started; the last may have no end yet.
    """

    spec: TaskSpec
    visible: Visible
    unmet: set[str]
    left_s: float
    left_five: float
    left_seven: float
    spent_five: float = 0.0
    spent_seven: float = 0.0
    rate_five: float = 0.0
    rate_seven: float = 0.0
    ends: float = 0.0
    before_five: float = 0.0
    before_seven: float = 0.0
    parked: int = 0
    done: float | None = None
    segments: list[Segment] = field(default_factory=list)
    ready: list[tuple[float, float]] = field(default_factory=list)
    ready_since: float | None = None

    def left_at(self, at: float) -> float:
        """Seconds that were left to do at an instant."""
        left = self.spec.duration_s
        for segment in self.segments:
            if segment.start >= at:
                break
            until = at if segment.end is None else min(at, segment.end)
            left = max(0.0, segment.left_s - (until - segment.start))
        return left


class Piece(NamedTuple):
    """A stretch of time in which nothing changed but what runs spend.  Amounts are those at its beginning.

    five: place of the open window among `Trace.windows`, None while none is open.  week: place among `Trace.weeks`.
    """

    begins: float
    ends: float
    free: int
    ready: int
    five: int | None
    week: int
    five_runs: float
    five_person: float
    five_rate: float
    week_runs: float
    week_person: float
    week_rate: float


@dataclass(slots=True)
class Trace:
    """A whole run of a scenario.  jobs: in the order of the file.  refused: five-hour points."""

    jobs: list[Job]
    windows: list[Window] = field(default_factory=list)
    weeks: list[Window] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    refused: float = 0.0
