"""Task files that cannot both be tasks, because they would have one name.  Reads nothing."""

from __future__ import annotations

from cctui.core.world import Broken, Entry, Phase, Problem, Task

LIVE = (Phase.ACTIVE, Phase.PENDING, Phase.RECURRING)
"""Folders whose files share one room for names."""


def one_of_each(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Two live files with one name, or with one file name (they would meet in active/): the later path is broken."""
    names: dict[str, str] = {}
    files: dict[str, str] = {}
    result: list[Entry] = []
    for entry in entries:
        if entry.phase in LIVE:
            first = files.setdefault(entry.path.partition("/")[2], entry.path)
            if not isinstance(entry, Broken):
                entry = _second(entry, names.setdefault(entry.name, entry.path), first)
        result.append(entry)
    return tuple(result)


def _second(task: Task, same_name: str, same_file: str) -> Entry:
    if same_name != task.path:
        text = f"{same_name} has the name {task.name} already: rename one of the two"
        return Broken(task.path, task.name, task.phase, (Problem(text, field="name", found=task.name),))
    if same_file != task.path:
        text = f"{same_file} has this file name already: rename one of the two"
        return Broken(task.path, task.name, task.phase, (Problem(text),))
    return task
