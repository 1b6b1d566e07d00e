"""One HTTP question with a secret in it: a status and a JSON body, or a `UsageError` that names the trouble.

Promises: the secret goes to the one address that was named and nowhere else (no redirect is followed, nothing but https
beyond this machine); no text of the HTTP library or of the answer reaches an error; it ends within 20 s and reads at
most 1 MiB.  Never retries: the caller's back-off does.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from cctui.adapters.usage_answer import SLOW, STUCK, UsageError

DEADLINE = 20.0
MOST = 1 << 20
LONGEST_WAIT = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    name: str
    """What is asked, for sentences: "the usage endpoint"."""
    url: str
    setting: str
    """Where a person changes the address."""
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    """Sent by POST; None: a GET."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: object
    """None when the body is not JSON."""
    wait: float | None
    """Seconds, from Retry-After; None when it is missing, 0 or unreadable."""


async def fetch(request: Request, now: datetime) -> Answer:
    """Raises UsageError for everything that is no HTTP answer of the address itself."""
    host = _host(request)
    await asyncio.to_thread(importlib.import_module, "httpx")  # 100 ms the first time: no key press shall wait for it
    import httpx  # noqa: PLC0415

    try:
        async with (
            asyncio.timeout(DEADLINE),
            httpx.AsyncClient(timeout=httpx.Timeout(10, connect=5), follow_redirects=False) as client,
            client.stream(
                "GET" if request.form is None else "POST", request.url, headers=request.headers, data=request.form
            ) as answer,
        ):
            status, retry = answer.status_code, answer.headers.get("retry-after")
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST:
                    raise UsageError(f"{request.name} answers without end: check {request.setting}", ladder=SLOW)
    except (TimeoutError, httpx.TimeoutException):
        raise UsageError(f"{host} did not answer in time: check the network") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # only its kind: the library's text may quote a header
        raise UsageError(f"cannot reach {host} ({type(error).__name__}): check the network") from None
    if 300 <= status < 400:
        raise UsageError(
            f"{request.name} points elsewhere (HTTP {status}); the login is not sent there: check {request.setting}",
            ladder=STUCK,
        )
    return Answer(status, _json(bytes(body)), _seconds(retry, now))


def _host(request: Request) -> str:
    """Host and port of the address; refuses one that would show the secret to the network."""
    wrong = UsageError(f"{request.setting} is no https address: correct it in the config", ladder=STUCK)
    try:
        parts = urlsplit(request.url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and _here(host))):
        raise wrong
    return f"{host}:{port}" if port else host


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _seconds(retry: str | None, now: datetime) -> float | None:
    """Retry-After as seconds or as a date.  The service often says 0 and does not mean it."""
    if not retry:
        return None
    try:
        seconds = float(retry)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry)
        except ValueError:
            return None
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None  # NaN compares false
