"""The link: the codec's round trip, the lock, and real Unix sockets between a server and its clients."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import socket as sockets
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cctui import __version__, link
from cctui.codec import CodecError, decode, decode_field, encode, encode_field, vocabulary
from cctui.core import world as words
from cctui.core.answer import answer
from cctui.core.forecast import Plan
from cctui.core.world import (
    Add,
    Command,
    Hold,
    Memory,
    Move,
    Pause,
    Phase,
    Place,
    Reason,
    Record,
    Remove,
    RunNow,
    Task,
    Why,
    World,
)
from cctui.link import LinkError, Server, bind
from cctui.lock import Lock
from cctui.orders import settled
from cctui.remote import RemoteLink, connect, face

NOW = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)


# --- the codec -------------------------------------------------------------------------------------------------------

BARE = NOW.replace(tzinfo=None)
YEARS = timedelta(days=9000)
moments = st.datetimes(min_value=BARE - YEARS, max_value=BARE + YEARS, timezones=st.just(UTC))
st.register_type_strategy(datetime, moments)
st.register_type_strategy(float, st.floats(allow_nan=False))
tasks = st.builds(Task)
worlds = st.builds(
    World,
    tasks=st.dictionaries(st.text(max_size=8), tasks, max_size=3),
    runs=st.dictionaries(st.text(max_size=8), st.builds(words.Run), max_size=2),
    records=st.lists(st.builds(Record), max_size=2).map(tuple),
    notes=st.lists(st.builds(words.Note), max_size=2).map(tuple),
)


@cache
def whole(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type in which every field is filled, small ones."""
    origin, parts = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        # Only when it is asked for: a command may hold commands.
        return st.deferred(lambda: st.builds(hint, **{part.name: whole(hints[part.name]) for part in fields(hint)}))
    if origin in (Union, UnionType):
        return st.one_of([whole(part) for part in parts])
    if origin is tuple and len(parts) == 2 and parts[1] is Ellipsis:
        return st.lists(whole(parts[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(whole(part) for part in parts))
    if origin is frozenset:
        return st.frozensets(whole(parts[0]), max_size=2)
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=4), whole(parts[1]), max_size=2)
    return st.text(max_size=6) if hint is str else st.from_type(hint)


def through(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value))))


@given(worlds)
@settings(max_examples=25)
def test_a_world_survives_the_wire(world: World) -> None:
    assert through(world) == world


def test_what_is_nested_too_deeply_is_refused() -> None:
    data: dict[str, Any] = {"$": "Undo"}
    for _ in range(900):
        data = {"$": "Together", "commands": [data]}
    with pytest.raises(CodecError, match="nested too deeply"):
        decode(data)


@given(st.one_of([st.builds(kind) for kind in get_args(Command)]))
def test_a_command_survives_the_wire(command: Command) -> None:
    assert through(command) == command


@given(worlds)
@settings(max_examples=25)
def test_every_field_of_the_world_travels_alone(world: World) -> None:
    rebuilt = World(
        **{
            part.name: decode_field(part.name, encode_field(part.name, getattr(world, part.name)))
            for part in fields(World)
        }
    )
    assert rebuilt == world


@pytest.mark.parametrize("name", sorted(vocabulary()))
def test_every_word_survives_the_wire_with_all_its_fields(name: str) -> None:
    """Also those with a default, which hypothesis leaves alone unless it is told."""
    kind = vocabulary()[name]

    @given(whole(kind))
    @settings(max_examples=15 if len(fields(kind)) < 20 else 4, suppress_health_check=list(HealthCheck))
    def check(value: Any) -> None:
        assert through(value) == value

    check()


def test_a_run_with_all_that_can_happen_to_one_survives_the_wire() -> None:
    parked = words.Parked(Why.NEEDS_YOU, NOW, None, part=words.Part.WORK, text="Plan: three steps")
    spec = words.Spec(
        "r1", "digest", "pending/digest.md", 1, words.Runner.LOOP, "digest", words.Mode.PLAN_FIRST, "/x", NOW, 60.0,
        "cc-r1", "00000000-0000-4000-8000-000000000001", env=("A", "B"), setup="make", rollback=True,
    )  # fmt: skip
    legs = tuple(words.Leg(part, why) for part in words.Part for why in ("", Why.CHECK, Why.LOST))
    tree = words.Tree("/x", "/x/y", "abc", "cctui/digest-r1", "/w", "refs/cctui/r1", "no snapshot: locked")
    run = words.Run(
        spec, words.Stage.PARKED, parked=parked, legs=legs, halting=words.Halting.LANDING, asks="may I?",
        approved=True, tree=tree, work=words.Ending(words.Stop.EXIT, NOW, 5.0, 0), again_at=NOW, tries=2,
    )  # fmt: skip
    world = World(runs={"r1": run}, stops={"login": parked, "limit:five_hour": parked}, plugins=("omc",), at=NOW)
    back = through(world)
    assert back == world
    assert back.runs["r1"].legs[0].part is words.Part.SETUP
    assert back.runs["r1"].halting is words.Halting.LANDING
    assert through(words.Changes(2, 5, "branch kept")) == words.Changes(2, 5, "branch kept")
    assert through(words.TakeOver("digest")) == words.TakeOver("digest")
    assert through(words.Rollback("r1")) == words.Rollback("r1")


def test_text_that_is_a_member_of_an_enumeration_is_text() -> None:
    task = Task("a", "pending/a.md", Phase.PENDING, runner=words.Runner.LOOP)
    assert type(encode(task)["runner"]) is str
    assert decode(encode(task)) == task


def test_everything_in_the_vocabulary_has_a_coder() -> None:
    assert {"World", "Task", "Move", "Settings", "Reason"} <= set(vocabulary())
    assert "Finish" not in vocabulary(), "effects never leave the engine"
    for kind in vocabulary().values():
        with pytest.raises(CodecError, match="has no field 'nonsense'"):
            decode({"$": kind.__name__, "nonsense": 1})


def test_defaults_are_left_out() -> None:
    assert encode(Pause("digest")) == {"$": "Pause", "task": "digest"}
    assert encode(World()) == {"$": "World"}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"$": "os.system"},
        {"$": "Lock"},
        {"$": "Pause"},
        {"$": "Pause", "task": 5},
        {"$": "Pause", "task": "a", "on": "yes"},
        {"$": "Move", "task": "a", "place": "sideways"},
        {"$": "Reason", "why": "hold", "until": "tomorrow"},
        {"$": "Reason", "why": "hold", "until": "2026-11-20T23:00:00"},
        {"$": "Reason", "why": "hold", "value": True},
        {"$": "Task", "name": "a", "path": "p", "phase": "pending", "tags": "x"},
        {"$": "Memory", "ranks": []},
    ],
)
def test_what_is_no_value_is_refused(data: Any) -> None:
    with pytest.raises(CodecError):
        decode(data)


# --- the lock --------------------------------------------------------------------------------------------------------


def test_one_engine_at_a_time_and_the_owner_is_named(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "engine.lock", tmp_path / "engine.sock"), Lock(tmp_path / "engine.lock")
    assert first.acquire()
    assert not second.acquire()
    owner = second.owner()
    assert owner
    assert (owner.pid, owner.version, owner.socket) == (os.getpid(), __version__, str(tmp_path / "engine.sock"))
    assert int(owner.start) > 0
    assert stat.S_IMODE((tmp_path / "engine.lock").stat().st_mode) == 0o600
    first.release()
    assert second.owner() is None
    assert second.acquire()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from cctui.lock import Lock\n"
        "assert Lock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    )
    path = tmp_path / "engine.lock"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd()) as child:
        assert child.stdout
        assert child.stdout.readline() == b"held\n"
        lock = Lock(path)
        assert not lock.acquire()
        owner = lock.owner()
        assert owner
        assert owner.pid == child.pid
        child.kill()
        child.wait()
        assert lock.owner() is None
        assert lock.acquire()


@pytest.mark.parametrize("text", ["", "{", '{"pid": "x"}', '{"pid": 1}', "[]"])
def test_a_spoiled_lock_file_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "engine.lock").write_text(text)
    assert Lock(tmp_path / "engine.lock").owner() is None


@pytest.mark.parametrize("how", ["deleted", "state deleted", "replaced", "copied back"])
def test_a_lock_file_that_was_deleted_is_noticed_and_taken_again(tmp_path: Path, how: str) -> None:
    path = tmp_path / "state/engine.lock"
    first, second = Lock(path), Lock(path)
    assert not first.intact()
    assert first.acquire()
    assert first.intact()
    match how:
        case "deleted":
            path.unlink()
        case "state deleted":
            shutil.rmtree(path.parent)
        case "replaced":
            (path.parent / "new").touch()
            (path.parent / "new").replace(path)
        case _:
            copy = path.read_bytes()
            path.unlink()
            path.write_bytes(copy)
    assert first.held
    assert not first.intact()
    assert first.retake()
    assert first.intact()
    assert not second.acquire()
    owner = second.owner()
    assert owner
    assert owner.pid == os.getpid()
    first.release()
    assert second.acquire()


def test_whoever_lost_the_lock_to_another_learns_it(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    first, second = Lock(path), Lock(path)
    assert first.acquire()
    path.unlink()
    assert second.acquire()
    assert not first.intact()
    assert not first.retake()
    assert second.intact()
    assert second.retake()
    second.release()
    assert first.retake(), "the other one has gone: it is ours again"
    assert first.intact()


def test_what_was_deleted_between_opening_and_locking_protects_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "engine.lock"
    real, times = fcntl.flock, [0]

    def late(fd: int, how: int) -> None:
        times[0] += 1
        if times[0] == 1:
            path.unlink()
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    first = Lock(path)
    assert first.acquire()
    assert times == [2]
    assert first.intact()
    assert not Lock(path).acquire()


# --- the socket ------------------------------------------------------------------------------------------------------


class FakeLink:
    """An engine's link without an engine."""

    hosting = True
    trouble: str | None = None

    def __init__(self, *names: str) -> None:
        self.world = World(
            loaded=True,
            scanned=True,
            looked=True,
            checked=True,
            measured=True,
            tasks={name: Task(name, f"pending/{name}.md", Phase.PENDING, kind=name) for name in names},
            line=words.Line(tuple(names)),
        )
        self.sent: list[Command] = []
        self.left: list[str] = []
        self.heard: list[Callable[[World], None]] = []

    def now(self) -> datetime:
        return NOW

    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        self.heard.append(heard)
        return lambda: self.heard.remove(heard)

    def publish(self, **changes: Any) -> None:
        self.world = replace(self.world, **changes)
        for heard in self.heard:
            heard(self.world)

    async def send(self, command: Command) -> Reason | None:
        self.sent.append(command)
        if isinstance(command, RunNow):
            return Reason(Why.HOLD)
        return None

    async def text(self, path_or_name: str) -> str:
        if path_or_name not in self.world.tasks:
            raise LinkError(f"no file for {path_or_name}")
        return "# körper\n"

    async def tail(self, run_id: str, lines: int = 200) -> str:
        return f"{lines} lines of {run_id}"

    async def diff(self, run_id: str) -> str:
        if run_id == "big":
            return "+" * (link.TEXT_LIMIT + 5)
        if run_id != "r1":
            raise LinkError(f"there is no run {run_id}")
        return "--- a\n+++ b\n"

    async def plan(self, command: Command | None = None, *, samples: int = 0, days: float = 7.0) -> Plan | Reason:
        raise LinkError("no plan here")

    def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
        return ["tmux", run_id]

    def edit_argv(self, name_or_path: str) -> list[str]:
        return ["vi", name_or_path]

    async def leave(self, how: str) -> None:
        self.left.append(how)


@asynccontextmanager
async def serving(fake: FakeLink, path: Path) -> AsyncIterator[Server]:
    server = Server(fake, path, answer)
    task = asyncio.create_task(server.run())
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield server
    finally:
        ready.cancel()
        task.cancel()
        await asyncio.gather(task, ready, return_exceptions=True)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Poll for a condition with a deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def raw(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    """What a client gets that sends these lines and then hangs up its side."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 24)
    writer.write(b"".join(line + b"\n" for line in lines))
    writer.write_eof()
    data = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return [json.loads(line) for line in data.splitlines()]


HELLO = json.dumps(link.hello()).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s" / "engine.sock"


async def test_a_face_sees_the_world_and_every_change_of_it(path: Path) -> None:
    fake = FakeLink("a", "b")
    async with serving(fake, path):
        front = await connect(path, now=lambda: NOW)
        assert front.world == fake.world
        assert front.hosting is False
        assert front.trouble is None
        seen: list[World] = []
        ended = front.subscribe(seen.append)
        fake.publish(memory=Memory(hold=True))
        await until(lambda: seen)
        assert front.world == fake.world
        ended()
        fake.publish(memory=Memory(hold=False))
        await until(lambda: not front.world.memory.hold)
        assert len(seen) == 1
        await front.leave("detach")


async def test_only_what_changed_crosses_the_wire(path: Path) -> None:
    fake = FakeLink("a")
    async with serving(fake, path) as server:
        before = fake.world
        fake.publish(memory=Memory(hold=True))
        assert json.loads(server.line(before, fake.world)) == {"world": {"memory": {"hold": True}}}
        assert server.line(fake.world, fake.world) == ""


async def test_commands_go_to_the_engine_and_refusals_come_back(path: Path) -> None:
    fake = FakeLink("a")
    async with serving(fake, path):
        front = await connect(path)
        assert await front.send(Move("a", Place.AFTER, "b")) is None
        assert await front.send(RunNow("a")) == Reason(Why.HOLD)
        assert fake.sent == [Move("a", Place.AFTER, "b"), RunNow("a")]
        assert await front.text("a") == "# körper\n"
        assert await front.tail("r1", 20) == "20 lines of r1"
        with pytest.raises(LinkError, match="no file for b"):
            await front.text("b")
        await front.close()


async def test_what_a_run_changed_comes_over_the_socket(path: Path) -> None:
    async with serving(FakeLink("a"), path):
        front = await connect(path)
        assert await front.diff("r1") == "--- a\n+++ b\n"
        with pytest.raises(LinkError, match="no run r2"):
            await front.diff("r2")
        big = await front.diff("big")
        assert big.startswith("+" * link.TEXT_LIMIT)
        assert big.endswith("\n… 5 more characters\n")
        await front.close()


async def test_two_faces_share_one_engine(path: Path) -> None:
    fake = FakeLink("a")
    async with serving(fake, path):
        one, two = await connect(path), await connect(path)
        await asyncio.gather(one.send(Hold()), two.send(Hold(on=False)))
        assert sorted(str(command) for command in fake.sent) == ["Hold(on=False)", "Hold(on=True)"]
        await one.close()
        fake.publish(memory=Memory(hold=True))
        await until(lambda: two.world.memory.hold)
        await two.close()


async def test_attach_is_made_on_the_faces_side(path: Path) -> None:
    async with serving(FakeLink("a"), path):
        front = await connect(path, attach=lambda session, read_only: ["tmux", session, str(read_only)])
        with pytest.raises(LinkError, match="has ended"):
            front.attach_argv("r1")
        await front.close()


async def test_leave_stop_reaches_the_engine(path: Path) -> None:
    fake = FakeLink()
    async with serving(fake, path):
        await (await connect(path)).leave("stop")
        assert fake.left == ["stop"]


async def test_a_face_survives_the_engine_and_finds_the_next_one(path: Path) -> None:
    async with serving(FakeLink("old"), path):
        front = await connect(path, waits=(0.01,))
    await until(lambda: front.trouble)
    assert front.trouble
    assert "trying again" in front.trouble
    refused = await front.send(Hold())
    assert refused
    assert refused.why is Why.ENGINE
    assert list(front.world.tasks) == ["old"]
    async with serving(FakeLink("new"), path):
        await until(lambda: front.trouble is None)
        assert list(front.world.tasks) == ["new"]
        await front.close()


async def test_the_countdown_is_told(path: Path) -> None:
    async with serving(FakeLink(), path):
        front = await connect(path, waits=(40.0,))
        told: list[str | None] = []
        front.subscribe(lambda _: told.append(front.trouble))
    await until(lambda: told)
    assert told == ["the engine is gone: trying again in 40 s"]
    await front.close()


async def test_no_engine_is_said_plainly(path: Path) -> None:
    with pytest.raises(LinkError, match="no engine is running"):
        await connect(path)


@pytest.mark.parametrize(
    "greeting",
    [
        {"cctui": "9.9", "protocol": 1, "want": "watch"},
        {"cctui": __version__, "protocol": 2},
        {"cctui": __version__},
        {},
    ],
)
async def test_another_version_is_refused_with_what_to_do(path: Path, greeting: dict[str, Any]) -> None:
    async with serving(FakeLink("a"), path):
        hello, refused = await raw(path, json.dumps(greeting).encode(), b'{"id":1,"do":"send","command":{"$":"Hold"}}')
    assert (hello["cctui"], hello["protocol"]) == (__version__, link.PROTOCOL)
    assert "cctui headless --stop" in refused["refused"]


async def test_an_older_command_line_may_still_ask(path: Path) -> None:
    async with serving(FakeLink("a"), path):
        ask = b'{"id":1,"do":"answer","verb":"find","args":{"task":""}}'
        found = await raw(path, json.dumps({"cctui": "0.0.1", "protocol": 1}).encode(), ask)
    assert found[1] == {"id": 1, "data": ["a"], "errors": [], "code": 0}


async def test_a_face_refuses_an_engine_of_another_version(path: Path) -> None:
    path.parent.mkdir()

    async def old_engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"cctui":"0.0.1","protocol":0}\n')
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(old_engine, path):
        with pytest.raises(LinkError, match=r"the engine is cctui 0\.0\.1"):
            await connect(path)


async def test_orders_take_prefixes_and_answer_in_sentences(path: Path) -> None:
    fake = FakeLink("vault-lint", "vault-clean", "scan")
    orders: list[dict[str, Any]] = [
        {"$": "Pause", "task": "sc"},
        {"$": "Pause", "task": "vault"},
        {"$": "Pause", "task": "nobody"},
        {"$": "RunNow", "task": "scan"},
        {"$": "Move", "task": "scan", "place": "before", "other": "vault-l"},
        {"$": "Add", "name": "new", "text": "x"},
        {"$": "Nothing"},
    ]
    async with serving(fake, path):
        lines = [json.dumps({"id": n, "do": "order", "command": data}).encode() for n, data in enumerate(orders)]
        replies = (await raw(path, HELLO, *lines))[1:]
    assert [reply.get("code") for reply in replies] == [0, 2, 3, 1, 0, 0, None]
    assert replies[0]["data"] == {"task": "scan"}
    assert replies[1]["data"] == ["vault-clean", "vault-lint"]
    assert replies[3]["errors"] == ["hold is on: nothing new starts"]
    assert "Nothing" in replies[6]["error"]
    assert fake.sent == [
        Pause("scan"),
        RunNow("scan"),
        Move("scan", Place.BEFORE, "vault-lint"),
        Add("new", "x"),
    ]


@pytest.mark.parametrize(
    "line", [b"not json", b"[]", b"3", b'{"do":5}', b'{"do":"send"}', b'{"do":"tail","run":1}', b"[" * 100_000, b"\xff"]
)
async def test_nonsense_gets_an_error_and_hurts_nobody(path: Path, line: bytes) -> None:
    async with serving(FakeLink("a"), path):
        front = await connect(path)
        assert "error" in (await raw(path, HELLO, line))[1]
        assert await front.send(Hold()) is None
        await front.close()


async def test_a_message_without_end_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "LINE_LIMIT", 4096)
    async with serving(FakeLink("a"), path):
        replies = await raw(path, HELLO, b'{"do":"' + b"x" * 5000)
        assert "4096 bytes" in replies[1]["error"]


async def test_a_client_that_never_reads_slows_nobody(path: Path) -> None:
    """It gets the newest World in the end, not all of them; the engine keeps only what the kernel's buffer holds."""
    fake = FakeLink("a")
    async with serving(fake, path) as server:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1024)
        writer.write(json.dumps({**link.hello(), "want": "watch"}).encode() + b"\n")
        await until(lambda: len(server._clients) == 1)
        front = await connect(path)
        for number in range(300):
            fake.publish(programs={"claude": "x" * 20_000 + str(number)})
            await asyncio.sleep(0)
        await until(lambda: front.world.programs["claude"].endswith("299"))
        got = 0
        last = b""
        while not last.endswith(b'299"}}}\n'):
            last = (last + await asyncio.wait_for(reader.read(1 << 20), 10))[-64:]
            got += 1
        await front.close()
        writer.close()


async def test_a_client_that_dies_in_the_middle_hurts_nobody(path: Path) -> None:
    fake = FakeLink("a")
    async with serving(fake, path) as server:
        for sent in (b"", b'{"cctui"', HELLO + b'\n{"id":1,"do":"te'):
            probe = sockets.socket(sockets.AF_UNIX)
            probe.connect(str(path))
            probe.sendall(sent)
            probe.close()
        front = await connect(path)
        fake.publish(memory=Memory(hold=True))
        await until(lambda: front.world.memory.hold)
        await until(lambda: len(server._clients) == 1)
        await front.close()


async def test_only_the_owner_may_open_the_socket_and_it_goes_with_the_engine(path: Path) -> None:
    async with serving(FakeLink(), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


def elsewhere(path: Path, known: set[link.Identity]) -> bool:
    return link.identity(path) not in known


@pytest.mark.parametrize("gone", ["file", "folder", "replaced"])
async def test_a_socket_that_somebody_deleted_is_made_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setattr(link, "BIND_SECONDS", 0.02)
    fake, dead = FakeLink("a"), list[sockets.socket]()
    async with serving(fake, path):
        old = await connect(path)
        for _ in range(2):
            others = {link.identity(path), None}
            path.unlink()
            if gone == "folder":
                path.parent.rmdir()
            if gone == "replaced":
                dead.append(sockets.socket(sockets.AF_UNIX))  # open, so that its inode's number is not given again
                dead[-1].bind(str(path))
                others.add(link.identity(path))
            await until(partial(elsewhere, path, others))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            new = await connect(path)
            assert await new.send(Hold()) is None
            await new.close()
        fake.publish(memory=Memory(hold=True))
        await until(lambda: old.world.memory.hold)
        assert old.trouble is None, "whoever was connected has noticed nothing"
        await old.close()
    assert not path.exists()
    for each in dead:
        each.close()


async def test_a_socket_that_another_engine_serves_is_never_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BIND_SECONDS", 0.02)
    tried: list[Path] = []
    real = link.bind

    def counted(where: Path) -> sockets.socket:
        tried.append(where)
        if len(tried) > 3 and path.exists():
            raise LinkError("enough of them")
        return real(where)

    async with serving(FakeLink("first"), path):
        path.unlink()
        async with serving(FakeLink("second"), path):
            monkeypatch.setattr(link, "bind", counted)
            inode = path.stat().st_ino
            await until(lambda: len(tried) > 3)
            assert path.stat().st_ino == inode
            front = await connect(path)
            assert list(front.world.tasks) == ["second"]
            await front.close()
        await until(path.exists)  # the other one has left: it is the first one's again
        front = await connect(path)
        assert list(front.world.tasks) == ["first"]
        await front.close()


async def test_a_folder_that_cannot_be_made_yet_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BIND_SECONDS", 0.02)
    async with serving(FakeLink("a"), path):
        path.unlink()
        path.parent.rmdir()
        path.parent.write_text("in the way")
        tried: list[Path] = []
        real = link.bind

        def counted(where: Path) -> sockets.socket:
            tried.append(where)
            return real(where)

        monkeypatch.setattr(link, "bind", counted)
        await until(lambda: len(tried) > 2)
        path.parent.unlink()
        await until(path.exists)
        front = await connect(path)
        await front.close()


async def test_a_stale_socket_is_replaced_and_a_living_one_is_not(path: Path) -> None:
    path.parent.mkdir()
    dead = sockets.socket(sockets.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with serving(FakeLink("a"), path):
        front = await connect(path)
        with pytest.raises(LinkError, match="another engine answers"):
            bind(path)
        assert await front.send(Hold()) is None
        await front.close()


def test_a_path_too_long_for_a_socket_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot open the socket"):
        bind(tmp_path / ("x" * 120))


async def test_a_big_world_is_encoded_in_reasonable_time(path: Path) -> None:
    fake = FakeLink(*(f"task-{number}" for number in range(1000)))
    async with serving(fake, path):
        front: RemoteLink = await connect(path)
        assert front.world == fake.world
        await front.close()


def test_a_face_with_its_own_loop_has_the_world_before_it(path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib, tests.test_link as t\n"
        "async def main():\n"
        "    async with t.serving(t.FakeLink('a'), pathlib.Path(sys.argv[1])):\n"
        "        print('ready', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )

    async def show(link: RemoteLink) -> Reason | None:
        link.subscribe(lambda _: None)
        await until(lambda: link.trouble is None)
        try:
            return await link.send(RunNow("a"))
        finally:
            await link.close()

    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == b"ready\n"
        link = face(path)
        assert list(link.world.tasks) == ["a"]
        assert asyncio.run(show(link)) == Reason(Why.HOLD)
        engine.terminate()


async def test_a_program_found_missing_meanwhile_is_no_failure_of_a_command() -> None:
    fake = FakeLink("a")
    waiting = asyncio.create_task(settled(fake, fake.world, Remove("a")))
    await asyncio.sleep(0)
    fake.publish(programs={"claude": "no claude"}, notes=(words.Note(1, NOW, words.Level.BAD, "no claude"),))
    await asyncio.sleep(0)
    assert not waiting.done()
    fake.publish(tasks={})
    assert await waiting == []
