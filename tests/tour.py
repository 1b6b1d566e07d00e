"""The README's tour: a phone in a train, as an animated picture; ``python -m tests.tour`` writes docs/tour.gif anew.

Drawn from the Worlds of the snapshots: every screen of it is the app's own, and what a key changes is what the core
makes of it.  Needs what `tests.pictures` needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw
from textual.pilot import Pilot

from tests.pictures import BACK, DOCS, LEADING, app_on, font, screen
from tests.tui.fakes import FakeLink
from tests.tui.shots import quiet
from tests.worlds import WORLDS

COLUMNS, ROWS = 48, 18
SHORT, LONG = 450, 1900
"""Milliseconds a picture stays while keys are typed, and while it is read."""
CAPTION = (86, 180, 233)
COLOURS = 64
"""Of the whole animation: a terminal has few, and a phone's line is slow."""


@dataclass(frozen=True, slots=True)
class Scene:
    caption: str
    keys: Sequence[str] = ()
    """Pressed one after another, each a picture of its own."""
    text: str = ""
    """Typed in one go before the keys."""
    said: str = ""
    """What the open run says now."""


TOUR: tuple[tuple[str, tuple[Scene, ...]], ...] = (
    (
        "busy",
        (
            Scene("What waits, next on top, and why"),
            Scene("n: a new task; one line is enough", ("n",)),
            Scene("name, priority, deadline are read from it", text="Fix the dead links !2 #vault >friday 8:00"),
            Scene("enter: it is in the queue", ("enter",)),
            Scene("m: carry it; below stands what that would do", ("m", "j")),
            Scene("enter drops it", ("enter",)),
            Scene("u takes that back, and fifty more", ("u",)),
            Scene("2, enter: what a run says, as it says it", ("2", "enter"), said="reading papers/2026\nfound 12\n"),
            Scene("it goes on whether or not you look", said="reading papers/2026\nfound 12\n3 of 12 summed up\n"),
            Scene("esc, 3: what has ended, and how", ("escape", "3")),
        ),
    ),
    (
        "night",
        (
            Scene("w: every gate that keeps a task waiting", ("j", "j", "j", "j", "w")),
            Scene("p: the plan of the night, to the minute", ("escape", "p")),
        ),
    ),
    ("fortnight", (Scene("4: success, cost, and what expired unused", ("4",)),)),
    ("trusted", (Scene("0: what waits for your answer", ("0",)),)),
)


async def frames() -> list[tuple[Image.Image, int]]:
    made: list[tuple[Image.Image, int]] = []
    for world, scenes in TOUR:
        link = FakeLink(WORLDS[world]())
        app = app_on(link)
        async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
            await quiet(pilot)
            for scene in scenes:
                made += await played(pilot, link, scene)
    return made


async def played(pilot: Pilot[str], link: FakeLink, scene: Scene) -> list[tuple[Image.Image, int]]:
    app = pilot.app
    if scene.said:
        link.says = scene.said
        run = next(iter(link.world.runs.values()))
        progress = replace(run.progress, last_line=scene.said.strip().rpartition("\n")[2])
        link.publish(replace(link.world, runs={**link.world.runs, run.spec.run_id: replace(run, progress=progress)}))
    made = []
    if scene.text:
        for letter in scene.text:
            app.screen.focused.insert(letter)  # type: ignore[union-attr]
        await quiet(pilot)
    for key in scene.keys:
        await pilot.press(key)
        await quiet(pilot)
        made.append((captioned(await screen(app, COLUMNS), scene.caption), SHORT))  # type: ignore[arg-type]
    app.tick()  # type: ignore[attr-defined]
    await quiet(pilot)
    return [*made[:-1], (captioned(await screen(app, COLUMNS), scene.caption), LONG)]  # type: ignore[arg-type]


def captioned(picture: Image.Image, words: str) -> Image.Image:
    """What is being done, below the screen."""
    made = Image.new("RGB", (picture.width, picture.height + LEADING + 14), BACK)
    made.paste(picture, (0, 0))
    ImageDraw.Draw(made).text((10, picture.height + 7), words, font=font("DejaVuSansMono.ttf", 15), fill=CAPTION)
    return made


def main() -> None:
    made = asyncio.run(frames())
    # One palette for all: each picture of its own would flicker, and cost more.
    sheet = Image.new("RGB", (made[0][0].width, made[0][0].height * len(made)))
    for i, (picture, _) in enumerate(made):
        sheet.paste(picture, (0, i * picture.height))
    colours = sheet.quantize(COLOURS, dither=Image.Dither.NONE)
    pictures = [picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture, _ in made]
    first, *others = pictures
    stays = [milliseconds for _, milliseconds in made]
    DOCS.mkdir(exist_ok=True)
    first.save(DOCS / "tour.gif", save_all=True, append_images=others, duration=stays, loop=0, optimize=True)


if __name__ == "__main__":
    main()
