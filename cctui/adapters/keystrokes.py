"""A person's words, typed into the pane in which they work with Claude themselves.

What the program does with a key depends on what it shows, and it is asked that first (its own register, never the
screen).  A question takes one digit at once, without Enter: Enter would say yes to whatever is asked next.  Words to a
request for permission are a no with a reason: the request is left with Esc, then they are said.  At a question of
Claude's own, and at its prompt, they are pasted and sent.  Nothing is ever typed blindly, nor into another's pane.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

from cctui.adapters import runasks, runread
from cctui.adapters.runasks import Doing
from cctui.adapters.runfiles import LegFile, read_leg
from cctui.adapters.tmux import Tmux

LEAVE_SECONDS = 5.0
"""How long a question may take to go away after Esc."""
CALM_SECONDS = 1.0
LOOK_SECONDS = 0.05
ASKED = "input needed"
"""The register's word for a question with a line for an answer in one's own words."""
YES = ("y", "yes")
DIGITS = tuple("123456789")


class TypingError(Exception):
    """The words were not typed; the text says why, and what to do."""


async def type_words(tmux: Tmux, folder: Path, session: str, text: str, at: datetime) -> None:
    """Type `text` into `session`, the pane of the run in `folder`; it was said at `at`.

    Raises TypingError or TmuxError."""
    if (await tmux.sessions()).get(session) != folder.name:
        raise TypingError(f"{session} is not open any more: nobody was there to hear your words.")
    leg = await asyncio.to_thread(lambda: read_leg(folder, runread.newest_leg(folder)))
    now = await _doing(folder, leg, at)
    asks = now.status == "waiting"
    key = "1" if text.casefold() in YES and now.waits_for != ASKED else text
    if asks and key in DIGITS:
        await tmux.press(session, key)
        return
    if now.status not in ("idle", "busy", "waiting"):
        raise TypingError("It cannot be told what Claude waits for there, so nothing was typed: open the run.")
    if asks and now.waits_for != ASKED:
        await tmux.press(session, "Escape")
        await _left(folder, leg, at)
    await tmux.paste(session, _as_words(text))


def _as_words(text: str) -> str:
    """A line that begins with ``!`` would be run by a shell."""
    return f" {text}" if text.startswith("!") else text


async def _left(folder: Path, leg: LegFile | None, at: datetime) -> None:
    limit = time.monotonic() + LEAVE_SECONDS
    while (await _doing(folder, leg, at)).status != "idle":
        if time.monotonic() > limit:
            raise TypingError("Claude still asks something there, so your words were not typed: open the run.")
        await asyncio.sleep(LOOK_SECONDS)


async def _doing(folder: Path, leg: LegFile | None, at: datetime) -> Doing:
    """What the program does.  That it is idle is believed after a moment: some questions follow upon it, and the
    register tells of them late."""
    begun = time.monotonic()
    while leg is not None:
        found = await asyncio.to_thread(runasks.doing, folder, leg)
        calm = found.since is not None and at - found.since >= timedelta(seconds=CALM_SECONDS)
        if found.status != "idle" or calm or time.monotonic() - begun >= CALM_SECONDS:
            return found
        await asyncio.sleep(LOOK_SECONDS)
    return Doing()
