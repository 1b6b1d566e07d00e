"""Run folders for tests: specs, plans of legs, and the real runner on them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cctui.adapters.rundir import LegPlan, RunDir
from cctui.core.world import Mode, Runner, Sight, Spec

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CONVERSATION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def spec(run_id: str = "digest-1", runner: str = Runner.SHELL, **changes: Any) -> Spec:
    base = Spec(
        run_id=run_id,
        task="digest",
        path="pending/digest.md",
        attempt=1,
        runner=runner,
        kind="digest",
        mode=Mode.AUTONOMOUS,
        folder="/tmp",
        started=START,
        timeout=20.0,
        session="r-digest-1",
        session_id=CONVERSATION,
        capacity_before=12.5,
    )
    return replace(base, **changes)


def plan(script: str, folder: Path, **changes: Any) -> LegPlan:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    env |= {"CCTUI_RUN_DIR": str(folder / "runs/digest-1")}  # tests beside this one have runs of the same name
    leg = LegPlan(("/bin/sh", "-c", script), env, str(folder), timeout=20.0, grace=0.5)
    return replace(leg, **changes)


def start(runs: RunDir, run_id: str = "digest-1", leg: int = 1) -> subprocess.Popen[bytes]:
    return subprocess.Popen(runs.wrapper_argv(run_id, leg), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def play(runs: RunDir, run_id: str = "digest-1", leg: int = 1) -> None:
    assert start(runs, run_id, leg).wait(30) == 0


def only(runs: RunDir) -> Sight:
    (sight,) = runs.look()
    return sight


def result_line(tokens: int, cost: float, **fields: Any) -> str:
    usage = {"m": {"inputTokens": tokens, "outputTokens": 1, "costUSD": cost}}
    event = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "ok",
        "model_usage_since_last_result": usage,
        **fields,
    }
    return json.dumps(event)


def stream(tmp_path: Path, name: str, *lines: str) -> str:
    """A shell command that puts out `lines`."""
    path = tmp_path / name
    path.write_text("".join(line + "\n" for line in lines))
    return f"cat {path}"


def talk(tmp_path: Path, name: str, *lines: str, **changes: Any) -> LegPlan:
    """A leg that talks as Claude does."""
    return plan(stream(tmp_path, name, *lines), tmp_path, stdout="stream", render="claude", **changes)
