"""The verbs about the past in figures: `stats` and `report`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from cctui.cli.here import Fail, Here
from cctui.cli.verb import verb

Data = Mapping[str, Any]
SHOWN = 8
"""Lines of each list that the table shows; --json holds all."""


@verb("stats")
@click.option("--days", type=click.FloatRange(0, min_open=True), default=30, show_default=True, help="How far back.")
def stats(here: Here, days: float) -> None:
    """What was done, what it took, and what expired unused while work waited.

    Runs are the newest 500 at most, windows the newest 200; every figure stands beside its number of samples."""
    here.put(here.answer("stats", days=days), lambda data: table(data, days))


@verb("report")
@click.option("--date", metavar="DAY", help="A day such as 2026-11-21; else today, up to now.")
@click.option("--write", is_flag=True, help="Put it into logs/scheduler/reports, unless that file is yours by now.")
def report(here: Here, date: str | None, write: bool) -> None:
    """The morning report: done, failed, waiting for you, capacity used and unused, next."""
    from cctui.cli import tables

    reply = here.answer("report", **({"date": date} if date else {}))
    if reply["code"] == 0 and write:
        reply["data"]["path"] = written(here, reply["data"]["day"], reply["data"]["text"])
        here.put(reply, lambda data: str(data["path"]))
        return
    here.put(reply, lambda data: tables.shown(data["text"].splitlines()))


def written(here: Here, day: str, text: str) -> str:
    """The path of the report's file.  Raises Fail."""
    from cctui.adapters import reports

    try:
        return str(reports.write(here.places, day, text, anew=True))
    except reports.ReportError as error:
        raise Fail(str(error)) from None


# --- the table -------------------------------------------------------------------------------------------------------


def table(data: Data, days: float) -> str:
    from cctui.cli import tables

    return tables.shown(line for part in (_runs(data, days), _unused(data), _costs(data), _when(data)) for line in part)


def _runs(data: Data, days: float) -> Iterable[str]:
    from cctui.cli.tables import count, wrapped

    runs, wait, parks = data["runs"], data["wait"], data["parks"]
    if not runs["runs"]:
        yield f"no runs in the last {days:g} days"
        return
    yield f"{runs['runs']} runs in the last {days:g} days"
    rate = "" if runs["success_rate"] is None else f" · {100 * runs['success_rate']:.0f} % succeed"
    yield f"{runs['completed']} done · {runs['failed']} failed · {runs['cancelled']} stopped{rate}"
    known = "" if runs["points_known"] == runs["runs"] else f" (known of {runs['points_known']} runs)"
    yield from wrapped(f"{count(runs['tokens'])} tokens · {_points(runs['points'])} points{known}", "")
    if runs["points_per_completed"] is not None:
        yield f"{runs['points_per_completed']:.1f} points per task that was done"
    if wait["count"]:
        yield f"waited {_span(wait['mean'])} on average ({wait['count']} known)"
    if parks["count"]:
        yield f"{parks['count']} parked, {_span(parks['mean'])} on average"
    for title, groups in (("kind", data["kinds"]), ("model", data["models"]), ("project", data["projects"])):
        if len(groups) > 1:
            yield f"by {title}"
            yield from _groups(groups)


def _groups(groups: Mapping[str, Data]) -> Iterable[str]:
    from cctui.cli.tables import WIDTH, two

    for name, group in list(groups.items())[:SHOWN]:
        right = f"{group['completed']}/{group['runs']} {_points(group['points'])} pts"
        yield "  " + two(name, right, WIDTH - 2)


def _unused(data: Data) -> Iterable[str]:
    from cctui.cli.tables import WIDTH, moment, two, wrapped
    from cctui.core.metrics import CAUSES

    if not data["windows"]:
        return
    yield "unused while work waited (percent)"
    if data["line"]:
        yield from wrapped(data["line"], "  ", "    ")
    for week in data["weeks"]:
        share = "?" if week["unused_percent"] is None else f"{week['unused_percent']:.0f} %"
        yield "  " + two(f"week until {moment(week['ends'])}", f"{share} of {week['windows']} windows", WIDTH - 2)
    for window in data["windows"][-SHOWN:]:
        cause = max(window["lost"], key=window["lost"].get) if window["lost"] else ""
        name = moment(window["opened"]) + ("" if window["open"] else " none open")
        yield "  " + two(name, f"used {window['used']:.0f} unused {window['unused']:.0f}", WIDTH - 2)
        if cause:
            yield f"    {CAUSES.get(cause, cause)}"


def _costs(data: Data) -> Iterable[str]:
    from cctui.cli.tables import wrapped

    kinds = [kind for kind in data["learned"] if kind["points"].get("five_hour") or kind["tokens"]]
    if kinds:
        yield "what work costs (p50/p80/p90)"
    for kind in kinds[:SHOWN]:
        name = " · ".join(filter(None, (kind["kind"] or "all work", kind["model"])))
        yield from wrapped(f"{name}: {_learned(kind)}", "  ", "    ")
    for name, held in data["accuracy"].items():
        if held["count"]:
            about = (
                f"{NAMES.get(name, name)}: {_part(held['under_p50'])} under p50, {_part(held['under_p80'])} under p80"
            )
            yield from wrapped(f"estimates of {about} ({held['count']} runs)", "")


NAMES = {"five_hour": "points"}


def _learned(kind: Data) -> str:
    from cctui.cli.tables import count

    parts = []
    if points := kind["points"].get("five_hour"):
        parts.append("/".join(f"{points[each]:.1f}" for each in ("p50", "p80", "p90")) + " points")
    if tokens := kind["tokens"]:
        parts.append("/".join(count(int(tokens[each])) for each in ("p50", "p80", "p90")) + " tokens")
    return " · ".join(parts) + f" ({kind['runs']} runs)"


def _when(data: Data) -> Iterable[str]:
    from cctui.cli.tables import wrapped

    for title, groups in (("weekday", data["weekdays"]), ("hour", data["hours"])):
        if groups:
            told = ", ".join(f"{name} {group['completed']}/{group['runs']}" for name, group in groups.items())
            yield from wrapped(f"done by {title}: {told}", "", "  ")


def _points(points: float | None) -> str:
    return "?" if points is None else f"{points:.1f}"


def _part(part: float | None) -> str:
    return "?" if part is None else f"{100 * part:.0f} %"


def _span(seconds: float) -> str:
    from cctui.core.words import span

    return span(seconds)
