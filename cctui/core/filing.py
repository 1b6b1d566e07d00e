"""Filing: from an ended run to its record, its place, and what is remembered of it.  Pure.

Every value here follows from the run alone, so that finishing twice (after a crash between two steps) writes the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cctui.core import capacity
from cctui.core.effects import Finish
from cctui.core.retry import Done, Failed, attempt_wait
from cctui.core.settings import Settings
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Changes,
    Ending,
    ErrorType,
    Part,
    Phase,
    Record,
    Retry,
    Run,
    Spec,
    Status,
    Stop,
    Task,
    World,
)

DETAIL_LIMIT = 400


def finish(world: World, run: Run, ending: Ending, verdict: Done | Failed, now: datetime) -> Finish:
    """The effect that closes `run`: record, memory, and the folder its file goes to."""
    task = world.tasks.get(run.spec.task)
    to, retry = destination(run.spec, task, verdict, ending.ended, world.settings)
    retries = {name: kept for name, kept in world.memory.retries.items() if name != run.spec.task}
    if retry is not None:
        retries[run.spec.task] = retry
    return Finish(
        spec=run.spec,
        record=record(world, run, ending, verdict, now),
        to=to,
        memory=replace(world.memory, retries=retries),
        ending=ending,
    )


def destination(
    spec: Spec, task: Task | None, verdict: Done | Failed, ended: datetime, settings: Settings
) -> tuple[Phase, Retry | None]:
    """Where the file goes, and the attempts and back-off to remember if it goes back into the queue."""
    if isinstance(verdict, Done):
        return Phase.COMPLETED, None
    if verdict.final:
        return Phase.FAILED, None
    if spec.attempt >= (task.max_attempts if task else 1):
        return Phase.FAILED, None
    at = ended + timedelta(seconds=attempt_wait(spec.run_id, spec.attempt, settings.run))
    return Phase.PENDING, Retry(spec.attempt, at, verdict.text[:DETAIL_LIMIT])


def note_path(spec: Spec) -> str:
    """Of the run note, relative to ROOT; the day is the local one of the start."""
    return f"logs/scheduler/{spec.started:%Y-%m-%d}/{spec.task}-{spec.run_id}.md"


def status(verdict: Done | Failed) -> Status:
    if isinstance(verdict, Done):
        return Status.COMPLETED
    return Status.CANCELLED if verdict.error is ErrorType.CANCELLED else Status.FAILED


def record(world: World, run: Run, ending: Ending, verdict: Done | Failed, now: datetime) -> Record:
    """The history line.  Tokens are what the API reported; work that reports none is estimated (characters / 4)."""
    spec, result = run.spec, ending.result
    checked = run.part is Part.CHECK
    work = run.work if checked and run.work else ending
    done = isinstance(verdict, Done)
    after = capacity.used(world, FIVE_HOUR, now, spec.account)
    points = {window: round(points, 3) for window, points in run.points.items()}
    return Record(
        task_id=spec.task,
        success=done,
        error_type=verdict.error if isinstance(verdict, Failed) else None,
        duration_s=round(ending.duration_s, 3),
        log_file=note_path(spec),
        timestamp=spec.started,
        run_id=spec.run_id,
        ended=ending.ended,
        status=status(verdict),
        attempt=spec.attempt,
        kind=spec.kind,
        runner=str(spec.runner),
        mode=spec.mode.value,
        model=(result.model if result else None) or spec.model,
        **_tokens(ending),
        cost_usd=result.cost_usd if result else None,
        capacity_before=spec.capacity_before,
        capacity_after=after,
        window_pct=points.pop(FIVE_HOUR, None),
        week_pct=points.pop(SEVEN_DAY, None),
        exit_code=work.rc,
        session_id=(result.session_id or spec.session_id) if result else None,
        branch=run.tree.branch if run.tree else None,
        base_commit=run.tree.base if run.tree else None,
        check_exit=ending.rc if checked else None,
        claimed=_claimed(run, work),
        proven=done if checked else None,
        parked_s=round(run.parked_s, 3),
        account=spec.account,
        project=spec.folder,
        detail=_detail(ending, verdict),
        model_pct=next(iter(points.values()), None),
    )


def _tokens(ending: Ending) -> dict[str, Any]:
    """What the API reported; what reports none is estimated, and says so."""
    if ending.result is None:
        return {"tokens": ending.output_chars // 4, "tokens_source": "estimated"}
    found = ending.result.tokens
    if found is None:
        return {"tokens": None}
    return {
        "tokens": found.total,
        "tokens_in": found.input,
        "tokens_out": found.output,
        "tokens_cache_read": found.cache_read,
        "tokens_cache_write": found.cache_write,
        "tokens_source": "reported",
    }


def _claimed(run: Run, work: Ending) -> bool | None:
    """Whether the worker itself says that it is done; what that is worth only a check can tell."""
    if run.part not in (Part.WORK, Part.CHECK):
        return False
    if work.result is None:
        return work.stop is Stop.EXIT and work.rc == 0
    return work.result.subtype == "success" and not work.result.is_error


def with_changes(record: Record, changes: Changes | None) -> Record:
    """The record with what git counted, which only the filing itself can find out."""
    if changes is None:
        return record
    undone = changes.kept if "rolled back" in changes.kept else ""
    detail = "; ".join(filter(None, (record.detail, undone))) or None
    return replace(record, commits=changes.commits, files_changed=changes.files, detail=detail)


def _detail(ending: Ending, verdict: Done | Failed) -> str | None:
    denied = f"; {len(ending.result.denials)} tool calls denied" if ending.result and ending.result.denials else ""
    text = (verdict.text if isinstance(verdict, Failed) else ending.detail) or ""
    return (text[:DETAIL_LIMIT] + denied).strip("; ") or None
