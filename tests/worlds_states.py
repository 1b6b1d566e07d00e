"""Designed states beside the nights of `worlds`: nothing there yet, nothing left, something broken, nothing to be seen.

Each shall be a sentence and the next key; `NAMED` says where which words stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from cctui.core.world import (
    FIVE_HOUR,
    Broken,
    ErrorType,
    Level,
    Memory,
    Note,
    Parked,
    Phase,
    Problem,
    Progress,
    SourceState,
    Why,
    World,
)
from tests.worlds import COSTS, PAST, TOTALS, WORLDS, ago, ahead, busy, reading, record, run, runs, task, world

PLAN = "refactor-auth needs you: its plan is ready to be read, then accepted or thrown away; nothing has been changed"


def unread() -> World:
    """The first moment: the folders have not been read yet."""
    return World()


def finished() -> World:
    """All done: the queue is empty, a history tells of it."""
    return world(records=PAST, totals=TOTALS)


def held() -> World:
    """A person holds everything."""
    return world(task("vault-lint", title="Check every link"), task("link-rot"), memory=Memory(hold=True), costs=COSTS)


def all_paused() -> World:
    return world(task("vault-lint", title="Check every link", paused=True), task("link-rot", paused=True), costs=COSTS)


def no_login() -> World:
    """Claude has refused the login: nothing of it starts until somebody has logged in."""
    stop = Parked(Why.LOGIN, ago(minutes=4), ahead(minutes=11), text="OAuth token has expired")
    return world(task("vault-lint", title="Check every link"), stops={"login": stop}, costs=COSTS)


def outage() -> World:
    stop = Parked(Why.OUTAGE, ago(minutes=4), ahead(minutes=2))
    return world(task("vault-lint", title="Check every link"), stops={"outage": stop}, costs=COSTS)


def no_programs() -> World:
    """A new machine: none of the programs is there."""
    return world(
        task("vault-lint", title="Check every link"),
        readings=(),
        programs={
            "claude": "`claude` was not found: install Claude Code, or set claude.command.",
            "tmux": "`tmux` was not found: install tmux, or set tmux.command.",
            "git": "`git` was not found: install git.",
        },
    )


def never_read() -> World:
    """No source has ever told how full the windows are."""
    return world(
        task("vault-lint", title="Check every link"),
        readings=(),
        sources={
            "api": SourceState("api", ok=False, text="nobody has logged in: run claude once", at=ago(minutes=1)),
            "claude": SourceState("claude", ok=False, text="no answer within 30 s", at=ago(minutes=1)),
        },
    )


def blind() -> World:
    """The last reading is too old to prove anything."""
    old = reading(FIVE_HOUR, 45, ahead(hours=2), "api", 97)
    return world(task("vault-lint", title="Check every link"), task("link-rot"), readings=(old,), costs=COSTS)


def no_tasks_but_broken() -> World:
    """Whatever lies in the folders cannot be read as a task."""
    problem = Problem("front matter never ends: no second ---", line=1)
    return world(broken=(Broken("pending/torn.md", "torn", Phase.PENDING, (problem,)),))


def noticed() -> World:
    """Three days of notices: some good, some bad, some about what is gone."""
    told = (
        (ago(days=2, hours=3), Level.INFO, "weekly-review started", "weekly-review"),
        (ago(days=2, hours=2), Level.BAD, "weekly-review failed: timeout after 30m", "weekly-review"),
        (ago(hours=30), Level.WARN, "No fresh reading of the windows for 40 min: one task at a time", None),
        (ago(hours=22), Level.INFO, "The morning report stands in logs/scheduler/reports/2026-02-02.md", None),
        (ago(hours=3), Level.WARN, PLAN, "refactor-auth"),
        (ago(minutes=22), Level.GOOD, "daily-briefing done in 13m, 48k tokens", "daily-briefing"),
        (ago(minutes=12), Level.INFO, "zotero-digest started", "zotero-digest"),
    )  # fmt: skip
    notes = tuple(Note(n, at, level, text, name) for n, (at, level, text, name) in enumerate(told, start=1))
    return replace(busy(), notes=notes)


def hostile() -> World:
    """What nobody should believe: escape sequences in titles, last lines, outcomes and notices."""
    text = "\x1b]52;c;aGk=\x07\x1b]0;mine\x07\x1b[2J\x1b[5m\x1bPq\x1b\\\x9b2J\u202eding\x1b[31m"
    job = run("runner", progress=Progress(1, 0.1, text))
    return world(
        task("runner", Phase.ACTIVE),
        task("evil", title=text, warnings=(text,), tags=(text,)),
        runs=runs(job),
        records=(record("evil", ago(hours=1), error=ErrorType.EXIT_ERROR, detail=text),),
        notes=(Note(1, ago(minutes=1), Level.BAD, text, "evil"),),
        programs={"git": text},
    )


DESIGNED: Mapping[str, Callable[[], World]] = {
    "unread": unread,
    "finished": finished,
    "held": held,
    "all_paused": all_paused,
    "no_login": no_login,
    "outage": outage,
    "no_programs": no_programs,
    "never_read": never_read,
    "blind": blind,
    "no_tasks_but_broken": no_tasks_but_broken,
    "noticed": noticed,
    "hostile": hostile,
    "gone": busy,
    "no_plan": busy,
}
EVERY = {**WORLDS, **DESIGNED}

FAULTS: Mapping[str, Mapping[str, str]] = {
    "gone": {"trouble": "the engine is gone: trying again in 12 s"},
    "no_plan": {"plan_fails": "the plan could not be worked out: the planner was ended; p tries again"},
}
"""World → what its link says is wrong."""

DESIGNED_STATES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "unread": ("unread", ()),
    "finished": ("finished", ()),
    "finished_runs": ("finished", ("2",)),
    "finished_plan": ("finished", ("p",)),
    "empty_runs": ("empty", ("2",)),
    "empty_history": ("empty", ("3",)),
    "empty_notices": ("empty", ("N",)),
    "held": ("held", ()),
    "held_runs": ("held", ("2",)),
    "all_paused": ("all_paused", ()),
    "no_login": ("no_login", ()),
    "outage": ("outage", ()),
    "no_programs": ("no_programs", ()),
    "no_programs_notices": ("no_programs", ("N",)),
    "never_read": ("never_read", ()),
    "blind": ("blind", ()),
    "no_tasks_but_broken": ("no_tasks_but_broken", ()),
    "gone": ("gone", ()),
    "gone_form": ("gone", ("n",)),
    "no_plan": ("no_plan", ("p",)),
    "notices": ("noticed", ("N",)),
    "notices_bad": ("noticed", ("N", "b", "j")),
    "notices_none_bad": ("busy", ("N", "b")),
    "notices_ascii": ("noticed", ("N",)),
}
