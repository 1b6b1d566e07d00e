"""What a run says, as it is drawn: colours in our own tones, lines folded to the width, a view that keeps its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from cctui.tui.ansi import toned
from cctui.tui.cells import Span, clean, wide
from cctui.tui.messages import Scene
from cctui.tui.signs import Signs
from cctui.tui.tail import Tail, pieces
from cctui.tui.themes import palette
from tests import worlds
from tests.tui.fakes import FakeLink


@pytest.mark.parametrize(("text", "lines"), [
    ("plain", [[("plain", "")]]),
    ("", [[]]),
    ("\x1b[31mred\x1b[0m not", [[("red", "bad"), (" not", "")]]),
    ("\x1b[1;32mok\x1b[m", [[("ok", "good")]]),
    ("\x1b[1mbold\x1b[22m\x1b[2mfaint", [[("bold", "strong"), ("faint", "dim")]]),
    ("\x1b[33mover\nlines\x1b[39m.", [[("over", "warn")], [("lines", "warn"), (".", "")]]),
    ("\x1b[38;5;196mx\x1b[38;2;10;200;20my\x1b[38;5;240mz", [[("x", "bad"), ("y", "good"), ("z", "dim")]]),
    ("\x1b[48;5;196mx\x1b[41my\x1b[8mseen\x1b[5m.", [[("xyseen.", "")]]),
    ("\x1b[38;5mx", [[("x", "")]]),
    ("\x1b[999999999999999999mx\x1b[;mx", [[("xx", "")]]),
    ("\x1b[2J\x1b]52;c;aGk=\x07a\x1b[31mb\x1b[10Dc\x07", [[("a", ""), ("bc", "bad")]]),
    ("\x1b[30mblack\x1b[37mwhite\x1b[90mgrey", [[("black", "dim"), ("white", ""), ("grey", "dim")]]),
])  # fmt: skip
def test_colours_become_tones(text: str, lines: list[list[Span]]) -> None:
    assert toned(text) == lines


@given(st.text(alphabet=st.sampled_from("ab\x1b[]0123456789;:mJ\x07\x9b\n\r\t \x00日"), max_size=60))
def test_nothing_that_a_terminal_obeys_comes_through(text: str) -> None:
    tones = palette({})
    for line in toned(text):
        for piece, tone in line:
            assert not re.search("[\x00-\x1f\x7f-\x9f]", piece)
            assert not tone or tone in tones


@given(st.lists(st.tuples(st.text("ab 日\u3000é", max_size=40), st.sampled_from(["", "dim"])), max_size=5),
       st.integers(8, 30))  # fmt: skip
def test_a_folded_line_loses_only_blanks_and_fits(line: list[Span], width: int) -> None:
    found = list(pieces(line, width))
    assert all(wide(piece) <= width for piece in found)
    assert "".join(text for piece in found for text, _ in piece).replace(" ", "") == "".join(
        text for text, _ in line
    ).replace(" ", "")


def test_lines_break_between_words() -> None:
    said = "three words that are too long for it"
    assert ["".join(t for t, _ in piece).strip() for piece in pieces([(said, "")], 14)] == [
        "three words", "that are too", "long for it"
    ]  # fmt: skip
    first, *_ = pieces([("see /a/very/long/path/that/goes", "")], 14)
    assert "".join(text for text, _ in first) == "see /a/very/lo"


class Showing(App[None]):
    CSS = "Tail { height: 5; width: 20; scrollbar-size-vertical: 1; }"

    def compose(self) -> ComposeResult:
        scene = Scene(FakeLink(worlds.busy()), Signs())
        scene.palette = palette({})
        yield Tail(scene, id="tail", follow=True)


def numbered(first: int, last: int) -> list[list[Span]]:
    return [[(f"line {number}", "")] for number in range(first, last)]


def seen(tail: Tail) -> list[str]:
    return [tail.render_line(y).text.strip() for y in range(5)]


def at_end(tail: Tail) -> bool:
    return tail.at_end


async def test_the_end_is_followed_until_a_person_scrolls_and_then_the_place_is_kept() -> None:
    app = Showing()
    async with app.run_test(size=(40, 10)) as pilot:
        tail = app.query_one(Tail)
        tail.put(numbered(0, 20))
        await pilot.pause()
        assert seen(tail) == [f"line {n}" for n in range(15, 20)]
        tail.put(numbered(0, 30))
        await pilot.pause()
        assert seen(tail)[-1] == "line 29" and tail.at_end
        tail.scroll_relative(y=-3, animate=False)
        await pilot.pause()
        assert not at_end(tail)
        there = seen(tail)
        tail.put(numbered(0, 40))
        await pilot.pause()
        assert seen(tail) == there
        tail.put(numbered(10, 50), gone=10)
        await pilot.pause()
        assert seen(tail) == there
        tail.scroll_end(animate=False)
        await pilot.pause()
        assert at_end(tail) and seen(tail)[-1] == "line 49"
        tail.put(numbered(10, 51))
        await pilot.pause()
        assert seen(tail)[-1] == "line 50"


def test_tabs_and_line_ends_are_like_those_of_every_other_text() -> None:
    assert toned("a\tb\r\nc") == [[(clean("a\tb"), "")], [("c", "")]]
