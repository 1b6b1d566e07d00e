"""File systems of a test's own: small, full or read-only, mounted in a private namespace that ends with its child."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
_NOT_PERMITTED = "mounting is not permitted"


def alone(what: Callable[[Path], None], folder: Path) -> None:
    """Call `what`, a function of a test module, with `folder` in a child that may mount; skips where none may.

    A failed assertion in there is one here."""
    words = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-Urm"]
    if sys.platform != "linux" or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets us make no mount namespace")
    code = f"from pathlib import Path; import {what.__module__} as t; t.{what.__name__}(Path({str(folder)!r}))"
    ran = subprocess.run(
        [*words, sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if _NOT_PERMITTED in ran.stderr:
        pytest.skip("this system lets us mount nothing")
    assert ran.returncode == 0, ran.stderr


def mount(folder: Path, options: str) -> None:
    """A new file system in memory; `options` as ``mount -o`` takes them."""
    folder.mkdir(exist_ok=True)
    argv = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        raise SystemExit(_NOT_PERMITTED)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill(file: Path, but: int = 0) -> None:
    """Write to `file` until not one byte more fits; then give `but` bytes back."""
    with file.open("wb", buffering=0) as out:
        _until_full(lambda: out.write(b"x" * 4096))
    os.truncate(file, file.stat().st_size - but)


def crowd(folder: Path) -> list[Path]:
    """Empty files, as many as there are inodes."""
    made: list[Path] = []

    def one_more() -> Path:
        path = folder / f"filler-{len(made)}"
        path.touch()
        made.append(path)
        return path

    _until_full(one_more)
    return made


def _until_full(step: Callable[[], object]) -> None:
    with pytest.raises(OSError) as found:
        deque(iter(step, None), 0)
    assert found.value.errno == errno.ENOSPC


def files(folder: Path) -> set[str]:
    """Everything below it, with the hidden ones."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
