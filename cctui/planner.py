"""The planner: plans worked out in processes of their own, so that neither the engine's loop nor a key press waits.

Started when it is first asked, nice, and gone after a while without a question.  The middle plan and the bands have a
process each, so that the quick one never waits for the slow one; each answers one question at a time, and one that
nobody waits for any more is ended.  The World goes in and the plan comes out as the codec's JSON, one line each.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cctui.codec import CodecError, decode, dumps, encode
from cctui.core import plan as core
from cctui.core.forecast import Plan
from cctui.core.world import Command, Reason, Task, World

PLAN_SECONDS, BANDS_SECONDS = 20.0, 60.0
"""How long one question may take."""
ENOUGH_SECONDS = 30.0
"""After so long no further samples are taken."""
LINE = 256 << 20
IDLE_SECONDS = 120.0
NICE = 10
HELPERS = 4
"""Processes that share the samples at most."""


class PlannerError(Exception):
    """No plan came: a sentence a person can act on."""


class Planner:
    """Asks for plans.  `newest` is the last one of the World as it was, for whoever wants a quick answer."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.newest: Plan | None = None
        environ = os.environ if environ is None else environ
        self._quick, self._slow = _Worker(environ), _Worker(environ)

    async def plan(
        self,
        world: World,
        now: datetime,
        command: Command | None = None,
        *,
        samples: int = 0,
        horizon: timedelta = core.HORIZON,
        files: Sequence[Task] = (),
    ) -> Plan | Reason:
        """The plan, or what it would be after `command` (a Reason: that would be refused).  Raises PlannerError."""
        worker = self._slow if samples else self._quick
        question = {
            "now": now.isoformat(),
            "command": encode(command) if command else None,
            "samples": samples,
            "horizon": horizon.total_seconds(),
            "files": [encode(task) for task in files],
        }
        found: object = decode(await worker.ask(world, question, BANDS_SECONDS if samples else PLAN_SECONDS))
        if not isinstance(found, Plan | Reason):
            raise PlannerError("the planner answered something else")
        if command is None and isinstance(found, Plan):
            self.newest = found
        return found

    async def close(self) -> None:
        await self._quick.end()
        await self._slow.end()


class _Worker:
    """One process that answers one question at a time."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        # Found where this very program lies, whatever folder it was started in.
        paths = filter(None, (str(Path(__file__).resolve().parent.parent), environ.get("PYTHONPATH", "")))
        self._environ = {**environ, "PYTHONPATH": os.pathsep.join(paths)}
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, world: World, question: dict[str, Any], seconds: float) -> Any:
        async with self._turn:
            line = await asyncio.to_thread(_line, world, question)
            try:
                async with asyncio.timeout(seconds):
                    reply = await self._asked(line) or await self._asked(line)  # once more: it may have just gone idle
            except TimeoutError:
                await self.end()
                raise PlannerError(f"no plan came within {seconds:.0f} s") from None
            except asyncio.CancelledError:
                await self.end()  # nobody waits for it any more
                raise
        if reply is None:
            raise PlannerError("the planner ended without an answer")
        if "error" in reply:
            raise PlannerError(str(reply["error"]))
        return reply["answer"]

    async def _asked(self, line: bytes) -> dict[str, Any] | None:
        """Its answer; None: it has ended."""
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await self._started()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(line)
            await process.stdin.drain()
            found = json.loads(await process.stdout.readline() or b"null")
        except (OSError, ValueError):
            found = None
        if not isinstance(found, dict):
            await self.end()
            return None
        return found

    async def _started(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "cctui.planner"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=LINE,
                env=self._environ,
                start_new_session=True,
            )
        except OSError as error:
            raise PlannerError(f"the planner cannot be started: {error.strerror}") from error

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)  # with all that share the samples
        await process.wait()


def _line(world: World, question: dict[str, Any]) -> bytes:
    """What a plan needs of the World, as one line."""
    return dumps({**question, "world": encode(core.bare(world))}).encode() + b"\n"


# --- the process itself ----------------------------------------------------------------------------------------------


def main() -> int:
    """Answer questions from standard input until it ends, or nobody asks for a while."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
    gc.disable()  # one question makes no cycles worth looking for while it is answered
    while select.select([sys.stdin.buffer], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.buffer.readline()
        if not line.endswith(b"\n"):
            break
        sys.stdout.write(dumps(_answer(line)) + "\n")
        sys.stdout.flush()
        gc.collect()
    return 0


def _answer(line: bytes) -> dict[str, Any]:
    try:
        question = json.loads(line)
        found = _found(question)
    except (CodecError, ValueError, KeyError, TypeError) as error:
        return {"error": f"the plan's question is not understood: {error}"}
    return {"answer": encode(found)}


def _found(question: Mapping[str, Any]) -> Plan | Reason:
    world: World = decode(question["world"])
    now, horizon = datetime.fromisoformat(question["now"]), timedelta(seconds=question["horizon"])
    if question["command"]:
        files = tuple(decode(data) for data in question["files"])
        changed = core.imagined(world, decode(question["command"]), now, files)
        if isinstance(changed, Reason):
            return changed
        world = changed
    middle = core.plan(world, now, horizon=horizon)
    if not question["samples"]:
        return middle
    return core.banded(middle, _outcomes(world, now, int(question["samples"]), middle.horizon - now))


def _outcomes(world: World, now: datetime, samples: int, horizon: timedelta) -> list[core.Outcome]:
    """The samples, shared by as many processes as there are cores."""
    # Imported by whoever samples only: 20 ms that the middle plan need not wait for.
    from multiprocessing import get_context  # noqa: PLC0415

    begun = time.monotonic()
    helpers = min(os.cpu_count() or 1, HELPERS, samples)
    if helpers < 2 or not hasattr(os, "fork"):
        return core.outcomes(world, now, range(samples), horizon=horizon)
    parts = [range(first, samples, helpers * 8) for first in range(helpers * 8)]
    work = partial(core.outcomes, world, now, horizon=horizon)
    with get_context("fork").Pool(helpers) as pool:
        found: list[core.Outcome] = []
        for some in pool.imap(work, parts):
            found += some
            if time.monotonic() - begun > ENOUGH_SECONDS:
                break  # a machine with other work to do: what there is by now has to do, and the plan says how many
        return found


if __name__ == "__main__":
    raise SystemExit(main())
