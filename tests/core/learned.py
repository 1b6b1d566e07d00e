"""Worlds that know what their tasks cost, for tests of whatever decides by cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cctui.core import queue
from cctui.core.cost import learn
from cctui.core.settings import CapacitySettings, RunSettings, Settings
from cctui.core.world import SEVEN_DAY, Record, Run, Stage, Task, World
from tests.core.made import T0, after, reading, spec, world

KINDS = {
    "tiny": (2.0, 600.0),
    "small": (10.0, 1800.0),
    "large": (40.0, 7200.0),
    "long": (5.0, 14400.0),
    "huge": (150.0, 27000.0),
}
"""Kind → points of the 5-hour window, and seconds; of the week a tenth of the points.  But for `tiny` (12 an hour) and
`long` (1.25) all spend 20 points an hour."""


def records(kinds: dict[str, tuple[float, float]], times: int = 3) -> list[Record]:
    """Runs from which these kinds are known well: each takes the same whenever it is done."""
    return [
        Record("t", True, None, 1000, took, "", T0, kind=kind, runner="claude", window_pct=five, week_pct=five / 10)
        for kind, (five, took) in kinds.items()
        for _ in range(times)
    ]


def learned(
    *tasks: Task,
    used: float = 10.0,
    week: float = 20.0,
    slots: int = 2,
    ends: float = 3.0,
    week_ends: float = 90.0,
    kinds: dict[str, tuple[float, float]] | None = None,
    ageing: float = 0.0,
    **capacity: Any,
) -> World:
    """`ends`, `week_ends`: hours until the windows end; `capacity`: its settings.  Nothing has been started yet."""
    capacity.setdefault("person_yields", 0.0)
    settings = Settings(run=RunSettings(slots=slots, ageing_days=ageing), capacity=CapacitySettings(**capacity))
    readings = (
        reading(used, resets_at=after(hours=ends)),
        reading(week, SEVEN_DAY, resets_at=after(hours=week_ends)),
    )
    made = world(*tasks, readings=readings, settings=settings)
    made = replace(made, costs=learn({}, records(KINDS if kinds is None else kinds)))
    return replace(made, line=queue.line(made))


def at_work(of: Task, seconds: float = 0.0, points: dict[str, float] | None = None, **more: Any) -> Run:
    """A run of the task that began so many seconds ago and has spent `points`."""
    made = spec(of.name, kind=of.kind, folder=of.folder, runner=of.runner, model=of.model)
    return Run(made, more.pop("stage", Stage.RUNNING), leg_started=after(-seconds), points=points or {}, **more)


def with_runs(made: World, *runs: Run) -> World:
    made = replace(made, runs={run.spec.run_id: run for run in runs})
    return replace(made, line=queue.line(made))
