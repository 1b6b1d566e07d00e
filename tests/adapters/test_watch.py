"""Watching: heard in time, told who is still writing, and alive through all that can happen to a folder."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cctui.adapters import watch as watching
from cctui.adapters.watch import is_blind, watch
from tests.waiting import eventually


class Ear:
    """What was heard so far: the moment and the files being written."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, frozenset[Path]]] = []

    @property
    def writing(self) -> frozenset[Path]:
        return self.heard[-1][1]

    async def after(self, act: Callable[[], object], seconds: float = 5.0) -> float:
        """Seconds from before `act` until the next notice."""
        count, start = len(self.heard), time.monotonic()
        act()
        await eventually(lambda: len(self.heard) > count, seconds)
        return self.heard[count][0] - start

    async def quiet(self) -> None:
        """Until nothing has been heard for a while."""
        while True:
            count = len(self.heard)
            await asyncio.sleep(0.05)
            if len(self.heard) == count:
                return


@asynccontextmanager
async def listening(*folders: Path, poll: float = 2.0, polling: bool | None = False) -> AsyncIterator[Ear]:
    ear = Ear()

    async def listen() -> None:
        async for writing in watch(folders, poll, polling=polling):
            ear.heard.append((time.monotonic(), writing))

    task = asyncio.create_task(listen())
    try:
        await eventually(lambda: ear.heard or task.done())
        yield ear
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "root" / "tasks" / "pending"
    made.mkdir(parents=True)
    return made


async def test_it_tells_once_at_the_start_and_then_nothing(folder: Path) -> None:
    async with listening(folder) as ear:
        await ear.quiet()
        assert [writing for _, writing in ear.heard] == [frozenset()]


async def test_a_dropped_file_is_heard_at_once(folder: Path) -> None:
    async with listening(folder) as ear:
        delays = []
        for number in range(20):
            delays.append(await ear.after(lambda n=number: (folder / f"{n}.md").write_text("Do it.")))  # type: ignore[misc]
            await ear.quiet()
            assert ear.writing == frozenset()
        assert sorted(delays)[10] < 0.05, delays


CHANGES: list[tuple[str, Callable[[Path], object]]] = [
    ("written anew", lambda folder: (folder / "a.md").write_text("x")),
    ("added to", lambda folder: (folder / "a.md").open("a").close()),
    ("moved away", lambda folder: (folder / "a.md").rename(folder.parent / "a.md")),
    ("moved in", lambda folder: (folder.parent / "b.md").rename(folder / "b.md")),
    ("moved over", lambda folder: (folder.parent / "b.md").rename(folder / "a.md")),
    ("removed", lambda folder: (folder / "a.md").unlink()),
    ("mode changed", lambda folder: (folder / "a.md").chmod(0o600)),
    ("linked", lambda folder: (folder / "l.md").symlink_to(folder.parent / "b.md")),
    ("hard linked", lambda folder: os.link(folder.parent / "b.md", folder / "l.md")),
    ("a folder made", lambda folder: (folder / "d.md").mkdir()),
]


@pytest.mark.parametrize(("what", "act"), CHANGES, ids=[case[0] for case in CHANGES])
@pytest.mark.parametrize("polling", [False, True], ids=["inotify", "polling"])
async def test_every_change_is_heard(folder: Path, what: str, act: Callable[[Path], object], polling: bool) -> None:
    for file in (folder / "a.md", folder.parent / "b.md"):
        file.write_text("old")
        os.utime(file, (1_770_000_000, 1_770_000_000))
    if polling and what == "added to":
        act = lambda folder: (folder / "a.md").write_text("longer")  # noqa: E731 - a poll sees changes, not visits
    async with listening(folder, poll=0.02, polling=polling) as ear:
        await ear.after(lambda: act(folder))
        await eventually(lambda: ear.writing == frozenset(), 2)


async def test_hidden_files_are_nobodys_business(folder: Path) -> None:
    async with listening(folder) as ear:
        (folder / ".a.md.swp").write_text("x")
        (folder / ".cctui-1.tmp").write_text("x")
        await ear.quiet()
        assert len(ear.heard) == 1


async def test_who_is_still_writing_is_told_until_he_is_done(folder: Path) -> None:
    file = folder / "a.md"
    async with listening(folder) as ear:
        with file.open("w") as writer:
            writer.write("half")
            writer.flush()
            await eventually(lambda: ear.writing == {file})
            await ear.quiet()
            count = len(ear.heard)
            for _ in range(50):
                writer.write("more")
                writer.flush()
            await ear.quiet()
            assert len(ear.heard) == count, "the same writer going on is no news"
            await ear.after(lambda: file.chmod(0o600))
            assert ear.writing == {file}
        await eventually(lambda: ear.writing == frozenset())


async def test_a_writer_that_was_killed_is_done(folder: Path) -> None:
    file = folder / "a.md"
    async with listening(folder) as ear:
        script = 'printf half > "$0"; exec 3>>"$0"; printf half >&3; read _'
        child = await asyncio.create_subprocess_exec("sh", "-c", script, file, stdin=asyncio.subprocess.PIPE)
        await eventually(lambda: ear.writing == {file})
        child.kill()
        await child.communicate()
        await eventually(lambda: ear.writing == frozenset())


async def test_a_link_that_nobody_closes_is_done_soon(folder: Path) -> None:
    (folder.parent / "b.md").write_text("x")
    async with listening(folder) as ear:
        start = time.monotonic()
        os.link(folder.parent / "b.md", folder / "l.md")
        await eventually(lambda: ear.writing == {folder / "l.md"})
        await eventually(lambda: ear.writing == frozenset())
        assert time.monotonic() - start < 2


async def test_a_forgotten_writer_is_let_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WRITTEN_SECONDS", 0.1)
    async with listening(folder) as ear:
        with (folder / "a.md").open("w") as writer:
            writer.write("half")
            writer.flush()
            await eventually(lambda: ear.writing == {folder / "a.md"})
            await eventually(lambda: ear.writing == frozenset())


async def test_an_editors_stroke_is_heard_as_one_change(folder: Path) -> None:
    (folder / "a.md").write_text("old")

    def save() -> None:
        (folder / "a.md").rename(folder / "a.md~")
        (folder / "a.md").write_text("new")
        (folder / "a.md~").unlink()
        for number in range(200):
            (folder / f"b{number}.md").write_text("x")

    async with listening(folder) as ear:
        await ear.after(save)
        await ear.quiet()
        assert len(ear.heard) < 20


async def test_folders_may_come_go_and_come_again(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "tasks" / "pending"
    other = tmp_path / "other"
    other.mkdir()
    async with listening(deep, other) as ear:
        for _ in range(3):
            await ear.after(lambda: deep.mkdir(parents=True))
            await ear.quiet()
            await ear.after(lambda: (deep / "x.md").write_text("x"))
            await ear.quiet()
            await ear.after(lambda: shutil.rmtree(tmp_path / "a"))
            await ear.quiet()
        await ear.after(lambda: (other / "x.md").write_text("x"))


async def test_a_file_put_into_a_new_folder_before_it_was_watched_is_not_missed(tmp_path: Path) -> None:
    folder = tmp_path / "tasks" / "pending"

    def drop() -> None:
        folder.mkdir(parents=True)
        (folder / "x.md").write_text("x")

    async with listening(folder) as ear:
        await ear.after(drop)


async def test_a_renamed_folder_is_no_longer_listened_to(folder: Path) -> None:
    away = folder.with_name("away")
    async with listening(folder) as ear:
        await ear.after(lambda: folder.rename(away))
        await ear.quiet()
        count = len(ear.heard)
        (away / "x.md").write_text("x")
        await ear.quiet()
        assert len(ear.heard) == count
        await ear.after(folder.mkdir)
        await ear.quiet()
        await ear.after(lambda: (folder / "x.md").write_text("x"))
        await ear.quiet()
        away.rename(folder.with_name("pending2"))
        await ear.after(lambda: (folder / "y.md").write_text("x"))
        await ear.quiet()
        count = len(ear.heard)
        (folder.with_name("pending2") / "z.md").write_text("x")
        await ear.quiet()
        assert len(ear.heard) == count


async def test_lost_notices_are_answered_with_a_look(folder: Path) -> None:
    """More notices than the kernel keeps, while nobody takes them: the last word is still right."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    async with listening(folder) as ear:
        with (folder / "held.md").open("w") as writer:
            writer.write("half")
            writer.flush()
            await eventually(lambda: ear.writing == {folder / "held.md"})
            for number in range(limit // 2 + 100):  # the loop does not run meanwhile
                os.utime(folder / "held.md", (number, number))
                os.utime(folder, (number, number))
                (folder / "other.md").touch()
        await eventually(lambda: ear.writing == frozenset())
        assert await ear.after(lambda: (folder / "x.md").write_text("x")) < 5


@pytest.mark.parametrize("polling", [False, True], ids=["inotify", "polling"])
async def test_it_looks_from_time_to_time_by_itself(
    folder: Path, polling: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SAFETY_SECONDS", 0.05)
    async with listening(folder, poll=0.02, polling=polling) as ear:
        await eventually(lambda: len(ear.heard) > 3)


async def test_without_room_for_watches_it_polls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(watching, "Inotify", refuse)
    async with listening(folder, poll=0.02) as ear:
        await ear.after(lambda: (folder / "x.md").write_text("x"))


async def test_polling_tells_of_a_new_file_only_once_it_stands_still(folder: Path) -> None:
    file = folder / "a.md"
    async with listening(folder, poll=0.1, polling=True) as ear:
        with file.open("w") as writer:
            writer.write("half")
            writer.flush()
            await eventually(lambda: ear.writing == {file})
            assert len(ear.heard) == 2
        await eventually(lambda: ear.writing == frozenset())
        await ear.after(lambda: shutil.rmtree(folder))
        folder.mkdir()
        await ear.after(lambda: file.write_text("new"))


async def test_nothing_is_left_open(folder: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with listening(folder):
        pass
    before = descriptors()
    for _ in range(5):
        async with listening(folder) as ear:
            await ear.after(lambda: (folder / "x.md").write_text("x"))
    assert descriptors() <= before


MOUNTS = (
    "/dev/sda / ext4 rw 0 0\nC:\\134 /mnt/c 9p rw 0 0\nD: /mnt/d drvfs rw 0 0\n"
    "host:/x /home/me/n nfs4 rw 0 0\nssh /home/me/my\\040notes fuse.sshfs rw 0 0\n/dev/sdb /mnt/c/ext ext4 rw 0 0\n"
    "tmpfs /tmp tmpfs rw 0 0\n/dev/sdc /ntfs fuseblk rw 0 0\nodd\n"
)
BLIND = [
    ("/home/me/vault", False),
    ("/mnt/c/Users/me/vault", True),
    ("/mnt/cc", False),
    ("/mnt/d", True),
    ("/home/me/n/x", True),
    ("/home/me/my notes/x", True),
    ("/mnt/c/ext/x", False),
    ("/ntfs/x", False),
]


@pytest.mark.parametrize(("path", "blind"), BLIND)
def test_where_the_kernel_is_blind(path: str, blind: bool) -> None:
    assert is_blind(Path(path), MOUNTS) == blind


async def test_a_blind_folder_is_polled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "is_blind", lambda _: True)
    monkeypatch.delattr(watching, "Inotify")
    async with listening(folder, poll=0.02, polling=None) as ear:
        await ear.after(lambda: (folder / "x.md").write_text("x"))
