"""Runners: who does the work.  One table; a person's own runner is a command template in the settings.  Pure.

Three of them are skills of the oh-my-claudecode plugin.  Whether it is there is asked, never guessed; without it they
fall back to what cctui does itself, and the row says which.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cctui.core.world import Runner

PLUGIN = "oh-my-claudecode"
TEMPLATE = "template"
SKILL = "skill:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One runner: what it spends, how it goes on, and what stands in for it."""

    name: str
    about: str
    claude: bool = True
    """It spends the windows of the plan, and has a conversation that can be resumed."""
    skill: str = ""
    """The plugin's skill that does it."""
    fallback: str = ""
    """What does it when the plugin is not there."""


TABLE: tuple[Entry, ...] = (
    Entry(Runner.CLAUDE, "one conversation of Claude Code; a failed `check` goes back to it"),
    Entry(Runner.LOOP, "goes on until the `check` passes (or, without one, until Claude says that all is done)"),
    Entry(Runner.RALPH, "the plugin's ralph skill", skill="ralph", fallback=Runner.LOOP),
    Entry(Runner.AUTOPILOT, "the plugin's autopilot skill", skill="autopilot", fallback=Runner.LOOP),
    Entry(Runner.PARALLEL, "the plugin's ultrawork skill; else sub-agents", skill="ultrawork", fallback=Runner.CLAUDE),
    Entry(Runner.SHELL, "`command`, by /bin/sh", claude=False),
    Entry(Runner.PYTHON, "`call`, a function, in a process of its own; its result is recorded", claude=False),
)
BY_NAME = {entry.name: entry for entry in TABLE}


def needs_claude(runner: str) -> bool:
    """Whether it spends the windows of the plan.  A person's own command does not."""
    entry = BY_NAME.get(runner)
    return entry is not None and entry.claude


def via(runner: str, plugins: Collection[str]) -> str:
    """How it is carried out now: ``claude``, ``loop``, ``shell``, ``python``, ``skill:NAME`` or ``template``."""
    entry = BY_NAME.get(runner)
    if entry is None:
        return TEMPLATE
    if entry.skill:
        return SKILL + entry.skill if PLUGIN in plugins else entry.fallback
    return entry.name


def asks_for_plugin(runner: str) -> bool:
    """Whether how it is carried out depends on a plugin."""
    entry = BY_NAME.get(runner)
    return entry is not None and bool(entry.skill)


def persists(how: str) -> bool:
    """Whether a round that failed is followed by another in the same conversation."""
    return how == Runner.LOOP


def stands_in(runner: str, how: str) -> str:
    """The sentence for a runner that is carried out by another; empty when it is what it says."""
    entry = BY_NAME.get(runner)
    if entry is None or not entry.skill or how.startswith(SKILL):
        return ""
    extra = " with sub-agents" if runner == Runner.PARALLEL else ""
    return f"{runner}: runs as {how}{extra}, {PLUGIN} is not installed"
