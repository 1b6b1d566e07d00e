"""What a task of the plan is predicted to take: the middle of what such work took, or one draw of it.  Pure.

Draws are made from a hash of the seed, the sample and the task, never from a generator that remembers: the same task
has the same luck in every plan that is compared, whatever else has changed in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from cctui.core import capacity, cost
from cctui.core.runners import needs_claude
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Cost, Estimate, Quantiles, Spread, Task, World

FEW, OF_THE_WEEK = 3.0, 0.1
"""Points of the 5-hour window that work of unknown cost takes, and how many of the week come with each."""
HALF = 0.5
"""Part of its time limit that work of unknown length takes."""
LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Likely:
    """What one whole run takes."""

    seconds: float
    points: Mapping[str, float]
    """By window; only those it spends from."""
    guess: str = ""
    """What this rests on, when its own kind is not known."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How work turns out: `of` a whole run of a task, and how much `luck` (0 up to 1: from little to much) it has."""

    world: World
    of: Callable[[Task], Likely]
    luck: Callable[[Task], float]


def middle(world: World) -> Draw:
    """Half of such runs take less."""
    estimates = _estimates(world)

    def of(task: Task) -> Likely:
        known = estimates(task)
        seconds = known.seconds.p50 if known.seconds else None
        return _likely(world, task, known, seconds, {window: points.p50 for window, points in known.points.items()})

    return Draw(world, of, lambda task: 0.5)


def drawn(world: World, seed: int, sample: int) -> Draw:
    """One run of the kind as it has been, cost and length together."""
    estimates = _estimates(world)

    def luck(task: Task) -> float:
        return chance(f"{seed}/{sample}/{task.name}")

    def of(task: Task) -> Likely:
        known, mine = estimates(task), luck(task)
        own = _own(world.costs, task) if not known.guess else None
        if own is not None:
            return _likely(world, task, known, *_one_of(own, mine))
        points = {window: between(some, mine) for window, some in known.points.items()}
        return _likely(world, task, known, between(known.seconds, mine) if known.seconds else None, points)

    return Draw(world, of, luck)


def rest(draw: Draw, task: Task, likely: Likely, worked_s: float) -> float:
    """Seconds that a run which has been at work for so long still takes: as those of its kind did that came as far;
    beyond all of them half as long again."""
    own = _own(draw.world.costs, task)
    longer = [sample - worked_s for sample in own.seconds.ordered if sample > worked_s] if own and own.seconds else []
    if len(longer) > 1:
        return max(cost.between(longer, draw.luck(task)), LEAST_SECONDS)
    return max(likely.seconds - worked_s, worked_s * HALF, LEAST_SECONDS)


def _estimates(world: World) -> Callable[[Task], Estimate]:
    """Of each task as the queue has it; what is not in the queue yet is worked out once for all that ask the same."""
    found: dict[tuple[object, ...], Estimate] = {}

    def estimate(task: Task) -> Estimate:
        key = (task.kind, task.model, task.runner, task.estimated_tokens)
        if key not in found:
            found[key] = cost.estimate(world.costs, task)
        return found[key]

    return estimate


def _likely(world: World, task: Task, known: Estimate, seconds: float | None, points: Mapping[str, float]) -> Likely:
    guess = known.guess
    if seconds is None:
        seconds, guess = HALF * (task.timeout or world.settings.run.default_timeout), guess or "half its time limit"
    spent: dict[str, float] = {}
    if needs_claude(task.runner):
        spent = {window: some for window, some in points.items() if capacity.binds(window, task.model)}
        if FIVE_HOUR not in spent:
            spent[FIVE_HOUR], guess = FEW, guess or "a few points"
        spent.setdefault(SEVEN_DAY, spent[FIVE_HOUR] * OF_THE_WEEK)
    return Likely(max(seconds, LEAST_SECONDS), spent, guess)


# --- one draw --------------------------------------------------------------------------------------------------------


def chance(key: str) -> float:
    """A number from 0 up to 1 that looks like luck and is the same for the same key."""
    return int.from_bytes(blake2b(key.encode(), digest_size=7).digest(), "big") / (1 << 56)


def _own(costs: Mapping[str, Cost], task: Task) -> Cost | None:
    """What `cost.estimate` rests on: the kind with its model, else the kind."""
    same = costs.get(cost.keyed(task.kind, task.model)) if task.model else None
    found = same if same and same.count >= cost.ENOUGH else costs.get(task.kind)
    return found if found and found.count >= cost.ENOUGH else None


def _one_of(own: Cost, luck: float) -> tuple[float | None, dict[str, float]]:
    """The same run's length and points where they were recorded together, else each by the same luck."""
    length = len(own.seconds.samples) if own.seconds else 0
    seconds = own.seconds.samples[int(luck * length)] if own.seconds else None
    points = {window: _same(spread, length, luck) for window, spread in own.points.items()}
    return seconds, points


def _same(spread: Spread, length: int, luck: float) -> float:
    some = spread.samples if len(spread.samples) == length else spread.ordered
    return some[int(luck * len(some))]


LEAST = 0.4
"""The least that work of a guessed cost takes, as part of the guess's middle."""


def between(known: Quantiles, luck: float) -> float:
    """A draw from what is known only by its quantiles: straight lines between them, and as far again beyond."""
    marks = (
        (0.0, known.p50 * LEAST),
        (0.5, known.p50),
        (0.8, known.p80),
        (0.9, known.p90),
        (1.0, known.p90 + (known.p90 - known.p50) / 2),
    )
    for (low, least), (high, most) in pairwise(marks):
        if luck <= high:
            return least + (most - least) * (luck - low) / (high - low)
    return known.p90
