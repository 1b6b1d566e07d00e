"""Every designed state looks as it was judged to look, at every size it was designed for."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.tui.shots import CASES, path, render

every_case = pytest.mark.parametrize(("state", "size"), CASES, ids=[path(*case).stem for case in CASES])


@every_case
async def test_the_screen_is_as_designed(state: str, size: tuple[int, int]) -> None:
    shown = await render(state, size)
    assert shown == path(state, size).read_text("utf-8"), "python -m tests.tui.shots writes the snapshots anew"


@every_case
def test_nothing_sticks_out(state: str, size: tuple[int, int]) -> None:
    lines = path(state, size).read_text("utf-8").splitlines()
    assert len(lines) <= size[1]
    assert max(map(cell_len, lines)) <= size[0]
    if "ascii" in state:
        assert "".join(lines).isascii()
