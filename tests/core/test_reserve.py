"""The person's hours: zones, midnight, both changes of the clock, and which of several counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.reserve import DAYS, Hours, ahead, in_force, quiet_until, zone_of
from cctui.core.settings import Quiet, Reserve
from cctui.core.world import FIVE_HOUR, SEVEN_DAY

BERLIN, NEW_YORK, LORD_HOWE, KOLKATA = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"
WEEKDAYS, WEEKEND = DAYS[:5], DAYS[5:]


def local(zone: str, month: int, day: int, hour: int, minute: int = 0, *, fold: int = 0) -> datetime:
    """In 2026: 3 February is a Tuesday."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold)


def kept(start: str, end: str, five: float = 20.0, week: float = 5.0, days: tuple[str, ...] = DAYS) -> Reserve:
    return Reserve(days, start, end, five, week)


def stretches(reserve: Reserve, zone: str, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    found = ahead((reserve,), zone, begin.timestamp(), end.timestamp())
    return [(datetime.fromtimestamp(each.begin, UTC), datetime.fromtimestamp(each.end, UTC)) for each in found]


# --- in force --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(8, 59, 0.0), (9, 0, 20.0), (12, 0, 20.0), (17, 59, 20.0), (18, 0, 0.0), (23, 0, 0.0)],
)
def test_from_is_in_it_and_to_is_not(hour: int, minute: int, expected: float) -> None:
    found = in_force((kept("09:00", "18:00"),), BERLIN, local(BERLIN, 2, 3, hour, minute))
    assert found == {FIVE_HOUR: expected, SEVEN_DAY: expected / 4}


@pytest.mark.parametrize(
    ("zone", "utc_hour", "expected"),
    [
        (BERLIN, 8, 20.0),
        (NEW_YORK, 8, 0.0),
        (NEW_YORK, 14, 20.0),
        (KOLKATA, 3, 0.0),  # 08:30 there
        (KOLKATA, 4, 20.0),  # 09:30
        (LORD_HOWE, 8, 0.0),  # 19:00, summer
        (LORD_HOWE, 6, 20.0),  # 17:00
    ],
)
def test_hours_are_those_of_the_persons_clock(zone: str, utc_hour: int, expected: float) -> None:
    now = datetime(2026, 2, 3, utc_hour, tzinfo=UTC)
    assert in_force((kept("09:00", "18:00"),), zone, now)[FIVE_HOUR] == expected


def test_the_zone_of_the_moment_itself_does_not_matter() -> None:
    for zone in (BERLIN, NEW_YORK, "UTC"):
        now = local(BERLIN, 2, 3, 9).astimezone(ZoneInfo(zone))
        assert in_force((kept("09:00", "18:00"),), BERLIN, now)[FIVE_HOUR] == 20


@pytest.mark.parametrize("zone", ["", "Nowhere/At_All", "../etc/passwd"])
def test_an_empty_or_unknown_zone_is_utc(zone: str) -> None:
    assert zone_of(zone) == ZoneInfo("UTC")


def test_a_day_that_is_not_named_is_nobodys() -> None:
    reserve = (kept("09:00", "18:00", days=WEEKDAYS),)
    friday, saturday = local(BERLIN, 2, 6, 12), local(BERLIN, 2, 7, 12)
    assert (in_force(reserve, BERLIN, friday)[FIVE_HOUR], in_force(reserve, BERLIN, saturday)[FIVE_HOUR]) == (20, 0)


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [(6, 22, 20.0), (7, 5, 20.0), (7, 6, 0.0), (7, 22, 0.0), (8, 5, 0.0), (9, 5, 0.0), (9, 22, 20.0)],
)
def test_what_ends_before_it_begins_ends_on_the_next_day(day: int, hour: int, expected: float) -> None:
    """A weekday's night goes on into Saturday; Sunday's night is not a weekday's."""
    reserve = (kept("22:00", "06:00", days=WEEKDAYS),)
    assert in_force(reserve, BERLIN, local(BERLIN, 2, day, hour))[FIVE_HOUR] == expected


@pytest.mark.parametrize(("start", "end"), [("00:00", "24:00"), ("00:00", "00:00"), ("13:00", "13:00")])
def test_a_whole_day(start: str, end: str) -> None:
    reserve = (kept(start, end),)
    for hour in range(24):
        assert in_force(reserve, BERLIN, local(BERLIN, 2, 3, hour))[FIVE_HOUR] == 20


def test_twenty_four_is_the_next_midnight_and_no_later() -> None:
    reserve = (kept("20:00", "24:00", days=("tue",)),)
    assert in_force(reserve, BERLIN, local(BERLIN, 2, 3, 23, 59))[FIVE_HOUR] == 20
    assert in_force(reserve, BERLIN, local(BERLIN, 2, 4, 0))[FIVE_HOUR] == 0


def test_of_several_at_once_the_largest_counts_for_each_window_by_itself() -> None:
    several = (kept("09:00", "18:00", 20.0, 5.0), kept("12:00", "13:00", 60.0, 1.0), kept("10:00", "16:00", 10.0, 30.0))
    assert in_force(several, BERLIN, local(BERLIN, 2, 3, 12, 30)) == {FIVE_HOUR: 60, SEVEN_DAY: 30}
    assert in_force(several, BERLIN, local(BERLIN, 2, 3, 17)) == {FIVE_HOUR: 20, SEVEN_DAY: 5}


def test_a_models_week_has_the_reserve_of_the_week() -> None:
    hours = Hours(0.0, 1.0, 20.0, 5.0)
    assert (hours.points(FIVE_HOUR), hours.points(SEVEN_DAY), hours.points("seven_day_opus")) == (20, 5, 5)


# --- changes of the clock --------------------------------------------------------------------------------------------

NIGHT = kept("01:00", "05:00")
CHANGES = [
    pytest.param(BERLIN, 3, 29, 3.0, id="Berlin, spring: an hour less"),
    pytest.param(BERLIN, 10, 25, 5.0, id="Berlin, autumn: an hour more"),
    pytest.param(NEW_YORK, 3, 8, 3.0, id="New York, spring"),
    pytest.param(NEW_YORK, 11, 1, 5.0, id="New York, autumn"),
    pytest.param(LORD_HOWE, 10, 4, 3.5, id="Lord Howe, spring: half an hour less"),
    pytest.param(LORD_HOWE, 4, 5, 4.5, id="Lord Howe, autumn: half an hour more"),
    pytest.param(KOLKATA, 3, 29, 4.0, id="Kolkata has no such thing"),
]


@pytest.mark.parametrize(("zone", "month", "day", "hours"), CHANGES)
def test_across_a_change_hours_stay_and_their_length_changes(zone: str, month: int, day: int, hours: float) -> None:
    midnight = local(zone, month, day, 0)
    ((begin, end),) = stretches(NIGHT, zone, midnight, midnight + timedelta(hours=4, minutes=30))
    assert (begin.astimezone(ZoneInfo(zone)).hour, end.astimezone(ZoneInfo(zone)).hour) == (1, 5)
    assert end - begin == timedelta(hours=hours)


def test_in_an_hour_that_comes_twice_it_is_in_force_both_times() -> None:
    reserve = (kept("02:00", "03:00"),)
    first, second = local(BERLIN, 10, 25, 2, 30), local(BERLIN, 10, 25, 2, 30, fold=1)
    assert second.timestamp() - first.timestamp() == 3600
    for now in (first, second):
        assert in_force(reserve, BERLIN, now.astimezone(UTC))[FIVE_HOUR] == 20


@pytest.mark.parametrize(
    ("zone", "month", "day", "reserve"),
    [
        pytest.param(BERLIN, 3, 29, kept("02:00", "03:00"), id="an hour that does not come"),
        pytest.param(LORD_HOWE, 10, 4, kept("02:00", "02:30"), id="half an hour that does not come"),
    ],
)
def test_a_stretch_in_a_gap_is_none_on_that_day(zone: str, month: int, day: int, reserve: Reserve) -> None:
    midnight = local(zone, month, day, 0)
    assert stretches(reserve, zone, midnight, midnight + timedelta(hours=12)) == []
    next_day = midnight + timedelta(days=1)
    assert len(stretches(reserve, zone, next_day, next_day + timedelta(hours=12))) == 1


def test_one_that_begins_in_a_gap_begins_after_it() -> None:
    midnight = local(BERLIN, 3, 29, 0)
    ((begin, end),) = stretches(kept("02:30", "06:00"), BERLIN, midnight, midnight + timedelta(hours=12))
    assert begin == local(BERLIN, 3, 29, 3, 30).astimezone(UTC)
    assert end == local(BERLIN, 3, 29, 6).astimezone(UTC)


# --- ahead -----------------------------------------------------------------------------------------------------------


def test_what_lies_ahead_is_told_whole_also_where_it_has_begun() -> None:
    begin = local(BERLIN, 2, 3, 12)
    found = stretches(kept("09:00", "18:00"), BERLIN, begin, begin + timedelta(days=1))
    assert [(b.astimezone(ZoneInfo(BERLIN)).day, (e - b).total_seconds()) for b, e in found] == [(3, 32400), (4, 32400)]


def test_what_touches_only_by_its_edge_is_not_ahead() -> None:
    reserve = kept("09:00", "18:00")
    at_end, at_begin = local(BERLIN, 2, 3, 18), local(BERLIN, 2, 4, 9)
    assert stretches(reserve, BERLIN, at_end, at_begin) == []
    assert len(stretches(reserve, BERLIN, at_end - timedelta(seconds=1), at_begin + timedelta(seconds=1))) == 2


def test_nothing_kept_is_nothing_ahead() -> None:
    assert list(ahead((), BERLIN, 0.0, 1e9)) == []
    assert in_force((), BERLIN, local(BERLIN, 2, 3, 12)) == {FIVE_HOUR: 0, SEVEN_DAY: 0}


CLOCKS = st.sampled_from(["00:00", "02:00", "02:30", "06:00", "09:00", "13:37", "22:00", "23:59", "24:00"])
RESERVES = st.builds(
    Reserve,
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True).map(tuple),
    CLOCKS.filter(lambda clock: clock != "24:00"),
    CLOCKS,
    st.sampled_from([5.0, 20.0, 40.0]),
    st.just(1.0),
)


@given(
    st.lists(RESERVES, max_size=3).map(tuple),
    st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, KOLKATA]),
    st.integers(0, 365 * 24 * 4),
)
def test_in_force_is_what_a_clock_on_the_wall_says(reserves: tuple[Reserve, ...], zone: str, quarter: int) -> None:
    """Worked out anew from the local time alone, for every quarter of an hour of a year but those of a change."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    here = now.astimezone(ZoneInfo(zone))
    around = {(now + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in (-4, 0, 4)}
    if len(around) > 1:
        return
    clock, day, before = f"{here:%H:%M}", DAYS[here.weekday()], DAYS[here.weekday() - 1]
    largest = 0.0
    for each in reserves:
        wraps = each.end <= each.start
        today = day in each.days and each.start <= clock and (wraps or clock < each.end)
        if today or (wraps and before in each.days and clock < each.end):
            largest = max(largest, each.five_hour)
    assert in_force(reserves, zone, now)[FIVE_HOUR] == largest


# --- quiet hours -----------------------------------------------------------------------------------------------------


def test_quiet_hours_that_follow_each_other_are_one() -> None:
    quiets = (Quiet(DAYS, "20:00", "24:00"), Quiet(DAYS, "00:00", "06:00"), Quiet(DAYS, "05:00", "07:00"))
    now = local(BERLIN, 2, 3, 21)
    assert quiet_until(quiets, BERLIN, now) == local(BERLIN, 2, 4, 7)
    assert quiet_until(quiets, BERLIN, local(BERLIN, 2, 3, 12)) is None
    assert quiet_until(quiets, BERLIN, local(BERLIN, 2, 4, 7)) is None


def test_quiet_hours_are_told_in_the_zone_that_was_asked_in() -> None:
    found = quiet_until((Quiet(DAYS, "00:00", "06:00"),), BERLIN, datetime(2026, 2, 3, 0, tzinfo=UTC))
    assert found is not None
    assert (found, found.tzinfo) == (datetime(2026, 2, 3, 5, tzinfo=UTC), UTC)


def test_always_quiet_ends_the_search_somewhere() -> None:
    now = local(BERLIN, 2, 3, 21)
    found = quiet_until((Quiet(DAYS, "00:00", "24:00"),), BERLIN, now)
    assert found is not None
    assert now + timedelta(days=7) < found < now + timedelta(days=30)


def test_nothing_quiet() -> None:
    assert quiet_until((), BERLIN, local(BERLIN, 2, 3, 3)) is None
