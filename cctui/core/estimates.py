"""What has been learned of work, and how well estimates made from it have held.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cctui.core.cost import ALL, between, estimate, learn
from cctui.core.world import FIVE_HOUR, Cost, Phase, Quantiles, Record, Spread, Task, World

NEWEST = 200
"""Runs that estimates are held against: all is learned once more for it."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How estimates held against what came: of good ones half stay under p50, four fifths under p80."""

    count: int
    under_p50: float | None
    under_p80: float | None
    ratio: float | None
    """Median of actual ÷ p50."""


def accuracy(records: Sequence[Record]) -> dict[str, Accuracy]:
    """The newest done runs, each against what could be learned from those before it; guesses are left out."""
    pairs: dict[str, list[tuple[float, Quantiles]]] = {"tokens": [], "seconds": [], FIVE_HOUR: []}
    costs: dict[str, Cost] = {}
    for record in records[-NEWEST:]:
        if record.success:
            for name, actual, known in _predicted(costs, record):
                pairs[name].append((actual, known))
        costs = learn(costs, (record,))
    return {name: _accuracy(found) for name, found in pairs.items()}


def _predicted(costs: Mapping[str, Cost], record: Record) -> Iterator[tuple[str, float, Quantiles]]:
    kind = record.kind or record.task_id
    runner = record.runner or "claude"
    known = estimate(costs, Task(record.task_id, "", Phase.COMPLETED, kind=kind, model=record.model, runner=runner))
    if known.guess:
        return
    if known.tokens and record.tokens:
        yield "tokens", float(record.tokens), known.tokens
    if known.seconds:
        yield "seconds", record.duration_s, known.seconds
    if (points := known.points.get(FIVE_HOUR)) and record.window_pct is not None:
        yield FIVE_HOUR, record.window_pct, points


def _accuracy(pairs: list[tuple[float, Quantiles]]) -> Accuracy:
    if not pairs:
        return Accuracy(0, None, None, None)
    ratios = sorted(actual / known.p50 for actual, known in pairs if known.p50 > 0)
    return Accuracy(
        len(pairs),
        sum(actual <= known.p50 for actual, known in pairs) / len(pairs),
        sum(actual <= known.p80 for actual, known in pairs) / len(pairs),
        between(ratios, 0.5) if ratios else None,
    )


@dataclass(frozen=True, slots=True)
class Learned:
    """One figure of a kind of work."""

    ema: float
    p50: float
    p80: float
    p90: float
    count: int
    """Samples that the quantiles rest on: the newest 50 at most."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is learned of a kind of work, with one model or with any."""

    kind: str
    model: str | None
    runs: int
    tokens: Learned | None
    seconds: Learned | None
    points: Mapping[str, Learned]
    """By window."""


def learned(world: World) -> tuple[Kind, ...]:
    """All that is learned, by kind and model; last what all work together comes to, under no name."""
    costs = sorted(world.costs.items(), key=lambda item: (item[0] == ALL, item[1].kind, item[1].model or ""))
    return tuple(
        Kind(
            cost.kind,
            cost.model,
            cost.count,
            _learned(cost.tokens) if cost.tokens else None,
            _learned(cost.seconds) if cost.seconds else None,
            {window: _learned(spread) for window, spread in cost.points.items()},
        )
        for _, cost in costs
    )


def _learned(spread: Spread) -> Learned:
    return Learned(spread.ema, spread.p50, spread.p80, spread.p90, len(spread.samples))
