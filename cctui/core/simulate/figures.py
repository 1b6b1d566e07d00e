"""The result of a simulation: what became of every task and window, and the figures, ready for JSON.  Pure.

Times are ISO with milliseconds, in the scenario's zone; points and seconds are rounded to a millionth, so that no
rounding of floats shows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cctui.core.simulate.idle import idle_ready_points
from cctui.core.simulate.model import run
from cctui.core.simulate.reserve import Span, spans
from cctui.core.simulate.scenario import FULL, INSTANT, Scenario
from cctui.core.simulate.sight import Policy
from cctui.core.simulate.trace import Job, Trace, Window


def simulate(scenario: Scenario, policy: Policy) -> dict[str, Any]:
    """The `data` of `ccq simulate`.  `policy` must be new: made for this one run."""
    trace = run(scenario, policy)
    return {
        "policy": policy.name,
        "tasks": [_task(scenario, job) for job in trace.jobs],
        "windows": [_window(scenario, window) for window in trace.windows],
        **_figures(scenario, trace),
    }


def _figures(scenario: Scenario, trace: Trace) -> dict[str, Any]:
    reserve = spans(scenario.start, scenario.reserve, scenario.length)
    done = [job for job in trace.jobs if job.done is not None]
    late = [(job, seconds) for job in trace.jobs if (seconds := _late(scenario, job)) > 0]
    ends = [job.done for job in done if job.done is not None]
    return {
        "completed": len(done),
        "completed_weighted": _rounded(sum(1.0 / job.spec.priority for job in done)),
        "late": len(late),
        "late_s_weighted": _rounded(sum(seconds / job.spec.priority for job, seconds in late)),
        "parked_runs": sum(job.parked for job in trace.jobs),
        "person_refused": _rounded(trace.refused),
        "reserve_broken_points": _rounded(_broken(trace, reserve)),
        "idle_ready_points": _rounded(idle_ready_points(scenario, trace, reserve)),
        "makespan_s": _rounded(max(ends, default=0.0) if len(done) == len(trace.jobs) else scenario.length),
    }


def _late(scenario: Scenario, job: Job) -> float:
    """Seconds after its deadline; a task that is not done counts to the end of the scenario."""
    if job.spec.deadline is None:
        return 0.0
    seconds = (scenario.length if job.done is None else job.done) - job.spec.deadline
    return seconds if seconds > INSTANT else 0.0


def _broken(trace: Trace, reserve: list[Span]) -> float:
    """The largest excess of the runs' part of every window, five-hour ones and weeks, in reserve hours."""
    five: dict[int, float] = {}
    weeks: dict[int, float] = {}
    place = 0
    for piece in trace.pieces:
        while place < len(reserve) and reserve[place].ends <= piece.begins:
            place += 1
        for span in reserve[place:]:
            if span.begins >= piece.ends:
                break
            took = min(span.ends, piece.ends) - piece.begins
            if piece.five is not None:
                excess = _excess(piece.five_runs + piece.five_rate * took, trace.windows[piece.five], span.five_hour)
                five[piece.five] = max(five.get(piece.five, 0.0), excess)
            excess = _excess(piece.week_runs + piece.week_rate * took, trace.weeks[piece.week], span.seven_day)
            weeks[piece.week] = max(weeks.get(piece.week, 0.0), excess)
    return sum(five.values()) + sum(weeks.values())


def _excess(by_runs: float, window: Window, share: float) -> float:
    """Above 100 − what the window held at the scenario's start − the reserve; a limit below 0 counts as 0."""
    return by_runs - max(0.0, FULL - window.held - share) if share > 0 else 0.0


# --- for JSON --------------------------------------------------------------------------------------------------------


def _task(scenario: Scenario, job: Job) -> dict[str, Any]:
    return {
        "name": job.spec.name,
        "start": iso(scenario.start, job.segments[0].start) if job.segments else None,
        "end": None if job.done is None else iso(scenario.start, job.done),
        "parked": job.parked,
        "segments": [
            {
                "start": iso(scenario.start, segment.start),
                "end": iso(scenario.start, scenario.length if segment.end is None else segment.end),
                "why": segment.why.value,
            }
            for segment in job.segments
        ],
    }


def _window(scenario: Scenario, window: Window) -> dict[str, Any]:
    return {
        "opened": iso(scenario.start, window.opened),
        "ends": iso(scenario.start, window.ends),
        "used": _rounded(window.used),
        "by_person": _rounded(window.by_person),
        "by_runs": _rounded(window.by_runs),
    }


def iso(start: datetime, at: float) -> str:
    """To the nearest millisecond, with the offset of the zone then."""
    utc = start.astimezone(UTC)
    thousandths = round(utc.microsecond / 1000 + at * 1000)
    when = utc.replace(microsecond=0) + timedelta(milliseconds=thousandths)
    return when.astimezone(start.tzinfo).isoformat(timespec="milliseconds")


def _rounded(number: float) -> float:
    return round(number, 6) + 0.0
