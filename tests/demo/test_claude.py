"""The simulated Claude alone: what it says is what the real program was measured to say."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cctui.demo import windows

PROGRAM = Path(windows.__file__).with_name("claude.py")
SESSION = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path


def opening(folder: Path, used: float, *, resets_in: float | None = 60.0, pace: float = 0.0) -> None:
    now = int(time.time())
    resets = None if resets_in is None else now + int(resets_in)
    windows.create(str(folder), windows.Windows(used, resets, 30.0, now + 90_000, 60.0, pace))


def argv(folder: Path, *args: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(PROGRAM), str(folder), *args]


def run(folder: Path, prompt: str, *args: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, events and stderr of one ``-p`` run."""
    ran = subprocess.run(
        argv(folder, "-p", "--output-format", "stream-json", "--verbose", *args),
        input=prompt, cwd=folder / "work", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr


def test_a_scene_is_played_to_its_end(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    code, events, _ = run(folder, "please, scene: publish-digest", "--session-id", SESSION)
    assert code == 0
    assert [events[0]["type"], events[0]["subtype"]] == ["system", "init"]
    last = events[-1]
    assert (last["type"], last["subtype"], last["is_error"]) == ("result", "success", False)
    assert {event["session_id"] for event in events} == {SESSION}
    tools = [block["name"] for event in events if event["type"] == "assistant"
             for block in event["message"]["content"] if block["type"] == "tool_use"]  # fmt: skip
    assert tools == ["Bash", "Write"]
    assert (folder / "work/index.md").read_text("utf-8") == "- [[digest]]\n"
    usage, model = last["usage"], last["model_usage_since_last_result"]["simulated"]
    assert usage["output_tokens"] == model["outputTokens"] > 0
    assert last["total_cost_usd"] == pytest.approx(model["costUSD"])


def test_the_windows_are_told_on_the_first_answer_and_at_every_change(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    _, events, _ = run(folder, "scene: publish-digest")
    told = [event["rate_limit_info"] for event in events if event["type"] == "rate_limit_event"]
    assert [round(info["unifiedWindows"]["five_hour"]["utilization"] * 100) for info in told] == [3, 5, 8]
    assert told[0]["unifiedWindows"]["five_hour"]["resetsAt"] > time.time()
    assert {info["status"] for info in told} == {"allowed"}


def test_at_the_limit_it_ends_at_once_and_resumes_where_it_stood(folder: Path) -> None:
    opening(folder, 95)
    code, events, _ = run(folder, "scene: publish-digest", "--session-id", SESSION)
    synthetic, last = events[-2:]
    assert code == 1
    assert (last["subtype"], last["is_error"], last["terminal_reason"]) == ("success", True, "api_error")
    assert (last["api_error_status"], last["api_error"]) == (429, "usage_limit_reached")
    assert synthetic["error"] == "rate_limit"
    info = synthetic["api_error_params"]["rate_limit_info"]
    assert (info["status"], info["rateLimitType"]) == ("rejected", "five_hour")
    assert not (folder / "work/index.md").exists()

    opening(folder, 0, resets_in=None)
    code, events, _ = run(folder, "go on", "--resume", SESSION)
    assert (code, events[-1]["is_error"]) == (0, False)
    assert "go on with step" in json.dumps(events[2:4])
    assert (folder / "work/index.md").read_text("utf-8") == "- [[digest]]\n"
    assert events[-1]["total_cost_usd"] > events[-1]["model_usage_since_last_result"]["simulated"]["costUSD"]


def test_a_refused_request_does_not_spend(folder: Path) -> None:
    opening(folder, 100)
    run(folder, "scene: publish-digest")
    with windows.opened(str(folder)) as state:
        assert (state.five_hour, state.week) == (100.0, 30.0)


def test_the_first_attempt_at_the_parser_fails_and_the_second_succeeds(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    subprocess.run(["git", "init", "-q"], cwd=folder / "work", check=True)
    code, events, _ = run(folder, "scene: fix-parser")
    assert (code, events[-1]["subtype"]) == (1, "error_during_execution")
    code, events, _ = run(folder, "scene: fix-parser")
    assert (code, events[-1]["subtype"], events[-1]["is_error"]) == (0, "success", False)
    log = subprocess.run(["git", "log", "--format=%s"], cwd=folder / "work", capture_output=True, text=True, check=True)
    assert log.stdout == "Parse quoted fields\n"


def test_sessions_are_neither_used_twice_nor_made_up(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    run(folder, "scene: publish-digest", "--session-id", SESSION)
    code, events, errors = run(folder, "scene: publish-digest", "--session-id", SESSION)
    assert (code, events) == (1, [])
    assert "already in use" in errors
    code, events, _ = run(folder, "go on", "--resume", "00000000-0000-4000-8000-000000000009")
    assert code == 1
    assert events[-1]["errors"][0].startswith("No conversation found")


def test_term_ends_it_with_143_and_no_result(folder: Path) -> None:
    opening(folder, 0, resets_in=None, pace=5.0)
    with subprocess.Popen(
        argv(folder, "-p", "--output-format", "stream-json"), cwd=folder / "work",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("scene: deep-research")
        process.stdin.close()
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(timeout=10) == 143
    assert '"init"' in first
    assert '"result"' not in rest


def test_usage_is_told_without_spending(folder: Path) -> None:
    opening(folder, 41.5)
    question = {"type": "control_request", "request_id": "u1", "request": {"subtype": "get_usage"}}
    ran = subprocess.run(
        argv(folder, "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
        input=json.dumps(question), capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    response = json.loads(ran.stdout)["response"]
    assert (response["subtype"], response["request_id"]) == ("success", "u1")
    answer = response["response"]
    assert answer["subscription_type"] == "simulated"
    assert answer["rate_limits"]["five_hour"]["utilization"] == 41.5
    with windows.opened(str(folder)) as state:
        assert state.five_hour == 41.5


@pytest.mark.parametrize("args", [("--version",), ("auth", "status")])
def test_whatever_it_says_of_itself_says_that_it_is_simulated(folder: Path, args: tuple[str, ...]) -> None:
    ran = subprocess.run(argv(folder, *args), capture_output=True, text=True, timeout=30, check=True)
    assert "simulated" in ran.stdout


def test_every_scene_begins_by_saying_that_it_is_a_demo() -> None:
    scenes = json.loads(PROGRAM.with_name("scenes.json").read_text("utf-8"))
    for name, scene in scenes.items():
        assert scene["steps"][0][0] == "say", name
        assert scene["steps"][0][1].startswith("DEMO: a simulated Claude"), name


def test_the_window_opens_with_the_first_request_and_gives_back_at_its_end() -> None:
    state = windows.Windows(93.0, 100, 30.0, 10_000, 24.0)
    state.settle(99.9)
    assert (state.five_hour, state.five_hour_resets_at) == (93.0, 100)
    state.settle(100.0)
    assert (state.five_hour, state.five_hour_resets_at) == (0.0, None)
    assert state.spend(60, 1, 110.0)
    assert (state.five_hour, state.five_hour_resets_at) == (60.0, 135)
    assert state.spend(60, 1, 111.0)
    assert not state.spend(1, 1, 112.0)
    assert (state.five_hour, state.week) == (100.0, 32.0)
