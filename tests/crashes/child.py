"""What the tasks of the crash matrix run, and how it counts itself: ``PYTHON -I -S child.py ROLE ARGS``.

Every process appends to its task's log when it begins and ends, what it did, and any other process of the same task
that it finds alive: two of one task at a time are thus seen by themselves.  A step of a conversation and the memory
that it was done are one appended line, so a kill cannot come between.  `claude` speaks the stream-json of the real
program as far as a run needs it.  Standard library only.
"""

# ruff: noqa: PTH100, PTH109, PTH110, PTH119, PTH120, PTH123 - no pathlib: some thousands of these are started

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [HERE, os.path.dirname(os.path.dirname(HERE))]

import kill  # type: ignore[import-not-found]  # noqa: E402

PAUSE = 0.04
"""Seconds that one step takes."""
LONG = 15.0
"""Seconds that something works which is to be ended long before."""
WAIT = 0.7
"""Seconds until the simulated limit is over."""
DATED = {"GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": "test@example.invalid"}
SIGNED = {"GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.invalid"}


class Work:
    """One process of a task."""

    def __init__(self, role: str) -> None:
        self.run = os.environ["CCTUI_RUN_DIR"]
        self.leg = os.environ.get("CCTUI_LEG", "1")
        self.task = os.environ["CCTUI_TASK"]
        self.kind = self.task.rpartition("-")[0]
        self.home = os.path.dirname(os.path.dirname(os.path.dirname(self.run)))
        self.path = f"{self.home}/log/{self.task}"
        self.role = role

    def say(self, what: str, **more: Any) -> None:
        """One line, by one write: whole or not there."""
        line = {"what": what, "pid": os.getpid(), "at": time.time(), "role": self.role, "leg": self.leg, **more}
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, json.dumps(line).encode() + b"\n")
        os.close(fd)

    def said(self) -> list[dict[str, Any]]:
        with open(self.path) as file:
            return [json.loads(line) for line in file]

    def begin(self) -> None:
        self.say("start", ticks=kill.ticks(os.getpid()), run=os.path.basename(self.run))
        ended = {line["pid"] for line in self.said() if line["what"] == "end"}
        for line in self.said():
            other = line["what"] == "start" and line["pid"] not in ended and line["pid"] != os.getpid()
            if other and kill.ticks(line["pid"]) == line["ticks"]:
                self.say("overlap", other=line["pid"], other_role=line["role"], other_leg=line["leg"])

    def end(self, code: int = 0) -> int:
        self.say("end", code=code)
        return code

    def did(self, step: str) -> bool:
        return any(line["what"] == "did" and line["step"] == step for line in self.said())

    def do(self, step: str) -> None:
        self.say("did", step=step)

    def kill_runner(self) -> None:
        self.do("killed")
        start = kill.read(f"{self.run}/start-{self.leg}.json")
        os.kill(start["pid"], signal.SIGKILL)
        time.sleep(LONG)
        self.say("unswept")


# --- programs that are not Claude ------------------------------------------------------------------------------------


def shell(work: Work) -> int:
    """Does its one thing, `once`; then what its kind is for."""
    work.begin()
    match work.kind:
        case "treeshell":
            commit(work)
        case "undo" | "back":
            for name in ("tracked", "untracked"):
                with open(name, "a") as file:
                    file.write("changed by the run\n")
    work.do("once")
    match work.kind:
        case "companion":
            limit = time.monotonic() + LONG / 3
            while kill.fired(work.home) is None and time.monotonic() < limit:
                time.sleep(0.01)
        case "stop":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(work.end(143)))
            time.sleep(LONG)
        case "orphanshell":
            work.kill_runner()
        case "attempt":
            time.sleep(PAUSE)
            tries = sum(line["what"] == "did" for line in work.said())
            return work.end(0 if tries > 1 else 1)
        case "undo":
            return work.end(1)
    time.sleep(PAUSE * 3)
    return work.end()


def call() -> dict[str, str]:
    """For `call: job:call`."""
    work = Work("python")
    work.begin()
    work.do("once")
    time.sleep(PAUSE * 2)
    work.end()
    return {"task": work.task}


def check(work: Work) -> int:
    """Fails until the second round of a loop was done."""
    work.begin()
    time.sleep(PAUSE)
    good = work.did("r2" if work.kind == "loop" else "once")
    work.say("did", step="check passed" if good else "check failed")
    return work.end(0 if good else 1)


def setup(work: Work) -> int:
    work.begin()
    work.say("setup")
    return work.end()


def commit(work: Work) -> None:
    """A commit in the folder of the run, once."""
    environ = {**os.environ, **DATED, **SIGNED}
    last = subprocess.run(["git", "log", "-1", "--format=%s"], capture_output=True, text=True, check=True)
    if last.stdout.strip() != work.task:
        with open("work", "w") as file:
            file.write(work.task)
        subprocess.run(["git", "add", "work"], env=environ, check=True)
        subprocess.run(["git", "commit", "-q", "-m", work.task], env=environ, check=True)


# --- Claude ----------------------------------------------------------------------------------------------------------


def claude(argv: list[str]) -> int:
    if "--version" in argv:
        print("2.1.329 (simulated)")
        return 0
    if argv[:2] == ["auth", "status"]:
        print('{"loggedIn": true}')
        return 0
    work = Work("claude")
    work.begin()
    resumes = "--resume" in argv
    session = argv[argv.index("--resume" if resumes else "--session-id") + 1]
    talk = f"{work.home}/talks/{session}"
    if resumes and not os.path.exists(talk):
        text = f"No conversation found with session ID: {session}"
        emit(session, type="result", subtype="error_during_execution", is_error=True, num_turns=0, errors=[text])
        return work.end(1)
    if not resumes:
        try:
            os.close(os.open(talk, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            work.say("session used twice")
            return work.end(1)
    if "-p" not in argv:
        work.do("attended")
        time.sleep(PAUSE * 3)
        return work.end()
    sys.stdin.read()
    emit(session, type="system", subtype="init", model="simulated", cwd=os.getcwd(), tools=["Bash"])
    settings = argv[argv.index("--settings") + 1]
    return work.end(converse(work, session, settings))


def steps(work: Work) -> Iterator[str]:
    """What this leg has to do, if the conversation does not know it as done."""
    leg = kill.read(f"{work.run}/leg-{work.leg}.json") or {}
    match work.kind:
        case "text":
            yield from ("a", "b")
        case "loop":
            yield "r1"
            if work.did("check failed"):
                yield "r2"
        case "tree":
            yield from ("edit", "commit")
        case "plan":
            yield from (("plan",) if leg.get("part") == "plan" else ("w1", "w2"))
        case "limit":
            yield from ("l1", "LIMIT", "l2")
        case "takeover":
            yield from ("h1", "HOLD", "f1")
        case "orphan":
            yield from ("o1", "KILL", "o2")


def converse(work: Work, session: str, settings: str) -> int:
    for step in steps(work):
        match step:
            case "LIMIT":
                if (until := limited(work)) is not None:
                    return refused(session, until)
            case "HOLD":
                if not work.did("attended"):
                    return held(work, session, settings)
            case "KILL":
                if not work.did("killed"):
                    work.kill_runner()
            case _ if not work.did(step):
                time.sleep(PAUSE)
                message(session, f"I do {step}.")
                if step == "commit":
                    commit(work)
                work.do(step)
    message(session, "All is done.")
    return result(session, result="All is done.\nCCTUI-DONE")


def limited(work: Work) -> float | None:
    """When the limit that this task meets once is over; None when it is."""
    path = f"{work.home}/talks/limit-{work.task}"
    if not os.path.exists(path):
        kill.write(path, {"until": time.time() + WAIT})
    until = float((kill.read(path) or {})["until"])
    return until if until > time.time() else None


def refused(session: str, until: float) -> int:
    info = {"status": "rejected", "resetsAt": until, "rateLimitType": "five_hour", "isUsingOverage": False}
    emit(session, type="rate_limit_event", rate_limit_info=info)
    text = "You've hit your 5-hour limit"
    error = {"api_error_status": 429, "api_error": "usage_limit_reached"}
    message(session, text, error="rate_limit", api_error_params={"rate_limit_info": info}, **error)
    return result(session, 1, result=text, is_error=True, terminal_reason="api_error", **error)


def held(work: Work, session: str, settings: str) -> int:
    """Tool calls, each through the run's own hook, until that says that a person takes over."""
    from cctui.demo.tools import ask, call_of

    limit = time.monotonic() + LONG
    while time.monotonic() < limit:
        if ask(settings, call_of(["run", "true"]), session).stop:
            return result(session, result="", terminal_reason="hook_stopped")
        message(session, "I go on.")
        time.sleep(PAUSE)
    work.say("never handed over")
    return 1


def emit(session: str, **event: Any) -> None:
    sys.stdout.write(json.dumps({"session_id": session, **event}) + "\n")
    sys.stdout.flush()


def message(session: str, text: str, **more: Any) -> None:
    said = {"id": f"msg_{time.monotonic_ns()}", "role": "assistant", "model": "simulated"}
    emit(session, type="assistant", message={**said, "content": [{"type": "text", "text": text}]}, **more)


def result(session: str, code: int = 0, **more: Any) -> int:
    usage = {"simulated": {"inputTokens": 10, "outputTokens": 5, "costUSD": 0.001}}
    same = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "terminal_reason": "completed"}
    emit(session, **{**same, "model_usage_since_last_result": usage, **more})
    return code


def main(role: str, argv: list[str]) -> int:
    match role:
        case "claude":
            return claude(argv)
        case "check":
            return check(Work(role))
        case "setup":
            return setup(Work(role))
        case _:
            return shell(Work(role))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
