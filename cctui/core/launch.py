"""Launching: what a run is started as.  Pure; the same task, attempt and moment always give the same run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import count
from uuid import NAMESPACE_URL, uuid5

from cctui.core import capacity
from cctui.core.events import Launch
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Run, Spec, Stage, Task, World


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
    retry = world.memory.retries.get(task.name)
    attempt = (retry.attempts if retry else 0) + 1
    ident = run_id(world, task.name, attempt, now)
    account = task.account or "default"
    spec = Spec(
        run_id=ident,
        task=task.name,
        path=task.path,
        attempt=attempt,
        runner=task.runner,
        kind=task.kind,
        mode=task.mode,
        folder=task.folder,
        started=now,
        timeout=task.timeout or world.settings.run.default_timeout,
        session=f"cc-{ident}",
        session_id=str(uuid5(NAMESPACE_URL, f"cctui:{ident}")),
        model=task.model,
        account=account,
        capacity_before=capacity.used(world, FIVE_HOUR, now, account),
        week_before=capacity.used(world, SEVEN_DAY, now, account),
        forced=task.name in world.forced,
    )
    run = Run(spec, Stage.LAUNCHING, leg_started=now)
    return _begun(world, run), Launch(spec, 1, task=task)


def again(world: World, run: Run, now: datetime) -> tuple[World, Launch]:
    """The same leg of a run that was claimed but never started; harmless if it did start after all."""
    run = replace(run, stage=Stage.LAUNCHING, leg_started=now)
    resumed = run.leg > 1 and not run.fresh
    return _begun(world, run), Launch(run.spec, run.leg, resume=resumed, task=world.tasks.get(run.spec.task))


def resume(world: World, run: Run, now: datetime) -> tuple[World, Launch]:
    """The next leg of a parked run: the same conversation in the same folder."""
    parked = run.parked
    waited = (now - parked.since).total_seconds() if parked else 0.0
    leg = run.leg + 1
    later = replace(
        run,
        stage=Stage.LAUNCHING,
        leg=leg,
        leg_started=now,
        parked=None,
        ending=None,
        heard=None,
        quiet=False,
        parked_s=run.parked_s + max(waited, 0.0),
    )
    effect = Launch(
        run.spec,
        leg,
        resume=not run.fresh,
        task=world.tasks.get(run.spec.task),
        reason=parked.why.value if parked else "",
    )
    return _begun(world, later), effect


def _begun(world: World, run: Run) -> World:
    """`world` with the run in it, and its task no longer in the queue."""
    name = run.spec.task
    forced = {task: force for task, force in world.forced.items() if task != name}
    order = tuple(other for other in world.line.order if other != name)
    return replace(
        world, runs={**world.runs, run.spec.run_id: run}, forced=forced, line=replace(world.line, order=order)
    )
