"""The order of the queue: who goes next among those that may.  Pure.

Priority first.  Inside it by the latest start that meets every deadline in the chain (time left minus what the chain
still takes: since time passes for all alike, the earliest such moment has the least slack), then the place set by hand,
then cost, small first.  A task inherits the urgency of what waits for it, and moves up by one priority for every span
it has waited, so that nothing starves.  A task's Urgency is the key of the sort, and is what the screens explain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cctui.core.admission import FIVE_HOURS
from cctui.core.cost import estimate
from cctui.core.graph import cycles, heirs_first, without
from cctui.core.runners import needs_claude
from cctui.core.world import FIVE_HOUR, Estimate, Line, Phase, Reason, Task, Urgency, Why, World

LAST = datetime.max.replace(tzinfo=UTC)
INFINITE = float("inf")
UNRANKED = 1 << 60
LIVE = (Phase.PENDING, Phase.ACTIVE)


def line(world: World, now: datetime | None = None) -> Line:
    """The queue's order, why it is so, and the faults of its graph, for a World whose tasks, ranks or costs have
    changed, or in which time has moved something up."""
    now = now or world.at
    taken = {run.spec.task for run in world.runs.values()}
    live = [task for task in world.tasks.values() if task.phase in LIVE]
    estimates = _estimates(world, live)
    stuck, chain = _chained(world, live)
    urgency, until = _urgencies(world, live, estimates, now)
    _inherit(chain, world.tasks, estimates, urgency)
    waiting = [task for task in live if task.phase is Phase.PENDING and task.name not in taken]
    waiting.sort(key=lambda task: sort_key(urgency[task.name], task))
    order = tuple(task.name for task in waiting)
    templates = tuple(task.name for task in world.tasks.values() if task.phase is Phase.RECURRING)
    return Line(order, stuck, estimates, urgency, until, _groups(world, order, estimates), templates)


def _groups(world: World, order: tuple[str, ...], estimates: Mapping[str, Estimate]) -> tuple[tuple[str, ...], ...]:
    """Tasks that are expected to take the same, by the same model; those share one Estimate."""
    found: dict[tuple[int, str | None], list[str]] = {}
    for name in order:
        found.setdefault((id(estimates[name]), world.tasks[name].model), []).append(name)
    return tuple(map(tuple, found.values()))


def sort_key(urgency: Urgency, task: Task) -> tuple[int, datetime, int, float, datetime, str]:
    """What is less goes first."""
    return (
        urgency.priority,
        urgency.latest or LAST,
        urgency.rank,
        urgency.cost,
        task.added or LAST,
        task.name,
    )


def _estimates(world: World, tasks: list[Task]) -> dict[str, Estimate]:
    """Of each task; those that ask for the same are worked out once."""
    shared: dict[tuple[str, str | None, bool, int | None], Estimate] = {}
    found: dict[str, Estimate] = {}
    for task in tasks:
        # What nothing is known of is expected to take what anything takes.
        kind = task.kind if task.kind in world.costs else ""
        key = (kind, task.model if kind else None, needs_claude(task.runner), task.estimated_tokens)
        if key not in shared:
            shared[key] = estimate(world.costs, task)
        found[task.name] = shared[key]
    return found


# --- urgency ---------------------------------------------------------------------------------------------------------


def _urgencies(
    world: World, tasks: list[Task], estimates: Mapping[str, Estimate], now: datetime | None
) -> tuple[dict[str, Urgency], datetime | None]:
    span = timedelta(days=world.settings.run.ageing_days)
    ranks = world.memory.ranks
    sizes: dict[tuple[int, str], float] = {}
    alike: dict[tuple[int, datetime | None, int, float, int], Urgency] = {}
    found: dict[str, Urgency] = {}
    oldest: datetime | None = None
    for task in tasks:
        aged = 0
        since = task.fired or task.added
        if span and now and since and task.phase is Phase.PENDING:
            if since + span <= now:
                aged = int((now - since) / span)
                since += span * aged
            oldest = since if oldest is None or since < oldest else oldest
        known = estimates[task.name]
        latest = _latest(task.deadline, known) if task.deadline else None
        rank = ranks.get(task.name, UNRANKED)
        key = (id(known), task.runner)
        cost = sizes[key] if key in sizes else sizes.setdefault(key, size(task, known))
        same = (task.priority - aged, latest, rank, cost, aged)
        found[task.name] = alike.get(same) or alike.setdefault(same, Urgency(*same[:4], "", aged))
    return found, oldest + span if oldest else None


def size(task: Task, known: Estimate) -> float:
    """Points of the 5-hour window it is likely to take; work that spends none of it counts by its tokens, as small."""
    points = known.points.get(FIVE_HOUR)
    if points and needs_claude(task.runner):
        return points.p50
    return known.tokens.p50 / 1e6 if known.tokens else INFINITE


def _latest(deadline: datetime, known: Estimate) -> datetime:
    """The latest start that meets `deadline`: what it takes at work, and the resets it has to wait for."""
    return deadline - timedelta(seconds=takes(known))


def takes(known: Estimate) -> float:
    """Seconds from a task's start to its end, four times in five at most; windows that it fills have to pass too."""
    seconds = known.seconds.p80 if known.seconds else 0.0
    points = known.points.get(FIVE_HOUR)
    return max(seconds, int(points.p80 // 100) * FIVE_HOURS) if points else seconds


def _inherit(
    chain: Sequence[str], tasks: Mapping[str, Task], estimates: Mapping[str, Estimate], found: dict[str, Urgency]
) -> None:
    """Whatever is waited for is as urgent as the most urgent that waits for it, and must be done before that starts."""
    least = max((urgency.priority for urgency in found.values()), default=0)
    for name in chain:
        heir = found[name]
        if heir.latest is None and heir.priority >= least:
            continue  # nothing is less urgent
        for dependency in tasks[name].depends_on:
            mine = found.get(dependency.name)
            if mine is not None and (heir.latest is not None or heir.priority < mine.priority):
                found[dependency.name] = _passed_on(mine, heir, name, estimates[dependency.name])


def _passed_on(mine: Urgency, heir: Urgency, name: str, known: Estimate) -> Urgency:
    latest = mine.latest
    if heir.latest is not None:
        before = heir.latest - timedelta(seconds=takes(known))
        latest = before if latest is None or before < latest else latest
    priority = min(mine.priority, heir.priority)
    if priority == mine.priority and latest == mine.latest:
        return mine
    return replace(mine, priority=priority, latest=latest, heir=name)


# --- the graph -------------------------------------------------------------------------------------------------------


def _chained(world: World, live: list[Task]) -> tuple[dict[str, Reason], list[str]]:
    """Live tasks whose dependencies cannot ever be met, and all others that need something, heirs first."""
    found, graph = _needs(world, live)
    chain, circular = heirs_first(graph)
    if circular:
        for circle in cycles(graph):
            for name in circle:
                found[name] = Reason(Why.CYCLE, " → ".join((*circle, circle[0])))
        circles = {name for name, reason in found.items() if reason.why is Why.CYCLE}
        chain, _ = heirs_first(without(graph, circles))
    return found, chain


def _needs(world: World, live: list[Task]) -> tuple[dict[str, Reason], dict[str, list[str]]]:
    """Live tasks that need what is not there; and of each one that needs something what of that needs something too:
    nothing else can close a circle."""
    tasks = world.tasks
    broken = {entry.name for entry in world.broken}
    missing: dict[str, Reason] = {}
    graph: dict[str, list[str]] = {task.name: [] for task in live if task.depends_on}
    for name, needs in graph.items():
        for dependency in tasks[name].depends_on:
            needed = dependency.name
            if needed in graph:
                needs.append(needed)
            elif needed not in tasks:
                what = f"{needed} (its file is broken)" if needed in broken else needed
                missing.setdefault(name, Reason(Why.MISSING, what))
    return missing, graph
