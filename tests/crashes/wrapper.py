"""cctui's own runner, killed at one of its stages: ``PYTHON -I -S wrapper.py RUN_DIR LEG``.

Everything it does is the real runner's; the functions that are its stages are only told of before or after.
"""

# ruff: noqa: PTH100, PTH118, PTH119, PTH120 - no pathlib: the runner starts in milliseconds

from __future__ import annotations

import os
import signal
import sys
import time

signal.signal(signal.SIGHUP, signal.SIG_IGN)  # first, as in the real one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
AT_WORK = 0.12
"""Seconds that the child of the point `at work` has worked."""


def main(argv: list[str]) -> int:
    sys.path += [os.path.join(os.path.dirname(os.path.dirname(HERE)), "cctui"), HERE]
    kill = __import__("kill")
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(argv[1]))))

    def reached(point: str) -> None:
        kill.reached(home, f"runner: {point}", kill.RUNNER, os.path.basename(argv[1]))

    reached("begun")
    wrapper = __import__("runner.wrapper", fromlist=["wrapper"])
    _tell(__import__("runner.supervise", fromlist=["supervise"]), reached)
    code: int = wrapper.main(argv)
    reached("before its end")
    return code


def _tell(supervise: Any, reached: Callable[[str], None]) -> None:
    files, spawn = supervise.files, supervise.spawn
    _around(supervise, "take_lock", reached, after="locked")
    _around(files, "claim", reached, "before start.json", "start.json")
    _around(spawn, "spawn", reached, "before spawn", "spawned")
    _around(supervise, "_note_session", reached, after="child noted")
    _around(supervise, "watch", reached, after="child ended")
    _around(supervise, "_record", reached, "before exit.json", "exit.json")
    rename, watch = files.os.rename, supervise.watch

    def renamed(old: str, new: str) -> None:
        ends = new.endswith("/exit.json")
        if ends:
            reached("exit.json drafted")
        rename(old, new)
        if ends:
            reached("exit.json renamed")

    def at_work(*args: Any) -> Any:
        time.sleep(AT_WORK)
        reached("at work")
        return watch(*args)

    files.os.rename, supervise.watch = renamed, at_work


def _around(owner: Any, name: str, reached: Callable[[str], None], before: str = "", after: str = "") -> None:
    real = getattr(owner, name)

    def told(*args: Any) -> Any:
        if before:
            reached(before)
        answer = real(*args)
        if after:
            reached(after)
        return answer

    setattr(owner, name, told)


if __name__ == "__main__":
    os._exit(main(sys.argv))
