"""Settings and keys, as they are in use."""

from __future__ import annotations

from typing import Any

import click

from cctui.cli import tables
from cctui.cli.here import NOT_FOUND, Fail, Here
from cctui.cli.verb import verb


@verb("config")
@click.argument("key", required=False)
def config(here: Here, key: str | None) -> None:
    """Every setting with its value and origin, or one KEY (run.slots) or section (run)."""
    values = here.configured[1]
    chosen = {name: value for name, value in values.items() if key in (None, name, name.partition(".")[0])}
    if not chosen:
        from difflib import get_close_matches

        near = get_close_matches(str(key), values, 1)
        raise Fail(f"no setting named {key}" + (f"; did you mean {near[0]}?" if near else ""), NOT_FOUND)
    from cctui.core.answer import plain

    data = {
        name: {
            "value": plain(value.value),
            "default": plain(value.default),
            "origin": value.origin,
            "help": value.help,
        }
        for name, value in chosen.items()
    }
    here.put({"data": data, "code": 0}, lambda told: f"{where(here)}\n{tables.config(told)}")


def where(here: Here) -> str:
    file = here.places.config
    return f"config: {file}{'' if file.exists() else ' (not there: all defaults)'}\nroot:   {here.places.root}"


@verb("keys")
def keys(here: Here) -> None:
    """The keys of the app, and their names for [keys] in the config."""
    from cctui.tui.keys import table

    rows = [{"where": where, "keys": shown, "does": does, "name": name} for where, shown, does, name in table()]
    here.put({"data": rows, "code": 0}, keys_table)


def keys_table(rows: list[dict[str, Any]]) -> str:
    lines: list[str] = []
    section = ""
    for row in rows:
        if row["where"] != section:
            section = row["where"]
            lines += [*([""] if lines else []), section]
        lines += tables.wrapped(f"{row['keys']:<8} {row['does']} [{row['name']}]", "  ", "           ")
    return tables.shown(lines)
