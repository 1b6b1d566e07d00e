"""What there is to read about a task: what keeps it, every gate, its run, its file, its fields, its last runs.

Shared by the page of a task and the preview beside the lists.  Values in, text out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, tzinfo

from rich.text import Text

from cctui.core import view
from cctui.core.view import Row
from cctui.core.world import Phase, Record, Stage, Task
from cctui.tui import openrun, proof
from cctui.tui.gatelines import put_open, put_shut
from cctui.tui.history import look
from cctui.tui.messages import Scene

NEWEST = 5
"""Runs of the past that are shown."""
UNSAID = ("title", "warnings", "name")


def section(text: Text, title: str) -> None:
    if text.plain:
        text.append("\n")
    text.append(f"{title}\n", "bold underline")


def pair(text: Text, name: str, value: str) -> None:
    text.append(f"{name}: ", "dim")
    text.append(f"{value}\n")


def shown(value: object, zone: tzinfo | None) -> str:
    """A field's value as text a person reads; times as they are in that zone."""
    match value:
        case datetime():
            return f"{value.astimezone(zone):%a %d %b %Y %H:%M}"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(shown(part, zone) for part in value)
        case _:
            return view.safe(str(getattr(value, "name", value) if not isinstance(value, str) else value))


def task_text(scene: Scene, row: Row, prompt: str | None) -> Text:
    """All of it; `prompt` is the file's text, None while that is being read."""
    text, world = Text(), scene.link.world
    if said := openrun.sentence(row):
        text.append(f"{said}\n", "bold")
    for warning in row.warnings:
        text.append(f"{warning}\n", "italic")
    task = world.tasks.get(row.name) if row.state is not view.State.INVALID else None
    if task:
        gates(text, scene, row, task, shut=True)
    if row.run:
        section(text, "Run")
        for name, value in openrun.facts(row.run):
            pair(text, name, value)
    if prompt is not None:
        section(text, "File")
        text.append(prompt.strip() + "\n")
    if task:
        put_fields(text, task, scene.link.now().tzinfo)
    past(text, scene, [record for record in world.records if record.task_id == row.name])
    if task:
        gates(text, scene, row, task, shut=False)
    return text


def gates(text: Text, scene: Scene, row: Row, task: Task, *, shut: bool) -> None:
    """The shut gates stand first on the page, the open ones last: together they are all there are."""
    run = row.run
    if task.phase not in (Phase.PENDING, Phase.ACTIVE) or (run and run.stage is not Stage.PARKED):
        return  # what runs has every gate behind it
    found = view.why(scene.link.world, task.name, scene.link.now())
    section(text, "Why" if shut else "Gates open")
    (put_shut if shut else put_open)(text, scene, found)


def put_fields(text: Text, task: Task, zone: tzinfo | None) -> None:
    section(text, "Fields")
    for field in fields(task):
        value = getattr(task, field.name)
        if value in (None, (), "", False) or field.name in UNSAID:
            continue
        pair(text, field.name.replace("_", " "), shown(value, zone))


def past(text: Text, scene: Scene, records: Sequence[Record]) -> None:
    if records:
        section(text, "Last runs")
    signs, now = scene.signs, scene.link.now()
    for record in reversed(records[-NEWEST:]):
        text.append(f"{signs.of(look(record))} {view.moment(record.timestamp, now)}  ")
        proven = proof.mark(record)
        sign = f" {signs.dot} {signs.of(proven)} {proven}" if proven else ""
        text.append(f"{view.outcome(record)}{sign}\n", "dim")
