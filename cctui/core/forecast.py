"""The forecast's vocabulary: what a plan says of every task and of every window, and how two plans differ.  Pure.

Moments are aware datetimes, points are percent of a window, spans are seconds.  Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cctui.core.words import moment, percent
from cctui.core.world import SEVEN_DAY, Reason

WORTH_TELLING = 60.0
"""Seconds by which an end has to move to count as moved."""


@dataclass(frozen=True, slots=True)
class Band:
    """Half of the samples come at or before `p50`, nine tenths at or before `p90`."""

    p50: datetime
    p90: datetime | None
    """None: more than a tenth of the samples does not come to it within the horizon."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What the plan says of one task."""

    task: str
    start: datetime | None
    """Of its first leg, also where that lies in the past; None: not within the horizon."""
    end: datetime | None
    """None: not within the horizon."""
    starts: Band | None = None
    """Over the samples; None: not sampled, or undone in half of them and more."""
    ends: Band | None = None
    windows: tuple[datetime, ...] = ()
    """The 5-hour windows it spends from, by the moment they open."""
    deadline: datetime | None = None
    late: float | None = None
    """Seconds over its deadline, negative: to spare; of one that stays undone: what it is over at the least.  None: no
    deadline, or undone with the deadline beyond the horizon."""
    why: Reason | None = None
    """Why it stays undone, if it does; None: it is done, or still at work at the horizon."""
    resumed: int = 0
    """How often it is parked on its way."""
    points: float = 0.0
    """Of the 5-hour window, over its whole run."""
    fired: bool = False
    """It is one firing of a template and lies not in the queue yet."""
    guess: str = ""
    """What its cost rests on when its own kind is not known; empty: on its kind."""
    chance: float | None = None
    """Share of the samples (0-1) in which it is done by its deadline, or within the horizon; None: not sampled."""


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """One window as it will be at its end."""

    window: str
    opens: datetime
    ends: datetime
    used: float
    """Percent at its end, or at the horizon if that comes first."""
    ours: float
    person: float
    """What is not ours, also what nobody knows of."""
    before: float
    """Percent when the plan was made; 0 of one that opens after that."""
    reserve: float
    """In force at its end."""
    unused: float
    """What expires; 0 while it has not ended by the horizon."""
    cause: str = ""
    """Why that is not used; empty: nothing expires."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When each task will start and end, and how full every window will be."""

    made_at: datetime
    horizon: datetime
    tasks: tuple[Planned, ...] = ()
    """In the order of their starts; those that stay undone last."""
    windows: tuple[PlannedWindow, ...] = ()
    samples: int = 0
    """Behind the bands; 0: the middle only."""
    guesses: int = 0
    """Tasks whose cost is a guess."""
    doubt: str = ""
    """Why its start may be wrong: readings that are old or missing; empty: it begins from fresh ones."""

    def of(self, task: str) -> Planned | None:
        return next((planned for planned in self.tasks if planned.task == task), None)


@dataclass(frozen=True, slots=True)
class Slip:
    """A task that ends at another time in one plan than in the other."""

    task: str
    end_before: datetime | None
    end_after: datetime | None
    seconds: float
    """Later; negative: earlier.  Of one that is done in one of them only: up to that one's horizon, at the least."""
    newly_late: bool = False
    """It met its deadline before and does not now."""


def slips(before: Plan, after: Plan) -> tuple[Slip, ...]:
    """Who ends at another time: the worst first, those that end earlier last.  What is in one plan only is left out."""
    old: Mapping[str, Planned] = {planned.task: planned for planned in before.tasks}
    pairs = [(old[planned.task], planned) for planned in after.tasks if planned.task in old]
    found = [_slip(one, other, before, after) for one, other in pairs]
    moved = [slip for slip in found if abs(slip.seconds) >= WORTH_TELLING or slip.newly_late]
    return tuple(sorted(moved, key=lambda slip: (-slip.seconds, slip.task)))


def _slip(old: Planned, new: Planned, before: Plan, after: Plan) -> Slip:
    gone = ((new.end or after.horizon) - (old.end or before.horizon)).total_seconds()
    if old.end is None and new.end is None:
        gone = 0.0
    return Slip(new.task, old.end, new.end, gone, is_late(new) and not is_late(old))


def is_late(planned: Planned) -> bool:
    return planned.late is not None and planned.late > 0


def summary(plan: Plan, now: datetime) -> str:
    """``12 done by Mon 06:40 · 2 late · 3 undone · week 61 % → 88 %``."""
    ends = [planned.end for planned in plan.tasks if planned.end]
    late = sum(map(is_late, plan.tasks))
    undone = sum(planned.end is None for planned in plan.tasks)
    parts = [f"{len(ends)} done by {moment(max(ends), now)}"] if ends else []
    parts += [f"{late} late"] if late else []
    parts += [f"{undone} undone"] if undone else []
    weeks = [window for window in plan.windows if window.window == SEVEN_DAY]
    if weeks:
        parts.append(f"week {percent(weeks[0].before)} → {percent(weeks[0].used)}")
    return " · ".join(parts) or "nothing to plan"
