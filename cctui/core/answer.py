"""Answers to the reading verbs as JSON data: one implementation for the engine and for the command line without one.

Shapes are the outside contract (README "JSON").  Times are ISO with an offset; an unknown is null, never 0.  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from cctui.core import capacity, firing, headroom, pacing, queue, readings, spoken, view
from cctui.core.launch import session_name
from cctui.core.world import Part, Phase, Record, Run, Stage, Task, World

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


def _done(world: World, args: Args, now: datetime) -> Answer:
    """What can be taken back, the newest first."""
    return Answer(
        [
            {"label": view.safe(done.label, 200), "at": plain(done.at), "when": view.moment(done.at, now)}
            for done in reversed(world.memory.done)
        ]
    )


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


def _stats(world: World, args: Args, now: datetime) -> Answer:
    """Figures over the newest runs and windows."""
    from cctui.core import metrics  # noqa: PLC0415 - 10 ms that only these two verbs shall pay

    days = args.get("days")
    known = isinstance(days, int | float) and not isinstance(days, bool) and 0 < days <= 36_500
    found = metrics.stats(world, now, float(days) if known and days else 30.0)
    windows = [plain(each) | {"left": each.left, "unused": each.unused} for each in found.windows]
    return Answer(plain(found) | {"windows": windows, "line": metrics.unused_words(world, now) or None})


def _report(world: World, args: Args, now: datetime) -> Answer:
    """The morning report of a day, as figures and as Markdown."""
    from cctui.core import markdown, report  # noqa: PLC0415 - the same

    try:
        day = date.fromisoformat(str(args["date"])) if args.get("date") else None
        found = report.gather(world, day, now)
    except (ValueError, OverflowError):
        return Answer(errors=(f"a day is written like 2026-11-21, not {view.short(str(args['date']))}",), code=USAGE)
    return Answer(plain(found) | {"text": markdown.report(found)})


VERBS: Mapping[str, Callable[[World, Args, datetime], Answer]] = {
    "ls": _ls,
    "show": _show,
    "why": _why,
    "usage": _usage,
    "history": _history,
    "status": _status,
    "find": _find,
    "notes": _notes,
    "done": _done,
    "run": _run,
    "stats": _stats,
    "report": _report,
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
        "rule": row.rule or None,
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
        "unheard": run.unheard,
    }


def forecast(world: World, run: Run | None) -> dict[str, Any]:
    """A living run ends about when its kind usually does; what has not started is not guessed at."""
    if run is None or run.leg_started is None or run.stage is not Stage.RUNNING:
        return {"start": None, "end": None}
    cost = world.costs.get(run.spec.kind)
    usual = cost.seconds.p50 if cost and cost.seconds else None
    end = None if usual is None else run.leg_started + timedelta(seconds=usual)
    return {"start": plain(run.spec.started), "end": plain(end)}


def usage_data(world: World, account: str, now: datetime) -> dict[str, Any]:
    """The windows of one account and what of them may still be spent, in percent points."""
    scene = queue.scene(world, now)
    found = headroom.levels(scene, account)
    left, pace = headroom.headroom(found), headroom.pace(scene)
    return {
        "windows": [
            {
                "id": level.window.id,
                "used_percent": level.used,
                "resets_at": plain(level.window.resets_at),
                "source": level.window.source,
                "observed_at": plain(level.window.observed_at),
                "confidence": level.window.confidence.value,
                "stale": level.window.stale,
                "claimed_percent": rounded(level.ours),
                "reserve_percent": rounded(level.kept),
                "headroom_percent": rounded(level.free),
            }
            for level in found
        ],
        "reserve_percent": rounded(left.reserve),
        "claimed_percent": rounded(left.claimed),
        "headroom_percent": rounded(left.free),
        "pace": pace_data(world, pace) if pace and account == "default" else None,
        "blind": capacity.blind(world, now, account),
        "gate": world.settings.capacity.gate,
        "sources": [plain(state) | {"text": view.safe(state.text, 300)} for state in world.sources.values()],
        "readings": plain(readings.latest(world, now, account)),
        "contradictions": plain(readings.contradictions(world, now, account)),
    }


def pace_data(world: World, pace: pacing.Pace) -> dict[str, Any]:
    """The week against its pace: points in reserve (negative: in deficit), and when it runs out as it goes."""
    return {
        "pace": world.settings.capacity.pace,
        "target_percent": rounded(pace.target),
        "in_reserve_points": rounded(pace.reserve),
        "runs_out_at": plain(pace.runs_out),
    }


def rounded(points: float | None) -> float | None:
    return None if points is None else round(points, 2)


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
