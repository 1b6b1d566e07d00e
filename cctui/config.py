"""The configuration: flag > environment > file > default, each value with where it came from.

Promises: no file is a valid configuration; nothing is guessed: an unknown key or a wrong value is an error that names
the place, the key, what was found, what is allowed, and what was probably meant; all errors are told at once.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, Literal

from cctui.core.settings import Reserve, Settings
from cctui.core.values import duration, near, shown

Origin = Literal["default", "file", "environment", "flag"]
SECTIONS = tuple(field.name for field in dataclasses.fields(Settings) if field.name not in ("root", "keys"))
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
    testing = environ.get("CCTUI_TESTING") == "1"
    values: dict[str, Value] = {}
    for key, default, text in _known():
        values[key] = _value(key, default, text, given.pop(key, None), testing, problems)
    for key, entry in given.items():
        if key.startswith("keys.") and isinstance(entry.raw, str):
            values[key] = Value(entry.raw, "", entry.origin, "the user's keymap")
        else:
            problems.append(_unknown(key, entry))
    if problems:
        raise ConfigError("\n".join(problems))
    return _settings(values), values


def _known() -> Iterator[tuple[str, object, str]]:
    """Key, default and help of every setting."""
    for field in dataclasses.fields(Settings):
        if field.name in SECTIONS:
            section = getattr(Settings(), field.name)
            for inner in dataclasses.fields(section):
                yield f"{field.name}.{inner.name}", getattr(section, inner.name), inner.metadata["help"]
        elif field.name != "keys":
            yield field.name, field.default, field.metadata["help"]


def _settings(values: Mapping[str, Value]) -> Settings:
    sections = {
        name: type(getattr(Settings(), name))(
            **{key.partition(".")[2]: value.value for key, value in values.items() if key.startswith(f"{name}.")}
        )
        for name in SECTIONS
    }
    keys = tuple((key[5:], str(value.value)) for key, value in values.items() if key.startswith("keys."))
    return Settings(root=str(values["root"].value), keys=keys, **sections)


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
        if name not in (*SECTIONS, "keys"):
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
    keymap = {name: f"keys.{name[11:].lower()}" for name in environ if name.startswith("CCTUI_KEYS_")}
    return {
        key: _Given(environ[name], "environment", name) for name, key in (names | keymap).items() if environ.get(name)
    }


def _unknown(key: str, given: _Given) -> str:
    known = [name for name, _, _ in _known()]
    section, _, name = key.rpartition(".")
    close = near(key, known)
    if name and (same := [found for found in known if found.rpartition(".")[2] == name]):
        close = same[0]
    elif section in SECTIONS:
        inside = near(name, [found.partition(".")[2] for found in known if found.startswith(f"{section}.")])
        close = f"{section}.{inside}" if inside else close
    if section == "keys":
        return f"{given.where}: {key} must be the keys as text, found {shown(given.raw)}"
    return f"{given.where}: unknown key {key}" + (f": did you mean {close}?" if close else "")


# --- what values may be ----------------------------------------------------------------------------------------------


def _value(key: str, default: object, text: str, given: _Given | None, testing: bool, problems: list[str]) -> Value:
    if given is None:
        return Value(default, default, "default", text)
    try:
        value = _read(key, default, given, testing)
    except ValueError as error:
        problems.append(f"{given.where}: {key} must be {error}, found {shown(given.raw)}")
        value = default
    return Value(value, default, given.origin, text)


def _read(key: str, default: object, given: _Given, testing: bool) -> object:
    """The value as the settings hold it; ValueError says what is allowed."""
    raw, written = given.raw, given.origin == "environment"
    if key == "capacity.reserve":
        return tuple(_reserve(table) for table in _list(_parsed(raw) if written else raw, "a list of tables"))
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


_TIMES = {"_seconds": (1.0, 1.0), "_minutes": (1.0, 60.0), "_timeout": (60.0, 1.0)}
"""Ending of a key → seconds or minutes that a plain number means, and the unit of the setting in seconds."""


def _number(key: str, raw: object, written: bool) -> float:
    """A number; for times also 90s, 30m, 1h30m, 2d."""
    time_of = next((unit for ending, unit in _TIMES.items() if key.endswith(ending)), None)
    if (written or time_of) and isinstance(raw, str) and re.fullmatch(r"\s*-?\d{1,12}(\.\d{1,9})?\s*", raw):
        raw = float(raw)
    if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
        return float(raw) * (time_of[0] if time_of else 1.0)
    if time_of and isinstance(raw, str):
        try:
            return duration(raw) / time_of[1]
        except ValueError:
            pass  # the sentence below says the same, with the plain number's unit
    raise ValueError("a number, or a duration such as 90s, 30m or 1h30m" if time_of else "a number")


_RANGES: dict[str, tuple[float, float, str]] = {
    "run.slots": (1, 64, "from 1 to 64"),
    "run.default_timeout": (1, 30 * 86400, "over 0 and at most 30d"),
    "run.kill_grace_seconds": (0, 3600, "from 0 to 3600"),
    "run.stall_minutes": (0.01, 10080, "over 0 and at most 7d"),
    "run.retry_seconds": (0, 3600, "from 0 to 3600"),
    "run.outage_seconds": (0, 900, "from 0 to 900"),
    "capacity.five_hour_max": (0, 100, "percent, from 0 to 100"),
    "capacity.seven_day_max": (0, 100, "percent, from 0 to 100"),
    "capacity.poll_seconds": (MIN_POLL, 86400, "at least 60 seconds"),
    "capacity.blind_after_minutes": (0.01, 10080, "over 0 and at most 7d"),
}


def _within(key: str, value: float, testing: bool) -> float:
    least, most, words = _RANGES.get(key, (-math.inf, math.inf, ""))
    if key == "capacity.poll_seconds" and testing:
        least = 0.0
    if not least <= value <= most:
        raise ValueError(f"a number, {words}")
    return value


_CHOICES: dict[str, tuple[str, ...]] = {
    "ui.ascii": ("auto", "on", "off"),
    "ui.motion": ("auto", "on", "off"),
    "ui.on_hangup": ("headless", "stay", "stop"),
}
_SHAPES: dict[str, tuple[str, str]] = {
    "capacity.usage_url": (r"https?://\S+", "an http(s) address"),
    "capacity.token_url": (r"https?://\S+", "an http(s) address"),
    "capacity.user_agent": (r"[\x20-\x7e]*", "printable ASCII text"),
    "tmux.socket": (r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", "a short name of letters, digits and '-_.'"),
    "claude.command": (r".*\S.*", "a program's name or path"),
    "tmux.command": (r".*\S.*", "a program's name or path"),
}
_SOURCES = ("stream", "statusline", "claude", "api", "transcripts")


def _text(key: str, raw: object) -> str:
    if key in _CHOICES:
        word = {True: "on", False: "off"}[raw] if isinstance(raw, bool) else raw
        if isinstance(word, str) and word.strip().lower() in _CHOICES[key]:
            return word.strip().lower()
        raise ValueError("one of " + ", ".join(_CHOICES[key]))
    pattern, words = _SHAPES.get(key, (r".*", "text on one line"))
    if isinstance(raw, str) and re.fullmatch(pattern, raw) and (raw.isprintable() or not raw):
        return raw
    raise ValueError(words)


def _texts(key: str, raw: object, written: bool) -> tuple[str, ...]:
    if written and isinstance(raw, str):
        plain = [part.strip() for part in raw.split(",") if part.strip()]
        raw = _parsed(raw) if raw.lstrip().startswith("[") else plain
    items = _list(raw, "a list of texts")
    for item in items:
        if not isinstance(item, str) or not item.isprintable():
            raise ValueError("a list of texts")
        if key == "capacity.sources" and item not in _SOURCES:
            close = near(item, _SOURCES)
            meant = f" (did you mean {close}?)" if close else ""
            raise ValueError(f"a list of {', '.join(_SOURCES)}, without {shown(item)}{meant}")
    return tuple(dict.fromkeys(items))


def _list(raw: object, words: str) -> list[Any]:
    if isinstance(raw, list | tuple):
        return list(raw)
    raise ValueError(words)


def _parsed(raw: object) -> object:
    try:
        return json.loads(str(raw))
    except ValueError:
        raise ValueError('JSON, as in ["a", "b"]') from None


# --- the reserve -----------------------------------------------------------------------------------------------------

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RESERVE_KEYS = ("days", "from", "to", "five_hour", "seven_day")


def _reserve(table: object) -> Reserve:
    words = 'tables like {days = ["mon", "fri"], from = "08:00", to = "18:00", five_hour = 30, seven_day = 20}'
    if not isinstance(table, dict):
        raise ValueError(words)
    for key in table:
        if key not in _RESERVE_KEYS:
            close = near(str(key), _RESERVE_KEYS)
            raise ValueError(f"{words} without {key}" + (f" (did you mean {close}?)" if close else ""))
    return Reserve(
        days=tuple(_DAYS[day] for day in _days(table.get("days", list(_DAYS)))),
        start=_hour(table.get("from", "00:00"), "from"),
        end=_hour(table.get("to", "24:00"), "to"),
        five_hour=_percent(table.get("five_hour", 0), "five_hour"),
        seven_day=_percent(table.get("seven_day", 0), "seven_day"),
    )


def _days(raw: object) -> list[int]:
    words = "tables whose days are a list of mon, tue, wed, thu, fri, sat, sun"
    found: set[int] = set()
    for item in _list(raw, words):
        first, _, last = str(item).strip().lower().partition("-")
        start, end = _day(first, words), _day(last or first, words)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return sorted(found)


def _day(word: str, words: str) -> int:
    if len(word) >= 3 and word[:3] in _DAYS and word.isalpha():
        return _DAYS.index(word[:3])
    raise ValueError(words)


def _hour(raw: object, key: str) -> str:
    text = raw.strftime("%H:%M") if isinstance(raw, time) else raw
    if isinstance(text, str) and re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d|24:00", text):
        return text.zfill(5)
    raise ValueError(f"tables whose {key} is a time such as 08:00")


def _percent(raw: object, key: str) -> float:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and 0 <= raw <= 100:
        return float(raw)
    raise ValueError(f"tables whose {key} is percent points, from 0 to 100")
