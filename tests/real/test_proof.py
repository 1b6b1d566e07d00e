"""What a run claims and what is proven: checks, rounds, plans, worktrees, denied tools; with the real program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.real.headless import PATIENCE, Headless, task
from tests.stub_api import Say, StubApi, Use
from tests.waiting import at_last

pytestmark = pytest.mark.real


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A Person", "-c", "user.email=person@example.invalid")
    ran = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def repository(folder: Path) -> None:
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "parser.py").write_text("def parse(text): return text.split()\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A parser")


def write(path: Path | str, text: str) -> Use:
    return Use("Write", {"file_path": str(path), "content": text})


@pytest.mark.parametrize("runner", ["claude", "loop", "ralph"])
def test_a_failed_check_goes_back_to_the_same_conversation(
    stub: StubApi, engine: Headless, tag: str, runner: str
) -> None:
    work = engine.root / "work"
    stub.script(tag, write(work / "answer", "41"), Say("Done."), Use("Bash", {"command": "echo 42 > answer"}))
    stub.script(tag, Say("Mended."))
    check = 'test "$(cat answer)" = 42 || { echo "the answer is $(cat answer)"; exit 3; }'
    engine.drop("probe", task(tag, f"runner: {runner}", f"check: '{check}'"))
    engine.arrives("probe", "completed")
    line = engine.record("probe")
    assert (line["success"], line["claimed"], line["proven"], line["check_exit"]) == (True, True, True, 0)
    assert (line["attempt"], line["runner"]) == (1, runner)
    assert line["tokens"] == stub.served(tag).total
    asked = stub.asked(tag)
    assert len({seen.session for seen in asked}) == 1
    evidence = next(text for role, text in reversed(asked[-1].turns) if role == "user" and "the answer is" in text)
    assert "the answer is 41" in evidence
    assert "exit code 3" in evidence
    assert "the check has proven it" in engine.note("probe")


def test_a_check_that_never_passes_fails_the_task(stub: StubApi, engine: Headless, tag: str) -> None:
    stub.script(tag, Say("Done."), Say("Done, really."))
    engine.drop("probe", task(tag, "check: 'exit 1'", "max_iterations: 2", "max_attempts: 1"))
    engine.arrives("probe", "failed")
    line = engine.record("probe")
    assert (line["success"], line["error_type"], line["check_exit"]) == (False, "check_failed", 1)
    assert (line["claimed"], line["proven"]) == (True, False)
    assert len(stub.asked(tag)) == 2


def test_a_plan_waits_for_a_person(stub: StubApi, engine: Headless, tag: str) -> None:
    made = engine.root / "work/made.txt"
    stub.script(tag, write(made, "too soon"), Say("1. Write the file.\n2. Be done."))
    stub.script(tag, write(made, "as planned"), Say("Carried out."))
    engine.drop("probe", task(tag, "mode: plan-first"))
    at_last(lambda: (engine.row("probe").get("reason") or {}).get("why") == "needs_you", PATIENCE)
    assert engine.row("probe")["state"] == "parked"
    assert not made.exists()
    assert "1. Write the file." in engine.note("probe")
    assert engine.ccq("run", "probe")["code"] == 0
    engine.arrives("probe", "completed")
    assert made.read_text() == "as planned"
    line = engine.record("probe")
    assert (line["success"], line["mode"], line["claimed"], line["proven"]) == (True, "plan-first", True, None)
    assert len({seen.session for seen in stub.asked(tag)}) == 1
    assert "2. Be done." in engine.note("probe")


def test_a_worktree_is_kept_with_its_branch(stub: StubApi, engine: Headless, tag: str) -> None:
    work = engine.root / "work"
    repository(work)
    base = git(work, "rev-parse", "HEAD")
    stub.script(tag, Use("Bash", {"command": "echo '# better' >> parser.py && git commit -qam Better"}))
    stub.script(tag, write("notes.txt", "left over"), Say("Better."))
    engine.drop("probe", task(tag, "worktree: true"))
    engine.arrives("probe", "completed")
    line = engine.record("probe")
    assert line["branch"].startswith("cctui/probe-")
    assert (line["base_commit"], line["commits"]) == (base, 1)
    assert git(work, "rev-parse", "HEAD") == base
    assert git(work, "status", "--porcelain") == ""
    assert "Better" in git(work, "log", "--oneline", line["branch"])
    diff = engine.ccq("diff", "probe")
    assert "+# better" in diff["data"]["text"]
    undone = engine.ccq("rollback", "probe")
    assert undone["code"] == 0, undone
    assert git(work, "branch", "--list", "cctui/*") == ""
    assert "Better" in git(work, "log", "--oneline", f"refs/cctui/saved/{line['run_id']}")


def test_a_failed_run_in_place_is_rolled_back(stub: StubApi, engine: Headless, tag: str) -> None:
    work = engine.root / "work"
    repository(work)
    (work / "mine.txt").write_text("the person's own, not committed")
    stub.script(tag, write(work / "parser.py", "broken"), Say("Done."))
    stub.script(tag, Use("Bash", {"command": "rm mine.txt; touch litter"}), Say("Done?"))
    engine.drop("probe", task(tag, "check: 'exit 1'", "max_iterations: 2", "max_attempts: 1", "rollback: true"))
    engine.arrives("probe", "failed")
    assert (work / "parser.py").read_text().startswith("def parse")
    assert (work / "mine.txt").read_text() == "the person's own, not committed"
    assert not (work / "litter").exists()
    line = engine.record("probe")
    assert line["files_changed"] == 3
    assert git(work, "show", f"refs/cctui/saved/{line['run_id']}:parser.py") == "broken"


def test_a_run_whose_tools_were_all_denied_is_not_done(stub: StubApi, engine: Headless, tag: str) -> None:
    work = engine.root / "work"
    (work / ".env").write_text("TOKEN=hunter2hunter2")
    stub.script(tag, Use("Bash", {"command": "cat .env"}), Use("Read", {"file_path": str(work / ".env")}))
    stub.script(tag, Say("I could not."))
    engine.drop("probe", task(tag, "max_attempts: 1"))
    engine.arrives("probe", "failed")
    line = engine.record("probe")
    assert (line["success"], line["error_type"], line["claimed"]) == (False, "permission", True)
    assert "hunter2" not in "".join(text for seen in stub.asked(tag) for _, text in seen.turns)
    assert ".env" in engine.note("probe")
