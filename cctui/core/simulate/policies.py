"""The policies by name, and the two plain ones to compare with: `fifo` and `seed`.  Deterministic; pure.

Those two run one task at a time whatever the slots, start and resume nothing while a window stands above 90, resume
what is parked before anything new, and know no reserve.  All they look at changes only at events: they need no alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cctui.core.simulate.drive import Cctui
from cctui.core.simulate.scenario import FULL, TINY, Known
from cctui.core.simulate.sight import NOTHING, Choice, Policy, Sight, Waiting

GATE = 90.0
OLD, NEW = 0.7, 0.3


class Fifo:
    """First in, first out."""

    name = "fifo"

    def decide(self, sight: Sight) -> Choice:
        if held(sight):
            return NOTHING
        if sight.parked:
            return Choice(starts=(sight.parked[0].task.name,))
        for waiting in sight.waiting:  # they come by arrival, then place in the file
            if not waiting.unmet:
                return Choice(starts=(waiting.task.name,))
        return NOTHING


def held(sight: Sight) -> bool:
    """A run is in flight, or a window stands above the gate."""
    if sight.in_flight or sight.seven_day.used > GATE + TINY:
        return True
    return sight.five_hour is not None and sight.five_hour.used > GATE + TINY


@dataclass(frozen=True, slots=True)
class Points:
    five_hour: float
    seven_day: float


class Averages:
    """Moving averages of what finished runs cost, per kind and over all, in points of both windows."""

    def __init__(self) -> None:
        self._kinds: dict[str, Points] = {}
        self._all: Points | None = None

    def learn(self, kind: str, five_hour: float, seven_day: float) -> None:
        new = Points(five_hour, seven_day)
        self._kinds[kind] = _averaged(self._kinds.get(kind), new)
        self._all = _averaged(self._all, new)

    def estimate(self, kind: str) -> Points:
        """Of the kind; of all without samples of the kind; 0 without any."""
        return self._kinds.get(kind) or self._all or Points(0.0, 0.0)


def _averaged(old: Points | None, new: Points) -> Points:
    if old is None:
        return new
    five = OLD * old.five_hour + NEW * new.five_hour
    return Points(five, OLD * old.seven_day + NEW * new.seven_day)


class Seed:
    """By priority, deadline and estimated cost, among the tasks whose estimate fits both windows."""

    name = "seed"

    def __init__(self, known: Known) -> None:
        self._averages = Averages()
        for past in known.observed:
            self._averages.learn(past.kind, past.five_hour, past.seven_day)

    def decide(self, sight: Sight) -> Choice:
        for done in sight.finished:
            self._averages.learn(done.task.kind, done.five_hour, done.seven_day)
        if held(sight):
            return NOTHING
        if sight.parked:
            return Choice(starts=(sight.parked[0].task.name,))
        chosen = min(self._fitting(sight), key=self._order, default=None)
        return Choice(starts=(chosen.task.name,)) if chosen else NOTHING

    def _fitting(self, sight: Sight) -> Iterable[Waiting]:
        """Ready tasks whose estimates are strictly below what is left."""
        five = FULL - (sight.five_hour.used if sight.five_hour else 0.0) - TINY
        seven = FULL - sight.seven_day.used - TINY
        for waiting in sight.waiting:
            if not waiting.unmet:
                likely = self._averages.estimate(waiting.task.kind)
                if likely.five_hour < five and likely.seven_day < seven:
                    yield waiting

    def _order(self, waiting: Waiting) -> tuple[int, float, float, float, int]:
        task = waiting.task
        deadline = float("inf") if task.deadline is None else task.deadline
        likely = round(self._averages.estimate(task.kind).five_hour, 9)  # rounding must not part what is equal
        return (task.priority, deadline, likely, task.arrives, task.place)


POLICIES: dict[str, Callable[[Known], Policy]] = {"cctui": Cctui, "seed": Seed, "fifo": lambda known: Fifo()}
"""Each makes a policy for one run through one scenario."""
