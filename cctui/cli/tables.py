"""Answers as text for people: made for 48 columns, without colour, from the JSON data alone."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

WIDTH = 48
UNHEARD = "your words wait for its next step"
Data = Mapping[str, Any]

SIGNS = {
    "running": "●",
    "starting": "◐",
    "ready": "○",
    "waiting": "○",
    "paused": "‖",
    "parked": "↻",
    "done": "✓",
    "failed": "×",
    "invalid": "!",
}
PLAIN = {"●": "*", "◐": "+", "○": "o", "‖": "=", "↻": "~", "✓": "v", "×": "x", "…": "~", "·": "-", "→": ">"}


def shown(lines: Iterable[str]) -> str:
    """Lines as one text; in ASCII when the terminal cannot do more."""
    text = "\n".join(line.rstrip() for line in lines)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        text = "".join(PLAIN.get(sign, sign) for sign in text).encode("ascii", "replace").decode()
    return text


def ls(data: list[Data]) -> str:
    if not data:
        return 'Nothing here yet: ccq add "…", or drop a Markdown file into tasks/pending.'
    return shown(line for row in data for line in row_lines(row))


def row_lines(row: Data) -> Iterable[str]:
    """One row: sign, place, name and figures; below it the reason."""
    run, state = row["run"] or {}, row["state"]
    needs = (row["reason"] or {}).get("why") == "needs_you"
    state, sign = ("needs you", "!") if needs else (state, SIGNS.get(state, "?"))
    rule = f"{row['rule']} " if row.get("rule") else ""
    right = f"{state} {clock(run['started'])} {count(run['tokens'])}" if run else f"{rule}{state}"
    place = "" if row["position"] is None else str(row["position"])
    left = f"{sign}{place:>3} "
    yield left + two(row["name"], right, WIDTH - len(left))
    waits = UNHEARD if run.get("unheard") else run.get("last_line")
    below = (row["reason"] or {}).get("text") or waits
    if below:
        yield from indented(below)


def show(data: Data) -> str:
    lines: list[str] = list(row_lines(data)) if "state" in data else [data["name"]]
    fields = data.get("fields") or {}
    facts = {"path": data.get("path"), "title": data.get("title")} | fields
    hidden = {"name", "path", "title", "phase", "warnings", "added", "folder"}
    for name in ("path", "title", "folder", *(key for key in facts if key not in hidden)):
        value = facts.get(name)
        if value not in (None, "", [], False):
            lines += wrapped(f"{name}: {plain(value)}", "  ")
    lines += schedule_lines(data.get("schedule"))
    for text in (*data.get("problems", ()), *data.get("warnings", ())):
        lines += wrapped(text, "! ")
    for record, text in zip(data.get("records", ()), data.get("outcomes", ()), strict=False):
        lines += wrapped(f"{moment(record['timestamp'])} {text}", "  ")
    if data.get("text"):
        lines += ["", data["text"]]
    return shown(lines)


def schedule_lines(schedule: Data | None) -> Iterable[str]:
    """A template's schedule in words, and its next firings."""
    if not schedule:
        return
    zone = f" ({schedule['zone']})" if schedule["zone"] else ""
    yield from wrapped(f"fires {schedule['words']}{zone}", "  ")
    for place, said in enumerate(schedule["said"]):
        yield f"    {said}" + (" skipped" if schedule["skip"] and place == 0 else "")


ABOUT = ("order", "cost")
"""Lines of `why` that are no gates."""


def why(data: list[Data]) -> str:
    """Shut gates first, then open ones that have figures; the rest by name: a full night fits on a phone."""
    lines = []
    for about in (gate for gate in data if gate["gate"] in ABOUT):
        lines += wrapped(f"{about['gate']}: {about['text']}", "· ", "  ")
    gates = [gate for gate in data if gate["gate"] not in ABOUT]
    told = [gate for gate in gates if not gate["open"] or gate["value"] is not None or gate["until"]]
    for gate in sorted(told, key=lambda gate: bool(gate["open"])):
        name = f"{gate['gate'].replace('_', ' ')}: " if gate["open"] and gate["gate"] != "fit" else ""
        lines += wrapped(name + gate["text"], "✓ " if gate["open"] else "× ", "  ")
    rest = dict.fromkeys(gate["gate"].replace("_", " ") for gate in gates if gate not in told)
    return shown([*lines, *wrapped(f"also open: {', '.join(rest)}", "✓ ", "  ")] if rest else lines)


def usage(data: Data) -> str:
    lines = []
    for account, facts in data.items():
        if len(data) > 1:
            lines.append(account)
        for window in facts["windows"]:
            lines += window_lines(window)
            seen = facts.get("readings", {}).get(window["id"], [])  # an engine started before an upgrade tells neither
            lines += source_lines(window["id"], seen, facts.get("contradictions", []))
        if not facts["gate"]:
            lines.append("the capacity gate is off")
        elif facts["blind"]:
            lines.append("no fresh reading: one task at a time")
        lines += pace_line(facts.get("pace"))
        left = "?" if facts["headroom_percent"] is None else f"{facts['headroom_percent']:.0f} %"
        lines.append(two("left for tasks", left))
        for source in facts["sources"]:
            if not source["ok"]:
                lines += wrapped(f"{source['source']}: {source['text']}", "! ", "  ")
    return shown(lines)


def window_lines(window: Data, source: bool = True) -> Iterable[str]:
    name = {"five_hour": "5-hour window", "seven_day": "week"}.get(window["id"], str(window["id"]))
    used = "?" if window["used_percent"] is None else f"{window['used_percent']:.0f} %"
    resets = f"  resets {moment(window['resets_at'])}" if window["resets_at"] else ""
    yield two(name, used + resets)
    if "headroom_percent" in window:  # an engine started before an upgrade does not tell
        parts = (("ours", "claimed_percent"), ("yours", "reserve_percent"), ("free", "headroom_percent"))
        yield f"  {' · '.join(f'{points(window[key])} {name}' for name, key in parts)}"
    if window["source"] and source:
        old = " · stale" if window["stale"] else ""
        yield f"  from {window['source']} at {moment(window['observed_at'])} · {window['confidence']}{old}"


def points(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def pace_line(pace: Data | None) -> Iterable[str]:
    """Where the week stands against its pace."""
    if pace:
        ahead = pace["in_reserve_points"]
        side = f"{abs(ahead):.0f} in {'deficit' if ahead < 0 else 'reserve'}"
        out = f"runs out {moment(pace['runs_out_at'])}" if pace["runs_out_at"] else "lasts"
        yield two(f"pace ({pace['pace']}): {side}", out)


def source_lines(window: str, seen: list[Data], contradictions: list[Data]) -> Iterable[str]:
    """What each source last said of a window, when there are several, and which of them cannot both be right."""
    if len(seen) > 1:
        for one in seen:
            used = "?" if one["used_percent"] is None else f"{one['used_percent']:.0f} %"
            guess = " · estimated" if one["confidence"] == "estimated" else ""
            yield two(f"    {one['source']}{guess}", f"{used}{ago(one['age_s']):>9}")
    for contradiction in contradictions:
        if contradiction["window"] == window:
            yield from wrapped(contradiction["text"], "  ! ", "    ")


def ago(seconds: float) -> str:
    """``3m ago``."""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f}{unit} ago"
    return "now"


def proof(record: Data) -> str:
    """What was claimed, what was proven, what git counted; empty when there is nothing to tell."""
    from cctui.core import proof as said

    told = said.told(record["claimed"], record["proven"], record["check_exit"])
    return " · ".join(filter(None, (told, said.totals(record["commits"], record["files_changed"]))))


def many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def history(data: Data) -> str:
    lines = []
    for record, text in zip(data["records"], data["outcomes"], strict=True):
        sign = "✓" if record["success"] else "×"
        lines.append(f"{sign} {two(record['task_id'], moment(record['timestamp']), WIDTH - 2)}")
        lines += indented(text)
        if told := proof(record):
            lines += indented(told)
    totals = data["totals"]
    lines.append(
        f"{totals['runs']} runs · {totals['completed']} done · {totals['failed']} failed · "
        f"{count(totals['tokens'])} tokens"
    )
    return shown(lines)


def status(data: Data) -> str:
    counts = " · ".join(f"{number} {state}" for state, number in data["counts"].items()) or "no tasks"
    slots = data["slots"]
    lines = [two(counts, f"{slots['taken']}/{slots['of']} slots")]
    if data["hold"]:
        lines.append("hold is on: nothing new starts (ccq release)")
    for text in data["troubles"]:
        lines += wrapped(text, "! ", "  ")
    lines += [line for window in data["usage"]["windows"] for line in window_lines(window, source=False)]
    for row in (*data["running"], *data["next"]):
        lines += row_lines(row)
    return shown(lines)


def config(data: Data) -> str:
    lines = []
    for key, value in data.items():
        lines.append(two(f"{key} = {plain(value['value'])}", value["origin"]))
        lines += indented(value["help"])
    return shown(lines)


# --- pieces ----------------------------------------------------------------------------------------------------------


def two(left: str, right: str, width: int = WIDTH) -> str:
    """Left and right of one line; the left one loses its middle when there is no room."""
    room = max(width - len(right) - 1, 8)
    if len(left) > room:
        head = room // 2
        left = f"{left[:head]}…{left[len(left) - (room - head - 1) :]}"
    return f"{left:<{room}} {right}"


def indented(text: str) -> list[str]:
    return wrapped(text, "    ")


def wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest)


def clock(moment: str | None) -> str:
    """``22:48`` of an ISO time."""
    return moment[11:16] if moment else "?"


def moment(text: str | None) -> str:
    """``20 Nov 22:48`` of an ISO time, in the zone it was written in."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{int(text[8:10])} {months[int(text[5:7]) - 1]} {text[11:16]}" if text else "?"


def count(tokens: int | None) -> str:
    if tokens is None:
        return "?"
    return str(tokens) if tokens < 1000 else f"{tokens / 1000:.0f}k" if tokens < 999_500 else f"{tokens / 1e6:.1f}M"


def plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(plain(entry) for entry in value) or "-"
    if isinstance(value, Mapping):
        return str(value.get("name") or dict(value))
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value not in (None, "") else "-"
