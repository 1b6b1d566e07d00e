"""`ccq hook`: what other programs call.  Claude Code's statusline, and the line that installs it.

Claude's settings are read, to wrap the statusline a person has; they are never written.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from cctui.cli.here import FAILED, Fail, Here, say
from cctui.cli.verb import verb

MOST_BYTES = 4_000_000
OURS = "hook statusline"


@verb("hook")
@click.argument("what", type=click.Choice(["statusline"]))
@click.option("--print", "snippet", is_flag=True, help="The lines for Claude's settings, around your own statusline.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def hook(here: Here, what: str, snippet: bool, command: tuple[str, ...]) -> None:
    """What other programs call.

    statusline: record the usage windows that Claude Code tells its statusline on standard input.  What stands behind --
    is then run as the statusline itself, with the same input; without it a short line is printed."""
    if snippet:
        show(here)
        return
    from cctui.runner import statusline as runner

    raise SystemExit(runner.run(list(command)))


def show(here: Here) -> None:
    """The JSON to put into Claude's settings; what is there now is kept inside."""
    from cctui.adapters.credentials import config_folder

    file = config_folder(here.settings, here.environ) / "settings.json"
    there = present(file)
    command = there.get("command")
    words = [program(), *OURS.split()]
    if isinstance(command, str) and OURS in command:
        say(f"{file} has it already")
    else:
        if isinstance(command, str) and command.strip():
            words += ["--", "sh", "-c", command]
        there = {**there, "type": "command", "command": shlex.join(words)}
        say(f"put this into {file}, in place of the statusLine that may be there")
    here.put({"data": {"statusLine": there}, "code": 0}, lambda told: json.dumps(told, indent=2, ensure_ascii=False))


def present(file: Path) -> dict[str, Any]:
    """The statusLine that Claude's settings hold; empty when there is none.  Raises Fail for a file we cannot read."""
    from cctui.adapters.foreign import read

    if not file.exists():
        return {}
    data = read(file, MOST_BYTES)
    try:
        found = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Fail(f"{file} cannot be read as JSON: mend it first, or your statusline would be lost", FAILED)
    line = found.get("statusLine")
    return dict(line) if isinstance(line, dict) else {}


def program() -> str:
    """The path of `ccq` itself: Claude's PATH may be another one."""
    beside = Path(sys.executable).with_name("ccq")
    return str(beside) if beside.exists() else shutil.which("ccq") or "ccq"
