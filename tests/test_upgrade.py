"""A new version takes over while runs of the old one are alive: they end under it, once, with a record."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import cctui
from tests.real.headless import PATIENCE, Headless, environment
from tests.waiting import at_last

PACKAGE = Path(cctui.__file__).parent


def installed(folder: Path, version: str) -> Path:
    """A copy of the package as another version of it."""
    shutil.copytree(PACKAGE, folder / "cctui", ignore=shutil.ignore_patterns("__pycache__", "demo"))
    shutil.copy(PACKAGE.parent / "cctui.tcss", folder)
    init = folder / "cctui/__init__.py"
    init.write_text(init.read_text().replace(cctui.__version__, version))
    assert version in init.read_text()
    return folder


def test_a_run_outlives_the_version_that_began_it(isolation: Path, tmux_socket: str) -> None:
    environ = {name: value for name, value in environment(isolation, "/bin/false", {}).items() if name != "PYTHONPATH"}
    old = Headless(Path(environ["CCTUI_ROOT"]), Path(environ["CCTUI_STATE"]), environ)
    old.installed = installed(isolation / "old", "0.0.1")
    new = Headless(old.root, old.state, environ)
    new.installed = installed(isolation / "new", "99.0.0")
    (old.root / "tasks/pending").mkdir(parents=True)
    gate, out = isolation / "gate", isolation / "out"
    os.mkfifo(gate)
    try:
        old.start()
        command = f"echo begun >> {out}; cat {gate}; echo ended >> {out}"
        old.drop("probe", f"---\nrunner: shell\ncommand: {command}\ncheck: test -s {out}\n---\n")
        at_last(out.exists, PATIENCE)
        assert old.stop() == 0
        shutil.rmtree(old.installed)  # nothing of the old version is left but what runs
        (spec,) = old.state.glob("runs/*/spec.json")
        known = json.loads(spec.read_text())
        spec.write_text(json.dumps(known | {"a_field_of_the_future": [1, 2]}))
        new.start()
        gate.write_text("")
        new.arrives("probe", "completed")
    finally:
        for engine in (old, new):
            engine.stop()
    assert out.read_text() == "begun\nended\n"
    line = new.record("probe")
    assert (line["success"], line["attempt"], line["proven"]) == (True, 1, True)
