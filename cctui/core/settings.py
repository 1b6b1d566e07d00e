"""Every setting, with its default and what it means.  `cctui.config` reads them from flags, environment and file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def setting(default: Any, help: str) -> Any:
    """A setting with its help line; lists become tuples, tables become tuples of tables."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class RunSettings:
    slots: int = setting(2, "runs at the same time")
    default_timeout: float = setting(1800.0, "seconds a run may take when its task names no timeout (30m)")
    kill_grace_seconds: float = setting(10.0, "seconds between TERM and KILL when a run is stopped")
    stall_minutes: float = setting(
        20.0, "minutes without a word after which a Claude run is interrupted, resumed once, then failed"
    )
    check_timeout: float = setting(600.0, "seconds a `check` may take when its task names no check_timeout (10m)")
    stagger_seconds: float = setting(5.0, "seconds between two parked runs that go on")
    ageing_days: float = setting(7.0, "days of waiting that move a task up by one priority; 0: never")
    rollback_on_failure: bool = setting(False, "undo what a failed run changed, when its task does not say")
    snapshot: bool = setting(True, "keep the state of a git folder from before a run in place, for `ccq rollback`")
    retry_seconds: float = setting(60.0, "back-off after the first failed attempt; it doubles each time, up to an hour")
    outage_seconds: float = setting(60.0, "back-off after the API was down; it doubles each time, up to 15 minutes")


@dataclass(frozen=True, slots=True)
class Reserve:
    """The person's share of the windows in some hours of the week; percent points."""

    days: tuple[str, ...]
    start: str
    end: str
    five_hour: float = 0.0
    seven_day: float = 0.0


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the week in which nothing that spends is started."""

    days: tuple[str, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Portion:
    """What tasks of one tag, or in one folder, may take of every window: at most `cap`, at least `floor`; percent."""

    tag: str = ""
    project: str = ""
    floor: float = 0.0
    cap: float = 100.0


@dataclass(frozen=True, slots=True)
class CapacitySettings:
    gate: bool = setting(True, "`off` for people on API keys: no window gates, no blind rule")
    by_cost: bool = setting(
        True, "let a task start only if what such tasks take fits what is left; `off`: only the plain maxima count"
    )
    five_hour_max: float = setting(
        90.0, "percent of the 5-hour window above which nothing starts; the default counts only while costs are unknown"
    )
    seven_day_max: float = setting(
        95.0, "percent of the week above which nothing starts; the default counts only while costs are unknown"
    )
    limits: tuple[str, ...] = setting(
        (), "windows whose maximum holds whatever is known of costs; else those whose maximum you have set"
    )
    sources: tuple[str, ...] = setting(
        ("stream", "statusline", "claude", "api", "transcripts"),
        "order of authority at equal age; cache and ccusage come last unless they are named",
    )
    poll_seconds: float = setting(180.0, "seconds between two questions to one source; never under 60 in use")
    usage_url: str = setting("https://api.anthropic.com/api/oauth/usage", "address of the usage endpoint")
    token_url: str = setting("https://platform.claude.com/v1/oauth/token", "address for our own refresh, if allowed")
    user_agent: str = setting("", "User-Agent for the usage endpoint; empty: cctui/VERSION")
    allow_refresh: bool = setting(False, "refresh an expired login ourselves instead of leaving it to the CLI")
    ccusage_command: str = setting("", "an installed ccusage, for an estimate when nobody else tells; empty: off")
    blind_after_minutes: float = setting(30.0, "minutes after which a reading no longer counts")
    soft_landing: float = setting(
        97.0,
        "percent of a window at which running tasks are told to save their work and stop; where their use is known, "
        "when it would not last; 100: never",
    )
    hard_stop: float = setting(99.0, "percent of a window at which they are stopped and parked; 100: never")
    reserve: tuple[Reserve, ...] = setting(
        (), "tables {days, from, to, five_hour, seven_day}: percent kept for you in those hours"
    )
    quiet: tuple[Quiet, ...] = setting((), "tables {days, from, to}: hours in which no Claude work starts")
    portion: tuple[Portion, ...] = setting(
        (), "tables {tag or project, floor, cap}: percent of a window kept for, or the most taken by, such tasks"
    )
    pace: str = setting("use", "the week's pace: use (all before its reset), even, or front (more at its start)")
    person_grows: float = setting(
        30.0, "most percent of the 5-hour window kept beyond the reserve while you work with Claude yourself; 0: none"
    )
    person_yields: float = setting(
        3.0, "minutes for which no Claude work starts after you were last seen at work; 0: it only leaves you room"
    )


@dataclass(frozen=True, slots=True)
class ClaudeSettings:
    command: str = setting("claude", "the Claude Code program")
    config_dir: str = setting("", "its folder; empty: CLAUDE_CONFIG_DIR or ~/.claude")
    env: tuple[str, ...] = setting((), "names of extra variables handed to runs")
    deny: tuple[str, ...] = setting(
        (), "further file patterns that runs may not touch, beside the secrets known by name"
    )
    allow: tuple[str, ...] = setting((), "file patterns taken out of that deny list")


@dataclass(frozen=True, slots=True)
class TmuxSettings:
    command: str = setting("tmux", "the tmux program")
    socket: str = setting("cctui", "name of our own tmux server's socket")
    scope: str = setting(
        "auto", "auto, on or off: run the server in a systemd scope of its own, so that a logout spares it"
    )


@dataclass(frozen=True, slots=True)
class Project:
    """Commands of one project, for worktrees of repositories at or below `path`."""

    path: str
    setup: str = ""
    teardown: str = ""


@dataclass(frozen=True, slots=True)
class WorktreeSettings:
    setup: str = setting("", "shell command run in every new worktree before the agent starts")
    teardown: str = setting("", "shell command run there when the run has ended; safe to repeat, please")
    setup_timeout: float = setting(600.0, "seconds either of them may take (10m)")
    carry_env: bool = setting(False, "copy .env* files into a worktree even when .worktreeinclude does not name them")
    projects: tuple[Project, ...] = setting((), "tables {path, setup, teardown} for single projects")


@dataclass(frozen=True, slots=True)
class ReportSettings:
    hour: str = setting("07:00", "local time at which the morning report is written; empty: never")


@dataclass(frozen=True, slots=True)
class UiSettings:
    theme: str = setting("cctui", "colour theme")
    ascii: str = setting("auto", "auto, on or off: plain ASCII signs")
    motion: str = setting("auto", "auto, on or off: animations")
    lean: str = setting("auto", "auto (over SSH), on or off: as few bytes as can be")
    on_hangup: str = setting("headless", "when the app's terminal goes away: headless (or stay) goes on, stop ends")


@dataclass(frozen=True, slots=True)
class Settings:
    root: str = setting("", "the folder with tasks/, agents/, logs/")
    run: RunSettings = RunSettings()
    capacity: CapacitySettings = CapacitySettings()
    claude: ClaudeSettings = ClaudeSettings()
    tmux: TmuxSettings = TmuxSettings()
    worktree: WorktreeSettings = WorktreeSettings()
    report: ReportSettings = ReportSettings()
    ui: UiSettings = UiSettings()
    runners: tuple[tuple[str, str], ...] = setting((), "runner → command template, the user's own runners")
    keys: tuple[tuple[str, str], ...] = setting((), "action → keys, the user's keymap")
