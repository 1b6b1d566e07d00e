"""Sources: where events come from.  Each is one endless coroutine that looks outside and posts what it finds.

Nothing here decides anything.  A look or a scan that is wished for while one is under way happens once more after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cctui.adapters import claude, health, litter, login, plugins
from cctui.adapters.clock import Clock
from cctui.adapters.credentials import config_folder
from cctui.adapters.ledger import Samples
from cctui.adapters.presence import Presence, Present
from cctui.adapters.tmux import TmuxError
from cctui.adapters.usage import Told, Usage
from cctui.adapters.watch import watch
from cctui.adapters.windows import Windows
from cctui.busy import Busy, Wish
from cctui.core import readings as known
from cctui.core.cost import tokens_per_point
from cctui.core.events import (
    Answered,
    Checked,
    Event,
    Loaded,
    LoginSeen,
    Looked,
    Measured,
    PersonSeen,
    Progressed,
    Scanned,
)
from cctui.core.runners import asks_for_plugin
from cctui.core.world import Phase, Progress, Reading, SightState, SourceState, Stage, Why, World
from cctui.perform import Hands
from cctui.places import PHASES

log = logging.getLogger("cctui.sources")

SAFETY_SECONDS = 30.0
"""How long a lost notice can delay a look or a scan."""
FOLLOW_SECONDS = 1.0
"""Between two looks at living runs."""
PROGRAMS_SECONDS = 60.0
TROUBLED_SECONDS = 5.0
LOGIN_SECONDS = 3.0
PERSON_SECONDS = 5.0
SAME_MOMENT = timedelta(seconds=30)
"""A person at work is told of again when this has passed since the last time, not with every look."""
RESET_SLICE = 15.0
"""Seconds after which a reset that has just become known is met."""
LEARN_FROM = 5000
"""Newest history lines that learning sees."""


@dataclass(slots=True)
class Sources:
    hands: Hands
    clock: Clock
    usage: Usage
    samples: Samples
    busy: Busy
    post: Callable[[Event], None]
    world: Callable[[], World]
    scan: Wish = field(init=False)
    look: Wish = field(init=False)
    _writing: frozenset[str] = frozenset()
    _watched: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _progress: dict[str, Progress] = field(default_factory=dict)
    _answered: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.scan, self.look = Wish(self.busy), Wish(self.busy)
        self.scan.wish()
        self.look.wish()

    # --- memory ---

    async def load(self) -> None:
        """Once, at the start: what the store, the history and the samples hold."""
        with self.busy.at_work():
            self.post(await self.hands.on_disk(self._load))

    def _load(self) -> Loaded:
        litter.sweep_away(self.hands.places)
        memory = self.hands.store.load()
        ledger = self.hands.ledger
        readings = self.samples.recent(self.clock.now())
        records, totals = ledger.tail(LEARN_FROM), ledger.totals()
        trouble = [self.hands.store.trouble] if self.hands.store.trouble else []
        warnings = (*trouble, *ledger.warnings)
        windows, watches = Windows(self.hands.places.windows).load()
        zone = self.clock.zone_name
        return Loaded(memory, records, totals, readings, warnings, zone=zone, windows=windows, watches=watches)

    # --- task files ---

    async def watch_tasks(self) -> None:
        tasks = self.hands.places.tasks
        folders = [tasks / name for name in PHASES]
        async for writing in watch(folders):
            self._writing = frozenset(path.relative_to(tasks).as_posix() for path in writing)
            self.scan.wish()

    async def scan_tasks(self) -> None:
        while True:
            wished = await self.scan.granted(SAFETY_SECONDS)
            with contextlib.ExitStack() as done:
                if wished:
                    done.callback(self.scan.fulfilled)
                self.post(Scanned(await self.hands.on_disk(self.hands.taskdir.scan, self._writing)))

    # --- runs ---

    async def look_at_runs(self) -> None:
        while True:
            alive = any(run.stage is not Stage.PARKED for run in self.world().runs.values())
            wished = await self.look.granted(FOLLOW_SECONDS if alive else SAFETY_SECONDS)
            with contextlib.ExitStack() as done:
                if wished:
                    done.callback(self.look.fulfilled)
                for event in await self.hands.on_disk(self._look):
                    self.post(event)

    def _look(self) -> list[Event]:
        """What living runs have said since the last look, then how all of them stand."""
        sights = self.hands.rundir.look()
        runs = self.world().runs
        done = {run_id for run_id, run in runs.items() if run.stage in (Stage.PARKED, Stage.FILING)}
        events: list[Event] = []
        for sight in sights:
            if sight.spec.run_id not in done and sight.state is not SightState.CLAIMED:
                events += self._heard_of(sight.spec.run_id, sight.leg)
        return [*events, Looked(sights)]

    def _heard_of(self, run_id: str, leg: int) -> list[Event]:
        heard = self.hands.rundir.progress(run_id)
        if heard is None:
            return []
        progress, readings, answered = heard
        events: list[Event] = []
        if readings:
            self.samples.append(readings)
            events.append(Measured(readings))
        if answered and (run_id, leg) not in self._answered:
            self._answered.add((run_id, leg))
            events.append(Answered(run_id))
        if self._progress.get(run_id) != progress:
            self._progress[run_id] = progress
            events.append(Progressed(run_id, progress))
        return events

    def watch_runs(self) -> None:
        """Hear of exit records at once: watch the folders of the runs that are open now, and no others."""
        open_runs = self.world().runs
        for run_id in self._watched.keys() - open_runs.keys():
            self._watched.pop(run_id).cancel()
            self._progress.pop(run_id, None)
        for run_id in open_runs.keys() - self._watched.keys():
            self._watched[run_id] = asyncio.get_running_loop().create_task(self._watch_run(run_id))

    async def _watch_run(self, run_id: str) -> None:
        async for _ in watch([self.hands.places.runs / run_id]):
            self.look.wish()

    def end(self) -> None:
        for task in self._watched.values():
            task.cancel()

    # --- capacity ---

    async def measure(self) -> None:
        """Ask the capacity sources: at the start, every poll_seconds, and at once when a window begins anew."""
        urgent = False
        while True:
            told: Told = ((), ())
            if self.hands.settings.capacity.gate:
                if "claude" not in self.world().programs:
                    told = await self.usage.sample(force=urgent)
                await self._measured(*told)
                if known.guessing(self.world(), told[0], self.clock.now()):
                    await self._measured(*await self.usage.estimates(self._per_point, self._told_reset))
            else:
                await self._measured(*told)
            urgent = await self._rest_from_asking()

    async def _rest_from_asking(self) -> bool:
        """Until the next question is due; True: because a window has begun anew, or a limit should be over."""
        left = self.hands.settings.capacity.poll_seconds
        while True:
            rest = self._until_reset()
            if 0 < rest < min(left, RESET_SLICE):
                await asyncio.sleep(rest + 0.5)
                return True
            part = min(left, RESET_SLICE)
            await asyncio.sleep(part)
            left -= part
            if left <= 0:
                return False

    def _until_reset(self) -> float:
        """Seconds until a window that is known begins anew, or the limit that stands should be over; 0: neither."""
        now, world = self.clock.now(), self.world()
        moments = [stop.until for stop in world.stops.values() if stop.why is Why.LIMIT and stop.until]
        reset = known.next_reset(world, now) if self.hands.settings.capacity.gate else None
        moments += [reset] if reset else []
        return min(((moment - now).total_seconds() for moment in moments if moment > now), default=0.0)

    def _per_point(self, window: str) -> float | None:
        return tokens_per_point(self.world().costs, window)

    def _told_reset(self, window: str) -> datetime | None:
        return known.told_reset(self.world(), window)

    async def _measured(
        self, readings: tuple[Reading, ...], states: tuple[SourceState, ...], *, asked: bool = True
    ) -> None:
        """`asked`: the sources that can be asked have been."""
        seen = set(self.world().readings)
        fresh = tuple(reading for reading in readings if reading not in seen)
        if fresh:
            await self.hands.on_disk(self.samples.append, fresh)
        new = fresh or any(self.world().sources.get(state.source) != state for state in states)
        if new or (asked and not self.world().measured):
            self.post(Measured(fresh, states, asked=asked))

    # --- the person ---

    async def watch_person(self) -> None:
        """The person's own live sessions, and what they have told of the windows; posts only what is new."""
        if not self.hands.settings.capacity.gate:
            return
        folder = config_folder(self.hands.settings, self.hands.environ)
        presence, before = Presence(folder, self.usage.statusline), Present()
        while True:
            ours = frozenset(run.spec.session_id for run in self.world().runs.values())
            now = self.clock.now()
            present = await asyncio.to_thread(presence.look, now, ours)
            await self._measured(*await asyncio.to_thread(self.usage.passive), asked=False)
            present = replace(present, at=present.at or before.at)
            if present.sessions != before.sessions or _moved(before.at, present.at):
                self.post(PersonSeen(present.sessions, present.at))
                before = present
            await asyncio.sleep(PERSON_SECONDS)

    # --- programs ---

    async def check_programs(self) -> None:
        while True:
            with self.busy.at_work():
                missing = await asyncio.to_thread(self._missing)
                with contextlib.suppress(TmuxError):  # whoever starts something hears of it
                    await self.hands.tmux.sessions()  # finds a server again whose socket was cleared away
                plugins = await self._plugins() if "claude" not in missing else ()
                world = self.world()
                if not world.checked or missing != dict(world.programs) or plugins not in (None, world.plugins):
                    self.post(Checked(missing, plugins))
            await self._rest()

    def _missing(self) -> dict[str, str]:
        missing = dict(claude.missing_programs(self.hands.settings, self.hands.environ))
        trouble = health.trouble(self.hands.places)
        return missing | {"disk": trouble} if trouble else missing

    async def _plugins(self) -> tuple[str, ...] | None:
        """Asked only while a task waits whose runner may be a plugin's skill: asking starts the program."""
        tasks = self.world().tasks.values()
        if not any(asks_for_plugin(task.runner) and task.phase is Phase.PENDING for task in tasks):
            return None
        return await plugins.plugins(self.hands.settings, self.hands.environ)

    async def _rest(self) -> None:
        """Until the next check: soon, when something is known to be wrong or unknown."""
        for _ in range(int(PROGRAMS_SECONDS / TROUBLED_SECONDS)):
            await asyncio.sleep(TROUBLED_SECONDS)
            world = self.world()
            unknown = world.plugins is None and any(asks_for_plugin(task.runner) for task in world.tasks.values())
            if world.programs or unknown:
                return

    # --- the login ---

    async def watch_login(self) -> None:
        """A login that has changed while a refused one stood: a person has logged in again."""
        seen = await asyncio.to_thread(login.stamp, self.hands.settings, self.hands.environ)
        while True:
            await asyncio.sleep(LOGIN_SECONDS)
            stamp = await asyncio.to_thread(login.stamp, self.hands.settings, self.hands.environ)
            if stamp != seen and Why.LOGIN in self.world().stops:
                self.post(LoginSeen())
            seen = stamp


def _moved(before: datetime | None, after: datetime | None) -> bool:
    """Whether a moment has moved on by more than the time between two looks."""
    if before is None or after is None:
        return after is not None
    return after - before >= SAME_MOMENT
