"""The history and the samples: appended once, read back as written, whatever died in the middle of a line."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.adapters import jsonl, ledger
from cctui.adapters.ledger import Ledger, LedgerError, Samples
from cctui.core.world import Confidence, ErrorType, Reading, Record, Status, Totals

START = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))
MINIMUM = ["task_id", "success", "error_type", "tokens", "duration_s", "log_file", "timestamp"]


def record(number: int = 1, **values: Any) -> Record:
    made = Record(
        task_id=f"task {number}",
        success=True,
        error_type=None,
        tokens=1000 * number,
        duration_s=1.5,
        log_file="logs/scheduler/2026-02-03/x.md",
        timestamp=START,
        run_id=f"run-{number}",
        ended=START + timedelta(minutes=1),
        status=Status.COMPLETED,
        cost_usd=0.25,
    )
    return replace(made, **values)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "history.jsonl"


def test_no_file_is_an_empty_past(path: Path) -> None:
    past = Ledger(path)
    assert list(past.all()) == [] and past.tail(5) == () and past.totals() == Totals() and past.warnings == []
    assert not path.exists()


def test_the_line_is_the_outside_contract(path: Path) -> None:
    Ledger(path).append(
        record(detail="ünicode \x1b[31m \udc80", error_type=ErrorType.LIMIT, capacity_after=float("nan"))
    )
    (line,) = path.read_text("utf-8").splitlines()
    found = json.loads(line)
    assert list(found) == [field.name for field in fields(Record)]
    assert list(found)[:8] == [*MINIMUM, "schema"]
    assert found["timestamp"] == "2026-02-03T04:05:06+01:00" and found["schema"] == 1
    assert found["error_type"] == "limit" and found["status"] == "completed" and found["capacity_after"] is None
    assert "ünicode" in line and found["detail"] == "ünicode \x1b[31m \udc80" and "\x1b" not in line


def test_what_is_appended_is_read_back_in_order(path: Path) -> None:
    records = [record(number, detail="x" * number * 100) for number in range(1, 200)]
    past = Ledger(path)
    assert all(past.append(one) for one in records)
    for reader in (past, Ledger(path)):
        assert list(reader.all()) == records
        assert reader.tail(7) == tuple(records[-7:]) and reader.tail(500) == tuple(records) and reader.tail(0) == ()
    assert path.stat().st_size > 3 * jsonl.BLOCK, "the tail crosses blocks"


def test_a_run_stands_there_once(path: Path) -> None:
    past = Ledger(path)
    assert past.append(record(1)) and past.append(record(2))
    assert not past.append(record(1, success=False)) and not past.append(record(2))
    other = Ledger(path)
    assert not other.append(record(2)) and other.append(record(3))
    assert not past.append(record(3)), "somebody else has appended meanwhile"
    assert [one.run_id for one in past.all()] == ["run-1", "run-2", "run-3"]


TORN = [
    b'{"task_id": "task 9", "success": true, "run_id": "run-9", "det',
    b'{"a',
    b"{",
    b'"text"',
    b"\xff\xfe",
    b"[1]",
    b"nul",
]


@pytest.mark.parametrize("torn", TORN)
def test_a_torn_last_line_is_skipped_mended_and_told(path: Path, torn: bytes) -> None:
    Ledger(path).append(record(1))
    path.write_bytes(path.read_bytes() + torn)
    past = Ledger(path)
    assert [one.run_id for one in past.all()] == ["run-1"] == [one.run_id for one in past.tail(9)]
    assert any("history.jsonl, line 2" in text and "torn" in text for text in past.warnings)
    assert past.append(record(9)), "a torn line is not a run that was filed"
    assert [one.run_id for one in Ledger(path).all()] == ["run-1", "run-9"] == [one.run_id for one in past.tail(2)]
    assert path.read_bytes().count(b"\n") == 3 and len(past.warnings) == len(set(past.warnings))


def test_a_line_that_lacks_only_its_end_is_a_record(path: Path) -> None:
    Ledger(path).append(record(1))
    os.truncate(path, path.stat().st_size - 1)
    past = Ledger(path)
    assert past.tail(1) == (record(1),) and not past.append(record(1)) and past.append(record(2))
    assert [one.run_id for one in Ledger(path).all()] == ["run-1", "run-2"] and past.warnings == []


LENIENT: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"later": [1]}, True),
    ({"status": None, "tokens": None, "error_type": None}, True),
    ({"duration_s": 3}, True),
    ({"timestamp": "2026-02-03T04:05:06Z"}, True),
    ({"task_id": None}, False),
    ({"task_id": 5}, False),
    ({"success": "yes"}, False),
    ({"tokens": True}, False),
    ({"tokens": "1k"}, False),
    ({"timestamp": "2026-02-03T04:05:06"}, False),
    ({"timestamp": "yesterday"}, False),
    ({"status": "exploded"}, False),
]


@pytest.mark.parametrize(("change", "good"), LENIENT)
def test_lines_of_other_versions_are_read_where_they_can_be(path: Path, change: dict[str, Any], good: bool) -> None:
    least = {"task_id": "t", "success": True, "duration_s": 1.0, "timestamp": "2026-02-03T04:05:06+00:00"}
    path.parent.mkdir()
    path.write_text(json.dumps(least | change) + "\r\n\n" + json.dumps(least) + "\n")
    past = Ledger(path)
    assert len(list(past.all())) == len(past.tail(9)) == 1 + good
    assert bool(past.warnings) == (not good)


def test_totals(path: Path) -> None:
    past = Ledger(path)
    past.append(record(1))
    past.append(record(2, status=Status.FAILED, success=False, cost_usd=None))
    past.append(record(3, status=Status.CANCELLED, success=False, tokens=None))
    past.append(record(4, status=None, success=False))
    assert past.totals() == Totals(runs=4, completed=1, failed=2, cancelled=1, tokens=7000, cost_usd=0.75)


def test_a_disk_that_is_full_leaves_no_half_line(path: Path) -> None:
    Ledger(path).append(record(1))
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from cctui.adapters.ledger import Ledger, LedgerError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "past = Ledger(Path(sys.argv[1])); (old,) = past.tail(1)\n"
        "from dataclasses import replace\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))\n"
        "try: past.append(replace(old, run_id='new'))\n"
        "except LedgerError as error: print(error)\n"
    )
    limit = str(path.stat().st_size + 50)
    argv = [sys.executable, "-c", code, str(path), limit]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    assert "cannot write" in ran.stdout and "File too large" in ran.stdout
    assert list(Ledger(path).all()) == [record(1)] and path.read_bytes().endswith(b"\n")


def test_trouble_with_the_file_is_an_error_in_words(path: Path) -> None:
    path.mkdir(parents=True)
    for act in (lambda: Ledger(path).append(record()), lambda: list(Ledger(path).all()), lambda: Ledger(path).tail(1)):
        with pytest.raises(LedgerError, match=r"history\.jsonl: Is a directory"):
            act()


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from cctui.adapters.ledger import Ledger, from_json
past = Ledger(Path(sys.argv[1]))
least = from_json({"task_id": "t", "success": True, "duration_s": 1.0, "timestamp": "2026-02-03T04:05:06+00:00"})
number = int(sys.argv[2])
while True:
    number += 1
    past.append(replace(least, run_id=f"run-{number}", detail="x" * 200_000))
    print(number, flush=True)
"""


def test_a_kill_in_the_middle_of_a_write_loses_no_confirmed_line(path: Path) -> None:
    done = 0
    for round_number in range(8):
        argv = [sys.executable, "-c", WRITER, str(path), str(done)]
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(3 + round_number * 3)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
        child.stdout.close()
        child.wait()
        confirmed = int([line for line in said if line.endswith("\n")][-1])
        runs = [int(one.run_id[4:]) for one in Ledger(path).all()]
        assert runs == list(range(1, len(runs) + 1)) and len(runs) in (confirmed, confirmed + 1)
        done = len(runs)
        # What a kill in the very middle leaves, whether or not this one hit it.
        with path.open("ab") as file:
            file.write(b'{"task_id": "t", "success": true, "run_id": "run-')


RECORDS = st.builds(
    Record,
    task_id=st.text(min_size=1),
    success=st.booleans(),
    error_type=st.sampled_from([None, *ErrorType]),
    tokens=st.none() | st.integers(0),
    duration_s=st.floats(0, 1e9),
    log_file=st.text(),
    timestamp=st.datetimes(timezones=st.sampled_from([UTC, START.tzinfo])),
    run_id=st.uuids().map(str),
    status=st.sampled_from([None, *Status]),
    detail=st.none() | st.text(),
    proven=st.none() | st.booleans(),
    capacity_before=st.none() | st.floats(0, 100),
)


@given(st.lists(RECORDS, max_size=4))
def test_any_records_go_there_and_back(records: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        past = Ledger(Path(folder) / "history.jsonl")
        for one in records:
            past.append(one)
        assert list(past.all()) == records == list(past.tail(9)) and past.warnings == []


# --- samples ---------------------------------------------------------------------------------------------------------


def reading(minutes: float, **values: Any) -> Reading:
    made = Reading("five_hour", 40.5, START + timedelta(hours=2), "stream", START - timedelta(minutes=minutes))
    return replace(made, **values)


def test_samples_are_read_back_as_far_as_is_asked_for(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "capacity.jsonl")
    assert samples.recent(START) == ()
    old = [reading(60 * hours) for hours in (50, 30, 24.5, 20, 5)]
    new = [
        reading(1, used=None, resets_at=None, confidence=Confidence.UNKNOWN),
        reading(0, window="seven_day_opus", rejected=True, account="work"),
    ]
    samples.append(old)
    samples.append(())
    samples.append(new)
    assert samples.recent(START) == (*old[3:], *new)
    assert samples.recent(START, hours=40) == (*old[1:], *new)
    assert stat.S_IMODE((tmp_path / "capacity.jsonl").stat().st_mode) == 0o600


def test_samples_skip_what_is_no_reading(tmp_path: Path) -> None:
    path = tmp_path / "capacity.jsonl"
    samples = Samples(path)
    samples.append([reading(3)])
    for bad in (b"{", b'{"window": "x"}', b'{"window": "x", "used": "1", "observed_at": "2026-02-03T04:05:06Z"}'):
        path.write_bytes(path.read_bytes() + bad)
        samples.append([reading(1)])
    assert samples.recent(START) == (reading(3), *[reading(1)] * 3)


def test_samples_begin_a_new_file_and_keep_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "SAMPLES_BYTES", 1000)
    samples = Samples(tmp_path / "capacity.jsonl")
    for minutes in range(60, 0, -1):
        samples.append([reading(minutes)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["capacity.1.jsonl", "capacity.jsonl"]
    assert all(file.stat().st_size < 1500 for file in tmp_path.iterdir())
    recent = samples.recent(START)
    assert recent == tuple(reading(minutes) for minutes in range(len(recent), 0, -1)) and len(recent) > 5
