"""Text measured in terminal cells: cleaning, cutting, and lines of toned spans.

Promises that foreign text (task files, logs, Claude) comes out as inert characters: no control codes, no markup.
Never draws: what a tone looks like is said by `themes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cctui.core.words import safe_text

Span = tuple[str, str]
"""Text, and the tone it is said in ("" is the plain one)."""

PLAIN = str.maketrans("…·–×“”‘’→", ".--x\"\"''>")
INDENT = 3
"""Cells that every second line keeps free on its left."""
LEAST = 14
"""Cells that a name keeps beside the facts."""


def clean(text: str) -> str:
    """`text` with every control code gone; line ends stay, tabs become spaces."""
    return safe_text(text).replace("\t", "    ")


def in_ascii(text: str, *, keep_width: bool = False) -> str:
    """For terminals that draw nothing else; a wide character counts twice where the line's width must stay."""
    if text.isascii():
        return text
    known = text.translate(PLAIN)
    return "".join(c if c.isascii() else "?" * (max(1, cell_len(c)) if keep_width else 1) for c in known)


def cut_end(text: str, width: int, dots: str = "…") -> str:
    if cell_len(text) <= width:
        return text
    return "" if width < 1 else (set_cell_size(text, max(0, width - len(dots))).rstrip() + dots)[:width]


def cut_middle(text: str, width: int, dots: str = "…") -> str:
    """Names differ at both ends more often than in the middle."""
    if cell_len(text) <= width:
        return text
    if width < 4:
        return cut_end(text, width, dots)
    head = (width - len(dots) + 1) // 2
    tail = width - len(dots) - head
    return set_cell_size(text, head).rstrip() + dots + _last_cells(text, tail)


def _last_cells(text: str, width: int) -> str:
    start = len(text)
    while start and cell_len(text[start - 1 :]) <= width:
        start -= 1
    return text[start:]


def joined(cells: Iterable[Span]) -> list[Span]:
    """Neighbours of one tone as one span."""
    spans: list[Span] = []
    for text, tone in cells:
        if spans and spans[-1][1] == tone:
            spans[-1] = (spans[-1][0] + text, tone)
        else:
            spans.append((text, tone))
    return spans


def wide(spans: Iterable[Span]) -> int:
    return sum(cell_len(text) for text, _ in spans)


def fit(
    left: Sequence[Span], right: Sequence[Span], width: int, cut: Callable[[str, int], str] = cut_end
) -> list[Span]:
    """One line of exactly `width` cells: the last span of `left` gives way, `right` stands at the right edge.

    Where there is no room for both, spans of `right` go, the first of them first."""
    *fixed, (flexible, tone) = left
    least = min(cell_len(flexible), LEAST)
    while right and wide(fixed) + least + wide(right) > width:
        right = right[1:]
    room = width - wide(fixed) - wide(right)
    text = cut(flexible, room)
    return [*fixed, (text, tone), (" " * max(0, room - cell_len(text)), ""), *right]


def second(indent: Sequence[Span], text: str, tone: str, width: int) -> list[Span]:
    """A row's second line: below the name, or further left where that lets it fit, for its end matters most."""
    *fixed, (space, plain) = indent
    over = wide(indent) + cell_len(text) - width
    if 0 < over <= wide(indent) - INDENT and over <= len(space):
        space = space[over:]
    return fit([*fixed, (space, plain), (text, tone)], (), width)


def wrap(text: str, width: int) -> list[str]:
    """Words of `text` in lines of at most `width` cells; longer words are broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        while cell_len(word) > width:
            if line:
                lines.append(line)
                line = ""
            head = set_cell_size(word, width).rstrip()
            lines.append(head)
            word = word[len(head) :]
        if line and cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line] if line else lines


def strip(spans: Sequence[Span], width: int, tones: Mapping[str, Style], under: Style, *, plain: bool = False) -> Strip:
    """Spans as a Textual strip of exactly `width` cells on the ground `under`."""
    if plain:
        spans = [(in_ascii(text, keep_width=True), tone) for text, tone in spans]
    segments = [Segment(_inert(text), _over(under, tones[name]) if name else under) for text, name in spans if text]
    return Strip(segments).adjust_cell_length(width, under)


def _inert(text: str) -> str:
    """The last gate: what slipped past `clean` takes its cells, but is not written.  Most texts pay nothing for it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " * cell_len(c) for c in text)


def _over(under: Style, tone: Style) -> Style:
    """On a reversed ground a colour would turn into a ground of its own, and dim text could not be read."""
    return under + Style(bold=tone.bold, underline=tone.underline) if under.reverse else under + tone


def changed(old: Strip, new: Strip) -> tuple[int, int] | None:
    """First and last+1 cell in which two strips of one width differ; None when they look the same."""
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return (0, max(len(before), len(after)))
    unlike = [x for x, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    return (unlike[0], unlike[-1] + 1) if unlike else None


def _cells(line: Strip) -> list[tuple[str, Style | None]]:
    cells: list[tuple[str, Style | None]] = []
    for text, style, _ in line:
        for char in text:
            cells.append((char, style))
            cells.extend([("", style)] * (cell_len(char) - 1))
    return cells
