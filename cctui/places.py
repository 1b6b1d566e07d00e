"""Where everything lies: ROOT (what a person wants), STATE (what the machine knows), CONFIG, and the socket.

Path arithmetic over the environment.  Promises: the same root gives the same state folder from wherever it is asked;
STATE never lies inside ROOT (a synced vault would break it).  The only thing it ever writes is folders, in `make`.
"""

from __future__ import annotations

import os
import stat
from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PHASES = ("pending", "active", "completed", "failed", "recurring")
SOCKET_BYTES = 107
"""What a Unix socket's address holds."""


class PlacesError(Exception):
    """A folder that cannot be used, and what to do."""


@dataclass(frozen=True, slots=True)
class Places:
    root: Path
    state: Path
    config: Path
    socket: Path

    @property
    def tasks(self) -> Path:
        return self.root / "tasks"

    @property
    def agents(self) -> Path:
        return self.root / "agents"

    @property
    def context(self) -> Path:
        return self.root / "context"

    @property
    def notes(self) -> Path:
        return self.root / "logs" / "scheduler"

    @property
    def history(self) -> Path:
        return self.notes / "history.jsonl"

    @property
    def reports(self) -> Path:
        return self.notes / "reports"

    @property
    def runs(self) -> Path:
        return self.state / "runs"

    @property
    def db(self) -> Path:
        return self.state / "db.json"

    @property
    def capacity(self) -> Path:
        return self.state / "capacity.jsonl"

    @property
    def windows(self) -> Path:
        return self.state / "windows.jsonl"

    @property
    def lock(self) -> Path:
        return self.state / "engine.lock"

    @property
    def log(self) -> Path:
        return self.state / "cctui.log"

    @property
    def trash(self) -> Path:
        return self.state / "trash"


def find_places(root: str | None, environ: Mapping[str, str], cwd: Path, configured_root: str | None = None) -> Places:
    """`root` is what --root said.  PlacesError when STATE would lie inside ROOT."""
    home = Path(environ.get("HOME") or Path("~").expanduser())
    found = _root(root or environ.get("CCTUI_ROOT") or configured_root, environ, home, cwd)
    state, named = _state(found, environ, home, cwd)
    if state.is_relative_to(found):
        raise PlacesError(
            f"the state folder {state} lies inside the root {found}: set CCTUI_STATE to a folder elsewhere"
        )
    config = environ.get("CCTUI_CONFIG")
    folder = _xdg("XDG_CONFIG_HOME", environ, home / ".config") / "cctui"
    return Places(
        root=found,
        state=state,
        config=_absolute(config, home, cwd) if config else folder / "config.toml",
        socket=_socket(state, named, environ),
    )


def make(places: Places) -> None:
    """Create STATE (0700) and ROOT/tasks/*.  PlacesError names the folder that cannot be made."""
    folder = places.state
    try:
        for folder in (places.state, places.runs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(places.state.stat().st_mode) & 0o077:
            places.state.chmod(0o700)
        for folder in (places.tasks / phase for phase in PHASES):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlacesError(f"cannot make the folder {folder}: {error.strerror}") from error


def _root(wanted: str | None, environ: Mapping[str, str], home: Path, cwd: Path) -> Path:
    if wanted:
        return _absolute(wanted, home, cwd)
    here = cwd.resolve()
    # A home that happens to have tasks/ holds the state folder, too: nobody has asked for it, so it is passed over.
    if (here / "tasks").is_dir() and not _state(here, environ, home, cwd)[0].is_relative_to(here):
        return here
    return (_xdg("XDG_DATA_HOME", environ, home / ".local" / "share") / "cctui").resolve()


def _state(root: Path, environ: Mapping[str, str], home: Path, cwd: Path) -> tuple[Path, bool]:
    """The folder, and whether it was named by CCTUI_STATE."""
    if named := environ.get("CCTUI_STATE"):
        return _absolute(named, home, cwd), True
    above = _xdg("XDG_STATE_HOME", environ, home / ".local" / "state") / "cctui"
    return (above / f"{(root.name or 'root')[:40]}-{_short_hash(root)}").resolve(), False


def _socket(state: Path, named: bool, environ: Mapping[str, str]) -> Path:
    """In the user's runtime folder, where sockets belong; else in STATE; else, if both are too long, below /tmp."""
    mark = f"{state.name}-{_short_hash(state)}" if named else state.name
    candidates = [state / "engine.sock", Path(f"/tmp/cctui-{os.getuid()}") / f"{_short_hash(state)}.sock"]
    # cron and services start without the variable: what a login shell would find there is looked for, too.
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    if _ours(runtime):
        candidates.insert(0, runtime / "cctui" / f"{mark}.sock")
    return next((path for path in candidates if len(os.fsencode(path)) <= SOCKET_BYTES), candidates[-1])


def _ours(folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and folder.is_absolute()


def _xdg(name: str, environ: Mapping[str, str], default: Path) -> Path:
    """XDG's rule: a path that is not absolute counts as not set."""
    path = Path(environ.get(name) or default)
    return path if path.is_absolute() else default


def _absolute(text: str, home: Path, cwd: Path) -> Path:
    if text == "~" or text.startswith("~/"):
        text = str(home / text[2:])
    return (cwd / text).resolve()


def _short_hash(path: Path) -> str:
    return f"{crc32(os.fsencode(path)):08x}"
