"""The manners of asking: who asks, when, in which order, and what the others see."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctui.adapters.clock import Clock
from cctui.adapters.usage import FLOOR, Usage
from cctui.adapters.usage_answer import SLOW, SOON, UsageError
from cctui.core.settings import CapacitySettings, ClaudeSettings, Settings
from cctui.core.world import Reading, SourceState
from cctui.places import Places
from tests.waiting import eventually

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class SetClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.at = START

    def now(self) -> datetime:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Source:
    """A source that answers from a script: a percentage, or an error; the last one stays."""

    name: str
    script: list[float | UsageError]
    asked: list[datetime] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def __call__(
        self, settings: Settings, environ: Mapping[str, str], cwd: Path, now: datetime
    ) -> tuple[Reading, ...]:
        self.asked.append(now)
        if self.gate is not None:
            await self.gate.wait()
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, UsageError):
            raise answer
        return (Reading("five_hour", answer, now + timedelta(hours=3), self.name, now),)


@dataclass
class Bench:
    """Two sources, one root, one clock, and as many processes of it as a test wants."""

    folder: Path
    clock: SetClock = field(default_factory=SetClock)
    claude: Source = field(default_factory=lambda: Source("claude", [30.0]))
    api: Source = field(default_factory=lambda: Source("api", [40.0]))
    order: tuple[str, ...] = ("stream", "claude", "api", "transcripts")
    poll: float = 180.0
    testing: str = ""
    login: Path = Path()

    def __post_init__(self) -> None:
        (self.folder / "state").mkdir(exist_ok=True)
        (self.folder / "claude").mkdir(exist_ok=True)
        self.login = self.folder / "claude/.credentials.json"

    @property
    def cache(self) -> Path:
        return self.folder / "state/usage.json"

    def usage(self, *, account: str = "claude", jitter: Callable[[], float] = lambda: 0.0) -> Usage:
        places = Places(self.folder, self.folder / "state", self.folder / "config.toml", self.folder / "sock")
        settings = Settings(
            capacity=CapacitySettings(sources=self.order, poll_seconds=self.poll),
            claude=ClaudeSettings(config_dir=str(self.folder / account)),
        )
        sources = {"claude": self.claude, "api": self.api}
        return Usage(places, settings, {"CCTUI_TESTING": self.testing}, self.clock, sources=sources, jitter=jitter)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def percent(told: tuple[tuple[Reading, ...], tuple[SourceState, ...]]) -> dict[str, float | None]:
    return {reading.source: reading.used for reading in told[0]}


async def test_the_first_source_that_works_is_the_only_one_asked(bench: Bench) -> None:
    readings, states = await bench.usage().sample()
    assert [(reading.source, reading.used) for reading in readings] == [("claude", 30.0)]
    assert states == (SourceState("claude", True, "", START, None),)
    assert bench.api.asked == []


async def test_the_order_is_the_setting_s(bench: Bench) -> None:
    bench.order = ("api", "claude")
    assert percent(await bench.usage().sample()) == {"api": 40.0}
    assert bench.claude.asked == []


async def test_sources_that_are_not_named_are_never_asked(bench: Bench) -> None:
    bench.order = ("stream",)
    assert await bench.usage().sample() == ((), ())


async def test_the_second_is_asked_while_the_first_fails_and_no_longer(bench: Bench) -> None:
    bench.claude.script = [UsageError("no numbers", ladder=(300.0,)), 31.0]
    usage = bench.usage()
    readings, states = await usage.sample()
    assert [(reading.source, reading.used) for reading in readings] == [("api", 40.0)]
    assert states == (
        SourceState("claude", False, "no numbers", START, START + timedelta(seconds=300)),
        SourceState("api", True, "", START, None),
    )
    bench.clock.pass_by(200)
    await usage.sample()
    assert (len(bench.claude.asked), len(bench.api.asked)) == (1, 2)
    bench.clock.pass_by(200)
    assert percent(await usage.sample()) == {"claude": 31.0, "api": 40.0}
    assert (len(bench.claude.asked), len(bench.api.asked)) == (2, 2)


@pytest.mark.parametrize(("poll", "pause"), [(180.0, 170.0), (1.0, FLOOR - 1)])
async def test_within_the_pace_nobody_is_asked_again(bench: Bench, poll: float, pause: float) -> None:
    bench.poll = poll
    usage = bench.usage()
    first = await usage.sample()
    bench.clock.pass_by(pause)
    assert await usage.sample() == first
    assert len(bench.claude.asked) == 1
    bench.clock.pass_by(5)
    await usage.sample()
    assert len(bench.claude.asked) == 2


async def test_a_poll_that_comes_a_moment_early_still_asks(bench: Bench) -> None:
    usage = bench.usage()
    await usage.sample()
    bench.clock.pass_by(179.5)
    await usage.sample()
    assert len(bench.claude.asked) == 2


async def test_a_wish_goes_before_the_pace_but_not_under_the_floor(bench: Bench) -> None:
    usage = bench.usage()
    await usage.sample()
    bench.clock.pass_by(FLOOR - 1)
    await usage.sample(force=True)
    assert len(bench.claude.asked) == 1
    bench.clock.pass_by(1)
    await usage.sample(force=True)
    assert len(bench.claude.asked) == 2


async def test_only_tests_may_lift_the_floor(bench: Bench) -> None:
    bench.poll, bench.testing = 0.0, "1"
    usage = bench.usage()
    await usage.sample()
    await usage.sample()
    assert len(bench.claude.asked) == 2


async def test_back_off_grows_and_ends_with_a_success(bench: Bench) -> None:
    bench.order = ("claude",)
    down = UsageError("down", ladder=(120.0, 240.0))
    bench.claude.script = [down, down, down, 5.0, down]
    usage = bench.usage()
    waits: list[float | None] = []
    for turn in range(5):
        _, (state,) = await usage.sample()
        wait = (state.again_at - bench.clock.at).total_seconds() if state.again_at else None
        waits.append(wait)
        bench.clock.pass_by(wait - 1 if wait else 100)
        await usage.sample()
        assert len(bench.claude.asked) == turn + 1
        bench.clock.pass_by(100)
    assert waits == [120.0, 240.0, 240.0, None, 120.0]


async def test_a_wait_the_service_named_is_kept_against_every_wish(bench: Bench) -> None:
    bench.order = ("claude",)
    bench.claude.script = [UsageError("patience", ladder=SLOW, wait=1800.0, firm=True)]
    usage = bench.usage(jitter=lambda: 1.0)
    _, (state,) = await usage.sample()
    assert state.again_at == START + timedelta(seconds=1800 * 1.2)
    bench.clock.pass_by(1700)
    await bench.usage().sample(force=True)  # nor does another process, nor a restart, ask earlier
    assert len(bench.claude.asked) == 1


async def test_a_wish_shortens_a_back_off_of_our_own(bench: Bench) -> None:
    bench.order = ("claude",)
    bench.claude.script = [UsageError("down", ladder=(900.0,))]
    usage = bench.usage()
    await usage.sample()
    bench.clock.pass_by(FLOOR)
    await usage.sample()
    assert len(bench.claude.asked) == 1
    await usage.sample(force=True)
    assert len(bench.claude.asked) == 2


async def test_a_new_login_is_tried_at_once(bench: Bench) -> None:
    bench.order = ("api",)
    bench.api.script = [UsageError("login expired", ladder=(900.0,)), 7.0]
    usage = bench.usage()
    await usage.sample()
    bench.clock.pass_by(FLOOR)
    bench.login.write_text("{}")
    assert percent(await usage.sample()) == {"api": 7.0}


async def test_numbers_outlive_a_failure_with_their_age(bench: Bench) -> None:
    bench.order = ("claude",)
    bench.claude.script = [30.0, UsageError("down", ladder=SOON)]
    usage = bench.usage()
    await usage.sample()
    bench.clock.pass_by(200)
    (reading,), (state,) = await usage.sample()
    assert (reading.used, reading.observed_at, state.ok) == (30.0, START, False)


async def test_another_process_reads_what_the_first_got(bench: Bench) -> None:
    first = await bench.usage().sample()
    assert await bench.usage().sample() == first
    assert len(bench.claude.asked) == 1
    assert bench.cache.stat().st_mode & 0o777 == 0o600


async def test_while_one_asks_the_others_read(bench: Bench) -> None:
    bench.claude.gate = asyncio.Event()
    asking = asyncio.create_task(bench.usage().sample())
    await eventually(lambda: bench.claude.asked)
    assert await bench.usage().sample() == ((), ())
    bench.claude.gate.set()
    await asking
    assert percent(await bench.usage().sample()) == {"claude": 30.0}
    assert len(bench.claude.asked) == 1


async def test_the_lock_holds_between_processes_and_ends_with_its_holder(bench: Bench) -> None:
    script = "import fcntl,sys,time; f=open(sys.argv[1],'a'); fcntl.flock(f,2); print(1,flush=True); time.sleep(60)"
    lock = bench.folder / "state/usage.lock"
    holder = subprocess.Popen([sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline)
        assert await bench.usage().sample() == ((), ())
    finally:
        holder.kill()
        holder.communicate()
    assert percent(await bench.usage().sample()) == {"claude": 30.0}


async def test_leaving_in_mid_question_lets_the_lock_go(bench: Bench) -> None:
    bench.claude.gate = asyncio.Event()
    asking = asyncio.create_task(bench.usage().sample())
    await eventually(lambda: bench.claude.asked)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    bench.claude.gate.set()
    assert percent(await bench.usage().sample()) == {"claude": 30.0}


async def test_the_numbers_of_another_login_folder_are_not_ours(bench: Bench) -> None:
    await bench.usage().sample()
    bench.claude.script = [77.0]
    assert percent(await bench.usage(account="work").sample()) == {"claude": 77.0}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 9}', "\x00" * 50, '{"schema": 1, "sources": 3}'])
async def test_a_cache_that_is_no_cache_counts_as_empty(bench: Bench, content: str) -> None:
    bench.cache.write_text(content)
    assert percent(await bench.usage().sample()) == {"claude": 30.0}
    assert json.loads(bench.cache.read_text())["schema"] == 1


async def test_a_cache_with_one_bad_source_keeps_the_other(bench: Bench) -> None:
    bench.claude.script = [UsageError("down", ladder=(300.0,))]
    await bench.usage().sample()
    body = json.loads(bench.cache.read_text())
    body["sources"]["claude"]["at"] = "yesterday"
    bench.cache.write_text(json.dumps(body))
    await bench.usage().sample()
    assert (len(bench.claude.asked), len(bench.api.asked)) == (2, 1)


async def test_a_clock_set_back_does_not_silence_a_source(bench: Bench) -> None:
    usage = bench.usage()
    await usage.sample()
    bench.clock.pass_by(-30 * 86400)
    await usage.sample()
    assert len(bench.claude.asked) == 2


async def test_a_full_disk_is_said_and_does_not_end_the_manners(bench: Bench) -> None:
    bench.cache.mkdir()
    usage = bench.usage()
    (reading,), (state,) = await usage.sample()
    assert reading.used == 30.0
    assert state.ok
    assert "cannot write" in state.text
    await usage.sample()
    assert len(bench.claude.asked) == 1
