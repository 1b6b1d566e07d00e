"""For every test of the face."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tui.swift import swift


@pytest.fixture(scope="session", autouse=True)
def swiftly() -> Iterator[None]:
    """No test waits for time that only passes."""
    with swift():
        yield
