"""What a person does on a phone, from the first key to the last, against the real program, tmux and files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.phone import PYTHON, ROOT, Phone
from tests.waiting import at_last

HELLO = "---\nrunner: shell\ncommand: {command}\npriority: {priority}\n---\n"


@pytest.fixture
def root(tmp_path: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks/pending").mkdir(parents=True)
    monkeypatch.setenv("CCTUI_ROOT", str(tmp_path))
    monkeypatch.setenv("CCTUI_STATE", str(tmp_path.parent / "state/cctui"))
    return tmp_path


@pytest.fixture
def phone(root: Path) -> Iterator[Phone]:
    phone = Phone("phone")
    yield phone
    phone.drop()
    ccq("headless", "--stop")


def ccq(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [*PYTHON, *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def drop(root: Path, name: str, command: str, priority: int = 5, more: str = "") -> None:
    text = HELLO.format(command=json.dumps(command), priority=priority)
    (root / name).mkdir(exist_ok=True)
    more += f"cwd: {name}\n"
    file = root / f"tasks/pending/{name}.md"
    file.with_suffix(".tmp").write_text(text.replace("---\n", f"---\n{more}", 1))
    file.with_suffix(".tmp").rename(file)


def listed(*words: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = json.loads(ccq("ls", "--json", *words).stdout)["data"]
    return data


def waiting() -> list[str]:
    """The queue's order as the command line tells it."""
    rows = [row for row in listed() if row["position"]]
    return [row["name"] for row in sorted(rows, key=lambda row: row["position"])]


def records(root: Path) -> list[dict[str, Any]]:
    file = root / "logs/scheduler/history.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_from_an_idea_to_a_record(root: Path, phone: Phone) -> None:
    phone.open("--no-tmux")
    phone.sees("No tasks yet", "n New")
    phone.press("n")
    phone.sees("New task")
    phone.type("$ echo from-the-train !2")
    phone.sees("shell")
    phone.press("Enter")
    phone.sees("History 100%")
    phone.press("3")
    phone.sees("echo-from-the-train", "done")
    done = records(root)
    assert [(one["success"], one["runner"]) for one in done] == [(True, "shell")]
    phone.press("Enter")
    phone.sees("‹", "done")


def test_the_order_is_changed_by_hand_and_stays(root: Path, phone: Phone) -> None:
    for name in ("alpha", "beta", "gamma"):
        drop(root, name, "true", more="paused: true\n")
    phone.open("--no-tmux")
    phone.sees("Queue 3", "1 ◐P alpha", "3 ◐P gamma")
    phone.press("G", "m")
    phone.sees("moving", "Drop", "Put back")
    phone.press("k", "k")
    phone.press("Enter")
    phone.sees("1 ◐P gamma", "2 ◐P alpha")
    at_last(lambda: waiting() == ["gamma", "alpha", "beta"])
    phone.press("J")
    phone.sees("1 ◐P alpha", "2 ◐P gamma")
    phone.press("u")
    phone.sees("1 ◐P gamma", "2 ◐P alpha")
    phone.press("G", "m", "t", "Escape")
    phone.sees("1 ◐P gamma", "3 ◐P beta")
    assert waiting() == ["gamma", "alpha", "beta"]


def test_pausing_keeps_it_from_running_and_going_on_runs_it(root: Path, phone: Phone) -> None:
    drop(root, "later", "echo ran", more="paused: true\n")
    phone.open("--no-tmux")
    phone.sees("later", "paused")
    phone.press("Space")
    phone.sees("History 100%")
    drop(root, "held", "echo ran", more="not_before: 2099-01-01T00:00:00\n")
    phone.sees("held", "waiting")
    phone.press("Space")
    phone.sees("paused")
    held = root / "tasks/pending/held.md"
    at_last(lambda: "paused: true" in held.read_text())
    phone.press("z")
    phone.press("N")
    phone.sees("Hold: nothing new starts")


def test_watching_a_run_from_close_by_and_coming_back(root: Path, phone: Phone) -> None:
    drop(root, "counter", "for i in $(seq 600); do echo beat $i; sleep 0.2; done")
    drop(root, "after", "echo went on while you watched", more="depends_on: [brief]\n")
    drop(root, "brief", "sleep 2")
    phone.open("--no-tmux")
    phone.sees("Runs 2")
    phone.press("2", "Enter")
    phone.sees("‹ counter", "beat")
    phone.press("a")
    phone.sees("back")
    phone.sees("beat")
    at_last(lambda: any(one["task_id"] == "after" for one in records(root)), 40)
    phone.press("F12")
    phone.sees("‹ counter")
    phone.press("Escape")
    phone.sees("1 Queue", "2 Runs 1")
    phone.press("a")
    phone.sees("back")
    phone.tap("back")
    phone.sees("1 Queue", "2 Runs 1")
    phone.press("x")
    phone.sees("Stop counter?")
    phone.press("y")
    phone.sees("Runs 0")


def test_a_dropped_line_leaves_a_headless_engine_and_the_same_place(root: Path, phone: Phone) -> None:
    drop(root, "long", "for i in $(seq 600); do echo tick $i; sleep 0.2; done")
    for name in ("one", "two", "three"):
        drop(root, name, "true", more="paused: true\n")
    phone.open("--no-tmux")
    phone.sees("Runs 1", "Queue 3")
    phone.press("1", "j", "j")
    row = next(line for line in phone.sees("▌").splitlines() if line.startswith("▌"))
    pid = json.loads(ccq("ls", "--json").stdout)["data"]
    run = next(one["run"]["run_id"] for one in pid if one["name"] == "long")
    phone.drop()
    at_last(lambda: (engine := owner()) and engine != "app", 30)
    still = next(one for one in listed() if one["name"] == "long")
    assert (still["state"], still["run"]["run_id"]) == ("running", run)
    phone.open("--no-tmux")
    phone.sees("Runs 1", row.strip("▌ ").split()[2], "▌")
    again = next(line for line in phone.screen().splitlines() if line.startswith("▌"))
    assert again.split()[:3] == row.split()[:3]


def test_leaving_it_to_a_headless_engine_and_coming_back(root: Path, phone: Phone) -> None:
    drop(root, "long", "for i in $(seq 600); do echo tick $i; sleep 0.2; done")
    phone.open("--no-tmux")
    phone.sees("Runs 1")
    phone.press("D")
    phone.sees("LEFT 0")
    assert owner() == "headless"
    phone.drop()
    phone.open("--no-tmux")
    phone.sees("Runs 1")
    phone.press("q")
    phone.sees("Close?", "Stay")
    phone.press("Escape")
    phone.sees("Runs 1")
    assert owner() == "headless"


def test_two_faces_at_once_see_the_same(root: Path, phone: Phone) -> None:
    for name in ("alpha", "beta"):
        drop(root, name, "true", more="paused: true\n")
    desk = Phone("desk", columns=120, rows=40)
    phone.open("--no-tmux")
    phone.sees("1 ◐P alpha")
    desk.open("--no-tmux")
    try:
        desk.sees("1 ◐P alpha", "History")
        desk.press("J")
        phone.sees("1 ◐P beta", "2 ◐P alpha")
        phone.press("j", "d")
        phone.sees("to the trash?")
        phone.press("y")
        desk.misses("alpha  ")
        desk.press("q")
        desk.sees("Close?")
        desk.press("c")
        desk.sees("LEFT 0")
        phone.sees("1 Queue 1")
    finally:
        desk.drop()


def test_in_our_own_tmux_a_lost_line_costs_nothing(root: Path, phone: Phone) -> None:
    """The way most people come: `cctui` from a plain terminal goes into its own tmux server."""
    drop(root, "one", "true", more="paused: true\n")
    phone.open()
    phone.sees("Queue 1", "one")
    before = owner()
    phone.drop()
    phone.open()
    phone.sees("Queue 1", "one")
    assert owner() == before
    phone.press("q")
    phone.sees("Leave")
    phone.press("s")
    phone.sees("LEFT 0")


def owner() -> str:
    """Who holds the engine: ``app``, ``headless``, or nobody."""
    lock = Path(os.environ["CCTUI_STATE"]) / "engine.lock"
    if not lock.exists() or not lock.read_text().strip():
        return ""
    try:
        command = Path(f"/proc/{json.loads(lock.read_text())['pid']}/cmdline").read_text()
    except (OSError, ValueError):
        return ""
    return "headless" if "headless" in command else "app"
