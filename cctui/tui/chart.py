"""Bars over time: the plan's rows on one scale, with the windows above them and the person's hours behind.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from math import ceil

from cctui.core import reserve
from cctui.core.forecast import Plan, Planned
from cctui.core.world import FIVE_HOUR, World
from cctui.tui.cells import Span, joined
from cctui.tui.signs import Signs

NAME, END = 26, 32
"""Cells of the name before a bar, and of the moments behind it."""
LEAST, FIVE_HOURS = timedelta(hours=6), timedelta(hours=5)
STEPS = (2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 90, 120, 150, 180, 240, 360)
"""Minutes that one cell may stand for."""
LABELS = (15, 30, 60, 120, 180, 360, 720, 1440)
"""Minutes between two labels of the axis."""
FURTHER = 1.2
"""Times the length of the middle plan up to which a deadline, or the end of a band, still has its place."""
MOMENT = timedelta(seconds=1)
LABEL = 7
"""Cells a label needs."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From which moment on, how much time a cell is, and what lies behind the bars."""

    begin: datetime
    cell: timedelta
    width: int
    zone: tzinfo | None
    resets: frozenset[int]
    """Cells in which a 5-hour window ends."""
    yours: frozenset[int]
    """Cells in hours of reserve."""

    def at(self, when: datetime) -> int:
        return int((when - self.begin) / self.cell)


def scale(plan: Plan, world: World, width: int) -> Scale:
    """As fine as the whole plan allows."""
    cells = max(width - NAME - END, 20)
    last = max((planned.end for planned in plan.tasks if planned.end), default=plan.made_at)
    length = min(max(last - plan.made_at, LEAST), plan.horizon - plan.made_at)
    # What is far away would press everything else together: it is told at the row's end.
    bands = [planned.ends.p90 for planned in plan.tasks if planned.ends and planned.ends.p90]
    edges = [*bands, *(planned.deadline for planned in plan.tasks if planned.deadline)]
    length = max(length, *(edge - plan.made_at for edge in edges if edge - plan.made_at <= length * FURTHER), LEAST)
    minutes = next((step for step in STEPS if length <= timedelta(minutes=step * (cells - 1))), STEPS[-1])
    cell = timedelta(minutes=minutes)
    local = plan.made_at.replace(second=0, microsecond=0)
    begin = local - timedelta(minutes=(local.hour * 60 + local.minute) % minutes)
    ends = [window.ends for window in plan.windows if window.window == FIVE_HOUR]
    # Closer together than this they would be all there is to see.
    resets = frozenset(int((end - begin) / cell) for end in ends if cell * 4 <= FIVE_HOURS)
    return Scale(begin, cell, cells, plan.made_at.tzinfo, resets, frozenset(_yours(world, begin, cell, cells)))


def _yours(world: World, begin: datetime, cell: timedelta, cells: int) -> Iterator[int]:
    at, seconds = begin.timestamp(), cell.total_seconds()
    hours = reserve.ahead(world.settings.capacity.reserve, world.zone, at, at + cells * seconds)
    for stretch in hours:
        first, last = int((stretch.begin - at) // seconds), ceil((stretch.end - at) / seconds)
        yield from range(max(first, 0), min(last, cells))


def axis(scale: Scale) -> list[Span]:
    """Hours, and days at midnight."""
    minutes = scale.cell.total_seconds() / 60
    every = next((step for step in LABELS if step / minutes >= LABEL), LABELS[-1])
    text = [" "] * scale.width
    for x in range(scale.width):
        when = (scale.begin + scale.cell * x).astimezone(scale.zone)
        since = when.hour * 60 + when.minute
        if since % every < minutes and (x == 0 or x + LABEL <= scale.width):
            label = f"{when:%a} {when.day}" if since < minutes else f"{when:%H:%M}"
            if all(cell == " " for cell in text[max(x - 1, 0) : x + len(label)]):
                text[x : x + len(label)] = label
    first = f"{scale.begin.astimezone(scale.zone):%a %H:%M}"
    if all(cell == " " for cell in text[: len(first) + 1]):
        text[: len(first)] = first
    return [(" " * NAME, ""), ("".join(text[: scale.width]), "dim")]


def windows(scale: Scale, plan: Plan, signs: Signs) -> list[Span]:
    """Each 5-hour window as a bar, as full as it is at its end, with the number in it."""
    cells: list[Span] = [(" ", "")] * scale.width
    for window in plan.windows:
        if window.window != FIVE_HOUR:
            continue
        first, last = max(scale.at(window.opens), 0), min(scale.at(window.ends), scale.width)
        room = last - first
        if room <= 0:
            continue
        used, person = round(window.used * room / 100), round(window.person * room / 100)
        for x in range(room):
            tone = "rest" if x >= used else "dim" if x < person else "running"
            cells[first + x] = (signs.full if x < used else signs.rest, tone)
        number = f"{window.used:.0f}%"
        if room > len(number) + 1:
            for x, letter in enumerate(number):
                cells[last - len(number) + x] = (letter, "strong")
    name = f"{' 5-hour windows':<{NAME}}"
    return [(name, "dim"), *joined(_marked(scale, cells, signs))]


def row(scale: Scale, planned: Planned, signs: Signs) -> list[Span]:
    """One task: solid to where half of such runs end, paler to where nine in ten do; its deadline as a line."""
    cells = _marked(scale, [(signs.kept, "rest") if x in scale.yours else (" ", "") for x in range(scale.width)], signs)
    late = planned.late is not None and planned.late > 0
    if planned.start:
        end = planned.end or planned.start
        by = planned.ends.p90 if planned.ends else None
        first = max(scale.at(planned.start), 0)
        last = max(scale.at(end - MOMENT), first)
        for x in range(first, min(max(scale.at(by - MOMENT) if by else last, last) + 1, scale.width)):
            tone = "bad" if late else "running"
            cells[x] = (signs.solid, tone) if x <= last else (signs.likely, "rest")
    if planned.deadline and 0 <= scale.at(planned.deadline) < scale.width:
        cells[scale.at(planned.deadline)] = (signs.failed if late else signs.pipe[0], "bad" if late else "good")
    return cells


def _marked(scale: Scale, cells: list[Span], signs: Signs) -> list[Span]:
    """With a line at every reset."""
    return [(signs.pipe[0], "rest") if x in scale.resets and x else cell for x, cell in enumerate(cells)]
