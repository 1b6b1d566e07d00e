"""Claude's stream, folded: every event it can hold, and nothing that breaks it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.adapters.stream import TEXT_LIMIT, Fold, fold
from cctui.core.world import Confidence, Progress, Reading, Result, Tokens

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LIMIT_INFO = {"status": "rejected", "resetsAt": 1795238664, "rateLimitType": "five_hour", "isUsingOverage": False}
RESETS = datetime.fromtimestamp(1795238664, UTC)


def result(**fields: Any) -> dict[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "ok", **fields}


def synthetic(**fields: Any) -> dict[str, Any]:
    message = {"model": "<synthetic>", "content": [{"type": "text", "text": "sorry"}]}
    return {"type": "assistant", "message": message, **fields}


def folded(*events: dict[str, Any]) -> Result:
    return fold(json.dumps(event) for event in events)


def test_the_last_result_decides() -> None:
    bad = result(is_error=True, subtype="error_during_execution", errors=["[ede] x"], result=None)
    assert folded(bad, result()).is_error is False
    last = folded(result(), bad)
    assert (last.subtype, last.is_error, last.text) == ("error_during_execution", True, "[ede] x")
    assert folded() == Result()


def test_per_run_figures_are_summed_over_results() -> None:
    def part(**usage: Any) -> dict[str, Any]:
        return result(model_usage_since_last_result={"m": usage}, modelUsage={"m": {"inputTokens": 999}})

    first = part(inputTokens=10, outputTokens=5, cacheReadInputTokens=3, cacheCreationInputTokens=2, costUSD=0.1)
    second = part(inputTokens=1, outputTokens=1, costUSD=0.05)
    whole = folded(first, second)
    assert whole.tokens == Tokens(11, 6, 3, 2)
    assert whole.cost_usd == pytest.approx(0.15)


def test_streamed_usage_is_never_used() -> None:
    message = {"id": "m", "model": "opus", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}
    seen = folded({"type": "assistant", "message": message, "session_id": "s"})
    assert (seen.tokens, seen.cost_usd, seen.model, seen.session_id) == (None, None, "opus", "s")


def test_a_limit_by_event_or_by_message() -> None:
    by_event = folded({"type": "rate_limit_event", "rate_limit_info": LIMIT_INFO}, result(is_error=True))
    assert (by_event.limit_window, by_event.limit_resets_at) == ("five_hour", RESETS)
    message = synthetic(
        error="rate_limit",
        api_error_status=429,
        api_error="usage_limit_reached",
        api_error_params={
            "rate_limit_info": {**LIMIT_INFO, "resetsAt": 1795238664000, "rateLimitType": "seven_day_opus"}
        },
    )
    by_message = folded(message, result(is_error=True, api_error_status=429, terminal_reason="api_error"))
    assert (by_message.limit_window, by_message.limit_resets_at) == ("seven_day_opus", RESETS)
    assert (by_message.error, by_message.api_error) == ("rate_limit", "usage_limit_reached")
    assert (by_message.api_error_status, by_message.terminal_reason) == (429, "api_error")


def test_a_busy_server_is_no_limit() -> None:
    busy = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "isUsingOverage": False}}
    assert folded(busy, result(is_error=True, api_error_status=429)).limit_window is None


def test_a_limit_that_was_waited_out_is_over() -> None:
    limit = {"type": "rate_limit_event", "rate_limit_info": LIMIT_INFO}
    allowed = {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}}
    assert folded(limit, allowed, result(is_error=True)).limit_window is None
    assert folded(limit, result()).limit_window is None


def test_denials() -> None:
    denied = [{"tool_name": "Bash", "tool_input": {"command": "rm -rf x\ny"}}, {"tool_name": "Odd", "tool_input": {}}]
    assert folded(result(permission_denials=denied)).denials == ("Bash: rm -rf x y", "Odd")
    assert folded({"type": "system", "subtype": "permission_denied", "tool_name": "Write"}).denials == ("Write",)


def test_text_is_cut_and_clean() -> None:
    assert folded(result(result="\x1b[2Jhi\x07" + "x" * 9000)).text == "hi" + "x" * 3998


def test_of_a_long_text_the_last_line_stays() -> None:
    text = folded(result(result="a" * 9000 + "\nand so on\nCCTUI-DONE\n")).text
    assert (len(text), text[:3], text[-13:]) == (TEXT_LIMIT, "aaa", "\n…\nCCTUI-DONE"[-13:])
    assert folded(result(result="All done.\n\nCCTUI-PARKED")).text == "All done.\n\nCCTUI-PARKED"


def called(ident: str, tool: str, **more: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": ident, "name": tool, "input": {}}
    return {"type": "assistant", "message": {"id": f"m{ident}", "model": "opus", "content": [block]}, **more}


def answered(ident: str, **more: Any) -> dict[str, Any]:
    return {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": ident, **more}]}}


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        ((called("1", "Bash"), answered("1", content="hi")), (1, 1)),
        ((called("1", "Bash"), answered("1", is_error=True)), (0, 0)),
        ((called("1", "Read"), answered("1", is_error=False)), (1, 0)),
        ((called("1", "Read"), called("2", "Write"), answered("2"), answered("1")), (2, 1)),
        ((called("1", "Bash"), answered("1"), answered("1")), (1, 1)),
        ((called("1", "Bash"),), (0, 0)),
        ((answered("1"),), (0, 0)),
        (({"type": "user", "message": {"content": "typed"}},), (0, 0)),
    ],
)
def test_tool_calls_that_went_well(events: tuple[dict[str, Any], ...], counts: tuple[int, int]) -> None:
    seen = folded(*events)
    assert (seen.succeeded, seen.changed) == counts


def test_only_the_model_s_own_messages_are_answers() -> None:
    assert folded(synthetic(error="rate_limit"), result(num_turns=1)).answers == 0
    assert folded(called("1", "Bash"), called("1", "Read"), called("2", "Read")).answers == 2


def test_no_secret_leaves_the_fold() -> None:
    key, value = "sk-ant-api03-" + "a1B2" * 10, "correct horse 9"
    whole = Fold((value,))
    block = {"type": "text", "text": f"using {key} and {value}"}
    whole.feed(json.dumps({"type": "assistant", "message": {"id": "m", "model": "opus", "content": [block]}}))
    denied = [{"tool_name": "Bash", "tool_input": {"command": f"curl -H {key} {'x' * 300}{value}"}}]
    whole.feed(json.dumps(result(result=f"{value}\n{key}\n" + "y" * 9000, permission_denials=denied)))
    said = f"{whole.progress} {whole.result}"
    assert key not in said and value not in said
    assert said.count("[redacted]") >= 4


def readings(info: dict[str, Any]) -> tuple[Reading, ...]:
    whole = Fold()
    whole.feed(json.dumps({"type": "rate_limit_event", "rate_limit_info": info}))
    found = whole.readings(NOW)
    assert whole.readings(NOW) == ()
    return found


def test_readings() -> None:
    windows = {
        "five_hour": {"utilization": 0.42, "resetsAt": 1795238664, "status": "allowed"},
        "seven_day": {"utilization": 1.02, "resetsAt": 1795238664000, "status": "rejected"},
        "overage": {"status": "allowed"},
    }
    info = {"status": "allowed", "rateLimitType": "five_hour", "resetsAt": 1795238664, "unifiedWindows": windows}
    assert readings(info) == (
        Reading("five_hour", 42.0, RESETS, "stream", NOW, Confidence.EXACT),
        Reading("seven_day", 100.0, RESETS, "stream", NOW, Confidence.EXACT, rejected=True),
    )


def test_readings_without_numbers() -> None:
    assert readings({"status": "allowed", "isUsingOverage": False}) == ()
    assert readings({"status": "rejected"}) == ()
    assert readings(LIMIT_INFO) == (Reading("five_hour", None, RESETS, "stream", NOW, rejected=True),)
    nan = {"five_hour": {"utilization": float("nan")}}
    assert readings({"status": "allowed", "unifiedWindows": nan}) == ()


def test_progress_counts_messages_and_keeps_tokens_unknown() -> None:
    whole = Fold()
    for at in ("a", "a", "b"):
        block = {"type": "tool_use", "name": "Bash", "input": {"command": f"echo {at}"}}
        whole.feed(json.dumps({"type": "assistant", "message": {"id": at, "model": "opus", "content": [block]}}))
    assert whole.progress == Progress(tokens=None, last_line="Bash echo b", turns=2, model="opus")
    assert whole.answered
    whole.feed(json.dumps(result(model_usage_since_last_result={"m": {"inputTokens": 4, "costUSD": 1}})))
    assert (whole.progress.tokens, whole.progress.cost_usd) == (4, 1.0)


KEYS = [
    "message",
    "content",
    "rate_limit_info",
    "unifiedWindows",
    "five_hour",
    "utilization",
    "resetsAt",
    "status",
    "model_usage_since_last_result",
    "modelUsage",
    "permission_denials",
    "errors",
    "result",
    "session_id",
    "timestamp",
    "subtype",
    "error",
    "api_error_params",
    "rateLimitType",
    "usage",
    "inputTokens",
    "costUSD",
    "tool_input",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("rejected"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(["system", "assistant", "user", "rate_limit_event", "result"]),
    st.dictionaries(st.sampled_from(KEYS), anything, max_size=5),
)
def test_no_event_breaks_the_fold(kind: str, event: dict[str, Any]) -> None:
    whole = Fold()
    whole.feed(json.dumps({**event, "type": kind}))
    whole.readings(NOW)


def test_broken_lines_are_passed_over() -> None:
    assert fold(["", "{", "[" * 100_000, "[]", "7", '{"type": 7}', "\x00"]) == Result()


def test_tokens_are_told_while_it_works_and_the_bill_replaces_them() -> None:
    def said(ident: str, output: int) -> str:
        usage = {"input_tokens": 10, "output_tokens": output, "cache_read_input_tokens": 100}
        message = {"id": ident, "model": "claude-opus-5-5", "content": [{"type": "text", "text": "x"}], "usage": usage}
        return json.dumps({"type": "assistant", "message": message})

    fold = Fold()
    fold.feed(said("m1", 1))
    fold.feed(said("m1", 40))
    assert fold.progress.tokens == 150
    fold.feed(said("m2", 5))
    assert fold.progress.tokens == 265
    bill = {"claude-opus-5-5": {"inputTokens": 20, "outputTokens": 45, "cacheReadInputTokens": 200}}
    fold.feed(json.dumps({"type": "result", "subtype": "success", "model_usage_since_last_result": bill}))
    assert fold.progress.tokens == 265
    assert fold.result.tokens is not None
    assert fold.result.tokens.total == 265
