"""A face's side of the socket: the same Link as in the engine's own process, and it comes back by itself.

A face keeps going when the engine is gone: `trouble` says so with a countdown, commands come back refused, and the
World stays as it was last seen.  A command is never lost silently: one that was on its way when the connection broke,
or that nobody answered, comes back with the words that it may have been carried out.  A connection on which nothing
comes while an answer is due is given up and made anew: over a forwarded socket that is how a dead line looks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from cctui.codec import decode, decode_field, dumps, encode
from cctui.core.forecast import Plan
from cctui.core.launch import session_name
from cctui.core.naming import file_of
from cctui.core.world import Command, Reason, Why, World
from cctui.link import How, LinkError, hang_up, hello, objection

WORLD_LIMIT = 256 << 20
"""Bytes of one line from the engine."""
ANSWER_SECONDS, PLAN_SECONDS = 20.0, 90.0
GREETING_SECONDS, FIRST_SECONDS = 5.0, 60.0
"""For the hello of the engine, and for its whole World, which on a slow line takes as long as it is."""
PERHAPS = "whether it got this shows when it is back"
WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between attempts to reach the engine again; the last one for ever."""

Attach = Callable[[str, bool], list[str]]
Edit = Callable[[str], list[str]]
"""A task's file, relative to ROOT/tasks → the command that opens it in the person's editor."""


def local_now() -> datetime:
    return datetime.now().astimezone()


def no_terminal(run_id: str, read_only: bool) -> list[str]:
    raise LinkError("this face cannot attach")


def no_editor(path: str) -> list[str]:
    raise LinkError("this face has no editor")


async def connect(
    socket: Path,
    *,
    now: Callable[[], datetime] = local_now,
    attach: Attach = no_terminal,
    waits: tuple[float, ...] = WAITS,
) -> RemoteLink:
    """A link to the engine behind `socket`, with its World already there.  Raises LinkError with what to do.

    `attach`: (tmux session, read only) → the command that shows it."""
    link = RemoteLink(socket, now, attach, waits)
    await link.open()
    return link


def face(
    socket: Path, *, now: Callable[[], datetime] = local_now, attach: Attach = no_terminal, edit: Edit = no_editor
) -> RemoteLink:
    """The same for a face that brings its own loop: the World is there, the rest begins when it subscribes."""

    async def glance() -> World:
        link = await connect(socket, now=now)
        await link.close()
        return link.world

    link = RemoteLink(socket, now, attach, WAITS)
    link.world, link.edit = asyncio.run(glance()), edit
    return link


class RemoteLink:
    hosting = False

    def __init__(self, socket: Path, now: Callable[[], datetime], attach: Attach, waits: tuple[float, ...]) -> None:
        self.world = World()
        self.edit: Edit = no_editor
        self._socket = socket
        self._now = now
        self._attach = attach
        self._waits = waits
        self._heard: list[Callable[[World], None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._came = 0
        """Lines from the engine so far."""
        self._gone = ""
        self._again_at = 0.0
        self._task: asyncio.Task[None] | None = None

    # --- the Link ---

    @property
    def trouble(self) -> str | None:
        if self._writer is not None:
            return None
        seconds = max(round(self._again_at - asyncio.get_running_loop().time()), 0)
        return f"{self._gone or 'the engine is gone'}: trying again {f'in {seconds} s' if seconds else 'now'}"

    def now(self) -> datetime:
        return self._now()

    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        self._heard.append(heard)
        if self._task is None:
            self._task = asyncio.create_task(self._live(None), name="link")
        return lambda: self._heard.remove(heard) if heard in self._heard else None

    async def send(self, command: Command) -> Reason | None:
        try:
            reply = await self._ask({"do": "send", "command": encode(command)})
        except LinkError as error:
            return Reason(Why.ENGINE, str(error))
        refused: Reason | None = decode(reply["refused"]) if reply.get("refused") else None
        return refused

    async def text(self, path_or_name: str) -> str:
        return str((await self._ask({"do": "text", "what": path_or_name}))["text"])

    async def tail(self, run_id: str, lines: int = 200) -> str:
        return str((await self._ask({"do": "tail", "run": run_id, "lines": lines}))["text"])

    async def diff(self, run_id: str) -> str:
        return str((await self._ask({"do": "diff", "run": run_id}))["text"])

    async def plan(self, command: Command | None = None, *, samples: int = 0, days: float = 7.0) -> Plan | Reason:
        asked = {"command": encode(command) if command else None, "samples": samples, "days": days}
        found = decode((await self._ask({"do": "plan", **asked}, PLAN_SECONDS))["plan"])
        if not isinstance(found, Plan | Reason):
            raise LinkError("the engine answered something else")
        return found

    def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
        run = self.world.runs.get(run_id)
        if run is None:
            raise LinkError("that run has ended: there is no terminal to attach to")
        return self._attach(session_name(run.spec, run.leg), read_only)

    def edit_argv(self, name_or_path: str) -> list[str]:
        file = file_of(self.world, name_or_path)
        if file is None:
            raise LinkError(f"there is no task file {name_or_path!r}")
        return self.edit(file)

    async def leave(self, how: How) -> None:
        if how == "stop":
            await self._ask({"do": "leave", "how": "stop"})
        await self.close()

    # --- the connection ---

    async def open(self) -> None:
        """Connect once; raises LinkError.  From then on the link keeps itself alive."""
        reader = await self._greet()
        self._task = asyncio.create_task(self._live(reader), name="link")

    async def close(self) -> None:
        task, self._task = self._task, None
        writer = self._writer
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if writer:
            await hang_up(writer)

    async def _live(self, reader: asyncio.StreamReader | None) -> None:
        """`reader`: of the connection that is open already; None: begin with making one."""
        try:
            reader = reader or await self._come_back((0.0, *self._waits))
            while True:
                await self._follow(reader)
                self._lost("the engine is gone")
                reader = await self._come_back(self._waits)
        finally:
            self._lost("this face has left")

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        """Take what the engine sends until it goes away."""
        while True:
            try:
                line = await reader.readline()
                if not line.endswith(b"\n"):
                    return
                self._came += 1
                self._take(json.loads(line))
            except (OSError, ValueError):
                return

    async def _come_back(self, waits: tuple[float, ...]) -> asyncio.StreamReader:
        loop = asyncio.get_running_loop()
        for wait in chain(waits, repeat(waits[-1])):
            self._again_at = loop.time() + wait
            self._tell()
            await asyncio.sleep(wait)
            try:
                return await self._greet()
            except LinkError as error:
                self._gone = str(error)
        raise AssertionError  # repeat() never ends

    async def _greet(self) -> asyncio.StreamReader:
        """Say hello both ways and take the first World."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=WORLD_LIMIT)
        except OSError as error:
            raise LinkError("no engine is running") from error
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                greeting = json.loads(await reader.readline() or b"{}")
                mine = {**hello(), "want": "watch"}
                if refused := objection(greeting, mine):
                    raise LinkError(refused)
                writer.write(dumps(mine).encode() + b"\n")
            async with asyncio.timeout(FIRST_SECONDS):
                first = json.loads(await reader.readline() or b"{}")
            if "refused" in first:
                raise LinkError(str(first["refused"]))
            if "world" not in first:
                raise LinkError("the engine hung up")
        except (OSError, ValueError, TimeoutError) as error:
            await hang_up(writer)
            raise LinkError("the engine does not answer") from error
        except LinkError:
            await hang_up(writer)
            raise
        self._writer, self._gone = writer, ""
        self._take(first)
        return reader

    def _take(self, message: dict[str, Any]) -> None:
        changed = message.get("world")
        if isinstance(changed, dict):
            self.world = replace(self.world, **{name: decode_field(name, data) for name, data in changed.items()})
            self._tell()
            return
        waiting = self._waiting.pop(message.get("id") or 0, None)
        if waiting and not waiting.done():
            waiting.set_result(message)

    def _tell(self) -> None:
        for heard in tuple(self._heard):
            heard(self.world)

    def _lost(self, why: str) -> None:
        writer, self._writer = self._writer, None
        self._gone = why
        if writer:
            writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LinkError(f"{why}: {PERHAPS}"))
        self._waiting.clear()

    async def _ask(self, message: dict[str, Any], seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        if self._writer is None:
            raise LinkError(self.trouble or "no engine is running")
        self._number += 1
        number = self._number
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        writer, came = self._writer, self._came
        try:
            writer.write(dumps({"id": number, **message}).encode() + b"\n")
            async with asyncio.timeout(seconds):
                reply = await waiting
        except TimeoutError as error:  # before OSError, of which it is one
            if came == self._came:
                writer.transport.abort()  # the reader then sees the end, and makes a new connection
            raise LinkError(f"no answer in {seconds:.0f} s: {PERHAPS}") from error
        except OSError as error:
            raise LinkError(f"the engine does not answer: {PERHAPS}") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in reply:
            raise LinkError(str(reply["error"]))
        return reply
