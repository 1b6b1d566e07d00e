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

from cctui.cli.here import LOCKED
from tests.crashes import kill, verdict
from tests.crashes.bench import Bench, repository
from tests.crashes.engine import start, stop
from tests.crashes.kinds import LATER_LEGS, LONG, OTHERS
from tests.crashes.points import KINDS_AT, RANDOM, RUNNER, group
from tests.crashes.verdict import Verdict

BEGIN_SECONDS, SETTLE_SECONDS, STOP_SECONDS = 30.0, 60.0, 15.0
LOOK_EVERY = 0.02
SPREAD = 1.2
"""Seconds over which the random moments are spread."""
AGAIN = 0.25
"""Share of the runs in which the engine is killed once more, while it mends what the first kill left."""


@dataclass(frozen=True, slots=True)
class Plan:
    number: int
    seed: str
    point: str
    victim: str
    tasks: tuple[str, ...]
    nth: int
    """At which of the point's hits the kill happens."""
    linger: float = 0.0
    """Seconds that a runner at the point stays there after the kill of somebody else."""
    blows: tuple[tuple[float, str], ...] = ()
    """Kills at random moments: seconds after the tasks were dropped, or after the kill at the point; whom."""

    def __str__(self) -> str:
        more = "".join(f", then {victim} after {moment:g} s" for moment, victim in self.blows)
        return f"{self.point} → {self.victim} (run {self.number}, hit {self.nth}{more}; {', '.join(self.tasks)})"


@dataclass
class Told:
    """What came of one run."""

    plan: Plan
    verdict: Verdict
    killed: dict[str, list[int]] | None
    """Role → process numbers; None: the point was never reached."""
    strikes: int
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
    blows: tuple[tuple[float, str], ...] = ()
    if point == RANDOM:
        moments = sorted(round(chance.uniform(0.0, SPREAD), 3) for _ in range(chance.choice((1, 1, 2))))
        blows = tuple((moment, victim) for moment in moments)
    elif chance.random() < AGAIN:
        blows = ((round(chance.uniform(0.0, SPREAD / 2), 3), kill.ENGINE),)
    linger = chance.choice((0.0, 0.3, 0.9))
    return Plan(number, word, point, victim, tasks, chance.randint(1, _hits(point, names)), linger, blows)


def _hits(point: str, names: Sequence[str]) -> int:
    """How often a point is hit at least."""
    later = LATER_LEGS.get(names[0], 0)
    if point in RUNNER:
        return len(names) + later
    if KINDS_AT.get(point):
        return later if group(point) == "next leg" and names[0] != "orphan" else 1
    return len(names)


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
                shutil.copytree(
                    base,
                    Path(keep) / str(order.number),
                    symlinks=True,
                    ignore=shutil.ignore_patterns("crash", "*.sock"),
                )
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
            kill.arm(str(bench.home), order.point, order.victim, order.nth, order.linger)
        for task in bench.tasks[1:]:
            bench.drop(task)
        engine, trouble = _drain(order, bench, engine)
    finally:
        code = stop(engine, STOP_SECONDS)
    _until(lambda: not bench.mine(), 3.0)
    found = verdict.judge(bench)
    found.wrong += [*trouble, *(["the first task did not begin"] if not late else [])]
    killed = kill.fired(str(bench.home))
    if code != 0 and engine not in (killed or {}).get(kill.ENGINE, ()):
        found.wrong.append(f"the last engine ended with {code}")
    return Told(order, found, killed, kill.strikes(str(bench.home)), 0.0, _noise(bench.home / "engine.log"))


def _drain(order: Plan, bench: Bench, engine: int) -> tuple[int, list[str]]:
    """Until all is done: a killed engine gets a successor.  The engine that lives, and what went wrong."""
    begun, blows, trouble = time.monotonic(), list(order.blows), list[str]()
    since = begun if order.point == RANDOM else None
    while not bench.settled():
        now = time.monotonic() - begun
        if now > SETTLE_SECONDS:
            rest = [f"{task} in {'/'.join(bench.places(task)) or 'no folder'}" for task in bench.tasks]
            return engine, [*trouble, f"not settled after {SETTLE_SECONDS:g} s: {', '.join(rest)}"]
        if since is None and blows and kill.fired(str(bench.home)) is not None:
            since = time.monotonic()
        if since is not None and blows and time.monotonic() - since >= blows[0][0]:
            kill.fire(str(bench.home), blows.pop(0)[1])
        ended, status = os.waitpid(engine, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            # LOCKED: what the killed engine was just starting may hold its lock until it has become another program.
            if (code != -9 or kill.fired(str(bench.home)) is None) and code != LOCKED:
                trouble.append(f"an engine ended by itself: {code}")
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
