"""Kill engine, runner, tmux server, or all three at once, at every point where that could hurt; count what came of it.

    python -m tests.crash [--runs 500] [--seed 1] [--jobs 2] [--seconds 1800] [--only POINT,VICTIM] [--table FILE]

Each run has a root, a tmux server and tasks of its own: a few of the kinds in tests/crashes/kinds.py, a kill at one
point of tests/crashes/points.py, then an engine without one, which drains the queue.  Every task must come to its end
exactly once, or be resumed and come to it once, or, if its own runner was killed, be reported as lost.  Prints a table
and exits with 1 on any violation.  Bounded in count and time.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import random
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from tests.crashes.kill import VICTIMS
from tests.crashes.points import POINTS, RANDOM
from tests.crashes.run import Plan, Told, carry_out, plan
from tests.crashes.table import markdown, said

RANDOM_SHARE = 5
"""One run of so many is a kill at a random moment."""


def plans(seed: int, only: str = "") -> Iterator[Plan]:
    """Endless: every point with every victim once in an order drawn by the seed, then again."""
    wanted, _, victim = only.rpartition(",") if "," in only else (only, "", "")
    points = [point for point in POINTS if not wanted or point.startswith(wanted)]
    victims = [each for each in VICTIMS if not victim or each == victim]
    if not points or not victims:
        raise SystemExit(f"no point begins with {wanted!r}, or no victim is {victim!r}: {', '.join(POINTS)}")
    chance, numbers = random.Random(seed), itertools.count(1)
    while True:
        cells = [(point, each) for point in points for each in victims if point != RANDOM or wanted]
        chance.shuffle(cells)
        for place, (point, each) in enumerate(cells):
            if not wanted and place % (RANDOM_SHARE - 1) == 0:
                yield plan(seed, next(numbers), RANDOM, chance.choice(victims))
            yield plan(seed, next(numbers), point, each)


def crash(
    runs: int, seed: int, *, jobs: int = 2, seconds: float = 1800.0, only: str = "", keep: str = ""
) -> list[Told]:
    """Carry out `runs` kills, several at a time; fewer when `seconds` are over."""
    limit, found = time.monotonic() + seconds, list[Told]()
    rest = itertools.islice(plans(seed, only), runs)
    # Not forked from here: this process has threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        under_way: set[Future[Told]] = set()
        while True:
            while len(under_way) < jobs and time.monotonic() < limit and (order := next(rest, None)):
                under_way.add(pool.submit(carry_out, order, keep))
            if not under_way:
                return found
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in done:
                told = each.result()
                found.append(told)
                if told.verdict.wrong or told.killed is None:
                    print(said(told), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    parser.add_argument("--seconds", type=float, default=1800.0, help="after which no run is begun")
    parser.add_argument("--only", default="", metavar="POINT[,VICTIM]", help="points that begin so")
    parser.add_argument("--table", metavar="FILE", help="write the table there, too")
    parser.add_argument("--keep", default="", metavar="DIR", help="folders of runs that went wrong are copied there")
    args = parser.parse_args()
    begun = time.monotonic()
    found = crash(args.runs, args.seed, jobs=args.jobs, seconds=args.seconds, only=args.only, keep=args.keep)
    text = markdown(found, args.seed, time.monotonic() - begun)
    print(text)
    if args.table:
        Path(args.table).write_text(text + "\n")
    return 1 if any(told.verdict.wrong or told.killed is None for told in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
