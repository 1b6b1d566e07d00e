"""The verbs with a real engine in another process: over its socket, with real tmux and shell tasks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cctui.cli.main import ccq as program
from cctui.lock import Lock
from cctui.places import find_places

REPOSITORY = Path(__file__).resolve().parent.parent.parent
HEAVY = ("textual", "httpx", "libtmux", "asyncio", "yaml", "tinydb", "croniter", "cctui.core")

Ran = subprocess.CompletedProcess[str]


def ccq(*args: str) -> Ran:
    """A verb in this process; the engine it talks to is another one."""
    result = CliRunner().invoke(program, list(args), prog_name="ccq")
    return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)


def alone(*args: str) -> Ran:
    """`cctui` as a process of its own: where it is the engine, or what it imports matters."""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    argv = [sys.executable, "-m", "cctui", *args]
    return subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=60, check=False)


def data(ran: Ran) -> Any:
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)["data"]


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll for something true with a deadline."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


@pytest.fixture
def root(tmp_path: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "r/tasks/pending").mkdir(parents=True)
    monkeypatch.setenv("CCTUI_ROOT", str(tmp_path / "r"))
    monkeypatch.setenv("CCTUI_CLAUDE_COMMAND", "/no/such/claude")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "r"


@pytest.fixture
def engine(root: Path) -> Iterator[int]:
    """A detached engine; its process id."""
    started = ccq("headless", "--detach", "--json")
    pid = int(data(started)["pid"])
    yield pid
    ccq("headless", "--stop")
    until(lambda: Lock(find_places(None, os.environ, root).lock).owner() is None)


def row(name: str) -> Any:
    return next((found for found in data(ccq("ls", "--json")) if found["name"] == name), None)


def test_a_task_from_add_to_history(engine: int, root: Path) -> None:
    assert ccq("add", "--runner", "shell", "--command", "echo hello; echo there", "-n", "greet").stdout == "greet\n"
    until(lambda: (row("greet") or {})["state"] == "done")
    assert ccq("logs", "greet").stdout == "hello\nthere\n"
    assert ccq("peek", "greet", "-n", "1").stdout == "there\n"
    history = data(ccq("history", "--json"))
    assert [(line["task_id"], line["success"]) for line in history["records"]] == [("greet", True)]
    assert ccq("history", "--failed", "--json").returncode == 0
    assert (root / "tasks/completed/greet.md").exists()


def test_what_was_changed_is_seen_at_once(engine: int, root: Path) -> None:
    for name in ("a", "b"):
        ccq("add", "Think", "-n", name, "--field", "paused=true")
        assert row(name)["state"] == "paused"
    assert ccq("edit", "b", "--field", "priority=1").returncode == 0
    assert row("b")["priority"] == 1
    assert ccq("move", "a", "top").returncode == 0
    assert row("a")["position"] == 1
    assert ccq("pause", "a").returncode == 1
    assert ccq("resume", "a").stdout == "a may start again\n"
    assert row("a")["reason"]["why"] == "program"
    assert ccq("add", "Think", "-n", "a").returncode == 1
    assert ccq("rm", "a").returncode == 0
    assert row("a") is None
    assert ccq("why", "nobody").returncode == 3
    assert data(ccq("status", "--json"))["engine"] is True


def test_undo_reaches_back_over_the_engine_s_life(engine: int, root: Path) -> None:
    for name in ("a", "b"):
        ccq("add", "Think", "-n", name, "--field", "paused=true")
    file = root / "tasks/pending/b.md"
    whole = file.read_text()
    for verb in (["edit", "b", "--field", "model=opus"], ["move", "b", "top"], ["rm", "b"]):
        assert ccq(*verb).returncode == 0
    assert not file.exists()
    assert data(ccq("plan", "--json"))["tasks"]
    assert "has ended" in ccq("headless", "--stop").stdout
    ccq("headless", "--detach")
    labels = [step["label"] for step in data(ccq("undo", "--list", "--json"))]
    assert labels == ["b is in the trash", "b moved", "b: model changed", "b is in the queue", "a is in the queue"]
    assert ccq("undo").stdout == "taken back: b is in the trash\n"
    assert "model: opus" in file.read_text()
    assert (row("b")["position"], row("a")["position"]) == (1, 2)
    assert ccq("undo").stdout == "taken back: b moved\n"
    assert (row("b")["position"], row("a")["position"]) == (2, 1)
    assert data(ccq("undo", "--json")) == {"task": None, "text": "taken back: b: model changed", "left": 2}
    assert file.read_text() == whole
    assert [ccq("undo").returncode for _ in range(3)] == [0, 0, 3]
    assert row("a") is None and not file.exists()


def test_hold_run_attach_and_stop(engine: int, root: Path) -> None:
    assert ccq("hold").returncode == 0
    ccq("add", "--runner", "shell", "--command", "echo begun; sleep 60", "-n", "long")
    assert row("long")["reason"]["why"] == "hold"
    refused = ccq("run", "long", "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["data"]["why"] == "hold"
    assert ccq("run", "long", "--force").returncode == 0
    until(lambda: row("long")["state"] == "running")
    until(lambda: row("long")["run"]["last_line"] == "begun")
    argv = data(ccq("attach", "long", "--json"))["argv"]
    assert argv[0] == os.environ.get("CCTUI_TMUX_COMMAND", "tmux")
    assert argv[-1] == f"={row('long')['run']['session']}"
    assert ccq("rm", "long").returncode == 1
    assert ccq("stop", "long").returncode == 0
    until(lambda: row("long")["state"] == "failed")
    assert data(ccq("history", "--json"))["records"][0]["status"] == "cancelled"
    assert ccq("release").returncode == 0


def test_a_second_engine_is_refused_and_the_first_can_be_ended(engine: int, root: Path) -> None:
    again = ccq("headless", "--once")
    assert again.returncode == 6
    assert str(engine) in again.stderr
    assert ccq("headless", "--detach").returncode == 6
    assert "has ended" in ccq("headless", "--stop").stdout
    assert ccq("headless", "--stop").returncode == 3


def test_sigterm_ends_the_engine_and_not_its_runs(engine: int, root: Path) -> None:
    ccq("add", "--runner", "shell", "--command", "sleep 2; touch done", "-n", "slow", "--cwd", str(root))
    until(lambda: row("slow")["state"] == "running")
    os.kill(engine, signal.SIGTERM)
    until(lambda: ccq("headless", "--stop").returncode == 3)
    assert (root / "tasks/active/slow.md").exists()
    until((root / "done").exists)
    assert alone("headless", "--once").returncode == 0
    assert (root / "tasks/completed/slow.md").exists()


def test_a_question_to_an_engine_loads_nothing_heavy(engine: int, root: Path) -> None:
    ccq("add", "Think", "-n", "a")
    loaded = heavy_modules("ls", "--json")
    assert loaded == []


def test_a_question_to_the_disk_loads_no_face_and_no_network(root: Path) -> None:
    ccq("add", "Think", "-n", "a")
    loaded = heavy_modules("ls", "--json")
    assert not {"textual", "httpx", "libtmux", "asyncio"} & set(loaded)


def heavy_modules(*args: str) -> list[str]:
    """Which of the heavy packages a verb imports."""
    code = (
        "import sys\nfrom cctui.cli.main import ccq\n"
        "try:\n    ccq()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    argv = [sys.executable, "-c", code, *args]
    ran = subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=60, check=True)
    assert json.loads(ran.stdout)["data"]
    found: list[str] = json.loads(ran.stderr.strip().splitlines()[-1].replace("'", '"'))
    return found


# --- without a screen ------------------------------------------------------------------------------------------------


def test_once_drains_the_queue_prints_events_and_says_why_the_rest_waits(root: Path) -> None:
    ccq("add", "--runner", "shell", "--command", "echo 1", "-n", "first")
    ccq("add", "--runner", "shell", "--command", "echo 2", "-n", "second", "--after", "first")
    ccq("add", "--runner", "shell", "--command", "echo 3", "-n", "later", "--at", "+3h")
    ran = alone("headless", "--once")
    assert ran.returncode == 0, ran.stderr
    assert "first started" in ran.stdout
    assert ran.stdout.index("first") < ran.stdout.index("second")
    assert "later waits: starts at" in ran.stderr
    assert sorted(path.name for path in (root / "tasks/completed").iterdir()) == ["first.md", "second.md"]


def test_once_prints_json_lines_when_asked(root: Path) -> None:
    ccq("add", "--runner", "shell", "--command", "echo 1", "-n", "first")
    ran = alone("headless", "--once", "--json")
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {"at", "level", "text", "task", "run_id"} == set(events[0])
    assert any(event["text"].startswith("first") and event["level"] == "good" for event in events)


def test_run_without_an_engine_runs_that_task_and_no_other(root: Path) -> None:
    for name in ("one", "two"):
        ccq("add", "--runner", "shell", "--command", f"echo {name}", "-n", name, "--at", "+3h")
    ran = alone("run", "one")
    assert ran.returncode == 0, ran.stderr
    assert row("one")["state"] == "done"
    assert row("two")["state"] == "waiting"
    assert ccq("run", "nobody").returncode == 3
    assert ccq("run").returncode == 3


@pytest.mark.parametrize(("command", "code", "state"), [("echo one", 0, "done"), ("exit 3", 1, "failed")])
def test_run_without_an_engine_ends_as_its_task_ended(root: Path, command: str, code: int, state: str) -> None:
    """The engine's first look at the queue starts the task by itself: that refuses nothing."""
    ccq("add", "--runner", "shell", "--command", command, "-n", "one", "--field", "max_attempts=1")
    ran = alone("run", "one")
    assert ran.returncode == code, ran.stderr
    assert "runs already" not in ran.stderr
    assert row("one")["state"] == state


def test_run_without_an_engine_says_what_keeps_a_task_from_starting(root: Path) -> None:
    ccq("add", "--runner", "shell", "--command", "echo one", "-n", "one", "--field", "paused=true")
    (root / "tasks/pending/bad.md").write_text("---\npriority: high\n---\nDo it.\n")
    held, broken = alone("run", "one"), alone("run", "bad")
    assert (held.returncode, broken.returncode) == (1, 4)
    assert "paused" in held.stderr
    assert "priority must be a whole number" in broken.stderr


def test_stop_names_an_engine_that_cannot_be_reached(engine: int, root: Path) -> None:
    socket = find_places(None, os.environ, root).socket
    away = socket.with_suffix(".away")
    socket.rename(away)
    stopped = ccq("headless", "--stop")
    away.rename(socket)
    assert stopped.returncode == 6
    assert f"`kill {engine}` ends it" in stopped.stderr


def test_run_all_starts_the_rest_when_one_is_refused(engine: int, root: Path) -> None:
    ccq("hold")
    for name in ("a", "b"):
        ccq("add", "--runner", "shell", "--command", f"echo {name}", "-n", name)
    ccq("pause", "a")
    ran = ccq("run", "--all", "--force", "--json")
    told = json.loads(ran.stdout)
    assert ran.returncode == 0
    assert sorted(told["data"]["tasks"]) == ["a", "b"]
    until(lambda: row("a")["state"] == row("b")["state"] == "done")
    (root / "tasks/pending/c.md").write_text("---\nrunner: loop\npriority: 1\n---\nDo it.\n")
    ccq("add", "--runner", "shell", "--command", "echo d", "-n", "d")
    until(lambda: row("c") and row("d"))
    told = json.loads(ccq("run", "--all", "--force", "--json").stdout)
    assert told["data"]["tasks"] == ["d"]
    assert [error.partition(": ")[0] for error in told["errors"]] == ["c"]


def test_missing_tmux_is_exit_7(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCTUI_TMUX_COMMAND", "/no/such/tmux")
    ran = ccq("headless", "--once")
    assert ran.returncode == 7
    assert "tmux" in ran.stderr


def test_logs_follow_a_run_to_its_end(engine: int, root: Path) -> None:
    ccq("add", "--runner", "shell", "--command", "for i in 1 2 3; do echo $i; sleep 0.2; done", "-n", "count")
    until(lambda: row("count")["run"] or row("count")["state"] == "done")
    until(lambda: ccq("peek", "count").returncode == 0)
    assert ccq("logs", "-f", "count").stdout == "1\n2\n3\n"


def test_python_m_cctui_is_the_same_program(root: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    argv = [sys.executable, "-m", "cctui", "nonsense"]
    ran = subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=60, check=False)
    assert ran.returncode == 2
    assert "Usage: cctui" in ran.stderr or "Usage: python -m cctui" in ran.stderr


def test_a_closed_pipe_is_no_error(root: Path) -> None:
    code = "from cctui.cli.main import ccq; ccq()"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, "-c", code, "config"]
    ran = subprocess.run(argv, stdout=writing, stderr=subprocess.PIPE, env=environ, timeout=60, check=False)
    os.close(writing)
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr
