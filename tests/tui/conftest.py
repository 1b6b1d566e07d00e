"""For every test of the face: no test waits for time that only passes."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.tui.swift import Kept, swift

RARELY = (20_000, 20, 20)
"""An app is full of cycles: with Python's own thresholds a fifth of a test's time goes into looking for them."""


@pytest.fixture(scope="session")
def kept() -> Kept:
    gc.collect()
    gc.freeze()  # what was imported and collected stays for as long as the tests run
    return Kept()


@pytest.fixture(autouse=True)
def swiftly(kept: Kept) -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    with swift(kept):
        yield
    gc.set_threshold(*before)
