"""The first walk's pictures: ``python -m tests.walk`` uses the real program on a phone's screen and writes docs/walk/.

The real app, engine, tmux and files, in a home of their own; only the numbers of the windows are made up, since nobody
is logged in there.  Needs what `tests.pictures` needs.
"""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from tests.conftest import _apply, clean, isolated_environment, make_base
from tests.journeys.phone import Phone
from tests.pictures import DOCS, draw

WALK = DOCS / "walk"
SCRIPTS = {
    "crawl.sh": 'for page in $(seq 1 900); do echo "page $page: 12 links, all alive"; sleep 0.4; done',
    "tidy.sh": "echo tidied",
    "index.sh": "echo indexed",
}


class Walk:
    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.number = 0

    def shot(self, name: str, *seen: str) -> None:
        """A picture of the screen, once all of that stands on it."""
        self.phone.sees(*seen)
        self.number += 1
        text = Text.from_ansi(self.phone.tmux("capture-pane", "-e", "-p", "-N"))
        columns, rows = map(int, self.phone.size)
        lines = [Strip([Segment(part.plain, style_of(part)) for part in pieces(line)]) for line in text.split("\n")]
        WALK.mkdir(parents=True, exist_ok=True)
        draw([line.adjust_cell_length(columns) for line in lines[:rows]], columns).save(
            WALK / f"{self.number:02}-{name}.png", optimize=True
        )


def pieces(line: Text) -> list[Text]:
    """The line in parts of one style each."""
    ends = sorted({0, len(line), *(end for span in line.spans for end in (span.start, span.end))})
    return list(line.divide(ends[1:-1])) if len(ends) > 2 else [line]


def style_of(part: Text) -> Style | None:
    return part.get_style_at_offset(Console(), 0) if part.plain else None


def walk(phone: Phone) -> None:
    """From an empty queue to a record, with what the screen shows and nothing else."""
    at = Walk(phone)
    phone.open("--no-tmux")
    at.shot("empty", "No tasks yet", "n New")
    phone.press("n")
    at.shot("new", "What shall be done?")
    phone.type("!2 #links $ ./crawl.sh")
    at.shot("understood", "crawl", "shell")
    phone.press("Enter")
    at.shot("it-runs", "Runs 1")
    for line in ("$ ./tidy.sh", "$ ./index.sh"):
        phone.press("n")
        phone.sees("What shall be done?")
        phone.type(line)
        phone.sees("shell")
        phone.press("Enter")
        phone.misses("New task")
    at.shot("two-wait", "Queue 2", "same folder")
    phone.press("m")
    phone.press("k")
    at.shot("carried", "moving", "Put back")
    phone.press("Enter")
    at.shot("moved", "1 ○W index", "Undo")
    phone.press("Space")
    at.shot("paused", "1 ◐P index")
    phone.tap("Runs")
    at.shot("runs", "running", "crawl")
    phone.press("Enter")
    at.shot("watched", "‹", "page")
    phone.press("a")
    at.shot("attached", "back", "page")
    phone.tap("back")
    at.shot("came-back", "‹", "page")
    phone.press("x")
    at.shot("sure", "Stop", "yes")
    phone.press("y")
    phone.press("Escape")
    phone.sees("Runs 0")
    phone.tap("History")
    at.shot("history", "cancelled", "done")
    phone.press("q")
    at.shot("leave", "Leave")
    phone.press("d")
    phone.sees("LEFT 0")


def main() -> None:
    base, refusing = make_base(), socket.socket()
    refusing.bind(("127.0.0.1", 0))
    environment = isolated_environment(base, refusing.getsockname()[1])
    root, state = base / "w", base / "state" / "cctui"
    (root / "tasks/pending").mkdir(parents=True)
    for name, text in SCRIPTS.items():
        (root / name).write_text(f"#!/bin/sh\n{text}\n")
        (root / name).chmod(0o755)
    state.mkdir(parents=True)
    now = datetime.now(UTC)
    samples = [("five_hour", 42.0, timedelta(hours=2, minutes=13)), ("seven_day", 23.0, timedelta(days=4))]
    lines = [
        {"window": name, "used": used, "resets_at": (now + left).isoformat(), "source": "stream",
         "observed_at": now.isoformat(), "confidence": "exact", "rejected": False, "account": "default"}
        for name, used, left in samples
    ]  # fmt: skip
    (state / "capacity.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    _apply(environment | {"CCTUI_ROOT": str(root), "CCTUI_STATE": str(state), "CCTUI_CLAUDE_COMMAND": "/bin/true"})
    phone = Phone("walk")
    try:
        walk(phone)
    finally:
        phone.drop()
        refusing.close()
        clean(base, dict(os.environ))


if __name__ == "__main__":
    main()
