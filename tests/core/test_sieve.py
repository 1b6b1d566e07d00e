"""The filter language: what a person types, and which rows stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.core.sieve import parse

FACTS = {
    "state": ("parked",),
    "tag": ("Paper", "night"),
    "kind": ("digest",),
    "priority": ("2",),
    "project": ("/home/me/vault",),
    "after": ("collect",),
}
TEXT = "zotero-digest Read the papers of today"


@pytest.mark.parametrize("asked", [
    "", "  ", "zotero", "ZOTERO papers", '"the papers"', "s:parked", "s:park", "state:running,parked", "tag:paper",
    "t:night zotero", "k:digest p:2", "in:vault", "project:me/v", "after:coll", "-s:running", "-tag:idle digest",
    "p:1,2", "s:", "s:parked tag:paper read", '"',
])  # fmt: skip
def test_these_keep_the_row(asked: str) -> None:
    assert parse(asked).admits(TEXT, FACTS)


@pytest.mark.parametrize("asked", [
    "links", "zotero links", '"papers the"', "s:running", "tag:idle", "p:22", "-zotero", "-s:parked", "after:x",
    "in:src", "model:opus", "http:parked", "s:parked tag:idle",
])  # fmt: skip
def test_these_drop_it(asked: str) -> None:
    assert not parse(asked).admits(TEXT, FACTS)


def test_a_term_of_an_unknown_name_is_text() -> None:
    assert parse("http://x").admits("see http://x/y", {})
    assert not parse("http://z").admits("see http://x/y", {})


@given(st.text(max_size=40), st.text(max_size=20))
def test_whatever_is_typed_means_something(asked: str, text: str) -> None:
    assert parse(asked).admits(text, FACTS) in (True, False)


@given(st.text(max_size=20))
def test_no_words_keep_every_row(text: str) -> None:
    assert parse("").admits(text, {})
