"""One blocking conversation with a running engine over its socket.

Imports json and socket only, so that a question costs a few milliseconds.  The wire is described in `cctui.link`.
"""

from __future__ import annotations

import json
import socket
from typing import Any

PROTOCOL = 1
SECONDS = 20.0
"""How long the engine may take for one answer."""


class AskError(Exception):
    """The engine is there but does not answer as it should: a sentence a person can act on."""


class Session:
    """An open conversation.  Use it with `with`."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lines = connection.makefile("rb")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def do(self, what: str, /, **parts: Any) -> dict[str, Any]:
        """Ask one thing; the engine's whole reply.  Raises AskError."""
        reply = self.exchange({"id": 1, "do": what, **parts})
        for key in ("refused", "error"):
            if isinstance(reply.get(key), str):
                raise AskError(str(reply[key]))
        return reply

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
            line = self._lines.readline()
        except TimeoutError:
            raise AskError(f"the engine has not answered for {SECONDS:g} s") from None
        except OSError as error:
            raise AskError(f"the engine went away: {error.strerror or error}") from None
        if not line.endswith(b"\n"):
            raise AskError("the engine went away in the middle of its answer")
        reply = json.loads(line)
        return reply if isinstance(reply, dict) else {}


def begin(path: str, version: str) -> Session | None:
    """A conversation with the engine behind the socket `path`; None: nobody listens there.  Raises AskError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(SECONDS)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    session = Session(connection)
    try:
        greeting = json.loads(session._lines.readline() or b"{}")
        connection.sendall(json.dumps({"cctui": version, "protocol": PROTOCOL, "want": "ask"}).encode() + b"\n")
    except (OSError, ValueError):
        session.close()
        raise AskError("the engine does not answer; `ccq doctor` shows who holds the lock") from None
    if greeting.get("protocol") != PROTOCOL:
        session.close()
        raise AskError(
            f"the engine is cctui {greeting.get('cctui', '?')}, this is {version}: end it with its own "
            "`cctui headless --stop` and start it again; running tasks go on meanwhile"
        )
    return session


def ask(path: str, version: str, verb: str, args: dict[str, Any]) -> dict[str, Any] | None:
    """One question: {data, errors, code}; None: no engine listens."""
    session = begin(path, version)
    if session is None:
        return None
    with session:
        return session.do("answer", verb=verb, args=args)
