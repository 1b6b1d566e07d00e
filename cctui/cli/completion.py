"""Completion for bash, zsh and fish: verbs, options and the names of tasks."""

from __future__ import annotations

import click

from cctui.cli.here import Here
from cctui.cli.verb import verb


@verb("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(here: Here, shell: str) -> None:
    """The completion script for SHELL; for bash: eval "$(ccq completion bash)"."""
    from click.shell_completion import get_completion_class

    from cctui.cli.main import ccq, cctui

    found = get_completion_class(shell)
    assert found is not None
    scripts = []
    for name, command in (("cctui", cctui), ("ccq", ccq)):
        variable = f"_{name.upper()}_COMPLETE"
        scripts.append(found(command, {}, name, variable).source())
    here.put({"data": {"shell": shell, "script": "\n".join(scripts)}, "code": 0}, lambda told: told["script"])
