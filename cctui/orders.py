"""What the command line asks of an engine, put to its Link: commands with names to be found, and plans.

It adds words and patience: a unique prefix stands for a whole name, a refusal comes as a sentence, and the answer waits
a moment for what it has changed to show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cctui.core import naming
from cctui.core.answer import FAILED, Answer
from cctui.core.world import Command, Level, Reason, Reply, Rollback, World

if TYPE_CHECKING:
    from cctui.link import Link

SETTLE_SECONDS = 1.5
ROLLBACK_SECONDS = 120.0


async def planned(link: Link, args: Mapping[str, Any]) -> Answer:
    """The answer to the verb `plan`.  Raises LinkError when no plan comes."""
    # Only here: it brings all of `step` with it, and a face starts without that.
    from cctui.core import outlook  # noqa: PLC0415

    asked = outlook.question(link.world, args)
    if isinstance(asked, Answer):
        return asked
    days = asked.horizon.total_seconds() / 86400
    before = await link.plan(samples=0 if asked.command else asked.samples, days=days)
    after = await link.plan(asked.command, samples=asked.samples, days=days) if asked.command else None
    if isinstance(before, Reason):  # nothing was to be changed, so nothing can be refused
        return Answer(errors=("no plan came",), code=FAILED)
    return outlook.answer(asked, before, after, link.now())


async def order(link: Link, command: Command) -> dict[str, Any]:
    """A command from the command line: names may be unique prefixes, the refusal comes as a sentence."""
    named = naming.whole(link.world, command)
    if isinstance(named, Answer):
        return {"data": named.data, "errors": list(named.errors), "code": named.code}
    before = link.world
    if reason := await link.send(named):
        return naming.refused(before, named, reason, link.now())
    data, failures = naming.outcome(before, named, link.now())
    failures = failures or await settled(link, before, named)
    if isinstance(named, Rollback):
        said = naming.told(before, link.world, named.run_id)
        text = said.text if said else "the rollback takes long: its end will be a note of the engine"
        failures = failures or ([] if said and said.level is not Level.BAD else [text])
        data |= {"run_id": named.run_id, "text": text}
    if isinstance(named, Reply):
        data |= {"text": naming.heard(before, link.world, named) or f"{named.task}: your words are on their way"}
    return {"data": data, "errors": failures, "code": int(bool(failures))}


async def settled(link: Link, before: World, command: Command) -> list[str]:
    """Wait, but not long, until the World shows what `command` did to a file; what went wrong with it, if anything."""
    changed = asyncio.Event()
    forget = link.subscribe(lambda _: changed.set())
    seen = max((note.seq for note in before.notes), default=0)
    try:
        async with asyncio.timeout(ROLLBACK_SECONDS if isinstance(command, Rollback) else SETTLE_SECONDS):
            while not naming.shows(before, link.world, command):
                # A missing program, noticed just now, is nobody's command's fault.
                known = set(link.world.programs.values())
                new = [note for note in link.world.notes if note.seq > seen and note.level is Level.BAD]
                bad = [note.text for note in new if note.text not in known]
                if bad:
                    return bad
                await changed.wait()
                changed.clear()
    except TimeoutError:
        pass  # nothing to see, as when a field got the value it had
    finally:
        forget()
    return []
