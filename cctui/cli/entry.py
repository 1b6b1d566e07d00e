"""The two programs.  What must be quick is done without loading the command line's parser: the app, the statusline."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple


class Plain(NamedTuple):
    """A command line that only opens the app."""

    root: str | None = None
    config: str | None = None
    no_tmux: bool = False


def plain(words: Sequence[str]) -> Plain | None:
    """The options of a command line without a verb; None when it is anything that needs the parser."""
    found = Plain()
    rest = iter(words)
    for word in rest:
        match word:
            case "--no-tmux":
                found = found._replace(no_tmux=True)
            case "--root" if value := next(rest, None):
                found = found._replace(root=value)
            case "--config" if value := next(rest, None):
                found = found._replace(config=value)
            case _:
                return None
    return found


def statusline(words: Sequence[str]) -> list[str] | None:
    """The person's own statusline command, of a command line that Claude Code runs for its statusline; else None."""
    match words:
        case ["hook", "statusline"]:
            return []
        case ["hook", "statusline", "--", *command]:
            return command
    return None


def ccq() -> None:
    """The command line."""
    command = None if "_CCQ_COMPLETE" in os.environ else statusline(sys.argv[1:])
    if command is not None:
        from cctui.runner.statusline import run

        sys.exit(run(command))
    from cctui.cli.main import ccq as program

    program()


def cctui() -> None:
    """The app, or with a verb the command line."""
    if statusline(sys.argv[1:]) is not None:
        ccq()
    options = None if "_CCTUI_COMPLETE" in os.environ else plain(sys.argv[1:])
    if options is None:
        from cctui.cli.main import cctui as program

        program()
        return
    gc.disable()  # the app enables it again once it has painted
    from cctui.cli.here import Fail, Here
    from cctui.cli.host import open_app

    here = Here(options.root, options.config)
    try:
        sys.exit(open_app(here, no_tmux=options.no_tmux))
    except Fail as error:
        here.fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
