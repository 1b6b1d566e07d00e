"""The engine: inbox, sources, perform, subscribers, shutdown.

It turns what happens outside into events, lets `step` decide, and has the effects performed.  It knows nothing of who
watches, and nothing slow runs on its loop.  `except Exception` stands only where an effect or a source is run, and
becomes an event that a person can see.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cctui.adapters import notes
from cctui.adapters.clock import Clock
from cctui.adapters.ledger import Ledger, Samples
from cctui.adapters.rundir import RunDir
from cctui.adapters.store import Store
from cctui.adapters.taskdir import TaskDir
from cctui.adapters.tmux import Tmux
from cctui.adapters.usage import Usage
from cctui.adapters.workspace import Workspace
from cctui.busy import Busy
from cctui.core.effects import Effect, Launch
from cctui.core.events import Asked, EffectFailed, Event, Leaving, Ticked
from cctui.core.queue import ready
from cctui.core.settings import Settings
from cctui.core.step import alarm, refusal, steps
from cctui.core.view import rows
from cctui.core.watching import at_rest
from cctui.core.world import Command, Reason, Stage, World
from cctui.link import Server
from cctui.local import LocalLink
from cctui.lock import Lock
from cctui.perform import Hands, failure, foreseen
from cctui.places import Places
from cctui.sources import SAFETY_SECONDS, Sources

log = logging.getLogger("cctui.engine")

LOCK_SECONDS = 5.0
TOGETHER = 100
"""Events that are met in one step at most."""
LEAVING_TRIES = 60
"""Half seconds that the sources may take to end."""


class Engine:
    """The scheduler of one root.  `run()` is the whole of it; everything else is asking it things.

    Made on the loop that will run it.  The caller holds the root's lock."""

    def __init__(
        self,
        places: Places,
        settings: Settings,
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        only: frozenset[str] | None = None,
        lock: Lock | None = None,
    ) -> None:
        """`lock`: the root's, held by the caller; with it the engine notices when somebody takes its file away."""
        self.lock = lock
        self.clock = clock or Clock()
        self.environ = dict(os.environ if environ is None else environ)
        self.places = places
        self.world = World(settings=settings, only=only)
        self.hands = Hands(
            places=places,
            settings=settings,
            environ=self.environ,
            taskdir=TaskDir(places, self.clock.zone, tuple(name for name, _ in settings.runners)),
            rundir=RunDir(places.runs),
            workspace=Workspace(places, settings),
            store=Store(places.db),
            ledger=Ledger(places.history),
            tmux=Tmux(settings.tmux.command, settings.tmux.socket, scope=settings.tmux.scope),
            disk=ThreadPoolExecutor(1, thread_name_prefix="cctui-disk"),
            memory=lambda: self.world.memory,
        )
        self.link = LocalLink(self)
        self.server = Server(self.link, places.socket, self.link.told)
        self.busy = Busy()
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._heard: list[Callable[[World], None]] = []
        self._working: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        self.sources = Sources(
            hands=self.hands,
            clock=self.clock,
            usage=Usage(places, settings, self.environ, self.clock),
            samples=Samples(places.capacity),
            busy=self.busy,
            post=self.post,
            world=lambda: self.world,
        )

    # --- asking it things ---

    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        """Call `heard` with every new World, on the engine's loop; calling the answer ends it."""
        self._heard.append(heard)
        return lambda: self._heard.remove(heard) if heard in self._heard else None

    async def send(self, command: Command) -> Reason | None:
        """Carry out a command, or say why not.  When it returns, the World already shows it."""
        reason = refusal(self.world, command, self.clock.now())
        if reason is None:
            self._step(Asked(command))
        return reason

    async def idle(self) -> None:
        """Until nothing is left to do at this moment: no event waits, no effect, look or scan is under way."""
        await self.busy.rest()

    async def drained(self) -> None:
        """Until nothing runs, and nothing that waits can start now."""
        while True:
            await self.idle()
            if ready(self.world) and at_rest(self.world, self.clock.now()):
                return
            await self._changed()

    async def _changed(self) -> None:
        heard = asyncio.Event()
        end = self.subscribe(lambda _: heard.set())
        await heard.wait()
        end()

    async def leave(self) -> None:
        """End `run()`.  Running tasks go on in tmux; the next engine adopts them."""
        self._step(Leaving())
        self._left.set()

    def post(self, event: Event) -> None:
        self.busy.begin()
        self._inbox.put_nowait(event)

    # --- the loop ---

    async def run(self) -> None:
        """Until `leave`; what has been decided by then is still carried out."""
        sources = self.sources
        work = [
            self._loop(),
            *map(
                self._guarded,
                (
                    sources.load,
                    sources.watch_tasks,
                    sources.scan_tasks,
                    sources.look_at_runs,
                    sources.measure,
                    sources.check_programs,
                    sources.watch_login,
                    sources.watch_person,
                    self._keep_lock,
                    self.server.run,
                ),
            ),
        ]
        tasks = [asyncio.create_task(source) for source in work]
        left = asyncio.create_task(self._left.wait())
        try:
            # The loop itself never ends; if it does, that is an error to be heard, not a rest.
            await asyncio.wait([left, tasks[0]], return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        finally:
            await self._wind_up([left, *tasks])

    async def _wind_up(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        self.sources.end()
        pending = set(tasks)
        for _ in range(LEAVING_TRIES):
            # More than once: on 3.11 a library's wait_for can swallow a cancellation that meets its end.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=0.5)
            if not pending:
                break
        await asyncio.gather(*(task for task in tasks if task.done()), return_exceptions=True)
        if self._working:
            # An effect is never cut in two by leaving.
            await asyncio.wait(self._working, timeout=30)
        await self.link.planner.close()
        await asyncio.to_thread(self.hands.disk.shutdown)

    async def _guarded(self, source: Callable[[], Awaitable[None]]) -> None:
        """A source that fails says so and begins again after a while; the others go on meanwhile."""
        while True:
            try:
                await source()
            except Exception as error:
                log.exception("a source of events failed")
                self.post(EffectFailed(None, f"{source.__name__.replace('_', ' ')}: {error}"))
                await asyncio.sleep(SAFETY_SECONDS)
            else:
                return

    async def _keep_lock(self) -> None:
        """Never two engines of one root: one whose lock was taken away takes it back, or ends."""
        while self.lock is not None:
            await asyncio.sleep(LOCK_SECONDS)
            if not await asyncio.to_thread(self._mine, self.lock):
                self.post(EffectFailed(None, "another engine has taken over this root: this one ends"))
                await self.idle()
                await self.leave()
                return

    @staticmethod
    def _mine(lock: Lock) -> bool:
        return lock.intact() or lock.retake()

    async def _loop(self) -> None:
        while True:
            try:
                # Not wait_for: on 3.11 it swallows a cancellation that meets an event.
                async with asyncio.timeout(self._patience()):
                    event = await self._inbox.get()
            except TimeoutError:
                self._step(Ticked())
                continue
            events = [event, *self._waiting()]
            try:
                self._step(*events)
            finally:
                for _ in events:
                    self.busy.end()

    def _waiting(self) -> Iterator[Event]:
        """What has come in meanwhile: it is met together, and decided upon once."""
        for _ in range(min(self._inbox.qsize(), TOGETHER)):
            yield self._inbox.get_nowait()

    def _patience(self) -> float:
        """Seconds to sleep at most.  A clock that was set, or a laptop that slept, is met within SAFETY_SECONDS."""
        now = self.clock.now()
        moment = alarm(self.world, now)
        if moment is None:
            return SAFETY_SECONDS
        return min(max((moment - now).total_seconds(), 0.0) + 0.002, SAFETY_SECONDS)

    def _step(self, *events: Event) -> None:
        old = self.world
        self.world, effects = steps(old, events, self.clock.now())
        for effect in effects:
            self._start(self._perform(effect))
        if self.world is not old:
            self._publish(old)

    def _publish(self, old: World) -> None:
        if self.world.runs is not old.runs:
            self.sources.watch_runs()
            if _stages(old) != _stages(self.world):
                self._start(self._write_active())
        for heard in tuple(self._heard):
            try:
                heard(self.world)
            except Exception:
                # Nothing a face does can stop the engine: one that fails is told nothing more.
                log.exception("a subscriber failed")
                self._heard.remove(heard)

    # --- effects ---

    def _start(self, work: Awaitable[None]) -> None:
        async def at_work() -> None:
            with self.busy.at_work():
                await work

        self.busy.begin()
        task = asyncio.get_running_loop().create_task(at_work())
        self._working.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self.busy.end()

    async def _perform(self, effect: Effect) -> None:
        try:
            answer = await self.hands.perform(effect)
        except Exception as error:
            log.warning("%s failed: %s", type(effect).__name__, error, exc_info=not foreseen(error))
            answer = failure(effect, error)
        if answer is not None:
            self.post(answer)
        if isinstance(effect, Launch):
            self.sources.look.wish()
        else:
            # Our own change: do not wait for the watcher to tell of it.
            self.sources.scan.wish()

    async def _write_active(self) -> None:
        """context/active-agents.md: for other agents and for the person's notes; its loss stops nothing."""
        running = [row for row in rows(self.world, self.clock.now()) if row.run is not None]
        with contextlib.suppress(notes.NotesError):
            await self.hands.on_disk(notes.write_active, self.places, running)


def _stages(world: World) -> dict[str, Stage]:
    return {run_id: run.stage for run_id, run in world.runs.items()}
