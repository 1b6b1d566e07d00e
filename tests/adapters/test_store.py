"""The store: what was saved is there after any kind of death, and a bad file is never the end."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.adapters import steps
from cctui.adapters.store import Store, StoreError
from cctui.core.world import (
    Done,
    Edit,
    Hold,
    Memory,
    Move,
    Pause,
    Place,
    Remove,
    Reorder,
    Restore,
    Retry,
    Skip,
    Together,
)

AT = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
MEMORY = Memory(
    ranks={"a": -1, "b c": 3, "ü@1": 0},
    hold=True,
    retries={"a": Retry(2, AT, "exit 1\nsecond line"), "b": Retry(1)},
    done=(
        Done(Pause("a", on=False), "a paused", AT),
        Done(Hold(on=False), "hold is on", AT),
        Done(Reorder("a", {"a": None, "ü@1": 3}, 5), "a moved", AT),
        Done(Reorder("a"), "a moved", AT),
        Done(Together((Edit("a", "model", None), Edit("b", "check", '"x: y"'), Remove("c"), Skip("t"))), "4 done", AT),
        Done(Restore("a", "20260203T040506.000789Z/pending/a.md"), "a is in the trash", AT),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db.json"


def test_no_file_is_an_empty_memory(path: Path) -> None:
    store = Store(path)
    assert store.load() == Memory() and store.trouble is None and not path.exists()


def test_what_is_saved_is_loaded(path: Path) -> None:
    for memory in (MEMORY, Memory(), MEMORY):
        store = Store(path)
        store.load()
        store.save(memory)
        assert Store(path).load() == memory
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(path.parent)) == ["db.json", "db.json.bak"]  # noqa: PTH208


def test_what_does_not_change_is_not_written(path: Path) -> None:
    store = Store(path)
    store.save(MEMORY)
    inode = path.stat().st_ino
    store.save(replace(MEMORY, ranks=dict(MEMORY.ranks), retries=dict(MEMORY.retries), done=(*MEMORY.done,)))
    assert path.stat().st_ino == inode
    store.save(Memory())
    assert path.stat().st_ino != inode


def test_what_a_newer_cctui_wrote_stays(path: Path) -> None:
    Store(path).save(MEMORY)
    whole = json.loads(path.read_text())
    whole["memory"]["1"]["later"] = [1, 2]
    whole["other"] = {"1": {"x": 1}}
    path.write_text(json.dumps(whole))
    store = Store(path)
    assert store.load() == MEMORY
    store.save(Memory())
    now = json.loads(path.read_text())
    assert now["memory"]["1"]["later"] == [1, 2] and now["other"] == {"1": {"x": 1}}


BENT: list[object] = [
    "x", {}, {"undo": {"do": "fly", "task": "a"}, "label": "x", "at": AT.isoformat()},
    {"undo": {"do": "pause", "task": "a", "on": 1}, "label": "x", "at": AT.isoformat()},
    {"undo": {"do": "pause", "task": "a", "on": True}, "label": "x", "at": "2026-02-03T04:05"},
    {"undo": {"do": "pause", "task": "a", "on": True}, "label": "x", "at": "soon"},
    {"undo": {"do": "reorder", "task": "a", "ranks": {"a": "1"}, "priority": None}, "label": "x", "at": AT.isoformat()},
    {"undo": {"do": "together", "commands": [{"do": "fly"}]}, "label": "x", "at": AT.isoformat()},
]  # fmt: skip


@pytest.mark.parametrize("bent", BENT)
def test_a_step_of_another_version_is_left_out(path: Path, bent: object) -> None:
    Store(path).save(MEMORY)
    whole = json.loads(path.read_text())
    whole["memory"]["1"]["done"].insert(2, bent)
    path.write_text(json.dumps(whole))
    store = Store(path)
    assert store.load() == MEMORY and store.trouble is None


@pytest.mark.parametrize("bent", ["x", None, {"a": 1}, 5])
def test_steps_that_are_none_at_all_keep_nothing_from_loading(path: Path, bent: object) -> None:
    Store(path).save(MEMORY)
    whole = json.loads(path.read_text())
    whole["memory"]["1"]["done"] = bent
    path.write_text(json.dumps(whole))
    assert Store(path).load() == replace(MEMORY, done=())


def test_a_file_from_before_there_were_steps(path: Path) -> None:
    Store(path).save(MEMORY)
    whole = json.loads(path.read_text())
    del whole["memory"]["1"]["done"]
    path.write_text(json.dumps(whole))
    assert Store(path).load() == replace(MEMORY, done=())


def test_only_what_takes_something_back_can_be_kept(path: Path) -> None:
    with pytest.raises(ValueError, match="Move takes nothing back"):
        steps.write((Done(Move("a", Place.UP), "x", AT),))


def with_memory(**parts: object) -> bytes:
    return json.dumps({"memory": {"1": parts}}).encode()


BAD = [
    b"",
    b"{",
    b'{"memory": {"1": {"hold": true',
    b"[]",
    b'"text"',
    b'{"memory": []}',
    with_memory(),
    with_memory(hold="yes", ranks={}, retries={}),
    with_memory(hold=True, ranks={"a": "first"}, retries={}),
    with_memory(hold=True, ranks={"a": True}, retries={}),
    with_memory(hold=True, ranks=[1], retries={}),
    with_memory(hold=True, ranks={}, retries={"a": {}}),
    with_memory(hold=True, ranks={}, retries={"a": {"attempts": "1"}}),
    with_memory(hold=True, ranks={}, retries={"a": {"attempts": 1, "at": "soon"}}),
    with_memory(hold=True, ranks={}, retries={"a": {"attempts": 1, "at": "2026-02-03T04:05:06"}}),
    b'{"memory": {"1": []}}',
    b"\xff\xfe\x00",
    b"\x00" * 500,
]


@pytest.mark.parametrize("data", BAD)
def test_a_bad_file_is_set_aside_and_the_last_good_copy_used(path: Path, data: bytes) -> None:
    Store(path).save(MEMORY)
    newer = Store(path)
    newer.load()
    newer.save(Memory(hold=True))
    path.write_bytes(data)
    store = Store(path)
    assert store.load() == MEMORY
    (bad,) = path.parent.glob("db.json.bad-*")
    assert bad.read_bytes() == data
    assert store.trouble and bad.name in store.trouble and "its last good copy is used" in store.trouble
    again = Store(path)
    assert again.load() == MEMORY and again.trouble is None, "mended for good"


@pytest.mark.parametrize("backup", [None, b"", b"{}x"])
def test_without_a_good_copy_it_begins_anew_and_says_so(path: Path, backup: bytes | None) -> None:
    path.write_bytes(b"{")
    if backup is not None:
        path.with_name("db.json.bak").write_bytes(backup)
    store = Store(path)
    assert store.load() == Memory()
    assert store.trouble and "there was no good copy" in store.trouble
    store.save(MEMORY)
    assert Store(path).load() == MEMORY


def test_a_file_that_goes_bad_while_we_run_does_not_stop_a_save(path: Path) -> None:
    store = Store(path)
    store.save(MEMORY)
    path.write_bytes(b"{")
    store.save(Memory(hold=True))
    assert Store(path).load() == Memory(hold=True)
    assert len(list(path.parent.glob("db.json.bad-*"))) == 1


def test_a_folder_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write .*db.json: No such file"):
        Store(tmp_path / "none" / "db.json").save(MEMORY)
    (tmp_path / "db.json").mkdir()
    with pytest.raises(StoreError, match="cannot read .*db.json: Is a directory"):
        Store(tmp_path / "db.json").load()


def test_a_disk_that_is_full_leaves_the_old_file(path: Path) -> None:
    """RLIMIT_FSIZE in a process of its own stands for the full disk."""
    Store(path).save(MEMORY)
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from cctui.adapters.store import Store, StoreError; from cctui.core.world import Memory\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "store = Store(Path(sys.argv[1])); store.load()\n"
        "try: store.save(Memory(ranks={f'task {n}': n for n in range(100)}))\n"
        "except StoreError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=30, check=True)
    assert "File too large" in ran.stdout
    assert Store(path).load() == MEMORY
    assert sorted(os.listdir(path.parent)) == ["db.json", "db.json.bak"]  # noqa: PTH208


WRITER = """
import sys
from pathlib import Path
from cctui.adapters.store import Store
from cctui.core.world import Memory
store = Store(Path(sys.argv[1]))
store.load()
number = 0
while True:
    number += 1
    width = 400 if number % 2 else 1
    store.save(Memory(ranks={f"task {n}": number for n in range(width)}))
    print(number, flush=True)
"""


def test_a_kill_in_the_middle_of_a_write_leaves_what_was_saved_last_or_just_now(path: Path) -> None:
    """The file shrinks and grows at every save: TinyDB's own storage breaks here."""
    for round_number in range(8):
        child = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(3 + round_number * 5)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
        child.stdout.close()
        child.wait()
        confirmed = int([line for line in said if line.endswith("\n")][-1])
        store = Store(path)
        ranks = store.load().ranks
        assert store.trouble is None
        assert set(ranks.values()) <= {confirmed, confirmed + 1} and len(set(ranks.values())) == 1
        assert len(ranks) == (400 if next(iter(ranks.values())) % 2 else 1)


MOMENTS = st.datetimes(timezones=st.just(UTC)) | st.none()


@given(
    st.dictionaries(st.text(), st.integers(), max_size=3),
    st.booleans(),
    st.dictionaries(st.text(), st.builds(Retry, st.integers(), MOMENTS, st.text()), max_size=3),
)
def test_any_memory_goes_there_and_back(ranks: dict[str, int], hold: bool, retries: dict[str, Retry]) -> None:
    memory = Memory(ranks, hold, retries)
    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder) / "db.json").save(memory)
        assert Store(Path(folder) / "db.json").load() == memory
