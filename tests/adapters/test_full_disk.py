"""What every adapter does when the disk fills up or turns read-only in the middle of a write: the old file stays whole.

What runs inside a mount namespace of its own is a function of this file, with a name that begins with `_`.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctui.adapters import notes
from cctui.adapters.health import is_disk
from cctui.adapters.ledger import Ledger, LedgerError, Samples
from cctui.adapters.notes import NotesError
from cctui.adapters.store import Store, StoreError
from cctui.adapters.taskdir import TaskDir, TaskDirError
from cctui.core.world import Memory, Phase, Reading, Record, Retry
from cctui.places import Places
from tests.adapters.mounted import alone, crowd, files, fill, mount, remount
from tests.adapters.test_health import places_in

NOW = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
RECORD = Record("digest", True, None, 5, 1.0, "logs/scheduler/2026-11-20/digest.md", NOW, run_id="r1")
MEMORY = Memory(ranks={"a": 1})
BIG = Memory(retries={f"task-{n}": Retry(1, NOW, "x" * 200) for n in range(600)})


def _writes(places: Places) -> tuple[Store, Ledger, Samples, TaskDir]:
    """A good state of everything."""
    store, ledger = Store(places.db), Ledger(places.history)
    store.save(Memory(hold=True))
    store.save(MEMORY)
    ledger.append(RECORD)
    samples, taskdir = Samples(places.capacity), TaskDir(places, UTC)
    samples.append([Reading("five_hour", 4.0, None, "stream", NOW)])
    notes.write_active(places, ())
    (places.tasks / "pending/digest.md").write_text("say hello\n")
    return store, ledger, samples, taskdir


def _all_fail(places: Places, store: Store, ledger: Ledger, samples: Samples, taskdir: TaskDir) -> None:
    """Every write fails with its adapter's own error, which is known as the disk's."""
    failures: list[tuple[type[Exception], Callable[[], object]]] = [
        (StoreError, lambda: store.save(BIG)),
        (LedgerError, lambda: ledger.append(replace(RECORD, run_id="r2", detail="x" * 200_000))),
        (LedgerError, lambda: samples.append([Reading("x" * 200_000, 4.0, None, "stream", NOW)])),
        (NotesError, lambda: notes._write(places.context / "active-agents.md", "x" * 200_000)),
        (TaskDirError, lambda: taskdir.add("other", "x" * 200_000)),
        (TaskDirError, lambda: taskdir.edit("pending/digest.md", "model", "x" * 190_000)),
    ]
    for kind, write in failures:
        with pytest.raises(kind) as found:
            write()
        assert is_disk(found.value), found.value


def _all_is_there(places: Places) -> None:
    assert Store(places.db).load() == MEMORY
    assert (places.state / "db.json.bak").exists(), "the last good copy is gone"
    assert list(Ledger(places.history).all()) == [RECORD]
    assert places.history.read_bytes().count(b"task_id") == places.history.read_bytes().count(b"\n") == 1, "half a line"
    assert len(Samples(places.capacity).recent(NOW)) == 1
    assert (places.context / "active-agents.md").read_text().startswith("# Active agents")
    assert (places.tasks / "pending/digest.md").read_text() == "say hello\n"


def _full_in_the_middle(tmp_path: Path) -> None:
    mount(tmp_path / "d", "size=1m")
    places = places_in(tmp_path / "d")
    parts = _writes(places)
    before = files(tmp_path)
    for left in (0, 8192, 65536):  # nothing fits; some of it does
        fill(tmp_path / "d/filler", left)
        _all_fail(places, *parts)
        _all_is_there(places)
        (tmp_path / "d/filler").unlink()
        assert files(tmp_path) == before, "something was left behind"
    parts[0].save(BIG)
    assert parts[1].append(replace(RECORD, run_id="r2"))
    assert Store(places.db).load() == BIG
    assert [record.run_id for record in Ledger(places.history).all()] == ["r1", "r2"]
    assert files(tmp_path) == before


def test_a_disk_that_fills_up_in_the_middle_of_a_write(tmp_path: Path) -> None:
    alone(_full_in_the_middle, tmp_path)


def _crowded_in_the_middle(tmp_path: Path) -> None:
    mount(tmp_path / "d", "size=10m,nr_inodes=60")
    places = places_in(tmp_path / "d")
    parts = _writes(places)
    before, made = files(tmp_path), crowd(tmp_path / "d")
    for _ in range(2):
        with pytest.raises(StoreError) as found:
            parts[0].save(BIG)
        assert is_disk(found.value)
        _all_is_there(places)
    for path in made:
        path.unlink()
    assert files(tmp_path) == before


def test_a_disk_that_runs_out_of_inodes(tmp_path: Path) -> None:
    alone(_crowded_in_the_middle, tmp_path)


def _read_only_in_the_middle(tmp_path: Path) -> None:
    mount(tmp_path / "d", "size=10m")
    places = places_in(tmp_path / "d")
    parts = _writes(places)
    before = files(tmp_path)
    remount(tmp_path / "d", "ro")
    _all_fail(places, *parts)
    with pytest.raises(TaskDirError) as found:
        parts[3].file("pending/digest.md", Phase.ACTIVE)
    assert is_disk(found.value)
    _all_is_there(places)
    assert files(tmp_path) == before
    remount(tmp_path / "d", "rw")
    parts[0].save(BIG)
    assert parts[1].append(replace(RECORD, run_id="r2"))
    assert files(tmp_path) == before


def test_a_disk_that_becomes_read_only(tmp_path: Path) -> None:
    alone(_read_only_in_the_middle, tmp_path)


def test_a_write_that_is_cut_short_by_a_limit(tmp_path: Path) -> None:
    """The same without mounting: the kernel takes the first part of each write and refuses the rest (EFBIG)."""
    places = places_in(tmp_path)
    store, ledger, *_ = _writes(places)
    before = files(tmp_path)
    size = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, size[1]))
    try:
        for _ in range(2):
            with pytest.raises(StoreError):
                store.save(BIG)
            with pytest.raises(LedgerError):
                ledger.append(replace(RECORD, run_id="r2", detail="x" * 20_000))
            with pytest.raises(NotesError):
                notes._write(places.context / "active-agents.md", "x" * 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, size)
    _all_is_there(places)
    assert files(tmp_path) == before
