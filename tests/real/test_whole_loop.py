"""From a Markdown file to a finished run of the real program, by a headless engine that a person could have started."""

from __future__ import annotations

import threading

import pytest

from cctui.core.world import Tokens
from tests.real.headless import PATIENCE, Headless, task
from tests.stub_api import BAD_LOGIN, OVERLOADED, Hang, Say, StubApi, Use, limit
from tests.waiting import at_last

pytestmark = pytest.mark.real


def test_a_dropped_file_becomes_a_record(stub: StubApi, engine: Headless, tag: str) -> None:
    made = engine.root / "work/made.txt"
    stub.script(
        tag,
        Use("Write", {"file_path": str(made), "content": "by claude"}, tokens=Tokens(100, 20, 3000, 400)),
        Say("All of it is written.", Tokens(5, 6, 7, 8)),
    )
    engine.drop("probe", task(tag, "tags: [chore]"))
    engine.arrives("probe", "completed")
    assert made.read_text() == "by claude"
    line = engine.record("probe")
    served = stub.served(tag)
    assert (line["success"], line["error_type"], line["status"]) == (True, None, "completed")
    assert (line["tokens"], line["tokens_source"]) == (served.total, "reported") == (3546, "reported")
    assert (
        Tokens(line["tokens_in"], line["tokens_out"], line["tokens_cache_read"], line["tokens_cache_write"]) == served
    )
    assert (line["kind"], line["attempt"], line["exit_code"]) == ("chore", 1, 0)
    assert line["session_id"] == stub.asked(tag)[0].session
    assert line["capacity_after"] == pytest.approx(42.0)
    note = (engine.root / line["log_file"]).read_text()
    assert note.startswith("---\n")
    assert "probe" in note
    log = engine.output(line["run_id"])
    assert "All of it is written." in log
    assert "{" not in next(entry for entry in log.splitlines() if "made.txt" in entry)
    assert engine.stop() == 0


def test_a_limit_parks_and_the_same_conversation_goes_on(stub: StubApi, engine: Headless, tag: str) -> None:
    stub.script(tag, Use("Bash", {"command": "echo one >> steps", "description": "step"}, "Step one."))
    stub.script(tag, limit(resets_in=10), Say("Step two. Done."))
    engine.drop("probe", task(tag))
    at_last(lambda: (engine.row("probe").get("reason") or {}).get("why") == "limit", PATIENCE)
    assert engine.where("probe") == ["active"]
    engine.arrives("probe", "completed")
    first, *_, last = stub.asked(tag)
    assert last.session == first.session
    assert any(role == "assistant" and "Step one." in text for role, text in last.turns)
    assert (engine.root / "work/steps").read_text() == "one\n"
    line = engine.record("probe")
    assert (line["success"], line["attempt"]) == (True, 1)
    assert line["parked_s"] > 0
    assert line["tokens"] == stub.served(tag).total


def test_an_outage_is_waited_out(stub: StubApi, engine: Headless, tag: str) -> None:
    stub.script(tag, OVERLOADED, OVERLOADED, Say("Done after all."))
    engine.drop("probe", task(tag))
    engine.arrives("probe", "completed")
    line = engine.record("probe")
    assert (line["success"], line["attempt"], line["tokens"]) == (True, 1, stub.served(tag).total)
    assert len(stub.asked(tag)) == 3


def test_a_refused_login_costs_no_attempt_and_says_so(stub: StubApi, engine: Headless, tag: str) -> None:
    stub.script(tag, *[BAD_LOGIN] * 20)
    engine.drop("probe", task(tag, "max_attempts: 1"))
    at_last(lambda: (engine.row("probe").get("reason") or {}).get("why") == "login", PATIENCE)
    assert engine.where("probe") in (["active"], ["pending"])
    assert not [line for line in engine.history() if line["error_type"] not in (None, "auth")]


def test_a_timeout_fails_the_task(stub: StubApi, engine: Headless, tag: str) -> None:
    stub.script(tag, Hang())
    engine.drop("probe", task(tag, "timeout: 3s", "max_attempts: 1"))
    engine.arrives("probe", "failed")
    line = engine.record("probe")
    assert (line["success"], line["error_type"], line["status"]) == (False, "timeout", "failed")
    assert 3 <= line["duration_s"] < 3 + PATIENCE
    assert len(stub.asked(tag)) <= 1  # a machine under load may not even get there


@pytest.mark.parametrize("ends", ["while nobody looks", "under the next engine"])
def test_an_engine_that_is_killed_finds_its_run_again(stub: StubApi, engine: Headless, tag: str, ends: str) -> None:
    go_on = threading.Event()
    stub.script(tag, Say("Done all the same.", after=go_on))
    engine.drop("probe", task(tag))
    at_last(lambda: stub.asked(tag), PATIENCE)
    engine.kill()
    assert engine.where("probe") == ["active"]
    if ends == "while nobody looks":
        go_on.set()
        at_last(lambda: list(engine.state.glob("runs/*/exit.json")), PATIENCE)
        engine.start()
    else:
        engine.start()
        at_last(lambda: engine.row("probe")["state"] == "running", PATIENCE)
        go_on.set()
    engine.arrives("probe", "completed")
    line = engine.record("probe")
    assert (line["success"], line["attempt"], line["tokens"]) == (True, 1, stub.served(tag).total)
    assert len(stub.asked(tag)) == 1
