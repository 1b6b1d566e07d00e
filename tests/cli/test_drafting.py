"""New task files from the command line: what is typed is what the file means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cctui.cli.drafting import check_field, draft, one_field, parsed, quick
from cctui.cli.here import INVALID, Fail, Here
from cctui.core.world import Broken, Runner, Task

NONE = dict.fromkeys(("priority", "runner", "command", "cron", "cwd", "at", "after"))


@pytest.fixture
def here(tmp_path: Path) -> Here:
    (tmp_path / "root/tasks/pending").mkdir(parents=True)
    config = tmp_path / "config.toml"
    config.write_text("[runners]\naider = 'aider --message-file {prompt_file}'\n")
    return Here(str(tmp_path / "root"), str(config))


def made(here: Here, *pairs: str, **options: Any) -> Task:
    text = draft(here, "Do it.", "new", pairs, NONE | options).text
    entry = parsed(here, "pending/new.md", text)
    assert isinstance(entry, Task), text
    return entry


FIELDS: list[tuple[str, str, Any]] = [
    ("check=true", "check", "true"),
    ("check=[ -s out.txt ]", "check", "[ -s out.txt ]"),
    ("check=[[ $A == 'b' ]]", "check", "[[ $A == 'b' ]]"),
    ("check='a' && 'b'", "check", "'a' && 'b'"),
    ('check="pytest -q"', "check", "pytest -q"),
    ("check=pytest -q  # all", "check", "pytest -q  # all"),
    ("check=~", "check", "~"),
    ("check=2", "check", "2"),
    ("check_timeout=90s", "check_timeout", 90.0),
    ("check_timeout=2", "check_timeout", 120.0),
    ("rollback=false", "rollback", False),
    ("bypass_permissions=true", "bypass_permissions", True),
    ("env=A, B", "env", ("A", "B")),
    ("env=[A, B]", "env", ("A", "B")),
    ("env=", "env", ()),
    ("model=4.5", "model", "4.5"),
    ("runner=loop", "runner", Runner.LOOP),
    ("runner=aider", "runner", "aider"),
    ("mode=plan-first", "mode", "plan-first"),
    ("worktree=true", "worktree", True),
    ("priority=3", "priority", 3),
    ("depends_on=[[other]], b:any", "depends_on", None),
    ("allowed_tools=[Read, 'Bash(git log:*)']", "allowed_tools", ("Read", "Bash(git log:*)")),
]


@pytest.mark.parametrize(("pair", "field", "wanted"), FIELDS)
def test_a_field_of_the_command_line(here: Here, pair: str, field: str, wanted: Any) -> None:
    found = getattr(made(here, pair), field)
    if field == "depends_on":
        assert [(each.name, each.any) for each in found] == [("other", False), ("b", True)]
    else:
        assert found == wanted


@pytest.mark.parametrize("command", ["true", "[ -f x ]", '"a b" c', '"a b"', "echo 'x'", "7"])
def test_a_command_is_taken_as_it_is_typed(here: Here, command: str) -> None:
    assert made(here, runner="shell", command=command).command == command


REFUSED = [
    ("runner=aidr", "did you mean aider?"),
    ("check_timeout=soon", "a duration such as"),
    ("env=A=b", "without their values, found 'A=…'"),
    ("bypas_permissions=true", "did you mean bypass_permissions?"),
    ("rollback=maybe", "true or false"),
]


@pytest.mark.parametrize(("pair", "said"), REFUSED)
def test_what_no_task_can_have_is_refused_before_anything_is_written(here: Here, pair: str, said: str) -> None:
    with pytest.raises(Fail) as caught:
        made(here, pair)
    assert said in caught.value.message and caught.value.code == INVALID


def test_a_wrong_field_can_be_mended_and_another_one_as_well(here: Here) -> None:
    text = "---\npriority: high\nrunner: gone\n---\nx\n"
    (here.places.tasks / "pending/a.md").write_text(text)
    assert isinstance(parsed(here, "pending/a.md", text), Broken)
    for pair in ("priority=3", "runner=aider", "check=true", "priority="):
        check_field(here, "pending/a.md", *one_field(pair))
    with pytest.raises(Fail, match="a whole number"):
        check_field(here, "pending/a.md", *one_field("priority=low"))


def test_one_line_is_enough(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    (here.places.tasks / "pending/lint.md").write_text("---\nmodel: opus\n---\nLint.\n")
    made = quick(here, "Fix links !1 #web after:li =lint\nand more", None, (), NONE)
    text = '---\npriority: 1\ndepends_on: ["lint"]\nmodel: opus\ntags: ["web"]\n---\nFix links\nand more\n'
    assert (made.name, made.text) == ("fix-links", text)
    said = capsys.readouterr().err
    assert "after      lint" in said and "model      opus (as lint)" in said


def test_options_say_more_than_the_line(here: Here) -> None:
    made = quick(here, "Fix !1", "mine", ["check=make -s"], NONE | {"priority": "7"})
    entry = parsed(here, "pending/mine.md", made.text)
    assert isinstance(entry, Task)
    assert (made.name, entry.priority, entry.check) == ("mine", 7, "make -s")


@pytest.mark.parametrize(
    ("line", "says"), [("Fix !x", "whole number"), ("Fix after:gone >soon", "no task is called so")]
)
def test_a_line_with_a_mistake_makes_no_task(here: Here, line: str, says: str) -> None:
    with pytest.raises(Fail, match=says) as refused:
        quick(here, line, None, (), NONE)
    assert refused.value.code == INVALID


def test_without_quick_the_same_words_are_text(here: Here) -> None:
    assert draft(here, "Fix !1 @x >soon", None, (), NONE).text == "Fix !1 @x >soon\n"
