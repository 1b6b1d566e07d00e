"""A firing's file: the text of a template as it stands now, made into a task that runs once.

Promises: the body and every field that is not about the schedule stay as they were written, with their comments; a
front matter that cannot be edited line by line is written anew with the same values.
"""

from __future__ import annotations

import json
from datetime import datetime

from cctui.adapters import front

SCHEDULES = ("schedule", "tz", "catchup", "overlap", "window", "name", "paused")
"""Fields of a template that its firings do not have."""


def text_of(template: str, not_before: datetime, deadline: datetime | None) -> str:
    """The text of one firing.  Raises FrontError when the template has a front matter that cannot be read."""
    template = template.removeprefix("\ufeff")
    found = front.read(template)
    if found.problems:
        raise front.FrontError(found.problems[0].text)
    changes: dict[str, str | None] = {name: None for name in SCHEDULES if name in (found.fields or {})}
    changes["not_before"] = not_before.isoformat(timespec="seconds")
    if deadline is not None:
        changes["deadline"] = deadline.isoformat(timespec="seconds")
    try:
        text = template
        for name, value in changes.items():
            text = front.edited(text, name, value)
    except front.FrontError:
        return _anew(found, changes)
    return text


def _json(value: object) -> str:
    """Every JSON text is YAML, too."""
    return json.dumps(value, ensure_ascii=False)


def _anew(found: front.Front, changes: dict[str, str | None]) -> str:
    kept = {name: value for name, value in (found.fields or {}).items() if name not in changes}
    lines = [f"{_json(name)}: {_json(value)}" for name, value in kept.items()]
    lines += [f"{name}: {value}" for name, value in changes.items() if value is not None]
    return "\n".join(["---", *lines, "---", found.body])
