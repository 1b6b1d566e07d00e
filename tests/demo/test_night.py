"""The demo night as a person starts it: real engine, real tmux, real git; simulated Claude."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cctui.core.events import Event, Measured, Ticked
from cctui.core.settings import Settings
from cctui.core.world import FIVE_HOUR, Parked, Phase, Reading, Record, Run, Stage, Why, World
from cctui.demo import morning, night, stage
from cctui.demo.screen import Night
from cctui.places import Places
from tests import worlds
from tests.core import made
from tests.tui import shots
from tests.tui.fakes import FakeLink

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def demo(*args: str) -> subprocess.Popen[str]:
    """The demo as `./script/run demo` starts it, without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "cctui", "demo", *args],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def left_behind(folder: str) -> list[str]:
    """Command lines of living processes that have to do with the demo in `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes()
        except OSError:
            continue
        if folder.encode() in line:
            found.append(line.decode(errors="replace"))
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_terminal_the_whole_night_is_played(isolation: Path) -> None:
    with demo("--keep") as process:
        out, err = process.communicate(timeout=280)
    assert process.returncode == 0, out + err
    folder = next((isolation / "tmp").glob("cctui-demo-*"))
    assert out.startswith("DEMO: a simulated Claude and simulated windows")
    for line in (
        "waits collect-sources: 5-hour window at 93 %, max 90 %",
        "waits write-digest: waits for collect-sources",
        "deep-research parked (limit)",
        "deep-research resumed",
        "fix-parser: its check runs",
        "fix-parser: check: exit code 1; round 2 of 5 is next",
        "rename-pages: exit code 1",
        "mend-links started (attempt 2)",
        "sort-archive needs you: its plan is ready",
        "broken-example   invalid",
        "someday-rewrite  paused",
    ):
        assert line in out
    records = the_history(folder)
    done = [record["task_id"] for record in records if record["success"]]
    assert [name for name in done if "digest" in name or "sources" in name] == [
        "collect-sources", "write-digest", "publish-digest"
    ]  # fmt: skip
    assert sorted(done) == sorted(morning.DONE)
    failed = [(record["task_id"], record["attempt"]) for record in records if not record["success"]]
    assert sorted(failed) == [("mend-links", 1), ("rename-pages", 1)]
    assert {path.stem for path in (folder / "night/tasks/completed").glob("*.md")} == morning.DONE
    the_branch_and_its_diff(folder, out, next(record for record in records if record["task_id"] == "fix-parser"))
    the_rollback(folder, out, next(record for record in records if record["task_id"] == "rename-pages"))
    assert out.splitlines()[-2].startswith("Everything is as it should be.")
    assert left_behind(str(folder)) == []


def the_history(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "night/logs/scheduler/history.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def git(repo: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(repo), *words], capture_output=True, text=True, check=True).stdout


def the_branch_and_its_diff(folder: Path, out: str, record: dict[str, Any]) -> None:
    branch, repo = record["branch"], folder / "night/work/parser"
    assert branch == f"cctui/fix-parser-{record['run_id']}"
    assert (record["proven"], record["commits"], record["files_changed"]) == (True, 1, 1)
    assert git(repo, "log", "--format=%s", "-n", "1", branch) == "Parse quoted fields\n"
    assert "csv" not in (repo / "parser.py").read_text("utf-8"), "the person's own checkout is not touched"
    assert f"branch {branch}" in out
    assert "  parser.py  +4 -1\n" in out
    assert '  -    return text.split(",")\n  +    return next(csv.reader([text]))\n' in out
    worktrees = [line for line in git(repo, "worktree", "list", "--porcelain").splitlines() if "worktree " in line]
    assert len(worktrees) == 2
    assert all(line.startswith(f"worktree {folder}/") for line in worktrees)


def the_rollback(folder: Path, out: str, record: dict[str, Any]) -> None:
    site, ref = folder / "night/work/site", f"refs/cctui/saved/{record['run_id']}"
    assert f"What was undone is kept by {ref}." in out
    assert out.count("as before, compared byte by byte") == 3
    assert "NOT as before" not in out
    assert (site / "ideas.md").read_text("utf-8") == "# Ideas\n\nNever committed.\n"
    assert git(site, "status", "--porcelain") == " M about.md\n?? ideas.md\n"
    assert git(site, "show", f"{ref}:index.md") == "# Renamed\n"


@pytest.mark.slow
def test_stopped_in_the_middle_it_leaves_nothing(isolation: Path) -> None:
    with demo() as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "back-up-notes started" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143
    deadline = time.monotonic() + 10
    while left_behind("cctui-demo-") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [line for line in left_behind(str(isolation)) if "pytest" not in line] == []
    assert list((isolation / "tmp").glob("cctui-demo-*")) == []


def test_the_stage_shows_nothing_of_the_person() -> None:
    scene = stage.Stage(Path("/demo"))
    person = {"HOME": "/home/p", "ANTHROPIC_API_KEY": "x", "CLAUDE_CONFIG_DIR": "/home/p/.claude", "CCTUI_ROOT": "/v"}
    person |= {"GIT_DIR": "/home/p/repo/.git", "GIT_CONFIG_GLOBAL": "/home/p/.gitconfig", "PATH": "/bin"}
    seen = scene.environment(person)
    assert "ANTHROPIC_API_KEY" not in seen and "GIT_DIR" not in seen
    assert (seen["CLAUDE_CONFIG_DIR"], seen["CCTUI_ROOT"]) == ("/demo/claude", "/demo/night")
    assert (seen["GIT_CONFIG_GLOBAL"], seen["PATH"]) == ("/dev/null", "/demo/bin:/bin")
    assert seen["HOME"] == "/home/p"


def test_the_nights_script_names_every_task_of_the_backlog() -> None:
    names = {path.stem for path in (stage.HERE / "backlog/pending").glob("*.md")}
    assert names == morning.DONE | morning.LEFT | {morning.UNDONE}


def test_a_night_is_over_only_when_all_that_is_left_waits_for_a_person() -> None:
    world = made.world(made.task("a", phase=Phase.COMPLETED), made.task("p", paused=True))
    assert not night.finished(world), "nothing has been done yet"
    world = replace(world, records=(record("a"),))
    assert night.finished(world)
    plan = replace(made.run("plan", name="p"), stage=Stage.PARKED, parked=Parked(Why.NEEDS_YOU, made.T0))
    waits = with_run(world, plan)
    assert night.finished(waits)
    assert not night.finished(with_run(world, replace(plan, approved=True)))
    assert not night.finished(with_run(world, replace(plan, parked=Parked(Why.LIMIT, made.T0))))
    assert not night.finished(with_run(world, made.run("work", name="b")))
    assert not night.finished(replace(made.world(made.task("a")), records=(record("b"),)))


def record(name: str, *, success: bool = True) -> Record:
    return Record(name, success, None, None, 1.0, "", made.T0, run_id=f"r-{name}", attempt=1)


def with_run(world: World, run: Run) -> World:
    return replace(world, runs={run.spec.run_id: run})


def test_a_morning_after_nothing_says_everything_that_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = stage.Stage(tmp_path)
    stage.lay_parser(scene.parser)
    stage.lay_site(scene.site)
    before = stage.contents(scene.site)
    places = Places(scene.root, scene.state, scene.config, tmp_path / "sock")
    assert morning.Morning(made.world(), made.T0, scene, places, Settings(), before).tell() == 1
    told = capsys.readouterr()
    for sentence in (
        "these should be done and are not: back-up-notes, collect-sources, deep-research, fix-parser",
        "mend-links should have failed once and then succeeded",
        "sort-archive should wait with its plan for a person",
        "rename-pages should have failed",
    ):
        assert sentence in told.err
    assert "Everything is as it should be" not in told.out


def test_a_morning_does_not_believe_records_without_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Records that tell of a good night, and nothing of it on the disk or in git."""
    scene = stage.Stage(tmp_path)
    stage.lay_parser(scene.parser)
    stage.lay_site(scene.site)
    before = stage.contents(scene.site)
    (scene.site / "ideas.md").unlink()
    places = Places(scene.root, scene.state, scene.config, tmp_path / "sock")
    good = [record(name) for name in sorted(morning.DONE)]
    bad = record("rename-pages", success=False)
    world = replace(made.world(), records=(*good, bad))
    assert morning.Morning(world, made.T0, scene, places, Settings(), before).tell() == 1
    told = capsys.readouterr()
    for sentence in (
        "deep-research should have met the limit and been parked",
        "the check of fix-parser should have failed once and then passed",
        "fix-parser should have left one commit on a branch of its own",
        "rename-pages should have been rolled back, with what was undone kept by a ref",
        "the folder of rename-pages is not as it was before",
    ):
        assert sentence in told.err
    assert "ideas.md         NOT as before" in told.out
    assert "index.md         as before, compared byte by byte" in told.out


def test_every_reading_is_called_simulated_and_other_events_pass() -> None:
    posted: list[Event] = []
    post = night.labelled(posted.append)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    post(Measured((Reading(FIVE_HOUR, 12.0, None, "stream", now),)))
    post(Ticked())
    assert posted == [Measured((Reading(FIVE_HOUR, 12.0, None, "simulated", now),)), Ticked()]


def test_without_tmux_it_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert night.main([]) == 7
    assert "sudo apt-get install -y tmux" in capsys.readouterr().err


async def test_leaving_the_demo_promises_no_engine_that_goes_on() -> None:
    link = FakeLink(worlds.busy())
    app = Night(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert "End the demo?" in shots.rows(app) and "goes on" not in shots.rows(app)
        await pilot.press("n", "D", "y")
        await pilot.pause()
    assert (app.return_value, link.left) == ("stop", ["stop"])
