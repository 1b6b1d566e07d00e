"""Scheduling: the forty scenarios by `fifo`, `seed` and `cctui`, scenario by scenario and in total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from tests.bench.measure import Figure
from tests.scenarios import compare
from tests.scenarios.compare import LESS, MORE, NAMES, NEVER_WORSE, PARKS, Row

HEAD = ("done", "weighted", "late", "late·h/p", "parks", "refused", "reserve", "idle", "span·h")
HOURS = ("late_s_weighted", "makespan_s")
STRICT = 1e-6
"""Better is better by at least this much."""


@cache
def rows() -> list[Row]:
    return compare.everything()


def figures() -> list[Figure]:
    """Every one is better when it is less; the bound is the better of the two plain policies."""
    total = compare.totals(rows())
    tasks = sum(row.tasks for row in rows() if row.policy == "cctui")
    weight = max(total[policy]["completed_weighted"] for policy in NAMES)
    found = []
    for name in (*MORE, *LESS, *NEVER_WORSE):
        best = tasks if name == "completed" else weight
        seen = {policy: best - total[policy][name] if name in MORE else total[policy][name] for policy in NAMES}
        if name == "completed":
            words = "tasks left undone"
        elif name == "completed_weighted":
            words = "weight less than the best"
        else:
            words = name
        bound = min(seen["fifo"], seen["seed"]) - (0.0 if name in NEVER_WORSE else STRICT)
        base = ", ".join(f"{policy} {seen[policy]:.1f}" for policy in ("seed", "fifo"))
        found.append(Figure(f"scheduling: {words}", seen["cctui"], "in total", bound, base))
    found.append(Figure("scheduling: parks per 100 completed", compare.parks(total["cctui"]), "parks", PARKS))
    disputes = sum(len(row.disputed) for row in rows())
    found.append(Figure("scheduling: disputed by the second simulator", disputes, "results", 0))
    return found


def tables() -> str:
    """A line per scenario and policy, then the totals with the ratios that matter."""
    return "\n".join([*_scenarios(), "", *_totals()])


def _scenarios() -> Iterator[str]:
    yield _line("scenario", "policy", HEAD)
    before = ""
    for row in rows():
        name = "" if row.scenario == before else f"{row.scenario} ({row.tasks})"
        yield _line(name, row.policy, _cells(row.figures))
        yield from (f"    disputed: {text}" for text in row.disputed)
        before = row.scenario


def _totals() -> Iterator[str]:
    total = compare.totals(rows())
    yield _line("in total", "policy", HEAD)
    for policy in NAMES:
        yield _line("", policy, _cells(total[policy]))
    own = total["cctui"]
    for other in ("seed", "fifo"):
        ratios = (f"{_ratio(own[name], total[other][name])}" for name in compare.FIGURES)
        yield _line("", f"/ {other}", tuple(ratios))
    yield ""
    yield f"idle of cctui / seed: {_ratio(own['idle_ready_points'], total['seed']['idle_ready_points'])}"
    yield f"parks per 100 completed: {compare.parks(own):.2f} (at most {PARKS:g})"
    faults = compare.faults(total)
    yield "better in all that counts" if not faults else "not better: " + "; ".join(faults)
    yield ""


def _cells(figures: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(_cell(name, figures[name]) for name in compare.FIGURES)


def _cell(name: str, value: float) -> str:
    if name in HOURS:
        return f"{value / 3600:.1f}"
    return f"{value:.0f}" if name in ("completed", "late", "parked_runs") else f"{value:.1f}"


def _ratio(own: float, other: float) -> str:
    return f"{own / other:.3f}" if other else "–"


def _line(scenario: str, policy: str, cells: tuple[str, ...]) -> str:
    return f"{scenario:<26}{policy:<8}" + "".join(f"{cell:>10}" for cell in cells)
