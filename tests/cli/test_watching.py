"""What `ccq logs` and `ccq peek` read, and how a run is named."""

from __future__ import annotations

from pathlib import Path

from cctui.cli.tables import plain
from cctui.cli.watching import LONGEST, last_lines


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.write_text("".join(f"line {number}\n" for number in range(20_000)))
    data, end = last_lines(log, 2)
    assert data == b"line 19998\nline 19999\n"
    assert end == log.stat().st_size
    assert last_lines(log, None)[0] == log.read_bytes()
    assert last_lines(log, 0)[0] == b""
    assert len(last_lines(log, 10_000)[0].splitlines()) == 10_000


def test_one_endless_line_is_read_from_its_end_only(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.write_bytes(b"x" * (LONGEST * 8) + b"the end")
    data, _ = last_lines(log, 20)
    assert len(data) == LONGEST
    assert data.endswith(b"the end")


def test_a_number_is_no_switch() -> None:
    assert [plain(value) for value in (1, 0, True, False, None, "", 1.5)] == ["1", "0", "on", "off", "-", "-", "1.5"]
