"""Run folders of other versions: the first one's, word for word, and what a newer one may add."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.claude import ClaudeError
from cctui.adapters.legs import leg_plan
from cctui.adapters.rundir import RunDir
from cctui.core.settings import Settings
from cctui.core.world import Leg, Mode, Part, SightState, Stop, Why
from tests.adapters.runs import only, play, result_line

SPEC = """{"run_id": "20261120-220000-abcdef", "task": "digest", "path": "pending/digest.md", "attempt": 2,
"runner": "claude", "kind": "digest", "mode": "autonomous", "folder": "/w", "started": "2026-11-20T22:00:00+00:00",
"timeout": 1800.0, "session": "cc-20261120-220000-abcdef", "session_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
"model": "opus", "account": "default", "capacity_before": 12.5, "week_before": null, "forced": false}"""
LEG = """{"argv": ["claude", "-p", "--output-format", "stream-json", "--verbose", "--session-id",
"7c9e6679-7425-40de-944b-e07fc1f90ae7", "--permission-mode", "acceptEdits", "--allowedTools", "Bash(git *)",
"--permission-prompts", "none", "--disallowedTools", "Monitor", "--model", "opus", "--max-turns", "9"],
"env": {"PATH": "/bin"}, "cwd": "/w", "stdin": "prompt.md", "stdout": "stream", "timeout": 1800.0, "grace": 10.0,
"render": "claude", "banner": "x", "session_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "offset": 0,
"log_offset": 0}"""
START = '{"leg": 1, "pid": 99, "pid_start": 1, "boot": "b", "started": "2026-11-20T22:00:01.000000+00:00"}'
EXIT = """{"leg": 1, "rc": 1, "reason": "exit", "detail": "", "started": "2026-11-20T22:00:01+00:00",
"ended": "2026-11-20T22:10:01+00:00", "duration_s": 600.0, "boot": "b"}"""
NAME = "20261120-220000-abcdef"


def old(runs: Path, **changes: str) -> Path:
    """A folder of the first version, ended after its first leg; `changes` are texts of files, '' for none."""
    folder = runs / NAME
    folder.mkdir(parents=True)
    texts = {"spec.json": SPEC, "leg-1.json": LEG, "prompt.md": "Do it.\n", "output.log": "", "start-1.json": START}
    texts |= {"exit.json": EXIT, "stream.jsonl": result_line(5, 0.5, is_error=True) + "\n"}
    for name, text in (texts | {name.replace("_json", ".json"): text for name, text in changes.items()}).items():
        if text:
            (folder / name).write_text(text)
    return folder


def test_it_loads(tmp_path: Path) -> None:
    old(tmp_path)
    runs = RunDir(tmp_path)
    sight = only(runs)
    assert runs.warnings == {}
    assert (sight.state, sight.legs, sight.halting, sight.tree) == (SightState.ENDED, (Leg(),), None, None)
    assert sight.ending is not None and (sight.ending.stop, sight.ending.duration_s) == (Stop.EXIT, 600.0)
    assert (sight.spec.via, sight.spec.check, sight.spec.env, sight.spec.runner) == ("", None, (), "claude")
    assert runs.secrets(NAME) == ()


def test_it_goes_on_with_what_its_first_leg_had(tmp_path: Path) -> None:
    folder = old(tmp_path)
    runs = RunDir(tmp_path)
    plan = leg_plan(
        only(runs).spec,
        Settings(),
        leg=2,
        kind=Leg(Part.WORK, Why.LIMIT),
        resume=True,
        folder="/w",
        run_dir=folder,
        environ=os.environ,
    )
    wanted = json.loads(LEG)["argv"][7:]
    at = plan.argv.index("--resume")
    assert plan.argv[at + 1] == "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert list(plan.argv[at + 2 :]) == [*wanted, "--settings", str(folder / "settings.json")]
    runs.add_leg(NAME, 2, plan)
    assert (folder / "settings.json").exists()
    assert only(runs).legs == (Leg(), Leg(Part.WORK, Why.LIMIT))


@pytest.mark.parametrize(("argv", "fine"), [(["/bin/sh", "-c", "make all"], True), (["claude", "-p"], False)])
def test_its_command_is_in_its_first_leg(tmp_path: Path, argv: list[str], fine: bool) -> None:
    shell = SPEC.replace('"runner": "claude"', '"runner": "shell"') if fine else SPEC
    leg = json.dumps({**json.loads(LEG), "argv": argv, "session_id": None, "stdout": "log"})
    folder = old(tmp_path, spec_json=shell)
    (folder / "leg-1.json").write_text(leg)
    spec = only(RunDir(tmp_path)).spec

    def plan() -> tuple[str, ...]:
        where: dict[str, Any] = {"folder": "/w", "run_dir": folder, "environ": os.environ}
        return leg_plan(spec, Settings(), leg=2, kind=Leg(), resume=True, **where).argv

    if fine:
        assert plan() == ("/bin/sh", "-c", "make all")
    else:
        with pytest.raises(ClaudeError, match="leg-1"):
            plan()


def test_a_leg_that_was_claimed_by_it_can_be_played(tmp_path: Path) -> None:
    leg = json.dumps({**json.loads(LEG), "argv": ["/bin/sh", "-c", "echo hi"], "cwd": str(tmp_path), "stdout": "log"})
    folder = old(tmp_path, exit_json="")
    (folder / "leg-1.json").write_text(leg)
    (folder / "start-1.json").unlink()
    runs = RunDir(tmp_path)
    assert only(runs).state is SightState.CLAIMED
    play(runs, NAME)
    ending = only(runs).ending
    assert ending is not None and ending.output_tail == "hi"


def test_what_a_newer_version_adds_is_passed_over(tmp_path: Path) -> None:
    spec = {**json.loads(SPEC), "via": "swarm", "allowed_tools": ["Bash"], "colour": {"a": [1]}}
    leg = {**json.loads(LEG), "part": "rehearsal", "why": "curiosity", "colour": "red"}
    folder = old(tmp_path, spec_json=json.dumps(spec))
    (folder / "leg-1.json").write_text(json.dumps(leg))
    (folder / "halt-1").write_text("whim")
    sight = only(RunDir(tmp_path))
    assert sight.legs == (Leg(Part.WORK, "curiosity"),)
    assert (sight.spec.allowed_tools, sight.spec.mode, sight.halting) == (("Bash",), Mode.AUTONOMOUS, None)
