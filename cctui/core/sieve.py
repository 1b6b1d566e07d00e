"""The filter language of every list: free words, and terms such as ``s:parked``, ``tag:paper``, ``-kind:x``.  Pure.

All of it must hold.  A comma means or; a minus in front means not; quotes keep spaces; letter case never counts.  A
term of a name nobody knows is taken as text, so that what is typed always means something.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

NAMES: Mapping[str, str] = {
    "s": "state",
    "state": "state",
    "t": "tag",
    "tag": "tag",
    "k": "kind",
    "kind": "kind",
    "p": "priority",
    "priority": "priority",
    "in": "project",
    "project": "project",
    "m": "model",
    "model": "model",
    "after": "after",
}
"""What may stand before the colon → the fact it is about."""
_WORD = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S+))')


@dataclass(frozen=True, slots=True)
class Term:
    fact: str
    """One of the values of `NAMES`; empty: the row's text."""
    wanted: tuple[str, ...]
    """Any of these, in lower case."""
    without: bool = False

    def admits(self, text: str, facts: Mapping[str, Collection[str]]) -> bool:
        if not self.fact:
            found = any(want in text for want in self.wanted)
        elif self.fact == "priority":
            found = any(value in self.wanted for value in facts.get(self.fact, ()))
        else:
            values = [value.casefold() for value in facts.get(self.fact, ())]
            found = any(_fits(self.fact, want, value) for want in self.wanted for value in values)
        return found is not self.without


def _fits(fact: str, want: str, value: str) -> bool:
    """A folder by any part of its path, the others by how they begin."""
    return want in value if fact == "project" else value.startswith(want)


@dataclass(frozen=True, slots=True)
class Sieve:
    terms: tuple[Term, ...] = ()

    def admits(self, text: str, facts: Mapping[str, Collection[str]]) -> bool:
        """Whether a row of this text, of which these facts are known, is to be shown.  No terms admit every row."""
        lower = text.casefold()
        return all(term.admits(lower, facts) for term in self.terms)


def parse(text: str) -> Sieve:
    return Sieve(tuple(_terms(text)))


def _terms(text: str) -> Iterator[Term]:
    for minus, name, quoted, word in _WORD.findall(text):
        value = (quoted or word).casefold()
        if not name and value.endswith(":") and value[:-1] in NAMES:
            continue  # a term of which so far only the name is typed
        fact = NAMES.get(name.casefold(), "")
        if name and not fact:
            value = f"{name}:{value}".casefold()
        wanted = tuple(part for part in value.split(",") if part) if fact else (value,)
        if wanted and wanted[0]:
            yield Term(fact, wanted, bool(minus))
