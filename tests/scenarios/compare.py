"""How the policies do on the forty scenarios: a row of figures each, their totals, and what the totals must show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from os import cpu_count

from cctui.core.simulate.figures import simulate
from cctui.core.simulate.parsing import parse
from cctui.core.simulate.policies import POLICIES
from tests.core.second import disputed
from tests.scenarios import load

NAMES = ("fifo", "seed", "cctui")
FIGURES = (
    *("completed", "completed_weighted", "late", "late_s_weighted", "parked_runs", "person_refused"),
    *("reserve_broken_points", "idle_ready_points", "makespan_s"),
)
MORE = ("completed", "completed_weighted")
LESS = ("late", "late_s_weighted", "idle_ready_points", "makespan_s")
NEVER_WORSE = ("person_refused", "reserve_broken_points")
PARKS = 6.0
"""Parks per 100 completed at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one policy in one scenario.  disputed: what the second simulator finds wrong in them."""

    scenario: str
    policy: str
    tasks: int
    figures: Mapping[str, float]
    disputed: Sequence[str]


def row(scenario: str, policy: str) -> Row:
    data = dict(load())[scenario]
    parsed = parse(data)
    result = simulate(parsed, POLICIES[policy](parsed.known))
    wrong = disputed(data, result) if policy == "cctui" else ()  # of the plain ones test_two_simulators asks more
    return Row(scenario, policy, len(parsed.tasks), {name: result[name] for name in FIGURES}, wrong)


def everything() -> list[Row]:
    """All scenarios by all policies, over all processors; the dearest first, so that none is waited for at the end."""
    jobs = [(name, policy) for policy in reversed(NAMES) for name, _ in load()]
    with ProcessPoolExecutor(cpu_count()) as pool:
        rows = list(pool.map(row, *zip(*jobs, strict=True)))
    return sorted(rows, key=lambda row: (row.scenario, NAMES.index(row.policy)))


def totals(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Policy → figure → sum over the scenarios."""
    found = {policy: dict.fromkeys(FIGURES, 0.0) for policy in NAMES}
    for each in rows:
        for name, value in each.figures.items():
            found[each.policy][name] += value
    return found


def parks(figures: Mapping[str, float]) -> float:
    """Per 100 completed."""
    return 100 * figures["parked_runs"] / max(figures["completed"], 1)


def faults(total: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What the totals of cctui ought to show beside those of the plain policies, and do not."""
    own = total["cctui"]
    found = []
    for other in ("seed", "fifo"):
        theirs = total[other]
        found += [f"{name}: {own[name]:.2f}, {other} {theirs[name]:.2f}" for name in MORE if own[name] <= theirs[name]]
        found += [f"{name}: {own[name]:.2f}, {other} {theirs[name]:.2f}" for name in LESS if own[name] >= theirs[name]]
        found += [
            f"{name}: {own[name]:.2f}, {other} {theirs[name]:.2f}"
            for name in NEVER_WORSE
            if own[name] > theirs[name] + 1e-6
        ]
    if parks(own) > PARKS:
        found.append(f"parks per 100 completed: {parks(own):.2f}, at most {PARKS:g}")
    return found
