"""Claims: what runs of ours may have used of a window's growth, and how it is divided among them.  Pure.

A claim is measured in tokens, or in points where runs tell those exactly.  It is what a run has spent since it was
last counted; what no reading has shown yet stays claimed for a while, because readings lag behind the work.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cctui.core.capacity import binds
from cctui.core.cost import tokens_per_point
from cctui.core.runners import needs_claude
from cctui.core.world import Ending, Part, Run, Share, Stage, World

LATE = timedelta(minutes=10)
"""How long after its use a run's points may still show: three questions to a source that is asked every 3 minutes."""
SLACK = 1.25
"""How many times its expected points a run is believed to have used."""
ALL_OF_IT = 100.0


class Scale(NamedTuple):
    """How runs are measured in one window at one moment."""

    window: str
    now: datetime
    per_point: float | None
    """Units to a percent point; None: not learned yet."""
    exact: bool
    """Runs tell their points: a unit is a point."""


class Claim(NamedTuple):
    """Somebody of ours who may have used some of a growth."""

    run: Run | None
    """None: runs that were filed since."""
    units: float | None
    """Tokens or points since it was last counted; None: not known."""
    most: float | None
    """Points it may have used; None: any number."""
    meter: float = 0.0
    """Tokens or points up to now."""


def scale_of(world: World, window: str, now: datetime) -> Scale:
    if any(run.progress.points is not None for run in world.runs.values()):
        return Scale(window, now, 1.0, exact=True)
    return Scale(window, now, tokens_per_point(world.costs, window), exact=False)


def claims_on(world: World, share: Share, account: str, scale: Scale) -> list[Claim]:
    """All who may have used some of what a window has just grown by."""
    claims = []
    for run in world.runs.values():
        if run.spec.account == account and bound(run, scale.window):
            claim = claim_of(run, share, scale)
            if claim is not None:
                claims.append(claim)
    late = awaited(share, scale.now)
    if late > 0 and (scale.per_point is not None or not claims):
        amount = None if late >= ALL_OF_IT else late
        claims.append(Claim(None, amount, amount))
    return claims


def claim_of(run: Run, share: Share, scale: Scale) -> Claim | None:
    """What a run may have used that has not shown yet; None: nothing."""
    if scale.exact:
        meter = run.points.get(scale.window, 0.0)
        units = max(meter - counted(share, run, meter), 0.0)
        return Claim(run, units, units, meter)
    working = _working(run)
    if not working and not _lately(run, scale.now):
        return None
    told = tokens(run, run.ending)
    if told is None:
        return Claim(run, None, None)
    units = max(told - counted(share, run, told), 0.0)
    said_more = share.at is not None and run.heard is not None and run.heard >= share.at
    if not units and working and said_more:
        return Claim(run, None, None)  # the tokens of this leg are told only at its end
    if scale.per_point is None:
        return Claim(run, units, None, told) if units or working else None
    most = SLACK * units / scale.per_point
    if run.stage is not Stage.FILING:  # whose points hold already what is still to show
        most = min(most, SLACK * told / scale.per_point - run.points.get(scale.window, 0.0))
    return Claim(run, units, max(most, 0.0), told)


def divided(growth: float, claims: list[Claim], scale: Scale) -> list[float]:
    """Points for each claim, together no more than the growth."""
    known = all(claim.units is not None for claim in claims)
    if scale.per_point is None and any(claim.run for claim in claims):
        weights = [claim.units or 0.0 for claim in claims]
        if not known or not sum(weights):
            weights = [1.0] * len(claims)
        whole = sum(weights)
        return [growth * weight / whole for weight in weights]
    most = [claim.most or 0.0 for claim in claims]
    if known:
        whole = sum(most)
        part = min(growth / whole, 1.0) if whole > 0 else 0.0
        return [points * part for points in most]
    # Who is known gets what is expected of it, and those who are not known share the rest.
    likely = [points / SLACK for points in most]
    whole = sum(likely)
    part = min(growth / whole, 1.0) if whole > 0 else 0.0
    rest = max(growth - whole * part, 0.0) / sum(claim.units is None for claim in claims)
    return [rest if claim.units is None else points * part for claim, points in zip(claims, likely, strict=True)]


def counted_on(share: Share, claim: Claim, given: float, scale: Scale) -> float:
    """Up to where a run is counted once it was given points.  What did not show may show later, but at each growth no
    more than half of it is still awaited: a run that spends less than expected gathers no credit."""
    if claim.units is None:
        return share.counted.get(claim.run.spec.run_id, 0.0) if claim.run else 0.0
    if scale.per_point is None:
        return claim.meter
    shown = claim.meter - claim.units + given * scale.per_point
    return min(shown if scale.exact else max(shown, claim.meter - claim.units / 2), claim.meter)


def counted(share: Share, run: Run, meter: float) -> float:
    """Up to where a run has been counted: from its start, unless it began before anybody watched."""
    known = share.counted.get(run.spec.run_id)
    if known is not None:
        return known
    return 0.0 if share.since is None or run.spec.started >= share.since else meter


def awaited(share: Share, now: datetime) -> float:
    """Points of filed runs that may still show."""
    return share.late if share.late_until is not None and share.late_until >= now else 0.0


def spends(run: Run) -> bool:
    """Whether its current leg spends the windows of the plan."""
    return needs_claude(run.spec.runner) and run.part not in (Part.CHECK, Part.SETUP)


def bound(run: Run, window: str) -> bool:
    """Whether the run spends from the window."""
    return needs_claude(run.spec.runner) and binds(window, run.spec.model or run.progress.model)


def price(world: World, share: Share, run: Run, window: str) -> float | None:
    """Tokens per point: as learned, else as this run itself has shown so far."""
    learned = tokens_per_point(world.costs, window)
    if learned:
        return learned
    shown, points = share.counted.get(run.spec.run_id, 0.0), run.points.get(window, 0.0)
    return shown / points if shown > 0 and points > 0 else None


def tokens(run: Run, ending: Ending | None) -> float | None:
    """Tokens over all legs so far, as far as they have been told."""
    result = ending.result if ending else None
    told = result.tokens.total if result and result.tokens else 0
    most = max(told, run.progress.tokens or 0)
    return float(most) if most else None


def _working(run: Run) -> bool:
    """Whether its leg spends now."""
    return run.stage in (Stage.RUNNING, Stage.LAUNCHING) and run.ending is None and spends(run)


def _lately(run: Run, now: datetime) -> bool:
    """Whether it spent so lately that readings may not show it yet."""
    ended = run.ending or run.last
    return ended is not None and now - ended.ended <= LATE
