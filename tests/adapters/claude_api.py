"""For tests with the real ``claude``: its API on loopback, its environment, and legs played by the real runner."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.legs import leg_plan
from cctui.adapters.rundir import RunDir
from cctui.core.settings import Settings
from cctui.core.world import Ending, Leg, Result, Sight, Spec
from tests.stub_api import StubApi, home, unified


@pytest.fixture
def stub(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubApi]:
    with StubApi() as stub:
        stub.headers = unified()
        for name, value in (home(isolation) | stub.environment()).items():
            monkeypatch.setenv(name, value)
        yield stub
        assert stub.tunnels == []


@dataclass
class Real:
    """One run, leg after leg."""

    spec: Spec
    settings: Settings
    runs: RunDir
    legs: int = field(default=0)

    def play(self, prompt: str = "", kind: Leg | None = None, *, resume: bool = False, **more: Any) -> Sight:
        self.legs += 1
        folder = self.runs.make(self.spec, prompt)
        plan = leg_plan(
            self.spec,
            self.settings,
            leg=self.legs,
            kind=kind or Leg(),
            resume=resume,
            folder=self.spec.folder,
            run_dir=folder,
            environ=os.environ,
            **more,
        )
        self.runs.add_leg(self.spec.run_id, self.legs, plan)
        argv = self.runs.wrapper_argv(self.spec.run_id, self.legs)
        assert subprocess.run(argv, stdout=subprocess.DEVNULL, timeout=90, check=False).returncode == 0
        (sight,) = self.runs.look()
        return sight

    def ending(self, *words: Any, **more: Any) -> Ending:
        ending = self.play(*words, **more).ending
        assert ending is not None
        return ending

    def result(self, *words: Any, **more: Any) -> Result:
        result = self.ending(*words, **more).result
        assert result is not None
        return result

    def events(self) -> list[dict[str, Any]]:
        stream = self.runs.folder(self.spec.run_id) / "stream.jsonl"
        return [json.loads(line) for line in stream.read_text().splitlines()]
