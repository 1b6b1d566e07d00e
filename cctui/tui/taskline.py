"""A task's two lines in the queue: name, state and figures above, its reason below.  Values in, spans out.

Facts give way in the order of how much they matter on a narrow screen: deadline, cost, rule, word; the name goes last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from cctui.core import view
from cctui.core.view import Row, State
from cctui.core.world import FIVE_HOUR, Estimate, Task
from cctui.tui import openrun
from cctui.tui.cells import Span, cut_middle, fit, second, wide
from cctui.tui.signs import Signs
from cctui.tui.tree import Branch

COLUMNS = 56
"""Cells from which on the facts stand in columns."""
SOON = 6 * 3600.0
"""Seconds before a deadline from which on it stands out."""
NAMED = 8
"""Letters of a reason so short that the title has room beside it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one row is drawn this time, beside what the World says of it."""

    signs: Signs
    width: int
    now: datetime
    mark: Span
    """The cursor's sign."""
    chosen: bool = False
    marked: bool = False
    moving: bool = False
    branch: Branch | None = None
    """Its place in the dependency view; None: the rows stand in order."""
    starts: datetime | None = None
    """When the newest plan sees it start."""
    headed: bool = False
    """A heading above says its priority."""


def lines(row: Row, task: Task | None, look: Look) -> tuple[list[Span], list[Span]]:
    signs = look.signs
    state = "moving" if look.moving else openrun.look(row)
    tone = "accent" if look.moving else state
    branch = look.branch or Branch("")
    number = f"{row.position:>2}" if row.position and look.branch is None and not look.moving else "  "
    lead: list[Span] = [
        look.mark,
        (number[-2:] if len(number) < 3 else number, "dim"),
        (signs.marked, "accent") if look.marked else (" ", ""),
    ]
    # In the tree the glyph stands at the end of the guide, where it means most.
    head: list[Span] = [*lead, (branch.first, "dim"), (f"{signs.of(state)}{signs.letter(state)} ", tone)]
    name = row.name if row.state is not State.INVALID else row.path.rpartition("/")[2]
    rest: list[Span] = [(" " * (len(number) + 2), ""), (branch.rest, "dim")] if branch.rest.strip() else []
    pad = " " * (wide(head) - wide(rest))
    quiet = "invalid" if row.state is State.INVALID else "dim"
    head.append((view.safe(name), "strong" if look.chosen else ""))
    told, when = reason(row, signs), starting(row, look)
    below = second([*rest, (pad, "")], told, quiet, look.width - wide(when))
    return fit(head, facts(row, task, look), look.width, cut_middle), [*below, *when]


def reason(row: Row, signs: Signs) -> str:
    """The reason; a row that needs none, or whose word says it all, has room for its title."""
    if row.title and row.state in (State.READY, State.PAUSED) and len(row.text) < NAMED:
        return f"{row.text} {signs.dot} {row.title}" if row.text else row.title
    return openrun.sentence(row)


def starting(row: Row, look: Look) -> list[Span]:
    """When it will start, as far as the plan knows; nothing where the reason says the same."""
    if look.starts is None or look.moving or look.starts < look.now:
        return []
    when = view.moment(look.starts, look.now)
    if when in row.text:
        return []
    return [(f"  starts {when} " if look.width >= COLUMNS else f"  ~{when} ", "dim")]


def facts(row: Row, task: Task | None, look: Look) -> list[Span]:
    """Deadline, expected cost, the rule that chose its place, state: in columns where there is room for them."""
    columns = look.width >= COLUMNS
    expected, rule = takes(row.expected), row.rule
    if task and task.deadline and rule == f"by {view.moment(task.deadline, look.now)}":
        rule = ""  # the deadline says so itself
    elif rule.startswith("p") and (look.headed or (not columns and rule == "p5")):
        rule = ""
    if rule.startswith("~"):  # decided by its cost, which stands here anyway
        expected, rule = rule, ""
    elif columns and row.priority is not None and not rule and not look.headed:
        rule = f"p{row.priority}"
    elif rule.startswith("for "):  # or it would read as what it waits for
        rule += f" {look.signs.dot}"
    spans = [(f" {expected:>6}" if columns else f" {expected}" if expected else "", "dim")]
    spans.append((f" {rule:>8}" if columns else f" {rule}" if rule else "", "dim"))
    word = "moving" if look.moving else openrun.word(row)
    tone = "accent" if look.moving else openrun.look(row)
    return [*due(task, look.now), *spans, (f" {word:>7} ", tone)]


def takes(expected: Estimate | None) -> str:
    """What a task is likely to take, half of the time at most: points of the 5-hour window, else tokens."""
    five = expected.points.get(FIVE_HOUR) if expected else None
    if five:
        return f"~{view.points(five.p50).replace(' ', '')}{'?' if expected and expected.guess else ''}"
    return f"~{view.count(expected.tokens.p50)}" if expected and expected.tokens else ""


def due(task: Task | None, now: datetime) -> list[Span]:
    """The deadline, louder the nearer it is."""
    if task is None or task.deadline is None:
        return []
    left = (task.deadline - now).total_seconds()
    word = "was due" if left < 0 else "due"
    return [(f"  {word} {view.moment(task.deadline, now)}", "bad" if left < 0 else "warn" if left < SOON else "dim")]


def known(row: Row, task: Task | None) -> Mapping[str, Collection[str]]:
    """What the filter may ask of a row, by the names of `core.sieve`."""
    state = openrun.look(row)
    found: dict[str, Collection[str]] = {
        "state": (row.state.value, *(("needs",) if state == "needs" else ())),
        "kind": (row.kind or "",),
        "priority": (str(row.priority),) if row.priority is not None else (),
        "after": row.depends_on,
    }
    if task:
        found |= {"tag": task.tags, "project": (task.folder,), "model": (task.model or "",)}
    return found
