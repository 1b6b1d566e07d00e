"""The verbs that show what a run says: its log from the disk, and its terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from cctui.cli.here import FAILED, MISSING, NOT_FOUND, Fail, Here
from cctui.cli.verb import task, verb

CHUNK = 1 << 16
LONGEST = 1 << 18
"""Bytes that are read for the last lines: one line may be as long as a whole log."""
POLL_SECONDS = 0.25
PEEK_LINES = 20
TAKE_OVER_SECONDS = 60.0
"""A run gets 20 s to come to a safe point by itself."""


def run_of(here: Here, name: str) -> dict[str, Any]:
    """The run a task or run id names: {run_id, open, session, task, living}.  Ends the command when there is none."""
    if "/" not in name and name not in ("", ".", "..") and (here.places.runs / name).is_dir():
        reply = here.answer("run", task=name)
        data = reply["data"] if reply["code"] == 0 else None
        if not data or data["run_id"] != name:
            data = {"run_id": name, "open": False, "session": None, "task": None, "living": False}
        return data
    reply = here.answer("run", task=name)
    if reply["code"] == NOT_FOUND and name[:1].isdigit():
        from cctui.adapters.rundir import RunDir  # only here: its import costs milliseconds

        begun = RunDir(here.places.runs).find(name)
        if len(begun) == 1:
            return run_of(here, begun[0])
    if reply["code"]:
        here.put(reply, str)
    found: dict[str, Any] = reply["data"]
    return found


def log_file(here: Here, run_id: str, raw: bool) -> Path:
    folder = here.places.runs / run_id
    wanted = folder / ("stream.jsonl" if raw else "output.log")
    if not wanted.exists() and raw:
        wanted = folder / "output.log"
    if not wanted.exists():
        raise Fail(f"run {run_id} has said nothing yet", NOT_FOUND)
    return wanted


def last_lines(path: Path, lines: int | None) -> tuple[bytes, int]:
    """The end of a file, and the offset behind it."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        least = 0 if lines is None else max(end - LONGEST, 0)
        begin, parts, breaks = end, list[bytes](), 0
        while begin > least and (lines is None or breaks <= lines):
            before, begin = begin, max(begin - CHUNK, least)
            file.seek(begin)
            parts.append(file.read(before - begin))
            breaks += parts[-1].count(b"\n")
        found = b"".join(reversed(parts))
        if lines is not None:
            found = b"".join(found.splitlines(keepends=True)[-lines:]) if lines else b""
    return found, end


def hider(here: Here, run_id: str) -> Callable[[bytes], str]:
    """What makes whole lines of a log fit to be shown: no control codes, no secrets."""
    from cctui.adapters.runfiles import read_secrets
    from cctui.core.words import safe_text
    from cctui.runner.redact import Redactor

    hide = Redactor(read_secrets(here.places.runs / run_id))
    return lambda data: hide.lines(safe_text(data.decode("utf-8", "replace")))


def follow(here: Here, run: dict[str, Any], path: Path, offset: int) -> Iterator[bytes]:
    """What is added to a log, in whole lines, until the run is over."""
    waiting, idle = b"", 0
    while True:
        with path.open("rb") as file:
            file.seek(offset)
            waiting += file.read()
            offset = file.tell()
        whole, newline, waiting = waiting.rpartition(b"\n")
        if whole or newline:
            yield whole + newline
            idle = 0
            continue
        idle += 1
        if idle % 8 == 0 and not still_open(here, run):
            if waiting:
                yield waiting
            return
        time.sleep(POLL_SECONDS)


def still_open(here: Here, run: dict[str, Any]) -> bool:
    if not run["open"]:
        return False
    reply = here.answer("run", task=run["task"])
    return bool(reply["code"] == 0 and reply["data"]["open"] and reply["data"]["run_id"] == run["run_id"])


@verb("logs")
@task()
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the run is over.")
@click.option("--raw", is_flag=True, help="The stream as Claude gave it (JSON lines).")
@click.option("-n", "--lines", type=click.IntRange(0), help="Only the last lines.")
def logs(here: Here, task: str, following: bool, raw: bool, lines: int | None) -> None:
    """What a run has said: of a task's open or last run, or of a run id."""
    run = run_of(here, task)
    path = log_file(here, run["run_id"], raw)
    data, end = last_lines(path, lines)
    shown = hider(here, run["run_id"])
    if not following:
        reply = {"data": {"run_id": run["run_id"], "text": shown(data)}, "code": 0}
        here.put(reply, lambda told: told["text"].rstrip("\n"))
        return
    lines_out(here, shown(data))
    for part in follow(here, run, path, end):
        lines_out(here, shown(part))


def lines_out(here: Here, text: str) -> None:
    for line in text.splitlines():
        click.echo(json.dumps({"line": line}, ensure_ascii=False) if here.json else line)
    sys.stdout.flush()


@verb("peek")
@task()
@click.option("-n", "--lines", type=click.IntRange(1), default=PEEK_LINES, show_default=True)
def peek(here: Here, task: str, lines: int) -> None:
    """The end of what a run says, once."""
    run = run_of(here, task)
    data, _ = last_lines(log_file(here, run["run_id"], False), lines)
    reply = {"data": {**run, "text": hider(here, run["run_id"])(data)}, "code": 0}
    here.put(reply, lambda told: told["text"].rstrip("\n"))


def taken_over(here: Here, name: str) -> dict[str, Any]:
    """The run, once its conversation is open for a person.  Ends the command when it does not come to that."""
    run = run_of(here, name)
    if not run.get("attended"):
        reply = here.order("TakeOver", task=name)
        if reply["code"]:
            here.put(reply, str)
    for _ in range(int(TAKE_OVER_SECONDS / POLL_SECONDS)):
        run = run_of(here, name)
        if run.get("attended") and run["living"]:
            return run
        time.sleep(POLL_SECONDS)
    raise Fail(f"{name} was not handed over within {TAKE_OVER_SECONDS:.0f} s: see `ccq show {name}`")


@verb("attach")
@task()
@click.option("--write", is_flag=True, help="Let your keys reach it; else you only watch.")
@click.option("--take-over", "-i", is_flag=True, help="Go on with its conversation yourself; leaving it gives it back.")
def attach(here: Here, task: str, write: bool, take_over: bool) -> None:
    """Open the terminal of a running task.  The way back: tap « back », F12 or ctrl+q."""
    from cctui.adapters.tmux import Tmux, TmuxError

    run = taken_over(here, task) if take_over else run_of(here, task)
    write = write or take_over or bool(run.get("attended"))
    if not run["living"] or not run["session"]:
        raise Fail(f"{task} does not run now; what it said: ccq logs {task}", NOT_FOUND)
    settings = here.settings.tmux
    try:
        argv = Tmux(settings.command, settings.socket).attach_argv(
            run["session"], read_only=not write, environ=here.environ
        )
    except TmuxError as error:
        raise Fail(str(error)) from None
    if here.json:
        here.put({"data": {**run, "argv": argv}, "code": 0}, str)
        return
    if shutil.which(argv[0]) is None:
        raise Fail(f"{argv[0]} is not installed", MISSING)
    if not sys.stdin.isatty():
        raise Fail("attach needs a terminal; what it says: ccq logs -f", FAILED)
    os.execvp(argv[0], argv)
