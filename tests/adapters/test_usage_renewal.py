"""Renewing a login ourselves, where a person allowed it: once, alone, and without ever harming what is there."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from cctui import __version__
from cctui.adapters.credentials import read_login
from cctui.adapters.renewal import CLIENT, renew
from cctui.adapters.usage_answer import UsageError
from cctui.adapters.usage_api import ask_api
from cctui.core.settings import CapacitySettings, ClaudeSettings, Settings
from tests.stub_api import Page, StubApi
from tests.waiting import eventually

NOW = datetime.now(UTC)
TOKEN = "POST /v1/oauth/token"
FRESH = {"access_token": "sk-ant-oat01-new", "refresh_token": "sk-ant-ort01-new", "expires_in": 28800}
TOKENS = {
    "accessToken": "sk-ant-oat01-old",
    "refreshToken": "sk-ant-ort01-old",
    "expiresAt": int((NOW - timedelta(minutes=5)).timestamp() * 1000),
    "scopes": ["user:inference", "user:profile"],
    "subscriptionType": "max",
}
OLD = {"claudeAiOauth": TOKENS, "mcpOAuth": {"server": {"token": "keep me"}}}


@pytest.fixture
def stub() -> Iterator[StubApi]:
    with StubApi() as stub:
        stub.pages[TOKEN] = Page(200, FRESH)
        yield stub


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "claude").mkdir()
    file = tmp_path / "claude/.credentials.json"
    file.write_text(json.dumps(OLD))
    return file


def settings(stub: StubApi, file: Path, *, allow: bool = True) -> Settings:
    capacity = CapacitySettings(
        usage_url=f"{stub.url}/api/oauth/usage", token_url=f"{stub.url}/v1/oauth/token", allow_refresh=allow
    )
    return Settings(capacity=capacity, claude=ClaudeSettings(command="/nowhere/claude", config_dir=str(file.parent)))


async def renewed(stub: StubApi, file: Path) -> None:
    await renew(settings(stub, file), {}, file.parent, NOW)


async def refused(stub: StubApi, file: Path) -> str:
    """The sentence of a renewal that did not come about; the file is what it was, and alone."""
    before = file.read_bytes()
    with pytest.raises(UsageError) as caught:
        await renewed(stub, file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.glob(".credentials*")] == [file.name]
    assert "sk-ant" not in str(caught.value)
    return str(caught.value)


async def test_it_asks_as_the_service_wants_and_changes_three_fields(stub: StubApi, file: Path) -> None:
    await renewed(stub, file)
    (seen,) = stub.seen
    assert parse_qs(seen.raw.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["sk-ant-ort01-old"],
        "client_id": [CLIENT],
    }
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["user-agent"] == f"cctui/{__version__}"
    wanted = {
        "accessToken": "sk-ant-oat01-new",
        "refreshToken": "sk-ant-ort01-new",
        "expiresAt": int((NOW + timedelta(seconds=28800)).timestamp() * 1000),
    }
    assert json.loads(file.read_text()) == OLD | {"claudeAiOauth": TOKENS | wanted}
    assert file.stat().st_mode & 0o777 == 0o600


async def test_the_old_refresh_token_stays_when_no_new_one_comes(stub: StubApi, file: Path) -> None:
    stub.pages[TOKEN] = Page(200, {"access_token": "sk-ant-oat01-new", "expires_in": 60})
    await renewed(stub, file)
    assert read_login(file).refresh == "sk-ant-ort01-old"


async def test_a_link_is_followed_not_replaced(stub: StubApi, file: Path, tmp_path: Path) -> None:
    real = tmp_path / "vault.json"
    file.rename(real)
    file.symlink_to(real)
    await renewed(stub, file)
    assert file.is_symlink()
    assert read_login(real).token == "sk-ant-oat01-new"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        pytest.param(Page(400, {"error": "invalid_grant"}), "refused \\(HTTP 400\\)", id="refused"),
        pytest.param(Page(500, b""), "refused \\(HTTP 500\\)", id="down"),
        pytest.param(Page(307, b"", {"location": "/elsewhere"}), "points elsewhere", id="redirect"),
        pytest.param(Page(200, b"<html>"), "unknown shape", id="no JSON"),
        pytest.param(Page(200, {"access_token": "sk-ant-oat01-new"}), "unknown shape", id="no expiry"),
        pytest.param(Page(200, FRESH | {"access_token": "a b"}), "unknown shape", id="no usable token"),
        pytest.param(Page(200, FRESH | {"expires_in": 1e300}), "unknown shape", id="an absurd expiry"),
    ],
)
async def test_a_failure_clears_nothing(stub: StubApi, file: Path, page: Page, words: str) -> None:
    stub.pages[TOKEN] = page
    with pytest.raises(UsageError, match=words):
        raise UsageError(await refused(stub, file))


async def test_it_never_works_beside_a_living_session(stub: StubApi, file: Path) -> None:
    register = file.parent / "sessions"
    register.mkdir()
    (register / "broken.json").write_text("{")
    (register / "1.json").write_text(json.dumps({"pid": os.getpid()}))
    assert f"process {os.getpid()}" in await refused(stub, file)
    assert stub.seen == []
    (register / "1.json").write_text(json.dumps({"pid": 2**22 + 1}))  # no such process
    await renewed(stub, file)


async def test_it_never_works_beside_another_cctui(stub: StubApi, file: Path) -> None:
    handle = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert "another cctui" in await refused(stub, file)
    os.close(handle)
    assert stub.seen == []
    await renewed(stub, file)


async def test_of_many_at_once_one_asks(stub: StubApi, file: Path) -> None:
    stub.pages[TOKEN] = Page(200, FRESH, delay=0.2)
    ended = await asyncio.gather(*(renewed(stub, file) for _ in range(5)), return_exceptions=True)
    assert len(stub.seen) == 1
    assert sum(result is None for result in ended) == 1
    await renewed(stub, file)  # and whoever comes after finds it done
    assert len(stub.seen) == 1


async def test_a_login_that_arrived_meanwhile_is_kept(stub: StubApi, file: Path) -> None:
    stub.pages[TOKEN] = Page(200, FRESH, delay=0.3)
    task = asyncio.create_task(renewed(stub, file))
    await eventually(lambda: stub.seen)
    file.write_text(json.dumps(OLD).replace("-old", "-by-hand"))
    await task
    assert read_login(file).token == "sk-ant-oat01-by-hand"


async def test_a_disk_that_cannot_be_written_does_not_cost_the_login(stub: StubApi, file: Path) -> None:
    draft = file.with_name(f"{file.name}.tmp.{os.getpid()}")
    draft.mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        await renewed(stub, file)
    assert stub.seen == []


async def test_it_happens_only_where_it_is_allowed(stub: StubApi, file: Path) -> None:
    stub.pages["GET /api/oauth/usage"] = Page(200, {"five_hour": {"utilization": 1}})
    with pytest.raises(UsageError, match="login expired"):
        await ask_api(settings(stub, file, allow=False), {}, file.parent, NOW)
    assert stub.seen == []
    await ask_api(settings(stub, file), {}, file.parent, NOW)
    assert [seen.path for seen in stub.seen] == ["/v1/oauth/token", "/api/oauth/usage"]
    assert stub.seen[1].headers["authorization"] == "Bearer sk-ant-oat01-new"
