"""What keeps everything (or everything of Claude) from starting, in sentences, worst first.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cctui.core import capacity, view
from cctui.core.world import Parked, Phase, Reason, Why, World

Trouble = tuple[str, str]
"""The sentence, and its tone."""


def troubles(world: World, link: str | None, now: datetime) -> Iterator[Trouble]:
    """`link`: what the link to the engine says is wrong with it."""
    if link:
        yield view.safe(link), "bad"
    for sentence in world.programs.values():
        yield view.safe(sentence), "bad"
    if world.draining:
        yield "The engine is leaving: runs go on, nothing new starts", "warn"
    if world.memory.hold:
        yield "Hold: nothing new starts; z lets go", "warn"
    for said in dict.fromkeys(stopped(stop, now) for stop in world.stops.values()):
        yield said, "warn"
    waiting = [task for task in world.tasks.values() if task.phase is Phase.PENDING]
    if waiting and all(task.paused for task in waiting) and not world.runs and not world.memory.hold:
        yield "All tasks are paused; space lets one go", "warn"
    if world.scanned and capacity.blind(world, now):
        yield view.sentence(world, Reason(Why.BLIND), now), "warn"
        for source in world.sources.values():
            if not source.ok and source.text:
                yield f"{source.source}: {view.safe(source.text)}", "warn"


def stopped(stop: Parked, now: datetime) -> str:
    """What the service refused.  A login needs hands: what they must do stands where a narrow line still shows it."""
    if stop.why is not Why.LOGIN:
        return view.say(Reason(stop.why, stop.window or stop.text, until=stop.until), now)
    again = f"; next try {view.moment(stop.until, now)}" if stop.until else ""
    about = f" ({view.safe(stop.text, 60)})" if stop.text else ""
    return f"Login refused: claude, then /login{again}{about}"
