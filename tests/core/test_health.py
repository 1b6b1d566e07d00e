"""How an open run is doing: every sign, its moment, and what is not said because it is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core.health import course, health
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Ending,
    Halting,
    Leg,
    Level,
    Parked,
    Part,
    Phase,
    Run,
    Stage,
    Stop,
    Why,
    World,
)
from tests.worlds import COSTS, NOW, ago, ahead, run, runs, task, world

NEEDS = Parked(Why.NEEDS_YOU, ago(minutes=9))
MINE = (Leg(), Leg(Part.ATTENDED))
LIMIT = Parked(Why.LIMIT, ago(minutes=9), ahead(hours=2, minutes=13), FIVE_HOUR)


def of(made: Run, **fields: object) -> World:
    return world(task(made.spec.task, Phase.ACTIVE), runs=runs(made), **fields)


def minutes(started: float, **fields: object) -> Run:
    return replace(run("x", started=ago(minutes=started)), **fields)  # type: ignore[arg-type]


TOLD = [
    (minutes(3), ("well",), Level.GOOD),
    (minutes(3, heard=ago(minutes=2)), ("well",), Level.GOOD),
    (minutes(12), ("quiet 12m",), Level.WARN),
    (minutes(12, heard=ago(minutes=1)), ("well",), Level.GOOD),
    (minutes(21, quiet=True), ("quiet 21m",), Level.BAD),
    (minutes(21, quiet=True, halting=Halting.STALL), ("stalled: silent 21m",), Level.BAD),
    (minutes(3, stopping=True), ("stopping",), Level.WARN),
    (minutes(12, legs=MINE), (), Level.INFO),
    (minutes(12, legs=MINE, asks="may it?"), (), Level.INFO),
    (minutes(28, heard=NOW), ("time is up in 2m",), Level.WARN),
    (minutes(28, heard=NOW, legs=(Leg(), Leg(Part.CHECK))), ("time is up in 0s",), Level.WARN),
    (minutes(3, halting=Halting.LANDING), ("limit soon: it saves its work",), Level.WARN),
    (minutes(3, legs=(Leg(), Leg(why=Why.STALL))), ("has stalled before", "well"), Level.WARN),
    (minutes(3, replies=2, reached=1), ("your words wait for its next step", "well"), Level.INFO),
    (minutes(3, stage=Stage.FILING), ("finishing",), Level.INFO),
    (minutes(3, stage=Stage.FILING, tries=2, again_at=ahead(minutes=1)), ("not filed after 2 tries, again 00:47",),
     Level.BAD),
    (minutes(3, stage=Stage.PARKED, parked=NEEDS), ("waits 9m",), Level.WARN),
    (minutes(3, stage=Stage.PARKED, parked=LIMIT), ("goes on 02:59",), Level.INFO),
    (minutes(3, stage=Stage.LAUNCHING), (), Level.INFO),
]  # fmt: skip


@pytest.mark.parametrize(("made", "words", "level"), TOLD)
def test_what_is_said(made: Run, words: tuple[str, ...], level: Level) -> None:
    found = health(made, of(made), NOW)
    assert (found.words, found.level) == (words, level)


def test_a_later_try_says_so() -> None:
    made = minutes(3)
    made = replace(made, spec=replace(made.spec, attempt=2))
    assert health(made, of(made), NOW).words == ("try 2 of 3", "well")


def test_a_moment_stands_where_there_is_one() -> None:
    silent = minutes(12)
    assert health(silent, of(silent), NOW).until == ahead(minutes=8)
    parked = minutes(12, stage=Stage.PARKED, parked=LIMIT)
    assert health(parked, of(parked), NOW).until == LIMIT.until


def test_a_window_that_will_not_last_is_said_by_the_pace_of_all_that_run() -> None:
    """45 percent are gone; the run has taken 20 points in 10 minutes, and another one as much: 55 last 14 minutes."""
    made = replace(minutes(10, heard=NOW, points={FIVE_HOUR: 20.0, SEVEN_DAY: 0.1}))
    other = run("y", started=ago(minutes=10), points={FIVE_HOUR: 20.0})
    found = health(made, replace(of(made), runs=runs(made, other)), NOW)
    assert found.words == ("limit soon: 5-hour window full in 13m",)
    assert found.until == ahead(minutes=13, seconds=45)
    assert health(made, of(made), NOW).words == ("well",)
    parked = replace(other, stage=Stage.PARKED)
    assert health(made, replace(of(made), runs=runs(made, parked)), NOW).words == ("well",)


def test_nothing_is_said_of_a_pace_that_has_not_shown_or_a_window_nobody_has_read() -> None:
    fresh = minutes(1, points={FIVE_HOUR: 20.0})
    assert health(fresh, of(fresh), NOW).words == ("well",)
    blind = minutes(10, heard=NOW, points={FIVE_HOUR: 50.0})
    assert health(blind, of(blind, readings=()), NOW).words == ("well",)


def test_the_course_is_measured_by_its_own_kind_only() -> None:
    made = run("vault-lint", started=ago(minutes=3))
    known = course(made, of(made, costs=COSTS), NOW)
    assert known is not None
    assert (known.at_work, known.p50, known.count) == (180.0, 240.0, 6)
    assert course(made, of(made), NOW) is None
    other = run("unheard-of")
    assert course(other, of(other, costs=COSTS), NOW) is None


def test_a_run_that_takes_longer_than_nine_of_ten_says_so() -> None:
    made = run("vault-lint", started=ago(minutes=9), heard=NOW)
    assert health(made, of(made, costs=COSTS), NOW).words == ("long for its kind",)


def test_time_before_the_leg_counts_and_time_parked_does_not() -> None:
    ended = Ending(Stop.EXIT, ago(hours=1), 100.0)
    made = run("vault-lint", started=ago(hours=2), leg_started=ago(seconds=50), last=ended)
    assert (found := course(made, of(made, costs=COSTS), NOW)) is not None and found.at_work == 150.0
    parked = replace(made, stage=Stage.PARKED, parked=LIMIT, ending=ended, last=None)
    assert (found := course(parked, of(parked, costs=COSTS), NOW)) is not None and found.at_work == 100.0
