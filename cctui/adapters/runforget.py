"""What a closed run's folder need not hold any longer: environments, and the secrets that were known to its runner.

After it the readable log holds none of those either, so it can be shown for as long as it is kept.  stream.jsonl, the
raw record, stays as it is: nobody but its owner can read it, and it is never shown.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from cctui.adapters.runfiles import SECRETS, read_secrets
from cctui.runner import files
from cctui.runner.redact import Redactor

LONGEST_LINE = 1 << 20


def forget(folder: Path, legs: int) -> None:
    """Empty what may hold a token.  Raises OSError."""
    for number in range(1, legs + 1):
        raw = files.read(str(folder), f"leg-{number}.json")
        if raw and raw.get("env"):
            files.put(str(folder), f"leg-{number}.json", {**raw, "env": {}})
    if values := read_secrets(folder):
        _clean_log(folder / "output.log", values)
        files.put(str(folder), SECRETS, {"values": []})


def _clean_log(log: Path, values: tuple[str, ...]) -> None:
    """Write the log anew without `values`, if it holds one of them."""
    if not _holds(log, values):
        return
    draft, redactor = log.with_name(".output.log.tmp"), Redactor(values)
    draft.touch(mode=0o600)
    with log.open("rb") as old, draft.open("wb") as new:
        while line := old.readline(LONGEST_LINE):
            new.write(redactor.lines(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))
        new.flush()
        os.fsync(new.fileno())
    draft.rename(log)


def _holds(log: Path, values: tuple[str, ...]) -> bool:
    try:
        with log.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(value.encode("utf-8", "surrogateescape")) >= 0 for value in values)
    except (OSError, ValueError):  # ValueError: it is empty
        return False
