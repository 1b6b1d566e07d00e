"""Who may come in from a browser: the check in front of textual-serve, and the page it serves.

Needs the extra `web`; importing this raises ImportError without it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from rich.console import Console
from textual_serve.server import Server

MOST = 8
"""Tabs at the same time: each is a process."""
WRONG_SECONDS = 1.0
"""How long the answer to a wrong password takes."""
COOKIE = "cctui"
PLAIN_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:(?P<port>\d{1,5}))?")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorkeeper:
    """`command`: of one tab.  `names`: by which we may be called.  `password`: empty when none is asked for."""

    def __init__(self, command: str, names: frozenset[str], password: str) -> None:
        self._server = Server(command, title="cctui", templates_path=str(Path(__file__).parent / "web"))
        self._server.console = Console(quiet=True)
        self._names = names
        self._digest = hashlib.sha256(password.encode()).digest() if password else b""
        self._token = secrets.token_urlsafe(32)
        """Whoever has said the password once shows this: not every browser sends a password with a websocket."""
        self._tabs = 0
        self._runner: web.AppRunner | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; the port.  Raises OSError."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.admit(request, handler)

        app = await self._server._make_app()
        app.middlewares.append(check)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def close(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    # --- the check ---

    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """In front of every route, the websocket's and unknown ones too."""
        if refused := self.stranger(request):
            return web.Response(status=403, text=f"{refused}\n")
        if not self.known(request):
            if "Authorization" in request.headers:
                await asyncio.sleep(WRONG_SECONDS)
            asks = {"WWW-Authenticate": 'Basic realm="cctui", charset="UTF-8"'}
            return web.Response(status=401, text="the password, please (any name)\n", headers=asks)
        if request.path == "/ws":
            return await self.seated(request, handler)
        response = await handler(request)
        response.headers.update(told(request.host))
        if self._digest and request.path == "/":
            response.set_cookie(COOKIE, self._token, httponly=True, samesite="Strict", secure=request.secure)
        return response

    def stranger(self, request: web.Request) -> str:
        """Why a request comes from elsewhere; empty: it does not.

        A page of another site that has its name point here (DNS rebinding) calls us by that name; one that opens our
        websocket sends its own origin."""
        found = PLAIN_HOST.fullmatch(request.host)
        if not found or not self.called(found["name"].strip("[]").casefold()):
            return "this is not the name it listens to: open the address that cctui serve prints, or give it --name"
        origin = request.headers.get("Origin")
        if origin is None:
            return "a websocket without an origin" if request.path == "/ws" else ""
        return "" if urlsplit(origin).netloc.casefold() == request.host.casefold() else "a page of another site"

    def called(self, name: str) -> bool:
        if name in self._names:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return "*" in self._names

    def known(self, request: web.Request) -> bool:
        if not self._digest:
            return True
        if hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self._token.encode()):
            return True
        kind, _, said = request.headers.get("Authorization", "").partition(" ")
        if kind.casefold() != "basic":
            return False
        try:
            given = base64.b64decode(said, validate=True).partition(b":")[2]
        except (ValueError, binascii.Error):
            return False
        return hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)

    async def seated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A tab, as long as there is room for one more process."""
        if self._tabs >= MOST:
            return web.Response(status=503, text=f"{MOST} tabs are open already\n")
        self._tabs += 1
        try:
            return await handler(request)
        finally:
            self._tabs -= 1


def told(host: str) -> dict[str, str]:
    """What a browser may do with the page: nothing from elsewhere, in nobody's frame, kept nowhere."""
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' "
            f"'unsafe-inline'; font-src 'self' data:; img-src 'self' data: blob:; connect-src 'self' ws://{host} "
            f"wss://{host}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
