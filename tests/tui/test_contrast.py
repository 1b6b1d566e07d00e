"""Everything that is drawn can be read: 4.5 to 1 for words, 3 to 1 for what is drawn, in every state and theme.

Computed from the cells the terminal gets, since a table of tones does not know what stands on which ground.
"""

from __future__ import annotations

import pytest
from rich.color import ColorSystem
from textual.pilot import Pilot
from textual.theme import Theme

from cctui.tui.app import CctuiApp
from cctui.tui.themes import CONTRAST, DARK, LIGHT, OWN, TONES, palette
from tests.tui.looks import DESK, PHONE, TEXT, app_in, coloured, contrast, enough, painted, seen, sized
from tests.tui.shots import STATES

CHOSEN = (DARK, LIGHT, CONTRAST)
"""Themes whose colours are ours."""


def unreadable(app: CctuiApp, system: ColorSystem) -> set[tuple[str, str, float]]:
    """Each run of cells that has not enough contrast, its style, and what it has."""
    edge = app.get_css_variables()["line-edge"]
    return {
        (text.strip(), str(style), round(seen(style, system), 1))
        for text, style, _ in painted(app)
        if seen(style, system) < enough(text, style, edge)
    }


@pytest.mark.parametrize("state", STATES)
async def test_every_state_can_be_read_in_every_theme(state: str) -> None:
    """Size and theme are changed while the state stands open, as a keyboard that opens and the palette do it."""
    app, keys = app_in(state)
    async with app.run_test(size=DESK, notifications=True) as pilot:
        await pilot.press(*keys)
        for size in (DESK, PHONE):
            await sized(pilot, size)
            for theme in CHOSEN:
                await dressed(pilot, theme)
                assert not unreadable(app, ColorSystem.TRUECOLOR), (size, theme.name)
            await dressed(pilot, OWN)
            assert not {(text, str(style)) for text, style, _ in painted(app) if coloured(style)}, size


async def dressed(pilot: Pilot[str], theme: Theme) -> None:
    pilot.app.theme = theme.name
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("theme", CHOSEN, ids=lambda theme: theme.name)
def test_every_tone_can_be_read_on_every_ground(theme: Theme) -> None:
    variables = {**theme.to_color_system().generate(), **theme.variables}
    styles = palette(variables)
    plain = [
        palette({**variables, "cursor-row": variables[name]})["cursor"] for name in ("background", "surface", "panel")
    ]
    for tone in TONES:
        colour = styles[tone].color
        if colour is None:
            continue
        for ground in (styles["cursor"].bgcolor, styles["idle"].bgcolor, *(style.bgcolor for style in plain)):
            assert ground is not None
            least = 3.0 if tone == "rest" else TEXT
            assert contrast(colour.get_truecolor(), ground.get_truecolor()) >= least, (tone, ground)


def test_the_measure_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)
