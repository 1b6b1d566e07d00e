"""For eyes that see no colours, terminals that know few signs, and people whom motion makes ill."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.color import ColorType

import cctui.tui
from cctui.core.view import State
from cctui.core.world import Level
from cctui.tui.app import CctuiApp
from cctui.tui.notices import LOOKS
from cctui.tui.signs import ASCII, Signs
from cctui.tui.themes import OWN, STROKES, TONES, no_colour, palette
from tests.tui.looks import DESK, PHONE, app_in, coloured, painted, sized, slider
from tests.tui.ptys import Terminal
from tests.tui.shots import STATES, quiet, rows

SOURCES = sorted(Path(cctui.tui.__file__).parent.glob("*.py"))
SCROLLS = (
    *("scroll_to", "scroll_relative", "scroll_home", "scroll_end", "scroll_visible", "scroll_up", "scroll_down"),
    *("scroll_page_up", "scroll_page_down", "scroll_to_widget"),
)


@pytest.mark.parametrize("state", STATES)
async def test_in_ascii_every_state_is_ascii(state: str) -> None:
    app, keys = app_in(state, ascii=True)
    async with app.run_test(size=DESK, notifications=True) as pilot:
        await pilot.press(*keys)
        for size in (DESK, PHONE):
            await sized(pilot, size)
            shown = rows(app)
            assert shown.isascii(), (size, sorted({char for char in shown if not char.isascii()}))


# --- no colours ------------------------------------------------------------------------------------------------------


def reversed_lines(app: CctuiApp) -> set[int]:
    return {y for _, style, y in painted(app) if style.reverse and not slider(style)}


@pytest.mark.parametrize("state", STATES)
async def test_without_colours_no_state_has_any(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, keys = app_in(state)
    async with app.run_test(size=(48, 18), notifications=True) as pilot:
        await pilot.press(*keys)
        await quiet(pilot)
        kinds = {colour.type for _, style, _ in painted(app) for colour in (style.color, style.bgcolor) if colour}
        assert kinds <= {ColorType.DEFAULT}


async def test_without_colours_the_cursor_and_the_dimmed_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, _ = app_in("busy")
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        at = [y for y, line in enumerate(rows(app).splitlines()) if "vault-lint" in line]
        assert set(at) <= reversed_lines(app)
        await pilot.press("j")
        await pilot.pause()
        assert not set(at) & reversed_lines(app)
        assert {style.dim for text, style, _ in painted(app) if "2 Runs" in text} == {True}
        assert {style.bold for text, style, _ in painted(app) if text.strip() == "n"} == {True}


async def test_without_colours_a_question_shows_which_answer_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, keys = app_in("quit")
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        chosen = [text for text, style, _ in painted(app) if style.reverse]
        assert "Stay" in "".join(chosen)
        assert "Stop" not in "".join(chosen)


@pytest.mark.parametrize(("said", "off"), [("1", True), ("0", True), ("", False), (None, False)])
def test_no_color_counts_when_it_is_not_empty(said: str | None, off: bool) -> None:
    assert no_colour({} if said is None else {"NO_COLOR": said}) is off


@pytest.mark.parametrize(("environ", "theme"), [
    ({"NO_COLOR": "1"}, ""), ({"NO_COLOR": ""}, "ansi"), ({"COLORTERM": "truecolor"}, "ansi"),
])  # fmt: skip
def test_what_a_terminal_gets(environ: dict[str, Any], theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes: no colours at all, or only the terminal's own."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal.python("-m", "tests.tui.preview", "busy", *filter(None, [theme]), **environ)
    assert terminal.until(lambda said: b"Quit" in said)
    terminal.type(b"j")
    terminal.read(0.5)
    terminal.end(0)
    styled = re.findall(rb"\x1b\[([0-9;]+)m", terminal.said)
    written = {part for style in styled for part in style.split(b";")}
    assert written & {b"7"}, "the cursor's row is not reversed"
    assert not written & {b"38", b"48"}
    assert bool(written & {b"31", b"32", b"33", b"36"}) is bool(theme)


def test_what_colour_said_is_said_by_strokes() -> None:
    styles = palette({}, colour=False)
    assert all(style.color is None and style.bgcolor is None for style in styles.values())
    assert styles["cursor"].reverse
    assert styles["dim"].dim
    assert set(STROKES) - set(TONES) == {"cursor", "idle"}
    own = palette({**OWN.to_color_system().generate()})
    assert not [tone for tone, style in own.items() if coloured(style)]


# --- colour never alone ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signs", [Signs(), ASCII], ids=["signs", "ascii"])
def test_every_state_has_a_letter_and_a_word_of_its_own(signs: Signs) -> None:
    states = [*(state.value for state in State), "cancelled", "needs"]
    said = [(signs.of(state), signs.letter(state)) for state in states]
    assert all(sign.strip() and letter.strip() for sign, letter in said)
    assert len({letter for _, letter in said}) == len(states)


@pytest.mark.parametrize("signs", [Signs(), ASCII], ids=["signs", "ascii"])
def test_levels_and_proofs_differ_without_colour(signs: Signs) -> None:
    assert len({signs.of(word) for word in ("proven", "unproven", "disproved")}) == 3
    assert set(LOOKS) == set(Level)
    assert (
        len({signs.of(sign) for sign, _, _ in LOOKS.values()}) == len({letter for _, letter, _ in LOOKS.values()}) == 4
    )


# --- signs -----------------------------------------------------------------------------------------------------------


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Texts in the code that are not its documentation."""
    tree = ast.parse(path.read_text("utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def single(char: str) -> bool:
    """One cell in every font and terminal: no emoji, no joiner or variation, no braille, no private sign."""
    code = ord(char)
    if char in "\n\t" or char.isascii():
        return True
    return (
        cell_len(char) == 1
        and unicodedata.east_asian_width(char) not in ("W", "F")
        and unicodedata.category(char) not in ("Mn", "Me", "Cf", "Co", "Cn", "Cc", "Cs")
        and not 0x2800 <= code <= 0x28FF
        and not (0x2600 <= code <= 0x26FF or code >= 0x1F000)
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_sign_we_write_is_one_cell_everywhere(path: Path) -> None:
    odd = {(line, char) for line, text in literals(path) for char in text if not single(char)}
    assert not odd


def test_the_measure_knows_what_is_odd() -> None:
    assert not [char for char in "👍❤\ufe0f⠿日\u200d\ue0b0\u0301☎" if single(char) and char != "❤"]
    assert all(map(single, "○◐●✓×·▌▄▁░█▓‹…─├└│↕↻"))


# --- motion ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["new", "edit", "filter", "busy", "peek", "palette"])
async def test_with_motion_off_nothing_moves_by_itself(state: str) -> None:
    app, keys = app_in(state)
    async with app.run_test(size=(48, 18)) as pilot:
        assert app.animation_level == "none"
        await pilot.press(*keys)
        await quiet(pilot)
        assert not getattr(app.focused, "cursor_blink", False)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_scroll_says_that_it_jumps(path: Path) -> None:
    """Textual glides unless it is told not to."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in SCROLLS:
            told = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert told.get("animate") == "False", f"{path.name}:{node.lineno}"
