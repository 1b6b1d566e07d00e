"""Perform: each effect done with the adapters, and what came of it returned as an event.

Disk work runs in one thread, in the order in which it was asked for, so a scan never sees a half-made move of our own.
Every effect can be performed twice: after a crash between two of its steps the ordinary look asks for it again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from cctui.adapters import claude, notes
from cctui.adapters.claude import ClaudeError
from cctui.adapters.ledger import Ledger
from cctui.adapters.rundir import LegPlan, RunDir, RunDirError
from cctui.adapters.store import Store
from cctui.adapters.taskdir import TaskDir, TaskDirError
from cctui.adapters.tmux import Tmux
from cctui.core.events import (
    AddFile,
    EditFile,
    Effect,
    Event,
    Filed,
    Finish,
    Halt,
    Launch,
    Launched,
    MoveFile,
    SaveMemory,
    TrashFile,
)
from cctui.core.launch import session_name
from cctui.core.settings import Settings
from cctui.core.world import Phase
from cctui.places import Places

T = TypeVar("T")


class Unclaimed(Exception):
    """A leg could not be prepared; nothing has been started, and its file was not moved."""


@dataclass(frozen=True, slots=True)
class Hands:
    """The adapters of one root, and the one thread for its disk."""

    places: Places
    settings: Settings
    environ: Mapping[str, str]
    taskdir: TaskDir
    rundir: RunDir
    store: Store
    ledger: Ledger
    tmux: Tmux
    disk: ThreadPoolExecutor

    async def on_disk(self, work: Callable[..., T], *args: object) -> T:
        """Run `work` in the disk thread, after everything asked for before it."""
        return await asyncio.get_running_loop().run_in_executor(self.disk, lambda: work(*args))

    async def perform(self, effect: Effect) -> Event | None:
        """Do it; the event that answers it, if it is one that is answered.  Raises the adapter's error."""
        match effect:
            case Launch():
                return await self._launch(effect)
            case Finish():
                return await self.on_disk(self._finish, effect)
            case Halt(run_id):
                await self.on_disk(self.rundir.halt, run_id)
            case SaveMemory(memory):
                await self.on_disk(self.store.save, memory)
            case EditFile():
                await self.on_disk(self._edit, effect)
            case AddFile(name, text):
                await self.on_disk(self.taskdir.add, name, text)
            case MoveFile(path, to):
                await self.on_disk(self.taskdir.file, path, to)
            case TrashFile(path):
                await self.on_disk(self.taskdir.trash, path)
        return None

    async def _launch(self, effect: Launch) -> Event:
        """Run folder, then the claim (the file moves to active/), then one tmux call that creates, tags and starts."""
        try:
            await self.on_disk(self._claim, effect)
        except (ClaudeError, OSError, RunDirError, TaskDirError) as error:
            raise Unclaimed(str(error) or type(error).__name__) from error
        spec = effect.spec
        argv = self.rundir.wrapper_argv(spec.run_id, effect.leg)
        env = {"PATH": self.environ.get("PATH", os.defpath), "CCTUI_TASK": spec.task}
        session = session_name(spec, effect.leg)
        await self.tmux.start(session, argv, str(self.places.root), env, spec.run_id)
        return Launched(spec.run_id, effect.leg)

    def _claim(self, effect: Launch) -> None:
        spec, task = effect.spec, effect.task
        if effect.leg > 1:
            self.rundir.add_leg(spec.run_id, effect.leg, self._plan(effect))
            return
        if task is None:
            raise ClaudeError(f"{spec.task}: its file is gone, so there is nothing to run")
        body = self.taskdir.body(task.path)
        prompt = claude.prompt(self.places, body)
        self.rundir.make(spec, prompt, self._plan(effect))
        self.taskdir.claim(task.path)

    def _plan(self, effect: Launch) -> LegPlan:
        return claude.leg_plan(
            effect.spec,
            effect.task,
            self.settings,
            leg=effect.leg,
            resume=effect.resume,
            reason=effect.reason,
            prompt_file=self.places.runs / effect.spec.run_id / "prompt.md",
            environ=self.environ,
        )

    def _finish(self, effect: Finish) -> Event:
        """Note, history line, memory, then the file's move: the commit.  Last the folder is marked as filed."""
        spec = effect.spec
        path = f"{Phase.ACTIVE.value}/{spec.path.partition('/')[2]}"
        if not effect.claimed and not (self.places.tasks / path).exists():
            path = spec.path
        text = self.taskdir.read(path) if (self.places.tasks / path).exists() else ""
        tail = effect.ending.output_tail if effect.ending else ""
        notes.write_note(self.places, spec, effect.record, effect.ending, tail, text)
        self.ledger.append(effect.record)
        self.store.save(effect.memory)
        if (self.places.tasks / path).exists():
            self._settle(path, effect.to)
        self.rundir.close(spec.run_id)
        return Filed(spec.run_id, effect.record)

    def _settle(self, path: str, to: Phase) -> None:
        """A newer file of the same name in pending/ takes the place of one that would be tried again."""
        pending = f"{Phase.PENDING.value}/{path.partition('/')[2]}"
        taken = to is Phase.PENDING and path != pending and (self.places.tasks / pending).exists()
        self.taskdir.file(path, Phase.FAILED if taken else to)

    def _edit(self, effect: EditFile) -> None:
        """The line, in whatever folder the file lies by now: it may have been claimed since this was decided."""
        name = effect.path.partition("/")[2]
        places = (effect.path, *(f"{phase.value}/{name}" for phase in Phase))
        path = next((path for path in places if (self.places.tasks / path).exists()), effect.path)
        self.taskdir.edit(path, effect.field, effect.value)
