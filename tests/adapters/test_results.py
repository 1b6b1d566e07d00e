"""What a Python task returned, as a note may hold it."""

from __future__ import annotations

import json
from pathlib import Path

from cctui.adapters.rundir import RESULT_BYTES, RunDir


def returned(tmp_path: Path, value: object) -> str:
    folder = tmp_path / "run-1"
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps({"ok": True, "result": value}))
    return RunDir(tmp_path).result_json("run-1")


def test_a_short_one_is_told_whole_without_secrets(tmp_path: Path) -> None:
    text = returned(tmp_path, {"found": 3, "key": "sk-ant-api03-" + "a1B2c3D4" * 6})
    assert '"found": 3' in text
    assert "a1B2" not in text


def test_a_long_one_stays_in_the_run_folder(tmp_path: Path) -> None:
    text = returned(tmp_path, "x" * RESULT_BYTES)
    assert len(text) < 300
    assert "too long for a note" in text
    assert text.endswith("run-1/result.json")
