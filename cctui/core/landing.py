"""Landing: whether runs at work would break a bound before long, and which of them have to stop.  Pure.

At the end of a window every run hits the wall at once, and a reserve has no wall at all: so the fewest runs that can
keep the bound are stopped shortly before they have to be, the least urgent first, and the rest go on.  It is judged by
the middle of what runs will take: a stop that turns out needless costs as much as one that does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from cctui.core.admission import ROUNDING, Flight, Room, Row
from cctui.core.claims import spends
from cctui.core.order import LAST
from cctui.core.scene import Scene
from cctui.core.world import Halting, Part, Run, Stage, Urgency, Why

LEAD = 90.0
"""Seconds before a bound is met at which runs are stopped: a turn has to end, and a reading is a little old."""
PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Breach:
    """What is to be done about bounds that runs at work would break."""

    known: frozenset[str] = frozenset()
    """Tasks whose use is judged here."""
    victims: Mapping[str, tuple[str, float, bool]] = field(default_factory=dict)
    """Task → window, percent used, and whether the bound is broken already."""


def breach(scene: Scene) -> Breach:
    """The runs that have to stop now."""
    judged = _judged(scene)
    victims: dict[str, tuple[str, float, bool]] = {}
    for danger in _dangers(scene, judged):
        if danger.after <= LEAD:
            for task in danger.victims:
                victims[task] = (danger.window, danger.used, danger.broken)
    return Breach(frozenset(flight.task for flight in judged), victims)


def due(scene: Scene) -> datetime | None:
    """When the next bound has to be looked at; None: none is in danger."""
    told = {run.spec.task for run in scene.world.runs.values() if run.halting is not None}
    moments = [danger.after - LEAD for danger in _dangers(scene, _judged(scene)) if not danger.victims <= told]
    return scene.now + timedelta(seconds=max(min(moments), PATIENCE)) if moments else None


def _judged(scene: Scene) -> list[Flight]:
    """Runs whose use is known well enough."""
    return [
        flight
        for flight in scene.flights()
        if flight.needs and all(0 <= need.rate < inf for need in flight.needs.values())
    ]


@dataclass(frozen=True, slots=True)
class _Danger:
    """A bound that will be broken unless some runs stop, and the seconds that they can still go on."""

    window: str
    used: float
    victims: frozenset[str]
    after: float
    broken: bool
    """It is broken already."""


def _dangers(scene: Scene, flights: list[Flight]) -> Iterator[_Danger]:
    never = scene.world.settings.capacity.soft_landing >= 100
    for room in scene.rooms() if flights else ():
        mine = [flight for flight in flights if room.window in flight.needs]
        for row in room.rows:
            # Room for a person at work is kept by starting nothing, not by stopping anything.
            if row.begin or row.why is Why.PERSON or row.free >= -ROUNDING:
                continue
            if never and row.why is Why.FIT:
                continue  # the wall itself may be met; what is the person's may not
            left = row.free + sum(flight.needs[room.window].until(row.end) for flight in mine)
            victims = _victims(scene, mine, room, row, left)
            rest = sum(_takes(flight, room, row) for flight in mine if flight not in victims)
            rate = sum(flight.needs[room.window].rate for flight in victims)
            if rate > 0:
                names = frozenset(flight.task for flight in victims)
                yield _Danger(room.window, room.used, names, (left - rest) / rate, left <= 0)


def able(run: Run) -> bool:
    """Whether it can be told to stop now, and goes on later where it was."""
    return (
        run.stage is Stage.RUNNING
        and run.ending is None
        and run.part is Part.WORK
        and spends(run)
        and not run.halted
        and not run.halt_at
        and run.halting in (None, Halting.LANDING)
    )


def _stops(run: Run | None) -> bool:
    """Whether it stops when it is told, or has been told already."""
    return run is not None and (run.halting is not None or able(run))


def _takes(flight: Flight, room: Room, row: Row) -> float:
    return flight.middle[room.window].until(row.end)


def _victims(scene: Scene, flights: list[Flight], room: Room, row: Row, left: float) -> list[Flight]:
    """The fewest that have to stop for the others to go on to the bound's end, the least urgent first."""
    urgency = scene.world.line.urgency

    def key(flight: Flight) -> tuple[int, datetime, float]:
        known = urgency.get(flight.task, Urgency(5))
        return (known.priority, known.latest or LAST, _takes(flight, room, row))

    total = sum(_takes(flight, room, row) for flight in flights)
    can = [flight for flight in flights if _stops(scene.by_task.get(flight.task))]
    victims: list[Flight] = []
    for flight in sorted(can, key=key, reverse=True):
        if total <= left + ROUNDING:
            break
        total -= _takes(flight, room, row)
        victims.append(flight)
    for flight in list(victims):
        if total + _takes(flight, room, row) <= left + ROUNDING:
            total += _takes(flight, room, row)
            victims.remove(flight)
    return victims
