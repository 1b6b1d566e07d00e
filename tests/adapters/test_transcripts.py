"""Tokens from transcripts: counted once, read once, and never turned into a percentage that nobody has learned."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters import transcripts
from cctui.adapters.transcripts import Transcripts
from cctui.core.world import Confidence, Reading

NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW - timedelta(hours=1)


def line(message: str, tokens: int, *, ago: float = 30, request: str | None = "req", **more: Any) -> str:
    """One line of an answer, `ago` minutes old; its tokens are spread over the four counts."""
    usage = {
        "input_tokens": 1,
        "output_tokens": tokens - 3,
        "cache_creation_input_tokens": 1,
        "cache_read_input_tokens": 1,
    }
    inner = {"id": message, "role": "assistant", "model": "claude-opus-5-5", "usage": usage} | more
    at = (NOW - timedelta(minutes=ago)).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": "assistant", "message": inner, "requestId": request, "timestamp": at}) + "\n"


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "projects/-work"
    folder.mkdir(parents=True)
    return folder / "s-1.jsonl"


def spent(source: Transcripts, since: datetime = START) -> int:
    assert source.look(NOW)
    return source.tokens(since, NOW)


def test_a_message_counts_once_with_its_larger_total(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 100) + line("a", 150) + line("a", 120) + line("a", 40, request="other") + line("b", 7))
    copied = session.with_name("s-2.jsonl")
    copied.write_text(line("a", 90))
    below = session.with_suffix("") / "subagents/agent-1.jsonl"
    below.parent.mkdir(parents=True)
    below.write_text(line("c", 1000))
    assert spent(Transcripts(tmp_path)) == 150 + 40 + 7 + 1000


def test_what_the_program_says_itself_and_what_is_no_answer_counts_nothing(tmp_path: Path, session: Path) -> None:
    bad = ['{"type":"assistant","usage"', '"usage" "assistant"', '{"message":{"usage":{"assistant":1}}}', "[" * 99_000]
    session.write_text(
        line("a", 5)
        + line("b", 100, model="<synthetic>")
        + "\n".join(bad)
        + "\n"
        + line("c", 10**9 + 5)
        + line("d", 50, usage={"assistant": "x", "input_tokens": "many", "output_tokens": -4})
        + line("e", 6)
    )
    assert spent(Transcripts(tmp_path)) == 11


def test_only_what_lies_in_the_window_counts(tmp_path: Path, session: Path) -> None:
    session.write_text(line("old", 900, ago=61) + line("new", 8, ago=59) + line("future", 70, ago=-5))
    assert spent(Transcripts(tmp_path)) == 8


def test_what_was_read_is_not_read_again_and_a_torn_line_waits_for_its_end(tmp_path: Path, session: Path) -> None:
    whole = line("b", 20)
    session.write_text(line("a", 10) + whole[:40])
    source = Transcripts(tmp_path)
    assert spent(source) == 10
    with session.open("r+") as file:
        file.write("x" * 20)  # what lies behind is never looked at again
        file.seek(0, os.SEEK_END)
        file.write(whole[40:])
    assert spent(source) == 30


def test_a_file_that_was_replaced_or_cut_is_read_from_its_beginning(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 10) + line("b", 10))
    source = Transcripts(tmp_path)
    assert spent(source) == 20
    session.write_text(line("c", 5))
    assert spent(source) == 25
    draft = session.with_suffix(".draft")
    draft.write_text(line("d", 4) + line("e", 3) * 50)
    draft.replace(session)
    assert spent(source) == 32


def test_a_line_without_an_end_is_skipped_and_the_next_counts(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcripts, "CHUNK", 1000)
    monkeypatch.setattr(transcripts, "LONGEST_LINE", 5000)
    long = line("long", 50, filler="x" * 30_000)
    fits = line("fits", 60, filler="x" * 3_000)
    session.write_text(line("a", 10) + long + fits + line("b", 20))
    assert spent(Transcripts(tmp_path)) == 90


def test_a_look_keeps_to_its_time_and_gives_no_number_before_it_is_done(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 10))
    source = Transcripts(tmp_path, budget=-1.0)
    assert not source.look(NOW)
    assert source.readings(NOW, lambda _: 100.0, lambda _: None) == ()


def test_files_of_the_weeks_before_are_not_opened(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 10))
    os.utime(session, (0, (NOW - timedelta(days=8)).timestamp()))
    assert spent(Transcripts(tmp_path)) == 0


def test_links_pipes_and_other_users_files(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 10))
    os.mkfifo(session.with_name("pipe.jsonl"))
    session.with_name("loop").symlink_to(session.parent)
    session.with_name("dangling.jsonl").symlink_to("nowhere")
    theirs = session.with_name("theirs.jsonl")
    theirs.write_text(line("t", 1000))
    if os.geteuid() == 0:
        os.chown(theirs, 12_345, 12_345)
    assert spent(Transcripts(tmp_path)) == (10 if os.geteuid() == 0 else 1010)
    assert spent(Transcripts(tmp_path / "nowhere")) == 0


# --- as a reading ----------------------------------------------------------------------------------------------------


def estimated(source: Transcripts, worth: float | None, **resets: datetime) -> dict[str, Reading]:
    found = source.readings(NOW, lambda _: worth, resets.get)
    assert all((one.source, one.confidence) == ("transcripts", Confidence.ESTIMATED) for one in found)
    return {one.window: one for one in found}


def test_without_learned_tokens_per_point_there_is_no_percentage(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 500))
    ends = NOW + timedelta(hours=4)
    found = estimated(Transcripts(tmp_path), None, five_hour=ends)
    assert (found["five_hour"].used, found["five_hour"].resets_at) == (None, ends)
    assert estimated(Transcripts(tmp_path), 0.0, five_hour=ends)["five_hour"].used is None


def test_the_window_that_was_told_of_says_what_counts(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 500, ago=30) + line("b", 5000, ago=90) + line("c", 90_000, ago=60 * 24 * 5))
    ends = NOW + timedelta(hours=4)
    found = estimated(Transcripts(tmp_path), 100.0, five_hour=ends, seven_day=NOW + timedelta(days=4))
    assert (found["five_hour"].used, found["five_hour"].resets_at) == (5.0, ends)
    assert found["seven_day"].used == 55.0
    assert estimated(Transcripts(tmp_path), 1.0, five_hour=ends)["five_hour"].used == 100.0


def test_a_week_follows_the_week_before(tmp_path: Path, session: Path) -> None:
    session.write_text(line("a", 500, ago=60 * 24) + line("b", 5000, ago=60 * 24 * 3))
    found = estimated(Transcripts(tmp_path), 100.0, seven_day=NOW - timedelta(days=16))
    assert found["seven_day"].resets_at == NOW + timedelta(days=5)
    assert found["seven_day"].used == 5.0


def test_an_unknown_5_hour_window_began_with_the_first_message_after_the_last(tmp_path: Path, session: Path) -> None:
    minutes = {"a": 700, "b": 650, "c": 399, "d": 250, "e": 98, "f": 10}
    session.write_text("".join(line(name, 100, ago=ago) for name, ago in minutes.items()))
    found = estimated(Transcripts(tmp_path), 10.0)
    # a opens a window that ends at 400; c opens the next, which ends at 99; e the one that is open.
    assert found["five_hour"].resets_at == NOW + timedelta(hours=5, minutes=-98)
    assert found["five_hour"].used == 20.0
    assert "seven_day" not in found, "no source has ever told when the week begins"
    session.write_text(line("only", 100, ago=301))
    assert estimated(Transcripts(tmp_path), 10.0) == {}
