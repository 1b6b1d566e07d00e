"""Which plugins are enabled: what the program says, and nothing on any trouble; the last part with the real one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cctui.adapters import plugins as asking
from cctui.adapters.plugins import plugins
from cctui.core.settings import ClaudeSettings, Settings
from tests.adapters.claude_api import stub
from tests.stub_api import StubApi

__all__ = ["stub"]

LISTED = [
    {"id": "oh-my-claudecode@omc", "enabled": True},
    {"id": "other@omc", "enabled": False},
    {"id": "plain", "enabled": True},
    {"enabled": True},
    7,
]


def settings(folder: Path, script: str) -> Settings:
    path = folder / "claude"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Settings(claude=ClaudeSettings(command=str(path)))


async def test_enabled_ones_by_name(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(json.dumps(LISTED))
    script = f'[ "$*" = "plugin list --json" ] && cat {tmp_path}/list'
    assert await plugins(settings(tmp_path, script), os.environ) == ("oh-my-claudecode", "plain")


@pytest.mark.parametrize(
    "script", ["echo oops", "echo '{}'", "echo '[]'; exit 1", "echo '[[[['", "exit 1", "exec sleep 30"]
)
async def test_trouble_means_none(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "DEADLINE", 0.5)
    assert await plugins(settings(tmp_path, script), os.environ) == ()


async def test_no_program_means_none() -> None:
    assert await plugins(Settings(claude=ClaudeSettings(command="/no/claude")), os.environ) == ()
    assert await plugins(Settings(claude=ClaudeSettings(command="'half")), os.environ) == ()


def market(folder: Path, *skills: str) -> Path:
    """A folder that stands in for the plugin's marketplace."""
    plugin = folder / "plugins/oh-my-claudecode"
    (folder / ".claude-plugin").mkdir(parents=True)
    (plugin / ".claude-plugin").mkdir(parents=True)
    about = {"name": "oh-my-claudecode", "source": "./plugins/oh-my-claudecode", "description": "d"}
    listing = {"name": "omc", "owner": {"name": "x"}, "metadata": {"description": "d", "version": "1.0.0"}}
    (folder / ".claude-plugin/marketplace.json").write_text(json.dumps({**listing, "plugins": [about]}))
    mine = {"name": "oh-my-claudecode", "version": "4.2.1", "description": "d", "author": {"name": "x"}}
    (plugin / ".claude-plugin/plugin.json").write_text(json.dumps(mine))
    for skill in skills:
        (plugin / "skills" / skill).mkdir(parents=True)
        text = f"---\nname: {skill}\ndescription: goes on\n---\nSKILL {skill} SAYS: $ARGUMENTS\n"
        (plugin / "skills" / skill / "SKILL.md").write_text(text)
    return folder


def install(program: str, folder: Path) -> None:
    for words in (["marketplace", "add", str(folder)], ["install", "oh-my-claudecode@omc"]):
        subprocess.run([program, "plugin", *words], check=True, capture_output=True, timeout=60)


@pytest.mark.real
async def test_the_real_program_tells_of_a_plugin(stub: StubApi, claude_program: str, tmp_path: Path) -> None:
    asked = Settings(claude=ClaudeSettings(command=claude_program, env=tuple(stub.environment())))
    assert await plugins(asked, os.environ) == ()
    install(claude_program, market(tmp_path / "market", "ralph"))
    assert await plugins(asked, os.environ) == ("oh-my-claudecode",)
    subprocess.run([claude_program, "plugin", "disable", "oh-my-claudecode@omc"], check=True, capture_output=True)
    assert await plugins(asked, os.environ) == ()
