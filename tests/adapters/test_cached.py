"""Claude Code's own cache of its usage numbers, read in passing."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.cached import Cached, cache_file
from cctui.core.settings import ClaudeSettings, Settings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BODY = {
    "five_hour": {"utilization": 37, "resets_at": "2026-11-21T14:00:00.123456+00:00"},
    "seven_day": {"utilization": 12.5, "resets_at": "2026-11-24T04:39:26Z"},
    "seven_day_opus": None,
    "limits": [{"kind": "session", "percent": 37, "resets_at": "2026-11-21T14:00:00+00:00", "is_active": True}],
}


def cached(**more: Any) -> dict[str, Any]:
    fetched = int((NOW - timedelta(minutes=40)).timestamp() * 1000)
    inner = {"fetchedAtMs": fetched, "accountUuid": "a-1", "utilization": BODY} | more
    return {"numStartups": 3, "oauthAccount": {"accountUuid": "a-1"}, "cachedUsageUtilization": inner}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".claude.json"


def used(file: Path, now: datetime = NOW) -> dict[str, float | None]:
    return {reading.window: reading.used for reading in Cached(file).readings(now)}


def test_its_numbers_count_with_their_own_age_and_name(file: Path) -> None:
    file.write_text(json.dumps(cached()))
    five, week = Cached(file).readings(NOW)
    assert (five.window, five.used, week.used) == ("five_hour", 37.0, 12.5)
    assert {five.source, week.source} == {"cache"}
    assert five.observed_at == NOW - timedelta(minutes=40)


def test_each_counts_only_while_its_window_is_open(file: Path) -> None:
    file.write_text(json.dumps(cached()))
    assert used(file, NOW + timedelta(hours=3)) == {"seven_day": 12.5}
    file.write_text(json.dumps(cached(utilization={"five_hour": {"utilization": 9, "resets_at": None}})))
    assert used(file) == {}


def test_another_account_s_numbers_do_not_count(file: Path) -> None:
    file.write_text(json.dumps(cached(accountUuid="b-2")))
    assert used(file) == {}
    file.write_text(json.dumps(cached(accountUuid=None)))
    assert used(file)["five_hour"] == 37.0


def test_it_is_read_again_when_it_has_changed_and_not_before(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(json.dumps(cached()))
    source = Cached(file)
    assert source.readings(NOW)
    with monkeypatch.context() as patch:
        patch.setattr("cctui.adapters.foreign.read_object", lambda *_: pytest.fail("read again"))
        assert source.readings(NOW)
    file.write_text(json.dumps(cached(utilization={"five_hour": BODY["five_hour"]})))
    assert len(source.readings(NOW)) == 1
    file.unlink()
    assert source.readings(NOW) == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 200_000,
        '{"cachedUsageUtilization": 4}',
        json.dumps(cached(fetchedAtMs="soon")),
        json.dumps(cached(fetchedAtMs=True)),
        json.dumps(cached(fetchedAtMs=1e300)),
        json.dumps(cached(utilization=None)),
        json.dumps(cached(utilization={"five_hour": {"utilization": "many"}})),
    ],
)
def test_anything_else_is_no_number(file: Path, content: str) -> None:
    file.write_text(content)
    assert used(file) == {}


def test_pipes_folders_and_other_users_files_are_no_numbers(file: Path) -> None:
    assert used(file) == {}
    os.mkfifo(file)
    assert used(file) == {}
    file.unlink()
    file.mkdir()
    assert used(file) == {}
    file.rmdir()
    file.write_text(json.dumps(cached()))
    if os.geteuid() == 0:
        os.chown(file, 12_345, 12_345)
        assert used(file) == {}


def test_a_link_of_a_dotfiles_folder_is_followed(file: Path) -> None:
    target = file.with_name("dotfiles.json")
    target.write_text(json.dumps(cached()))
    file.symlink_to(target)
    assert used(file)["five_hour"] == 37.0


def test_it_lies_where_claude_puts_it() -> None:
    settings = Settings()
    assert cache_file(settings, {"HOME": "/h"}) == Path("/h/.claude.json")
    assert cache_file(settings, {"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}) == Path("/c/.claude.json")
    named = Settings(claude=ClaudeSettings(config_dir="~/work"))
    assert cache_file(named, {"HOME": "/h"}) == Path("/h/work/.claude.json")
