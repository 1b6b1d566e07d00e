"""The app's place between two lives of it: one small file in STATE, 0600, whole or not there.

Promises: what cannot be read is no place, and what cannot be written is left: neither ends the app, nor is it told.
Two faces at once share it: whoever moved last is remembered.
"""

from __future__ import annotations

import os
from pathlib import Path

from cctui.adapters import atomic

LIMIT = 64 << 10
"""Bytes read at most."""


class PlaceFile:
    def __init__(self, state: Path) -> None:
        self._path = state / "view.json"

    def load(self) -> str:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                return os.read(file, LIMIT).decode(errors="replace")
            finally:
                os.close(file)
        except OSError:
            return ""

    def save(self, text: str) -> None:
        try:
            atomic.write(self._path, text.encode(errors="replace"), 0o600)
        except OSError:
            pass  # a place that is not kept is no loss that anybody should be bothered with
