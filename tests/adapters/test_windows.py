"""windows.jsonl: each window once, whatever died in the middle of a line; and how the open ones stood."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctui.adapters import windows
from cctui.adapters.ledger import LedgerError
from cctui.adapters.windows import Windows
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, ClosedWindow, Wait, Watch

START = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
HOURS = timedelta(hours=5)


def closed(number: int = 0, **values: object) -> ClosedWindow:
    opened = START + number * HOURS
    made = ClosedWindow(FIVE_HOUR, opened, opened + HOURS, used=60.0, ours=40.5, lost={"hold": 12.25, "fit": 1.0})
    return replace(made, waited={"hold": 3600.0}, watched=18_000.0, **values)  # type: ignore[arg-type]


def watch(number: int = 0, **values: object) -> Watch:
    opened = START + number * HOURS
    made = Watch(FIVE_HOUR, opened, opened + HOURS, used=10.0, ours=4.0, flying=1.5, lost={"hold": 3.0}, mark=7.0)
    return replace(made, spent={"a": 3.0}, reserve=20.0, watched=60.0, **values)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "windows.jsonl"


def test_no_file_is_an_empty_past(path: Path) -> None:
    assert Windows(path).load() == ((), ())
    assert not path.exists()


def test_what_is_written_is_read_back(path: Path) -> None:
    kept = Windows(path)
    stretch = closed(1, open=False, size=80.0, used=0.0)
    week = replace(closed(2), window=SEVEN_DAY)
    for one in (closed(0), stretch, week):
        assert kept.close(one)
    kept.keep(watch(3))
    assert Windows(path).load() == ((closed(0), stretch, week), (watch(3),))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    line = json.loads(path.read_text().splitlines()[0])
    assert (line["state"], line["opened"], line["lost"]) == ("closed", START.isoformat(), {"hold": 12.25, "fit": 1.0})


def test_a_window_stands_there_once(path: Path) -> None:
    assert Windows(path).close(closed())
    later = replace(closed(), opened=START + timedelta(seconds=40), used=99.0)
    for again in (closed(), later):
        assert not Windows(path).close(again)
    assert Windows(path).load()[0] == (closed(),)
    assert Windows(path).close(replace(closed(), window=SEVEN_DAY))


def test_of_an_open_window_the_newest_line_counts_until_it_has_ended(path: Path) -> None:
    kept = Windows(path)
    for ours in (1.0, 2.0, 3.0):
        kept.keep(watch(ours=ours))
    kept.keep(watch(window=SEVEN_DAY))
    assert {one.window: one.ours for one in kept.load()[1]} == {FIVE_HOUR: 3.0, SEVEN_DAY: 4.0}
    kept.close(closed())
    assert [one.window for one in kept.load()[1]] == [SEVEN_DAY]
    kept.keep(watch(1, ours=9.0))
    assert {one.window: one.ours for one in kept.load()[1]} == {FIVE_HOUR: 9.0, SEVEN_DAY: 4.0}


def test_what_only_the_engine_knows_is_not_written(path: Path) -> None:
    Windows(path).keep(watch(at=START, waits=(Wait("a", "hold", 1.0, 2.0),), before=(1.0, 2.0, 3.0), saved=START))
    (found,) = Windows(path).load()[1]
    assert found == watch()


@pytest.mark.parametrize(
    "line",
    [
        '{"state": "closed", "window": "five_hour", "opened": "2026-02-',
        '{"state": "closed", "window": "five_hour"}',
        '{"state": "closed", "window": 5, "opened": "x", "ended": "y"}',
        '{"state": "closed", "window": "five_hour", "opened": "2026-02-03T04:05:06", "ended": "2026-02-03T09:05:06"}',
        '{"state": "open", "window": "five_hour", "opened": "2026-02-03T04:05:06+00:00", "ours": true}',
        '{"state": "other"}',
        "[1]",
        "",
    ],
)
def test_a_line_that_is_none_hides_no_other(path: Path, line: str) -> None:
    kept = Windows(path)
    kept.close(closed(0))
    with path.open("a") as file:
        file.write(line)  # torn: without its end
    kept.close(closed(1))
    assert kept.load() == ((closed(0), closed(1)), ())


def test_fields_of_a_later_version_are_left_out(path: Path) -> None:
    Windows(path).close(closed())
    line = json.loads(path.read_text())
    path.write_text(json.dumps(line | {"new": 1}) + "\n")
    assert Windows(path).load()[0] == (closed(),)


def test_the_newest_are_loaded_also_from_the_file_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "BYTES", 2000)
    monkeypatch.setattr(windows, "KEEP", 6)
    kept = Windows(path)
    for number in range(10):
        kept.close(closed(number))
    assert path.with_name("windows.1.jsonl").exists()
    assert kept.load()[0] == tuple(closed(number) for number in range(4, 10))


def test_what_cannot_be_written_or_read_is_one_sentence(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LedgerError, match=f"cannot (read|write) {path}: "):
        Windows(path).load()
    with pytest.raises(LedgerError, match=f"cannot write {path}: "):
        Windows(path).keep(watch())
