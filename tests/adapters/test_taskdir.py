"""The task folders on a real disk: what is found there, what is said of trouble, and how little a change touches."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.adapters import front, mdfile
from cctui.adapters.taskdir import YOUNG_NS, TaskDir, TaskDirError
from cctui.core.world import Broken, Dependency, Entry, Phase, Task
from cctui.places import Places, make

BERLIN = ZoneInfo("Europe/Berlin")
NOBODY = 65534


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "root", tmp_path / "state", tmp_path / "config.toml", tmp_path / "engine.sock")
    make(found)
    return found


@pytest.fixture
def taskdir(places: Places) -> TaskDir:
    return TaskDir(places, BERLIN)


def put(places: Places, path: str, data: str | bytes = "Do it.", age: float = 60.0) -> Path:
    """A file that was written `age` seconds ago."""
    file = places.tasks / path
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    then = time.time() - age
    os.utime(file, (then, then))
    return file


def found(taskdir: TaskDir) -> dict[str, Entry]:
    return {entry.path: entry for entry in taskdir.scan()}


def problems(entry: Entry) -> str:
    assert isinstance(entry, Broken), entry
    return "; ".join(trouble.text for trouble in entry.problems)


# --- what is in a file -----------------------------------------------------------------------------------------------

GOOD: list[tuple[str, str | bytes, dict[str, object]]] = [
    ("no front matter", "# Hi\nDo it.", {"priority": 5, "title": "Hi", "warnings": ()}),
    ("empty front matter", "---\n---\nDo it.", {"priority": 5, "title": "Do it."}),
    ("front matter", "---\npriority: 3\n---\nDo it.", {"priority": 3, "title": "Do it."}),
    ("a byte order mark", b"\xef\xbb\xbf---\npriority: 3\n---\nDo it.", {"priority": 3}),
    ("Windows line ends", "---\r\npriority: 3\r\n---\r\nDo it.\r\n", {"priority": 3, "title": "Do it."}),
    ("old Mac line ends", "---\rpriority: 3\r---\rDo it.\r", {"priority": 3, "title": "Do it."}),
    ("empty lines before", "\n \n---\npriority: 3\n---\nDo it.", {"priority": 3}),
    ("a rule in the body", "---\npriority: 3\n---\nDo it.\n---\nMore.", {"priority": 3}),
    ("spaces behind the fence", "---  \npriority: 3\n---\t\nDo it.", {"priority": 3}),
    ("four dashes are no fence", "----\nDo it.", {"priority": 5, "title": "----"}),
    ("bare wikilinks", "---\ndepends_on: [[other]]\n---\nx", {"depends_on": (Dependency("other"),)}),
    ("quoted wikilinks", '---\ndepends_on:\n  - "[[dir/other|o]]"\n---\nx', {"depends_on": (Dependency("other"),)}),
    ("a name YAML 1.1 takes for a bool", "---\nkind: on\n---\nx", {"kind": "on"}),
    ("a name YAML 1.1 takes for a date", "---\nkind: 2026-02-30\n---\nx", {"kind": "2026-02-30"}),
    ("a name YAML 1.1 takes for a number", "---\nkind: 1:30:00\n---\nx", {"kind": "1:30:00"}),
    ("a number with a leading zero stays text", "---\nname: 007\n---\nx", {"name": "007"}),
    ("an unknown field", "---\non: push\n---\nx", {"warnings": ("unknown field 'on' (line 2)",)}),
    ("a nested unknown field", "---\nplugin: {a: [1, {b: 2}]}\n---\nx", {"priority": 5}),
    ("a reused scalar", "---\nkind: &k x\naccount: *k\n---\nx", {"kind": "x", "account": "x"}),
]


@pytest.mark.parametrize(("what", "data", "wanted"), GOOD, ids=[case[0] for case in GOOD])
def test_a_file_is_read(
    taskdir: TaskDir, places: Places, what: str, data: str | bytes, wanted: dict[str, object]
) -> None:
    put(places, "pending/digest.md", data)
    (entry,) = taskdir.scan()
    assert isinstance(entry, Task), entry
    assert {name: getattr(entry, name) for name in wanted} == wanted


BAD: list[tuple[str, str | bytes, int | None, str]] = [
    ("an empty file", "", None, "nothing to do: no body and no command"),
    ("an open fence", "---\npriority: 3\nDo it.", 1, "opens on line 1 is never closed"),
    ("an open fence below", "\n\n---\npriority: 3", 3, "opens on line 3 is never closed"),
    ("a list", "---\n- a\n- b\n---\nx", 2, "must be lines of 'field: value', found a list"),
    ("a text", "---\nhello\n---\nx", 2, "must be lines of 'field: value', found 'hello'"),
    ("a key twice", "---\npriority: 1\nkind: a\npriority: 2\n---\nx", 4, "given twice, on line 2 and line 4"),
    ("a key twice inside", "---\nx:\n  a: 1\n  a: 2\n---\nx", 4, "a is given twice"),
    ("broken YAML", "---\nkind: 'x\n---\nx", 3, "unexpected end of stream"),
    ("a tab as indent", "---\nx:\n\t- a\n---\nx", 3, "cannot start any token"),
    ("two colons", "---\nkind: a: b\n---\nx", 2, "mapping values are not allowed"),
    ("a Python object", "---\nkind: !!python/object:os.system x\n---\nx", 2, "could not determine a constructor"),
    ("a false date", "---\nx: !!timestamp 2026-02-30\n---\nx", 2, "day is out of range"),
    ("a control character", "---\nkind: a\x01b\n---\nx", None, "a character that text files do not have"),
    ("a list as key", "---\n? [a]\n: b\n---\nx", 2, "a field's name must be text"),
    ("a list used twice", "---\nx: &x [1]\ny: [*x]\n---\nx", 2, "an alias (*) of a list or mapping is not supported"),
    ("a list in itself", "---\nx: &x [*x]\n---\nx", 2, "an alias (*)"),
    ("a hundred thousand brackets", "---\nx: " + "[" * 100_000 + "\n---\nx", 2, "nested deeper than 50 levels"),
    ("sixty levels", "---\nx:\n  " + "- " * 60 + "a\n---\nx", 3, "nested too deeply"),
    ("not UTF-8", b"---\nkind: a\n---\nna\xefve text", 4, "byte 0xef at offset 18"),
    ("not UTF-8 behind a mark", b"\xef\xbb\xbfab\n\xff", 2, "byte 0xff at offset 6"),
    ("UTF-16", "Do it.".encode("utf-16"), None, "UTF-16: save it as UTF-8"),
    ("a wrong value", "---\n# a comment\npriority: high\n---\nx", 3, "a whole number, found 'high'"),
    ("a false deadline", "---\ndeadline: 2026-02-30\n---\nx", 2, "day is out of range for month"),
    ("an unknown user", "---\ncwd: ~no-such-user/x\n---\nx", 2, "~no-such-user is not"),
    ("an unset variable", "---\ncwd: $NO_SUCH_THING/x\n---\nx", 2, "$NO_SUCH_THING is not"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "data", "line", "said"), BAD, ids=[case[0] for case in BAD])
def test_a_file_that_is_no_task_says_where_and_why_and_the_rest_goes_on(
    taskdir: TaskDir, places: Places, what: str, data: str | bytes, line: int | None, said: str
) -> None:
    put(places, "pending/bad.md", data)
    put(places, "pending/good.md")
    entries = found(taskdir)
    assert said in problems(entries["pending/bad.md"])
    bad = entries["pending/bad.md"]
    assert isinstance(bad, Broken) and (bad.problems[0].line, bad.name) == (line, "bad")
    assert isinstance(entries["pending/good.md"], Task)


def test_all_problems_of_a_file_are_told_at_once(taskdir: TaskDir, places: Places) -> None:
    put(places, "pending/x.md", "---\npriority: a\nmode: b\npriority: 2\ntimeout: c\n---\n")
    text = problems(taskdir.scan()[0])
    assert all(part in text for part in ("given twice", "priority must", "mode must", "timeout must", "nothing to do"))


def test_a_large_file_is_refused_unread(taskdir: TaskDir, places: Places) -> None:
    file = put(places, "pending/big.md", b"x" * mdfile.MAX_BYTES)
    assert isinstance(taskdir.scan()[0], Task)
    os.truncate(file, 10_000_000)
    assert "larger than 1 MiB" in problems(taskdir.scan()[0])
    data, _ = mdfile.load(str(file))
    assert len(data) == mdfile.MAX_BYTES + 1


# --- what lies in the folders ----------------------------------------------------------------------------------------


def test_phases_names_and_order(taskdir: TaskDir, places: Places) -> None:
    for phase in Phase:
        put(places, f"{phase}/t-{phase}.md")
    paths = [entry.path for entry in taskdir.scan()]
    assert paths == sorted(f"{phase}/t-{phase}.md" for phase in Phase)
    assert [entry.phase for entry in taskdir.scan()] == [Phase(path.partition("/")[0]) for path in paths]


def test_what_is_no_task_file_is_not_seen(taskdir: TaskDir, places: Places) -> None:
    for name in (".hidden.md", ".#lock.md", "a.md~", "a.txt", "a.md.swp", "#a.md#", ".cctui-1.tmp", "README"):
        put(places, f"pending/{name}")
    (places.tasks / "pending/folder").mkdir()
    put(places, "pending/folder/inner.md")
    assert taskdir.scan() == ()


def test_strange_things_called_md(taskdir: TaskDir, places: Places, tmp_path: Path) -> None:
    pending = places.tasks / "pending"
    (pending / "folder.md").mkdir()
    os.mkfifo(pending / "pipe.md")
    (pending / "dangling.md").symlink_to(tmp_path / "nothing")
    (pending / "loop.md").symlink_to(pending / "loop.md")
    (pending / "unreadable.md").symlink_to("/proc/self/mem")
    (tmp_path / "elsewhere.md").write_text("Do it.")
    (pending / "linked.md").symlink_to(tmp_path / "elsewhere.md")
    put(places, "pending/a.sync-conflict-20260203-101010-ABCDEFG.md")
    put(places, "pending/a\x1b[31mb.md")
    (pending / os.fsdecode(b"latin\xe9.md")).write_text("x")
    entries = found(taskdir)
    said = {path: problems(entry) for path, entry in entries.items() if isinstance(entry, Broken)}
    assert said == {
        "pending/folder.md": "a folder: a task is a Markdown file",
        "pending/pipe.md": "not a regular file: a task is a Markdown file",
        "pending/dangling.md": "the link points to nothing",
        "pending/loop.md": "the link points to nothing",
        "pending/unreadable.md": "cannot be read: Input/output error: check its owner and mode",
        "pending/a.sync-conflict-20260203-101010-ABCDEFG.md": "a sync conflict copy: keep one of the two files",
        "pending/a?[31mb.md": "the file name holds characters that cannot be shown: rename it",
        "pending/latin?.md": "the file name holds characters that cannot be shown: rename it",
    }
    assert isinstance(entries["pending/linked.md"], Task)


def as_nobody(places: Places, act: Callable[[], None]) -> None:
    """Root may read everything: become somebody else for a moment."""
    if os.geteuid() != 0:
        act()
        return
    for folder in (places.root.parent.parent, places.root.parent, places.root, places.tasks):
        folder.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        act()
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_heals_when_it_may(taskdir: TaskDir, places: Places) -> None:
    file = put(places, "pending/secret.md")
    file.chmod(0)
    as_nobody(places, lambda: put_said(taskdir))
    file.chmod(0o644)
    assert isinstance(taskdir.scan()[0], Task)


def put_said(taskdir: TaskDir) -> None:
    assert problems(taskdir.scan()[0]) == "cannot be read: Permission denied: check its owner and mode"


def test_a_folder_that_may_not_be_read_is_a_row(taskdir: TaskDir, places: Places) -> None:
    put(places, "completed/fine.md")
    (places.tasks / "pending").chmod(0)

    def look() -> None:
        entries = found(taskdir)
        assert problems(entries["pending"]) == "the folder cannot be read: Permission denied"
        assert isinstance(entries["completed/fine.md"], Task)

    as_nobody(places, look)
    (places.tasks / "pending").chmod(0o755)


def test_a_finished_folder_that_may_not_be_read_is_a_row_as_well(taskdir: TaskDir, places: Places) -> None:
    def look() -> None:
        assert problems(found(taskdir)["failed"]) == "the folder cannot be read: Permission denied"

    (places.tasks / "failed").chmod(0)
    as_nobody(places, look)
    (places.tasks / "failed").chmod(0o755)


LEFT_OUT: list[tuple[str, str | bytes]] = [
    ("an open fence", "---\npriority: 3\nx"),
    ("broken YAML", "---\nkind: 'x\n---\nx"),
    ("not UTF-8", b"caf\xe9"),
    ("empty", ""),
    ("a name that is none", "---\nname: a/b\n---\nx"),
]


@pytest.mark.parametrize(("what", "data"), LEFT_OUT, ids=[case[0] for case in LEFT_OUT])
def test_a_broken_file_is_a_row_only_where_it_waits_for_somebody(
    taskdir: TaskDir, places: Places, what: str, data: str | bytes
) -> None:
    for phase in Phase:
        put(places, f"{phase}/bad-{phase}.md", data)
    (places.tasks / "failed/folder.md").mkdir()
    put(places, "completed/a.sync-conflict-20260203-101010-ABCDEFG.md")
    entries = taskdir.scan()
    live = ["active/bad-active.md", "pending/bad-pending.md", "recurring/bad-recurring.md"]
    assert [entry.path for entry in entries if isinstance(entry, Broken)] == live and len(entries) == 3
    assert taskdir.scan() is entries
    taskdir.file("failed/bad-failed.md", Phase.PENDING)
    assert isinstance(found(taskdir)["pending/bad-failed.md"], Broken)


def test_a_finished_task_with_a_wrong_field_is_still_finished(taskdir: TaskDir, places: Places) -> None:
    put(places, "completed/a.md", "---\nrunner: gone\npriority: 1\n---\n# Head\nx")
    (entry,) = taskdir.scan()
    assert isinstance(entry, Task), entry
    assert (entry.name, entry.phase, entry.title, entry.kind) == ("a", Phase.COMPLETED, "Head", "a")
    assert entry.added is not None and "runner must be one of claude" in entry.warnings[0]
    assert taskdir.scan()[0] is entry
    with pytest.raises(TaskDirError, match="priority must be a whole number"):
        taskdir.edit("completed/a.md", "priority", "high")
    taskdir.file("completed/a.md", Phase.PENDING)
    assert "runner must be one of claude" in problems(taskdir.scan()[0])


def test_a_persons_own_runner_is_one_that_was_named(taskdir: TaskDir, places: Places) -> None:
    put(places, "pending/a.md", "---\nrunner: aider\n---\nx")
    assert "one of claude, loop" in problems(taskdir.scan()[0])
    named = TaskDir(places, BERLIN, ["aider"])
    (entry,) = named.scan()
    assert isinstance(entry, Task) and entry.runner == "aider"
    named.edit("pending/a.md", "priority", "1")
    assert named.add("b", "---\nrunner: aider\n---\nx") == "pending/b.md"
    marked = named.would_be("pending/c.md", "\ufeff---\nrunner: aider\n---\nx")
    assert isinstance(marked, Task) and marked.runner == "aider"
    assert isinstance(taskdir.would_be("pending/c.md", "---\nrunner: aider\n---\nx"), Broken)


def test_missing_folders_are_empty_folders(taskdir: TaskDir, places: Places) -> None:
    for phase in Phase:
        (places.tasks / phase).rmdir()
    assert taskdir.scan() == ()


def test_files_that_vanish_while_they_are_read_are_left_out(taskdir: TaskDir, places: Places) -> None:
    """A second thread takes files away and puts them back as fast as it can; no look ever sees anything odd."""
    stop = threading.Event()

    def shuffle() -> None:
        while not stop.is_set():
            for number in range(20):
                file = places.tasks / f"pending/t{number}.md"
                file.write_text("Do it.")
                file.unlink()

    thread = threading.Thread(target=shuffle)
    thread.start()
    try:
        seen = [entry for _ in range(300) for entry in taskdir.scan()]
    finally:
        stop.set()
        thread.join()
    empty = [entry for entry in seen if isinstance(entry, Broken) and "nothing to do" not in problems(entry)]
    assert empty == []


def test_a_file_gone_between_listing_and_reading(
    taskdir: TaskDir, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(places, "pending/a.md")
    put(places, "pending/b.md")
    real = mdfile.load

    def load(path: str) -> tuple[bytes, os.stat_result]:
        if path.endswith("a.md"):
            Path(path).unlink()
        return real(path)

    monkeypatch.setattr(mdfile, "load", load)
    assert [entry.path for entry in taskdir.scan()] == ["pending/b.md"]


NAMESAKES = [
    (["active/x.md", "pending/x.md"], "pending/x.md", "active/x.md has the name x already"),
    (["pending/x.md", "recurring/x.md"], "recurring/x.md", "pending/x.md has the name x already"),
    (["pending/a.md:x", "pending/x.md"], "pending/x.md", "pending/a.md has the name x already"),
    (["completed/x.md", "failed/x.md", "pending/x.md"], None, ""),
]


@pytest.mark.parametrize(("files", "bad", "said"), NAMESAKES)
def test_of_two_live_files_with_one_name_the_later_path_is_broken(
    taskdir: TaskDir, places: Places, files: list[str], bad: str | None, said: str
) -> None:
    for file in files:
        path, _, name = file.partition(":")
        put(places, path, f"---\nname: {name}\n---\nx" if name else "x")
    broken = {path: problems(entry) for path, entry in found(taskdir).items() if isinstance(entry, Broken)}
    assert list(broken) == ([bad] if bad else [])
    if bad:
        assert said in broken[bad]
        (places.tasks / bad).unlink()
        put(places, f"{bad.partition('/')[0]}/other.md", "---\nname: other\n---\nx")
        assert all(isinstance(entry, Task) for entry in taskdir.scan())


def test_the_project_folder_is_expanded(
    taskdir: TaskDir, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORK", str(tmp_path / "link"))
    wanted = {
        "": str(places.root),
        "sub/../x": f"{places.root}/x",
        "~/x": f"{tmp_path}/home/x",
        "$WORK/x": f"{tmp_path}/real/x",
        "${WORK}": f"{tmp_path}/real",
        "/abs": "/abs",
        f"/{tmp_path}/real/": f"{tmp_path}/real",
        f"{tmp_path}/link/./no/such/../folder": f"{tmp_path}/real/no/folder",
        "loop/x": f"{places.root}/loop/x",
        "./~x": f"{places.root}/~x",
    }
    (places.root / "loop").symlink_to(places.root / "loop")
    for number, cwd in enumerate(wanted):
        put(places, f"pending/{number}.md", f"---\ncwd: {cwd}\n---\nx")
    assert [entry.folder for entry in taskdir.scan() if isinstance(entry, Task)] == list(wanted.values())


# --- looking again ---------------------------------------------------------------------------------------------------


def test_an_unchanged_folder_gives_the_same_values_again(taskdir: TaskDir, places: Places) -> None:
    put(places, "pending/a.md")
    put(places, "pending/bad.md", "")
    (places.tasks / "pending/folder.md").mkdir()
    first = taskdir.scan()
    assert taskdir.scan() is first
    put(places, "pending/b.md")
    second = taskdir.scan()
    assert second[0] is first[0] and len(second) == 4


def test_a_change_of_the_same_length_is_seen(taskdir: TaskDir, places: Places) -> None:
    put(places, "pending/a.md", "---\npriority: 1\n---\nx", age=60)
    assert taskdir.scan()[0].priority == 1  # type: ignore[union-attr]
    put(places, "pending/a.md", "---\npriority: 2\n---\nx", age=50)
    assert taskdir.scan()[0].priority == 2  # type: ignore[union-attr]


def test_a_second_change_within_one_tick_of_the_disks_clock_is_seen(taskdir: TaskDir, places: Places) -> None:
    file = put(places, "pending/a.md", "---\npriority: 1\n---\nx", age=0)
    info = file.stat()
    assert taskdir.scan()[0].priority == 1  # type: ignore[union-attr]
    file.write_text("---\npriority: 2\n---\nx")
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert time.time_ns() - info.st_mtime_ns < YOUNG_NS * 20
    assert taskdir.scan()[0].priority == 2  # type: ignore[union-attr]


def test_a_file_that_is_being_written_keeps_its_last_state_or_is_left_out(taskdir: TaskDir, places: Places) -> None:
    put(places, "pending/a.md", "---\npriority: 1\n---\nx")
    taskdir.scan()
    put(places, "pending/a.md", "---\npri", age=10)
    put(places, "pending/new.md", "hal", age=10)
    for writing in (
        frozenset({"pending/a.md", "pending/new.md"}),
        frozenset({str(places.tasks / "pending/a.md"), str(places.tasks / "pending/new.md")}),
    ):
        (entry,) = taskdir.scan(writing)
        assert isinstance(entry, Task) and entry.priority == 1
    assert [type(entry) for entry in taskdir.scan()] == [Broken, Task]


def test_a_thousand_files_are_read_in_time(taskdir: TaskDir, places: Places) -> None:
    """The budgets are 400 and 15 ms on a quiet machine; this is no benchmark, only a fence against another order."""
    for number in range(1000):
        text = f"---\npriority: {number % 9}\ndepends_on: [t{number + 1}]\ntags: [a]\ncwd: p{number % 7}\n---\nDo it.\n"
        put(places, f"pending/t{number}.md", text)
    cold = timed(lambda: TaskDir(places, BERLIN).scan())
    taskdir.scan()
    again = timed(taskdir.scan)
    assert cold < 1.6 and again < 0.06


def timed(act: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - start)
    return best


# --- reading one file ------------------------------------------------------------------------------------------------


def test_read_and_body(taskdir: TaskDir, places: Places) -> None:
    put(places, "pending/a.md", b"\xef\xbb\xbf---\r\npriority: 1\r\n---\r\n# Do\r\n\r\nit.\r\n")
    put(places, "pending/b.md", b"caf\xe9")
    assert taskdir.read("pending/a.md").startswith("---\r\npriority")
    assert taskdir.body("pending/a.md") == "# Do\n\nit.\n"
    assert taskdir.read("pending/b.md") == "caf\ufffd"
    with pytest.raises(TaskDirError, match="pending/b.md: the file is not UTF-8"):
        taskdir.body("pending/b.md")
    with pytest.raises(TaskDirError, match="cannot read: pending/no.md: No such file"):
        taskdir.body("pending/no.md")


@pytest.mark.parametrize(
    "path",
    ["../x.md", "pending/../../x.md", "/etc/passwd", "pending/x.txt", "pending/", "other/x.md", "pending/.x.md",
     "pending/a/b.md", "x.md", "", "pending/a\0.md"],
)  # fmt: skip
def test_a_path_outside_the_task_folders_is_refused(taskdir: TaskDir, path: str) -> None:
    acts = (taskdir.read, taskdir.body, taskdir.claim, lambda path: taskdir.trash(path, f"{WENT}/pending/a.md"))
    for act in (*acts, lambda path: taskdir.restore(f"{WENT}/{path}")):
        with pytest.raises(TaskDirError, match="is no task file"):
            act(path)


# --- moving ----------------------------------------------------------------------------------------------------------


def where(places: Places) -> list[str]:
    return sorted(str(file.relative_to(places.tasks)) for file in places.tasks.rglob("*.md"))


def test_claim_and_file_are_renames_that_can_be_done_twice(taskdir: TaskDir, places: Places) -> None:
    inode = put(places, "pending/a.md").stat().st_ino
    assert taskdir.claim("pending/a.md") == "active/a.md"
    assert taskdir.claim("pending/a.md") == "active/a.md" == taskdir.claim("active/a.md")
    assert taskdir.file("active/a.md", Phase.COMPLETED) == "completed/a.md"
    assert taskdir.file("active/a.md", Phase.COMPLETED) == "completed/a.md"
    assert where(places) == ["completed/a.md"]
    assert (places.tasks / "completed/a.md").stat().st_ino == inode


def test_an_older_namesake_is_renamed_and_never_overwritten(taskdir: TaskDir, places: Places) -> None:
    for number in range(3):
        file = put(places, "active/a.md", f"run {number}")
        os.utime(file, (1_770_000_000, 1_770_000_000))
        taskdir.file("active/a.md", Phase.FAILED)
    assert where(places) == ["failed/a.md", "failed/a@20260202T034000-2.md", "failed/a@20260202T034000.md"]
    assert (places.tasks / "failed/a.md").read_text() == "run 2"
    assert all(isinstance(entry, Task) for entry in taskdir.scan())


def test_the_namesake_of_a_fired_template_stays_a_task(taskdir: TaskDir, places: Places) -> None:
    for _ in range(2):
        put(places, "active/a@20260203T030000.md")
        taskdir.file("active/a@20260203T030000.md", Phase.COMPLETED)
    assert len(where(places)) == 2 and all(isinstance(entry, Task) for entry in taskdir.scan())


def test_a_live_task_never_makes_room(taskdir: TaskDir, places: Places) -> None:
    put(places, "pending/a.md", "new")
    put(places, "active/a.md", "old")
    put(places, "failed/a.md", "failed")
    with pytest.raises(TaskDirError, match=r"a\.md is in active/ already: rename one of the two files"):
        taskdir.claim("pending/a.md")
    with pytest.raises(TaskDirError, match="is in pending/ already"):
        taskdir.file("failed/a.md", Phase.PENDING)
    assert where(places) == ["active/a.md", "failed/a.md", "pending/a.md"]


def test_a_file_that_is_gone_cannot_be_moved(taskdir: TaskDir) -> None:
    with pytest.raises(TaskDirError, match="cannot move to active: pending/a.md: No such file"):
        taskdir.claim("pending/a.md")


WENT = "20260202T034000.000123Z"


def test_trash_keeps_everything_outside_the_queue(taskdir: TaskDir, places: Places) -> None:
    for number in range(2):
        put(places, "pending/a.md")
        taskdir.trash("pending/a.md", f"2026020{number}T034000.000000Z/pending/a.md")
    taskdir.trash("pending/a.md", f"{WENT}/pending/a.md")
    (places.tasks / "pending/link.md").symlink_to("nowhere")
    taskdir.trash("pending/link.md", f"{WENT}/pending/link.md")
    assert where(places) == []
    assert sorted(str(file.relative_to(places.trash)) for file in places.trash.rglob("*.md")) == [
        "20260200T034000.000000Z/pending/a.md",
        "20260201T034000.000000Z/pending/a.md",
        f"{WENT}/pending/link.md",
    ]
    assert stat.S_IMODE(places.trash.stat().st_mode) == 0o700


# --- adding ----------------------------------------------------------------------------------------------------------


def test_add_writes_a_whole_file_once(taskdir: TaskDir, places: Places) -> None:
    assert taskdir.add("new one", "---\npriority: 1\n---\nDo it.\n") == "pending/new one.md"
    assert taskdir.add("new one", "---\npriority: 1\n---\nDo it.\n") == "pending/new one.md"
    file = places.tasks / "pending/new one.md"
    assert file.read_text() == "---\npriority: 1\n---\nDo it.\n"
    assert stat.S_IMODE(file.stat().st_mode) & 0o600 == 0o600 and file.stat().st_nlink == 1
    assert os.listdir(places.tasks / "pending") == ["new one.md"]  # noqa: PTH208 - hidden files, too


REFUSED = [
    ("a", "other text", "a is there already, in pending/"),
    ("b", "x", "b is there already, in active/"),
    ("x/y", "x", "a task's name must be letters"),
    ("c", "", "nothing to do"),
    ("c", "---\npriority: high\n---\nx", "priority must be a whole number"),
    ("c", "x" * (mdfile.MAX_BYTES + 1), "larger than 1 MiB"),
]


@pytest.mark.parametrize(("name", "text", "said"), REFUSED)
def test_add_refuses(taskdir: TaskDir, places: Places, name: str, text: str, said: str) -> None:
    put(places, "pending/a.md", "first")
    put(places, "active/b.md", "first")
    with pytest.raises(TaskDirError, match=said):
        taskdir.add(name, text)
    assert where(places) == ["active/b.md", "pending/a.md"]
    assert (places.tasks / "pending/a.md").read_text() == "first"


def test_add_without_hard_links(taskdir: TaskDir, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    taskdir.add("a", "Do it.")
    assert where(places) == ["pending/a.md"]


def test_add_to_a_disk_that_takes_nothing(taskdir: TaskDir, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "/somewhere/.cctui-1-new.tmp")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(TaskDirError, match=r"cannot write: pending/new\.md: Read-only file system"):
        taskdir.add("new", "Do it.\n")


# --- editing ---------------------------------------------------------------------------------------------------------

HEAD = (
    "# mine\npriority: 5   # why\nname: 'x'\ndepends_on:\n  - a  # one\n  # two\n  - b\n\n"
    "# after\ncheck: |\n  ls\n  pwd\n"
)
EDITS = [
    ("priority", "7", "priority: 5   # why\n", "priority: 7   # why\n"),
    ("priority", None, "priority: 5   # why\n", ""),
    ("name", '"y z"', "name: 'x'\n", 'name: "y z"\n'),
    ("depends_on", "[c]", "depends_on:\n  - a  # one\n  # two\n  - b\n", "depends_on: [c]\n"),
    ("depends_on", None, "depends_on:\n  - a  # one\n  # two\n  - b\n", ""),
    ("check", "make", "check: |\n  ls\n  pwd\n", "check: make\n"),
    ("paused", "true", "  pwd\n", "  pwd\npaused: true\n"),
    ("paused", None, "", ""),
]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(("field", "value", "old", "new"), EDITS)
def test_an_edit_touches_one_field_and_nothing_else(
    taskdir: TaskDir, places: Places, field: str, value: str | None, old: str, new: str, mark: str, end: str
) -> None:
    def whole(head: str) -> bytes:
        return (mark + f"---\n{head}---\n# Body\n\n---\npriority: 9\n").replace("\n", end).encode()

    file = put(places, "pending/a.md", whole(HEAD))
    file.chmod(0o640)
    before = file.stat()
    taskdir.edit("pending/a.md", field, value)
    assert file.read_bytes() == whole(HEAD.replace(old, new, 1) if old else HEAD)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert (file.stat().st_ino == before.st_ino) == (old == new), (
        "the file is replaced as a whole, and only if it changed"
    )
    assert os.listdir(file.parent) == ["a.md"]  # noqa: PTH208 - hidden files, too


ODD = [
    ("Do it.\n", "priority", "3", "---\npriority: 3\n---\nDo it.\n"),
    ("Do it.\r\n", "priority", "3", "---\r\npriority: 3\r\n---\r\nDo it.\r\n"),
    ("---\n---\nx", "priority", "3", "---\npriority: 3\n---\nx"),
    ("---\npriority:\n---\nx", "priority", "3", "---\npriority: 3\n---\nx"),
    ("---\npriority:   # later\n---\nx", "priority", "3", "---\npriority: 3   # later\n---\nx"),
    ("---\ntags: # why\n- a\n- b\n---\nx", "tags", "[c]", "---\ntags: [c] # why\n---\nx"),
    ("---\ntags: [a,\n  b]\nkind: x\n---\nx", "tags", "c", "---\ntags: c\nkind: x\n---\nx"),
    ("---\n  kind: x\n---\nx", "priority", "3", "---\n  kind: x\n  priority: 3\n---\nx"),
    ("---\n'priority' : 5\n---\nx", "priority", "3", "---\n'priority' : 3\n---\nx"),
    ("---\nkind: über  # ü\nname: é\n---\nx", "kind", "ö", "---\nkind: ö  # ü\nname: é\n---\nx"),
    ("---\nkind: x---\n---\nx", "paused", "true", "---\nkind: x---\npaused: true\n---\nx"),
    ("---\npriority: high\n---\nx", "priority", "3", "---\npriority: 3\n---\nx"),
    ("---\nmode: wrong\npriority: 1\n---\nx", "priority", "3", "---\nmode: wrong\npriority: 3\n---\nx"),
    ("---\nmode: wrong\npriority: x\n---\nx", "mode", "read-only", "---\nmode: read-only\npriority: x\n---\nx"),
    ("---\nmode: wrong\n---\nx", "mode", None, "---\n---\nx"),
    ("---\nrunner: shell\n---\nx", "command", "ls", "---\nrunner: shell\ncommand: ls\n---\nx"),
]


@pytest.mark.parametrize(("old", "field", "value", "new"), ODD)
def test_edits_of_odd_files(taskdir: TaskDir, places: Places, old: str, field: str, value: str, new: str) -> None:
    file = put(places, "pending/a.md", old)
    taskdir.edit("pending/a.md", field, value)
    assert file.read_bytes().decode() == new


NOT = [
    ("x", "priorty", "3", "unknown field 'priorty': did you mean priority?"),
    ("x", "priority", "high", "priority must be a whole number, found 'high'"),
    ("x", "priority", "3\nname: evil", "written on one line"),
    ("x", "kind", "[a", "is not one YAML value"),
    ("x", "depends_on", "{a", "is not one YAML value"),
    ("---\n{priority: 1}\n---\nx", "priority", "3", "edit it by hand"),
    ("---\npriority: 1\npriority: 2\n---\nx", "priority", "3", "priority is given twice"),
    ("---\npriority: 1\nx", "priority", "3", "never closed"),
    ("---\n- a\n---\nx", "priority", "3", "must be lines of"),
    ("---\nkind: 'x\n---\nx", "priority", "3", "not valid YAML"),
    ("---\nkind: &k x\naccount: *k\n---\nx", "kind", "y", "edit the file by hand"),
]


@pytest.mark.parametrize(("old", "field", "value", "said"), NOT)
def test_an_edit_that_would_not_read_back_writes_nothing(
    taskdir: TaskDir, places: Places, old: str, field: str, value: str, said: str
) -> None:
    file = put(places, "pending/a.md", old)
    before = file.stat()
    with pytest.raises(TaskDirError, match=said.replace("?", r"\?")):
        taskdir.edit("pending/a.md", field, value)
    assert file.read_bytes().decode() == old and file.stat().st_ino == before.st_ino


def test_an_edit_does_not_overwrite_somebody_elses(
    taskdir: TaskDir, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(places, "pending/a.md", "mine")
    real = front.edited

    def edited(text: str, key: str, value: str | None) -> str:
        file.write_text("theirs")
        return real(text, key, value)

    monkeypatch.setattr(front, "edited", edited)
    with pytest.raises(TaskDirError, match="was changed by somebody else just now"):
        taskdir.edit("pending/a.md", "priority", "3")
    assert file.read_text() == "theirs"


def test_a_linked_file_is_changed_where_it_lies(taskdir: TaskDir, places: Places, tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("x")
    link = places.tasks / "pending/a.md"
    link.symlink_to(tmp_path / "real.md")
    taskdir.edit("pending/a.md", "priority", "3")
    assert link.is_symlink() and (tmp_path / "real.md").read_text() == "---\npriority: 3\n---\nx"


LINES = st.lists(
    st.sampled_from([
        "priority: 5", "priority: 5 # c", "# comment", "", "tags:", "- a", "  - b", "kind: |", "  text", "name: 'q'",
        "mode: {a: 1}", "x: [1,", "  2]", "\tz: 1", "---", "check: >-", " y", "paused: &p true", "style: *p", "? k",
        ": v",
    ]),
    max_size=9,
)  # fmt: skip


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["3", "'a'", "[x, y]", "null", None]))
def test_whatever_the_front_matter_an_edit_changes_one_field_or_nothing(
    lines: list[str], end: str, value: str | None
) -> None:
    text = end.join(["---", *lines, "---", "body", ""])
    old = front.read(text)
    try:
        new = front.read(front.edited(text, "priority", value))
    except front.FrontError:
        return
    rest = {key: found for key, found in (old.fields or {}).items() if key != "priority"}
    assert {key: found for key, found in (new.fields or {}).items() if key != "priority"} == rest
    assert new.body == old.body
    if value is None:
        assert "priority" not in (new.fields or {})


@given(st.text(alphabet="ab:-#'\"[]{}&*!|>%@`\n\r\t \ufeff\u2028\x85é0~,?", max_size=60))
def test_no_text_makes_reading_raise(text: str) -> None:
    for whole in (text, f"---\n{text}\n---\n{text}"):
        found_front = front.read(whole)
        assert found_front.fields is None or isinstance(found_front.fields, dict)
