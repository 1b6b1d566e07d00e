"""Which command opens a file in the person's editor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from cctui.adapters.editor import EditorError, editor_argv


@pytest.mark.parametrize(("environ", "words"), [
    ({}, ["vi"]),
    ({"EDITOR": "nano -w"}, ["nano", "-w"]),
    ({"EDITOR": "nano", "VISUAL": "'/opt/my editor' --wait"}, ["/opt/my editor", "--wait"]),
    ({"EDITOR": " ", "VISUAL": ""}, ["vi"]),
])  # fmt: skip
def test_the_person_s_own_comes_first(environ: Mapping[str, str], words: list[str]) -> None:
    assert editor_argv(environ, Path("/t/a b.md")) == [*words, "/t/a b.md"]


def test_an_unclosed_quote_is_said() -> None:
    with pytest.raises(EditorError, match="set EDITOR"):
        editor_argv({"EDITOR": "'nano"}, Path("a"))
