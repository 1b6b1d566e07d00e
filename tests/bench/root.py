"""One root with its own state and tmux server, for benchmarks."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Bench:
    """One root with its own state and tmux server."""

    home: Path
    socket: str
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keep = ("PATH", "LANG", "PYTHONPATH", "TMUX_TMPDIR", "VIRTUAL_ENV", "CCTUI_TEST")
        self.environ = {name: os.environ[name] for name in keep if name in os.environ} | {
            "HOME": str(self.home),
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
            "CCTUI_ROOT": str(self.root),
            "CCTUI_STATE": str(self.home / "state"),
            "CCTUI_CONFIG": str(self.home / "config.toml"),
            "CCTUI_TESTING": "1",
            "CCTUI_TMUX_SOCKET": self.socket,
            "CCTUI_RUN_SLOTS": "4",
            "CCTUI_CAPACITY_GATE": "off",
            "CCTUI_CLAUDE_COMMAND": "/bin/false",
            "TMUX_TMPDIR": os.environ.get("TMUX_TMPDIR", str(self.home)),
        }
        (self.root / "tasks" / "pending").mkdir(parents=True)
        (self.home / "out").mkdir()

    @property
    def root(self) -> Path:
        return self.home / "root"

    def engine(self, *args: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "cctui", "headless", *args]
        return subprocess.Popen(argv, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self) -> None:
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], env=self.environ, capture_output=True, check=False)
