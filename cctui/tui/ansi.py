"""What a program coloured, in the theme's own tones: readable on every ground, and with the meaning it has here.

Promises: nothing of a control code comes through; a colour says no more than red, green, yellow, blue, magenta, cyan or
faint.  Grounds, blinking and hidden text are dropped: nothing can be written that a person cannot see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cctui.tui.cells import Span, clean, joined

SGR = re.compile("\x1b\\[([0-9;:]*)m")
TONES = ("dim", "bad", "good", "warn", "ready", "parked", "running", "")
"""Black to white, as eight colours are numbered."""


def toned(text: str) -> list[list[Span]]:
    """The lines of a text, each in spans of one tone.  What was switched on goes on in the lines below."""
    lines: list[list[Span]] = [[]]
    for piece, tone in _pieces(text):
        first, *rest = clean(piece).split("\n")
        lines[-1].append((first, tone))
        lines += [[(line, tone)] for line in rest]
    return [joined(span for span in line if span[0]) for line in lines]


def _pieces(text: str) -> Iterator[Span]:
    """The text between colours, each with the tone that holds there."""
    colour, weight, at = "", "", 0
    for found in SGR.finditer(text):
        yield text[at : found.start()], colour or weight
        colour, weight = _switched(colour, weight, found[1])
        at = found.end()
    yield text[at:], colour or weight


def _switched(colour: str, weight: str, codes: str) -> Span:
    """Colour and weight after one code."""
    numbers = [int(part[:6]) if part else 0 for part in codes.replace(":", ";").split(";")]
    at = 0
    while at < len(numbers):
        number = numbers[at]
        at += 1
        match number:
            case 0:
                colour, weight = "", ""
            case 1 | 4 | 7:
                weight = "strong"
            case 2:
                weight = "dim"
            case 22 | 24 | 27:
                weight = ""
            case 38 | 48:
                length = {5: 2, 2: 4}.get(numbers[at] if at < len(numbers) else 0, len(numbers))
                if number == 38:
                    colour = _extended(numbers[at : at + length])
                at += length
            case 39:
                colour = ""
            case _ if 30 <= number <= 37 or 90 <= number <= 97:
                colour = "dim" if number == 90 else TONES[number % 10]
    return colour, weight


def _extended(numbers: Sequence[int]) -> str:
    """``5;N`` and ``2;R;G;B`` as the nearest of the eight."""
    match numbers:
        case [5, number] if number < 16:
            return "dim" if number == 8 else TONES[number % 8]
        case [5, number] if number >= 232:
            return "dim" if number < 245 else ""
        case [5, number]:
            cube = min(number, 231) - 16
            return _nearest(cube // 36 * 51, cube // 6 % 6 * 51, cube % 6 * 51)
        case [2, red, green, blue]:
            return _nearest(red, green, blue)
    return ""


def _nearest(red: int, green: int, blue: int) -> str:
    """By which of its parts are strong; greys are plain or faint."""
    high, low = max(red, green, blue), min(red, green, blue)
    if high - low < 40:
        return "dim" if high < 140 else ""
    middle = (high + low) / 2
    return TONES[(red > middle) + 2 * (green > middle) + 4 * (blue > middle)]
