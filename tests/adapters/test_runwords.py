"""A person's words in a run's folder: kept whole, counted, put into the prompt of the next leg, and heard once."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from cctui.adapters import runwords
from cctui.adapters.legs import leg_plan
from cctui.adapters.rundir import LegPlan, RunDir, RunDirError
from cctui.adapters.runfiles import read_legs
from cctui.core.settings import Settings
from cctui.core.world import Leg, Mode, Part, Runner, Spec, Why
from cctui.runner import spoken
from tests.adapters.runs import only, plan, play, spec

CLAUDE = spec(runner=Runner.CLAUDE, via="claude")
SETTINGS = Settings()


@pytest.fixture
def runs(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "runs")


def leg(
    runs: RunDir, number: int, why: str, *, part: Part = Part.WORK, of: Spec = CLAUDE, resume: bool = True
) -> LegPlan:
    folder = runs.folder(of.run_id)
    return leg_plan(
        of,
        SETTINGS,
        leg=number,
        kind=Leg(part, why),
        resume=resume,
        folder=str(folder),
        run_dir=folder,
        environ=os.environ,
    )


def begun(runs: RunDir, tmp_path: Path, of: Spec = CLAUDE, part: str = "work") -> Path:
    """A run whose first leg talks, and has ended."""
    made = plan("true", tmp_path, session_id=of.session_id, stdout="stream", part=part)
    folder = runs.make(of, "the task\n", made)
    play(runs)
    return folder


def test_words_are_kept_and_seen(runs: RunDir, tmp_path: Path) -> None:
    folder = begun(runs, tmp_path)
    assert (only(runs).replies, only(runs).reached) == (0, 0)
    runs.keep_words("digest-1", 1, "one ☂")
    runs.keep_words("digest-1", 2, "two")
    runs.keep_words("digest-1", 2, "two")
    assert (only(runs).replies, only(runs).reached) == (2, 0)
    assert stat.S_IMODE((folder / "words-1.md").stat().st_mode) == 0o600
    assert spoken.take(str(folder), 0) == ["one ☂", "two"]
    assert spoken.take(str(folder), 0) == []
    runs.keep_words("digest-1", 3, "three")
    again = only(RunDir(tmp_path / "runs"))
    assert (again.replies, again.reached) == (3, 2)


def test_the_next_leg_says_what_nobody_has_heard_and_then_it_is_heard(runs: RunDir, tmp_path: Path) -> None:
    folder = begun(runs, tmp_path)
    runs.keep_words("digest-1", 1, "heard by a hook")
    assert spoken.take(str(folder), 0) == ["heard by a hook"]
    runs.keep_words("digest-1", 2, "use the other file")
    runs.keep_words("digest-1", 3, "and mind the tests")
    made = leg(runs, 2, Why.REPLY)
    assert made.prompt is not None
    assert "use the other file\n\nand mind the tests" in made.prompt
    assert "heard by a hook" not in made.prompt
    assert made.env["CCTUI_HEARD"] == "3"
    runs.add_leg("digest-1", 2, made)
    assert (only(runs).replies, only(runs).reached) == (3, 3)
    assert runwords.unheard(folder, read_legs(folder, 2)) == (3, ())


@pytest.mark.parametrize(
    ("why", "part", "before", "after"),
    [
        (Why.REPLY, Part.PLAN, "The person whose task this is says to you:\n\nso", "Make the plan anew"),
        (Why.REPLY, Part.WORK, "The person whose task this is says to you:\n\nso", "Do what follows from that"),
        (Why.LIMIT, Part.WORK, "The usage window is open again. Continue", "says to you:\n\nso\n"),
        (Why.LIMIT, Part.PLAN, "The usage window is open again. Do not change", "says to you:\n\nso\n"),
        (Why.NEEDS_YOU, Part.WORK, "Your plan has been accepted", "says to you:\n\nso\n"),
    ],
)
def test_the_words_stand_where_they_belong(
    runs: RunDir, tmp_path: Path, why: Why, part: Part, before: str, after: str
) -> None:
    of = replace(CLAUDE, mode=Mode.PLAN_FIRST)
    begun(runs, tmp_path, of, "plan" if why is Why.NEEDS_YOU else "work")
    runs.keep_words("digest-1", 1, "so")
    prompt = leg(runs, 2, why, part=part, of=of).prompt
    assert prompt is not None
    assert prompt.startswith(before)
    assert after in prompt


def test_a_reply_that_was_lost_still_goes_on(runs: RunDir, tmp_path: Path) -> None:
    begun(runs, tmp_path)
    assert "Continue the task" in (leg(runs, 2, Why.REPLY).prompt or "")


def test_a_new_conversation_begins_with_the_whole_task_and_the_words(runs: RunDir, tmp_path: Path) -> None:
    begun(runs, tmp_path)
    runs.keep_words("digest-1", 1, "use the other file")
    made = leg(runs, 2, Why.FRESH, resume=False)
    assert made.foot.endswith("says to you:\n\nuse the other file")
    assert made.words == 1


@pytest.mark.parametrize("part", [Part.ATTENDED, Part.CHECK])
def test_a_leg_that_is_no_headless_conversation_hears_nothing(runs: RunDir, tmp_path: Path, part: Part) -> None:
    of = replace(CLAUDE, check="true")
    begun(runs, tmp_path, of)
    runs.keep_words("digest-1", 1, "use the other file")
    runs.add_leg("digest-1", 2, leg(runs, 2, "", part=part, of=of))
    assert (only(runs).replies, only(runs).reached) == (1, 0)


def test_words_that_cannot_be_kept_leave_nothing_behind(runs: RunDir, tmp_path: Path) -> None:
    folder = begun(runs, tmp_path)
    (folder / "words-1.md").mkdir()
    with pytest.raises(RunDirError, match="say them again"):
        runs.keep_words("digest-1", 1, "so")
    assert not list(folder.glob(".words*"))
