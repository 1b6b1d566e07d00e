"""The outlook: the plan as JSON data, and what people write of a change that is only imagined.  Pure.

Shapes are the outside contract (README "The plan").  Times are ISO with an offset; an unknown is null, never 0.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cctui.core import naming, view
from cctui.core.answer import INVALID, USAGE, Answer, plain
from cctui.core.forecast import Band, Plan, Planned, PlannedWindow, Slip, slips, summary
from cctui.core.plan import HORIZON, SAMPLES
from cctui.core.world import (
    Add,
    Command,
    Edit,
    Hold,
    Move,
    Pause,
    Place,
    Reason,
    Remove,
    RetryTask,
    RunNow,
    Skip,
    StopRun,
    World,
)

MOST_DAYS = 31.0
LISTED = 50
"""Slips that an answer lists."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the plan."""

    horizon: timedelta = HORIZON
    samples: int = 0
    command: Command | None = None
    words: str = ""
    """The command as it was written."""


def question(world: World, args: Mapping[str, Any]) -> Question | Answer:
    """The question that the arguments of the verb `plan` are; an Answer when they are none."""
    days, words = args.get("days"), str(args.get("what_if") or "")
    if days is not None and not (isinstance(days, int | float) and 0 < days <= MOST_DAYS):
        return Answer(errors=(f"days: more than 0 and at most {MOST_DAYS:g}",), code=USAGE)
    horizon = timedelta(days=days) if days else HORIZON
    samples = SAMPLES if args.get("bands") else 0
    if not words:
        return Question(horizon, samples)
    try:
        named = naming.whole(world, written(words))
    except ValueError as error:
        return Answer(errors=(str(error),), code=USAGE)
    if isinstance(named, Answer):
        return named
    return Question(horizon, samples, named, words)


def answer(asked: Question, before: Plan, after: Plan | Reason | None, now: datetime) -> Answer:
    """The plan, or what would become of it (`after`)."""
    if isinstance(after, Reason):
        code = INVALID if after.why.value == "invalid" else 1
        return Answer({"why": after.why.value}, (view.say(after, now),), code)
    data = plan_data(after or before, now)
    if after is not None:
        moved = slips(before, after)
        data["what_if"] = {
            "command": view.safe(asked.words, 200),
            "slips": [slip_data(slip) for slip in moved[:LISTED]],
            "more": max(len(moved) - LISTED, 0),
            "newly_late": sum(slip.newly_late for slip in moved),
        }
    return Answer(data)


# --- the plan as data ------------------------------------------------------------------------------------------------


def plan_data(plan: Plan, now: datetime) -> dict[str, Any]:
    return {
        "made_at": plain(plan.made_at),
        "horizon": plain(plan.horizon),
        "summary": summary(plan, now),
        "samples": plan.samples,
        "guesses": plan.guesses,
        "doubt": plan.doubt or None,
        "tasks": [task_data(planned, now) for planned in plan.tasks],
        "windows": [window_data(window) for window in plan.windows],
        "what_if": None,
    }


def task_data(planned: Planned, now: datetime) -> dict[str, Any]:
    why = planned.why
    return {
        "name": planned.task,
        "start": plain(planned.start),
        "end": plain(planned.end),
        "starts": _band(planned.starts),
        "ends": _band(planned.ends),
        "windows": plain(planned.windows),
        "deadline": plain(planned.deadline),
        "late_s": None if planned.late is None else round(planned.late),
        "chance": planned.chance,
        "why": {"why": why.why.value, "text": view.say(why, now), "until": plain(why.until)} if why else None,
        "parked": planned.resumed,
        "points": round(planned.points, 2),
        "fired": planned.fired,
        "guess": planned.guess or None,
    }


def _band(band: Band | None) -> dict[str, Any] | None:
    return None if band is None else {"p50": plain(band.p50), "p90": plain(band.p90)}


def window_data(window: PlannedWindow) -> dict[str, Any]:
    return {
        "id": window.window,
        "opens": plain(window.opens),
        "ends": plain(window.ends),
        "before_percent": round(window.before, 2),
        "used_percent": round(window.used, 2),
        "ours_percent": round(window.ours, 2),
        "person_percent": round(window.person, 2),
        "reserve_percent": window.reserve,
        "unused_percent": round(window.unused, 2),
        "cause": window.cause or None,
    }


def slip_data(slip: Slip) -> dict[str, Any]:
    return {
        "name": slip.task,
        "end_before": plain(slip.end_before),
        "end_after": plain(slip.end_after),
        "seconds": round(slip.seconds),
        "newly_late": slip.newly_late,
    }


FRESH = timedelta(hours=1)
"""How old a plan may be to speak in the rows of `ls`."""


def with_forecasts(rows: list[dict[str, Any]], plan: Plan, now: datetime) -> list[dict[str, Any]]:
    """The rows of `ls` with what the plan says of those that wait, and when it was made; an old plan says nothing."""
    if now - plan.made_at > FRESH:
        return rows
    planned = {one.task: one for one in plan.tasks}
    found = []
    for row in rows:
        one = planned.get(row["name"])
        if one is not None and row["forecast"]["end"] is None and row["state"] not in ("done", "failed", "invalid"):
            said = {"start": plain(one.start), "end": plain(one.end), "planned_at": plain(plan.made_at)}
            row = {**row, "forecast": said}
        found.append(row)
    return found


# --- what if: a command in words -------------------------------------------------------------------------------------

PLACES = tuple(place.value for place in Place)
ALONE: Mapping[str, Command] = {"hold": Hold(True), "release": Hold(False)}


def written(words: str) -> Command:
    """``move TASK top``, ``pause TASK``, ``add NAME kind=fix priority=3``.  ValueError says what can be written."""
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise ValueError(f"what-if: {str(error).lower()}") from None
    match parts:
        case [verb] if verb in ALONE:
            return ALONE[verb]
        case ["move", task, place] if place in PLACES[:4]:
            return Move(task, Place(place))
        case ["move", task, ("before" | "after") as place, other]:
            return Move(task, Place(place), other)
        case ["pause", task]:
            return Pause(task)
        case ["resume", task]:
            return Pause(task, on=False)
        case ["run", task]:
            return RunNow(task)
        case ["stop", task]:
            return StopRun(task)
        case ["retry", task]:
            return RetryTask(task)
        case ["rm", task]:
            return Remove(task)
        case ["skip", task]:
            return Skip(task)
        case ["edit", task, change] if "=" in change:
            field, _, value = change.partition("=")
            return Edit(task, field, value or None)
        case ["add", name, *fields] if "=" not in name and all("=" in part for part in fields):
            lines = (part.replace("=", ": ", 1) for part in fields)
            return Add(name, "\n".join(("---", *lines, "---", name, "")))
    raise ValueError(
        'what-if: "move TASK top|bottom|up|down", "move TASK before|after OTHER", "pause|resume|run|stop|retry|rm|skip '
        'TASK", "edit TASK FIELD=VALUE", "add NAME FIELD=VALUE …", "hold", "release"'
    )
