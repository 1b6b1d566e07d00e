"""For tests with the real ``claude``: its API on loopback, its settings, and legs of a run without an engine.

Promises: the program gets a fresh home, a made-up login, the stub as its only address and as its proxy, which refuses
every tunnel; a test that saw a tunnel asked for fails.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from cctui.adapters.legs import leg_plan
from cctui.adapters.rundir import RunDir
from cctui.core.settings import ClaudeSettings, RunSettings, Settings
from cctui.core.world import Ending, Leg, Mode, Part, Runner, SightState, Spec, Why
from tests.real.headless import Headless, environment
from tests.stub_api import StubApi, home, unified


@pytest.fixture
def stub(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubApi]:
    """The API, with the windows of a subscription in its answers; this process's environment points at it."""
    with StubApi() as stub:
        stub.headers = unified
        for name, value in (home(isolation) | stub.environment()).items():
            monkeypatch.setenv(name, value)
        yield stub
        assert stub.tunnels == [], "the program wanted to leave loopback"


@dataclass
class Legs:
    """Runs legs as the engine would, one after the other, by the runner itself and without tmux."""

    folder: Path
    settings: Settings
    rundir: RunDir
    spec: Spec
    title: str
    legs: int = field(default=0)

    def start(self, *, resume: bool = False) -> subprocess.Popen[bytes]:
        self.legs += 1
        self.rundir.make(self.spec, self.title + "\n")
        plan = leg_plan(
            self.spec,
            self.settings,
            leg=self.legs,
            kind=Leg(Part.WORK, Why.LIMIT if resume else ""),
            resume=resume,
            folder=self.spec.folder,
            run_dir=self.rundir.folder(self.spec.run_id),
            environ=os.environ,
        )
        self.rundir.add_leg(self.spec.run_id, self.legs, plan)
        argv = self.rundir.wrapper_argv(self.spec.run_id, self.legs)
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def run(self, *, resume: bool = False) -> Ending:
        assert self.start(resume=resume).wait(60) is not None
        return self.ending()

    def ending(self) -> Ending:
        (sight,) = self.rundir.look()
        assert sight.state is SightState.ENDED
        assert sight.leg == self.legs
        assert sight.ending is not None
        return sight.ending

    @property
    def log(self) -> str:
        return (self.rundir.folder(self.spec.run_id) / "output.log").read_text()


@pytest.fixture
def legs(stub: StubApi, isolation: Path, claude_program: str, tag: str) -> Legs:
    """A Claude task whose prompt is ``talk:TAG``, not started yet."""
    folder = isolation / "w/project"
    folder.mkdir()
    settings = Settings(
        run=RunSettings(kill_grace_seconds=5.0),
        claude=ClaudeSettings(command=claude_program, env=tuple(stub.environment())),
    )
    spec = Spec(
        run_id=f"run-{tag}",
        task="probe",
        path="pending/probe.md",
        attempt=1,
        runner=Runner.CLAUDE,
        kind="probe",
        mode=Mode.AUTONOMOUS,
        folder=str(folder),
        started=datetime.now(UTC),
        timeout=60.0,
        session=f"cc-{tag}",
        session_id=str(uuid4()),
        via=Runner.CLAUDE,
    )
    return Legs(folder, settings, RunDir(isolation / "state/runs"), spec, f"talk:{tag} Do the work.")


@pytest.fixture
def engine(stub: StubApi, isolation: Path, claude_program: str, tmux_socket: str) -> Iterator[Headless]:
    """A running headless engine on an empty root."""
    environ = environment(isolation, claude_program, stub.environment())
    engine = Headless(Path(environ["CCTUI_ROOT"]), Path(environ["CCTUI_STATE"]), environ)
    (engine.root / "tasks/pending").mkdir(parents=True)
    (engine.root / "work").mkdir()
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()
