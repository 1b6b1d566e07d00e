"""Notes for people: one Markdown file per run, and the list of what runs now.  Made for Obsidian, readable anywhere.

Promises: a note is there whole or not at all; writing it again gives the same file; what a task or Claude said stands
in fences that it cannot break out of, without control codes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cctui.adapters import atomic
from cctui.core.filing import note_path
from cctui.core.view import Row
from cctui.core.words import count, outcome, prose, safe, safe_text
from cctui.core.world import Changes, Ending, Record, Run, Spec, Stage, Status
from cctui.places import Places
from cctui.runner.redact import redact

TASK_CHARS = 20_000
OUTPUT_CHARS = 60_000
DENIALS = 20


class NotesError(OSError):
    """A note cannot be written, and why."""


@dataclass(frozen=True, slots=True)
class About:
    """What a note tells beside the record."""

    ending: Ending | None = None
    changes: Changes | None = None
    output: str = ""
    """The end of what the run put out."""
    task: str = ""
    """The task file's text."""
    plan: str = ""
    """The plan that a person has accepted, or has not."""
    returned: str = ""
    """JSON that a Python task returned."""
    secrets: tuple[str, ...] = ()
    """Values that must not stand in a note, beside everything that looks like a key."""


def write_note(places: Places, spec: Spec, record: Record, about: About) -> Path:
    """The run's note, where `record.log_file` says; NotesError names the path."""
    text = "".join((_front(_properties(spec, record)), _body(spec, record, about)))
    return _put(places, record.log_file, text, about.secrets)


def write_plan(places: Places, spec: Spec, plan: str, secrets: tuple[str, ...] = ()) -> Path:
    """The same note while its run waits for a person to accept the plan; the end of the run replaces it."""
    known: dict[str, object] = {"task": f"[[{spec.task}]]", "run_id": spec.run_id, "status": "needs-you"}
    known |= {"started": _local(spec.started), "tz": _zone(spec.started), "mode": spec.mode.value}
    known |= {"project": spec.folder}
    body = (
        f"\n# {spec.task}\n\n> [!question] Needs you\n> This plan waits for your word: run the task to accept it, or "
        f"stop it.\n\n## Plan\n\n{_fenced(plan)}\n\nTask [[{spec.task}]] · day [[{spec.started:%Y-%m-%d}]]\n"
    )
    return _put(places, note_path(spec), _front(known) + body, secrets)


def _put(places: Places, name: str, text: str, secrets: tuple[str, ...]) -> Path:
    path = places.root / name
    if path.suffix != ".md" or not path.resolve().is_relative_to(places.notes.resolve()):
        raise NotesError(f"a note belongs below {places.notes}, not at {safe(name)}")
    _write(path, redact(text, secrets))
    return path


def write_active(places: Places, world_rows: Iterable[Row]) -> None:
    """context/active-agents.md: the open runs, for agents and people; unchanged text is not written again."""
    lines = [_active(row.run) for row in world_rows if row.run is not None]
    text = "# Active agents\n\n" + ("\n".join(lines) if lines else "Nothing runs.") + "\n"
    path = places.context / "active-agents.md"
    try:
        unchanged = path.read_bytes() == text.encode()
    except OSError:
        unchanged = False
    if not unchanged:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, text.encode("utf-8", "replace"), atomic.default_mode())
    except OSError as error:
        raise NotesError(f"cannot write {path}: {error.strerror}") from error


def _active(run: Run) -> str:
    spec, state = run.spec, "parked" if run.stage is Stage.PARKED else "running"
    since = f"{spec.started:%Y-%m-%d %H:%M}"
    return (
        f"- [[{spec.task}]]: {state} since {since} in {_code(spec.folder)}, attempt {spec.attempt}, run {spec.run_id}"
    )


# --- properties ------------------------------------------------------------------------------------------------------


def _properties(spec: Spec, record: Record) -> dict[str, object]:
    """Flat, numbers as numbers, links quoted; what is unknown is left out."""
    ended = record.ended.astimezone(record.timestamp.tzinfo) if record.ended else None
    return {
        "task": f"[[{spec.task}]]",
        "run_id": spec.run_id,
        "status": record.status.value if record.status else None,
        "error_type": record.error_type.value if record.error_type else None,
        "started": _local(record.timestamp),
        "ended": _local(ended),
        "tz": _zone(record.timestamp),
        "duration_s": record.duration_s,
        "attempt": record.attempt,
        "runner": record.runner,
        "mode": record.mode,
        "kind": record.kind,
        "model": record.model,
        "tokens": record.tokens,
        "tokens_in": record.tokens_in,
        "tokens_out": record.tokens_out,
        "tokens_cache_read": record.tokens_cache_read,
        "tokens_cache_write": record.tokens_cache_write,
        "tokens_source": record.tokens_source,
        "cost_usd": record.cost_usd,
        "capacity_before": record.capacity_before,
        "capacity_after": record.capacity_after,
        "exit_code": record.exit_code,
        "session_id": record.session_id,
        "branch": record.branch,
        "base_commit": record.base_commit,
        "commits": record.commits,
        "files_changed": record.files_changed,
        "check_exit": record.check_exit,
        "claimed": record.claimed,
        "proven": record.proven,
        "project": spec.folder,
    }


def _front(properties: Mapping[str, object]) -> str:
    lines = [f"{name}: {_yaml(value)}" for name, value in properties.items() if value is not None]
    return "\n".join(("---", *lines, "tags:", "  - cctui/run", "---", ""))


_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_NOT_BARE = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def _yaml(value: object) -> str:
    """A JSON text is a YAML text, whatever is in it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and (not _BARE.fullmatch(value) or value.lower() in _NOT_BARE):
        return json.dumps(safe(value), ensure_ascii=False)
    return str(value)


def _local(moment: datetime | None) -> str | None:
    """Obsidian's date-time has no offset; the zone stands in its own property."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") if moment else None


def _zone(moment: datetime) -> str:
    return str(getattr(moment.tzinfo, "key", None) or f"UTC{moment:%z}")


# --- body ------------------------------------------------------------------------------------------------------------

_CALLOUT = {Status.COMPLETED: "success", Status.FAILED: "failure", Status.CANCELLED: "warning"}


def _body(spec: Spec, record: Record, about: About) -> str:
    result = about.ending.result if about.ending else None
    parts = [f"# {spec.task}", _said(record), _callout(record)]
    if proof := _proof(spec, record, about.changes):
        parts.append(proof)
    if result and result.denials:
        parts.append(_denied(result.denials))
    sections = (
        ("Plan", about.plan),
        ("Result", result.text if result else about.returned),
        ("Output", _tail(about.output, OUTPUT_CHARS)),
        ("Task", _head(about.task, TASK_CHARS)),
    )
    parts += [f"## {title}\n\n{_fenced(text)}" for title, text in sections if text.strip()]
    parts.append(f"Task [[{spec.task}]] · day [[{record.timestamp:%Y-%m-%d}]]")
    return "\n" + "\n\n".join(parts) + "\n"


def _said(record: Record) -> str:
    """The one line: how it ended, and what it cost."""
    cost = f", ${record.cost_usd:.2f}" if record.cost_usd is not None else ""
    spent = "" if record.success or record.tokens is None else f", {count(record.tokens)} tokens"
    line = f"{outcome(record)}{spent}{cost}, attempt {record.attempt or 1}"
    return prose(line[0].upper() + line[1:] + ".")


def _proof(spec: Spec, record: Record, changes: Changes | None) -> str:
    """What the worker claims, what the check has proven, and what git counted."""
    lines = []
    if record.claimed is not None:
        said = "says that it is done" if record.claimed else "does not say that it is done"
        proven = {True: "the check has proven it", False: "the check has disproved it", None: "nothing has checked it"}
        lines.append(f"- Claimed: {'yes' if record.claimed else 'no'}, it {said}; {proven[record.proven]}.")
    if spec.check and record.check_exit is not None:
        lines.append(f"- Check: {_code(spec.check)} ended with {record.check_exit}.")
    if changes is not None:
        count = f"{changes.commits} {_many('commit', changes.commits)}, {changes.files} {_many('file', changes.files)}"
        lines.append(f"- Changed, by git: {count}" + (f"; {prose(changes.kept)}." if changes.kept else "."))
    return "\n".join(lines)


def _many(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def _callout(record: Record) -> str:
    kind = _CALLOUT[record.status] if record.status else ("success" if record.success else "failure")
    title = (record.error_type.value if record.error_type else kind).replace("_", " ")
    lines = [f"> [!{kind}] {title.capitalize()}"]
    if record.detail:
        lines += [f"> {prose(line)}" for line in safe_text(record.detail).splitlines() if line.strip()]
    return "\n".join(lines)


def _denied(denials: tuple[str, ...]) -> str:
    more = [f"> - … and {len(denials) - DENIALS} more"] if len(denials) > DENIALS else []
    lines = [f"> - {_code(denial)}" for denial in denials[:DENIALS]]
    return "\n".join(("> [!warning] Tool calls that were denied", *lines, *more))


def _code(text: str) -> str:
    """Inline code that its content cannot end."""
    line = safe(text, 300)
    ticks = "`" * (_longest(line, "`") + 1)
    return f"{ticks} {line} {ticks}" if "`" in line else f"{ticks}{line}{ticks}"


def _fenced(text: str) -> str:
    """A fence longer than any inside; a note is never run, so no language is named."""
    inside = safe_text(text).strip("\n")
    fence = "`" * max(3, _longest(inside, "`") + 1)
    return f"{fence}text\n{inside}\n{fence}"


def _longest(text: str, mark: str) -> int:
    return max((len(found) for found in re.findall(re.escape(mark) + "+", text)), default=0)


def _tail(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"… {len(text) - limit} characters before\n{text[-limit:]}"


def _head(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit} characters more"
