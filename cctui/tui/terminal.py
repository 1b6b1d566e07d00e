"""The line to the person: a driver that outlives a bad one, and lending the terminal to another program.

Promises that neither a dropped nor a stalled connection ever blocks the loop, on which the engine runs too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver

from cctui.tui.squeeze import squeeze

BACKLOG = 20
"""Writes that may wait for a slow line.  At 30 Textual's own queue would block the loop until the line moves again."""


class LostLine:
    """A terminal's file that takes a write on a dead line as done: Textual's writer thread would die of the error, and
    the loop would then wait for it for ever."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file

    def write(self, text: str) -> None:
        try:
            self.file.write(text)
        except OSError:
            pass  # nobody is there to read it

    def flush(self) -> None:
        try:
            self.file.flush()
        except OSError:
            pass  # nobody is there to read it

    def fileno(self) -> int:
        return self.file.fileno()

    def isatty(self) -> bool:
        return self.file.isatty()


class Line(LinuxDriver):
    """Textual's driver, which drops frames when the line cannot take them; `caught_up` then asks for a fresh one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._file: Any = LostLine(self._file)
        self.behind = False

    def write(self, data: str) -> None:
        writer = self._writer_thread
        if writer is None or writer._queue.qsize() < BACKLOG:
            super().write(squeeze(data))
        else:
            self.behind = True

    def caught_up(self) -> bool:
        """Whether frames were dropped and the line moves again; true once."""
        writer = self._writer_thread
        if not self.behind or writer is None or writer._queue.qsize():
            return False
        self.behind = False
        return True


async def lend(argv: Sequence[str], *, quiet: bool = True) -> str:
    """Run a program in this terminal; "" when it went well, else a sentence.  Never raises: it runs inside
    `App.suspend`, which would leave a dead screen behind.

    `quiet`: its standard output goes nowhere; tmux draws on the terminal itself, and would only leave a line of
    farewell in the shell below the app."""
    sink = asyncio.subprocess.DEVNULL if quiet else None
    try:
        process = await asyncio.create_subprocess_exec(*argv, stdout=sink, stderr=sink)
    except (OSError, ValueError, IndexError) as error:
        return f"{argv[0] if argv else 'attach'} cannot be started: {error}"
    code = await process.wait()
    return "" if code == 0 else f"{argv[0]} ended with code {code}: is the run over? l shows what it said"
