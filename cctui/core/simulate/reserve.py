"""Reserve hours: local times of day made into spans of instants, right across changes of the clock.  Pure.

A span [begins, ends) is in seconds since the start.  Spans do not overlap, come in order, and hold the largest reserve
in force, of each window for itself.  A local time that a change of the clock leaves out counts as the zone's rules of
before the change say; of one that comes twice, the first is meant.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from cctui.core.simulate.scenario import INSTANT, ReserveSpec, moment, since


class Span(NamedTuple):
    begins: float
    ends: float
    five_hour: float
    seven_day: float


def spans(start: datetime, reserve: tuple[ReserveSpec, ...], until: float) -> list[Span]:
    """The reserve from the start to the instant `until`; where none is in force there is no span."""
    hours = [span for spec in reserve for span in _hours(start, spec, until)]
    edges = sorted({edge for span in hours for edge in span[:2]})
    found: list[Span] = []
    for begins, ends in pairwise(edges):
        if ends - begins <= INSTANT:
            continue
        in_force = [span for span in hours if span.begins <= begins and span.ends >= ends]
        if in_force:
            five, seven = max(span.five_hour for span in in_force), max(span.seven_day for span in in_force)
            found.append(Span(begins, ends, five, seven))
    return found


def _hours(start: datetime, spec: ReserveSpec, until: float) -> list[Span]:
    """Each day's hours of one reserve, cut to the scenario; the day before the start may reach into it."""
    found: list[Span] = []
    day = start.date() - timedelta(days=1)
    last = moment(start, until).date()
    while day <= last:
        if day.weekday() in spec.days:
            end = day if spec.until > spec.begins else day + timedelta(days=1)
            begins = _at(start, datetime.combine(day, spec.begins))
            ends = _at(start, datetime.combine(end, spec.until))
            begins, ends = max(begins, 0.0), min(ends, until)
            if ends > begins:
                found.append(Span(begins, ends, spec.five_hour, spec.seven_day))
        day += timedelta(days=1)
    return found


def _at(start: datetime, local: datetime) -> float:
    return since(start, local.replace(tzinfo=start.tzinfo).astimezone(UTC))


def just_before(found: list[Span], at: float) -> tuple[float, float]:
    """The reserves in force in the last moment before an instant, of the five-hour window and of the week."""
    for span in found:
        if span.begins < at - INSTANT and span.ends >= at - INSTANT:
            return span.five_hour, span.seven_day
    return 0.0, 0.0
