"""A small program around the app for tests on a real terminal line.

``python -m tests.tui.hosted attach SECONDS`` · ``… inside SOCKET`` · ``… engine HANGUP`` · ``… beat COUNT``: what came
of it stands in the file named by REPORT.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from textual.widget import Widget

from cctui.adapters.tmux import Tmux
from cctui.core.settings import Settings, UiSettings
from cctui.tui import seat, terminal
from cctui.tui.app import CctuiApp, run_app
from tests.tui.fakes import FakeLink
from tests.worlds import NOW, busy

REPORT = Path(os.environ.get("REPORT", os.devnull))


def report(**facts: Any) -> None:
    part = REPORT.with_suffix(".part")
    part.write_text(json.dumps(facts), "utf-8")
    part.replace(REPORT)


class Ticking(CctuiApp):
    """Repaints often, and counts: the heart that must go on beating while the terminal is lent."""

    beats = 0

    def on_mount(self) -> None:
        self.set_interval(0.05, self.beat)

    def beat(self) -> None:
        self.beats += 1
        for widget in self.screen.query(Widget):
            widget.refresh()


def attach(seconds: str) -> None:
    link = FakeLink(busy(), clock=lambda: NOW + timedelta(seconds=time.monotonic()))
    link.argv = ["sh", "-c", f"echo LOST; exec >/dev/tty; echo LENT; sleep {seconds}; echo BACK", "attach-session"]
    app = Ticking(link, engine=None, settings=Settings())
    lend = terminal.lend

    async def watched(argv: Sequence[str]) -> str:
        before = app.beats
        said = await lend(argv)
        report(during=app.beats - before)
        return said

    vars(seat)["lend"] = watched
    print(app.run(), "LEFT")


def inside(socket: str) -> None:
    """In a pane of our own tmux, where the runs have theirs: the heartbeats are reported all the time."""

    class Reporting(Ticking):
        def beat(self) -> None:
            super().beat()
            if self.beats % 5 == 0:
                report(beats=self.beats)

    class TmuxLink(FakeLink):
        def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
            return Tmux("tmux", socket).attach_argv("a", read_only=read_only, environ=os.environ)

    print(Reporting(TmuxLink(busy()), engine=None, settings=Settings()).run(), "LEFT")


def beat(count: str) -> None:
    """Report as soon as the heart has beaten so often, whether or not anybody reads the terminal."""

    class Counting(Ticking):
        def beat(self) -> None:
            super().beat()
            if self.beats == int(count):
                report(beats=self.beats)

    Counting(FakeLink(busy()), engine=None, settings=Settings()).run()


class HostLink(FakeLink):
    """`leave` ends the engine, as the real one does."""

    def __init__(self) -> None:
        super().__init__(busy(), clock=lambda: datetime.now(NOW.tzinfo))
        self.gone = asyncio.Event()

    async def leave(self, how: Literal["detach", "stop"]) -> None:
        await super().leave(how)
        self.gone.set()


def engine(on_hangup: str) -> None:
    link = HostLink()
    ended = []

    async def run() -> None:
        report(begun=True)
        try:
            await link.gone.wait()
        finally:
            ended.append("engine")

    settings = replace(Settings(), ui=UiSettings(on_hangup=on_hangup))
    how = run_app(link, engine=run, settings=settings)
    report(how=how, left=link.left, ended=ended)


if __name__ == "__main__":
    {"attach": attach, "beat": beat, "engine": engine, "inside": inside}[sys.argv[1]](sys.argv[2])
