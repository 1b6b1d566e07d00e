"""The engine as a process of its own, killed at one of its effect boundaries.

It is forked from a process that has imported cctui already: that saves half a second for each of some thousand starts.
What is forked is cctui's own headless program; the calls that are kill points are only told of before or after.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from cctui.adapters import rundir
from cctui.cli import headless, host
from cctui.cli.here import Fail, Here
from cctui.core import looks
from tests.crashes import kill
from tests.crashes.points import CALLS, Call

START_PATIENCE = timedelta(seconds=2)
"""After which a runner that was killed before its lock is started again; in use it is longer."""


def start(environ: Mapping[str, str], home: Path) -> int:
    """Fork an engine for the root below `home`; its process number."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = _become(environ, home)
    except Fail as refused:
        code = refused.code
    except BaseException:  # noqa: BLE001 - a forked process must not come back into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(environ: Mapping[str, str], home: Path) -> int:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(home)
    log = os.open(home / "engine.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    kill.write(f"{home}/engine.json", {"pid": os.getpid(), "ticks": kill.ticks(os.getpid())})
    _tell(str(home))
    rundir.WRAPPER = Path(__file__).resolve().with_name("wrapper.py")
    looks.START_PATIENCE = START_PATIENCE
    here = Here()
    return headless.serve(here, host.prepare(here))


def _tell(home: str) -> None:
    calls: dict[tuple[str, str], list[Call]] = {}
    for call in CALLS:
        calls.setdefault((call.owner, call.attr), []).append(call)
    for (owner, attr), each in calls.items():
        module, _, name = owner.partition(":")
        holder = getattr(import_module(module), name) if name else import_module(module)
        raw = inspect.getattr_static(holder, attr)
        bare = isinstance(raw, staticmethod)
        told = _told(raw.__func__ if isinstance(raw, staticmethod) else raw, each, home)
        setattr(holder, attr, staticmethod(told) if bare else told)


def _told(real: Callable[..., Any], calls: list[Call], home: str) -> Callable[..., Any]:
    """`real`, with the kill points around it."""

    def reached(here: list[Call], args: tuple[Any, ...], when: str) -> None:
        for call in here:
            if getattr(call, when):
                kill.reached(home, f"{call.name}, {when}", kill.ENGINE, _run_id(args))

    if inspect.iscoroutinefunction(real):

        @functools.wraps(real)
        async def told_async(*args: Any, **named: Any) -> Any:
            here = [call for call in calls if call.when(args)]
            await asyncio.to_thread(reached, here, args, "before")
            answer = await real(*args, **named)
            await asyncio.to_thread(reached, here, args, "after")
            return answer

        return told_async

    @functools.wraps(real)
    def told(*args: Any, **named: Any) -> Any:
        here = [call for call in calls if call.when(args)]
        reached(here, args, "before")
        answer = real(*args, **named)
        reached(here, args, "after")
        return answer

    return told


def _run_id(args: tuple[Any, ...]) -> str:
    """Of the run that a command is for, so that it is its runner that is killed."""
    return str(getattr(args[1], "run_id", "")) if len(args) > 1 else ""


def stop(pid: int, seconds: float) -> int | None:
    """TERM; its exit code as `waitpid` tells it, None when it had to be killed."""
    os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
