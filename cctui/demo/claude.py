"""A simulated ``claude``: speaks the stream-json of the real program, thinks nothing, spends simulated windows.

Started as ``PYTHON -I -S claude.py DEMO_FOLDER ARGS``.  It answers ``--version``, ``auth status``, the control request
``get_usage``, ``-p --output-format stream-json`` with ``--session-id`` or ``--resume``, and without ``-p`` it sits in a
pane.  What it does for a prompt is a scene of scenes.json, found by the words ``scene: NAME`` in the prompt; files and
commands of a scene are real, and so is the hook of ``--settings``.  A full window refuses it exactly as the real one is
refused, and a resumed conversation goes on where it stood, or begins its scene's next round after a failed check.
It opens no connection and reads nothing outside its folders.  Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(os.path.dirname(HERE)))  # last, so that the standard library always wins

from cctui.demo import windows  # noqa: E402
from cctui.demo.pane import sit  # noqa: E402
from cctui.demo.talk import MODEL, Conversation, Scene, Usage, attempts, load, save, scene_of  # noqa: E402
from cctui.demo.tools import ask, call_of, carry_out  # noqa: E402

VERSION = "2.1.329 (Claude Code, simulated for the cctui demo)"
EXIT_TERM = 143


class Claude:
    """One process of the simulated program."""

    def __init__(self, folder: str, session_id: str, settings: str = "") -> None:
        self.folder = folder
        self.session_id = session_id
        self.settings = settings
        self.denials: list[dict[str, Any]] = []
        self.turns = 0
        self.started = time.monotonic()
        self.used = Usage()
        self.last_info: dict[str, Any] = {}
        self.pace = 1.0

    # --- speaking ---

    def emit(self, **event: Any) -> None:
        event |= {"session_id": self.session_id, "uuid": str(uuid4())}
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def init(self) -> None:
        self.emit(
            type="system",
            subtype="init",
            cwd=os.getcwd(),
            tools=["Bash", "Read", "Edit", "Write"],
            mcp_servers=[],
            model=MODEL,
            permissionMode="default",
            apiKeySource="simulated",
            claude_code_version=VERSION.partition(" ")[0],
        )

    def message(self, block: dict[str, Any], **more: Any) -> None:
        # As in the real stream, the usage of a streamed message is not its final one: nobody may sum it.
        message = {
            "id": f"msg_{uuid4().hex[:21]}",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [block],
            "stop_reason": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.emit(**{"type": "assistant", "message": message, "parent_tool_use_id": None, "timestamp": stamp} | more)

    def rate_limit(self, state: windows.Windows, *, rejected: bool = False) -> dict[str, Any]:
        """Emits the event when something changed, as the real one does; returns what it says."""
        info = rate_limit_info(state, rejected=rejected)
        if info != self.last_info:
            self.last_info = info
            self.emit(type="rate_limit_event", rate_limit_info=info)
        return info

    # --- working ---

    def spend(self, percent: float, week: float) -> dict[str, Any] | None:
        """One request to the simulated API; the refusal when the window is full."""
        with windows.opened(self.folder) as state:
            granted = state.spend(percent, week, time.time())
            self.pace = state.pace
        info = self.rate_limit(state, rejected=not granted)
        return None if granted else info

    def work(self, talk: Conversation, scene: Scene) -> int:
        """Go through the rest of the round; the process's exit code."""
        steps = scene.rounds[talk.round]
        fails_at = len(steps) // 2 + 1 if scene.failure and talk.attempt == 1 else None
        resumed_at = talk.done
        while talk.done < len(steps):
            refused = self.spend(scene.percent / scene.length, scene.week / scene.length)
            if refused is not None:
                return self.limit(talk, refused)
            if talk.done == resumed_at > 0:
                self.say(f"I go on where I stood, with step {talk.done + 1} of {len(steps)}.")
            if not self.step(steps[talk.done], scene):
                return self.stopped(talk)
            talk.done += 1
            save(self.folder, talk)
            if talk.done == fails_at:
                return self.fail(talk, scene.failure)
        return self.end(talk, scene.answers[talk.round])

    def step(self, step: list[Any], scene: Scene) -> bool:
        """Say it or do it; False when a hook has stopped the conversation before it was done."""
        self.turns += 1
        self.used.add(step_usage(step, scene, self.turns))
        if step[0] == "say":
            self.say(step[1])
        elif not self.tool(step):
            return False
        time.sleep(self.pace * scene.seconds / scene.length)
        return True

    def tool(self, step: list[str]) -> bool:
        """One tool call, if the run's hook lets it through; False when the hook stops the conversation."""
        call, ident = call_of(step), f"toolu_{uuid4().hex[:20]}"
        self.message({"type": "tool_use", "id": ident, "name": call.name, "input": call.given})
        word = ask(self.settings, call, self.session_id)
        output, failed = (word.refusal, True) if word.refusal or word.stop else carry_out(step)
        if word.refusal and not word.stop:
            self.denials.append({"tool_name": call.name, "tool_use_id": ident, "tool_input": call.given})
        result = {"tool_use_id": ident, "type": "tool_result", "content": output, "is_error": failed}
        self.emit(type="user", message={"role": "user", "content": [result]}, parent_tool_use_id=None)
        return not word.stop

    def say(self, text: str) -> None:
        self.message({"type": "text", "text": text})

    # --- ending ---

    def result(self, talk: Conversation, **more: Any) -> None:
        total = Usage(**talk.total)
        total.add(self.used)
        talk.total = asdict(total)
        save(self.folder, talk)
        self.emit(
            **{
                "type": "result",
                "subtype": "success",
                "is_error": False,
                "num_turns": self.turns,
                "duration_ms": int((time.monotonic() - self.started) * 1000),
                "terminal_reason": "completed",
                "api_error_status": None,
                "permission_denials": self.denials,
                "total_cost_usd": total.dollars(),
                "usage": self.used.message(),
                "modelUsage": total.model(),
                "model_usage_since_last_result": self.used.model(),
                "result_index": 0,
            }
            | more
        )

    def end(self, talk: Conversation, answer: str) -> int:
        self.say(answer)
        self.result(talk, result=answer, stop_reason="end_turn")
        return 0

    def stopped(self, talk: Conversation) -> int:
        """A hook has stopped it between two calls: the real program calls even that a success."""
        self.result(talk, result="", terminal_reason="hook_stopped", stop_reason=None)
        return 0

    def fail(self, talk: Conversation, text: str) -> int:
        self.say(text)
        self.result(talk, subtype="error_during_execution", is_error=True, terminal_reason="error", errors=[text])
        return 1

    def limit(self, talk: Conversation, info: dict[str, Any]) -> int:
        """The window is full: the synthetic message, then the result, then exit code 1; nothing is waited for."""
        at = datetime.fromtimestamp(info["resetsAt"], UTC)
        text = f"You've hit your 5-hour limit · resets {at:%H:%M:%S} (UTC) · simulated"
        error = {"api_error_status": 429, "api_error": "usage_limit_reached"}
        self.message(
            {"type": "text", "text": text},
            error="rate_limit",
            is_api_error_message=True,
            api_error_params={"rate_limit_info": info},
            api_error_type="rate_limit_error",
            **error,
        )
        self.result(talk, is_error=True, result=text, terminal_reason="api_error", stop_reason="stop_sequence", **error)
        return 1


def rate_limit_info(state: windows.Windows, *, rejected: bool) -> dict[str, Any]:
    """Fractions of 1 and epoch seconds, as the stream has them."""
    status = "rejected" if rejected else "allowed_warning" if state.five_hour >= 90 else "allowed"
    five = {"utilization": round(state.five_hour / 100, 4), "resetsAt": state.five_hour_resets_at, "status": status}
    week = {"utilization": round(state.week / 100, 4), "resetsAt": state.week_resets_at, "status": "allowed"}
    return {
        "status": status,
        "resetsAt": state.five_hour_resets_at,
        "rateLimitType": "five_hour",
        "isUsingOverage": False,
        "unifiedWindows": {"five_hour": five, "seven_day": week},
    }


def step_usage(step: list[Any], scene: Scene, turn: int) -> Usage:
    """Plausible counts, the same at every demo: a growing cached prompt and an answer as long as its text."""
    each = int(scene.tokens / scene.length)
    written = sum(len(str(part)) for part in step) // 4
    return Usage(input=12, output=60 + written, cache_read=each * (turn - 1) // 2, cache_write=each)


# --- the command line ------------------------------------------------------------------------------------------------


def usage_answer(folder: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to ``get_usage``: percent and ISO times, as the real one."""
    with windows.opened(folder) as state:
        pass
    resets = state.five_hour_resets_at
    limits = {
        "five_hour": {"utilization": state.five_hour, "resets_at": iso(resets) if resets else None},
        "seven_day": {"utilization": state.week, "resets_at": iso(state.week_resets_at)},
        "seven_day_opus": None,
        "seven_day_sonnet": None,
    }
    answer = {
        "session": {"total_cost_usd": 0},
        "subscription_type": "simulated",
        "rate_limits_available": True,
        "rate_limits": limits,
        "behaviors": None,
    }
    response = {"subtype": "success", "request_id": request.get("request_id"), "response": answer}
    return {"type": "control_response", "response": response}


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def control(folder: str) -> int:
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("type") == "control_request" and request.get("request", {}).get("subtype") == "get_usage":
            print(json.dumps(usage_answer(folder, request)), flush=True)
    return 0


def talk_of(folder: str, args: argparse.Namespace, prompt: str) -> Conversation | int:
    """The conversation that was asked for, or the exit code of the refusal."""
    if args.resume:
        known = load(folder, args.resume)
        if known is None:
            text = f"No conversation found with session ID: {args.resume}"
            if args.headless:
                Claude(folder, args.resume).emit(
                    type="result", subtype="error_during_execution", is_error=True, num_turns=0, errors=[text]
                )
            print(text, file=sys.stderr)
        return known or 1
    session_id = args.session_id or str(uuid4())
    if load(folder, session_id) is not None:
        print(f"Error: Session ID {session_id} is already in use.", file=sys.stderr)
        return 1
    named = re.findall(r"scene: ([a-z-]+)", prompt)
    scene = named[-1] if named else "default"
    return Conversation(session_id, scene, attempt=attempts(folder, scene))


def stop(_number: int, _frame: object) -> None:
    sys.exit(EXIT_TERM)


def parse(argv: list[str]) -> argparse.Namespace:
    """What a demo needs of the real program's flags; the others are accepted and left alone, in `rest`."""
    parser = argparse.ArgumentParser(prog="claude", allow_abbrev=False, add_help=False)
    for name in ("--session-id", "--resume", "--output-format", "--input-format", "--settings"):
        parser.add_argument(name, default="")
    for name in ("--version", "--verbose"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("-p", "--print", action="store_true", dest="headless")
    known, rest = parser.parse_known_args(argv)
    known.rest = rest
    return known


def main(folder: str, argv: list[str]) -> int:
    args = parse(argv)
    if args.version:
        print(VERSION)
        return 0
    if args.rest[:2] == ["auth", "status"]:
        print(json.dumps({"loggedIn": True, "authMethod": "simulated", "subscriptionType": "simulated"}))
        return 0
    if args.input_format == "stream-json":
        return control(folder)
    # In a pane the keyboard is the person's, and a first message comes as the last argument.
    prompt = sys.stdin.read() if args.headless else " ".join(args.rest[-1:])
    if args.headless and not prompt.strip():
        print("Error: Input must be provided either through stdin or as a prompt argument", file=sys.stderr)
        return 1
    talk = talk_of(folder, args, prompt)
    if isinstance(talk, int):
        return talk
    with open(f"{HERE}/scenes.json", encoding="utf-8") as file:
        scene = scene_of(json.load(file), talk.scene)
    if args.headless:
        scene.turn(talk, prompt)
    save(folder, talk)
    if not args.headless:
        return sit(talk, scene)
    claude = Claude(folder, talk.session_id, args.settings)
    claude.init()
    return claude.work(talk, scene)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
