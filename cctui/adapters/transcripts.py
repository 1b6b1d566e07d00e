"""Tokens that this machine's Claude sessions have spent, from their transcripts: an estimate, for when nobody tells.

Promises: a message counts once, by (message id, request id), with the larger of its totals; what the program says in
the model's place counts nothing; every byte is read once; a look never takes longer than it was told, and until all is
read it gives no number; a percentage rests on learned tokens per point, and without those there is none.
Other devices of the same account are not in it.  Never keeps or shows what was said.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cctui.adapters import foreign
from cctui.adapters.usage_answer import moment
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Confidence, Reading

NAME = "transcripts"
LENGTHS = {FIVE_HOUR: timedelta(hours=5), SEVEN_DAY: timedelta(days=7)}
CHUNK, LONGEST_LINE = 1 << 20, 1 << 24
COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
MOST_TOKENS = 10**9
"""More than that no message has: a hostile line."""
BUDGET = 1.0
"""Seconds that one look may read."""

PerPoint = Callable[[str], float | None]
"""Window → tokens that one percent point of it is worth; None: not learned."""
Resets = Callable[[str], datetime | None]
"""Window → when it resets, as any source last told, also a moment that is over; None: never told."""


@dataclass(slots=True)
class _Tail:
    """How far one file has been read."""

    inode: int
    at: int = 0


class Transcripts:
    def __init__(self, config: Path, *, budget: float = BUDGET) -> None:
        """`config`: Claude's own folder."""
        self._folder = config / "projects"
        self._budget = budget
        self._tails: dict[Path, _Tail] = {}
        self._spent: dict[int, tuple[int, int]] = {}
        """(message id, request id), hashed → (epoch seconds, tokens)."""

    def look(self, now: datetime) -> bool:
        """Read what is new, as far as the budget goes; whether all has been read."""
        end = time.monotonic() + self._budget
        since = (now - LENGTHS[SEVEN_DAY]).timestamp()
        self._spent = {key: spent for key, spent in self._spent.items() if spent[0] >= since}
        return all(self._read(path, end) for _, path in sorted(_files(self._folder, since), reverse=True))

    def tokens(self, since: datetime, now: datetime) -> int:
        """Spent from `since` on."""
        first, last = since.timestamp(), now.timestamp()
        return sum(tokens for at, tokens in self._spent.values() if first <= at <= last)

    def block(self, now: datetime) -> datetime | None:
        """When the 5-hour window began that is open now: the first message after the one before had ended."""
        length = LENGTHS[FIVE_HOUR].total_seconds()
        start = -length
        for at in sorted(at for at, _ in self._spent.values() if at <= now.timestamp()):
            if at >= start + length:
                start = float(at)
        return datetime.fromtimestamp(start, UTC) if now.timestamp() < start + length else None

    def readings(self, now: datetime, per_point: PerPoint, resets: Resets) -> tuple[Reading, ...]:
        """An estimate of each window whose beginning is known; none before all is read."""
        if not self.look(now):
            return ()
        found = []
        for window, length in LENGTHS.items():
            ends = next_reset(window, resets(window), now)
            begun = ends - length if ends else self.block(now) if window == FIVE_HOUR else None
            if begun is not None:
                tokens = self.tokens(begun, now)
                found.append(estimate(window, tokens, begun + length, NAME, now, per_point))
        return tuple(found)

    def _read(self, path: Path, end: float) -> bool:
        """Go on with one file; False when the time was over before its end."""
        file = foreign.open_plain(path)
        if file is None:
            return True
        try:
            found = os.fstat(file)
            tail = self._tails.get(path)
            if tail is None or tail.inode != found.st_ino or tail.at > found.st_size:
                tail = self._tails[path] = _Tail(found.st_ino)
            while tail.at < found.st_size:
                if time.monotonic() > end:
                    return False
                if not self._step(file, tail):
                    break
        except OSError:
            return True
        finally:
            os.close(file)
        return True

    def _step(self, file: int, tail: _Tail) -> bool:
        """One chunk of whole lines; False: no whole line is left."""
        data = os.pread(file, CHUNK, tail.at)
        if b"\n" not in data and len(data) == CHUNK:
            data = os.pread(file, LONGEST_LINE, tail.at)
        whole, newline, _ = data.rpartition(b"\n")
        if not newline:
            if len(data) < LONGEST_LINE:
                return False
            tail.at += len(data)  # a line that is too long to be one; its rest is no JSON
            return True
        tail.at += len(whole) + 1
        for line in whole.split(b"\n"):
            if b'"usage"' in line and b'"assistant"' in line:
                self._count(line)
        return True

    def _count(self, line: bytes) -> None:
        try:
            found = json.loads(line)
            message = found["message"]
            at, usage = moment(found["timestamp"]), message["usage"]
            tokens = sum(value for name in COUNTS if isinstance(value := usage.get(name), int) and value > 0)
            if at is None or message.get("model") == "<synthetic>" or not 0 < tokens < MOST_TOKENS:
                return
            key = hash((message.get("id") or found.get("uuid"), found.get("requestId")))
            seconds = int(at.timestamp())
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError, OverflowError):
            return
        before = self._spent.get(key)
        if before is None or before[1] < tokens:
            self._spent[key] = (seconds, tokens)


def _files(folder: Path, since: float) -> Iterator[tuple[float, Path]]:
    """Change time and path of every transcript that was written to since then."""
    for above, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".jsonl"):
                path = Path(above) / name
                try:
                    changed = path.stat().st_mtime
                except OSError:
                    continue
                if changed >= since:
                    yield changed, path


def next_reset(window: str, told: datetime | None, now: datetime) -> datetime | None:
    """When the window resets that is open now.  A week follows the week before; the 5-hour window waits for work."""
    if told is None or told > now:
        return told
    if window == FIVE_HOUR:
        return None
    week = LENGTHS[SEVEN_DAY]
    return told + week * ((now - told) // week + 1)


def estimate(window: str, tokens: int, resets_at: datetime, source: str, now: datetime, per_point: PerPoint) -> Reading:
    """Tokens as a percentage; without learned tokens per point it stays unknown."""
    worth = per_point(window)
    used = min(tokens / worth, 100.0) if worth and worth > 0 else None
    return Reading(window, used, resets_at, source, now, Confidence.ESTIMATED)
