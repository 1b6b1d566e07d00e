"""Claude Code as a program: where it is, what it may see of the person's environment, whether they are logged in.

Measured against the real program (2.1.329).  Everything goes through flags, standard input and the environment of the
one run; the person's own settings are never edited, and no key of theirs is handed on unless they name it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cctui.core.settings import Settings

_KEPT = frozenset((
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "COLORTERM", "TZ", "TMPDIR",
    "SSH_AUTH_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "WSL_DISTRO_NAME", "WSL_INTEROP",
))  # fmt: skip
_KEPT_PREFIXES = ("LC_", "XDG_")
_AUTH_TIMEOUT = 20.0


class ClaudeError(Exception):
    """A run of Claude cannot be prepared, or the program cannot be asked; the text says what to do."""


class _Folders(Protocol):
    @property
    def agents(self) -> Path: ...
    @property
    def context(self) -> Path: ...


def prompt(places: _Folders, task_body: str) -> str:
    """Persona, rules, priorities and the task, each only if it is there and not empty."""
    sources = (places.agents / "persona.md", places.agents / "rules.md", places.context / "priorities.md")
    parts = [*map(_text, sources), task_body]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ClaudeError(f"{path} cannot be read: {error.strerror}.") from error


# --- the program -----------------------------------------------------------------------------------------------------


def program(settings: Settings) -> list[str]:
    """The words of `claude.command`, the first as it will be searched for on PATH."""
    try:
        words = shlex.split(settings.claude.command)
    except ValueError:
        words = []
    if not words:
        raise ClaudeError("claude.command is no command: set it to the Claude Code program.")
    return [str(Path(words[0]).expanduser()) if "/" in words[0] else words[0], *words[1:]]


def environment(settings: Settings, environ: Mapping[str, str], named: Collection[str] = ()) -> dict[str, str]:
    """What a run may see of `environ`: an allow-list, what the person names in claude.env, and what is `named`.

    An API key that was left in would bill the API instead of the plan; CLAUDE* would make the run a child of another.
    """
    asked = {*settings.claude.env, *named}
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _KEPT or name.startswith(_KEPT_PREFIXES) or name in asked
    }
    folder = settings.claude.config_dir or environ.get("CLAUDE_CONFIG_DIR", "")
    if folder:
        kept["CLAUDE_CONFIG_DIR"] = str(Path(folder).expanduser())
    return kept


@dataclass(frozen=True, slots=True)
class Said:
    """What the program answered to a question."""

    code: int
    out: bytes
    err: bytes


async def ask(
    settings: Settings, environ: Mapping[str, str], *words: str, seconds: float, cwd: str | None = None
) -> Said:
    """Run the program with `words` and nothing on its standard input.

    Raises ClaudeError when it is missing, TimeoutError when it takes longer; nothing it started stays behind.
    """
    argv, env = program(settings), environment(settings, environ)
    found = shutil.which(argv[0], path=env.get("PATH"))
    if found is None:
        raise ClaudeError(_missing("claude", argv[0]))
    try:
        return await run_to_end((found, *argv[1:], *words), env, seconds=seconds, cwd=cwd)
    except TimeoutError:  # an OSError too
        raise
    except OSError as error:
        raise ClaudeError(f"{found} cannot be started: {error.strerror}.") from None


async def run_to_end(
    argv: Sequence[str], env: Mapping[str, str], *, seconds: float, cwd: str | Path | None = None, stdin: bytes = b""
) -> Said:
    """A program with only `stdin` to read.  TimeoutError when it takes longer; nothing it started stays behind."""
    pipe = asyncio.subprocess.PIPE
    source = pipe if stdin else asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *argv, env=env, cwd=cwd, stdin=source, stdout=pipe, stderr=pipe, start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate(stdin or None)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # its own group
            await process.wait()
    return Said(process.returncode or 0, out, err)


async def auth_status(settings: Settings, environ: Mapping[str, str]) -> tuple[bool, str]:
    """Logged in or not, with a sentence.  It also refreshes a login that has expired; no model is asked."""
    name = program(settings)[0]
    try:
        said = await ask(settings, environ, "auth", "status", seconds=_AUTH_TIMEOUT)
    except ClaudeError as error:
        return False, str(error)
    except TimeoutError:
        return False, f"`{name} auth status` has not answered for {_AUTH_TIMEOUT:g} s."
    return _login(said.out, said.err, said.code, name)


def _login(out: bytes, err: bytes, code: int, program: str) -> tuple[bool, str]:
    try:
        answer = json.loads(out)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        said = err.decode("utf-8", "replace").strip().partition("\n")[0][:200]
        return False, f"`{program} auth status` gave no answer that can be read{': ' + said if said else ''}."
    if code == 0 and answer.get("loggedIn") is True:
        plan = answer.get("subscriptionType") or answer.get("authMethod") or "an account"
        return True, f"Claude is logged in ({plan})."
    return False, f"Claude is not logged in: run `{program}` once and type /login."


def missing_programs(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """claude, tmux and git, as far as they are missing or too old → a sentence with what to type."""
    path = environ.get("PATH", os.defpath)
    wanted = {"claude": program(settings)[0], "tmux": settings.tmux.command, "git": "git"}
    found = {name: shutil.which(program, path=path) for name, program in wanted.items()}
    missing = {name: _missing(name, wanted[name]) for name, file in found.items() if file is None}
    if found["tmux"] and (old := _too_old(found["tmux"])):
        missing["tmux"] = old
    return missing


def _missing(name: str, program: str) -> str:
    how = {
        "claude": "install it with `npm install -g @anthropic-ai/claude-code`, or set claude.command",
        "tmux": "install it with `sudo apt install tmux`, or set tmux.command",
        "git": "install it with `sudo apt install git`",
    }
    return f"`{program}` was not found: {how[name]}."


def _too_old(tmux: str) -> str:
    """A sentence when this tmux is older than 3.2a; empty when it is new enough or does not say."""
    try:
        ran = subprocess.run([tmux, "-V"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = ran.stdout.strip().removeprefix("tmux ").removeprefix("next-")
    number = version.rstrip("abcdefghijklmnopqrstuvwxyz-")
    try:
        major, minor = (int(part) for part in number.split(".")[:2])
    except ValueError:
        return ""
    if (major, minor) >= (3, 3) or ((major, minor) == (3, 2) and version != "3.2"):
        return ""
    return f"tmux {version} is too old: 3.2a or newer is needed (`sudo apt install tmux`)."
