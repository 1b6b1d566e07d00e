"""The login file seen from outside: another login is another stamp, and its contents are never read."""

from __future__ import annotations

import builtins
import os
from dataclasses import replace
from pathlib import Path

import pytest

from cctui.adapters.login import stamp
from cctui.core.settings import ClaudeSettings, Settings


def test_another_login_is_another_stamp(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path / "c")}
    assert stamp(Settings(), environ) is None
    file = tmp_path / "c/.credentials.json"
    file.parent.mkdir()
    file.write_text("made up")
    first = stamp(Settings(), environ)
    assert first is not None
    assert first == stamp(Settings(), environ)
    assert first[1:] == (7, file.stat().st_ino)
    os.utime(file, ns=(1, 1))
    touched = stamp(Settings(), environ)
    assert touched is not None
    assert touched[0] == 1
    (tmp_path / "new").write_text("made up")  # as programs write it: another file takes its place
    os.utime(tmp_path / "new", ns=(1, 1))
    (tmp_path / "new").replace(file)
    replaced = stamp(Settings(), environ)
    assert replaced is not None
    assert replaced[:2] == touched[:2]
    assert replaced != touched
    file.unlink()
    assert stamp(Settings(), environ) is None


def test_it_looks_where_claude_code_does_and_never_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / ".claude", tmp_path / "own"):
        folder.mkdir()
        (folder / ".credentials.json").write_text(folder.name)

    def no(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(builtins, "open", no)
    monkeypatch.setattr(os, "open", no)
    monkeypatch.setattr(Path, "open", no)
    plain = stamp(Settings(), {"HOME": str(tmp_path)})
    own = stamp(replace(Settings(), claude=ClaudeSettings(config_dir="~/own")), {"HOME": str(tmp_path)})
    assert plain is not None
    assert own is not None
    assert (plain[1], own[1]) == (len(".claude"), len("own"))
