"""A clone: the same file, another name."""

from __future__ import annotations

import pytest

from cctui.core.clone import clone, free_name, nameless
from cctui.core.world import Add, Reason
from tests import worlds


def test_the_copy_has_the_same_text_and_a_name_of_its_own() -> None:
    world = worlds.busy()
    text = "---\nname: link-rot\npriority: 2\n---\nCheck.\nname: stays\n"
    assert clone(world, "link-rot", text) == Add("link-rot-2", "---\npriority: 2\n---\nCheck.\nname: stays\n")


@pytest.mark.parametrize(("name", "free"), [("a", "a-4"), ("a-2", "a-4"), ("a@20260101T0000", "a-4"), ("b", "b-2")])
def test_the_first_free_number(name: str, free: str) -> None:
    world = worlds.world(*(worlds.task(each) for each in ("a", "a-2", "a-3", "b")))
    assert free_name(world, name) == free


@pytest.mark.parametrize("text", ["do it", "---\npriority: 1\nno end", "--- x ---", ""])
def test_a_text_without_a_name_stays(text: str) -> None:
    assert nameless(text) == text


def test_a_hidden_secret_is_never_copied_as_its_mark() -> None:
    assert isinstance(clone(worlds.busy(), "link-rot", "token: [redacted]\n"), Reason)
