"""Text from tasks, logs and Claude is text: never markup, never a control code, never a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core.settings import Settings
from cctui.core.world import ErrorType, Level, Note, Phase, Progress
from cctui.tui.app import CctuiApp
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows

EVIL = "[/oops] [bold]b[/bold] [@click=app.quit]tap[/] \x1b[31mred\x1b]52;c;aGk=\x07 \x9b2J \u202egnirts"
SEEN = "[/oops] [bold]b[/bold] [@click=app.quit]tap[/]"


def evil_link() -> FakeLink:
    task = worlds.task("evil", title=EVIL, warnings=(EVIL,), tags=(EVIL,), command=EVIL)
    run = worlds.run("runner", progress=Progress(1, 0.1, EVIL))
    world = worlds.world(
        task,
        worlds.task("runner", Phase.ACTIVE),
        runs=worlds.runs(run),
        records=(worlds.record("evil", worlds.ago(hours=1), error=ErrorType.EXIT_ERROR, detail=EVIL),),
        programs={"claude": EVIL},
        notes=(Note(1, worlds.NOW, Level.BAD, EVIL),),
    )
    link = FakeLink(world)
    link.says = EVIL
    link.texts = {"evil": EVIL}
    return link


@pytest.mark.parametrize("pressed", [
    [], ["t"], ["enter"], ["2"], ["2", "enter"], ["3"], ["3", "enter"], ["N"], ["e"], ["d"], ["full_stop"],
    ["slash", "["], ["r"],
])  # fmt: skip
async def test_foreign_text_stays_text(pressed: list[str]) -> None:
    app = CctuiApp(evil_link(), engine=None, settings=Settings())
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        for key in pressed:
            await pilot.press(key)
        await pilot.pause()
        shown = rows(app)
        assert SEEN in shown
        assert not [char for char in shown if char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160)]
        assert "\u202e" not in shown
        assert app.is_running


async def test_a_toast_shows_markup_as_it_is() -> None:
    link = evil_link()
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(79, 30), notifications=True) as pilot:
        link.publish(replace(link.world, notes=(*link.world.notes, Note(2, worlds.NOW, Level.GOOD, "done [/oops]"))))
        await pilot.pause()
        assert "done [/oops]" in rows(app)


async def test_a_note_is_no_toast_where_the_history_shows_it() -> None:
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings())
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        link.publish(replace(link.world, notes=(*link.world.notes, Note(9, worlds.NOW, Level.GOOD, "link-rot done"))))
        await pilot.pause()
        assert "link-rot done" not in rows(app)
