"""The morning report as Markdown, made for Obsidian and readable anywhere.  Pure.

Nothing that a task or Claude said can act in it: marks are escaped, control codes are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from cctui.core.metrics import CAUSES
from cctui.core.report import Ended, Morning, Waiting
from cctui.core.view import count, moment, percent, safe, span
from cctui.core.words import prose
from cctui.core.world import ClosedWindow

_LINKED = re.compile(r"[\w. @+-]+")
FOLDER = "logs/scheduler/"
"""Where the notes of all days lie; the reports lie one folder deeper."""


def report(found: Morning) -> str:
    """The whole file, but for the mark at its end."""
    parts = [
        _front(found),
        f"# Morning report, {_day(found.until if found.today else found.since + timedelta(days=1))}",
        _summary(found),
        *_section("Done", [_done(each) for each in found.done]),
        *_section("Failed", [_failed(each) for each in found.failed]),
        *_section("Stopped", [_failed(each) for each in found.cancelled]),
        *_section("Waits for you", [_item(each) for each in found.person]),
        *_capacity(found),
        *_section("Next", [_item(each) for each in found.next]),
    ]
    return "\n\n".join(parts) + "\n"


def _day(moment: datetime) -> str:
    return f"{moment:%A} {moment.day} {moment:%B %Y}"


def _front(found: Morning) -> str:
    """Flat properties, numbers as numbers; what is unknown is left out."""
    unused = sum(window.unused for window in found.windows)
    properties: dict[str, object] = {
        "date": found.day,
        "since": f"{found.since:%Y-%m-%dT%H:%M:%S}",
        "until": f"{found.until:%Y-%m-%dT%H:%M:%S}",
        "tz": f'"{safe(found.zone)}"',
        "completed": len(found.done),
        "failed": len(found.failed),
        "waits_for_you": len(found.person) if found.today else None,
        "tokens": found.runs.tokens,
        "points": None if found.runs.points is None else round(found.runs.points, 1),
        "unused_points": round(unused, 1) if found.windows else None,
    }
    lines = [f"{name}: {value}" for name, value in properties.items() if value is not None]
    return "\n".join(("---", *lines, "tags:", "  - cctui/report", "---"))


def _summary(found: Morning) -> str:
    proven = sum(each.proof == "proven" for each in found.done)
    parts = [f"{len(found.done)} done" + (f" ({proven} proven)" if found.done else "")]
    parts.append(f"{len(found.failed)} failed")
    if found.today:
        parts.append(f"{len(found.person)} wait for you")
    spent = []
    if found.runs.tokens is not None:
        spent.append(f"{count(found.runs.tokens)} tokens")
    if found.runs.points is not None:
        known = found.runs.points_known
        spent.append(f"{found.runs.points:.0f} points of 5-hour windows, known of {known} of {found.runs.runs} runs")
    text = f"Since {found.since:%a %H:%M}: {', '.join(parts)}."
    return text + (f" Used: {', '.join(spent)}." if spent else "")


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"## {title}"
        yield "\n".join(lines)


# --- runs ------------------------------------------------------------------------------------------------------------

PROOFS = {
    "proven": "proven by its check",
    "disproved": "disproved by its check",
    "claimed": "claimed, nothing has checked it",
    "not claimed": "it does not say that it is done",
}


def _done(each: Ended) -> str:
    return f"- {_link(each.task)}: {_about(each)}"


def _failed(each: Ended) -> str:
    again = "; it is in the queue again" if each.again else ""
    attempt = f", attempt {each.attempt}" if each.attempt and each.attempt > 1 else ""
    return f"- {_link(each.task)}: {_about(each)}{attempt}{again}"


def _about(each: Ended) -> str:
    parts = [prose(each.said)]
    if each.proof:
        parts.append(PROOFS[each.proof])
    if each.points is not None:
        parts.append(f"{each.points:.1f} points")
    note = _note(each.note)
    return "; ".join(parts) + (f" · {note}" if note else "")


def _note(path: str) -> str:
    """A link to a run's note from where the reports lie."""
    if not path.startswith(FOLDER) or ".." in path or set(path) & set("<>\n\\"):
        return ""
    return f"[note](<../{path.removeprefix(FOLDER)}>)"


def _link(name: str) -> str:
    return f"[[{name}]]" if _LINKED.fullmatch(name) else prose(name)


def _item(each: Waiting) -> str:
    return f"- {_link(each.task)}: {prose(each.text)}" if each.task else f"- {prose(each.text)}"


# --- capacity --------------------------------------------------------------------------------------------------------


HEAD = (
    "| window | by runs | by you | expired | while work waited | because |",
    "| --- | --- | --- | --- | --- | --- |",
)


def _capacity(found: Morning) -> Iterator[str]:
    if not found.windows and found.week_used is None:
        return
    yield "## Capacity"
    if found.windows:
        lost = sum(window.unused for window in found.windows)
        yield "\n".join((*HEAD, *(_window(each, found.until) for each in found.windows)))
        yield f"Expired while work waited: {lost:.0f} points in {len(found.windows)} windows."
    if found.week_used is not None:
        ends = f", until {moment(found.week_ends, found.until)}" if found.week_ends else ""
        yield f"The week: {percent(found.week_used)} used{ends}."


def _window(window: ClosedWindow, now: datetime) -> str:
    name = f"{moment(window.opened, now)} to {moment(window.ended, now)}"
    if not window.open:
        name += f" (none open for {span((window.ended - window.opened).total_seconds())})"
    why = ", ".join(
        f"{CAUSES.get(cause, cause)} {percent(points)}"
        for cause, points in sorted(window.lost.items(), key=lambda item: -item[1])
    )
    person = percent(window.person) + (f" and {percent(window.unknown)} unknown" if window.unknown >= 1 else "")
    cells = (name, percent(window.ours), person, percent(window.left), percent(window.unused), why or "nothing waited")
    return "| " + " | ".join(cells) + " |"
