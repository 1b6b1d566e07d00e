"""Moving a task by hand: what becomes of the ranks, and of its priority.  Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cctui.core.world import Move, Place, World


def moved(world: World, move: Move) -> tuple[dict[str, int], int]:
    """The ranks and the task's priority after `move`.  Crossing into another priority takes that priority on."""
    names = [name for name in world.line.order if name != move.task]
    was = at = world.line.order.index(move.task)
    match move.place:
        case Place.UP:
            at = max(at - 1, 0)
        case Place.DOWN:
            at = min(at + 1, len(names))
        case Place.TOP:
            at = 0
        case Place.BOTTOM:
            at = len(names)
        case Place.BEFORE:
            at = names.index(str(move.other))
        case Place.AFTER:
            at = names.index(str(move.other)) + 1
    towards_top = move.place in (Place.UP, Place.TOP, Place.BEFORE)
    beside = names[min(at, len(names) - 1) if towards_top else max(at - 1, 0)] if names else move.task
    priority = world.tasks[move.task if at == was else beside].priority
    names.insert(at, move.task)
    group = [name for name in names if name == move.task or world.tasks[name].priority == priority]
    return _ranks(world.memory.ranks, group, move.task), priority


def _ranks(ranks: Mapping[str, int], group: list[str], task: str) -> dict[str, int]:
    """Fixed places for the group down to the moved task and to the last place set by hand; the rest stays free."""
    last = max(place for place, name in enumerate(group) if name == task or name in ranks)
    return {**ranks, **{name: place for place, name in enumerate(group[: last + 1])}}
