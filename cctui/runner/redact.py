"""Secrets out of text: what looks like a key, a token or a password is replaced by ``[redacted]``.

It knows the shapes that name themselves (prefixes, headers, private key blocks, passwords in addresses) and the exact
values it is given; ordinary text (hashes, UUIDs, paths, words) stays as it is.  Its work grows with the text, never
with the square of it: every pattern either is bounded or swallows a run of characters whole.  It cannot see a secret
without a shape that nobody has named to it.
"""

from __future__ import annotations

import json
import re

from .dotenv import env_values

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from collections.abc import Callable, Iterable

    Change = str | Callable[[re.Match[str]], str]

__all__ = ["MARK", "Redactor", "env_values", "redact", "redact_all"]

MARK = "[redacted]"
PEM_LINES = 400
"""A key of 16384 bits has about 200: after this many lines the block is taken to have ended."""

# A name begins here: not in the middle of a word.  After \n, \r or \t as JSON writes them, a name does begin.
_BEGINS = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
_IS = r"""[\\"']{0,3}[ \t]{0,4}[=:][ \t]{0,4}[\\"']{0,3}"""
_AWS_SECRET = rf"((?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY){_IS})[A-Za-z0-9/+]{{40}}"
_HEADER = (
    rf"(?i)((?:authorization|x-api-key){_IS})"
    r"""((?:bearer|basic|token)[ \t]{1,4})?([^\s"'\\,;]{8,}+)"""
)
_DIGIT = re.compile(r"[0-9]")
_PLACE = re.compile(r"[$%]?[{<(]|\$[A-Za-z_]")
"""What stands where a value will be put: ${TOKEN}, <token>, {token}."""


def _random(text: str) -> bool:
    """Looks made by a machine: letters and digits in one piece of 16 or more, or very long and mixed."""
    if len(_DIGIT.findall(text)) < 2 or not re.search(r"[A-Za-z]", text):
        return False
    longest = max(map(len, re.split(r"[-_]", text)))
    return longest >= 16 or (len(text) >= 40 and text.lower() != text)


def _other_key(match: re.Match[str]) -> str:
    return "sk-" + MARK if _random(match[1]) else match[0]


def _web_token(match: re.Match[str]) -> str:
    """Dotted words of which one begins as a JSON object in base64: header, payload, signature."""
    text = match[0]
    at = text.find("eyJ")
    parts = text[at:].split(".") if at >= 0 else []
    return text[:at] + MARK if len(parts) >= 3 and len(parts[0]) >= 12 and len(parts[1]) >= 2 else text


def _header(match: re.Match[str]) -> str:
    """A header's value; a word after it is prose, and a name in braces is the place of a value."""
    scheme, value = match[2], match[3]
    if _PLACE.match(value) or (len(value) <= 14 and value.isalpha() and value.islower()):
        return match[0]
    return match[1] + (scheme or "") + MARK if scheme or _random(value) else match[0]


def _bearer(match: re.Match[str]) -> str:
    return match[1] + MARK if _DIGIT.search(match[2]) else match[0]


def _password(match: re.Match[str]) -> str:
    return match[0] if _PLACE.match(match[2]) else f"{match[1]}{MARK}@"


_RULES: tuple[tuple[tuple[str, ...], str, Change], ...] = (
    (("sk-ant-",), r"sk-ant-[A-Za-z0-9_-]{10,}+", "sk-ant-" + MARK),
    (("sk-",), _BEGINS + r"sk-([A-Za-z0-9_-]{20,}+)", _other_key),
    (("k_live_", "k_test_"), r"([sr]k_(?:live|test)_)[A-Za-z0-9]{16,}+", r"\g<1>" + MARK),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"(gh[pousr]_)[A-Za-z0-9]{20,}+", r"\g<1>" + MARK),
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{20,}+", "github_pat_" + MARK),
    (("glpat-",), r"glpat-[A-Za-z0-9_.-]{16,}+", "glpat-" + MARK),
    (("AKIA", "ASIA"), r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])", MARK),
    (("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"), _AWS_SECRET, r"\g<1>" + MARK),
    (("eyJ",), _BEGINS + r"[A-Za-z0-9_-]{3,}+(?:\.[A-Za-z0-9_-]*+)++", _web_token),
    (("xox",), r"(xox[abeoprs]-)[A-Za-z0-9-]{10,}+", r"\g<1>" + MARK),
    (("AIza",), r"AIza[A-Za-z0-9_-]{35}", MARK),
    (("npm_",), r"npm_[A-Za-z0-9]{30,}+", "npm_" + MARK),
    (("pypi-",), r"pypi-[A-Za-z0-9_-]{50,}+", "pypi-" + MARK),
    (("hf_",), _BEGINS + r"hf_[A-Za-z0-9]{30,}+", "hf_" + MARK),
    (("uthorization", "UTHORIZATION", "pi-key", "pi-Key", "PI-KEY"), _HEADER, _header),
    (("earer ", "EARER "), r"(?i)(bearer[ \t]{1,4})([A-Za-z0-9._~+/=-]{20,}+)", _bearer),
    (("://",), r"""(?<=://)([^\s/:@"'<>]{0,256}:)([^\s/?"'<>]{1,512})@""", _password),
)
"""Each: words of which one must be there for the pattern to be tried at all, the pattern, what takes its place."""

_BEGIN = r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_END = r"-----END (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
# The block on one line, as JSON and .env files hold it: its lines end with \n in two characters.
_INLINE = r"(?:\\[nrt]|[A-Za-z0-9+/=]{20})(?:[A-Za-z0-9+/=: ,-]|\\[nrt])*+"


def redact(text: str, values: Iterable[str] = ()) -> str:
    """`text` without secrets; `values` are exact strings that must not be seen either.

    A private key block may span lines.  A secret that is cut by the end of the text may be missed: give whole lines.
    """
    return Redactor(values).whole(text)


def redact_all(value: object, values: Iterable[str] = ()) -> object:
    """The same for every text in JSON data; keys stay as they are."""
    if isinstance(value, str):
        return redact(value, values)
    if isinstance(value, dict):
        return {key: redact_all(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [redact_all(inner, values) for inner in value]
    return value


class Redactor:
    """The same for text that comes in portions of whole lines: it remembers that a private key has begun."""

    __slots__ = ("_inside", "_values")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = _spellings(values)
        self._inside = 0
        """Lines that a private key may still have; 0: in none."""

    def whole(self, text: str) -> str:
        """`text`, which nothing came before and nothing follows, without secrets."""
        self._inside = 0
        safe = self.lines(text)
        self._inside = 0
        return safe

    def lines(self, text: str) -> str:
        """`text`, some whole lines, without secrets."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MARK)
        if self._inside or "PRIVATE KEY" in text:
            text = self._without_keys(text)
        for words, pattern, change in _RULES:
            if any(word in text for word in words):
                text = re.sub(pattern, change, text)
        return text

    def _without_keys(self, text: str) -> str:
        kept = []
        for line in text.split("\n"):
            if self._inside:
                end = re.search(_END, line)
                if end is not None:
                    self._inside, line = 0, line[end.end() :]
                    if not line.strip():
                        continue
                elif _is_body(line):
                    self._inside -= 1
                    continue
                else:
                    self._inside = 0
            kept.append(self._opened(line))
        return "\n".join(kept)

    def _opened(self, line: str) -> str:
        """`line` without the keys that begin on it; the last one may go on after it."""
        done, at = "", 0
        begins, ends = list(re.finditer(_BEGIN, line)), [end.end() for end in re.finditer(_END, line)]
        for begin in begins:
            if begin.start() < at:
                continue
            while ends and ends[0] < begin.end():
                ends.pop(0)
            done += line[at : begin.start()]
            at = begin.end()
            if ends:
                done, at = done + MARK, ends.pop(0)
            elif rest := re.compile(_INLINE).match(line, at):
                done, at = done + MARK, rest.end()
            elif not line[at : at + 64].strip(" \t\r\"'`,;)\\"):
                self._inside = PEM_LINES
                return done + MARK
            else:  # a sentence about such a line
                done += begin[0]
        return done + line[at:]


def _is_body(line: str) -> bool:
    """A line inside a private key, perhaps behind a line number, a file's name or a diff's mark."""
    words = line.split()
    if not words:
        return True
    if len(words) > 3:
        return False
    last = words[-1].rpartition(":")[2].lstrip("+->|").rstrip("\\n\"',")
    if re.fullmatch(r"[A-Za-z0-9+/=]++", last) and (len(words) == 1 or len(last) >= 16 or last.endswith("=")):
        return True
    return re.match(r"[A-Za-z-]{3,20}: ?\S", line) is not None


def _spellings(values: Iterable[str]) -> tuple[str, ...]:
    """Each value as it is and as JSON writes it, the longest first: one may begin with another."""
    found: set[str] = set()
    for value in values:
        if value.strip():
            found |= {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return tuple(sorted(found, key=lambda item: (-len(item), item)))
