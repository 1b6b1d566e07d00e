"""A connection that drops, on a real terminal line with the real engine: a run goes on untouched, an engine stays, and
whoever comes back is where they were."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cctui.cli.main import ccq
from cctui.lock import start_ticks
from tests.cli.test_app import Terminal, engine_of, terminal, until

TASK = """---
runner: shell
command: 'echo "at work as $$"; echo $$ > {pid}; while [ ! -e {end} ]; do sleep 0.1; done; echo done > {out}'
---
wait for a file
"""


class Work:
    """A shell task that runs until it is told to end."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.pid, self.end, self.out = (folder / name for name in ("pid", "end", "out"))
        (root / "tasks/pending/long-work.md").write_text(TASK.format(pid=self.pid, end=self.end, out=self.out))

    def runs(self) -> tuple[int, str] | None:
        """Process id and start time, once it is at work."""
        if not self.pid.exists() or not self.pid.read_text().strip():
            return None
        pid = int(self.pid.read_text())
        ticks = start_ticks(pid)
        return (pid, ticks) if ticks else None


@pytest.fixture
def root(tmp_path: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "r"
    (folder / "tasks/pending").mkdir(parents=True)
    monkeypatch.setenv("CCTUI_ROOT", str(folder))
    monkeypatch.setenv("CCTUI_CLAUDE_COMMAND", "/no/such/claude")
    yield folder
    CliRunner().invoke(ccq, ["--root", str(folder), "headless", "--stop"])


@pytest.fixture
def work(root: Path, tmp_path: Path) -> Iterator[Work]:
    made = Work(root, tmp_path)
    yield made
    made.end.touch()


def drop(host: Terminal) -> None:
    host.close()


def end(host: Terminal) -> None:
    os.kill(host.process.pid, signal.SIGTERM)
    until(lambda: host.shows("") and host.process.poll() is not None)


@pytest.mark.parametrize("how", [drop, end])
def test_an_engine_stays_the_run_goes_on_and_the_way_back_leads_to_the_same_place(
    root: Path, work: Work, how: object
) -> None:
    assert callable(how)
    with terminal("--no-tmux") as host:
        until(lambda: host.shows("Queue"))
        until(work.runs)
        running = work.runs()
        host.press("2")
        until(lambda: host.shows("Accept") or host.shows("Take over") or host.shows("Attach"))
        host.press("l")
        until(lambda: host.shows("at work as"))
        hosting = engine_of(root)
        assert hosting == host.process.pid
        how(host)
        assert host.process.returncode == 0
    until(lambda: engine_of(root) not in (None, hosting))
    assert work.runs() == running
    with terminal("--no-tmux") as again:
        until(lambda: again.shows("at work as"))
        assert engine_of(root) != again.process.pid
        again.press("\x1b")
        until(lambda: again.shows("long-work"))
        assert not again.shows("waits")
        work.end.touch()
        until(work.out.exists)
        until(lambda: "long-work" in str(list((root / "tasks/completed").glob("*.md"))))
    assert engine_of(root) is not None


def test_where_it_is_so_set_nothing_stays_but_the_run(root: Path, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCTUI_UI_ON_HANGUP", "stop")
    with terminal("--no-tmux") as host:
        until(lambda: host.shows("Queue"))
        until(work.runs)
        running = work.runs()
        drop(host)
        assert host.process.returncode == 0
    assert engine_of(root) is None
    assert work.runs() == running
