"""Asking the usage endpoint with the login that Claude Code keeps.

Promises: the login is read again for every question and forgotten after it; an expired one is never sent; the name
we give is our own.  Never renews a login itself but with ``capacity.allow_refresh``: Claude Code does it better.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cctui import __version__
from cctui.adapters.claude import ClaudeError, auth_status
from cctui.adapters.credentials import LOGIN, Login, config_folder, login_file, read_login
from cctui.adapters.renewal import renew
from cctui.adapters.usage_answer import SLOW, SOON, STUCK, UsageError, readings_of
from cctui.adapters.usage_cli import ask_claude
from cctui.adapters.web import Answer, Request, fetch
from cctui.core.settings import Settings
from cctui.core.world import Reading

NAME = "the usage endpoint"
SCOPE = "user:profile"
"""What a token needs to read usage; those of `claude setup-token` lack it, and asking with them only costs patience."""


async def ask_api(settings: Settings, environ: Mapping[str, str], cwd: Path, now: datetime) -> tuple[Reading, ...]:
    """The windows as the endpoint reports them.  Raises UsageError with what is wrong and what to do."""
    login = await _valid_login(settings, environ, cwd, now)
    if login.scopes and SCOPE not in login.scopes:
        raise UsageError(f"this login may not read usage (it lacks {SCOPE}): {LOGIN}", ladder=STUCK)
    headers = {
        "Authorization": f"Bearer {login.token}",
        "anthropic-beta": "oauth-2025-04-20",
        "Accept": "application/json",
        "User-Agent": settings.capacity.user_agent or f"cctui/{__version__}",
    }
    answer = await fetch(Request(NAME, settings.capacity.usage_url, "capacity.usage_url", headers), now)
    if answer.status != 200:
        raise _refused(answer)
    if answer.json is None:
        raise UsageError(f"{NAME} did not answer in JSON: check capacity.usage_url", ladder=SLOW)
    return readings_of(answer.json, "api", now)


async def _valid_login(settings: Settings, environ: Mapping[str, str], cwd: Path, now: datetime) -> Login:
    folder = config_folder(settings, environ)
    file = login_file(folder)
    for let_it_renew in (_look, _start):
        login = read_login(file)
        if not login.expired(now):
            return login
        await let_it_renew(settings, environ, cwd, now)
    login = read_login(file)
    if not login.expired(now):
        return login
    if settings.capacity.allow_refresh:
        return await renew(settings, environ, folder, now)
    raise UsageError(f"login expired: {LOGIN}", ladder=STUCK)


async def _look(settings: Settings, environ: Mapping[str, str], cwd: Path, now: datetime) -> None:
    """`claude auth status`: versions that renew an expired login there do it now."""
    try:
        await auth_status(settings, environ)
    except (ClaudeError, OSError):
        return  # the login counts here, and it is read again


async def _start(settings: Settings, environ: Mapping[str, str], cwd: Path, now: datetime) -> None:
    """A start without a prompt: 2.1.329 renews an expired login here, and only looks at it in `auth status`."""
    try:
        await ask_claude(settings, environ, cwd, now)
    except UsageError:
        return  # as above


def _refused(answer: Answer) -> UsageError:
    match answer.status:
        case 401:
            return UsageError(f"{NAME} refused the login (401): {LOGIN}", ladder=STUCK)
        case 403:
            return UsageError(f"this login may not read usage (403): {LOGIN}", ladder=STUCK, firm=True)
        case 429:
            text = f"{NAME} asks for patience (429): it is asked again later; if this lasts, {LOGIN}"
            return UsageError(text, ladder=SLOW, wait=answer.wait, firm=True)
        case status if status >= 500:
            text = f"{NAME} is down (HTTP {status}): it is asked again later"
            return UsageError(text, ladder=SOON, wait=answer.wait)
        case status:
            return UsageError(f"{NAME} answered HTTP {status}: check capacity.usage_url", ladder=SLOW)
