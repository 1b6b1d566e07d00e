"""Cost: what a kind of task takes of every window, in tokens and in time, learned from runs that were done.  Pure.

EMA: new = 0.7 × old + 0.3 × sample, the first sample as it is.  Quantiles are taken over the newest 50 samples with the
inclusive method (Hyndman and Fan 1996, type 7), which never reaches beyond the largest sample seen: the same as
`statistics.quantiles(method="inclusive")`, whose import alone would cost every `ccq` 10 ms.

What is learned is kept by kind, by kind and model, and for all work together: the wide prior of a kind that has been
seen fewer than three times.  An estimate always says what it rests on.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from math import floor
from typing import Any

from cctui.core.runners import needs_claude
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Cost, Estimate, Quantiles, Record, Spread, Task

KEEP, OLD, NEW = 50, 0.7, 0.3
ENOUGH = 3
"""Samples after which what was learned counts more than a prior or the file's hint."""
ALL = ""
"""The key under which all work together is learned."""
HINT = (0.7, 1.3, 1.8)
"""Half, four fifths and nine tenths of the work whose file gives a hint stay under this many times the hint."""
LEAST_SECONDS = 1.0


def learn(costs: Mapping[str, Cost], records: Iterable[Record]) -> dict[str, Cost]:
    """`costs` with every done record of known use added, in order."""
    learned = dict(costs)
    for record in records:
        if not record.success or not (record.tokens or record.window_pct):
            continue
        kind = record.kind or record.task_id
        learned[kind] = _with(learned.get(kind) or Cost(kind, 0), record)
        if record.model:
            key = keyed(kind, record.model)
            learned[key] = _with(learned.get(key) or Cost(kind, 0, record.model), record)
        if record.window_pct is not None or needs_claude(record.runner or "claude"):
            learned[ALL] = _with(learned.get(ALL) or Cost(ALL, 0), record)
    return learned


def keyed(kind: str, model: str) -> str:
    """The key of what a kind costs with one model."""
    return f"{kind}/{model}"


def _with(cost: Cost, record: Record) -> Cost:
    """`cost` with one more run."""
    points = dict(cost.points)
    used = {FIVE_HOUR: record.window_pct, SEVEN_DAY: record.week_pct, _model_week(record.model): record.model_pct}
    for window, spent in used.items():
        if window and spent is not None:
            points[window] = added(points.get(window), spent)
    hours = max(record.duration_s, LEAST_SECONDS) / 3600
    # For all work together tokens are set against points: those of a run whose points nobody knows are left out.
    tokens = record.tokens if cost.kind != ALL or record.window_pct is not None else None
    return Cost(
        kind=cost.kind,
        count=cost.count + 1,
        model=cost.model,
        tokens=added(cost.tokens, tokens) if tokens else cost.tokens,
        seconds=added(cost.seconds, record.duration_s),
        points=points,
        rate=added(cost.rate, record.window_pct / hours) if record.window_pct is not None else cost.rate,
    )


def _model_week(model: str | None) -> str:
    """The week of a model's family: ``seven_day_opus`` for claude-opus-4-8."""
    family = next((part for part in (model or "").lower().split("-") if part.isalpha() and part != "claude"), "")
    return f"{SEVEN_DAY}_{family}" if family else ""


def added(spread: Spread | None, sample: float) -> Spread:
    """`spread` with one more sample; the 51st oldest goes."""
    if spread is None:
        return Spread(sample, (sample,), (sample,), sample, sample, sample)
    ordered = list(spread.ordered)
    insort(ordered, sample)
    samples = (*spread.samples, sample)
    if len(samples) > KEEP:
        del ordered[bisect_left(ordered, samples[0])]
        samples = samples[1:]
    quantiles = (between(ordered, q) for q in (0.5, 0.8, 0.9))
    return Spread(OLD * spread.ema + NEW * sample, samples, tuple(ordered), *quantiles)


def between(ordered: Sequence[float], q: float) -> float:
    """The quantile of samples in order: between the two around place (n - 1) × q, in proportion."""
    place = (len(ordered) - 1) * q
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


# --- what one task is likely to take ---------------------------------------------------------------------------------


def estimate(costs: Mapping[str, Cost], task: Task) -> Estimate:
    """What a run of `task` is likely to take: by its kind and model, its kind, the file's hint, or all work."""
    own = costs.get(task.kind)
    if task.model:
        same = costs.get(keyed(task.kind, task.model))
        own = same if same and same.count >= ENOUGH else own
    if own and own.count >= ENOUGH:
        return Estimate(own.count, "", **_figures(own))
    if not needs_claude(task.runner):
        return Estimate(own.count, "", **_figures(own)) if own else Estimate(0, "nothing is known of it yet")
    return _guess(costs.get(ALL), own, task.estimated_tokens)


def _figures(cost: Cost) -> dict[str, Any]:
    return {
        "tokens": _quantiles(cost.tokens),
        "seconds": _quantiles(cost.seconds),
        "points": {window: _known(spread) for window, spread in cost.points.items()},
        "rate": _quantiles(cost.rate),
    }


def _quantiles(spread: Spread | None) -> Quantiles | None:
    return _known(spread) if spread else None


def _known(spread: Spread) -> Quantiles:
    return Quantiles(spread.p50, spread.p80, spread.p90)


def _guess(everything: Cost | None, own: Cost | None, hint: int | None) -> Estimate:
    """Until a kind has run three times: from its file's hint, else from its few runs, else from all other work."""
    known = everything if everything and everything.count >= ENOUGH else None
    if hint is not None:
        return _hinted(hint, known)
    if own:
        few = "1 run" if own.count == 1 else f"{own.count} runs"
        return Estimate(own.count, f"a guess from {few} of its kind", **_wide(own))
    if everything and not known:
        return Estimate(0, "a guess from very few runs of other kinds", **_wide(everything))
    if known:
        return Estimate(0, "a guess from all kinds", **_figures(known))
    return Estimate(0, "nothing is known of it yet")


def _hinted(hint: int, known: Cost | None) -> Estimate:
    tokens = _spread(float(hint))
    points = {}
    for window in known.points if known else ():
        per_point = _per_point(known, window)
        if per_point:
            points[window] = _spread(hint / per_point)
    seconds = _quantiles(known.seconds) if known else None
    rate = _quantiles(known.rate) if known else None
    return Estimate(0, "a guess from its estimated_tokens", tokens, seconds, points, rate)


def _spread(middle: float) -> Quantiles:
    return Quantiles(*(middle * factor for factor in HINT))


WIDE = (1.0, 1.5, 2.2)


def _wide(cost: Cost) -> dict[str, Any]:
    """The few samples there are, with room above them."""

    def wider(spread: Spread) -> Quantiles:
        return Quantiles(spread.p50, spread.p80 * WIDE[1], spread.p90 * WIDE[2])

    return {
        "tokens": wider(cost.tokens) if cost.tokens else None,
        "seconds": wider(cost.seconds) if cost.seconds else None,
        "points": {window: wider(spread) for window, spread in cost.points.items()},
        "rate": _quantiles(cost.rate),
    }


def tokens_per_point(costs: Mapping[str, Cost], window: str) -> float | None:
    """Tokens that one percent point of a window is worth, from all runs of which both are known; None: too few."""
    known = costs.get(ALL)
    return _per_point(known, window) if known and known.count >= ENOUGH else None


def _per_point(cost: Cost | None, window: str) -> float | None:
    spread = cost.points.get(window) if cost else None
    if cost is None or spread is None or cost.tokens is None or len(spread.samples) < ENOUGH or not sum(spread.samples):
        return None
    together = min(len(cost.tokens.samples), len(spread.samples))
    points = sum(spread.samples[-together:])
    return sum(cost.tokens.samples[-together:]) / points if points > 0 else None
