"""Claude Code as a program: its environment, the prompt it gets, whether it is there and logged in."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cctui.adapters import claude
from cctui.adapters.claude import ClaudeError, auth_status, environment, missing_programs, program, prompt
from cctui.core.settings import ClaudeSettings, Settings, TmuxSettings
from tests.adapters.claude_api import stub
from tests.stub_api import StubApi

__all__ = ["stub"]

SETTINGS = Settings()

# --- the environment -------------------------------------------------------------------------------------------------


def test_environment_is_an_allow_list() -> None:
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
    env = environment(SETTINGS, environ)
    assert {"no", "1", "/r"} & set(env.values()) == set()
    assert env["CLAUDE_CONFIG_DIR"] == "/c"
    assert {"PATH", "HOME", "LC_ALL", "XDG_CONFIG_HOME", "https_proxy", "SSL_CERT_FILE"} <= set(env)
    asked = replace(SETTINGS, claude=ClaudeSettings(config_dir="/mine", env=("SECRET", "ANTHROPIC_BASE_URL")))
    env = environment(asked, environ, ("CLAUDECODE",))
    assert (env["SECRET"], env["CLAUDE_CONFIG_DIR"], env["CLAUDECODE"]) == ("no", "/mine", "1")
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


# --- programs --------------------------------------------------------------------------------------------------------


def fake(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_missing_programs_say_what_to_type(tmp_path: Path) -> None:
    missing = missing_programs(SETTINGS, {"PATH": str(tmp_path)})
    assert set(missing) == {"claude", "tmux", "git"}
    assert "npm install" in missing["claude"] and "apt install tmux" in missing["tmux"]
    fake(tmp_path, "claude", "")
    fake(tmp_path, "git", "")
    for version, old in (
        ("3.2", True),
        ("3.1c", True),
        ("3.2a", False),
        ("3.3a", False),
        ("next-3.6", False),
        ("master", False),
    ):
        fake(tmp_path, "tmux", f"echo tmux {version}")
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
    settings = Settings(claude=ClaudeSettings(command=fake(tmp_path, "claude", script)))
    logged_in, text = await auth_status(settings, os.environ)
    assert logged_in is ok
    assert words in text


async def test_auth_status_of_a_program_that_hangs_or_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claude, "_AUTH_TIMEOUT", 0.2)
    settings = Settings(claude=ClaudeSettings(command=fake(tmp_path, "claude", "exec sleep 30")))
    assert (await auth_status(settings, os.environ))[0] is False
    settings = Settings(claude=ClaudeSettings(command="/no/claude"))
    assert "npm install" in (await auth_status(settings, os.environ))[1]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("claude", ["claude"]),
        ("env -u X claude", ["env", "-u", "X", "claude"]),
        ("/opt/a\\ b/claude", ["/opt/a b/claude"]),
    ],
)
def test_the_program_s_words(command: str, words: list[str]) -> None:
    assert program(Settings(claude=ClaudeSettings(command=command))) == words


@pytest.mark.parametrize("command", ["", "  ", "'half"])
def test_a_command_that_is_none_says_so(command: str) -> None:
    with pytest.raises(ClaudeError, match=r"claude\.command"):
        program(Settings(claude=ClaudeSettings(command=command)))


@pytest.mark.real
async def test_real_auth_status(stub: StubApi, claude_program: str) -> None:
    names = tuple(stub.environment())
    asked = Settings(claude=ClaudeSettings(command=claude_program, env=names))
    assert (await auth_status(asked, os.environ))[0] is True
    fewer = tuple(name for name in names if name != "CLAUDE_CODE_OAUTH_TOKEN")
    without = Settings(claude=ClaudeSettings(command=claude_program, env=fewer))
    logged_in, text = await auth_status(without, os.environ)
    assert logged_in is False and "/login" in text
