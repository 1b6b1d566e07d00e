"""The README's tables, made from the code: `python -m tests.tables` writes them anew between their marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path

from cctui.core.fields import FIELDS
from cctui.core.settings import Settings
from cctui.core.tokens import TOKENS
from cctui.tui import keys

README = Path(__file__).resolve().parents[1] / "README.md"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def task_fields() -> str:
    rows = [(f"`{field.name}`", field.type, field.default, field.meaning) for field in FIELDS]
    return table(("field", "type", "default", "meaning"), rows)


def key_table() -> str:
    parts = []
    for section, bindings in keys.SECTIONS:
        rows = [(f"`{keys.shown(one.key)}`", one.description, one.tooltip) for one in bindings]
        parts.append(f"**{section}**\n\n" + table(("key", "does", ""), rows))
    return "\n\n".join(parts)


def settings() -> str:
    rows: list[tuple[str, ...]] = []
    default = Settings()
    for part in fields(Settings):
        section = getattr(default, part.name)
        if not is_dataclass(section):
            rows.append((f"`{part.name}`", shown(section), str(part.metadata["help"])))
            continue
        for one in fields(section):
            value = shown(getattr(section, one.name))
            rows.append((f"`{part.name}.{one.name}`", value, str(one.metadata["help"])))
    return table(("key", "default", "meaning"), rows)


def shown(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case tuple():
            return ", ".join(map(str, value)) or "–"
        case float():
            return f"{value:g}"
        case _:
            return str(value) or "–"


def tokens() -> str:
    rows = [(token.example, token.meaning) for token in TOKENS]
    return table(("write", "means"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "fields": task_fields,
    "keys": key_table,
    "settings": settings,
    "tokens": tokens,
}


def mark(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n)(.*?)(?=\n<!-- /{name} -->)", re.DOTALL)


def main() -> None:
    text = README.read_text()
    for name, made in TABLES.items():
        text = mark(name).sub(lambda _, made=made: made(), text)  # type: ignore[misc]
    README.write_text(text)


if __name__ == "__main__":
    main()
