"""`ccq simulate`: the envelope, the table, what is wrong with a scenario, and a scenario of one's own days."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cctui.adapters.ledger import Ledger, Samples
from cctui.cli.main import ccq
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Reading, Record
from cctui.places import find_places, make
from tests.scenarios import FOLDER, load
from tests.scenarios.compare import FIGURES

Ccq = Callable[..., Result]
NAME, SCENARIO = next((name, data) for name, data in load() if name == "chains-1")
TASK = SCENARIO["tasks"][0] | {"depends_on": [], "arrives": SCENARIO["start"]}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ccq:
    """In an empty folder, without a root, and without any way to open a socket."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CCTUI_ROOT", raising=False)

    def called(*args: str, **settings: Any) -> Result:
        return CliRunner().invoke(ccq, ["simulate", *args], prog_name="ccq", **settings)

    return called


def write(tmp_path: Path, **changes: Any) -> str:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(SCENARIO | changes))
    return str(path)


@pytest.mark.parametrize("policy", [None, "cctui", "seed", "fifo"])
def test_the_envelope_holds_the_result_with_its_figures_on_top(
    call: Ccq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str | None
) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", opened)
    path = write(tmp_path)
    result = call(path, "--json", *(["--policy", policy] if policy else []))
    assert result.exit_code == 0 and result.stderr == ""
    told = json.loads(result.stdout)
    assert list(told) == ["schema", "data", "errors"] and told["errors"] == []
    assert list(told["data"]) == ["policy", "tasks", "windows", *FIGURES]
    assert told["data"]["policy"] == (policy or "cctui") and len(told["data"]["tasks"]) == len(SCENARIO["tasks"])
    assert {entry.name for entry in tmp_path.iterdir()} == {"scenario.json"}


def test_the_same_scenario_gives_the_same_from_a_file_and_from_standard_input(call: Ccq) -> None:
    one = call(str(FOLDER / f"{NAME}.json"), "--json", "--policy", "seed")
    other = call("-", "--json", "--policy", "seed", input=json.dumps(SCENARIO))
    assert one.stdout == other.stdout != ""


def test_the_table_shows_the_policies_side_by_side_on_a_phone(call: Ccq, tmp_path: Path) -> None:
    result = call(write(tmp_path))
    lines = result.stdout.splitlines()
    assert result.exit_code == 0 and all(len(line) <= 48 for line in lines)
    assert lines[0].startswith(f"{len(SCENARIO['tasks'])} tasks · 1 slot · 24h 00m from ")
    assert lines[1].split() == ["cctui", "seed", "fifo"] and len(lines) == 2 + len(FIGURES)
    assert lines[2].split() == ["completed", "20", "20", "20"]


def test_every_task_is_told_when_asked_for(call: Ccq, tmp_path: Path) -> None:
    tasks = [
        {**TASK, "name": "first", "five_hour": 130, "duration_s": 10800, "deadline": "2026-04-14T07:00:00+00:00"},
        {**TASK, "name": "never", "depends_on": ["last"]},
        {**TASK, "name": "last", "duration_s": 90000},
    ]
    result = call(write(tmp_path, tasks=tasks), "--policy", "fifo", "-v")
    lines = result.stdout.splitlines()
    assert all(len(line) <= 48 for line in lines)
    assert lines[1].split() == ["fifo"] and lines[10].split()[-2:] == [">24h", "00m"]
    assert lines[12] == "with fifo:"
    assert lines[13].startswith("✓ first") or lines[13].startswith("● first")
    assert any("wall" in line for line in lines) and any("late by" in line for line in lines)
    assert lines[-1].startswith("○ never") and lines[-1].endswith("never started")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"slots": 0}, "slots: found 0; allowed: a whole number of at least 1"),
    ({"hours": "x"}, "hours: found 'x'; allowed: a number above 0"),
    ({"tz": "Mars/North"}, "tz: found 'Mars/North'; allowed: a zone"),
    ({"taks": []}, "taks: no such field; did you mean 'tasks'?"),
    ({"tasks": [{**TASK, "five_hour": 0}]}, "tasks[0].five_hour: found 0; allowed: a number above 0"),
    ({"tasks": [{**TASK, "depends_on": ["no"]}]}, "tasks[0].depends_on: found 'no'"),
]


@pytest.mark.parametrize(("changes", "said"), BAD)
def test_what_is_wrong_with_a_scenario_names_the_field(
    call: Ccq, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    path = write(tmp_path, **changes)
    result = call(path, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 4 and told["data"] is None
    assert len(told["errors"]) == 1 and said in told["errors"][0]
    assert said in call(path).stderr


def test_every_problem_is_one_sentence(call: Ccq, tmp_path: Path) -> None:
    result = call(write(tmp_path, slots=0, hours=0, tz=3), "--json")
    assert [error.partition(":")[0] for error in json.loads(result.stdout)["errors"]] == ["tz", "hours", "slots"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "not valid JSON: "),
        (b"\xff", "not UTF-8: byte at offset 0"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "the scenario: found a list; allowed: a mapping of start"),
    ],
)
def test_what_is_no_json_at_all(call: Ccq, tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "x").write_bytes(raw)
    result = call("x")
    assert result.exit_code == 4 and said in result.stderr


def test_how_it_is_called_wrongly(call: Ccq, tmp_path: Path) -> None:
    assert call("nowhere.json").exit_code == 3
    assert call(str(tmp_path)).exit_code == 1
    assert call().exit_code == 2
    assert call("--from-history", "x.json").exit_code == 2
    assert call(write(tmp_path), "-o", "y").exit_code == 2
    assert call(write(tmp_path), "--policy", "best").exit_code == 2


# --- from one's own days ---------------------------------------------------------------------------------------------


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root in which three runs and a person have spent something since yesterday."""
    root = tmp_path / "r"
    monkeypatch.setenv("CCTUI_ROOT", str(root))
    places = find_places(str(root), {"HOME": str(tmp_path)} | _state(monkeypatch, tmp_path), root)
    make(places)
    begun = datetime.now(UTC) - timedelta(hours=20)
    ledger = Ledger(places.history)
    for number, cost in enumerate((12.0, 30.0, None)):
        start = begun + timedelta(hours=2 * number)
        ledger.append(
            Record(f"t{number}", True, None, 1000, 1800.0, "", start, run_id=f"r{number}", kind="k", runner="claude",
                   ended=start + timedelta(minutes=30), attempt=1, window_pct=cost, week_pct=cost and cost / 10)
        )  # fmt: skip
    ends = begun + timedelta(hours=5)
    Samples(places.capacity).append(
        [
            Reading(FIVE_HOUR, 0.0, ends, "stream", begun),
            Reading(SEVEN_DAY, 40.0, begun + timedelta(days=3), "stream", begun),
            Reading(FIVE_HOUR, 55.0, ends, "stream", begun + timedelta(hours=3)),
        ]
    )
    return root


def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    monkeypatch.setenv("CCTUI_STATE", str(tmp_path / "state"))
    return {"CCTUI_STATE": str(tmp_path / "state")}


def test_a_scenario_of_ones_own_days_can_be_simulated(call: Ccq, days: Path, tmp_path: Path) -> None:
    result = call("--from-history", "--days", "3", "-o", str(tmp_path / "mine.json"))
    assert result.exit_code == 0 and result.stdout == ""
    assert "left out: 1 of 3 runs, which have no known cost" in result.stderr
    assert "2 runs, 1 use of yours" in result.stderr
    made = json.loads((tmp_path / "mine.json").read_text())
    assert [task["five_hour"] for task in made["tasks"]] == [12.0, 30.0] and made["seven_day"]["used"] == 40
    assert [use["five_hour"] for use in made["person"]] == [13.0]
    told = call(str(tmp_path / "mine.json"), "--json")
    assert told.exit_code == 0 and json.loads(told.stdout)["data"]["completed"] == 2


def test_it_goes_through_a_pipe_and_into_the_envelope(call: Ccq, days: Path) -> None:
    plain = call("--from-history")
    assert call("-", "--policy", "fifo", input=plain.stdout).exit_code == 0
    data = json.loads(call("--from-history", "--json").stdout)["data"]
    assert data["scenario"]["tasks"] == json.loads(plain.stdout)["tasks"] and data["path"] is None
    assert data["notes"] == ["left out: 1 of 3 runs, which have no known cost"]


def test_what_cannot_be_written_or_read_is_one_sentence(call: Ccq, days: Path, tmp_path: Path) -> None:
    result = call("--from-history", "-o", str(tmp_path))
    assert result.exit_code == 1 and "cannot be written: " in result.stderr
    (days / "logs/scheduler/history.jsonl").rename(tmp_path / "kept")
    assert call("--from-history").exit_code == 3
    (days / "logs/scheduler/history.jsonl").mkdir()
    result = call("--from-history", "--json")
    assert result.exit_code == 1 and json.loads(result.stdout)["errors"][0].startswith("cannot read ")
