"""Lines of one cell's height and plots with axes, from block characters or, in ASCII, from their twins.  Pure.

Promises: every cell is one character wide; what is unknown is left empty; a part that is not 0 is never invisible;
parts of one bar differ in texture as well as in tone, so that colour never stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cctui.core.trend import levels
from cctui.tui.cells import Span, cut_end, joined
from cctui.tui.signs import Signs

BLOCKS, LETTERS = "▁▂▃▄▅▆▇█", "_.-:=+*#"
SOLID, SHADE = ("█", "▒"), ("#", "x")
"""Textures of a bar's parts, from below: blocks, ASCII."""
CORNER, EDGE, FLOOR = ("└", "│", "─"), ("`", "|", "-"), 2
"""The axes, and the lines below the bars: the axis itself and its dates."""
EIGHTHS = 8
"""Heights within one cell."""
WIDEST = 7
"""Cells from one bar to the next at most."""


def spark(
    values: Sequence[float | None], signs: Signs, tones: Sequence[str] | str = "running", most: float | None = None
) -> list[Span]:
    """One cell for each value; `tones`: of all of them, or of each."""
    blocks = LETTERS if signs.plain else BLOCKS
    each = [tones] * len(values) if isinstance(tones, str) else tones
    cells = [
        (" ", "") if level is None else (blocks[level], "dim" if level == 0 else tone)
        for level, tone in zip(levels(values, most), each, strict=True)
    ]
    return joined(cells)


@dataclass(frozen=True, slots=True)
class Column:
    """One bar."""

    label: str
    parts: tuple[float, ...] | None
    """From below; None: not known."""


def ceiling(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 … : a figure that reads well at the end of an axis."""
    step = 1.0
    while step < value:
        step *= 2.5 if f"{step:g}".startswith("2") else 2
    return step


def plot(
    columns: Sequence[Column],
    tones: Sequence[str],
    width: int,
    height: int,
    signs: Signs,
    *,
    top: float | None = None,
    form: Callable[[float], str] = "{:g}".format,
) -> list[list[Span]]:
    """`height` lines of `width` cells: bars over their axis, the newest where there is no room for all."""
    tall = height - FLOOR
    most = top or ceiling(max((sum(column.parts or ()) for column in columns), default=1.0))
    marks = {0: form(most), tall // 2: form(most / 2)} if tall >= 4 else {0: form(most)}
    left = max(map(len, marks.values())) + 1
    room = width - left - 1
    columns = columns[-room:]
    each = max(1, min(room // max(len(columns), 1), WIDEST))
    thick = each - 1 if each > 1 else 1
    stacks = [_stack(column, tones, tall, most, signs) for column in columns]
    corner, edge, flat = EDGE if signs.plain else CORNER
    lines: list[list[Span]] = []
    for y in range(tall):
        cells: list[Span] = [(f"{marks.get(y, ''):>{left - 1}} ", "dim"), (edge, "rest")]
        for stack in stacks:
            sign, tone = stack[tall - 1 - y]
            cells += [(sign * thick, tone), (" " * (each - thick), "")]
        lines.append(joined(cells))
    lines.append([(f"{'0':>{left - 1}} ", "dim"), (corner + flat * (each * len(columns)), "rest")])
    lines.append([(" " * (left + 1) + _dates(columns, each, room), "dim")])
    return lines


def _stack(column: Column, tones: Sequence[str], tall: int, most: float, signs: Signs) -> list[Span]:
    """The cells of one bar from below: the topmost in eighths where it has only one part."""
    blocks, textures = (LETTERS, SHADE) if signs.plain else (BLOCKS, SOLID)
    parts = [min(part / most, 1.0) * tall for part in column.parts or ()]
    cells: list[Span] = []
    if sum(part > 0 for part in parts) == 1 and parts[0] > 0:
        whole, rest = divmod(round(parts[0] * EIGHTHS), EIGHTHS)
        cells = [(textures[0], tones[0])] * whole
        if rest or not whole:
            cells.append((blocks[max(rest, 1) - 1], tones[0]))
    else:
        reached = 0.0
        for part, texture, tone in zip(parts, textures, tones, strict=False):
            reached += part
            cells += [(texture, tone)] * max(round(reached) - len(cells), int(part > 0))
    # Rounded up, a bar may be too long: then its lowest part gives way, which is the largest.
    return (cells[-tall:] + [(" ", "")] * tall)[:tall]


def _dates(columns: Sequence[Column], each: int, room: int) -> str:
    """As many labels as stand apart; each begins below its bar."""
    text = [" "] * room
    free = 0
    for at, column in enumerate(columns):
        x, label = at * each, column.label
        if label and x >= free and x + len(label) <= room:
            text[x : x + len(label)] = label
            free = x + len(label) + 1
    return cut_end("".join(text).rstrip(), room)
