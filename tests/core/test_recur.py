"""Schedules: what is accepted, when it fires in zones whose clocks change, and what it is called.

The firings are compared with cronsim, another library; where its clock stumbles (a change by half an hour), with a walk
over every minute that takes only the days and times from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from cctui.core import recur, spoken

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, KOLKATA = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kolkata")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def fires(text: str, zone: ZoneInfo, after: str, count: int) -> list[str]:
    found = recur.fires(text, zone, "nightly", at(after), count=count)
    return [f"{due:%a %d %b %H:%M %z}" for due in found]


# --- the text --------------------------------------------------------------------------------------------------------

WRONG = [
    ("61 * * * *", "the minute is 0-59"),
    ("0 24 * * *", "the hour is 0-23"),
    ("0 3 32 * *", "the day of the month is 1-31"),
    ("0 3 * jen *", "the month is 1-12 or jan-dec"),
    ("0 3 * * 8", "the day of the week is 0-7"),
    ("0 3 30 2 *", "a date that exists"),
    ("0 3 31 2 */2", "a date that exists"),
    ("0 3 * *", "(4 fields here)"),
    ("0 0 3 * * *", "seconds are not supported"),
    ("0 3 5-5 * *", "write 5"),
    ("0 3 * mar-mar *", "write mar"),
    ("R R * * *", "use H"),
    ("@reboot", "@daily"),
    ("* " * 1000, "fields here"),
    ("0," * 200 + "0 * * * *", "fields here"),
    ("", "(0 fields here)"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_no_schedule_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="5 cron fields such as") as caught:
        recur.schedule(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 240


@given(st.text(alphabet="0123456789*/-,#LWHRhjanfri?@ ", max_size=40))
@settings(max_examples=200, deadline=2000)
def test_whatever_is_written_is_a_schedule_that_fires_or_a_sentence(text: str) -> None:
    try:
        found = recur.schedule(text)
    except ValueError:
        return
    assert recur.schedule(found) == found
    due = recur.next_fire(found, BERLIN, "x", at("2026-01-01T00:00Z"))
    assert due is not None
    assert due > at("2026-01-01T00:00Z")
    assert spoken.words(found, "x")


# --- daylight saving, by hand ----------------------------------------------------------------------------------------

CHANGES = [
    (
        "a time that comes twice fires once",
        *("30 2 * * *", BERLIN, "2026-10-24T12:00Z"),
        ["Sun 25 Oct 02:30 +0200", "Mon 26 Oct 02:30 +0100"],
    ),
    (
        "a time that is left out fires when it is over",
        *("30 2 * * *", BERLIN, "2026-03-28T12:00Z"),
        ["Sun 29 Mar 03:00 +0200", "Mon 30 Mar 02:30 +0200"],
    ),
    (
        "several times that are left out fire once",
        *("0,20,40 2 * * *", BERLIN, "2026-03-28T12:00Z"),
        ["Sun 29 Mar 03:00 +0200", "Mon 30 Mar 02:00 +0200"],
    ),
    (
        "what is due when it is over anyhow is not fired twice",
        *("0 2,3 * * *", NEW_YORK, "2026-03-08T01:00-05:00"),
        ["Sun 08 Mar 03:00 -0400", "Mon 09 Mar 02:00 -0400"],
    ),
    (
        "every hour means every hour of real time",
        *("0 * * * *", NEW_YORK, "2026-11-01T00:30-04:00"),
        ["Sun 01 Nov 01:00 -0400", "Sun 01 Nov 01:00 -0500", "Sun 01 Nov 02:00 -0500"],
    ),
    (
        "an hour that is left out is no hour",
        *("0 * * * *", NEW_YORK, "2026-03-08T00:30-05:00"),
        ["Sun 08 Mar 01:00 -0500", "Sun 08 Mar 03:00 -0400"],
    ),
    (
        "half an hour that comes twice",
        *("*/20 * * * *", LORD_HOWE, "2026-04-05T01:30+11:00"),
        ["Sun 05 Apr 01:40 +1100", "Sun 05 Apr 01:40 +1030", "Sun 05 Apr 02:00 +1030"],
    ),
    (
        "half an hour that is left out",
        *("15 2 * * *", LORD_HOWE, "2026-10-03T12:00+10:30"),
        ["Sun 04 Oct 02:30 +1100", "Mon 05 Oct 02:15 +1100"],
    ),
    (
        "a zone without changes",
        *("30 2 * * mon", KOLKATA, "2026-10-24T12:00Z"),
        ["Mon 26 Oct 02:30 +0530", "Mon 02 Nov 02:30 +0530"],
    ),
    (
        "29 February",
        *("0 0 29 2 *", KOLKATA, "2026-10-24T12:00Z"),
        ["Tue 29 Feb 00:00 +0530", "Sun 29 Feb 00:00 +0530"],
    ),
]


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"), [row[1:] for row in CHANGES], ids=[r[0] for r in CHANGES]
)
def test_when_the_clocks_change(text: str, zone: ZoneInfo, after: str, expected: list[str]) -> None:
    assert fires(text, zone, after, len(expected)) == expected


def test_a_firing_is_found_from_every_moment_of_the_hour_that_comes_twice() -> None:
    begin = at("2026-10-24T23:00Z")
    every = list(recur.fires("*/15 * * * *", BERLIN, "x", begin, until=begin + timedelta(hours=4)))
    assert [f"{due:%H:%M %z}" for due in every[4:9]] == [
        *("02:15 +0200", "02:30 +0200", "02:45 +0200", "02:00 +0100", "02:15 +0100"),
    ]
    for minutes in range(240):
        after = begin + timedelta(minutes=minutes, seconds=30)
        assert recur.next_fire("*/15 * * * *", BERLIN, "x", after) == next((due for due in every if due > after), None)


# --- against another library -----------------------------------------------------------------------------------------


def field(low: int, high: int, *, single_step: bool = True) -> st.SearchStrategy[str]:
    value = st.integers(low, high)
    ranges = st.tuples(value, value).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: f"{pair[0]}-{pair[1]}")
    some = [
        st.just("*"),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        value.map(str),
        st.lists(value, min_size=2, max_size=4).map(lambda found: ",".join(map(str, found))),
        ranges,
        st.tuples(ranges, st.integers(1, 6)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    ]
    if single_step:
        some.append(st.tuples(value, st.integers(2, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}"))
    return st.one_of(some)


ANY_DAY = st.just("* * *")
DAYS = st.tuples(field(1, 31), field(1, 12), field(0, 6, single_step=False)).map(" ".join)
"""cronsim takes the 7 of a week for a day of its own in ``1/2``."""
SCHEDULES = st.tuples(field(0, 59), field(0, 23), ANY_DAY | DAYS).map(" ".join)
ZONES = st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, KOLKATA])
BEFORE_A_CHANGE = st.sampled_from(
    [
        "2026-03-07T18:00Z",
        "2026-03-28T12:00Z",
        "2026-04-04T03:00Z",
        "2026-10-03T09:00Z",
        "2026-10-24T12:00Z",
        "2026-10-31T20:00Z",
    ]
)


def simulated(text: str, zone: ZoneInfo, after: datetime, end: datetime) -> list[datetime]:
    if zone is not LORD_HOWE or recur.fixed(text):
        found: Iterator[datetime] = (due.astimezone(UTC) for due in CronSim(text, after.astimezone(zone)))
    else:
        found = walked(text, zone, after, end)
    return list(islice(takewhile(lambda moment: moment < end, found), 120))


def walked(text: str, zone: ZoneInfo, after: datetime, end: datetime) -> Iterator[datetime]:
    """Every minute of real time at which the clock on the wall shows what the schedule says."""
    local = after.astimezone(zone).replace(tzinfo=None)
    wanted = CronSim(text, (local - timedelta(days=1)).replace(tzinfo=UTC))
    walls = {wall.replace(tzinfo=None) for wall in takewhile(lambda wall: wall < end + timedelta(days=2), wanted)}
    moment = after.astimezone(UTC)
    while (moment := moment + timedelta(minutes=1)) < end:
        if moment.astimezone(zone).replace(tzinfo=None) in walls:
            yield moment


@given(SCHEDULES, ZONES, BEFORE_A_CHANGE)
@settings(max_examples=150, deadline=None)
def test_the_firings_are_those_of_another_library(text: str, zone: ZoneInfo, start: str) -> None:
    try:
        recur.schedule(text)
    except ValueError:
        return
    after = at(start)
    end = after + timedelta(days=40)
    expected = simulated(text, zone, after, end)
    found = recur.fires(text, zone, "x", after, until=end - timedelta(minutes=1), count=120)
    assert list(found) == expected


@given(SCHEDULES, ZONES, BEFORE_A_CHANGE, st.integers(0, 60 * 24 * 60))
@settings(max_examples=100, deadline=None)
def test_the_latest_firing_is_the_last_of_them(text: str, zone: ZoneInfo, start: str, minutes: int) -> None:
    try:
        recur.schedule(text)
    except ValueError:
        return
    since = at(start)
    until = since + timedelta(minutes=minutes)
    last = recur.latest(text, zone, "x", since, until)
    if last is None:
        assert not list(recur.fires(text, zone, "x", since, until=until, count=1))
    else:
        assert since < last <= until
        assert recur.next_fire(text, zone, "x", last - timedelta(seconds=1)) == last
        assert not list(recur.fires(text, zone, "x", last, until=until, count=1))


# --- H ---------------------------------------------------------------------------------------------------------------


def test_h_is_the_tasks_own_and_stays_the_same() -> None:
    one, other = (next(recur.fires("H H(2-5) * * *", BERLIN, name, at("2026-11-22T00:00Z"))) for name in ("a", "b"))
    assert one != other
    assert 2 <= one.hour <= 5
    assert one.second == other.second == 0
    later = list(recur.fires("H H(2-5) * * *", BERLIN, "a", at("2027-02-01T00:00Z"), count=3))
    assert {(due.hour, due.minute) for due in later} == {(one.hour, one.minute)}


@pytest.mark.parametrize("text", ["@daily", "0 0 * * *", "0 0 * * thu"])
def test_what_has_no_h_is_the_same_for_all(text: str) -> None:
    found = {recur.next_fire(text, BERLIN, name, at("2026-11-22T00:00Z")) for name in ("a", "b", "nightly")}
    assert len(found) == 1


# --- stamps ----------------------------------------------------------------------------------------------------------


def test_a_stamp_is_local_time_unless_that_could_mean_another_moment() -> None:
    first, second = at("2026-10-25T02:30+02:00"), at("2026-10-25T02:30+01:00")
    assert recur.stamp(at("2026-11-22T02:30+01:00"), BERLIN) == "20261122T0230"
    assert recur.stamp(first, BERLIN) == "20261025T0230"
    assert recur.stamp(second, BERLIN) == "20261025T0130Z"
    assert recur.stamp(first, None) == "20261025T0030Z"
    assert recur.stamp(at("2026-11-22T02:30:15+01:00"), BERLIN) == "20261122T023015"


@given(st.integers(946_684_800, 4_102_444_800), ZONES, st.booleans())
def test_a_stamp_tells_its_moment(seconds: int, zone: ZoneInfo, local: bool) -> None:
    due = datetime.fromtimestamp(seconds, UTC)
    assert recur.stamped(f"x@{recur.stamp(due, zone if local else None)}", zone) == due


@pytest.mark.parametrize("name", ["digest", "digest@", "digest@noon", "digest@20261322T0230", "digest@20261122T0230X"])
def test_what_is_no_stamp(name: str) -> None:
    assert recur.stamped(name, BERLIN) is None


# --- in words --------------------------------------------------------------------------------------------------------

WORDS = [
    ("30 2 * * 1-5", "at 02:30 on weekdays"),
    ("@daily", "at 00:00 every day"),
    ("@hourly", "every hour"),
    ("*/15 * * * *", "every 15 minutes"),
    ("*/7 * * * *", "*/7 * * * *"),
    ("*/10 9-17 * * mon-fri", "every 10 minutes from 09:00 to 17:59 on weekdays"),
    ("5 */3 * * *", "every 3 hours at :05"),
    ("0 9,18 * * sat,sun", "at 09:00 and 18:00 at weekends"),
    ("0 3 * * 0,1,3", "at 03:00 on Mon, Wed and Sun"),
    ("0 3 1,15 * *", "at 03:00 on days 1 and 15 of the month"),
    ("0 3 * jan,jun *", "at 03:00 in Jan and Jun"),
    ("0 3 1-7 * mon", "0 3 1-7 * mon"),
    ("0 3 15W * *", "0 3 15W * *"),
    ("0 3 * * fri#3", "0 3 * * fri#3"),
    ("0 22-2 * * *", "0 22-2 * * *"),
]


@pytest.mark.parametrize(("text", "said"), WORDS)
def test_a_schedule_in_words(text: str, said: str) -> None:
    assert spoken.words(recur.schedule(text), "x") == said


def test_a_moment_in_words() -> None:
    now = at("2026-11-22T12:00Z")
    said = [spoken.moment(now + timedelta(hours=hours), BERLIN, now) for hours in (0.5, 13.5, 37.5, 24 * 60)]
    assert said == [
        "Sun 22 Nov 13:30 (in 30 min)",
        "Mon 23 Nov 02:30 (in 14 h)",
        "Tue 24 Nov 02:30 (in 2 days)",
        "Thu 21 Jan 2027 13:00 (in 60 days)",
    ]
