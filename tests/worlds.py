"""Named Worlds: the states the face is designed for, all at one moment.  Also what the README's pictures show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cctui.core import queue
from cctui.core.settings import CapacitySettings, Reserve, Settings
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Broken,
    Cause,
    ClosedWindow,
    Confidence,
    Cost,
    Dependency,
    ErrorType,
    Leg,
    Level,
    Memory,
    Mode,
    Note,
    Parked,
    Part,
    Person,
    Phase,
    Problem,
    Progress,
    Reading,
    Record,
    Retry,
    Run,
    Runner,
    SourceState,
    Spec,
    Spread,
    Stage,
    Status,
    Task,
    Totals,
    Tree,
    Why,
    World,
)

NOW = datetime(2026, 2, 3, 0, 46, 53, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def ahead(**span: float) -> datetime:
    return NOW + timedelta(**span)


def task(name: str, phase: Phase = Phase.PENDING, *, after: tuple[str, ...] = (), **fields: object) -> Task:
    made = Task(
        name=name,
        path=f"{phase}/{name}.md",
        phase=phase,
        folder=f"/home/you/{name}",
        kind=name,
        depends_on=tuple(Dependency(need) for need in after),
        added=ago(days=1),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def run(name: str, *, stage: Stage = Stage.RUNNING, started: datetime | None = None, **fields: object) -> Run:
    spec = Spec(
        run_id=f"{name}-0203-1",
        task=name,
        path=f"pending/{name}.md",
        attempt=1,
        runner=Runner.CLAUDE,
        kind=name,
        mode=Mode.AUTONOMOUS,
        folder=f"/home/you/{name}",
        started=started or ago(minutes=12, seconds=4),
        timeout=1800.0,
        session=f"cc-{name}",
        session_id="00000000-0000-4000-8000-000000000001",
    )
    began = None if stage is Stage.LAUNCHING else spec.started
    return replace(Run(spec, stage, leg_started=began), **fields)  # type: ignore[arg-type]


def record(name: str, ended: datetime, *, error: ErrorType | None = None, **fields: object) -> Record:
    status = Status.CANCELLED if error is ErrorType.CANCELLED else Status.FAILED if error else Status.COMPLETED
    made = Record(
        task_id=name,
        success=error is None,
        error_type=error,
        tokens=21_040,
        duration_s=252.0,
        log_file=f"logs/scheduler/{ended:%Y-%m-%d}/{name}-{ended:%H%M}.md",
        timestamp=ended - timedelta(seconds=252),
        run_id=f"{name}-{ended:%m%d%H%M}",
        ended=ended,
        status=status,
        attempt=1,
        kind=name,
        runner="claude",
        mode="autonomous",
        model="claude-sonnet-4-5",
        tokens_in=1_200,
        tokens_out=9_840,
        tokens_cache_read=10_000,
        tokens_cache_write=0,
        tokens_source="reported",
        cost_usd=0.03,
        exit_code=0 if error is None else 1,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def reading(window: str, used: float, resets: datetime, source: str = "api", age: float = 2) -> Reading:
    return Reading(window, used, resets, source, ago(minutes=age), Confidence.EXACT)


def world(*tasks: Task, **fields: object) -> World:
    made = World(
        loaded=True,
        scanned=True,
        looked=True,
        checked=True,
        measured=True,
        tasks={entry.name: entry for entry in tasks},
        readings=(
            reading(FIVE_HOUR, 45, ahead(hours=2, minutes=13, seconds=7), "stream"),
            reading(SEVEN_DAY, 23, ahead(days=6, hours=4), "api", 3),
        ),
    )
    made = replace(made, **fields)  # type: ignore[arg-type]
    return replace(made, line=queue.line(made))


def runs(*open_runs: Run) -> Mapping[str, Run]:
    return {entry.spec.run_id: entry for entry in open_runs}


def spread(p50: float, p80: float | None = None, p90: float | None = None) -> Spread:
    high = p80 or p50 * 1.3
    return Spread(p50, (p50, high), (p50, high), p50, high, p90 or high * 1.2)


def cost(kind: str, count: int, tokens: float, minutes: float, five: float, week: float) -> Cost:
    """What a kind has cost so far: middles; four fifths stay under 1.3 times that."""
    points = {FIVE_HOUR: spread(five), SEVEN_DAY: spread(week)}
    return Cost(kind, count, None, spread(tokens), spread(minutes * 60), points, spread(five / minutes * 60))


COSTS = {
    entry.kind: entry
    for entry in (
        cost("", 40, 60_000, 14, 6, 0.7),
        cost("vault-lint", 6, 12_300, 4, 1.3, 0.15),
        cost("research-scan", 4, 181_000, 38, 14, 1.6),
        cost("zotero-digest", 9, 52_000, 21, 6, 0.7),
        cost("refactor-x", 5, 420_000, 95, 34, 4.1),
        cost("fix", 12, 70_000, 16, 7, 0.8),
        cost("auth-port", 3, 300_000, 70, 25, 3.0),
        cost("translate", 4, 610_000, 140, 52, 6.2),
    )
}
PAST = (
    record("weekly-review", ago(hours=16), error=ErrorType.TIMEOUT, duration_s=1800.0, tokens=212_400, cost_usd=1.12),
    record("paper-index", ago(hours=3), error=ErrorType.CANCELLED, tokens=4_100),
    record("inbox-sort", ago(hours=1, minutes=2)),
    record("daily-briefing", ago(minutes=22), tokens=48_230, cost_usd=0.24, duration_s=780.0),
)
TOTALS = Totals(runs=61, completed=50, failed=9, cancelled=2, tokens=2_431_000, cost_usd=14.2)


def empty() -> World:
    """First start: no task, no run, no reading."""
    return world(readings=())


def busy() -> World:
    """A good night: two runs, a line that moves, a history."""
    digest = run(
        "zotero-digest",
        leg=1,
        progress=Progress(48_230, 0.24, "Read: papers/2026/attention-is-cheap.pdf", 14, "claude-sonnet-4-5"),
    )
    cleanup = run(
        "vault-cleanup",
        started=ago(minutes=3, seconds=10),
        progress=Progress(9_120, 0.05, "Edit: notes/inbox.md: merged three duplicates", 4),
    )
    return world(
        task("zotero-digest", Phase.ACTIVE),
        task("vault-cleanup", Phase.ACTIVE),
        task("vault-lint", priority=1, title="Check every link in the vault", after=("zotero-digest",)),
        task("research-scan", priority=3, title="Scan arXiv for new papers", deadline=ahead(hours=7)),
        task("link-rot", title="Find dead links in the blog"),
        task("refactor-auth", title="Move auth to the new session store", paused=True),
        task("release-notes", title="Write the notes for 0.4", after=("refactor-auth",)),
        runs=runs(digest, cleanup),
        costs=COSTS,
        records=PAST,
        totals=TOTALS,
        notes=(
            Note(1, ago(minutes=22), Level.GOOD, "daily-briefing done in 13m, 48k tokens", "daily-briefing"),
            Note(2, ago(minutes=12), Level.INFO, "zotero-digest started", "zotero-digest"),
        ),
    )


def blocked() -> World:
    """Nothing may start, each task for another reason; one run stands parked."""
    parked = run(
        "big-migration",
        stage=Stage.PARKED,
        parked=Parked(Why.LIMIT, ago(minutes=9), ahead(hours=2, minutes=13, seconds=7), FIVE_HOUR),
        progress=Progress(120_400, 0.9, "", 31),
    )
    return world(
        task("big-migration", Phase.ACTIVE),
        task("night-report", priority=1, after=("big-migration",)),
        task("monday-mail", priority=2, not_before=ahead(hours=5)),
        task("flaky-scrape", priority=2),
        task("ghost-reader", after=("no-such-task",)),
        task("hen", after=("egg",)),
        task("egg", after=("hen",)),
        task("fix-upstream", style=("terse",)),
        task("idle-thoughts", paused=True),
        runs=runs(parked),
        stops={"limit:five_hour": Parked(Why.LIMIT, ago(minutes=9), ahead(hours=2, minutes=13, seconds=7), FIVE_HOUR)},
        memory=Memory(retries={"flaky-scrape": Retry(1, ahead(minutes=4), "exit code 1")}),
        readings=(
            reading(FIVE_HOUR, 100, ahead(hours=2, minutes=13, seconds=7), "stream", 9),
            reading(SEVEN_DAY, 61, ahead(days=2), "api", 3),
        ),
        records=PAST,
        totals=TOTALS,
    )


def capped() -> World:
    """The 5-hour window is over its maximum, a model's week nearly so."""
    return world(
        task("vault-lint", title="Check every link"),
        task("research-scan", title="Scan arXiv"),
        costs=COSTS,
        readings=(
            reading(FIVE_HOUR, 93, ahead(hours=2, minutes=13, seconds=7), "stream", 1),
            reading(SEVEN_DAY, 71, ahead(days=2, hours=4), "api", 3),
            reading("seven_day_opus", 88, ahead(days=2, hours=4), "api", 3),
        ),
        records=PAST[:1],
        totals=Totals(runs=1, failed=1, tokens=212_400, cost_usd=1.12),
    )


def broken() -> World:
    """Files that are no tasks, a missing program, a reading that is too old, a source that is refused."""
    return world(
        task("link-rot", title="Find dead links", warnings=("unknown field prioritty: did you mean priority?",)),
        broken=(
            Broken(
                "pending/weekly.md",
                "weekly",
                Phase.PENDING,
                (
                    Problem("must be a whole number", "priority", 4, "'high'", "a whole number"),
                    Problem("not a mode", "mode", 6, "'careful'", "read-only, plan-first, autonomous"),
                ),
            ),
            Broken(
                "pending/torn.md", "torn", Phase.PENDING, (Problem("front matter never ends: no second ---", line=1),)
            ),
        ),
        programs={"claude": "claude is missing: npm install -g @anthropic-ai/claude-code"},
        sources={"api": SourceState("api", ok=False, text="the login has expired: run claude once", at=ago(minutes=3))},
        readings=(reading(FIVE_HOUR, 45, ahead(hours=2), "api", 41),),
    )


def long_names() -> World:
    """Names, titles and last lines that want to leave their place: long, wide, marked up, with control codes."""
    name = "an-extraordinarily-long-task-name-which-nobody-would-type-but-scripts-do-2026-02-03"
    return world(
        task(name, Phase.ACTIVE),
        task("日本語のタスク名はとても幅が広いので注意が必要です", title="幅の広い文字 " * 10, priority=1),
        task("markup", title="[bold red]not red[/] [@click=app.quit]tap[/] [/oops]"),
        task("escape", title="\x1b]52;c;aGk=\x07ding\x1b[31mred\x1b[0m\x07"),
        task(f"{name}-two", title="word " * 60, after=(name,), deadline=ahead(days=3)),
        runs=runs(
            run(name, progress=Progress(1_234_567, 12.5, "[/oops] \x1b[2J said a very long line " * 6)),
        ),
        records=(record(name, ago(hours=2), error=ErrorType.EXIT_ERROR, detail="[red]boom[/] " * 20),),
        totals=Totals(runs=1, failed=1, tokens=21_040, cost_usd=0.03),
    )


def thousand(count: int = 1000) -> World:
    """A thousand tasks, each waiting for three others where there are three before it."""
    names = [f"task-{i:04}" for i in range(count)]
    made = [
        task(name, priority=1 + i // 200, title=f"Number {i}", after=tuple(names[max(0, i - 3) : i]) if i % 5 else ())
        for i, name in enumerate(names)
    ]
    return world(*made, runs=runs(run("task-0000")))


def trusted() -> World:
    """A night of runs to be trusted: a plan and a question wait, a loop checks, another works; some are proven."""
    plan = run(
        "refactor-auth",
        stage=Stage.PARKED,
        parked=Parked(Why.NEEDS_YOU, ago(minutes=9), part=Part.WORK, text="# Plan: move auth to the session store"),
        legs=(Leg(Part.PLAN),),
        progress=Progress(31_200, 0.21, "", 9),
        tree=Tree("/home/you/api", "/home/you/api", "3fa9c1d2e4b5", "main", snapshot="refs/cctui/snapshots/1"),
    )
    asks = run(
        "tidy-dotfiles",
        started=ago(minutes=40),
        legs=(Leg(), Leg(Part.ATTENDED)),
        leg=2,
        asks="Bash: rm -r ~/.cache/old",
        progress=Progress(12_700, 0.08, "", 5),
    )
    loop = run(
        "fix-parser",
        legs=(Leg(), Leg(Part.CHECK), Leg(Part.WORK, Why.CHECK), Leg(Part.CHECK)),
        leg=4,
        progress=Progress(88_000, 0.61, "pytest -q: 41 passed, 1 failed", 22),
    )
    branch = "cctui/link-rot-0203"
    tree = Tree("/home/you/blog", "/home/you/blog-wt", "a81c03fe9d11", branch, worktree="/home/you/blog-wt")
    night = (
        record("release-notes", ago(hours=2), claimed=True, runner="claude", commits=0, files_changed=1,
               base_commit="77d0aa12be", branch="main", project="/home/you/app", detail="3 tool calls denied"),
        record("broken-build", ago(minutes=50), error=ErrorType.CHECK_FAILED, claimed=True, proven=False, check_exit=2,
               detail="check: exit code 2 (round 5 of 5)", commits=3, files_changed=7, base_commit="a81c03fe9d11",
               branch="cctui/broken-build-0203", project="/home/you/app"),
        record("link-rot", ago(minutes=22), claimed=True, proven=True, check_exit=0, commits=2, files_changed=5,
               base_commit="a81c03fe9d11", branch=branch, project="/home/you/blog", run_id="link-rot-0203-0"),
    )  # fmt: skip
    return world(
        *(task(name, Phase.ACTIVE) for name in ("fix-parser", "refactor-auth", "tidy-dotfiles", "dead-links")),
        task("vault-lint", priority=1, title="Check every link in the vault"),
        runs=runs(loop, plan, asks, run("dead-links", started=ago(minutes=3), tree=tree)),
        records=tuple(sorted((*PAST, *night), key=lambda record: record.ended or NOW)),
        totals=TOTALS,
        notes=(Note(1, ago(minutes=9), Level.WARN, "refactor-auth needs you: its plan is ready", "refactor-auth"),),
    )


def full_disk() -> World:
    """Nothing can be written, two limits stand, and the windows are nearly full."""
    stops = {
        "limit:five_hour": Parked(Why.LIMIT, ago(minutes=9), ahead(hours=2), FIVE_HOUR),
        "limit:seven_day": Parked(Why.LIMIT, ago(minutes=8), ahead(days=2), SEVEN_DAY),
    }
    disk = "STATE cannot be written: no space left on /home/you/.local/state/cctui: free some, it goes on by itself"
    return world(task("vault-lint", title="Check every link"), programs={"disk": disk}, stops=stops, totals=TOTALS)


def night() -> World:
    """A planned night: costs are known, two runs claim their share, days are the person's, a chain has a deadline."""
    capacity = CapacitySettings(
        reserve=(
            Reserve(("mon", "tue", "wed", "thu", "fri"), "08:00", "19:00", 40, 8),
            Reserve(("sat", "sun"), "10:00", "18:00", 20, 4),
        ),
        pace="use",
    )
    week = timedelta(days=4, hours=7)
    return world(
        task("zotero-digest", Phase.ACTIVE),
        task("auth-port", Phase.ACTIVE),
        task("release", title="Tag 0.4 and write the notes", priority=3, deadline=ahead(hours=9), kind="fix",
             after=("fix-7", "fix-9")),
        task("fix-7", title="Stale cache after a rename", kind="fix"),
        task("fix-9", title="Crash on an empty vault", kind="fix"),
        task("big-port", title="Port the importer to the new API", priority=4, kind="refactor-x"),
        task("research-scan", title="Scan arXiv for new papers", priority=4, deadline=ahead(hours=30)),
        task("vault-lint", title="Check every link in the vault"),
        task("link-rot", title="Find dead links in the blog"),
        task("paper-index", title="Index the new papers", after=("research-scan",)),
        task("translate-docs", title="The handbook, into German", priority=6, kind="translate"),
        task("migrate-blog", title="From the old generator", priority=6, kind="refactor-x", after=("link-rot",)),
        task("tidy-photos", title="Name what has no name", priority=7, deadline=ahead(hours=11), kind="refactor-x"),
        task("embed-notes", title="Vectors for every note", priority=7, kind="translate"),
        task("audit", title="Read every permission once more", priority=8, kind="refactor-x"),
        task("idle-thoughts", paused=True),
        runs=runs(
            run("zotero-digest", points={FIVE_HOUR: 2.4, SEVEN_DAY: 0.3},
                progress=Progress(18_230, 0.11, "Read: papers/2026/attention-is-cheap.pdf", 6)),
            run("auth-port", started=ago(minutes=31), points={FIVE_HOUR: 12.0, SEVEN_DAY: 1.4},
                progress=Progress(148_000, 0.9, "Edit: auth/session.py: store moved", 17)),
        ),
        readings=(
            reading(FIVE_HOUR, 38, ahead(hours=2, minutes=13, seconds=7), "stream"),
            reading(SEVEN_DAY, 31, NOW + week, "api", 3),
        ),
        settings=Settings(root="/home/you/vault", capacity=capacity),
        zone="Europe/Berlin",
        person=Person(0, ago(hours=3), 2.0, 9.0),
        costs=COSTS,
        records=PAST,
        totals=TOTALS,
    )  # fmt: skip


PACE = (3, 5, 4, 0, 2, 6, 7, 5, 4, 6, 0, 8, 6, 3)
"""Runs that ended on each of the last 14 days, today last."""
KINDS = (
    ("zotero-digest", "claude-sonnet-4-5", "/home/you/vault", 52_000, 6.0),
    ("vault-lint", "claude-haiku-4-5", "/home/you/vault", 12_300, 1.3),
    ("fix", "claude-sonnet-4-5", "/home/you/api", 70_000, 7.2),
    ("auth-port", "claude-opus-4-5", "/home/you/api", 300_000, 25.0),
    ("weekly-review", "claude-sonnet-4-5", "/home/you/notes", 88_000, 9.5),
)


def fortnight() -> World:
    """Two weeks of work: good days and bad ones, days off, runs of unknown points, windows that expired."""
    records = []
    for day, runs_of_day in enumerate(PACE):
        for i in range(runs_of_day):
            number = day * 5 + i * 3
            kind, model, project, tokens, points = KINDS[(number + day) % len(KINDS)]
            bad = number % 7 == 3
            error = ErrorType.CANCELLED if number % 17 == 5 else ErrorType.TIMEOUT if bad else None
            checked = kind == "fix" and error is None
            records.append(record(
                kind, ago(days=13 - day, minutes=22 + 31 * i), error=error, kind=kind, model=model, project=project,
                tokens=int(tokens * (0.7 + number % 5 * 0.2)), attempt=2 if number % 6 == 1 else 1,
                window_pct=None if number % 11 == 4 else round(points * (0.7 + number % 5 * 0.2), 1),
                cost_usd=round(tokens / 190_000, 2), claimed=error is None, proven=True if checked else None,
                check_exit=0 if checked else None, run_id=f"{kind}-{day:02}{i:02}",
            ))  # fmt: skip
    windows = [
        ClosedWindow(
            FIVE_HOUR, ago(days=day, hours=hour + 5), ago(days=day, hours=hour),
            used=35.0 + (day * 7 + hour * 5) % 60, ours=30.0, watched=18_000.0,
            lost={Cause.FIT.value: (day * 5 + hour) % 30 / 1.5, Cause.SLOTS.value: 4.0} if day % 3 else {},
        )
        for day in range(9, -1, -1) for hour in (17, 11, 5)
    ]  # fmt: skip
    return world(
        task("zotero-digest", Phase.ACTIVE),
        task("fix", title="Crash on an empty vault", tags=("bug",)),
        task("vault-lint", title="Check every link in the vault"),
        runs=runs(run("zotero-digest", progress=Progress(18_230, 0.11, "Read: papers/2026/attention.pdf", 6))),
        costs=COSTS,
        zone="Europe/Berlin",
        records=tuple(sorted(records, key=lambda each: each.ended or NOW)),
        windows=tuple(windows),
        totals=Totals(runs=173, completed=141, failed=24, cancelled=8, tokens=14_431_000, cost_usd=61.7),
    )


WORLDS: Mapping[str, Callable[[], World]] = {
    "empty": empty,
    "busy": busy,
    "blocked": blocked,
    "capped": capped,
    "broken": broken,
    "long_names": long_names,
    "thousand": thousand,
    "trusted": trusted,
    "full_disk": full_disk,
    "night": night,
    "fortnight": fortnight,
}
