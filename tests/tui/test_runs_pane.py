"""The rows of open runs: health, what was taken, how far each is; a tick repaints only what ticks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.geometry import Region

from cctui.core.settings import Settings
from cctui.core.world import FIVE_HOUR, Phase, Progress, Runner, World
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows


def app_on(world: World) -> tuple[CctuiApp, FakeLink]:
    link = FakeLink(world)
    return CctuiApp(link, engine=None, settings=Settings()), link


def lint(**fields: object) -> World:
    """One run of a kind that is known: half end within 4 minutes, nine of ten within 6:14."""
    made = worlds.run("vault-lint", started=worlds.ago(minutes=3), progress=Progress(9_120, 0.05, "Read: x.md"))
    run = replace(made, **fields)  # type: ignore[arg-type]
    return worlds.world(worlds.task("vault-lint", Phase.ACTIVE), runs=worlds.runs(run), costs=worlds.COSTS)


async def lines(world: World, size: tuple[int, int]) -> list[str]:
    app, _ = app_on(world)
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await pilot.pause()
        await pilot.pause()
        shown = rows(app).splitlines()
        at = next(i for i, line in enumerate(shown) if "3:00" in line and "vault-lint" in line)
        return shown[at : at + 3]


async def test_three_lines_on_the_phone() -> None:
    first, second, third = await lines(lint(points={FIVE_HOUR: 1.2}), (48, 18))
    assert first.split() == ["▌●R", "3:00", "vault-lint", "9k", "running"]
    assert second.split() == ["well", "·", "1", "%", "of", "5h", "·", "$0.05", "of", "~4m"]
    assert third.split() == ["Read:", "x.md"]


async def test_where_there_is_room_the_course_is_a_bar() -> None:
    _, second, _ = await lines(lint(points={FIVE_HOUR: 1.2}), (80, 24))
    assert "? of 7d" in second and second.endswith("~4m")
    bar = second.split("$0.05")[1].split("~")[0].strip()
    assert (len(bar), bar.count("▄"), bar.index("│")) == (20, 10, 13)


async def test_what_is_not_known_is_a_question_mark_and_what_spends_nothing_has_no_points() -> None:
    _, second, _ = await lines(lint(), (48, 18))
    assert "? of 5h" in second
    spec = replace(worlds.run("vault-lint", started=worlds.ago(minutes=3)).spec, runner=Runner.SHELL)
    _, second, _ = await lines(lint(spec=spec, progress=Progress()), (48, 18))
    assert "of 5h" not in second


async def test_what_is_wrong_stands_first() -> None:
    _, second, _ = await lines(lint(heard=worlds.ago(minutes=7), points={FIVE_HOUR: 1.2}), (48, 18))
    assert second.strip().startswith("quiet 7m · 1 % of 5h")


@pytest.mark.parametrize("size", [(48, 18), (60, 30), (80, 24), (120, 40)])
async def test_no_line_is_longer_than_the_screen_and_the_state_is_always_said(size: tuple[int, int]) -> None:
    app, _ = app_on(worlds.long_names())
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await pilot.pause()
        shown = rows(app)
        assert "running" in shown
        assert "[/oops] said a very long" in shown


async def test_a_tick_repaints_only_what_ticks() -> None:
    at = [worlds.NOW]
    link = FakeLink(lint(heard=worlds.NOW), clock=lambda: at[0])
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        board = app.screen
        assert isinstance(board, Board)
        drawn: list[tuple[int, int]] = []

        def refresh(*regions: Region, **_: object) -> None:
            drawn.extend((region.y, region.width) for region in regions)

        board.runs.__dict__["refresh"] = refresh
        at[0] = at[0] + timedelta(seconds=1)
        app.tick()
        assert drawn == [(0, 1)], "one digit of the time"
