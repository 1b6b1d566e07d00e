"""The README says what the code does."""

from __future__ import annotations

import re

import click
import pytest

from cctui.cli.main import cctui
from tests.tables import README, TABLES, mark

TEXT = README.read_text()


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_come_from_the_code(name: str) -> None:
    found = mark(name).search(TEXT)
    assert found, f"README has no table {name}"
    assert found.group(1) == TABLES[name](), "run python -m tests.tables"


def test_every_verb_is_named_and_every_named_verb_exists() -> None:
    verbs = set(cctui.list_commands(click.Context(cctui)))
    section = TEXT.partition("## The command line")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `(?:ccq |cctui )?([a-z]+)[^|]*\|", section, re.MULTILINE))
    assert named - {"verb"} == verbs


def test_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
    assert len(pictures) >= 2
    for picture in pictures:
        assert (README.parent / picture).stat().st_size > 1000
