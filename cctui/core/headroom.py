"""Headroom: what each window has left, and whose the rest is: used, claimed by our runs, the person's, free.  Pure.

The four parts of a window add up to all of it; an unknown part is None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from cctui.core import admission, capacity, pacing, reserve
from cctui.core.capacity import Window
from cctui.core.claims import spends
from cctui.core.scene import Scene
from cctui.core.world import FIVE_HOUR, SEVEN_DAY


@dataclass(frozen=True, slots=True)
class Level:
    """One window in percent points."""

    window: Window
    ours: float | None
    """What our runs in flight will still take of it before its reset."""
    kept: float | None
    """What is the person's of the rest: the reserve, or room for their work at this time."""
    free: float | None
    """What new work may still take."""
    hours: float
    """The reserve that the settings name for this moment, used already or not."""

    @property
    def used(self) -> float | None:
        return self.window.used


def levels(scene: Scene, account: str = "default") -> tuple[Level, ...]:
    """Every window of an account, the 5-hour window first."""
    world, now = scene.world, scene.now
    flights = scene.flights() if account == "default" else ()
    rooms = {room.window: room for room in admission.rooms(world, now, flights, account)}
    hours = reserve.in_force(world.settings.capacity.reserve, world.zone, now)
    claimed = account != "default" or _claims_known(scene)
    found = []
    for window in capacity.windows(world, now, account):
        mine = hours[FIVE_HOUR if window.id == FIVE_HOUR else SEVEN_DAY]
        room = rooms.get(window.id)
        if room is None:
            found.append(Level(window, 0.0 if not flights else None, mine, None, mine))
        elif not claimed:
            found.append(Level(window, None, mine, None, mine))
        else:
            free = max(min(row.free for row in room.rows if not row.begin), 0.0) if room.used < 100 else 0.0
            ours = min(room.claimed, max(100 - room.used, 0.0))
            kept = max(100 - room.used - ours - free, 0.0)
            found.append(Level(window, ours, kept, free, mine))
    return tuple(found)


def _claims_known(scene: Scene) -> bool:
    """Whether of every run that spends it is known what it will still take."""
    spending = {run.spec.task for run in scene.world.runs.values() if spends(run)}
    return all(flight.needs for flight in scene.flights() if flight.task in spending)


@dataclass(frozen=True, slots=True)
class Headroom:
    """Of one account: the 5-hour window's claim and reserve, and the points that its tightest window has free."""

    claimed: float | None
    reserve: float | None
    free: float | None


def headroom(found: tuple[Level, ...]) -> Headroom:
    five = found[0]
    both = [level.free for level in found if level.window.id in (FIVE_HOUR, SEVEN_DAY) and level.used is not None]
    known = [free for free in both if free is not None]
    whole = five.free is not None and len(known) == len(both)
    return Headroom(five.ours, five.kept, min(known) if whole else None)


def pace(scene: Scene) -> pacing.Pace | None:
    """The week against its pace; None: not known."""
    return pacing.standing(scene.world, scene.now)
