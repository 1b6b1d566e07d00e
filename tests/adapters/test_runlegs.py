"""A run as a chain of legs: what each is for, how its end reads, and what a killed one leaves to the next."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters.rundir import RunDir
from cctui.core.world import Halting, Leg, Part, Result, Runner, Sight, SightState, Stop, Tokens, Tree, Why
from tests.adapters.runs import only, plan, play, result_line, spec, start, talk
from tests.runner.legs import marked, until

CLAUDE = spec(runner=Runner.CLAUDE, via="claude")
KEY = "sk-ant-api03-" + "a1B2" * 10


@pytest.fixture
def runs(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "runs")


def call(ident: str, tool: str) -> tuple[str, str]:
    """A tool call that goes well, as two lines of the stream."""
    use = {"type": "tool_use", "id": ident, "name": tool, "input": {}}
    answer = {"type": "tool_result", "tool_use_id": ident, "content": "fine"}
    message = {"id": f"m{ident}", "model": "opus", "content": [use]}
    return (
        json.dumps({"type": "assistant", "message": message}),
        json.dumps({"type": "user", "message": {"content": [answer]}}),
    )


def ended(sight: Sight) -> tuple[Stop, int | None, str]:
    assert sight.ending is not None
    return sight.ending.stop, sight.ending.rc, sight.ending.output_tail


def result(sight: Sight) -> Result:
    assert sight.ending is not None and sight.ending.result is not None
    return sight.ending.result


# --- the chain -------------------------------------------------------------------------------------------------------


def test_set_up_work_check_and_again(runs: RunDir, tmp_path: Path) -> None:
    runs.make(CLAUDE, "p", plan("echo venv is made; exit 0", tmp_path, part="setup"))
    play(runs)
    sight = only(runs)
    assert ended(sight) == (Stop.EXIT, 0, "venv is made")
    assert sight.ending is not None and sight.ending.result is None
    runs.add_leg("digest-1", 2, talk(tmp_path, "one", *call("1", "Bash"), result_line(100, 0.5, result="done?")))
    play(runs, leg=2)
    assert result(only(runs)).text == "done?"
    runs.add_leg("digest-1", 3, plan("echo E it fails; exit 2", tmp_path, part="check"))
    play(runs, leg=3)
    check = only(runs)
    assert ended(check) == (Stop.EXIT, 2, "E it fails")
    assert (result(check).text, result(check).tokens) == ("done?", Tokens(input=100, output=1))
    assert check.work is not None and check.work.result is not None
    assert (check.work.rc, check.work.result.text, check.work.result.changed) == (0, "done?", 1)
    assert "E it fails" not in check.work.output_tail
    assert "venv is made" in check.work.output_tail
    more = (*call("2", "Read"), *call("3", "Write"), result_line(7, 0.25, result="now"))
    runs.add_leg("digest-1", 4, talk(tmp_path, "two", *more, why="check"))
    play(runs, leg=4)
    last = only(runs)
    assert last.legs == (Leg(Part.SETUP), Leg(), Leg(Part.CHECK), Leg(Part.WORK, Why.CHECK))
    assert last.work is None
    said = result(last)
    assert (said.text, said.tokens, said.cost_usd) == ("now", Tokens(input=107, output=2), 0.75)
    assert (said.succeeded, said.changed, said.answers) == (3, 2, 2)
    assert last.ending is not None and "E it fails" in last.ending.output_tail


def test_the_work_is_known_while_its_check_runs(runs: RunDir, tmp_path: Path) -> None:
    runs.make(CLAUDE, "p", talk(tmp_path, "one", result_line(100, 0.5, result="done?")))
    play(runs)
    runs.add_leg("digest-1", 2, plan("touch up; while [ ! -e go ]; do sleep 0.01; done", tmp_path, part="check"))
    assert (only(runs).state, only(runs).work is not None) == (SightState.CLAIMED, True)
    process = start(runs, leg=2)
    until((tmp_path / "up").exists)
    alive = only(runs)
    assert alive.state is SightState.ALIVE
    assert alive.work is not None and alive.work.result is not None and alive.work.result.text == "done?"
    (tmp_path / "go").touch()
    assert process.wait(15) == 0


def test_a_person_s_time_is_not_the_run_s(runs: RunDir, tmp_path: Path) -> None:
    runs.make(CLAUDE, "p", talk(tmp_path, "one", result_line(1, 0.1)))
    play(runs)
    folder = runs.folder("digest-1")
    begun = {"leg": 2, "pid": 1, "pid_start": 1, "boot": "x", "started": "2026-11-21T03:00:00+00:00"}
    runs.add_leg("digest-1", 2, plan("true", tmp_path, stdout="tty", part="attended"))
    (folder / "start-2.json").write_text(json.dumps(begun))
    record = {"leg": 2, "rc": 0, "reason": "exit", "ended": "2026-11-21T04:00:00+00:00", "duration_s": 3600.0}
    (folder / "exit.json").unlink()  # it is exit-1.json too
    (folder / "exit.json").write_text(json.dumps(record))
    attended = only(runs)
    assert attended.legs[-1] == Leg(Part.ATTENDED)
    assert attended.ending is not None and attended.ending.duration_s < 20
    runs.add_leg("digest-1", 3, talk(tmp_path, "two", result_line(1, 0.1), why="given_back"))
    play(runs, leg=3)
    ending = only(runs).ending
    assert ending is not None and ending.duration_s < 20
    assert result(only(runs)).cost_usd == pytest.approx(0.2)


def test_a_killed_leg_is_kept_with_its_end_and_nothing_of_it_lives_on(runs: RunDir, tmp_path: Path, tag: str) -> None:
    mark = f"300.{int(tag[:6], 16)}"
    runs.make(CLAUDE, "p", plan(f"exec sleep {mark}", tmp_path))
    process = start(runs)
    until(lambda: marked(mark))
    process.kill()
    process.wait(10)
    assert only(runs).state is SightState.GONE
    assert len(marked(mark)) == 1
    runs.add_leg("digest-1", 2, plan("true", tmp_path, why="lost"))
    assert marked(mark) == []
    kept = json.loads((runs.folder("digest-1") / "exit-1.json").read_text())
    assert (kept["reason"], kept["leg"], kept["rc"]) == ("lost", 1, None)
    play(runs, leg=2)
    sight = only(runs)
    assert sight.ending is not None and sight.ending.duration_s >= kept["duration_s"]


@pytest.mark.parametrize(("where", "swept"), [("", True), ("runs/digest-1", True), ("other/digest-1", False)])
def test_only_processes_of_this_very_folder_are_swept(
    runs: RunDir, tmp_path: Path, tag: str, where: str, swept: bool
) -> None:
    mark = f"300.{int(tag[:6], 16)}"
    runs.make(spec(f"digest-{tag}"), "p", plan("true", tmp_path))
    env = {"CCTUI_RUN": f"digest-{tag}"} | ({"CCTUI_RUN_DIR": str(tmp_path / where)} if where else {})
    (tmp_path / "runs/digest-1").symlink_to(runs.folder(f"digest-{tag}"))
    left = subprocess.Popen(["sleep", mark], env=env)
    until(lambda: marked(mark))
    try:
        runs.clear(f"digest-{tag}")
        assert (left.poll() is not None) is swept
    finally:
        left.kill()
        left.wait(10)


def test_a_leg_that_lives_is_not_swept(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "p", plan("touch up; while [ ! -e go ]; do sleep 0.01; done; exit 7", tmp_path))
    process = start(runs)
    until((tmp_path / "up").exists)
    runs.add_leg("digest-1", 2, plan("true", tmp_path))
    runs.clear("digest-1")
    (tmp_path / "go").touch()
    assert process.wait(15) == 0
    assert json.loads((runs.folder("digest-1") / "exit.json").read_text())["rc"] == 7


# --- marks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", list(Halting))
def test_a_living_leg_is_told_to_end_and_why(runs: RunDir, tmp_path: Path, why: Halting) -> None:
    runs.make(spec(), "p", plan("touch up; exec sleep 300", tmp_path))
    process = start(runs)
    until((tmp_path / "up").exists)
    assert only(runs).halting is None
    assert runs.halt("digest-1", why) is True
    assert process.wait(15) == 0
    sight = only(runs)
    assert (sight.state, sight.halting, sight.stopping) == (SightState.ENDED, why, why is Halting.STOP)
    assert sight.ending is not None and sight.ending.stop is Stop.CANCELLED
    runs.add_leg("digest-1", 2, plan("echo two", tmp_path))
    play(runs, leg=2)
    after = only(runs)
    assert after.halting is (Halting.STOP if why is Halting.STOP else None)
    assert ended(after)[0] is (Stop.CANCELLED if why is Halting.STOP else Stop.EXIT)


def test_a_stop_wins_over_what_was_asked_before(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "p", plan("true", tmp_path))
    assert runs.halt("digest-1", Halting.LANDING) is True
    assert only(runs).halting is Halting.LANDING
    assert runs.halt("digest-1") is True
    assert (only(runs).halting, only(runs).stopping) == (Halting.STOP, True)


def test_tell_is_for_the_newest_leg(runs: RunDir, tmp_path: Path) -> None:
    folder = runs.make(CLAUDE, "p", plan("true", tmp_path))
    play(runs)
    runs.tell("digest-1", Halting.LANDING)
    assert (folder / "tell-1").read_text() == "landing"
    assert runs.told("digest-1") is False
    (folder / "told-1").touch()
    assert runs.told("digest-1") is True
    runs.add_leg("digest-1", 2, plan("true", tmp_path))
    assert runs.told("digest-1") is False
    runs.tell("digest-1", Halting.TAKEOVER)
    assert (folder / "tell-2").read_text() == "takeover"
    runs.tell("nobody", Halting.LANDING)
    assert not runs.folder("nobody").exists()


def test_an_accepted_plan(runs: RunDir, tmp_path: Path) -> None:
    runs.make(CLAUDE, "p", talk(tmp_path, "one", result_line(1, 0.1, result="1. Read." + "y" * 9000), part="plan"))
    play(runs)
    assert only(runs).approved is False
    assert runs.plan("digest-1") == "1. Read." + "y" * 9000
    runs.approve("digest-1")
    assert only(runs).approved is True
    assert RunDir(tmp_path / "runs").look()[0].approved is True


def test_a_plan_that_was_kept(runs: RunDir, tmp_path: Path) -> None:
    runs.make(CLAUDE, "p", plan("true", tmp_path))
    assert runs.plan("digest-1") == ""
    runs.keep_plan("digest-1", "1. Read.")
    assert runs.plan("digest-1") == "1. Read."


def test_where_it_works_and_when_it_was_heard(runs: RunDir, tmp_path: Path) -> None:
    script = "touch up; while [ ! -e say ]; do sleep 0.01; done; echo hi; while [ ! -e go ]; do sleep 0.01; done"
    folder = runs.make(spec(), "p", plan(script, tmp_path))
    (folder / "tree.json").write_text(json.dumps({"repo": "/r", "folder": "/r/w", "ready": True, "new": [1]}))
    process = start(runs)
    until((tmp_path / "up").exists)
    quiet = only(runs)
    assert (quiet.tree, quiet.heard) == (Tree("/r", "/r/w"), None)
    (tmp_path / "say").touch()
    heard = until(lambda: only(runs).heard)
    assert isinstance(heard, datetime) and heard.tzinfo is UTC
    assert quiet.leg_started is not None and heard > quiet.leg_started
    (tmp_path / "go").touch()
    assert process.wait(15) == 0


def test_what_a_person_is_asked_in_the_pane(runs: RunDir, tmp_path: Path) -> None:
    script = "touch up; while [ ! -e go ]; do sleep 0.01; done"
    folder = runs.make(CLAUDE, "p", plan(script, tmp_path, part="attended"))
    process = start(runs)
    until((tmp_path / "up").exists)
    assert only(runs).asks == ""
    asked = {"event": "PermissionRequest", "text": "Bash: touch x", "at": "", "leg": 1}
    (folder / "asks.jsonl").write_text(json.dumps(asked) + "\n")
    assert only(runs).asks == "Bash: touch x"
    (tmp_path / "go").touch()
    assert process.wait(15) == 0
    assert only(runs).asks == ""


# --- secrets ---------------------------------------------------------------------------------------------------------


def secret_run(runs: RunDir, tmp_path: Path) -> Path:
    (tmp_path / "text").write_text(f"swordfish-77 and {KEY}\n")
    brought = {"secrets.json": {"values": ["swordfish-77"]}}
    folder = runs.make(spec(), "p", plan("cat text", tmp_path, files=brought))
    runs.look()
    play(runs)
    return folder


def test_no_secret_leaves_an_open_run(runs: RunDir, tmp_path: Path) -> None:
    folder = secret_run(runs, tmp_path)
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600
    progress = runs.progress("digest-1")
    assert progress is not None
    said = (only(runs).ending, runs.tail("digest-1"), progress)
    assert str(said).count("[redacted] and sk-ant-[redacted]") == 3
    assert "swordfish" not in str(said) and KEY not in str(said)
    assert runs.secrets("digest-1") == ("swordfish-77",)


def test_a_closed_run_has_forgotten_them_and_its_log_too(runs: RunDir, tmp_path: Path) -> None:
    folder = secret_run(runs, tmp_path)
    runs.close("digest-1")
    assert not any(b"swordfish" in path.read_bytes() for path in folder.iterdir())
    assert runs.tail("digest-1") == "[redacted] and sk-ant-[redacted]"
    assert (folder / "output.log").stat().st_mode & 0o777 == 0o600
    assert runs.secrets("digest-1") == ()


# --- closed runs -----------------------------------------------------------------------------------------------------


def test_runs_are_found_by_their_beginning_and_their_task(runs: RunDir, tmp_path: Path) -> None:
    for name, task in (("2026-1", "a"), ("2026-2", "b"), ("2026-3", "a"), ("2027-1", "a")):
        runs.make(spec(name, task=task), "p", plan("true", tmp_path))
    for name in ("2026-1", "2026-2", "2026-3"):
        runs.close(name)
    (runs.folder("2026-4")).mkdir()
    (runs.folder("2026-4") / "filed").touch()
    assert runs.find("2026-") == ("2026-1", "2026-2", "2026-3", "2026-4")
    assert runs.find("2027") == ("2027-1",)
    assert (runs.newest("a"), runs.newest("b"), runs.newest("c")) == ("2026-3", "2026-2", None)
    found = runs.spec("2026-2")
    assert found is not None and found.task == "b"
    assert (runs.spec("nobody"), runs.spec("2026-4")) == (None, None)
    assert RunDir(tmp_path / "none").find("") == ()


def test_the_runner_is_the_one_of_this_package(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "p", plan("true", tmp_path))
    ran = subprocess.run(runs.wrapper_argv("digest-1", 9), capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode == 125 and "leg-9.json" in ran.stderr
