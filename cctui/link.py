"""The link between an engine and its faces: the protocol every face sees, and the engine's side of the socket.

JSON lines over a Unix socket (0600 in a 0700 folder).  Both sides begin with a hello line; another protocol is refused
with what to do.  A face that watches gets the whole World once and then the top-level fields that changed, always the
newest: a slow or dead client costs the engine nothing.  Nothing a client sends can end or slow the engine but `leave`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket as sockets
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from cctui import __version__
from cctui.codec import CodecError, decode, dumps, encode, encode_field
from cctui.core.answer import Answer
from cctui.core.forecast import Plan
from cctui.core.world import Command, Reason, World
from cctui.orders import order, planned

PROTOCOL = 1
LINE_LIMIT = 8 << 20
"""Bytes one line from a client may have: a 1 MiB task file escaped as JSON fits."""
TEXT_LIMIT = 2 << 20
"""Characters of a file or a tail sent in one answer: the end counts."""
QUEUED = 64
"""Answers that may wait for one client before no more of its questions are read."""
BIND_SECONDS = 5.0
"""How often the server looks whether its socket is still there."""
DRAIN_SECONDS = 30.0
"""A client that takes nothing for so long is dropped."""

How = Literal["detach", "stop"]
Identity = tuple[int, int] | None


class LinkError(Exception):
    """The link does not work: a sentence a person can act on."""


class Link(Protocol):
    """What every face gets, whether the engine lives in its process or behind a socket."""

    @property
    def world(self) -> World: ...
    @property
    def hosting(self) -> bool:
        """The engine lives in this process."""

    @property
    def trouble(self) -> str | None:
        """A sentence when the engine is out of reach; None when all is well."""

    def now(self) -> datetime: ...
    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        """Call `heard` with every new World, on the loop; the result ends it."""

    async def send(self, command: Command) -> Reason | None:
        """Ask for something; a Reason when it was refused."""

    async def text(self, path_or_name: str) -> str:
        """A task file's text, or a run note's (a path relative to ROOT).  Raises LinkError."""

    async def tail(self, run_id: str, lines: int = 200) -> str: ...
    async def diff(self, run_id: str) -> str:
        """What a run changed, as git shows it.  Raises LinkError when that is not known."""

    async def plan(self, command: Command | None = None, *, samples: int = 0, days: float = 7.0) -> Plan | Reason:
        """When everything starts and ends, or would after `command` (a Reason: that would be refused); with bands when
        `samples` is not 0.  Worked out in another process.  Raises LinkError."""

    def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
        """The command that shows a run's terminal.  Raises LinkError when it has none."""

    def edit_argv(self, name_or_path: str) -> list[str]:
        """The command that opens a task's file in the person's editor.  Raises LinkError when this face has none."""

    async def leave(self, how: How) -> None:
        """End this face's link (detach) or the engine itself (stop)."""


def hello() -> dict[str, Any]:
    return {"cctui": __version__, "protocol": PROTOCOL, "pid": os.getpid()}


def objection(engine: Mapping[str, Any], face: Mapping[str, Any]) -> str | None:
    """Why two sides that said hello cannot talk, with what to do; None: they can.

    One question needs the same protocol; watching the World needs the same version, since its fields change with it."""
    same = engine.get("protocol") == face.get("protocol")
    if same and (face.get("want") != "watch" or engine.get("cctui") == face.get("cctui")):
        return None
    return (
        f"the engine is cctui {engine.get('cctui', '?')} (protocol {engine.get('protocol', '?')}), this is cctui "
        f"{face.get('cctui', '?')} (protocol {face.get('protocol', '?')}): end the engine with `cctui headless --stop` "
        "and start it again; running tasks go on meanwhile"
    )


def patch(old: World | None, new: World, encoded: Mapping[str, str]) -> str:
    """The line that turns `old` into `new`: the fields that are not the same object, as already encoded text."""
    changed = [
        f"{json.dumps(part.name)}:{encoded[part.name]}"
        for part in fields(new)
        if old is None or getattr(old, part.name) is not getattr(new, part.name)
    ]
    return '{"world":{' + ",".join(changed) + "}}" if changed else ""


class Server:
    """The engine's side.  `run` serves until it is cancelled, on a new socket when somebody deletes the one it has."""

    def __init__(self, link: Link, socket: Path, answer: Callable[[World, str, Mapping[str, Any], datetime], Answer]):
        self.link = link
        self.answer = answer
        self.ready = asyncio.Event()
        self._socket = socket
        self._encoded: dict[str, tuple[object, str]] = {}
        self._clients: dict[Client, asyncio.Task[None]] = {}

    async def run(self) -> None:
        server, bound = await self._listen()
        ended = self.link.subscribe(self._heard)
        self.ready.set()
        try:
            while True:  # not serve_forever: its end waits for every client to go
                await asyncio.sleep(BIND_SECONDS)
                if identity(self._socket) == bound:
                    continue
                with suppress(LinkError, OSError):  # another engine answers there, or the folder cannot be made yet
                    old, (server, bound) = server, await self._listen()
                    old.close()  # whoever is connected stays so
        finally:
            ended()
            server.close()
            unlink(self._socket, bound)
            await self._dismiss()

    async def _listen(self) -> tuple[asyncio.Server, Identity]:
        """A new socket, and what it is known by.  Raises LinkError or OSError."""
        listening = bind(self._socket)
        bound = identity(self._socket)
        return await asyncio.start_unix_server(self._accept, sock=listening, limit=LINE_LIMIT), bound

    async def _dismiss(self) -> None:
        for task in self._clients.values():
            task.cancel()
        await asyncio.gather(*self._clients.values(), return_exceptions=True)

    def line(self, old: World | None, new: World) -> str:
        """The patch from `old` to `new`; each changed value is encoded once, however many clients watch."""
        for part in fields(new):
            value = getattr(new, part.name)
            held = self._encoded.get(part.name)
            if held is None or held[0] is not value:
                self._encoded[part.name] = (value, dumps(encode_field(part.name, value)))
        return patch(old, new, {name: text for name, (_, text) in self._encoded.items()})

    def _heard(self, world: World) -> None:
        for client in self._clients:
            client.wake.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(self, reader, writer)
        task = self._clients[client] = asyncio.create_task(client.run())
        await asyncio.wait({task})
        del self._clients[client]
        if not task.cancelled():
            try:
                task.result()
            except* (OSError, TimeoutError):
                pass  # the client went away: nothing of ours depends on it


class Client:
    """One connection: reads questions one after another, writes answers and the newest World."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wake = asyncio.Event()
        self._server = server
        self._reader = reader
        self._writer = writer
        self._answers: deque[str] = deque()
        self._room = asyncio.Event()
        self._sent: World | None = None
        self._watches = False
        self._ending = False

    async def run(self) -> None:
        """Until the client goes away or is sent away."""
        try:
            await self._talk()
        except asyncio.CancelledError:
            self._writer.transport.abort()
            raise
        finally:
            await hang_up(self._writer)

    async def _talk(self) -> None:
        await self._write(dumps(hello()))
        greeting = await self._read()
        if greeting is None:
            return
        if refused := objection(hello(), greeting):
            await self._write(dumps({"refused": refused}))
            return
        self._watches = greeting.get("want") == "watch"
        self.wake.set()
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._send())
            await self._listen()
            self._ending = True
            self.wake.set()
            await writing

    async def _listen(self) -> None:
        slow: asyncio.Task[None] | None = None
        asked: object = None
        try:
            while (message := await self._read()) is not None:
                if "plan" not in (message.get("do"), message.get("verb")):
                    await self._respond(message)
                    continue
                if slow is not None and slow.cancel():  # the newest plan is the one that is wanted
                    self._answer(asked, {"error": "a newer plan was asked for"})
                asked = message.get("id")
                # What is asked meanwhile is answered meanwhile: a plan takes its time.
                slow = asyncio.create_task(self._respond(message))
            if slow is not None:
                await slow
        finally:
            if slow is not None:
                slow.cancel()

    async def _respond(self, message: dict[str, Any]) -> None:
        reply = await respond(self._server.link, self._server.answer, message)
        while len(self._answers) >= QUEUED:
            self._room.clear()
            await self._room.wait()
        self._answer(message.get("id"), reply)

    def _answer(self, asked: object, reply: Mapping[str, Any]) -> None:
        self._answers.append(dumps({"id": asked, **reply}))
        self.wake.set()

    async def _read(self) -> dict[str, Any] | None:
        """The next message; None at the end, and for a client that does not keep to the protocol."""
        try:
            line = await self._reader.readline()
        except ValueError:
            self._answers.append(dumps({"id": None, "error": f"a message may have {LINE_LIMIT} bytes at most"}))
            return None
        if not line.endswith(b"\n"):
            return None
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            return message
        self._answers.append(dumps({"id": None, "error": "a message is one JSON object on one line"}))
        return None

    async def _send(self) -> None:
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self._answers:
                await self._write(self._answers.popleft())
                self._room.set()
            if self._ending:
                return
            world = self._server.link.world
            if self._watches and (line := self._server.line(self._sent, world)):
                self._sent = world
                await self._write(line)

    async def _write(self, line: str) -> None:
        self._writer.write(line.encode() + b"\n")
        # Not wait_for: on 3.11 it swallows a cancellation that meets the end of the drain, and this client would then
        # keep the engine, and its lock, for ever.
        async with asyncio.timeout(DRAIN_SECONDS):
            await self._writer.drain()


# --- questions -------------------------------------------------------------------------------------------------------


async def respond(
    link: Link, answer: Callable[[World, str, Mapping[str, Any], datetime], Answer], message: Mapping[str, Any]
) -> dict[str, Any]:
    """The reply to one message of a client; a nonsensical one gets an error, never an exception."""
    try:
        match message:
            case {"do": "answer", "verb": "plan", "args": dict(args)}:
                found = await planned(link, args)
                return {"data": found.data, "errors": list(found.errors), "code": found.code}
            case {"do": "plan", "command": command, "samples": int(samples), "days": float() | int() as days}:
                plan = await link.plan(decode(command) if command else None, samples=samples, days=days)
                return {"plan": encode(plan)}
            case {"do": "answer", "verb": str(verb), "args": dict(args)}:
                found = answer(link.world, verb, args, link.now())
                return {"data": found.data, "errors": list(found.errors), "code": found.code}
            case {"do": "send", "command": dict(data)}:
                refused = await link.send(decode(data))
                return {"refused": encode(refused) if refused else None}
            case {"do": "order", "command": dict(data)}:
                return await order(link, decode(data))
            case {"do": "text", "what": str(what)}:
                return {"text": (await link.text(what))[-TEXT_LIMIT:]}
            case {"do": "tail", "run": str(run_id), "lines": int(lines)}:
                return {"text": (await link.tail(run_id, min(max(lines, 0), 100_000)))[-TEXT_LIMIT:]}
            case {"do": "diff", "run": str(run_id)}:
                return {"text": beginning(await link.diff(run_id))}
            case {"do": "leave", "how": "stop"}:
                await link.leave("stop")
                return {}
            case _:
                return {"error": f"not understood: {str(message.get('do'))[:40]}"}
    except (LinkError, CodecError) as error:
        return {"error": str(error)}


def beginning(text: str) -> str:
    """As much of a diff as one answer holds; what is left out is said."""
    left = len(text) - TEXT_LIMIT
    return text if left <= 0 else f"{text[:TEXT_LIMIT]}\n… {left} more characters\n"


# --- the socket ------------------------------------------------------------------------------------------------------


def bind(path: Path) -> sockets.socket:
    """A socket bound to `path`, open to its owner only.  One that nobody answers on is replaced.  Raises LinkError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise LinkError(
            f"{path.parent} belongs to somebody else: set XDG_RUNTIME_DIR or CCTUI_STATE to a folder of yours"
        )
    if path.exists() and answers(path):
        raise LinkError(f"another engine answers on {path}")
    path.unlink(missing_ok=True)
    listening = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM | sockets.SOCK_NONBLOCK)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        listening.close()
        raise LinkError(f"cannot open the socket {path}: {error.strerror or error}") from error
    return listening


def answers(path: Path) -> bool:
    """Somebody listens on the socket."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def identity(path: Path) -> Identity:
    """Device and inode; None when nothing is there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def unlink(path: Path, bound: Identity) -> None:
    """Remove our socket file, but not one that has taken its place."""
    with suppress(OSError):
        if bound is not None and identity(path) == bound:
            path.unlink()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection; what the other side does not take in time is lost with it."""
    writer.close()
    try:
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
