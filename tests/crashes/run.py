"""One run of the matrix: a root, some tasks at work, one kill, a new engine that drains, and the verdict."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.crashes import kill, verdict
from tests.crashes.bench import Bench, repository
from tests.crashes.engine import start, stop
from tests.crashes.kinds import LONG, OTHERS
from tests.crashes.points import KINDS_AT, RANDOM
from tests.crashes.verdict import Verdict

BEGIN_SECONDS, SETTLE_SECONDS, STOP_SECONDS = 30.0, 60.0, 15.0
LOOK_EVERY = 0.02
SPREAD = 1.2
"""Seconds over which the random moments are spread."""


@dataclass(frozen=True, slots=True)
class Plan:
    number: int
    seed: str
    point: str
    victim: str
    tasks: tuple[str, ...]
    nth: int
    """At which of the point's hits the kill happens."""
    moment: float = 0.0
    """Of a random kill: seconds after the tasks were dropped."""

    def __str__(self) -> str:
        return f"{self.point} → {self.victim} (run {self.number}, hit {self.nth}, {', '.join(self.tasks)})"


@dataclass
class Told:
    """What came of one run."""

    plan: Plan
    verdict: Verdict
    killed: dict[str, list[int]] | None
    """Role → process numbers; None: the point was never reached."""
    seconds: float
    log: list[str] = field(default_factory=list)
    """What the engines said that was no plain event."""


def plan(seed: int, number: int, point: str, victim: str) -> Plan:
    """The same seed and number always give the same plan."""
    word = f"{seed}/{number}/{point}/{victim}"
    chance = random.Random(word)
    kinds = KINDS_AT.get(point) or OTHERS
    names = [chance.choice(kinds)]
    while len(names) < 3:
        other = chance.choice(OTHERS)
        if other not in names and not (other in LONG and LONG.intersection(names)):
            names.append(other)
    tasks = ("companion-0", *(f"{name}-{place}" for place, name in enumerate(names, 1)))
    # A point that every task comes by is hit by all of them; one of some kinds, at least by the first.
    nth = chance.randint(1, 1 if KINDS_AT.get(point) else len(names))
    return Plan(number, word, point, victim, tasks, nth, round(chance.uniform(0.0, SPREAD), 3))


def carry_out(order: Plan, keep: str = "") -> Told:
    """The whole run; with `keep`, a run that went wrong leaves its folder there."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cct-", dir=_short()) as folder:
        base = Path(folder)
        repository(base / "repo")
        bench = Bench(base / "r", list(order.tasks))
        bench.make(base / "repo")
        try:
            told = _run(order, bench)
            told.seconds = time.monotonic() - begun
            if keep and (told.verdict.wrong or told.killed is None):
                shutil.copytree(base, Path(keep) / str(order.number), symlinks=True, ignore=shutil.ignore_patterns("crash"))
        finally:
            bench.end()
    return told


def _short() -> str | None:
    """A socket's path holds 107 bytes."""
    return "/tmp" if os.access("/tmp", os.W_OK) else None


def _run(order: Plan, bench: Bench) -> Told:
    engine = start(bench.environ, bench.home)
    bench.drop("companion-0")
    try:
        late = _until(lambda: bench.said_that("companion-0", "once"), BEGIN_SECONDS)
        if order.point != RANDOM:
            kill.arm(str(bench.home), order.point, order.victim, order.nth)
        for task in bench.tasks[1:]:
            bench.drop(task)
        engine, trouble = _drain(order, bench, engine)
    finally:
        code = stop(engine, STOP_SECONDS)
    _until(lambda: not bench.mine(), 3.0)
    found = verdict.judge(bench)
    found.wrong += [*trouble, *(["the first task did not begin"] if not late else [])]
    if code != 0:
        found.wrong.append(f"the last engine ended with {code}")
    return Told(order, found, kill.fired(str(bench.home)), 0.0, _noise(bench.home / "engine.log"))


def _drain(order: Plan, bench: Bench, engine: int) -> tuple[int, list[str]]:
    """Until all is done: a killed engine gets a successor.  The engine that lives, and what went wrong."""
    begun, trouble = time.monotonic(), []
    random_kill = order.point == RANDOM
    while not bench.settled():
        now = time.monotonic() - begun
        if now > SETTLE_SECONDS:
            rest = [f"{task} in {'/'.join(bench.places(task)) or 'no folder'}" for task in bench.tasks]
            return engine, [*trouble, f"not settled after {SETTLE_SECONDS:g} s: {', '.join(rest)}"]
        if random_kill and now >= order.moment:
            random_kill = False
            kill.fire(str(bench.home), order.victim)
        ended, status = os.waitpid(engine, os.WNOHANG)
        if ended:
            if os.waitstatus_to_exitcode(status) != -9 or kill.fired(str(bench.home)) is None:
                trouble.append(f"an engine ended by itself: {os.waitstatus_to_exitcode(status)}")
            engine = start(bench.environ, bench.home)
        bench.tend()
        bench.watch()
        time.sleep(LOOK_EVERY)
    return engine, trouble


def _until(condition: object, seconds: float) -> bool:
    assert callable(condition)
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(LOOK_EVERY)
    return True


def _noise(log: Path) -> list[str]:
    lines: Sequence[str] = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    return [line for line in lines if line.startswith(("WARNING", "ERROR", "Traceback"))]
