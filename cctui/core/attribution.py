"""Attribution: who has used what of each window, in percent points.  Pure.

A window only says how much of it is gone.  Whose that was is worked out from one growth of it to the next:

- What it held when it was first seen is nobody's.  A window that opened while we watched held nothing.
- Where runs tell what they have spent (Progress.points), they get exactly that and the person the rest.
- Else runs are known by their tokens.  With tokens per point learned, a run can have used at most SLACK times what its
  tokens since the last growth are worth; the rest is the person's.  Until that is learned, all that is used while one
  of our runs works is ours, shared by tokens, or equally where a run's tokens are not known yet.
- Readings lag behind.  A run may be given points for LATE after its leg has ended; what shows after it was filed is
  still ours, up to what its last tokens are worth, but no longer the run's.  What a run's last tokens are worth is
  put into its record beforehand (core.closing), where that can be told.
- Readings may be whole percents: what nobody of ours can have used is the person's once it comes to a whole point.

Parts are never negative and never shrink within one window, and neither do a run's points.  Estimates (Confidence)
attribute nothing.  A run found at work by an engine that has just begun gets what its window has grown by since its
start, shared by tokens with the others that are found: more than it used, if the person was at work beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from math import exp
from typing import NamedTuple

from cctui.core import capacity, claims
from cctui.core.claims import ALL_OF_IT, LATE, SLACK, Scale, bound
from cctui.core.cost import tokens_per_point
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, ClosedWindow, Confidence, Person, Reading, Run, Share, Stage, World

TRUSTED = (Confidence.EXACT, Confidence.CALIBRATED)
SAME_END = timedelta(minutes=5)
"""How far two sources may differ about when one and the same window ends."""
FALL = 2.0
"""Points a window falls by at least when it is a new one; it also falls to less than half."""
WHOLE, NOISE = 1.0, 0.01
"""Points from which on use that is not ours counts as the person's: by readings, and where runs tell theirs exactly."""
ROUNDING = 1e-9
FADES = 3600.0
"""Seconds after which the person's points count 1/e."""
FORGOTTEN = 86400.0
"""Seconds after which their habit counts 1/e."""


class Seen(NamedTuple):
    """A window as it is now."""

    key: str
    """Of its Share."""
    window: str
    account: str
    used: float
    resets_at: datetime | None


# --- what others ask -------------------------------------------------------------------------------------------------


def standing(world: World, window: str, now: datetime | None = None, account: str = "default") -> Share:
    """Who has used what of a window as it stands; nobody is known of one that has ended or was never seen."""
    share = world.shares.get(key_of(account, window))
    moment = now or world.at
    if share is not None and (share.resets_at is None or moment is None or share.resets_at > moment):
        return share
    used = (capacity.used(world, window, moment, account) if moment else None) or 0.0
    return Share(None, used, used=used)


def measured(world: World, now: datetime) -> World:
    """The World after new readings have been merged into it; the same one when no window has changed."""
    shares: dict[str, Share] = {}
    given: dict[str, dict[str, float]] = {}
    person = world.person
    for seen in _news(world, now):
        old = world.shares.get(seen.key)
        share = _opened(old, seen, now)
        share = _met(world, share, seen.window, seen.account, given)
        share, theirs = _grown(world, share, seen, now, given)
        if share is not old:
            shares[seen.key] = share
        if theirs > 0 and seen.key == FIVE_HOUR:
            person = _at_work(person, theirs, now)
    return _with(world, shares, given, person)


def told(runs: Mapping[str, Run], spent: Mapping[str, Mapping[str, float]]) -> Mapping[str, Run]:
    """The runs with the points that each of them is known to have spent exactly."""
    if not spent:
        return runs
    return {
        name: run
        if (points := spent.get(name)) is None or points == run.progress.points
        else replace(run, progress=replace(run.progress, points=points), points=points)
        for name, run in runs.items()
    }


def met(world: World, now: datetime) -> World:
    """The World after a look has found runs: those of whose beginning nothing was seen get what can be told of it."""
    shares: dict[str, Share] = {}
    given: dict[str, dict[str, float]] = {}
    for key, old in world.shares.items():
        account, _, window = key.rpartition("/")
        share = _met(world, old, window, account or "default", given)
        if share is not old:
            shares[key] = share
    return _with(world, shares, given, world.person)


def filed(world: World, run: Run, now: datetime) -> Mapping[str, Share]:
    """The shares when a run leaves the World: what it has used and no reading shows yet is awaited for a while."""
    shares = dict(world.shares)
    exact = run.progress.points is not None
    for window, share in bound_to(world, run):
        scale = Scale(window, now, 1.0 if exact else claims.price(world, share, run, window), exact)
        claim = claims.claim_of(run, share, scale)
        late, until = share.late, share.late_until
        if claim is not None and claim.units != 0:
            more = ALL_OF_IT if claim.most is None else claim.most
            late, until = min(claims.awaited(share, now) + more, ALL_OF_IT), now + LATE
        if until != share.late_until or run.spec.run_id in share.counted:
            rest = {name: value for name, value in share.counted.items() if name != run.spec.run_id}
            shares[key_of(run.spec.account, window)] = replace(share, counted=rest, late=late, late_until=until)
    return shares


def bound_to(world: World, run: Run) -> Iterator[tuple[str, Share]]:
    """The windows that a run spends from, with their shares."""
    for key, share in world.shares.items():
        window = key.rpartition("/")[2]
        if key == key_of(run.spec.account, window) and bound(run, window):
            yield window, share


def person_seen(world: World, sessions: int, at: datetime | None, now: datetime) -> World:
    """The person's own sessions as they are now; `at`: when one of them last did something."""
    person = world.person
    if at is not None and (person.seen is None or person.seen < min(at, now)):
        person = _at_work(person, 0.0, min(at, now))
    if person.sessions != sessions:
        person = replace(person, sessions=sessions)
    return world if person is world.person else replace(world, person=person)


# --- what is new -----------------------------------------------------------------------------------------------------


def key_of(account: str, window: str) -> str:
    return window if account == "default" else f"{account}/{window}"


def _news(world: World, now: datetime) -> Iterator[Seen]:
    """The windows whose trusted readings show anything else than their shares."""
    shares = world.shares
    news: dict[str, Reading] = {}
    several: set[str] = set()
    met: set[str] = set()
    for reading in world.readings:
        if reading.confidence not in TRUSTED:
            continue
        key = reading.window if reading.account == "default" else key_of(reading.account, reading.window)
        if key in met:
            several.add(key)
        met.add(key)
        share = shares.get(key)
        used = capacity.number(reading)
        if used is not None and (share is None or used != share.used or reading.resets_at != share.resets_at):
            news[key] = reading
    for key, reading in news.items():
        seen = _merged(world, key, reading, now) if key in several else _single(world, key, reading, now)
        if seen is not None:
            yield seen


def _single(world: World, key: str, reading: Reading, now: datetime) -> Seen | None:
    """A window of which one source tells: quicker than asking `capacity`, and the same."""
    old = now - reading.observed_at > timedelta(minutes=world.settings.capacity.blind_after_minutes)
    used = capacity.number(reading)
    if old or used is None or (reading.resets_at is not None and reading.resets_at <= now):
        return None
    return Seen(key, reading.window, reading.account, used, reading.resets_at)


def _merged(world: World, key: str, reading: Reading, now: datetime) -> Seen | None:
    trusted = tuple(other for other in world.readings if other.confidence in TRUSTED)
    known = world if len(trusted) == len(world.readings) else replace(world, readings=trusted)
    for window in capacity.windows(known, now, reading.account):
        if window.id == reading.window and window.used is not None and not window.stale:
            return Seen(key, reading.window, reading.account, window.used, window.resets_at)
    return None


def _opened(old: Share | None, seen: Seen, now: datetime) -> Share:
    """The share that a reading is to be put into: the old one, or that of a new window before any of it was used."""
    if old is None:
        return Share(seen.resets_at, seen.used, used=seen.used, at=now, since=now)
    if (seen.resets_at == old.resets_at and seen.used >= old.used) or _same(old, seen, now):
        return old if old.resets_at or not seen.resets_at else replace(old, resets_at=seen.resets_at)
    over = old.resets_at is not None and old.resets_at <= now + SAME_END
    if over or (old.resets_at is None and old.used == 0):
        # It opened while we watched, so that all of it is ours or the person's.
        return replace(old, resets_at=seen.resets_at, held=0.0, ours=0.0, person=0.0, used=0.0, loose=0.0)
    return Share(seen.resets_at, seen.used, used=seen.used, at=now, since=now)


def _same(old: Share, seen: Seen, now: datetime) -> bool:
    """Whether it is the window of the share still."""
    if seen.used < old.used - FALL and seen.used < old.used / 2:
        return False
    if old.resets_at is None:
        return seen.resets_at is None or old.used > 0
    if seen.resets_at is None:
        return old.resets_at > now
    return seen.resets_at - old.resets_at <= SAME_END


# --- whose it is -----------------------------------------------------------------------------------------------------


def _grown(
    world: World, share: Share, seen: Seen, now: datetime, given: dict[str, dict[str, float]]
) -> tuple[Share, float]:
    """The share with the window's growth divided, and the person's part of that; runs' parts are put into `given`."""
    growth = seen.used - share.used
    old = world.shares.get(seen.key, share)
    crossed = old.resets_at is not None and share.resets_at != old.resets_at and share.since == old.since
    if growth <= 0 and not crossed:
        return share, 0.0
    scale = claims.scale_of(world, seen.window, now)
    found = claims.claims_on(world, share, seen.account, scale)
    parts = claims.divided(growth, found, scale)
    counted = {name: value for name, value in share.counted.items() if name in world.runs}
    late = claims.awaited(share, now)
    for claim, part in zip(found, parts, strict=True):
        if claim.run is None:
            late = max(late - part, 0.0)
            continue
        name = claim.run.spec.run_id
        counted[name] = claims.counted_on(share, claim, part, scale)
        if crossed and claim.units is not None:
            # What did not show went into the window that has ended.
            counted[name] = claim.meter
            unseen = claim.units / scale.per_point - part if scale.per_point else 0.0
            part += max(min(unseen, ALL_OF_IT - old.used), 0.0)
        if part > 0 and not scale.exact and claim.run.stage is not Stage.FILING:
            mine = given.setdefault(name, {})
            mine[seen.window] = mine.get(seen.window, 0.0) + part
    ours = min(sum(parts), growth)
    loose = share.loose + growth - ours
    theirs = loose if loose >= (NOISE if scale.exact else WHOLE) - ROUNDING else 0.0
    share = Share(
        resets_at=share.resets_at,
        held=share.held,
        ours=share.ours + ours,
        person=share.person + theirs,
        used=seen.used,
        at=now,
        since=share.since,
        loose=0.0 if theirs else loose,
        counted=counted,
        late=late,
        late_until=share.late_until if late else None,
    )
    return share, theirs


# --- runs whose beginning nobody saw ---------------------------------------------------------------------------------


def _met(world: World, share: Share, window: str, account: str, given: dict[str, dict[str, float]]) -> Share:
    """The share with the part of the runs that were at work before it was first seen."""
    since, counted = share.since, share.counted
    if since is None:
        return share
    early = [run for run in world.runs.values() if run.spec.started < since and run.spec.run_id not in counted]
    new = [run for run in early if run.spec.account == account and bound(run, window)]
    if not new:
        return share
    tokens = [claims.tokens(run, run.ending) for run in new]
    whole = sum(filter(None, tokens)) if all(tokens) else 0.0
    per_point = tokens_per_point(world.costs, window)
    ours = 0.0
    for run, told in zip(new, tokens, strict=True):
        grown = _since_start(run, share, window)
        if grown is None or run.progress.points is not None or window in run.points:
            continue
        part = grown * (told / whole if whole and told else 1 / len(new))
        part = min(part, SLACK * told / per_point) if per_point and told else part
        given.setdefault(run.spec.run_id, {})[window] = part
        ours += part
    ours = min(ours, share.held)
    marks = {run.spec.run_id: _meter(run, window) for run in new}
    return replace(share, held=share.held - ours, ours=share.ours + ours, counted={**counted, **marks})


def _meter(run: Run, window: str) -> float:
    if run.progress.points is not None:
        return run.points.get(window, 0.0)
    return claims.tokens(run, run.ending) or 0.0


def _since_start(run: Run, share: Share, window: str) -> float | None:
    """Points the window has grown by since a run began, of those it holds now; None: it was not known then."""
    before = {FIVE_HOUR: run.spec.capacity_before, SEVEN_DAY: run.spec.week_before}.get(window)
    if before is None:
        return None
    reset = share.resets_at is not None and share.resets_at - capacity.length(window) > run.spec.started + SAME_END
    return share.used if reset or share.used < before - FALL else max(share.used - before, 0.0)


# --- putting it together ---------------------------------------------------------------------------------------------


def remembered(windows: Iterable[ClosedWindow]) -> Person:
    """The person as closed windows show them: after a start their habit is known before they are seen again."""
    person = Person()
    for window in windows:
        if window.window == FIVE_HOUR and window.person >= WHOLE:
            person = _at_work(person, window.person, window.ended)
    return person


def _at_work(person: Person, points: float, at: datetime) -> Person:
    """The person was seen at work, having used this much more."""
    gone = max((at - person.seen).total_seconds(), 0.0) if person.seen else 0.0
    points_now = person.points * exp(-gone / FADES) + points
    return Person(person.sessions, at, points_now, person.habit * exp(-gone / FORGOTTEN) + points)


def _with(world: World, shares: Mapping[str, Share], given: Mapping[str, Mapping[str, float]], person: Person) -> World:
    if not shares and not given and person is world.person:
        return world
    runs = world.runs if not given else {**world.runs, **dict(_given(world.runs, given.items()))}
    return replace(world, shares={**world.shares, **shares}, runs=runs, person=person)


def _given(runs: Mapping[str, Run], given: Iterable[tuple[str, Mapping[str, float]]]) -> Iterator[tuple[str, Run]]:
    for name, parts in given:
        run = runs[name]
        points = {window: run.points.get(window, 0.0) + part for window, part in parts.items()}
        yield name, replace(run, points={**run.points, **points})
