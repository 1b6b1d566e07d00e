"""`ccq usage`: every source with its age, and what cannot both be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cctui.cli import tables
from cctui.core.answer import answer
from cctui.core.world import FIVE_HOUR, Confidence, Reading, World

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def shown(*found: tuple[str, float | None, float, Confidence]) -> str:
    end = NOW + timedelta(hours=2)
    readings = tuple(
        Reading(FIVE_HOUR, used, end, source, NOW - timedelta(minutes=minutes), confidence)
        for source, used, minutes, confidence in found
    )
    return tables.usage(answer(World(readings=readings), "usage", {}, NOW).data)


def test_one_source_needs_no_list() -> None:
    assert "stream" in shown(("stream", 40, 0, Confidence.EXACT))
    assert "ago" not in shown(("stream", 40, 3, Confidence.EXACT))


def test_several_sources_are_listed_with_their_age_and_their_contradiction() -> None:
    text = shown(
        ("stream", 61, 0, Confidence.EXACT),
        ("claude", 40, 3, Confidence.EXACT),
        ("transcripts", None, 130, Confidence.ESTIMATED),
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "stream 61 % now" in lines
    assert "claude 40 % 3m ago" in lines
    assert "transcripts · estimated ? 2h ago" in lines
    assert "! stream says 61 %, claude 40 %: one of them" in lines
    assert all(len(line) <= tables.WIDTH for line in text.splitlines())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "now"), (59, "now"), (60, "1m ago"), (7200, "2h ago"), (2e5, "2d ago")]
)
def test_ages_are_told_in_one_unit(seconds: float, text: str) -> None:
    assert tables.ago(seconds) == text
