"""The app on a pseudo terminal: first paint, idle processor time, bytes to the terminal, memory, what a key costs."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

from tests.bench.measure import Figure
from tests.bench.root import Bench

MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("painted")
Minimal().run()
"""
STARTS = 7
DOWN, UP, CHANGES = 40, 20, 3
TICKS = os.sysconf("SC_CLK_TCK")


class Screen:
    """A program on a pseudo terminal of a given size."""

    def __init__(self, argv: list[str], environ: dict[str, str], columns: int = 48, rows: int = 18) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(argv[0], argv, {**environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> bytes:
        """All output within `seconds`."""
        out, end = b"", time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    out += os.read(self.fd, 65536)
                except OSError:
                    break
        return out

    def painted(self, text: bytes, seconds: float = 30) -> float:
        """Milliseconds from the start until `text` has been written."""
        out, end = b"", time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.2)[0]:
                out += os.read(self.fd, 65536)
                if text in out:
                    return (time.perf_counter() - self.started) * 1000
        raise RuntimeError(f"{text!r} was never painted; the end of the output: {out[-300:]!r}")

    def some(self, seconds: float) -> bytes:
        """The next output, as soon as there is any; empty when none came."""
        return os.read(self.fd, 65536) if select.select([self.fd], [], [], seconds)[0] else b""

    def since_start(self) -> float:
        """Milliseconds."""
        return (time.perf_counter() - self.started) * 1000

    def seconds_used(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def megabytes(self) -> float:
        line = next(x for x in Path(f"/proc/{self.pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="cct-") as home:
        bench = Bench(Path(home), f"cct-bench-{Path(home).name[-6:]}")
        bench.environ["CCTUI_UI_ON_HANGUP"] = "stop"
        try:
            return [*_start(bench), *_idle(bench), *_wire(bench)]
        finally:
            bench.end()


def _app(bench: Bench) -> list[str]:
    return [sys.executable, "-m", "cctui", "--no-tmux", "--root", str(bench.root)]


def _once(argv: list[str], bench: Bench, text: bytes) -> float:
    screen = Screen(argv, bench.environ)
    try:
        return screen.painted(text)
    finally:
        screen.close()


def _start(bench: Bench) -> list[Figure]:
    minimal = [sys.executable, "-c", MINIMAL]
    pairs = [(_once(minimal, bench, b"painted"), _once(_app(bench), bench, b"Queue")) for _ in range(STARTS + 1)][1:]
    base, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    return [Figure("app start → first paint", ours / base, "×", 1.25, f"minimal Textual app, {base:.0f} ms")]


def _wire(bench: Bench) -> list[Figure]:
    """What a key, and a change of one task, cost the line: with the thousand tasks of `_idle`, and no countdown."""
    (bench.home / "state" / "capacity.jsonl").unlink()
    screen = Screen(_app(bench), bench.environ)
    try:
        screen.painted(b"Queue")
        screen.read(6)
        spent = []
        for key in (b"j" * DOWN + b"k" * UP).decode():
            os.write(screen.fd, key.encode())
            spent.append(len(screen.read(0.12)))
        os.write(screen.fd, b"g")
        screen.read(2)
        quiet = len(screen.read(3))
        changes = []
        for number in range(CHANGES):
            task = bench.root / "tasks" / "pending" / f"t{7 * number}.md"  # those of priority 0 stand on top
            stood = task.stat().st_mtime_ns
            task.write_text(task.read_text().replace("not_before: 2099-01-01T00:00:00", "paused: true"))
            os.utime(task, ns=(stood, stood))  # a newer one would stand behind its equals
            changes.append(len(screen.read(3)) - quiet)
    finally:
        screen.close()
    return [
        Figure("scrolling 1,000 rows at 48×18", statistics.mean(spent), "bytes/key", 1500.0, f"{len(spent)} keys"),
        Figure("one task changes at 48×18", statistics.median(changes), "bytes", 400.0, f"{CHANGES} changes"),
    ]


def _idle(bench: Bench) -> list[Figure]:
    for number in range(1000):
        text = (
            f"---\nrunner: shell\ncommand: 'true'\nnot_before: 2099-01-01T00:00:00\npriority: {number % 7}\n---\nwork\n"
        )
        (bench.root / "tasks" / "pending" / f"t{number}.md").write_text(text)
    reset = time.time() + 3 * 3600
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    until = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(reset))
    sample = (
        f'{{"window": "five_hour", "used": 42.0, "resets_at": "{until}", "source": "stream", '
        f'"observed_at": "{stamp}", "confidence": "exact", "rejected": false, "account": "default"}}\n'
    )
    (bench.home / "state").mkdir(exist_ok=True)
    (bench.home / "state" / "capacity.jsonl").write_text(sample)
    screen = Screen(_app(bench), bench.environ)
    try:
        screen.painted(b"Queue")
        screen.read(6)
        used, seconds = screen.seconds_used(), 20.0
        wrote = len(screen.read(seconds))
        used = (screen.seconds_used() - used) / seconds * 100
        memory = screen.megabytes()
        os.write(screen.fd, b"\x1b[O")
        screen.read(2)
        unseen = len(screen.read(10))
    finally:
        screen.close()
    return [
        Figure("idle, processor", used, "% of a core", 0.5, "1,000 tasks, ticking countdown"),
        Figure("idle, to the terminal at 48×18", wrote / seconds, "bytes/s", 120.0),
        Figure("idle, focus lost", unseen / 10, "bytes/s", 0.0),
        Figure("memory, 1,000 tasks", memory, "MB", 80.0),
    ]
