"""The run folder's small files: JSON written so that a reader, or a crash, never meets half of one.

Standard library only: the runner and the engine share it.
"""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from typing import Any

FILE_MODE = 0o600


def sync_folder(folder: str) -> None:
    """Make what was created, renamed or removed in `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_draft(folder: str, name: str, value: dict[str, Any]) -> str:
    """A hidden file with `value`, on the disk when this returns; nothing stays behind when it cannot be written."""
    draft = os.path.join(folder, f".{name}.{os.getpid()}.{time.monotonic_ns()}.tmp")
    try:
        write_synced(draft, json.dumps(value).encode())
    except OSError:
        # On a full disk this is tried again every second, for days if need be.
        if os.path.lexists(draft):
            os.unlink(draft)
        raise
    return draft


def write_synced(path: str, data: bytes) -> None:
    """A new file with `data`, on the disk when this returns; its name is not yet (`sync_folder`)."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def put(folder: str, name: str, value: dict[str, Any]) -> None:
    """Write `name` whole or not at all; the newer one wins."""
    draft = _write_draft(folder, name, value)
    os.rename(draft, os.path.join(folder, name))
    sync_folder(folder)


def claim(folder: str, name: str, value: dict[str, Any]) -> bool:
    """Write `name` only if it is not there: False when somebody was first."""
    draft = _write_draft(folder, name, value)
    try:
        os.link(draft, os.path.join(folder, name))
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    sync_folder(folder)
    return True


def read(folder: str, name: str) -> dict[str, Any] | None:
    """The JSON object in `name`; None when it is missing or is no JSON object."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            value = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def secrets(folder: str) -> tuple[str, ...]:
    """The exact values that a run's screens and logs may not show: `values` in secrets.json."""
    values = (read(folder, "secrets.json") or {}).get("values")
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def stamp(seconds: float) -> str:
    """Seconds since the epoch as ISO text in UTC, to the microsecond."""
    whole = int(seconds)
    micros = int((seconds - whole) * 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{micros:06d}+00:00"


def boot_id() -> str:
    """Changes with every start of the machine; empty where the kernel does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> int | None:
    """When process `pid` began, in clock ticks since boot; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
