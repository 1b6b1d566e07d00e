"""What lies in a run folder, as values: the plan of a leg, the spec, the exit record.  Reading, writing, nothing more.

Files are JSON objects written whole (temporary name, fsync, rename).  A reader passes over keys it does not know, so an
older or newer version's folder still loads.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from cctui.core.world import Halting, Leg, Mode, Part, Spec, Stop
from cctui.runner import files

PROMPT = "prompt.md"
"""The run's whole prompt, as it was when the run was claimed."""
SECRETS = "secrets.json"
_NOT_KEPT = ("prompt", "head", "foot", "files")
"""Fields of a LegPlan that become files of their own."""


def real_interpreter() -> str:
    """This Python without links and shims: those cost tens of milliseconds at every start."""
    return os.path.realpath(sys.executable)


@dataclass(frozen=True, slots=True)
class LegPlan:
    """How one leg is started: the runner's whole input."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    """The child's whole environment; the runner adds only CCTUI_RUN."""
    cwd: str
    stdin: str | None = None
    """A file, relative to the run folder or absolute; None: /dev/null."""
    stdout: Literal["stream", "log", "tty"] = "log"
    """tty: the child gets the pane itself, and a person works in it."""
    timeout: float | None = None
    """Seconds; None: no limit."""
    grace: float = 10.0
    """Seconds between TERM and KILL."""
    render: Literal["claude", "plain"] = "plain"
    banner: str = ""
    """The pane's first line."""
    prompt: str | None = None
    """Text that is put into the file ``stdin`` names before the leg starts; None: that file is already there."""
    session_id: str | None = None
    """UUID of the conversation this leg begins or goes on with; None: no conversation."""
    part: str = Part.WORK.value
    why: str = ""
    """What led to it: a Why, empty for what simply comes next."""
    head: str = ""
    foot: str = ""
    """Put before and behind the run's whole prompt; with either, the sum goes into the file ``stdin`` names."""
    files: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """JSON files put into the run folder before the leg starts."""
    words: int = 0
    """A person's words up to this number are in its prompt."""

    def inputs(self, whole: str) -> dict[str, str | dict[str, Any]]:
        """What must be written before the leg starts; `whole` is the run's prompt."""
        found: dict[str, str | dict[str, Any]] = dict(self.files)
        text = self.head + whole.rstrip() + self.foot + "\n" if self.head or self.foot else None
        text = self.prompt if self.prompt is not None else text
        if text is not None and self.stdin is not None:
            found[Path(self.stdin).name] = text
        return found


class SpecError(Exception):
    """A run folder's spec cannot be used; the text says which and why."""


def moment(text: object) -> datetime | None:
    """ISO text with an offset as an aware time; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def spec_json(spec: Spec) -> dict[str, Any]:
    return {name: _plain(value) for name, value in asdict(spec).items()}


def read_spec(folder: Path) -> Spec:
    """The spec in `folder`; SpecError when it is missing, broken or lacks a field."""
    raw = files.read(str(folder), "spec.json")
    if raw is None:
        raise SpecError(f"{folder.name}: spec.json is missing or is no JSON object")
    known = {item.name for item in fields(Spec)}
    lists = {name: tuple(value) for name, value in raw.items() if isinstance(value, list)}
    values = {name: value for name, value in (raw | lists).items() if name in known}
    lacking = [item.name for item in fields(Spec) if item.name not in values and item.default is MISSING]
    started = moment(values.get("started"))
    if lacking or started is None:
        raise SpecError(f"{folder.name}: spec.json lacks {', '.join(lacking) or 'a start time'}")
    try:
        values |= {"started": started, "runner": str(values["runner"]), "mode": Mode(values["mode"])}
        return Spec(**values)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{folder.name}: spec.json cannot be used: {error}") from None


def plan_json(plan: LegPlan, offset: int, log_offset: int) -> dict[str, Any]:
    """The runner's input; the offsets are where this leg's part of stream.jsonl and output.log begins, in bytes."""
    value = {name: item for name, item in asdict(plan).items() if name not in _NOT_KEPT}
    return {**value, "env": dict(plan.env), "offset": offset, "log_offset": log_offset}


@dataclass(frozen=True, slots=True)
class LegFile:
    """A leg file, read back."""

    number: int
    plan: LegPlan
    offset: int = 0
    log_offset: int = 0

    @property
    def part(self) -> Part:
        """A part that only a newer version knows counts as work."""
        return Part(self.plan.part) if self.plan.part in tuple(Part) else Part.WORK

    @property
    def kind(self) -> Leg:
        return Leg(self.part, str(self.plan.why))


def read_leg(folder: Path, number: int) -> LegFile | None:
    """Leg `number` of the run in `folder`; None when there is none that can be read."""
    raw = files.read(str(folder), f"leg-{number}.json")
    if raw is None or not isinstance(raw.get("argv"), list) or not isinstance(raw.get("env"), dict):
        return None
    known = {item.name for item in fields(LegPlan)} - {"argv", *_NOT_KEPT}
    rest = {name: value for name, value in raw.items() if name in known}
    try:
        plan = LegPlan(argv=tuple(raw["argv"]), **rest)
    except TypeError:
        return None
    plan = replace(plan, words=_whole(plan.words))
    return LegFile(number, plan, _whole(raw.get("offset")), _whole(raw.get("log_offset")))


def read_legs(folder: Path, newest: int) -> tuple[LegFile, ...]:
    """Legs 1 to `newest`, as far as they can be read."""
    return tuple(leg for number in range(1, newest + 1) if (leg := read_leg(folder, number)) is not None)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def read_halting(folder: Path, leg: int) -> Halting | None:
    """Why leg `leg` was asked to end; None when it was not."""
    if (folder / "stop").exists():
        return Halting.STOP
    for name in (f"halt-{leg}", f"tell-{leg}"):
        try:
            return Halting((folder / name).read_text("utf-8").strip())
        except (OSError, ValueError):
            continue
    return None


def read_secrets(folder: Path) -> tuple[str, ...]:
    """Texts that must not leave the run folder."""
    raw = files.read(str(folder), SECRETS) or {}
    values = raw.get("values")
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


@dataclass(frozen=True, slots=True)
class Exit:
    """The runner's exit record."""

    leg: int
    stop: Stop
    ended: datetime
    duration_s: float
    rc: int | None = None
    detail: str = ""
    started: datetime | None = None

    def record(self) -> dict[str, Any]:
        """As the runner writes it."""
        return {
            "leg": self.leg,
            "rc": self.rc,
            "reason": self.stop.value,
            "detail": self.detail,
            "started": self.started.isoformat() if self.started else None,
            "ended": self.ended.isoformat(),
            "duration_s": round(self.duration_s, 3),
        }


def read_exit(folder: Path, name: str = "exit.json") -> Exit | None:
    """The exit record called `name` in `folder`; None when there is none that can be read."""
    raw = files.read(str(folder), name)
    if raw is None:
        return None
    ended = moment(raw.get("ended"))
    try:
        stop = Stop(raw.get("reason", ""))
        duration = float(raw.get("duration_s") or 0.0)
    except (TypeError, ValueError):
        return None
    if ended is None or not isinstance(raw.get("leg"), int):
        return None
    rc = raw.get("rc")
    started = moment(raw.get("started"))
    code = rc if isinstance(rc, int) else None
    return Exit(raw["leg"], stop, ended, duration, code, str(raw.get("detail") or ""), started)


@dataclass(frozen=True, slots=True)
class Start:
    """Who took a leg: enough to tell it from a later process with the same number."""

    pid: int
    ticks: int | None
    """Its start, in clock ticks since boot."""
    boot: str
    started: datetime | None = None

    @property
    def this_boot(self) -> bool:
        return self.boot == files.boot_id()

    @property
    def living(self) -> bool:
        """That very process is there now."""
        return self.this_boot and self.ticks is not None and files.start_ticks(self.pid) == self.ticks


def read_start(folder: Path, leg: int) -> Start | None:
    raw = files.read(str(folder), f"start-{leg}.json")
    if raw is None or not isinstance(raw.get("pid"), int):
        return None
    ticks = raw.get("pid_start")
    return Start(
        raw["pid"], ticks if isinstance(ticks, int) else None, str(raw.get("boot", "")), moment(raw.get("started"))
    )


@dataclass(slots=True)
class Text:
    """The bytes of a growing file from `at` on, in whole lines."""

    path: Path
    at: int = 0
    torn: bytes = field(default=b"")

    def lines(self, limit: int = 16 * 1024 * 1024) -> list[str]:
        """The lines that became whole since the last call; at most about `limit` bytes at once."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.at)
                data = file.read(limit)
        except OSError:
            return []
        self.at += len(data)
        *whole, self.torn = (self.torn + data).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]


def write_files(folder: Path, contents: Mapping[str, str | dict[str, Any]]) -> None:
    """Each file synced; the folder's names are not (`files.sync_folder`)."""
    for name, value in contents.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        files.write_synced(str(folder / name), text.encode("utf-8", "surrogatepass"))
