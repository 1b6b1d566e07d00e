"""ccusage as an estimate: only when it is configured, and never fetched."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters import ccusage
from cctui.adapters.ccusage import active, ask_ccusage
from cctui.adapters.usage_answer import UsageError
from cctui.core.settings import CapacitySettings, Settings
from cctui.core.world import Confidence, Reading

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
BLOCK = {
    "id": "2026-11-21T10:00:00.000Z",
    "startTime": "2026-11-21T10:00:00.000Z",
    "endTime": "2026-11-21T15:00:00.000Z",
    "isActive": True,
    "isGap": False,
    "totalTokens": 4200,
    "models": ["claude-opus-5-5"],
}


def program(folder: Path, out: object, code: int = 0, name: str = "ccusage") -> Path:
    """A stand-in for the program, which notes how it was called."""
    (folder / "out.json").write_text(out if isinstance(out, str) else json.dumps(out))
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" > {folder}/argv; env > {folder}/env; cat {folder}/out.json; exit {code}\n')
    path.chmod(0o755)
    return path


async def ask(command: str, worth: float | None = 100.0, **resets: datetime) -> tuple[Reading, ...]:
    settings = Settings(capacity=CapacitySettings(ccusage_command=command))
    return await ask_ccusage(settings, os.environ, Path.cwd(), NOW, lambda _: worth, resets.get)


async def test_the_active_block_is_an_estimate_of_the_5_hour_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up")
    command = str(program(tmp_path, {"blocks": [{**BLOCK, "isActive": False, "totalTokens": 9}, BLOCK]}))
    (reading,) = await ask(command)
    assert (reading.window, reading.used, reading.source) == ("five_hour", 42.0, "ccusage")
    assert (reading.confidence, reading.observed_at) == (Confidence.ESTIMATED, NOW)
    assert reading.resets_at == datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    assert (tmp_path / "argv").read_text().split() == ["blocks", "--json", "--active", "--offline"]
    assert "sk-ant" not in (tmp_path / "env").read_text()


async def test_a_reset_that_somebody_has_counted_is_better_than_the_block_s_full_hour(tmp_path: Path) -> None:
    command = str(program(tmp_path, {"blocks": [BLOCK]}))
    told = NOW + timedelta(hours=1)
    assert [one.resets_at for one in await ask(command, five_hour=told)] == [told]
    over = NOW - timedelta(minutes=1)
    assert [one.resets_at for one in await ask(command, five_hour=over)] == [datetime(2026, 11, 21, 15, tzinfo=UTC)]


async def test_without_learned_tokens_per_point_there_is_no_percentage(tmp_path: Path) -> None:
    assert [one.used for one in await ask(str(program(tmp_path, {"blocks": [BLOCK]})), None)] == [None]


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [{**BLOCK, "isGap": True}],
        [{**BLOCK, "totalTokens": "many"}],
        [{**BLOCK, "totalTokens": -1}],
        [{**BLOCK, "endTime": None}],
        ["block", 3, None],
        [{**BLOCK, "endTime": "2026-11-21T12:00:00Z"}],
    ],
)
async def test_no_active_block_is_no_number(tmp_path: Path, blocks: list[Any]) -> None:
    assert await ask(str(program(tmp_path, {"blocks": blocks}))) == ()


@pytest.mark.parametrize("out", [b"", b"hello", b"[]", b'{"blocks": 3}', b"[" * 99_000, b"\xff"])
def test_what_cannot_be_read_says_so(out: bytes) -> None:
    with pytest.raises(UsageError, match="ccusage"):
        active(out)


async def test_what_is_wrong_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="was not found: install ccusage"):
        await ask("no-such-ccusage")
    with pytest.raises(UsageError, match="ended with exit 3"):
        await ask(str(program(tmp_path, "", 3)))
    with pytest.raises(UsageError, match="is no command"):
        await ask("ccusage 'half")
    monkeypatch.setattr(ccusage, "SECONDS", 0.2)
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    with pytest.raises(UsageError, match="did not answer"):
        await ask(str(slow))


@pytest.mark.parametrize("command", ["npx ccusage@latest", "bunx ccusage", "/usr/bin/npx -y ccusage", "uvx ccusage"])
async def test_a_command_that_would_fetch_the_program_is_never_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for name in ("npx", "bunx", "uvx"):
        program(tmp_path, {"blocks": [BLOCK]}, name=name)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install ccusage"):
        await ask(command)
    assert not (tmp_path / "argv").exists()
