"""The designed states as plain text: what stands on the screen, row by row.

``python -m tests.tui.shots`` writes tests/tui/snapshots anew; read the difference before keeping it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.timer import Timer

from cctui.core.settings import Settings, UiSettings
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.capture import Capture
from tests.tui.fakes import FakeLink
from tests.tui.swift import Kept, ring, swift
from tests.worlds_states import DESIGNED_STATES, EVERY, FAULTS

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((48, 18), (60, 30), (80, 24), (120, 40), (200, 50))


def typed(text: str) -> tuple[str, ...]:
    """The keys that write it."""
    return tuple(letter if letter.isalnum() else _character_to_key(letter) for letter in text)


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
    "new_line": ("busy", ("n", *typed("Fix links !1 #web >friday 8:00 after:vault-l"))),
    "new_offers": ("busy", ("n", *typed("Fix links after:"))),
    "new_problem": ("busy", ("n", *typed("Fix !high links every 7 minutes "))),
    "new_schedule": ("busy", ("n", *typed("Brief me every weekday 7:00 plan?"))),
    "new_shell": ("busy", ("n", *typed("!2 sh: make backup >log"))),
    "new_form": ("busy", ("n", *typed("Fix !1 >friday"), "tab", "tab", "enter")),
    "new_form_problem": ("busy", ("n", "x", "tab", "tab", "enter", "tab", "tab", *typed("soon"), "tab")),
    "new_templates": ("busy", ("n", "tab", "tab", "tab", "enter")),
    "new_ascii": ("busy", ("n", *typed("Brief me !x every day 7:00 plan?"))),
    "edit": ("busy", ("e", "enter")),
    "edit_fields": ("busy", ("e", "j", "j", "j", "j")),
    "edit_choice": ("busy", ("e", *"jjjj", "enter", "space")),
    "edit_problem": ("busy", ("e", "enter", "ctrl+u", *typed("soon"), "enter")),
    "quit": ("busy", ("q",)),
    "help": ("busy", ("question_mark",)),
    "ascii": ("busy", ()),
    "needs_you": ("trusted", ("2",)),
    "needs_you_queue": ("trusted", ("t",)),
    "plan": ("trusted", ("2", "r")),
    "triage": ("trusted", ("0",)),
    "triage_question": ("trusted", ("0", "n")),
    "triage_reply": ("trusted", ("0", "2", "o", "n", "l", "y")),
    "triage_file": ("broken", ("0",)),
    "triage_empty": ("busy", ("0",)),
    "triage_ascii": ("trusted", ("0",)),
    "peek_reply": ("trusted", ("2", "G", "s", "h", "i")),
    "peek_said": ("trusted", ("2", "G", "s", "h", "i", "enter")),
    "peek_long": ("long_names", ("2", "l")),
    "runs_health": ("night", ("2",)),
    "accept_asks": ("trusted", ("2", "r", "x")),
    "attended": ("trusted", ("2", "j")),
    "checking": ("trusted", ("2", "G", "k", "o")),
    "run_detail": ("trusted", ("2", "o")),
    "proof": ("trusted", ("3",)),
    "proven": ("trusted", ("3", "enter")),
    "disproved": ("trusted", ("3", "j", "j", "enter")),
    "record_note": ("trusted", ("3", "enter", "2")),
    "record_log": ("trusted", ("3", "enter", "3")),
    "record_changes": ("trusted", ("3", "enter", "4")),
    "record_check": ("trusted", ("3", "enter", "5")),
    "record_numbers": ("trusted", ("3", "enter", "6")),
    "record_trail": ("fortnight", ("3", "j", "j", "enter")),
    "record_unchecked": ("trusted", ("3", "j", "enter", "5")),
    "history_many": ("fortnight", ("3", "j")),
    "history_filter": ("fortnight", ("3", "slash", "s", "colon", "f", "enter")),
    "history_none": ("fortnight", ("3", "slash", "x", "y", "z", "enter")),
    "figures": ("fortnight", ("4",)),
    "figures_end": ("fortnight", ("4", "G")),
    "figures_few": ("busy", ("4",)),
    "figures_empty": ("empty", ("4",)),
    "figures_night": ("night", ("4",)),
    "figures_ascii": ("fortnight", ("4",)),
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
    "night_starts": ("night", ("p", "escape")),
    "marks": ("busy", ("v", "v")),
    "filter_state": ("busy", ("slash", "s", ":", "p")),
    "palette": ("busy", ("full_stop",)),
    "night_carry": ("night", ("j", "j", "j", "m", "b")),
    "night_moved": ("night", ("j", "j", "j", "j", "j", "K")),
    "night_stuck": ("night", ("G", "k", "m", "t")),
    "night_ascii": ("night", ("p", "j")),
    "night_help": ("night", ("p", "question_mark")),
    **DESIGNED_STATES,
}
"""Name → World, and the keys that lead there."""
SMALL = {"tiny": ("busy", (100, 8))}
"""A phone on its side with the keyboard up."""


def rows(app: App[Any]) -> str:
    """What stands on the screen.  The one place that knows how Textual keeps it."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips).rstrip() + "\n"


def link_to(name: str) -> FakeLink:
    """A link to a named World, with what is wrong there."""
    link = FakeLink(EVERY[name]())
    for field, text in FAULTS.get(name, {}).items():
        setattr(link, field, text)
    return link


async def render(state: str, size: tuple[int, int]) -> str:
    world, keys = STATES.get(state) or (SMALL[state][0], ())
    ui = UiSettings(ascii="on" if "ascii" in state else "off", motion="off")
    app = CctuiApp(link_to(world), engine=None, settings=Settings(ui=ui))
    async with app.run_test(size=size) as pilot:
        for key in keys:
            await pilot.press(key)
        await quiet(pilot)
        return rows(app)


async def shows(pilot: Pilot[str], text: str) -> None:
    """Wait until it stands on the screen: a resize, or a look at the disk, takes a moment."""
    for _ in range(200):
        if text in rows(pilot.app):
            return
        await pilot.pause(0.02)
    raise AssertionError(f"{text!r} never stood on the screen:\n{rows(pilot.app)}")


async def quiet(pilot: Pilot[str]) -> None:
    """Wait until nothing is looked up any more: what only comes a moment after a key comes at once."""
    app = pilot.app
    await pilot.pause()
    while any([await ring(timer) for timer in patient(app)]):
        await pilot.pause()
    while any(worker.group in ("plan", "whatif", "preview") and not worker.is_finished for worker in app.workers):
        await pilot.pause(0.002)
    await pilot.pause()
    await pilot.pause()


def patient(app: App[Any]) -> list[Timer | None]:
    """What waits for the next key not to come, also below a question."""
    found: list[Timer | None] = []
    for screen in app.screen_stack:
        match screen:
            case Board():
                found += [screen.what_if.timer, screen.preview.timer]
            case Capture():
                found.append(screen.timer)
    return found


CASES = [(state, size) for state in STATES for size in SIZES] + [(state, size) for state, (_, size) in SMALL.items()]


def path(state: str, size: tuple[int, int]) -> Path:
    return FOLDER / f"{state}-{size[0]}x{size[1]}.txt"


async def write_all() -> None:
    FOLDER.mkdir(exist_ok=True)
    with swift(Kept()):
        for case in CASES:
            path(*case).write_text(await render(*case), "utf-8")


if __name__ == "__main__":
    asyncio.run(write_all())
