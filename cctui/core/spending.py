"""The gates of work that spends the windows: fullness, blindness, pace, portions, room, and what is kept for whom.
Pure.

Where the windows and a task's cost are known, admission by cost decides; the plain maxima remain for blind times, for
work of which nothing is known, and as firm limits that a person has set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cctui.core import admission, capacity, pacing, portions, reserve
from cctui.core.admission import Miss, Need
from cctui.core.runners import needs_claude
from cctui.core.scene import Caution, Scene
from cctui.core.world import FIVE_HOUR, Reason, Stage, Task, Why

GATES = frozenset({Why.QUIET, Why.CAPACITY, Why.BLIND, Why.PACE, Why.SHARE, Why.FIT, Why.RESERVE, Why.PERSON})


def quiet(scene: Scene, task: Task) -> Reason | None:
    """Hours of the week in which no Claude work starts."""
    quiets = scene.world.settings.capacity.quiet
    if not quiets or not needs_claude(task.runner):
        return None
    until = reserve.quiet_until(quiets, scene.world.zone, scene.now)
    return Reason(Why.QUIET, until=until) if until else None


def full(scene: Scene, task: Task) -> Reason | None:
    """The plain maxima, for as long as nothing better is known."""
    if not needs_claude(task.runner) or scene.by_cost(task):
        return None
    if task.model not in scene.shut:
        scene.shut[task.model] = capacity.shut(scene.world, task.model, scene.now)
    return scene.shut[task.model]


def blind(scene: Scene, task: Task) -> Reason | None:
    shut = scene.blind and scene.claude_live > 0 and needs_claude(task.runner)
    return Reason(Why.BLIND, value=float(scene.claude_live), threshold=1.0) if shut else None


def pace(scene: Scene, task: Task) -> Reason | None:
    """The week's pace, when it is not to be spent as it comes."""
    if scene.world.settings.capacity.pace == pacing.USE or not needs_claude(task.runner):
        return None
    if "pace" not in scene.found:
        scene.found["pace"] = pacing.ahead(scene.world, scene.now)
    found: Reason | None = scene.found["pace"]
    return found


def portion(scene: Scene, task: Task) -> Reason | None:
    """What tasks of its tag or project may take, and what is kept for those of others."""
    if not scene.world.settings.capacity.portion or not scene.by_cost(task):
        return None
    return portions.shut(scene.world, scene.rooms(), task, needs(scene, task), scene.now)


def person(scene: Scene, task: Task) -> Reason | None:
    """A person at work with Claude: new work yields for a while, and leaves room for what they are likely to use."""
    yields = timedelta(minutes=scene.world.settings.capacity.person_yields)
    seen = scene.world.person.seen
    if (
        yields
        and needs_claude(task.runner)
        and scene.world.person.sessions
        and seen
        and seen <= scene.now < seen + yields
    ):
        return Reason(Why.PERSON, value=float(scene.world.person.sessions), until=seen + yields)
    return _room(scene, task, Why.PERSON)


def gate(why: Why) -> Callable[[Scene, Task], Reason | None]:
    """The gate for bounds of one sort."""

    def shut(scene: Scene, task: Task) -> Reason | None:
        return _room(scene, task, why)

    return shut


def _room(scene: Scene, task: Task, why: Why) -> Reason | None:
    miss = misses(scene, task) if scene.by_cost(task) else None
    if miss is None or _sort(miss.why) is not why:
        return None
    return Reason(why, miss.window, miss.need, miss.free, admission.moment(scene.now, miss.after))


def _sort(why: Why) -> Why:
    return Why.FIT if why is Why.SHARE else why


# --- room ------------------------------------------------------------------------------------------------------------


def needs(scene: Scene, task: Task, quantile: str = Caution.LIKELY) -> Mapping[str, Need]:
    """What the task is likely to take of each window from now on."""
    run = scene.by_task.get(task.name)
    if run is not None and run.stage is Stage.PARKED:
        return _of_model(admission.parked(scene.world, run, quantile), task)
    estimate = scene.estimate(task)
    if estimate is None:
        return {}
    key = f"{quantile}/{id(estimate)}/{task.model}"
    if key not in scene.found:
        scene.found[key] = _of_model(admission.needs(estimate, quantile), task)
    found: Mapping[str, Need] = scene.found[key]
    return found


def _of_model(needs: Mapping[str, Need], task: Task) -> Mapping[str, Need]:
    return {window: need for window, need in needs.items() if capacity.binds(window, task.model)}


def misses(scene: Scene, task: Task) -> Miss | None:
    """The bound that the task would break if it started now; None: it fits."""
    if task.name in scene.by_task:
        return _misses(scene, task)
    key = f"misses/{id(scene.estimate(task))}/{task.model}"
    if key not in scene.found:
        scene.found[key] = _misses(scene, task)
    found: Miss | None = scene.found[key]
    return found


def _misses(scene: Scene, task: Task) -> Miss | None:
    if scene.caution is not Caution.BOLD:
        return fits(scene, task, scene.caution)
    found = fits(scene, task, Caution.LIKELY)
    if found is None or found.window == FIVE_HOUR or found.after < LONG or fits(scene, task, Caution.BOLD):
        return found
    return None


LONG = 2.5 * 3600
"""Seconds of waiting for a week that are worth the risk of being landed; of a 5-hour window the rest is used up by
what begins late in it and goes on in the next."""


def fits(scene: Scene, task: Task, caution: Caution) -> Miss | None:
    """The bound that a run of the task would break, if it takes as much as this part of such runs do at most."""
    mine = needs(scene, task, caution)
    rooms = _bold(scene.rooms()) if caution is Caution.BOLD else scene.rooms()
    found = admission.miss(rooms, mine)
    if found is None and task.name in scene.by_task:
        return _hardly(scene.rooms(), mine)
    return found


def _bold(rooms: tuple[admission.Room, ...]) -> tuple[admission.Room, ...]:
    """A week is long: what is left of it is used up to its bound rather than kept for days until something fits."""
    return tuple(
        room
        for room in rooms
        if room.window == FIVE_HOUR or room.ends < admission.FIVE_HOURS or any(row.free < CRUMB for row in room.rows)
    )


CRUMB = 0.25
"""Points of a week that are not worth a start."""
WORTH = 2.0
"""Points that a parked run must be able to spend before the next reset to go on in this window: resuming costs too."""


def _hardly(rooms: tuple[admission.Room, ...], needs: Mapping[str, Need]) -> Miss | None:
    for room in rooms:
        need = needs.get(room.window)
        if need is not None and room.window == FIVE_HOUR and need.until(room.ends) < min(WORTH, need.points):
            after = max(room.ends, 1.0)
            return Miss(Why.FIT, room.window, need.points, need.until(room.ends), after, after)
    return None


# --- reservations and back-fill --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reservation:
    """The next opening, held by the most urgent task that waits for room and nothing else."""

    task: str
    at: datetime
    seconds: float
    """Until then."""
    rooms: tuple[admission.Room, ...]
    """What is left to others, once it has been served at its opening."""
    place: int
    """Its place in the queue; what is before it is more urgent still.  -1: a parked run."""


def reserve_for(scene: Scene, task: Task, miss: Miss, place: int) -> Reservation:
    claim = {window: need._replace(delay=miss.opens) for window, need in needs(scene, task).items()}
    rooms = admission.with_claim(scene.rooms(), claim)
    return Reservation(task.name, admission.moment(scene.now, miss.opens), miss.opens, rooms, place)


def delays(scene: Scene, task: Task, held: Reservation | None) -> Reason | None:
    """Whether starting `task` now would, by the estimates, take from a reservation its room or its slot."""
    if held is None or task.name == held.task or place(scene, task.name) < held.place:
        return None
    if task.name in scene.by_task:
        return _delays(scene, task, held)
    key = f"delays/{id(scene.estimate(task))}/{task.model}"
    if key not in scene.found:
        scene.found[key] = _delays(scene, task, held)
    found: Reason | None = scene.found[key]
    return found


def place(scene: Scene, name: str) -> int:
    """Place in the queue; -1 for what is not in it any more."""
    if "places" not in scene.found:
        scene.found["places"] = {name: number for number, name in enumerate(scene.world.line.order)}
    found: int = scene.found["places"].get(name, -1)
    return found


def _delays(scene: Scene, task: Task, held: Reservation) -> Reason | None:
    mine = needs(scene, task, scene.caution)
    slots = scene.world.settings.run.slots
    busy = sum(flight.seconds > held.seconds for flight in scene.flights())
    slot_taken = busy + (_lasts(scene, task) > held.seconds) >= slots
    bold = scene.caution is Caution.BOLD and held.seconds >= LONG
    miss = admission.miss(_bold(held.rooms) if bold else held.rooms, mine)
    if miss is None and not slot_taken:
        return None
    taken = miss.need if miss else None
    return Reason(Why.RESERVED, held.task, taken, miss.free if miss else None, held.at)


def _lasts(scene: Scene, task: Task) -> float:
    estimate = scene.estimate(task)
    return admission.lasts(estimate, Caution.LIKELY) if estimate else 0.0
