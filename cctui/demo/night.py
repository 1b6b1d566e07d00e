"""``cctui demo``: a night in fast motion.

Claude and its windows are simulated, and every output says so; the engine, tmux, git and the files are the real ones.
With a terminal it is the app, until the person quits; without one it prints the events and ends when the queue is done.
It touches nothing outside its temporary folder and ends everything it started.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cctui.adapters.ledger import Samples
from cctui.config import load
from cctui.core.events import Event, Measured
from cctui.core.queue import plan_waits
from cctui.core.settings import Settings
from cctui.core.view import State, rows
from cctui.core.words import safe
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Phase, Reading, Why, World
from cctui.demo import stage, windows
from cctui.demo.morning import Morning
from cctui.engine import Engine
from cctui.lock import Lock
from cctui.places import Places, find_places, make

if TYPE_CHECKING:
    from textual.pilot import Pilot

PATIENCE = 240.0
"""Seconds after which a demo without a terminal gives up; it needs about 50."""
LEAVING = 20.0
"""Seconds an engine may take to end in order."""
SIMULATED = "simulated"
TERMINATED = 143
UNTOLD = (Why.STARTING, Why.SLOTS, Why.ORDER, Why.CANARY, Why.BLIND, Why.STAGGER)
"""Reasons that change from moment to moment."""
BANNER = (
    "DEMO: a simulated Claude and simulated windows (a 5-hour window lasts "
    f"{stage.WINDOW_SECONDS:.0f} s); the engine, tmux, git and the files are real."
)


def main(argv: Sequence[str]) -> int:
    """Exit code 0 when everything that can end has ended as the script of the night says."""
    parser = argparse.ArgumentParser(prog="cctui demo", description=BANNER)
    parser.add_argument("--keep", action="store_true", help="keep the demo's folder afterwards")
    parser.add_argument("--headless", action="store_true", help="print the events, even on a terminal")
    args = parser.parse_args(list(argv))
    for program in ("tmux", "git"):
        if shutil.which(program) is None:
            print(f"cctui demo: {program} is not there. Type:  sudo apt-get install -y {program}", file=sys.stderr)
            return 7
    scene = stage.build()
    print(BANNER, f"Its folder: {scene.folder}", sep="\n", flush=True)
    signal.signal(signal.SIGTERM, terminated)
    try:
        return play(scene, screen=sys.stdout.isatty() and sys.stdin.isatty() and not args.headless)
    except KeyboardInterrupt:
        return 130
    finally:
        end(scene, keep=args.keep)


def terminated(_number: int, _frame: object) -> None:
    """End as on any other way out: nothing may be left behind."""
    sys.exit(TERMINATED)


def play(scene: stage.Stage, *, screen: bool) -> int:
    """The night, in this process."""
    environ = scene.environment(os.environ)
    places = find_places(str(scene.root), environ, scene.root)
    make(places)
    settings, _ = load(places.config, environ)
    logging.basicConfig(filename=places.log, level=logging.INFO)
    measured_before(places, scene)
    lock = Lock(places.lock, places.socket)
    lock.acquire()
    try:
        if screen:
            return asyncio.run(on_screen(places, settings, environ))
        before = stage.contents(scene.site)

        def tell(world: World, now: datetime) -> int:
            return Morning(world, now, scene, places, settings, before).tell()

        return asyncio.run(printed(places, settings, environ, tell))
    finally:
        lock.release()


def measured_before(places: Places, scene: stage.Stage) -> None:
    """What an engine that ran until now would have left: the night begins with a window that is nearly full."""
    with windows.opened(str(scene.folder)) as state:
        pass
    now = datetime.now().astimezone()
    known = (
        (FIVE_HOUR, state.five_hour, state.five_hour_resets_at),
        (SEVEN_DAY, state.week, state.week_resets_at),
    )
    Samples(places.capacity).append(
        [
            Reading(window, used, datetime.fromtimestamp(resets, UTC) if resets else None, SIMULATED, now)
            for window, used, resets in known
        ]
    )


def engine_of(places: Places, settings: Settings, environ: dict[str, str]) -> Engine:
    """The real engine; only the readings' source is called by its true name."""
    engine = Engine(places, settings, environ=environ)
    engine.sources.post = labelled(engine.post)
    return engine


def labelled(post: Callable[[Event], None]) -> Callable[[Event], None]:
    """Every number of a simulated window says that it is one, whoever reads it."""

    def relabelled(event: Event) -> None:
        if isinstance(event, Measured):
            event = replace(event, readings=tuple(replace(reading, source=SIMULATED) for reading in event.readings))
        post(event)

    return relabelled


# --- with a terminal -------------------------------------------------------------------------------------------------


async def on_screen(places: Places, settings: Settings, environ: dict[str, str]) -> int:
    from cctui.demo.screen import Night

    engine = engine_of(places, settings, environ)
    app = Night(engine.link, engine=engine.run, settings=settings)

    async def greet(pilot: Pilot[Any]) -> None:
        pilot.app.notify(BANNER, timeout=10, markup=False)

    await app.run_async(auto_pilot=greet)
    return app.return_code or 0


# --- without one -----------------------------------------------------------------------------------------------------


class Printer:
    """Prints every note once, and once why a task waits, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seen = 0
        self._told: set[tuple[str, Why]] = set()

    def heard(self, world: World, now: datetime) -> None:
        for note in world.notes:
            if note.seq > self._seen:
                self._seen = note.seq
                self.line(f"{note.level.value:<5} {safe(note.text)}")
        for row in rows(world, now):
            waits = row.state is State.WAITING and row.reason is not None and row.reason.why not in UNTOLD
            if waits and row.reason and (row.name, row.reason.why) not in self._told:
                self._told.add((row.name, row.reason.why))
                self.line(f"waits {row.name}: {safe(row.text)}")

    def line(self, text: str) -> None:
        print(f"[demo {time.monotonic() - self._began:5.1f} s] {text}", flush=True)


async def printed(
    places: Places, settings: Settings, environ: dict[str, str], tell: Callable[[World, datetime], int]
) -> int:
    """`tell` is given the World at the end of the night, and gives the exit code."""
    engine, printer = engine_of(places, settings, environ), Printer()
    over = asyncio.Event()

    def heard(world: World) -> None:
        printer.heard(world, engine.link.now())
        if finished(world):
            over.set()

    ended = False

    def stop() -> None:
        nonlocal ended
        ended = True
        over.set()

    # Heard by the loop: an exception out of a signal handler would end the engine in the middle of a step.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    forget = engine.link.subscribe(heard)
    running = asyncio.create_task(engine.run())
    waiting = asyncio.create_task(over.wait())
    await asyncio.wait([running, waiting], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    forget()
    waiting.cancel()
    world = engine.world
    if not running.done():
        await engine.link.leave("stop")
        _, late = await asyncio.wait([running], timeout=LEAVING)
        if late:
            running.cancel()
            print(f"cctui demo: the engine did not end within {LEAVING:.0f} s", file=sys.stderr)
            return 1
    await running
    if ended:
        return TERMINATED
    printer.line("the night is over (simulated tokens and dollars)")
    return tell(world, engine.link.now())


def finished(world: World) -> bool:
    """Nothing runs, and what is left needs a person: a plan to accept, a paused task, a broken file."""
    if not (world.loaded and world.scanned and world.looked) or not all(map(plan_waits, world.runs.values())):
        return False
    open_ones = {run.spec.task for run in world.runs.values()}
    waiting = [task for task in world.tasks.values() if task.phase in (Phase.PENDING, Phase.ACTIVE)]
    return bool(world.records) and all(task.paused or task.name in open_ones for task in waiting)


# --- afterwards ------------------------------------------------------------------------------------------------------


def end(scene: stage.Stage, *, keep: bool) -> None:
    """End what still runs, the demo's own tmux server, and the folder unless it is wanted."""
    stage.end_runners(scene)
    stage.end_tmux(scene)
    if keep:
        print(f"Kept: {scene.folder}")
    else:
        shutil.rmtree(scene.folder, ignore_errors=True)
