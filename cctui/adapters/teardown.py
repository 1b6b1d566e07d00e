"""A project's tear-down command, run in a worktree whose run has ended.

It never decides anything: whatever it does or fails to do, the run ends as it has ended.  After a crash it may run a
second time.  Bounded in time; everything it started is ended with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path


def tear_down(command: str, folder: str, env: Mapping[str, str], log: Path, seconds: float) -> int | None:
    """Exit code of `command` in `folder`, None when it could not run or took too long; what it says goes into `log`."""
    with log.open("ab") as out:
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=folder,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            out.write(f"tear-down cannot be started: {error.strerror}\n".encode())
            return None
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            out.write(f"tear-down was ended after {seconds:g} s\n".encode())
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
