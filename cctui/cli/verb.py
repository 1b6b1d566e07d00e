"""How a verb is declared: every one takes ``--json`` and ``--root`` also behind its name, and is handed its Here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from cctui.cli.here import Here


def _json(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.obj.json = True


def _root(ctx: click.Context, _: click.Parameter, folder: str | None) -> None:
    if folder:
        ctx.obj = Here(folder, ctx.obj.environ.get("CCTUI_CONFIG"), ctx.obj.json)


def verb(name: str, **settings: Any) -> Callable[[Callable[..., None]], click.Command]:
    """A command of both programs; its function gets the Here first."""

    def declare(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def called(*args: Any, **parts: Any) -> None:
            function(click.get_current_context().obj, *args, **parts)

        made: Callable[[Callable[..., None]], click.Command] = click.command(name, **settings)
        command = made(called)
        command.params += [
            click.Option(
                ["--json"], is_flag=True, expose_value=False, callback=_json, help="One JSON object on stdout."
            ),
            click.Option(["--root"], metavar="DIR", expose_value=False, is_eager=True, callback=_root, hidden=True),
        ]
        return command

    return declare


def names(ctx: click.Context, _: click.Parameter, start: str) -> list[str]:
    """Completion: the tasks that begin so, from the engine or the disk."""
    root = ctx.find_root()
    here = Here(root.params.get("root"), root.params.get("config"))
    found = here.answer("find", task=start)["data"]
    return [str(name) for name in found or ()]


def task(required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The argument TASK: a name, a unique prefix of one, a path, or a run's id."""
    return click.argument("task", required=required, shell_complete=names)
