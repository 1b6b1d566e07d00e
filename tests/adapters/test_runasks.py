"""What an attended leg waits for: the hooks' words, and the program's own register of who waits."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cctui.adapters.runasks import YOURS, asks
from cctui.adapters.runfiles import LegFile, LegPlan
from cctui.runner import files, tree

STARTED, TYPED, ENDED = ("SessionStart", "startup"), ("UserPromptSubmit", "go"), ("SessionEnd", "exit")
ASKED, NOTICE = ("PermissionRequest", "Bash: touch x"), ("Notification", "Claude needs your permission")
SAID, FAILED = ("Stop", "Which colour?"), ("StopFailure", "You've hit your limit")


def leg(folder: Path, events: tuple[tuple[str, str], ...], status: dict[str, str] | None) -> LegFile:
    """Leg 2 of a run in `folder`, with this very process as the program in the pane."""
    (folder / "sessions").mkdir(parents=True)
    lines = [{"event": event, "text": text, "leg": 2} for event, text in events]
    other = {"event": "PermissionRequest", "text": "of another leg", "leg": 1}
    torn = '{"event": "Stop"'
    text = "\n".join([torn, *(json.dumps(line) for line in (*lines, other)), ""])
    (folder / "asks.jsonl").write_text(text)
    fields = tree.stat_fields(str(os.getpid()))
    assert fields is not None
    (folder / "child-2").write_text(f"{fields[3].decode()} 1\n")
    if status is not None:
        entry = {"procStart": str(files.start_ticks(os.getpid())), **status}
        (folder / f"sessions/{os.getpid()}.json").write_text(json.dumps(entry))
    plan = LegPlan(("claude",), {"CLAUDE_CONFIG_DIR": str(folder)}, "/", stdout="tty", part="attended")
    return LegFile(2, plan)


WAITING, BUSY, IDLE = {"status": "waiting", "waitingFor": "dialog open"}, {"status": "busy"}, {"status": "idle"}


@pytest.mark.parametrize(
    ("events", "status", "text"),
    [
        ((), None, ""),
        ((STARTED,), None, YOURS),
        ((STARTED, TYPED), None, ""),
        ((TYPED, ASKED), None, "Bash: touch x"),
        ((TYPED, ASKED, NOTICE), None, "Bash: touch x"),
        ((TYPED, NOTICE), None, "Claude needs your permission"),
        ((TYPED, SAID), None, "Which colour?"),
        ((TYPED, ("Stop", "")), None, YOURS),
        ((TYPED, FAILED), None, "You've hit your limit"),
        ((TYPED, SAID, ENDED), None, ""),
        ((TYPED, ASKED), BUSY, ""),
        ((TYPED, ASKED), WAITING, "Bash: touch x"),
        ((TYPED,), WAITING, "dialog open"),
        ((TYPED,), {"status": "waiting"}, YOURS),
        ((TYPED, ASKED), IDLE, YOURS),
        ((TYPED, SAID), IDLE, "Which colour?"),
        ((TYPED, FAILED), IDLE, "You've hit your limit"),
        ((), IDLE, YOURS),
        ((TYPED, ASKED), {"status": "busy", "procStart": "1"}, "Bash: touch x"),
        ((TYPED, ASKED), {"status": "new word"}, "Bash: touch x"),
    ],
)
def test_what_it_waits_for(
    tmp_path: Path, events: tuple[tuple[str, str], ...], status: dict[str, str] | None, text: str
) -> None:
    assert asks(tmp_path, leg(tmp_path, events, status)) == text


def test_a_process_of_another_session_does_not_count(tmp_path: Path) -> None:
    mine = leg(tmp_path, (TYPED, ASKED), BUSY)
    (tmp_path / "child-2").write_text("1 1\n")
    assert asks(tmp_path, mine) == "Bash: touch x"
    (tmp_path / "child-2").write_text("")
    assert asks(tmp_path, mine) == "Bash: touch x"


def test_nothing_there_is_nothing_asked(tmp_path: Path) -> None:
    assert asks(tmp_path, LegFile(1, LegPlan(("claude",), {}, "/", stdout="tty"))) == ""
