"""A second task like another one: the same file under a name of its own.  Pure."""

from __future__ import annotations

import re

from cctui.core.world import Add, Reason, Why, World

HIDDEN = "[redacted]"
"""What stands in a text that a face has been given where a secret stood."""
_NUMBERED = re.compile(r"-\d+$")
_NAME = re.compile(r"name\s*:")


def clone(world: World, name: str, text: str) -> Add | Reason:
    """What adds it; `text` is the file as a face was given it.  A Reason: that would not be the same task."""
    if HIDDEN in text:
        return Reason(Why.STATE, f"{name} holds what looks like a secret, which no screen is shown: copy its file")
    return Add(free_name(world, name), nameless(text))


def free_name(world: World, name: str) -> str:
    """``digest`` → ``digest-2``, ``digest-2`` → ``digest-3``: the first that no file has, of a firing without its
    stamp."""
    base = _NUMBERED.sub("", name.partition("@")[0])
    taken = {*world.tasks, *(entry.name for entry in world.broken)}
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def nameless(text: str) -> str:
    """The file without the line that names it, so that it goes by its own stem."""
    if not text.startswith("---"):
        return text
    head, fence, body = text[3:].partition("\n---")
    lines = [line for line in head.split("\n") if not _NAME.match(line)]
    kept = "\n".join(lines)
    return f"---{kept}{fence}{body}" if fence else text
