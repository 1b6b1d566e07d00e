"""The inverse of a command: what takes it back, as a command of its own.  Pure.

Only for what changes the order of things and loses nothing: moves, pauses, hold, one changed priority, a new task.
"""

from __future__ import annotations

from cctui.core.world import Add, Command, Edit, Hold, Move, Pause, Place, Remove, Urgency, World


def inverse(world: World, command: Command) -> Command | None:
    """What takes `command` back once it has been carried out in `world`; None: nothing does."""
    match command:
        case Pause(task=name, on=on):
            return Pause(name, on=not on)
        case Hold(on=on):
            return Hold(on=not on)
        case Add(name=name):
            return Remove(name)
        case Edit(task=name, field="priority") if name in world.tasks:
            return Edit(name, "priority", str(world.tasks[name].priority))
        case Move(task=name) if name in world.line.order:
            return _move_back(world, name)
        case _:
            return None


def _move_back(world: World, name: str) -> Command:
    """Beside a neighbour of the same urgency, which brings the old priority back as well; else that alone does."""
    order = world.line.order
    at = order.index(name)
    mine = _level(world, name)
    if at + 1 < len(order) and _level(world, order[at + 1]) == mine:
        return Move(name, Place.BEFORE, order[at + 1])
    if at and _level(world, order[at - 1]) == mine:
        return Move(name, Place.AFTER, order[at - 1])
    return Edit(name, "priority", str(world.tasks[name].priority))


def _level(world: World, name: str) -> tuple[object, ...]:
    urgency = world.line.urgency.get(name) or Urgency(world.tasks[name].priority)
    return (world.tasks[name].priority, urgency.priority, urgency.latest)
