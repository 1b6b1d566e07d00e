"""Run folders and the real runner: every state a look can find, and what acting on a run does."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters import rundir, runread
from cctui.adapters.rundir import RunDir, RunDirError
from cctui.core.world import Leg, Part, Runner, SightState, Stop, Tokens
from tests.adapters.runs import only, plan, play, result_line, spec, start, stream
from tests.runner.legs import marked, until


@pytest.fixture
def runs(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "runs")


# --- states ----------------------------------------------------------------------------------------------------------


def test_claimed_alive_ended_filed(runs: RunDir, tmp_path: Path) -> None:
    assert runs.look() == ()
    runs.make(
        spec(), "the prompt", plan("touch up; while [ ! -e go ]; do sleep 0.01; done; echo out; exit 3", tmp_path)
    )
    assert (only(runs).state, only(runs).spec, only(runs).leg) == (SightState.CLAIMED, spec(), 1)
    process = start(runs)
    until((tmp_path / "up").exists)
    alive = only(runs)
    assert alive.state is SightState.ALIVE
    assert alive.leg_started is not None and alive.leg_started.tzinfo is not None
    (tmp_path / "go").touch()
    assert process.wait(15) == 0
    ended = only(runs)
    assert ended.state is SightState.ENDED
    assert ended.ending is not None
    assert (ended.ending.stop, ended.ending.rc, ended.ending.output_tail) == (Stop.EXIT, 3, "out")
    assert ended.ending.output_chars == 4
    assert ended.ending.result is None
    runs.close("digest-1")
    assert runs.look() == ()
    assert RunDir(tmp_path / "runs").look() == ()


def test_a_run_that_is_only_made_is_claimed_and_its_first_leg_comes_after(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(worktree=True, setup="true"), "the prompt")
    sight = only(runs)
    assert (sight.state, sight.leg, sight.legs) == (SightState.CLAIMED, 1, (Leg(Part.SETUP),))
    runs.add_leg(
        "digest-1", 1, plan("cat prompt-1.md", tmp_path, part="setup", stdin="prompt-1.md", head="A ", foot="Z")
    )
    assert (runs.folder("digest-1") / "prompt-1.md").read_text() == "A the promptZ\n"
    play(runs)
    assert only(runs).state is SightState.ENDED


def test_a_stop_before_the_first_leg_is_written_starts_nothing(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "the prompt")
    assert runs.halt("digest-1") is True
    runs.add_leg("digest-1", 1, plan("echo ran", tmp_path))
    play(runs)
    ending = only(runs).ending
    assert ending is not None and (ending.stop, ending.output_tail) == (Stop.CANCELLED, "")


def test_make_twice_is_once(runs: RunDir, tmp_path: Path) -> None:
    first = runs.make(spec(), "one", plan("true", tmp_path))
    assert runs.make(spec(), "two", plan("false", tmp_path)) == first
    assert (first / "prompt.md").read_text() == "one"
    assert [path.name for path in first.parent.iterdir()] == ["digest-1"]
    assert first.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in first.iterdir()} == {0o600}


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file in the way")
    with pytest.raises((RunDirError, FileExistsError)):
        RunDir(tmp_path / "runs").make(spec(), "p", plan("true", tmp_path))


def test_a_killed_runner_is_gone_and_its_children_are_ended(runs: RunDir, tmp_path: Path, tag: str) -> None:
    script = f"touch up; (setsid sleep 300.{int(tag[:6], 16)} &) ; exec sleep 300.{int(tag[:6], 16)}"
    mark = f"300.{int(tag[:6], 16)}"
    runs.make(spec(), "p", plan(script, tmp_path))
    process = start(runs)
    until(lambda: len(marked(mark)) == 2)
    process.kill()
    process.wait(10)
    sight = only(runs)
    assert sight.state is SightState.GONE
    assert sight.ending is not None and sight.ending.stop is Stop.LOST
    assert "killed" in sight.ending.detail
    assert len(marked(mark)) == 2
    assert runs.halt("digest-1") is True
    assert marked(mark) == []
    assert runs.halt("digest-1") is False


def test_close_ends_what_a_killed_runner_left(runs: RunDir, tmp_path: Path, tag: str) -> None:
    mark = f"300.{int(tag[:6], 16)}"
    runs.make(spec(), "p", plan(f"exec env -i sleep {mark}", tmp_path))  # without our mark in its environment
    process = start(runs)
    until(lambda: (runs.folder("digest-1") / "child-1").exists() and marked(mark))
    process.kill()
    process.wait(10)
    assert only(runs).state is SightState.GONE
    runs.close("digest-1")
    assert marked(mark) == []


def test_another_boot_says_so(runs: RunDir, tmp_path: Path) -> None:
    folder = runs.make(spec(), "p", plan("true", tmp_path))
    start_file = {"leg": 1, "pid": 1, "pid_start": 1, "boot": "another", "started": "2026-11-21T03:00:00+00:00"}
    (folder / "start-1.json").write_text(json.dumps(start_file))
    (folder / "lock").touch()
    sight = only(runs)
    assert sight.state is SightState.GONE
    assert sight.ending is not None and "restarted" in sight.ending.detail
    assert runs.halt("digest-1") is False  # process 1 is not ours


def test_an_exit_record_that_came_between_two_looks_counts(
    runs: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs.make(spec(), "p", plan("true", tmp_path))
    play(runs)
    (folder / "exit.json").rename(folder / "hidden")

    def free_only_now(_: Path) -> bool:
        (folder / "hidden").rename(folder / "exit.json")
        return False

    monkeypatch.setattr(runread, "held", free_only_now)
    assert only(runs).state is SightState.ENDED


def test_broken_folders_stop_nobody(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "p", plan("true", tmp_path))
    base = tmp_path / "runs"
    broken: dict[str, Callable[[Path], object]] = {
        "empty": lambda folder: None,
        "leg": lambda folder: (
            (folder / "spec.json").write_text((base / "digest-1/spec.json").read_text().replace("digest-1", "leg")),
            (folder / "leg-1.json").write_text("torn"),
        ),
        "torn": lambda folder: (folder / "spec.json").write_text('{"run_id": "to'),
        "list": lambda folder: (folder / "spec.json").write_text("[]"),
        "other": lambda folder: (folder / "spec.json").write_text((base / "digest-1/spec.json").read_text()),
    }
    for name, spoil in broken.items():
        (base / name).mkdir()
        spoil(base / name)
    (base / "a-file").write_text("x")
    assert only(runs).spec == spec()
    assert set(runs.warnings) == {*broken, "a-file"}


# --- legs ------------------------------------------------------------------------------------------------------------


def test_two_legs_sum_their_tokens_and_the_time_between(runs: RunDir, tmp_path: Path) -> None:
    limit = {"status": "rejected", "resetsAt": 1795236815, "rateLimitType": "five_hour"}
    first = stream(
        tmp_path,
        "one",
        json.dumps({"type": "rate_limit_event", "rate_limit_info": limit}),
        result_line(100, 0.5, is_error=True, api_error_status=429, api_error="usage_limit_reached"),
    )
    claude = spec(runner=Runner.CLAUDE)
    runs.make(claude, "p", plan(first, tmp_path, stdout="stream", render="claude"))
    play(runs)
    ending = only(runs).ending
    assert ending is not None and ending.result is not None
    assert (ending.result.limit_window, ending.result.is_error) == ("five_hour", True)
    assert ending.result.tokens == Tokens(input=100, output=1)
    second = plan(
        stream(tmp_path, "two", result_line(7, 0.25)),
        tmp_path,
        stdout="stream",
        render="claude",
        stdin="prompt-2.md",
        prompt="Go on.",
    )
    for _ in range(2):
        runs.add_leg("digest-1", 2, second)
    assert (only(runs).state, only(runs).leg) == (SightState.CLAIMED, 2)
    time.sleep(0.05)  # the gap itself
    play(runs, leg=2)
    sight = only(runs)
    assert (sight.state, sight.leg) == (SightState.ENDED, 2)
    assert 0.05 <= sight.parked_s < 20
    assert sight.ending is not None and sight.ending.result is not None
    assert (sight.ending.result.is_error, sight.ending.result.limit_window) == (False, None)
    assert sight.ending.result.tokens == Tokens(input=107, output=2)
    assert sight.ending.result.cost_usd == pytest.approx(0.75)
    assert (tmp_path / "runs/digest-1/prompt-2.md").read_text() == "Go on."


def test_cumulative_figures_of_an_older_cli_are_not_counted_twice(runs: RunDir, tmp_path: Path) -> None:
    def old(tokens: int, cost: float) -> str:
        usage = {"m": {"inputTokens": tokens, "outputTokens": 0, "costUSD": cost}}
        event = {"type": "result", "subtype": "success", "modelUsage": usage, "total_cost_usd": cost}
        return json.dumps(event)

    runs.make(spec(runner=Runner.CLAUDE), "p", plan(stream(tmp_path, "1", old(10, 0.1)), tmp_path, stdout="stream"))
    play(runs)
    runs.add_leg("digest-1", 2, plan(stream(tmp_path, "2", old(15, 0.15)), tmp_path, stdout="stream"))
    play(runs, leg=2)
    ending = only(runs).ending
    assert ending is not None and ending.result is not None
    assert (ending.result.tokens, ending.result.cost_usd) == (Tokens(input=15), 0.15)


def test_a_killed_leg_has_no_tokens(runs: RunDir, tmp_path: Path) -> None:
    message = {"type": "assistant", "message": {"id": "m", "model": "x", "content": [], "usage": {"input_tokens": 9}}}
    script = stream(tmp_path, "one", json.dumps(message)) + "; kill -9 $$"
    runs.make(spec(runner=Runner.CLAUDE), "p", plan(script, tmp_path, stdout="stream"))
    play(runs)
    ending = only(runs).ending
    assert ending is not None and ending.result is not None
    assert (ending.rc, ending.result.subtype, ending.result.tokens) == (-9, None, None)


# --- acting ----------------------------------------------------------------------------------------------------------


def test_halt_ends_a_living_run(runs: RunDir, tmp_path: Path, tag: str) -> None:
    mark = f"300.{int(tag[:6], 16)}"
    runs.make(spec(), "p", plan(f"exec sleep {mark}", tmp_path))
    process = start(runs)
    until(lambda: marked(mark))
    assert runs.halt("digest-1") is True
    assert process.wait(15) == 0
    sight = only(runs)
    assert (sight.state, sight.stopping) == (SightState.ENDED, True)
    assert sight.ending is not None and sight.ending.stop is Stop.CANCELLED
    assert marked(mark) == []
    assert runs.halt("digest-1") is False


def test_halt_before_the_runner_began_starts_nothing(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "p", plan("echo ran", tmp_path))
    assert runs.halt("digest-1") is True
    assert (only(runs).state, only(runs).stopping) == (SightState.CLAIMED, True)
    play(runs)
    ending = only(runs).ending
    assert ending is not None and ending.stop is Stop.CANCELLED
    assert runs.tail("digest-1") == ""


def test_halt_never_signals_a_process_that_took_the_number(runs: RunDir, tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        folder = runs.make(spec(), "p", plan("true", tmp_path))
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        entry = {"leg": 1, "pid": bystander.pid, "pid_start": 1, "boot": boot, "started": "2026-11-21T03:00:00+00:00"}
        (folder / "start-1.json").write_text(json.dumps(entry))
        assert runs.halt("digest-1") is False
        with (folder / "lock").open("wb") as lock:  # as if a runner were alive
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert runs.halt("digest-1") is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(10)


def test_unknown_runs_are_no_trouble(runs: RunDir) -> None:
    assert runs.halt("nobody") is False
    assert runs.tail("nobody") == ""
    assert runs.progress("nobody") is None
    runs.close("nobody")


def test_a_closed_run_keeps_no_environment(runs: RunDir, tmp_path: Path) -> None:
    secret = plan("true", tmp_path, env={"PATH": os.environ["PATH"], "TOKEN": "hidden-word"})
    folder = runs.make(spec(), "p", secret)
    play(runs)
    runs.close("digest-1")
    assert not any(b"hidden-word" in path.read_bytes() for path in folder.iterdir())


def test_tail_is_clean_and_short(runs: RunDir, tmp_path: Path) -> None:
    script = r"seq 1 500; printf '10%%\r20%%\r\033[2Jlast\a\n'"
    runs.make(spec(), "p", plan(script, tmp_path))
    play(runs)
    assert runs.tail("digest-1", 3) == "499\n500\nlast"
    ending = only(runs).ending
    assert ending is not None and len(ending.output_tail) <= 4000
    assert ending.output_tail.endswith("500\nlast")


# --- following -------------------------------------------------------------------------------------------------------


def test_progress_follows_only_what_is_new(runs: RunDir, tmp_path: Path) -> None:
    folder = runs.make(spec(runner=Runner.CLAUDE), "p", plan("true", tmp_path, stdout="stream"))
    runs.look()
    assert runs.progress("digest-1") is None
    windows = {"five_hour": {"utilization": 0.42, "resetsAt": 1795236815}}
    lines = [
        json.dumps(
            {
                "type": "assistant",
                "timestamp": "2026-11-21T03:05:00Z",
                "message": {"id": "m", "model": "opus", "content": [{"type": "text", "text": "Hi\nthere"}]},
            }
        ),
        json.dumps({"type": "rate_limit_event", "rate_limit_info": {"status": "allowed", "unifiedWindows": windows}}),
    ]
    whole = "\n".join(lines) + "\n"
    with (folder / "stream.jsonl").open("a") as file:
        file.write(whole[:-30])
    found = runs.progress("digest-1")
    assert found is not None
    assert (found[0].last_line, found[0].model, found[1], found[2]) == ("there", "opus", (), True)
    with (folder / "stream.jsonl").open("a") as file:
        file.write(whole[-30:])
    found = runs.progress("digest-1")
    assert found is not None
    (reading,) = found[1]
    assert (reading.window, reading.used, reading.source) == ("five_hour", 42.0, "stream")
    assert reading.observed_at == datetime(2026, 11, 21, 3, 5, tzinfo=UTC)
    assert runs.progress("digest-1") is None


def test_progress_of_a_shell_run_is_its_last_line(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "p", plan("echo one; printf 'two \\033[1mbold\\n'; echo", tmp_path))
    runs.look()
    play(runs)
    found = runs.progress("digest-1")
    assert found is not None and found[0].last_line == "two bold"


def test_a_refusal_is_no_answer(runs: RunDir, tmp_path: Path) -> None:
    refused = {"type": "assistant", "error": "rate_limit", "message": {"model": "<synthetic>", "content": []}}
    runs.make(
        spec(runner=Runner.CLAUDE), "p", plan(stream(tmp_path, "s", json.dumps(refused)), tmp_path, stdout="stream")
    )
    runs.look()
    play(runs)
    found = runs.progress("digest-1")
    assert found is not None and found[2] is False


# --- cost ------------------------------------------------------------------------------------------------------------


def test_closed_runs_cost_a_look_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "runs"
    for number in range(2000):
        (base / f"old-{number}").mkdir(parents=True)
        (base / f"old-{number}/filed").touch()
    runs = RunDir(base)
    runs.make(spec(), "p", plan("true", tmp_path))
    play(runs)
    changed = base.stat().st_mtime_ns
    until(lambda: time.time_ns() - changed > 2 * rundir.MTIME_GRAIN_NS)
    runs.look()
    scanned: list[object] = []
    real = os.scandir

    def scandir(path: Path) -> object:
        scanned.append(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert len(runs.look()) == 1
    assert [str(path) for path in scanned] == [str(base / "digest-1")]


def test_a_new_folder_of_another_process_is_seen(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec("a-1"), "p", plan("true", tmp_path))
    assert len(runs.look()) == 1
    other = RunDir(tmp_path / "runs")
    other.make(spec("b-1"), "p", plan("true", tmp_path))
    assert {sight.spec.run_id for sight in runs.look()} == {"a-1", "b-1"}
    play(runs, "b-1")
    assert {sight.state for sight in runs.look()} == {SightState.CLAIMED, SightState.ENDED}
    other.close("a-1")
    other.close("b-1")
    assert runs.look() == ()


def test_the_runner_ignores_hangup_from_its_first_line(runs: RunDir, tmp_path: Path) -> None:
    runs.make(spec(), "p", plan("touch up; while [ ! -e go ]; do sleep 0.01; done", tmp_path))
    process = start(runs)
    until((tmp_path / "up").exists)
    process.send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    assert process.wait(15) == 0
    ending = only(runs).ending
    assert ending is not None and ending.stop is Stop.EXIT


def test_tail_keeps_what_only_colours_text_unless_a_secret_stands_in_it(runs: RunDir, tmp_path: Path) -> None:
    script = r"printf 'plain \033[31mred\033[0m \033[2Jok\n'"
    runs.make(spec(), "p", plan(script, tmp_path))
    play(runs)
    assert runs.tail("digest-1", 3) == "plain \x1b[31mred\x1b[0m ok"
    script = r"printf '\033[31mtoken sk-ant-oat01-\033[0mAbCdEfGhIjKlMnOpQrStUvWx0123456789\n'"
    runs.make(spec("digest-2"), "p", plan(script, tmp_path))
    play(runs, "digest-2")
    said = runs.tail("digest-2", 3)
    assert "AbCdEf" not in said and "\x1b" not in said
