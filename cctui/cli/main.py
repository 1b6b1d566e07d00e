"""The two programs, `cctui` and `ccq`: the same verbs, each imported only when it is asked for."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from cctui import __version__
from cctui.cli.here import CODES, INTERRUPTED, OK, Fail, Here

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

VERBS: dict[str, tuple[str, str]] = {
    "add": ("changing", "Put a new task into the queue."),
    "ls": ("reading", "The queue and what runs, each with its reason."),
    "show": ("reading", "Everything about one task, and its text."),
    "edit": ("changing", "Change a task's fields, or open it in $EDITOR."),
    "rm": ("changing", "Move a task to the trash."),
    "pause": ("changing", "Keep a task from starting."),
    "resume": ("changing", "Let a paused task start again."),
    "move": ("changing", "Change a task's place in the queue."),
    "run": ("starting", "Start a task now."),
    "skip": ("changing", "Leave out the next firing of recurring work."),
    "stop": ("changing", "Stop a running task, or give up a parked one."),
    "reply": ("changing", "Say something to a run."),
    "retry": ("changing", "Put a finished task back into the queue."),
    "why": ("reading", "Every gate of one task, open or shut."),
    "usage": ("reading", "What is left of every capacity window."),
    "history": ("reading", "Finished runs, newest first."),
    "plan": ("planning", "When everything starts and ends; what if?"),
    "stats": ("figures", "What was done, what it took, what expired unused."),
    "report": ("figures", "The morning report, as Markdown."),
    "logs": ("watching", "What a run has said."),
    "peek": ("watching", "The end of what a run says, once."),
    "attach": ("watching", "Open the terminal of a running task."),
    "diff": ("undoing", "What a run has changed."),
    "rollback": ("undoing", "Undo what a run has changed."),
    "undo": ("undoing", "Take back what you did last in the queue."),
    "hold": ("changing", "Let nothing new start."),
    "release": ("changing", "End a hold."),
    "status": ("reading", "What runs, what is next, what is left."),
    "doctor": ("doctor", "Check this machine; says what to fix."),
    "demo": ("starting", "A night in fast motion, with a simulated Claude."),
    "simulate": ("simulate", "Try a scheduling policy on a modelled week."),
    "headless": ("starting", "The engine without a screen."),
    "serve": ("serve", "The app in a browser."),
    "hook": ("hook", "What other programs call: Claude Code's statusline."),
    "config": ("config", "Every setting with its origin."),
    "keys": ("config", "The keys of the app."),
    "completion": ("completion", "The completion script for a shell."),
}


class Program(click.Group):
    """A group whose verbs are imported late, and which ends with the exit codes of the contract."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = import_module(f"cctui.cli.{VERBS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, 1)
            ctx.fail(f"no verb named {args[0]}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, with our exit codes; a closed pipe is no error."""
        argv = list(sys.argv[1:] if args is None else args)
        code: Any = OK
        gc.disable()  # a verb lives for milliseconds: a sixth of them went into collecting; an engine enables it again
        try:
            ended_with = super().main(argv, prog_name, complete_var, standalone_mode=False, **extra)
            code = ended_with if isinstance(ended_with, int) else OK
        except Fail as error:
            ended(argv, error)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
            if wants_json(argv):
                Here(as_json=True).frame(None, [error.format_message()])
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        finally:
            gc.enable()
        sys.exit(code)


def ended(argv: list[str], error: Fail) -> None:
    """A failed command: its sentence, and with --json an object as well."""
    Here(as_json=wants_json(argv)).fail(error)


def wants_json(argv: list[str]) -> bool:
    end = argv.index("--") if "--" in argv else len(argv)
    return "--json" in argv[:end]


def version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"cctui {__version__} (Python {sys.version.split()[0]})")
        ctx.exit()


def common(command: click.Group) -> click.Group:
    """Options both programs take before the verb."""
    options = (
        click.option("--root", metavar="DIR", help="The folder with tasks/ (else CCTUI_ROOT, config, here)."),
        click.option("--config", metavar="FILE", help="Another config.toml."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
        click.option(
            "--version", is_flag=True, is_eager=True, expose_value=False, callback=version, help="The version."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@common
@click.group("ccq", cls=Program, invoke_without_command=True, context_settings=SETTINGS, epilog=CODES)
@click.pass_context
def ccq(ctx: click.Context, root: str | None, config: str | None, as_json: bool) -> None:
    """The command line of cctui.  Without a verb: the status."""
    ctx.obj = Here(root, config, as_json)
    if ctx.invoked_subcommand is None:
        from cctui.cli.reading import show_status

        show_status(ctx.obj)


@common
@click.group("cctui", cls=Program, invoke_without_command=True, context_settings=SETTINGS, epilog=CODES)
@click.option("--no-tmux", is_flag=True, help="Stay in this terminal, not in a session of cctui's tmux server.")
@click.pass_context
def cctui(ctx: click.Context, root: str | None, config: str | None, as_json: bool, no_tmux: bool) -> None:
    """The scheduler for your Claude backlog.  Without a verb: the app."""
    ctx.obj = Here(root, config, as_json)
    if ctx.invoked_subcommand is None:
        from cctui.cli.host import open_app

        ctx.exit(open_app(ctx.obj, no_tmux=no_tmux))
