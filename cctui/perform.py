"""Perform: each effect done with the adapters, and what came of it returned as an event.

Disk work runs in one thread, in the order in which it was asked for, so a scan never sees a half-made move of our own;
git, which may take its time, runs beside it.  Every effect can be performed twice: after a crash between two of its
steps the ordinary look asks for it again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from cctui.adapters import claude, notes, reports, teardown
from cctui.adapters.claude import ClaudeError
from cctui.adapters.health import is_disk
from cctui.adapters.keystrokes import TypingError, type_words
from cctui.adapters.ledger import Ledger, LedgerError
from cctui.adapters.legs import leg_plan
from cctui.adapters.rundir import LegPlan, RunDir, RunDirError
from cctui.adapters.store import Store, StoreError
from cctui.adapters.taskdir import TaskDir, TaskDirError
from cctui.adapters.tmux import Tmux, TmuxError
from cctui.adapters.windows import Windows
from cctui.adapters.workspace import Workspace, WorkspaceError
from cctui.core.effects import (
    AddFile,
    Approve,
    EditFile,
    Effect,
    Finish,
    Fire,
    Halt,
    KeepWords,
    Launch,
    MoveFile,
    RestoreFile,
    RollBack,
    SaveMemory,
    SavePlan,
    SaveWatch,
    SaveWindow,
    Tell,
    TrashFile,
    TypeWords,
    WriteReport,
)
from cctui.core.events import EffectFailed, Event, Filed, Fired, Launched, LaunchFailed, RolledBack, Typed
from cctui.core.filing import with_changes
from cctui.core.launch import session_name
from cctui.core.settings import Settings
from cctui.core.world import Changes, Memory, Part, Phase, Tree
from cctui.places import Places

T = TypeVar("T")
ADAPTERS = (ClaudeError, LedgerError, RunDirError, StoreError, TaskDirError, TmuxError, TypingError, WorkspaceError)


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
    workspace: Workspace
    store: Store
    ledger: Ledger
    tmux: Tmux
    disk: ThreadPoolExecutor
    memory: Callable[[], Memory]
    """What is to be remembered now.  An effect may be done long after it was decided, and must not bring back what was
    true then."""

    async def on_disk(self, work: Callable[..., T], *args: object) -> T:
        """Run `work` in the disk thread, after everything asked for before it."""
        return await asyncio.get_running_loop().run_in_executor(self.disk, lambda: work(*args))

    async def perform(self, effect: Effect) -> Event | None:
        """Do it; the event that answers it, if it is one that is answered.  Raises the adapter's error."""
        match effect:
            case Launch():
                return await self._launch(effect)
            case Finish():
                return await self._finish(effect)
            case RollBack(run_id, force):
                return await self._roll_back(run_id, force)
            case TypeWords(run_id, session, text, at):
                await type_words(self.tmux, self.rundir.folder(run_id), session, text, at)
                return Typed(run_id)
            case Fire():
                await self.on_disk(self.taskdir.fire, effect.path, effect.name, effect.due, effect.deadline)
                return Fired(effect)
            case _:
                await self.on_disk(self._change, effect)
                return None

    def _change(self, effect: Effect) -> None:
        """Effects that are one short change on the disk."""
        match effect:
            case Halt(run_id, why):
                self.rundir.halt(run_id, why)
            case Tell(run_id, why):
                self.rundir.tell(run_id, why)
            case Approve(run_id):
                self.rundir.approve(run_id)
            case KeepWords(run_id, number, text):
                self.rundir.keep_words(run_id, number, text)
            case SavePlan(spec, ending):
                plan = self.rundir.plan(spec.run_id) or (ending.result.text if ending.result else "")
                self.rundir.keep_plan(spec.run_id, plan)
                notes.write_plan(self.places, spec, plan, self.rundir.secrets(spec.run_id))
            case SaveMemory():
                self.store.save(self.memory())
            case EditFile():
                self._edit(effect)
            case AddFile(name, text):
                self.taskdir.add(name, text)
            case MoveFile(path, to):
                self.taskdir.file(path, to)
            case TrashFile(path, to):
                self.taskdir.trash(path, to)
            case RestoreFile(path=place):
                self.taskdir.restore(place)
            case SaveWindow(window):
                Windows(self.places.windows).close(window)
            case SaveWatch(watch):
                Windows(self.places.windows).keep(watch)
            case WriteReport(day, text):
                reports.write(self.places, day, text, anew=False)

    # --- launching ---------------------------------------------------------------------------------------------------

    async def _launch(self, effect: Launch) -> Event:
        """Run folder, worktree or snapshot, the leg's files, the claim (the file moves to active/), then one tmux call
        that creates, tags and starts."""
        spec = effect.spec
        try:
            if effect.leg == 1:
                await self.on_disk(self._make, effect)
                tree = await asyncio.to_thread(self.workspace.prepare, spec)
                await self.on_disk(self._claim, effect, tree)
            else:
                tree = await asyncio.to_thread(self.workspace.read, spec.run_id)
                await self.on_disk(self._add_leg, effect, tree)
        except (ClaudeError, OSError, RunDirError, TaskDirError, WorkspaceError) as error:
            raise Unclaimed(str(error) or type(error).__name__) from error
        argv = self.rundir.wrapper_argv(spec.run_id, effect.leg)
        env = {"PATH": self.environ.get("PATH", os.defpath), "CCTUI_TASK": spec.task}
        session = session_name(spec, effect.leg)
        typing = effect.kind.part is Part.ATTENDED
        await self.tmux.start(session, argv, str(self.places.root), env, spec.run_id, typing=typing)
        return Launched(spec.run_id, effect.leg, tree)

    def _make(self, effect: Launch) -> None:
        spec = effect.spec
        if not self.rundir.folder(spec.run_id).exists():
            self.rundir.make(spec, claude.prompt(self.places, self.taskdir.body(_path(effect))))

    def _claim(self, effect: Launch, tree: Tree | None) -> None:
        path = _path(effect)
        self._add_leg(effect, tree)
        self.taskdir.claim(path)

    def _add_leg(self, effect: Launch, tree: Tree | None) -> None:
        self.rundir.add_leg(effect.spec.run_id, effect.leg, self._plan(effect, tree))

    def _plan(self, effect: Launch, tree: Tree | None) -> LegPlan:
        return leg_plan(
            effect.spec,
            self.settings,
            leg=effect.leg,
            kind=effect.kind,
            resume=effect.resume,
            folder=tree.folder if tree else effect.spec.folder,
            run_dir=self.rundir.folder(effect.spec.run_id),
            environ=self.environ,
            evidence=effect.evidence,
            seconds=effect.seconds,
        )

    # --- filing ------------------------------------------------------------------------------------------------------

    async def _finish(self, effect: Finish) -> Event:
        """What is left alive, tear-down, worktree; note, history line, memory; last the file's move, the commit."""
        spec = effect.spec
        await self.on_disk(self.rundir.clear, spec.run_id)
        changes = await asyncio.to_thread(self._leave, effect)
        return await self.on_disk(self._file, replace(effect, record=with_changes(effect.record, changes)), changes)

    def _leave(self, effect: Finish) -> Changes | None:
        """The run's folder as it is to be left: torn down, counted, kept, removed or rolled back."""
        spec = effect.spec
        tree = self.workspace.read(spec.run_id)
        if tree is None:
            return None
        if spec.teardown and tree.worktree:
            env = claude.environment(self.settings, self.environ)
            log = self.rundir.folder(spec.run_id) / "output.log"
            teardown.tear_down(spec.teardown, tree.folder, env, log, self.settings.worktree.setup_timeout)
        return self.workspace.finish(spec, failed=not effect.record.success)

    def _file(self, effect: Finish, changes: Changes | None) -> Event:
        spec = effect.spec
        path = f"{Phase.ACTIVE.value}/{spec.path.partition('/')[2]}"
        if not effect.claimed and not (self.places.tasks / path).exists():
            path = spec.path
        text = self.taskdir.read(path) if (self.places.tasks / path).exists() else ""
        about = notes.About(
            ending=effect.ending,
            changes=changes,
            output=effect.ending.output_tail if effect.ending else "",
            task=text,
            plan=self.rundir.plan(spec.run_id),
            returned=self.rundir.result_json(spec.run_id),
            secrets=self.rundir.secrets(spec.run_id),
        )
        notes.write_note(self.places, spec, effect.record, about)
        self.ledger.append(effect.record)
        self.store.save(self.memory())
        if (self.places.tasks / path).exists():
            self._settle(path, effect.to)
        self.rundir.close(spec.run_id)
        return Filed(spec.run_id, effect.record)

    def _settle(self, path: str, to: Phase) -> None:
        """A newer file of the same name in pending/ takes the place of one that would be tried again."""
        pending = f"{Phase.PENDING.value}/{path.partition('/')[2]}"
        taken = to is Phase.PENDING and path != pending and (self.places.tasks / pending).exists()
        self.taskdir.file(path, Phase.FAILED if taken else to)

    # --- the rest ----------------------------------------------------------------------------------------------------

    async def _roll_back(self, run_id: str, force: bool) -> Event:
        try:
            text = await asyncio.to_thread(lambda: self.workspace.rollback(run_id, force=force))
            return RolledBack(run_id, ok=True, text=text)
        except WorkspaceError as error:
            return RolledBack(run_id, ok=False, text=str(error))

    def _edit(self, effect: EditFile) -> None:
        """The line, in whatever folder the file lies by now: it may have been claimed since this was decided."""
        name = effect.path.partition("/")[2]
        places = (effect.path, *(f"{phase.value}/{name}" for phase in Phase))
        path = next((path for path in places if (self.places.tasks / path).exists()), effect.path)
        self.taskdir.edit(path, effect.field, effect.value)


def _path(effect: Launch) -> str:
    if effect.task is None:
        raise ClaudeError(f"{effect.spec.task}: its file is gone, so there is nothing to run")
    return effect.task.path


def foreseen(error: Exception) -> bool:
    """An error whose text says all there is to say: an adapter's own, or the system's."""
    return isinstance(error, (Unclaimed, OSError, *ADAPTERS))


def failure(effect: Effect, error: Exception) -> Event:
    """The event for an effect that raised.

    What tmux or the disk does wrong is not the task's fault: no attempt is spent, and the queue holds until that is
    mended."""
    text = str(error) or type(error).__name__
    if isinstance(effect, Launch):
        program = "tmux" if isinstance(error, TmuxError) else "disk" if is_disk(error) else None
        program = program or getattr(error, "program", None)
        claimed = effect.leg > 1 or not isinstance(error, Unclaimed)
        return LaunchFailed(effect.spec.run_id, effect.leg, text, program, claimed)
    if isinstance(effect, RollBack):
        return RolledBack(effect.run_id, ok=False, text=text)
    return EffectFailed(effect, text)
