"""The crash program at a small count; at full size it is `python -m tests.crash`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import crash


@pytest.mark.timeout(240)
def test_kill_nine_of_the_engine_loses_and_repeats_nothing(tmp_path: Path, tmux_socket: str) -> None:
    outcomes, wrong = crash(kills=8, tasks=10, seed=7, home=tmp_path, socket=tmux_socket)
    assert wrong == []
    assert outcomes.total() == 10
