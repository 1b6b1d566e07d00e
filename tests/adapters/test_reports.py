"""The morning reports: a person's file is never written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from cctui.adapters import reports
from cctui.adapters.reports import ReportError
from cctui.places import Places, find_places

DAY = "2026-02-03"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return find_places(str(tmp_path / "root"), {"HOME": str(tmp_path)}, tmp_path)


def test_a_report_lies_where_it_is_promised_and_ends_with_its_mark(places: Places) -> None:
    path = reports.write(places, DAY, "# Morning\n\nAll done.\n", anew=False)
    assert path == places.root / "logs/scheduler/reports/2026-02-03.md"
    text = path.read_text()
    assert text.startswith("# Morning\n\nAll done.\n")
    assert text.splitlines()[-1].startswith("<!-- cctui ")
    assert reports.untouched(text)


def test_by_itself_a_day_is_written_once(places: Places) -> None:
    path = reports.write(places, DAY, "one", anew=False)
    assert path is not None
    assert reports.write(places, DAY, "two", anew=False) is None
    assert path.read_text().startswith("one\n")


def test_wished_anew_it_is_replaced_while_nobody_has_changed_it(places: Places) -> None:
    reports.write(places, DAY, "one", anew=False)
    path = reports.write(places, DAY, "two", anew=True)
    assert path is not None
    assert path.read_text().startswith("two\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("one", "one, and mine"),
        lambda text: text + "\nMy own words.\n",
        lambda text: text.partition("<!--")[0],
        lambda text: "",
    ],
    ids=["a word", "a line below", "no mark", "emptied"],
)
def test_a_file_that_was_changed_is_left(places: Places, change: object) -> None:
    assert callable(change)
    path = reports.write(places, DAY, "one", anew=False)
    assert path is not None
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    assert reports.write(places, DAY, "two", anew=False) is None
    with pytest.raises(ReportError, match="has been changed by hand"):
        reports.write(places, DAY, "two", anew=True)
    assert path.read_bytes() == before


def test_what_looks_like_a_key_is_not_written(places: Places) -> None:
    path = reports.write(places, DAY, "failed: sk-ant-oat01-" + "a" * 40, anew=False)
    assert path is not None
    assert "a" * 40 not in path.read_text()
    assert reports.untouched(path.read_text())


@pytest.mark.parametrize("day", ["../../x", "2026-2-3", "today", ""])
def test_only_a_day_names_a_file(places: Places, day: str) -> None:
    with pytest.raises(ReportError, match="a day is written like"):
        reports.write(places, day, "x", anew=True)


def test_a_folder_that_cannot_be_made_is_one_sentence(places: Places) -> None:
    places.notes.parent.mkdir(parents=True)
    places.notes.write_text("a file in the way")
    with pytest.raises(ReportError, match="cannot write"):
        reports.write(places, DAY, "x", anew=False)
