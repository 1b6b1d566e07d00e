"""The real program runs our statusline hook, and registers its living session: what we take from both."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.presence import Presence
from cctui.adapters.statusline import Statusline
from tests.stub_api import Say, StubApi
from tests.waiting import at_last

pytestmark = pytest.mark.real
PATIENCE = 60.0
REPOSITORY = Path(__file__).resolve().parents[2]


class Pane:
    """The program as a person uses it, in a terminal of this test's own tmux server."""

    def __init__(self, socket: str, program: str, folder: Path) -> None:
        self.socket, self.program, self.folder = socket, program, folder

    def tmux(self, *words: str) -> str:
        argv = ["tmux", "-L", self.socket, *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout

    def start(self, prompt: str, **env: str) -> None:
        names = [f"{name}={value}" for name, value in (os.environ | env).items() if name != "PYTEST_CURRENT_TEST"]
        command = shlex.join(["env", "-i", *names, self.program, prompt])
        self.tmux("new-session", "-d", "-s", "person", "-x", "140", "-y", "40", "-c", str(self.folder), command)

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "=person:")

    def types(self, text: str) -> None:
        self.tmux("send-keys", "-t", "=person:", "-l", text)
        at_last(lambda: text in self.screen(), PATIENCE)
        self.tmux("send-keys", "-t", "=person:", "Enter")

    def gone(self) -> bool:
        argv = ["tmux", "-L", self.socket, "has-session", "-t", "=person"]
        return subprocess.run(argv, capture_output=True, check=False, timeout=20).returncode != 0


@pytest.fixture
def config(stub: StubApi, isolation: Path) -> Path:
    """A home where the program has been used before, whose statusline is the person's own, wrapped by ours."""
    folder = isolation / "home/.claude"
    trusted = {"hasTrustDialogAccepted": True, "projectOnboardingSeenCount": 4, "hasCompletedProjectOnboarding": True}
    known = {
        "hasCompletedOnboarding": True,
        "lastOnboardingVersion": "2.1.329",
        "theme": "dark",
        "numStartups": 5,
        "projects": {str(isolation / "w"): trusted},
        "officialMarketplaceAutoInstallAttempted": True,
        "officialMarketplaceAutoInstalled": True,
    }
    (folder / ".claude.json").write_text(json.dumps(known))
    own = isolation / "home/own.sh"
    own.write_text("#!/bin/sh\ncat > $HOME/got.json\necho MY OWN LINE\n")
    own.chmod(0o755)
    words = [sys.executable, "-m", "cctui", "hook", "statusline", "--", str(own)]
    command = f"PYTHONPATH={REPOSITORY} {shlex.join(words)}"
    (folder / "settings.json").write_text(json.dumps({"statusLine": {"type": "command", "command": command}}))
    return folder


def heard(isolation: Path) -> dict[str, Any]:
    """What the person's own statusline was given, once it holds the windows: the first run comes before any answer."""
    try:
        got: dict[str, Any] = json.loads((isolation / "home/got.json").read_text())
    except ValueError:
        return {}
    return got if "rate_limits" in got else {}


def test_a_session_of_the_person_is_heard_and_seen(
    stub: StubApi, config: Path, isolation: Path, claude_program: str, tmux_socket: str, tag: str
) -> None:
    stub.script(tag, Say("Here I am."))
    statusline = Statusline(os.environ, config)
    presence = Presence(config, statusline)
    assert presence.look(datetime.now(UTC)).sessions == 0
    pane = Pane(tmux_socket, claude_program, isolation / "w")
    pane.start(f"talk:{tag} Hello.")
    at_last(lambda: "Here I am." in pane.screen(), PATIENCE)
    # The person's own line stands there, and had the whole input.
    at_last(lambda: "MY OWN LINE" in pane.screen(), PATIENCE)
    five, week = at_last(lambda: statusline.readings(datetime.now(UTC)), PATIENCE)
    assert (five.window, five.used, week.window, week.used) == ("five_hour", 42.0, "seven_day", 21.0)
    assert five.resets_at is not None
    assert 7000 < (five.resets_at - five.observed_at).total_seconds() <= 7200
    got = at_last(lambda: heard(isolation), PATIENCE)
    assert got["rate_limits"]["five_hour"]["used_percentage"] == 42
    assert statusline.trouble(datetime.now(UTC)) == ""
    # Its register tells of one living session, which is not one of ours.
    present = presence.look(datetime.now(UTC))
    assert present.sessions == 1
    assert present.at is not None
    assert presence.look(datetime.now(UTC), ours={got["session_id"]}).sessions == 0
    pane.types("/exit")
    at_last(pane.gone, PATIENCE)
    assert presence.look(datetime.now(UTC)).sessions == 0


def test_a_session_that_a_cctui_has_started_is_not_the_person_s(
    stub: StubApi, config: Path, isolation: Path, claude_program: str, tmux_socket: str, tag: str
) -> None:
    stub.script(tag, Say("Here I am."))
    statusline = Statusline(os.environ, config)
    pane = Pane(tmux_socket, claude_program, isolation / "w")
    pane.start(f"talk:{tag} Hello.", CCTUI_RUN="20261121-025500-aaaaaa")
    told = at_last(statusline.told, PATIENCE)
    assert [each.ours for each in told] == [True]
    assert list((config / "sessions").glob("*.json"))
    assert Presence(config, statusline).look(datetime.now(UTC)).sessions == 0
    assert statusline.readings(datetime.now(UTC)), "its numbers count all the same"
