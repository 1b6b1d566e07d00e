"""Front matter: the YAML block at the head of a Markdown file, read with lines and edited in place.

Promises: reading never raises whatever the text holds; YAML as people write it (``on``, ``yes``, ``1:30`` and dates
stay text); a key given twice is refused.  An edit touches the lines of one field and nothing else: comments, order,
quoting, line ends and a byte order mark stay; what would not read back as wanted is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from frontmatter.default_handlers import YAMLHandler
from yaml.error import Mark, MarkedYAMLError
from yaml.reader import ReaderError

from cctui.core.values import shown
from cctui.core.world import Problem

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without its C part, as on bare Termux
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

MAX_DEPTH = 50
"""Levels of nesting; the C parser would end the whole process at some ten thousand."""

_TAG = "tag:yaml.org,2002:"
_WORDS = {"null": r"~|null|Null|NULL|", "bool": r"true|True|TRUE|false|False|FALSE"}
_INT = r"-?(?:0|[1-9][0-9]{0,17})"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?"


class FrontError(Exception):
    """Why an edit cannot be made, in words."""


@dataclass(frozen=True, slots=True)
class Front:
    """What a file's text is made of."""

    fields: dict[str, object] | None
    """None: the file has no front matter."""
    body: str
    lines: dict[str, int] = field(default_factory=dict)
    """The line of each key, from 1."""
    problems: tuple[Problem, ...] = ()


class _Yaml(Loader):
    """YAML 1.2's plain types, and no more: whatever else is written stays text."""

    yaml_implicit_resolvers = {}


for _first, _kind, _pattern in (
    (["~", "n", "N", ""], "null", _WORDS["null"]),
    (list("tTfF"), "bool", _WORDS["bool"]),
    (list("-0123456789"), "int", _INT),
    (list("-+.0123456789"), "float", _FLOAT),
):
    _Yaml.add_implicit_resolver(_TAG + _kind, re.compile(f"^(?:{_pattern})$"), _first)


class Handler(YAMLHandler):
    """python-frontmatter's handler with exact fences (three dashes alone on a line) and our own YAML."""

    FM_BOUNDARY = re.compile(r"^---[ \t]*$", re.MULTILINE)

    def load(self, fm: str, **kwargs: object) -> Any:
        return yaml.load(fm, **{"Loader": _Yaml} | kwargs)  # type: ignore[arg-type]


_HANDLER = Handler()


# --- reading ---------------------------------------------------------------------------------------------------------


def read(text: str) -> Front:
    """Split and read a file's text (without a byte order mark, any line ends)."""
    plain = _unix(text)
    head = blank.end() if (blank := _BLANK_LINES.match(plain)) else 0
    if not _HANDLER.detect(plain[head:]):
        return Front(None, plain)
    try:
        block, body = _HANDLER.split(plain[head:])
    except ValueError:
        opened = plain.count("\n", 0, head) + 1
        text = f"the front matter that opens on line {opened} is never closed: put a line with only --- behind it"
        return Front({}, "", problems=(Problem(text, line=opened),))
    return _fields(block, body.removeprefix("\n"), plain.count("\n", 0, head))


_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _fields(block: str, body: str, before: int) -> Front:
    """`before` lines stand above the opening fence; the block begins with that fence's line end."""
    try:
        node = _compose(block)
    except yaml.YAMLError as error:
        return Front({}, body, problems=(_trouble(error, before),))
    if node is None:
        return Front({}, body)
    if not isinstance(node, yaml.MappingNode):
        found = "a list" if isinstance(node, yaml.SequenceNode) else shown(str(node.value))
        text = f"the front matter must be lines of 'field: value', found {found}"
        return Front({}, body, problems=(Problem(text, line=node.start_mark.line + before + 1, found=found),))
    return _mapping(node, body, before)


def _compose(block: str) -> yaml.Node | None:
    if len(block) > 1000:  # shorter text cannot nest deeply enough to hurt
        depth = 0
        for event in yaml.parse(block, Loader=_Yaml):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                mark = cast("Mark", event.start_mark)
                raise MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
    return _Yaml(block).get_single_node()


def _mapping(node: yaml.MappingNode, body: str, before: int) -> Front:
    fields: dict[str, object] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    loader, seen = _Yaml(""), set[int]()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + before + 1
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem("a field's name must be text, found a list or mapping", line=line))
        elif key in lines:
            text = f"{key} is given twice, on line {lines[key]} and line {line}: keep one"
            problems.append(Problem(text, field=key, line=line))
        else:
            lines[key] = line
            try:
                fields[key] = _value(loader, value_node, seen)
            except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
                problems.append(_trouble(error, before, key, line))
    return Front(fields, body, lines, tuple(problems))


def _value(loader: _Yaml, node: yaml.Node, seen: set[int]) -> object:
    if isinstance(node, yaml.ScalarNode):
        if node.tag == _TAG + "str":
            return cast("str", node.value)
        if node.tag == _TAG + "int":
            return int(node.value)
    else:
        _refuse(node, seen, 0)
    return cast("object", loader.construct_object(node, deep=True))


def _refuse(node: yaml.Node, seen: set[int], depth: int) -> None:
    """Keys given twice inside a value, and lists or mappings used twice (``*alias``): they can grow without bound."""
    if isinstance(node, yaml.ScalarNode):
        return
    if id(node) in seen or depth > MAX_DEPTH:
        said = "an alias (*) of a list or mapping is not supported" if depth <= MAX_DEPTH else "nested too deeply"
        raise MarkedYAMLError(problem=said, problem_mark=node.start_mark)
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse(item, seen, depth + 1)
        return
    keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if twice := next((key for at, key in enumerate(keys) if key.value in [k.value for k in keys[:at]]), None):
        raise MarkedYAMLError(problem=f"{twice.value} is given twice", problem_mark=twice.start_mark)
    for key, value in node.value:
        _refuse(key, seen, depth + 1)
        _refuse(value, seen, depth + 1)


def _trouble(error: Exception, before: int, key: str | None = None, line: int | None = None) -> Problem:
    """What YAML said, with the line of the file instead of the block."""
    said = str(error) or "cannot be read"
    if isinstance(error, MarkedYAMLError):
        said = ": ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        line = mark.line + before + 1 if mark else line
    elif isinstance(error, ReaderError):
        said = f"it holds a character that text files do not have ({error.reason})"
    name = f"{key} " if key else "the front matter "
    return Problem(f"{name}is not valid YAML: {said}", field=key, line=line)


# --- editing ---------------------------------------------------------------------------------------------------------


def edited(text: str, key: str, value: str | None) -> str:
    """`text` with the line of `key` saying `value` (YAML text), or without that line; FrontError says why not."""
    if value is not None and ("\n" in value or "\r" in value):
        raise FrontError(f"{key}: a value is written on one line")
    old = read(text.removeprefix("\ufeff"))
    if old.problems and not old.lines:
        raise FrontError(old.problems[0].text)
    if value is None and key not in old.lines:
        return text
    new = _with_field(text, key, value, old)
    _prove(old, read(new.removeprefix("\ufeff")), key, value)
    return new


def _with_field(text: str, key: str, value: str | None, old: Front) -> str:
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = _keep_ends(text[len(mark) :])
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if old.fields is None:
        return mark + f"---{end}{key}: {value}{end}---{end}" + "".join(lines)
    first = next(number for number, line in enumerate(lines) if line.strip())
    close = next(number for number in range(first + 1, len(lines)) if _HANDLER.detect(lines[number].rstrip("\r\n")))
    if key not in old.lines:
        margin = _margin(lines[first + 1 : close])
        return mark + "".join([*lines[:close], f"{margin}{key}: {value}{end}", *lines[close:]])
    start, stop = _region(lines[first + 1 : close], key)
    start, stop = start + first + 1, stop + first + 1
    put = [] if value is None else [_line(lines[start:stop], key, value)]
    return mark + "".join([*lines[:start], *put, *lines[stop:]])


def _keep_ends(text: str) -> list[str]:
    """Lines with their own ends; only \\n, \\r\\n and \\r end a line, as in YAML's and everybody's editor."""
    return re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)


def _margin(block: list[str]) -> str:
    """What stands before the fields, should all of them be indented."""
    node = _compose(_unix("".join(block)))
    return " " * node.value[0][0].start_mark.column if isinstance(node, yaml.MappingNode) and node.value else ""


def _pair(block: list[str], key: str) -> tuple[yaml.Node, yaml.Node, int]:
    """The nodes of one field, and the line where the next field begins, counted inside the block from 0."""
    node = _compose(_unix("".join(block)))
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise FrontError("the front matter is written as one {…} value: edit it by hand")
    pairs = node.value
    at = next(number for number, pair in enumerate(pairs) if pair[0].value == key)
    after = pairs[at + 1][0].start_mark.line if at + 1 < len(pairs) else len(block)
    return pairs[at][0], pairs[at][1], after


def _region(block: list[str], key: str) -> tuple[int, int]:
    """First line of a field and the line behind its last; comments at the margin belong to what follows."""
    name, _, stop = _pair(block, key)
    start = name.start_mark.line
    while stop > start + 1 and (not block[stop - 1].strip() or block[stop - 1].startswith("#")):
        stop -= 1
    return start, stop


def _line(old: list[str], key: str, value: str) -> str:
    """The first line of a field with its new value; a comment behind the old value stays."""
    body = old[0].rstrip("\r\n")
    end = old[0][len(body) :] or "\n"
    name, node, _ = _pair([body + "\n"] if len(old) == 1 else old, key)
    colon = body.index(":", name.end_mark.column)
    rest = body[colon + 1 :]
    if node.start_mark.line == node.end_mark.line == 0 and node.end_mark.column > colon:
        rest = body[node.end_mark.column :]
    elif node.start_mark.line == 0:
        rest = ""  # the value began here and went on below
    tail = f"  {rest.strip()}" if rest.strip() and not rest.startswith((" ", "\t")) else rest.rstrip()
    return f"{body[: colon + 1]} {value}{tail}{end}"


def _prove(old: Front, new: Front, key: str, value: str | None) -> None:
    """The edit did what was wanted and nothing else."""
    before = {name: found for name, found in (old.fields or {}).items() if name != key}
    after = dict(new.fields or {})
    if value is not None:
        wanted = read(f"---\n{key}: {value}\n---\n")
        if wanted.problems or key not in (wanted.fields or {}) or len(wanted.fields or {}) != 1:
            raise FrontError(f"{key}: {shown(value)} is not one YAML value")
        if key not in after or repr(after.pop(key)) != repr((wanted.fields or {})[key]):
            raise FrontError(f"{key} cannot be set on one line here: edit the file by hand")
    if repr(after) != repr(before) or new.body != old.body or len(new.problems) > len(old.problems):
        raise FrontError(f"{key} cannot be changed without touching something else: edit the file by hand")
