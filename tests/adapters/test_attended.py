"""Take-over and give-back with the real program: stopped at a safe point, gone on with in a pane, given back."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from cctui.adapters.legs import leg_plan
from cctui.adapters.rundir import RunDir
from cctui.core.settings import ClaudeSettings, Settings
from cctui.core.world import Halting, Leg, Part, Runner, Sight, SightState, Stop, Why
from tests.adapters.claude_api import Real, stub
from tests.adapters.runs import spec
from tests.stub_api import Say, StubApi, Use
from tests.waiting import at_last

__all__ = ["stub"]

MARKET = "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL"


@pytest.fixture
def real(stub: StubApi, tmp_path: Path, claude_program: str, tag: str, monkeypatch: pytest.MonkeyPatch) -> Real:
    folder = tmp_path / "my project"
    folder.mkdir()
    # In a terminal the program would else fetch its vendor's list of plugins.
    monkeypatch.setenv(MARKET, "1")
    settings = Settings(claude=ClaudeSettings(command=claude_program, env=(*stub.environment(), MARKET)))
    of = spec(f"run-{tag}", Runner.CLAUDE, via="claude", folder=str(folder), session_id=str(uuid.uuid4()), timeout=60.0)
    config = Path(os.environ["CLAUDE_CONFIG_DIR"])
    trust = {"hasTrustDialogAccepted": True, "projectOnboardingSeenCount": 4, "hasCompletedProjectOnboarding": True}
    known = {"hasCompletedOnboarding": True, "lastOnboardingVersion": "2.1.329", "theme": "dark", "numStartups": 5}
    (config / ".claude.json").write_text(json.dumps({**known, "projects": {str(folder): trust}}))
    # A person's own choice: to be asked before anything is run.
    (config / "settings.json").write_text(json.dumps({"permissions": {"defaultMode": "default"}}))
    return Real(of, settings, RunDir(tmp_path / "state runs"))


def begin(real: Real, kind: Leg, prompt: str = "", *, resume: bool) -> list[str]:
    """The next leg's files; how its runner is started."""
    real.legs += 1
    folder = real.runs.make(real.spec, prompt)
    plan = leg_plan(
        real.spec,
        real.settings,
        leg=real.legs,
        kind=kind,
        resume=resume,
        folder=real.spec.folder,
        run_dir=folder,
        environ=os.environ,
    )
    real.runs.add_leg(real.spec.run_id, real.legs, plan)
    return real.runs.wrapper_argv(real.spec.run_id, real.legs)


def sight(real: Real) -> Sight:
    (found,) = real.runs.look()
    return found


@pytest.mark.real
def screen(tmux: list[str]) -> str:
    return subprocess.run([*tmux, "capture-pane", "-p", "-t", "a"], capture_output=True, text=True, check=True).stdout


def types(tmux: list[str], text: str) -> None:
    """As a person: when the program is ready, and Enter only when the line is there to be seen."""
    at_last(lambda: "❯" in screen(tmux), 30)
    subprocess.run([*tmux, "send-keys", "-t", "a", "-l", text], check=True)
    at_last(lambda: text in screen(tmux), 30)
    subprocess.run([*tmux, "send-keys", "-t", "a", "Enter"], check=True)


def agrees(tmux: list[str], done: Callable[[], bool]) -> None:
    """Enter at a permission prompt, again when nothing came of it: a prompt that has just appeared may not hear it."""
    for _ in range(10):
        if "1. Yes" in screen(tmux):
            subprocess.run([*tmux, "send-keys", "-t", "a", "Enter"], check=True)
        with contextlib.suppress(AssertionError):
            at_last(done, 3)
            return
    at_last(done, 3)


def test_taken_over_in_the_middle_and_given_back(real: Real, stub: StubApi, tag: str, tmux_socket: str) -> None:
    folder = Path(real.spec.folder)
    held = Use("Bash", {"command": "touch up; while [ ! -e go ]; do sleep 0.05; done; echo one", "description": "w"})
    asks = Use("Bash", {"command": "touch two.txt", "description": "Make it"})
    stub.script(tag, held)
    argv = begin(real, Leg(), f"talk:{tag} work", resume=False)
    runner = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    at_last((folder / "up").exists, 30)
    real.runs.tell(real.spec.run_id, Halting.TAKEOVER)
    (folder / "go").touch()
    assert runner.wait(30) == 0
    stopped = sight(real).ending
    assert stopped is not None and stopped.result is not None
    assert (stopped.stop, stopped.rc, stopped.result.terminal_reason) == (Stop.EXIT, 0, "hook_stopped")
    assert (stopped.result.text, stopped.result.changed, len(stub.asked(tag))) == ("", 1, 1)

    stub.script(tag, asks, Say("All of it?"), Say("given back"))
    tmux = ["tmux", "-L", tmux_socket, "-f", "/dev/null"]
    pane = shlex.join(begin(real, Leg(Part.ATTENDED), resume=True))
    subprocess.run([*tmux, "new-session", "-d", "-s", "a", "-x", "120", "-y", "40", pane], check=True)
    try:
        at_last(lambda: sight(real).asks == "waits for you", 30)
        assert len(stub.asked(tag)) == 1
        types(tmux, "carry on")
        at_last(lambda: sight(real).asks == "Bash: touch two.txt", 30)
        assert not (folder / "two.txt").exists()
        agrees(tmux, lambda: sight(real).asks == "All of it?")
        assert (folder / "two.txt").exists()
        types(tmux, "/exit")
        at_last(lambda: sight(real).state is SightState.ENDED, 30)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
    left = sight(real)
    assert left.ending is not None
    assert (left.asks, left.ending.stop, left.ending.rc) == ("", Stop.EXIT, 0)

    argv = begin(real, Leg(Part.WORK, Why.GIVEN_BACK), resume=True)
    assert subprocess.run(argv, stdout=subprocess.DEVNULL, timeout=60, check=False).returncode == 0
    ending = sight(real).ending
    assert ending is not None and ending.result is not None
    assert (ending.result.text, ending.result.answers) == ("given back", 1)
    sent = json.dumps(stub.asked(tag)[-1].turns)
    assert "carry on" in sent and "A person has worked in this conversation" in sent
