"""The runner alone, on real processes: no tmux, no scheduler."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cctui.runner import files
from tests.runner.legs import PYTHON, exit_record, make_leg, marked, run, shell, until, wrapper

TREE = str(Path(__file__).with_name("tree.py"))
KINDS = ["plain", "setsid", "daemon", "wiped", "deaf", "respawner"]


def lock_is_free(folder: Path) -> bool:
    with (folder / "lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


# --- one child -------------------------------------------------------------------------------------------------------


def test_exit_code_and_output_are_kept(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "printf 'one\\r\\033[31mtwo'; echo three >&2; exit 3")
    record = run(folder)
    assert (record["rc"], record["reason"], record["leg"]) == (3, "exit", 1)
    assert (folder / "output.log").read_bytes() == b"one\r\x1b[31mtwothree\n"
    assert 0 < record["duration_s"] < 10


def test_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    assert run(shell(tmp_path / "r", "kill -9 $$"))["rc"] == -9


def test_environment_is_exactly_the_plan_s(tmp_path: Path) -> None:
    folder = make_leg(tmp_path / "r", ["/usr/bin/env"], env={"ONE": "1 2", "PATH": "/bin"})
    run(folder)
    assert sorted((folder / "output.log").read_text().splitlines()) == ["CCTUI_RUN=r", "ONE=1 2", "PATH=/bin"]


def test_child_has_default_signals_and_its_own_session(tmp_path: Path) -> None:
    folder = make_leg(tmp_path / "r", ["grep", "-Eh", "Sig(Blk|Ign)|^[0-9]", "/proc/self/status", "/proc/self/stat"])
    run(folder)
    blocked, ignored, stat = (folder / "output.log").read_text().splitlines()
    # The real-time signals 32 and 33 are the C library's own business.
    assert int(blocked.split()[1], 16) == int(ignored.split()[1], 16) & 0x7FFF_FFFF == 0
    assert stat.split()[0] == stat.split()[5]


def test_stdin_is_the_named_file_then_end(tmp_path: Path) -> None:
    folder = make_leg(tmp_path / "r", ["cat"], stdin="prompt.md")
    (folder / "prompt.md").write_text("do it")
    run(folder)
    assert (folder / "output.log").read_text() == "do it"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cwd": "/nowhere/at/all"}, "The folder /nowhere/at/all does not exist"),
        ({"cwd": "/etc/hostname"}, "is not a folder"),
        ({"argv": ["no-such-program"]}, "`no-such-program` was not found on PATH"),
        ({"argv": ["/no/such/program"]}, "/no/such/program does not exist"),
        ({"stdin": "gone.md"}, "gone.md cannot be read"),
    ],
)
def test_what_cannot_be_started_says_why(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    folder = make_leg(tmp_path / "r", **{"argv": ["true"], **changes})  # type: ignore[arg-type]
    record = run(folder)
    assert (record["reason"], record["rc"]) == ("spawn", None)
    assert words in record["detail"]


# --- at most once ----------------------------------------------------------------------------------------------------


def test_of_many_runners_one_runs_it(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "echo ran; sleep 0.2")
    codes = [process.wait(30) for process in [wrapper(folder, stderr=subprocess.DEVNULL) for _ in range(5)]]
    assert sorted(codes) == [0, 125, 125, 125, 125]
    assert (folder / "output.log").read_text() == "ran\n"
    assert wrapper(folder, stderr=subprocess.DEVNULL).wait(30) == 125


def test_a_stop_asked_before_it_began_starts_nothing(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "echo ran")
    (folder / "stop").touch()
    record = run(folder)
    assert record["reason"] == "cancelled"
    assert not (folder / "output.log").exists()


# --- the whole tree --------------------------------------------------------------------------------------------------


def tree(folder: Path, tag: str, *kinds: str, **changes: object) -> Path:
    return make_leg(folder, [PYTHON, TREE, tag, str(folder.parent), *kinds], **changes)  # type: ignore[arg-type]


def test_the_time_limit_ends_every_kind_of_process(tmp_path: Path, tag: str) -> None:
    folder = tree(tmp_path / "r", tag, *KINDS, timeout=1.5)
    record = run(folder)
    assert all((tmp_path / kind).exists() for kind in KINDS)
    assert marked(tag) == []
    assert record["reason"] == "timeout"
    assert "had to be killed" in record["detail"]
    assert record["duration_s"] >= 2.0  # the limit and the grace


def test_term_ends_every_kind_of_process(tmp_path: Path, tag: str) -> None:
    folder = tree(tmp_path / "r", tag, *KINDS)
    process = wrapper(folder)
    until((tmp_path / "main").exists)
    process.terminate()
    assert process.wait(15) == 0
    assert marked(tag) == []
    assert exit_record(folder)["reason"] == "cancelled"


def test_what_a_finished_child_left_is_ended(tmp_path: Path, tag: str) -> None:
    record = run(tree(tmp_path / "r", tag, *KINDS, "leave"))
    assert marked(tag) == []
    assert (record["reason"], record["rc"]) == ("exit", 0)
    assert "left behind" in record["detail"]


def test_a_child_that_obeys_term_is_not_killed(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "trap 'exit 7' TERM; while :; do sleep 0.05; done", timeout=0.5, grace=10.0)
    record = run(folder)
    assert (record["rc"], record["reason"]) == (7, "timeout")
    assert record["duration_s"] < 5


# --- any pane, or none -----------------------------------------------------------------------------------------------


def test_without_standard_descriptors(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "echo out; echo err >&2; touch up; while [ ! -e go ]; do sleep 0.01; done")

    def close() -> None:
        for fd in (0, 1, 2):
            os.close(fd)

    process = wrapper(folder, stdin=None, stdout=None, preexec_fn=close)
    until((tmp_path / "up").exists)
    assert {str(Path(f"/proc/{process.pid}/fd/{fd}").readlink()) for fd in (0, 1, 2)} == {"/dev/null"}
    (tmp_path / "go").touch()
    assert process.wait(30) == 0
    assert (folder / "output.log").read_text() == "out\nerr\n"
    assert (folder / "lock").read_bytes() == b""


def pane() -> tuple[int, int]:
    return pty.openpty()


def own_terminal(fd: int) -> None:
    os.setsid()
    fcntl.ioctl(fd, __import__("termios").TIOCSCTTY, 0)


def test_a_pane_that_nobody_drains_delays_nothing(tmp_path: Path, tag: str) -> None:
    script = f"head -c 3000000 /dev/zero | tr '\\0' 'x'; exec sleep 60 # {tag}"
    folder = shell(tmp_path / "r", script, timeout=1.0)
    reader, terminal = pane()
    began = time.monotonic()
    process = wrapper(folder, stdout=terminal, preexec_fn=lambda: own_terminal(1))
    os.close(terminal)
    assert process.wait(30) == 0
    assert time.monotonic() - began < 8
    os.close(reader)
    assert exit_record(folder)["reason"] == "timeout"
    assert (folder / "output.log").stat().st_size == 3_000_000
    assert marked(tag) == []


def test_a_pane_that_dies_takes_nothing_along(tmp_path: Path) -> None:
    script = "for i in 1 2 3; do echo $i; sleep 0.1; done; while [ ! -e go ]; do sleep 0.01; done; echo end"
    folder = shell(tmp_path / "r", script)
    reader, terminal = pane()
    process = wrapper(folder, stdout=terminal, preexec_fn=lambda: own_terminal(1))
    os.close(terminal)
    os.read(reader, 100)
    os.close(reader)  # SIGHUP for the session leader, EIO for every write
    (tmp_path / "go").touch()
    assert process.wait(30) == 0
    assert (folder / "output.log").read_text() == "1\n2\n3\nend\n"
    assert exit_record(folder)["rc"] == 0


def shown(folder: Path, leg: int = 1) -> str:
    """What a pane shows of the leg, from its first byte to its last."""
    reader, terminal = pane()
    process = wrapper(folder, leg, stdout=terminal, preexec_fn=lambda: own_terminal(1))
    os.close(terminal)
    parts: list[bytes] = []

    def drain() -> None:
        try:
            while data := os.read(reader, 4096):
                parts.append(data)
        except OSError:
            return  # the other end is gone

    thread = threading.Thread(target=drain)
    thread.start()
    assert process.wait(30) == 0
    thread.join(10)
    os.close(reader)
    return b"".join(parts).decode()


def test_no_control_code_reaches_the_pane(tmp_path: Path) -> None:
    evil = r"a\033]0;title\007b\033[2J\033[31mred\033[0m\033]52;c;aGk=\033\\c\033Pq\033\\d\007\n"
    text = shown(shell(tmp_path / "r", f"printf '{evil}'", banner="▶ task \x1b[2J"))
    assert "ab\x1b[31mred\x1b[0mcd\r\n" in text
    assert text.startswith("▶ task \r\n")
    assert "\x1b]" not in text and "\x1b[2J" not in text and "\x07" not in text
    assert text.rstrip().endswith("■ exit 0 · 0 s")


def test_keys_in_the_pane_do_not_end_the_run(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "echo up; while [ ! -e go ]; do sleep 0.01; done; echo end", banner="x")
    reader, terminal = pane()
    process = wrapper(folder, stdin=terminal, stdout=terminal, preexec_fn=lambda: own_terminal(1))
    os.close(terminal)
    got = b""
    while b"up" not in got:
        got += os.read(reader, 100)
    os.write(reader, b"\x03\x1c\x1a")
    (tmp_path / "go").touch()
    while b"exit 0" not in got:
        got += os.read(reader, 100)
    os.close(reader)
    assert process.wait(30) == 0
    assert exit_record(folder)["reason"] == "exit"


# --- Claude's stream -------------------------------------------------------------------------------------------------


def event(**fields: object) -> str:
    return json.dumps(fields)


def said(text: str) -> str:
    return event(type="assistant", message={"id": "m", "content": [{"type": "text", "text": text}]})


def test_the_stream_is_kept_byte_for_byte_and_read_aloud(tmp_path: Path) -> None:
    lines = [
        event(type="system", subtype="init", model="claude-x", permissionMode="dontAsk"),
        said("Hello\nworld"),
        "no json at all",
        event(
            type="assistant", message={"content": [{"type": "tool_use", "name": "Bash", "input": {"command": "ls"}}]}
        ),
        event(type="result", subtype="success", is_error=False, result="Hello\nworld"),
    ]
    text = "\n".join(lines)  # the last line lacks its end
    (tmp_path / "stream").write_text(text)
    folder = make_leg(tmp_path / "r", ["cat", str(tmp_path / "stream")], stdout="stream", render="claude")
    run(folder)
    assert (folder / "stream.jsonl").read_text() == text
    log = (folder / "output.log").read_text().splitlines()
    assert log[:4] == ["● claude-x · dontAsk", "Hello", "world", "▸ Bash  ls"]
    assert log[-1].startswith("✓ done")


def test_a_second_leg_starts_on_a_line_of_its_own(tmp_path: Path) -> None:
    folder = make_leg(tmp_path / "r", ["printf", '{"torn'], stdout="stream", render="claude")
    run(folder)
    make_leg(folder, ["echo", said("again")], leg=2, stdout="stream", render="claude")
    record = run(folder, 2)
    assert record["leg"] == 2
    assert (folder / "stream.jsonl").read_text() == '{"torn\n' + said("again") + "\n"
    assert (folder / "output.log").read_text() == "again\n"


def test_much_output_is_not_lost(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "seq 1 300000", stdout="stream", render="claude")
    run(folder)
    assert (folder / "stream.jsonl").read_text().splitlines() == [str(number) for number in range(1, 300_001)]


@pytest.mark.parametrize("write", [files.put, files.claim])
def test_a_full_disk_leaves_no_drafts_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[str, str, dict[str, Any]], object]
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(str(tmp_path), "exit.json", {"rc": 0})
    assert list(tmp_path.iterdir()) == []


# --- a disk that is full, or cannot be written -----------------------------------------------------------------------

NO_SPACE = """
import errno, os, sys, time
sys.path.insert(0, {root!r})
from cctui.runner import files, supervise
real = files.put
def put(folder, name, value):
    open(os.path.join(folder, "tried"), "w").close()
    if not os.path.exists(os.path.join(folder, "space")):
        raise OSError({number}, "full")
    real(folder, name, value)
files.put = put
sys.exit(supervise.supervise({folder!r}, 1))
"""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_stop_while_the_disk_is_full_does_not_lose_the_record(tmp_path: Path, number: int) -> None:
    folder = shell(tmp_path / "r", "exit 5")
    root = str(Path(files.__file__).resolve().parents[2])
    code = NO_SPACE.format(root=root, folder=str(folder), number=number)
    process = subprocess.Popen([PYTHON, "-I", "-S", "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until((folder / "tried").exists)
    for request in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        process.send_signal(request)
    (folder / "tried").unlink()
    until((folder / "tried").exists)  # it has tried again after the signals
    assert process.poll() is None and not lock_is_free(folder)
    (folder / "space").touch()
    assert process.wait(15) == 0
    assert (exit_record(folder)["rc"], exit_record(folder)["reason"]) == (5, "exit")


def test_a_run_folder_that_cannot_be_written_starts_nothing(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "touch began")
    (folder / "output.log").mkdir()
    record = run(folder)
    assert record["reason"] == "spawn" and "cannot be written" in record["detail"]
    assert not (tmp_path / "began").exists()


# --- secrets ---------------------------------------------------------------------------------------------------------

KEY = "sk-ant-oat01-" + "aB3" * 20


def with_secrets(folder: Path, *values: object) -> Path:
    (folder / "secrets.json").write_text(json.dumps({"values": values}))
    return folder


def test_the_pane_of_a_shell_leg_shows_no_secret_and_the_log_stays_raw(tmp_path: Path) -> None:
    script = f"printf 'a {KEY[:20]}'; sleep 0.3; printf '{KEY[20:]} b\\n'; echo hunter-two-17; printf '{KEY}'"
    text = shown(with_secrets(shell(tmp_path / "r", script, banner=f"▶ {KEY}"), "hunter-two-17", 7))
    assert text.split("\r\n")[:4] == ["▶ sk-ant-[redacted]", "a sk-ant-[redacted] b", "[redacted]", "sk-ant-[redacted]"]
    log = tmp_path / "r/output.log"
    assert log.read_text() == f"a {KEY} b\nhunter-two-17\n{KEY}"
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_readable_log_of_claude_holds_no_secret_and_the_stream_stays_raw(tmp_path: Path) -> None:
    (tmp_path / "stream").write_text(said(f"It is {KEY} and hunter-two-17.") + "\n")
    folder = make_leg(tmp_path / "r", ["cat", str(tmp_path / "stream")], stdout="stream", render="claude")
    assert "It is sk-ant-[redacted] and [redacted]." in shown(with_secrets(folder, "hunter-two-17"))
    assert (folder / "output.log").read_text() == "It is sk-ant-[redacted] and [redacted].\n"
    assert KEY in (folder / "stream.jsonl").read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"values": 7}', '{"values": "abc"}', '{"values": [null, ""]}'])
def test_a_broken_list_of_secrets_stops_no_run(tmp_path: Path, text: str) -> None:
    folder = shell(tmp_path / "r", "echo abc")
    (folder / "secrets.json").write_text(text)
    assert "abc\r\n" in shown(folder)
    assert exit_record(folder)["rc"] == 0


# --- the lock --------------------------------------------------------------------------------------------------------


def test_the_lock_is_held_for_the_runner_s_life_and_not_by_its_child(tmp_path: Path, tag: str) -> None:
    folder = shell(tmp_path / "r", f"touch up; exec sleep 60 # {tag}")
    process = wrapper(folder)
    until((tmp_path / "up").exists)
    assert not lock_is_free(folder)
    process.kill()
    process.wait(10)
    assert lock_is_free(folder)
    assert not (folder / "exit.json").exists()
    for pid in marked(tag) or []:
        os.kill(pid, signal.SIGKILL)


def test_start_file_tells_who(tmp_path: Path) -> None:
    folder = shell(tmp_path / "r", "while [ ! -e go ]; do sleep 0.01; done")
    process = wrapper(folder)
    start = until(
        lambda: json.loads((folder / "start-1.json").read_text()) if (folder / "start-1.json").exists() else None
    )
    ticks = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19])
    assert (start["pid"], start["pid_start"]) == (process.pid, ticks)
    assert start["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (tmp_path / "go").touch()
    assert process.wait(15) == 0
    record = exit_record(folder)
    assert {key: record[key] for key in ("leg", "pid", "pid_start", "boot", "started")} == start
