"""Reading one run folder: how far it is, whether its runner lives, what its stream and log say.  It changes nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cctui.adapters.runfiles import Exit, Leg, Start, read_exit, read_leg, read_start
from cctui.adapters.stream import Fold, add_tokens
from cctui.core.world import Result, Stop
from cctui.runner.scrub import clean


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


def active(folder: Path, leg: int) -> float:
    """Seconds that the legs before this one were at work."""
    ends = (read_exit(folder, f"exit-{number}.json") for number in range(1, leg))
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


def result(folder: Path, leg: int) -> Result | None:
    """The last leg's result with the tokens and dollars of all legs; None when the run is not Claude's."""
    found = [item for number in range(1, leg + 1) if (item := read_leg(folder, number))]
    if not found or found[-1].plan.stdout != "stream":
        return None
    last, tokens, cost = Result(), None, None
    bounds = [item.offset for item in found[1:]] + [size(folder / "stream.jsonl")]
    for item, end in zip(found, bounds, strict=True):
        fold = _fold(folder, item, end)
        last = fold.result
        if fold.cumulative and last.tokens is not None:
            tokens, cost = last.tokens, last.cost_usd
            continue
        tokens = add_tokens(tokens, last.tokens)
        cost = last.cost_usd if cost is None else cost + (last.cost_usd or 0.0)
    return replace(last, tokens=tokens, cost_usd=cost)


def _fold(folder: Path, leg: Leg, end: int) -> Fold:
    fold = Fold()
    with contextlib.suppress(OSError), (folder / "stream.jsonl").open("rb") as file:
        file.seek(leg.offset)
        at = leg.offset
        for line in file:
            at += len(line)
            if at > end:
                break
            fold.feed(line.decode("utf-8", "replace"))
    return fold


def tail(path: Path, chars: int) -> str:
    """The end of a log, at most `chars` characters, from a line's beginning where it can be."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - chars * 4))
            data = file.read()
    except OSError:
        return ""
    # Of a progress bar that redraws one line, only its last state.
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    text = "\n".join(line.rpartition("\r")[2] for line in lines)
    text = clean(text).rstrip("\n")
    if len(text) <= chars:
        return text
    cut = text[-chars:]
    head, line_feed, rest = cut.partition("\n")
    return rest if line_feed and len(head) < chars // 4 else cut
