"""Which plugins of Claude Code are enabled, by asking the program: nothing is guessed from folders.

It asks no model and spends nothing; any trouble (no program, no answer in time, an answer that cannot be read) counts
as no plugins, so that a run falls back to what needs none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from cctui.adapters.claude import ClaudeError, ask
from cctui.core.settings import Settings

DEADLINE = 20.0
"""Seconds: the answer takes a third of one."""


async def plugins(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Their names without the marketplace, sorted.  Asked outside of any project, so none of a project's own counts."""
    try:
        said = await ask(settings, environ, "plugin", "list", "--json", seconds=DEADLINE, cwd="/")
        listed = json.loads(said.out)
    except (ClaudeError, TimeoutError, ValueError, RecursionError):
        return ()
    if not isinstance(listed, list) or said.code != 0:
        return ()
    found = (entry for entry in listed if isinstance(entry, dict) and entry.get("enabled") is True)
    names = {str(entry.get("id") or "").rpartition("@")[0] or str(entry.get("id") or "") for entry in found}
    return tuple(sorted(names - {""}))
