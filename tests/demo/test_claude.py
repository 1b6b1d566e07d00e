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

from cctui.adapters import prompts
from cctui.core.world import Mode, Why
from cctui.demo import stage, talk, windows
from cctui.runner.hook import STOPPED
from tests.core import made

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
    assert "I go on where I stood, with step" in json.dumps(events[2:4])
    assert (folder / "work/index.md").read_text("utf-8") == "- [[digest]]\n"
    assert events[-1]["total_cost_usd"] > events[-1]["model_usage_since_last_result"]["simulated"]["costUSD"]


def test_a_refused_request_does_not_spend(folder: Path) -> None:
    opening(folder, 100)
    run(folder, "scene: publish-digest")
    with windows.opened(str(folder)) as state:
        assert (state.five_hour, state.week) == (100.0, 30.0)


def test_the_first_attempt_at_the_links_fails_and_the_second_succeeds(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    code, events, _ = run(folder, "scene: mend-links")
    assert (code, events[-1]["subtype"]) == (1, "error_during_execution")
    code, events, _ = run(folder, "scene: mend-links")
    assert (code, events[-1]["subtype"], events[-1]["is_error"]) == (0, "success", False)


# --- rounds -----------------------------------------------------------------------------------------------------------


def follow_up(why: str, **more: Any) -> str:
    """What the product itself tells a conversation that goes on."""
    spec = made.spec("t", check="true", mode=more.pop("mode", Mode.AUTONOMOUS))
    given: dict[str, Any] = {"round": 2, "evidence": "FAILED (failures=1)", "accepted": False, "first_work": False}
    given |= more
    return prompts.go_on(spec, "loop", why, **given)


def parser_check(folder: Path) -> int:
    """The check of the night's task, as the task file has it."""
    text = (PROGRAM.parent / "backlog/pending/fix-parser.md").read_text("utf-8")
    command = next(line.removeprefix("check: ") for line in text.splitlines() if line.startswith("check: "))
    return subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True, check=False).returncode


def test_the_check_fails_after_the_first_round_and_passes_after_the_second(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    scene = stage.Stage(folder)
    stage.lay_parser(scene.parser)
    (folder / "work").rmdir()
    (folder / "work").symlink_to(scene.parser)
    assert parser_check(scene.parser) != 0
    code, events, _ = run(folder, "scene: fix-parser", "--session-id", SESSION)
    assert (code, events[-1]["result"]) == (0, "Quoted fields are parsed: the quotes are taken off.")
    assert parser_check(scene.parser) != 0

    code, events, _ = run(folder, follow_up(Why.CHECK), "--resume", SESSION)
    assert (code, events[-1]["is_error"]) == (0, False)
    assert parser_check(scene.parser) == 0
    log = ["git", "log", "--format=%s", "-n", "1"]
    last = subprocess.run(log, cwd=scene.parser, capture_output=True, text=True, check=True)
    assert last.stdout == "Parse quoted fields\n"


@pytest.mark.parametrize("why", [Why.LIMIT, Why.GIVEN_BACK, Why.LOST, Why.STALL])
def test_an_interruption_is_no_new_round(folder: Path, why: Why) -> None:
    opening(folder, 0, resets_in=None)
    run(folder, "scene: sort-archive", "--session-id", SESSION)
    code, events, _ = run(folder, follow_up(why), "--resume", SESSION)
    assert code == 0
    assert events[-1]["result"].startswith("Plan (simulated)")
    assert list((folder / "work").iterdir()) == []


def test_a_plan_changes_nothing_and_is_carried_out_once_accepted(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    for year in (2024, 2025):
        (folder / f"work/notes-{year}.md").write_text("x")
    code, events, _ = run(folder, "scene: sort-archive", "--session-id", SESSION)
    assert (code, events[-1]["result"][:16]) == (0, "Plan (simulated)")
    assert {path.name for path in (folder / "work").iterdir()} == {"notes-2024.md", "notes-2025.md"}
    accepted = follow_up("", mode=Mode.PLAN_FIRST, accepted=True, first_work=True)
    code, _, _ = run(folder, accepted, "--resume", SESSION)
    assert code == 0
    assert {path.name for path in (folder / "work").iterdir()} == {"2024", "2025", "index.md"}


def test_a_failed_check_in_the_middle_of_a_round_skips_nothing() -> None:
    scene = talk.Scene([[["say", "a"], ["say", "b"]], [["say", "c"]]], ["x", "y"], 1, 1, 1, 1)
    told = talk.Conversation("s", "n", done=1)
    scene.turn(told, follow_up(Why.CHECK))
    assert (told.round, told.done) == (0, 1)
    told.done = 2
    scene.turn(told, follow_up(Why.CHECK))
    assert (told.round, told.done) == (1, 0)
    told.done = 1
    scene.turn(told, follow_up(Why.CHECK))
    assert (told.round, told.done) == (1, 1)


# --- what the product passes ------------------------------------------------------------------------------------------


def settings_file(folder: Path, answer: dict[str, Any]) -> str:
    """Settings whose hook notes what it is asked, and answers the same to everything."""
    hook = {"type": "command", "command": f"cat >> {folder}/asked; echo >> {folder}/asked; cat {folder}/answer"}
    (folder / "answer").write_text(json.dumps(answer), "utf-8")
    path = folder / "settings.json"
    path.write_text(json.dumps({"hooks": {"PreToolUse": [{"hooks": [hook]}]}}), "utf-8")
    return str(path)


FLAGS = (
    *("--permission-mode", "acceptEdits", "--allowedTools", "Bash", "Read", "Edit", "--permission-prompts", "none"),
    *("--disallowedTools", "Monitor", "--model", "opus", "--max-turns", "9"),
)


def test_the_hook_of_the_settings_is_asked_before_every_tool(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    code, events, _ = run(folder, "scene: publish-digest", *FLAGS, "--settings", settings_file(folder, {}))
    assert (code, events[-1]["permission_denials"]) == (0, [])
    asked = [json.loads(line) for line in (folder / "asked").read_text("utf-8").splitlines()]
    assert [(each["hook_event_name"], each["tool_name"]) for each in asked] == [
        ("PreToolUse", "Bash"), ("PreToolUse", "Write")
    ]  # fmt: skip
    assert asked[1]["tool_input"]["file_path"] == "index.md"


def test_what_the_hook_denies_is_not_done_and_told(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    decision = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "secret"}
    code, events, _ = run(
        folder, "scene: publish-digest", "--settings", settings_file(folder, {"hookSpecificOutput": decision})
    )
    assert code == 0
    assert [denial["tool_name"] for denial in events[-1]["permission_denials"]] == ["Bash", "Write"]
    assert not (folder / "work/index.md").exists()


def test_a_hook_that_stops_it_ends_it_and_the_step_is_done_later(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    stopping = settings_file(folder, {"continue": False, "stopReason": STOPPED})
    code, events, _ = run(folder, "scene: publish-digest", "--session-id", SESSION, "--settings", stopping)
    assert (code, events[-1]["terminal_reason"]) == (0, "hook_stopped")
    assert not (folder / "work/index.md").exists()
    code, _, _ = run(folder, follow_up(Why.GIVEN_BACK), "--resume", SESSION)
    assert code == 0
    assert (folder / "work/index.md").exists()


# --- in a pane --------------------------------------------------------------------------------------------------------


def sit(folder: Path, given: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv(folder, *args), cwd=folder / "work", input=given, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("given", ["\n", ""])
def test_in_a_pane_it_shows_the_end_of_the_conversation_and_is_given_back(folder: Path, given: str) -> None:
    opening(folder, 0, resets_in=None)
    run(folder, "scene: fix-parser", "--session-id", SESSION)
    ran = sit(folder, given, "--resume", SESSION, "--settings", "/nowhere/settings.json")
    assert ran.returncode == 0
    assert "● DEMO: a simulated Claude answers. I look at the parser." in ran.stdout
    assert "● Edit(parser.py)\n● Quoted fields are parsed: the quotes are taken off.\n" in ran.stdout
    assert "simulated conversation" in ran.stdout and "Enter gives it back" in ran.stdout
    code, events, _ = run(folder, follow_up(Why.GIVEN_BACK), "--resume", SESSION)
    assert (code, events[-1]["is_error"]) == (0, False)


def test_a_conversation_begun_in_a_pane_is_played_once_given_back(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    ran = sit(folder, "\n", "--session-id", SESSION, "--settings", "/x.json", "# Publish\n\nscene: publish-digest")
    assert (ran.returncode, "nothing has been said yet" in ran.stdout) == (0, True)
    code, _, _ = run(folder, follow_up(Why.GIVEN_BACK), "--resume", SESSION)
    assert code == 0
    assert (folder / "work/index.md").exists()


def test_a_pane_without_its_conversation_says_so(folder: Path) -> None:
    opening(folder, 0, resets_in=None)
    ran = sit(folder, "\n", "--resume", SESSION)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "No conversation found" in ran.stderr


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
    for name in scenes:
        scene = talk.scene_of(scenes, name)
        assert len(scene.rounds) == len(scene.answers), name
        for steps in scene.rounds:
            assert steps[0][0] == "say", name
            assert steps[0][1].startswith("DEMO: ") and "simulated Claude" in steps[0][1], name


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
