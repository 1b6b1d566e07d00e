"""The command line without an engine: the same World, folded from the disk, and the same rules for what may change.

Looking writes nothing.  Changing takes the engine's lock, does the file effects of one command, and lets go; whatever
would need a living engine is refused with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cctui.adapters.clock import Clock
from cctui.adapters.ledger import Ledger, LedgerError, Samples
from cctui.adapters.taskdir import TaskDir, TaskDirError
from cctui.cli.here import FAILED, INVALID, LOCKED, OK, Fail, Here, Reply, say
from cctui.core import answer as answers
from cctui.core import naming
from cctui.core.effects import AddFile, EditFile, Effect, Halt, KeepWords, MoveFile, RestoreFile, SaveMemory, TrashFile
from cctui.core.events import Asked, Checked, Configured, EffectFailed, Leaving, Loaded, Looked, Measured, Scanned
from cctui.core.step import refusal, step
from cctui.core.world import ClosedWindow, Command, Memory, Reason, Rollback, RunNow, Sight, World
from cctui.core.world import Reply as Said
from cctui.places import Places, PlacesError, make
from cctui.runner.redact import redact, redact_all

if TYPE_CHECKING:
    from cctui.lock import Lock

FILED = "filed"
"""The mark of a run folder that is closed, as in `adapters.rundir`: with nothing open its reader is not loaded."""
FIGURES = ("stats", "report")
LEARN_FROM = 500
"""Newest history lines that are read."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What one command needs of one root.  What is not there is not asked for: its reader costs milliseconds."""

    here: Here
    clock: Clock
    taskdir: TaskDir

    @property
    def places(self) -> Places:
        return self.here.places

    def now(self) -> datetime:
        return self.clock.now()

    def memory(self) -> Memory:
        if not self.places.db.exists():
            return Memory()
        from cctui.adapters.store import Store, StoreError

        store = Store(self.places.db)
        try:
            memory = store.load()
        except StoreError as error:
            raise Fail(str(error)) from None
        if store.trouble:
            say(store.trouble)
        return memory

    def save(self, memory: Memory) -> None:
        from cctui.adapters.store import Store, StoreError

        try:
            Store(self.places.db).save(memory)
        except StoreError as error:
            raise Fail(str(error)) from None

    def sights(self) -> tuple[Sight, ...]:
        runs = self.places.runs
        if not runs.is_dir() or all((run / FILED).exists() for run in runs.iterdir()):
            return ()
        from cctui.adapters.rundir import RunDir

        return RunDir(self.places.runs).look()

    def halt(self, run_id: str) -> None:
        from cctui.adapters.rundir import RunDir

        RunDir(self.places.runs).halt(run_id)

    def keep_words(self, run_id: str, number: int, text: str) -> None:
        from cctui.adapters.rundir import RunDir, RunDirError

        try:
            RunDir(self.places.runs).keep_words(run_id, number, text)
        except RunDirError as error:
            raise Fail(str(error)) from None


def disk(here: Here) -> Disk:
    clock = Clock()
    own = tuple(name for name, _ in here.settings.runners)
    return Disk(here, clock, TaskDir(here.places, clock.zone, own))


def fold(found: Disk, verb: str = "") -> World:
    """The World as an engine would see it that starts nothing.  Raises Fail for a disk that cannot be read."""
    try:
        return folded(found, windows(found) if verb in FIGURES else ())
    except LedgerError as error:
        raise Fail(str(error)) from None
    except OSError as error:
        raise Fail(unreadable(error)) from None


def unreadable(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def windows(found: Disk) -> tuple[ClosedWindow, ...]:
    """The windows that have ended, for the verbs that tell of them."""
    from cctui.adapters.windows import Windows

    return Windows(found.places.windows).load()[0]


def folded(found: Disk, ended: tuple[ClosedWindow, ...] = ()) -> World:
    places, now = found.places, found.now()
    ledger = Ledger(places.history)
    records, readings = ledger.tail(LEARN_FROM), Samples(places.capacity).recent(now)
    loaded = Loaded(found.memory(), records, ledger.totals(), readings, zone=found.clock.zone_name, windows=ended)
    world = World()
    events = (Leaving(), Configured(found.here.settings), loaded, Scanned(found.taskdir.scan()))
    # The programs are the engine's care: without one nothing starts here anyhow.
    for event in (*events, Looked(found.sights()), Checked({}), Measured((), asked=True)):
        world, _ = step(world, event, now)
    return world


def answer(here: Here, verb: str, args: dict[str, Any]) -> Reply:
    found = disk(here)
    # Nobody leaves here; it was only said so that the fold starts nothing.
    world = replace(fold(found, verb), draining=False)
    told = planned(found, world, args) if verb == "plan" else answers.answer(world, verb, args, found.now())
    data = redact_all(told.data) if verb in ("show", "report") else told.data
    return {"data": data, "errors": list(told.errors), "code": told.code, "engine": False}


def planned(found: Disk, world: World, args: dict[str, Any]) -> answers.Answer:
    """The plan, worked out here: there is no engine whose loop could wait for it."""
    from cctui.core import outlook, plan
    from cctui.local import imagined

    asked, now = outlook.question(world, args), found.now()
    if isinstance(asked, answers.Answer):
        return asked
    look = plan.sampled if asked.samples else plan.plan
    before = (plan.plan if asked.command else look)(world, now, horizon=asked.horizon)
    after: plan.Plan | Reason | None = None
    if asked.command:
        files = imagined(found.taskdir, world, asked.command, now)
        changed = files if isinstance(files, Reason) else plan.imagined(world, asked.command, now, files)
        after = changed if isinstance(changed, Reason) else look(changed, now, horizon=asked.horizon)
    return outlook.answer(asked, before, after, now)


def text(here: Here, path: str) -> str:
    """A task file's text.  Raises Fail."""
    try:
        return redact(disk(here).taskdir.read(path))
    except TaskDirError as error:
        raise Fail(str(error)) from None


def order(here: Here, data: dict[str, Any]) -> Reply:
    """Carry out one command under the engine's lock.  Raises Fail."""
    from cctui.codec import CodecError, decode
    from cctui.lock import Lock

    try:
        command: Command = decode(data)
        make(here.places)
    except (CodecError, PlacesError) as error:
        raise Fail(str(error), INVALID) from None
    lock = Lock(here.places.lock, here.places.socket)
    take(here, lock)
    try:
        return carried_out(disk(here), command)
    finally:
        lock.release()


def roll_back(here: Here, run_id: str, *, force: bool = False) -> Reply:
    """Undo what a run changed, under the engine's lock.  Raises Fail."""
    from cctui.adapters.workspace import Workspace, WorkspaceError
    from cctui.lock import Lock

    lock = Lock(here.places.lock, here.places.socket)
    take(here, lock)
    try:
        found = disk(here)
        world = fold(found)
        if reason := refusal(world, Rollback(run_id), found.now()):
            return naming.refused(world, Rollback(run_id), reason, found.now())
        text = Workspace(here.places, here.settings).rollback(run_id, force=force)
    except WorkspaceError as error:
        return {"data": None, "errors": [str(error)], "code": FAILED}
    finally:
        lock.release()
    return {"data": {"task": None, "run_id": run_id, "text": text}, "errors": [], "code": OK}


def take(here: Here, lock: Lock) -> None:
    """Raises Fail: 6 when another one holds the lock, 1 when its file cannot be written."""
    try:
        taken = lock.acquire()
    except OSError as error:
        raise Fail(f"cannot take the lock {here.places.lock}: {error.strerror}") from None
    if not taken:
        raise held(lock)


def held(lock: Lock) -> Fail:
    owner = lock.owner()
    who = f"process {owner.pid} (cctui {owner.version})" if owner else "another process"
    return Fail(f"{who} holds the lock but does not answer yet: try again, or see `ccq doctor`", LOCKED)


def carried_out(found: Disk, command: Command) -> Reply:
    world = fold(found)
    named = naming.whole(world, command)
    if isinstance(named, answers.Answer):
        return {"data": named.data, "errors": list(named.errors), "code": named.code}
    now = found.now()
    if isinstance(named, RunNow):
        raise Fail("no engine is running to start it: use `ccq run`")
    if reason := refusal(world, named, now):
        return naming.refused(world, named, reason, now)
    after, effects = step(world, Asked(named), now)
    if not effects:
        raise Fail("no engine is running to do that: `cctui headless --detach` starts one")
    for effect in effects:
        try:
            perform(found, effect)
        except (TaskDirError, OSError) as error:
            for mend in step(after, EffectFailed(effect, str(error)), now)[1]:
                perform(found, mend)
            return {"data": None, "errors": [str(error)], "code": FAILED}
    data, failures = naming.outcome(world, named, now)
    if isinstance(named, Said):
        data |= {"text": naming.heard(world, after, named)}
    return {"data": data, "errors": failures, "code": FAILED if failures else OK}


def perform(found: Disk, effect: Effect) -> None:
    match effect:
        case SaveMemory(memory):
            found.save(memory)
        case EditFile(path, field, value):
            found.taskdir.edit(path, field, value)
        case AddFile(name, text):
            found.taskdir.add(name, text)
        case MoveFile(path, to):
            found.taskdir.file(path, to)
        case TrashFile(path, to):
            found.taskdir.trash(path, to)
        case RestoreFile(path=place):
            found.taskdir.restore(place)
        case KeepWords(run_id, number, text):
            found.keep_words(run_id, number, text)
        case Halt(run_id):
            found.halt(run_id)
            say("it ends now; the next engine writes its record")
        case _:
            raise Fail("no engine is running to do that: `cctui headless --detach` starts one")
