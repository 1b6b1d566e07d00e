"""The light way into the app."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cctui.cli.entry import Plain, plain, statusline


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], Plain()),
        (["--no-tmux"], Plain(no_tmux=True)),
        (["--root", "/r", "--config", "c.toml"], Plain("/r", "c.toml")),
        (["--root"], None),
        (["--json"], None),
        (["ls"], None),
        (["--help"], None),
        (["--no-tmux", "demo"], None),
    ],
)
def test_only_a_command_line_without_a_verb_opens_the_app_at_once(words: list[str], options: Plain | None) -> None:
    assert plain(words) == options


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["hook", "statusline"], []),
        (["hook", "statusline", "--"], []),
        (["hook", "statusline", "--", "sh", "--print"], ["sh", "--print"]),
        (["hook", "statusline", "--print"], None),
        (["hook"], None),
        (["statusline"], None),
        ([], None),
    ],
)
def test_a_statusline_is_run_without_the_parser(words: list[str], command: list[str] | None) -> None:
    assert statusline(words) == command


def test_without_a_terminal_it_says_what_to_do_and_has_loaded_no_parser() -> None:
    code = (
        "import sys\nfrom cctui.cli.entry import cctui\nsys.argv = ['cctui']\n"
        "try:\n    cctui()\nexcept SystemExit as end:\n    print(end.code, 'click' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["2", "False"]
    assert "the app needs a terminal" in done.stderr


def test_a_verb_goes_to_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "cctui", "keys"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Queue" in done.stdout
