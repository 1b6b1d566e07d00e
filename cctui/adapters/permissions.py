"""What a mode lets Claude do, as flags of the program.

read-only rests on --tools: `dontAsk` alone lets through whatever the person's own settings allow, Bash and Write among
it (seen).  MCP servers are left out for the same reason.  `--permission-prompts none` refuses at once what would
otherwise ask, since nobody is there.  Permissions are bypassed only where the task says so, and only for its work.
"""

from __future__ import annotations

from cctui.adapters.claude import ClaudeError
from cctui.core.world import Mode, Part, Spec

READING = ("Read", "Grep", "Glob", "WebFetch", "WebSearch")
WORKING = ("Bash", "Read", "Edit", "Write", "NotebookEdit", "Glob", "Grep", "WebFetch", "WebSearch", "Task", "Skill")
SLEEPERS = ("ScheduleWakeup", "CronCreate", "CronDelete", "CronList", "Monitor", "RemoteTrigger")
"""Tools that would wait inside the slot, or start work that no engine knows of."""


def headless(spec: Spec, part: Part) -> tuple[str, ...]:
    """For a leg that nobody watches."""
    nobody = ("--permission-prompts", "none", "--disallowedTools", *SLEEPERS)
    if spec.mode is Mode.READ_ONLY or part is Part.PLAN:
        return ("--permission-mode", "dontAsk", *_reading(spec), *nobody)
    if spec.bypass_permissions:
        return ("--permission-mode", "bypassPermissions", "--disallowedTools", *SLEEPERS)
    return ("--permission-mode", "acceptEdits", "--allowedTools", *(spec.allowed_tools or WORKING), *nobody)


def attended(spec: Spec, *, approved: bool) -> tuple[str, ...]:
    """For a leg with a person at the pane: the permission mode is theirs, what the task may never do stays so."""
    if spec.mode is Mode.READ_ONLY or (spec.mode is Mode.PLAN_FIRST and not approved):
        return _reading(spec)
    return ()


def _reading(spec: Spec) -> tuple[str, ...]:
    """Only the tools that read.  Of a read-only task's own list what reads is left; of a plan's, else all that read."""
    named = tuple(rule for rule in spec.allowed_tools if rule.partition("(")[0] in READING)
    if spec.allowed_tools and not named and spec.mode is Mode.READ_ONLY:
        raise ClaudeError(f"{spec.task}: read-only allows no other tools than {', '.join(READING)}.")
    if spec.mode is not Mode.READ_ONLY:
        named = ()
    tools = tuple(dict.fromkeys(rule.partition("(")[0] for rule in named)) or READING
    return ("--strict-mcp-config", "--tools", ",".join(tools), "--allowedTools", *(named or READING))
