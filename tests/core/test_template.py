"""A person's own runner: what its command template may be, and that nothing filled in becomes more than one word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.template import PLACEHOLDERS, filled, words

VALUES = {"prompt_file": "/r/prompt.md", "folder": "/a b/'c", "task": "x y", "run_dir": "/r", "model": ""}
FILLED = [
    ("aider", ["aider"]),
    ("aider --message-file {prompt_file}", ["aider", "--message-file", "/r/prompt.md"]),
    ("x {folder} '{task}' {run_dir}/out", ["x", "/a b/'c", "x y", "/r/out"]),
    ("x --model={model} {model}", ["x", "--model=", ""]),
    ("{folder}/go", ["/a b/'c/go"]),
    ("sh -c 'echo ${HOME} { x } {} $1' - {task}", ["sh", "-c", "echo ${HOME} { x } {} $1", "-", "x y"]),
    ("x '{task}{task}'", ["x", "x yx y"]),
]


@pytest.mark.parametrize(("template", "wanted"), FILLED)
def test_a_template_becomes_an_argument_list(template: str, wanted: list[str]) -> None:
    assert list(filled(words(template), VALUES)) == wanted


WRONG = [
    ("", "begins with a program"),
    ("  ", "begins with a program"),
    ("'' x", "begins with a program"),
    ("x 'y", "no closing quotation"),
    ("x \\", "no escaped character"),
    ("x\ny", "on one line"),
    ("x {Prompt_file}", r"it has \{Prompt_file\} \(did you mean \{prompt_file\}\?\)"),
    ("x {zzz}", r"no placeholders but \{prompt_file\}, \{folder\}, \{task\}, \{run_dir\}, \{model\}; it has \{zzz\}$"),
]


@pytest.mark.parametrize(("template", "said"), WRONG)
def test_what_is_no_template(template: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        words(template)


@given(st.text(), st.sampled_from(PLACEHOLDERS))
def test_whatever_is_filled_in_stays_one_word(value: str, name: str) -> None:
    found = words(f"x {{{name}}} '{{{name}}}.' z")
    assert filled(found, VALUES | {name: value}) == ("x", value, f"{value}.", "z")
