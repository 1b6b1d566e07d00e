"""Lean mode: when it is on, and what it leaves out."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from cctui.cli.here import Here
from cctui.cli.host import frames
from cctui.core.settings import Settings, UiSettings
from cctui.tui.app import CctuiApp
from cctui.tui.gauge import Gauge
from cctui.tui.lean import FRAMES, TICK, lean
from tests import worlds
from tests.tui.fakes import FakeLink

SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}


@pytest.mark.parametrize(
    ("setting", "environ", "on"),
    [
        ("auto", {}, False),
        ("auto", SSH, True),
        ("auto", {"SSH_TTY": "/dev/pts/3"}, True),
        ("auto", {"SSH_CONNECTION": ""}, False),
        ("on", {}, True),
        ("off", SSH, False),
    ],
)
def test_it_is_on_over_ssh_or_where_it_is_wanted(setting: str, environ: dict[str, str], on: bool) -> None:
    assert lean(UiSettings(lean=setting), environ) is on


@pytest.mark.parametrize(("far", "changes"), [(True, False), (False, True)])
async def test_over_a_slow_line_the_gauge_goes_by_minutes(far: bool, changes: bool) -> None:
    link = FakeLink(worlds.busy())
    app = CctuiApp(link, engine=None, settings=Settings(), far=far)
    async with app.run_test(size=(48, 18)) as pilot:
        await pilot.pause()
        gauge = app.screen.query_one(Gauge)
        before = gauge.line(0).text
        link.clock = lambda: worlds.NOW + timedelta(seconds=3)
        app.tick()
        await pilot.pause()
        assert (gauge.line(0).text != before) is changes
        link.clock = lambda: worlds.NOW + timedelta(seconds=123)
        assert gauge.line(0).text != before


async def test_the_clock_is_slow_and_nothing_moves() -> None:
    app = CctuiApp(FakeLink(worlds.busy()), engine=None, settings=Settings(), far=True)
    async with app.run_test(size=(48, 18)):
        assert app.clock._interval == TICK
        assert app.animation_level == "none"


@pytest.mark.parametrize(
    ("wanted", "own", "frames_told"), [("on", None, str(FRAMES)), ("off", None, None), ("on", "30", "30")]
)
def test_textual_is_told_how_often_it_may_draw(
    wanted: str, own: str | None, frames_told: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CCTUI_UI_LEAN", wanted)
    monkeypatch.setenv("CCTUI_ROOT", str(tmp_path / "r"))
    monkeypatch.setenv("TEXTUAL_FPS", own or "")
    if own is None:
        monkeypatch.delenv("TEXTUAL_FPS")
    frames(Here())
    assert os.environ.get("TEXTUAL_FPS") == frames_told
    monkeypatch.setenv("TEXTUAL_FPS", "x")  # so that the end of the test puts back what was there
