"""Text from tasks, logs and Claude is text: never markup, never a control code, never a crash."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from cctui.core import world as vocabulary
from cctui.core.filing import note_path
from cctui.core.settings import Settings
from cctui.core.world import ErrorType, Leg, Level, Note, Parked, Part, Phase, Progress, Stage, Tree, Why, World
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from tests import worlds
from tests.tui.fakes import DIFF, NOTE, FakeLink
from tests.tui.hostile import PIECES, hostile, inert, spoiled, sweep
from tests.tui.ptys import Terminal
from tests.tui.shots import rows
from tests.worlds_states import EVERY

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


# --- anything, anywhere ----------------------------------------------------------------------------------------------


class HostileLink(FakeLink):
    """Every file, log and diff ends in that text too."""

    def __init__(self, world: World, text: str) -> None:
        super().__init__(world)
        self.hostile = text
        self.says = f"reading papers\n{text}\nfound 12\n"
        self.changes = f"{DIFF}+{text}\n@@ {text}\ndiff --git a/{text} b/{text}\n"
        self.trouble = text

    async def text(self, path_or_name: str) -> str:
        return f"{NOTE}\n{self.hostile}\n## Result\n{self.hostile}\n"


VIEWS: tuple[tuple[str, ...], ...] = (
    (), ("t",), ("enter",), ("w",), ("e",), ("m", "j"), ("d",), ("slash", "["), ("question_mark",), ("full_stop",),
    ("N",), ("2",), ("2", "enter"), ("2", "j", "enter"), ("2", "l"), ("2", "o"), ("2", "r"), ("2", "c"), ("0",), ("3",),
    ("3", "enter"), ("3", "enter", "2"), ("3", "enter", "3"), ("3", "enter", "4"), ("3", "enter", "6"), ("3", "c"),
    ("4",), ("p",), ("f",), ("q",),
)  # fmt: skip


def wrong(app: App[Any]) -> str:
    """What on the screen is more than text, or stands where it was not reckoned with."""
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        if bad := sorted({repr(char) for char in strip.text if not inert(char)}):
            return f"line {y} holds {' '.join(bad)}"
        if not cell_len(strip.text) == sum(map(cell_len, strip.text)) == strip.cell_length == app.size.width:
            return f"line {y} is not {app.size.width} cells wide: {strip.text!r}"
        for text, style, _ in strip:
            if style and (style.link or "@click" in style.meta or style.blink or style.conceal):
                return f"line {y}: {text!r} is {style}"
    return ""


WHERE = [
    ("trusted", (48, 18)), ("trusted", (120, 40)), ("broken", (48, 18)), ("noticed", (120, 40)), ("blocked", (60, 30)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "size"), WHERE)
async def test_no_view_takes_a_text_for_more(name: str, size: tuple[int, int]) -> None:
    await walked(name, size, "".join(PIECES), empty=True)


@tuned(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(WHERE), hostile, st.booleans())
async def test_no_view_takes_any_text_for_more(where: tuple[str, tuple[int, int]], text: str, empty: bool) -> None:
    await walked(*where, text, empty=empty)


async def walked(name: str, size: tuple[int, int], text: str, *, empty: bool) -> None:
    """Through every view of a World with that text in every field."""
    app = CctuiApp(HostileLink(spoiled(EVERY[name](), text, empty=empty), text), engine=None, settings=Settings())
    async with app.run_test(size=size, notifications=True) as pilot:
        for keys in VIEWS:
            await pilot.press(*keys)
            await pilot.pause()
            assert not wrong(app), keys
            await pilot.press("escape")
            while not isinstance(app.screen, Board):
                app.pop_screen()
                await pilot.pause()
            await pilot.press("escape", "1")
        assert app.is_running


def test_the_sweep_reaches_every_text_of_the_vocabulary() -> None:
    """So that a new field is covered by itself."""
    for name, kind in vars(vocabulary).items():
        if not (isinstance(kind, type) and is_dataclass(kind)) or name == "Settings":
            continue
        hints = get_type_hints(kind)
        texts = [
            field.name for field in fields(kind) if hints[field.name] in (str, str | None) and field.name != "zone"
        ]
        made = object.__new__(kind)
        for field in fields(kind):
            object.__setattr__(made, field.name, "x" if field.name in texts else None)
        swept = sweep(made, lambda old: old + "!")
        assert [getattr(swept, each) for each in texts] == ["x!"] * len(texts), name


def test_what_reaches_the_terminal_is_only_ours() -> None:
    """The bytes themselves: no sequence in them that stood in a text."""
    terminal = Terminal.python("-m", "tests.tui.preview", "hostile", columns=60, rows=30)
    assert terminal.until(lambda said: b"Quit" in said)
    for key in (b"\r", b"\x1b", b"2", b"\r", b"\x1b", b"3", b"N"):
        terminal.type(key)
        terminal.read(0.7)
    terminal.end(0)
    assert b"ding" in terminal.said
    for sequence in (b"\x1b]52", b"\x1b]0;", b"\x1b[2J", b"\x1b[5m", b"\x1bP", b"\xc2\x9b", b"\xe2\x80\xae"):
        assert sequence not in terminal.said, sequence
