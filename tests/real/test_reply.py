"""A person's words reach the real program: a plan that waits, a tool loop, a turn's end, a limit, and its own pane."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from tests.real.headless import PATIENCE, Headless, task
from tests.stub_api import Say, StubApi, Use, limit
from tests.waiting import at_last

pytestmark = pytest.mark.real
WORDS = "use the other file; it's café-2"


def said_by_us(stub: StubApi, tag: str, request: int = -1) -> str:
    """All that one request brought along which is not the model's own."""
    return "\n".join(text for role, text in stub.asked(tag)[request].turns if role != "assistant")


def options(engine: Headless, leg: int) -> list[str]:
    """What the program was started with, but for the conversation."""
    (path,) = engine.state.glob(f"runs/*/leg-{leg}.json")
    argv: list[str] = json.loads(path.read_text())["argv"]
    return [word for word in argv if word not in ("--resume", "--session-id")]


def why(engine: Headless) -> str:
    return str((engine.row("probe").get("reason") or {}).get("why"))


def test_a_plan_is_made_anew_with_the_words_in_the_same_conversation(stub: StubApi, engine: Headless, tag: str) -> None:
    made = engine.root / "work/made"
    stub.script(tag, Say("The first plan."), Say("The second plan."), Say("The third plan."))
    engine.drop("probe", task(tag, "mode: plan-first"))
    at_last(lambda: why(engine) == "needs_you", PATIENCE)
    answer = engine.ccq("reply", "prob", WORDS)
    assert (answer["code"], answer["data"]["task"]) == (0, "probe"), answer
    assert "with your words" in answer["data"]["text"] or "hears your words" in answer["data"]["text"]
    at_last(lambda: len(stub.asked(tag)) == 2 and why(engine) == "needs_you", PATIENCE)
    second = stub.asked(tag)[1]
    assert second.session == stub.asked(tag)[0].session
    assert ("assistant", "The first plan.") in second.turns
    assert WORDS in said_by_us(stub, tag)
    assert options(engine, 2) == options(engine, 1)
    assert engine.ccq("reply", "probe", "once more")["code"] == 0
    at_last(lambda: len(stub.asked(tag)) == 3 and why(engine) == "needs_you", PATIENCE)
    stub.script(tag, Use("Write", {"file_path": str(made), "content": "x"}), Say("Carried out."))
    assert engine.ccq("run", "probe")["code"] == 0
    engine.arrives("probe", "completed")
    assert "The third plan." in engine.note("probe")
    assert made.exists()
    assert said_by_us(stub, tag).count(WORDS) == 1


def hooks_at_work() -> bool:
    """Whether a hook of the first tool call is still at it: on a busy machine it may be slower than the next request,
    and would take the words that are meant for the second."""
    base = os.fsencode(os.environ["CCTUI_TEST"])
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            called = (entry / "cmdline").read_bytes()
            if (b"guard.py" in called or b"hook.py" in called) and base in (entry / "environ").read_bytes():
                return True
    return False


def test_a_run_at_work_hears_it_at_its_next_tool_call(stub: StubApi, engine: Headless, tag: str) -> None:
    go_on = threading.Event()
    stub.script(tag, Use("Bash", {"command": "echo one", "description": "one"}, "One."))
    stub.script(tag, Use("Bash", {"command": "echo two", "description": "two"}, "Two.", after=go_on), Say("Done."))
    engine.drop("probe", task(tag))
    at_last(lambda: len(stub.asked(tag)) == 2 and not hooks_at_work(), PATIENCE)
    answer = engine.ccq("reply", "probe", WORDS)
    assert answer["data"]["text"] == "probe hears your words at its next tool call"
    assert engine.row("probe")["run"]["unheard"]
    engine.kill()  # whoever took the words may die: the hooks need nobody
    engine.start()
    go_on.set()
    engine.arrives("probe", "completed")
    requests = stub.asked(tag)
    assert len(requests) == 3
    assert [WORDS in json.dumps(seen.turns, ensure_ascii=False) for seen in requests] == [False, False, True]
    assert "has a word for you" in said_by_us(stub, tag)
    assert WORDS in said_by_us(stub, tag)


def test_words_that_no_tool_call_brings_are_heard_in_one_more_leg(stub: StubApi, engine: Headless, tag: str) -> None:
    go_on = threading.Event()
    stub.script(tag, Say("Done without a tool.", after=go_on), Say("Heard."))
    engine.drop("probe", task(tag))
    at_last(lambda: len(stub.asked(tag)) == 1, PATIENCE)
    assert engine.ccq("reply", "probe", WORDS)["code"] == 0
    go_on.set()
    engine.arrives("probe", "completed")
    first, second = stub.asked(tag)
    assert first.session == second.session
    assert ("assistant", "Done without a tool.") in second.turns
    assert WORDS in second.turns[-1][1]
    assert engine.record("probe")["attempt"] == 1


def test_what_a_hook_has_said_survives_a_limit_and_is_not_said_twice(stub: StubApi, engine: Headless, tag: str) -> None:
    go_on = threading.Event()
    stub.script(tag, Use("Bash", {"command": "echo one", "description": "one"}, "One.", after=go_on))
    stub.script(tag, limit(resets_in=3), Say("Done."))
    engine.drop("probe", task(tag))
    at_last(lambda: len(stub.asked(tag)) == 1, PATIENCE)
    assert engine.ccq("reply", "probe", WORDS)["code"] == 0
    go_on.set()
    at_last(lambda: len(stub.asked(tag)) == 2, PATIENCE)
    at_last(lambda: engine.row("probe").get("state") == "parked", PATIENCE)
    assert engine.ccq("reply", "probe", "and mind the tests")["data"]["text"].endswith("as soon as it goes on")
    engine.arrives("probe", "completed")
    last = said_by_us(stub, tag)
    assert last.count(WORDS) == 1
    assert last.count("and mind the tests") == 1


# --- its own pane ----------------------------------------------------------------------------------------------------


def screen(engine: Headless) -> str:
    session = engine.row("probe")["run"]["session"]
    argv = ["tmux", "-L", engine.environ["CCTUI_TMUX_SOCKET"], "capture-pane", "-p", "-t", f"={session}:"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout


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
    (isolation / "home/.claude/settings.json").write_text('{"permissions": {"defaultMode": "default"}}')


def asks(engine: Headless, text: str) -> None:
    """Until the run asks its person just this."""
    at_last(lambda: text in str((engine.row("probe").get("reason") or {}).get("text")), PATIENCE)


@pytest.mark.usefixtures("known")
def test_words_are_typed_into_the_pane_and_a_question_takes_a_digit(stub: StubApi, engine: Headless, tag: str) -> None:
    go_on, work = threading.Event(), engine.root / "work"
    stub.script(tag, Use("Bash", {"command": "echo one", "description": "one"}, "One.", after=go_on))
    engine.drop("probe", task(tag))
    at_last(lambda: len(stub.asked(tag)) == 1, PATIENCE)
    taken: list[dict[str, object]] = []
    asker = threading.Thread(target=lambda: taken.append(engine.ccq("attach", "-i", "probe")))
    asker.start()
    at_last(lambda: list(engine.state.glob("runs/*/tell-*")), PATIENCE)
    go_on.set()
    asker.join(PATIENCE)
    assert taken[0]["code"] == 0, taken
    at_last(lambda: why(engine) == "needs_you" and "❯" in screen(engine), PATIENCE)
    # Two requests for permission, one right after the other: a digit answers one, and no Enter the other.
    for number in (1, 2):
        command = {"command": f"touch made-{number}", "description": "make"}
        stub.script(tag, Use("Bash", command, f"Make {number}."))
    stub.script(tag, Say("It was refused."))
    answer = engine.ccq("reply", "probe", f"first line\n{WORDS}\n!last")
    assert answer["code"] == 0, answer
    asks(engine, "made-1")  # the program's own offer to change its mode came first, and was left
    assert f"first line\n{WORDS}\n!last" in said_by_us(stub, tag)
    assert engine.ccq("reply", "probe", "1")["code"] == 0
    asks(engine, "made-2")
    assert (work / "made-1").exists()
    at_last(lambda: "made-2" in screen(engine) and "1. Yes" in screen(engine), PATIENCE)
    assert not (work / "made-2").exists()
    stub.forget(tag)
    stub.script(tag, Say("Another way then."))
    assert engine.ccq("reply", "probe", "no, 1 file is enough")["code"] == 0
    at_last(lambda: "Another way then." in screen(engine), PATIENCE)
    assert not (work / "made-2").exists()
    assert "no, 1 file is enough" in said_by_us(stub, tag)
    at_last(lambda: why(engine) == "needs_you", PATIENCE)
    stub.script(tag, Say("All done."))
    assert engine.ccq("reply", "probe", "/exit")["code"] == 0
    engine.arrives("probe", "completed")
