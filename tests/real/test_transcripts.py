"""What the real program leaves of a run: its transcript's tokens, and its entry in the register of living sessions."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctui.adapters.presence import Presence
from cctui.adapters.statusline import Statusline
from cctui.adapters.transcripts import Transcripts
from cctui.core.world import Tokens
from tests.real.conftest import Legs
from tests.real.headless import PATIENCE, Headless, task
from tests.stub_api import Say, StubApi, Use
from tests.waiting import at_last

pytestmark = pytest.mark.real


def test_a_transcript_counts_exactly_what_the_api_has_said(legs: Legs, stub: StubApi, tag: str) -> None:
    cost = Tokens(input=7, output=600, cache_read=9000, cache_write=1200)
    bash = {"command": "echo one", "description": "one"}
    stub.script(tag, Use("Bash", bash, "Step one.", cost), Use("Bash", bash, "", cost), Say("Done.", cost))
    began = datetime.now(UTC) - timedelta(minutes=1)
    assert legs.run().rc == 0
    source, now = Transcripts(Path(os.environ["CLAUDE_CONFIG_DIR"])), datetime.now(UTC)
    assert source.look(now)
    assert source.tokens(began, now) == stub.served(tag).total == 3 * cost.total


def test_a_run_of_the_engine_is_not_the_person(stub: StubApi, engine: Headless, tag: str) -> None:
    go_on = threading.Event()
    stub.script(tag, Say("Done.", after=go_on))
    engine.drop("probe", task(tag))
    at_last(lambda: stub.asked(tag), PATIENCE)
    config = Path(os.environ["CLAUDE_CONFIG_DIR"])
    at_last(lambda: list((config / "sessions").glob("*.json")), PATIENCE)
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert Presence(config, Statusline(os.environ, config)).look(later).sessions == 0
    go_on.set()
    engine.arrives("probe", "completed")
