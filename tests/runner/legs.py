"""Legs of runs for tests: a folder as the engine makes it, and the real runner started on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PYTHON = os.path.realpath(sys.executable)
WRAPPER = Path(__file__).resolve().parents[2] / "cctui/runner/wrapper.py"


def until(true: Callable[[], Any], seconds: float = 15.0) -> Any:
    """What `true` gives once it is true; fails after `seconds`."""
    limit = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.01)
    return value


def make_leg(folder: Path, argv: list[str], leg: int = 1, **changes: Any) -> Path:
    """Write leg `leg`; `changes` are fields of the plan."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    plan = {
        "argv": argv,
        "env": env,
        "cwd": str(folder.parent),
        "stdin": None,
        "stdout": "log",
        "timeout": 20.0,
        "grace": 0.5,
        "render": "plain",
        "banner": "",
    }
    (folder / f"leg-{leg}.json").write_text(json.dumps({**plan, **changes}))
    return folder


def shell(folder: Path, script: str, **changes: Any) -> Path:
    return make_leg(folder, ["/bin/sh", "-c", script], **changes)


def wrapper(folder: Path, leg: int = 1, **popen: Any) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **popen}
    return subprocess.Popen([PYTHON, "-I", "-S", str(WRAPPER), str(folder), str(leg)], **options)


def run(folder: Path, leg: int = 1, **popen: Any) -> dict[str, Any]:
    """Run the leg to its end and give its exit record."""
    process = wrapper(folder, leg, **popen)
    assert process.wait(30) == 0
    return exit_record(folder)


def exit_record(folder: Path) -> dict[str, Any]:
    value = json.loads((folder / "exit.json").read_text())
    assert isinstance(value, dict)
    return value


def marked(mark: str) -> list[int]:
    """Living processes whose command line holds `mark`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line, status = (entry / "cmdline").read_bytes(), (entry / "status").read_text()
        except OSError:
            continue
        if mark.encode() in line and "State:\tZ" not in status and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found
