"""The names in a shell command: every word that may be a file, with quotes, variables and braces taken out.

It reads a command as a shell would, as far as that can be done without running it, and errs on the side of naming too
much: an unknown variable may be anything, a quoted program is searched for names as well.  Left out is what a command
only prints or records: comments, `echo` without a pipe, messages of commits, text put into a file.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from collections.abc import Iterator, Mapping

DEPTH = 4
BRACES = 256
SHELLS = frozenset(
    ("sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "eval", "ssh", "su", "watch", "script", "parallel")
)
PREFIXES = frozenset((
    "sudo", "doas", "env", "command", "builtin", "exec", "nohup", "time", "nice", "ionice", "timeout", "stdbuf",
    "setsid", "xargs", "then", "do", "else", "if", "while", "until", "!", "{",
))  # fmt: skip
SEARCHERS = frozenset(("grep", "egrep", "fgrep", "rg", "ag"))
HIDDEN = frozenset(("find", "fd", "fdfind", "rg", "grep", "tar", "zip", "rsync", "git"))
"""Programs whose own wildcards fit hidden files too."""
PRINTERS = frozenset(("echo", "printf"))
WRITERS = frozenset(("cat", "tee"))

_TOKEN = re.compile(
    r"(?P<space>[ \t\r]++)"
    r"|(?P<newline>\n)"
    r"|'(?P<single>[^']*+)'?"
    r"|\$'(?P<ansi>(?:[^'\\]|\\.)*+)'?"
    r'|\$?"(?P<double>(?:[^"\\]|\\.)*+)"?'
    r"|\\(?P<escaped>.)"
    r"|<<<(?P<here>)"
    r"|<<(?P<tabs>-?)[ \t]*+(?P<quote>['\"\\]?)(?P<end>[A-Za-z0-9_.+-]++)['\"]?"
    r"|(?P<redirect>[0-9]{0,3}(?:&>>?|>>|>\||<>|>&|<&|<\(|>\(|<|>))"
    r"|(?P<open>\$\(|\(|`)"
    r"|(?P<close>\))"
    r"|(?P<pipe>\|&?(?!\|))"
    r"|(?P<operator>\|\||&&|;;?&?|&)"
    r"|\$\{(?P<braced>[^}\n]*+)\}?"
    r"|\$(?P<variable>[A-Za-z_][A-Za-z0-9_]*+|[0-9@*#?$!-])"
    r"|(?P<plain>[^\s'\"\\$`<>|&;()]++)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_INSIDE = re.compile(r"\$\{([^}\n]*+)\}?|\$([A-Za-z_][A-Za-z0-9_]*+)|\\([$`\"\\\n])")
_SETS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*+)\+?=(.*)", re.DOTALL)
_SPLIT = re.compile(r"[\s'\"`;|&<>(){}\[\],=:@!#%^\\]++")
_EDGES = re.compile(r"[=:,@]++")
_MESSAGE = re.compile(r"-[a-zA-Z]*m|--message|--body|--title|-[bt]|--notes")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,3}|.)", re.DOTALL)


class Name:
    """A word that may name a file."""

    __slots__ = ("code", "folder", "hidden", "listed", "text", "unknown")

    def __init__(
        self, text: str, *, code: bool = False, hidden: bool = False, listed: bool = True, folder: bool = False
    ) -> None:
        self.text = text
        self.code = code
        """Out of a program's text: a dot in it is more often an operator than a file's ending."""
        self.hidden = hidden
        """Its wildcards fit hidden files too."""
        self.unknown = "*" in text and UNKNOWN in text
        self.text = text.replace(UNKNOWN, "")
        self.listed = listed
        """Its wildcards are put in by a shell, from what the disk holds."""
        self.folder = folder
        """The command goes there."""


UNKNOWN = "\x00"
"""Stands behind the `*` that takes the place of a variable nobody knows."""


class _Segment:
    """One simple command."""

    __slots__ = ("body", "inner", "piped", "targets", "words")

    def __init__(self, inner: bool) -> None:
        self.words: list[str] = []
        self.targets: list[str] = []
        """Of its redirections."""
        self.body = ""
        """Of its here-documents."""
        self.piped = False
        self.inner = inner
        """Its output goes into another command."""

    @property
    def program(self) -> str:
        return self.after_prefixes()[0].rpartition("/")[2] if self.after_prefixes() else ""

    def after_prefixes(self) -> list[str]:
        for at, word in enumerate(self.words):
            skipped = word in PREFIXES or word.startswith("-") or word.isdigit() or _SETS.fullmatch(word)
            if not skipped:
                return self.words[at:]
        return []


class _Reader:
    """Cuts one command into its simple commands."""

    def __init__(self, command: str, env: Mapping[str, str], inner: bool) -> None:
        self._command = command
        self._env = env
        self._set: dict[str, str] = {}
        self._depth = 1 if inner else 0
        self._quoted_inside = False
        self._segment = _Segment(inner)
        self._word: list[str] | None = None
        self._target = False
        self._heredocs: list[tuple[str, bool, bool, _Segment]] = []
        self.segments: list[_Segment] = [self._segment]
        self.nested: list[str] = []
        """Commands inside double quotes."""

    def read(self) -> None:
        at, text = 0, self._command
        while at < len(text):
            match = _TOKEN.match(text, at)
            assert match is not None  # its last branch takes any character
            at = match.end()
            if match["plain"] is not None and match["plain"].startswith("#") and self._word is None:
                end = text.find("\n", at)
                at = end if end >= 0 else len(text)
            elif match["newline"] is not None:
                self._next()
                at = self._read_bodies(at)
            else:
                self._take(match)
        self._next()

    def _take(self, match: re.Match[str]) -> None:
        kind = match.lastgroup
        match kind:
            case "single" | "escaped" | "plain" | "other":
                self._add("" if match[kind] == "\n" else match[kind])
            case "ansi":
                self._add(_ESCAPE.sub(_unescaped, match["ansi"]))
            case "double":
                self._add(self._inside(match["double"]))
            case "braced":
                self._add(self._value(match["braced"]))
            case "variable":
                self._add(self._value(match["variable"]))
            case "space":
                self._end_word()
            case "end":
                self._end_word()
                self._heredocs.append((match["end"], bool(match["quote"]), bool(match["tabs"]), self._segment))
            case "redirect":
                self._redirect(match["redirect"])
            case "here":
                self._end_word()
            case "pipe":
                self._end_word()
                self._segment.piped = True
                self._next()
            case _:
                self._nest(match[0])

    def _redirect(self, operator: str) -> None:
        self._end_word()
        if operator.endswith("("):
            self._nest("(")
        self._target = not operator.endswith("(")

    def _nest(self, operator: str) -> None:
        if self._word is not None and operator in ("$(", "`"):
            self._word.append("*" + UNKNOWN)
        self._next()
        if operator in ("(", "$("):
            self._depth += 1
        elif operator == ")":
            self._depth = max(0, self._depth - 1)
        elif operator == "`":
            self._quoted_inside = not self._quoted_inside
        self._segment.inner = self._depth > 0 or self._quoted_inside

    def _add(self, text: str) -> None:
        if self._word is None:
            self._word = []
        self._word.append(text)

    def _end_word(self) -> None:
        if self._word is None:
            return
        word, self._word = "".join(self._word), None
        if self._target:
            self._segment.targets.append(word)
            self._target = False
            return
        if (sets := _SETS.fullmatch(word)) is not None:
            self._set[sets[1]] = sets[2]
        self._segment.words.append(word)

    def _next(self) -> None:
        self._end_word()
        self._target = False
        self._segment = _Segment(self._depth > 0 or self._quoted_inside)
        self.segments.append(self._segment)

    def _inside(self, text: str) -> str:
        if "$(" in text or "`" in text:
            self.nested.append(text)

        def put(match: re.Match[str]) -> str:
            if match[3] is not None:
                return "" if match[3] == "\n" else match[3]
            return self._value(match[1] if match[1] is not None else match[2])

        return _INSIDE.sub(put, text)

    def _value(self, expression: str) -> str:
        """What a variable holds; for `${NAME:-other}` also the other, as a word of its own."""
        name = re.match(r"[A-Za-z_][A-Za-z0-9_]*+", expression)
        if name is None:
            return "*" + UNKNOWN
        if rest := expression[name.end() :].lstrip(":-+=?"):
            self._segment.words.append(rest)
        value = self._set.get(name[0], self._env.get(name[0]))
        return "*" + UNKNOWN if value is None else value

    def _read_bodies(self, at: int) -> int:
        """Take the here-documents that begin at `at`; gives where the command goes on."""
        for end, quoted, tabs, segment in self._heredocs:
            pattern = re.compile(rf"^{chr(9) + '*' if tabs else ''}{re.escape(end)}$", re.MULTILINE)
            found = pattern.search(self._command, at)
            body = self._command[at : found.start() if found else len(self._command)]
            at = found.end() if found else len(self._command)
            if segment.program in WRITERS and not segment.piped and not segment.inner:
                if not quoted and ("$(" in body or "`" in body):
                    self.nested.append(body)
            else:
                segment.body += body
        self._heredocs.clear()
        return at


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit():
        return chr(int(code, 8) % 256)
    return {"n": "\n", "t": "\t"}.get(code, code)


def names(command: str, env: Mapping[str, str], *, inner: bool = False, depth: int = 0) -> Iterator[Name]:
    """Every name in `command`; `env` is what its variables may hold, `inner`: its output is used by another."""
    reader = _Reader(command, env, inner)
    reader.read()
    for segment in reader.segments:
        yield from _of_segment(segment, env, depth)
    for text in reader.nested:
        for part in re.split(r"\$\(|`", text)[1:]:
            if depth < DEPTH:
                yield from names(part, env, inner=True, depth=depth + 1)
            yield from _pieces(part)


def _of_segment(segment: _Segment, env: Mapping[str, str], depth: int) -> Iterator[Name]:
    for target in segment.targets:
        yield from _of_word(target, hidden=False)
    program, words = segment.program, segment.words
    shell = any(word.rpartition("/")[2] in SHELLS for word in words)
    if program in ("cd", "pushd"):
        yield from (Name(word, folder=True) for word in segment.after_prefixes()[1:2])
    if program in PRINTERS and not segment.piped and not segment.inner:
        words = []
    for word in _read_words(program, words):
        if shell and depth < DEPTH and re.search(r"[\s;|&<>$]", word):
            yield from names(word, env, inner=True, depth=depth + 1)
        yield from _of_word(word, hidden=program in HIDDEN)
    if segment.body:
        if shell and depth < DEPTH:
            yield from names(segment.body, env, inner=True, depth=depth + 1)
        yield from _pieces(segment.body)


def _read_words(program: str, words: list[str]) -> Iterator[str]:
    """The words that may be files: not what is searched for, not the message of a commit."""
    says = program == "gh" or (program == "git" and not {"commit", "tag", "notes", "merge"}.isdisjoint(words))
    searched = program not in SEARCHERS or any(
        re.match(r"-[a-zA-Z]*[ef]|--regexp|--file", word) for word in words if word.startswith("-")
    )
    begun = message = False
    for word in words:
        if message or (says and word.startswith(("--message=", "--body=", "--title="))):
            message = False
            continue
        message = says and _MESSAGE.fullmatch(word) is not None
        if not searched and begun and not word.startswith("-"):
            searched = True
            continue
        begun = begun or word.rpartition("/")[2] == program
        yield word


def _of_word(word: str, *, hidden: bool) -> Iterator[Name]:
    if re.search(r"[\s'\"`;()]", word):
        yield Name(word, code=True, hidden=hidden)
        yield from _pieces(word)
        return
    for text in _braces(word):
        yield Name(text, hidden=hidden)
        if re.match(r"-[A-Za-z]", text):
            yield Name(text[2:], hidden=hidden)
        parts = _EDGES.split(text)
        if len(parts) > 1:
            yield from (Name(part, hidden=hidden) for part in parts if part)
        if re.search(r"[{}\[\]!#%^]", text):
            yield from _pieces(text)


def _pieces(text: str) -> Iterator[Name]:
    """Whatever in a program's text could be a name."""
    yield from (Name(piece, code=True, listed=False) for piece in dict.fromkeys(_SPLIT.split(text)) if piece)


def _braces(word: str) -> list[str]:
    """`a{b,c}` → ab, ac; at most 256 words."""
    done: list[str] = []
    front = [word]
    while front and len(done) + len(front) < BRACES:
        text = front.pop()
        match = re.search(r"\{([^{}]*,[^{}]*)\}", text)
        if match is None:
            done.append(text)
            continue
        front += [text[: match.start()] + part + text[match.end() :] for part in match[1].split(",")]
    return done + front
