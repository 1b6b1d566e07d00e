"""A Link with no engine behind it: it keeps what it was asked, and carries commands out in the pure core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Literal

from cctui.core.commands import carry_out
from cctui.core.step import refusal
from cctui.core.world import Add, Command, Edit, Level, Note, Phase, Reason, World
from tests.worlds import NOW


class FakeLink:
    def __init__(self, world: World, *, hosting: bool = True, clock: Callable[[], datetime] | None = None) -> None:
        self.world = world
        self.hosting = hosting
        self.trouble: str | None = None
        self.clock = clock or (lambda: NOW)
        self.heard: list[Callable[[World], None]] = []
        self.sent: list[Command] = []
        self.refuses: Reason | None = None
        """What the next command is refused with, whatever the core thinks of it."""
        self.fails = ""
        """What the disk says to every command."""
        self.left: list[str] = []
        self.texts: dict[str, str] = {}
        self.says = "reading papers\nfound 12\n"
        self.argv = ["true"]

    def now(self) -> datetime:
        return self.clock()

    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        self.heard.append(heard)
        return lambda: self.heard.remove(heard)

    def publish(self, world: World) -> None:
        self.world = world
        for heard in list(self.heard):
            heard(world)

    async def send(self, command: Command) -> Reason | None:
        self.sent.append(command)
        if self.refuses:
            given, self.refuses = self.refuses, None
            return given
        if reason := refusal(self.world, command, self.now()):
            return reason
        self.publish(carry_out(self.world, command, self.now())[0])
        # The disk comes after the answer, as with the real engine.
        asyncio.get_running_loop().call_soon(lambda: self.publish(self.filed(self.world, command)))
        return None

    def filed(self, world: World, command: Command) -> World:
        """What the disk makes of a command: the file as the next scan finds it, or the note of what went wrong."""
        if self.fails:
            seq = max((note.seq for note in world.notes), default=0) + 1
            return replace(world, notes=(*world.notes, Note(seq, self.now(), Level.BAD, self.fails)))
        match command:
            case Add(name=name):
                some = next(iter(world.tasks.values()))
                task = replace(some, name=name, path=f"pending/{name}.md", phase=Phase.PENDING)
                return replace(world, tasks={**world.tasks, name: task})
            case Edit(task=name):
                return replace(world, tasks={**world.tasks, name: replace(world.tasks[name])})
            case _:
                return world

    async def text(self, path_or_name: str) -> str:
        return self.texts.get(path_or_name, f"# {path_or_name}\n\nDo the work, then say what was done.\n")

    async def tail(self, run_id: str, lines: int = 200) -> str:
        return "\n".join(self.says.splitlines()[-lines:])

    def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
        return self.argv

    async def leave(self, how: Literal["detach", "stop"]) -> None:
        self.left.append(how)

    def progress(self, run_id: str, line: str) -> None:
        """The run says something."""
        run = self.world.runs[run_id]
        spoke = replace(run, progress=replace(run.progress, last_line=line))
        self.publish(replace(self.world, runs={**self.world.runs, run_id: spoke}))
