"""The words and the rows: golden sentences, rows in their order, every gate, and nothing that a terminal obeys."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core import queue, view
from cctui.core.answer import answer
from cctui.core.cost import learn
from cctui.core.settings import CapacitySettings, Settings
from cctui.core.world import (
    Broken,
    Dependency,
    ErrorType,
    Memory,
    Mode,
    Parked,
    Phase,
    Problem,
    Progress,
    Reading,
    Reason,
    Record,
    Retry,
    Run,
    Runner,
    Spec,
    Stage,
    Status,
    Task,
    Why,
    World,
)

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 23, 0, tzinfo=ZONE)  # a Friday


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def task(name: str, **fields: object) -> Task:
    phase = fields.pop("phase", Phase.PENDING)
    assert isinstance(phase, Phase)
    values: dict[str, object] = {"folder": f"/src/{name}", "kind": name, **fields}
    return Task(name, f"{phase.value}/{name}.md", phase, **values)  # type: ignore[arg-type]


def spec(name: str, **fields: object) -> Spec:
    values: dict[str, object] = {
        "run_id": f"run-{name}",
        "task": name,
        "path": f"pending/{name}.md",
        "attempt": 1,
        "runner": Runner.CLAUDE,
        "kind": name,
        "mode": Mode.AUTONOMOUS,
        "folder": f"/src/{name}",
        "started": at(20, 22, 48),
        "timeout": 1800.0,
        "session": f"cc-{name}",
        "session_id": "00000000-0000-4000-8000-000000000000",
        **fields,
    }
    return Spec(**values)  # type: ignore[arg-type]


def record(name: str, **fields: object) -> Record:
    values: dict[str, object] = {
        "task_id": name,
        "success": True,
        "error_type": None,
        "tokens": 48_123,
        "duration_s": 725.0,
        "log_file": f"logs/{name}.md",
        "timestamp": at(20, 9),
        "ended": at(20, 9, 12),
        "status": Status.COMPLETED,
        "run_id": f"old-{name}",
        **fields,
    }
    return Record(**values)  # type: ignore[arg-type]


def reading(window: str, used: float | None, minutes_ago: float = 1, **fields: object) -> Reading:
    seen = NOW - timedelta(minutes=minutes_ago)
    return Reading(window, used, at(21, 3), "claude", seen, **fields)  # type: ignore[arg-type]


def world(*tasks: Task, **fields: object) -> World:
    values: dict[str, object] = {
        "loaded": True,
        "scanned": True,
        "looked": True,
        "checked": True,
        "measured": True,
        "tasks": {entry.name: entry for entry in tasks},
        "readings": (reading("five_hour", 42.0), reading("seven_day", 12.0)),
        **fields,
    }
    made = World(**values)  # type: ignore[arg-type]
    line = queue.line(made)
    taken = {run.spec.task for run in made.runs.values()}
    return replace(made, line=replace(line, order=tuple(name for name in line.order if name not in taken)))


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "?"), (0, "0s"), (59.9, "59s"), (60, "1m"), (725, "12m"), (11_100, "3h05"), (200_000, "2d"), (-5, "0s")],
)
def test_spans(seconds: float | None, text: str) -> None:
    assert view.span(seconds) == text


@pytest.mark.parametrize(
    ("tokens", "text"),
    [(None, "?"), (0, "0"), (950, "950"), (48_123, "48k"), (999_400, "999k"), (999_600, "1.0M"), (1_250_000, "1.2M")],
)
def test_counts(tokens: int | None, text: str) -> None:
    assert view.count(tokens) == text


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (None, "?"),
        (at(20, 9, 12), "09:12"),
        (at(21, 3), "03:00"),
        (at(23, 3), "Mon 03:00"),
        (at(19, 3), "Thu 03:00"),
        (at(2, 3), "2 Nov"),
        (datetime(2027, 2, 3, tzinfo=ZONE), "2027-02-03"),
        (datetime(2026, 11, 21, 2, tzinfo=UTC), "03:00"),
    ],
)
def test_moments_are_in_the_zone_of_now_and_as_short_as_is_clear(when: datetime | None, text: str) -> None:
    assert view.moment(when, NOW) == text


SENTENCES = [
    (Reason(Why.DEPENDS, "zotero-digest"), "waits for zotero-digest"),
    (Reason(Why.DEPENDS_FAILED, "zotero-digest"), "zotero-digest failed: retry or remove it"),
    (Reason(Why.MISSING, "zotero-digest"), "no task named zotero-digest"),
    (Reason(Why.MISSING, "digest (its file is broken)"), "needs digest (its file is broken)"),
    (Reason(Why.CYCLE, "a → b → a"), "waits for itself: a → b → a"),
    (Reason(Why.PROGRAM, "tmux is not installed: apt install tmux"), "tmux is not installed: apt install tmux"),
    (Reason(Why.PAUSED), "paused"),
    (Reason(Why.HOLD), "hold is on: nothing new starts"),
    (Reason(Why.NOT_BEFORE, until=at(23, 3)), "starts at Mon 03:00"),
    (Reason(Why.RETRY, "exit code 1", 2, 3, at(20, 23, 12)), "retry 2 of 3 at 23:12 (exit code 1)"),
    (Reason(Why.LIMIT, "five_hour", until=at(21, 3)), "5-hour limit reached, resets 03:00"),
    (Reason(Why.LIMIT, "seven_day_opus", until=at(23, 3)), "opus weekly limit reached, resets Mon 03:00"),
    (Reason(Why.LIMIT, until=at(21, 3)), "limit reached, resets 03:00"),
    (Reason(Why.OUTAGE, until=at(20, 23, 5)), "Claude's API is down, next try 23:05"),
    (Reason(Why.LOGIN, until=at(20, 23, 5)), "Claude refused the login, next try 23:05"),
    (Reason(Why.CAPACITY, "five_hour", 93, 90, at(21, 3)), "5-hour window at 93 %, max 90 %, resets 03:00"),
    (Reason(Why.CAPACITY, "seven_day", 96, 95, at(23, 3)), "week at 96 %, max 95 %, resets Mon 03:00"),
    (Reason(Why.CAPACITY, "five_hour", None, 90), "5-hour window: use unknown"),
    (Reason(Why.FOLDER, "repo-scan"), "runs in the same folder: repo-scan"),
    (Reason(Why.SLOTS, "", 2, 2), "2 of 2 slots taken"),
    (Reason(Why.UNSUPPORTED, "worktree"), "not supported yet: worktree"),
    (Reason(Why.CANARY, "limit"), "limit over? one task tries first"),
    (Reason(Why.BLIND, "", 1, 1), "no fresh reading: one task at a time"),
    (Reason(Why.QUIET, until=at(21, 7)), "quiet hours until 07:00: no new starts"),
    (Reason(Why.PACE, "seven_day", 61.2, 48, at(24, 14)), "week at 61 %, pace 48 %: waits until Tue 14:00"),
    (Reason(Why.SHARE, "work", 14, 4.2, at(21, 3, 20)), "share work: needs 14 %, 4 free; fits 03:20"),
    (Reason(Why.SHARE, "/home/you/src/blog", 14, 4, at(21, 3)), "share blog: needs 14 %, 4 free; fits 03:00"),
    (Reason(Why.FIT, "five_hour", 14, 9, at(21, 3, 20)), "5-hour: needs 14 %, 9 free; fits 03:20"),
    (Reason(Why.FIT, "five_hour", 9.1, 8.9, at(21, 3)), "5-hour: needs 9.1 %, 8.9 free; fits 03:00"),
    (Reason(Why.FIT, "seven_day_opus", 0.4, 0.06, at(24, 3)), "opus week: needs 0.4 %, 0.1 free; fits Tue 03:00"),
    (Reason(Why.FIT, "seven_day", 3, None), "week: needs 3 %, ? free"),
    (Reason(Why.RESERVE, "five_hour", 9, 4, at(21, 10)), "5-hour: 9 % breaks your reserve; fits 10:00"),
    (Reason(Why.PERSON, "five_hour", 18, 9, at(21, 3)), "needs 18 %, 9 beside what is yours; fits 03:00"),
    (Reason(Why.PERSON, "", 1, until=at(21, 3)), "you are at work: waits until 03:00"),
    (Reason(Why.RESERVED, "refactor-x", 14, 9, at(21, 3, 20)), "delays refactor-x, which holds 03:20"),
]


@pytest.mark.parametrize(("reason", "text"), SENTENCES)
def test_every_reason_has_a_sentence_for_48_columns(reason: Reason, text: str) -> None:
    assert view.say(reason, NOW) == text
    assert len(text) <= 48


@given(st.builds(Reason, st.sampled_from(Why), st.text(), st.none() | st.floats(0, 1e6), st.none() | st.floats(0, 1e6)))
def test_no_reason_is_silent_or_breaks_the_line(reason: Reason) -> None:
    text = view.say(reason, NOW)
    assert text.strip()
    assert "\n" not in text
    assert text.split() == view.safe(text).split()


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (Parked(Why.LIMIT, NOW, at(21, 3), "five_hour"), "parked: 5-hour limit, resumes 03:00"),
        (Parked(Why.OUTAGE, NOW, at(20, 23, 1)), "parked: Claude's API is down, resumes 23:01"),
        (Parked(Why.LOGIN, NOW, NOW), "parked: login refused, resumes when it may"),
    ],
)
def test_parked_says_when_it_goes_on(stop: Parked, text: str) -> None:
    assert view.parked(stop, NOW) == text


# --- safe ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;c2VjcmV0\x07copied", "copied"),
        ("\x1b]0;title\x1b\\x", "x"),
        ("a\nb\r\nc\td", "a b c d"),
        ("\x9b31mred", "red"),
        ("over\u202etxt.exe", "overtxt.exe"),
        ("lone\udc80", "lone"),
        ("\x1bPq#0\x1b\\done", "done"),
        ("[/oops] [@click=app.quit]tap[/]", "[/oops] [@click=app.quit]tap[/]"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
    ],
)
def test_safe_leaves_nothing_a_terminal_obeys(raw: str, text: str) -> None:
    assert view.safe(raw) == text


@given(st.text(st.characters(), max_size=60))
def test_safe_is_one_printable_line_for_any_text(raw: str) -> None:
    text = view.safe(raw)
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in text)
    text.encode()
    assert view.safe(text) == text


def test_a_long_name_loses_its_middle() -> None:
    assert view.short("a-very-long-name-for-a-task-that-goes-on", 16) == "a-very-l…goes-on"
    assert view.short("short") == "short"


# --- rows ------------------------------------------------------------------------------------------------------------


def busy() -> World:
    scan = replace(task("scan", phase=Phase.ACTIVE), priority=1)
    parked = replace(task("digest", phase=Phase.ACTIVE), priority=2)
    return world(
        scan,
        parked,
        task("brief", depends_on=(Dependency("scan"),), title="\x1b[31mBrief\x1b[0m me"),
        task("lint", priority=7, paused=True),
        task("tree", priority=8, account="other"),
        task("done", phase=Phase.COMPLETED),
        task("nope", phase=Phase.FAILED),
        runs={
            "run-scan": Run(
                spec("scan"),
                Stage.RUNNING,
                leg_started=at(20, 22, 48),
                progress=Progress(9_100, last_line="Read\x07 x"),
            ),
            "run-digest": Run(
                spec("digest"), Stage.PARKED, parked=Parked(Why.LIMIT, at(20, 22), at(21, 3), "five_hour")
            ),
        },
        broken=(Broken("pending/bad.md", "bad", Phase.PENDING, (Problem("must be a number", "priority", 3, "high"),)),),
        records=(
            record("done"),
            record("nope", success=False, error_type=ErrorType.TIMEOUT, status=Status.FAILED, ended=at(20, 8)),
        ),
        costs=learn({}, [record("scan", tokens=1, duration_s=1200.0)] * 3),
    )


def test_rows_open_runs_first_then_the_line_then_broken_then_the_past() -> None:
    found = [(row.name, row.phase, row.state.value, row.position, row.text) for row in view.rows(busy(), NOW)]
    assert found == [
        ("scan", "active", "running", None, "Read x"),
        ("digest", "active", "parked", None, "parked: 5-hour limit, resumes 03:00"),
        ("brief", "pending", "waiting", 1, "waits for scan, done ~23:08"),
        ("lint", "pending", "paused", 2, "paused"),
        ("tree", "pending", "waiting", 3, "not supported yet: account"),
        ("bad", "invalid", "invalid", None, "line 3: priority: must be a number, found high"),
        ("done", "completed", "done", None, "done in 12m, 48k tokens"),
        ("nope", "failed", "failed", None, "failed: timeout after 12m"),
    ]


def test_rows_of_one_phase_and_no_raw_text() -> None:
    found = view.rows(busy(), NOW, {"pending"})
    assert [row.name for row in found] == ["brief", "lint", "tree"]
    assert found[0].title == "Brief me"


def test_a_run_whose_file_is_gone_is_still_shown() -> None:
    lost = replace(busy(), tasks={})
    assert [(row.name, row.state.value) for row in view.rows(lost, NOW)][:2] == [
        ("scan", "running"),
        ("digest", "parked"),
    ]


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_is_a_row(stage: Stage) -> None:
    one = world(task("scan", phase=Phase.ACTIVE), runs={"run-scan": Run(spec("scan"), stage)})
    assert len(view.rows(one, NOW)) == 1
    assert len(view.rows(replace(one, tasks={}), NOW)) == 1


def test_blindness_says_how_old_the_reading_is() -> None:
    blind = replace(busy(), readings=(reading("five_hour", 42.0, minutes_ago=42),))
    reason = Reason(Why.BLIND, value=1, threshold=1)
    assert view.sentence(blind, reason, NOW) == "no reading for 42 min: one task at a time"
    assert view.sentence(replace(blind, readings=()), reason, NOW) == "no capacity reading yet: one task at a time"


# --- why -------------------------------------------------------------------------------------------------------------


def test_why_lists_every_gate_open_or_shut() -> None:
    gates = {gate.gate: gate for gate in view.why(busy(), "brief", NOW)}
    assert list(gates) == [*(which.value for which, _ in queue.GATES), "order", "cost"]
    assert [name for name, gate in gates.items() if not gate.open] == ["depends"]
    assert gates["depends"].text == "waits for scan, done ~23:08"
    assert gates["depends"].until == at(20, 23, 8)
    assert gates["order"].text == "1 of 3 by priority: p5"
    assert gates["cost"].text == "20m, a guess from all kinds"
    assert gates["capacity"].text == "5-hour window at 42 %, max 90 %"
    assert (gates["capacity"].value, gates["capacity"].threshold) == (42.0, 90.0)
    assert (gates["slots"].value, gates["slots"].threshold) == (1.0, 2.0)


def test_why_shows_the_tightest_window_and_never_an_unknown_as_zero() -> None:
    weekly = world(task("a"), readings=(reading("five_hour", 10.0), reading("seven_day", 94.0)))
    gate = next(gate for gate in view.why(weekly, "a", NOW) if gate.gate == "capacity")
    assert (gate.value, gate.threshold, gate.until) == (94.0, 95.0, at(21, 3))
    unknown = next(gate for gate in view.why(world(task("a"), readings=()), "a", NOW) if gate.gate == "capacity")
    assert (unknown.open, unknown.value, unknown.text) == (True, None, "5-hour window: use unknown")


def test_why_of_a_forced_task_says_what_is_passed_over() -> None:
    forced = replace(world(task("a", not_before=at(25, 3))), forced={"a": False})
    gate = next(gate for gate in view.why(forced, "a", NOW) if gate.gate == "not_before")
    assert gate.open
    assert gate.text == "passed over: a person wants it now"


def test_why_of_work_that_needs_no_claude_and_of_a_broken_file() -> None:
    shell = world(task("a", runner=Runner.SHELL))
    assert next(g for g in view.why(shell, "a", NOW) if g.gate == "capacity").text == "it spends no capacity"
    off = replace(world(task("a")), settings=Settings(capacity=CapacitySettings(gate=False)))
    assert next(g for g in view.why(off, "a", NOW) if g.gate == "capacity").text == "the capacity gate is off"
    assert [gate.gate for gate in view.why(busy(), "pending/bad.md", NOW)] == ["invalid"]
    assert view.why(busy(), "nobody", NOW) == ()


# --- answers ---------------------------------------------------------------------------------------------------------


def test_ls_rows_have_exactly_the_keys_of_the_contract() -> None:
    found = answer(busy(), "ls", {}, NOW)
    keys = [
        *("name", "phase", "state", "position", "priority", "kind", "runner", "depends_on", "deadline"),
        *("reason", "rule", "run", "next_fire", "forecast"),
    ]
    assert all(list(row) == keys for row in found.data)
    running, parked, brief = found.data[:3]
    assert running["run"] == {
        "run_id": "run-scan",
        "started": "2026-11-20T22:48:00+01:00",
        "session": "cc-scan",
        "attempt": 1,
        "tokens": 9100,
        "last_line": "Read x",
        "part": "work",
        "iteration": 1,
        "via": "claude",
        "branch": None,
        "folder": "/src/scan",
        "needs_you": None,
        "unheard": False,
    }
    assert running["forecast"] == {"start": "2026-11-20T22:48:00+01:00", "end": "2026-11-20T23:08:00+01:00"}
    assert parked["reason"] == {
        "why": "limit",
        "text": "parked: 5-hour limit, resumes 03:00",
        "until": "2026-11-21T03:00:00+01:00",
    }
    text = "waits for scan, done ~23:08"
    assert brief["reason"] == {"why": "depends", "text": text, "until": "2026-11-20T23:08:00+01:00"}
    assert brief["rule"] == "p5"
    assert brief["run"] is None
    assert brief["forecast"] == {"start": None, "end": None}
    json.dumps(found.data)


def test_why_has_exactly_the_keys_of_the_contract() -> None:
    found = answer(busy(), "why", {"task": "bri"}, NOW)
    assert all(list(gate) == ["gate", "open", "text", "value", "threshold", "until"] for gate in found.data)


def test_usage_has_the_windows_of_the_contract_and_no_guesses() -> None:
    data = answer(busy(), "usage", {}, NOW).data["default"]
    keys = ["id", "used_percent", "resets_at", "source", "observed_at", "confidence", "stale"]
    keys += ["claimed_percent", "reserve_percent", "headroom_percent"]
    assert [list(window) for window in data["windows"]] == [keys, keys]
    assert (data["reserve_percent"], data["claimed_percent"], data["headroom_percent"]) == (0.0, None, None)
    idle = answer(world(task("a")), "usage", {}, NOW).data["default"]
    assert (idle["claimed_percent"], idle["headroom_percent"]) == (0.0, 58.0)
    opus = world(task("a"), readings=(reading("five_hour", 10.0), reading("seven_day_opus", 94.0)))
    assert answer(opus, "usage", {}, NOW).data["default"]["headroom_percent"] == 90.0
    blind = answer(world(task("a"), readings=()), "usage", {}, NOW).data["default"]
    assert blind["windows"][0]["used_percent"] is None
    assert blind["headroom_percent"] is None


def test_a_unique_prefix_is_enough_and_an_ambiguous_one_lists_the_matches() -> None:
    two = world(task("vault-lint"), task("vault-clean"), task("vault"))
    assert answer(two, "show", {"task": "vault-l"}, NOW).data["name"] == "vault-lint"
    assert answer(two, "show", {"task": "vault"}, NOW).data["name"] == "vault"
    several = answer(two, "why", {"task": "vault-"}, NOW)
    assert (several.code, several.data) == (2, ["vault-clean", "vault-lint"])
    assert "vault-clean, vault-lint" in several.errors[0]
    assert answer(two, "why", {"task": "nobody"}, NOW).code == 3
    assert answer(two, "why", {"task": "lint"}, NOW).code == 3
    assert answer(busy(), "show", {"task": "run-scan"}, NOW).data["name"] == "scan"


def test_show_of_a_broken_file_tells_what_is_wrong() -> None:
    data = answer(busy(), "show", {"task": "bad"}, NOW).data
    assert data["path"] == "pending/bad.md"
    assert data["problems"] == ["line 3: priority: must be a number, found high"]


def test_history_newest_first_by_task_failed_and_limit() -> None:
    past = busy()
    assert [line["task_id"] for line in answer(past, "history", {}, NOW).data["records"]] == ["nope", "done"]
    assert [line["task_id"] for line in answer(past, "history", {"failed": True}, NOW).data["records"]] == ["nope"]
    assert [line["task_id"] for line in answer(past, "history", {"task": "done"}, NOW).data["records"]] == ["done"]
    assert answer(past, "history", {"limit": 0}, NOW).data["records"] == []
    first = list(answer(past, "history", {}, NOW).data["records"][0])[:7]
    assert first == ["task_id", "success", "error_type", "tokens", "duration_s", "log_file", "timestamp"]


def test_status_counts_and_names_the_next() -> None:
    data = answer(replace(busy(), memory=Memory(hold=True, retries={"a": Retry(1)})), "status", {}, NOW).data
    assert data["hold"] is True
    assert data["counts"]["running"] == 1
    assert [row["name"] for row in data["next"]] == ["brief", "lint", "tree"]


def test_the_run_to_look_at_is_the_open_one_else_the_last() -> None:
    assert answer(busy(), "run", {"task": "scan"}, NOW).data["run_id"] == "run-scan"
    assert answer(busy(), "run", {"task": "done"}, NOW).data["run_id"] == "old-done"
    assert answer(busy(), "run", {"task": "lint"}, NOW).code == 3


def test_nonsense_is_an_error_and_never_an_exception() -> None:
    assert answer(busy(), "dance", {}, NOW).code == 2
    assert answer(busy(), "history", {"limit": "many", "task": 5}, NOW).code == 0
    assert answer(busy(), "ls", {"phases": 3}, NOW).code == 0
