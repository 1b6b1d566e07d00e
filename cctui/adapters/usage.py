"""The usage numbers of the subscription, asked with manners and shared by every cctui of this root.

Promises: one process asks at a time, the others read what it got; one source is not asked twice within 60 s (only
tests may lift that), a failing one waits its back-off across restarts; the source named first in ``capacity.sources``
is asked first and the next only while it fails; old numbers stay readable with their true age.  Never raises for a
source that fails: that is a `SourceState` with a sentence.  Never keeps a token.

What other programs have left lying there (statuslines, Claude Code's cache, transcripts) is read by each process for
itself: nobody is asked for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from cctui.adapters import cached, ccusage, statusline, transcripts
from cctui.adapters.clock import Clock
from cctui.adapters.credentials import changed_at, config_folder, login_file
from cctui.adapters.usage_answer import UsageError
from cctui.adapters.usage_api import ask_api
from cctui.adapters.usage_board import Asked, Board
from cctui.adapters.usage_cli import ask_claude
from cctui.core.settings import Settings
from cctui.core.world import Reading, SourceState
from cctui.places import Places

__all__ = ["Usage", "UsageError"]

Ask = Callable[[Settings, Mapping[str, str], Path, datetime], Awaitable[tuple[Reading, ...]]]
Told = tuple[tuple[Reading, ...], tuple[SourceState, ...]]
SOURCES: Mapping[str, Ask] = {"claude": ask_claude, "api": ask_api}
FLOOR = 60.0
"""Seconds that always lie between two questions to one source."""
SLACK = 0.95
"""A question at 95 % of the pace is in time: else a poll that comes a moment early would skip a whole turn."""
JITTER = 0.2
"""A wait grows by up to this share, so that many machines do not come back together."""
LONGEST = timedelta(hours=24)
"""A wait beyond this can only come from a clock that was wrong."""


class Usage:
    def __init__(
        self,
        places: Places,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        sources: Mapping[str, Ask] = SOURCES,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings, self._environ, self._clock = settings, environ, clock
        self._cwd = places.state
        self._sources = {name: sources[name] for name in settings.capacity.sources if name in sources}
        self._jitter = jitter
        folder = config_folder(settings, environ)
        self._login = login_file(folder)
        self.statusline = statusline.Statusline(environ, folder)
        self._cached = cached.Cached(cached.cache_file(settings, environ))
        self._transcripts = transcripts.Transcripts(folder)
        self._board = Board(places.state, folder)
        testing = environ.get("CCTUI_TESTING") == "1"
        self._floor = 0.0 if testing else FLOOR
        self._pace = max(self._floor, settings.capacity.poll_seconds)

    async def sample(self, force: bool = False) -> Told:
        """The newest numbers of every source, asked afresh where it is time.

        `force` asks ahead of the pace, but never within the floor nor against a service that asked for patience.
        """
        known = await asyncio.to_thread(self._board.read)
        if self._wanted(known, force):
            with self._board.alone() as mine:
                known = await asyncio.to_thread(self._board.read)
                if mine:
                    await self._ask(known, force)
        return self._told(known)

    def passive(self) -> Told:
        """What statuslines and Claude Code's own cache hold; quick, and nobody is asked."""
        now, named = self._clock.now(), self._settings.capacity.sources
        readings: list[Reading] = []
        states: list[SourceState] = []
        if statusline.NAME in named:
            told, trouble = self.statusline.readings(now), self.statusline.trouble(now)
            at = max((reading.observed_at for reading in told), default=None)
            readings += told
            states += [SourceState(statusline.NAME, not trouble, trouble, at)] if told or trouble else []
        if cached.NAME in named or "claude" in named:
            readings += self._cached.readings(now)
        return tuple(readings), tuple(states)

    async def estimates(self, per_point: transcripts.PerPoint, resets: transcripts.Resets) -> Told:
        """What transcripts and, if it is configured, ccusage let one guess: for when nobody else has told."""
        now, capacity = self._clock.now(), self._settings.capacity
        readings: tuple[Reading, ...] = ()
        states: tuple[SourceState, ...] = ()
        if transcripts.NAME in capacity.sources:
            readings = await asyncio.to_thread(self._transcripts.readings, now, per_point, resets)
        if capacity.ccusage_command.strip():
            try:
                readings += await ccusage.ask_ccusage(self._settings, self._environ, self._cwd, now, per_point, resets)
                states = (SourceState(ccusage.NAME, True, "", now),)
            except UsageError as trouble:
                states = (SourceState(ccusage.NAME, False, str(trouble), now),)
        return readings, states

    def _wanted(self, known: Mapping[str, Asked], force: bool) -> bool:
        for name in self._sources:
            asked = known.get(name, Asked())
            if self._due(asked, force):
                return True
            if asked.ok:
                return False
        return False

    async def _ask(self, known: dict[str, Asked], force: bool) -> None:
        for name, source in self._sources.items():
            asked = known.get(name, Asked())
            if self._due(asked, force):
                asked = known[name] = await self._answer(source, asked)
                await asyncio.to_thread(self._board.write, dict(known))
            if asked.ok:
                return

    async def _answer(self, source: Ask, before: Asked) -> Asked:
        began = self._clock.now()
        try:
            readings = await source(self._settings, self._environ, self._cwd, began)
        except UsageError as trouble:
            failures = before.failures + 1
            wait = trouble.wait or trouble.ladder[min(failures, len(trouble.ladder)) - 1]
            seconds = wait * (1 + JITTER * self._jitter())
            return replace(
                before,
                at=began,
                ok=False,
                text=str(trouble),
                again_at=self._clock.now() + timedelta(seconds=seconds),
                failures=failures,
                firm=trouble.firm,
                login=changed_at(self._login),
            )
        return Asked(at=began, ok=True, login=changed_at(self._login), readings=readings)

    def _due(self, asked: Asked, force: bool) -> bool:
        now = self._clock.now()
        if asked.at is None or asked.at > now:  # the second: the clock was set back
            return True
        age = (now - asked.at).total_seconds()
        if age < self._floor:
            return False
        if asked.ok:
            return force or age >= max(self._floor, self._pace * SLACK)
        if asked.login != changed_at(self._login):
            return True
        if asked.again_at is None or now >= asked.again_at or asked.again_at - now > LONGEST:
            return True
        return force and not asked.firm

    def _told(self, known: Mapping[str, Asked]) -> Told:
        mine = {name: known[name] for name in self._sources if name in known}
        readings = tuple(reading for asked in mine.values() for reading in asked.readings)
        states = tuple(
            SourceState(name, asked.ok, asked.text or self._board.trouble, asked.at, asked.again_at)
            for name, asked in mine.items()
        )
        return readings, states
