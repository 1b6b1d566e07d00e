"""The README's pictures, drawn from named Worlds: `python -m tests.pictures` writes docs/*.png anew.

Needs pillow (in the dev extra) and a monospace font (`apt-get install fonts-dejavu-core`).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from textual.strip import Strip

from cctui.core.settings import Settings, UiSettings
from cctui.tui.app import CctuiApp
from tests.tui.fakes import FakeLink
from tests.tui.shots import quiet
from tests.worlds import WORLDS

DOCS = Path(__file__).resolve().parents[1] / "docs"
FONTS = ("/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu", "/usr/share/fonts/TTF")
PICTURES = {
    "phone": ("busy", (48, 18), ()),
    "phone-why": ("busy", (48, 18), ("j", "enter")),
    "phone-triage": ("trusted", (48, 18), ("0",)),
    "phone-figures": ("fortnight", (48, 18), ("4",)),
    "desktop": ("busy", (120, 36), ()),
    "night": ("night", (112, 24), ("p", "j", "j", "j", "j")),
}
"""File → World, size, keys."""
SIZE, LEADING = 18, 23
Rgb = tuple[int, int, int]
FRONT: Rgb = (220, 220, 220)
BACK: Rgb = (18, 18, 18)


def font(name: str, size: int = SIZE) -> ImageFont.FreeTypeFont:
    found = next((path for folder in FONTS if (path := Path(folder) / name).exists()), None)
    if found is None:
        sys.exit("no monospace font here: apt-get install fonts-dejavu-core")
    return ImageFont.truetype(str(found), size)


def rgb(color: Color | None, default: Rgb) -> Rgb:
    if color is None or color.is_default:
        return default
    red, green, blue = color.get_truecolor(DEFAULT_TERMINAL_THEME)
    return red, green, blue


def colours(style: Style | None) -> tuple[Rgb, Rgb]:
    """Of the letters and of the ground."""
    if style is None:
        return FRONT, BACK
    front, back = rgb(style.color, FRONT), rgb(style.bgcolor, BACK)
    if style.reverse:
        front, back = back, front
    if style.dim:
        front = ((front[0] + back[0]) // 2, (front[1] + back[1]) // 2, (front[2] + back[2]) // 2)
    return front, back


def draw(strips: list[Strip], columns: int) -> Image.Image:
    plain, strong = font("DejaVuSansMono.ttf"), font("DejaVuSansMono-Bold.ttf")
    width = round(plain.getlength("M"))
    image = Image.new("RGB", (columns * width, len(strips) * LEADING), BACK)
    pen = ImageDraw.Draw(image)
    for row, strip in enumerate(strips):
        column = 0
        for segment in strip:
            front, back = colours(segment.style)
            face = strong if segment.style and segment.style.bold else plain
            for letter in segment.text:
                at = (column * width, row * LEADING)
                pen.rectangle((*at, at[0] + width, at[1] + LEADING), fill=back)
                pen.text((at[0], at[1] + 1), letter, font=face, fill=front)
                column += 1
    return image


async def screen(app: CctuiApp, columns: int) -> Image.Image:
    return draw(app.screen._compositor.render_strips(), columns)


async def shoot(name: str) -> None:
    world, size, presses = PICTURES[name]
    app = app_on(FakeLink(WORLDS[world]()))
    async with app.run_test(size=size) as pilot:
        for key in presses:
            await pilot.press(key)
        await quiet(pilot)
        image = await screen(app, size[0])
    DOCS.mkdir(exist_ok=True)
    image.save(DOCS / f"{name}.png", optimize=True)


def app_on(link: FakeLink) -> CctuiApp:
    return CctuiApp(link, engine=None, settings=Settings(ui=UiSettings(ascii="off", motion="off")))


if __name__ == "__main__":
    for each in sys.argv[1:] or PICTURES:
        asyncio.run(shoot(each))
