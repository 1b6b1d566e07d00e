"""The verb `plan`: when each task will start and end, how full every window gets, and what a change would do to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from cctui.cli.here import Here
from cctui.cli.verb import verb

Data = Mapping[str, Any]
SLIPS = 12
"""Tasks that a what-if lists; --json holds more."""
NAMES = {"five_hour": "5-hour window", "seven_day": "week"}
WIDE = 72
"""Columns from which on the windows that a task uses are listed too."""


@verb("plan")
@click.option("--bands", is_flag=True, help="How sure it is: 100 samples, some seconds.")
@click.option(
    "--days", type=click.FloatRange(0, 31, min_open=True), default=7, show_default=True, help="How far ahead."
)
@click.option("--what-if", "what_if", metavar="CHANGE", help='"move TASK top", "pause TASK", "add NAME kind=fix".')
def plan(here: Here, bands: bool, days: float, what_if: str | None) -> None:
    """When each task will start and end, and how full every window gets.

    It is what the engine will do if every task takes what half of its kind stay under, and you use nothing yourself.
    CHANGE may also be: resume, run, stop, retry, rm, skip TASK, edit TASK FIELD=VALUE, hold, release."""
    asked = {"days": days, "bands": bands} | ({"what_if": what_if} if what_if else {})
    here.put(here.answer("plan", **asked), table)


def table(data: Data) -> str:
    from cctui.cli import tables

    width = max(min(shutil.get_terminal_size((tables.WIDTH, 24)).columns, 100), tables.WIDTH)
    return tables.shown(_lines(data, width))


def _lines(data: Data, width: int) -> Iterator[str]:
    from cctui.cli import tables

    yield from tables.wrapped(data["summary"], "", "")
    if data["what_if"]:
        yield from _what_if(data["what_if"])
        return
    now = datetime.fromisoformat(data["made_at"])
    yield from _tasks(data, now, width)
    undone = [task for task in data["tasks"] if task["start"] is None]
    if undone:
        yield f"stays undone ({len(undone)})"
    for task in undone:
        yield tables.two(f"  {task['name']}", _due(task), width)
        if task["why"]:
            yield from tables.indented(task["why"]["text"])
    if data["guesses"]:
        yield f"? its cost is a guess ({data['guesses']})"
    if data["doubt"]:
        yield from tables.wrapped(data["doubt"], "! ", "  ")


def _tasks(data: Data, now: datetime, width: int) -> Iterator[str]:
    """Window by window: its bar, then what starts in it."""
    windows = [window for window in data["windows"] if window["id"] == "five_hour"]
    left = [task for task in data["tasks"] if task["start"]]
    for window in windows:
        mine = [task for task in left if task["start"] < window["ends"] or not task["windows"]]
        mine = [task for task in mine if task["start"] < window["ends"]]
        left = [task for task in left if task not in mine]
        yield _window(window, now, width)
        yield from _rows(mine, now, width)
    yield from _rows(left, now, width)
    for window in data["windows"]:
        if window["id"] != "five_hour" and window["ends"] > data["made_at"]:
            yield _window(window, now, width)


def _window(window: Data, now: datetime, width: int) -> str:
    """``5h 03:05-08:05 ▕███████▏ 94 %  nothing fits``."""
    name = {"five_hour": "5h", "seven_day": "week"}.get(window["id"], window["id"].removeprefix("seven_day_") + " week")
    cells = max(width - 40, 6)
    full = round(window["used_percent"] / 100 * cells)
    bar = "█" * full + "░" * (cells - full)
    span = f"{_when(window['opens'], now)}-{_when(window['ends'], now)}" if window["id"] == "five_hour" else ""
    span = span or f"until {_when(window['ends'], now)}"
    cause = f" {window['cause']}" if window["cause"] else ""
    return f"{name} {span} {bar} {window['used_percent']:.0f} %{cause}"[:width]


def _rows(tasks: Iterable[Data], now: datetime, width: int) -> Iterator[str]:
    from cctui.cli import tables

    for task in tasks:
        sign = "?" if task["guess"] else "@" if task["fired"] else " "
        end = task["ends"] or {}
        sure = f" ≤{_when(end['p90'], now)}" if end.get("p90") else ""
        times = f"{_when(task['start'], now)}→{_when(task['end'], now) if task['end'] else '…'}{sure}{_due(task)}"
        yield tables.two(f"{sign} {task['name']}", times, width)


def _due(task: Data) -> str:
    late = task["late_s"]
    if late is None:
        return ""
    return f" late {_span(late)}" if late > 0 else f" -{_span(-late)}"


def _what_if(changed: Data) -> Iterator[str]:
    from cctui.cli import tables

    yield f"if: {changed['command']}"[: tables.WIDTH]
    if not changed["slips"]:
        yield "nobody ends at another time"
    for slip in changed["slips"][:SLIPS]:
        later = slip["seconds"] > 0
        word = f"{'+' if later else '-'}{_span(abs(slip['seconds']))}{' now late' if slip['newly_late'] else ''}"
        end = tables.moment(slip["end_after"]) if slip["end_after"] else "undone"
        yield tables.two(f"  {slip['name']}", f"{end} {word}")
    more = len(changed["slips"]) - SLIPS + changed["more"]
    if more > 0:
        yield f"  and {more} more"


def _when(text: str | None, now: datetime) -> str:
    """``22:48`` today, else ``Mo 22:48``."""
    if not text:
        return "?"
    moment = datetime.fromisoformat(text)
    clock = f"{moment:%H:%M}"
    return clock if moment.date() == now.date() else f"{moment:%a}"[:2] + f" {clock}"


def _span(seconds: float) -> str:
    """``45m``, ``3h05``, ``2d``."""
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}m"
    return f"{whole // 3600}h{whole % 3600 // 60:02}" if whole < 86400 else f"{whole // 86400}d"
