"""What a run says while it says it: followed, read again, answered; nothing asked for that nobody reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from cctui.core.settings import Settings
from cctui.core.world import FIVE_HOUR, Reason, Reply, Stage, StopRun, Why, World
from cctui.link import LinkError
from cctui.tui.app import CctuiApp
from cctui.tui.board import Board
from cctui.tui.peek import KEPT, Peek, grown
from cctui.tui.reply import ReplyLine
from tests import worlds
from tests.tui.fakes import FakeLink
from tests.tui.shots import rows

PLAIN, CHECKS = "dead-links-0203-1", "fix-parser-0203-1"


class Counting(FakeLink):
    """Counts how often it was asked for the log."""

    tails = 0

    async def tail(self, run_id: str, lines: int = 200) -> str:
        self.tails += 1
        return await super().tail(run_id, lines)


def app_on(world: World | None = None, *, far: bool = False) -> tuple[CctuiApp, Counting]:
    link = Counting(world or worlds.trusted())
    return CctuiApp(link, engine=None, settings=Settings(), far=far), link


async def press(pilot: Pilot[str], pressed: Sequence[str]) -> None:
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


async def looked(pilot: Pilot[str]) -> None:
    """As the beat does."""
    screen = pilot.app.screen
    assert isinstance(screen, Peek)
    screen.look()
    await pilot.pause()
    await pilot.pause()


OPEN = ["2", "G", "l"]


# --- what is shown ---------------------------------------------------------------------------------------------------


async def test_the_head_tells_time_health_and_what_it_took() -> None:
    app, link = app_on()
    link.becomes(PLAIN, points={FIVE_HOUR: 6.2}, progress=replace(link.world.runs[PLAIN].progress, tokens=48_000,
                                                                  cost_usd=0.24))  # fmt: skip
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        head = rows(app).splitlines()[:2]
        assert head[0].split() == ["‹", "dead-links", "running"]
        assert head[1].split() == ["3:00", "well", "48k", "tokens", "$0.24", "6", "%", "of", "5h"]


async def test_colours_come_through_as_tones_and_nothing_else_does() -> None:
    app, link = app_on()
    link.says = "\x1b[31mred\x1b[0m [bold]no markup[/]\x1b[2J\x1b]0;title\x07"
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        screen = app.screen
        assert isinstance(screen, Peek)
        line = screen.tail.render_line(0)
        assert line.text.rstrip() == "red [bold]no markup[/]"
        (red, *_) = line
        assert red.style is not None and red.style.color == app.scene.palette["bad"].color


async def test_it_says_when_there_is_nothing_and_when_it_cannot_be_read() -> None:
    app, link = app_on()
    link.says = ""
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        assert "It has said nothing yet." in rows(app)

    class Mute(FakeLink):
        async def tail(self, run_id: str, lines: int = 200) -> str:
            raise LinkError("the log is gone [/oops]")

    app = CctuiApp(Mute(worlds.trusted()), engine=None, settings=Settings())
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        assert "the log is gone [/oops]" in rows(app)


# --- following -------------------------------------------------------------------------------------------------------


def lines(last: int) -> str:
    return "\n".join(f"line {number}" for number in range(last))


async def test_the_end_is_followed_until_somebody_scrolls_up_and_says_that_there_is_more() -> None:
    app, link = app_on()
    link.says = lines(40)
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        assert "line 39" in rows(app)
        await press(pilot, ["k", "k", "k"])
        assert "line 39" not in rows(app) and "newer" not in rows(app)
        before = rows(app).splitlines()[2:-1]
        link.says = lines(60)
        await looked(pilot)
        assert [row.rstrip(" ▁▂▃▄▅▆▇█") for row in rows(app).splitlines()[2:-1]] == [
            row.rstrip(" ▁▂▃▄▅▆▇█") for row in before
        ]
        assert "▼ newer: G" in rows(app)
        await press(pilot, ["G"])
        assert "line 59" in rows(app) and "newer" not in rows(app)
        link.says = lines(61)
        await looked(pilot)
        assert "line 60" in rows(app)


async def test_a_tap_leads_to_the_newest_lines() -> None:
    app, link = app_on()
    link.says = lines(40)
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, [*OPEN, "g"])
        link.says = lines(60)
        await looked(pilot)
        at = rows(app).splitlines()[1].index("newer")
        await pilot.click("#about", offset=(at, 0))
        await pilot.pause()
        assert "line 59" in rows(app)


@pytest.mark.parametrize(("old", "new", "merged"), [
    ((), ("a", "b"), "ab"),
    (("a", "b"), ("a", "b"), "ab"),
    (("a", "b", "c"), ("b", "c", "d"), "abcd"),
    (("a", "b", "c"), ("b", "cc", "d"), ["a", "b", "cc", "d"]),
    (("a", "b"), ("x", "y"), "xy"),
    (("a", "a", "a"), ("a", "a", "b"), "aab"),
    (("a", "b"), (), ""),
])  # fmt: skip
def test_new_lines_are_joined_to_the_old_ones(old: Sequence[str], new: Sequence[str], merged: Sequence[str]) -> None:
    assert list(grown(old, new)[0]) == list(merged)


def test_only_so_many_lines_are_kept() -> None:
    old = [str(number) for number in range(KEPT)]
    merged, gone = grown(old, [*old[-100:], "new", "newer"])
    assert (len(merged), gone, merged[0], merged[-1]) == (KEPT, 2, "2", "newer")


# --- what it costs ---------------------------------------------------------------------------------------------------


async def test_nothing_is_asked_for_that_nobody_reads() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        asked = link.tails
        await looked(pilot)
        assert link.tails == asked + 1
        app.app_focus = False
        await looked(pilot)
        assert link.tails == asked + 1
        app.app_focus = True
        link.becomes(PLAIN, stage=Stage.PARKED)
        await looked(pilot)
        asked = link.tails
        await looked(pilot)
        assert link.tails == asked
        link.publish(replace(link.world, runs={}))
        await looked(pilot)
        asked = link.tails
        await looked(pilot)
        assert link.tails == asked, "what has ended says nothing more"


async def test_over_a_slow_line_the_ticks_are_the_beat() -> None:
    app, link = app_on(far=True)
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        asked = link.tails
        await pilot.pause(1.2)
        assert link.tails == asked
        app.tick()
        await press(pilot, [])
        assert link.tails == asked + 1


# --- saying something ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pressed", [[*OPEN, "s"], ["2", "G", "s"]])
async def test_words_are_sent_and_what_becomes_of_them_is_shown(pressed: list[str]) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, [*pressed, *"to it", "enter"])
        assert link.sent == [Reply("dead-links", "to it")]
        assert not app.screen.query(ReplyLine)
        assert "your words wait for its next step" in " ".join(rows(app).split())
        link.becomes(PLAIN, reached=1)
        await press(pilot, [])
        assert "your words" not in rows(app)
        await press(pilot, ["k", "escape"])
        assert isinstance(app.screen, Board)


async def test_a_tap_opens_the_line_too_and_esc_closes_only_that() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, OPEN)
        await pilot.click("#hints", offset=(3, 0))
        await press(pilot, ["q", "x"])
        assert app.screen.query(ReplyLine)
        assert "enter Send" in rows(app).splitlines()[-1]
        await press(pilot, ["escape"])
        assert isinstance(app.screen, Peek) and not app.screen.query(ReplyLine)
        assert link.sent == []


async def test_a_refusal_stays_visible_and_the_words_are_kept() -> None:
    app, link = app_on()
    link.refuses = Reason(Why.STATE, "dead-links has just ended [/oops]")
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, [*OPEN, "s", *"hello", "enter"])
        assert "dead-links has just ended [/oops]" in rows(app)
        assert "hello" in rows(app)
        await press(pilot, ["enter"])
        assert link.sent == [Reply("dead-links", "hello")] * 2
        assert not app.screen.query(ReplyLine)


async def test_nothing_can_be_said_to_a_check_and_the_key_says_why() -> None:
    app, link = app_on()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ["2", "G", "k", "s"])
        assert isinstance(app.screen, Board)
        assert "runs its check just now" in rows(app)
        await press(pilot, ["l", "s"])
        assert not app.screen.query(ReplyLine)
        assert link.sent == []


async def test_stop_asks_first() -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, [*OPEN, "x", "y"])
        assert link.sent == [StopRun("dead-links")]


@pytest.mark.parametrize("where", [OPEN, ["0", "n", "p", "l"]])
async def test_what_is_typed_before_the_line_is_there_does_nothing_else(where: list[str]) -> None:
    app, link = app_on()
    async with app.run_test(size=(48, 18)) as pilot:
        await press(pilot, where)
        screen = app.screen
        assert isinstance(screen, Peek)
        screen.action_say()
        for action in ("stop", "takeover", "attach", "back"):
            assert screen.check_action(action, ()) is False
        await press(pilot, ["escape"])
        assert screen.check_action("stop", ()) is True
        assert link.sent == []
