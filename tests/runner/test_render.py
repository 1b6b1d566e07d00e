"""stream-json → lines, and text → harmless text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.runner.redact import Redactor
from cctui.runner.render import Render
from cctui.runner.scrub import clean, one_line
from cctui.runner.shown import Shown


def lines(*events: Mapping[str, object]) -> list[str]:
    render = Render()
    return [line for event in events for line in render.feed(json.dumps(event).encode())]


def message(*blocks: Mapping[str, object], **fields: object) -> dict[str, object]:
    return {"type": "assistant", "message": {"id": "m", "content": list(blocks)}, **fields}


def test_tools_are_one_line_each() -> None:
    call = {"type": "tool_use", "name": "Bash", "input": {"command": "echo hi\necho " + "x" * 200}}
    [line] = lines(message(call))
    assert line.startswith("▸ Bash  echo hi echo xxx")
    assert len(line) <= 94


def test_tool_errors_are_short() -> None:
    result = {
        "type": "tool_result",
        "is_error": True,
        "content": "<tool_use_error>Error: no\nsuch tool</tool_use_error>",
    }
    assert lines({"type": "user", "message": {"content": [result]}}) == ["  ✗ Error: no such tool"]


def test_retries_and_limits() -> None:
    retry = {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 2,
        "max_retries": 10,
        "retry_delay_ms": 4000,
        "error_status": 529,
        "error": "overloaded",
    }
    windows = {"five_hour": {"utilization": 0.42}, "seven_day": {"utilization": 0.21}}
    limit = {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed", "unifiedWindows": windows}}
    assert lines(retry, limit, limit) == ["↻ API 529 overloaded: try 2 of 10 in 4 s", "◔ 5h 42 % · 7d 21 %"]


def test_an_answer_without_windows_shows_no_number() -> None:
    assert lines({"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}}) == []


def test_a_limit_says_when_it_opens() -> None:
    info = {"status": "rejected", "resetsAt": 1795236815, "rateLimitType": "five_hour"}
    assert lines({"type": "rate_limit_event", "rate_limit_info": info}) == ["◔ limit reached · opens Sat 04:53"]


def test_the_bill_sums_all_results() -> None:
    usage = {"m": {"inputTokens": 1000, "outputTokens": 500, "costUSD": 0.01}}
    result = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "fine",
        "model_usage_since_last_result": usage,
    }
    assert lines(result, result)[-1] == "✓ done · 3.0k tokens · $0.0200"


def test_a_bad_end_says_what() -> None:
    result = {"type": "result", "subtype": "error_max_turns", "is_error": True, "errors": ["Reached maximum (2)"]}
    assert lines(result)[-1].startswith("✗ error_max_turns · Reached maximum (2)")


def test_unknown_and_broken_are_passed_over() -> None:
    render = Render()
    for line in (
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b'{"type":"new"}',
        b"\xff\xfe",
        b'{"type":"assistant","message":[]}',
        b'{"type":"user","message":{"content":[1,null]}}',
        b'{"type":"rate_limit_event","rate_limit_info":7}',
    ):
        assert render.feed(line) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "subtype",
                    "message",
                    "content",
                    "rate_limit_info",
                    "unifiedWindows",
                    "text",
                    "error",
                    "resetsAt",
                    "status",
                    "five_hour",
                    "utilization",
                    "errors",
                    "result",
                    "modelUsage",
                    "input",
                    "model",
                    "usage",
                    "permission_denials",
                    "retry_delay_ms",
                    "is_error",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
kinds = st.sampled_from(["system", "assistant", "user", "rate_limit_event", "result"])


@given(
    kind=kinds,
    event=st.dictionaries(
        st.sampled_from(
            [
                "message",
                "rate_limit_info",
                "subtype",
                "result",
                "errors",
                "modelUsage",
                "model_usage_since_last_result",
                "retry_delay_ms",
            ]
        ),
        json_values,
        max_size=4,
    ),
)
def test_no_event_breaks_it(kind: str, event: dict[str, object]) -> None:
    Render().feed(json.dumps({**event, "type": kind}).encode())


@pytest.mark.parametrize(
    ("evil", "plain"),
    [
        ("a\x1b[2Jb", "ab"),
        ("a\x1b]0;t\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\b", "ab"),
        ("a\x1bP1$r\x1b\\b", "ab"),
        ("a\x1b_apc\x1b\\b\x1b^pm\x1b\\", "ab"),
        ("a\x9b2Jb\x9d0;t\x9cc", "abc"),
        ("a\x1b(0b\x1bcc", "abc"),
        ("\x07a\x00\x08b\x7f", "ab"),
        ("a\x1b]never ended\nb", "a\nb"),
        ("10%\r20%\r\n", "10%\n20%\n"),
        ("\u202eevil", "evil"),
        ("tab\tstays", "tab\tstays"),
        ("a\x1b", "a"),
    ],
)
def test_clean(evil: str, plain: str) -> None:
    assert clean(evil) == plain


def test_colours_stay_only_where_asked() -> None:
    assert clean("\x1b[1;31mx\x1b[0m") == "x"
    assert clean("\x1b[1;31mx\x1b[0m\x1b[5A", colours=True) == "\x1b[1;31mx\x1b[0m"


@given(st.text(alphabet=st.sampled_from("ab\x1b[]P\\;0m\x07\x9b\x9d\x9c\r\n\x00é"), max_size=40))
def test_nothing_that_steers_survives(text: str) -> None:
    left = clean(text)
    assert not any((ord(char) < 32 and char not in "\n\t") or 127 <= ord(char) < 160 for char in left)
    assert clean(left) == left
    assert "\n" not in one_line(text, 20)


# --- secrets ---------------------------------------------------------------------------------------------------------

KEY = "sk-ant-oat01-" + "aB3" * 30
PASSWORD = "correct horse battery staple 17"


def hiding(*events: Mapping[str, object]) -> list[str]:
    render = Render(Redactor([PASSWORD]).whole)
    return [line for event in events for line in render.feed(json.dumps(event).encode())]


@pytest.mark.parametrize("before", range(0, 100, 3))
def test_no_half_of_a_secret_is_left_where_a_line_is_cut_short(before: int) -> None:
    command = "x" * before + f" {KEY} '{PASSWORD}'"
    call = {"type": "tool_use", "name": "Bash", "input": {"command": command}}
    result = {"type": "tool_result", "is_error": True, "content": command}
    retry = {"type": "system", "subtype": "api_retry", "error": command}
    bad = {"type": "result", "subtype": "error", "is_error": True, "errors": [command]}
    unknown = {"type": "tool_use", "name": "New", "input": {"odd": command}}
    shown = hiding(message(call, unknown), {"type": "user", "message": {"content": [result]}}, retry, bad)
    assert len(shown) == 5
    assert not any("aB3" in line or "horse" in line for line in shown)


def test_what_claude_says_is_shown_without_secrets() -> None:
    block = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 3 + "-----END PRIVATE KEY-----"
    assert hiding(message({"type": "text", "text": f"It is {KEY}.\n{block}\nand {PASSWORD}!"})) == [
        "It is sk-ant-[redacted].",
        "[redacted]",
        "and [redacted]!",
    ]


# --- a terminal's text in portions -----------------------------------------------------------------------------------


def in_two(text: str, cut: int, values: tuple[str, ...] = ()) -> str:
    shown, data = Shown(values), text.encode()
    return shown.feed(data[:cut]) + shown.feed(data[cut:]) + shown.rest()


@given(st.text(alphabet=st.sampled_from("ab\x1b[]m2;\x07\r\né"), max_size=40), st.integers(0, 60))
def test_cut_anywhere_and_shown_in_pieces_no_control_code_gets_through(text: str, cut: int) -> None:
    shown = in_two(text, cut)
    assert "\x07" not in shown
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;:]*m", "", shown)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
def test_a_secret_cut_anywhere_is_not_shown(end: str) -> None:
    text = f"one\nkey={KEY} {PASSWORD}{end}"
    for cut in range(len(text)):
        shown = in_two(text, cut, (PASSWORD,))
        assert shown.startswith("one\nkey=sk-ant-[redacted] [redacted]"), cut


def test_colours_inside_a_secret_do_not_hide_it() -> None:
    coloured = f"\x1b[31m{KEY[:9]}\x1b[m{KEY[9:]}\n"
    assert in_two(f"\x1b[32mgreen\x1b[m\n{coloured}", 18) == "\x1b[32mgreen\x1b[m\nsk-ant-[redacted]\n"


def test_of_a_line_without_end_the_beginning_is_shown_and_no_secret() -> None:
    shown = Shown()
    text = "".join(shown.feed(b"y" * 60_000 + KEY.encode()) for _ in range(50)) + shown.feed(b"\nnext\n")
    assert text.startswith("y" * 2_000) and text.endswith("output.log)\nnext\n")
    assert len(text) < 4_000 and "aB3" not in text


def test_after_a_skip_the_torn_line_is_not_shown() -> None:
    shown = Shown()
    assert shown.feed(b"whole\ntorn sk-ant-oat01") == "whole\n"
    shown.skip()
    assert shown.feed(b"rest-of-another\nnext\n") == "next\n"
