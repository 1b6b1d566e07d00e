"""Text from tasks, logs and Claude is text: never markup, never a control code, never a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cctui.core.filing import note_path
from cctui.core.settings import Settings
from cctui.core.world import ErrorType, Leg, Level, Note, Parked, Part, Phase, Progress, Stage, Tree, Why
from cctui.tui.app import CctuiApp
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows

EVIL = "[/oops] [bold]b[/bold] [@click=app.quit]tap[/] \x1b[31mred\x1b]52;c;aGk=\x07 \x9b2J \u202egnirts"
SEEN = "[/oops] [bold]b[/bold] [@click=app.quit]tap[/]"


def evil_link() -> FakeLink:
    task = worlds.task("evil", title=EVIL, warnings=(EVIL,), tags=(EVIL,), command=EVIL)
    run = worlds.run("runner", progress=Progress(1, 0.1, EVIL))
    tree = Tree("/r", EVIL, EVIL, EVIL, trouble=EVIL)
    parked = Parked(Why.NEEDS_YOU, worlds.ago(minutes=1), text=EVIL)
    planner = worlds.run("planner", stage=Stage.PARKED, parked=parked, legs=(Leg(Part.PLAN),), tree=tree)
    asker = worlds.run("asker", legs=(Leg(Part.ATTENDED),), asks=EVIL, tree=tree)
    record = worlds.record("evil", worlds.ago(hours=1), error=ErrorType.EXIT_ERROR, detail=EVIL, branch=EVIL,
                           base_commit=EVIL, project=EVIL, claimed=True, proven=False, check_exit=1)  # fmt: skip
    world = worlds.world(
        task,
        *(worlds.task(name, Phase.ACTIVE) for name in ("runner", "planner", "asker")),
        runs=worlds.runs(run, planner, asker),
        records=(record,),
        programs={"claude": EVIL},
        notes=(Note(1, worlds.NOW, Level.BAD, EVIL),),
    )
    link = FakeLink(world)
    link.says = EVIL
    link.texts = {"evil": EVIL, note_path(planner.spec): f"---\na: b\n---\n\n## Plan\n\n```\n{EVIL}\n```\n"}
    link.changes = f"diff --git a/{EVIL} b/{EVIL}\nnew file mode 1\n@@ -0,0 +1 @@\n+{EVIL}\r+{EVIL}\n"
    return link


@pytest.mark.parametrize("pressed", [
    [], ["t"], ["enter"], ["2"], ["2", "l"], ["3"], ["3", "enter"], ["N"], ["e"], ["d"], ["full_stop"],
    ["slash", "["], ["r"], ["2", "enter"], ["2", "o"], ["2", "j", "o"], ["2", "c"], ["3", "c"], ["3", "enter", "u"],
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
