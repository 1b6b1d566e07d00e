"""The usage endpoint, by real HTTP on loopback: what is sent, and what every kind of trouble becomes."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cctui import __version__
from cctui.adapters import web
from cctui.adapters.usage_answer import SLOW, SOON, STUCK, UsageError
from cctui.adapters.usage_api import ask_api
from cctui.core.settings import CapacitySettings, ClaudeSettings, Settings
from tests.stub_api import Page, StubApi

NOW = datetime.now(UTC)
TOKEN = "sk-ant-oat01-secret-of-this-test"
REFRESH = "sk-ant-ort01-secret-of-this-test"
BODY = {"five_hour": {"utilization": 37, "resets_at": (NOW + timedelta(hours=2)).isoformat()}}
USAGE = "GET /api/oauth/usage"


@pytest.fixture
def stub() -> Iterator[StubApi]:
    with StubApi() as stub:
        stub.pages[USAGE] = Page(200, BODY)
        yield stub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "claude"
    folder.mkdir()
    write_login(folder)
    return folder


def write_login(folder: Path, **more: object) -> None:
    fields = {
        "accessToken": TOKEN,
        "refreshToken": REFRESH,
        "expiresAt": int((NOW + timedelta(hours=8)).timestamp() * 1000),
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    (folder / ".credentials.json").write_text(json.dumps({"claudeAiOauth": fields | more, "mcpOAuth": {"x": 1}}))


def settings(
    stub: StubApi, folder: Path, *, usage_url: str | None = None, user_agent: str = "", command: str = "/nowhere/claude"
) -> Settings:
    url = f"{stub.url}/api/oauth/usage" if usage_url is None else usage_url
    capacity = CapacitySettings(usage_url=url, token_url=f"{stub.url}/v1/oauth/token", user_agent=user_agent)
    return Settings(capacity=capacity, claude=ClaudeSettings(command=command, config_dir=str(folder)))


async def trouble(stub: StubApi, folder: Path, usage_url: str | None = None) -> UsageError:
    """What asking fails with; whoever prints that, its causes and their causes, prints no token."""
    with pytest.raises(UsageError) as caught:
        await ask_api(settings(stub, folder, usage_url=usage_url), {}, folder, NOW)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert TOKEN not in shown
    assert REFRESH not in shown
    return caught.value


async def test_the_question_says_who_asks_and_carries_the_login(stub: StubApi, folder: Path) -> None:
    (reading,) = await ask_api(settings(stub, folder), {}, folder, NOW)
    assert (reading.window, reading.used, reading.source, reading.observed_at) == ("five_hour", 37.0, "api", NOW)
    (seen,) = stub.seen
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["anthropic-beta"] == "oauth-2025-04-20"
    assert seen.headers["user-agent"] == f"cctui/{__version__}"


async def test_a_person_may_give_another_name(stub: StubApi, folder: Path) -> None:
    await ask_api(settings(stub, folder, user_agent="somebody/1"), {}, folder, NOW)
    assert stub.seen[0].headers["user-agent"] == "somebody/1"


async def test_the_login_is_read_again_for_every_question(stub: StubApi, folder: Path) -> None:
    await ask_api(settings(stub, folder), {}, folder, NOW)
    write_login(folder, accessToken="sk-ant-oat01-another")
    await ask_api(settings(stub, folder), {}, folder, NOW)
    assert stub.seen[1].headers["authorization"] == "Bearer sk-ant-oat01-another"


async def test_the_folder_is_found_as_claude_code_finds_it(stub: StubApi, tmp_path: Path) -> None:
    for name in (".claude", "other"):
        (tmp_path / name).mkdir()
        write_login(tmp_path / name, accessToken=f"sk-ant-{name}")
    plain = Settings(capacity=CapacitySettings(usage_url=f"{stub.url}/api/oauth/usage"))
    await ask_api(plain, {"HOME": str(tmp_path)}, tmp_path, NOW)
    await ask_api(plain, {"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": "~/other"}, tmp_path, NOW)
    assert [seen.headers["authorization"] for seen in stub.seen] == ["Bearer sk-ant-.claude", "Bearer sk-ant-other"]


@pytest.mark.parametrize(
    ("page", "words", "ladder", "wait", "firm"),
    [
        pytest.param(Page(401, {"error": TOKEN}), "refused the login.*/login", STUCK, None, False, id="401"),
        pytest.param(Page(403, {}), "may not read usage.*/login", STUCK, None, True, id="403"),
        pytest.param(Page(429, {}, {"retry-after": "0"}), "patience", SLOW, None, True, id="429 with a lie"),
        pytest.param(Page(429, {}, {"retry-after": "1800"}), "patience", SLOW, 1800.0, True, id="429 with a time"),
        pytest.param(Page(429, {}, {"retry-after": "nan"}), "patience", SLOW, None, True, id="429 with nonsense"),
        pytest.param(Page(429, {}, {"retry-after": "1e99"}), "patience", SLOW, 21600.0, True, id="429 for ever"),
        pytest.param(Page(500, b"oops"), "down.*500", SOON, None, False, id="500"),
        pytest.param(Page(503, {}, {"retry-after": "90"}), "down.*503", SOON, 90.0, False, id="503"),
        pytest.param(Page(404, {}), "404: check capacity.usage_url", SLOW, None, False, id="404"),
        pytest.param(Page(200, b"<html>"), "not answer in JSON", SLOW, None, False, id="a page of a hotel"),
        pytest.param(Page(200, b"\xff\xfe\x00"), "not answer in JSON", SLOW, None, False, id="no text"),
        pytest.param(Page(200, [1, 2]), "unknown shape", SLOW, None, False, id="another shape"),
        pytest.param(Page(200, {"seven": 7}), "names no window", SLOW, None, False, id="no window"),
        pytest.param(Page(200, b" " * (web.MOST + 1)), "without end", SLOW, None, False, id="too much"),
        pytest.param(
            Page(200, b"x" * 99, {"content-encoding": "gzip"}), "cannot reach", SOON, None, False, id="bad packing"
        ),
    ],
)
async def test_every_answer_but_numbers_is_its_own_sentence(
    stub: StubApi, folder: Path, page: Page, words: str, ladder: tuple[float, ...], wait: float | None, firm: bool
) -> None:
    stub.pages[USAGE] = page
    error = await trouble(stub, folder)
    assert re.search(words, str(error)), str(error)
    assert (error.ladder, error.wait, error.firm) == (ladder, wait, firm)


async def test_a_date_as_retry_after_is_honoured(stub: StubApi, folder: Path) -> None:
    moment = (NOW + timedelta(seconds=600)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    stub.pages[USAGE] = Page(429, {}, {"retry-after": moment})
    wait = (await trouble(stub, folder)).wait
    assert wait is not None
    assert 598 < wait <= 600


async def test_a_redirect_does_not_get_the_login(stub: StubApi, folder: Path) -> None:
    stub.pages[USAGE] = Page(302, {}, {"location": f"{stub.url}/elsewhere"})
    assert "points elsewhere" in str(await trouble(stub, folder))
    assert [seen.path for seen in stub.seen] == ["/api/oauth/usage"]


@pytest.mark.parametrize(
    "url", ["http://example.com/usage", "ftp://127.0.0.1/usage", "127.0.0.1/usage", "http://[::1/x", "https://", ""]
)
async def test_an_address_that_would_show_the_login_is_refused(stub: StubApi, folder: Path, url: str) -> None:
    error = await trouble(stub, folder, usage_url=url)
    assert "capacity.usage_url is no https address" in str(error)


async def test_nobody_there(stub: StubApi, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = await trouble(stub, folder, usage_url=f"http://127.0.0.1:{taken.getsockname()[1]}/usage")
    assert "cannot reach 127.0.0.1" in str(error)
    assert error.ladder == SOON


async def test_an_answer_that_does_not_come(stub: StubApi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "DEADLINE", 0.2)
    stub.pages[USAGE] = Page(200, BODY, delay=30)
    began = time.monotonic()
    assert "did not answer in time" in str(await trouble(stub, folder))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "there is no login", id="no file"),
        pytest.param(b"{", "not valid JSON", id="half a file"),
        pytest.param(b"\xff\xff", "not valid JSON", id="not UTF-8"),
        pytest.param(b"[1]", "unknown shape", id="another shape"),
        pytest.param(b'{"claudeAiOauth": {}}', "holds no login", id="no token"),
        pytest.param(b'{"accessToken": "sk-ant\\r\\nX:y"}', "holds no login", id="a token that is a header"),
        pytest.param('{"accessToken": "sk-änt"}'.encode(), "holds no login", id="not ASCII"),
    ],
)
async def test_a_login_file_of_any_kind(stub: StubApi, folder: Path, content: bytes | None, words: str) -> None:
    file = folder / ".credentials.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert words in str(await trouble(stub, folder))
    assert stub.seen == []


async def test_the_flat_file_of_older_versions(stub: StubApi, folder: Path) -> None:
    (folder / ".credentials.json").write_text(json.dumps({"accessToken": TOKEN}))
    assert await ask_api(settings(stub, folder), {}, folder, NOW)


async def test_a_login_without_the_scope_is_not_even_sent(stub: StubApi, folder: Path) -> None:
    write_login(folder, scopes=["user:inference"])
    assert "user:profile" in str(await trouble(stub, folder))
    assert stub.seen == []


async def test_nothing_that_is_logged_holds_the_login(
    stub: StubApi, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await ask_api(settings(stub, folder), {}, folder, NOW)
    assert "HTTP/1.1" in caplog.text
    assert TOKEN not in caplog.text


# --- an expired login ------------------------------------------------------------------------------------------------


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def expired(folder: Path) -> None:
    write_login(folder, expiresAt=int((NOW - timedelta(minutes=5)).timestamp() * 1000))


async def test_an_expired_login_is_never_sent(stub: StubApi, folder: Path) -> None:
    expired(folder)
    assert str(await trouble(stub, folder)) == "login expired: run `claude /login`"
    assert stub.seen == []


@pytest.mark.parametrize("when", ["auth status", "-p --input-format"])
async def test_claude_code_renews_an_expired_login(stub: StubApi, folder: Path, tmp_path: Path, when: str) -> None:
    write_login(folder, accessToken="sk-ant-oat01-renewed")
    (folder / ".credentials.json").rename(tmp_path / "fresh")
    expired(folder)
    script = f'case "$*" in "{when}"*) cp {tmp_path}/fresh "$CLAUDE_CONFIG_DIR/.credentials.json";; esac'
    command = program(tmp_path / "program", script)
    await ask_api(settings(stub, folder, command=command), {"PATH": "/usr/bin:/bin"}, folder, NOW)
    assert [seen.headers["authorization"] for seen in stub.seen] == ["Bearer sk-ant-oat01-renewed"]
