"""Launching: what a run is started as.  Pure; the same task, attempt and moment always give the same run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import count
from uuid import NAMESPACE_URL, uuid5

from cctui.core import capacity, runners
from cctui.core.effects import Launch
from cctui.core.retry import LEAST_LEFT, first_part
from cctui.core.settings import Project, Settings, WorktreeSettings
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Ending,
    Leg,
    Part,
    Run,
    Spec,
    Stage,
    Task,
    Why,
    World,
)


def run_id(world: World, task: str, attempt: int, now: datetime) -> str:
    """Sorts by time and is safe as a file and tmux session name: ``20261121-031405-3fa9c1``.

    Never one that is known already, even if a clock was set back to the very same moment."""
    taken = world.runs.keys() | {record.run_id for record in world.records if record.task_id == task}
    marks = (sha256(f"{task}/{attempt}/{now.isoformat()}/{number}".encode()).hexdigest()[:6] for number in count())
    return next(ident for mark in marks if (ident := f"{now:%Y%m%d-%H%M%S}-{mark}") not in taken)


def session_name(spec: Spec, leg: int) -> str:
    """Of the tmux session in which a leg runs: its own, since the last one's may still be closing."""
    return spec.session if leg == 1 else f"{spec.session}-{leg}"


def claim(world: World, task: Task, now: datetime) -> tuple[World, Launch]:
    """A new run of `task`, on its first leg."""
    spec = spec_of(world, task, now)
    kind = Leg(first_part(spec))
    run = Run(spec, Stage.LAUNCHING, leg_started=now, legs=(kind,))
    effect = Launch(spec, 1, task=task, kind=kind, seconds=seconds(world.settings, run, None))
    return _begun(world, run), effect


def spec_of(world: World, task: Task, now: datetime) -> Spec:
    """All that the run will ever need to know of its task, whatever becomes of the file meanwhile."""
    retry = world.memory.retries.get(task.name)
    attempt = (retry.attempts if retry else 0) + 1
    ident = run_id(world, task.name, attempt, now)
    account, settings = task.account or "default", world.settings
    project = project_of(settings.worktree, task.folder)
    return Spec(
        run_id=ident,
        task=task.name,
        path=task.path,
        attempt=attempt,
        runner=task.runner,
        kind=task.kind,
        mode=task.mode,
        folder=task.folder,
        started=now,
        timeout=task.timeout or settings.run.default_timeout,
        session=f"cc-{ident}",
        session_id=str(uuid5(NAMESPACE_URL, f"cctui:{ident}")),
        model=task.model,
        account=account,
        capacity_before=capacity.used(world, FIVE_HOUR, now, account),
        week_before=capacity.used(world, SEVEN_DAY, now, account),
        forced=task.name in world.forced,
        via=runners.via(task.runner, world.plugins or ()),
        command=task.command,
        call=task.call,
        check=task.check,
        check_timeout=task.check_timeout or settings.run.check_timeout,
        max_iterations=task.max_iterations,
        max_turns=task.max_turns,
        max_budget_usd=task.max_budget_usd,
        effort=task.effort,
        allowed_tools=task.allowed_tools,
        bypass_permissions=task.bypass_permissions,
        env=task.env,
        worktree=task.worktree,
        rollback=settings.run.rollback_on_failure if task.rollback is None else task.rollback,
        setup=project.setup if task.worktree else "",
        teardown=project.teardown if task.worktree else "",
    )


def project_of(settings: WorktreeSettings, folder: str) -> Project:
    """The set-up and tear-down for worktrees of `folder`: of the nearest project above it, else the general ones."""
    above = [each for each in settings.projects if f"{folder}/".startswith(each.path.rstrip("/") + "/")]
    general = Project("", settings.setup, settings.teardown)
    return max(above, key=lambda each: len(each.path), default=general)


def again(world: World, run: Run, now: datetime) -> tuple[World, Launch]:
    """The same leg of a run that was claimed but never started; harmless if it did start after all."""
    run = replace(run, stage=Stage.LAUNCHING, leg_started=now)
    return _begun(world, run), _launch(world, run, run.legs[-1], None)


def resume(world: World, run: Run, now: datetime, part: Part | None = None) -> tuple[World, Launch]:
    """The next leg of a parked run: the same conversation in the same folder."""
    stop = run.parked
    kind = Leg(stop.part, stop.why) if stop else Leg()
    waited = (now - stop.since).total_seconds() if stop else 0.0
    parked_s = run.parked_s + max(waited, 0.0)
    return follow(world, replace(run, parked_s=parked_s), Leg(part) if part else kind, now)


def follow(world: World, run: Run, kind: Leg, now: datetime) -> tuple[World, Launch]:
    """The next leg of a run, whatever it is for."""
    ended = run.ending
    later = replace(
        run,
        stage=Stage.LAUNCHING,
        leg=run.leg + 1,
        legs=(*run.legs, kind),
        leg_started=now,
        parked=None,
        ending=None,
        last=ended,
        heard=None,
        quiet=False,
        halting=None,
        halt_at=None,
        halted=False,
        asks="",
        work=ended if kind.part is Part.CHECK and run.part is not Part.CHECK else run.work,
    )
    return _begun(world, later), _launch(world, later, kind, run)


def _launch(world: World, run: Run, kind: Leg, before: Run | None) -> Launch:
    ended = before.ending if before else None
    parked = before.parked if before else None
    evidence = ""
    if kind.why == Why.CHECK and ended:
        evidence = f"{parked.text if parked else ''}\n{ended.output_tail}".strip()
    elif kind.why == Why.UNFINISHED and parked:
        evidence = parked.text
    return Launch(
        run.spec,
        run.leg,
        resume=run.leg > 1 and kind.why != Why.FRESH and _talked(run),
        task=world.tasks.get(run.spec.task),
        kind=kind,
        evidence=evidence,
        seconds=seconds(world.settings, run, ended),
    )


def _talked(run: Run) -> bool:
    """Whether an earlier leg has begun a conversation."""
    return any(leg.part in CONVERSING for leg in run.legs[:-1]) and runners.needs_claude(run.spec.runner)


CONVERSING = (Part.PLAN, Part.WORK, Part.ATTENDED)


def seconds(settings: Settings, run: Run, ended: Ending | None) -> float | None:
    """The time limit of the run's newest leg.  A wait was not the task's doing: after one the whole time counts anew;
    the rounds of a loop share it."""
    leg, spec = run.legs[-1], run.spec
    match leg.part:
        case Part.ATTENDED:
            return None
        case Part.CHECK:
            return spec.check_timeout
        case Part.SETUP:
            return settings.worktree.setup_timeout
    if leg.why in (Why.CHECK, Why.UNFINISHED) and ended:
        return max(spec.timeout - ended.duration_s, LEAST_LEFT)
    return spec.timeout


def _begun(world: World, run: Run) -> World:
    """`world` with the run in it, and its task no longer in the queue."""
    name = run.spec.task
    forced = {task: force for task, force in world.forced.items() if task != name}
    order = tuple(other for other in world.line.order if other != name)
    return replace(
        world, runs={**world.runs, run.spec.run_id: run}, forced=forced, line=replace(world.line, order=order)
    )
