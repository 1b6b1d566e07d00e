"""What a run brings along for Claude Code: hooks, rules, the deny list, and what is secret."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cctui.adapters.runsettings import ATTENDED, GUARD, HEADLESS, claude_settings, denied, run_files, secrets
from cctui.core.settings import ClaudeSettings, Settings

SETTINGS = Settings()


@pytest.mark.parametrize(
    ("attended", "events"),
    [
        (False, {"PreToolUse", "PostToolUse", "PostToolBatch"}),
        (
            True,
            {"PreToolUse", "Notification", "PermissionRequest", "Stop", "StopFailure", "UserPromptSubmit"}
            | {"SessionStart", "SessionEnd"},
        ),
    ],
)
def test_the_hooks_are_ours_and_always_on(attended: bool, events: set[str]) -> None:
    value = claude_settings(SETTINGS, attended=attended)
    assert value["disableAllHooks"] is False
    assert value["autoContinueAtUsageLimit"] is False
    assert set(value["hooks"]) == events
    for event, entries in value["hooks"].items():
        ((hook,),) = [entry["hooks"] for entry in entries]
        python, *words = shlex.split(hook["command"])
        assert (Path(python).is_absolute(), words) == (True, ["-I", "-S", str(GUARD), event])
        assert hook["timeout"] >= 10
    assert GUARD.exists()


def test_the_program_s_own_rules_are_a_second_line() -> None:
    rules = denied(SETTINGS)
    assert {"Read(**/.env)", "Read(//**/.ssh/**)", "Read(**/id_rsa*)"} <= set(rules)
    assert not any(".env.*" in rule or "*.key" in rule for rule in rules)


@pytest.mark.parametrize(
    ("deny", "allow", "there", "gone"),
    [
        (("private/",), (), "Read(**/private/**)", ""),
        (("~/notes/*.txt",), (), "Read(~/notes/*.txt)", ""),
        (("/etc/shadow",), (), "Read(//etc/shadow)", ""),
        ((), (".npmrc",), "Read(**/.env)", "npmrc"),
        ((), ("~/.ssh/config",), "Read(**/.env)", ".ssh"),
        ((), ("*",), "", "Read"),
    ],
)
def test_what_a_person_denies_or_allows(deny: tuple[str, ...], allow: tuple[str, ...], there: str, gone: str) -> None:
    rules = denied(Settings(claude=ClaudeSettings(deny=deny, allow=allow)))
    assert not there or there in rules
    assert not gone or not any(gone in rule for rule in rules)


def test_files_of_a_leg(tmp_path: Path) -> None:
    settings = Settings(claude=ClaudeSettings(deny=("x",), allow=("y",)))
    found = run_files(settings, str(tmp_path), {}, talks=True)
    assert set(found) == {"secrets.json", "guard.json", HEADLESS, ATTENDED}
    assert found["guard.json"] == {"deny": ["x"], "allow": ["y"]}
    assert set(run_files(settings, str(tmp_path), {}, talks=False)) == {"secrets.json"}


def test_secret_values(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD=swordfish-77\nMODE=debug\n")
    env = {
        "MY_TOKEN": "tok-123456",
        "GITHUB_KEY": " padded-key-1 ",
        "API_SECRET": "short",
        "SSH_AUTH_SOCK": "/tmp/agent.sock",
        "LANG": "C.UTF-8-and-more",
    }
    assert secrets(str(tmp_path), env) == ("tok-123456", "padded-key-1", "swordfish-77")
