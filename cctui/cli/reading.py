"""The verbs that only look."""

from __future__ import annotations

from typing import Any

import click

from cctui.cli.here import Here, say
from cctui.cli.verb import task, verb


@verb("ls")
@click.option("--phase", "phases", multiple=True, help="Only pending, active, completed, failed, recurring or invalid.")
@click.option("--all", "-a", "everything", is_flag=True, help="Also what is completed.")
def ls(here: Here, phases: tuple[str, ...], everything: bool) -> None:
    """The queue and what runs, each with its reason.

    JSON rows always hold every phase; the table leaves out what is completed unless asked."""

    def human(rows: list[Any]) -> str:
        from cctui.cli import tables  # only here: --json is asked by scripts, often

        return tables.ls([row for row in rows if phases or everything or row["state"] != "done"])

    here.put(here.answer("ls", phases=list(phases)), human)


@verb("show")
@task()
def show(here: Here, task: str) -> None:
    """Everything about one task, and its text."""
    from cctui.cli import tables

    reply = here.answer("show", task=task)
    if reply["code"] == 0:
        reply["data"]["text"] = here.text(reply["data"]["path"])
    here.put(reply, tables.show)


@verb("why")
@task()
def why(here: Here, task: str) -> None:
    """Every gate of one task, open or shut."""
    from cctui.cli import tables

    here.put(here.answer("why", task=task), tables.why)


@verb("usage")
def usage(here: Here) -> None:
    """What is left of every capacity window."""
    from cctui.cli import tables

    here.put(here.answer("usage"), tables.usage)


@verb("history")
@click.option("--limit", "-n", type=click.IntRange(0), default=20, show_default=True, help="Lines at most.")
@click.option("--failed", is_flag=True, help="Only runs that did not succeed.")
@click.option("--task", metavar="TASK", help="Only runs of one task.")
def history(here: Here, limit: int, failed: bool, task: str | None) -> None:
    """Finished runs, newest first."""
    from cctui.cli import tables

    asked = {"limit": limit, "failed": failed} | ({"task": task} if task else {})
    here.put(here.answer("history", **asked), tables.history)


@verb("status")
def status(here: Here) -> None:
    """What runs, what is next, what is left."""
    show_status(here)


def show_status(here: Here) -> None:
    from cctui.cli import tables

    reply = here.answer("status")
    reply["data"]["engine"] = reply["engine"]
    if not reply["engine"]:
        say("no engine is running: `cctui` opens the app, `cctui headless --detach` starts one without a screen")
    here.put(reply, tables.status)
