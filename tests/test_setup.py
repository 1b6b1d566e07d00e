"""The set-up: isolation of tests, the lock file, the wheel."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from datetime import UTC
from pathlib import Path

import pytest

from cctui import __version__
from cctui.adapters.taskdir import TaskDir
from cctui.core.task import unsupported
from cctui.core.world import Task
from cctui.places import find_places, make

REPOSITORY = Path(__file__).resolve().parent.parent


def pins() -> dict[str, str]:
    lines = (REPOSITORY / "requirements.lock").read_text("utf-8").splitlines()
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^ ;]+)", line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


# --- isolation -------------------------------------------------------------------------------------------------------


def test_every_test_has_its_own_short_home(isolation: Path, tmp_path: Path) -> None:
    assert Path.home() == isolation / "home"
    assert tmp_path.is_relative_to(isolation)
    assert len(str(isolation / "state/cctui/some-root-name-0123456789/engine.sock")) < 90
    assert (isolation / "run").stat().st_mode & 0o777 == 0o700


def test_no_credential_and_no_tmux_of_the_person_is_visible() -> None:
    ours = {"CCTUI_TESTING", "CCTUI_TEST", "CCTUI_TMUX_SOCKET", "CCTUI_CAPACITY_USAGE_URL", "CCTUI_CAPACITY_TOKEN_URL"}
    seen = {name for name in os.environ if name.startswith(("ANTHROPIC_", "CLAUDE", "CCTUI_", "TMUX"))}
    assert seen == ours | {"TMUX_TMPDIR"}


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443)])
def test_a_connection_beyond_loopback_is_refused_and_remembered(
    address: tuple[str, int], request: pytest.FixtureRequest
) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(PermissionError, match="loopback"):
        sock.connect(address)
    request.getfixturevalue("strayed").clear()


def test_a_name_beyond_loopback_is_not_looked_up(request: pytest.FixtureRequest) -> None:
    with pytest.raises(PermissionError, match="loopback"):
        socket.create_connection(("api.example.invalid", 443), timeout=1)
    request.getfixturevalue("strayed").clear()


def test_loopback_and_unix_sockets_are_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


INNER = """
import os, subprocess, pathlib
def test_leaves_a_process(tmp_path, tmux_socket):
    gone = {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"]}
    child = subprocess.Popen(["setsid", "sleep", "300"], env=gone)
    child.returncode = 0  # silences the warning about a child that still runs
    subprocess.run(["tmux", "-L", tmux_socket, "new-session", "-d", "sleep 301"], check=True)
    pathlib.Path(PIDS).write_text(os.environ["HOME"])
def test_strays():
    import socket
    try:
        socket.create_connection(("192.0.2.1", 9), timeout=1)
    except OSError:
        pass  # swallowed, as careless code would
"""


def test_what_a_test_leaves_is_ended_and_straying_fails_it(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    shutil.copy(REPOSITORY / "tests/conftest.py", folder / "conftest.py")
    (folder / "test_inner.py").write_text(f"PIDS = {str(tmp_path / 'home')!r}\n{INNER}", "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "1 error" in ran.stdout and "2 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "tried to leave loopback" in ran.stdout
    home = (tmp_path / "home").read_text("utf-8")
    assert not Path(home).exists()
    alive = [entry for entry in Path("/proc").glob("[0-9]*/environ") if _mentions(entry, home)]
    assert alive == []


def _mentions(environ: Path, home: str) -> bool:
    try:
        return os.fsencode(home) in environ.read_bytes()
    except OSError:
        return False


def test_workers_are_told_where_the_real_program_lies(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    shutil.copy(REPOSITORY / "tests/conftest.py", folder / "conftest.py")
    (folder / "test_inner.py").write_text("def test_it(claude_program):\n    assert claude_program\n", "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    put_program(
        tmp_path / "cache/cctui-test/claude-2.1.329/node_modules/.bin", "claude", "echo '2.1.329 (Claude Code)'"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", str(folder)],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


# --- versions --------------------------------------------------------------------------------------------------------


def test_the_lock_pins_every_requirement_and_names_no_host() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=;\[ ]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names <= set(pins())
    text = (REPOSITORY / "requirements.lock").read_text("utf-8")
    assert "://" not in text and "--index" not in text and "/home/" not in text


# --- the wheel -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git would hand out."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("cctui", "cctui.tcss", "pyproject.toml", "LICENSE", "README.md"):
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)
    ran = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(folder)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return next((folder / "dist").glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_the_style_and_all_data(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert "cctui/cctui.tcss" in inside
    here = [path for path in (REPOSITORY / "cctui").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {str(path.relative_to(REPOSITORY)) for path in here} <= inside
    assert "cctui/data/tmux.conf" in inside
    assert wheel.name.startswith(f"cctui-{__version__}-")


@pytest.mark.slow
def test_the_installed_wheel_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    # The dependencies are the ones of this interpreter, so that no registry is asked by a test.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "v")], check=True, timeout=60)
    libraries = next((tmp_path / "v/lib").glob("python*/site-packages"))
    _install(wheel, libraries, tmp_path / "v/bin")
    others = [path for path in sys.path if path.endswith("site-packages")]
    (libraries / "others.pth").write_text("\n".join(others) + "\n", "utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for program in ("cctui", "ccq"):
        ran = subprocess.run(
            [str(tmp_path / "v/bin" / program), "--version"],
            cwd=elsewhere, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, "")
        assert __version__ in ran.stdout
    where = subprocess.run(
        [str(tmp_path / "v/bin/python"), "-c", "import cctui; print(cctui.__file__)"],
        cwd=elsewhere, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(tmp_path))


def _install(wheel: Path, libraries: Path, programs: Path) -> None:
    """What pip does with a pure wheel; a test must not need a pip in its environment."""
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-warn-script-location",
         "--disable-pip-version-check", "--prefix", str(programs.parent), str(wheel)],
        check=True, timeout=60,
    )  # fmt: skip
    for script in programs.iterdir():
        if script.name in ("cctui", "ccq"):
            lines = script.read_text("utf-8").splitlines(keepends=True)
            script.write_text("".join([f"#!{programs / 'python'}\n", *lines[1:]]), "utf-8")
    assert (libraries / "cctui/cctui.tcss").exists()


# --- the examples ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["tasks/examples", "cctui/demo/backlog/pending"])
def test_the_examples_are_tasks_without_a_fault(folder: str, tmp_path: Path) -> None:
    examples = sorted(path for path in (REPOSITORY / folder).glob("*.md") if path.stem != "broken-example")
    places = find_places(str(tmp_path / "root"), os.environ, tmp_path)
    make(places)
    for path in examples:
        shutil.copy(path, places.tasks / "pending" / path.name)
    entries = TaskDir(places, UTC).scan()
    assert [entry.name for entry in entries] == [path.stem for path in examples]
    for entry in entries:
        assert isinstance(entry, Task), entry
        assert entry.warnings == ()
        assert unsupported(entry) is None


# --- the scripts -----------------------------------------------------------------------------------------------------


def put_program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)


def sourced(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run `command` with the functions of script/setup.sh and only the programs in `folder` and the barest others."""
    for name in ("bash", "env", "dirname", "cat", "cksum", "mkdir", "rm"):
        found = shutil.which(name)
        assert found
        if not (folder / name).exists():
            (folder / name).symlink_to(found)
    return subprocess.run(
        ["bash", "-c", f'set -euo pipefail; . "{REPOSITORY}/script/setup.sh"; {command}'],
        env={"PATH": str(folder), "HOME": str(folder)}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("version", "enough"),
    [("3.2", False), ("3.2a", True), ("3.1c", False), ("2.9", False), ("3.10", True), ("4.0", True), ("next-3.6", True),
     ("master", True)],
)  # fmt: skip
def test_tmux_must_be_new_enough(tmp_path: Path, version: str, enough: bool) -> None:
    put_program(tmp_path / "bin", "tmux", f"echo tmux {version}")
    ran = sourced(tmp_path / "bin", "tmux_is_new_enough")
    assert (ran.returncode == 0) is enough


def test_without_permission_one_line_says_what_to_type(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    put_program(programs, "id", "echo 1000")
    put_program(programs, "sudo", "exit 1")
    put_program(programs, "apt-get", "exit 99")
    put_program(programs, "python3", f'exec {sys.executable} "$@"')
    ran = sourced(programs, "need_system")
    assert ran.returncode == 7
    assert ran.stderr == "cctui: needs tmux git. Type:  sudo apt-get install -y tmux git\n"
    assert ran.stdout == ""


def test_with_permission_the_package_manager_is_asked_without_questions(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    put_program(programs, "id", "echo 1000")
    put_program(programs, "sudo", 'shift; exec "$@"')
    put_program(programs, "apt-get", 'echo "apt-get $*" >&2')
    put_program(programs, "true", "exit 0")
    ran = sourced(programs, "install_packages 'needs tmux' tmux")
    assert ran.returncode == 0, ran.stderr
    asked = [line for line in ran.stderr.splitlines() if line.startswith("apt-get")]
    assert asked == [
        "apt-get -qq update",
        "apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends tmux",
    ]


def test_an_older_python_is_not_taken(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    put_program(programs, "python3", "exit 1")
    put_program(programs, "python3.12", f'exec {sys.executable} "$@"')
    ran = sourced(programs, "find_python")
    assert ran.stdout.strip() == sys.executable
    (programs / "python3.12").unlink()
    assert sourced(programs, "find_python").returncode == 1


@pytest.mark.parametrize("name", ["script/run", "script/test", "script/setup.sh", ".ci/run"])
def test_the_scripts_are_sound_bash_and_ready_to_start(name: str) -> None:
    subprocess.run(["bash", "-n", str(REPOSITORY / name)], check=True, timeout=30)
    assert os.access(REPOSITORY / name, os.X_OK) or name.endswith(".sh")
