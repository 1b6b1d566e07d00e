"""The login that Claude Code keeps in ``.credentials.json``, read afresh for every use.

Promises: a token leaves this file only inside a `Login`, whose repr hides it; no error text quotes the file.
Never writes, clears or keeps a login: see `renewal` for the one exception that a person can switch on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cctui.adapters import foreign
from cctui.adapters.usage_answer import STUCK, UsageError
from cctui.core.settings import Settings

LOGIN = "run `claude /login`"


@dataclass(frozen=True, slots=True)
class Login:
    token: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    """None: the file does not say, so it is taken as valid."""
    scopes: tuple[str, ...] = ()

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def config_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Claude Code's own folder: the setting, else CLAUDE_CONFIG_DIR, else ~/.claude."""
    home = Path(environ.get("HOME") or Path.home())
    text = settings.claude.config_dir or environ.get("CLAUDE_CONFIG_DIR") or "~/.claude"
    return home / text[2:] if text.startswith("~/") else Path(text)


def login_file(folder: Path) -> Path:
    return folder / ".credentials.json"


def changed_at(path: Path) -> int:
    """Nanoseconds of the login file's last change, 0 when there is none: a new login is worth a new question."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def read_login(path: Path) -> Login:
    holder = holder_of(read_object(path))
    token, refresh, scopes = holder.get("accessToken"), holder.get("refreshToken"), holder.get("scopes")
    if not sendable(token):
        raise UsageError(f"{path} holds no login: {LOGIN}", ladder=STUCK)
    return Login(
        token=str(token),
        refresh=str(refresh) if sendable(refresh) else None,
        expires_at=foreign.moment(holder.get("expiresAt")),
        scopes=tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else (),
    )


def sendable(token: object) -> bool:
    """Printable ASCII without blanks: the HTTP library would refuse anything else, and quote it in the refusal."""
    return isinstance(token, str) and bool(token) and token.isascii() and token.isprintable() and " " not in token


def read_object(path: Path) -> dict[str, object]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no login in {path.parent}: {LOGIN}", ladder=STUCK) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; mend its permissions", ladder=STUCK) from None
    except (ValueError, RecursionError):  # not JSON, or not UTF-8; the parser's own words would quote the file
        raise UsageError(f"{path} is not valid JSON: {LOGIN}", ladder=STUCK) from None
    if not isinstance(data, dict):
        raise UsageError(f"{path} has an unknown shape: {LOGIN}", ladder=STUCK)
    return data


def holder_of(data: dict[str, object]) -> dict[str, object]:
    """The object with the tokens: ``claudeAiOauth``, or the file itself in older versions."""
    inner = data.get("claudeAiOauth")
    return inner if isinstance(inner, dict) else data
