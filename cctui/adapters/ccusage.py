"""ccusage, if the person has it and has said so: its active block as an estimate of the 5-hour window.

Promises: nothing is asked unless ``capacity.ccusage_command`` is set; nothing is ever installed or downloaded: a
command that would fetch the program first is refused, and the program is told to stay offline; it sees no credential.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cctui.adapters.claude import environment, run_to_end
from cctui.adapters.credentials import config_folder
from cctui.adapters.transcripts import PerPoint, Resets, estimate, next_reset
from cctui.adapters.usage_answer import SLOW, STUCK, UsageError, moment
from cctui.core.settings import Settings
from cctui.core.world import FIVE_HOUR, Reading

NAME = "ccusage"
ARGUMENTS = ("blocks", "--json", "--active", "--offline")
SECONDS = 20.0
FETCHERS = frozenset(("npx", "bunx", "pnpx", "uvx", "pipx", "npm", "pnpm", "yarn", "bun", "uv", "pip"))
"""Programs that would fetch another one."""
MOST_TOKENS = 10**12


async def ask_ccusage(
    settings: Settings, environ: Mapping[str, str], cwd: Path, now: datetime, per_point: PerPoint, resets: Resets
) -> tuple[Reading, ...]:
    """Nothing when no block is active.  Raises UsageError."""
    env = environment(settings, environ) | {"CLAUDE_CONFIG_DIR": str(config_folder(settings, environ))}
    argv = [*_program(settings.capacity.ccusage_command, env.get("PATH", os.defpath)), *ARGUMENTS]
    try:
        said = await run_to_end(argv, env, seconds=SECONDS, cwd=cwd)
    except TimeoutError:
        raise UsageError(f"ccusage did not answer within {SECONDS:.0f} s", ladder=SLOW) from None
    except OSError as error:
        raise UsageError(f"cannot start {argv[0]}: {error.strerror}", ladder=STUCK) from None
    if said.code:
        raise UsageError(f"ccusage ended with exit {said.code}: try `ccusage {' '.join(ARGUMENTS)}`", ladder=SLOW)
    block = active(said.out)
    if block is None:
        return ()
    tokens, end = block
    told = next_reset(FIVE_HOUR, resets(FIVE_HOUR), now)
    ends = told or end
    return (estimate(FIVE_HOUR, tokens, ends, NAME, now, per_point),) if ends > now else ()


def active(out: bytes) -> tuple[int, datetime] | None:
    """Tokens and end of the active block; None: there is none.  Raises UsageError for what cannot be read."""
    try:
        found = json.loads(out)
    except (ValueError, RecursionError):
        raise UsageError("ccusage did not answer in JSON: update it", ladder=SLOW) from None
    blocks = found.get("blocks") if isinstance(found, dict) else None
    if not isinstance(blocks, list):
        raise UsageError("ccusage answered in an unknown shape: update cctui", ladder=SLOW)
    for block in blocks:
        if isinstance(block, dict) and block.get("isActive") is True and block.get("isGap") is not True:
            tokens, end = block.get("totalTokens"), moment(block.get("endTime"))
            if isinstance(tokens, int | float) and 0 <= tokens < MOST_TOKENS and end is not None:
                return int(tokens), end
    return None


def _program(command: str, path: str) -> list[str]:
    try:
        first, *words = shlex.split(command)
    except ValueError:
        raise UsageError("capacity.ccusage_command is no command: mend it", ladder=STUCK) from None
    if Path(first).name in FETCHERS:
        text = f"capacity.ccusage_command would have {first} fetch it: install ccusage, and name the program itself"
        raise UsageError(text, ladder=STUCK)
    found = shutil.which(str(Path(first).expanduser()) if "/" in first else first, path=path)
    if found is None:
        raise UsageError(f"{first} was not found: install ccusage, or empty capacity.ccusage_command", ladder=STUCK)
    return [found, *words]
