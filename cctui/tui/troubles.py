"""What keeps everything (or everything of Claude) from starting, in sentences, worst first.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cctui.core import capacity, view
from cctui.core.world import Reason, Why, World

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
    reasons = (Reason(stop.why, stop.window or stop.text, until=stop.until) for stop in world.stops.values())
    for said in dict.fromkeys(view.say(reason, now) for reason in reasons):
        yield said, "warn"
    if world.scanned and capacity.blind(world, now):
        yield view.sentence(world, Reason(Why.BLIND), now), "warn"
        for source in world.sources.values():
            if not source.ok and source.text:
                yield f"{source.source}: {view.safe(source.text)}", "warn"
