"""Reading one run folder: how far it is, whether its runner lives, what its stream and log say.  It changes nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cctui.adapters.runfiles import Exit, LegFile, Start, read_exit, read_start
from cctui.adapters.stream import TEXT_LIMIT, Fold, add_tokens
from cctui.core.world import Part, Result, Stop
from cctui.runner.redact import redact
from cctui.runner.scrub import clean

PLAN_CHARS = 40_000
LONGEST_LINE = 4_096
"""Bytes before the part that is asked for: a secret that the cut would go through is seen whole."""


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def newest_leg(folder: Path) -> int:
    """The number of the newest leg; 0 when there is none."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return 0
    numbers = (name[4:-5] for name in names if name.startswith("leg-") and name.endswith(".json"))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def held(folder: Path) -> bool:
    """A living runner holds the run's lock.  Trying takes it for microseconds; a starting runner waits longer."""
    try:
        fd = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def parked(folder: Path, leg: int) -> float:
    """Seconds between the legs before this one and their next starts."""
    total = 0.0
    for number in range(1, leg):
        end, start = read_exit(folder, f"exit-{number}.json"), read_start(folder, number + 1)
        if end is not None and start is not None and start.started is not None:
            total += max(0.0, (start.started - end.ended).total_seconds())
    return total


def active(folder: Path, legs: Sequence[LegFile]) -> float:
    """Seconds that `legs` were at work.  A person's time at the pane is not the run's."""
    ends = (read_exit(folder, f"exit-{leg.number}.json") for leg in legs if leg.part is not Part.ATTENDED)
    return sum(end.duration_s for end in ends if end is not None)


def lost(folder: Path, leg: int, start: Start | None) -> Exit:
    """The record of a runner that left none: it ended when its files were last written."""
    last = max(_mtime(folder / name) for name in ("stream.jsonl", "output.log", f"start-{leg}.json"))
    ended = datetime.fromtimestamp(last, UTC)
    begun = start.started if start and start.started else ended
    same_boot = start is None or start.this_boot
    detail = "The runner was killed before it could write how the run ended." if same_boot else (
        "The machine was restarted while it ran."
    )  # fmt: skip
    return Exit(leg, Stop.LOST, max(ended, begun), max(0.0, (ended - begun).total_seconds()), None, detail, begun)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def heard(folder: Path, since: datetime | None) -> datetime | None:
    """When the run last put something out; None: not since `since`."""
    last = max(_mtime(folder / "stream.jsonl"), _mtime(folder / "output.log"))
    at = datetime.fromtimestamp(last, UTC)
    return at if last and (since is None or at > since) else None


def result(
    folder: Path, legs: Sequence[LegFile], *, values: tuple[str, ...] = (), newest: int | None = None
) -> Result | None:
    """The last conversing leg's result with the tokens, dollars and tool calls of all of them; None when there is none.

    `legs` are all of the run; those after `newest` count as not there yet.  Others may lie between those that converse
    (set-up, check, a person at work): they put nothing into the stream.
    """
    upto = max((leg.number for leg in legs), default=0) if newest is None else newest
    talks = [leg for leg in legs if leg.plan.stdout == "stream" and leg.number <= upto]
    if not talks:
        return None
    last, tokens, cost, succeeded, changed = Result(), None, None, 0, 0
    for leg in talks:
        fold = _fold(folder, leg, _end(folder, legs, leg), values)
        last = fold.result
        succeeded, changed = succeeded + last.succeeded, changed + last.changed
        if fold.cumulative and last.tokens is not None:
            tokens, cost = last.tokens, last.cost_usd
            continue
        tokens = add_tokens(tokens, last.tokens)
        cost = last.cost_usd if cost is None else cost + (last.cost_usd or 0.0)
    return replace(last, tokens=tokens, cost_usd=cost, succeeded=succeeded, changed=changed)


def plan_text(folder: Path, legs: Sequence[LegFile], values: tuple[str, ...] = ()) -> str:
    """The plan that the newest planning leg ended with, nearly whole; empty when there is none."""
    for leg in reversed([leg for leg in legs if leg.part is Part.PLAN]):
        result = _fold(folder, leg, _end(folder, legs, leg), values, PLAN_CHARS).result
        if result.text and not result.is_error:
            return result.text.strip()
    return ""


def _end(folder: Path, legs: Sequence[LegFile], leg: LegFile) -> int:
    """Where a leg's part of the stream ends: each leg notes where its own begins."""
    later = (other.offset for other in legs if other.number > leg.number)
    return next(later, size(folder / "stream.jsonl"))


def _fold(folder: Path, leg: LegFile, end: int, values: tuple[str, ...], text_limit: int = TEXT_LIMIT) -> Fold:
    fold = Fold(values, text_limit)
    with contextlib.suppress(OSError), (folder / "stream.jsonl").open("rb") as file:
        file.seek(leg.offset)
        at = leg.offset
        for line in file:
            at += len(line)
            if at > end:
                break
            fold.feed(line.decode("utf-8", "replace"))
    return fold


def tail(
    path: Path,
    chars: int,
    values: tuple[str, ...] = (),
    start: int = 0,
    end: int | None = None,
    *,
    colours: bool = False,
) -> str:
    """The end of a log without control codes and secrets, at most `chars` characters, from a line's beginning where it
    can be.  `start` and `end` (bytes) bound the part that is looked at.

    `colours`: codes that only colour text stay, unless there is a secret in it, which they might cut in two."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END) if end is None else end
            file.seek(max(start, end - chars * 4 - LONGEST_LINE))
            data = file.read(max(0, end - file.tell()))
    except OSError:
        return ""
    # Of a progress bar that redraws one line, only its last state.
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    text = "\n".join(line.rpartition("\r")[2] for line in lines)
    plain = clean(text)
    safe = redact(plain, values)
    text = (clean(text, colours=True) if colours and safe == plain else safe).rstrip("\n")
    if len(text) <= chars:
        return text
    cut = text[-chars:]
    head, line_feed, rest = cut.partition("\n")
    return rest if line_feed and len(head) < chars // 4 else cut
