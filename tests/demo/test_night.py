"""The demo night as a person starts it: real engine, real tmux, real git; simulated Claude."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.core.events import Event, Measured, Ticked
from cctui.core.settings import Settings
from cctui.core.world import FIVE_HOUR, Reading
from cctui.demo import night, stage
from cctui.demo.screen import Night
from tests import worlds
from tests.tui import shots
from tests.tui.fakes import FakeLink

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def demo(*args: str) -> subprocess.Popen[str]:
    """The demo as `./script/run demo` starts it, without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "cctui", "demo", *args],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def left_behind(folder: str) -> list[str]:
    """Command lines of living processes that have to do with the demo in `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes()
        except OSError:
            continue
        if folder.encode() in line:
            found.append(line.decode(errors="replace"))
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_terminal_the_whole_night_is_played(isolation: Path) -> None:
    with demo("--keep") as process:
        out, err = process.communicate(timeout=280)
    assert process.returncode == 0, out + err
    folder = next((isolation / "tmp").glob("cctui-demo-*"))
    assert out.startswith("DEMO: a simulated Claude and simulated windows")
    for line in (
        "waits collect-sources: 5-hour window at 93 %, max 90 %",
        "waits write-digest: waits for collect-sources",
        "deep-research parked (limit)",
        "deep-research resumed",
        "fix-parser started (attempt 2)",
        "broken-example   invalid",
        "someday-rewrite  paused",
    ):
        assert line in out
    history = (folder / "night/logs/scheduler/history.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in history]
    done = [record["task_id"] for record in records if record["success"]]
    assert done[0] == "back-up-notes"
    assert [name for name in done if "digest" in name or "sources" in name] == [
        "collect-sources", "write-digest", "publish-digest"
    ]  # fmt: skip
    assert sorted(done) == sorted(night.expected())
    assert [(r["task_id"], r["attempt"]) for r in records if not r["success"]] == [("fix-parser", 1)]
    assert {path.stem for path in (folder / "night/tasks/completed").glob("*.md")} == night.expected()
    fixed = subprocess.run(
        ["git", "-C", str(folder / "night/work/parser-fix"), "log", "--format=%s", "-n", "1", "parse-quoted-fields"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert fixed.stdout == "Parse quoted fields\n"
    assert left_behind(str(folder)) == []


@pytest.mark.slow
def test_stopped_in_the_middle_it_leaves_nothing(isolation: Path) -> None:
    with demo() as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "back-up-notes started" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143
    deadline = time.monotonic() + 10
    while left_behind("cctui-demo-") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [line for line in left_behind(str(isolation)) if "pytest" not in line] == []
    assert list((isolation / "tmp").glob("cctui-demo-*")) == []


def test_the_stage_shows_nothing_of_the_person() -> None:
    scene = stage.Stage(Path("/demo"))
    person = {"HOME": "/home/p", "ANTHROPIC_API_KEY": "x", "CLAUDE_CONFIG_DIR": "/home/p/.claude", "CCTUI_ROOT": "/v"}
    seen = scene.environment(person)
    assert "ANTHROPIC_API_KEY" not in seen
    assert (seen["CLAUDE_CONFIG_DIR"], seen["CCTUI_ROOT"]) == ("/demo/claude", "/demo/night")
    assert seen["HOME"] == "/home/p"


def test_every_reading_is_called_simulated_and_other_events_pass() -> None:
    posted: list[Event] = []
    post = night.labelled(posted.append)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    post(Measured((Reading(FIVE_HOUR, 12.0, None, "stream", now),)))
    post(Ticked())
    assert posted == [Measured((Reading(FIVE_HOUR, 12.0, None, "simulated", now),)), Ticked()]


def test_without_tmux_it_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert night.main([]) == 7
    assert "sudo apt-get install -y tmux" in capsys.readouterr().err


async def test_leaving_the_demo_promises_no_engine_that_goes_on() -> None:
    link = FakeLink(worlds.busy())
    app = Night(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert "End the demo?" in shots.rows(app) and "goes on" not in shots.rows(app)
        await pilot.press("n", "D", "y")
        await pilot.pause()
    assert (app.return_value, link.left) == ("stop", ["stop"])
