"""What there is to say of a finished run: how it ended and what came after, its check, its numbers.

Says of nothing that it was checked when nobody has checked it, and of nothing that it is kept when it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from cctui.core import proof, trend, view
from cctui.core.cost import between
from cctui.core.world import Phase, Record
from cctui.tui import notelines
from cctui.tui.cells import Span
from cctui.tui.lines import Line, fold, head, prose
from cctui.tui.messages import Scene
from cctui.tui.plots import spark

AFTER = 5
"""Later runs of the task that are listed."""
LEFT_OUT = frozenset({"log_file", "detail", "schema", "task_id", "success", "claimed", "proven"})
"""Fields that have their own words elsewhere."""


def outcome(scene: Scene, record: Record, width: int) -> Iterator[Line]:
    """How it ended, what is proven of it, what it changed, how its task's runs go, what came after."""
    signs, now, tone = scene.signs, scene.link.now(), trend.look(record)
    yield from prose(view.outcome(record), width, "strong", lead=[(f"{signs.of(tone)} ", tone)])
    if record.success and record.detail:
        yield from prose(view.safe(record.detail), width)
    if found := proof.look(record):
        yield from prose(proof.words(record, signs.dot), width, lead=[(f"{signs.of(found)} {found}: ", found)])
    for line in (proof.changes(record, signs.dot), proof.place(record)):
        if line:
            yield from prose(line, width)
    attempt = f"attempt {record.attempt} {signs.dot} " if record.attempt else ""
    began = view.moment(record.timestamp, now)
    yield from prose(f"{attempt}began {began}, ended {view.moment(trend.ended(record), now)}", width, "dim")
    mine = [each for each in scene.link.world.records if each.task_id == record.task_id]
    yield from runs(scene, mine, width)
    yield from since(scene, record, mine, width)


def runs(scene: Scene, records: list[Record], width: int) -> Iterator[Line]:
    """The task's last runs beside each other: what each took, and how it ended."""
    found, signs = trend.trail(records), scene.signs
    if len(found.looks) < 2:
        return
    ended = sum(look != "cancelled" for look in found.looks)
    yield from head(f"Its last {len(found.looks)} runs")
    yield Line((*spark(found.values, signs), ("  ", ""), (spread(found, signs.dot), "dim")))
    marks: list[Span] = [(signs.of(look), "dim" if look == "cancelled" else look) for look in found.looks]
    yield Line((*marks, (f"  {found.completed} of {ended} done", "dim")))


def spread(found: trend.Trail, dot: str) -> str:
    """``1.2–4 points · half under 2``."""
    known = sorted(found.known)
    if not known:
        return "nobody knows what they took"
    form = view.figure if found.measure == "points" else view.count
    reach = form(known[0]) if known[0] == known[-1] else f"{form(known[0])}–{form(known[-1])}"
    return f"{reach} {found.measure} {dot} half under {form(between(known, 0.5))}"


def since(scene: Scene, record: Record, mine: list[Record], width: int) -> Iterator[Line]:
    """What came after: notes about this run (how a rollback went), later runs, where the task is now."""
    world, now, signs = scene.link.world, scene.link.now(), scene.signs
    notes = [note for note in world.notes if record.run_id and note.run_id == record.run_id]
    later = [each for each in mine if each.timestamp > record.timestamp][:AFTER]
    row = next((row for row in scene.rows(Phase.PENDING.value, Phase.ACTIVE.value) if row.name == record.task_id), None)
    if not (notes or later or row):
        return
    yield from head("What happened after")
    for note in notes:
        yield from prose(view.safe(note.text), width, lead=[(f"{view.moment(note.at, now):>9}  ", "dim")])
    for each in later:
        look = trend.look(each)
        lead: list[Span] = [(f"{view.moment(trend.ended(each), now):>9}  ", "dim"), (f"{signs.of(look)} ", look)]
        yield from prose(view.outcome(each), width, lead=lead)
    if row:
        said = f"in the queue again: {row.text}" if row.text else "in the queue again"
        yield from prose(said, width, lead=[("      now  ", "dim")])


def check(scene: Scene, record: Record, note: str | None, width: int) -> Iterator[Line]:
    """The check's own words, as the note keeps them; whether there was one at all."""
    signs = scene.signs
    if record.check_exit is None:
        yield from prose("Nothing has checked this run.", width)
        if record.claimed is not None:
            yield from prose(proof.words(record, signs.dot), width, "dim")
        yield Line()
        yield from prose("A task with a line `check:` counts as done only when that command ends with 0.", width, "dim")
        return
    look = "proven" if record.proven else "disproved"
    verdict = "check passed" if record.proven else f"check failed (exit {record.check_exit})"
    yield from prose(verdict, width, "strong", lead=[(f"{signs.of(look)} ", look)])
    if note and (said := notelines.said(note, "Check:")):
        yield from prose(said, width, "dim")
    output = notelines.part(note, "Output") if note else None
    if note is None:
        yield from prose("Reading …", width, "dim")
    elif output is None:
        yield Line()
        yield from prose("It has said nothing that was kept: 3 shows the whole log.", width)
    else:
        yield from head("What it said last")
        for piece in fold(((line, "") for line in output.split("\n")), width):
            yield Line(tuple(piece))


def numbers(record: Record, width: int) -> Iterator[Line]:
    """Every figure of the record that is known, one below the other."""
    found = list(figures(record))
    room = min(max(len(name) for name, _ in found) + 2, width // 2)
    for name, value in found:
        yield from prose(view.safe(value), width, lead=[(f"{name:<{room}}", "dim")])


def figures(record: Record) -> Iterator[tuple[str, str]]:
    for field in fields(record):
        value = getattr(record, field.name)
        if value is None or field.name in LEFT_OUT:
            continue
        name = NAMES.get(field.name, field.name.replace("_", " "))
        if field.name in ("duration_s", "parked_s"):
            yield name, view.span(value)
        elif field.name == "cost_usd":
            yield name, f"${value:.4f}"
        elif field.name in POINTS:
            yield name, view.points(value)
        elif field.name in ("timestamp", "ended"):
            yield name, f"{value:%Y-%m-%d %H:%M:%S %z}"
        elif isinstance(value, int) and not isinstance(value, bool):
            yield name, f"{value:,}"
        else:
            yield name, str(value)
    yield "note", record.log_file or "none"


NAMES = {
    "timestamp": "started",
    "duration_s": "took",
    "parked_s": "parked",
    "cost_usd": "cost",
    "window_pct": "of the window",
    "week_pct": "of the week",
    "model_pct": "of the model's week",
    "capacity_before": "window before",
    "capacity_after": "window after",
}
POINTS = ("window_pct", "week_pct", "model_pct", "capacity_before", "capacity_after")
