"""The engine's own end of the link: the face in this process, and the socket server, both talk through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cctui.adapters import front
from cctui.adapters.editor import EditorError, editor_argv
from cctui.adapters.taskdir import TaskDir, TaskDirError
from cctui.adapters.workspace import WorkspaceError
from cctui.core import outlook
from cctui.core.answer import Answer, answer
from cctui.core.forecast import Plan
from cctui.core.launch import session_name
from cctui.core.naming import file_of
from cctui.core.world import Add, Broken, Command, Edit, Phase, Reason, Restore, Task, Together, Undo, Why, World
from cctui.link import How, LinkError
from cctui.planner import Planner, PlannerError
from cctui.runner.redact import redact, redact_all

if TYPE_CHECKING:
    from cctui.engine import Engine


def told(world: World, verb: str, args: Mapping[str, Any], now: datetime) -> Answer:
    """What a face or the command line is told: nothing in it that looks like a key or a token."""
    found = answer(world, verb, args, now)
    # The others hold no text that a task's file brought in unseen.
    return replace(found, data=redact_all(found.data)) if verb in ("show", "report") else found


def imagined(taskdir: TaskDir, world: World, command: Command | None, now: datetime) -> tuple[Task, ...] | Reason:
    """What the files would hold that a command writes, edits or brings back; a Reason: one would be no task.  Writes
    nothing."""
    texts: dict[str, str] = {}
    tasks = []
    try:
        for part in _parts(world, command):
            match part:
                case Add(name=name, text=text):
                    texts[f"{Phase.PENDING.value}/{name}.md"] = text
                case Edit(task=name, field=field, value=value) if name in world.tasks:
                    path = world.tasks[name].path
                    texts[path] = front.edited(texts.get(path) or taskdir.read(path), field, value)
                case Restore(path=place):
                    texts[place.partition("/")[2]] = taskdir.read_trash(place)
    except (TaskDirError, front.FrontError) as error:
        return Reason(Why.VALUE, str(error))
    added = {task.path: task.added for task in world.tasks.values()}
    for path, text in texts.items():
        found = taskdir.would_be(path, text)
        if isinstance(found, Broken):
            return Reason(Why.INVALID, found.problems[0].text)
        tasks.append(replace(found, added=added.get(path, now)))
    return tuple(tasks)


def _parts(world: World, command: Command | None) -> Iterator[Command]:
    """The single commands that one stands for."""
    match command:
        case Together(commands=parts):
            for part in parts:
                yield from _parts(world, part)
        case Undo() if world.memory.done:
            yield from _parts(world, world.memory.done[-1].undo)
        case None | Undo():
            return
        case _:
            yield command


class LocalLink:
    """A Link to an engine in this process.  It adds nothing to what the engine says."""

    hosting = True
    trouble: str | None = None

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.planner = Planner(engine.environ)

    @property
    def world(self) -> World:
        return self._engine.world

    def now(self) -> datetime:
        return self._engine.clock.now()

    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        return self._engine.subscribe(heard)

    def told(self, world: World, verb: str, args: Mapping[str, Any], now: datetime) -> Answer:
        """`told`, and with the newest plan's word on when each task starts and ends."""
        found, newest = told(world, verb, args, now), self.planner.newest
        if newest is None or verb != "ls" or not found.data:
            return found
        return replace(found, data=outlook.with_forecasts(found.data, newest, now))

    async def send(self, command: Command) -> Reason | None:
        return await self._engine.send(command)

    async def text(self, path_or_name: str) -> str:
        hands = self._engine.hands
        known = path_or_name in self.world.tasks
        if not known and path_or_name.startswith("logs/scheduler/") and ".." not in path_or_name:
            try:
                return redact(await asyncio.to_thread((hands.places.root / path_or_name).read_text, "utf-8", "replace"))
            except OSError as error:
                raise LinkError(f"{path_or_name} cannot be read: {error.strerror or error}") from error
        try:
            return redact(await hands.on_disk(hands.taskdir.read, self._file(path_or_name)))
        except TaskDirError as error:
            raise LinkError(str(error)) from error

    async def tail(self, run_id: str, lines: int = 200) -> str:
        hands = self._engine.hands
        return await asyncio.to_thread(hands.rundir.tail, run_id, lines)

    async def diff(self, run_id: str) -> str:
        try:
            return redact(await asyncio.to_thread(self._engine.hands.workspace.diff, run_id))
        except WorkspaceError as error:
            raise LinkError(str(error)) from error

    async def plan(self, command: Command | None = None, *, samples: int = 0, days: float = 7.0) -> Plan | Reason:
        files = await asyncio.to_thread(imagined, self._engine.hands.taskdir, self.world, command, self.now())
        if isinstance(files, Reason):
            return files
        try:
            return await self.planner.plan(
                self.world, self.now(), command, samples=samples, horizon=timedelta(days=days), files=files
            )
        except PlannerError as error:
            raise LinkError(str(error)) from error

    def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
        run = self.world.runs.get(run_id)
        if run is None:
            raise LinkError(f"run {run_id} has ended: its output is in the log")
        hands = self._engine.hands
        session = session_name(run.spec, run.leg)
        return hands.tmux.attach_argv(session, read_only=read_only, environ=self._engine.environ)

    def _file(self, name_or_path: str) -> str:
        """Raises LinkError."""
        file = file_of(self.world, name_or_path)
        if file is None:
            raise LinkError(f"there is no task file {name_or_path!r}")
        return file

    def edit_argv(self, name_or_path: str) -> list[str]:
        file = self._engine.hands.places.tasks / self._file(name_or_path)
        try:
            return editor_argv(self._engine.environ, file)
        except EditorError as error:
            raise LinkError(str(error)) from None

    async def leave(self, how: How) -> None:
        """End the engine in this process, either way: after a detach somebody else starts one that goes on."""
        await self._engine.leave()
