"""The crash matrix at a small count (at full size it is `python -m tests.crash`), and its verdicts, which must be able
to fail."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.crashes import kill
from tests.crashes.bench import Bench
from tests.crashes.points import CALLS, POINTS
from tests.crashes.run import plan
from tests.crashes.verdict import LOST, ONCE, RESUMED, judge

REPOSITORY = Path(__file__).resolve().parent.parent
RUN = "20261121-031405-3fa9c1"
TASK = "shell-1"


@pytest.mark.timeout(240)
def test_kills_at_some_points_lose_and_repeat_nothing(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    words = ("--runs", "8", "--seed", "7", "--seconds", "40", "--table", str(table))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.crash", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = re.search(r"(\d+) runs with a kill, .* \*\*(\d+) violations", table.read_text())
    assert found is not None
    assert int(found[1]) >= 4, "too few kills in the time that there was"
    assert found[2] == "0"


def test_every_kill_point_is_a_call_of_cctui() -> None:
    for call in CALLS:
        module, _, name = call.owner.partition(":")
        holder = getattr(import_module(module), name) if name else import_module(module)
        real = getattr(holder, call.attr, None)
        assert callable(real), call.name
        assert not inspect.isgeneratorfunction(real), call.name
    assert len(set(POINTS)) == len(POINTS)


def test_the_same_seed_gives_the_same_run() -> None:
    assert plan(3, 17, "filing: note, after", kill.ENGINE) == plan(3, 17, "filing: note, after", kill.ENGINE)
    assert plan(3, 17, "filing: note, after", kill.ENGINE) != plan(4, 17, "filing: note, after", kill.ENGINE)


# --- the verdict -----------------------------------------------------------------------------------------------------


def ended(home: Path, task: str = TASK, error: str | None = None, steps: tuple[str, ...] = ("once",)) -> Bench:
    """A root in which one task has come to its end as it should."""
    bench = Bench(home, [task])
    for folder in (home / "log", bench.runs / RUN, bench.root / "logs/scheduler", bench.root / "tasks/completed"):
        folder.mkdir(parents=True, exist_ok=True)
    place = bench.root / "tasks" / ("failed" if error else "completed")
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{task}.md").touch()
    record = {"task_id": task, "run_id": RUN, "success": error is None, "error_type": error, "detail": None}
    history(bench, {**record, "log_file": "logs/scheduler/note.md"})
    (bench.root / "logs/scheduler/note.md").touch()
    (bench.runs / RUN / "filed").touch()
    kill.write(f"{bench.runs}/{RUN}/spec.json", {"task": task})
    kill.write(f"{bench.runs}/{RUN}/start-1.json", {"pid": 1234})
    for step in steps:
        log(bench, what="did", step=step)
    return bench


def history(bench: Bench, record: dict[str, Any]) -> None:
    with (bench.root / "logs/scheduler/history.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")


def log(bench: Bench, **line: Any) -> None:
    with (bench.home / "log" / bench.tasks[0]).open("a") as file:
        file.write(json.dumps(line) + "\n")


def again(bench: Bench) -> None:
    history(bench, bench.records()[0])


def elsewhere(bench: Bench) -> None:
    (bench.root / "tasks/failed").mkdir(exist_ok=True)
    (bench.root / f"tasks/failed/{TASK}.md").touch()


def remembered(bench: Bench) -> None:
    kill.write(f"{bench.home}/state/db.json", {"memory": {"1": {"hold": False, "retries": {TASK: {}}}}})


BROKEN: tuple[tuple[Callable[[Bench], object], str], ...] = (
    (again, "stands in the history twice"),
    (elsewhere, "its file lies in ['completed', 'failed']"),
    (lambda bench: (bench.root / f"tasks/completed/{TASK}.md").unlink(), "no folder"),
    (lambda bench: (bench.runs / RUN / "filed").unlink(), "still open"),
    (lambda bench: (bench.root / "logs/scheduler/note.md").unlink(), "note.md is missing"),
    (lambda bench: (bench.root / "logs/scheduler/history.jsonl").unlink(), "no history line"),
    (lambda bench: log(bench, what="did", step="once"), "step once was done 2 times"),
    (lambda bench: log(bench, what="did", step="odd"), "step odd was done 1 times"),
    (lambda bench: (bench.home / "log" / TASK).unlink(), "step once was done 0 times"),
    (
        lambda bench: log(bench, what="overlap", role="check", leg="2", other=7, other_role="claude", other_leg="1"),
        "two processes at a time: check of leg 2, and claude of leg 1",
    ),
    (lambda bench: log(bench, what="unswept"), "unswept"),
    (remembered, "a retry is remembered"),
    (lambda bench: bench.seen.append("its file lay in no folder"), "its file lay in no folder"),
)


@pytest.mark.parametrize(("breaks", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_the_verdict_sees(breaks: Callable[[Bench], object], said: str, tmp_path: Path) -> None:
    bench = ended(tmp_path)
    assert judge(bench).wrong == []
    assert judge(bench).outcomes == {ONCE: 1}
    breaks(bench)
    assert any(said in text for text in judge(bench).wrong), judge(bench).wrong


def test_lost_is_right_only_for_a_run_whose_runner_was_killed(tmp_path: Path) -> None:
    bench = ended(tmp_path, error="lost", steps=())
    kill.write(f"{bench.home}/fired.json", {"runner": [99]})
    assert judge(bench).wrong == [f"{TASK}: lost, but its runner was not killed"]
    kill.write(f"{bench.home}/fired.json", {"runner": [1234]})
    assert judge(bench).wrong == []
    assert judge(bench).outcomes == {LOST: 1}


def test_a_conversation_may_not_be_lost_but_may_go_on(tmp_path: Path) -> None:
    bench = ended(tmp_path / "one", "text-1", "lost", ("a",))
    kill.write(f"{bench.home}/fired.json", {"runner": [1234]})
    assert judge(bench).wrong == ["text-1: a conversation was given up as lost"]
    bench = ended(tmp_path / "two", "text-1", None, ("a", "b"))
    kill.write(f"{bench.runs}/{RUN}/leg-2.json", {"why": "lost"})
    assert judge(bench).outcomes == {RESUMED: 1}
