"""`claude -p` stream-json, folded into values.

Unknown events, unknown fields and broken lines are passed over.  It counts only what the API reported at a result: the
usage that streamed messages carry is that of their first byte, and is never used.  No text leaves it with a secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cctui.adapters.runfiles import moment
from cctui.core.world import Progress, Reading, Result, Tokens
from cctui.runner.redact import redact
from cctui.runner.render import subject
from cctui.runner.scrub import clean, one_line

TEXT_LIMIT = 4_000
LONG_LINE = 8_192
SYNTHETIC = "<synthetic>"
READING = frozenset((
    "Read", "Grep", "Glob", "LS", "WebFetch", "WebSearch", "NotebookRead", "TodoWrite", "ToolSearch",
))  # fmt: skip
"""Tools whose success changes nothing that a person asked for."""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    """A finite number; JSON as Python reads it also knows NaN and Infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e18 < value < 1e18:
        return None
    return float(value)


def epoch(value: object) -> datetime | None:
    """Seconds (or milliseconds) since the epoch, or ISO text, as an aware time; None when it is neither."""
    if isinstance(value, str):
        return moment(value)
    seconds = _number(value)
    if seconds is None or seconds <= 0:
        return None
    if seconds > 1e11:  # the year 5138 in seconds: it must be milliseconds
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def percent(fraction: object) -> float | None:
    """The stream's 0-1 as 0-100; slightly more than full is full."""
    number = _number(fraction)
    return None if number is None or number < 0 else min(round(number * 100, 3), 100.0)


class Fold:
    """One leg's stream, line by line.  `result` and `progress` are what it says so far, without the `secrets`."""

    def __init__(self, secrets: tuple[str, ...] = (), text_limit: int = TEXT_LIMIT) -> None:
        self._secrets = secrets
        self._limit_chars = text_limit
        self.result = Result()
        self.progress = Progress()
        self.answered = False
        """An answer that was not refused has been seen."""
        self.cumulative = False
        """The tokens and dollars count earlier legs of the conversation too (a CLI that knows no per-run figures)."""
        self._at: datetime | None = None
        self._fresh: list[tuple[dict[str, Any], datetime | None]] = []
        self._denied: list[str] = []
        self._messages: dict[str, int] = {}
        """Tokens by the id of a message, which is told several times while it grows."""
        self._called: dict[str, str] = {}
        """Tool by the id of its call, until the call is answered."""

    def feed(self, line: str) -> None:
        """Take one line; anything that is no event is passed over."""
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(event, dict):
            return
        if at := moment(event.get("timestamp")):
            self._at = at
        if session := _text(event.get("session_id")):
            self.result = replace(self.result, session_id=session)
        match event.get("type"):
            case "system":
                self._system(event)
            case "assistant":
                self._assistant(event)
            case "user":
                self._tool_results(_dict(event.get("message")))
            case "rate_limit_event":
                self._rate_limit(_dict(event.get("rate_limit_info")))
            case "result":
                self._result(event)

    def readings(self, observed_at: datetime) -> tuple[Reading, ...]:
        """The windows the stream spoke of since the last call, each as of the stream's own time where it names one."""
        found = [reading for info, at in self._fresh for reading in readings_of(info, at or observed_at)]
        self._fresh.clear()
        return tuple(found)

    def _system(self, event: dict[str, Any]) -> None:
        match event.get("subtype"):
            case "init" if model := _text(event.get("model")):
                self.result = replace(self.result, model=self.result.model or model)
                self.progress = replace(self.progress, model=self.result.model)
            case "permission_denied":
                self._denied.append(str(event.get("tool_name")))
                self.result = replace(self.result, denials=tuple(self._denied))

    def _assistant(self, event: dict[str, Any]) -> None:
        message = _dict(event.get("message"))
        if message.get("model") == SYNTHETIC or event.get("error"):
            self._refused(event)
            return
        self.answered = True
        ident = str(message.get("id"))
        self._messages[ident] = max(self._messages.get(ident, 0), _used(_dict(message.get("usage"))))
        for block in map(_dict, _list(message.get("content"))):
            if block.get("type") == "tool_use":
                self._called[str(block.get("id"))] = str(block.get("name"))
        model = _text(message.get("model")) or self.result.model
        self.result = replace(self.result, model=model, answers=len(self._messages))
        self.progress = replace(
            self.progress,
            # An estimate from below until the result's bill replaces it.
            tokens=max(self.progress.tokens or 0, sum(self._messages.values())) or None,
            turns=len(self._messages),
            model=model,
            last_line=self._last_line(message) or self.progress.last_line,
        )

    def _tool_results(self, message: dict[str, Any]) -> None:
        """Count the calls that were carried out; one that was denied or went wrong is an error."""
        for block in map(_dict, _list(message.get("content"))):
            name = self._called.pop(str(block.get("tool_use_id")), None)
            if block.get("type") != "tool_result" or name is None or block.get("is_error") is True:
                continue
            self.result = replace(
                self.result,
                succeeded=self.result.succeeded + 1,
                changed=self.result.changed + (name not in READING),
            )

    def _refused(self, event: dict[str, Any]) -> None:
        """The CLI's own message in place of an answer."""
        self.result = replace(
            self.result,
            error=_text(event.get("error")),
            api_error=_text(event.get("api_error")),
            api_error_status=_whole(event.get("api_error_status")),
        )
        self._limit(_dict(_dict(event.get("api_error_params")).get("rate_limit_info")))
        text = self._last_line(_dict(event.get("message")))
        self.progress = replace(self.progress, last_line=text or self.progress.last_line)

    def _rate_limit(self, info: dict[str, Any]) -> None:
        self._fresh.append((info, self._at))
        self._limit(info)
        if _text(info.get("status")) in ("allowed", "allowed_warning"):
            self.answered = True
            self.result = replace(self.result, limit_window=None, limit_resets_at=None)

    def _limit(self, info: dict[str, Any]) -> None:
        """A refusal without a reset time is the server being busy, not a window being full."""
        resets = epoch(info.get("resetsAt"))
        if info.get("status") == "rejected" and resets is not None:
            window = _text(info.get("rateLimitType")) or "five_hour"
            self.result = replace(self.result, limit_window=window, limit_resets_at=resets)

    def _result(self, event: dict[str, Any]) -> None:
        tokens, cost = self._bill(event)
        errors = [error for error in _list(event.get("errors")) if isinstance(error, str)]
        text = _text(event.get("result")) or (errors[0] if errors else "")
        denials = tuple(
            f"{denial.get('tool_name')}: {subject(denial.get('tool_input'), self._safe)}".rstrip(": ")
            for denial in map(_dict, _list(event.get("permission_denials")))
        )
        self.result = replace(
            self.result,
            subtype=_text(event.get("subtype")) or "unknown",
            is_error=event.get("is_error") is True,
            terminal_reason=_text(event.get("terminal_reason")),
            api_error_status=_whole(event.get("api_error_status")) or self.result.api_error_status,
            api_error=_text(event.get("api_error")) or self.result.api_error,
            text=self._shortened(text),
            turns=_whole(event.get("num_turns")),
            tokens=tokens,
            cost_usd=cost,
            denials=denials or tuple(self._denied),
        )
        if not self.result.is_error:  # a later good end takes back what an earlier turn ran into
            self.result = replace(
                self.result,
                error=None,
                api_error=None,
                api_error_status=None,
                limit_window=None,
                limit_resets_at=None,
            )
        self.progress = replace(self.progress, tokens=tokens.total if tokens else None, cost_usd=cost)

    def _safe(self, text: str) -> str:
        return redact(text, self._secrets)

    def _shortened(self, text: str) -> str:
        """At most as many characters as asked for.  The last line stays: words that were agreed on stand there."""
        whole = self._safe(clean(text[: self._limit_chars * 2]))
        if len(text) <= self._limit_chars * 2 and len(whole) <= self._limit_chars:
            return whole
        line = self._safe(clean(_end_line(text)))
        last = f"\n…\n{line}" if "\n" in text and len(line) <= 200 else ""
        return whole[: self._limit_chars - len(last)] + last

    def _last_line(self, message: dict[str, Any]) -> str:
        """The last thing a message says or does, in one line."""
        for block in reversed([_dict(block) for block in _list(message.get("content"))]):
            if block.get("type") == "tool_use":
                return one_line(f"{block.get('name')}  {subject(block.get('input'), self._safe)}", 200)
            if text := _text(block.get("text")):
                return one_line(self._safe(_end_line(text)), 200)
        return ""

    def _bill(self, event: dict[str, Any]) -> tuple[Tokens | None, float | None]:
        """Tokens and dollars of this leg so far.

        `model_usage_since_last_result` counts every model and subagent of this process only, so its sum over the
        results is the leg's bill.  An older CLI has only `modelUsage` and `total_cost_usd`: cumulative over the process
        and, after --resume, over what was saved of the conversation before; they replace, and `cumulative` says so.
        """
        if (since := event.get("model_usage_since_last_result")) is not None:
            tokens, cost = _models(_dict(since))
            old = self.result.tokens or Tokens()
            return _add(old, tokens), (self.result.cost_usd or 0.0) + cost
        if total := _dict(event.get("modelUsage")):
            self.cumulative = True
            tokens, cost = _models(total)
            dollars = _number(event.get("total_cost_usd"))
            return tokens, cost if dollars is None else dollars
        return self.result.tokens, self.result.cost_usd


def _used(usage: dict[str, Any]) -> int:
    """All tokens of one message."""
    kinds = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(_whole(usage.get(kind)) or 0 for kind in kinds)


def _end_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:LONG_LINE]


def _models(usage: dict[str, Any]) -> tuple[Tokens, float]:
    tokens, cost = Tokens(), 0.0
    for model in map(_dict, usage.values()):
        part = Tokens(
            input=_whole(model.get("inputTokens")) or 0,
            output=_whole(model.get("outputTokens")) or 0,
            cache_read=_whole(model.get("cacheReadInputTokens")) or 0,
            cache_write=_whole(model.get("cacheCreationInputTokens")) or 0,
        )
        tokens = _add(tokens, part)
        cost += _number(model.get("costUSD")) or 0.0
    return tokens, cost


def _add(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(
        one.input + other.input,
        one.output + other.output,
        one.cache_read + other.cache_read,
        one.cache_write + other.cache_write,
    )


def add_tokens(one: Tokens | None, other: Tokens | None) -> Tokens | None:
    """The sum of what is known; None when neither is."""
    if one is None or other is None:
        return one or other
    return _add(one, other)


def readings_of(info: dict[str, Any], at: datetime) -> tuple[Reading, ...]:
    """The windows one `rate_limit_info` speaks of; none when it names no window (an answer without the headers)."""
    found: dict[str, Reading] = {}
    for name, window in _dict(info.get("unifiedWindows")).items():
        window = _dict(window)
        used, resets = percent(window.get("utilization")), epoch(window.get("resetsAt"))
        if used is not None or resets is not None:
            rejected = window.get("status") == "rejected"
            found[name] = Reading(name, used, resets, "stream", at, rejected=rejected)
    kind, resets = _text(info.get("rateLimitType")), epoch(info.get("resetsAt"))
    rejected = info.get("status") == "rejected"
    if kind and resets is not None:
        used = percent(info.get("utilization"))
        if kind not in found:
            found[kind] = Reading(kind, used, resets, "stream", at, rejected=rejected)
        elif rejected:
            found[kind] = replace(found[kind], rejected=True)
    return tuple(found.values())


def fold(lines: Iterable[str]) -> Result:
    """A whole leg's stream as one result."""
    whole = Fold()
    for line in lines:
        whole.feed(line)
    return whole.result
