"""Sitting down at a run: attach to its terminal, or take its conversation over and attach as soon as it is open.

Keys reach the pane of an attended run only, and only when they were asked for; else it is watched.  Nobody is pulled
away from another screen, and whoever comes back because the run has ended is told so."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.app import App

from cctui.core import view
from cctui.core.world import Run, Stage, TakeOver
from cctui.link import Link, LinkError
from cctui.tui.openrun import GONE, attended, no_attach, no_typing
from cctui.tui.terminal import lend

SETTLES = 1.0
"""Seconds in which the World knows that a run has ended, once its terminal is gone."""


async def attach(app: App[Any], link: Link, run_id: str, *, typing: bool = False) -> str:
    """Hand the terminal to tmux and take it back; "" when that went well, else a sentence."""
    run = link.world.runs.get(run_id)
    if run and (reason := no_typing(run) if typing else no_attach(run)):
        return view.say(reason, link.now())
    try:
        argv = link.attach_argv(run_id, read_only=not typing)
    except LinkError as error:
        return str(error)
    if "attach-session" not in argv:
        # tmux shows the run beside or instead of the app, which goes on in its own pane.
        said = await lend(argv)
    else:
        # Without batch_update the loop freezes for ever after 30 repaints: nobody empties the writer's queue.
        with app.suspend(), app.batch_update():
            said = await lend(argv)
    return await ended(link, run) or said


async def ended(link: Link, run: Run | None) -> str:
    """What became of a run that was watched, when there is nothing left to watch; empty: it goes on.

    Its terminal is gone a moment before the World knows that it has ended."""
    if run is None:
        return ""
    changed = asyncio.Event()
    forget = link.subscribe(lambda _: changed.set())
    try:
        async with asyncio.timeout(SETTLES):
            while not (said := outcome(link, run)):
                changed.clear()
                await changed.wait()
            return said
    except TimeoutError:
        return ""
    finally:
        forget()


def outcome(link: Link, run: Run) -> str:
    now, name = link.world.runs.get(run.spec.run_id), view.short(run.spec.task)
    if now is None:
        record = next((each for each in link.world.records if each.run_id == run.spec.run_id), None)
        return f"{name} has ended: {view.outcome(record)}" if record else f"{name} has ended"
    if now.leg != run.leg or now.stage is not Stage.RUNNING:
        return f"{name}: what you watched has ended; its row says how it goes on"
    return ""


async def take_over(app: App[Any], link: Link, run_id: str) -> str:
    """Ask for the run, wait until its conversation is open, and sit down at it; a sentence when it does not come."""
    run = link.world.runs.get(run_id)
    if run is None:
        return view.say(GONE, link.now())
    if attended(run):
        return await attach(app, link, run_id, typing=True)
    name, screen = view.short(run.spec.task), app.screen
    parked = run.stage is Stage.PARKED
    if reason := await link.send(TakeOver(run.spec.task)):
        return view.say(reason, link.now())
    app.notify(f"{name} opens for you" if parked else f"{name}: handed over at its next step", markup=False, timeout=4)
    if not await opened(link, run_id):
        return f"{name} did not open: it has ended, or stands still"
    if app.screen is not screen or not app.app_focus:
        return f"{name} is open for you: i sits down at it"
    return await attach(app, link, run_id, typing=True)


async def opened(link: Link, run_id: str) -> bool:
    """Wait until the run is a person's; False when it ends, or parks again, before that."""
    changed = asyncio.Event()
    forget = link.subscribe(lambda _: changed.set())
    # A link that is not the engine itself answers a moment before its World shows what was asked.
    moved = False
    try:
        while not attended(run := link.world.runs.get(run_id)):
            if run is None or (moved and run.stage is Stage.PARKED):
                return False
            moved = moved or run.stage is not Stage.PARKED
            changed.clear()
            await changed.wait()
    finally:
        forget()
    return True
