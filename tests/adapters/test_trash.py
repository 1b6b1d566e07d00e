"""The trash: what went there comes back as it was, whatever lies between, and whatever dies on the way."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from dataclasses import fields
from datetime import UTC
from pathlib import Path

import pytest

from cctui.adapters.taskdir import TaskDir, TaskDirError
from cctui.places import Places, make

WENT = "20260202T034000.000123Z"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "root", tmp_path / "state", tmp_path / "config.toml", tmp_path / "engine.sock")
    make(found)
    return found


@pytest.fixture
def taskdir(places: Places) -> TaskDir:
    return TaskDir(places, UTC)


def put(places: Places, path: str, text: str) -> Path:
    file = places.tasks / path
    file.write_text(text)
    return file


def where(places: Places) -> list[str]:
    return sorted(str(file.relative_to(places.tasks)) for file in places.tasks.rglob("*.md"))


@pytest.fixture(params=["links", "no links", "another file system"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """File systems that a move may have to cross."""

    def link(source: Path, target: Path) -> None:
        if Path(target).exists():
            raise FileExistsError(errno.EEXIST, "exists")
        far = request.param == "another file system" and ".cctui-" in str(source)
        if not far:
            raise OSError(errno.EXDEV, "cross-device link")
        real(source, target)

    real = os.link
    if request.param != "links":
        monkeypatch.setattr("cctui.adapters.trash.os.link", link)
    return str(request.param)


def test_what_was_thrown_away_comes_back_as_it_was(taskdir: TaskDir, places: Places, disk: str) -> None:
    place = f"{WENT}/completed/a@1.md"
    file = put(places, "completed/a@1.md", "---\nname: b\n---\nDo it.\n")
    file.chmod(0o640)
    os.utime(file, (1_770_000_000, 1_770_000_000))
    taskdir.trash("completed/a@1.md", place)
    assert (where(places), taskdir.read_trash(place)) == ([], "---\nname: b\n---\nDo it.\n")
    for _ in range(2):
        taskdir.restore(place)
    assert where(places) == ["completed/a@1.md"]
    assert file.read_text() == "---\nname: b\n---\nDo it.\n"
    assert (file.stat().st_mtime, stat.S_IMODE(file.stat().st_mode)) == (1_770_000_000, 0o640)
    assert not list(places.trash.iterdir()), "no empty folders are left"
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208 - hidden files, too


def test_a_file_that_is_there_again_is_not_overwritten(taskdir: TaskDir, places: Places, disk: str) -> None:
    place = f"{WENT}/pending/a.md"
    put(places, "pending/a.md", "old")
    taskdir.trash("pending/a.md", place)
    put(places, "pending/a.md", "new")
    with pytest.raises(TaskDirError, match=r"cannot bring back from the trash: pending/a.md: a file of that name"):
        taskdir.restore(place)
    with pytest.raises(TaskDirError, match=r"cannot move to the trash: pending/a.md: a file of that name"):
        taskdir.trash("pending/a.md", place)
    assert ((places.tasks / "pending/a.md").read_text(), taskdir.read_trash(place)) == ("new", "old")


def test_what_is_in_the_trash_no_more_is_said(taskdir: TaskDir, places: Places) -> None:
    with pytest.raises(TaskDirError, match=r"pending/a.md is not in the trash any more: .*/pending/a.md is gone"):
        taskdir.restore(f"{WENT}/pending/a.md")
    for place in ("../pending/a.md", "pending/a.md", "", ".", "/pending/a.md", f"{WENT}/../a.md"):
        with pytest.raises(TaskDirError, match=r"no place in the trash|no task file"):
            taskdir.restore(place)


CUT = """
import os, signal, sys
from datetime import UTC
from pathlib import Path
from cctui.adapters.taskdir import TaskDir
from cctui.places import Places
name, wanted, doing = sys.argv[1], int(sys.argv[2]), sys.argv[3]
calls = 0
def cut(real):
    def called(*args, **rest):
        global calls
        calls += 1
        if calls == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **rest)
    return called
def far(source, target, **rest):
    raise OSError(18, "cross-device link")
os.link = far if name == "far" else cut(os.link)
for deed in ("fsync", "unlink", "rename", "replace", "utime", "write"):
    setattr(os, deed, cut(getattr(os, deed)))
taskdir = TaskDir(Places(**{key: Path(value) for key, value in zip(sys.argv[4::2], sys.argv[5::2])}), UTC)
if doing == "restore":
    taskdir.restore("20260202T034000.000123Z/pending/a.md")
else:
    taskdir.trash("pending/a.md", "20260202T034000.000123Z/pending/a.md")
"""


@pytest.mark.parametrize("doing", ["trash", "restore"])
@pytest.mark.parametrize("name", ["near", "far"])
def test_killed_anywhere_it_is_done_when_done_again(taskdir: TaskDir, places: Places, name: str, doing: str) -> None:
    place, whole = f"{WENT}/pending/a.md", "Do it.\n" * 1000
    given = [text for field in fields(places) for text in (field.name, str(getattr(places, field.name)))]
    for wanted in range(1, 60):
        file = put(places, "pending/a.md", whole)
        if doing == "restore":
            taskdir.trash("pending/a.md", place)
        argv = [sys.executable, "-c", CUT, name, str(wanted), doing, *given]
        ran = subprocess.run(argv, check=False, timeout=30)
        lies = [path for path in (file, places.trash / place) if path.exists()]
        assert lies and all(path.read_text() == whole for path in lies), "whole, in one place or in both"
        (taskdir.restore if doing == "restore" else lambda place: taskdir.trash("pending/a.md", place))(place)
        assert [path for path in (file, places.trash / place) if path.exists()] == [
            file if doing == "restore" else places.trash / place
        ]
        (file if doing == "restore" else places.trash / place).unlink()
        if ran.returncode == 0:
            assert wanted > 2, "it was cut somewhere"
            return
        assert ran.returncode == -signal.SIGKILL
    raise AssertionError("it never came to its end")
