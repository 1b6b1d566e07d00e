"""Every runner with the real program: skills of a plugin that is really installed, Python, a person's own command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.real.headless import Headless, task
from tests.stub_api import Say, StubApi, Use

pytestmark = pytest.mark.real

SKILL = """---
name: {name}
description: stands in for the real one
---
Work until it is done: $ARGUMENTS
"""


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


@pytest.fixture
def plugin(stub: StubApi, isolation: Path, claude_program: str) -> None:
    """A stand-in for oh-my-claudecode, installed by the program itself from a folder."""
    market = isolation / "market"
    about = {"name": "oh-my-claudecode", "description": "stands in", "version": "4.0.0", "author": {"name": "a person"}}
    source = {"name": "oh-my-claudecode", "source": "./plugins/omc", "description": "stands in"}
    write(
        market / ".claude-plugin/marketplace.json",
        {"name": "omc", "owner": {"name": "a person"}, "metadata": {"version": "1.0.0"}, "plugins": [source]},
    )
    write(market / "plugins/omc/.claude-plugin/plugin.json", about)
    for name in ("ralph", "autopilot", "ultrawork"):
        write(market / f"plugins/omc/skills/{name}/SKILL.md", SKILL.format(name=name))
    environ = dict(os.environ) | stub.environment()
    for words in (("marketplace", "add", str(market)), ("install", "oh-my-claudecode@omc")):
        ran = subprocess.run(
            [claude_program, "plugin", *words], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("runner", "skill"), [("ralph", "ralph"), ("autopilot", "autopilot"), ("parallel", "ultrawork")]
)
def test_a_skill_of_the_plugin(stub: StubApi, engine: Headless, tag: str, runner: str, skill: str) -> None:
    stub.script(tag, Say("Done by the skill."))
    engine.drop("probe", task(tag, f"runner: {runner}"))
    engine.arrives("probe", "completed")
    said = "\n".join(text for _, text in stub.asked(tag)[0].turns)
    assert f"<command-name>/oh-my-claudecode:{skill}</command-name>" in said
    assert "Work until it is done:" in said
    assert "Do the work." in said


@pytest.mark.parametrize("runner", ["autopilot", "parallel"])
def test_without_the_plugin_the_row_says_what_stands_in(stub: StubApi, engine: Headless, tag: str, runner: str) -> None:
    assert engine.ccq("hold")["code"] == 0
    stub.script(tag, Say("Done.\nCCTUI-DONE"))
    engine.drop("probe", task(tag, f"runner: {runner}"))
    assert engine.ccq("release")["code"] == 0
    engine.arrives("probe", "completed")
    said = "\n".join(text for _, text in stub.asked(tag)[0].turns)
    assert "/oh-my-claudecode" not in said
    assert ("sub-agents may work" in said) == (runner == "parallel")
    assert engine.record("probe")["runner"] == runner


def test_a_loop_without_a_check_goes_on_until_it_says_that_it_is_done(
    stub: StubApi, engine: Headless, tag: str
) -> None:
    stub.script(tag, Say("Half of it."), Say("All of it.\nCCTUI-DONE"))
    engine.drop("probe", task(tag, "runner: loop"))
    engine.arrives("probe", "completed")
    first, second = stub.asked(tag)
    assert first.session == second.session
    assert "round 2 of 5" in second.turns[-1][1]
    assert (engine.record("probe")["claimed"], engine.record("probe")["proven"]) == (True, None)


def test_a_function_returns_json(engine: Headless) -> None:
    write(engine.root / "work/jobs.py", "def count():\n    print('counting')\n    return {'found': [1, 2, 3]}\n")
    engine.drop("probe", "---\nrunner: python\ncall: jobs:count\ncwd: work\ncheck: test -f jobs.py\n---\n")
    engine.arrives("probe", "completed")
    line = engine.record("probe")
    assert (line["success"], line["tokens_source"], line["proven"]) == (True, "estimated", True)
    assert '"found"' in engine.note("probe")
    assert "counting" in engine.output(line["run_id"])


def test_a_function_that_raises_fails_the_task(engine: Headless) -> None:
    write(engine.root / "work/jobs.py", "def count():\n    raise ValueError('no numbers')\n")
    engine.drop("probe", "---\nrunner: python\ncall: jobs:count\ncwd: work\nmax_attempts: 1\n---\n")
    engine.arrives("probe", "failed")
    assert engine.record("probe")["exit_code"] == 1
    assert "ValueError: no numbers" in engine.note("probe")


@pytest.fixture
def own_runner(monkeypatch: pytest.MonkeyPatch, isolation: Path) -> Path:
    """A person's own command, in the config."""
    config = isolation / "config/cctui.toml"
    write(config, "[runners]\nechoer = \"/bin/sh -c 'cat; echo; echo task $1' sh {task}\"\n")
    return config


@pytest.mark.usefixtures("own_runner")
def test_a_persons_own_runner_gets_the_prompt(engine: Headless) -> None:
    engine.drop("probe", "---\nrunner: echoer\ncwd: work\n---\nSay this.\n")
    engine.arrives("probe", "completed")
    line = engine.record("probe")
    assert (line["runner"], line["success"]) == ("echoer", True)
    assert engine.output(line["run_id"]).strip().startswith("Say this.")
    assert "task probe" in engine.output(line["run_id"])


@pytest.fixture
def unsandboxed(stub: StubApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' root stands in for a container's; without that word it is a plain root."""
    monkeypatch.delenv("IS_SANDBOX")


@pytest.mark.usefixtures("unsandboxed")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_is_told_why_bypass_mode_is_refused(stub: StubApi, engine: Headless, tag: str) -> None:
    engine.drop("probe", task(tag, "bypass_permissions: true"))
    engine.arrives("probe", "failed")
    line = engine.record("probe")
    assert line["error_type"] == "permission"
    assert "refuses bypass_permissions for root" in line["detail"]
    assert stub.asked(tag) == []


def test_read_only_offers_nothing_that_writes(stub: StubApi, engine: Headless, tag: str) -> None:
    stub.script(tag, Use("Read", {"file_path": "here.txt"}), Say("It says: hello."))
    (engine.root / "work/here.txt").write_text("hello")
    engine.drop("probe", task(tag, "mode: read-only"))
    engine.arrives("probe", "completed")
    offered = {tool["name"] for tool in stub.asked(tag)[0].body["tools"]}
    assert not offered & {"Bash", "Write", "Edit", "NotebookEdit", "Task", "Agent"}
