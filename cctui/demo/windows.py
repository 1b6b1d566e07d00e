"""The simulated windows: one JSON file that every simulated Claude of a demo reads and spends from.

As the real ones: the 5-hour window opens with the first request after the last one ended, and what was used is given
back at its reset.  Here it lasts some seconds.  Percent 0-100; times are epoch seconds.  Standard library only.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

FULL = 100.0


@dataclass(slots=True)
class Windows:
    """Both windows at one moment.  ``resets_at`` None: the window is not open."""

    five_hour: float
    five_hour_resets_at: int | None
    week: float
    week_resets_at: int
    length: float
    """Seconds that a simulated 5-hour window lasts."""
    pace: float = 1.0
    """How slowly a simulated Claude works; 0: at once."""

    def settle(self, now: float) -> None:
        """Give back what ended windows had used."""
        if self.five_hour_resets_at is not None and self.five_hour_resets_at <= now:
            self.five_hour, self.five_hour_resets_at = 0.0, None

    def spend(self, percent: float, week: float, now: float) -> bool:
        """One request; False when it is refused because the 5-hour window is full."""
        self.settle(now)
        if self.five_hour >= FULL:
            return False
        if self.five_hour_resets_at is None:
            self.five_hour_resets_at = int(now + self.length) + 1
        self.five_hour = min(FULL, self.five_hour + percent)
        self.week = min(FULL, self.week + week)
        return True


@contextmanager
def opened(folder: str) -> Iterator[Windows]:
    """The windows of the demo in `folder`, locked against other processes, written back at the end."""
    path = f"{folder}/windows.json"
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(path) as file:
            windows = Windows(**json.load(file))
        windows.settle(time.time())
        yield windows
        _write(path, windows)


def create(folder: str, windows: Windows) -> None:
    _write(f"{folder}/windows.json", windows)


def _write(path: str, windows: Windows) -> None:
    with open(f"{path}.tmp", "w") as file:
        json.dump(asdict(windows), file)
    os.replace(f"{path}.tmp", path)
