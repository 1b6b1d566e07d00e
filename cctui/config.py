"""The configuration: flag > environment > file > default, each value with where it came from.

Promises: no file is a valid configuration; nothing is guessed: an unknown key or a wrong value is an error that names
the place, the key, what was found, what is allowed, and what was probably meant; all errors are told at once.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cctui.core import runners, tables, template
from cctui.core.fields import task_name
from cctui.core.settings import Settings
from cctui.core.values import duration, near, shown

Origin = Literal["default", "file", "environment", "flag"]
OPEN = {"keys": "the user's keymap", "runners": "a runner of your own: a command that reads the prompt"}
"""Sections whose keys people name themselves, with the help line of each entry."""
SECTIONS = tuple(field.name for field in dataclasses.fields(Settings) if field.name not in ("root", *OPEN))
MIN_POLL = 60.0


class ConfigError(Exception):
    """Everything that is wrong with the configuration, one sentence a line."""


@dataclass(frozen=True, slots=True)
class Value:
    value: object
    default: object
    origin: Origin
    help: str


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as somebody wrote it, and where."""

    raw: object
    origin: Origin
    where: str


def load(
    path: Path, environ: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> tuple[Settings, dict[str, Value]]:
    """`flags` and the result are keyed ``run.slots``; ConfigError tells all that is wrong."""
    problems: list[str] = []
    given = _from_file(path, problems)
    given |= _from_environment(environ)
    given |= {key: _Given(raw, "flag", f"--{key}") for key, raw in (flags or {}).items() if raw is not None}
    values: dict[str, Value] = {}
    for key, default, text in _known():
        values[key] = _value(key, default, text, given.pop(key, None), environ, problems)
    for key, entry in given.items():
        section, _, name = key.partition(".")
        if section in OPEN:
            values[key] = Value(_named(section, name, entry, problems), "", entry.origin, OPEN[section])
        else:
            problems.append(_unknown(key, entry))
    if problems:
        raise ConfigError("\n".join(problems))
    _limit(values)
    return _settings(values), values


def _limit(values: dict[str, Value]) -> None:
    """A maximum that somebody has set is a firm limit, unless they say which are."""
    limits = values["capacity.limits"]
    chosen = {window: origin for window in _WINDOWS if (origin := values[f"capacity.{window}_max"].origin) != "default"}
    if limits.origin == "default" and chosen:
        origin = next(iter(chosen.values()))
        values["capacity.limits"] = dataclasses.replace(limits, value=tuple(chosen), origin=origin)


def _known() -> Iterator[tuple[str, object, str]]:
    """Key, default and help of every setting."""
    for field in dataclasses.fields(Settings):
        if field.name in SECTIONS:
            section = getattr(Settings(), field.name)
            for inner in dataclasses.fields(section):
                yield f"{field.name}.{inner.name}", getattr(section, inner.name), inner.metadata["help"]
        elif field.name not in OPEN:
            yield field.name, field.default, field.metadata["help"]


def _settings(values: Mapping[str, Value]) -> Settings:
    sections = {
        name: type(getattr(Settings(), name))(
            **{key.partition(".")[2]: value.value for key, value in values.items() if key.startswith(f"{name}.")}
        )
        for name in SECTIONS
    }
    named = {
        name: tuple((key.partition(".")[2], value.value) for key, value in values.items() if key.startswith(f"{name}."))
        for name in OPEN
    }
    return Settings(root=str(values["root"].value), **named, **sections)  # type: ignore[arg-type]


# --- where values come from ------------------------------------------------------------------------------------------


def _from_file(path: Path, problems: list[str]) -> dict[str, _Given]:
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: byte at offset {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    found: dict[str, _Given] = {}
    for name, raw in table.items():
        if name not in (*SECTIONS, *OPEN):
            keys = {f"{name}.{key}": inner for key, inner in raw.items()} if isinstance(raw, dict) else {name: raw}
            found |= {key: _Given(inner, "file", str(path)) for key, inner in keys.items()}
        elif isinstance(raw, dict):
            found |= {f"{name}.{key}": _Given(inner, "file", str(path)) for key, inner in raw.items()}
        else:
            problems.append(f"{path}: {name} must be a section, [{name}], found {shown(raw)}")
    return found


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    """CCTUI_SECTION_KEY of the known keys; other CCTUI_ variables belong to other parts."""
    names = {f"CCTUI_{key.replace('.', '_').upper()}": key for key, _, _ in _known()}
    for section in OPEN:
        start = f"CCTUI_{section.upper()}_"
        names |= {name: f"{section}.{name.removeprefix(start).lower()}" for name in environ if name.startswith(start)}
    return {key: _Given(environ[name], "environment", name) for name, key in names.items() if environ.get(name)}


def _unknown(key: str, given: _Given) -> str:
    known = [name for name, _, _ in _known()]
    section, _, name = key.rpartition(".")
    close = near(key, known)
    if name and (same := [found for found in known if found.rpartition(".")[2] == name]):
        close = same[0]
    elif section in SECTIONS:
        inside = near(name, [found.partition(".")[2] for found in known if found.startswith(f"{section}.")])
        close = f"{section}.{inside}" if inside else close
    elif near(section, (*SECTIONS, *OPEN)) in OPEN:
        close = f"{near(section, OPEN)}.{name}"
    return f"{given.where}: unknown key {key}" + (f": did you mean {close}?" if close else "")


def _named(section: str, name: str, given: _Given, problems: list[str]) -> str:
    """The text of an entry that people name themselves."""
    if section == "runners" and (words := _wrong_name(name)):
        problems.append(f"{given.where}: a runner's name must be {words}, found {shown(name)}")
        return ""
    try:
        if not isinstance(given.raw, str):
            raise ValueError("the keys as text" if section == "keys" else "a command line as text")
        if section == "runners":
            template.words(given.raw)
    except ValueError as error:
        problems.append(f"{given.where}: {section}.{name} must be {error}, found {shown(given.raw)}")
        return ""
    return given.raw


def _wrong_name(name: str) -> str:
    """What a runner's name must be, when this is none."""
    try:
        plain = task_name(name) == name == name.lower()
    except ValueError as error:
        return str(error)
    if not plain:
        return "in lower case"
    return f"none of cctui's own ({', '.join(runners.BY_NAME)})" if name in runners.BY_NAME else ""


# --- what values may be ----------------------------------------------------------------------------------------------


def _value(
    key: str, default: object, text: str, given: _Given | None, environ: Mapping[str, str], problems: list[str]
) -> Value:
    if given is None:
        return Value(default, default, "default", text)
    try:
        value = _read(key, default, given, environ)
    except ValueError as error:
        problems.append(f"{given.where}: {key} must be {error}, found {shown(given.raw)}")
        value = default
    return Value(value, default, given.origin, text)


def _read(key: str, default: object, given: _Given, environ: Mapping[str, str]) -> object:
    """The value as the settings hold it; ValueError says what is allowed."""
    raw, written = given.raw, given.origin == "environment"
    testing = environ.get("CCTUI_TESTING") == "1"
    if key in _TABLES:
        return _TABLES[key](_parsed(raw) if written else raw, lambda text: _folder(text, environ))
    match default:
        case bool():
            return _flag(raw)
        case int():
            return _within(key, _whole(raw, written), testing)
        case float():
            return _within(key, _number(key, raw, written), testing)
        case tuple():
            return _texts(key, raw, written)
        case _:
            return _text(key, raw)


_TABLES: dict[str, Callable[[object, Callable[[str], str]], object]] = {
    "capacity.reserve": lambda raw, _: tables.reserves(raw),
    "capacity.quiet": lambda raw, _: tables.quiets(raw),
    "capacity.portion": tables.portions,
    "worktree.projects": tables.projects,
}
"""Settings whose values are tables; the second argument makes a path absolute."""


def _flag(raw: object) -> bool:
    word = raw.strip().lower() if isinstance(raw, str) else raw
    if word in ("on", "true"):
        return True
    if word in ("off", "false"):
        return False
    if isinstance(word, bool):
        return word
    raise ValueError("on or off (true or false)")


def _whole(raw: object, written: bool) -> int:
    if written and isinstance(raw, str) and re.fullmatch(r"\s*-?\d{1,18}\s*", raw):
        raw = int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise ValueError("a whole number")


_TIMES = {"_seconds": 1.0, "_minutes": 60.0, "_yields": 60.0, "_days": 86400.0, "_timeout": 1.0}
"""Ending of a key → the unit of the setting in seconds.  A plain number means that unit; of a timeout it is minutes."""


def _number(key: str, raw: object, written: bool) -> float:
    """A number; for times also 90s, 30m, 1h30m, 2d."""
    unit = next((unit for ending, unit in _TIMES.items() if key.endswith(ending)), None)
    if (written or unit) and isinstance(raw, str) and re.fullmatch(r"\s*-?\d{1,12}(\.\d{1,9})?\s*", raw):
        raw = float(raw)
    if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
        return float(raw) * (60.0 if key.endswith("_timeout") else 1.0)
    if unit and isinstance(raw, str):
        try:
            return duration(raw) / unit
        except ValueError:
            pass  # the sentence below says the same, with the plain number's unit
    raise ValueError("a number, or a duration such as 90s, 30m or 1h30m" if unit else "a number")


_RANGES: dict[str, tuple[float, float, str]] = {
    "run.slots": (1, 64, "from 1 to 64"),
    "run.default_timeout": (1, 30 * 86400, "over 0 and at most 30d"),
    "run.kill_grace_seconds": (0, 3600, "from 0 to 3600"),
    "run.stall_minutes": (0.01, 10080, "over 0 and at most 7d"),
    "run.check_timeout": (1, 30 * 86400, "over 0 and at most 30d"),
    "run.stagger_seconds": (0, 600, "from 0 to 600"),
    "run.ageing_days": (0, 3650, "from 0 (never) to 3650 days"),
    "run.retry_seconds": (0, 3600, "from 0 to 3600"),
    "run.outage_seconds": (0, 900, "from 0 to 900"),
    "capacity.five_hour_max": (0, 100, "percent, from 0 to 100"),
    "capacity.seven_day_max": (0, 100, "percent, from 0 to 100"),
    "capacity.soft_landing": (0, 100, "percent, from 0 to 100"),
    "capacity.hard_stop": (0, 100, "percent, from 0 to 100"),
    "capacity.poll_seconds": (MIN_POLL, 86400, "at least 60 seconds"),
    "capacity.person_grows": (0, 100, "percent, from 0 to 100"),
    "capacity.person_yields": (0, 1440, "minutes, from 0 to 1440"),
    "capacity.blind_after_minutes": (0.01, 10080, "over 0 and at most 7d"),
    "worktree.setup_timeout": (1, 30 * 86400, "over 0 and at most 30d"),
}


def _within(key: str, value: float, testing: bool) -> float:
    least, most, words = _RANGES.get(key, (-math.inf, math.inf, ""))
    if key == "capacity.poll_seconds" and testing:
        least = 0.0
    if not least <= value <= most:
        raise ValueError(f"a number, {words}")
    return value


_CHOICES: dict[str, tuple[str, ...]] = {
    "capacity.pace": ("use", "even", "front"),
    "tmux.scope": ("auto", "on", "off"),
    "ui.ascii": ("auto", "on", "off"),
    "ui.motion": ("auto", "on", "off"),
    "ui.lean": ("auto", "on", "off"),
    "ui.on_hangup": ("headless", "stay", "stop"),
}
_SHAPES: dict[str, tuple[str, str]] = {
    "capacity.usage_url": (r"https?://\S+", "an http(s) address"),
    "capacity.token_url": (r"https?://\S+", "an http(s) address"),
    "capacity.user_agent": (r"[\x20-\x7e]*", "printable ASCII text"),
    "tmux.socket": (r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", "a short name of letters, digits and '-_.'"),
    "report.hour": (r"(([01]\d|2[0-3]):[0-5]\d)?", "a local time such as 07:00, or nothing"),
    "claude.command": (r".*\S.*", "a program's name or path"),
    "tmux.command": (r".*\S.*", "a program's name or path"),
}
_PATTERNS = ("claude.deny", "claude.allow")
_SOURCES = ("stream", "statusline", "claude", "api", "transcripts", "cache", "ccusage")
_WINDOWS = ("five_hour", "seven_day")
_AMONG = {"capacity.sources": _SOURCES, "capacity.limits": _WINDOWS}
"""What the texts of a list may be."""


def _text(key: str, raw: object) -> str:
    if key in _CHOICES:
        word = {True: "on", False: "off"}[raw] if isinstance(raw, bool) else raw
        if isinstance(word, str) and word.strip().lower() in _CHOICES[key]:
            return word.strip().lower()
        close = near(str(raw), _CHOICES[key])
        raise ValueError("one of " + ", ".join(_CHOICES[key]) + (f" (did you mean {close}?)" if close else ""))
    pattern, words = _SHAPES.get(key, (r".*", "text on one line"))
    if isinstance(raw, str) and re.fullmatch(pattern, raw) and (raw.isprintable() or not raw):
        return raw
    raise ValueError(words)


def _texts(key: str, raw: object, written: bool) -> tuple[str, ...]:
    if written and isinstance(raw, str):
        plain = [part.strip() for part in raw.split(",") if part.strip()]
        raw = _parsed(raw) if raw.lstrip().startswith("[") else plain
    if not isinstance(raw, list | tuple):
        raise ValueError("a list of texts")
    for item in raw:
        if not isinstance(item, str) or not item.isprintable():
            raise ValueError("a list of texts")
        if key in _PATTERNS and not item.strip():
            raise ValueError("a list of file patterns, none of them empty")
        if item not in (allowed := _AMONG.get(key, (item,))):
            close = near(item, allowed)
            meant = f" (did you mean {close}?)" if close else ""
            raise ValueError(f"a list of {', '.join(allowed)}, without {shown(item)}{meant}")
    return tuple(dict.fromkeys(raw))


def _parsed(raw: object) -> object:
    try:
        return json.loads(str(raw))
    except ValueError:
        raise ValueError('JSON, as in ["a", "b"]') from None


_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def _folder(text: str, environ: Mapping[str, str]) -> str:
    """An absolute path without links: folders are compared by it."""

    def variable(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if not environ.get(name):
            raise ValueError(f"a path whose variables are set; ${name} is not")
        return environ[name]

    path = _VARIABLE.sub(variable, text)
    if path == "~" or path.startswith("~/"):
        path = environ.get("HOME", "~") + path[1:]
    path = os.path.expanduser(path)  # noqa: PTH111 - what it does not know it leaves, and the sentence below names it
    if not path.startswith("/"):
        raise ValueError(f"an absolute path (~ and $VAR are filled in), not {shown(text)}")
    return os.path.realpath(path)
