"""The verbs that make something run: one task now, the engine without a screen, the demo."""

from __future__ import annotations

import re

import click

from cctui.cli.here import LOCKED, NOT_FOUND, OK, USAGE, Fail, Here, Reply
from cctui.cli.verb import task, verb


@verb("run")
@task(required=False)
@click.option("--all", "-a", "everything", is_flag=True, help="Every task of the queue.")
@click.option("--force", is_flag=True, help="Also past hold, limits, slots and dependencies.")
def run(here: Here, task: str | None, everything: bool, force: bool) -> None:
    """Start TASK now, or the next of the queue, or --all of them.

    Without an engine it is run from here, until nothing more can start."""
    if task and everything:
        raise Fail("either a task or --all", USAGE)
    rows = here.answer("ls", phases=["pending", "active"])
    chosen = [task] if task else waiting(rows["data"], everything)
    if rows["engine"]:
        here.put(started(here, chosen, force), lambda data: f"{data['task']} starts")
        return
    if task:
        found = here.answer("show", task=task)
        if found["code"]:
            here.put(found, str)
        chosen = [found["data"]["name"]]
    from cctui.cli.headless import drain

    raise SystemExit(drain(here, frozenset(chosen), force=force, asked=bool(task) or force))


def started(here: Here, chosen: list[str], force: bool) -> Reply:
    """Have the engine start these.  A refused one keeps no other from starting; its reason is an error."""
    replies = [here.order("RunNow", task=name, force=force) for name in chosen]
    if len(replies) == 1:
        return replies[0]
    begun = [str(reply["data"]["task"]) for reply in replies if reply["code"] == OK]
    errors = [f"{name}: {error}" for name, reply in zip(chosen, replies, strict=True) for error in reply["errors"]]
    code = OK if begun else max(int(reply["code"]) for reply in replies)
    return {"data": {"task": ", ".join(begun), "tasks": begun}, "errors": errors, "code": code}


def waiting(rows: list[dict[str, object]], everything: bool) -> list[str]:
    """All that wait, or the first that may start.  Raises Fail (3)."""
    queue = [row for row in rows if row["position"] is not None]
    if not queue:
        raise Fail("nothing waits in the queue", NOT_FOUND)
    if everything:
        return [str(row["name"]) for row in queue]
    ready = next((row for row in queue if row["state"] == "ready"), None)
    if ready is None:
        reason = queue[0]["reason"]
        text = reason["text"] if isinstance(reason, dict) else "it waits"
        raise Fail(f"nothing can start now: {queue[0]['name']}: {text}", NOT_FOUND)
    return [str(ready["name"])]


@verb("headless")
@click.option("--once", is_flag=True, help="End when nothing runs and nothing can start.")
@click.option("--until", "end", metavar="HH:MM", help="End at that time; what runs goes on.")
@click.option("--detach", "away", is_flag=True, help="Start it in the background and come back.")
@click.option("--stop", "leave", is_flag=True, help="End the engine that runs for this root.")
def headless(here: Here, once: bool, end: str | None, away: bool, leave: bool) -> None:
    """The engine without a screen: one line per event (JSON lines with --json)."""
    from cctui.cli import host

    if end and not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", end):
        raise Fail(f"--until takes HH:MM, not {end!r}", USAGE)
    if leave:
        if not host.stop(here):
            raise Fail("no engine is running", NOT_FOUND)
        here.put({"data": {"stopped": True}}, lambda _: "the engine has ended; running tasks go on in tmux")
        return
    lock = host.prepare(here)
    session = here.session()
    if session is not None:
        session.close()
        owner = lock.owner()
        raise Fail(f"an engine runs already{f' (process {owner.pid})' if owner else ''}", LOCKED)
    host.needed(here)
    extra = (*(("--once",) if once else ()), *(("--until", end) if end else ()))
    if away:
        pid = host.detach(here, extra)
        data = {"pid": pid, "root": str(here.places.root), "log": str(here.places.log)}
        here.put({"data": data}, lambda _: detached(here, pid))
        return
    from cctui.cli.headless import serve

    raise SystemExit(serve(here, lock, once=once, end=end))


def detached(here: Here, pid: int) -> str:
    return (
        f"engine {pid} runs for {here.places.root}\n"
        "see it:  cctui, or ccq\n"
        "stop it: cctui headless --stop\n"
        f"its log: {here.places.log}"
    )


@click.command("demo", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def demo(args: tuple[str, ...]) -> None:
    """A night in fast motion, with a simulated Claude and simulated windows."""
    import gc

    from cctui.demo.night import main

    gc.enable()

    raise SystemExit(main(args))
