"""The same journey with the app in the engine's place: on a terminal of a phone's size, hosting the engine itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.headless import PATIENCE, Headless, environment
from tests.stub_api import Say, StubApi, Use
from tests.tui.ptys import Terminal

pytestmark = pytest.mark.real


@pytest.fixture
def app(
    stub: StubApi, isolation: Path, claude_program: str, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Headless, Terminal]]:
    """A root, and the app on it."""
    environ = environment(isolation, claude_program, stub.environment())
    root = Headless(Path(environ["CCTUI_ROOT"]), Path(environ["CCTUI_STATE"]), environ)
    (root.root / "tasks/pending").mkdir(parents=True)
    (root.root / "work").mkdir()
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal([sys.executable, "-m", "cctui", "--no-tmux"])
    try:
        yield root, terminal
    finally:
        terminal.end()


def test_a_file_dropped_beside_the_open_app_becomes_a_record(
    stub: StubApi, app: tuple[Headless, Terminal], tag: str
) -> None:
    root, terminal = app
    assert terminal.until(lambda said: b"Press n to write one" in said, PATIENCE)
    made = root.root / "work/made.txt"
    stub.script(tag, Use("Write", {"file_path": str(made), "content": "by claude"}), Say("Written."))
    root.drop("probe", f"---\ncwd: work\n---\ntalk:{tag} Do the work.\n")
    assert terminal.until(lambda said: root.where("probe") == ["completed"], PATIENCE), terminal.said[-2000:]
    assert terminal.until(lambda said: b"100%" in said, 20), "the history's rate is on the screen"
    line = root.record("probe")
    assert (line["success"], line["tokens"], line["tokens_source"]) == (True, stub.served(tag).total, "reported")
    assert "Written." in root.output(line["run_id"])
    assert (root.root / line["log_file"]).exists()
    terminal.type(b"q")
    assert terminal.until(lambda said: b"Leave cctui?" in said)
    terminal.type(b"s")
    assert terminal.end(20) == 0
