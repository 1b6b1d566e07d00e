"""The product's own core against the plain policies on the forty scenarios, judged by the second simulator as well.

Each scenario is simulated once, whichever worker of a parallel run comes to it first; the others read what came of it.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.scenarios import compare, load
from tests.scenarios.compare import NAMES, Row

SCENARIOS = tuple(name for name, _ in load())
FAMILIES = tuple(dict.fromkeys(name.rpartition("-")[0] for name in SCENARIOS))

Rows = Callable[[str], list[Row]]


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Rows:
    """The rows of a scenario, by every policy."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "scheduling"
    folder.mkdir(exist_ok=True)
    return lambda scenario: _once(folder / f"{scenario}.json", scenario)


def _once(path: Path, scenario: str) -> list[Row]:
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if not (text := file.read()):
            text = json.dumps([asdict(compare.row(scenario, policy)) for policy in NAMES])
            file.write(text)
    return [Row(**found) for found in json.loads(text)]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_second_simulator_disputes_nothing(family: str, rows: Rows) -> None:
    mine = [name for name in SCENARIOS if name.rpartition("-")[0] == family]
    own = [row for name in mine for row in rows(name) if row.policy == "cctui"]
    assert {row.scenario: row.disputed for row in own if row.disputed} == {}
    assert all(row.figures["completed"] > 0 for row in own)


@pytest.mark.timeout(600)
def test_cctui_beats_the_plain_policies_in_total(rows: Rows) -> None:
    total = compare.totals(row for name in SCENARIOS for row in rows(name))
    assert compare.faults(total) == []
    assert total["cctui"]["idle_ready_points"] <= total["seed"]["idle_ready_points"] / 8


def test_what_is_no_better_is_told() -> None:
    same = dict.fromkeys(compare.FIGURES, 1.0)
    told = compare.faults({"cctui": same, "seed": same, "fifo": same})
    assert len(told) == 2 * len(compare.MORE + compare.LESS) + 1 and "parks per 100" in told[-1]
    worse = same | {"person_refused": 1.5, "parked_runs": 0.0}
    assert "person_refused: 1.50, fifo 1.00" in compare.faults({"cctui": worse, "seed": same, "fifo": same})
