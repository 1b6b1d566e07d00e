"""Claude's command line, environment, prompt and stream; the last part with the real program."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.adapters import claude
from cctui.adapters.claude import ClaudeError, Fold, auth_status, fold, follow_up, leg_plan, missing_programs, prompt
from cctui.adapters.rundir import LegPlan, RunDir
from cctui.core.settings import ClaudeSettings, RunSettings, Settings, TmuxSettings
from cctui.core.world import Confidence, Mode, Phase, Progress, Reading, Result, Runner, Spec, Task, Tokens
from tests.stub_api import Say, StubApi, Use, home, unified

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SETTINGS = Settings(run=RunSettings(kill_grace_seconds=7.0))
CONVERSATION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def spec(folder: Path, **changes: Any) -> Spec:
    base = Spec(
        run_id="digest-1",
        task="digest",
        path="pending/digest.md",
        attempt=1,
        runner=Runner.CLAUDE,
        kind="digest",
        mode=Mode.AUTONOMOUS,
        folder=str(folder),
        started=NOW,
        timeout=90.0,
        session="digest-1",
        session_id=CONVERSATION,
    )
    return replace(base, **changes)


def task(**changes: Any) -> Task:
    return replace(Task(name="digest", path="pending/digest.md", phase=Phase.PENDING), **changes)


def planned(folder: Path, **changes: Any) -> LegPlan:
    call: dict[str, Any] = {"leg": 1, "resume": False, "prompt_file": folder / "prompt.md", "environ": os.environ}
    mine = {name: changes.pop(name) for name in ("spec", "task", "settings") if name in changes}
    return leg_plan(
        mine.get("spec", spec(folder)), mine.get("task", task()), mine.get("settings", SETTINGS), **{**call, **changes}
    )


def after(argv: tuple[str, ...], flag: str) -> list[str]:
    """The values of a flag."""
    rest = argv[argv.index(flag) + 1 :]
    end = next((at for at, word in enumerate(rest) if word.startswith("--")), len(rest))
    return list(rest[:end])


# --- the command line ------------------------------------------------------------------------------------------------


def test_first_leg(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert plan.argv[:5] == ("claude", "-p", "--output-format", "stream-json", "--verbose")
    assert after(plan.argv, "--session-id") == [CONVERSATION]
    assert after(plan.argv, "--permission-mode") == ["acceptEdits"]
    assert after(plan.argv, "--permission-prompts") == ["none"]
    assert "Bash" in after(plan.argv, "--allowedTools")
    assert {"ScheduleWakeup", "CronCreate", "Monitor", "RemoteTrigger"} <= set(after(plan.argv, "--disallowedTools"))
    assert not any("bypass" in word or "dangerously" in word for word in plan.argv)
    assert (plan.stdin, plan.stdout, plan.render, plan.timeout, plan.grace) == (
        "prompt.md",
        "stream",
        "claude",
        90.0,
        7.0,
    )


def test_limits_are_passed_through(tmp_path: Path) -> None:
    argv = planned(tmp_path, task=task(model="opus", effort="low", max_turns=3, max_budget_usd=1.5)).argv
    assert argv[-8:] == ("--model", "opus", "--effort", "low", "--max-turns", "3", "--max-budget-usd", "1.5")


def test_allowed_tools_replace_the_list(tmp_path: Path) -> None:
    argv = planned(tmp_path, task=task(allowed_tools=("Bash(git *)", "Read"))).argv
    assert after(argv, "--allowedTools") == ["Bash(git *)", "Read"]


def test_read_only_offers_only_tools_that_read(tmp_path: Path) -> None:
    argv = planned(tmp_path, task=task(mode=Mode.READ_ONLY)).argv
    assert after(argv, "--permission-mode") == ["dontAsk"]
    assert after(argv, "--tools") == ["Read,Grep,Glob,WebFetch,WebSearch"]
    assert "--strict-mcp-config" in argv
    narrowed = planned(tmp_path, task=task(mode=Mode.READ_ONLY, allowed_tools=("Read(docs/**)", "Bash", "Write"))).argv
    assert (after(narrowed, "--tools"), after(narrowed, "--allowedTools")) == (["Read"], ["Read(docs/**)"])
    with pytest.raises(ClaudeError, match="read-only"):
        planned(tmp_path, task=task(mode=Mode.READ_ONLY, allowed_tools=("Bash",)))


def test_what_is_not_supported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClaudeError):
        planned(tmp_path, task=task(mode=Mode.PLAN_FIRST))
    with pytest.raises(ClaudeError):
        planned(tmp_path, spec=spec(tmp_path, runner=Runner.LOOP))


def test_resume_goes_on_with_the_conversation_before(tmp_path: Path) -> None:
    runs = RunDir(tmp_path / "runs")
    runs.make(spec(tmp_path), "the prompt", planned(runs.folder("digest-1"), task=task(max_turns=3)))
    folder = runs.folder("digest-1")
    second = planned(folder, task=None, leg=2, resume=True, reason="limit")
    assert after(second.argv, "--resume") == [CONVERSATION]
    assert "--session-id" not in second.argv
    assert second.argv[-2:] == ("--max-turns", "3")
    assert second.stdin == "prompt-2.md"
    assert second.prompt is not None and second.prompt.startswith("The usage window is open again. Continue")
    runs.add_leg("digest-1", 2, second)
    fresh = planned(folder, task=None, leg=3, resume=False)
    (other,) = after(fresh.argv, "--session-id")
    assert other == str(uuid.uuid5(uuid.UUID(CONVERSATION), "leg-3"))
    assert (fresh.stdin, fresh.prompt) == ("prompt.md", None)
    runs.add_leg("digest-1", 3, fresh)
    assert after(planned(folder, task=None, leg=4, resume=True).argv, "--resume") == [other]


def test_shell(tmp_path: Path) -> None:
    shell = spec(tmp_path, runner=Runner.SHELL)
    plan = planned(tmp_path, spec=shell, task=task(runner=Runner.SHELL, command="make all"))
    assert plan.argv == ("/bin/sh", "-c", "make all")
    assert (plan.stdin, plan.stdout, plan.render, plan.session_id) == (None, "log", "plain", None)
    with pytest.raises(ClaudeError, match="command"):
        planned(tmp_path, spec=shell, task=task(runner=Runner.SHELL))


def test_a_lost_first_leg_says_so(tmp_path: Path) -> None:
    with pytest.raises(ClaudeError, match="leg-1"):
        planned(tmp_path, task=None, leg=2, resume=True)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("limit", "usage window"),
        ("outage", "outage"),
        ("login", "login"),
        ("", "interruption"),
        ("Odd.", "Odd. Continue"),
    ],
)
def test_follow_up(reason: str, words: str) -> None:
    assert words in follow_up(reason)


# --- the environment -------------------------------------------------------------------------------------------------


def test_environment_is_an_allow_list(tmp_path: Path) -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/h",
        "LC_ALL": "C",
        "XDG_CONFIG_HOME": "/x",
        "https_proxy": "p",
        "SSL_CERT_FILE": "c",
        "ANTHROPIC_API_KEY": "no",
        "CLAUDE_CODE_OAUTH_TOKEN": "no",
        "CLAUDECODE": "1",
        "CCTUI_ROOT": "/r",
        "SECRET": "no",
        "TMUX": "no",
        "CLAUDE_CONFIG_DIR": "/c",
    }
    env = planned(tmp_path, environ=environ).env
    assert {"no", "1"} & set(env.values()) == {"1"}
    assert {name for name, value in env.items() if value == "1"} == {"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"}
    assert env["CLAUDE_CONFIG_DIR"] == "/c"
    assert (env["CCTUI_TASK"], env["CCTUI_RUN"], env["CCTUI_RUN_DIR"]) == ("digest", "digest-1", str(tmp_path))
    assert {"PATH", "HOME", "LC_ALL", "XDG_CONFIG_HOME", "https_proxy", "SSL_CERT_FILE"} <= set(env)
    asked = replace(SETTINGS, claude=ClaudeSettings(config_dir="/mine", env=("SECRET", "ANTHROPIC_BASE_URL")))
    env = planned(tmp_path, environ=environ, settings=asked).env
    assert (env["SECRET"], env["CLAUDE_CONFIG_DIR"]) == ("no", "/mine")
    assert "ANTHROPIC_BASE_URL" not in env


# --- the prompt ------------------------------------------------------------------------------------------------------


@dataclass
class Folders:
    agents: Path
    context: Path


def test_prompt_has_what_is_there(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "agents", tmp_path / "context")
    assert prompt(folders, "\nDo it.\n\n") == "Do it.\n"
    folders.agents.mkdir()
    folders.context.mkdir()
    (folders.agents / "persona.md").write_text("You are careful.\n", "utf-8-sig")
    (folders.agents / "rules.md").write_bytes(b"No \xff pushing.")
    (folders.context / "priorities.md").write_text("  \n")
    assert prompt(folders, "Do it.") == "You are careful.\n\nNo � pushing.\n\nDo it.\n"
    (folders.agents / "rules.md").unlink()
    (folders.agents / "rules.md").mkdir()
    with pytest.raises(ClaudeError, match=r"rules\.md"):
        prompt(folders, "Do it.")


# --- the stream ------------------------------------------------------------------------------------------------------

LIMIT_INFO = {"status": "rejected", "resetsAt": 1795238664, "rateLimitType": "five_hour", "isUsingOverage": False}
RESETS = datetime.fromtimestamp(1795238664, UTC)


def result(**fields: Any) -> dict[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "ok", **fields}


def synthetic(**fields: Any) -> dict[str, Any]:
    message = {"model": "<synthetic>", "content": [{"type": "text", "text": "sorry"}]}
    return {"type": "assistant", "message": message, **fields}


def folded(*events: dict[str, Any]) -> Result:
    return fold(json.dumps(event) for event in events)


def test_the_last_result_decides() -> None:
    bad = result(is_error=True, subtype="error_during_execution", errors=["[ede] x"], result=None)
    assert folded(bad, result()).is_error is False
    last = folded(result(), bad)
    assert (last.subtype, last.is_error, last.text) == ("error_during_execution", True, "[ede] x")
    assert folded() == Result()


def test_per_run_figures_are_summed_over_results() -> None:
    def part(**usage: Any) -> dict[str, Any]:
        return result(model_usage_since_last_result={"m": usage}, modelUsage={"m": {"inputTokens": 999}})

    first = part(inputTokens=10, outputTokens=5, cacheReadInputTokens=3, cacheCreationInputTokens=2, costUSD=0.1)
    second = part(inputTokens=1, outputTokens=1, costUSD=0.05)
    whole = folded(first, second)
    assert whole.tokens == Tokens(11, 6, 3, 2)
    assert whole.cost_usd == pytest.approx(0.15)


def test_streamed_usage_is_never_used() -> None:
    message = {"id": "m", "model": "opus", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}
    seen = folded({"type": "assistant", "message": message, "session_id": "s"})
    assert (seen.tokens, seen.cost_usd, seen.model, seen.session_id) == (None, None, "opus", "s")


def test_a_limit_by_event_or_by_message() -> None:
    by_event = folded({"type": "rate_limit_event", "rate_limit_info": LIMIT_INFO}, result(is_error=True))
    assert (by_event.limit_window, by_event.limit_resets_at) == ("five_hour", RESETS)
    message = synthetic(
        error="rate_limit",
        api_error_status=429,
        api_error="usage_limit_reached",
        api_error_params={
            "rate_limit_info": {**LIMIT_INFO, "resetsAt": 1795238664000, "rateLimitType": "seven_day_opus"}
        },
    )
    by_message = folded(message, result(is_error=True, api_error_status=429, terminal_reason="api_error"))
    assert (by_message.limit_window, by_message.limit_resets_at) == ("seven_day_opus", RESETS)
    assert (by_message.error, by_message.api_error) == ("rate_limit", "usage_limit_reached")
    assert (by_message.api_error_status, by_message.terminal_reason) == (429, "api_error")


def test_a_busy_server_is_no_limit() -> None:
    busy = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "isUsingOverage": False}}
    assert folded(busy, result(is_error=True, api_error_status=429)).limit_window is None


def test_a_limit_that_was_waited_out_is_over() -> None:
    limit = {"type": "rate_limit_event", "rate_limit_info": LIMIT_INFO}
    allowed = {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}}
    assert folded(limit, allowed, result(is_error=True)).limit_window is None
    assert folded(limit, result()).limit_window is None


def test_denials() -> None:
    denied = [{"tool_name": "Bash", "tool_input": {"command": "rm -rf x\ny"}}, {"tool_name": "Odd", "tool_input": {}}]
    assert folded(result(permission_denials=denied)).denials == ("Bash: rm -rf x y", "Odd")
    assert folded({"type": "system", "subtype": "permission_denied", "tool_name": "Write"}).denials == ("Write",)


def test_text_is_cut_and_clean() -> None:
    assert folded(result(result="\x1b[2Jhi\x07" + "x" * 9000)).text == "hi" + "x" * 3993


def readings(info: dict[str, Any]) -> tuple[Reading, ...]:
    whole = Fold()
    whole.feed(json.dumps({"type": "rate_limit_event", "rate_limit_info": info}))
    found = whole.readings(NOW)
    assert whole.readings(NOW) == ()
    return found


def test_readings() -> None:
    windows = {
        "five_hour": {"utilization": 0.42, "resetsAt": 1795238664, "status": "allowed"},
        "seven_day": {"utilization": 1.02, "resetsAt": 1795238664000, "status": "rejected"},
        "overage": {"status": "allowed"},
    }
    info = {"status": "allowed", "rateLimitType": "five_hour", "resetsAt": 1795238664, "unifiedWindows": windows}
    assert readings(info) == (
        Reading("five_hour", 42.0, RESETS, "stream", NOW, Confidence.EXACT),
        Reading("seven_day", 100.0, RESETS, "stream", NOW, Confidence.EXACT, rejected=True),
    )


def test_readings_without_numbers() -> None:
    assert readings({"status": "allowed", "isUsingOverage": False}) == ()
    assert readings({"status": "rejected"}) == ()
    assert readings(LIMIT_INFO) == (Reading("five_hour", None, RESETS, "stream", NOW, rejected=True),)
    nan = {"five_hour": {"utilization": float("nan")}}
    assert readings({"status": "allowed", "unifiedWindows": nan}) == ()


def test_progress_counts_messages_and_keeps_tokens_unknown() -> None:
    whole = Fold()
    for at in ("a", "a", "b"):
        block = {"type": "tool_use", "name": "Bash", "input": {"command": f"echo {at}"}}
        whole.feed(json.dumps({"type": "assistant", "message": {"id": at, "model": "opus", "content": [block]}}))
    assert whole.progress == Progress(tokens=None, last_line="Bash echo b", turns=2, model="opus")
    assert whole.answered
    whole.feed(json.dumps(result(model_usage_since_last_result={"m": {"inputTokens": 4, "costUSD": 1}})))
    assert (whole.progress.tokens, whole.progress.cost_usd) == (4, 1.0)


KEYS = [
    "message",
    "content",
    "rate_limit_info",
    "unifiedWindows",
    "five_hour",
    "utilization",
    "resetsAt",
    "status",
    "model_usage_since_last_result",
    "modelUsage",
    "permission_denials",
    "errors",
    "result",
    "session_id",
    "timestamp",
    "subtype",
    "error",
    "api_error_params",
    "rateLimitType",
    "usage",
    "inputTokens",
    "costUSD",
    "tool_input",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("rejected"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(["system", "assistant", "user", "rate_limit_event", "result"]),
    st.dictionaries(st.sampled_from(KEYS), anything, max_size=5),
)
def test_no_event_breaks_the_fold(kind: str, event: dict[str, Any]) -> None:
    whole = Fold()
    whole.feed(json.dumps({**event, "type": kind}))
    whole.readings(NOW)


def test_broken_lines_are_passed_over() -> None:
    assert fold(["", "{", "[" * 100_000, "[]", "7", '{"type": 7}', "\x00"]) == Result()


# --- programs --------------------------------------------------------------------------------------------------------


def program(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_missing_programs_say_what_to_type(tmp_path: Path) -> None:
    missing = missing_programs(SETTINGS, {"PATH": str(tmp_path)})
    assert set(missing) == {"claude", "tmux", "git"}
    assert "npm install" in missing["claude"] and "apt install tmux" in missing["tmux"]
    program(tmp_path, "claude", "")
    program(tmp_path, "git", "")
    for version, old in (
        ("3.2", True),
        ("3.1c", True),
        ("3.2a", False),
        ("3.3a", False),
        ("next-3.6", False),
        ("master", False),
    ):
        program(tmp_path, "tmux", f"echo tmux {version}")
        assert (set(missing_programs(SETTINGS, {"PATH": str(tmp_path)})) == {"tmux"}) is old
    own = Settings(tmux=TmuxSettings(command="own-tmux"))
    assert "own-tmux" in missing_programs(own, {"PATH": str(tmp_path)})["tmux"]


@pytest.mark.parametrize(
    ("script", "ok", "words"),
    [
        ("""echo '{"loggedIn":true,"subscriptionType":"max"}'""", True, "max"),
        ("""echo '{"loggedIn":false}'; exit 1""", False, "/login"),
        ("echo oops >&2; exit 1", False, "oops"),
        ("echo []", False, "no answer"),
    ],
)
async def test_auth_status(tmp_path: Path, script: str, ok: bool, words: str) -> None:
    settings = Settings(claude=ClaudeSettings(command=program(tmp_path, "claude", script)))
    logged_in, text = await auth_status(settings, os.environ)
    assert logged_in is ok
    assert words in text


async def test_auth_status_of_a_program_that_hangs_or_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claude, "_AUTH_TIMEOUT", 0.2)
    settings = Settings(claude=ClaudeSettings(command=program(tmp_path, "claude", "exec sleep 30")))
    assert (await auth_status(settings, os.environ))[0] is False
    settings = Settings(claude=ClaudeSettings(command="/no/claude"))
    assert "npm install" in (await auth_status(settings, os.environ))[1]


# --- the real program ------------------------------------------------------------------------------------------------


@pytest.fixture
def stub(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubApi]:
    with StubApi() as stub:
        stub.headers = unified()
        for name, value in (home(isolation) | stub.environment()).items():
            monkeypatch.setenv(name, value)
        yield stub
        assert stub.tunnels == []


@dataclass
class Real:
    folder: Path
    settings: Settings
    runs: RunDir

    def run(self, text: str, task: Task, *, leg: int = 1, resume: bool = False) -> Result:
        plan = leg_plan(
            spec(self.folder, mode=task.mode),
            None if leg > 1 else task,
            self.settings,
            leg=leg,
            resume=resume,
            prompt_file=self.runs.folder("digest-1") / "prompt.md",
            environ=os.environ,
        )
        if leg == 1:
            self.runs.make(spec(self.folder), text, plan)
        else:
            self.runs.add_leg("digest-1", leg, plan)
        argv = self.runs.wrapper_argv("digest-1", leg)
        assert subprocess.run(argv, stdout=subprocess.DEVNULL, timeout=60, check=False).returncode == 0
        (sight,) = self.runs.look()
        assert sight.ending is not None and sight.ending.result is not None, sight
        return sight.ending.result

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.runs.folder("digest-1") / "stream.jsonl").read_text().splitlines()]


@pytest.fixture
def real(stub: StubApi, tmp_path: Path, claude_program: str) -> Real:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "notes.txt").write_text("some notes")
    settings = Settings(claude=ClaudeSettings(command=claude_program, env=tuple(stub.environment())))
    return Real(folder, settings, RunDir(tmp_path / "runs"))


WRITES = (
    Use("Bash", {"command": "echo x > bash.txt", "description": "write"}),
    Use("Write", {"file_path": "PROJECT/write.txt", "content": "x"}),
    Use("Edit", {"file_path": "PROJECT/notes.txt", "old_string": "some", "new_string": "no"}),
    Use("NotebookEdit", {"notebook_path": "PROJECT/x.ipynb", "new_source": "x", "edit_mode": "insert"}),
    Use("Task", {"description": "d", "prompt": "write", "subagent_type": "general-purpose"}),
)


@pytest.mark.real
def test_read_only_writes_nothing_even_where_the_person_s_settings_would_allow_it(
    real: Real, stub: StubApi, tag: str
) -> None:
    config = Path(os.environ["CLAUDE_CONFIG_DIR"])
    config.mkdir(exist_ok=True)
    allowed = {
        "permissions": {"allow": ["Bash", "Write", "Edit", "NotebookEdit", "Task"], "defaultMode": "acceptEdits"}
    }
    (config / "settings.json").write_text(json.dumps(allowed))
    calls = [
        replace(use, input=json.loads(json.dumps(use.input).replace("PROJECT", str(real.folder)))) for use in WRITES
    ]
    stub.script(tag, *calls, Use("Read", {"file_path": str(real.folder / "notes.txt")}), Say("read it"))
    outcome = real.run(f"talk:{tag} look", task(mode=Mode.READ_ONLY))
    assert (outcome.subtype, outcome.is_error, outcome.text) == ("success", False, "read it")
    assert {path.name: path.read_text() for path in real.folder.iterdir()} == {"notes.txt": "some notes"}
    init = next(event for event in real.events() if event.get("subtype") == "init")
    assert set(init["tools"]) == {"Read", "Grep", "Glob", "WebFetch", "WebSearch"}
    texts = json.dumps([event["message"]["content"] for event in real.events() if event["type"] == "user"])
    assert texts.count("No such tool available") == len(WRITES)
    assert "some notes" in texts


@pytest.mark.real
def test_autonomous_works_and_has_no_tool_that_sleeps(real: Real, stub: StubApi, tag: str) -> None:
    bash = Use("Bash", {"command": "echo x > bash.txt", "description": "write"})
    wake = Use("ScheduleWakeup", {"delaySeconds": 60, "reason": "r", "prompt": "p"})
    stub.script(tag, bash, wake, Say("done"))
    outcome = real.run(f"talk:{tag} work", task(max_turns=9, max_budget_usd=5.0, effort="low"))
    assert (outcome.text, outcome.is_error) == ("done", False)
    assert (real.folder / "bash.txt").read_text() == "x\n"
    init = next(event for event in real.events() if event.get("subtype") == "init")
    assert not set(init["tools"]) & {
        "ScheduleWakeup",
        "CronCreate",
        "CronDelete",
        "CronList",
        "Monitor",
        "RemoteTrigger",
    }
    assert {"Bash", "Write", "Task"} <= set(init["tools"])


@pytest.mark.real
def test_a_conversation_that_is_not_there_says_so_and_a_fresh_one_works(real: Real, stub: StubApi, tag: str) -> None:
    stub.script(tag, Say("first"), Say("third"))
    assert real.run(f"talk:{tag} begin", task()).text == "first"
    for path in Path(os.environ["CLAUDE_CONFIG_DIR"]).glob("projects/*/*.jsonl"):
        path.unlink()
    lost = real.run("", task(), leg=2, resume=True)
    assert lost.is_error
    assert "No conversation found" in lost.text
    fresh = real.run("", task(), leg=3)
    assert (fresh.text, fresh.is_error) == ("third", False)
    assert fresh.session_id == str(uuid.uuid5(uuid.UUID(CONVERSATION), "leg-3"))
    assert fresh.tokens == stub.served(tag)


@pytest.mark.real
async def test_real_auth_status(stub: StubApi, claude_program: str) -> None:
    names = tuple(stub.environment())
    asked = Settings(claude=ClaudeSettings(command=claude_program, env=names))
    assert (await auth_status(asked, os.environ))[0] is True
    fewer = tuple(name for name in names if name != "CLAUDE_CODE_OAUTH_TOKEN")
    without = Settings(claude=ClaudeSettings(command=claude_program, env=fewer))
    logged_in, text = await auth_status(without, os.environ)
    assert logged_in is False and "/login" in text
