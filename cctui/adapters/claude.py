"""Claude Code as a program: how a task becomes its command line, its environment and its prompt.

Measured against the real program (2.1.329).  Everything goes through flags, standard input and the environment of the
one run; the person's own settings are never edited, permissions are never bypassed, and no key of theirs is handed on
unless they name it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cctui.adapters.runfiles import LegPlan, read_leg
from cctui.adapters.stream import Fold, fold
from cctui.core.settings import Settings
from cctui.core.world import Mode, Runner, Spec, Task, Why

__all__ = ["ClaudeError", "Fold", "auth_status", "fold", "follow_up", "leg_plan", "missing_programs", "prompt"]

READING = ("Read", "Grep", "Glob", "WebFetch", "WebSearch")
WORKING = ("Bash", "Read", "Edit", "Write", "NotebookEdit", "Glob", "Grep", "WebFetch", "WebSearch", "Task", "Skill")
SLEEPERS = ("ScheduleWakeup", "CronCreate", "CronDelete", "CronList", "Monitor", "RemoteTrigger")
"""Tools that would wait inside the slot, or start work that no engine knows of."""

_KEPT = frozenset((
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "COLORTERM", "TZ", "TMPDIR",
    "SSH_AUTH_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "WSL_DISTRO_NAME", "WSL_INTEROP",
))  # fmt: skip
_KEPT_PREFIXES = ("LC_", "XDG_")
_AUTH_TIMEOUT = 20.0
_FOLLOW_UP = {
    Why.LIMIT: "The usage window is open again.",
    Why.OUTAGE: "The service answers again after an outage.",
    Why.LOGIN: "The login works again.",
}


class ClaudeError(Exception):
    """A run of Claude cannot be prepared, or the program cannot be asked; the text says what to do."""


class _Folders(Protocol):
    @property
    def agents(self) -> Path: ...
    @property
    def context(self) -> Path: ...


# --- the prompt ------------------------------------------------------------------------------------------------------


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


def follow_up(reason: str = "") -> str:
    """What a resumed conversation is told; `reason` is why it had to wait (limit, outage, login), or a sentence."""
    opened = _FOLLOW_UP.get(Why(reason)) if reason in tuple(Why) else reason.strip()
    sentence = opened or "The interruption is over."
    return (
        f"{sentence} Continue the task you were working on; do not repeat work that is already complete. "
        "Where the outcome of the last step is unknown, check it first.\n"
    )


# --- the command line ------------------------------------------------------------------------------------------------


def leg_plan(
    spec: Spec,
    task: Task | None,
    settings: Settings,
    *,
    leg: int,
    resume: bool,
    prompt_file: Path,
    environ: Mapping[str, str],
    reason: str = "",
) -> LegPlan:
    """How leg `leg` of a run is started.  `prompt_file` lies in the run's folder.

    For a later leg `task` may be None: what the task asked for is read from the first leg's file.  With `resume` the
    leg goes on with the conversation of the leg before; without, it begins a new one with the whole prompt.  Every leg
    has the whole time limit: the waiting between them was not the task's doing.
    """
    folder = prompt_file.parent
    env = {**environment(settings, environ), "CCTUI_TASK": spec.task, "CCTUI_RUN": spec.run_id}
    env["CCTUI_RUN_DIR"] = str(folder)
    banner = f"▶ {spec.task} · run {spec.run_id}" + (f" · part {leg}" if leg > 1 else "")
    grace = settings.run.kill_grace_seconds
    if spec.runner is Runner.SHELL:
        shell = ("/bin/sh", "-c", _command(task, folder))
        return LegPlan(shell, env, spec.folder, None, "log", spec.timeout, grace, "plain", banner)
    if spec.runner is not Runner.CLAUDE:
        raise ClaudeError(f"{spec.task}: the runner `{spec.runner}` cannot be started this way.")
    session = _conversation(spec, folder, leg, resume)
    going_on = resume and leg > 1
    argv = (
        *_program(settings),
        *("-p", "--output-format", "stream-json", "--verbose"),
        *("--resume" if going_on else "--session-id", session),
        *_options(task, spec, folder),
    )
    # A background job would hold the slot after the work is done (a result is printed, the process stays) and is cut
    # off after ten minutes anyway.  So commands run in the foreground, and may take as long as the task may.
    env |= {"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1", "BASH_MAX_TIMEOUT_MS": str(int(spec.timeout * 1000))}
    text = follow_up(reason) if going_on else None
    stdin = f"prompt-{leg}.md" if going_on else prompt_file.name
    return LegPlan(argv, env, spec.folder, stdin, "stream", spec.timeout, grace, "claude", banner, text, session)


def _program(settings: Settings) -> list[str]:
    words = shlex.split(settings.claude.command)
    if not words:
        raise ClaudeError("claude.command is empty: set it to the Claude Code program.")
    return [str(Path(words[0]).expanduser()) if "/" in words[0] else words[0], *words[1:]]


def _conversation(spec: Spec, folder: Path, leg: int, resume: bool) -> str:
    """The UUID this leg uses.  The program refuses one that was begun before, so a fresh start gets a new one."""
    if leg == 1:
        return spec.session_id
    if resume:
        before = read_leg(folder, leg - 1)
        return (before.plan.session_id if before else None) or spec.session_id
    return str(uuid.uuid5(uuid.UUID(spec.session_id), f"leg-{leg}"))


def _command(task: Task | None, folder: Path) -> str:
    if task is None:
        first = read_leg(folder, 1)
        if first is None:
            raise ClaudeError(f"{folder}/leg-1.json cannot be read, so the run cannot go on.")
        return first.plan.argv[-1]
    if not task.command:
        raise ClaudeError(f"{task.name}: a shell task needs `command:`.")
    return task.command


def _options(task: Task | None, spec: Spec, folder: Path) -> tuple[str, ...]:
    """Everything after the conversation's flag; for a later leg, as the first leg had it."""
    if task is not None:
        return (*_permissions(task), *_limits(task, spec))
    first = read_leg(folder, 1)
    if first is None or "--session-id" not in first.plan.argv:
        raise ClaudeError(f"{folder}/leg-1.json cannot be read, so the run cannot go on.")
    return first.plan.argv[first.plan.argv.index("--session-id") + 2 :]


def _permissions(task: Task) -> tuple[str, ...]:
    """What the mode allows.

    read-only rests on --tools: `dontAsk` alone lets through whatever the person's own settings allow, Bash and Write
    among it (seen).  MCP servers are left out for the same reason.  `--permission-prompts none` refuses at once what
    would otherwise ask, since nobody is there.
    """
    common = ("--permission-prompts", "none", "--disallowedTools", *SLEEPERS)
    if task.mode is Mode.READ_ONLY:
        named = tuple(rule for rule in task.allowed_tools if rule.partition("(")[0] in READING)
        if task.allowed_tools and not named:
            raise ClaudeError(f"{task.name}: read-only allows no other tools than {', '.join(READING)}.")
        tools = tuple(dict.fromkeys(rule.partition("(")[0] for rule in named)) or READING
        rules = named or READING
        return (
            *("--permission-mode", "dontAsk", "--strict-mcp-config"),
            *("--tools", ",".join(tools), "--allowedTools", *rules),
            *common,
        )
    if task.mode is Mode.AUTONOMOUS:
        return ("--permission-mode", "acceptEdits", "--allowedTools", *(task.allowed_tools or WORKING), *common)
    raise ClaudeError(f"{task.name}: the mode `{task.mode}` cannot be started this way.")


def _limits(task: Task, spec: Spec) -> tuple[str, ...]:
    values = (
        ("--model", spec.model or task.model),
        ("--effort", task.effort),
        ("--max-turns", task.max_turns),
        ("--max-budget-usd", task.max_budget_usd),
    )
    return tuple(word for flag, value in values if value is not None for word in (flag, str(value)))


# --- the environment -------------------------------------------------------------------------------------------------


def environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What a run may see of `environ`: an allow-list, and what the person names in claude.env.

    An API key that was left in would bill the API instead of the plan; CLAUDE* would make the run a child of another.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _KEPT or name.startswith(_KEPT_PREFIXES) or name in settings.claude.env
    }
    folder = settings.claude.config_dir or environ.get("CLAUDE_CONFIG_DIR", "")
    if folder:
        kept["CLAUDE_CONFIG_DIR"] = str(Path(folder).expanduser())
    return kept


# --- asking the program ----------------------------------------------------------------------------------------------


async def auth_status(settings: Settings, environ: Mapping[str, str]) -> tuple[bool, str]:
    """Logged in or not, with a sentence.  It also refreshes a login that has expired; no model is asked."""
    argv = [*_program(settings), "auth", "status"]
    pipe = asyncio.subprocess.PIPE
    env = environment(settings, environ)
    program = shutil.which(argv[0], path=env.get("PATH"))
    if program is None:
        return False, _missing("claude", argv[0])
    process = await asyncio.create_subprocess_exec(
        program, *argv[1:], env=env, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _AUTH_TIMEOUT)
    except TimeoutError:
        return False, f"`{argv[0]} auth status` has not answered for {_AUTH_TIMEOUT:g} s."
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _login(out, err, process.returncode or 0, argv[0])


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
    wanted = {"claude": _program(settings)[0], "tmux": settings.tmux.command, "git": "git"}
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
