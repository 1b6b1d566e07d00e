"""Answers to the reading verbs as JSON data: one implementation for the engine and for the command line without one.

Shapes are the outside contract (README "JSON").  Times are ISO with an offset; an unknown is null, never 0.  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from cctui.core import capacity, firing, queue, readings, spoken, view
from cctui.core.launch import session_name
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Part, Phase, Record, Run, Stage, Task, World

OK, FAILED, USAGE, NOT_FOUND, INVALID = 0, 1, 2, 3, 4
"""Exit codes an answer can carry."""


@dataclass(frozen=True, slots=True)
class Answer:
    data: Any = None
    errors: tuple[str, ...] = ()
    code: int = OK
    """The exit code of the command line."""


Args = Mapping[str, Any]


def answer(world: World, verb: str, args: Args, now: datetime) -> Answer:
    """What `verb` has to say; an unknown verb or an argument of the wrong type is an error, never an exception."""
    found = VERBS.get(verb)
    if found is None:
        return Answer(errors=(f"unknown question {verb}",), code=USAGE)
    if "task" in args and verb not in ("history", "find"):
        names = view.find(world, str(args["task"]))
        if len(names) != 1:
            return missing(str(args["task"]), names)
        args = {**args, "task": names[0]}
    return found(world, args, now)


def missing(given: str, names: tuple[str, ...]) -> Answer:
    """No task of that name, or several that begin so."""
    shown = view.short(given)
    if not names:
        return Answer(errors=(f"no task named {shown}",), code=NOT_FOUND)
    return Answer(list(names), (f"{shown} may be: {', '.join(map(view.short, names))}",), USAGE)


# --- the verbs -------------------------------------------------------------------------------------------------------


def _ls(world: World, args: Args, now: datetime) -> Answer:
    wanted = args.get("phases")
    phases = {str(phase) for phase in wanted} if isinstance(wanted, list) and wanted else None
    return Answer([row_data(world, row, now) for row in view.rows(world, now, phases)])


def _show(world: World, args: Args, now: datetime) -> Answer:
    name = args["task"]
    task = world.tasks.get(name)
    broken = () if task else tuple(entry for entry in world.broken if name in (entry.path, entry.name))[:1]
    path = task.path if task else broken[0].path if broken else ""
    row = next((row for row in view.rows(world, now) if path == row.path or (row.run and row.name == name)), None)
    past = [record for record in reversed(world.records) if record.task_id == name][:5]
    data = {
        **(row_data(world, row, now) if row else {"name": name}),
        "path": path,
        "title": view.safe(task.title, 200) if task else None,
        "fields": plain(task) if task else None,
        "schedule": schedule_data(world, task, now) if task and task.schedule else None,
        "warnings": list(row.warnings) if row else [],
        "problems": [view.problem(entry, index) for entry in broken for index in range(len(entry.problems))],
        "records": [plain(record) for record in past],
        "outcomes": [view.outcome(record) for record in past],
    }
    return Answer(data)


def _why(world: World, args: Args, now: datetime) -> Answer:
    return Answer([plain(gate) for gate in view.why(world, args["task"], now)])


def _usage(world: World, args: Args, now: datetime) -> Answer:
    accounts = sorted({"default"} | {reading.account for reading in world.readings})
    return Answer({account: usage_data(world, account, now) for account in accounts})


def _history(world: World, args: Args, now: datetime) -> Answer:
    records: Iterable[Record] = reversed(world.records)
    if isinstance(task := args.get("task"), str):
        records = [record for record in records if record.task_id == task]
    if args.get("failed"):
        records = [record for record in records if not record.success]
    limit = args.get("limit")
    shown = list(records)[: limit if isinstance(limit, int) and limit >= 0 else 20]
    return Answer(
        {
            "records": [plain(record) for record in shown],
            "outcomes": [view.outcome(record) for record in shown],
            "totals": plain(world.totals),
        }
    )


def _status(world: World, args: Args, now: datetime) -> Answer:
    rows = view.rows(world, now, {Phase.PENDING.value, Phase.ACTIVE.value, "invalid"})
    states = [row.state.value for row in rows]
    return Answer(
        {
            "root": world.settings.root or None,
            "hold": world.memory.hold,
            "counts": {state.value: states.count(state.value) for state in view.State if state.value in states},
            "slots": {"taken": queue.scene(world, now).live, "of": world.settings.run.slots},
            "running": [row_data(world, row, now) for row in rows if row.run],
            "next": [row_data(world, row, now) for row in rows if row.position is not None][:3],
            "usage": usage_data(world, "default", now),
            "troubles": troubles(world),
            "notes": [plain(note) | {"text": view.safe(note.text, 300)} for note in world.notes[-5:]],
            "totals": plain(world.totals),
        }
    )


def _find(world: World, args: Args, now: datetime) -> Answer:
    """Names that begin with `task`: for completion."""
    start = str(args.get("task", "")).casefold()
    names = {*world.tasks, *(entry.path for entry in world.broken)}
    return Answer(sorted(name for name in names if name.casefold().startswith(start)))


def _notes(world: World, args: Args, now: datetime) -> Answer:
    after = args.get("after")
    notes = [note for note in world.notes if not isinstance(after, int) or note.seq > after]
    return Answer([plain(note) | {"text": view.safe(note.text, 300)} for note in notes])


def _run(world: World, args: Args, now: datetime) -> Answer:
    """The run to look at for a task: the open one, else the last that is recorded."""
    name = args["task"]
    open_run = queue.run_of(world, name)
    if open_run:
        data = {
            "run_id": open_run.spec.run_id,
            "open": True,
            "session": session_name(open_run.spec, open_run.leg),
            "task": name,
        }
        attended = open_run.part is Part.ATTENDED
        return Answer(data | {"living": open_run.stage is Stage.RUNNING, "attended": attended})
    past = next((record for record in reversed(world.records) if record.task_id == name and record.run_id), None)
    if past is None:
        return Answer(errors=(f"{view.short(name)} has not run yet",), code=NOT_FOUND)
    return Answer({"run_id": past.run_id, "open": False, "session": None, "task": name, "living": False})


VERBS: Mapping[str, Callable[[World, Args, datetime], Answer]] = {
    "ls": _ls,
    "show": _show,
    "why": _why,
    "usage": _usage,
    "history": _history,
    "status": _status,
    "find": _find,
    "notes": _notes,
    "run": _run,
}


# --- values as data --------------------------------------------------------------------------------------------------


def row_data(world: World, row: view.Row, now: datetime) -> dict[str, Any]:
    """One row of `ls --json`."""
    reason = row.reason
    return {
        "name": row.name,
        "phase": row.phase,
        "state": row.state.value,
        "position": row.position,
        "priority": row.priority,
        "kind": row.kind,
        "runner": row.runner,
        "depends_on": list(row.depends_on),
        "deadline": plain(row.deadline),
        "reason": {"why": reason.why.value, "text": row.text, "until": plain(reason.until)} if reason else None,
        "run": run_data(row.run) if row.run else None,
        "next_fire": plain(row.next_fire),
        "forecast": forecast(world, row.run),
    }


def schedule_data(world: World, task: Task, now: datetime) -> dict[str, Any]:
    """A template's schedule in words, and its next five firings."""
    zone = firing.zone_of(world, task, now)
    found = firing.upcoming(world, task, now, 5)
    return {
        "words": view.safe(spoken.words(task.schedule or "", task.name), 100),
        "zone": task.tz or world.zone or None,
        "skip": firing.skips(world, task),
        "next": [plain(due) for due in found],
        "said": [spoken.moment(due, zone, now) for due in found],
    }


def run_data(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.spec.run_id,
        "started": plain(run.spec.started),
        "session": session_name(run.spec, run.leg),
        "attempt": run.spec.attempt,
        "tokens": run.progress.tokens,
        "last_line": view.safe(run.progress.last_line, 200) or None,
        "part": run.part.value,
        "iteration": run.iteration,
        "via": run.spec.via or str(run.spec.runner),
        "branch": run.tree.branch if run.tree else None,
        "folder": run.tree.folder if run.tree else run.spec.folder,
        "needs_you": run.asks or None,
    }


def forecast(world: World, run: Run | None) -> dict[str, Any]:
    """A living run ends about when its kind usually does; what has not started is not guessed at."""
    if run is None or run.leg_started is None or run.stage is not Stage.RUNNING:
        return {"start": None, "end": None}
    cost = world.costs.get(run.spec.kind)
    usual = cost.duration_p50 if cost else None
    end = None if usual is None else run.leg_started + timedelta(seconds=usual)
    return {"start": plain(run.spec.started), "end": plain(end)}


def usage_data(world: World, account: str, now: datetime) -> dict[str, Any]:
    """The windows of one account and what of them may still be spent, in percent points."""
    windows = capacity.windows(world, now, account)
    claimed = _claimed(world)
    reserve = 0.0 if not world.settings.capacity.reserve else None
    return {
        "windows": [
            {
                "id": window.id,
                "used_percent": window.used,
                "resets_at": plain(window.resets_at),
                "source": window.source,
                "observed_at": plain(window.observed_at),
                "confidence": window.confidence.value,
                "stale": window.stale,
            }
            for window in windows
        ],
        "reserve_percent": reserve,
        "claimed_percent": claimed,
        "headroom_percent": _headroom(world, windows, claimed, reserve),
        "blind": capacity.blind(world, now, account),
        "gate": world.settings.capacity.gate,
        "sources": [plain(state) | {"text": view.safe(state.text, 300)} for state in world.sources.values()],
        "readings": plain(readings.latest(world, now, account)),
        "contradictions": plain(readings.contradictions(world, now, account)),
    }


def _claimed(world: World) -> float | None:
    """What runs in flight will still take: nothing when none needs Claude, else not known."""
    spending = [run for run in world.runs.values() if queue.spends(run)]
    return None if spending else 0.0


def _headroom(
    world: World, windows: tuple[capacity.Window, ...], claimed: float | None, reserve: float | None
) -> float | None:
    """Points left under the nearest maximum; unknown as soon as one part of it is."""
    maxima = capacity.thresholds(world.settings.capacity)
    known = [
        maxima[window.id] - window.used
        for window in windows
        if window.id in (FIVE_HOUR, SEVEN_DAY) and window.used is not None and not window.stale
    ]
    if not known or windows[0].used is None or windows[0].stale or claimed is None or reserve is None:
        return None
    return round(max(min(known) - claimed - reserve, 0.0), 2)


def troubles(world: World) -> list[str]:
    """What is wrong beyond single tasks."""
    sources = [state.text for state in world.sources.values() if not state.ok and state.text]
    found = [*world.programs.values(), *sources]
    return [view.safe(text, 300) for text in found]


def plain(value: Any) -> Any:
    """A value as JSON data: dataclasses and mappings as objects, times as ISO text, enums as their value."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return value
