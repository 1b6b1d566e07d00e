"""A person takes a run over and gives it back: the real program in a real pane, typed into as a person would."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

import pytest

from tests.real.headless import PATIENCE, Headless, task
from tests.stub_api import Say, StubApi, Use
from tests.waiting import at_last

pytestmark = pytest.mark.real


def tmux(engine: Headless, *words: str) -> str:
    argv = ["tmux", "-L", engine.environ["CCTUI_TMUX_SOCKET"], *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout


def session(engine: Headless) -> str:
    return str(engine.row("probe")["run"]["session"])


def screen(engine: Headless) -> str:
    return tmux(engine, "capture-pane", "-p", "-t", f"={session(engine)}:")


def types(engine: Headless, text: str, shown: str) -> None:
    """Types a line, and presses Enter only when the program shows it."""
    tmux(engine, "send-keys", "-t", f"={session(engine)}:", "-l", text)
    at_last(lambda: shown in screen(engine), PATIENCE)
    tmux(engine, "send-keys", "-t", f"={session(engine)}:", "Enter")


@pytest.fixture
def known(stub: StubApi, isolation: Path) -> None:
    """A home where the program has been used before, in this folder too: it asks nothing at its start."""
    folder = str(isolation / "w/root/work")
    trusted = {"hasTrustDialogAccepted": True, "projectOnboardingSeenCount": 4, "hasCompletedProjectOnboarding": True}
    config = {
        "hasCompletedOnboarding": True,
        "lastOnboardingVersion": "2.1.329",
        "theme": "dark",
        "numStartups": 5,
        "projects": {folder: trusted},
        "officialMarketplaceAutoInstallAttempted": True,
        "officialMarketplaceAutoInstalled": True,
    }
    (isolation / "home/.claude/.claude.json").write_text(json.dumps(config))


@pytest.mark.usefixtures("known")
def test_a_run_is_taken_over_between_two_steps_and_given_back(stub: StubApi, engine: Headless, tag: str) -> None:
    go_on = threading.Event()
    stub.script(tag, Use("Bash", {"command": "echo one >> steps", "description": "one"}, "Step one."))
    stub.script(tag, Use("Bash", {"command": "echo two >> steps", "description": "two"}, "Step two.", after=go_on))
    engine.drop("probe", task(tag))
    at_last(lambda: len(stub.asked(tag)) == 2, PATIENCE)
    stub.script(tag, Say("The person is heard."), Use("Bash", {"command": "touch asked", "description": "ask"}))
    stub.script(tag, Say("Asked and done."), Say("All done."))
    taken: list[dict[str, object]] = []
    asker = threading.Thread(target=lambda: taken.append(engine.ccq("attach", "-i", "probe")))
    asker.start()
    at_last(lambda: list(engine.state.glob("runs/*/tell-*")), PATIENCE)
    go_on.set()
    asker.join(PATIENCE)
    assert taken
    assert taken[0]["code"] == 0, taken
    # It was stopped before the second step, and nothing more was asked of the model.
    assert (engine.root / "work/steps").read_text() == "one\n"
    assert len(stub.asked(tag)) == 2
    at_last(lambda: "❯" in screen(engine), PATIENCE)
    types(engine, "hello from me", "hello from me")
    at_last(lambda: "The person is heard." in screen(engine), PATIENCE)
    # It waits for the person now, who is told so, and holds no slot.
    # What was typed made it busy again for a moment, so both are waited for.
    at_last(lambda: (engine.row("probe").get("reason") or {}).get("why") == "needs_you", PATIENCE)
    at_last(lambda: engine.ccq("status")["data"]["slots"]["taken"] == 0, PATIENCE)
    types(engine, "/exit", "/exit")
    engine.arrives("probe", "completed")
    line = engine.record("probe")
    assert (line["success"], line["attempt"]) == (True, 1)
    assert len({seen.session for seen in stub.asked(tag)}) == 1
    last = stub.asked(tag)[-1].turns
    assert any("hello from me" in text for role, text in last if role == "user")
    assert any("has given it back" in text for role, text in last if role == "user")
