"""Quick capture: what one line means, and that the file says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cctui.adapters import front
from cctui.core import cadence, moments, recur, spoken, task, understood
from cctui.core.capture import Captured, literal, parse
from cctui.core.draft import CHOICES, Draft, as_typed, free, slug, typed
from cctui.core.fields import FIELDS
from cctui.core.tokens import TOKENS, Token, offers
from cctui.core.words import safe
from cctui.core.world import Broken, Dependency, Mode, Phase, Runner, Task
from tests import worlds

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""A Tuesday, 13:00 in Berlin."""
TASKS = {
    each.name: each
    for each in (
        worlds.task("lint", folder="/home/you/vault", cwd="~/vault", mode=Mode.PLAN_FIRST, model="opus", tags=("web",)),
        worlds.task("link-rot", folder="/home/you/blog", timeout=5400.0, check="make check", priority=2),
        worlds.task("Link dead", folder="/home/you/blog-old", deadline=NOW + timedelta(days=1)),
        worlds.task("backup", folder="/home/you/my files", runner=Runner.SHELL, command="make backup"),
    )
}


def read(line: str, now: datetime = NOW, **given: Any) -> Captured:
    return parse(line, now, BERLIN, TASKS, **given)


def fields(line: str, **given: Any) -> dict[str, object]:
    found = read(line, **given)
    assert found.mistakes == ()
    return dict(found.draft.fields)


# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "prompt", "wanted"), [
    ("Fix links !1", "Fix links", {"priority": 1}),
    ("!-2 Fix links", "Fix links", {"priority": -2}),
    ("Fix @vault links", "Fix links", {"cwd": "~/vault"}),
    ("Fix @VAU", "Fix", {"cwd": "~/vault"}),
    ("Fix @blog", "Fix", {"cwd": "/home/you/blog"}),
    ("Fix @my", "Fix", {"cwd": "/home/you/my files"}),
    ('Fix @"my files"', "Fix", {"cwd": "/home/you/my files"}),
    ('Fix @"~/a b" x', "Fix x", {"cwd": "~/a b"}),
    ("Fix @~/new/place", "Fix", {"cwd": "~/new/place"}),
    ("Fix @/srv @", "Fix @", {"cwd": "/srv"}),
    ("Fix @./here", "Fix", {"cwd": "./here"}),
    ("Fix @$CODE/x", "Fix", {"cwd": "$CODE/x"}),
    ("#web Fix #a/b #web", "Fix", {"tags": ["web", "a/b"]}),
    ("Fix after:lint", "Fix", {"depends_on": ["lint"]}),
    ("Fix after:LINT,backup:any", "Fix", {"depends_on": ["lint", "backup:any"]} ),
    ('Fix after:back after:"link d"', "Fix", {"depends_on": ["backup", "Link dead"]}),
    ("Fix >friday 8:00 links", "Fix links", {"deadline": "2026-11-27T08:00"}),
    ("Fix at:22:00", "Fix", {"not_before": "2026-11-24T22:00"}),
    ("Fix at:tomorrow", "Fix", {"not_before": "2026-11-25T00:00"}),
    ("every weekday 7:00 brief me", "brief me", {"schedule": "0 7 * * 1-5"}),
    ("Every day, brief me", "brief me", {"schedule": "0 0 * * *"}),
    ("Brief me daily !1", "Brief me", {"schedule": "0 0 * * *", "priority": 1}),
    ("Brief me daily", "Brief me", {"schedule": "0 0 * * *"}),
    ("plan? Fix", "Fix", {"mode": "plan-first"}),
    ("Fix mode:read", "Fix", {"mode": "read-only"}),
    ("!2 sh: make >out #all !1", "", {"priority": 2, "runner": "shell", "command": "make >out #all !1"}),
    ("Back up sh: make backup", "Back up", {"runner": "shell", "command": "make backup"}),
    ("$ ls -l", "", {"runner": "shell", "command": "ls -l"}),
    ("Fix =lint", "Fix", {"cwd": "~/vault", "mode": "plan-first", "model": "opus", "tags": ["web"]}),
    ("Fix =link-rot !1", "Fix", {"check": "make check", "timeout": "1h30m", "priority": 1}),
    ("Fix =lint #x @blog mode:auto", "Fix",
     {"cwd": "/home/you/blog", "mode": "autonomous", "model": "opus", "tags": ["x", "web"]}),
    ("=backup", "", {"runner": "shell", "command": "make backup"}),
    ('Fix ="link D"', "Fix", {}),
])  # fmt: skip
def test_a_token_is_understood(line: str, prompt: str, wanted: dict[str, object]) -> None:
    assert fields(line) == wanted
    assert read(line).draft.prompt == prompt


@pytest.mark.parametrize("line", [
    "Fix  bug #123 in  the parser", "mail me@x.org", "a > b, a >= b, a => b, a == b", "say ! and !! and != it",
    "every test passes", "every 3 files", "write the daily report", "costs $ 5", "# Heading", "@ home", "a -> b",
    "the plan? no:", "see http://x.org/#a", "![x](y)", r"C:\x \d+ \ \\", "", "what:ever", "2 >", "everyday work",
])  # fmt: skip
def test_text_without_tokens_stays_as_it_is(line: str) -> None:
    if "plan?" not in line:
        assert fields(line) == {}
        assert read(line).draft.prompt == line


@pytest.mark.parametrize(("line", "prompt"), [
    (r"say \!1 twice", "say !1 twice"),
    (r"\every day is new", "every day is new"),
    (r"\@vault  \#x \>friday 8:00", "@vault  #x >friday 8:00"),
    (r"\after:lint \=lint \plan? \daily", "after:lint =lint plan? daily"),
    (r"\\!1", r"\!1"),
    (r"\$ 5", "$ 5"),
    (r"\sh: x", "sh: x"),
    (r'\@"a !1" b', '@"a !1" b'),
])  # fmt: skip
def test_a_backslash_makes_it_text(line: str, prompt: str) -> None:
    assert fields(line) == {}
    assert read(line).draft.prompt == prompt


@pytest.mark.parametrize(("line", "field", "at", "says"), [
    ("x !high", "priority", (2, 7), r"!high: a priority is a whole number, such as !1; \!high is text"),
    ("x !1a", "priority", (2, 5), "whole number"),
    ("x !1 !2", "priority", (5, 7), "one priority only"),
    ("@nowhere x", "cwd", (0, 8), "a folder of another task (blog, blog-old, my files … (4)), or a path"),
    ("x @b", "cwd", (2, 4), "one folder: /home/you/blog, /home/you/blog-old"),
    ('x @"vau', "cwd", (2, 7), "ends with a quote"),
    ("#a.b x", "tags", (0, 4), "letters, digits"),
    ("x >fryday 8:00", "deadline", (2, 9), "a moment ahead such as friday 8:00"),
    ("x >friday 25:00", "deadline", (2, 15), "from 0:00 to 23:59"),
    ("x >2020-01-01", "deadline", (2, 13), "this one is over"),
    ("x >2026-13-01", "deadline", (2, 13), "month must be in 1..12"),
    ("x >5", "deadline", (2, 4), "a moment ahead"),
    ("x at:", "not_before", (2, 5), "a moment ahead"),
    ("x after:", "depends_on", (2, 8), "a task's name"),
    ("x after:link", "depends_on", (2, 12), "one task: Link dead, link-rot"),
    ("x after:lnt", "depends_on", (2, 11), "no task is called so (did you mean lint?)"),
    ("x after:lint:all", "depends_on", (2, 16), "name:any"),
    ("x =gone", "like", (2, 7), "no task is called so"),
    ("x mode:careful", "mode", (2, 14), "read-only, plan-first, autonomous"),
    ("x every 7 minutes", "schedule", (2, 17), "every 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 minutes"),
    ("x every 2 days", "schedule", (2, 14), "cron counts no days"),
    ("x every 32nd", "schedule", (2, 12), "from 1st to 31st"),
    ("x every hour 8:00", "schedule", (2, 17), "minutes past the hour"),
    ("x sh:", "command", (2, 5), "make test"),
])  # fmt: skip
def test_what_cannot_be_understood_is_said_and_stays(line: str, field: str, at: tuple[int, int], says: str) -> None:
    found = read(line)
    (mistake,) = found.mistakes
    assert (mistake.problem.field, mistake.start, mistake.end) == (field, *at)
    assert says in mistake.text
    assert mistake.problem.allowed and mistake.problem.found
    assert line[mistake.start : mistake.end] in found.draft.prompt


def test_further_lines_are_the_prompts() -> None:
    found = read("Fix links !1\n\n  as in !2 and #this\nend\n")
    assert found.draft.fields == {"priority": 1}
    assert found.draft.prompt == "Fix links\n\n  as in !2 and #this\nend"
    assert read("!1\nDo it").draft.prompt == "Do it"


def test_where_a_value_comes_from() -> None:
    assert read("Fix =lint mode:auto").like == {"cwd": "lint", "model": "lint", "tags": "lint"}


def test_a_base_gives_way_to_the_line() -> None:
    base = {"name": "mine", "priority": 3, "check": "make", "tags": ["a"], "depends_on": ["lint"]}
    found = read("Fix !1 #b after:backup", base=base)
    assert found.draft.name == "mine"
    wanted = {"priority": 1, "check": "make", "tags": ["b", "a"], "depends_on": ["lint", "backup"]}
    assert found.draft.fields == wanted


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "name"), [
    ("Check: the [links] in my vault!", "check-the-links-in"),
    ("Lint !1", "lint-2"), ("link rot", "link-rot-2"), ("free one", "free-one-2"),
    ("!!!", "task"), ("", "task"), ("sh: make all", "make-all"), ("Größe 日本", "grösse-日本"),
    ("\x1b[31mred\x1b[0m", "red"),
])  # fmt: skip
def test_a_name_is_made_and_is_new(line: str, name: str) -> None:
    assert read(line, taken=("FREE-one",)).draft.name == name


@given(st.text(max_size=60), st.integers(1, 8))
def test_every_slug_is_a_name(text: str, words: int) -> None:
    made = Draft(slug(text, words), "x")
    assert isinstance(made.entry(UTC), Task)


@given(st.lists(st.sampled_from(("a", "A", "a-2", "b")), max_size=5))
def test_a_free_name_is_not_taken(taken: list[str]) -> None:
    assert free("a", taken).casefold() not in {each.casefold() for each in taken}


# --- moments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "end", "start"), [
    ("friday 8:00", "2026-11-27T08:00:00+01:00", None),
    ("fri at 8am", "2026-11-27T08:00:00+01:00", None),
    ("tues 14:00", "2026-11-24T14:00:00+01:00", None),
    ("tuesday 12:00", "2026-12-01T12:00:00+01:00", None),
    ("TUESDAY", "2026-11-24T23:59:59+01:00", "2026-12-01T00:00:00+01:00"),
    ("18:00", "2026-11-24T18:00:00+01:00", None),
    ("8:00", "2026-11-25T08:00:00+01:00", None),
    ("12am", "2026-11-25T00:00:00+01:00", None),
    ("12:30pm", "2026-11-25T12:30:00+01:00", None),
    ("today", "2026-11-24T23:59:59+01:00", ""),
    ("tomorrow", "2026-11-25T23:59:59+01:00", "2026-11-25T00:00:00+01:00"),
    ("eow", "2026-11-29T23:59:59+01:00", "2026-11-29T00:00:00+01:00"),
    ("eom", "2026-11-30T23:59:59+01:00", "2026-11-30T00:00:00+01:00"),
    ("eoy 6pm", "2026-12-31T18:00:00+01:00", None),
    ("3d", "2026-11-27T13:00:00+01:00", None),
    ("3d 8:00", "2026-11-27T08:00:00+01:00", None),
    ("1w2d", "2026-12-03T13:00:00+01:00", None),
    ("2h", "2026-11-24T15:00:00+01:00", None),
    ("+1h30m", "2026-11-24T14:30:00+01:00", None),
    ("90min", "2026-11-24T14:30:00+01:00", None),
    ("2026-12-01", "2026-12-01T23:59:59+01:00", "2026-12-01T00:00:00+01:00"),
    ("2026-12-01 8:00", "2026-12-01T08:00:00+01:00", None),
    ("2026-12-01T08:00", "2026-12-01T08:00:00+01:00", None),
    ("2026-12-01T08:00+09:00", "2026-12-01T08:00:00+09:00", None),
])  # fmt: skip
def test_a_moment(text: str, end: str, start: str | None) -> None:
    assert moments.moment(text, NOW, BERLIN, end=True).isoformat() == end
    if start == "":
        with pytest.raises(ValueError, match="over"):
            moments.moment(text, NOW, BERLIN, end=False)
    else:
        assert moments.moment(text, NOW, BERLIN, end=False).isoformat() == (start or end)


@pytest.mark.parametrize("text", [
    "", "soon", "13pm", "24:00", "8:60", "today 8:00", "2h 8:00", "0d", "9999d9999d", "a b c", "2026-02-30", "0d 8:00",
    "2026-12-01T08:00 9:00", "8", "d",
])  # fmt: skip
def test_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="a moment|a time of day|date-time"):
        moments.moment(text, NOW, BERLIN, end=True)


SPRING = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("now", "text", "wanted", "written"), [
    (SPRING, "sunday 2:30", "2026-03-29T03:30:00+02:00", "2026-03-29T03:30"),
    (SPRING, "1d", "2026-03-29T13:00:00+02:00", "2026-03-29T13:00"),
    (SPRING, "24h", "2026-03-29T14:00:00+02:00", "2026-03-29T14:00"),
    (SPRING, "sunday", "2026-03-29T23:59:59+02:00", "2026-03-29"),
    (AUTUMN, "sunday 2:30", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30"),
    (AUTUMN, "1d", "2026-10-25T14:00:00+01:00", "2026-10-25T14:00"),
    (AUTUMN + timedelta(hours=12, minutes=15), "1h", "2026-10-25T02:15:00+01:00", "2026-10-25T02:15:00+01:00"),
    (AUTUMN + timedelta(hours=13, minutes=15), "15m", "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00"),
])  # fmt: skip
def test_a_moment_across_a_clock_change(now: datetime, text: str, wanted: str, written: str) -> None:
    found = moments.moment(text, now, BERLIN, end=True)
    assert found.isoformat() == wanted
    assert moments.written(found, BERLIN) == written


nows = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
zones = st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Pacific/Chatham"))
said = st.sampled_from(("fri", "monday 2:30", "2:30", "23:59", "tomorrow", "tomorrow 2:30", "eom", "eow", "3d", "26h",
                        "1d 1:30", "90m", "1w"))  # fmt: skip


@given(nows, zones, said, st.booleans())
def test_what_is_written_is_the_moment_and_lies_ahead(now: datetime, name: str, text: str, end: bool) -> None:
    zone = ZoneInfo(name)
    if text in ("eom", "eow") and not end:
        return  # its beginning may be over
    found = moments.moment(text, now, zone, end=end)
    assert found > now
    field = "deadline" if end else "not_before"
    made = Draft("x", "x", {field: moments.written(found, zone)}).entry(zone)
    assert isinstance(made, Task)
    assert getattr(made, field) == found


@given(nows, zones, st.integers(0, 6), st.integers(0, 23), st.integers(0, 59))
def test_a_day_of_the_week_is_the_next_one(now: datetime, name: str, day: int, hour: int, minute: int) -> None:
    zone = ZoneInfo(name)
    found = moments.moment(f"{moments.DAYS[day]} {hour}:{minute:02}", now, zone, end=True).astimezone(zone)
    assert timedelta(0) < found - now.astimezone(zone) <= timedelta(days=7, hours=1)
    assert found.weekday() == day
    if found.hour != hour:  # only in a gap
        assert moments.on(found.replace(tzinfo=None), zone) == found


# --- schedules -------------------------------------------------------------------------------------------------------

times = st.tuples(st.integers(0, 23), st.integers(0, 59))
DAY_WORDS = {
    "day": " every day", "weekday": " on weekdays", "weekend": " at weekends", "monday": " on Mon", "sun": " on Sun",
    "mon,wed": " on Mon and Wed", "fri,tue,sunday": " on Tue, Fri and Sun", "1st": " on day 1 of the month",
    "15th,1st": " on days 1 and 15 of the month", "week": " on Mon", "month": " on day 1 of the month",
}  # fmt: skip


@given(st.sampled_from(sorted(DAY_WORDS)), times, st.booleans())
def test_a_schedule_is_said_in_the_same_sense(day: str, at: tuple[int, int], joined: bool) -> None:
    hour, minute = at
    words = f"every {day} {'at ' * joined}{hour}:{minute:02}"
    found = cadence.read(words.split())
    assert found is not None and found.used == len(words.split())
    assert recur.schedule(found.cron) == found.cron
    assert spoken.words(found.cron, "x") == f"at {hour:02}:{minute:02}{DAY_WORDS[day]}"


@pytest.mark.parametrize(("words", "wanted"), [
    *((f"every {n} minutes", f"every {n} minutes") for n in cadence.MINUTES[1:]),
    *((f"every {n} hours", f"every {n} hours") for n in cadence.HOURS[1:-2]),
    ("every 12h", "at 00:00 and 12:00 every day"),
    ("every 8 hours", "at 00:00, 08:00 and 16:00 every day"),
    ("every hour", "every hour"), ("hourly", "every hour"), ("every hour at :20", "every hour at :20"),
    ("every 1 hour", "every hour"), ("every minute", "every minute"), ("every 1min", "every minute"),
    ("daily 7:00", "at 07:00 every day"), ("weekly", "at 00:00 on Mon"),
    ("monthly 6pm", "at 18:00 on day 1 of the month"),
])  # fmt: skip
def test_an_interval_is_said_in_the_same_sense(words: str, wanted: str) -> None:
    found = cadence.read(words.split())
    assert found is not None and found.used == len(words.split())
    said = spoken.words(found.cron, "x")
    assert said == wanted or (said == "at 00:00, 06:00, 12:00 and 18:00 every day" and words == "every 6 hours")


@given(st.lists(st.sampled_from(("every", "day", "weekday", "mon", "2", "hours", "15th", "at", "7:00", ":15",
                                 "25:00", "daily", "minutes", "2h", "mon,", "32nd", "x")), max_size=6))  # fmt: skip
def test_a_schedule_is_one_or_says_what_one_is(words: list[str]) -> None:
    found = cadence.read(words)
    if found is None:
        return
    assert 1 <= found.used <= len(words)
    assert bool(found.cron) is not bool(found.allowed)
    if found.cron:
        assert recur.schedule(found.cron) == found.cron


# --- laws ------------------------------------------------------------------------------------------------------------

PARTS = (
    "!1", "!x", "!", "@vault", "@nowhere", '@"a b"', '@"', "@~/x", "#tag", "#12", "#a,b", ">fri", ">18:00",
    "8:00", ">x", ">eom", ">3d", "after:lint", "after:li", "after:", "after:gone", "every", "day", "weekday",
    "7:00", "2", "hours", "daily", "at:22:00", "at:x", "=lint", "=x", "=backup", "plan?", "mode:plan", "sh:",
    "$", "sh: ls >x", "---", "text", "  ", "\\", "\\!1", "\\every", "\n", "\r", "\x1b[2J", "\u2028", "'", '"',
    ": ", "- a", "日本", "\ufeff", "{a: b}", "null",
)  # fmt: skip
lines = st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=9).map(" ".join) | st.text(max_size=30)


@given(lines, nows, zones)
@example("---\nx: y\n---", NOW, "UTC")
def test_whatever_is_typed_the_file_says_what_was_shown(line: str, now: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    found = parse(line, now, zone, TASKS)
    text = found.draft.text()
    text.encode()
    there = front.read(text)
    assert there.problems == ()
    assert (there.fields or {}) == found.draft.fields
    shown = found.draft.entry(zone)
    path = f"pending/{found.draft.name}.md"
    lying = task.parse(path, there.fields, there.body, lines={}, zone=zone, expand=lambda path: path)
    if isinstance(shown, Broken):
        assert isinstance(lying, Broken)
        assert [problem.text for problem in shown.problems] == ["nothing to do: no body and no command"]
    else:
        assert lying == shown
        assert shown.name == found.draft.name not in TASKS
    said = list(understood.lines(found.draft, now, zone, found.like))
    assert {each.field for each in said} >= set(found.draft.fields)
    assert all(each.text == safe(each.text) for each in said)


@given(lines)
def test_literal_text_is_only_text(line: str) -> None:
    text = parse("x " + line, NOW, BERLIN, {}).draft.prompt  # something that can be a prompt
    again = parse(literal(text), NOW, BERLIN, TASKS)
    assert again.draft.prompt == text
    assert (again.draft.fields, again.mistakes) == ({}, ())


@given(lines)
def test_every_mistake_stands_where_it_says(line: str) -> None:
    found = parse(line, NOW, BERLIN, TASKS)
    for mistake in found.mistakes:
        assert 0 <= mistake.start < mistake.end
        assert mistake.text == safe(mistake.text)


@given(st.text(max_size=40))
def test_plain_text_is_no_token(text: str) -> None:
    plain = " ".join(word for word in text.split() if word[0].isalpha() and word.casefold() not in ("every", "daily"))
    if not any(mark in plain.casefold() for mark in ("after:", "at:", "mode:", "sh:", "ly", "plan?")):
        assert fields(plain) == {}


# --- one field -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text", "value"), [
    ("priority", "3", 3), ("priority", " -1 ", -1), ("worktree", "true", True), ("worktree", "f", False),
    ("mode", "plan", "plan-first"), ("runner", "aider", "aider"), ("notify", "always", "always"),
    ("timeout", "90", 90), ("timeout", "1h30m", "1h30m"), ("max_budget_usd", "1.5", 1.5), ("max_budget_usd", "2", 2),
    ("tags", "#a, b", ["a", "b"]), ("tags", '[a, "b"]', ["a", "b"]), ("depends_on", "lint, [[backup]]:any", None),
    ("depends_on", '["a", "b"]', ["a", "b"]), ("allowed_tools", "Read, Bash(a, b:*)", ["Read", "Bash(a, b:*)"]),
    ("deadline", "friday 8:00", "2026-11-27T08:00"), ("deadline", "2020-01-01", "2020-01-01"),
    ("deadline", "2020-01-01 8pm", "2020-01-01T20:00"), ("not_before", "2026-12-01T08:00Z", "2026-12-01T08:00Z"),
    ("not_before", "tomorrow", "2026-11-25T00:00"), ("schedule", "every weekday 7:00", "0 7 * * 1-5"),
    ("schedule", "@daily", "@daily"), ("schedule", "0 3 * * *", "0 3 * * *"), ("model", "4.5", "4.5"),
    ("check", "pytest -q  # all", "pytest -q  # all"), ("command", "", None),
])  # fmt: skip
def test_a_field_as_a_person_types_it(name: str, text: str, value: object) -> None:
    found = typed(name, text, NOW, BERLIN, ("aider",))
    if name == "depends_on" and value is None:
        made = Draft("x", "x", {"depends_on": found}).entry(BERLIN)
        assert isinstance(made, Task) and made.depends_on == (Dependency("lint"), Dependency("backup", any=True))
    else:
        assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("name", "text", "says"), [
    ("priority", "soon", "whole number"), ("priority", "1.5", "whole number"), ("worktree", "maybe", "true or false"),
    ("mode", "careful", "read-only"), ("runner", "aidr", "did you mean aider"), ("timeout", "soon", "duration"),
    ("timeout", "0", "over 0"), ("max_attempts", "0", "at least 1"), ("max_budget_usd", "x", "number"),
    ("deadline", "fryday", "friday 8:00"), ("schedule", "every 7 minutes", "every 1, 2"), ("schedule", "soon", "cron"),
    ("schedule", "every day 7:00 or so", "every weekday"), ("model", "-x", "begin with '-'"), ("tz", "Berlin", "zone"),
    ("depends_on", "a:b", "task names"), ("tags", "-x", "a list of tags"),
])  # fmt: skip
def test_a_field_says_what_it_may_be(name: str, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        typed(name, text, NOW, BERLIN, ("aider",))


def full() -> Task:
    return replace(
        TASKS["link-rot"], depends_on=(Dependency("a"), Dependency("b", any=True)), deadline=NOW, not_before=NOW,
        timeout=90.0, check_timeout=5400.0, allowed_tools=("Read", "Bash(a:*)"), worktree=True, rollback=False,
        schedule="0 7 * * *", max_budget_usd=1.5, style=("one two", "b"), cwd="~/x y", model="4.5", env=("A", "B"),
    )  # fmt: skip


@pytest.mark.parametrize("name", [known.name for known in FIELDS])
def test_what_is_shown_to_be_changed_is_read_as_the_same(name: str) -> None:
    value = getattr(full(), name)
    text = as_typed(name, value, BERLIN)
    back = typed(name, text, NOW, BERLIN)
    if back is None:
        assert value in (None, (), "")
        return
    there = front.read(f"---\n{name}: {Draft('x', 'x', {name: back}).text().splitlines()[1].partition(': ')[2]}\n---\n")
    made = task.parse("pending/x.md", there.fields, "x", lines={}, zone=BERLIN, expand=lambda path: path)
    assert not isinstance(made, Broken), made
    assert getattr(made, name) == value


def test_every_choice_is_allowed() -> None:
    for name, words in CHOICES.items():
        for word in words:
            assert typed(name, word, NOW, BERLIN) in (word, word == "true")


# --- in words --------------------------------------------------------------------------------------------------------


def test_a_draft_in_words() -> None:
    found = read("Brief me !1 >friday 8:00 every weekday 7:00 =lint after:backup:any")
    said = {
        line.field: (line.label, line.text, line.aside)
        for line in understood.lines(found.draft, NOW, BERLIN, found.like)
    }
    assert said == {
        "name": ("name", "brief-me", ""),
        "priority": ("priority", "1", ""),
        "depends_on": ("after", "backup:any", ""),
        "deadline": ("deadline", "Fri 27 Nov 08:00 (in 3 days)", ""),
        "mode": ("mode", "plan-first: plans, then waits for your word", "as lint"),
        "cwd": ("folder", "~/vault", "as lint"),
        "model": ("model", "opus", "as lint"),
        "schedule": ("runs", "at 07:00 on weekdays, next Wed 25 Nov 07:00 (in 18 h)", ""),
        "tags": ("tags", "web", "as lint"),
    }


def test_what_is_wrong_is_said_with_its_field() -> None:
    draft = Draft("x", "", {"priority": "soon", "tags": ["a"]})
    said = [(line.label, line.wrong) for line in understood.lines(draft, NOW, BERLIN)]
    assert said == [("name", False), ("tags", False), ("priority", True), ("", True)]


def test_what_a_new_task_would_wait_for() -> None:
    world = worlds.busy()

    def waits(line: str) -> str:
        made = parse(line, worlds.NOW, UTC, world.tasks).draft
        return understood.waits(world, made, worlds.NOW, UTC)

    assert waits("x @/home/you/other after:link") == "waits for link-rot"
    assert waits("x @/home/you/other at:22:00").startswith("starts at")
    assert waits("x every day") == waits("!1") == ""
    free = worlds.world()
    assert understood.waits(free, Draft("x", "x"), worlds.NOW, UTC) == "may start at once"


def test_a_template_is_one() -> None:
    made = read("x every day 7:00").draft.entry(BERLIN)
    assert isinstance(made, Task) and made.phase is Phase.RECURRING


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.hint)
def test_every_example_means_what_its_token_says(token: Token) -> None:
    tasks = {**TASKS, **{name: worlds.task(name) for name in ("a", "b")}}
    for shown in token.example.removeprefix("`").removesuffix("`").split("` `"):
        found = parse(shown.replace("my dir", "./my dir"), NOW, BERLIN, tasks)
        assert found.mistakes == () and found.draft.fields, shown


@pytest.mark.parametrize(("word", "mark", "first"), [
    ("!", "!", "1"), ("@", "@", "blog"), ("@v", "@", "vault"), ("@my", "@", '"my files"'), ('@"my', "@", '"my files"'),
    ("after:LIN", "after:", "lint"), ("after:lint,b", "after:lint,", "backup"), ("=back", "=", "backup"),
    ("#", "#", "web"),
    (">t", ">", "tomorrow"), ("at:", "at:", "18:00"), ("every ", "every ", "day"), ("every wee", "every ", "weekday"),
    ("mode:", "mode:", "read-only"), ("word", "", ""), ("", "", ""), (">zzz", ">", ""), ("=lint", "=", ""),
])  # fmt: skip
def test_what_a_word_may_become(word: str, mark: str, first: str) -> None:
    found, offered = offers(word, TASKS)
    assert (found, next(iter(offered), "")) == (mark, first)


@given(lines)
def test_an_offer_is_understood(line: str) -> None:
    for word in line.split():
        mark, offered = offers(word, TASKS)
        for offer in offered if mark.count(",") == 0 else ():
            found = parse(f"x {mark}{offer} y", NOW, BERLIN, TASKS)
            assert found.mistakes == () and found.draft.prompt == "x y", (mark, offer)
