"""`cctui serve`: a real server on loopback, a real engine, tabs as a browser opens them."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from click.testing import CliRunner

from cctui.cli import serve as serving
from cctui.cli.doorkeeper import MOST
from cctui.cli.main import ccq, cctui
from cctui.lock import Lock
from cctui.places import find_places
from tests.waiting import at_last, eventually

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SECRET = "correct horse"


@pytest.fixture
def root(tmp_path: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "r"
    (folder / "tasks/pending").mkdir(parents=True)
    (folder / "tasks/pending/seen-in-a-tab.md").write_text("---\npaused: true\n---\nsay hello\n")
    monkeypatch.setenv("CCTUI_ROOT", str(folder))
    monkeypatch.setenv("CCTUI_CLAUDE_COMMAND", "/no/such/claude")
    yield folder
    CliRunner().invoke(ccq, ["--root", str(folder), "headless", "--stop"])


class Served:
    """`cctui serve` as a process, and its address."""

    def __init__(self, log: Path, *words: str, **environ: str) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cctui", "serve", "--port", "0", *words],
                env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environ},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        found = at_last(lambda: re.search(r"http://127\.0\.0\.1:(\d+)/", log.read_text()), 40)
        assert found
        self.port = int(found[1])
        self.at = f"http://127.0.0.1:{self.port}"

    def tabs(self) -> list[int]:
        asked = ["pgrep", "-P", str(self.process.pid), "-f", "no-tmux"]
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)
        return [int(pid) for pid in ran.stdout.split()]

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(20)


@pytest.fixture
def served(root: Path, tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "serve.log")
    yield server
    server.end()


@pytest.fixture
def locked(root: Path, tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "serve.log", CCTUI_SERVE_PASSWORD=SECRET)
    yield server
    server.end()


@asynccontextmanager
async def tab(served: Served, session: ClientSession, **options: Any) -> AsyncIterator[ClientWebSocketResponse]:
    options.setdefault("headers", {"Origin": served.at})
    async with session.ws_connect(f"{served.at}/ws?width=48&height=18", **options) as socket:
        yield socket


async def shows(socket: ClientWebSocketResponse, text: str, seconds: float = 30) -> bytes:
    said = b""
    async with asyncio.timeout(seconds):
        while text.encode() not in said:
            message = await socket.receive()
            assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), message
            said += message.data if isinstance(message.data, bytes) else b""
    return said


async def status(served: Served, path: str = "/", **options: Any) -> int:
    async with ClientSession() as session, session.get(served.at + path, **options) as answer:
        return answer.status


async def upgrade(served: Served, **headers: str) -> int:
    """What a request for the websocket gets, by its status."""
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    return await status(served, "/ws", headers={**asked, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers})


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


async def test_a_tab_is_a_face_on_an_engine_that_stays(served: Served, root: Path) -> None:
    engine = Lock(find_places(str(root), os.environ, root).lock).owner()
    assert engine is not None
    async with ClientSession() as session:
        async with session.get(served.at) as answer:
            page = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        assert "//" not in page.replace("// The websocket", "")
        assert "default-src 'none'" in policy
        for path in re.findall(r'(?:src=|href=|url\()"(static/[^"]+)"', page):
            assert await status(served, f"/{path}") == 200, path
        async with tab(served, session) as socket:
            await shows(socket, "seen-in-a-tab")
            await eventually(lambda: len(served.tabs()) == 1)
            await socket.send_json(["focus"])
            await socket.send_json(["stdin", "2"])
            await shows(socket, "Nothing runs.")
            async with tab(served, session) as second:
                await shows(second, "seen-in-a-tab")
                assert len(served.tabs()) == 2
        await eventually(lambda: not served.tabs(), 20)
    served.end()
    owner = Lock(find_places(str(root), os.environ, root).lock).owner()
    assert owner == engine


async def test_what_a_tab_asks_reaches_the_engine(served: Served, root: Path) -> None:
    async with ClientSession() as session, tab(served, session) as socket:
        await shows(socket, "seen-in-a-tab")
        await socket.send_json(["focus"])
        await socket.send_json(["stdin", " "])
        await eventually(lambda: "paused: true" not in (root / "tasks/pending/seen-in-a-tab.md").read_text(), 20)


async def test_no_page_of_another_site_gets_in(served: Served) -> None:
    assert await status(served, headers={"Host": "evil.example"}) == 403
    assert await status(served, headers={"Host": f"evil.example:{served.port}"}) == 403
    assert await status(served, "/static/js/textual.js", headers={"Host": "127.0.0.1.evil.example"}) == 403
    assert await status(served, headers={"Origin": "https://evil.example"}) == 403
    assert await upgrade(served, Origin="https://evil.example") == 403
    assert await upgrade(served, Origin="null") == 403
    assert await upgrade(served, Origin="http://localhost:3000") == 403
    assert await upgrade(served) == 403
    rebound = {"Host": f"evil.example:{served.port}", "Origin": f"http://evil.example:{served.port}"}
    assert await upgrade(served, **rebound) == 403
    assert served.tabs() == []


async def test_it_answers_to_its_other_names_on_this_machine(served: Served) -> None:
    assert await status(served, headers={"Host": f"localhost:{served.port}"}) == 200
    assert await status(served, headers={"Host": "localhost:9000"}) == 200


async def test_a_password_stands_before_everything(locked: Served) -> None:
    good, bad = basic(SECRET), basic("wrong")
    for path in ("/", "/static/js/textual.js", "/ws", "/nothing"):
        assert await status(locked, path, headers={"Origin": locked.at}) == 401
        assert await status(locked, path, headers={"Origin": locked.at, **bad}) == 401
    assert await status(locked, headers={"Authorization": "Basic %%%"}) == 401
    async with ClientSession() as session:
        async with session.get(locked.at, headers=good) as answer:
            assert answer.status == 200
            token = answer.cookies["cctui"]
            assert token["httponly"]
            assert token["samesite"] == "Strict"
        async with tab(locked, session, headers={"Origin": locked.at, "Cookie": f"cctui={token.value}"}) as socket:
            await shows(socket, "seen-in-a-tab")
        async with tab(locked, session, headers={"Origin": locked.at, **good}) as socket:
            await shows(socket, "seen-in-a-tab")
            seen = await asyncio.to_thread(Path(f"/proc/{locked.tabs()[0]}/environ").read_bytes)
            assert SECRET.encode() not in seen
    assert await upgrade(locked, Origin=locked.at, Cookie="cctui=guess") == 401
    assert SECRET not in locked.log.read_text()


async def test_no_more_tabs_than_the_machine_should_bear(served: Served) -> None:
    async with ClientSession() as session:
        sockets = [await session.ws_connect(f"{served.at}/ws", origin=served.at) for _ in range(MOST)]
        assert await upgrade(served, Origin=served.at) == 503
        for socket in sockets:
            await socket.close()


def test_a_server_that_is_killed_leaves_no_tab_behind(served: Served) -> None:
    async def opened() -> list[int]:
        async with ClientSession() as session, tab(served, session) as socket:
            await shows(socket, "seen-in-a-tab")
            tabs = served.tabs()
            served.process.kill()
            return tabs

    tabs = asyncio.run(opened())
    assert len(tabs) == 1
    at_last(lambda: not Path(f"/proc/{tabs[0]}").exists(), 20)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_another_address_needs_a_password_or_the_flag(root: Path, host: str) -> None:
    ran = CliRunner().invoke(cctui, ["serve", "--host", host])
    assert ran.exit_code == 2
    assert "--password-file" in ran.output
    assert "--insecure" in ran.output


def test_a_password_that_others_can_read_is_refused(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o644)
    ran = CliRunner().invoke(cctui, ["serve", "--password-file", str(file)])
    assert ran.exit_code == 2
    assert "chmod 600" in ran.output
    file.write_text("\n")
    file.chmod(0o600)
    assert CliRunner().invoke(cctui, ["serve", "--password-file", str(file)]).exit_code == 2
    assert CliRunner().invoke(cctui, ["serve", "--password-file", str(tmp_path / "none")]).exit_code == 2


def test_without_the_extra_it_says_what_to_type(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.delitem(sys.modules, "cctui.cli.doorkeeper", raising=False)
    ran = CliRunner().invoke(cctui, ["serve"])
    assert ran.exit_code == 7
    assert f"-m pip install '{serving.NEEDS}'" in ran.output
    assert Lock(find_places(str(root), os.environ, root).lock).owner() is None


def test_an_address_that_is_taken_is_said(root: Path, served: Served) -> None:
    ran = CliRunner().invoke(cctui, ["serve", "--port", str(served.port)])
    assert ran.exit_code == 1
    assert "cannot listen" in ran.output
