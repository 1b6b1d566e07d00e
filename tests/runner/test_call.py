"""A Python function called for a task, in a process of its own."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cctui.runner import call
from tests.runner.legs import PYTHON, make_leg, run

MODULE = """
import asyncio, os, sys
import files  # the task's own, not one of the runner
def plain(): print("working"); return {"sum": files.ONE + 1, "where": os.getcwd(), "ü": None}
async def later(): await asyncio.sleep(0); return [1, 2.5, "x"]
class Report:
    @staticmethod
    def daily(): return "daily"
    class Deep:
        @classmethod
        def all(cls): return cls.__name__
def bad(): raise ValueError("no such\\nday")
def leave(): sys.exit(0)
def odd(): return {"a": [1, {2}]}
def keys(): return {(1, 2): 3}
def nan(): return float("nan")
def loop(): value = []; value.append(value); return value
def half(): return "\\udc80"
def needs(x): return x
def paths(): return sys.path[0]
NUMBER = 7
"""


class Called:
    def __init__(self, base: Path) -> None:
        self.run, self.cwd = base / "run", base / "task"
        (self.cwd / "pack").mkdir(parents=True)
        self.run.mkdir()
        (self.cwd / "jobs.py").write_text(MODULE)
        (self.cwd / "files.py").write_text("ONE = 1")
        (self.cwd / "broken.py").write_text("import nowhere_to_be_found")
        (self.cwd / "pack/__init__.py").touch()
        (self.cwd / "pack/inner.py").write_text("def go(): return 'gone'")

    def __call__(self, name: str) -> tuple[int, dict[str, Any], str, str]:
        """Exit code, result.json, the last line of what it put out, and what it said of errors."""
        argv = [PYTHON, call.__file__, str(self.run), name]
        ran = subprocess.run(argv, cwd=self.cwd, capture_output=True, text=True, timeout=30, check=False)
        result = json.loads((self.run / "result.json").read_text())
        assert isinstance(result, dict)
        return ran.returncode, result, (ran.stdout.splitlines() or [""])[-1], ran.stderr


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return Called(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jobs:later", [1, 2.5, "x"]),
        ("jobs:Report.daily", "daily"),
        ("jobs:Report.Deep.all", "Deep"),
        ("pack.inner:go", "gone"),
        ("jobs:half", "\udc80"),
    ],
)
def test_what_a_function_returns_is_kept_and_printed(called: Called, name: str, value: object) -> None:
    code, result, last, errors = called(name)
    assert (code, result, json.loads(last), errors) == (0, {"ok": True, "result": value}, value, "")


def test_it_runs_in_the_task_s_folder_with_its_own_modules_first(called: Called) -> None:
    code, result, last, _ = called("jobs:plain")
    assert code == 0
    assert result == {"ok": True, "result": {"sum": 2, "where": str(called.cwd), "ü": None}}
    assert last == json.dumps(result["result"], ensure_ascii=False)
    assert called("jobs:paths")[1]["result"] == str(called.cwd)
    assert stat.S_IMODE((called.run / "result.json").stat().st_mode) == 0o600
    assert [path.name for path in called.run.iterdir()] == ["result.json"]


def test_what_it_raises_is_told(called: Called) -> None:
    code, result, _, errors = called("jobs:bad")
    assert (code, result) == (1, {"ok": False, "error": "ValueError: no such\nday"})
    assert "Traceback" in errors and "jobs.py" in errors
    assert called("jobs:needs")[1]["error"].startswith("TypeError: needs() missing 1 required")


def test_a_module_that_lacks_something_is_not_called_missing(called: Called) -> None:
    code, result, _, errors = called("broken:x")
    assert (code, result["error"]) == (1, "ModuleNotFoundError: No module named 'nowhere_to_be_found'")
    assert "Traceback" in errors


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("jobs:odd", "type set"),
        ("jobs:keys", "type dict"),
        ("jobs:nan", "type float"),
        ("jobs:loop", "type list"),
        ("jobs:leave", "SystemExit: 0"),
    ],
)
def test_what_json_cannot_hold_is_refused(called: Called, name: str, words: str) -> None:
    code, result, _, errors = called(name)
    assert (code, result["ok"]) == (1, False)
    assert words in result["error"] and words in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("jobs", "write module:function"),
        ("jobs:", "write module:function"),
        (":plain", "write module:function"),
        ("../jobs:plain", "write module:function"),
        ("jobs:plain()", "write module:function"),
        ("nowhere:x", "There is no module `nowhere`"),
        ("scrub:clean", "There is no module `scrub`"),
        ("pack.nowhere:x", "There is no module `pack.nowhere`"),
        ("jobs:nothing", "`jobs` has no `nothing`"),
        ("jobs:Report.weekly", "`jobs.Report` has no `weekly`"),
        ("jobs:NUMBER", "no function, but of type int"),
    ],
)
def test_a_function_that_is_not_there_says_so(called: Called, name: str, words: str) -> None:
    code, result, _, errors = called(name)
    assert (code, result["ok"]) == (2, False)
    assert words in result["error"] and words in errors
    assert "Traceback" not in errors


def test_as_a_leg_of_a_run(called: Called) -> None:
    folder = make_leg(called.run, [PYTHON, call.__file__, str(called.run), "jobs:plain"], cwd=str(called.cwd))
    assert run(folder)["rc"] == 0
    assert (folder / "output.log").read_text().splitlines()[0] == "working"
