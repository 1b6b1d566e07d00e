"""Can ROOT and STATE be written: on file systems that are really full, read-only or forbidden, and on faked ones.

What runs inside a mount namespace of its own is a function of this file, with a name that begins with `_`.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cctui.adapters import health
from cctui.adapters.health import is_disk, trouble
from cctui.adapters.store import StoreError
from cctui.places import Places, make
from tests.adapters.mounted import alone, crowd, files, fill, mount, remount


def places_in(folder: Path) -> Places:
    made = Places(folder / "root", folder / "state", folder / "config.toml", folder / "s")
    make(made)
    return made


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return places_in(tmp_path)


# --- in order --------------------------------------------------------------------------------------------------------


def test_all_is_well_and_nothing_is_left_behind(places: Places, tmp_path: Path) -> None:
    before = files(tmp_path)
    assert trouble(places) is None
    (places.root / "logs/scheduler").mkdir(parents=True)
    assert trouble(places) is None
    assert files(tmp_path) == before | {"root/logs", "root/logs/scheduler"}


def test_it_is_cheap(places: Places) -> None:
    spent = []
    for _ in range(20):
        begun = time.perf_counter()
        trouble(places)
        spent.append(time.perf_counter() - begun)
    assert sorted(spent)[10] < 0.25, "half of the looks took longer than a slow disk needs"


def test_a_probe_that_a_killed_look_left_is_no_trouble(places: Places) -> None:
    left = places.state / f".cctui-{os.getpid()}-probe.tmp"
    left.write_text("x")
    assert trouble(places) is None
    assert not left.exists()


def test_a_root_that_is_gone(places: Places) -> None:
    shutil.rmtree(places.root)
    said = trouble(places)
    assert said is not None
    assert f"{places.tasks} cannot be written (no such file or directory): bring it back" in said
    assert not places.root.exists(), "what an unmounted drive covers is not made anew"


def test_folders_that_are_made_when_needed_are_no_trouble(places: Places) -> None:
    (places.tasks / "active").rmdir()
    shutil.rmtree(places.state)
    assert trouble(places) is None


# --- real file systems -----------------------------------------------------------------------------------------------


def _small(tmp_path: Path) -> None:
    mount(tmp_path / "d", "size=1m")
    places = places_in(tmp_path / "d")
    before = files(tmp_path)
    assert trouble(places) == (
        f"{places.state} has only 1 MiB free: free at least 64 MiB; nothing new starts until then, what runs goes on."
    )
    health.ROOM = 1 << 16
    assert trouble(places) is None
    fill(tmp_path / "d/filler")
    said = trouble(places)
    assert said == (
        f"{places.state} cannot be written (no space left on device, 0 KiB free): free some space; nothing new starts "
        "until then, what runs goes on."
    )
    assert files(tmp_path) == before | {"d/filler"}
    (tmp_path / "d/filler").unlink()
    assert trouble(places) is None


def test_a_full_disk(tmp_path: Path) -> None:
    alone(_small, tmp_path)


def _crowded(tmp_path: Path) -> None:
    mount(tmp_path / "d", "size=100m,nr_inodes=30")
    places = places_in(tmp_path / "d")
    made = crowd(tmp_path / "d")
    assert "no more files (inodes): delete some" in str(trouble(places))
    made[0].unlink()
    assert trouble(places) is None


def test_a_disk_without_inodes(tmp_path: Path) -> None:
    alone(_crowded, tmp_path)


def _read_only(tmp_path: Path) -> None:
    mount(tmp_path / "d", "size=100m")
    places = places_in(tmp_path / "d")
    places = replace(places, state=tmp_path / "state")
    places.state.mkdir()
    assert trouble(places) is None
    remount(tmp_path / "d", "ro")
    said = str(trouble(places))
    assert said.startswith(f"{places.tasks}/active cannot be written (read-only file system): mount it for writing; ")
    assert said.count("cannot be written") == 1, "one disk, one sentence"
    remount(tmp_path / "d", "rw")
    assert trouble(places) is None


def test_a_disk_that_is_read_only(tmp_path: Path) -> None:
    alone(_read_only, tmp_path)


def test_a_folder_without_permission(places: Places) -> None:
    active = places.tasks / "active"
    if os.getuid() == 0:  # whom no permission bits stop
        if subprocess.run(["chattr", "+i", str(active)], capture_output=True, check=False).returncode:
            pytest.skip("root, and a file system without attributes: nothing stops us from writing")
        words = "operation not permitted"
    else:
        active.chmod(0o500)
        words = "permission denied"
    try:
        assert f"{active} cannot be written ({words}): mend its permissions" in str(trouble(places))
    finally:
        if os.getuid() == 0:
            subprocess.run(["chattr", "-i", str(active)], check=True)
        active.chmod(0o755)
    assert trouble(places) is None


# --- faked, so always ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "mount it for writing"),
        (errno.EACCES, "permissions"),
        (errno.EIO, "look at the disk"),
    ],
)
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_what_is_wrong_is_said_once_and_leaves_nothing(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, words: str
) -> None:
    before = files(tmp_path)

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fails)
    said = trouble(places)
    monkeypatch.undo()
    assert said is not None
    assert said.startswith(f"{places.state} cannot be written ({os.strerror(number).lower()}")
    assert words in said
    assert said.count(str(tmp_path)) == 1
    assert said.endswith("nothing new starts until then, what runs goes on.")
    assert files(tmp_path) == before


def test_two_disks_two_sentences(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_device", lambda folder: 1 if folder.is_relative_to(places.state) else 2)
    monkeypatch.setattr(health, "ROOM", 1 << 62)
    said = str(trouble(places))
    assert f"{places.state} has only" in said
    assert f"{places.root} has only" in said


def test_whose_fault_an_error_is() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO):
        assert is_disk(OSError(number, "x"))
    for number in (errno.ENAMETOOLONG, errno.ENOENT, errno.EEXIST, errno.EINVAL, errno.ENOEXEC):
        assert not is_disk(OSError(number, "x"))
    assert not is_disk(ValueError("x"))
    further = RuntimeError("further")
    further.__cause__ = StoreError("cannot write")
    assert not is_disk(further)
    further.__cause__.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert is_disk(further)
