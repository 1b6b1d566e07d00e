"""What the pane shows and output.log keeps, made while the child works.

One thread: it turns new lines of stream.jsonl into readable ones, appends them to output.log, and shows what output.log
gained, both without secrets.  The pane is written without waiting: a terminal that is gone, stopped or never drained
costs nothing but the view.  It never touches stream.jsonl, and the supervisor never waits for it longer than it says.
"""

from __future__ import annotations

import os
import stat
import sys
import termios
import threading
import time

from . import scrub
from .redact import Redactor
from .render import Render
from .shown import Shown

TICK = 0.1
CHUNK = 65_536
BACKLOG = 262_144
"""Bytes the pane may lag behind before it skips to the newest ones."""
LOOK_BACK = 32_768
"""Bytes before those that are looked at, not shown: a private key may have begun there."""


def open_pane() -> int | None:
    """The pane by a descriptor of our own that never blocks; None when there is no terminal or file to show on."""
    try:
        if stat.S_ISREG(os.fstat(1).st_mode):
            return os.dup(1)  # a file never blocks, and its place in it is shared with whoever started us
        fd = os.open("/proc/self/fd/1", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        modes = termios.tcgetattr(fd)
        modes[3] &= ~(termios.ECHO | termios.ISIG)  # keys in the pane are neither shown nor signals
        termios.tcsetattr(fd, termios.TCSANOW, modes)
    except (termios.error, OSError):
        return fd  # a file or a pipe
    return fd


class Follower:
    """Follows one leg; `offsets` are where its parts of stream.jsonl and output.log begin.

    `values` are the run's secrets: neither the pane nor what is rendered into output.log holds them.
    """

    def __init__(
        self, folder: str, render: str, banner: str, offsets: tuple[int, int], values: tuple[str, ...] = ()
    ) -> None:
        self._hide = Redactor(values).whole
        self._render = Render(self._hide) if render == "claude" else None
        self._stream = os.open(os.path.join(folder, "stream.jsonl"), os.O_RDONLY | os.O_CLOEXEC)
        self._log = os.open(os.path.join(folder, "output.log"), os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._at, self._shown = offsets
        self._torn = b""
        self._pane = open_pane()
        self._pending = b""
        self._text = Shown(values)
        self._stop = threading.Event()
        self._logged = threading.Event()
        self._told = threading.Event()
        self._last = ""
        self._thread = threading.Thread(target=self._follow, daemon=True)
        if banner:
            self._pending = (self._hide(scrub.clean(banner)) + "\n").encode()

    def start(self) -> None:
        self._thread.start()

    def finish(self, patience: float) -> None:
        """The child has ended: put the rest of its stream into the log, within `patience` seconds."""
        self._stop.set()
        self._logged.wait(patience)

    def say_last(self, line: str, patience: float) -> None:
        """Show `line` as the last one and give the pane `patience` seconds to take it."""
        self._last = line
        self._told.set()
        self._thread.join(patience)

    def _follow(self) -> None:
        sys.stdout = None  # a traceback of this thread goes to stderr only
        while not self._stop.is_set():
            if not (self._read_stream() | self._show()):
                self._stop.wait(TICK)
        while self._read_stream():
            continue
        self._close_stream()
        self._logged.set()
        self._drain()
        if rest := self._text.rest():
            self._pending += (rest.rstrip("\n") + "\n").encode("utf-8", "replace")
        self._told.wait()
        summary = self._render.summary if self._render else ""
        last = scrub.clean(" · ".join(filter(None, (self._last, summary))))
        self._pending += (self._hide(last) + "\n").encode("utf-8", "replace")
        self._drain()

    # --- stream.jsonl → output.log

    def _read_stream(self) -> bool:
        """Render what the stream gained; False when it gained nothing."""
        if self._render is None:
            return False
        data = os.pread(self._stream, CHUNK, self._at)
        if not data:
            return False
        self._at += len(data)
        *lines, self._torn = (self._torn + data).split(b"\n") if b"\n" in data else [self._torn + data]
        self._write([text for line in lines for text in self._render.feed(line)])
        return True

    def _close_stream(self) -> None:
        """A last line without its end: shown if it is whole, left alone if it is torn."""
        if self._render is not None and self._torn:
            self._write(self._render.feed(self._torn))

    def _write(self, lines: list[str]) -> None:
        if lines:
            try:
                os.write(self._log, ("\n".join(lines) + "\n").encode("utf-8", "replace"))
            except OSError:
                return  # a full disk costs the readable view; stream.jsonl is the record

    # --- output.log → pane

    def _show(self) -> bool:
        """Show what the log gained; False when there is nothing to do or the pane takes nothing."""
        if self._pane is None:
            return False
        if not self._pending:
            self._take()
        if not self._pending:
            return False
        try:
            written = os.write(self._pane, self._pending[:CHUNK])
        except BlockingIOError:
            return False
        except OSError:  # the pane is gone
            self._pane = None
            return False
        self._pending = self._pending[written:]
        return True

    def _take(self) -> None:
        size = os.fstat(self._log).st_size
        if size - self._shown > BACKLOG:
            self._shown = size - CHUNK
            self._pending = "\n… (skipped; the whole text is in output.log)\n".encode()
            self._text.skip()
            self._text.feed(os.pread(self._log, LOOK_BACK, self._shown - LOOK_BACK))
        data = os.pread(self._log, CHUNK, self._shown)
        if data:
            self._shown += len(data)
            self._pending += self._text.feed(data).encode("utf-8", "replace")

    def _drain(self) -> None:
        """Show the rest, as long as the pane takes some within half a second."""
        limit = time.monotonic() + 0.5
        while self._pane is not None and time.monotonic() < limit:
            if self._show():
                limit = time.monotonic() + 0.5
            elif not self._pending:
                return
            else:
                time.sleep(0.01)
