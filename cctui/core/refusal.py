"""Refusal: whether a command can be done now, and if not, why.  Pure.

Every face asks this before it offers a key, and `step` asks it again before it carries a command out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cctui.core import firing, moving, queue
from cctui.core.inverse import SETTLE
from cctui.core.runners import needs_claude
from cctui.core.watching import as_claimed
from cctui.core.words import safe_text, say
from cctui.core.world import (
    Add,
    Broken,
    Command,
    Done,
    Edit,
    Halting,
    Hold,
    Move,
    Part,
    Pause,
    Phase,
    Place,
    Reason,
    Remove,
    Reply,
    Restore,
    RetryTask,
    Rollback,
    Run,
    RunNow,
    Skip,
    Stage,
    StopRun,
    TakeOver,
    Task,
    Together,
    Undo,
    Why,
    World,
)

LIVE = (Phase.PENDING, Phase.ACTIVE, Phase.RECURRING)
REPLY_CHARS = 4000
"""The longest reply to a run, in characters."""


def refusal(world: World, command: Command, now: datetime) -> Reason | None:
    """Why `command` cannot be done now; None: it can."""
    match command:
        case Hold():
            return None
        case Add(name=name):
            taken = [entry.name for entry in world.broken if entry.phase in LIVE]
            live = name in world.tasks and world.tasks[name].phase in LIVE
            return Reason(Why.EXISTS, name) if live or name in taken else None
        case Restore(name=name):
            known = name in world.tasks or any(entry.name == name for entry in world.broken)
            return Reason(Why.EXISTS, name) if known else None
        case Together(commands=parts):
            return _no_together(world, parts, now)
        case Undo():
            return _no_undo(world, now)
        case Rollback(run_id=run_id):
            return _no_rollback(world, run_id)
        case Remove(task=name) if broken_file(world, name):
            return None
        case Edit(task=name) if name not in world.tasks and broken_file(world, name):
            return None
        case StopRun(task=name) if name not in world.tasks and (run := queue.run_of(world, name)):
            # Its file is gone or broken; what runs can be stopped all the same.
            return _no_stop(name, run)
        case Reply(task=name, text=text) if name in world.tasks or queue.run_of(world, name):
            return _no_reply(name, queue.run_of(world, name), text)
        case _:
            pass
    task = world.tasks.get(command.task)
    if task is None:
        broken = broken_file(world, command.task)
        return Reason(Why.INVALID, broken.problems[0].text) if broken else Reason(Why.UNKNOWN, command.task)
    return _refused(world, task, command, now)


def _refused(world: World, task: Task, command: Command, now: datetime) -> Reason | None:
    run = queue.run_of(world, task.name)
    match command:
        case Move():
            return _no_move(world, task, command, now)
        case Pause(on=on):
            if task.phase not in LIVE:
                return _state(task, "is over; R puts it back into the queue")
            return _state(task, f"is {'paused' if on else 'not paused'} already") if task.paused is on else None
        case Skip(on=on):
            return _no_skip(world, task, on, now)
        case RunNow() if task.phase is Phase.RECURRING:
            return None if queue.ready(world) else Reason(Why.STARTING)
        case RunNow(force=force):
            return _no_run(world, task, run, force, now)
        case StopRun():
            return _no_stop(task.name, run)
        case TakeOver():
            return _no_take_over(world, task, run, now)
        case RetryTask():
            return _no_retry(world, task, run)
        case Edit(field="name") if run:
            return _state(task, "runs: its name is fixed until it ends")
        case Remove() if run:
            return _state(task, "has an open run: stop it first")
        case _:
            return None


def _no_together(world: World, parts: tuple[Command, ...], now: datetime) -> Reason | None:
    """Only when all of them are refused: with the reason of the first."""
    if any(isinstance(part, Undo) for part in parts):
        return Reason(Why.VALUE, "taking back is a step of its own")
    reasons = [refusal(world, part, now) for part in parts]
    return next(iter(reasons), Reason(Why.VALUE, "nothing is chosen")) if all(reasons) else None


def _no_undo(world: World, now: datetime) -> Reason | None:
    """What cannot be taken back just now is refused and stays; what never can be is let go of: see `lost`."""
    if not world.memory.done:
        return Reason(Why.STATE, "there is nothing to take back")
    done = world.memory.done[-1]
    reason = refusal(world, done.undo, now)
    if reason is None or lost(world, done, now):
        return None
    return Reason(Why.STATE, f"{done.label}: {say(reason, now)}", until=reason.until)


def lost(world: World, done: Done, now: datetime) -> str:
    """Why a step can never be taken back, so that it is forgotten for those before it; empty: it can, or it may yet.

    It may yet while a run of it is open, and as long as the folders may not show it."""
    if now - done.at <= SETTLE:
        return ""
    if isinstance(done.undo, Remove) and (task := world.tasks.get(done.undo.task)) and task.phase in queue.OVER:
        ran = (record.ended or record.timestamp for record in world.records if record.task_id == task.name)
        if any(at > done.at for at in ran):
            return f"{task.name} has run since"
    if isinstance(done.undo, Skip):
        mark = world.memory.firings.get(done.undo.task)
        if mark and mark.until > done.at:
            return "that firing has passed"
    reason = refusal(world, done.undo, now)
    if reason is None or any(queue.run_of(world, name) for name in about(done.undo)):
        return ""
    return say(reason, now)


def about(command: Command) -> tuple[str, ...]:
    """The tasks it is about."""
    match command:
        case Together(commands=parts):
            return tuple(name for part in parts for name in about(part))
        case Hold() | Rollback() | Undo():
            return ()
        case Add(name=name) | Restore(name=name):
            return (name,)
        case _:
            return (command.task,)


def _no_stop(name: str, run: Run | None) -> Reason | None:
    if run is None or run.stage is Stage.FILING:
        return Reason(Why.STATE, f"{name} does not run")
    return Reason(Why.STATE, f"{name} is being stopped already") if run.stopping else None


def _no_take_over(world: World, task: Task, run: Run | None, now: datetime) -> Reason | None:
    if run is None:
        return _state(task, "does not run")
    if not needs_claude(run.spec.runner):
        return _state(task, f"is no conversation: its runner is {run.spec.runner}")
    if run.part is Part.ATTENDED and run.stage is not Stage.PARKED:
        return _state(task, "is yours already: attach to it")
    if run.stage is Stage.PARKED and not run.stopping:
        asked = replace(world, forced={**world.forced, task.name: True})
        held = queue.held(queue.scene(asked, now), as_claimed(world, run))
        return next((reason for reason in held if reason.why is not Why.NEEDS_YOU), None)
    if run.stopping or run.halting in (Halting.STALL, Halting.TAKEOVER) or run.halted:
        return _state(task, "is being ended already")
    if run.part in (Part.CHECK, Part.SETUP):
        return _state(task, "runs its check just now" if run.part is Part.CHECK else "is being set up just now")
    return None if run.stage is Stage.RUNNING else _state(task, "is between two steps")


def _no_reply(name: str, run: Run | None, text: str) -> Reason | None:
    """Words that no conversation could ever hear are refused; all others are kept until it hears them."""
    said = safe_text(text).strip()
    if not said:
        return Reason(Why.VALUE, "no words: a reply says something")
    if len(said) > REPLY_CHARS:
        return Reason(Why.VALUE, f"{len(said):,} characters: a reply has at most {REPLY_CHARS:,}")
    if run is None:
        return Reason(Why.STATE, f"{name} does not run: nobody would hear you")
    if not needs_claude(run.spec.runner):
        return Reason(Why.STATE, f"{name} is no conversation: its runner is {run.spec.runner}")
    if run.stopping or run.halting is Halting.TAKEOVER:
        return Reason(Why.STATE, f"{name} is being {'stopped' if run.stopping else 'handed over to you'}")
    match run.stage:
        case Stage.CLAIMED | Stage.LAUNCHING:
            return Reason(Why.STATE, f"{name} is starting: try again in a moment")
        case Stage.FILING:
            return Reason(Why.STATE, f"{name} has ended")
        case Stage.RUNNING if run.part in (Part.CHECK, Part.SETUP):
            return Reason(Why.STATE, f"{name} {NO_EARS[run.part]}: it hears nothing")
    return None


NO_EARS = {Part.CHECK: "runs its check just now", Part.SETUP: "is being set up just now"}


def _no_rollback(world: World, run_id: str) -> Reason | None:
    run = world.runs.get(run_id)
    if run is not None:
        return Reason(Why.STATE, f"{run.spec.task} is still open: stop it first")
    folder = next((record.project for record in world.records if record.run_id == run_id), None)
    at_work = (run for run in world.runs.values() if run.stage is not Stage.PARKED and not run.spec.worktree)
    other = next((run.spec.task for run in at_work if folder and run.spec.folder == folder), None)
    return Reason(Why.FOLDER, other) if other else None


def _no_move(world: World, task: Task, move: Move, now: datetime) -> Reason | None:
    order = world.line.order
    if task.phase is Phase.RECURRING:
        return _state(task, "is a template: its firings have a place in the queue")
    if task.name not in order:
        return _state(task, "is not in the queue")
    if move.place in (Place.BEFORE, Place.AFTER) and (move.other not in order or move.other == task.name):
        return Reason(Why.UNKNOWN, move.other or "")
    if move.place in (Place.UP, Place.TOP) and order[0] == task.name:
        return _state(task, "is first already")
    if move.place in (Place.DOWN, Place.BOTTOM) and order[-1] == task.name:
        return _state(task, "is last already")
    held = moving.stuck(world, move, now)
    return Reason(Why.STATE, held) if held else None


def _no_run(world: World, task: Task, run: Run | None, force: bool, now: datetime) -> Reason | None:
    if run and run.stage is not Stage.PARKED:
        return _state(task, "runs already")
    if run is None and task.phase is not Phase.PENDING:
        return _state(task, "is not in the queue; R puts it back")
    if run and queue.plan_waits(run):
        return None
    asked = replace(world, forced={**world.forced, task.name: force})
    # A full house is no refusal: it starts as soon as a slot or its folder is free.
    waits = (Why.SLOTS, Why.FOLDER, Why.BLIND, Why.CANARY, Why.STAGGER)
    return next((reason for reason in queue.blocks(asked, task, now) if reason.why not in waits), None)


def _no_skip(world: World, task: Task, on: bool, now: datetime) -> Reason | None:
    if task.phase is not Phase.RECURRING:
        return _state(task, "is no template: only recurring work can be skipped")
    if firing.next_fire(world, task, now) is None:
        return _state(task, "is paused" if task.paused else "has no firing ahead")
    if firing.skips(world, task) is on:
        return _state(task, "leaves out its next firing already" if on else "leaves out no firing")
    return None


def _no_retry(world: World, task: Task, run: Run | None) -> Reason | None:
    if run:
        return _state(task, "has an open run")
    if task.phase is Phase.PENDING and task.name not in world.memory.retries:
        return _state(task, "is in the queue already")
    return _state(task, "is a template") if task.phase is Phase.RECURRING else None


def _state(task: Task, text: str) -> Reason:
    return Reason(Why.STATE, f"{task.name} {text}")


def broken_file(world: World, name: str) -> Broken | None:
    return next((entry for entry in world.broken if name in (entry.path, entry.name)), None)
