"""The engine without a screen: prints one line per event and ends as it was asked to."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import click

from cctui.cli import host as hosting
from cctui.cli.here import FAILED, INVALID, LIMIT, OK, Here
from cctui.cli.offline import take
from cctui.core import view
from cctui.core.queue import ready, run_of
from cctui.core.world import Phase, RunNow, Stage, Why, World
from cctui.engine import Engine
from cctui.lock import Lock

RECHECK_SECONDS = 20.0
"""How often the wall clock is looked at while waiting for --until: it may be set, or the machine may sleep."""
LIMITS = (Why.LIMIT, Why.CAPACITY)


class Printer:
    """Every note of the World once, to stdout."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._seen = 0

    def __call__(self, world: World) -> None:
        for note in world.notes:
            if note.seq <= self._seen:
                continue
            self._seen = note.seq
            text = view.safe(note.text, 300)
            told = {"at": note.at.isoformat(timespec="seconds"), "level": note.level.value, "text": text}
            self.line(
                json.dumps({**told, "task": note.task, "run_id": note.run_id}, ensure_ascii=False)
                if self._json
                else f"{note.at:%m-%d %H:%M:%S} {note.level.value:<4} {text}"
            )

    @staticmethod
    def line(text: str) -> None:
        with suppress(OSError):  # nobody reads any more: the engine goes on
            click.echo(text)


def serve(here: Here, lock: Lock, *, once: bool = False, end: str | None = None) -> int:
    """The engine until it is told to leave; its exit code.  Raises Fail (6) when another one holds the lock."""
    return under_lock(here, lock, Headless(here, once=once, end=end))


def drain(here: Here, names: frozenset[str], *, force: bool, asked: bool) -> int:
    """Run these tasks and nothing else, then end.  `asked`: a person named them, so they start now."""
    hosting.needed(here)
    return under_lock(here, hosting.prepare(here), Headless(here, once=True, only=names, force=force, asked=asked))


def under_lock(here: Here, lock: Lock, work: Headless) -> int:
    take(here, lock)
    gc.enable()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return asyncio.run(work.run(lock))
    finally:
        lock.release()


class Headless:
    def __init__(
        self,
        here: Here,
        *,
        once: bool = False,
        end: str | None = None,
        only: frozenset[str] | None = None,
        force: bool = False,
        asked: bool = False,
    ) -> None:
        self._here = here
        self._once = once
        self._end = end
        self._only = only
        self._force = force
        self._asked = asked
        self._code = OK
        self._runs: dict[str, str] = {}
        """Every run that was open here, run id → its task."""

    async def run(self, lock: Lock) -> int:
        here = self._here
        engine = Engine(here.places, here.settings, environ=here.environ, only=self._only, lock=lock)
        engine.subscribe(Printer(here.json))
        engine.subscribe(self._seen)
        signals(engine)
        watchers = [asyncio.create_task(work) for work in self._watchers(engine)]
        try:
            await engine.run()
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
        return self._code

    def _watchers(self, engine: Engine) -> list[Coroutine[Any, Any, None]]:
        found: list[Coroutine[Any, Any, None]] = []
        if self._once:
            found.append(self._drained(engine))
        if self._end:
            found.append(self._until(engine, self._end))
        return found

    async def _drained(self, engine: Engine) -> None:
        await loaded(engine)
        for name in sorted(self._only or ()) if self._asked else ():
            await self._ask(engine, name)
        await engine.drained()
        limited = told(engine.world, engine.clock.now(), self._only)
        self._code = self._code or self._outcome(engine.world) or limited
        await engine.leave()

    def _seen(self, world: World) -> None:
        self._runs |= {run_id: run.spec.task for run_id, run in world.runs.items()}

    async def _ask(self, engine: Engine, name: str) -> None:
        run = run_of(engine.world, name)
        if name in self._runs.values() and not (run and run.stage is Stage.PARKED):
            return  # the engine's first decision has started it already, or it still runs from before
        if refused := await engine.send(RunNow(name, self._force)):
            click.echo(f"{name}: {view.say(refused, engine.clock.now())}", err=True)
            self._code = INVALID if refused.why is Why.INVALID else FAILED

    def _outcome(self, world: World) -> int:
        """1 when a task that was to be run here has ended badly; the last attempt counts."""
        if any(run.tries for run in world.runs.values()):
            click.echo("ended runs could not be written to the record: the next engine does it", err=True)
            return FAILED
        ended = {record.task_id: record.success for record in world.records if record.run_id in self._runs}
        return OK if self._only is None or all(ended.values()) else FAILED

    async def _until(self, engine: Engine, end: str) -> None:
        moment = next_time(end, engine.clock.now())
        while (left := (moment - engine.clock.now()).total_seconds()) > 0:  # noqa: ASYNC110 - a clock has no event
            await asyncio.sleep(min(left, RECHECK_SECONDS))
        await engine.leave()


async def loaded(engine: Engine) -> None:
    """Until the engine has seen all it needs for a decision."""
    seen = asyncio.Event()

    def heard(world: World) -> None:
        if ready(world):
            seen.set()

    forget = engine.subscribe(heard)
    heard(engine.world)
    await seen.wait()
    forget()


def signals(engine: Engine) -> None:
    """TERM, INT and HUP end the engine cleanly; running tasks go on."""
    loop = asyncio.get_running_loop()
    leaving: set[asyncio.Task[None]] = set()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: leaving.add(loop.create_task(engine.leave())))


def next_time(text: str, now: datetime) -> datetime:
    """The next HH:MM after `now`, in its zone."""
    hour, minute = map(int, text.split(":"))
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def told(world: World, now: datetime, only: frozenset[str] | None) -> int:
    """Say why the rest waits; 5 when nothing but a limit holds it back."""
    phases = {Phase.PENDING.value, Phase.ACTIVE.value}
    rest = [row for row in view.rows(world, now, phases) if only is None or row.name in only]
    for row in rest:
        click.echo(f"{row.name} waits: {row.text}", err=True)
    reasons = [row.reason for row in rest if row.reason and row.state is not view.State.PAUSED]
    limited = [reason for reason in reasons if reason.why in LIMITS]
    if not limited or len(limited) < len(reasons):
        return OK
    moments = [reason.until for reason in limited if reason.until]
    when = f"; it resets {view.moment(min(moments), now)}" if moments else ""
    click.echo(f"a limit is reached{when}", err=True)
    return LIMIT
