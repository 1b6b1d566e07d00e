"""A Messages API on loopback, for the real ``claude`` program and for everything else that speaks to the service.

A conversation takes its replies from the script whose name its first prompt carries: ``talk:NAME``.  One reply is used
per request of the main loop (a request that offers tools); with the script at its end the reply is `Say("done")`.
Used as HTTPS_PROXY it refuses every tunnel and notes where it should have led: the fence around the program.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from cctui.core.world import Tokens

CHEAP = Tokens(input=10, output=5)
TOKEN = "sk-ant-oat01-made-up-for-tests"
LONGEST = 60.0
"""Seconds after which a reply that waits for something gives up: no thread outlives its test for long."""
KEY = re.compile(r"talk:([A-Za-z0-9-]+)")


Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Where they hold moments, a function: it is asked when the answer is sent."""


@dataclass(frozen=True, slots=True)
class Say:
    """Text, and the turn ends."""

    text: str
    tokens: Tokens = CHEAP
    headers: Headers = field(default_factory=dict)
    after: threading.Event | None = None
    """Answer only when this is set."""


@dataclass(frozen=True, slots=True)
class Use:
    """One tool call; the program sends its result with the next request."""

    tool: str
    input: Mapping[str, object]
    text: str = ""
    tokens: Tokens = CHEAP
    headers: Headers = field(default_factory=dict)
    after: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    status: int
    kind: str
    message: str
    headers: Headers = field(default_factory=dict)
    after: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answers, until the stub is closed."""


Reply = Say | Use | Fail | Hang

OVERLOADED = Fail(529, "overloaded_error", "Overloaded")
BAD_LOGIN = Fail(401, "authentication_error", "OAuth token is not valid")


@dataclass(frozen=True, slots=True)
class Page:
    """A fixed answer for a path that is not the Messages API."""

    status: int = 200
    body: object = None
    """Sent as JSON; bytes are sent as they are."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, as it came in.  Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    talk: str = ""
    main: bool = False
    """Of a conversation's main loop."""

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def session(self) -> str:
        return self.headers.get("x-claude-code-session-id", "")

    @property
    def turns(self) -> list[tuple[str, str]]:
        """(role, text) of every message the program sent along, tool calls and results as JSON."""
        return [(message["role"], _text(message["content"])) for message in self.body["messages"]]


def unified(
    *,
    five_hour: float = 0.42,
    seven_day: float = 0.21,
    resets_in: float = 7200.0,
    week_resets_in: float = 200_000.0,
    status: str = "allowed",
    window: str = "five_hour",
) -> dict[str, str]:
    """The rate-limit headers of a subscription: fractions 0-1, resets in seconds from now."""
    now = time.time()
    prefix = "anthropic-ratelimit-unified"
    reset, week = str(int(now + resets_in)), str(int(now + week_resets_in))
    return {
        f"{prefix}-status": status,
        f"{prefix}-reset": week if window.startswith("seven_day") else reset,
        f"{prefix}-representative-claim": window,
        f"{prefix}-5h-utilization": str(five_hour),
        f"{prefix}-5h-reset": reset,
        f"{prefix}-5h-status": status if window == "five_hour" else "allowed",
        f"{prefix}-7d-utilization": str(seven_day),
        f"{prefix}-7d-reset": week,
        f"{prefix}-7d-status": status if window.startswith("seven_day") else "allowed",
    }


def limit(*, resets_in: float, window: str = "five_hour") -> Fail:
    """The refusal of a subscription whose window is full; it is open again `resets_in` seconds after the answer."""
    message = "This request would exceed your account's rate limit."
    week = window.startswith("seven_day")
    full = {"seven_day": 1.0, "week_resets_in": resets_in} if week else {"five_hour": 1.0, "resets_in": resets_in}
    headers = partial(unified, status="rejected", window=window, **full)
    return Fail(429, "rate_limit_error", message, headers)


class StubApi:
    """``with StubApi() as stub``: listens on a free port of 127.0.0.1 until the block ends."""

    def __init__(self) -> None:
        self.pages: dict[str, Page | list[Page]] = {}
        """``GET /api/oauth/usage`` → its answer; of a list each request takes the next, the last one stays."""
        self.headers: Headers = {}
        """On every answer of the Messages API: the state of the windows."""
        self.seen: list[Seen] = []
        self.tunnels: list[str] = []
        """Where the program would have gone without the fence."""
        self.over = threading.Event()
        self._scripts: defaultdict[str, list[Reply]] = defaultdict(list)
        self._served: defaultdict[str, list[Tokens]] = defaultdict(list)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> StubApi:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def script(self, talk: str, *replies: Reply) -> None:
        """Adds replies for the conversation whose prompt says ``talk:NAME``."""
        with self._lock:
            self._scripts[talk].extend(replies)

    def forget(self, talk: str) -> None:
        """Drops what is left of a conversation's script."""
        with self._lock:
            self._scripts[talk].clear()

    def asked(self, talk: str) -> list[Seen]:
        """The main-loop requests of one conversation, oldest first."""
        with self._lock:
            return [seen for seen in self.seen if seen.main and seen.talk == talk]

    def requests(self, method: str, path: str) -> list[Seen]:
        with self._lock:
            return [seen for seen in self.seen if seen.method == method and seen.path == path]

    def served(self, talk: str) -> Tokens:
        """The sum of what the answers of one conversation said they cost."""
        with self._lock:
            counts = list(self._served[talk])
        return Tokens(
            sum(count.input for count in counts),
            sum(count.output for count in counts),
            sum(count.cache_read for count in counts),
            sum(count.cache_write for count in counts),
        )

    def environment(self, *, token: str = TOKEN) -> dict[str, str]:
        """What points the program here and keeps it here; everything a run needs beyond PATH and HOME."""
        fence = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), self.url)
        inside = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        return (
            fence
            | inside
            | {
                "ANTHROPIC_BASE_URL": self.url,
                "CLAUDE_CODE_OAUTH_TOKEN": token,
                "CLAUDE_CODE_MAX_RETRIES": "0",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_TELEMETRY": "1",
                "DISABLE_AUTOUPDATER": "1",
                "API_TIMEOUT_MS": "20000",
                "IS_SANDBOX": "1",
            }
        )

    # --- for the handler ---

    def note(self, seen: Seen) -> None:
        with self._lock:
            self.seen.append(seen)

    def next_reply(self, talk: str) -> Reply:
        with self._lock:
            script = self._scripts[talk]
            return script.pop(0) if script else Say("done")

    def count(self, talk: str, tokens: Tokens) -> None:
        with self._lock:
            self._served[talk].append(tokens)

    def page(self, method: str, path: str) -> Page | None:
        with self._lock:
            found = self.pages.get(f"{method} {path}")
            if isinstance(found, list):
                return found.pop(0) if len(found) > 1 else found[0]
            return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    stub: StubApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    silent: ClassVar[tuple[type[Exception], ...]] = (BrokenPipeError, ConnectionResetError)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test reads `seen`."""

    def handle(self) -> None:
        try:
            super().handle()
        except self.silent:
            self.close_connection = True  # the program was ended in mid-answer: that is what some tests do

    def do_CONNECT(self) -> None:
        self.server.stub.tunnels.append(self.path)
        self.close_connection = True
        self._send_json(403, {"error": "no tunnels"}, {})

    def do_GET(self) -> None:
        self._page(b"")

    def do_HEAD(self) -> None:
        self._page(b"")

    def do_POST(self) -> None:
        raw = self._read()
        if urlsplit(self.path).path == "/v1/messages":
            self._messages(raw)
        else:
            self._page(raw)

    def _read(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _seen(self, raw: bytes, talk: str = "", main: bool = False) -> Seen:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, urlsplit(self.path).path, headers, raw, talk, main)
        self.server.stub.note(seen)
        return seen

    def _page(self, raw: bytes) -> None:
        seen = self._seen(raw)
        page = self.server.stub.page(self.command, seen.path) or Page(404, {"error": "nothing here"})
        self.server.stub.over.wait(page.delay)
        self._send_json(page.status, page.body, page.headers)

    def _send_json(self, status: int, body: object, headers: Mapping[str, str]) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    # --- the Messages API ---

    def _messages(self, raw: bytes) -> None:
        stub = self.server.stub
        body = json.loads(raw)
        talk = _talk(body["messages"])
        main = bool(body.get("tools"))
        self._seen(raw, talk, main)
        reply = stub.next_reply(talk) if main else Say("{}")
        if isinstance(reply, Hang):
            stub.over.wait(LONGEST)
            self.close_connection = True
            return
        if reply.after is not None:
            _wait_for(reply.after, stub.over)
        headers = {"request-id": f"req_{uuid4().hex[:20]}", **_made(stub.headers), **_made(reply.headers)}
        if isinstance(reply, Fail):
            error = {"type": "error", "error": {"type": reply.kind, "message": reply.message}}
            self._send_json(reply.status, error, headers)
            return
        stub.count(talk, reply.tokens)
        message = _message(reply, str(body.get("model")))
        if body.get("stream"):
            self._stream(message, headers)
        else:
            self._send_json(200, message, headers)

    def _stream(self, message: dict[str, Any], headers: Mapping[str, str]) -> None:
        self.send_response(200)
        for name, value in {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for event in _events(message):
            data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


def _made(headers: Headers) -> Mapping[str, str]:
    return headers() if callable(headers) else headers


def _wait_for(event: threading.Event, over: threading.Event) -> None:
    deadline = time.monotonic() + LONGEST
    while not event.wait(0.02) and not over.is_set() and time.monotonic() < deadline:
        pass


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] if block.get("type") == "text" else json.dumps(block) for block in blocks)


def _talk(messages: Iterable[Mapping[str, Any]]) -> str:
    """The name of the script: in the first message of a person that carries one."""
    for message in messages:
        found = KEY.search(_text(message["content"])) if message["role"] == "user" else None
        if found:
            return found.group(1)
    return ""


def _message(reply: Say | Use, model: str) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    if isinstance(reply, Use):
        blocks.append(
            {"type": "tool_use", "id": f"toolu_{uuid4().hex[:20]}", "name": reply.tool, "input": dict(reply.input)}
        )
    return {
        "id": f"msg_{uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": "tool_use" if isinstance(reply, Use) else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": reply.tokens.input,
            "output_tokens": reply.tokens.output,
            "cache_read_input_tokens": reply.tokens.cache_read,
            "cache_creation_input_tokens": reply.tokens.cache_write,
        },
    }


def _events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The server-sent events of one message: counts of the output come only with the last but one, as in life."""
    start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(message["content"]):
        empty: dict[str, Any]
        if block["type"] == "text":
            empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": message["usage"]}
    yield {"type": "message_stop"}


def home(base: Path) -> dict[str, str]:
    """A fresh home for one run of the program, in the folder of one test."""
    for name in ("home", "home/.claude", "tmp"):
        (base / name).mkdir(mode=0o700, exist_ok=True)
    return {"HOME": str(base / "home"), "CLAUDE_CONFIG_DIR": str(base / "home/.claude"), "TMPDIR": str(base / "tmp")}
