"""What the runs of the matrix add up to, as Markdown for the README."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.crashes.kill import ALL, VICTIMS
from tests.crashes.points import POINTS, RANDOM, group
from tests.crashes.run import Told
from tests.crashes.verdict import OUTCOMES

ROWS = {
    "first leg": "first leg: run folder, worktree or snapshot, leg file, claim, tmux",
    "next leg": "next leg: sweep, `exit-N.json`, leg file, tmux",
    "filing": "filing: sweep, tear-down, worktree, rollback, note, history line, store, file, mark",
    "asked": "stop, tell, approve, plan, memory, edit, move, add, roll back",
    "runner": "the runner: lock, `start.json`, spawn, work, `exit.json`, end",
    RANDOM: "at a random moment",
}
HEADS = {ALL: "all at once"}


def markdown(found: Sequence[Told], seed: int, seconds: float) -> str:
    killed = [told for told in found if told.killed is not None]
    cells = Counter((group(told.plan.point), told.plan.victim) for told in killed)
    lines = [
        f"| killed at | {' | '.join(HEADS.get(victim, victim) for victim in VICTIMS)} | points |",
        f"|---|{'---:|' * (len(VICTIMS) + 1)}",
    ]
    for name, title in ROWS.items():
        here = {told.plan.point for told in killed if group(told.plan.point) == name}
        there = sum(group(point) == name for point in POINTS)
        counts = " | ".join(str(cells[name, victim]) for victim in VICTIMS)
        lines.append(f"| {title} | {counts} | {len(here)} of {there} |")
    outcomes: Counter[str] = Counter()
    for told in found:
        outcomes += told.verdict.outcomes
    tasks = sum(len(told.plan.tasks) for told in found)
    wrong = sum(len(told.verdict.wrong) for told in found)
    again = sum(told.strikes > 1 for told in killed)
    nobody = sum(told.killed is not None and not any(told.killed.values()) for told in found)
    lines += [
        "",
        f"{len(killed)} runs with a kill, in {again} of them a second one while the first was mended; {tasks} tasks: "
        + ", ".join(f"{outcomes[name]} {name}" for name in OUTCOMES)
        + f"; **{wrong} violations**. ({datetime.now(UTC):%Y-%m-%d}, seed {seed}, {seconds:.0f} s, "
        + f"{sum(told.seconds for told in found) / max(len(found), 1):.1f} s a run.)",
    ]
    lines += _rest(found, nobody)
    return "\n".join(lines)


def _rest(found: Sequence[Told], nobody: int) -> list[str]:
    """What is not nice, in words."""
    lines: list[str] = []
    missed = Counter(told.plan.point for told in found if told.killed is None)
    if missed:
        lines.append("Never reached: " + ", ".join(f"{point} ({count})" for point, count in missed.items()) + ".")
    if nobody:
        lines.append(f"In {nobody} of the runs there was nobody to kill at that moment.")
    litter: Counter[str] = Counter()
    for told in found:
        litter += told.verdict.litter
    if litter:
        lines.append("Temporary files left: " + ", ".join(f"{count} × {name}" for name, count in litter.items()) + ".")
    noise = Counter(line[:110] for told in found for line in told.log)
    lines += [f"    {count} × {line}" for line, count in noise.most_common(12)]
    return lines


def said(told: Told) -> str:
    """A run that went wrong, with all it takes to repeat it."""
    what = told.verdict.wrong or ["the point was never reached"]
    return "\n".join([f"{told.plan} in {told.seconds:.1f} s", *(f"    {text}" for text in what), *told.log[:5]])
