"""The pure parts: cells, trees, counting down, the file a form writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from cctui.core import settings
from cctui.tui.cells import Span, clean, cut_end, cut_middle, fit, in_ascii, second, strip, wide, wrap
from cctui.tui.gauge import countdown
from cctui.tui.signs import ASCII, Signs, choose
from cctui.tui.tree import branches

texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), max_size=60)


@given(texts, st.integers(0, 50))
def test_a_cut_text_fits(text: str, width: int) -> None:
    for cut in (cut_end, cut_middle):
        assert cell_len(cut(text, width)) <= max(width, 0)
        if cell_len(text) <= width:
            assert cut(text, width) == text


def test_a_cut_name_keeps_both_ends() -> None:
    assert cut_middle("an-extraordinarily-long-name", 11) == "an-ex…-name"


spans = st.lists(st.tuples(texts, st.just("")), max_size=3)


@given(spans.filter(bool), spans, st.integers(200, 400))
def test_a_line_fills_its_width(left: list[Span], right: list[Span], width: int) -> None:
    assert wide(fit(left, right, width)) <= width
    if wide(left) + wide(right) <= width:
        assert wide(fit(left, right, width)) == width
        assert fit(left, right, width)[-len(right) :] == right or not right


def test_the_right_side_gives_way_from_its_left() -> None:
    line = fit([("x ", ""), ("a-rather-long-name", "")], [(" due 03:00", ""), (" ready", "")], 24)
    assert wide(line) == 24
    assert line[-1] == (" ready", "")
    assert (" due 03:00", "") not in line


def test_a_second_line_moves_left_only_where_that_lets_it_fit() -> None:
    def at(text: str) -> str:
        return "".join(part for part, _ in second([("      ", "")], text, "", 20))

    assert at("x" * 14) == "      " + "x" * 14
    assert at("x" * 17) == "   " + "x" * 17
    assert at("x" * 18) == "      " + "x" * 13 + "…"


@given(texts, st.integers(8, 40))
def test_wrapped_lines_hold_every_word(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)


def test_no_control_code_is_left() -> None:
    assert clean("a\x1b[31mb\x1b]52;c;aGk=\x07c\x9b2Jd\x00e\tf\ng\u202e") == "abcde    f\ng"


def test_what_no_two_terminals_draw_alike_is_put_plainly() -> None:
    """So that every way to count the cells comes to one number."""
    assert clean("👩\u200d👩\u200d👧 ❤\ufe0f 👍🏽 🇩🇪 a\xad\u200bb\u2028c") == "👩👩👧 ❤ 👍 DE ab\nc"
    assert clean("e" + "\u0301" * 40) == "e\u0301\u0301"
    assert clean("naïve 日本語 กำ") == "naïve 日本語 กำ"


def test_the_last_gate_keeps_the_cells_of_what_it_drops() -> None:
    drawn = strip([("a\x1b[2Jb\u3000c\ue0b0d\x9b\n", "")], 12, {}, Style())
    assert drawn.text == "a[2Jb  c d  "
    assert drawn.cell_length == 12


@given(texts)
def test_plain_text_is_ascii_and_as_wide(text: str) -> None:
    assert in_ascii(text, keep_width=True).isascii()
    assert len(in_ascii(text)) == len(text)


@pytest.mark.parametrize(("seconds", "shown"), [
    (-3, "0:00"), (9, "0:09"), (249, "4:09"), (7987, "2:13:07"), (86399, "23:59:59"), (532800, "6d04h"),
])  # fmt: skip
def test_what_is_left(seconds: float, shown: str) -> None:
    assert countdown(seconds) == shown


def test_a_tree_hangs_each_name_once_below_what_it_needs() -> None:
    needs = {"b": ["a"], "c": ["a"], "d": ["c", "b"], "x": ["gone"]}
    shown = [(branch.first + branch.key, branch.rest) for branch in branches(["a", "b", "c", "d", "x"], needs, Signs())]
    assert shown == [("a", "│ "), ("├ b", "│ "), ("└ c", "  │ "), ("  └ d", "    "), ("x", "")]


names_ = st.sampled_from("abcdef")


@given(st.permutations("abcdef"), st.dictionaries(names_, st.lists(names_, max_size=3)))
def test_every_graph_has_a_tree(order: list[str], needs: dict[str, list[str]]) -> None:
    assert sorted(branch.key for branch in branches(order, needs, ASCII)) == list("abcdef")


def test_a_long_chain_is_no_trouble() -> None:
    order = [str(i) for i in range(3000)]
    assert len(branches(order, {str(i): [str(i - 1)] for i in range(1, 3000)}, Signs())) == 3000


@pytest.mark.parametrize(("wanted", "terminal", "plain"), [
    ("on", "xterm", True), ("off", "linux", False), ("auto", "linux", True), ("auto", "dumb", True),
])  # fmt: skip
def test_signs_follow_the_terminal(wanted: str, terminal: str, plain: bool) -> None:
    assert choose(settings.UiSettings(ascii=wanted), {"TERM": terminal}).plain is plain


def test_every_sign_is_one_cell_wide() -> None:
    for signs in (Signs(), ASCII):
        for name in Signs.__slots__:
            value = getattr(signs, name)
            if isinstance(value, str) and name not in ("branch", "corner", "pipe", "dots"):
                assert cell_len(value) == 1, name
    assert all(getattr(ASCII, name).isascii() for name in Signs.__slots__ if name != "plain")
