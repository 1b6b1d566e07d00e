"""Capacity of five-hour windows that expired while a task could have used it, in points.  Pure.

Computed from the trace alone, after the fact: every window that was reset inside the scenario (at its end included),
and every stretch in which none was open, which counts as one window that offered 20 points an hour.  It belongs to the
week in which it ended; one that ends with the week belongs to the week that ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from cctui.core.simulate.reserve import Span, just_before
from cctui.core.simulate.scenario import FULL, INSTANT, TINY, Scenario
from cctui.core.simulate.trace import Job, Piece, Trace

POINTS_AN_HOUR = 20.0


@dataclass(frozen=True, slots=True)
class Lapse:
    """A window that expired, or a stretch without one.  held: points it held at the scenario's start."""

    pieces: tuple[Piece, ...]
    offer: float
    held: float
    room: float

    @property
    def ends(self) -> float:
        return self.pieces[-1].ends


def idle_ready_points(scenario: Scenario, trace: Trace, reserve: list[Span]) -> float:
    """Summed over the weeks, each scaled down to what it had left."""
    dearest = sorted(trace.jobs, key=lambda job: (-job.spec.five_hour / job.spec.duration_s, job.spec.place))
    weeks: dict[int, list[tuple[float, float]]] = {}
    for lapse in _lapses(scenario, trace, reserve):
        if lapse.room > TINY:
            weeks.setdefault(lapse.pieces[-1].week, []).append(_lost(lapse, dearest, reserve))
    total = 0.0
    for place, lost in weeks.items():
        five, seven = sum(points for points, _ in lost), sum(points for _, points in lost)
        left = _week_left(scenario, trace, place, reserve)
        total += five * left / seven if seven > left else five
    return total


def _week_left(scenario: Scenario, trace: Trace, place: int, reserve: list[Span]) -> float:
    """What a week had left at its end or the scenario's, less what the person had not used of the reserve."""
    week = trace.weeks[place]
    _, share = just_before(reserve, min(week.ends, scenario.length))
    return max(0.0, FULL - week.used - max(0.0, share - week.by_person))


def _lapses(scenario: Scenario, trace: Trace, reserve: list[Span]) -> Iterator[Lapse]:
    for place, group in groupby(trace.pieces, key=lambda piece: piece.five):
        pieces = tuple(group)
        share, _ = just_before(reserve, pieces[-1].ends)
        if place is None:
            offer = (pieces[-1].ends - pieces[0].begins) / 3600.0 * POINTS_AN_HOUR
            yield Lapse(pieces, offer, 0.0, offer - share)
            continue
        window = trace.windows[place]
        if window.ends <= scenario.length + INSTANT:
            yield Lapse(pieces, FULL, window.held, window.room - max(0.0, share - window.by_person))


def _lost(lapse: Lapse, dearest: list[Job], reserve: list[Span]) -> tuple[float, float]:
    """Five-hour and weekly points that ready tasks could have spent of what was left, the dearest rate first."""
    spans = list(_counted(lapse, reserve))
    seconds = sum((ends - begins) * free for begins, ends, free in spans)
    five = seven = 0.0
    for job in dearest:
        if seconds <= 0 or five >= lapse.room:
            break
        rate = job.spec.five_hour / job.spec.duration_s
        spent = min(_waited(job, spans), job.left_at(lapse.ends), seconds, (lapse.room - five) / rate)
        seconds -= spent
        five += spent * rate
        seven += spent * job.spec.seven_day / job.spec.duration_s
    return five, seven


def _waited(job: Job, spans: list[tuple[float, float, int]]) -> float:
    """Seconds of the spans in which the task was ready."""
    if not spans:
        return 0.0
    waited = 0.0
    for since, until in job.ready:
        if since < spans[-1][1] and until > spans[0][0]:
            for begins, ends, _ in spans:
                waited += max(0.0, min(ends, until) - max(begins, since))
    return waited


def _counted(lapse: Lapse, reserve: list[Span]) -> Iterator[tuple[float, float, int]]:
    """Spans in which a task was ready, slots were free (how many), and no reserve held back all that was left."""
    here = [span for span in reserve if span.ends > lapse.pieces[0].begins and span.begins < lapse.ends - INSTANT]
    for piece in lapse.pieces:
        if piece.free <= 0 or piece.ready <= 0:
            continue
        edges = [span.ends for span in here if piece.begins < span.ends < piece.ends]
        for begins, ends in zip((piece.begins, *edges), (*edges, piece.ends), strict=True):
            until = min(ends, _held_from(lapse, piece, begins, here))
            if until > begins:
                yield begins, until, piece.free


def _held_from(lapse: Lapse, piece: Piece, begins: float, here: list[Span]) -> float:
    """The instant from which a reserve, in force then or later, holds back all that is left."""
    share = max((span.five_hour for span in here if span.ends > begins), default=0.0)
    if share <= 0:
        return float("inf")
    spent = lapse.held + piece.five_runs + piece.five_person + piece.five_rate * (begins - piece.begins)
    spare = lapse.offer - spent - max(0.0, share - piece.five_person)
    if spare <= TINY:
        return begins
    return begins + spare / piece.five_rate if piece.five_rate > 0 else float("inf")
