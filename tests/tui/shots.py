"""The designed states as plain text: what stands on the screen, row by row.

``python -m tests.tui.shots`` writes tests/tui/snapshots anew; read the difference before keeping it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from cctui.core.settings import Settings, UiSettings
from cctui.tui import whatif
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from tests.tui.fakes import FakeLink
from tests.worlds import WORLDS

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((48, 18), (60, 30), (80, 24), (120, 40))

STATES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "empty": ("empty", ()),
    "busy": ("busy", ()),
    "blocked": ("blocked", ()),
    "capped": ("capped", ()),
    "broken": ("broken", ()),
    "long_names": ("long_names", ()),
    "thousand": ("thousand", ("G",)),
    "runs": ("busy", ("2",)),
    "history": ("busy", ("3",)),
    "parked": ("blocked", ("2",)),
    "tree": ("blocked", ("t",)),
    "carry": ("busy", ("j", "j", "m", "k")),
    "filter": ("busy", ("slash", "l", "i", "n", "k")),
    "detail": ("busy", ("enter",)),
    "detail_broken": ("broken", ("j", "enter")),
    "record": ("busy", ("3", "j", "enter")),
    "peek": ("busy", ("2", "enter")),
    "notes": ("broken", ("N",)),
    "new": ("busy", ("n",)),
    "edit": ("busy", ("e", "enter")),
    "quit": ("busy", ("q",)),
    "help": ("busy", ("question_mark",)),
    "ascii": ("busy", ()),
    "needs_you": ("trusted", ("2",)),
    "needs_you_queue": ("trusted", ("t",)),
    "plan": ("trusted", ("2", "r")),
    "accept_asks": ("trusted", ("2", "r", "x")),
    "attended": ("trusted", ("2", "j")),
    "checking": ("trusted", ("2", "G", "k", "o")),
    "run_detail": ("trusted", ("2", "o")),
    "proof": ("trusted", ("3",)),
    "proven": ("trusted", ("3", "enter")),
    "disproved": ("trusted", ("3", "j", "j", "enter")),
    "changes": ("trusted", ("3", "c")),
    "rollback": ("trusted", ("3", "enter", "u")),
    "rollback_in_place": ("trusted", ("3", "j", "j", "j", "j", "enter", "u")),
    "full_disk": ("full_disk", ()),
    "full_disk_notes": ("full_disk", ("N",)),
    "trusted_ascii": ("trusted", ("2",)),
    "night": ("night", ()),
    "night_why": ("night", ("j", "j", "j", "j", "w")),
    "night_windows": ("night", ("f",)),
    "night_plan": ("night", ("p", "j", "j", "j", "j")),
    "night_plan_end": ("night", ("p", "G")),
    "night_carry": ("night", ("j", "j", "j", "m", "b")),
    "night_moved": ("night", ("j", "j", "j", "j", "j", "K")),
    "night_stuck": ("night", ("G", "k", "m", "t")),
    "night_ascii": ("night", ("p", "j")),
    "night_help": ("night", ("p", "question_mark")),
}
"""Name → World, and the keys that lead there."""
SMALL = {"tiny": ("busy", (100, 8))}
"""A phone on its side with the keyboard up."""


def rows(app: App[Any]) -> str:
    """What stands on the screen.  The one place that knows how Textual keeps it."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips).rstrip() + "\n"


async def render(state: str, size: tuple[int, int]) -> str:
    world, keys = STATES.get(state) or (SMALL[state][0], ())
    ui = UiSettings(ascii="on" if "ascii" in state else "off", motion="off")
    app = CctuiApp(FakeLink(WORLDS[world]()), engine=None, settings=Settings(ui=ui))
    async with app.run_test(size=size) as pilot:
        for key in keys:
            await pilot.press(key)
        await quiet(pilot)
        return rows(app)


async def quiet(pilot: Pilot[str]) -> None:
    """Wait until nothing is looked up any more: what only comes a moment after a key is there as well."""
    app = pilot.app
    await pilot.pause()
    if isinstance(app.screen, Board) and app.screen.what_if.timer:
        await pilot.pause(whatif.PATIENCE)
    while any(worker.group in ("plan", "whatif") and not worker.is_finished for worker in app.workers):
        await pilot.pause(0.02)
    await pilot.pause()
    await pilot.pause()


CASES = [(state, size) for state in STATES for size in SIZES] + [(state, size) for state, (_, size) in SMALL.items()]


def path(state: str, size: tuple[int, int]) -> Path:
    return FOLDER / f"{state}-{size[0]}x{size[1]}.txt"


async def write_all() -> None:
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        path(*case).write_text(await render(*case), "utf-8")


if __name__ == "__main__":
    asyncio.run(write_all())
