"""The simulated Claude in a pane: a person who takes a conversation over sees its end, and gives it back with Enter.

It answers nothing and spends nothing: nobody thinks here.  Standard library only.
"""

from __future__ import annotations

import contextlib
import sys

from cctui.demo.talk import Conversation, Scene
from cctui.demo.tools import call_of

SHOWN = 6
"""Messages and tool calls that are shown."""


def sit(talk: Conversation, scene: Scene) -> int:
    """Until Enter, the end of the input, or Ctrl-C; the process's exit code."""
    print("Claude Code, simulated for the cctui demo", end="\n\n")
    for line in end_of(talk, scene):
        print(line)
    print("\nThis is a simulated conversation: nobody would answer you. Enter gives it back.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.readline()
    print("Given back: the run goes on by itself.")
    return 0


def end_of(talk: Conversation, scene: Scene) -> list[str]:
    """What was said and done last."""
    lines: list[str] = []
    for number, steps in enumerate(scene.rounds[: talk.round + 1]):
        done = steps if number < talk.round else steps[: talk.done]
        lines += [f"● {told(step)}" for step in done]
        if len(done) == len(steps):
            lines.append(f"● {scene.answers[number]}")
    return lines[-SHOWN:] or ["● (nothing has been said yet)"]


def told(step: list[str]) -> str:
    if step[0] == "say":
        return step[1]
    call = call_of(step)
    return f"{call.name}({next(iter(call.given.values()))})"
