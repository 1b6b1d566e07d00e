"""What a person's own Claude session tells of the windows, kept as one small file per session; then their statusline.

Promises: it starts in milliseconds; the person's own statusline gets the same input and is seen as it is, whatever
happens here; a file is there whole or not at all, 0600, and holds numbers, a session id and two folders, never a
credential.  It never waits longer than half a second for a disk, and never prints an error where the statusline goes.

STATE-HOME/cctui/statusline/SESSION.json: ``{schema, at, session, config, cwd, ours, answered, windows}``; `at` is when
these numbers were new (ISO): Claude runs a statusline far more often than it hears new ones.
"""

from __future__ import annotations

import json
import math
import os
import signal
import stat
import time

from .files import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from types import FrameType
    from typing import Any, NoReturn

SCHEMA = 1
TROUBLE = "trouble.txt"
SECONDS = 0.5
MOST_BYTES = 4_000_000
"""Longer input is handed on, but not looked at."""
MOST_WINDOWS = 12
KEEP_SECONDS = 8 * 86_400
"""A session's file goes when it is older than the longest window."""
CAUGHT = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


class StatuslineError(Exception):
    """Nothing could be recorded, and why."""


def folder_of(environ: os._Environ[str] | dict[str, str]) -> str:
    """Where the records lie: one place for all roots of this person."""
    above = environ.get("XDG_STATE_HOME") or ""
    if not os.path.isabs(above):
        above = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return os.path.join(above, "cctui", "statusline")


def run(command: list[str]) -> int:
    """Record what stands on standard input; then become `command`, or print a line of our own.  The exit code."""
    data = _input()
    given: dict[str, Any] = {}
    try:
        signal.signal(signal.SIGALRM, _too_slow)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        given = understood(data)
        remember(given, os.environ, time.time())
        _forget_trouble()
    except StatuslineError as error:
        note(str(error))
    except CAUGHT as error:
        note(f"cannot record: {getattr(error, 'strerror', None) or type(error).__name__}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if command:
        try:
            become(command, data)
        except CAUGHT as error:
            note(f"cannot start {command[0][:200]}: {getattr(error, 'strerror', None) or type(error).__name__}")
    return _print(given)


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise StatuslineError(f"recording took longer than {SECONDS:g} s")


def _input() -> bytes:
    try:
        if os.isatty(0):
            return b""
        parts = []
        while part := os.read(0, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""


def understood(data: bytes) -> dict[str, Any]:
    """The JSON object of a statusline.  Raises StatuslineError."""
    if len(data) > MOST_BYTES:
        raise StatuslineError(f"the input has {len(data)} bytes, which no statusline has")
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        raise StatuslineError("the input is not JSON") from None
    if not isinstance(given, dict):
        raise StatuslineError("the input is no JSON object")
    return given


# --- the record ------------------------------------------------------------------------------------------------------


def remember(given: dict[str, Any], environ: os._Environ[str] | dict[str, str], now: float) -> bool:
    """Put the windows a statusline tells of into the session's file; False when it tells nothing new."""
    windows = _windows(given.get("rate_limits"))
    if not windows:
        return False
    folder = folder_of(environ)
    _make(folder)
    name = "".join(letter for letter in str(given.get("session_id") or "") if letter.isalnum() or letter == "-")
    name = f"{name.encode('ascii', 'ignore').decode()[:64] or 'session'}.json"
    cost = given.get("cost")
    answered = _number(cost.get("total_api_duration_ms")) if isinstance(cost, dict) else None
    old = _read(os.path.join(folder, name))
    if old is not None and old.get("windows") == windows and old.get("answered") == answered:
        return False
    if old is None:
        _prune(folder, now)
    record = {
        "schema": SCHEMA,
        "at": stamp(now),
        "session": name.removesuffix(".json"),
        "config": _config(given, environ),
        "cwd": _text(given.get("cwd")),
        "ours": bool(environ.get("CCTUI_RUN")),
        "answered": answered,
        "windows": windows,
    }
    _write(folder, name, json.dumps(record).encode())
    return True


def _windows(limits: object) -> dict[str, dict[str, float | str | None]]:
    """Name → {used: percent, resets_at: as it was given}; what is no number stays away."""
    found: dict[str, dict[str, float | str | None]] = {}
    for name, window in limits.items() if isinstance(limits, dict) else ():
        known = isinstance(window, dict) and (name == "five_hour" or name.startswith("seven_day"))
        if not known or len(found) >= MOST_WINDOWS or len(name) > 60 or not name.replace("_", "").isalnum():
            continue
        used, resets = _number(window.get("used_percentage")), window.get("resets_at")
        resets = resets[:40] if isinstance(resets, str) else _number(resets)
        if used is not None:
            found[name] = {"used": used, "resets_at": resets}
    return found


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    return value[:4096] if isinstance(value, str) else ""


def _config(given: dict[str, Any], environ: os._Environ[str] | dict[str, str]) -> str:
    """Claude's own folder: that of its transcript, else what the environment says.  It tells the accounts apart."""
    parts = _text(given.get("transcript_path")).rsplit("/", 3)
    if len(parts) == 4 and parts[0] and parts[1] == "projects":
        return os.path.realpath(parts[0])
    folder = environ.get("CLAUDE_CONFIG_DIR") or "~/.claude"
    if folder.startswith("~/"):
        folder = os.path.join(environ.get("HOME") or os.path.expanduser("~"), folder[2:])
    return os.path.realpath(folder)


def _make(folder: str) -> None:
    os.makedirs(folder, 0o700, exist_ok=True)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StatuslineError(f"{folder} is not a folder of yours")
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(folder, 0o700)


def _read(path: str) -> dict[str, Any] | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        try:
            found = json.loads(file.read(65_536))
        except (OSError, ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def _write(folder: str, name: str, data: bytes) -> None:
    """Whole or not at all; no sync: after a power cut the next statusline tells it again."""
    draft = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    if os.path.lexists(draft):
        os.unlink(draft)
    fd = os.open(draft, flags, 0o600)
    try:
        try:
            while data:
                data = data[os.write(fd, data) :]
        finally:
            os.close(fd)
        os.rename(draft, os.path.join(folder, name))
    except BaseException:
        os.unlink(draft)
        raise


def _prune(folder: str, now: float) -> None:
    """Once per new session: the files of sessions that are long over."""
    with os.scandir(folder) as entries:
        old = [each.path for each in entries if now - each.stat(follow_symlinks=False).st_mtime > KEEP_SECONDS]
    for path in old:
        os.unlink(path)


def note(text: str) -> None:
    """The newest trouble, for `ccq usage` and `ccq doctor`; when even that cannot be written, nothing."""
    try:
        folder = folder_of(os.environ)
        _make(folder)
        _write(folder, TROUBLE, f"{stamp(time.time())} {text[:500]}\n".encode("utf-8", "replace"))
    except (StatuslineError, *CAUGHT):
        return


def _forget_trouble() -> None:
    path = os.path.join(folder_of(os.environ), TROUBLE)
    if os.path.lexists(path):
        os.unlink(path)


# --- what is shown ---------------------------------------------------------------------------------------------------


def become(command: list[str], data: bytes) -> NoReturn:
    """Be `command`, with `data` to read: its output, exit code and signals are then its own."""
    os.dup2(_source(data), 0)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and that would be inherited
        signal.signal(ignored, signal.SIG_DFL)
    os.execvp(command[0], command)


def _source(data: bytes) -> int:
    """A descriptor to read `data` from: a pipe as Claude's own where it holds so much, else a file without a name."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        whole = not data or os.write(writing, data) == len(data)
    except BlockingIOError:
        whole = False
    finally:
        os.close(writing)
    if whole:
        return reading
    os.close(reading)
    memory = os.memfd_create("statusline")
    while data:
        data = data[os.write(memory, data) :]
    os.lseek(memory, 0, os.SEEK_SET)
    return memory


def _print(given: dict[str, Any]) -> int:
    try:
        os.write(1, (line(given) + "\n").encode("utf-8", "replace"))
    except CAUGHT as error:
        note(f"cannot print: {getattr(error, 'strerror', None) or type(error).__name__}")
    return 0


def line(given: dict[str, Any]) -> str:
    """``Opus · 5h 42 % · resets 17:40`` as far as it is known."""
    model = given.get("model")
    name = model.get("display_name") or model.get("id") if isinstance(model, dict) else None
    parts = ["".join(letter for letter in str(name or "Claude") if letter.isprintable())[:40]]
    window = _windows(given.get("rate_limits")).get("five_hour")
    if window:
        parts.append(f"5h {window['used']:.0f} %")
        resets = window["resets_at"]
        if isinstance(resets, float) and 0 < resets < 1e11:
            parts.append("resets " + time.strftime("%H:%M", time.localtime(resets)))
    return " · ".join(parts)
