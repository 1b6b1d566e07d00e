"""A growing text as a terminal may show it: harmless, and without secrets.

It works on whole lines, so nothing that a read or a write has cut in two can slip through; what has no end yet waits.
Of a line longer than any screen only the beginning is shown.  It never touches the file the text comes from.
"""

from __future__ import annotations

import codecs

from . import scrub
from .redact import Redactor

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from collections.abc import Iterable

LONGEST = 65_536
"""Characters of one line that are looked at."""
BEGINNING = 2_048
SKIPPED = "… (a very long line; the whole text is in output.log)"


class Shown:
    """Feed it bytes as they come; it gives what may be shown of them."""

    __slots__ = ("_decode", "_open", "_redactor", "_skipping")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._redactor = Redactor(values)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._open = ""
        self._skipping = False
        """In the rest of a very long line."""

    def feed(self, data: bytes) -> str:
        """The lines that `data` makes whole.  A carriage return ends one too: progress bars redraw theirs."""
        text = self._open + self._decode.decode(data)
        # A carriage return at the very end may be half of a line's end.
        end = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1
        self._open = text[end:]
        shown = self._lines(text[:end]) if end else ""
        if len(self._open) > LONGEST:
            shown += self._begin_long()
        return shown

    def rest(self) -> str:
        """The text has ended: its last line, as far as there is one."""
        last, self._open = self._open + self._decode.decode(b"", final=True), ""
        return self._lines(last) if last else ""

    def skip(self) -> None:
        """What comes next does not follow what came before: forget the line that was open."""
        self._open = ""
        self._skipping = True

    def _lines(self, text: str) -> str:
        if self._skipping:
            self._skipping = False
            ends = [at for at in (text.find("\n"), text.find("\r")) if at >= 0]
            text = text[min(ends) + 1 :] if ends else ""
        plain = scrub.clean(text)
        safe = self._redactor.lines(plain)
        # Colours can stand inside a secret, so what held one is shown without them.
        return scrub.clean(text, colours=True) if safe == plain else safe

    def _begin_long(self) -> str:
        text, self._open = self._open, ""
        if self._skipping:
            return ""
        self._skipping = True
        safe = self._redactor.lines(scrub.clean(text))
        return safe[:BEGINNING] + SKIPPED + "\n"
