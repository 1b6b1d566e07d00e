"""`stats` and `report` without an engine: from the history and windows.jsonl on the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cctui.adapters.ledger import Ledger
from cctui.adapters.windows import Windows
from cctui.cli.main import ccq
from cctui.core.world import FIVE_HOUR, ClosedWindow, Record, Status
from cctui.places import Places, find_places

Ccq = Callable[..., Result]
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "r"
    (folder / "tasks" / "pending").mkdir(parents=True)
    monkeypatch.setenv("CCTUI_ROOT", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def call(root: Path) -> Ccq:
    return lambda *args: CliRunner().invoke(ccq, list(args), prog_name="ccq")


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["data"]


def night(root: Path) -> Places:
    """Six runs of one kind, one of them failed, and two windows."""
    places = find_places(None, os.environ, root)
    places.state.mkdir(parents=True)
    for number in range(6):
        began = NOW - timedelta(hours=6 - number * 0.1)
        good = number != 5
        note = f"logs/scheduler/{began:%Y-%m-%d}/task-{number}.md"
        record = Record(f"task {number}", good, None, 1000 + number, 600.0, note, began, run_id=f"r{number}")
        values = {"ended": began + timedelta(minutes=10), "status": Status.COMPLETED if good else Status.FAILED}
        more = {"kind": "digest", "model": "claude-opus-4-8", "runner": "claude", "project": "/home/me/project"}
        fields = {name: getattr(record, name) for name in ("task_id", "success", "error_type", "tokens", "duration_s")}
        fields |= {"log_file": note, "timestamp": began, "run_id": f"r{number}", "window_pct": 4.0, "week_pct": 0.5}
        Ledger(places.history).append(Record(**fields, **values, **more))  # type: ignore[arg-type]
    for hours, lost in ((12, {}), (6, {"hold": 30.0, "fit": 12.0})):
        opened = NOW - timedelta(hours=hours)
        ended = opened + timedelta(hours=5)
        Windows(places.windows).close(ClosedWindow(FIVE_HOUR, opened, ended, used=50.0, ours=50.0, lost=lost))
    return places


def test_stats_on_an_empty_root_know_nothing_and_say_so(call: Ccq) -> None:
    found = data(call("stats", "--json"))
    assert (found["runs"]["runs"], found["runs"]["success_rate"], found["windows"], found["line"]) == (
        0,
        None,
        [],
        None,
    )
    assert call("stats").stdout == "no runs in the last 30 days\n"


def test_stats_tell_the_figure_with_its_cause_in_48_columns(call: Ccq, root: Path) -> None:
    night(root)
    result = call("stats")
    assert result.exit_code == 0, result.stderr
    assert all(len(line) <= 48 for line in result.stdout.splitlines()), result.stdout
    words = " ".join(result.stdout.split())
    assert "6 runs in the last 30 days 5 done · 1 failed · 0 stopped · 83 % succeed" in words
    assert "24.0 points 4.8 points per task that was done" in words
    assert "last window: 42 % expired while work waited: hold was on" in words
    assert "21 % of 2 windows" in words
    assert "digest · claude-opus-4-8: 4.0/4.0/4.0 points" in words
    assert "estimates of points: 100 % under p50, 100 % under p80 (2 runs)" in words


def test_stats_as_json_hold_every_figure_with_its_samples(call: Ccq, root: Path) -> None:
    night(root)
    found = data(call("stats", "--json", "--days", "7"))
    assert found["kinds"]["digest"]["points_known"] == 6
    assert list(found["projects"]) == ["/home/me/project"]
    (kind,) = [each for each in found["learned"] if each["kind"] == "digest" and each["model"] is None]
    assert (kind["runs"], kind["points"]["five_hour"]["count"], kind["tokens"]["ema"]) == (
        5,
        5,
        pytest.approx(1001.5, abs=1),
    )
    assert [window["unused"] for window in found["windows"]] == [0, 42]
    assert sum(sum(week["lost"].values()) for week in found["weeks"]) == pytest.approx(42)
    assert data(call("stats", "--json", "--days", "0.1"))["runs"]["runs"] == 0
    assert call("stats", "--days", "0").exit_code == 2


def test_the_report_is_markdown_and_writes_nothing_unless_told(call: Ccq, root: Path) -> None:
    places = night(root)
    result = call("report")
    assert result.exit_code == 0, result.stderr
    assert "## Failed\n\n- [[task 5]]: failed after 10m" in result.stdout
    assert "hold was on 30 %, no task fitted 12 %" in result.stdout
    assert not places.reports.exists()
    assert data(call("report", "--json"))["runs"]["runs"] == 6


def test_a_written_report_is_replaced_until_it_is_changed(call: Ccq, root: Path) -> None:
    places = night(root)
    result = call("report", "--write")
    path = Path(result.stdout.strip())
    assert path.parent == places.reports
    assert path.read_text().startswith("---\ndate: ")
    assert call("report", "--write").exit_code == 0
    assert data(call("report", "--write", "--json"))["path"] == str(path)
    path.write_text(path.read_text().replace("## Failed", "## My failures"))
    before = path.read_bytes()
    result = call("report", "--write")
    assert (result.exit_code, path.read_bytes()) == (1, before)
    assert "has been changed by hand" in result.stderr


def test_the_report_of_another_day(call: Ccq, root: Path) -> None:
    night(root)
    found = data(call("report", "--date", "2020-02-03", "--json"))
    assert (found["day"], found["runs"]["runs"], found["person"], found["next"]) == ("2020-02-03", 0, [], [])
    assert call("report", "--date", "soon").exit_code == 2


def test_a_windows_file_that_cannot_be_read_is_one_sentence(call: Ccq, root: Path) -> None:
    places = find_places(None, os.environ, root)
    places.windows.mkdir(parents=True)
    result = call("stats")
    assert result.exit_code == 1
    assert f"cannot read {places.windows}: " in result.stderr
    assert call("ls").exit_code == 0
