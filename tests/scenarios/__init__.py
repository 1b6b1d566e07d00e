"""Forty made weeks to judge schedulers on: `load()` reads them, `make.py` wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def load() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and parsed scenario of each, in the order of their names."""
    for path in sorted(FOLDER.glob("*.json")):
        yield path.stem, json.loads(path.read_text("utf-8"))
