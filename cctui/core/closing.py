"""Closing: what a run has used of each window in all, put down when it is about to be filed.  Pure.

Readings lag behind the work, so what a run's last tokens are worth is added beforehand where that can be told.  A run
whose points nobody could tell apart gets what its window grew by, if only it can have been the cause; else its points
stay unknown.  Once it is being filed nothing is added any more: filing it twice writes the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from cctui.core import capacity, claims
from cctui.core.attribution import bound_to, key_of
from cctui.core.runners import needs_claude
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Ending, Run, Stage, World


def closing(world: World, run: Run, ending: Ending, now: datetime) -> tuple[World, Run]:
    """The run with all its points; the World because what is added is no longer to be counted as it shows."""
    if run.stage is Stage.FILING or run.progress.points is not None:
        return world, run
    points, shares = dict(run.points), dict(world.shares)
    told = claims.tokens(run, ending)
    for window, share in bound_to(world, run):
        per_point = claims.price(world, share, run, window)
        if told is not None and per_point:
            had = points.get(window, 0.0)
            unseen = min((told - claims.counted(share, run, told)) / per_point, told / per_point - had)
            unseen = max(min(unseen, claims.ALL_OF_IT - share.used), 0.0)
            points[window] = had + unseen
            counted = {**share.counted, run.spec.run_id: told - unseen * per_point}
            shares[key_of(run.spec.account, window)] = replace(share, counted=counted)
    if FIVE_HOUR not in points and _alone(world, run, ending):
        points = _grown(world, run, ending, now) | points
    if points == run.points:
        return world, run
    return replace(world, shares=shares), replace(run, points=points)


def _alone(world: World, run: Run, ending: Ending) -> bool:
    """Whether nothing else is known to have used the windows while the run was open."""
    spec = run.spec
    others = any(other.spec.run_id != spec.run_id and needs_claude(other.spec.runner) for other in world.runs.values())
    lately = takewhile(lambda record: (record.ended or spec.started) >= spec.started, reversed(world.records))
    filed = any(needs_claude(record.runner or "") and record.run_id != spec.run_id for record in lately)
    seen = world.person.seen
    person = seen is not None and spec.started <= seen <= ending.ended + claims.LATE
    return needs_claude(spec.runner) and not others and not filed and not person


def _grown(world: World, run: Run, ending: Ending, now: datetime) -> dict[str, float]:
    """What the windows grew by; without those that were reset in between (they fell), or cannot show it yet."""
    spec = run.spec
    before = {FIVE_HOUR: spec.capacity_before, SEVEN_DAY: spec.week_before}
    found = {}
    for window in capacity.windows(world, now, spec.account):
        old = before.get(window.id)
        if old is None or window.used is None or window.used < old or window.stale or window.observed_at is None:
            continue
        if window.observed_at >= (ending.ended if window.used == old else spec.started):
            found[window.id] = window.used - old
    return found
