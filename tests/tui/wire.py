"""What the app costs a phone line: ``python -m tests.tui.wire [seconds]`` prints one line of JSON.

Bytes per second while a countdown ticks, with and without the terminal's focus; processor share; time to the first
paint against a minimal Textual app.  A program, not a timed test.
"""

from __future__ import annotations

import json
import statistics
import sys

from tests.tui.ptys import BLUR, FOCUS, Terminal

MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("hello " * 100)
Minimal().run()
"""


def first_paint(*words: str) -> float:
    terminal = Terminal.python(*words)
    terminal.until(lambda _: terminal.first is not None)
    terminal.type(b"\x11")
    terminal.type(b"s")
    terminal.end(0.5)
    return 1000 * (terminal.first or float("nan"))


def main(seconds: float) -> None:
    terminal = Terminal.python("-m", "tests.tui.preview", "busy")
    terminal.read(3)
    cpu = terminal.cpu()
    idle = terminal.read(seconds) / seconds
    share = (terminal.cpu() - cpu) / seconds
    terminal.type(BLUR)
    terminal.read(1)
    blurred = terminal.read(seconds) / seconds
    terminal.type(FOCUS)
    back = terminal.read(1)
    terminal.end(0)
    ours = [first_paint("-m", "tests.tui.preview", "busy") for _ in range(5)]
    bare = [first_paint("-c", MINIMAL) for _ in range(5)]
    print(
        json.dumps(
            {
                "idle_bytes_per_s": idle,
                "idle_cpu_percent": 100 * share,
                "blurred_bytes_per_s": blurred,
                "focus_bytes": back,
                "first_paint_ms": statistics.median(ours),
                "minimal_ms": statistics.median(bare),
                "ratio": statistics.median(ours) / statistics.median(bare),
            }
        )
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 8)
