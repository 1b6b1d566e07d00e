"""`claude -p` stream-json → lines a person can read on a phone.

What Claude says as it is; one line per tool call; errors, retries, limits and the bill in short.  Events it does not
know and lines that are no JSON are passed over: a newer Claude must never break the view.  Secrets are taken out before
anything is cut short, so that no half of one is left.
"""

from __future__ import annotations

import json
import time

from .scrub import clean, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from collections.abc import Callable
    from typing import Any

WIDTH = 94
"""Characters of a tool line: two lines of a phone screen."""
SEEN = 64
"""Characters looked at for one that is shown: white space and secrets take more room than what is left of them."""
WINDOWS = (("five_hour", "5h"), ("seven_day", "7d"))
SUBJECTS = (
    "command",
    "file_path",
    "notebook_path",
    "url",
    "query",
    "pattern",
    "path",
    "description",
    "prompt",
    "skill",
)
"""Keys of a tool's input, the most telling first."""


def as_it_is(text: str) -> str:
    return text


def subject(tool_input: Any, hide: Callable[[str], str] = as_it_is) -> str:
    """What a tool call is about, in one line, without what `hide` takes out."""
    if not isinstance(tool_input, dict):
        return ""
    for key in SUBJECTS:
        if isinstance(tool_input.get(key), str):
            return _short(tool_input[key], WIDTH, hide)
    return _short(json.dumps(tool_input, ensure_ascii=False), WIDTH, hide) if tool_input else ""


def _short(text: str, width: int, hide: Callable[[str], str]) -> str:
    """`text` on one line; secrets go while they are still whole, in more of it than will be left."""
    return one_line(hide(text[: SEEN * width]), width)


def count(number: int) -> str:
    if number < 1_000:
        return str(number)
    return f"{number / 1_000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class Render:
    """Feed it lines; it gives readable ones, without what `hide` takes out."""

    def __init__(self, hide: Callable[[str], str] = as_it_is) -> None:
        self._hide = hide
        self.summary = ""
        """The bill so far: tokens and dollars of all results, for the pane's last line."""
        self._begun = False
        self._limits = ""
        self._said = ""
        self._tokens = 0
        self._dollars = 0.0

    def feed(self, line: bytes) -> list[str]:
        """The readable lines one line of the stream makes; none when it says nothing to a person."""
        try:
            event = json.loads(line)
        except ValueError:
            return []
        if not isinstance(event, dict):
            return []
        text = self._event(event)
        return self._hide(clean(text)).split("\n") if text else []

    def _event(self, event: dict[str, Any]) -> str:
        match event.get("type"):
            case "system":
                return self._system(event)
            case "assistant":
                return self._assistant(event)
            case "user":
                return self._user(event)
            case "rate_limit_event":
                return self._limit(_dict(event.get("rate_limit_info")))
            case "result":
                return self._result(event)
        return ""

    def _short(self, text: str, width: int = WIDTH) -> str:
        return _short(text, width, self._hide)

    def _system(self, event: dict[str, Any]) -> str:
        match event.get("subtype"):
            case "init" if not self._begun:
                self._begun = True
                return f"● {event.get('model', 'Claude')} · {event.get('permissionMode', '')}"
            case "api_retry":
                delay = event.get("retry_delay_ms")
                wait = f" in {delay / 1000:.0f} s" if isinstance(delay, int | float) else ""
                code = event.get("error_status") or ""
                tries = f"try {event.get('attempt')} of {event.get('max_retries')}"
                return self._short(f"↻ API {code} {event.get('error') or ''}: {tries}{wait}")
            case "permission_denied":
                return one_line(f"  ⊘ {event.get('tool_name')} was not allowed", WIDTH)
            case "model_fallback":
                return one_line(f"↻ {event.get('original_model')} → {event.get('fallback_model')}", WIDTH)
        return ""

    def _assistant(self, event: dict[str, Any]) -> str:
        parts: list[str] = []
        indent = "  " if event.get("parent_tool_use_id") else ""
        for block in map(_dict, _list(_dict(event.get("message")).get("content"))):
            text = block.get("text")
            if block.get("type") == "text" and isinstance(text, str) and text.strip():
                self._said = text.strip()
                parts.append(("✗ " if event.get("error") else "") + text.strip())
            elif block.get("type") == "tool_use":
                call = f"{indent}▸ {one_line(str(block.get('name')), 40)}  "
                parts.append(call + one_line(subject(block.get("input"), self._hide), WIDTH - len(call)))
        return "\n".join(parts)

    def _user(self, event: dict[str, Any]) -> str:
        blocks = map(_dict, _list(_dict(event.get("message")).get("content")))
        failed = (block for block in blocks if block.get("type") == "tool_result" and block.get("is_error") is True)
        return "\n".join("  ✗ " + self._short(_text_of(block.get("content")), WIDTH - 4) for block in failed)

    def _limit(self, info: dict[str, Any]) -> str:
        windows = _dict(info.get("unifiedWindows"))
        parts = []
        for key, name in WINDOWS:
            used = _dict(windows.get(key)).get("utilization")
            if isinstance(used, int | float):
                parts.append(f"{name} {used * 100:.0f} %")
        if info.get("status") == "rejected":
            parts.append("limit reached")
            if isinstance(resets := info.get("resetsAt"), int | float):
                seconds = resets / 1000 if resets > 1e11 else resets
                parts.append("opens " + time.strftime("%a %H:%M", time.localtime(seconds)))
        text = "◔ " + " · ".join(parts) if parts else ""
        if text == self._limits:
            return ""
        self._limits = text
        return text

    def _result(self, event: dict[str, Any]) -> str:
        self._bill(event)
        errors = [error for error in _list(event.get("errors")) if isinstance(error, str)]
        said = event.get("result") if isinstance(event.get("result"), str) else ""
        words = (said or (errors[0] if errors else "")).strip()
        if event.get("subtype") == "success" and not event.get("is_error"):
            lines = [] if words == self._said else [words]
            lines.append("✓ done · " + self.summary)
        else:
            shown = "" if words == self._said else self._short(words)
            lines = ["✗ " + " · ".join(filter(None, (str(event.get("subtype")), shown, self.summary)))]
        self._said = ""
        return "\n".join(filter(None, lines))

    def _bill(self, event: dict[str, Any]) -> None:
        usage = event.get("model_usage_since_last_result") or event.get("modelUsage")
        for model in map(_dict, _dict(usage).values()):
            for key in ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"):
                self._tokens += model[key] if isinstance(model.get(key), int) else 0
            self._dollars += model["costUSD"] if isinstance(model.get("costUSD"), int | float) else 0.0
        self.summary = f"{count(self._tokens)} tokens · ${self._dollars:.4f}"


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content.replace("<tool_use_error>", "").replace("</tool_use_error>", "")
    return " ".join(str(block.get("text", "")) for block in map(_dict, _list(content)))
