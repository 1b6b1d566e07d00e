"""The ten laws of the design and the budgets, read from the code.  Every exception is named, with its reason."""

from __future__ import annotations

import ast
import graphlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from cctui.core import effects as core_effects
from cctui.core import events, queue, world
from cctui.core.answer import answer as told
from cctui.core.step import step
from cctui.core.words import say

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "cctui"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

FILE_LINES, FUNCTION_LINES = 400, 45
LONGER = {"core/world.py": "the vocabulary: types only, one page to look things up in"}
"""Files over the budget, with the reason."""


@cache
def sources() -> dict[str, str]:
    """Text of every module, by its path below the package."""
    return {str(path.relative_to(PACKAGE)): path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(path: str) -> ast.Module:
    return ast.parse(sources()[path], path)


def room(path: str) -> str:
    """The folder, or the file's own name for those at the top."""
    return path.partition("/")[0] if "/" in path else path.removesuffix(".py")


def rooms(*names: str) -> list[str]:
    return [path for path in sources() if room(path) in names]


def outside(*names: str) -> list[str]:
    return [path for path in sources() if room(path) not in names]


def _typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _nodes(node: ast.AST, *, lazy: bool) -> Iterator[ast.AST]:
    """Every node below, without type-checking blocks; without function bodies unless `lazy`."""
    for child in ast.iter_child_nodes(node):
        if _typing_only(child) or (not lazy and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)):
            continue
        yield child
        yield from _nodes(child, lazy=lazy)


def imports(path: str, *, lazy: bool = True) -> set[str]:
    """Dotted names a module imports, ``cctui.core.world.World`` for ``from cctui.core.world import World``."""
    found: set[str] = set()
    for node in _nodes(tree(path), lazy=lazy):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + str(node.module or ""))
    return found


def calls(path: str) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


def begins(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in allowed)


# --- the import table ------------------------------------------------------------------------------------------------

OURS = {
    "core": ("cctui.core",),
    "places": (),
    "config": ("cctui.core", "cctui.__version__"),
    "adapters": (
        *("cctui.core", "cctui.adapters", "cctui.places", "cctui.__version__"),
        "cctui.runner",  # plain code of the standard library: shapes of a run folder and sweeping, written down once
    ),
    "busy": (),
    "codec": ("cctui.core",),
    "lock": ("cctui.core", "cctui.__version__"),
    "orders": ("cctui.core",),
    "link": ("cctui.core", "cctui.codec", "cctui.lock", "cctui.orders", "cctui.__version__"),
    "remote": ("cctui.core", "cctui.codec", "cctui.lock", "cctui.link", "cctui.__version__"),
    "planner": ("cctui.core", "cctui.codec"),  # a process of its own: it knows the core and how a World is written
    "local": (
        *("cctui.core", "cctui.link", "cctui.adapters", "cctui.planner"),
        "cctui.runner",  # for its redaction
    ),
    "promised": ("cctui.core", "cctui.link"),
    "tui": ("cctui.core", "cctui.link", "cctui.orders", "cctui.tui", "cctui.__version__"),
    "runner": (),
    "perform": ("cctui.core", "cctui.adapters", "cctui.places"),
    "sources": ("cctui.core", "cctui.adapters", "cctui.places", "cctui.perform", "cctui.busy"),
    "engine": (
        *("cctui.core", "cctui.adapters", "cctui.places", "cctui.perform", "cctui.sources", "cctui.busy"),
        *("cctui.link", "cctui.lock", "cctui.local"),
    ),
    "cli": ("cctui",),  # the one place that puts the parts together
    "demo": ("cctui",),  # and so does the demo
    "__main__": ("cctui.cli",),
    "__init__": (),
}
FOREIGN = {
    "core": ("croniter",),
    "adapters": ("tinydb", "httpx", "yaml", "frontmatter", "libtmux", "asyncinotify", "tzlocal"),
    "tui": ("textual", "rich"),
    "cli": ("click",),
}
OPTIONAL = {"cli/doorkeeper.py": ("aiohttp", "rich", "textual_serve")}
"""Modules that only an extra brings to life, and what they import besides."""


@pytest.mark.parametrize("path", sources())
def test_a_room_imports_only_its_neighbours(path: str) -> None:
    """core ← adapters ← engine ← cli; core ← link ← tui ← cli; the runner knows nobody."""
    assert room(path) in OURS, f"{path}: a new room needs a line in the table, and in the design"
    ours, foreign = OURS[room(path)], (*FOREIGN.get(room(path), ()), *OPTIONAL.get(path, ()))
    for name in imports(path):
        top = name.partition(".")[0]
        if top == "cctui":
            assert begins(name, ours), f"{path} may not import {name}"
        elif top and top not in sys.stdlib_module_names and not _sibling(path, top):
            assert begins(name, foreign), f"{path} may not import {name}"


def _sibling(path: str, name: str) -> bool:
    """The runner and the simulated Claude are started as files, with their own folder on the path."""
    return room(path) in ("runner", "demo") and (name == "runner" or (PACKAGE / path).with_name(f"{name}.py").exists())


def test_no_module_imports_itself_around_a_corner() -> None:
    graph: dict[str, set[str]] = {}
    known = {path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): path for path in sources()}
    for name, path in known.items():
        wanted = {item.removeprefix("cctui.") for item in imports(path, lazy=False) if item.startswith("cctui.")}
        graph[name] = {target for item in wanted for target in (item, item.rpartition(".")[0]) if target in known}
        graph[name].discard(name)
    list(graphlib.TopologicalSorter(graph).static_order())


# --- law 1: core does no I/O, reads no clock -------------------------------------------------------------------------

IMPURE = (
    *("asyncio", "fcntl", "glob", "http", "io", "logging", "multiprocessing", "os", "random", "select", "shutil"),
    *(
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid.uuid4",
    ),
    *("pathlib.Path", "pathlib.PosixPath"),
)


@pytest.mark.parametrize("path", rooms("core"))
def test_law_1_core_does_no_io_and_reads_no_clock(path: str) -> None:
    assert [name for name in imports(path) if begins(name, IMPURE)] == []
    for line, name, _ in calls(path):
        assert name not in ("open", "input", "print", "exec", "eval", "__import__"), f"{path}:{line} {name}"


# --- law 2: the World changes only in step ---------------------------------------------------------------------------

REBUILDS = {
    "engine.py": "makes the first, empty World",
    "remote.py": "keeps a copy of the engine's World: it puts in the fields it was sent",
    "codec.py": "reads a World from JSON",
    "promised.py": "stands in with a World that says that nothing has been read yet",
}
WORLDS = re.compile(r"(^|\.|_)world$")


@pytest.mark.parametrize("path", outside("core"))
def test_law_2_the_world_changes_only_in_step(path: str) -> None:
    if path in REBUILDS:
        return
    for line, name, call in calls(path):
        changed = name.rpartition(".")[2] == "replace" and call.args and WORLDS.search(ast.unparse(call.args[0]))
        assert not changed, f"{path}:{line} changes the World"
        assert not (name.rpartition(".")[2] == "World" and call.keywords), f"{path}:{line} makes a World"
        assert name != "object.__setattr__", f"{path}:{line}"


def test_law_2_nothing_in_the_world_can_be_changed_in_place() -> None:
    values = [
        item
        for item in (vars(world) | vars(events)).values()
        if isinstance(item, type) and hasattr(item, "__dataclass_params__")
    ]
    assert len(values) > 50
    for item in values:
        assert item.__dataclass_params__.frozen, item
        assert "__slots__" in vars(item), item


# --- law 3: effects are values; only the engine performs them --------------------------------------------------------

EFFECTS = {item.__name__ for item in core_effects.Effect.__args__}
PERFORMS = {
    "engine.py": "the heart",
    "perform.py": "the engine's hands",
    "cli/offline.py": "holds the engine's lock while there is no engine, and does the file effects of one command",
    "codec.py": "names every value that can cross a socket",
}


@pytest.mark.parametrize("path", outside("core"))
def test_law_3_only_the_engine_performs_effects(path: str) -> None:
    named = {name.removeprefix("cctui.core.events.") for name in imports(path)} & EFFECTS
    if path not in PERFORMS:
        assert named == set(), f"{path} handles effects"


def test_law_3_step_returns_every_effect_and_performs_none() -> None:
    after, effects = step(world.World(), events.Ticked(), NOW)
    assert isinstance(after, world.World)
    assert isinstance(effects, tuple)
    performed = {node.attr for node in ast.walk(tree("perform.py")) if isinstance(node, ast.Attribute)}
    named = {node.id for node in ast.walk(tree("perform.py")) if isinstance(node, ast.Name)} | performed
    asked = {"Sample"}  # a wish to a source, not a deed: the engine hands it to the measuring loop
    assert EFFECTS - asked <= named, "an effect that nobody performs"


# --- law 4: a fact lives in one place --------------------------------------------------------------------------------


def test_law_4_what_the_store_holds_is_held_nowhere_else() -> None:
    kept = {field.name for field in fields(world.Memory)}
    elsewhere = {field.name for item in (world.Task, world.Spec, world.Record, world.Run) for field in fields(item)}
    assert kept & elsewhere == set()


@pytest.mark.parametrize("path", rooms("adapters"))
def test_law_4_the_world_is_never_saved(path: str) -> None:
    saved = {"cctui.core.world.World", "cctui.codec.encode"} & imports(path)
    assert saved == set() or path == "adapters/notes.py", f"{path} could write the World to a file: {saved}"


# --- law 5: a face holds no truth ------------------------------------------------------------------------------------

DEEDS = (
    *("pathlib", "shutil", "socket", "subprocess", "tempfile", "fcntl", "multiprocessing", "threading", "sqlite3"),
    *("urllib", "http", "time", "io", "os.open", "os.remove", "os.rename", "os.replace"),
)


PLACES = {"tui/app.py": {"pathlib.Path"}}
"""Where its own style sheet lies."""


@pytest.mark.parametrize("path", rooms("tui"))
def test_law_5_a_face_cannot_touch_a_file_or_a_socket(path: str) -> None:
    deeds = {name for name in imports(path) if begins(name, DEEDS)}
    assert deeds - PLACES.get(path, set()) == set()
    for line, name, _ in calls(path):
        assert name != "open", f"{path}:{line}"
        assert not name.startswith("os.") or name.startswith("os.environ"), f"{path}:{line} {name}"


# --- law 6: restarting is just another look --------------------------------------------------------------------------


@pytest.mark.parametrize("path", sources())
def test_law_6_there_is_no_recovery_code_path(path: str) -> None:
    names = {
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    suspects = {name for name in names if re.search(r"recover|re_?adopt|crash|restart", name, re.IGNORECASE)}
    assert suspects == set(), f"{path}: {suspects}"


def spec() -> world.Spec:
    return world.Spec(
        run_id="20261121-025500-aaaaaa",
        task="digest",
        path="pending/digest.md",
        attempt=1,
        runner=world.Runner.CLAUDE,
        kind="digest",
        mode=world.Mode.AUTONOMOUS,
        folder="/vault",
        started=NOW - timedelta(minutes=5),
        timeout=1800,
        session="cc-20261121-025500-aaaaaa",
        session_id="00000000-0000-4000-8000-000000000001",
    )


def test_law_6_a_fresh_engine_takes_a_living_run_as_it_is() -> None:
    task = world.Task("digest", "active/digest.md", world.Phase.ACTIVE, folder="/vault", kind="digest")
    seen = world.Sight(spec(), 1, world.SightState.ALIVE, leg_started=spec().started)
    now = world.World()
    all_effects: list[core_effects.Effect] = []
    for event in (
        events.Loaded(world.Memory(), (), world.Totals()),
        events.Scanned((task,)),
        events.Looked((seen,)),
        events.Checked({}),
    ):
        now, effects = step(now, event, NOW)
        all_effects += effects
    assert [run.stage for run in now.runs.values()] == [world.Stage.RUNNING]
    assert not any(
        isinstance(effect, core_effects.Launch | core_effects.Halt | core_effects.Finish) for effect in all_effects
    )


# --- law 7: whatever waits says why, and when that changes -----------------------------------------------------------


@pytest.mark.parametrize("why", list(world.Why))
def test_law_7_every_reason_has_a_sentence(why: world.Why) -> None:
    bare = say(world.Reason(why), NOW)
    full = say(world.Reason(why, "digest", 93.0, 90.0, NOW + timedelta(hours=2)), NOW)
    for sentence in (bare, full):
        assert 3 <= len(sentence) <= 96, sentence
        assert "None" not in sentence
        assert "\n" not in sentence


def test_law_7_no_two_reasons_sound_the_same() -> None:
    gates = [why for why, _ in queue.GATES]
    said = {why: say(world.Reason(why, "digest"), NOW) for why in gates}
    assert len(set(said.values())) == len(said) > 15


# --- law 8: it fits 48 x 18 ------------------------------------------------------------------------------------------


def test_law_8_every_designed_state_is_looked_at_on_a_phone() -> None:
    tests = [path.read_text("utf-8") for path in (REPOSITORY / "tests/tui").rglob("*.py")]
    assert any(re.search(r"48\D{1,5}18", text) for text in tests), "no test draws the app at 48x18"
    phone = {path.name for path in (REPOSITORY / "tests/tui").rglob("*48x18*")}
    assert len(phone) >= 8, "snapshots of the designed states at 48x18 are missing"


# --- law 9: a number shows where it came from and how old it is ------------------------------------------------------


def test_law_9_a_reading_cannot_be_made_without_source_and_age() -> None:
    needed = {field.name for field in fields(world.Reading) if field.default is MISSING}
    assert {"source", "observed_at"} <= needed


def test_law_9_every_window_that_is_told_names_its_source_and_age() -> None:
    reading = world.Reading(world.FIVE_HOUR, 41.0, NOW + timedelta(hours=2), "stream", NOW - timedelta(minutes=3))
    now, _ = step(world.World(), events.Measured((reading,)), NOW)
    data = told(now, "usage", {}, NOW).data
    windows = data["default"]["windows"]
    five = next(window for window in windows if window["id"] == world.FIVE_HOUR)
    assert five["source"] == "stream"
    assert datetime.fromisoformat(five["observed_at"]) == reading.observed_at
    week = next(window for window in windows if window["id"] == world.SEVEN_DAY)
    assert week["used_percent"] is None, "an unknown number may never be shown as 0"


# --- law 10: time is an argument -------------------------------------------------------------------------------------

CLOCKS = {
    "now",
    "today",
    "utcnow",
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "localtime",
    "gmtime",
}
OWN_CLOCK = {
    "adapters/clock.py": "the Clock",
    "adapters/rundir.py": "compares a time stamp of the file system with the present",
    "adapters/taskdir.py": "the same",
    "adapters/store.py": "names a bad file that it moves aside",
    "remote.py": "the clock of a face whose engine is another process",
    "lock.py": "start time of the lock's owner",
    "planner.py": "how long a worker process may go on sampling; what it works out has its time as an argument",
    "cli/ask.py": "the deadline of one question on a socket; imports nothing of ours",
}


@pytest.mark.parametrize("path", outside("runner", "demo"))
def test_law_10_time_is_an_argument(path: str) -> None:
    if path in OWN_CLOCK:
        return
    for line, name, call in calls(path):
        owner, _, last = name.rpartition(".")
        wall = owner.rpartition(".")[2] in ("datetime", "date", "time") and last in CLOCKS
        bounded_wait = room(path) == "adapters" and last == "monotonic"
        assert not wall or bounded_wait, f"{path}:{line} reads a clock: {ast.unparse(call)}"
    assert not {name for name in imports(path) if name.startswith("time.")}, path


# --- budgets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sources())
def test_files_and_functions_stay_small(path: str) -> None:
    lines = len(sources()[path].splitlines())
    assert lines <= FILE_LINES or path in LONGER, f"{path}: {lines} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{path}:{node.lineno} {node.name}: {length} lines"


BROAD = {"engine.py": "where effects and sources are run", "sources.py": "the engine's sources"}


@pytest.mark.parametrize("path", sources())
def test_any_exception_is_caught_only_at_the_engines_boundary(path: str) -> None:
    if path in BROAD:
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            passes_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            broad = caught in ("everything", "Exception", "BaseException")
            assert passes_on or not broad, f"{path}:{node.lineno} catches {caught}"


@pytest.mark.parametrize("path", sources())
def test_every_module_says_what_it_is_and_has_a_proper_name(path: str) -> None:
    assert ast.get_docstring(tree(path)), f"{path}: a module's head says what it promises"
    assert not re.search(r"util|helper|manager|service|base|common|misc", Path(path).stem)
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3))
    assert not re.search(rf"\b({marks})\b", sources()[path])


# --- the command line stays light ------------------------------------------------------------------------------------

LIGHT = """
import atexit, sys
atexit.register(lambda: print("MODULES", *sorted(sys.modules), file=sys.stderr))
sys.argv = ["ccq", "ls", "--json"]
from cctui.cli.main import ccq
ccq()
"""


def test_listing_the_queue_never_loads_a_face(tmp_path: Path) -> None:
    (tmp_path / "tasks/pending").mkdir(parents=True)
    (tmp_path / "tasks/pending/one.md").write_text("say hello\n", "utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT],
        env=os.environ | {"CCTUI_ROOT": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert '"one"' in ran.stdout
    loaded = set(ran.stderr.rpartition("MODULES ")[2].split())
    assert "cctui.core.world" in loaded
    assert loaded & {"textual", "httpx", "libtmux", "rich"} == set()
