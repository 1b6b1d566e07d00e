"""Task files: what every field may hold, what it may not, and in which words a person hears of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.fields import FIELDS, READERS
from cctui.core.runners import TABLE
from cctui.core.task import duration, ended, parse, title, unsupported
from cctui.core.words import problem, safe
from cctui.core.world import Broken, Dependency, Mode, Phase, Runner, Task

BERLIN = ZoneInfo("Europe/Berlin")


def expand(path: str) -> str:
    if "$" in path:
        raise ValueError("a path whose variables are set")
    return "/root" if path == "." else f"/root/{path}"


OWN = ("aider", "my-runner")


def read(front: dict[str, Any] | None, body: str = "Do it.", path: str = "pending/digest.md") -> Task | Broken:
    lines = {key: number for number, key in enumerate(front or {}, 2)}
    return parse(path, front, body, lines=lines, zone=BERLIN, expand=expand, runners=OWN)


def task(front: dict[str, Any] | None, body: str = "Do it.", path: str = "pending/digest.md") -> Task:
    entry = read(front, body, path)
    assert isinstance(entry, Task), entry
    return entry


def dep(*names: str) -> tuple[Dependency, ...]:
    return tuple(Dependency(name.removesuffix(":any"), name.endswith(":any")) for name in names)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_no_front_matter_is_a_task_with_all_defaults() -> None:
    found = task(None, "# Clean up\n\nAll of it.")
    assert found == Task(
        name="digest", path="pending/digest.md", phase=Phase.PENDING, folder="/root", kind="digest", title="Clean up"
    )


GOOD: list[tuple[str, Any, Any]] = [
    ("name", "Weekly digest-2_a.b", "Weekly digest-2_a.b"),
    ("name", 2024, "2024"),
    ("name", "Überblick नमस्ते", "Überblick नमस्ते"),
    ("name", "U\u0308ber", "Über"),
    ("priority", -3, -3),
    ("priority", 10**12, 10**12),
    ("estimated_tokens", 48000, 48000),
    ("depends_on", "a", dep("a")),
    ("depends_on", ["a", "b c"], dep("a", "b c")),
    ("depends_on", "[[a]]", dep("a")),
    ("depends_on", [["a"]], dep("a")),
    ("depends_on", [[["a"]], [["b"]]], dep("a", "b")),
    ("depends_on", ["[[a]]", "b:any", "[[c]]:any"], dep("a", "b:any", "c:any")),
    ("depends_on", [["path/a|the alias"]], dep("a")),
    ("depends_on", "[[path/a|the alias, with a comma]], b", dep("a", "b")),
    ("depends_on", "[[a#part]], c.md", dep("a", "c")),
    ("depends_on", [42, "42"], dep("42")),
    ("depends_on", [], ()),
    ("deadline", "2026-02-03T08:00", at("2026-02-03T08:00+01:00")),
    ("deadline", "2026-07-03 08:00:30", at("2026-07-03T08:00:30+02:00")),
    ("deadline", "2026-02-03T08:00Z", at("2026-02-03T08:00+00:00")),
    ("deadline", "2026-02-03T08:00:00-05:00", at("2026-02-03T08:00-05:00")),
    ("deadline", "2026-02-03", at("2026-02-03T23:59:59+01:00")),
    ("deadline", "2026-03-29T02:30", at("2026-03-29T03:30+02:00")),  # the hour that does not exist
    ("not_before", "2026-02-03", at("2026-02-03T00:00+01:00")),
    ("mode", "read-only", Mode.READ_ONLY),
    ("runner", "ralph", Runner.RALPH),
    ("runner", " aider ", "aider"),
    ("runner", "my-runner", "my-runner"),
    ("check", "pytest -q\nruff check", "pytest -q\nruff check"),
    ("check_timeout", "5m", 300.0),
    ("check_timeout", 2, 120.0),
    ("worktree", True, True),
    ("rollback", True, True),
    ("rollback", False, False),
    ("bypass_permissions", True, True),
    ("env", ["DATABASE_URL", "ANTHROPIC_API_KEY", "_x1", "DATABASE_URL"], ("DATABASE_URL", "ANTHROPIC_API_KEY", "_x1")),
    ("env", "A, B C", ("A", "B", "C")),
    ("env", [], ()),
    ("timeout", 90, 5400.0),
    ("timeout", "90s", 90.0),
    ("timeout", "1h30m", 5400.0),
    ("timeout", "30d", 30 * 86400.0),
    ("max_attempts", 1, 1),
    ("max_iterations", 9, 9),
    ("max_turns", 40, 40),
    ("max_budget_usd", 1.5, 1.5),
    ("max_budget_usd", 2, 2.0),
    ("model", "opus", "opus"),
    ("effort", "high", "high"),
    ("allowed_tools", ["Read", "Bash(git log:*)"], ("Read", "Bash(git log:*)")),
    ("allowed_tools", "Read, Bash(git log, git diff) Edit", ("Read", "Bash(git log, git diff)", "Edit")),
    ("schedule", "0 3 * * mon-fri", "0 3 * * mon-fri"),
    ("schedule", "H H(2-5) * * *", "H H(2-5) * * *"),
    ("schedule", "@Daily", "@daily"),
    ("schedule", "0 0 29 2 *", "0 0 29 2 *"),
    ("schedule", "0  0 1  MAR fri", "0 0 1 MAR fri"),
    ("tz", "America/New_York", "America/New_York"),
    ("catchup", "all", "all"),
    ("overlap", "queue", "queue"),
    ("paused", True, True),
    ("kind", "research", "research"),
    ("tags", ["#a", "b/c", 7], ("a", "b/c", "7")),
    ("tags", "#a, b c", ("a", "b", "c")),
    ("style", ["terse", "long"], ("terse", "long")),
    ("style", "terse", ("terse",)),
    ("account", "work", "work"),
    ("notify", "never", "never"),
]


@pytest.mark.parametrize(("field", "found", "wanted"), GOOD)
def test_a_value_is_read(field: str, found: Any, wanted: Any) -> None:
    assert getattr(task({field: found}), field) == wanted


BAD: list[tuple[str, Any, str]] = [
    ("name", "a/b", "letters, digits"),
    ("name", "-x", "beginning with a letter"),
    ("name", "x" * 201, "at most 200 bytes"),
    ("name", True, "text"),
    ("priority", True, "a whole number, found true"),
    ("priority", "high", "a whole number, found 'high'"),
    ("priority", 1.5, "a whole number, found 1.5"),
    ("priority", "0o17", "found '0o17'"),
    ("estimated_tokens", 0, "at least 1, found 0"),
    ("depends_on", {"a": "any"}, "task names, each name, [[name]] or name:any, found a mapping"),
    ("depends_on", "a;b", "letters, digits"),
    ("depends_on", [True], "task names"),
    ("deadline", "2026-02-30", "day is out of range for month"),
    ("deadline", "tomorrow", "2026-02-03T08:00"),
    ("deadline", 20260203, "a date-time"),
    ("deadline", "9999-12-31", "from 1970 to 9000"),
    ("mode", "yolo", "one of read-only, plan-first, autonomous, found 'yolo'"),
    ("mode", "autonomus", "(did you mean autonomous?), found 'autonomus'"),
    (
        "runner",
        "bash",
        "one of claude, loop, ralph, autopilot, parallel, shell, python, aider, my-runner, found 'bash'",
    ),
    ("runner", "my_runer", "my-runner (did you mean my-runner?), found 'my_runer'"),
    ("runner", "shel", "(did you mean shell?)"),
    ("runner", True, "found true"),
    ("check", " \n\t", "check must be text"),
    ("check", "", "check must be text"),
    ("check", "a\0b", "check must be text"),
    ("check_timeout", 0, "over 0 and at most 30d"),
    ("check_timeout", "31d", "over 0 and at most 30d"),
    ("max_iterations", 0, "at least 1, found 0"),
    ("rollback", "no", "true or false, found 'no'"),
    ("bypass_permissions", 1, "true or false, found 1"),
    ("env", "1A", "a list of names of variables such as [DATABASE_URL, GH_TOKEN], without their values, found '1A'"),
    ("env", ["A-B"], "a list of names of variables"),
    ("env", ["Ä"], "a list of names of variables"),
    ("env", {"A": "x"}, "without their values, found a mapping"),
    ("worktree", "yes", "true or false, found 'yes'"),
    ("timeout", 0, "over 0 and at most 30d"),
    ("timeout", "31d", "over 0 and at most 30d"),
    ("timeout", "soon", "90s, 30m, 1h30m or 2d"),
    ("timeout", True, "a duration"),
    ("timeout", -5, "a duration"),
    ("max_attempts", 0, "at least 1"),
    ("max_budget_usd", float("inf"), "a number over 0"),
    ("max_budget_usd", True, "a number over 0"),
    ("model", 4.5, "in quotes"),
    ("model", "--dangerously-skip-permissions", "does not begin with '-'"),
    ("allowed_tools", {"Read": True}, "a list of tools"),
    ("allowed_tools", ["--x"], "a list of tools"),
    ("schedule", "0 3 * *", "(4 fields here)"),
    ("schedule", "0 0 3 * * *", "(6 fields here)"),
    ("schedule", "R * * * *", "use H"),
    ("schedule", "61 * * * *", "in range"),
    ("schedule", "0 0 31 2 *", "a date that exists"),
    ("schedule", "0 0 15W * 7", "a date that exists"),
    ("schedule", "@reboot", "@daily"),
    ("schedule", 5, "5 cron fields"),
    ("tz", "Berlin", "Europe/Berlin"),
    ("tz", "../etc/passwd", "Europe/Berlin"),
    ("catchup", "never", "one of once, skip, all"),
    ("overlap", "all", "one of skip, queue"),
    ("paused", "on", "true or false"),
    ("paused", 1, "true or false"),
    ("tags", {"a": 1}, "a list of tags"),
    ("style", ["a/b"], "letters"),
    ("notify", "sometimes", "one of failure, always, never"),
    ("cwd", "$NOPE/x", "a path whose variables are set"),
]


@pytest.mark.parametrize(("field", "found", "said"), BAD)
def test_a_wrong_value_names_field_line_found_and_allowed(field: str, found: Any, said: str) -> None:
    entry = read({"tags": None, field: found} if field != "tags" else {field: found})
    assert isinstance(entry, Broken)
    (trouble,) = entry.problems
    assert trouble.field == field and trouble.line in (2, 3) and trouble.found and trouble.allowed
    sentence = problem(entry)
    assert said in sentence and field in sentence and f"line {trouble.line}" in sentence


def test_a_value_that_stands_in_env_is_not_shown() -> None:
    entry = read({"env": "TOKEN=hush-hush"})
    assert isinstance(entry, Broken)
    assert "hush" not in repr(entry) and entry.problems[0].found == "'TOKEN=…'"


def test_a_built_in_runner_is_a_member_and_a_persons_own_needs_to_be_known() -> None:
    given = {"command": "x", "call": "x"}
    assert {type(task(given | {"runner": str(each.name)}).runner) for each in TABLE} == {Runner}
    assert type(task({"runner": "aider"}).runner) is str
    assert isinstance(parse("pending/a.md", {"runner": "aider"}, "x", lines={}, zone=BERLIN, expand=expand), Broken)


def test_pythons_own_words_come_along_only_where_they_help() -> None:
    entry = read({"deadline": "2026-02-03T8 o'clock", "name": True}, path="pending/a(1).md")
    assert isinstance(entry, Broken)
    assert [trouble.field for trouble in entry.problems] == ["deadline", "name"], "not the file's name on top"
    assert "Invalid" not in entry.problems[0].text


def test_every_problem_is_told_at_once() -> None:
    entry = read({"priority": "x", "mode": "y", "timeout": "z", "paused": False}, body="")
    assert isinstance(entry, Broken)
    assert [trouble.field for trouble in entry.problems] == ["priority", "mode", "timeout", None]


@pytest.mark.parametrize("field", sorted(READERS))
def test_an_empty_property_is_one_that_is_not_set(field: str) -> None:
    assert task({field: None}) == task(None)


SHELL = {"runner": "shell", "command": "ls"}
WARNED = [
    ({"priorty": 3}, "unknown field 'priorty' (line 2): did you mean priority?"),
    ({"depends-on": "a"}, "unknown field 'depends-on' (line 2): did you mean depends_on?"),
    ({"Tag": "a"}, "unknown field 'Tag' (line 2): did you mean tags?"),
    ({"zzz": 1}, "unknown field 'zzz' (line 2)"),
    ({"a\x1b[31m": 1}, "unknown field 'a' (line 2)"),
    ({"command": "ls"}, "command is not used: runner is claude, not shell"),
    ({"call": "m:f"}, "call is not used: runner is claude, not python"),
    ({"runner": "aider", "command": "ls"}, "command is not used: runner is aider, not shell"),
    (SHELL | {"mode": "plan-first"}, "mode: plan-first is not used: runner is shell"),
    (SHELL | {"mode": "read-only"}, "mode: read-only is not used: runner is shell"),
    (SHELL | {"allowed_tools": ["Read"]}, "allowed_tools is not used: runner is shell"),
    (SHELL | {"bypass_permissions": True}, "bypass_permissions is not used: runner is shell"),
    ({"runner": "python", "call": "m:f", "model": "opus"}, "model is not used: runner is python"),
    ({"runner": "python", "call": "m:f", "max_turns": 3}, "max_turns is not used: runner is python"),
    ({"runner": "aider", "effort": "high"}, "effort is not used: runner is aider"),
    ({"check_timeout": "1m"}, "check_timeout is not used: there is no check"),
    ({"bypass_permissions": True, "mode": "read-only"}, "bypass_permissions is not used: mode is read-only"),
    (
        {"bypass_permissions": True, "mode": "plan-first"},
        "bypass_permissions is used only for the work after the plan: mode is plan-first",
    ),
]


@pytest.mark.parametrize(("front", "said"), WARNED)
def test_a_warning_keeps_the_task(front: dict[str, Any], said: str) -> None:
    assert task(front).warnings == (said,)


ALL_MATTERS = [
    SHELL
    | {"mode": "autonomous", "allowed_tools": [], "bypass_permissions": False, "worktree": True, "rollback": True},
    SHELL | {"check": "true", "check_timeout": "1m", "env": ["A"], "timeout": "1m", "max_iterations": 2},
    {"runner": "aider", "model": "opus", "worktree": True, "check": "true"},
    {"runner": "ralph", "model": "opus", "max_turns": 3, "allowed_tools": ["Read"], "bypass_permissions": True},
    {"runner": "loop", "mode": "plan-first", "effort": "high", "max_budget_usd": 1},
]


@pytest.mark.parametrize("front", ALL_MATTERS)
def test_what_matters_is_not_warned_about(front: dict[str, Any]) -> None:
    assert task(front).warnings == ()


WORK = [
    ({}, "", "nothing to do: no body and no command"),
    (None, " \n\n", "nothing to do: no body and no command"),
    ({"command": "ls"}, "", "nothing to do: no body and no command"),
    ({"runner": "loop"}, "", "nothing to do: no body and no command"),
    ({"runner": "aider"}, " \n", "nothing to do: no body and no command"),
    ({"runner": "aider", "command": "ls"}, "", "nothing to do: no body and no command"),
    ({"runner": "aider"}, "text", None),
    ({"runner": "shell"}, "text", "command is missing: runner: shell needs one"),
    ({"runner": "python"}, "text", "call is missing: runner: python needs one"),
    ({"runner": "shell", "command": "ls"}, "", None),
    ({"runner": "python", "call": "m:f"}, "", None),
    ({"runner": "shell", "command": ["ls"]}, "", "command must be text"),
]


@pytest.mark.parametrize(("front", "body", "said"), WORK)
def test_there_must_be_something_to_do(front: dict[str, Any] | None, body: str, said: str | None) -> None:
    entry = read(front, body)
    if said is None:
        assert isinstance(entry, Task)
    else:
        assert isinstance(entry, Broken)
        assert [said in trouble.text for trouble in entry.problems] == [True]


NAMES = [
    ("pending/a b.md", "a b"),
    ("active/U\u0308ber.md", "Über"),
    ("completed/digest@20260203T030000.md", "digest@20260203T030000"),
    ("failed/x.y.md", "x.y"),
]


@pytest.mark.parametrize(("path", "name"), NAMES)
def test_the_stem_is_the_name_and_the_folder_the_phase(path: str, name: str) -> None:
    found = task(None, path=path)
    assert (found.name, found.phase, found.path) == (name, Phase(path.partition("/")[0]), path)
    assert found.kind == name.partition("@")[0]


@pytest.mark.parametrize("stem", ["a(1)", "a,b", "-x", "a#b", "x" * 201, "a@b@c", "a\x1bb"])
def test_a_stem_that_is_no_name_is_a_problem_unless_the_field_names_it(stem: str) -> None:
    entry = read(None, path=f"pending/{stem}.md")
    assert isinstance(entry, Broken) and "the file name must be letters" in entry.problems[0].text
    assert "\x1b" not in entry.name
    assert isinstance(read({"name": None}, path=f"pending/{stem}.md"), Broken)
    assert task({"name": "fine"}, path=f"pending/{stem}.md").name == "fine"


def test_kind_is_the_field_else_the_first_tag_else_the_name() -> None:
    assert task({"kind": "k", "tags": ["t", "u"]}).kind == "k"
    assert task({"tags": ["t", "u"]}).kind == "t"
    assert task({"name": "n"}).kind == "n"


TITLES = [
    ("\n\n## Head line ##\nmore", "Head line ##"),
    ("#tag not a heading", "#tag not a heading"),
    ("#\nnext", "next"),
    ("\x1b[31mred\x1b]0;x\x07 text", "red text"),
    ("", ""),
    ("x" * 300, "x" * 199 + "…"),
]


@pytest.mark.parametrize(("body", "wanted"), TITLES)
def test_the_title_is_the_first_line_without_marks_or_control_codes(body: str, wanted: str) -> None:
    assert title(body) == wanted


DURATIONS = [
    (30, 1800.0), (1.5, 90.0), ("30", 1800.0), ("90s", 90.0), ("30m", 1800.0), ("1h30m", 5400.0), ("2d", 172800.0),
    ("1h 30m", 5400.0), (" 2H ", 7200.0), ("1.5h", 5400.0), ("1d2h3m4s", 93784.0), ("0", 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_durations(text: object, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1x", "30m1h", "-5m", "1:30", None, True, [], -1, float("nan"), "٣m"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="a duration such as 90s, 30m"):
        duration(text)


UNSUPPORTED = [
    ({}, None),
    ({"schedule": "@daily"}, None),
    ({"style": "terse"}, "style"),
    ({"account": "work"}, "account"),
    ({"account": "default"}, None),
    ({"worktree": True, "rollback": True, "bypass_permissions": True, "env": ["A"]}, None),
    ({"runner": "loop", "check": "true", "max_iterations": 2}, None),
    ({"runner": "python", "call": "m:f"}, None),
    ({"runner": "aider"}, None),
    ({"mode": "plan-first"}, None),
    ({"deadline": "2026-02-03", "tags": ["a"], "notify": "always"}, None),
]


@pytest.mark.parametrize(("front", "what"), UNSUPPORTED)
def test_what_would_run_wrongly_waits(front: dict[str, Any], what: str | None) -> None:
    assert unsupported(task(front)) == what


@pytest.mark.parametrize(
    ("path", "front", "phase"),
    [
        ("recurring/x.md", None, Phase.RECURRING),
        ("pending/x.md", {"schedule": "@daily"}, Phase.RECURRING),
        ("pending/x.md", None, Phase.PENDING),
        ("active/x.md", {"schedule": "@daily"}, Phase.ACTIVE),
        ("completed/x.md", {"schedule": "@daily"}, Phase.COMPLETED),
    ],
)
def test_a_file_that_waits_with_a_schedule_is_a_template(path: str, front: dict[str, Any] | None, phase: Phase) -> None:
    assert task(front, path=path).phase is phase


def test_a_template_can_name_its_firings() -> None:
    for name in ("daily@noon", "x" * 184):
        found = read({"schedule": "@daily"}, path=f"pending/{name}.md")
        assert isinstance(found, Broken), name
        assert found.problems[0].field == "name"
        assert "183 bytes" in found.problems[0].text
    assert "no schedule" in task(None, path="recurring/x.md").warnings[0]


def test_what_only_a_schedule_needs_is_said_to_be_of_no_use_without_one() -> None:
    front = {"tz": "UTC", "window": "2h", "catchup": "all"}
    assert [warning.split()[0] for warning in task(front).warnings] == ["tz", "catchup", "window"]
    assert task(front | {"schedule": "@daily"}).warnings == ()
    assert task(front).window == 7200


def test_a_firing_knows_when_it_was_due() -> None:
    assert task(None, path="pending/x@20261122T0230.md").fired == datetime(2026, 11, 22, 2, 30, tzinfo=BERLIN)
    assert task(None, path="failed/x.md").fired is None


ENDED: list[tuple[dict[str, Any], str, str, str | None]] = [
    ({"priority": "high", "kind": "k"}, "Do it.", "digest", "priority must be a whole number, found 'high'"),
    ({"name": "other", "runner": "gone"}, "Do it.", "other", "runner must be one of"),
    ({"cwd": "$NOPE"}, "Do it.", "digest", "cwd must be a path whose variables are set"),
    ({"runner": "shell"}, "", "digest", "command is missing"),
    ({"name": True}, "Do it.", "digest", None),
    ({"priority": "high"}, "", "digest", None),
]


@pytest.mark.parametrize(("front", "body", "name", "said"), ENDED)
def test_a_finished_task_outlives_a_wrong_field_if_its_name_is_sure(
    front: dict[str, Any], body: str, name: str, said: str | None
) -> None:
    entry = read(front, body, "completed/digest.md")
    assert isinstance(entry, Broken)
    found = ended(entry, body, at("2026-02-03T08:00Z"))
    if said is None:
        assert found is None
        return
    assert found is not None and said in found.warnings[0]
    assert (found.name, found.kind, found.phase, found.path) == (name, name, Phase.COMPLETED, "completed/digest.md")
    assert found.title == body and found.added == at("2026-02-03T08:00Z")


def test_moments_of_one_zone_are_compared_as_instants() -> None:
    """Python compares two values of one ZoneInfo by the wall clock, which runs twice through an hour in autumn."""
    early, late = task({"not_before": "2026-10-25T01:30"}), task({"not_before": "2026-10-25T03:30"})
    assert early.not_before and late.not_before
    assert late.not_before - early.not_before == timedelta(hours=3)
    assert late.not_before > datetime(2026, 10, 25, 1, 45, tzinfo=UTC)


def test_the_table_for_people_has_exactly_the_fields_that_are_read() -> None:
    assert [field.name for field in FIELDS] == list(READERS)
    assert all(field.name in Task.__dataclass_fields__ and field.type and field.default for field in FIELDS)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*READERS, "other"]), VALUES, max_size=4), st.text(), st.text(min_size=1))
def test_whatever_a_file_holds_is_a_task_or_a_broken_row_in_plain_words(
    front: dict[str, Any], body: str, stem: str
) -> None:
    entry = read(front, body, f"pending/{stem.replace('/', '')}.md")
    if isinstance(entry, Broken):
        assert entry.problems and all(len(trouble.text) < 500 for trouble in entry.problems)
        assert all(safe(text) == text for text in (entry.name, *(trouble.text for trouble in entry.problems)))
    else:
        assert safe(entry.title) == entry.title and entry.kind


@given(st.text("HR0123456789*/,-?LW#@()abcMONFRI ", max_size=20))
def test_whatever_stands_in_a_schedule_is_read_or_refused(text: str) -> None:
    read({"schedule": text})
