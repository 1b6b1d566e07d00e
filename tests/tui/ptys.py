"""A terminal around a program: what it writes is counted and kept, keys can be typed, the line can drop."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLUR, FOCUS = b"\x1b[O", b"\x1b[I"


class Terminal:
    def __init__(self, argv: Sequence[str], *, columns: int = 48, rows: int = 18, **environ: str) -> None:
        self.said = b""
        self.first: float | None = None
        """Seconds from the start to the first cell drawn."""
        self.began = time.monotonic()
        self.status: int | None = None
        self.pid, self.line = pty.fork()
        if self.pid == 0:
            ours = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
            environment = dict(os.environ) | ours | environ
            environment.pop("SSH_CONNECTION", None)
            os.chdir(ROOT)
            os.execvpe(argv[0], list(argv), environment)
        fcntl.ioctl(self.line, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @classmethod
    def python(cls, *words: str, columns: int = 48, rows: int = 18, **environ: str) -> Terminal:
        return cls([sys.executable, *words], columns=columns, rows=rows, **environ)

    def read(self, seconds: float) -> int:
        """Take what is written for so long; the number of bytes."""
        before, end = len(self.said), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._take(left)
        return len(self.said) - before

    def until(self, done: Callable[[bytes], bool], seconds: float = 15) -> bool:
        end = time.monotonic() + seconds
        while not done(self.said):
            if time.monotonic() > end:
                return False
            self._take(0.1)
        return True

    def _take(self, seconds: float) -> None:
        if not select.select([self.line], [], [], seconds)[0]:
            return
        try:
            data = os.read(self.line, 65536)
        except OSError:  # EIO: the other side has closed
            time.sleep(min(seconds, 0.05))
            return
        self.said += data
        if self.first is None and b"\x1b[?2026$p" not in data and b"m" in data and len(data) > 400:
            self.first = time.monotonic() - self.began

    def type(self, keys: bytes) -> None:
        os.write(self.line, keys)

    def drop(self) -> None:
        """The line drops, as an SSH connection does: the program gets SIGHUP."""
        os.close(self.line)

    def cpu(self) -> float:
        """Seconds of processor time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, seconds: float = 10) -> int | None:
        """Its exit status, once it has ended by itself; None when it had to be killed."""
        end = time.monotonic() + seconds
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return None
            else:
                time.sleep(0.02)
        return self.status
