"""What a killed process has left behind is removed; everything else stays."""

from __future__ import annotations

from pathlib import Path

from cctui.adapters.litter import sweep_away
from cctui.places import Places, make


def test_only_our_own_drafts_go(tmp_path: Path) -> None:
    places = Places(tmp_path / "root", tmp_path / "state", tmp_path / "config.toml", tmp_path / "engine.sock")
    make(places)
    day = places.notes / "2026-02-03"
    for folder in (day, places.context, places.runs / "20260203-1", places.runs / ".20260203-2.abcd.tmp"):
        folder.mkdir(parents=True)
    gone = [places.tasks / "pending/.cctui-7-8.tmp", day / ".cctui-7-8.tmp", places.state / ".cctui-7-8.tmp"]
    stays = [places.tasks / "pending/mine.md", places.tasks / "pending/.hidden.tmp", places.runs / "20260203-1/.x.tmp"]
    for file in (*gone, *stays):
        file.write_text("")
    sweep_away(places)
    assert [file for file in gone if file.exists()] == []
    assert [file for file in stays if not file.exists()] == []
    assert sorted(entry.name for entry in places.runs.iterdir()) == ["20260203-1"]
    sweep_away(places)
