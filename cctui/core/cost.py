"""Cost: what a kind of task costs in tokens, learned from runs that were done.  Pure.

EMA: new = 0.7 × old + 0.3 × sample, the first sample as it is.  Quantiles are taken over the newest 50 samples with the
inclusive method (Hyndman and Fan 1996, type 7), which never reaches beyond the largest sample seen: the same as
`statistics.quantiles(method="inclusive")`, whose import alone would cost every `ccq` 10 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import floor

from cctui.core.world import Cost, Record, Task

KEEP, OLD, NEW = 50, 0.7, 0.3
ENOUGH = 3
"""Samples after which what was learned counts more than the file's hint."""


def learn(costs: Mapping[str, Cost], records: Iterable[Record]) -> dict[str, Cost]:
    """`costs` with every done record of known tokens added, in order."""
    samples: dict[str, list[tuple[int, float]]] = {}
    for record in records:
        if record.success and record.tokens:
            samples.setdefault(record.kind or record.task_id, []).append((record.tokens, record.duration_s))
    return {**costs, **{kind: _with(costs.get(kind), kind, new) for kind, new in samples.items()}}


def _with(cost: Cost | None, kind: str, new: list[tuple[int, float]]) -> Cost:
    ema = cost.ema if cost else float(new[0][0])
    for sample, _ in new if cost else new[1:]:
        ema = OLD * ema + NEW * sample
    tokens = ((cost.samples if cost else ()) + tuple(sample for sample, _ in new))[-KEEP:]
    times = ((cost.durations if cost else ()) + tuple(seconds for _, seconds in new))[-KEEP:]
    return Cost(
        kind=kind,
        count=(cost.count if cost else 0) + len(new),
        ema=ema,
        samples=tokens,
        p50=quantile(tokens, 0.5),
        p80=quantile(tokens, 0.8),
        p90=quantile(tokens, 0.9),
        duration_p50=quantile(times, 0.5),
        durations=times,
    )


def quantile(samples: Sequence[float], q: float) -> float:
    """Between the two samples around place (n - 1) × q, in proportion."""
    ordered = sorted(samples)
    place = (len(ordered) - 1) * q
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def estimate(costs: Mapping[str, Cost], task: Task) -> int | None:
    """Tokens a run of `task` is likely to cost; None when nothing is known of its kind."""
    cost = costs.get(task.kind)
    if cost and (cost.count >= ENOUGH or task.estimated_tokens is None):
        return round(cost.ema)
    return task.estimated_tokens
