"""The verbs that change the queue.  The engine does it if one runs; otherwise we do, under its lock."""

from __future__ import annotations

import sys
from typing import Any

import click

from cctui.cli.here import NOT_FOUND, USAGE, Fail, Here, Reply
from cctui.cli.verb import names, task, verb


def done(here: Here, reply: Reply, words: str) -> None:
    """Print what was done, naming the task by its whole name."""
    here.put(reply, lambda data: words.format(data.get("task")))


def each(here: Here, tasks: tuple[str, ...], words: str, command: str, /, **parts: object) -> None:
    """One command for several tasks; stops at the first that is refused."""
    for name in tasks:
        done(here, here.order(command, task=name, **parts), words)


several = click.argument("tasks", metavar="TASK…", nargs=-1, required=True, shell_complete=names)


@verb("add")
@click.argument("prompt", required=False)
@click.option("--name", "-n", metavar="NAME", help="Its name; else made from the prompt.")
@click.option("--priority", "-p", metavar="P", help="Lower runs first; 5 unless given.")
@click.option("--cwd", "-d", metavar="DIR", help="The project folder it works in.")
@click.option("--at", metavar="TIME", help="Not before: 03:00, +2h30m, or an ISO date and time.")
@click.option("--cron", metavar="EXPR", help="A schedule: five fields, or @daily and the like.")
@click.option("--after", metavar="TASK", multiple=True, help="Only when that task is completed.")
@click.option("--runner", metavar="RUNNER", help="claude, shell, …")
@click.option("--command", metavar="CMD", help="What a shell task runs.")
@click.option("--field", metavar="KEY=VALUE", multiple=True, help="Any field of a task file.")
@click.option("--quick", "-q", is_flag=True, help="Read !1 @dir #tag >friday after:task every … in PROMPT.")
def add(here: Here, prompt: str | None, name: str | None, field: tuple[str, ...], quick: bool, **given: Any) -> None:
    """Put a new task into the queue: PROMPT, or - to read it from stdin.  Prints its name."""
    from cctui.cli import drafting

    text = sys.stdin.read() if prompt == "-" else prompt or ""
    if not text.strip() and not given["command"] and not any(pair.startswith(("command=", "call=")) for pair in field):
        raise Fail('a task needs a prompt: ccq add "…", or - to read it from stdin', USAGE)
    made = (drafting.quick if quick else drafting.draft)(here, text, name, field, given)
    here.put(here.order("Add", name=made.name, text=made.text), lambda data: str(data["task"]))


@verb("edit")
@task()
@click.option("--field", metavar="KEY=VALUE", multiple=True, help="Set a field; KEY= takes it out.")
def edit(here: Here, task: str, field: tuple[str, ...]) -> None:
    """Change a task's fields, or open its file in $EDITOR."""
    if not field:
        from cctui.cli.drafting import open_editor

        open_editor(here, task)
        return
    from cctui.cli.drafting import check_field, one_field

    changes = [one_field(pair) for pair in field]
    shown = here.answer("show", task=task)
    if shown["code"]:
        here.put(shown, str)
    for key, value in changes:
        check_field(here, shown["data"]["path"], key, value)
    for key, value in changes:
        done(here, here.order("Edit", task=task, field=key, value=value), f"{{}}: {key} changed")


@verb("rm")
@several
def rm(here: Here, tasks: tuple[str, ...]) -> None:
    """Move tasks to the trash (STATE/trash); nothing is deleted."""
    each(here, tasks, "{} is in the trash", "Remove")


@verb("pause")
@several
def pause(here: Here, tasks: tuple[str, ...]) -> None:
    """Keep tasks from starting.  What runs already goes on."""
    each(here, tasks, "{} is paused", "Pause")


@verb("resume")
@several
def resume(here: Here, tasks: tuple[str, ...]) -> None:
    """Let paused tasks start again."""
    each(here, tasks, "{} may start again", "Pause", on=False)


@verb("skip")
@several
@click.option("--undo", is_flag=True, help="Do not leave it out after all.")
def skip(here: Here, tasks: tuple[str, ...], undo: bool) -> None:
    """Leave out the next firing of recurring tasks."""
    words = "the next firing of {} is not left out" if undo else "the next firing of {} is left out"
    each(here, tasks, words, "Skip", on=not undo)


@verb("stop")
@several
def stop(here: Here, tasks: tuple[str, ...]) -> None:
    """Stop running tasks, or give up parked ones."""
    each(here, tasks, "{} is being stopped", "StopRun")


@verb("reply")
@task()
@click.argument("words")
def reply(here: Here, task: str, words: str) -> None:
    """Say something to a run: WORDS, or - to read them from stdin.

    A plan that waits is made anew with them, and a run that works hears them at its next tool call."""
    text = sys.stdin.read() if words == "-" else words
    here.put(here.order("Reply", task=task, text=text), lambda data: str(data["text"]))


@verb("retry")
@click.argument("tasks", metavar="[TASK…]", nargs=-1, shell_complete=names)
@click.option("--failed", is_flag=True, help="Every task that has failed.")
def retry(here: Here, tasks: tuple[str, ...], failed: bool) -> None:
    """Put failed or completed tasks back into the queue, with all their attempts."""
    if not tasks and not failed:
        raise Fail("which task?  ccq retry TASK, or --failed for all that failed", USAGE)
    if failed:
        rows = here.answer("ls", phases=["failed"])["data"]
        tasks = (*tasks, *(row["name"] for row in rows))
    if not tasks:
        raise Fail("no task has failed", NOT_FOUND)
    each(here, tasks, "{} is back in the queue", "RetryTask")


@verb("hold")
def hold(here: Here) -> None:
    """Let nothing new start.  What runs goes on."""
    here.put(here.order("Hold"), lambda _: "holding: nothing new starts")


@verb("release")
def release(here: Here) -> None:
    """End a hold."""
    here.put(here.order("Hold", on=False), lambda _: "released")


@verb("move")
@task()
@click.argument("place", type=click.Choice(["up", "down", "top", "bottom", "before", "after"]))
@click.argument("other", required=False, shell_complete=names)
def move(here: Here, task: str, place: str, other: str | None) -> None:
    """Change a task's place: up, down, top, bottom, before X or after X."""
    if (place in ("before", "after")) is not (other is not None):
        raise Fail(f"{place} needs a task to go by" if other is None else f"{place} takes no second task", USAGE)
    done(here, here.order("Move", task=task, place=place, other=other), f"{{}} moved {place} {other or ''}".rstrip())
