"""Renewing an expired login ourselves: only with ``capacity.allow_refresh``, because refresh tokens work once.

Promises: never two renewals at a time on one login folder, never beside a living Claude session, never on a login that
somebody else has just renewed; what is written is 0600, whole, and changes only the three token fields; a failure at
any point leaves the file as it was.  Never runs unless told to, never clears a login.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cctui import __version__
from cctui.adapters.credentials import LOGIN, Login, holder_of, login_file, read_login, read_object, sendable
from cctui.adapters.usage_answer import STUCK, UsageError
from cctui.adapters.web import Request, fetch
from cctui.core.settings import Settings

CLIENT = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
"""Claude Code's public client id; CLAUDE_CODE_OAUTH_CLIENT_ID stands above it."""
MARGIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Renewed:
    token: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime


async def renew(settings: Settings, environ: Mapping[str, str], folder: Path, now: datetime) -> Login:
    """The login, valid again.  Raises UsageError with the reason why not."""
    with _alone(folder):
        path = login_file(folder).resolve()
        login = read_login(path)
        if not login.expired(now + MARGIN):
            return login  # somebody else was quicker
        if login.refresh is None:
            raise UsageError(f"the login has expired and cannot be renewed: {LOGIN}", ladder=STUCK)
        with _draft(path) as draft:
            renewed = await _ask(settings, environ, login.refresh, now)
            _replace(path, draft, login.refresh, renewed)
        return read_login(path)


async def _ask(settings: Settings, environ: Mapping[str, str], refresh: str, now: datetime) -> Renewed:
    client = environ.get("CLAUDE_CODE_OAUTH_CLIENT_ID") or CLIENT
    request = Request(
        "the token endpoint",
        settings.capacity.token_url,
        "capacity.token_url",
        {"User-Agent": f"cctui/{__version__}", "Accept": "application/json"},
        {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": client},
    )
    answer = await fetch(request, now)
    if answer.status != 200:
        raise UsageError(
            f"the login has expired and its renewal was refused (HTTP {answer.status}): {LOGIN}", ladder=STUCK
        )
    body = answer.json
    token, lasts = (body.get("access_token"), body.get("expires_in")) if isinstance(body, dict) else (None, None)
    number = isinstance(lasts, int | float) and not isinstance(lasts, bool) and 0 < lasts < 10**9
    if not isinstance(body, dict) or not sendable(token) or not number:
        raise UsageError(f"the renewal of the login was answered in an unknown shape: {LOGIN}", ladder=STUCK)
    fresh = body.get("refresh_token")
    seconds = float(lasts) if isinstance(lasts, int | float) else 0.0
    return Renewed(str(token), str(fresh) if sendable(fresh) else refresh, now + timedelta(seconds=seconds))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the login folder against every other cctui of this machine.

    The lock is on the folder itself, so that it leaves no file behind in somebody else's house.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UsageError(f"cannot open {folder}: {error.strerror}; mend its permissions", ladder=STUCK) from None
    try:
        _lock(handle)
        if pid := living_session(folder):
            raise UsageError(
                f"the login has expired while a Claude session is open (process {pid}): it renews the login at its "
                "next message; or close it"
            )
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UsageError("the login is just being renewed by another cctui: it is tried again soon") from None


def living_session(folder: Path) -> int | None:
    """The process of a Claude session that lives on this login, by Claude Code's own register of sessions."""
    for path in sorted((folder / "sessions").glob("*.json")):
        try:
            pid = int(json.loads(path.read_text(encoding="utf-8"))["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a register entry, or gone meanwhile
        if pid > 0 and _alive(pid):
            return pid
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty 0600 file beside the login.  Made before the service is asked: a disk that cannot be written must not
    cost the old refresh token."""
    draft = path.with_name(f"{path.name}.tmp.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield draft
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        draft.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}; mend it, or {LOGIN}", ladder=STUCK)


def _replace(path: Path, draft: Path, used: str, renewed: Renewed) -> None:
    data = read_object(path)
    holder = holder_of(data)
    if holder.get("refreshToken") != used:
        return  # a new login arrived meanwhile: it is the better one
    holder["accessToken"] = renewed.token
    holder["refreshToken"] = renewed.refresh
    holder["expiresAt"] = int(renewed.expires_at.timestamp() * 1000)
    with draft.open("wb") as file:
        file.write(json.dumps(data).encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
