"""Where capacity and the person's presence come from, as the engine hears of them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctui import sources
from cctui.adapters.presence import Presence, Present
from cctui.core.events import Checked, Event, Measured, PersonSeen
from cctui.core.settings import CapacitySettings, ClaudeSettings, Settings
from cctui.core.step import step
from cctui.core.world import Confidence, Reading, SourceState, World
from cctui.engine import Engine
from cctui.places import find_places, make
from cctui.runner import statusline as hook
from cctui.runner.files import start_ticks
from tests.waiting import eventually

NOW = datetime.now(UTC)


@dataclass
class Asked:
    """In place of the usage sources: what was asked, and what it answers."""

    real: Any
    answer: tuple[Reading, ...] = ()
    guess: tuple[Reading, ...] = ()
    samples: list[bool] = field(default_factory=list)
    guesses: list[tuple[float | None, datetime | None]] = field(default_factory=list)

    async def sample(self, force: bool = False) -> tuple[tuple[Reading, ...], tuple[SourceState, ...]]:
        self.samples.append(force)
        return self.answer, ()

    async def estimates(self, per_point: Any, resets: Any) -> tuple[tuple[Reading, ...], tuple[SourceState, ...]]:
        self.guesses.append((per_point("five_hour"), resets("five_hour")))
        return self.guess, ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass
class Bench:
    """An engine's sources, whose events are kept and folded into a World."""

    engine: Engine
    usage: Asked
    heard: list[Event] = field(default_factory=list)
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.world = World(settings=self.engine.hands.settings)
        self.engine.sources.post = self.post
        self.engine.sources.world = lambda: self.world
        self.engine.sources.usage = self.usage  # type: ignore[assignment]

    def post(self, event: Event) -> None:
        self.heard.append(event)
        self.world, _ = step(self.world, event, self.engine.clock.now())

    @asynccontextmanager
    async def running(self, source: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        task = asyncio.create_task(source)
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def seen(self) -> list[PersonSeen]:
        return [event for event in self.heard if isinstance(event, PersonSeen)]

    def sources(self) -> set[str]:
        return {reading.source for reading in self.world.readings}


@pytest.fixture
def config(isolation: Path) -> Path:
    (isolation / "home/.claude/sessions").mkdir(parents=True)
    return isolation / "home/.claude"


def bench(isolation: Path, **capacity: Any) -> Bench:
    places = find_places(str(isolation / "w/root"), os.environ, isolation)
    make(places)
    settings = Settings(
        capacity=CapacitySettings(**{"poll_seconds": 100.0} | capacity), claude=ClaudeSettings(command="/bin/false")
    )
    engine = Engine(places, settings)
    return Bench(engine, Asked(engine.sources.usage))


def five(used: float | None, resets_in: float = 7200, source: str = "claude", **more: Any) -> Reading:
    now = datetime.now(UTC)
    return Reading("five_hour", used, now + timedelta(seconds=resets_in), source, now, **more)


# --- asking ----------------------------------------------------------------------------------------------------------


async def test_a_window_that_begins_anew_is_asked_for_at_once(isolation: Path) -> None:
    found = bench(isolation)
    found.usage.answer = (five(96, resets_in=0.3),)
    async with found.running(found.engine.sources.measure()):
        await eventually(lambda: len(found.usage.samples) == 2)
    assert found.usage.samples == [False, True]
    reset = found.usage.answer[0].resets_at
    assert reset is not None
    assert reset < datetime.now(UTC)


async def test_a_reset_that_becomes_known_between_two_questions_is_met_too(
    isolation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "RESET_SLICE", 0.1)
    found = bench(isolation)
    async with found.running(found.engine.sources.measure()):
        await eventually(lambda: found.usage.samples == [False])
        found.post(Measured((five(96, resets_in=0.3, source="stream"),)))
        await eventually(lambda: found.usage.samples == [False, True])


async def test_estimates_are_asked_for_only_while_nobody_counts(isolation: Path) -> None:
    found = bench(isolation, poll_seconds=0.05)
    told = five(60)
    async with found.running(found.engine.sources.measure()):
        await eventually(lambda: len(found.usage.guesses) > 1)
        found.usage.guess = (five(50, source="transcripts", confidence=Confidence.ESTIMATED),)
        await eventually(lambda: "transcripts" in found.sources())
        found.usage.answer = (told,)
        await eventually(lambda: "claude" in found.sources())
        asked, guessed = len(found.usage.samples), len(found.usage.guesses)
        await eventually(lambda: len(found.usage.samples) > asked + 3)
        assert len(found.usage.guesses) == guessed
    assert found.usage.guesses[0] == (None, None)


async def test_a_missing_claude_is_not_asked_but_the_transcripts_are(isolation: Path) -> None:
    found = bench(isolation, poll_seconds=0.05)
    found.post(Checked({"claude": "install it"}))
    async with found.running(found.engine.sources.measure()):
        await eventually(lambda: found.usage.guesses)
    assert found.usage.samples == []
    assert found.world.measured


async def test_with_the_gate_off_nobody_is_asked_and_nobody_watched(isolation: Path, config: Path) -> None:
    found = bench(isolation, gate=False, poll_seconds=0.05)
    async with found.running(found.engine.sources.measure()):
        await eventually(lambda: found.world.measured)
    assert (found.usage.samples, found.usage.guesses) == ([], [])
    await found.engine.sources.watch_person()
    assert found.seen() == []


# --- the person ------------------------------------------------------------------------------------------------------


def at_work(config: Path, session: str, status: str = "busy") -> None:
    """This process stands for a session of the person's."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    entry = {"sessionId": session, "entrypoint": "cli", "procStart": str(start_ticks(os.getpid())), "status": status}
    file = config / f"sessions/{os.getpid()}.json"
    file.with_suffix(".draft").write_text(json.dumps(entry | {"startedAt": now, "updatedAt": now}))
    file.with_suffix(".draft").rename(file)


async def test_the_person_is_seen_when_something_changes_and_only_then(
    isolation: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PERSON_SECONDS", 0.02)
    looks: list[object] = []
    real = Presence.look

    def look(self: Presence, now: datetime, ours: frozenset[str]) -> Present:
        looks.append(now)
        return real(self, now, ours)

    monkeypatch.setattr(Presence, "look", look)
    found = bench(isolation)

    async def some_looks() -> None:
        before = len(looks)
        await eventually(lambda: len(looks) > before + 3)

    async with found.running(found.engine.sources.watch_person()):
        await some_looks()
        assert found.heard == []
        at_work(config, "mine")
        await eventually(found.seen)
        await some_looks()
        (seen,) = found.seen()  # at work all the time, and told of once
        assert seen.sessions == 1
        assert seen.at is not None
        assert datetime.now(UTC) - seen.at < timedelta(seconds=10)
        (config / f"sessions/{os.getpid()}.json").unlink()
        await eventually(lambda: len(found.seen()) == 2)
        assert found.seen()[1] == PersonSeen(0, seen.at)
        await some_looks()
        assert len(found.heard) == 2


async def test_what_a_statusline_tells_is_measured_within_a_look(
    isolation: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PERSON_SECONDS", 0.02)
    found = bench(isolation)
    given = {
        "session_id": "s-1",
        "transcript_path": f"{config}/projects/-w/s-1.jsonl",
        "rate_limits": {"five_hour": {"used_percentage": 33, "resets_at": NOW.timestamp() + 3600}},
    }
    async with found.running(found.engine.sources.watch_person()):
        hook.remember(given, dict(os.environ), NOW.timestamp())
        await eventually(lambda: found.sources() == {"statusline"})
        (measured,) = [event for event in found.heard if isinstance(event, Measured)]
        assert measured.readings[0].used == 33
        assert not measured.asked, "the sources that can be asked have not been"
        assert [(state.source, state.ok) for state in measured.states] == [("statusline", True)]
    (line,) = found.engine.places.capacity.read_text().splitlines()
    assert json.loads(line)["source"] == "statusline"


async def test_the_cache_is_read_in_passing_and_sources_that_are_not_named_are_not(
    isolation: Path, config: Path
) -> None:
    later = (NOW + timedelta(hours=1)).isoformat()
    body = {"five_hour": {"utilization": 12, "resets_at": later}}
    cached = {"fetchedAtMs": NOW.timestamp() * 1000 - 60_000, "utilization": body}
    (isolation / "home/.claude.json").write_text(json.dumps({"cachedUsageUtilization": cached}))
    told = {"rate_limits": {"five_hour": {"used_percentage": 33, "resets_at": NOW.timestamp() + 3600}}}
    hook.remember(told | {"transcript_path": f"{config}/projects/-w/s.jsonl"}, dict(os.environ), NOW.timestamp())
    both, none = bench(isolation), bench(isolation, sources=("stream",))
    assert {reading.source for reading in both.usage.real.passive()[0]} == {"statusline", "cache"}
    assert none.usage.real.passive() == ((), ())
    assert await none.usage.real.estimates(lambda _: 1.0, lambda _: NOW + timedelta(hours=1)) == ((), ())
