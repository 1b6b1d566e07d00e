"""Where everything lies, as a table over the environment."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from cctui.core.world import Phase
from cctui.places import PHASES, SOCKET_BYTES, Places, PlacesError, find_places, make


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("home", "work/tasks", "empty", "run"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


ROOTS = [
    ("--root first", "/flag", {"CCTUI_ROOT": "/env"}, "work", "/conf", "/flag"),
    ("then the environment", None, {"CCTUI_ROOT": "/env"}, "work", "/conf", "/env"),
    ("then the config", None, {}, "work", "/conf", "/conf"),
    ("then a folder with tasks/", None, {}, "work", None, "HERE/work"),
    ("else the home's", None, {}, "empty", None, "HERE/home/.local/share/cctui"),
    ("by XDG", None, {"XDG_DATA_HOME": "/xdg"}, "empty", None, "/xdg/cctui"),
    ("XDG must be absolute", None, {"XDG_DATA_HOME": "xdg"}, "empty", None, "HERE/home/.local/share/cctui"),
    ("empty is not set", "", {"CCTUI_ROOT": ""}, "work", "", "HERE/work"),
    ("relative to the folder", "sub/../x", {}, "work", None, "HERE/work/x"),
    ("~ is the home", "~/vault", {}, "work", None, "HERE/home/vault"),
]


@pytest.mark.parametrize(("what", "flag", "environ", "cwd", "configured", "wanted"), ROOTS, ids=[r[0] for r in ROOTS])
def test_root(
    home: Path, what: str, flag: str | None, environ: dict[str, str], cwd: str, configured: str | None, wanted: str
) -> None:
    found = find_places(flag, {"HOME": str(home / "home")} | environ, home / cwd, configured)
    assert str(found.root) == wanted.replace("HERE", str(home))


def places(home: Path, root: str = "/r/vault", **environ: str) -> Places:
    return find_places(root, {"HOME": str(home / "home")} | environ, home / "empty")


def test_everything_has_its_place(home: Path) -> None:
    found = places(home, CCTUI_STATE="/s")
    wanted = {
        "tasks": "/r/vault/tasks",
        "agents": "/r/vault/agents",
        "context": "/r/vault/context",
        "notes": "/r/vault/logs/scheduler",
        "history": "/r/vault/logs/scheduler/history.jsonl",
        "reports": "/r/vault/logs/scheduler/reports",
        "runs": "/s/runs",
        "db": "/s/db.json",
        "capacity": "/s/capacity.jsonl",
        "lock": "/s/engine.lock",
        "log": "/s/cctui.log",
        "trash": "/s/trash",
    }
    assert {name: str(getattr(found, name)) for name in wanted} == wanted


def test_state_and_config(home: Path) -> None:
    found = places(home)
    assert found.state.parent == home / "home/.local/state/cctui"
    assert found.state.name.startswith("vault-") and len(found.state.name) == len("vault-") + 8
    assert found.config == home / "home/.config/cctui/config.toml"
    other = places(home, XDG_STATE_HOME="/xs", XDG_CONFIG_HOME="/xc", CCTUI_CONFIG="")
    assert other.state == Path("/xs/cctui") / found.state.name and other.config == Path("/xc/cctui/config.toml")
    assert places(home, CCTUI_STATE="~/s", CCTUI_CONFIG="c.toml").state == home / "home/s"
    assert places(home, CCTUI_STATE="~/s", CCTUI_CONFIG="c.toml").config == home / "empty/c.toml"
    assert len(places(home, "/" + "x" * 200).state.name) < 60


def test_one_root_has_one_state_however_it_is_named(home: Path) -> None:
    (home / "link").symlink_to(home / "work")
    environ = {"HOME": str(home / "home")}
    by = [
        find_places(str(home / "work"), environ, home),
        find_places("work/tasks/..", environ, home),
        find_places(str(home / "link"), environ, home),
        find_places(None, environ, home / "work"),
        find_places(None, environ, home / "link"),
        find_places(None, environ | {"CCTUI_ROOT": "link"}, home),
    ]
    assert len(set(by)) == 1
    assert places(home, "/a/vault").state != places(home, "/b/vault").state


def test_the_state_never_lies_in_the_root(home: Path) -> None:
    for inside in ("/r/vault", "/r/vault/.state"):
        with pytest.raises(PlacesError, match=r"lies inside the root /r/vault: set CCTUI_STATE"):
            places(home, CCTUI_STATE=inside)
    with pytest.raises(PlacesError, match="lies inside the root"):
        find_places(str(home / "home"), {"HOME": str(home / "home")}, home)
    with pytest.raises(PlacesError, match="lies inside the root /:"):
        places(home, "/")
    assert places(home, CCTUI_STATE="/r/vault2").state == Path("/r/vault2")


def test_a_home_with_a_folder_named_tasks_is_no_root_by_itself(home: Path) -> None:
    (home / "home" / "tasks").mkdir()
    environ = {"HOME": str(home / "home")}
    assert find_places(None, environ, home / "home").root == home / "home/.local/share/cctui"
    elsewhere = environ | {"XDG_STATE_HOME": str(home / "state")}
    assert find_places(None, elsewhere, home / "home").root == home / "home"


def test_the_socket_lies_in_the_runtime_folder_if_that_is_ours(home: Path) -> None:
    found = places(home, XDG_RUNTIME_DIR=str(home / "run"))
    assert found.socket == home / "run" / "cctui" / f"{found.state.name}.sock"
    for folder in (str(home / "none"), "run", str(home / "work/../none")):
        assert places(home, XDG_RUNTIME_DIR=folder).socket == found.state / "engine.sock"
    (home / "file").write_text("")
    assert places(home, XDG_RUNTIME_DIR=str(home / "file")).socket == found.state / "engine.sock"


def test_a_runtime_folder_of_somebody_else_is_not_used(home: Path) -> None:
    if os.getuid() == 0:
        os.chown(home / "run", 65534, 65534)
        assert places(home, XDG_RUNTIME_DIR=str(home / "run")).socket.name == "engine.sock"
    else:
        assert places(home, XDG_RUNTIME_DIR="/").socket.name == "engine.sock"


def test_two_states_of_one_name_have_two_sockets(home: Path) -> None:
    run = str(home / "run")
    sockets = {places(home, CCTUI_STATE=state, XDG_RUNTIME_DIR=run).socket for state in ("/a/state", "/b/state")}
    assert len(sockets) == 2 and all(path.parent == home / "run" / "cctui" for path in sockets)


@pytest.mark.parametrize("length", range(20, 160, 7))
def test_a_sockets_address_always_fits(home: Path, length: int) -> None:
    long = "/" + "/".join("é" * 10 for _ in range(length // 20)) + "/" + "x" * (length % 20 + 1)
    (home / ("r" * (length - 15))).mkdir(exist_ok=True)
    for environ in (
        {"CCTUI_STATE": long},
        {"XDG_STATE_HOME": long},
        {"XDG_RUNTIME_DIR": str(home / ("r" * (length - 15)))},
    ):
        path = places(home, **environ).socket
        assert len(os.fsencode(path)) <= SOCKET_BYTES and path.is_absolute()
        with socket.socket(socket.AF_UNIX) as server, pytest.raises(OSError, match="No such file|not exist") as caught:
            server.connect(str(path))
        assert "too long" not in str(caught.value)


def test_make(home: Path) -> None:
    (home / "state").mkdir(mode=0o755)
    found = find_places(str(home / "new" / "root"), {"HOME": str(home), "CCTUI_STATE": str(home / "state")}, home)
    for _ in range(2):
        make(found)
    assert stat.S_IMODE(found.state.stat().st_mode) == 0o700 == stat.S_IMODE(found.runs.stat().st_mode)
    assert sorted(path.name for path in found.tasks.iterdir()) == sorted(PHASES) == sorted(Phase)
    assert list(found.root.iterdir()) == [found.tasks], "nothing else is put into a person's folder"


def test_a_folder_that_cannot_be_made_is_named(home: Path) -> None:
    (home / "file").write_text("")
    for root, state in (("file", "s"), ("r", "file/s")):
        environ = {"HOME": str(home), "CCTUI_STATE": str(home / state)}
        with pytest.raises(PlacesError, match=r"cannot make the folder .*file/.*: Not a directory"):
            make(find_places(str(home / root), environ, home))
