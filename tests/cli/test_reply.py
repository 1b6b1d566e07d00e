"""`ccq reply` without an engine: a run that stands there keeps the words for the next one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cctui.adapters.rundir import RunDir
from cctui.cli.main import ccq
from cctui.core.world import Mode, Runner
from cctui.places import find_places
from tests.adapters.runs import play, result_line, spec, talk

Ccq = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ccq:
    for phase in ("pending", "active", "completed", "failed", "recurring"):
        (tmp_path / "r/tasks" / phase).mkdir(parents=True)
    monkeypatch.setenv("CCTUI_ROOT", str(tmp_path / "r"))
    monkeypatch.chdir(tmp_path / "r")
    (tmp_path / "r/tasks/active/digest.md").write_text("Do it.\n")

    def called(*args: str, **settings: Any) -> Result:
        return CliRunner().invoke(ccq, list(args), prog_name="ccq", **settings)

    return called


@pytest.fixture
def runs(call: Ccq, tmp_path: Path) -> RunDir:
    """The run of `digest`, whose plan waits."""
    runs = RunDir(find_places(None, os.environ, tmp_path / "r").runs)
    of = replace(spec(runner=Runner.CLAUDE, via="claude"), mode=Mode.PLAN_FIRST)
    runs.make(of, "Do it.\n", talk(tmp_path, "plan", result_line(7, 0.1, result="The plan."), part="plan"))
    play(runs)
    return runs


def test_the_words_are_kept_for_the_next_engine(call: Ccq, runs: RunDir) -> None:
    ran = call("reply", "dig", "-", input="use the other\nfile\n")
    assert (ran.exit_code, ran.stdout) == (0, "digest goes on with your words\n")
    assert (runs.folder("digest-1") / "words-1.md").read_text() == "use the other\nfile"
    again = json.loads(call("reply", "digest", "and mind the tests", "--json").stdout)
    assert again["data"] == {"task": "digest", "text": "digest hears your words as soon as it goes on"}
    (row,) = json.loads(call("ls", "--json").stdout)["data"]
    assert row["run"]["unheard"] is True
    assert "your words wait for its next step" in " ".join(call("ls").stdout.split())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("digest", " "), 1, "no words"),
        (("digest", "x" * 4001), 1, "at most 4,000"),
        (("nobody", "x"), 3, "nobody"),
    ],
)
def test_what_cannot_be_said_is_refused(call: Ccq, runs: RunDir, words: tuple[str, str], code: int, said: str) -> None:
    ran = call("reply", *words)
    assert ran.exit_code == code
    assert said in ran.stderr
    assert not list(runs.folder("digest-1").glob("words-*"))


def test_a_task_that_does_not_run_hears_nothing(call: Ccq, tmp_path: Path) -> None:
    (tmp_path / "r/tasks/pending/later.md").write_text("Later.\n")
    ran = call("reply", "later", "hello")
    assert (ran.exit_code, ran.stderr) == (1, "ccq: later does not run: nobody would hear you\n")
