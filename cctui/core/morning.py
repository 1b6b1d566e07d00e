"""When the morning report is due.  Pure.

What stands in it is worked out elsewhere, and loaded only when it is: every verb of the command line loads this module.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from cctui.core.effects import Effect, WriteReport
from cctui.core.reserve import zone_of
from cctui.core.scene import ready
from cctui.core.world import World

HOUR = "07:00"
"""Where days are parted when no report is to be written by itself."""


def due(world: World, now: datetime) -> tuple[World, tuple[Effect, ...]]:
    """The report, once a day at its hour; later if no engine ran then, and none if there is nothing to tell."""
    if world.watches is None or not world.settings.report.hour:
        return world, ()
    if world.report_at is not None and timedelta(0) < world.report_at - now <= timedelta(days=2):
        return world, ()
    if not (world.measured and ready(world)):
        return world, ()
    day = today(world, now)
    at = hour(world, day)
    if now < at:
        return (world if world.report_at == at else replace(world, report_at=at)), ()
    from cctui.core import markdown, report  # noqa: PLC0415 - 10 ms that only the report's hour shall pay

    world = replace(world, report_at=hour(world, day + timedelta(days=1)))
    found = report.gather(world, day, now)
    if not found.runs.runs and not found.windows:
        return world, ()
    return world, (WriteReport(found.day, markdown.report(found)),)


def today(world: World, now: datetime) -> date:
    """The person's day."""
    return now.astimezone(zone_of(world.zone)).date()


def hour(world: World, day: date) -> datetime:
    """The report's hour of a local day; one that a change of the clock leaves out lies after it."""
    hours, minutes = (int(part) for part in (world.settings.report.hour or HOUR).split(":"))
    return datetime(day.year, day.month, day.day, hours, minutes, tzinfo=zone_of(world.zone))
