"""Starting the child: with default signal handlers and exactly the environment it was given.

It gets a session of its own; with the pane's terminal, only a process group.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from typing import Any

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class SpawnError(Exception):
    """The child could not be started; the text says what to do."""


def find_program(name: str, env: dict[str, str], cwd: str) -> str:
    """The file that `name` stands for, searched like a shell would in the child's own PATH."""
    if "/" in name:
        path = os.path.join(cwd, name)
        if not os.path.exists(path):
            raise SpawnError(f"The program {path} does not exist.")
        return path
    search = env.get("PATH") or os.defpath
    for folder in search.split(":"):
        path = os.path.join(cwd, folder or ".", name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise SpawnError(f"The program `{name}` was not found on PATH ({search}): install it, or name its full path.")


def enter(cwd: str) -> None:
    """Make `cwd` the current folder."""
    try:
        os.chdir(cwd)
    except FileNotFoundError:
        raise SpawnError(f"The folder {cwd} does not exist: make it, or change `cwd` in the task file.") from None
    except NotADirectoryError:
        raise SpawnError(f"{cwd} is not a folder: change `cwd` in the task file.") from None
    except OSError as error:
        raise SpawnError(f"The folder {cwd} cannot be entered: {error.strerror}.") from None


def open_append(path: str) -> int:
    return os.open(path, APPEND, 0o600)


def open_stdin(folder: str, name: str | None) -> int:
    """The prompt file, relative to the run folder; /dev/null when there is none."""
    path = "/dev/null" if name is None else os.path.join(folder, name)
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise SpawnError(f"The input file {path} cannot be read: {error.strerror}.") from None


def _redirect(fds: tuple[int, int, int]) -> list[tuple[int, ...]]:
    return [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(fds)]


def spawn(folder: str, plan: dict[str, Any], terminal: int | None = None) -> int:
    """Start what `plan` says; gives its process id.

    Standard output goes by descriptor into stream.jsonl or output.log, so nothing between can lose any of it; with
    `terminal`, all three standard descriptors are that one.
    """
    cwd = str(plan["cwd"])
    env = {str(key): str(value) for key, value in plan["env"].items()}
    argv = [str(word) for word in plan["argv"]]
    enter(cwd)
    program = find_program(argv[0], env, cwd)
    fds: list[int] = []
    try:
        if terminal is None:
            log = os.path.join(folder, "output.log")
            out = os.path.join(folder, "stream.jsonl") if plan["stdout"] == "stream" else log
            fds += [open_stdin(folder, plan.get("stdin"))]
            fds += [open_append(out), open_append(log)]
        given = (terminal, terminal, terminal) if terminal is not None else (fds[0], fds[1], fds[2])
        return os.posix_spawn(
            program,
            argv,
            env,
            file_actions=_redirect(given),
            # With a terminal: a group of its own in our session, else it could not read from it.
            **({"setsid": True} if terminal is None else {"setpgroup": 0}),
            setsigmask=(),
            setsigdef=[s for s in signal.valid_signals() if s not in (signal.SIGKILL, signal.SIGSTOP)],
        )
    except OSError as error:
        raise SpawnError(f"{program} cannot be started: {error.strerror}.") from None
    finally:
        for fd in fds:
            os.close(fd)
