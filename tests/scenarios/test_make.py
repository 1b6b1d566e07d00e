"""The scenario files are what their program writes, and of the variety they promise."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.scenarios import FOLDER, load
from tests.scenarios.make import files


def test_the_files_are_what_make_writes() -> None:
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")} == files()


def test_five_of_each_family() -> None:
    families = Counter(name.rpartition("-")[0] for name, _ in load())
    assert len(families) == 8 and set(families.values()) == {5}


def test_zones_with_and_without_a_change_of_clocks() -> None:
    seen: set[tuple[str, bool]] = set()
    for _, scenario in load():
        zone = ZoneInfo(scenario["tz"])
        start = datetime.fromisoformat(scenario["start"])
        start = (start if start.tzinfo else start.replace(tzinfo=zone)).astimezone(ZoneInfo("UTC"))
        end = start + timedelta(hours=scenario["hours"])
        seen.add((scenario["tz"], start.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()))
    changing = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}
    assert seen == {("UTC", False)} | {(tz, changes) for tz in changing for changes in (True, False)}


def test_kinds_without_a_sample_and_scenarios_without_any() -> None:
    unseen = {
        name: {task["kind"] for task in scenario["tasks"]} - {past["kind"] for past in scenario["observed"]}
        for name, scenario in load()
    }
    assert unseen["wrong-estimates-1"] and unseen["wrong-estimates-4"] and not unseen["arrivals-3"]
