"""A run's note as a person reads it: headings, call-outs and lists without their marks, fenced text as it stands.

Knows the Markdown that our own notes are written in; whatever else stands in one is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cctui.tui.cells import Span, clean
from cctui.tui.lines import Line, fold, head, prose
from cctui.tui.signs import Signs

CALLS: Mapping[str, str] = {"success": "good", "failure": "bad", "warning": "warn", "question": "needs"}
"""Kind of a call-out → its tone."""
_CALL = re.compile(r"> \[!(\w+)\] ?(.*)")
_CODE = re.compile(r"(`+) ?(.+?) ?\1")
_LINK = re.compile(r"\[\[([^\]]*)\]\]")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>#!|$%~^=])")


def body(note: str) -> list[str]:
    """Its lines, without the properties at its head and the title, which stand elsewhere on the screen."""
    lines = clean(note).strip("\n").split("\n")
    if lines[:1] == ["---"] and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    while lines and not lines[0].strip():
        lines = lines[1:]
    return lines[1:] if lines and lines[0].startswith("# ") else lines


def plain(text: str) -> str:
    """One line of prose without its marks."""
    return _ESCAPED.sub(r"\1", _LINK.sub(r"\1", _CODE.sub(r"\2", text)))


def part(note: str, title: str) -> str | None:
    """What stands fenced below ``## title``; None where there is no such part."""
    inside, found, fence = False, [], ""
    for line in body(note):
        if not fence and line.startswith("## "):
            if inside:
                break
            inside = line[3:].strip() == title
        elif not fence and _fence(line):
            fence = _fence(line)
        elif fence and line.rstrip() == fence:
            fence = ""
            if inside:
                break
        elif inside and fence:
            found.append(line)
    return "\n".join(found) if inside else None


def said(note: str, begins: str) -> str:
    """The point of its list that begins so, as prose; empty where there is none."""
    for line in body(note):
        if line.startswith("## "):
            break
        if line.startswith(f"- {begins}"):
            return plain(line[2:])
    return ""


def lay(note: str, signs: Signs, width: int) -> Iterator[Line]:
    fence, blank, first = "", True, True
    for line in body(note):
        if fence:
            if line.rstrip() == fence:
                fence = ""
            else:
                yield from _fenced(line, width)
            continue
        if fence := _fence(line):
            continue
        if not line.strip():
            if not blank:
                yield Line()
            blank = True
            continue
        if line.startswith("## "):
            yield from head(plain(line[3:]), first=first or blank)
        else:
            yield from _prose(line, signs, width)
        blank, first = False, False


def _fence(line: str) -> str:
    """The very marks that will end what this line opens; empty: it opens nothing."""
    marks = line[: len(line) - len(line.lstrip("`"))]
    return marks if len(marks) >= 3 else ""


def _fenced(line: str, width: int) -> Iterator[Line]:
    for piece in fold([(line.rstrip(), "")], width - 1):
        yield Line(((" ", ""), *piece))


def _prose(line: str, signs: Signs, width: int) -> Iterator[Line]:
    edge: Span = (signs.pipe, "rest")
    if call := _CALL.match(line):
        tone = CALLS.get(call[1], "accent")
        yield from prose(plain(call[2]), width, tone, lead=[(signs.pipe, tone)])
    elif line.startswith("> - "):
        yield from prose(plain(line[4:]), width, lead=[edge, (f"{signs.dot} ", "dim")])
    elif line.startswith(">"):
        yield from prose(plain(line[1:].strip()), width, lead=[edge])
    elif line.startswith("- "):
        yield from prose(plain(line[2:]), width, lead=[(f"{signs.dot} ", "dim")])
    else:
        yield from prose(plain(line), width, "dim" if line.startswith("Task [[") else "")
