"""The check of this machine: one line per thing, ✓ fine, ! look at it, × broken, each with one fix."""

from __future__ import annotations

import asyncio
import json
import locale
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cctui.cli import tables
from cctui.cli.here import MISSING, OK, Fail, Here
from cctui.cli.verb import verb

GOOD, LOOK, BAD = "ok", "warn", "bad"
SIGNS = {GOOD: "✓", LOOK: "!", BAD: "×"}
POLLED = ("9p", "cifs", "drvfs", "fuse", "nfs", "smb", "v9fs", "virtiofs")
"""Kinds of file system that tell nobody of changes."""
SPACE = 1 << 30
SECONDS = 10


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    state: str
    """ok, warn or bad."""
    text: str
    fix: str = ""
    needed: bool = False
    """Without it nothing runs: exit code 7."""


@verb("doctor")
def doctor(here: Here) -> None:
    """Check this machine: programs, login, files, terminal, clock.  Says what to fix."""
    checks = [*programs(here), *files(here), *engine(here), *terminal(here), *machine(here)]
    missing = [check for check in checks if check.needed and check.state == BAD]
    reply = {"data": [asdict(check) for check in checks], "errors": [], "code": OK}
    here.put(reply, lambda _: report(checks))
    if missing:
        raise SystemExit(MISSING)


def report(checks: list[Check]) -> str:
    lines: list[str] = []
    for check in checks:
        lines += tables.wrapped(f"{check.name}: {check.text}", f"{SIGNS[check.state]} ", "  ")
        if check.fix:
            lines += tables.wrapped(f"→ {check.fix}", "  ", "    ")
    return tables.shown(lines)


# --- programs --------------------------------------------------------------------------------------------------------


def programs(here: Here) -> Iterator[Check]:
    from cctui.adapters.claude import missing_programs

    yield Check("python", GOOD, sys.version.split()[0])
    try:
        settings = here.settings
    except Fail as error:
        yield Check("config", BAD, error.message, "correct that line; `ccq config` shows what is allowed")
        return
    missing = missing_programs(settings, here.environ)
    yield program(here, "tmux", [settings.tmux.command, "-V"], missing)
    yield program(here, "git", ["git", "--version"], missing)
    claude = program(here, "claude", [settings.claude.command, "--version"], missing)
    yield claude
    if claude.state == GOOD:
        yield login(here)


def program(here: Here, name: str, argv: list[str], missing: dict[str, str]) -> Check:
    """Whether a program is there, by running it."""
    needed = name != "git"
    if name in missing:
        return Check(name, BAD, missing[name], needed=needed)
    from cctui.adapters.claude import environment

    try:
        ran = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            env=environment(here.settings, here.environ),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, BAD, f"cannot be run: {error}", f"try `{' '.join(argv)}` by hand", needed=needed)
    said = (ran.stdout or ran.stderr).strip().partition("\n")[0][:80]
    if ran.returncode:
        return Check(name, BAD, f"`{' '.join(argv)}` ended with {ran.returncode}: {said}", needed=needed)
    return Check(name, GOOD, said)


def login(here: Here) -> Check:
    from cctui.adapters.claude import ClaudeError, auth_status

    try:
        good, text = asyncio.run(auth_status(here.settings, here.environ))
    except (ClaudeError, OSError) as error:
        good, text = False, str(error)
    return Check("login", GOOD if good else LOOK, text, "" if good else "run `claude` once and type /login")


# --- files -----------------------------------------------------------------------------------------------------------


def files(here: Here) -> Iterator[Check]:
    places = here.places
    for name, folder in (("root", places.root), ("state", places.state)):
        yield file_system(name, folder)
        yield space(name, folder)
    if not places.db.exists():
        yield Check("db", GOOD, "nothing remembered yet")
        return
    try:
        json.loads(places.db.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield Check("db", BAD, f"{places.db}: {error}", "start the engine: it takes the last good copy (.bak)")
    else:
        yield Check("db", GOOD, f"{places.db.stat().st_size} bytes")


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def file_system(name: str, folder: Path) -> Check:
    there = folder.exists()
    kind = kind_of(existing(folder))
    text = f"{folder} ({kind})" if there else f"{folder} is not there yet"
    if kind.startswith(POLLED):
        if name == "state":
            return Check(name, BAD, text, "set CCTUI_STATE to a folder on a local disk")
        return Check(name, LOOK, f"{text}: changes are found by polling", "a local disk is seen at once")
    return Check(name, GOOD, text)


def kind_of(folder: Path) -> str:
    """The file system a folder lies on, by /proc/self/mounts."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown file system"
    best, kind = "", "unknown file system"
    for line in mounts:
        _, point, system, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, system
    return kind


def space(name: str, folder: Path) -> Check:
    free = shutil.disk_usage(existing(folder)).free
    text = f"{free / (1 << 30):.1f} GiB free"
    if free < SPACE:
        return Check(f"{name} space", LOOK, text, "free some: logs and runs need room")
    return Check(f"{name} space", GOOD, text)


# --- the engine and the terminal -------------------------------------------------------------------------------------


def engine(here: Here) -> Iterator[Check]:
    from cctui.lock import Lock

    owner = Lock(here.places.lock).owner()
    try:
        session = here.session()
    except Fail as error:
        yield Check("engine", LOOK, error.message)
        return
    if session:
        session.close()
        who = f"process {owner.pid}, cctui {owner.version}" if owner else "another process"
        yield Check("engine", GOOD, f"runs ({who})")
    elif owner:
        text = f"process {owner.pid} holds the lock but answers on no socket"
        yield Check("engine", LOOK, text, "wait a moment; else end that process")
    else:
        yield Check("engine", GOOD, "does not run: `cctui`, or `cctui headless --detach`, starts it")


def terminal(here: Here) -> Iterator[Check]:
    environ = here.environ
    encoding = locale.getpreferredencoding(False).upper().replace("-", "")
    if encoding == "UTF8":
        yield Check("locale", GOOD, "UTF-8")
    else:
        yield Check("locale", LOOK, f"{encoding}: signs are shown in ASCII", "export LANG=C.UTF-8")
    term, colour = environ.get("TERM", ""), environ.get("COLORTERM", "")
    good = term not in ("", "dumb", "unknown")
    text = f"TERM={term or '-'} COLORTERM={colour or '-'}"
    yield Check("terminal", GOOD if good else LOOK, text, "" if good else "the app needs a real terminal")
    if sys.stdout.isatty():
        size = os.get_terminal_size()
        small = size.columns < 38 or size.lines < 12
        fix = "zoom out: the app is made for 48 × 18 and more" if small else ""
        yield Check("size", LOOK if small else GOOD, f"{size.columns} × {size.lines}", fix)
    if environ.get("TMUX"):
        yield Check("tmux inside", GOOD, "this is a tmux already: attach opens inside it, F12 comes back")


# --- the machine -----------------------------------------------------------------------------------------------------


def machine(here: Here) -> Iterator[Check]:
    from cctui.adapters.clock import Clock

    clock = Clock()
    change = next_change(clock.now())
    when = f"; its clock changes on {change:%Y-%m-%d}" if change else ""
    yield Check("zone", GOOD, f"{clock.zone}{when}")
    yield from lingering(here)
    release = Path("/proc/sys/kernel/osrelease")
    if release.exists() and "microsoft" in release.read_text(encoding="utf-8").lower():
        fix = "in %UserProfile%\\.wslconfig: [general] instanceIdleTimeout=-1 and [wsl2] vmIdleTimeout=-1"
        yield Check("wsl", LOOK, "Windows may end this machine when no window is open", fix)


def next_change(now: datetime) -> datetime | None:
    """The day after which the zone's offset differs, within a year."""
    days = (now + timedelta(days=number) for number in range(1, 370))
    return next((day for day in days if day.utcoffset() != now.utcoffset()), None)


def lingering(here: Here) -> Iterator[Check]:
    """Whether the user's processes live on after the last logout; only systemd knows the question."""
    if not Path("/run/systemd/system").exists():
        return
    user = here.environ.get("USER") or str(os.getuid())
    if Path(f"/var/lib/systemd/linger/{user}").exists():
        yield Check("linger", GOOD, "processes live on after logout")
    else:
        yield Check("linger", LOOK, "systemd may end the engine at logout", "loginctl enable-linger")
