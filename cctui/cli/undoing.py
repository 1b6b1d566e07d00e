"""The verbs that undo: what a run has changed, once one has seen it, and what a person has done to the queue."""

from __future__ import annotations

from typing import Any

import click

from cctui.cli.here import NOT_FOUND, Fail, Here
from cctui.cli.verb import task, verb
from cctui.cli.watching import run_of


@verb("diff")
@task()
@click.option("--stat", is_flag=True, help="Only the files, with their counts.")
def diff(here: Here, task: str, stat: bool) -> None:
    """What a run has changed: of a task's open or last run, or of a run id.

    Against the commit its worktree began at, or the state of the folder before a run in place."""
    from cctui.adapters.workspace import Workspace, WorkspaceError
    from cctui.core.words import safe_text
    from cctui.runner.redact import redact

    run = run_of(here, task)
    workspace = Workspace(here.places, here.settings)
    try:
        text = redact(safe_text(workspace.diff(run["run_id"])))
        tree, changes = workspace.read(run["run_id"]), workspace.measure(run["run_id"])
    except WorkspaceError as error:
        raise Fail(str(error), NOT_FOUND) from None
    data: dict[str, Any] = {
        "run_id": run["run_id"],
        "task": run["task"],
        "branch": tree.branch if tree else None,
        "base": tree.base if tree else None,
        "folder": tree.folder if tree else None,
        "commits": changes.commits if changes else None,
        "files": changes.files if changes else None,
        "text": text,
    }
    here.put({"data": data, "code": 0}, lambda told: summary(told) if stat else told["text"].rstrip("\n"))


def summary(data: dict[str, Any]) -> str:
    """The files of a diff with the lines each gained and lost."""
    from cctui.cli.tables import many

    counts: dict[str, list[int]] = {}
    name = ""
    for line in data["text"].splitlines():
        if line.startswith("diff --git "):
            name = line.rpartition(" b/")[2]
            counts[name] = [0, 0]
        elif name and line.startswith("+") and not line.startswith("+++ "):
            counts[name][0] += 1
        elif name and line.startswith("-") and not line.startswith("--- "):
            counts[name][1] += 1
    lines = [f"{name}  +{added} -{taken}" for name, (added, taken) in counts.items()]
    where = f"branch {data['branch']}" if data["branch"] else data["folder"] or ""
    known = data["files"] is not None and data["commits"] is not None
    counted = f"{many(data['files'], 'file')}, {many(data['commits'], 'commit')} · " if known else ""
    return "\n".join([*lines, f"{counted}{where}"])


@verb("rollback")
@task()
@click.option("--force", is_flag=True, help="Also what has changed in the folder since the run ended.")
def rollback(here: Here, task: str, force: bool) -> None:
    """Undo what a run has changed: of a task's last run, or of a run id.

    What is undone is saved in a git ref first, and the answer names it."""
    run = run_of(here, task)
    session = here.session()
    if session is None:
        from cctui.cli import offline

        here.put(offline.roll_back(here, run["run_id"], force=force), lambda data: str(data["text"]))
        return
    session.close()
    here.put(here.order("Rollback", run_id=run["run_id"], force=force), lambda data: str(data["text"]))


@verb("undo")
@click.option("--list", "listed", is_flag=True, help="What can be taken back, the newest first; changes nothing.")
def undo(here: Here, listed: bool) -> None:
    """Take back what you did last in the queue: a move, a pause, a hold, a changed field, a new or a removed task.

    Again takes back what was before it: up to 50 steps, from whatever face, also after a restart. What a run has
    changed is undone by rollback."""
    if listed:
        here.put(here.answer("done"), steps)
        return
    here.put(here.order("Undo"), lambda data: str(data["text"]))


def steps(data: list[dict[str, Any]]) -> str:
    """A line for each: when, and what."""
    if not data:
        return "there is nothing to take back"
    return "\n".join(f"{step['when']:<12} {step['label']}" for step in data)
