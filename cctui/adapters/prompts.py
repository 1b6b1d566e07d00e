"""The words that go to Claude around the task's own: how a run goes on, and what happened since the last leg.

Values in, text out.  What others have written (a check's output, a log) stands in a fence that it cannot close.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cctui.core.retry import DONE_WORD
from cctui.core.runners import SKILL
from cctui.core.world import Part, Runner, Spec, Why

PLUGIN = "/oh-my-claudecode:"
GO_ON = (
    "Continue the task you were working on; do not repeat work that is already complete. "
    "Where the outcome of the last step is unknown, check it first."
)
SINCE: dict[str, str] = {
    Why.LIMIT: "The usage window is open again.",
    Why.LANDED: "You were asked to stop because the usage window was nearly full. It is open again.",
    Why.OUTAGE: "The service answers again after an outage.",
    Why.LOGIN: "The login works again.",
    Why.STALL: "Nothing was heard from you for a long time, so the last step was interrupted.",
    Why.LOST: "The process that you worked in was killed in the middle of a step: its outcome is unknown.",
    Why.GIVEN_BACK: (
        "A person has worked in this conversation and has given it back to you: what was said and done there holds. "
        "Nobody is there to answer questions from now on."
    ),
}
"""What led to a leg → what the conversation is told of it."""
ACCEPTED = "Your plan has been accepted by a person: carry it out now, all of it."
PLAN_ONLY = (
    "Do not change anything yet. Read what you need, then write a plan: what you will change, where, in which order, "
    "how it will be checked, and what could go wrong. Your final message is the whole plan and nothing else; a person "
    "reads it, and you go on in this conversation once it is accepted. If something must be decided by the person, "
    "say so at its top."
)
SAID = "The person whose task this is says to you:"
SUB_AGENTS = "Where parts of the work do not depend on each other, sub-agents may work on them side by side."
FRESH = (
    "This task was begun in an earlier conversation that is gone. Some of it may be done already: look first at what "
    "is there, and do not repeat what is complete."
)


def around(spec: Spec, how: str, part: Part) -> tuple[str, str]:
    """What stands before and behind the task's own prompt in the first message of a conversation."""
    if part is Part.PLAN:
        return "", f"\n\n{PLAN_ONLY}"
    head = f"{PLUGIN}{how.removeprefix(SKILL)} " if how.startswith(SKILL) else ""
    extra = SUB_AGENTS if spec.runner == Runner.PARALLEL and how == Runner.CLAUDE else ""
    behind = [sentence for sentence in (extra, ending(spec, how)) if sentence]
    return head, "".join(f"\n\n{sentence}" for sentence in behind)


def ending(spec: Spec, how: str) -> str:
    """How the work is judged when the turn ends; empty when nothing judges it."""
    if spec.check:
        return (
            "When you end, this command is run in the folder you work in, and the task counts as done only if it exits "
            f"with 0; otherwise its output comes back to you:\n{fenced(spec.check)}"
        )
    if how == Runner.LOOP:
        return (
            f"When everything is done, end your last message with the line `{DONE_WORD}`. Without it you are asked to "
            f"go on, in at most {spec.max_iterations} rounds."
        )
    return ""


def go_on(spec: Spec, how: str, why: str, *, round: int, evidence: str, accepted: bool, first_work: bool) -> str:
    """What a conversation that goes on is told.  `accepted`: its plan has been; `first_work`: until now it planned."""
    if accepted and first_work:
        head = f"{PLUGIN}{how.removeprefix(SKILL)} " if how.startswith(SKILL) else ""
        return "\n\n".join(filter(None, (head + ACCEPTED, SINCE.get(why, ""), ending(spec, how)))) + "\n"
    count = f"round {round} of {spec.max_iterations}"
    match why:
        case Why.CHECK:
            said = f"The check of this task failed ({count}):\n{fenced(evidence)}\n"
            return f"{said}Fix what it shows. It is run again when you end.\n"
        case Why.UNFINISHED:
            ended = f" ({' '.join(evidence.split())[:300]})" if evidence.strip() else ""
            parts = (f"The task is not done yet{ended}; this is {count}. {GO_ON}", ending(spec, how))
            return "\n\n".join(filter(None, parts)) + "\n"
    return f"{SINCE.get(why, 'The interruption is over.')} {GO_ON}\n"


def go_on_planning(why: str) -> str:
    """The same while it plans."""
    return f"{SINCE.get(why, 'The interruption is over.')} {PLAN_ONLY}\n"


def replied(texts: Sequence[str], part: Part, spec: Spec, how: str) -> str:
    """The prompt of a leg that a person's words led to."""
    said = spoken(texts)
    if part is Part.PLAN:
        return f"{said}\n\nMake the plan anew with that in mind. {PLAN_ONLY}\n"
    rest = "Do what follows from that; all else about your task holds, and what is complete is not repeated."
    return "\n\n".join(filter(None, (said, rest, ending(spec, how)))) + "\n"


def spoken(texts: Sequence[str]) -> str:
    """A person's own words.  They stand in no fence: unlike a log they are to be followed."""
    return "\n\n".join((SAID, *texts))


def hand_off(log: str, plan: str) -> str:
    """Behind the whole prompt of a conversation that takes the place of one that is gone."""
    parts = [FRESH]
    if plan:
        parts.append(f"A person has accepted this plan; carry it out:\n{fenced(plan)}")
    if log:
        parts.append(f"The end of what was put out so far:\n{fenced(log)}")
    return "".join(f"\n\n{part}" for part in parts)


def fenced(text: str) -> str:
    """`text` between fences longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.strip()}\n{fence}"
