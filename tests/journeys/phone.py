"""A phone: a terminal of 48×18 that a person types and taps on, and whose connection can drop.

It is a tmux server of its own around the real program; what stands on the screen is read back as text.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.waiting import at_last

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds something may take to appear: the machine may be busy with other tests."""
PYTHON = (sys.executable, "-m", "cctui")


class Phone:
    def __init__(self, name: str, *, columns: int = 48, rows: int = 18) -> None:
        self.server = ("tmux", "-L", f"{os.environ['CCTUI_TEST']}-{name}", "-f", "/dev/null")
        self.size = (str(columns), str(rows))

    def tmux(self, *words: str) -> str:
        done = subprocess.run([*self.server, *words], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def open(self, *words: str) -> None:
        """Connect, and start `cctui WORDS`; the screen stays when it ends."""
        command = shlex.join(["env", "-u", "TMUX", "-u", "TMUX_PANE", f"PYTHONPATH={ROOT}", *PYTHON, *words])
        columns, rows = self.size
        made = ["new-session", "-d", "-x", columns, "-y", rows, f"{command}; echo LEFT $?; exec cat"]
        # Taps must reach the program as they are, and nothing may be drawn but what it draws.
        self.tmux("start-server", ";", "set", "-g", "status", "off", ";", "set", "-g", "mouse", "off", ";", *made)

    def drop(self) -> None:
        """The line drops: whatever runs on it gets SIGHUP."""
        self.tmux("kill-server")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def sees(self, *texts: str, seconds: float = PATIENCE) -> str:
        """Wait until all of it stands on the screen; the screen then."""
        try:
            return at_last(lambda: found if all(t in (found := self.screen()) for t in texts) else "", seconds)
        except AssertionError:
            raise AssertionError(f"{texts} never stood together on the screen:\n{self.screen()}") from None

    def misses(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until it stands there no more."""
        try:
            at_last(lambda: text not in self.screen(), seconds)
        except AssertionError:
            raise AssertionError(f"{text!r} stayed on the screen:\n{self.screen()}") from None

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: ``Enter``, ``Escape``, ``Down``; a letter is itself."""
        for key in keys:
            self.tmux("send-keys", key)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)

    def tap(self, text: str) -> None:
        """Touch the screen where this stands: press and release at once, as a phone's terminal reports it."""
        screen = self.sees(text).splitlines()
        row = next(i for i, line in enumerate(screen) if text in line)
        column = screen[row].index(text) + 1
        for end in "Mm":
            code = f"\x1b[<0;{column + 1};{row + 1}{end}"
            self.tmux("send-keys", "-H", *(f"{byte:02x}" for byte in code.encode()))

    def resize(self, columns: int, rows: int) -> None:
        self.size = (str(columns), str(rows))
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))
