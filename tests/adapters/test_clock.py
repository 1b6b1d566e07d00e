"""The clock: aware, in the local zone, with rules for every day of the year and not just today's offset."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import tzlocal

from cctui.adapters.clock import Clock


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    tzlocal.reload_localzone()
    yield
    monkeypatch.undo()
    time.tzset()
    tzlocal.reload_localzone()


@pytest.mark.usefixtures("berlin")
def test_now_is_aware_in_the_local_zone() -> None:
    clock = Clock()
    assert clock.zone == ZoneInfo("Europe/Berlin")
    assert clock.now().utcoffset() == datetime.now(clock.zone).utcoffset()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    winter, summer = datetime(2026, 1, 1, tzinfo=clock.zone), datetime(2026, 7, 1, tzinfo=clock.zone)
    assert winter.utcoffset() != summer.utcoffset()


@pytest.mark.usefixtures("berlin")
def test_an_hour_later_is_an_hour_later_on_the_night_the_clocks_change() -> None:
    """Wall-clock arithmetic would make it two, or none."""
    before = Clock().now()
    for hours in range(0, 24 * 366, 6):
        later = before + timedelta(hours=hours)
        assert later.timestamp() - before.timestamp() == hours * 3600


@pytest.mark.parametrize("name", ["Nonsense/Zone", "UTC-2", "CET-1CEST,M3.5.0,M10.5.0/3"])
def test_a_zone_without_rules_is_what_the_c_library_makes_of_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", name)
        time.tzset()
        clock = Clock()
        assert datetime.now(clock.zone).utcoffset() == timedelta(seconds=time.localtime().tm_gmtoff)
    time.tzset()


async def test_sleep_takes_the_time_it_is_given() -> None:
    clock = Clock()
    start = clock.monotonic()
    await clock.sleep(0.02)
    assert 0.015 < clock.monotonic() - start < 5
