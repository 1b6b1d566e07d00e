"""Values in, words out: spans, moments, counts, and the one sentence of every Reason.  Pure.

Sentences are short plain English, made for 48 columns, with the number, the threshold and the moment.  An unknown is
shown as ``?``, never as 0.  Whatever comes from a task, a file or Claude passes `safe` (one line) or `safe_text`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from cctui.core import capacity
from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Broken, Parked, Reason, Record, Status, Why, World

UNKNOWN = "?"
NAME_WIDTH = 30
"""Cells a task's name may take inside a sentence."""
SENTENCE = 200
"""Characters that a text from outside may bring into a sentence."""

_SEQUENCES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI
    "|(?:\x1b[\\]P_^X]|[\x9d\x90\x9f\x9e\x98])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c|$)"  # OSC, DCS, APC, PM, SOS
    "|\x9b[0-?]*[ -/]*[@-~]"  # CSI as one byte
    "|\x1b[ -/]*[0-~]?"  # any other escape
)
_MARKS = re.compile(r"([\\`*_\[\]<>#!|$%~^=])")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSTEADY = re.compile(
    "[\xad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
"""Signs without a cell of their own, that join or change their neighbours: terminals do not agree how wide that is."""
_STACKED = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_HEAPS = re.compile(f"({_STACKED}{{2}}){_STACKED}+")
_ODD = re.compile(f"{_UNSTEADY.pattern}|{_STACKED}{{3}}|[\u2028\u2029\U0001f1e6-\U0001f1ff]")
_FLAGS = {0x1F1E6 + n: 65 + n for n in range(26)}
"""Two of them are a flag in some terminals and nothing in others: letters are the same everywhere."""


def safe(text: str, limit: int | None = None) -> str:
    """One line with nothing in it that a terminal obeys; cut to `limit` characters with an ellipsis."""
    line = " ".join(safe_text(text).split())
    return line if limit is None or len(line) <= limit else line[: max(limit - 1, 0)] + "…"


def safe_text(text: str) -> str:
    """Many lines with nothing in them that a terminal obeys; line ends and tabs stay."""
    text = _CONTROLS.sub("", _SEQUENCES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return text if text.isascii() or not _ODD.search(text) else _steady(text)


def _steady(text: str) -> str:
    """The same in signs whose width every terminal counts alike; more than two accents on one letter go."""
    text = text.replace("\u2028", "\n").replace("\u2029", "\n").translate(_FLAGS)
    return _HEAPS.sub(r"\1", _UNSTEADY.sub("", text))


def prose(text: str) -> str:
    """One line of text with nothing in it that Markdown or Obsidian would act on."""
    return _MARKS.sub(r"\\\1", safe(text))


def short(name: str, width: int = NAME_WIDTH) -> str:
    """A name in at most `width` characters: the middle goes first."""
    name = safe(name)
    if len(name) <= width:
        return name
    head = width // 2
    return f"{name[:head]}…{name[head + 1 - width :]}"


def span(seconds: float | None) -> str:
    """``45s``, ``12m``, ``3h05``, ``2d``."""
    if seconds is None:
        return UNKNOWN
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}"
    return f"{whole // 86400}d"


def count(number: float | None) -> str:
    """``950``, ``48k``, ``1.2M``."""
    if number is None:
        return UNKNOWN
    if number < 1000:
        return str(round(number))
    if number < 999_500:
        return f"{number / 1000:.0f}k"
    return f"{number / 1_000_000:.1f}M"


def percent(number: float | None) -> str:
    """``93 %``."""
    return UNKNOWN if number is None else f"{number:.0f} %"


def points(number: float | None) -> str:
    """Percent points with one decimal where whole ones would say nothing: ``14 %``, ``0.4 %``."""
    if number is None:
        return UNKNOWN
    if 0 < number < 0.05:
        return "<0.1 %"
    return f"{number:.1f} %" if 0 < number < 0.95 else f"{number:.0f} %"


def figure(number: float | None) -> str:
    """The same without its sign: ``14``, ``0.4``."""
    return points(number).removesuffix(" %")


def against(need: float | None, free: float | None) -> tuple[str, str]:
    """Two figures that are compared: with a decimal where they would look the same without."""
    one, other = points(need), points(free)
    if one == other and need is not None and free is not None and need != free:
        return f"{need:.1f} %", f"{free:.1f} %"
    return one, other


def moment(when: datetime | None, now: datetime) -> str:
    """``03:00`` when that is clear, else ``Mon 03:00``, else ``12 Feb``, else ``2028-02-12``; in the zone of `now`."""
    if when is None:
        return UNKNOWN
    local = when.astimezone(now.tzinfo)
    away = local - now
    if local.date() == now.date() or timedelta(0) <= away < timedelta(hours=18):
        return f"{local:%H:%M}"
    if abs(away) < timedelta(days=6):
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%b}" if local.year == now.year else f"{local:%Y-%m-%d}"


def window_name(window: str) -> str:
    """``5-hour window``, ``week``, ``opus week``."""
    if window == FIVE_HOUR:
        return "5-hour window"
    family = window.removeprefix(SEVEN_DAY).strip("_").replace("_", " ")
    return f"{safe(family)} week".strip()


def window_short(window: str) -> str:
    """The same for lines that are full: ``5-hour``, ``week``, ``opus week``."""
    return "5-hour" if window == FIVE_HOUR else window_name(window)


def limit_name(window: str) -> str:
    """The same for sentences that speak of a limit: ``5-hour``, ``weekly``, ``opus weekly``, or nothing."""
    if not window:
        return ""
    return "5-hour " if window == FIVE_HOUR else window_name(window).removesuffix("week") + "weekly "


# --- reasons ---------------------------------------------------------------------------------------------------------


def say(reason: Reason, now: datetime) -> str:
    """The one sentence of a reason."""
    what, until = reason.what, reason.until
    match reason.why:
        case Why.CAPACITY:
            return _capacity(reason, now)
        case Why.LIMIT:
            return f"{limit_name(what)}limit reached{_at(', resets ', until, now)}".strip()
        case Why.OUTAGE:
            return f"Claude's API is down{_at(', next try ', until, now)}"
        case Why.LOGIN:
            about = f" ({safe(what, 60)})" if what else ""
            return f"Claude refused the login{_at(', next try ', until, now)}{about}"
        case Why.STAGGER:
            return f"another run has just gone on{_at(', next at ', until, now)}"
        case Why.RETRY:
            return _retry(reason, now)
        case Why.SCHEDULE:
            about = f", {safe(what, 60)}" if what else ""
            return (f"next {moment(until, now)}" if until else "no firing ahead") + about
        case Why.NOT_BEFORE:
            return f"starts at {moment(until, now)}"
        case Why.SLOTS:
            return f"{_number(reason.value)} of {_number(reason.threshold)} slots taken"
        case Why.QUIET | Why.PACE | Why.SHARE | Why.FIT | Why.RESERVE | Why.PERSON | Why.RESERVED:
            return _spending(reason, now)
        case _:
            return _about(reason.why, what).rstrip(": ")


def _about(why: Why, what: str) -> str:
    """Reasons that carry no number and no moment."""
    text = safe(what, SENTENCE)
    match why:
        case Why.CANARY:
            return f"{CANARY.get(what, 'limit')} over? one task tries first"
        case Why.MISSING if " (" in what:
            return f"needs {text}"
        case Why.PROGRAM if " " in text:
            return text
    sentence = ABOUT.get(why, why.value) if text else UNSAID.get(why) or ABOUT.get(why, why.value)
    return sentence.format(text=text, name=short(what)) if "{" in sentence else sentence


CANARY = {Why.LIMIT.value: "limit", Why.OUTAGE.value: "outage", Why.LOGIN.value: "login trouble"}
ABOUT = {
    Why.INVALID: "cannot be read: {text}",
    Why.UNSUPPORTED: "not supported yet: {text}",
    Why.MISSING: "no task named {name}",
    Why.CYCLE: "waits for itself: {text}",
    Why.PROGRAM: "{text} is missing: see ccq doctor",
    Why.DISK: "{text}",
    Why.NEEDS_YOU: "needs you: {text}",
    Why.PAUSED: "paused",
    Why.HOLD: "hold is on: nothing new starts",
    Why.STARTING: "the engine is starting or leaving",
    Why.DEPENDS: "waits for {name}",
    Why.DEPENDS_FAILED: "{name} failed: retry or remove it",
    Why.BLIND: "no fresh reading: one task at a time",
    Why.FOLDER: "runs in the same folder: {name}",
    Why.ORDER: "{name} goes first",
    Why.UNKNOWN: "no task named {name}",
    Why.EXISTS: "{name} is there already",
    Why.STATE: "{text}",
    Why.ENGINE: "{text}",
    Why.VALUE: "{text}",
}
UNSAID = {
    Why.INVALID: "the file cannot be read",
    Why.DISK: "the disk cannot be written",
    Why.NEEDS_YOU: "needs you",
    Why.ORDER: "others go first",
    Why.UNKNOWN: "no such task",
    Why.STATE: "not now",
    Why.ENGINE: "no engine is running",
    Why.VALUE: "not a valid value",
}
"""The same where nothing is said of what it is about."""


def _capacity(reason: Reason, now: datetime) -> str:
    name = window_name(reason.what or FIVE_HOUR)
    if reason.value is None:
        return f"{name}: use unknown"
    most = f", max {percent(reason.threshold)}" if reason.threshold is not None else ""
    return f"{name} at {percent(reason.value)}{most}{_at(', resets ', reason.until, now)}"


def _spending(reason: Reason, now: datetime) -> str:
    """What the windows have no room for, or what is kept for whom: the figures first, the moment last."""
    what, until = reason.what, reason.until
    need, free = against(reason.value, reason.threshold)
    left, fits = free.removesuffix(" %"), _at("; fits ", until, now)
    match reason.why:
        case Why.QUIET:
            return f"quiet hours{_at(' until ', until, now)}: no new starts"
        case Why.PACE:
            return f"week at {need}, pace {free}{_at(': waits until ', until, now)}"
        case Why.SHARE:
            return f"share {short(what.rpartition('/')[2], 12)}: needs {need}, {left} free{fits}"
        case Why.FIT:
            return f"{window_short(what)}: needs {need}, {left} free{fits}"
        case Why.RESERVE:
            return f"{window_short(what)}: {need} breaks your reserve{fits}"
        case Why.PERSON if what:
            return f"needs {need}, {left} beside what is yours{fits}"
        case Why.PERSON:
            return f"you are at work{_at(': waits until ', until, now)}"
    return f"delays {short(what, 14)}{_at(', which holds ', until, now)}"


def _retry(reason: Reason, now: datetime) -> str:
    of = f" {_number(reason.value)} of {_number(reason.threshold)}" if reason.value is not None else ""
    about = f" ({safe(reason.what, 60)})" if reason.what else ""
    return f"retry{of}{_at(' at ', reason.until, now)}{about}"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:g}"


def _at(words: str, until: datetime | None, now: datetime) -> str:
    return f"{words}{moment(until, now)}" if until else ""


def parked(stop: Parked, now: datetime) -> str:
    """The sentence of a run that was interrupted and goes on by itself."""
    resumes = f"resumes {moment(stop.until, now)}" if stop.until and stop.until > now else "resumes when it may"
    match stop.why:
        case Why.LIMIT:
            return f"parked: {limit_name(stop.window or '')}limit, {resumes}"
        case Why.OUTAGE:
            return f"parked: Claude's API is down, {resumes}"
        case Why.LOGIN:
            return f"parked: login refused, {resumes}"
        case Why.NEEDS_YOU:
            return "plan accepted, goes on"
        case _:
            return f"parked: {INTERRUPTED.get(stop.why, stop.why.value)}, {resumes}"


INTERRUPTED = {
    Why.CHECK: "its check failed",
    Why.UNFINISHED: "not done yet",
    Why.STALL: "it had gone silent",
    Why.LOST: "its process was killed",
    Why.FRESH: "its conversation is gone",
    Why.GIVEN_BACK: "given back",
    Why.LANDED: "the window is nearly full",
    Why.REPLY: "you have replied",
}


# --- sentences that need the World -----------------------------------------------------------------------------------


def sentence(world: World, reason: Reason, now: datetime) -> str:
    """`say`, with what only the World knows: how old the last reading is, when the person was last at work."""
    if reason.why is Why.PERSON and not reason.what and world.person.seen:
        return f"you used Claude {_minutes(now, world.person.seen)} ago{_at(': waits until ', reason.until, now)}"
    if reason.why is not Why.BLIND:
        return say(reason, now)
    seen = capacity.windows(world, now)[0].observed_at
    if seen is None:
        return "no capacity reading yet: one task at a time"
    return f"no reading for {_minutes(now, seen)}: one task at a time"


def _minutes(now: datetime, seen: datetime) -> str:
    seconds = max((now - seen).total_seconds(), 0.0)
    return f"{seconds // 60:.0f} min" if seconds < 7200 else span(seconds)


def problem(entry: Broken, index: int = 0) -> str:
    """One problem of a broken file in one sentence: line, field, what was found, what is allowed."""
    trouble = entry.problems[index]
    where = f"line {trouble.line}: " if trouble.line else ""
    named = f"{trouble.field}: " if trouble.field and trouble.field not in trouble.text else ""
    text = f"{where}{named}{trouble.text}"
    if trouble.found and trouble.found not in text:
        text += f", found {trouble.found}"
    if trouble.allowed and trouble.allowed not in text:
        text += f", allowed: {trouble.allowed}"
    return safe(text, 300)


def outcome(record: Record) -> str:
    """How a finished run ended: ``done in 12m, 48k tokens`` or ``failed: timeout after 30m``."""
    took = span(record.duration_s)
    if record.success:
        spent = f", {count(record.tokens)} tokens" if record.tokens is not None else ""
        return f"done in {took}{spent}"
    word = "cancelled" if record.status is Status.CANCELLED else "failed"
    kind = (record.error_type.value if record.error_type else "").replace("_", " ")
    about = f": {kind}" if kind and kind != word else ""
    detail = f" ({safe(record.detail, 120)})" if record.detail else ""
    return f"{word}{about} after {took}{detail}"
