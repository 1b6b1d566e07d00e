"""Fewer bytes, the same picture: both are played to a small terminal and compared cell by cell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.settings import Settings
from cctui.tui.app import CctuiApp
from cctui.tui.squeeze import _SEEN, PLAIN, Look, _after, squeeze
from tests import worlds
from tests.tui.fakes import FakeLink

STEP = re.compile(r"\x1b\[([0-9;]*)m|\x1b\[([0-9]+);([0-9]+)H|(\r?\n)|(\x1b\[\?[0-9]+[hl])|(.)", re.DOTALL)


def played(data: str) -> tuple[dict[tuple[int, int], tuple[str, Look]], tuple[int, int], Look, list[str]]:
    """What a terminal shows: its cells, where the cursor stands, the look that is on, and the modes it was told."""
    cells: dict[tuple[int, int], tuple[str, Look]] = {}
    row, column, look = 1, 1, PLAIN
    modes: list[str] = []
    for sgr, to_row, to_column, line, mode, text in STEP.findall(data):
        if to_row:
            row, column = int(to_row), int(to_column)
        elif line:
            row, column = row + 1, 1
        elif mode:
            modes.append(mode)
        elif text:
            cells[row, column] = (text, Look(back=look.back) if text == " " and not look.on & _SEEN else look)
            column += 1
        else:
            look = _after(look, sgr)
    return cells, (row, column), look, modes


CODES = (
    *("0", "", "1", "2", "1;2", "7", "22", "27", "4", "24", "9", "39", "49", "31", "92", "44", "103", "38;5;12"),
    *("48;5;0", "38;2;1;2;3", "48;2;9;8;7", "1;38;2;1;2;3;48;2;9;8;7", "0;7;38;2;216;222;230", "3;21;53"),
)
codes = st.sampled_from(CODES)
pieces = st.one_of(
    codes.map(lambda code: f"\x1b[{code}m"),
    st.tuples(st.integers(1, 6), st.integers(1, 9)).map(lambda at: f"\x1b[{at[0]};{at[1]}H"),
    st.sampled_from(["\r\n", "\n"]),
    st.just("\x1b[?2026h"),
    st.text("ab ▁○", min_size=1, max_size=4),
)


@given(st.lists(pieces, max_size=30).map("".join))
def test_it_looks_the_same(data: str) -> None:
    whole = data + "\x1b[0m"
    less = squeeze(whole)
    assert played(less) == played(whole)
    assert len(less) <= len(whole) + 8
    assert squeeze(less) == less


@given(st.lists(pieces, max_size=12).map("".join), st.lists(pieces, max_size=12).map("".join))
def test_writes_follow_one_another(first: str, second: str) -> None:
    apart = squeeze(first + "\x1b[0m") + squeeze(second + "\x1b[0m")
    assert played(apart) == played(first + "\x1b[0m" + second + "\x1b[0m")


@pytest.mark.parametrize("raw", ["\x1b]52;c;aGk=\x07", "\x1bc", "\x1b[c", "\x1b[?1049h\x1b[?25l", "\x07", "\x1b[2J"])
def test_everything_else_goes_through_as_it_is(raw: str) -> None:
    assert squeeze(raw) == raw


def test_a_row_costs_less() -> None:
    ground = "48;2;14;20;27m"
    row = "".join(f"\x1b[38;2;216;222;{i};{ground}word {i} \x1b[0m" for i in range(6))
    less = squeeze(f"\x1b[6;48H\r\n\x1b[8;1H{row}\x1b[1;1H")
    assert less.startswith("\x1b[8;1H\x1b[38;2;216;222;0;48;2;14;20;27mword 0 \x1b[38;2;216;222;1mword 1 ")
    assert less.endswith("\x1b[0m\x1b[1;1H")
    assert len(less) < 0.7 * len(row)


async def test_the_app_s_own_screens_look_the_same() -> None:
    app = CctuiApp(FakeLink(worlds.night()), engine=None, settings=Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("j", "2", "p"):
            await pilot.press(key)
            update = app.screen._compositor.render_update(full=True)
            segments = update.render_segments(app.console)  # type: ignore[union-attr]
            assert played(squeeze(segments))[0] == played(segments)[0]
            assert len(squeeze(segments)) < 0.75 * len(segments)
