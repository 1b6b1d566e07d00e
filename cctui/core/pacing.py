"""The week's pace: how much of it should be used by now, and who is ahead of it.  Pure.

``use``: all of it before its reset, as it comes.  ``even``: the same share every hour.  ``front``: more at the start of
the week, so that its end has room for what comes up (the square root of the share of time that has passed).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cctui.core import capacity
from cctui.core.world import SEVEN_DAY, Reason, Why, World

USE, EVEN, FRONT = "use", "even", "front"
PACES = (USE, EVEN, FRONT)
SLACK = 1.0
"""Points that may be ahead of the pace: a task is not stopped for a rounding."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Where the week stands against its pace."""

    used: float
    target: float
    """Percent that would be used by now at this pace; for ``use`` that of an even one, to compare with."""
    resets_at: datetime
    runs_out: datetime | None
    """When it is used up, if it goes on as it has since it began; None: it lasts."""

    @property
    def reserve(self) -> float:
        """Points in reserve; negative: in deficit."""
        return self.target - self.used


def share(pace: str, part: float) -> float:
    """Percent of the week that should be used after `part` (0-1) of its time."""
    part = min(max(part, 0.0), 1.0)
    return 100.0 * (part**0.5 if pace == FRONT else part)


def standing(world: World, now: datetime) -> Pace | None:
    """The week against its pace; None: its use or its end is not known."""
    week = next(window for window in capacity.windows(world, now) if window.id == SEVEN_DAY)
    if week.used is None or week.resets_at is None:
        return None
    part = 1 - (week.resets_at - now) / capacity.WEEK
    begun = week.resets_at - capacity.WEEK
    runs_out = None
    if week.used > 0 and part > 0:
        at = begun + (now - begun) * (100 / week.used)
        runs_out = at if at < week.resets_at else None
    return Pace(week.used, share(world.settings.capacity.pace, part), week.resets_at, runs_out)


def ahead(world: World, now: datetime) -> Reason | None:
    """Shut while the week is used faster than its pace allows, until the pace has caught up."""
    found = standing(world, now)
    if found is None or found.used <= found.target + SLACK:
        return None
    part = (found.used - SLACK) / 100
    part = part * part if world.settings.capacity.pace == FRONT else part
    until = found.resets_at - capacity.WEEK * (1 - min(part, 1.0))
    return Reason(Why.PACE, SEVEN_DAY, found.used, round(found.target, 2), until)
