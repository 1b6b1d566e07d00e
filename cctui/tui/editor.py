"""The person's own editor on a task's file, in the terminal that the app lends it; runs and engine go on meanwhile."""

from __future__ import annotations

from typing import Any

from textual.app import App

from cctui.link import Link, LinkError
from cctui.tui.terminal import lend


async def edit(app: App[Any], link: Link, name_or_path: str) -> str:
    """Open it and come back when the editor has ended; "" when that went well, else a sentence."""
    try:
        argv = link.edit_argv(name_or_path)
    except LinkError as error:
        return str(error)
    # batch_update is not optional: nobody empties the writer's queue while the terminal is lent.
    with app.suspend(), app.batch_update():
        trouble = await lend(argv, quiet=False)
    return "the editor could not be used: set EDITOR to one that works here" if trouble else ""
