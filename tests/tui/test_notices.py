"""The notices: newest first, day by day, what is new, and the way to what each is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core.settings import Settings
from cctui.core.world import Level, Note, Phase, World
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.detail import Detail
from cctui.tui.notices import Happened, Notices, day_name
from cctui.tui.past import Past
from cctui.tui.peek import Peek
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows
from tests.worlds_states import noticed


def app_on(world: World) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world)
    return CctuiApp(link, engine=None, settings=Settings()), link


def one(task: str | None, run_id: str | None = None) -> World:
    """One notice, about that."""
    return replace(worlds.busy(), notes=(Note(1, worlds.NOW, Level.BAD, "something", task, run_id),))


def places(shown: str, *words: str) -> list[int]:
    return [shown.index(word) for word in words]


async def test_the_newest_stands_first_under_its_day() -> None:
    app, _ = app_on(noticed())
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.press("N")
        await pilot.pause()
        found = places(
            rows(app), "Today", "zotero-digest started", "daily-briefing done", "Yesterday", "Sunday", "Saturday"
        )
        assert found == sorted(found)
        assert "! W warn refactor-auth" in rows(app)


def test_days_have_names() -> None:
    at = [worlds.ago(days=days).date() for days in (0, 1, 2, 400)]
    assert [day_name(day, worlds.NOW) for day in at] == ["Today", "Yesterday", "Sunday 1 February", "2024-12-30"]


@pytest.mark.parametrize(("task", "run_id", "page", "key"), [
    ("zotero-digest", "zotero-digest-0203-1", Peek, "zotero-digest-0203-1"),
    ("daily-briefing", worlds.PAST[-1].run_id, Past, worlds.PAST[-1].run_id),
    ("link-rot", None, Detail, "link-rot"),
    ("inbox-sort", None, Past, worlds.PAST[-2].run_id),
])  # fmt: skip
async def test_enter_leads_to_what_it_is_about(task: str, run_id: str | None, page: type, key: str) -> None:
    app, _ = app_on(one(task, run_id))
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("N", "enter")
        await pilot.pause()
        assert isinstance(app.screen, page)
        assert getattr(app.screen, "key", None) == key


@pytest.mark.parametrize(("task", "said"), [
    (None, "This notice is about no task"), ("no-such-task", "What this notice is about is gone"),
])  # fmt: skip
async def test_what_leads_nowhere_is_said(task: str | None, said: str) -> None:
    app, _ = app_on(one(task))
    async with app.run_test(size=(60, 20), notifications=True) as pilot:
        await pilot.press("N", "enter")
        await pilot.pause()
        assert said in rows(app)
        assert isinstance(app.screen, Notices)


async def test_with_no_notice_enter_says_so() -> None:
    app, _ = app_on(replace(worlds.busy(), notes=()))
    async with app.run_test(size=(60, 20), notifications=True) as pilot:
        await pilot.press("N")
        await pilot.pause()
        assert "Nothing has happened yet." in rows(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "there is no notice to open" in rows(app)


async def test_b_leaves_only_what_is_bad_and_brings_all_back() -> None:
    app, _ = app_on(noticed())
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.press("N", "b")
        await pilot.pause()
        assert "zotero-digest started" not in rows(app)
        assert "daily-briefing done" not in rows(app)
        assert "weekly-review failed" in rows(app)
        await pilot.press("b")
        await pilot.pause()
        assert "zotero-digest started" in rows(app)


async def test_what_has_come_since_the_last_look_is_new() -> None:
    app, link = app_on(noticed())
    async with app.run_test(size=(60, 40)) as pilot:
        link.publish(
            replace(link.world, notes=(*link.world.notes, Note(9, worlds.NOW, Level.GOOD, "first", "link-rot")))
        )
        await pilot.press("N")
        await pilot.pause()
        assert rows(app).splitlines()[0].rstrip().endswith("1 new")
        link.publish(replace(link.world, notes=(*link.world.notes, Note(10, worlds.NOW, Level.BAD, "second"))))
        await pilot.pause()
        assert "2 new" in rows(app)
        assert "second" in rows(app)
        await pilot.press("escape", "N")
        await pilot.pause()
        assert "new" not in rows(app)


async def test_a_row_stays_under_the_cursor_while_others_come() -> None:
    app, link = app_on(noticed())
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.press("N", "j")
        link.publish(replace(link.world, notes=(*link.world.notes, Note(9, worlds.NOW, Level.GOOD, "first"))))
        await pilot.pause()
        assert app.screen.query_one(Happened).chosen == "6"


async def test_a_tap_chooses_and_a_second_one_opens() -> None:
    app, _ = app_on(noticed())
    async with app.run_test(size=(48, 30)) as pilot:
        await pilot.press("N")
        await pilot.pause()
        at = next(y for y, line in enumerate(rows(app).splitlines()) if "daily-briefing done" in line)
        await pilot.click(offset=(10, at))
        assert app.screen.query_one(Happened).chosen == "6"
        await pilot.click(offset=(10, at))
        await pilot.pause()
        assert isinstance(app.screen, Past)


@pytest.mark.parametrize("key", ["escape", "left", "h", "q", "N"])
async def test_there_is_a_way_back(key: str) -> None:
    app, _ = app_on(noticed())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("N", key)
        await pilot.pause()
        assert isinstance(app.screen, Board)


async def test_a_tap_on_the_title_leads_back() -> None:
    app, _ = app_on(noticed())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("N")
        await pilot.pause()
        await pilot.click(offset=(2, 0))
        await pilot.pause()
        assert isinstance(app.screen, Board)


async def test_what_is_the_matter_now_stands_above() -> None:
    paused = worlds.world(worlds.task("one", Phase.PENDING, paused=True))
    app, _ = app_on(paused)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("N")
        await pilot.pause()
        assert "! All tasks are paused; space lets one go" in rows(app)
