"""A night with everything that goes wrong: kills, silence, limits of two windows, a login that stops working."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.real.headless import PATIENCE, Headless, task
from tests.stub_api import BAD_LOGIN, Hang, Say, StubApi, Use, limit
from tests.waiting import at_last

pytestmark = pytest.mark.real

STEP = Use("Bash", {"command": "echo step >> steps", "description": "step"}, "Step one.")


def start_file(engine: Headless, leg: int = 1) -> dict[str, Any]:
    (path,) = engine.state.glob(f"runs/*/start-{leg}.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def kill_runner(engine: Headless, leg: int = 1) -> None:
    """SIGKILL for the runner alone: what it watched goes on without it."""
    os.kill(start_file(engine, leg)["pid"], signal.SIGKILL)


def kill_tmux(engine: Headless) -> None:
    words = ["tmux", "-L", engine.environ["CCTUI_TMUX_SOCKET"]]
    pid = subprocess.run([*words, "display-message", "-p", "#{pid}"], capture_output=True, text=True, check=True)
    os.kill(int(pid.stdout), signal.SIGKILL)


def steps(engine: Headless) -> str:
    return (engine.root / "work/steps").read_text()


@pytest.mark.parametrize("victims", ["runner", "tmux", "runner, engine and tmux"])
def test_a_conversation_survives_a_kill(stub: StubApi, engine: Headless, tag: str, victims: str) -> None:
    go_on = threading.Event()
    stub.script(tag, STEP, Hang() if "runner" in victims else Say("Done.", after=go_on), Say("Done."))
    engine.drop("probe", task(tag))
    at_last(lambda: len(stub.asked(tag)) == 2, PATIENCE)
    if "engine" in victims:
        engine.kill()
    if "tmux" in victims:
        kill_tmux(engine)
    if "runner" in victims:
        kill_runner(engine)
    if "engine" in victims:
        engine.start()
    go_on.set()
    engine.arrives("probe", "completed")
    assert steps(engine) == "step\n"
    line = engine.record("probe")
    assert (line["success"], line["attempt"]) == (True, 1)
    assert len({seen.session for seen in stub.asked(tag)}) == 1
    if "runner" in victims:
        assert "killed in the middle of a step" in stub.asked(tag)[-1].turns[-1][1]
    assert not [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and marked(pid, line["run_id"])]


def marked(pid: Path, run_id: str) -> bool:
    try:
        return f"CCTUI_RUN={run_id}".encode() in (pid / "environ").read_bytes()
    except OSError:
        return False


def test_a_shell_task_that_is_killed_is_lost_and_says_so(stub: StubApi, engine: Headless, tag: str) -> None:
    engine.drop("probe", "---\nrunner: shell\ncwd: work\ncommand: echo step >> steps; sleep 60\n---\n")
    at_last((engine.root / "work/steps").exists, PATIENCE)
    kill_runner(engine)
    engine.arrives("probe", "failed")
    line = engine.record("probe")
    assert (line["success"], line["error_type"]) == (False, "lost")
    assert steps(engine) == "step\n"


def test_two_windows_are_full_one_after_the_other(stub: StubApi, engine: Headless, tag: str) -> None:
    # Late enough for a program that takes its time to end: a reset that has passed by then is waited for a minute.
    stub.script(tag, STEP, limit(resets_in=12), limit(resets_in=12, window="seven_day"), Say("Done."))
    engine.drop("probe", task(tag))
    whys = set()

    def parked_by_the_week() -> bool:
        row = engine.row("probe")
        if row.get("state") == "parked":
            whys.add((row["reason"] or {"text": ""})["text"].split(",")[0])
        return any("weekly" in why for why in whys)

    at_last(parked_by_the_week, PATIENCE)
    assert any("5-hour" in why for why in whys)
    engine.arrives("probe", "completed")
    assert steps(engine) == "step\n"
    line = engine.record("probe")
    assert (line["success"], line["attempt"]) == (True, 1)
    assert len({seen.session for seen in stub.asked(tag)}) == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCTUI_RUN_STALL_MINUTES", "0.15")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("again", [False, True])
def test_a_silent_run_is_interrupted_and_resumed_once(stub: StubApi, engine: Headless, tag: str, again: bool) -> None:
    stub.script(tag, STEP, Hang(), Hang() if again else Say("Done."))
    engine.drop("probe", task(tag, "max_attempts: 1"))
    engine.arrives("probe", "failed" if again else "completed")
    line = engine.record("probe")
    assert (line["success"], line["error_type"]) == (not again, "stall" if again else None)
    assert steps(engine) == "step\n"
    assert "last step was interrupted" in stub.asked(tag)[-1].turns[-1][1]


def test_a_login_that_stops_working_holds_claude_and_lets_the_shell_go_on(
    stub: StubApi, engine: Headless, tag: str
) -> None:
    stub.script(tag, STEP, BAD_LOGIN, BAD_LOGIN, BAD_LOGIN, BAD_LOGIN, Say("Done."))
    engine.drop("probe", task(tag))
    at_last(lambda: (engine.row("probe").get("reason") or {}).get("why") == "login", PATIENCE)
    engine.drop("other", task(f"{tag}-2").replace("cwd: work", "cwd: ."))
    engine.drop("shell", "---\nrunner: shell\ncommand: 'true'\n---\n")
    engine.arrives("shell", "completed")
    assert engine.row("other")["reason"]["why"] == "login"
    assert not [line for line in engine.history() if line["task_id"] != "shell"]
    # A person logs in again: the file that holds the login changes.
    stub.forget(tag)
    login = Path(engine.environ["CLAUDE_CONFIG_DIR"]) / ".credentials.json"
    login.write_text("{}")
    engine.arrives("probe", "completed")
    engine.arrives("other", "completed")
    assert [line["attempt"] for line in engine.history()] == [1, 1, 1]
    assert steps(engine) == "step\n"
