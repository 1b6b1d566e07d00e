"""Killing at one exact moment: the plan of one run of the matrix, and how it is carried out.

Engine and runner call `reached` at every point they pass; the plan says at which point, at which of its hits, who is
killed.  Each plan is carried out once.  It only kills what was started for its own root: by recorded process number and
start time, or by an environment that names the root.  Standard library only: the runner starts with ``-I -S``.
"""

# ruff: noqa: PTH104, PTH116, PTH123, PTH208 - no pathlib: the runner starts in milliseconds

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from collections.abc import Iterable
    from typing import Any

PATIENCE = 1.0
"""Seconds that are waited for somebody to kill, and for the killed to be gone."""
ENGINE, RUNNER, TMUX, ALL, TASKS = "engine", "runner", "tmux", "all", "tasks"
VICTIMS = (ENGINE, RUNNER, TMUX, ALL)


def write(path: str, value: dict[str, Any]) -> None:
    with open(f"{path}.{os.getpid()}.new", "w") as file:
        json.dump(value, file)
    os.rename(f"{path}.{os.getpid()}.new", path)


def read(path: str) -> dict[str, Any] | None:
    try:
        with open(path) as file:
            value = json.load(file)
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def arm(home: str, point: str, victim: str, nth: int, linger: float = 0.0) -> None:
    """`linger`: seconds that a runner which is not itself killed stays where it is, so that others meet it there."""
    write(f"{home}/kill.json", {"point": point, "victim": victim, "nth": nth, "linger": linger})


def fired(home: str) -> dict[str, Any] | None:
    """Who has been killed so far (role → process numbers); None until that has begun."""
    return read(f"{home}/fired.json")


def strikes(home: str) -> int:
    """How often somebody was killed, or was to be."""
    return os.stat(f"{home}/strikes").st_size if fired(home) is not None else 0


def reached(home: str, point: str, me: str, run_id: str = "") -> None:
    """Called by `me` (engine or runner) at `point`; may not return."""
    plan = read(f"{home}/kill.json")
    if plan is None or plan["point"] != point or _hits(home) != plan["nth"]:
        return
    fire(home, plan["victim"], me, run_id)
    if me == RUNNER:
        time.sleep(plan["linger"])


def _hits(home: str) -> int:
    """How often the point has been reached by now, by whatever process."""
    with open(f"{home}/hits", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"x")
        file.flush()
        return os.fstat(file.fileno()).st_size


def fire(home: str, victim: str, me: str = "", run_id: str = "") -> None:
    """Kill now; whoever is itself among the victims goes last."""
    found = _everybody(home) if victim == ALL else _victims(home, victim, me, run_id)
    with open(f"{home}/strikes", "ab") as file:
        file.write(b"x")
    before = fired(home) or {}
    write(f"{home}/fired.json", {role: [*before.get(role, []), *found.get(role, [])] for role in {**before, **found}})
    # Runners before what they watch, and the tmux server last: its end would have the kernel wake up who is stopped.
    order = [pid for role in (ENGINE, RUNNER, TASKS, TMUX) for pid in found.get(role, ())]
    pids = [pid for pid in order if pid != os.getpid()]
    _send(pids, signal.SIGKILL)
    if any(os.getpid() in each for each in found.values()):
        os.kill(os.getpid(), signal.SIGKILL)
    limit = time.monotonic() + PATIENCE
    while any(ticks(pid) is not None for pid in pids) and time.monotonic() < limit:
        time.sleep(0.002)


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _victims(home: str, victim: str, me: str, run_id: str) -> dict[str, list[int]]:
    """Role → process numbers; waits a moment for somebody to be there."""
    limit = time.monotonic() + PATIENCE
    while True:
        match victim:
            case "engine":
                pids = engine(home)
            case "runner":
                pids = _one_runner(home, me, run_id)
            case _:
                pids = tmux_server(home)
        if pids or time.monotonic() > limit:
            return {victim: pids}
        time.sleep(0.01)


def _everybody(home: str) -> dict[str, list[int]]:
    """All that lives for this root, stopped: nobody sees another one die, and nobody starts one more."""
    stopped = {os.getpid()}
    while True:
        found = {ENGINE: engine(home), TMUX: tmux_server(home), RUNNER: runners(home)}
        found[TASKS] = sorted(_below(found) | task_processes(home))
        fresh = {pid for each in found.values() for pid in each} - stopped
        if not fresh:
            return found
        _send(fresh, signal.SIGSTOP)
        stopped |= fresh


def _one_runner(home: str, me: str, run_id: str) -> list[int]:
    """The runner that is at the point; else that of the run at hand, if it lives; else the newest one."""
    if me == RUNNER:
        return [os.getpid()]
    return (runners(home, run_id) if run_id else [])[-1:] or runners(home)[-1:]


def runners(home: str, run_id: str = "") -> list[int]:
    """Living runners, the newest last; one that has not yet said that it began is known by its command line.

    What a runner has just forked has that line too, until it becomes the task's program: it is no runner."""
    found: dict[int, int] = {}
    for pid in _processes():
        words = _words(pid, "cmdline")
        folder = words[4] if len(words) > 5 and words[3].endswith("/wrapper.py") else ""
        if folder.startswith(f"{home}/state/runs/{run_id}") and (begun := ticks(pid)) is not None:
            found[pid] = begun
    return sorted((pid for pid in found if _parent(pid) not in found), key=lambda pid: (found[pid], pid))


def engine(home: str) -> list[int]:
    """The engine that was started last, if it lives."""
    told = read(f"{home}/engine.json")
    return [told["pid"]] if told and ticks(told["pid"]) == told["ticks"] else []


def tmux_server(home: str) -> list[int]:
    mark = f"TMUX_TMPDIR={home}"
    return [pid for pid in _processes() if _name(pid).startswith("tmux: server") and mark in _words(pid, "environ")]


def task_processes(home: str) -> set[int]:
    """What works for a run of this root, whoever started it."""
    mark = f"CCTUI_RUN_DIR={home}/state/runs/"
    return {pid for pid in _processes() if any(word.startswith(mark) for word in _words(pid, "environ"))}


def _below(found: dict[str, list[int]]) -> set[int]:
    """Descendants of the engine and the runners: git, tear-downs, tmux clients."""
    parents = {pid: _parent(pid) for pid in _processes()}
    below = {pid for role in (ENGINE, RUNNER) for pid in found[role]}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return below - {pid for role in (ENGINE, RUNNER) for pid in found[role]}


# --- /proc -----------------------------------------------------------------------------------------------------------


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []


def ticks(pid: int) -> int | None:
    """When a living process began, in clock ticks since boot; None for one that is gone or waits to be reaped."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else None


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields and fields[0] not in "ZX" else 0


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def _words(pid: int, what: str) -> list[str]:
    """The words of its command line, or of its environment."""
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return []
