"""Run notes: what a person and Obsidian find there, and that nothing from outside gets out of its fence."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cctui.adapters import front, notes
from cctui.adapters.notes import About, NotesError, write_active, write_note
from cctui.core.view import Row, State
from cctui.core.world import (
    Ending,
    ErrorType,
    Mode,
    Record,
    Result,
    Run,
    Runner,
    Spec,
    Stage,
    Status,
    Stop,
)
from cctui.places import Places

START = datetime(2026, 2, 3, 0, 5, 0, tzinfo=ZoneInfo("Europe/Berlin"))
SPEC = Spec(
    run_id="20260203-000500-abc123", task="zotero digest", path="pending/zotero digest.md", attempt=2,
    runner=Runner.CLAUDE, kind="digest", mode=Mode.AUTONOMOUS, folder="/home/me/my [notes]", started=START,
    timeout=60.0, session="cc-x", session_id="0-1",
)  # fmt: skip
RECORD = Record(
    task_id="zotero digest", success=True, error_type=None, tokens=48_000, duration_s=721.5,
    log_file="logs/scheduler/2026-02-03/zotero digest-20260203-000500-abc123.md", timestamp=START,
    run_id=SPEC.run_id, ended=START + timedelta(minutes=12), status=Status.COMPLETED, attempt=2, kind="digest",
    runner="claude", mode="autonomous", model="claude-opus-5-5", tokens_in=40_000, tokens_out=8_000,
    tokens_source="reported", cost_usd=0.4231, capacity_before=12.5, capacity_after=15.0, exit_code=0, session_id="0-1",
)  # fmt: skip
ENDING = Ending(Stop.EXIT, START + timedelta(minutes=12), 721.5, rc=0, result=Result(text="Done: 3 papers."))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "root", tmp_path / "state", tmp_path / "config.toml", tmp_path / "engine.sock")


def note(
    places: Places, record: Record = RECORD, ending: Ending | None = ENDING, output: str = "", task: str = ""
) -> str:
    return write_note(places, SPEC, record, About(ending=ending, output=output, task=task)).read_text("utf-8")


def test_the_whole_note(places: Places) -> None:
    about = About(ending=ENDING, output="line 1\nline 2\n", task="---\npriority: 1\n---\nRead them.\n")
    path = write_note(places, SPEC, RECORD, about)
    assert path == places.root / "logs/scheduler/2026-02-03/zotero digest-20260203-000500-abc123.md"
    assert path.read_text("utf-8") == (
        '---\ntask: "[[zotero digest]]"\nrun_id: "20260203-000500-abc123"\nstatus: completed\n'
        'started: 2026-02-03T00:05:00\nended: 2026-02-03T00:17:00\ntz: "Europe/Berlin"\nduration_s: 721.5\nattempt: 2\n'
        "runner: claude\nmode: autonomous\nkind: digest\nmodel: claude-opus-5-5\ntokens: 48000\ntokens_in: 40000\n"
        "tokens_out: 8000\ntokens_source: reported\ncost_usd: 0.4231\ncapacity_before: 12.5\ncapacity_after: 15.0\n"
        'exit_code: 0\nsession_id: "0-1"\nproject: "/home/me/my [notes]"\ntags:\n  - cctui/run\n---\n\n'
        "# zotero digest\n\nDone in 12m, 48k tokens, \\$0.42, attempt 2.\n\n> [!success] Success\n\n"
        "## Result\n\n```text\nDone: 3 papers.\n```\n\n## Output\n\n```text\nline 1\nline 2\n```\n\n"
        "## Task\n\n```text\n---\npriority: 1\n---\nRead them.\n```\n\nTask [[zotero digest]] · day [[2026-02-03]]\n"
    )
    assert sorted(os.listdir(path.parent)) == [path.name]  # noqa: PTH208 - hidden files, too


def test_properties_are_flat_with_numbers_as_numbers(places: Places) -> None:
    fields = front.read(note(places)).fields
    assert fields is not None
    assert fields["task"] == "[[zotero digest]]" and fields["tags"] == ["cctui/run"] and fields["duration_s"] == 721.5
    assert fields["tokens"] == 48000 and fields["cost_usd"] == 0.4231 and fields["attempt"] == 2
    assert all(not isinstance(value, dict) for value in fields.values())
    plain = yaml.safe_load(note(places, replace(RECORD, kind="no", model="2026-02-03")).split("---")[1])
    assert plain["kind"] == "no" and plain["model"] == "2026-02-03", "text stays text for every reader of YAML"
    assert plain["started"] == START.replace(tzinfo=None), "YAML's own date-time, in local time"


ENDS = [
    (Status.FAILED, ErrorType.TIMEOUT, "ran 30m", "> [!failure] Timeout\n> ran 30m", "Failed: timeout after 12m"),
    (Status.FAILED, ErrorType.EXIT_ERROR, "a\nb", "> [!failure] Exit error\n> a\n> b", "Failed: exit error after 12m"),
    (Status.CANCELLED, ErrorType.CANCELLED, None, "> [!warning] Cancelled", "Cancelled after 12m"),
    (None, None, None, "> [!failure] Failure", "Failed after 12m"),
]


@pytest.mark.parametrize(("status", "error", "detail", "callout", "line"), ENDS)
def test_how_it_ended(
    places: Places, status: Status | None, error: ErrorType | None, detail: str | None, callout: str, line: str
) -> None:
    record = replace(RECORD, success=False, status=status, error_type=error, detail=detail)
    text = note(places, record)
    assert f"\n{callout}\n\n" in text and f"\n{line}" in text and "48k tokens" in text


def test_what_is_unknown_is_left_out(places: Places) -> None:
    record = Record("zotero digest", True, None, None, 1.0, RECORD.log_file, START, run_id="x")
    text = note(places, record, None)
    assert "null" not in text and "None" not in text and "tokens" not in text and "$" not in text
    assert "## " not in text


def test_denied_tools_are_listed(places: Places) -> None:
    denials = ("Bash: rm -rf `x`", "Write: /etc/passwd", *(f"Bash: {n}" for n in range(30)))
    text = note(places, ending=replace(ENDING, result=Result(denials=denials)))
    assert "> [!warning] Tool calls that were denied\n> - `` Bash: rm -rf `x` ``\n> - `Write: /etc/passwd`\n" in text
    assert "> - … and 12 more" in text


def test_a_fixed_offset_is_named(places: Places) -> None:
    record = replace(RECORD, timestamp=START.replace(tzinfo=timezone(timedelta(hours=-3))), ended=None)
    assert "\ntz: UTC-0300\n" in note(places, record)


def test_long_texts_are_cut_where_it_hurts_least(places: Places) -> None:
    text = note(places, output="start" + "o" * 70_000 + "end", task="start" + "t" * 30_000 + "end")
    assert "characters before\n" in text and "oend\n```" in text
    assert "```text\nstarttt" in text and "characters more\n```" in text and len(text) < 90_000


HOSTILE = [
    "```\n# I am a heading\n```",
    "`````js\nevil()\n`````",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m \r over \x08 \u202e",
    "![[secret]] [[link]] <script>x</script> %%hidden%%",
    "---\nstatus: completed\n---",
    "\udc80 half a surrogate",
    "```dataviewjs\napp.vault.delete()\n",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_outside_gets_out_of_its_fence(places: Places, text: str) -> None:
    check_fences(places, text)


@given(st.text(alphabet="`~#>[]|-\n\r\t \x1b\x07\x9bab:!$%", max_size=80))
def test_no_text_at_all_gets_out_of_its_fence(text: str) -> None:
    folder = Path(os.environ["TMPDIR"])
    check_fences(Places(folder / "root", folder / "state", folder / "c", folder / "s"), text)


def check_fences(places: Places, text: str) -> None:
    record = replace(RECORD, success=False, status=Status.FAILED, error_type=ErrorType.EXIT_ERROR, detail=text)
    whole = note(places, record, replace(ENDING, result=Result(text=text, denials=(text,))), text, text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", whole)
    fence, outside = None, []
    for line in front.read(whole).body.splitlines():
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence is None and mark:
            assert line == mark[1] + "text"
            fence = mark[1]
        elif fence is not None and mark and line.strip() == fence:
            fence = None
        elif fence is None:
            outside.append(line)
    assert fence is None
    headings = [line for line in outside if line.startswith("#")]
    assert set(headings) <= {"# zotero digest", "## Result", "## Output", "## Task"}
    bare = re.sub(r"\\.|(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(outside[:-1]))
    assert "[[" not in bare and "![" not in bare and "<" not in bare and "%%" not in bare


def test_writing_twice_gives_the_same_file(places: Places) -> None:
    first = note(places, output="x")
    assert note(places, output="x") == first


@pytest.mark.parametrize("log_file", ["", "../x.md", "/etc/x.md", "tasks/pending/x.md", "logs/scheduler/history.jsonl"])
def test_a_note_is_written_nowhere_else(places: Places, log_file: str) -> None:
    with pytest.raises(NotesError, match="a note belongs below"):
        note(places, replace(RECORD, log_file=log_file))


def test_trouble_is_told_in_words(places: Places) -> None:
    places.root.mkdir()
    (places.root / "logs").write_text("in the way")
    with pytest.raises(NotesError, match=r"cannot write .*abc123\.md: Not a directory"):
        note(places)


def row(run: Run | None) -> Row:
    return Row("zotero digest", "active/zotero digest.md", "active", State.RUNNING, run=run)


def test_what_runs_now(places: Places) -> None:
    path = places.context / "active-agents.md"
    write_active(places, [])
    assert path.read_text() == "# Active agents\n\nNothing runs.\n"
    write_active(places, [row(Run(SPEC, Stage.RUNNING)), row(None), row(Run(SPEC, Stage.PARKED))])
    about = "since 2026-02-03 00:05 in `/home/me/my [notes]`, attempt 2, run 20260203-000500-abc123"
    text = f"# Active agents\n\n- [[zotero digest]]: running {about}\n- [[zotero digest]]: parked {about}\n"
    assert path.read_text() == text
    inode = path.stat().st_ino
    write_active(places, [row(Run(SPEC, Stage.RUNNING)), row(Run(SPEC, Stage.PARKED))])
    assert path.stat().st_ino == inode, "the same text is not written again"


def test_the_list_of_what_runs_may_fail_without_harm(places: Places) -> None:
    places.root.mkdir()
    places.context.write_text("in the way")
    with pytest.raises(OSError, match="cannot write"):
        write_active(places, [])
    assert notes.NotesError.__mro__[1] is OSError
