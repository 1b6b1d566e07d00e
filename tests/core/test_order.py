"""Who goes next: the order as tables, what is inherited, what waiting does, and that it is an order at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.cost import learn
from cctui.core.order import LAST, line, sort_key, takes
from cctui.core.settings import RunSettings, Settings
from cctui.core.world import (
    FIVE_HOUR,
    Broken,
    Dependency,
    Estimate,
    Line,
    Memory,
    Phase,
    Problem,
    Quantiles,
    Reason,
    Record,
    Task,
    Urgency,
    Why,
    World,
)
from tests.core.made import T0, after, shell, task, world


def runs_of(kind: str, five: float, seconds: float = 600, *, times: int = 3, tokens: int = 1000) -> list[Record]:
    """Runs from which a kind is known well, always the same."""
    made = Record("t", True, None, tokens, seconds, "", T0, kind=kind, runner="claude", window_pct=five)
    return [made] * times


LEARNED = learn(
    {}, [*runs_of("small", 5.0), *runs_of("large", 20.0, 3600), *runs_of("huge", 250.0, 7200), *runs_of("rare", 1.0)]
)


def lined(*tasks: Task, ranks: dict[str, int] | None = None, days: float = 0.0, **more: Any) -> Line:
    settings = Settings(run=RunSettings(ageing_days=days))
    return line(
        World(settings=settings, costs=LEARNED, memory=Memory(ranks=ranks or {}), tasks=named(tasks), **more), T0
    )


def named(tasks: tuple[Task, ...]) -> dict[str, Task]:
    return {entry.name: entry for entry in tasks}


# --- the rules, each against all that come after it ------------------------------------------------------------------

SMALL: dict[str, Any] = {"kind": "small"}
LARGE: dict[str, Any] = {"kind": "large"}


@pytest.mark.parametrize(
    ("first", "second", "ranks"),
    [
        pytest.param(task("b", priority=1), task("a", priority=2, deadline=after(60)), {"a": 0}, id="priority first"),
        pytest.param(task("b", deadline=after(60)), task("a"), {"a": 0, "b": 1}, id="a deadline before a place"),
        pytest.param(task("b", deadline=after(60)), task("a", deadline=after(61)), {"a": 0}, id="the earlier deadline"),
        pytest.param(
            task("b", deadline=after(hours=2), **LARGE),
            task("a", deadline=after(hours=1.5), **SMALL),
            {},
            id="the later deadline, of what takes longer",
        ),
        pytest.param(task("b", **LARGE), task("a", **SMALL), {"b": 0}, id="a place set by hand before none"),
        pytest.param(task("b", **LARGE), task("a", **SMALL), {"b": 0, "a": 1}, id="the lower place"),
        pytest.param(task("b", added=after(2), **SMALL), task("a", added=after(1), **LARGE), {}, id="small first"),
        pytest.param(task("b", estimated_tokens=5), task("a", estimated_tokens=6, added=T0), {}, id="by its hint"),
        pytest.param(shell("b", kind="large"), task("a", added=T0, **SMALL), {}, id="what spends no window is small"),
        pytest.param(task("b", added=after(1)), task("a", added=after(2)), {}, id="older first"),
        pytest.param(task("b", added=after(1)), task("a"), {}, id="a known age before none"),
        pytest.param(task("a"), task("b"), {}, id="name last of all"),
    ],
)
def test_order(first: Task, second: Task, ranks: dict[str, int]) -> None:
    for tasks in permutations((first, second)):
        assert lined(*tasks, ranks=ranks).order == (first.name, second.name)


def test_known_cost_goes_before_unknown() -> None:
    tasks = named((task("a"), task("b", estimated_tokens=10**9)))
    assert line(World(tasks=tasks)).order == ("b", "a")


def test_learned_cost_outweighs_the_hint_once_enough_runs_are_known() -> None:
    """What all runs together say is that a hint of 1000 tokens is some points: far fewer than 99."""
    few = learn(LEARNED, runs_of("few", 99.0, times=2))
    tasks = named((task("a", **LARGE), task("b", kind="few", estimated_tokens=100)))
    assert line(World(tasks=tasks, costs=few)).order == ("b", "a")
    assert line(World(tasks=tasks, costs=learn(few, runs_of("few", 99.0, times=1)))).order == ("a", "b")


def test_urgency_tells_what_decided() -> None:
    found = lined(task("a", deadline=after(hours=3), **LARGE), ranks={"a": 4}).urgency["a"]
    assert found == Urgency(5, after(hours=2), 4, found.cost, "", 0)
    assert found.cost == pytest.approx(20)
    assert lined(task("b", kind="rare")).urgency["b"].cost == pytest.approx(1.0)
    assert lined(task("c", priority=2)).urgency["c"].priority == 2


@pytest.mark.parametrize(
    ("p80", "seconds", "expected"),
    [
        pytest.param(99.0, 600.0, 600.0, id="one window holds it"),
        pytest.param(100.0, 600.0, 5 * 3600.0, id="it fills a window, which then has to pass"),
        pytest.param(250.0, 600.0, 10 * 3600.0, id="two resets to wait for"),
        pytest.param(250.0, 20 * 3600.0, 20 * 3600.0, id="its own time is longer"),
        pytest.param(None, 600.0, 600.0, id="points not known"),
        pytest.param(None, None, 0.0, id="nothing known"),
    ],
)
def test_the_time_it_takes_has_the_resets_in_it(p80: float | None, seconds: float | None, expected: float) -> None:
    points = {} if p80 is None else {FIVE_HOUR: Quantiles(1.0, p80, p80)}
    known = Estimate(3, "", None, None if seconds is None else Quantiles(1.0, seconds, seconds), points)
    assert takes(known) == expected


def test_only_what_waits_is_in_the_line_but_what_runs_keeps_its_urgency() -> None:
    active = task("a", phase=Phase.ACTIVE, deadline=after(hours=1))
    found = lined(active, task("b"), task("c", phase=Phase.COMPLETED), task("d", phase=Phase.RECURRING))
    assert found.order == ("b",)
    assert found.urgency.keys() == found.estimates.keys() == {"a", "b"}


def test_what_takes_the_same_is_in_one_group_in_order() -> None:
    tasks = (task("a", **LARGE), task("b", **SMALL), task("c", **LARGE), task("d", model="opus", **SMALL))
    found = lined(*tasks)
    assert found.order == ("b", "d", "a", "c")
    assert sorted(found.groups) == [("a", "c"), ("b",), ("d",)]
    assert found.estimates["a"] is found.estimates["c"]


# --- inheritance -----------------------------------------------------------------------------------------------------


def test_a_dependency_inherits_the_priority_of_what_waits_for_it() -> None:
    found = lined(task("a", priority=3), task("b", priority=9), task("c", "b", priority=1))
    assert found.order[:2] == ("b", "c") or found.order[:2] == ("c", "b")
    assert found.order[2] == "a"
    assert found.urgency["b"] == replace(lined(task("b", priority=9)).urgency["b"], priority=1, heir="c")
    assert found.urgency["c"].heir == ""


def test_a_chain_has_to_begin_early_enough_for_its_last_deadline() -> None:
    """c takes an hour and is due in six; b before it ten minutes, a before that an hour again."""
    chain = (
        task("a", **LARGE),
        task("b", "a", **SMALL),
        task("c", "b", deadline=after(hours=6), **LARGE),
        task("x", deadline=after(hours=4, minutes=55), **SMALL),
    )
    found = lined(*chain).urgency
    assert found["c"].latest == after(hours=5)
    assert found["b"].latest == after(hours=4, minutes=50)
    assert found["a"].latest == after(hours=3, minutes=50)
    assert found["x"].latest == after(hours=4, minutes=45)
    assert (found["a"].heir, found["b"].heir) == ("b", "c")
    assert lined(*chain).order == ("a", "x", "b", "c")


def test_a_chain_of_any_length_and_of_any_order_of_names_passes_all_of_it_on() -> None:
    for names in ("abcdefgh", "hgfedcba", "dahbgcfe"):
        chain = [task(name, *([need] if need else [])) for name, need in zip(names[1:], names, strict=False)]
        last = replace(chain.pop(), priority=1, deadline=after(hours=9))
        found = lined(task(names[0]), *chain, last).urgency
        assert {urgency.priority for urgency in found.values()} == {1}
        assert {urgency.latest for urgency in found.values()} != {None}
        assert None not in {urgency.latest for urgency in found.values()}


def test_the_most_urgent_of_several_that_wait_counts() -> None:
    found = lined(
        task("a", deadline=after(hours=2), **SMALL),
        task("b", "a", deadline=after(hours=9), priority=2, **SMALL),
        task("c", "a", deadline=after(hours=1), priority=7, **SMALL),
    ).urgency["a"]
    assert (found.priority, found.latest) == (2, after(minutes=40))


def test_what_is_done_or_failed_passes_nothing_on() -> None:
    for phase in (Phase.COMPLETED, Phase.FAILED):
        done = task("c", "a", priority=1, deadline=after(60), phase=phase)
        assert lined(task("a"), done).urgency["a"] == lined(task("a")).urgency["a"]


def test_what_runs_passes_its_urgency_on_too() -> None:
    active = task("c", "a", priority=1, phase=Phase.ACTIVE)
    assert lined(task("a"), active).urgency["a"].priority == 1


def test_a_circle_hurries_nobody_beyond_measure() -> None:
    """What never can be done makes nothing due before its own deadline less what it takes."""
    tasks = (task("a", "b", deadline=after(hours=5), **SMALL), task("b", "a", **SMALL), task("c"))
    for order in permutations(tasks):
        assert lined(*order).urgency["a"].latest == after(hours=5, minutes=-10)


@pytest.mark.parametrize("needs", [1, 3])
def test_a_chain_of_a_thousand_is_settled_at_once(needs: int) -> None:
    names = [f"t{number:04}" for number in range(1000)]
    chain = [task(name, *names[max(number - needs, 0) : number], **SMALL) for number, name in enumerate(names)]
    chain[-1] = replace(chain[-1], priority=1, deadline=after(hours=1000))
    found = lined(*chain)
    assert found.urgency["t0000"].latest == after(hours=1000, minutes=-10_000)
    assert found.order == tuple(names)


# --- ageing ----------------------------------------------------------------------------------------------------------

WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("waited", "priority"),
    [
        pytest.param(timedelta(), 5, id="just added"),
        pytest.param(WEEK - timedelta(seconds=1), 5, id="not yet"),
        pytest.param(WEEK, 4, id="a span"),
        pytest.param(WEEK * 6, -1, id="further up than any file can say"),
        pytest.param(-WEEK, 5, id="a file from the future"),
    ],
)
def test_every_span_of_waiting_is_one_priority(waited: timedelta, priority: int) -> None:
    found = lined(task("a", added=T0 - waited), days=7.0)
    assert (found.urgency["a"].priority, found.urgency["a"].aged) == (priority, 5 - priority)
    assert found.until is not None
    assert T0 < found.until <= T0 + WEEK * 2
    assert (found.until - (T0 - waited)) % WEEK == timedelta()


def test_what_a_template_put_there_waits_since_it_was_due() -> None:
    found = lined(task("a", added=T0, fired=T0 - WEEK), days=7.0)
    assert found.urgency["a"].aged == 1


def test_the_line_changes_when_the_first_of_all_moves_up() -> None:
    tasks = (task("a", added=T0 - timedelta(days=6)), task("b", added=T0 - timedelta(days=3)), task("c"))
    assert lined(*tasks, days=7.0).until == T0 + timedelta(days=1)


def test_without_ageing_the_line_never_changes_by_itself() -> None:
    found = lined(task("a", added=T0 - WEEK * 9), days=0.0)
    assert (found.urgency["a"].aged, found.until) == (0, None)


def test_what_waits_for_nothing_but_a_run_does_not_age() -> None:
    active = task("a", phase=Phase.ACTIVE, added=T0 - WEEK * 2)
    found = lined(active, days=7.0)
    assert (found.urgency["a"].aged, found.until) == (0, None)


def test_a_dependency_inherits_age_as_well() -> None:
    found = lined(task("a", added=T0), task("b", "a", added=T0 - WEEK * 3), days=7.0)
    assert (found.urgency["a"].priority, found.urgency["a"].aged, found.urgency["a"].heir) == (2, 0, "b")


# --- laws ------------------------------------------------------------------------------------------------------------

NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def backlogs(draw: st.DrawFn, *, circles: bool = True) -> list[Task]:
    made = []
    for place, name in enumerate(NAMES):
        others = draw(st.lists(st.sampled_from([*(NAMES if circles else NAMES[place + 1 :]), "gone"]), max_size=2))
        hours = draw(st.one_of(st.none(), st.integers(-5, 200)))
        built = task(
            name,
            kind=draw(st.sampled_from(["small", "large", "huge", "new"])),
            priority=draw(st.integers(1, 9)),
            deadline=None if hours is None else after(hours=hours),
            added=draw(st.sampled_from([None, T0, T0 - WEEK, T0 - WEEK * 5])),
            phase=draw(st.sampled_from([Phase.PENDING, Phase.PENDING, Phase.ACTIVE])),
        )
        made.append(replace(built, depends_on=tuple(Dependency(other) for other in others)))
    return made


@given(backlogs(circles=False), st.permutations(NAMES), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)))
def test_the_order_does_not_hang_on_that_of_the_files(
    backlog: list[Task], names: list[str], ranks: dict[str, int]
) -> None:
    """A total order: every task once, by keys that all differ, whichever file was read first."""
    tasks = named(tuple(backlog))
    one = lined(*backlog, ranks=ranks, days=7.0)
    assert one.order == lined(*(tasks[name] for name in names), ranks=ranks, days=7.0).order
    assert sorted(one.order) == [entry.name for entry in backlog if entry.phase is Phase.PENDING]
    keys = [sort_key(one.urgency[name], tasks[name]) for name in one.order]
    assert all(before < after for before, after in pairwise(keys))


@given(backlogs())
def test_what_is_waited_for_is_at_least_as_urgent_and_nobody_loses_by_it(backlog: list[Task]) -> None:
    found = lined(*backlog, days=7.0)
    alone = lined(*(replace(entry, depends_on=()) for entry in backlog), days=7.0)
    for entry in backlog:
        mine = found.urgency[entry.name]
        own = alone.urgency[entry.name]
        assert mine.priority <= own.priority
        assert (mine.latest or LAST) <= (own.latest or LAST)
        assert bool(mine.heir) is ((mine.priority, mine.latest) != (own.priority, own.latest))
        stuck = found.faults.get(entry.name)
        for need in entry.depends_on:
            if need.name in found.urgency and not (stuck and stuck.why is Why.CYCLE):
                assert found.urgency[need.name].priority <= mine.priority


# --- faults of the graph ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "faults"),
    [
        ([task("a", "b"), task("b")], {}),
        ([task("a", "gone")], {"a": Reason(Why.MISSING, "gone")}),
        ([task("a", "done"), task("done", phase=Phase.COMPLETED)], {}),
        ([task("a", "a")], {"a": Reason(Why.CYCLE, "a → a")}),
        (
            [task("a", "b"), task("b", "a"), task("c", "a")],
            {"a": Reason(Why.CYCLE, "a → b → a"), "b": Reason(Why.CYCLE, "a → b → a")},
        ),
    ],
)
def test_faults(tasks: list[Task], faults: dict[str, Reason]) -> None:
    found = world(*tasks).line.faults
    assert {name: reason.why for name, reason in found.items()} == {n: r.why for n, r in faults.items()}
    for name, reason in faults.items():
        assert sorted(found[name].what.split(" → ")[:-1]) == sorted(reason.what.split(" → ")[:-1])


def test_a_dependency_whose_file_is_broken_says_so() -> None:
    broken = Broken("pending/b.md", "b", Phase.PENDING, (Problem("bad"),))
    assert world(task("a", "b"), broken=(broken,)).line.faults["a"].what == "b (its file is broken)"


def test_every_circle_is_named() -> None:
    faults = world(task("a", "b"), task("b", "a"), task("x", "y"), task("y", "x")).line.faults
    assert set(faults) == {"a", "b", "x", "y"}


def test_a_thousand_tasks_with_three_dependencies_each_have_no_false_fault() -> None:
    tasks = [task(f"t{n}", *(f"t{n - k}" for k in (1, 2, 3) if n >= k)) for n in range(1000)]
    assert world(*tasks).line.faults == {}
